"""Areas read straight out of WKB are the same as those that shapely makes of it, and anything odd is left to it."""

from __future__ import annotations

import dataclasses
import struct

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.flatwkb import flat_areas
from gis.meshing import Rings, flat_rings, rings_of
from gis.shapes import Shapes

BOX = shapely.box(0, 0, 4, 3)
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
