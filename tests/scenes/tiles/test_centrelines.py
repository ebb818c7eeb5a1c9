"""Roads far away: lines along the middle of ribbons, no farther from them than they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from mapbox_earcut import triangulate_float64

from scenes.mesh import MeshSet
from scenes.tiles.centrelines import chordal_axes, missed_m, with_centre_lines
from scenes.tiles.gather import mesh_content
from scenes.tiles.simplify import Detail, simplify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenes.tiles.content import Content

GREY = np.array([128, 128, 128, 255], np.uint8)


def content_of(parts: list[np.ndarray], faces: list[np.ndarray]) -> Content:
    content = mesh_content(MeshSet.from_parts(list(range(len(parts))), parts, faces), 50, GREY)
    assert content is not None
    return content


def ribbons(lines: Sequence[shapely.LineString], width_m: float) -> Content:
    """Return a content of lines widened to strips of quads, as roads are."""
    parts, faces = [], []
    for line in lines:
        places = np.array(line.coords)
        step = np.diff(places, axis=0) / np.linalg.norm(np.diff(places, axis=0), axis=1)[:, None]
        middle = np.concatenate([step[:1], step[:-1] + step[1:], step[-1:]])
        middle /= np.linalg.norm(middle, axis=1)[:, None]
        mitre = (middle * np.concatenate([step[:1], step])).sum(axis=1)[:, None]
        aside = np.stack([-middle[:, 1], middle[:, 0]], axis=1) * width_m / 2 / mitre
        ring = np.concatenate([places + aside, places - aside])
        i, count = np.arange(len(places) - 1), len(places)
        parts.append(np.c_[ring, np.zeros(2 * count)])
        faces.append(np.concatenate([np.c_[i, i + count, i + 1], np.c_[i + 1, i + count, i + count + 1]]))
    return content_of(parts, faces)


def polygon(line: shapely.LineString, width_m: float) -> Content:
    """Return a content of one line widened to a polygon, cut into triangles as they come."""
    ring = shapely.get_coordinates(line.buffer(width_m / 2, cap_style="flat", join_style="mitre").exterior)[:-1]
    faces = triangulate_float64(ring, np.array([len(ring)], np.uint32)).reshape(-1, 3)
    return content_of([np.c_[ring, np.zeros(len(ring))]], [faces])


def bent(turns: list[float], step_m: float) -> shapely.LineString:
    heading = np.cumsum([0.0, *turns])
    steps = step_m * np.stack([np.cos(heading), np.sin(heading)], axis=1)
    return shapely.LineString(np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)]))


def drawn(content: Content, number: int = 0) -> shapely.Geometry:
    """Return the lines of an object in plan."""
    own = content.lines[content.owners[content.lines[:, 0]] == number]
    places = (content.positions.astype(float) + content.centre)[:, :2]
    return shapely.union_all(shapely.linestrings(places[own]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=8), st.floats(30, 200), st.floats(3, 8))
def test_the_axis_of_a_strip_is_the_line_it_was_made_of(turns: list[float], step_m: float, width_m: float) -> None:
    line = bent(turns, step_m)
    content = ribbons([line], width_m)
    axis = drawn(chordal_axes(content))
    assert shapely.hausdorff_distance(axis, line) < 0.01
    assert shapely.length(axis) == pytest.approx(line.length, rel=1e-4)
    thin = with_centre_lines(content, 20.0)
    assert len(thin.triangles) == 0
    assert thin.handles.tolist() == content.handles.tolist()
    assert shapely.hausdorff_distance(drawn(thin), line) <= thin.errors[0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1.5, 1.5), max_size=6), st.floats(30, 200), st.floats(3, 12))
def test_what_becomes_lines_still_reaches_from_end_to_end(turns: list[float], step_m: float, width_m: float) -> None:
    line = bent(turns, step_m)
    thin = with_centre_lines(polygon(line, width_m), 20.0)
    if not len(thin.triangles):
        low, high = np.array(shapely.bounds(drawn(thin))).reshape(2, 2)
        wanted = np.array(line.bounds).reshape(2, 2)
        assert np.abs(np.stack([low, high]) - wanted).max() < 2 * width_m + thin.errors[0]


def test_a_straight_road_becomes_one_segment_from_end_to_end() -> None:
    line = shapely.LineString([(10, 20), (310, 420)])
    thin = with_centre_lines(ribbons([line], 7.0), 20.0)
    assert thin.lines.tolist() == [[0, 1]]
    assert shapely.hausdorff_distance(drawn(thin), line) < 0.01
    assert thin.errors[0] == pytest.approx(3.5, abs=0.01)


def test_wide_roads_and_squares_stay_surfaces() -> None:
    lines = [shapely.LineString([(0, 0), (300, 0)]), shapely.LineString([(0, 50), (12, 50)])]
    content = ribbons(lines, 12.0)
    same = with_centre_lines(content, 10.0)
    assert len(same.lines) == 0
    assert same.triangles.tolist() == content.triangles.tolist()
    mixed = with_centre_lines(content, 20.0)  # the second one is as long as it is wide
    assert mixed.owners[mixed.lines].tolist() == [[0, 0]]
    assert (mixed.owners[mixed.triangles] == 1).all()


def test_a_crossing_keeps_all_its_arms() -> None:
    arms = shapely.MultiLineString([[(-200, 0), (200, 0)], [(0, -200), (0, 200)]])
    ring = shapely.get_coordinates(arms.buffer(4, cap_style="flat").boundary)[:-1]
    faces = triangulate_float64(ring, np.array([len(ring)], np.uint32)).reshape(-1, 3)
    axis = drawn(with_centre_lines(content_of([np.c_[ring, np.zeros(len(ring))]], [faces]), 30.0))
    assert shapely.hausdorff_distance(axis, arms) < 8.0


def test_a_coarse_tile_shows_a_whole_network_as_lines_and_tells_what_it_misses() -> None:
    step = 80.0
    across = [
        shapely.LineString([(x * step, y * step), (x * step + step, y * step)]) for x in range(40) for y in range(40)
    ]
    content = ribbons(across, 7.0)
    coarse = simplify(content, Detail(60.0, 3_200, lines=True))
    assert len(coarse.lines) == 1_600
    assert len(coarse.triangles) == 0
    assert coarse.error_m == pytest.approx(3.5, abs=0.05)
    fewer = simplify(content, Detail(60.0, 800, lines=True))
    assert len(fewer.lines) == 800
    missing = shapely.MultiLineString([line for number, line in enumerate(across) if 50 + number not in fewer.handles])
    truth = shapely.hausdorff_distance(missing, shapely.union_all([missing, *[drawn(fewer)]]))
    assert truth <= fewer.error_m <= step + 3.6
    bare = simplify(content, Detail(60.0, 800))
    assert len(bare.handles) < 0.6 * len(fewer.handles)


def test_what_is_missed_is_the_distance_to_what_is_kept() -> None:
    lines = [shapely.LineString([(0, y), (100, y)]) for y in (0, 30, 1000)]
    content = simplify(ribbons(lines, 4.0), Detail(60.0, 100, lines=True))
    keep = np.array([True, False, False])
    assert missed_m(content, keep) == pytest.approx([0.0, 30.0, content.sizes[2]])
    assert missed_m(content, np.zeros(3, bool)) == pytest.approx(content.sizes)
