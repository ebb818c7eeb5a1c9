"""An element that stands in two models is told once, and both stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from scenes.assembly import gather
from scenes.sources import Placement, Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AT = Placement(354_000.0, 3_457_000.0)


def test_an_element_in_two_files_is_reported_once_and_both_are_kept(
    new_house: Callable[..., Any], tmp_path: Path
) -> None:
    house = new_house()
    north = house.wall("North")
    first = house.save(tmp_path / "architecture.ifc")
    house.wall("South", (0.0, 8.0, 0.0))
    second = house.save(tmp_path / "structure.ifc")
    made = gather([Source(str(path), place=AT) for path in (first, second)], crs="EPSG:32651")
    found = {
        outcome.source.title: [each for each in outcome.problems.listed() if each.rule == "element-in-two-files"]
        for outcome in made.outcomes
    }
    assert found["architecture.ifc"] == []
    assert [north.GlobalId in each.message for each in found["structure.ifc"]] == [True]
    assert "architecture.ifc" in found["structure.ifc"][0].message
    assert made.scene is not None
    assert [scene_object.name for scene_object in map(made.scene.__getitem__, made.scene)].count("North") == 2


@pytest.mark.real_data
def test_the_models_of_one_house_coincide(real_data: Path) -> None:
    paths = sorted((real_data / "ifc/federated_schependomlaan").glob("*.ifczip"))
    made = gather([Source(str(path)) for path in paths], keep_going=True)
    assert made.scene is not None
    models = [layer for name, layer in made.scene.layers.items() if not name.endswith("-openings")]
    assert len(models) == len(paths) == 6
    boxes = np.array([layer.bounds() for layer in models])
    assert np.ptp(boxes[:, :2], axis=0).max() < 0.5  # the same corner of the house
    assert (boxes[:, 2] > 19).all()
    assert (boxes[:, 5] < 34).all()
    told = {each.rule for outcome in made.outcomes for each in outcome.problems.listed()}
    assert "element-in-two-files" in told
