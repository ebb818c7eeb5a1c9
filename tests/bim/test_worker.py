"""Whatever a file does to the IFC library, this process lives on and the rest of the model is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import bim
from bim.supervisor import Limits
from scenes import LoadError
from scenes.sources import Placement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLACE = {"crs": "EPSG:32651", "place": Placement(354_000.0, 3_457_000.0)}


def kinds_with_shape(scene: Any) -> list[str]:
    return sorted(scene[uid].name for uid in scene if scene[uid].mesh() and scene[uid].mesh().triangle_count)


def test_a_product_that_breaks_the_library_is_left_out_and_named(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    house.wall("Good", (0.0, 0.0, 0.0))
    bad = house.wall("Bad", (0.0, 5.0, 0.0))
    house.wall("Also good", (0.0, 9.0, 0.0))
    bad.ObjectPlacement.PlacementRelTo = bad.ObjectPlacement  # a placement relative to itself
    scene = bim.read(house.save(tmp_path / "house.ifc"), limits=Limits(product_s=5.0), **PLACE)
    assert kinds_with_shape(scene) == ["Also good", "Good"]
    left_out = [problem for problem in scene.metadata["problems"] if problem["rule"] == "shape-left-out"]
    assert [problem["object"] for problem in left_out] == [bad.GlobalId]
    assert left_out[0]["message"].startswith(f"Bad (#{bad.id()}): left out because it ")


def test_a_shape_absurdly_far_from_the_rest_is_left_out_and_named(
    new_house: Callable[..., Any], tmp_path: Path
) -> None:
    house = new_house()
    for number in range(12):
        house.wall(f"Wall {number}", (0.0, 3.0 * number, 0.0))
    far = house.wall("Far", (9e6, 0.0, 0.0))
    scene = bim.read(house.save(tmp_path / "house.ifc"), **PLACE)
    assert len(kinds_with_shape(scene)) == 12
    told = [problem for problem in scene.metadata["problems"] if problem["rule"] == "shape-stray"]
    assert [problem["object"] for problem in told] == [far.GlobalId]
    assert "9000 km away" in told[0]["message"]
    low, high = scene.bounds()[0], scene.bounds()[3]  # type: ignore[index]
    assert high - low < 10


def test_several_workers_give_what_one_gives(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    for number in range(5):
        house.wall(f"Wall {number}", (0.0, 3.0 * number, 0.0))
    path = house.save(tmp_path / "house.ifc")
    one, three = (bim.read(path, limits=Limits(workers=count), **PLACE) for count in (1, 3))
    assert [layer.table for layer in one.layers.values()] == [layer.table for layer in three.layers.values()]
    assert [layer.triangle_count for layer in one.layers.values()] == [
        layer.triangle_count for layer in three.layers.values()
    ]


def test_too_little_memory_ends_in_one_sentence(new_house: Callable[..., Any], tmp_path: Path) -> None:
    path = new_house().save(tmp_path / "house.ifc")
    with pytest.raises(LoadError, match=r"house\.ifc: the IFC library .* while it reads the file; ") as caught:
        bim.read(path, limits=Limits(memory_bytes=120 << 20), **PLACE)
    assert "\n" not in str(caught.value)


def test_the_time_for_the_whole_file_is_kept(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    wall = house.wall("Wall")
    wall.ObjectPlacement.PlacementRelTo = wall.ObjectPlacement
    scene = bim.read(house.save(tmp_path / "house.ifc"), limits=Limits(product_s=3.0, total_s=4.0), **PLACE)
    assert kinds_with_shape(scene) == []
    assert "shape-left-out" in {problem["rule"] for problem in scene.metadata["problems"]}


def test_progress_ends_at_one(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    house.wall("Wall")
    heard: list[float] = []
    bim.read(house.save(tmp_path / "h.ifc"), progress=lambda _text, share: heard.append(share), **PLACE)
    assert heard
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
