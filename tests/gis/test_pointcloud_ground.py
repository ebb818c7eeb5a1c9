from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gis
from gis import pointcloud_ground
from gis.pointcloud_ground import CellHeights, filled
from tests.gis import clouds


def meadow(count: int = 30_000, *, classified: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return a plane with a hall in the middle and trees, and the classes."""
    random = np.random.default_rng(3)
    plan = random.uniform(0, 200, (count, 2))
    z, classes = 10 + 0.05 * plan[:, 0], np.full(count, 2, np.uint8)
    hall = (np.abs(plan - 100) < 6).all(axis=1)
    z[hall] += 12
    classes[hall] = 6
    tree = random.random(count) < 0.1
    z[tree] += 8
    classes[tree] = 5
    return np.column_stack([plan + np.array([clouds.EAST, clouds.NORTH]), z]), classes * classified


@pytest.mark.parametrize("classified", [True, False])
def test_the_ground_below_houses_and_trees_is_the_plane(tmp_path: Path, classified: bool) -> None:
    xyz, classes = meadow(classified=classified)
    path = clouds.write_las(tmp_path / "a.las", xyz, classification=classes)
    scene = gis.read(path, layer="terrain")
    layer = scene.layers["terrain"]
    assert layer.theme == "terrain"
    mesh = layer.batches[0].finest()
    assert mesh is not None
    frame = scene.georeference
    shift = np.array([frame.easting_m - clouds.EAST, frame.northing_m - clouds.NORTH, 0.0])
    inside = mesh.positions_m + shift
    inside = inside[((inside[:, :2] > 5) & (inside[:, :2] < 195)).all(axis=1)]
    off = inside[:, 2] - (10 + 0.05 * inside[:, 0])
    assert np.abs(np.median(off)) < 0.25
    if classified:
        assert np.abs(off).max() < 0.3


def test_maps_stand_on_the_ground_of_a_cloud(tmp_path: Path) -> None:
    import json

    from scenes.assembly import assemble
    from scenes.sources import Source

    xyz, classes = meadow()
    path = clouds.write_las(tmp_path / "a.las", xyz, classification=classes)
    ring = [[clouds.EAST + 150 + x, clouds.NORTH + 50 + y] for x, y in ((0, 0), (10, 0), (10, 10), (0, 10), (0, 0))]
    feature = {"type": "Feature", "properties": {"height": 9}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32651"}}
    (tmp_path / "buildings.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]})
    )
    scene = assemble([Source(str(tmp_path / "buildings.geojson")), Source(str(path), layer="terrain")])
    bounds = scene.layers["buildings"].bounds()
    assert bounds is not None
    assert bounds[2] == pytest.approx(10 + 0.05 * 150, abs=0.2)


@given(st.integers(1, 8), st.integers(1, 8), st.data())
def test_filling_keeps_what_is_known_and_stays_within_it(rows: int, columns: int, data: st.DataObject) -> None:
    value = st.one_of(st.just(float("nan")), st.floats(-100, 100))
    z = np.array([[data.draw(value) for _ in range(columns)] for _ in range(rows)])
    found = filled(z)
    known = np.isfinite(z)
    np.testing.assert_array_equal(found[known], z[known])
    if known.any():
        assert np.isfinite(found).all()
        assert found.min() >= z[known].min() - 1e-9
        assert found.max() <= z[known].max() + 1e-9


def test_cells_are_coarsened_without_losing_a_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pointcloud_ground, "_MOST_CELLS", 50)
    random = np.random.default_rng(5)
    cells = CellHeights.empty()
    parts = [random.uniform(-80, 80, (400, 3)) for _ in range(4)]
    for part in parts:
        cells = cells.added(part)
    every = np.concatenate(parts)
    assert len(cells.keys) <= 50
    assert cells.counts.sum() == len(every)
    assert cells.sums.sum() == pytest.approx(every[:, 2].sum())
    assert cells.lows.min() == every[:, 2].min()
    row, column = cells.extent()
    assert {tuple(pair) for pair in np.floor(every[:, 1::-1] / cells.step_m).astype(int).tolist()} == set(
        zip(row.tolist(), column.tolist(), strict=True)
    )
