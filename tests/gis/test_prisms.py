from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
import trimesh
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gis.meshing import rings_of, triangulated
from gis.prisms import PrismColours, extruded

if TYPE_CHECKING:
    from scenes.mesh import MeshSet

GREY = np.full((1, 4), 200, np.uint8)


def prism(shape: shapely.Geometry, bottom: float = 0.0, top: float = 10.0) -> MeshSet:
    return extruded(np.array([shape]), np.array([bottom]), np.array([top]), PrismColours(GREY, GREY, GREY)).mesh()


def solid(mesh: MeshSet) -> trimesh.Trimesh:
    merged = trimesh.Trimesh(mesh.positions_m, mesh.triangles.astype(np.int64), process=False)
    merged.merge_vertices(merge_tex=True, merge_norm=True, digits_vertex=3)
    return merged


@st.composite
def polygons_with_holes(draw: st.DrawFn) -> shapely.Polygon:
    """A star of random radii with up to three round holes near its middle."""
    count = draw(st.integers(3, 24))
    radii = draw(st.lists(st.floats(20, 60), min_size=count, max_size=count))
    angles = np.arange(count) * 2 * np.pi / count
    shell = shapely.Polygon(np.column_stack([radii * np.cos(angles), radii * np.sin(angles)]))
    holes = [
        shapely.Point(x, y).buffer(draw(st.floats(0.5, 1.2)), quad_segs=draw(st.integers(1, 4)))
        for x, y in [(-3, 0), (3, 0), (0, 3)][: draw(st.integers(0, 3))]
    ]
    shape = shell.difference(shapely.union_all(holes)) if holes else shell
    assume(shape.geom_type == "Polygon" and shape.is_valid)
    return shape


@settings(deadline=None)
@given(polygons_with_holes(), st.floats(1, 600), st.floats(-50, 500))
def test_a_prism_is_closed_and_has_the_volume_of_its_outline_times_its_height(shape, height, bottom) -> None:
    body = solid(prism(shape, bottom, bottom + height))
    assert body.is_watertight
    assert body.volume == pytest.approx(shape.area * height, rel=1e-3)


@settings(deadline=None)
@given(polygons_with_holes())
def test_a_roof_has_the_area_of_its_outline_without_the_holes(shape) -> None:
    rings = rings_of(np.array([shape]))
    triangles, _ = triangulated(rings)
    corner = rings.points[triangles]
    one, two = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    double_areas = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
    assert (double_areas >= 0).all()
    assert double_areas.sum() / 2 == pytest.approx(shape.area, rel=1e-9)


def test_walls_face_outward_and_the_roof_up_whatever_way_the_ring_turns() -> None:
    clockwise = shapely.Polygon([(0, 0), (0, 4), (6, 4), (6, 0)], [[(2, 1), (4, 1), (4, 3), (2, 3)]])
    body = solid(prism(clockwise))
    assert body.volume == pytest.approx((24 - 4) * 10)
    assert body.is_winding_consistent


def test_both_parts_of_a_multipolygon_are_raised() -> None:
    shape = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(5, 0, 7, 1)])
    assert solid(prism(shape)).volume == pytest.approx(30)


def test_points_on_a_straight_line_keep_the_solid_closed() -> None:
    shape = shapely.Polygon([(0, 0), (1, 0), (2, 0), (3, 0), (3, 3), (1.5, 3), (0, 3), (0, 1.5)])
    body = solid(prism(shape))
    assert body.is_watertight
    assert body.volume == pytest.approx(90)


def test_far_from_the_origin_nothing_jitters() -> None:
    shape = shapely.box(40_000, 40_000, 40_002.5, 40_001.25)
    assert solid(prism(shape)).volume == pytest.approx(2.5 * 1.25 * 10, rel=1e-3)


def test_walls_and_roofs_have_colours_of_their_own() -> None:
    foot, top, roof = (np.full((1, 4), value, np.uint8) for value in (10, 20, 30))
    mesh = extruded(np.array([shapely.box(0, 0, 1, 1)]), np.zeros(1), np.ones(1), PrismColours(foot, top, roof)).mesh()
    assert sorted(mesh.colours[:, 0].tolist()) == [10] * 4 + [20] * 4 + [30] * 4
