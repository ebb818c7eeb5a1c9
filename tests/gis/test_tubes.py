"""Tubes are closed, have the volume of what they stand for, and are not twisted."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.piping import piped
from gis.tubes import PROFILES, Lines, tubes
from scenes.loading import FlatGround

WHITE = np.full((1, 4), 255, np.uint8)
METRES = st.floats(-50, 50).map(lambda value: round(value, 2))


def solid(lines: Lines, sides: int = 8) -> trimesh.Trimesh:
    """Return the tubes as one closed solid of another library."""
    colours = np.repeat(WHITE, len(lines.widths_m), axis=0)
    mesh = tubes(lines, colours, sides).mesh()
    return trimesh.Trimesh(mesh.positions_m, mesh.triangles.astype(np.int64), process=False)


def one(points: list[tuple[float, float, float]], diameter: float = 0.5) -> Lines:
    """Return one round pipe."""
    return Lines.round(np.array(points, float), np.array([0, len(points)]), np.array([diameter]), np.array([0]))


@pytest.mark.parametrize("sides", [8, 12])
def test_a_straight_pipe_has_the_volume_and_nearly_the_area_of_a_cylinder(sides: int) -> None:
    body = solid(one([(1, 2, 3), (4, 6, 3)], 0.5), sides)
    assert body.is_watertight
    assert body.volume == pytest.approx(np.pi * 0.25**2 * 5, rel=1e-5)
    assert body.area == pytest.approx(2 * np.pi * 0.25 * 5 + 2 * np.pi * 0.25**2, rel=0.03)


@settings(max_examples=60)
@given(st.lists(st.tuples(METRES, METRES, METRES), min_size=2, max_size=8))
def test_any_line_becomes_closed_tubes_that_are_wound_outward(points: list[tuple[float, float, float]]) -> None:
    body = solid(one(points, 0.02))
    if len(body.faces):
        assert body.is_watertight
        assert body.is_winding_consistent
        assert body.volume > 0


def test_mitred_joints_keep_the_volume_of_the_axis() -> None:
    body = solid(one([(0, 0, 0), (10, 0, 0), (10, 10, 0), (10, 10, 8), (2, 10, 12)], 0.4))
    length = 10 + 10 + 8 + np.hypot(8, 4)
    assert body.volume == pytest.approx(np.pi * 0.2**2 * length, rel=1e-4)


def test_a_line_that_turns_on_its_heel_is_cut_there() -> None:
    body = solid(one([(0, 0, 0), (10, 0, 0), (0, 0.1, 0)], 0.4))
    assert len(body.split(only_watertight=True)) == 2


@pytest.mark.parametrize(("profile", "area"), [("rectangle", 1.0), ("trapezoid", 0.7), ("triangle", 0.51)])
def test_straight_profiles_have_their_own_area(profile: str, area: float) -> None:
    points = np.array([[0, 0, 0], [10.0, 0, 0]])
    sizes = np.array([1.0])
    lines = Lines(points, np.array([0, 2]), sizes, sizes, np.array([PROFILES.index(profile)]), np.array([0]))
    assert solid(lines).volume == pytest.approx(area * 10, rel=1e-6)


def test_a_shaft_stands_upright_from_its_foot_to_its_top() -> None:
    shaft = Lines.upright(np.array([[5.0, 5.0, -3.0]]), np.array([0.5]), np.array([1.0]), np.array([0]))
    low, high = solid(shaft).bounds
    assert low[2] == pytest.approx(-3)
    assert high[2] == pytest.approx(0.5)


def test_rows_of_many_pipes_stay_apart() -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 5, 0], [1, 5, 0], [2, 5, 0.5]], float)
    lines = Lines.round(points, np.array([0, 2, 5]), np.array([0.1, 0.2]), np.array([4, 2]))
    mesh = tubes(lines, np.repeat(WHITE, 2, axis=0)).mesh()
    assert mesh.rows.tolist() == [2, 4]
    low, high = mesh.row_bounds(5)
    assert low[2, 1] > 4
    assert high[4, 1] < 1


def test_lines_with_heights_lie_at_them_and_others_at_their_depth() -> None:
    ways = np.array([shapely.LineString([(0, 0, 7), (10, 0, 9)]), shapely.LineString([(0, 5), (10, 5)])])
    soup = piped(ways, np.array([0.2, 0.2]), np.array([2.0, 2.0]), np.repeat(WHITE, 2, axis=0), FlatGround())
    low, high = soup.mesh().row_bounds(2)
    assert low[0, 2] == pytest.approx(7, abs=0.15)
    assert high[0, 2] == pytest.approx(9, abs=0.15)
    assert (low[1, 2] + high[1, 2]) / 2 == pytest.approx(-2)
