"""A map in any order becomes batches of neighbours, and every object stays what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.ordering import hilbert_codes
from gis.vector import VectorLoader
from scenes import Georeference
from scenes.loading import LoadContext
from scenes.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

    from scenes.model import Batch

FRAME = Georeference("EPSG:32651", 357_000.0, 3_457_000.0)
COUNT = 900


@pytest.fixture
def town(tmp_path: Path) -> Source:
    random = np.random.default_rng(3)
    place = random.permutation(COUNT)
    x, y = 357_000.0 + place % 30 * 40.0, 3_457_000.0 + place // 30 * 40.0
    columns = {
        "id": place,
        "height": [str(round(5.0 + n % 40 / 3, 2)) if n % 7 else None for n in place],
        "use": [None if n % 5 == 0 else f"use {n}" for n in place],
        "size": random.normal(size=COUNT),
    }
    path = tmp_path / "buildings.gpkg"
    gpd.GeoDataFrame(columns, geometry=shapely.box(x, y, x + 12.0, y + 9.0), crs=32651).to_file(path)
    return Source(str(path))


@pytest.fixture
def streets(tmp_path: Path) -> Source:
    random = np.random.default_rng(4)
    place = random.permutation(COUNT)
    x, y = 357_000.0 + place % 30 * 40.0, 3_457_000.0 + place // 30 * 40.0
    lines = shapely.linestrings(np.stack([np.column_stack([x, y]), np.column_stack([x + 30, y + 3])], axis=1))
    columns = {
        "osm_id": place,
        "highway": np.where(place % 3, "primary", "footway"),
        "width": [None if n % 4 else n / 100 + 1.5 for n in place],
        "lanes": place % 5,
        "bridge": np.where(place % 6, "no", "yes"),
        "tunnel": place % 11 == 0,
    }
    path = tmp_path / "roads.gpkg"
    gpd.GeoDataFrame(columns, geometry=lines, crs=32651).to_file(path)
    return Source(str(path))


def _batches(source: Source, window_rows: int) -> list[Batch]:
    return [batch for _, batch in VectorLoader(window_rows).load(source, LoadContext(FRAME))]


def _objects(batches: list[Batch]) -> dict[str, tuple[dict[str, object], list[str], int, list[float]]]:
    """Return for each uid its cells, its other names, its triangles, and its corners with the area of all triangles."""
    found = {}
    for batch in batches:
        mesh = batch.finest()
        assert mesh is not None
        for row, cells in enumerate(batch.table.to_pylist()):
            part = mesh.take([row])
            names = [alias["value"] for alias in batch.aliases.to_pylist() if alias["row"] == row]
            sizes = [*part.positions_m.min(axis=0), *part.positions_m.max(axis=0), part.area_m2()]
            found[cells["uid"]] = (cells, names, part.triangle_count, sizes)
    return found


@pytest.mark.parametrize("layer", ["town", "streets"])
def test_windows_change_nothing_but_the_order(layer: str, request: pytest.FixtureRequest) -> None:
    source = request.getfixturevalue(layer)
    whole, parts = _objects(_batches(source, 10_000)), _objects(_batches(source, 100))
    assert len(whole) == COUNT
    assert parts.keys() == whole.keys()
    for uid, mine in parts.items():
        assert mine[:3] == whole[uid][:3]
        assert mine[3] == pytest.approx(whole[uid][3], abs=0.02)  # single floats count from another centre


def test_each_batch_covers_a_small_part_of_the_map(town: Source) -> None:
    batches = _batches(town, 100)
    assert [len(batch) for batch in batches] == [100] * 9
    areas = []
    for batch in batches:
        mesh = batch.finest()
        assert mesh is not None
        areas.append(float(np.prod(np.ptp(mesh.positions_m[:, :2], axis=0))))
    everything = (29 * 40.0 + 12.0) * (29 * 40.0 + 9.0)
    assert max(areas) < everything / 3  # in the order of the file each would cover nearly all of it
    assert sum(areas) < everything * 1.8


@given(st.lists(st.tuples(st.floats(-2e5, 2e5), st.floats(-2e5, 2e5)), min_size=2, max_size=50))
def test_places_within_a_metre_share_a_code_and_others_do_not(places: list[tuple[float, float]]) -> None:
    x, y = np.array(places).T
    codes = hilbert_codes(x, y)
    cells = [tuple(np.clip(np.floor(place), -(1 << 17), (1 << 17) - 1)) for place in places]
    assert len(set(codes.tolist())) == len(set(cells))
