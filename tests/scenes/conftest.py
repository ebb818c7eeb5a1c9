"""Small cities of boxes that the tests of the ground floor share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
import shapely

from scenes import Batch, Georeference, Layer, MeshSet, Scene
from scenes.identity import derive_uids
from scenes.model import ALIASES
from scenes.schema import object_table

BoxMaker = Callable[..., Batch]

_CORNERS = np.array(
    [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]], dtype=np.float64
)
_FACES = np.array(
    [
        [0, 2, 1],
        [0, 3, 2],
        [4, 5, 6],
        [4, 6, 7],
        [0, 1, 5],
        [0, 5, 4],
        [1, 2, 6],
        [1, 6, 5],
        [2, 3, 7],
        [2, 7, 6],
        [3, 0, 4],
        [3, 4, 7],
    ]
)


def box_batch(count: int, first: int = 0, dataset: str = "boxes") -> Batch:
    """Return boxes of 10 by 10 m and 10, 11, 12 ... m height, 20 m apart along x."""
    x = (np.arange(count) + first) * 20.0
    heights = 10.0 + np.arange(count) + first
    size = np.column_stack([np.full(count, 10.0), np.full(count, 10.0), heights])
    positions = _CORNERS[None] * size[:, None] + np.column_stack([x, x * 0, x * 0])[:, None]
    faces = np.tile(_FACES, (count, 1)) + np.repeat(np.arange(count) * 8, 12)[:, None]
    starts = np.arange(count + 1) * 8, np.arange(count + 1) * 12
    mesh = MeshSet.from_flat(positions.reshape(-1, 3), faces, np.arange(count), starts)
    ids = [f"way/{number}" for number in range(first, first + count)]
    uids = derive_uids(dataset, ids)
    table = object_table(
        {
            "uid": uids,
            "kind": ["Building"] * count,
            "name": [f"House {number}" for number in range(first, first + count)],
            "source_id": ids,
            "footprint": shapely.to_wkb(shapely.box(x, 0.0, x + 10.0, 10.0)),
            "height_m": heights,
            "use": ["home" if number % 2 else "shop" for number in range(first, first + count)],
            "listed": [number % 3 == 0 for number in range(first, first + count)],
            "properties": [f'{{"Pset_Wall": {{"Fire": "F{number % 2}"}}}}' for number in range(first, first + count)],
        },
        {"height_m": "m"},
    )
    rows = np.arange(count, dtype=np.uint32)
    aliases = pa.table([["osm"] * count, [str(number + first) for number in range(count)], rows], schema=ALIASES)
    return Batch(table, {"1": mesh}, aliases).with_bounds()


@pytest.fixture(scope="session")
def boxes() -> BoxMaker:
    """Makes batches of boxes: ``boxes(count, first=0, dataset="boxes")``."""
    return box_batch


@pytest.fixture
def frame() -> Georeference:
    """A frame in Shanghai."""
    return Georeference("EPSG:32651", 354_000.0, 3_457_000.0, 4.0, "EPSG:5703")


@pytest.fixture
def city(frame: Georeference) -> Scene:
    """Two layers: 30 buildings in two batches, and 5 stops that are points without a mesh."""
    buildings = Layer(
        "buildings", (box_batch(20), box_batch(10, first=20)), "buildings", {"en": "Buildings", "zh": "建筑"}, "boxes"
    )
    stops = object_table(
        {
            "uid": derive_uids("stops", [str(number) for number in range(5)]),
            "kind": ["PointOfInterest"] * 5,
            "name": ["Quay", "外滩", None, "O'Hara", "50 %"],
            "footprint": shapely.to_wkb(shapely.points(np.arange(5) * 40.0, 5.0)),
            "lines": [3, None, 1, 7, 0],
        }
    )
    layers = {"buildings": buildings, "stops": Layer("stops", (Batch(stops),), "points")}
    return Scene(frame, layers, name="test", metadata={"sources": ["boxes.geojson"]})
