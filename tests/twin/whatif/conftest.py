"""Small cities of boxes on which the answers are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely

from gis.prisms import PrismColours, extruded
from scenes import Batch, Georeference, Layer, MeshSet, Scene
from scenes.identity import derive_uids
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely import Polygon

SHANGHAI = Georeference.around(121.4737, 31.2304)
CityMaker = "Callable[..., Scene]"


def city_of(
    boxes: Sequence[tuple[Polygon, float]], frame: Georeference = SHANGHAI, per_batch: int = 100, foot_m: float = 0.0
) -> Scene:
    """Return a city of blocks: polygons in local metres, and heights."""
    batches = [_batch(boxes[start : start + per_batch], start, foot_m) for start in range(0, len(boxes), per_batch)]
    return Scene(frame, {"buildings": Layer("buildings", tuple(batches), "buildings")}, name="blocks")


def _batch(boxes: Sequence[tuple[Polygon, float]], first: int, foot_m: float) -> Batch:
    shapes = np.array([shape for shape, _ in boxes], dtype=object)
    heights = np.array([height for _, height in boxes])
    grey = np.full((len(boxes), 4), 200, np.uint8)
    feet = np.full(len(boxes), foot_m)
    mesh = extruded(shapes, feet, feet + heights, PrismColours(grey, grey, grey)).mesh()
    names = [str(first + number) for number in range(len(boxes))]
    table = object_table(
        {
            "uid": derive_uids("blocks", names),
            "kind": ["Building"] * len(boxes),
            "name": [f"block {name}" for name in names],
            "source_id": names,
            "footprint": shapely.to_wkb(shapes),
            "height_m": heights,
            "use": ["dwelling"] * len(boxes),
        },
        {"height_m": "m"},
    )
    return Batch(table, {"1": mesh}).with_bounds()


def with_terrain(scene: Scene, height_m: float, half_m: float = 400.0) -> Scene:
    """Return the scene with a level terrain."""
    corners = [
        [-half_m, -half_m, height_m],
        [half_m, -half_m, height_m],
        [half_m, half_m, height_m],
        [-half_m, half_m, height_m],
    ]
    mesh = MeshSet.of_one(corners, [[0, 1, 2], [0, 2, 3]])
    table = object_table({"uid": derive_uids("blocks", ["ground"]), "kind": ["ReliefFeature"]})
    return scene.with_layer(Layer("terrain", (Batch(table, {"1": mesh}).with_bounds(),), "terrain"))


@pytest.fixture
def four_blocks() -> Scene:
    """Four blocks in two batches."""
    places = [(0, 0), (60, 0), (0, 60), (60, 60)]
    boxes = [(shapely.box(x, y, x + 20, y + 12), 30.0 + x / 10) for x, y in places]
    return city_of(boxes, per_batch=2)
