"""Fixtures for the tests of the running twin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from scenes import Batch, Georeference, Layer, MeshSet, Scene
from scenes.schema import object_table

CityOf = Callable[[int], Scene]


@pytest.fixture(scope="session")
def city_of() -> CityOf:
    """Make a city of some buildings, 20 m apart, with uids ``urn:uuid:0`` and so on."""
    return _city_of


def _city_of(count: int) -> Scene:
    corners = np.array([[0, 0, 0], [10, 0, 0], [10, 10, 8], [0, 10, 8]], np.float32)
    east = np.repeat(np.arange(count, dtype=np.float32) * 20.0, 4)
    positions = np.tile(corners, (count, 1)) + np.column_stack([east, np.zeros((4 * count, 2), np.float32)])
    quads = np.array([[0, 1, 2], [0, 2, 3]], np.uint32)
    triangles = (np.arange(count, dtype=np.uint32)[:, None, None] * 4 + quads).reshape(-1, 3)
    rows = np.arange(count, dtype=np.uint32)
    starts = np.arange(count + 1, dtype=np.uint32)
    mesh = MeshSet(np.zeros(3), positions.astype(np.float32), triangles, rows, 4 * starts, 2 * starts)
    table = object_table(
        {
            "uid": [f"urn:uuid:{number}" for number in range(count)],
            "kind": ["Building"] * count,
            "name": [f"House {number}" for number in range(count)],
            "source_id": [f"source-{number}" for number in range(count)],
            "height_m": [8.0] * count,
        },
        {"height_m": "m"},
    )
    aliases = pa.table(
        {
            "scheme": ["gml:id", "block", "block"][: 3 if count > 4 else 0],
            "value": ["g4", "north", "north"][: 3 if count > 4 else 0],
            "row": pa.array([4, 0, 1][: 3 if count > 4 else 0], pa.uint32()),
        },
        schema=pa.schema([("scheme", pa.string()), ("value", pa.string()), ("row", pa.uint32())]),
    )
    batch = Batch(table, {"1": mesh}, aliases).with_bounds()
    frame = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
    return Scene(frame, {"buildings": Layer("buildings", (batch,), "buildings")}, name="test city")
