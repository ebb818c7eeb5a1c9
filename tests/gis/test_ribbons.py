from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.draping import draped, level
from gis.ground import GridGround, MosaicGround, ground_z
from gis.ribbons import ribbons

GREY = np.full((1, 4), 200, np.uint8)
AXIS = np.linspace(-200, 200, 81)
X, Y = np.meshgrid(AXIS, AXIS)
HILLS = GridGround(AXIS, AXIS, 5 * np.sin(X / 40) + 0.05 * Y)


def upward_area(soup) -> float:
    corner = soup.positions[soup.triangles][:, :, :2]
    one, two = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    double = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    assert (double >= -1e-9).all()
    return float(double.sum() / 2)


def covered(soup) -> shapely.Geometry:
    triangles = shapely.polygons(soup.positions[soup.triangles][:, :, :2])
    return shapely.union_all(triangles[shapely.area(triangles) > 1e-9])


def test_a_straight_road_covers_its_length_times_its_width_and_round_ends() -> None:
    line = shapely.LineString([(0, 0), (100, 0)])
    area = upward_area(ribbons(np.array([line]), np.array([8.0]), np.array([0.1]), GREY, None))
    ends = 2 * np.sqrt(2) * 4**2  # two halves of an octagon of radius 4
    assert area == pytest.approx(800 + ends, rel=1e-6)


def test_a_corner_is_mitred_to_the_full_width() -> None:
    line = shapely.LineString([(0, 0), (50, 0), (50, 50)])
    shape = covered(ribbons(np.array([line]), np.array([6.0]), np.array([0.0]), GREY, None))
    assert shape.covers(shapely.box(1, -2.99, 52.99, 2.99))
    assert shape.buffer(1e-6).covers(shapely.box(47.01, 0, 52.99, 49))


def test_a_closed_line_has_no_gap() -> None:
    ring = shapely.LinearRing([(0, 0), (40, 0), (40, 40), (0, 40)])
    shape = covered(ribbons(np.array([shapely.LineString(ring.coords)]), np.array([4.0]), np.zeros(1), GREY, None))
    assert shape.area == pytest.approx(44**2 - 36**2, rel=1e-6)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-150, 150), st.floats(-150, 150)), min_size=2, max_size=12))
def test_every_triangle_faces_up_and_every_vertex_lies_on_the_hills(points) -> None:
    line = shapely.LineString(points)
    soup = ribbons(np.array([line]), np.array([5.0]), np.array([0.3]), GREY, HILLS)
    upward_area(soup)
    lifted = ground_z(HILLS, soup.positions[:, 0], soup.positions[:, 1]) + 0.3
    assert np.allclose(soup.positions[:, 2], lifted)
    assert np.isfinite(soup.positions).all()


def test_a_road_over_hills_follows_them_between_its_ends() -> None:
    line = shapely.LineString([(-150, 0), (150, 0)])
    soup = ribbons(np.array([line]), np.array([5.0]), np.array([0.3]), GREY, HILLS)
    middle = soup.positions[soup.triangles].mean(axis=1)
    above = middle[:, 2] - ground_z(HILLS, middle[:, 0], middle[:, 1])
    assert np.abs(above - 0.3).max() < 0.15


def test_a_park_over_hills_follows_them_and_keeps_its_area() -> None:
    park = shapely.Point(0, 0).buffer(120).difference(shapely.box(-20, -20, 20, 20))
    soup = draped(np.array([park]), np.array([0.1]), GREY, HILLS)
    middle = soup.positions[soup.triangles].mean(axis=1)
    above = middle[:, 2] - ground_z(HILLS, middle[:, 0], middle[:, 1])
    assert upward_area(soup) == pytest.approx(park.area, rel=1e-6)
    assert np.abs(above - 0.1).max() < 0.15


def test_water_is_level_at_its_lowest_bank() -> None:
    lake = shapely.box(-50, -50, 50, 50)
    soup = level(np.array([lake]), np.array([0.05]), GREY, HILLS)
    bank = ground_z(HILLS, *np.array(lake.exterior.coords).T)
    assert np.ptp(soup.positions[:, 2]) == 0
    assert soup.positions[0, 2] == pytest.approx(bank.min() + 0.05)


def test_beyond_the_terrain_its_rim_goes_on() -> None:
    z = ground_z(HILLS, np.array([0.0, 9_999.0]), np.array([0.0, 0.0]))
    assert z.tolist() == pytest.approx([0.0, HILLS.rim_m])


def test_a_second_terrain_fills_where_the_first_ends() -> None:
    east = GridGround(AXIS + 400, AXIS, np.full((81, 81), 7.0))
    both = MosaicGround((HILLS, east))
    assert both.heights([0.0, 400.0, 9_999.0], [0.0, 0.0, 0.0]).tolist() == pytest.approx(
        [0.0, 7.0, np.nan], nan_ok=True
    )
