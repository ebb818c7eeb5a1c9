"""Scenes as VTK data, and pictures without a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scenes import CityTwinError, Georeference, Scene
from twin.view.pyvista_scene import render, to_pyvista


def test_cells_carry_the_handle_of_their_object(little_city: Scene) -> None:
    block = to_pyvista(little_city)["buildings"]
    assert block.n_cells == 72
    assert sorted(set(block.cell_data["handle"].tolist())) == list(range(6))
    assert block.bounds[5] == pytest.approx(95.0)


def test_an_attribute_changes_the_picture(little_city: Scene, tmp_path: Path) -> None:
    plain = np.asarray(Image.open(render(little_city, tmp_path / "plain.png", size=(320, 180))).convert("RGB"))
    coloured = render(little_city, tmp_path / "height.png", field="height_m", size=(320, 180))
    assert plain.shape == (180, 320, 3)
    assert plain.std() > 5
    assert np.abs(plain.astype(int) - np.asarray(Image.open(coloured).convert("RGB"))).max() > 60


def test_nothing_to_draw_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CityTwinError, match="there is nothing to draw"):
        render(Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0)), tmp_path / "empty.png")
    assert not (tmp_path / "empty.png").exists()


def test_a_picture_needs_a_picture_format(little_city: Scene, tmp_path: Path) -> None:
    with pytest.raises(CityTwinError, match=r"name a \.png or \.jpg file"):
        render(little_city, tmp_path / "city.docx")
