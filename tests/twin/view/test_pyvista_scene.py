"""Scenes as VTK data, and pictures without a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scenes import Batch, CityTwinError, Georeference, Layer, MeshSet, Scene
from scenes.pictures import Picture
from scenes.schema import object_table
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


def test_images_are_drawn_the_right_way_round_and_fields_paint_over_them(tmp_path: Path) -> None:
    pixels = np.full((32, 32, 3), [40, 60, 220], np.uint8)
    pixels[:16, :16] = [220, 40, 40]  # the upper left quarter: north-west
    mesh = MeshSet.of_one([[0, 0, 0], [90, 0, 0], [90, 90, 0], [0, 90, 0]], [[0, 1, 2], [0, 2, 3]])
    mesh = mesh.textured([[0, 1], [1, 1], [1, 0], [0, 0]], 0, [Picture.of_pixels(pixels)])
    table = object_table({"uid": ["g"], "kind": ["ReliefFeature"], "height_m": [3.0]}, {"height_m": "m"})
    layers = {"ground": Layer("ground", (Batch(table, {"1": mesh}).with_bounds(),), "terrain")}
    scene = Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), layers)
    above = (45.0, 44.9, 200.0, 45.0, 45.0, 0.0)
    plain, painted = (
        np.asarray(Image.open(render(scene, tmp_path / f"{n}.png", camera=above, field=field, size=(200, 200))))
        for n, field in enumerate(("", "height_m"))
    )
    red, blue = plain[80, 80].astype(int), plain[120, 120].astype(int)
    assert red[0] > 2 * red[2]
    assert blue[2] > 2 * blue[0]
    assert np.abs(painted[80, 80].astype(int) - painted[120, 120]).max() < 8
