"""Plans in the projected system are those that shapely makes, byte for byte."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes import Georeference
from scenes.footprints import footprint_column, projected_footprints
from scenes.schema import BOUNDS
from scenes.store.outlines import outlines

FRAME = Georeference("EPSG:32618", 583_000.25, 4_507_000.1, 12.0)
SQUARE = shapely.box(0.1, 0.2, 10.3, 7.7)
SHAPES = [
    SQUARE,
    shapely.box(-3, -4, 5, 6),
    shapely.Polygon([(0, 0), (9, 0), (9, 9)], holes=[[(6, 1), (8, 1), (8, 3)]]),
    shapely.MultiPolygon([SQUARE, shapely.box(20, 20, 30, 31)]),
    shapely.Point(3, 4),
    shapely.LineString([(0, 0), (5, 5), (1, 7)]),
    shapely.Polygon([(0, 0, 5), (9, 0, 5), (9, 9, 5)]),
    shapely.Point(1, 2, 3),
    shapely.Polygon(),
    None,
]


def table_of(wkb: list[bytes | None], *, placed: bool) -> pa.Table:
    bounds = {name: np.full(len(wkb), float(place) if placed else np.nan) for place, name in enumerate(BOUNDS)}
    return pa.table({"footprint": pa.array(wkb, pa.binary()), **bounds})


def assert_as_shapely(table: pa.Table) -> None:
    wanted = projected_footprints(table, FRAME)
    found = outlines(table, FRAME)
    assert found.column.equals(footprint_column(wanted))
    assert np.array_equal(found.boxes, shapely.bounds(wanted), equal_nan=True)
    kinds = {f"{shape.geom_type}{' Z' if shape.has_z else ''}" for shape in wanted if shape is not None}
    assert found.types == sorted(kinds)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(SHAPES), max_size=12), st.booleans(), st.integers(0, 3))
def test_any_mixture_of_plans_is_moved_as_shapely_moves_it(
    shapes: list[shapely.Geometry | None], placed: bool, skipped: int
) -> None:
    wkb = [None if shape is None else shapely.to_wkb(shape, flavor="iso") for shape in shapes]
    table = table_of(wkb, placed=placed)
    assert_as_shapely(table)
    assert_as_shapely(table.slice(skipped))  # offsets that do not begin at 0


def test_plans_of_another_byte_order_or_flavour_are_moved_too() -> None:
    wkb = [shapely.to_wkb(SQUARE, byte_order=0), shapely.to_wkb(SHAPES[6]), shapely.to_wkb(SQUARE)]
    assert_as_shapely(table_of(wkb, placed=False))


def test_simple_plans_tell_their_bounds() -> None:
    found = outlines(table_of([shapely.to_wkb(SQUARE)] * 3, placed=False), FRAME)
    assert found.types == ["Polygon"]
    assert np.allclose(found.boxes, [[583_000.35, 4_507_000.3, 583_010.55, 4_507_007.8]] * 3, atol=1e-6, rtol=0)
