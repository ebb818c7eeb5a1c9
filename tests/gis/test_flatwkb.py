"""Areas read straight out of WKB are the same as those that shapely makes of it, and anything odd is left to it."""

from __future__ import annotations

import dataclasses
import struct
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.flatwkb import flat_areas
from gis.meshing import Rings, flat_rings, rings_of
from gis.placing import areas_to_local, to_local
from gis.shapes import Shapes
from gis.vector import VectorLoader
from scenes import Georeference, Problems
from scenes.errors import GeoreferenceError
from scenes.loading import LoadContext
from scenes.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

BOX = shapely.box(0, 0, 4, 3)
_TOLD = ["uid", "kind", "source_id", "min_x", "max_y", "max_z", "footprint", "height_m", "height_source"]
HOLED = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(1, 1), (2, 1), (2, 2)], [(4, 4), (4, 6), (6, 6), (6, 4)]])


def packed(*shapes: shapely.Geometry) -> pa.Array:
    return pa.array(shapely.to_wkb(list(shapes)), pa.binary())


def same(one: Rings, two: Rings) -> bool:
    pairs = [(getattr(one, field.name), getattr(two, field.name)) for field in dataclasses.fields(Rings)]
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)


@st.composite
def areas(draw: st.DrawFn) -> shapely.Geometry:
    """A star, its ring running either way, with or without a hole, alone or one of several."""
    parts = []
    for number in range(draw(st.integers(1, 3))):
        radii = np.array(draw(st.lists(st.floats(20, 60), min_size=3, max_size=12)))
        turns = np.linspace(0, 2 * np.pi, len(radii), endpoint=False) * draw(st.sampled_from([1, -1]))
        middle = np.array([500_000.0 + 200 * number, 4_500_000.0])
        star = np.column_stack([np.cos(turns), np.sin(turns)])
        holes = [middle + 0.05 * star * radii[:, None]] if draw(st.booleans()) else []
        parts.append(shapely.Polygon(middle + star * radii[:, None], holes))
    parts = [part for part in parts if part.is_valid] or [BOX]
    return parts[0] if len(parts) == 1 and draw(st.booleans()) else shapely.MultiPolygon(parts)


@settings(deadline=None)
@given(st.lists(areas(), min_size=1, max_size=8))
def test_rings_are_those_of_the_geometries(shapes: list[shapely.Geometry]) -> None:
    flat = flat_areas(packed(*shapes))
    assert flat is not None
    assert np.array_equal(flat.points, shapely.get_coordinates(shapes))
    rings = flat_rings(flat)
    assert rings is not None
    assert same(rings, rings_of(np.array(shapes, object)))


@settings(deadline=None)
@given(st.lists(areas(), min_size=1, max_size=4))
def test_moved_areas_are_those_that_shapely_moves(shapes: list[shapely.Geometry]) -> None:
    flat = flat_areas(packed(*shapes))
    assert flat is not None
    moved = flat.moved(flat.points - [500_000.0, 4_500_000.0])
    by_shapely = shapely.transform(np.array(shapes, object), lambda points: points - [500_000.0, 4_500_000.0])
    assert moved.to_pylist() == shapely.to_wkb(by_shapely).tolist()
    assert flat.moved(flat.points).to_pylist() == shapely.to_wkb(shapes).tolist()  # nothing was changed in place


def test_a_slice_of_a_large_column_is_read_from_where_it_begins() -> None:
    column = pa.array(
        shapely.to_wkb([BOX, HOLED, shapely.MultiPolygon([BOX, shapely.box(7, 7, 8, 8)])]), pa.large_binary()
    )
    flat = flat_areas(column.slice(1))
    assert flat is not None
    assert flat.sizes.tolist() == [5, 4, 5, 5, 5]
    assert flat.rings_each.tolist() == [3, 1, 1]
    assert flat.rows.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        shapely.to_wkb(shapely.Point(1, 2)),
        shapely.to_wkb(shapely.Polygon()),
        shapely.to_wkb(shapely.MultiPolygon()),
        shapely.to_wkb(shapely.multipolygons([BOX, shapely.Polygon()])),
        shapely.to_wkb(shapely.force_3d(BOX)),
        shapely.to_wkb(BOX, byte_order=0),
        shapely.to_wkb(shapely.set_srid(BOX, 4326), include_srid=True),
        shapely.to_wkb(shapely.GeometryCollection([BOX])),
        shapely.to_wkb(BOX)[:-3],
        shapely.to_wkb(BOX) + b"\0",
        shapely.to_wkb(BOX)[:9],
        b"",
        struct.pack("<BIII6d", 1, 3, 1, 3, 0, 0, 1, 0, 0, 0),
        struct.pack("<BIII8d", 1, 3, 1, 4, 0, 0, 1, 0, 1, 1, 5, 5),
        struct.pack("<BIII8d", 1, 3, 1, 4, 0, 0, 1, 0, float("nan"), 1, 0, 0),
        struct.pack("<BIII8d", 1, 3, 1, 0xFFFFFFFF, 0, 0, 1, 0, 1, 1, 0, 0),
        struct.pack("<BIII8d", 1, 3, 0xFFFFFFFF, 4, 0, 0, 1, 0, 1, 1, 0, 0),
        struct.pack("<BII8d", 1, 6, 0xFFFFFFFF, 0, 0, 1, 0, 1, 1, 0, 0),
    ],
)
def test_what_is_no_plain_area_is_left_to_shapely(odd: bytes | None) -> None:
    good = shapely.to_wkb(BOX)
    for column in ([odd], [good, odd], [odd, good]):
        assert flat_areas(pa.array(column, pa.binary())) is None


def test_a_sliver_that_may_turn_either_way_is_left_to_shapely() -> None:
    sliver = shapely.Polygon([(0, 0), (1e6, 0), (1e6, 1e-5)])
    flat = flat_areas(packed(BOX, sliver))
    assert flat is not None
    assert flat_rings(flat) is None
    both = Shapes(wkb=packed(BOX, sliver))
    assert same(both.rings(), rings_of(np.array([BOX, sliver], object)))


def test_shapes_travel_and_are_taken_whichever_way_they_are_kept() -> None:
    kept = [Shapes([BOX, HOLED]), Shapes(wkb=packed(BOX, HOLED)), Shapes([BOX, HOLED], packed(BOX, HOLED))]
    for shapes in kept:
        assert len(shapes) == 2
        assert shapes.take(np.array([1, 0])).geometry.tolist() == [HOLED, BOX]
        assert shapes.take(np.array([1])).wkb.to_pylist() == [shapely.to_wkb(HOLED)]
        assert same(shapes.rings(), rings_of(np.array([BOX, HOLED], object)))
    with pytest.raises(ValueError, match="need geometries or their WKB"):
        Shapes()


@pytest.mark.parametrize(("middle", "crs"), [((-74.0, 40.7), "EPSG:32618"), ((179.99, -17.0), "EPSG:3832")])
def test_areas_are_moved_as_geometries_are_also_across_the_antimeridian(middle: tuple[float, float], crs: str) -> None:
    context = LoadContext(Georeference.around(*middle, crs))
    shapes = shapely.transform(np.array([BOX, HOLED], object), lambda points: _beside(points, middle))
    flat = flat_areas(packed(*shapes))
    assert flat is not None
    source = Source("town.parquet")
    local = areas_to_local(flat, "EPSG:4326", source, context)
    assert local.to_pylist() == shapely.to_wkb(to_local(shapes, "EPSG:4326", source, context)).tolist()
    assert np.abs(shapely.total_bounds(shapely.from_wkb(local.to_pylist()))).max() < 5_000


def test_areas_outside_their_system_are_refused_as_geometries_are() -> None:
    flat = flat_areas(packed(shapely.box(500, 500, 501, 501)))
    assert flat is not None
    with pytest.raises(GeoreferenceError, match="not degrees"):
        areas_to_local(flat, "EPSG:4326", Source("town.parquet"), LoadContext(Georeference.around(0, 0, "EPSG:32631")))


def test_changed_shapes_keep_the_bytes_of_those_that_stay() -> None:
    old = Shapes(wkb=packed(BOX, HOLED, BOX))
    assert old.changed(old.geometry) is old
    geometry = old.geometry.copy()
    geometry[1] = shapely.Point(1, 2)
    changed = old.changed(geometry)
    assert changed.wkb.to_pylist() == shapely.to_wkb([BOX, shapely.Point(1, 2), BOX]).tolist()
    assert changed.geometry is geometry


def test_a_map_of_areas_alone_is_read_as_one_with_other_shapes_too(tmp_path: Path) -> None:
    places = np.array([BOX, HOLED, shapely.MultiPolygon([shapely.box(9, 9, 9.5, 9.5)]), BOX], object)
    shapes = shapely.transform(places, lambda points: _beside(points, (-74.0, 40.7)))
    attributes = {"id": ["a", "b", "b", "d"], "height": [5.0, 6.0, 7.0, 5.0], "kind": ["building"] * 4}
    found = []
    for name, more in (("areas", []), ("mixed", [shapely.Point(-74.0, 40.7)])):
        frame = gpd.GeoDataFrame(attributes, geometry=shapes, crs="EPSG:4326")
        extra = gpd.GeoDataFrame(
            {"id": ["p"] * len(more), "kind": ["station"] * len(more)}, geometry=more, crs="EPSG:4326"
        )
        folder = tmp_path / name
        folder.mkdir()
        pd.concat([frame, extra] if more else [frame]).to_parquet(folder / "town.parquet")
        source = Source(str(folder / "town.parquet"))
        problems = Problems()
        context = LoadContext(Georeference.around(-74.0, 40.7, "EPSG:32618"), problems=problems)
        batches = [batch for layer, batch in VectorLoader().load(source, context) if layer.name == "buildings"]
        table = batches[0].with_bounds().table
        found.append(
            (table.select(_TOLD).to_pydict(), [problem for problem in problems.listed() if problem.rule == "duplicate"])
        )
    assert found[0] == found[1]
    assert len(found[0][0]["uid"]) == 3
    assert len(found[0][1]) == 1


def _beside(points: NDArray[np.float64], middle: tuple[float, float]) -> NDArray[np.float64]:
    """Return points some hundred metres around a place, in degrees within 180."""
    lon = middle[0] + (points[:, 0] - 4) * 1e-3 * 2
    return np.column_stack([(lon + 180) % 360 - 180, middle[1] + points[:, 1] * 1e-3])


def test_ids_that_stand_among_tags_are_learned_from_areas_too(tmp_path: Path) -> None:
    shapes = [shapely.box(n * 1e-3, 0, n * 1e-3 + 5e-4, 5e-4) for n in range(6)]
    tags = [[("building", "yes"), ("osm_id", text)] for text in ("a", "b", "c", "a", "d", "e")]
    frame = gpd.GeoDataFrame({"tags": tags}, geometry=shapes, crs="EPSG:4326")
    frame.to_parquet(tmp_path / "town.parquet")
    context = LoadContext(Georeference.around(0.0, 0.0, "EPSG:32631"))
    batches = [batch for _, batch in VectorLoader(window_rows=2).load(Source(str(tmp_path / "town.parquet")), context)]
    found = [text for batch in batches for text in batch.table["source_id"].to_pylist()]
    assert len(set(found)) == 6
    assert sum(text.startswith("a~") for text in found) == 2  # told apart by their shapes, though windows lie between


def test_areas_without_any_attribute_are_read(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        geometry=[shapely.box(0, 0, 5e-4, 5e-4), shapely.box(1e-3, 0, 2e-3, 5e-4)], crs="EPSG:4326"
    )
    context = LoadContext(Georeference.around(0.0, 0.0, "EPSG:32631"))
    frame.to_parquet(tmp_path / "plots.parquet")
    frame.to_file(tmp_path / "plots.fgb")
    for name in ("plots.parquet", "plots.fgb"):
        batches = [batch for _, batch in VectorLoader().load(Source(str(tmp_path / name)), context)]
        assert sum(map(len, batches)) == 2
