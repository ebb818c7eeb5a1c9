"""M values of lines are kept as attributes, and nothing else of the shapes changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from scenes import Georeference
from scenes.loading import LoadContext, loader_for
from scenes.sources import Source

FRAME = Georeference.around(9.7, 50.85)
ROADS = {
    "a": "LINESTRING M (9.70 50.85 1000, 9.701 50.85 1071, 9.702 50.85 1142.5)",
    "b": "LINESTRING ZM (9.70 50.86 120 7, 9.701 50.86 121 8)",
    "c": "LINESTRING (9.70 50.87, 9.701 50.87)",
    "d": "LINESTRING M (9.70 50.88 nan, 9.701 50.88 5)",
}


def load(path: Path) -> dict[str, dict[str, object]]:
    source = Source(str(path), crs="EPSG:4326")
    batches = [batch for _, batch in loader_for(source).load(source, LoadContext(FRAME))]
    return {row["name"]: row for batch in batches for row in batch.table.to_pylist()}


def write(path: Path) -> Path:
    if path.suffix == ".csv":
        path.write_text("name,wkt\n" + "".join(f'{name},"{wkt}"\n' for name, wkt in ROADS.items()))
        return path
    shapes = [shapely.to_wkb(shapely.from_wkt(wkt), flavor="iso") for wkt in ROADS.values()]
    names = [np.array(list(ROADS), object)]
    kind = {"geometry_type": "Unknown", "crs": "EPSG:4326"}
    pyogrio.raw.write(str(path), np.array(shapes, object), names, ["name"], driver="GPKG", **kind)
    return path


@pytest.mark.parametrize("name", ["roads.csv", "roads.gpkg"])
def test_measures_stand_with_their_road(tmp_path: Path, name: str) -> None:
    rows = load(write(tmp_path / name))
    assert (rows["a"]["m_first"], rows["a"]["m_last"]) == (1000.0, 1142.5)
    assert json.loads(str(rows["a"]["m_values"])) == [1000.0, 1071.0, 1142.5]
    assert (rows["b"]["m_first"], rows["b"]["m_last"]) == (7.0, 8.0)
    assert rows["c"]["m_first"] is None
    assert rows["c"]["m_values"] is None
    assert (rows["d"]["m_first"], rows["d"]["m_last"]) == (None, 5.0)
    assert json.loads(str(rows["d"]["m_values"])) == [None, 5.0]
    for row in rows.values():
        footprint = shapely.from_wkb(row["footprint"])
        assert not shapely.has_m(footprint)
        assert shapely.length(footprint) > 60
