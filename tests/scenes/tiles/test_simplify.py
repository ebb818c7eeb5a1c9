from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from scenes.mesh import MeshSet
from scenes.tiles.boxes import fit_boxes
from scenes.tiles.content import Content, Placements, empty_content
from scenes.tiles.gather import mesh_content
from scenes.tiles.simplify import Detail, cluster, simplify

if TYPE_CHECKING:
    from types import SimpleNamespace

GREY = np.array([128, 128, 128, 255], np.uint8)


def content_of(mesh: MeshSet) -> Content:
    content = mesh_content(mesh, 100, GREY)
    assert content is not None
    return content


def samples(content: Content, count: int = 60) -> np.ndarray:
    """Return points spread over the triangles of a content, local metres."""
    rng = np.random.default_rng(1)
    corner = (content.positions + content.centre)[content.triangles]
    weights = rng.dirichlet([1, 1, 1], (len(corner), count))
    found: np.ndarray = np.einsum("tkc,tcd->tkd", weights, corner).reshape(-1, 3)
    return found


@settings(max_examples=25, deadline=None)
@given(st.floats(5, 60), st.floats(5, 60), st.floats(3, 300), st.floats(0, 3.14))
def test_the_box_of_a_box_is_itself(width: float, depth: float, height: float, turn: float) -> None:
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, depth / 2]
    ring = half @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = np.concatenate([np.c_[ring, np.zeros(4)], np.c_[ring, np.full(4, height)]])
    i, j = np.arange(4), (np.arange(4) + 1) % 4
    faces = np.concatenate([np.c_[i, j, j + 4], np.c_[i, j + 4, i + 4], [[4, 5, 6], [4, 6, 7]]])
    boxes = fit_boxes(content_of(MeshSet.of_one(corners, faces)))
    assert boxes.error_m[0] < 0.01
    np.testing.assert_allclose(np.sort((boxes.high - boxes.low)[0]), np.sort([width, depth, height]), rtol=1e-3)


def test_the_error_of_a_box_covers_the_distance_between_the_surfaces(shapes: SimpleNamespace) -> None:
    mesh = shapes.mesh_of([shapes.tower(0, 0, 60, 24)])
    content = content_of(mesh)
    coarse = simplify(content, Detail(10.0, 10))
    assert len(coarse.triangles) == 10
    there, _ = cKDTree(samples(content, 400)).query(samples(coarse, 400))
    assert 5.0 < there.max() <= coarse.error_m + 0.5
    assert coarse.error_m == pytest.approx(18 * (np.sqrt(2) - 1), abs=1.0)


def test_objects_keep_their_handles_and_the_tallest_are_kept_first(shapes: SimpleNamespace) -> None:
    mesh, count = shapes.houses(400, towers=10)
    content = content_of(mesh)
    coarse = simplify(content, Detail(1.0, 1000))
    assert len(coarse.handles) < count
    assert set(range(490, 500)) <= set(coarse.handles.tolist())
    low, high = mesh.row_bounds(count)
    left_out = np.setdiff1d(np.arange(count), coarse.handles - 100)
    assert coarse.error_m >= (high - low)[left_out, 2].max() - 1e-3


def test_a_terrain_is_clustered_within_the_error_that_is_told(shapes: SimpleNamespace) -> None:
    content = content_of(shapes.hills(120, 3000.0))
    coarse = simplify(content, Detail(60.0, 6000, level=True))
    assert 0 < len(coarse.triangles) <= 6000
    assert coarse.normals is not None
    np.testing.assert_allclose(np.linalg.norm(coarse.normals, axis=1), 1, atol=1e-3)
    there, _ = cKDTree(samples(content, 20)).query(samples(coarse, 5))
    assert there.max() <= coarse.error_m + 5.0
    assert 0 < coarse.error_m < 120


def test_clustering_keeps_objects_and_colours_apart(shapes: SimpleNamespace) -> None:
    mesh = shapes.mesh_of([shapes.prism(x, 300, (0.2, 0.2), 0.2) for x in (300, 300.1)])
    coarse = cluster(content_of(mesh), 1000.0)
    assert len(coarse.positions) == 4  # two objects of two colours, one vertex each
    assert len(coarse.triangles) == 0


def test_narrow_ribbons_are_not_dissolved() -> None:
    along = np.linspace(0, 1000, 60)
    ribbon = np.concatenate([np.c_[along, along * 0, along * 0], np.c_[along, along * 0 + 7, along * 0]])
    i = np.arange(59)
    faces = np.concatenate([np.c_[i, i + 1, i + 61], np.c_[i, i + 61, i + 60]])
    content = content_of(MeshSet.of_one(ribbon, faces))
    coarse = simplify(content, Detail(40.0, 5000))
    x = (coarse.positions + coarse.centre)[coarse.triangles]
    area = np.linalg.norm(np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]), axis=1).sum() / 2
    assert area > 0.5 * 7000


def test_nothing_changes_where_everything_fits(shapes: SimpleNamespace) -> None:
    mesh, _ = shapes.houses(20)
    content = content_of(mesh)
    same = simplify(content, Detail(1.0, 10_000))
    assert same.error_m == 0.0
    np.testing.assert_array_equal(same.handles, content.handles)
    np.testing.assert_array_equal(same.triangles, content.triangles)


def test_trees_are_thinned_by_height_and_the_error_says_so(shapes: SimpleNamespace) -> None:
    mesh, _ = shapes.trees(2000)
    each = mesh.instances[0]
    placed = Placements("a", each.prototype, each.rows.astype(np.int64), each.positions, each.yaw_rad, each.scales)
    content = simplify(replace(empty_content(mesh.centre), placements=(placed,)), Detail(10.0, 4000))
    kept = content.placements[0]
    assert 0 < len(kept) <= 250
    assert content.error_m >= np.setdiff1d(placed.heights_m(), kept.heights_m()).max()
    assert kept.heights_m().min() >= content.error_m - 1.0


def test_patches_of_a_terrain_stay_together_when_they_become_coarser(shapes: SimpleNamespace) -> None:
    """Colours differ from vertex to vertex, and every patch is an object: still there is no gap."""
    cells, count, side = 24, 5, 1_200.0
    axis = np.linspace(0, side / count, cells + 1)
    x, y = (grid.ravel() for grid in np.meshgrid(axis, axis))
    i = (np.arange(cells)[None] + np.arange(cells)[:, None] * (cells + 1)).ravel()
    faces = np.concatenate([np.c_[i, i + 1, i + cells + 2], np.c_[i, i + cells + 2, i + cells + 1]])
    rng = np.random.default_rng(2)
    parts = [
        (
            np.c_[x + a * side / count, y + b * side / count, 30 * np.sin((x + a * 240) / 200)],
            faces,
            np.c_[rng.integers(100, 200, (len(x), 3)), np.full(len(x), 255)].astype(np.uint8),
        )
        for b in range(count)
        for a in range(count)
    ]
    content = content_of(shapes.mesh_of(parts))
    coarse = simplify(content, Detail(40.0, 5_000, level=True))
    assert 0 < len(coarse.triangles) <= 5_000
    plan = coarse.positions[coarse.triangles].astype(float)[:, :, :2] + coarse.centre[:2]
    covered = shapely.union_all(shapely.polygons(plan), grid_size=1e-3)
    inner = shapely.box(60, 60, side - 60, side - 60)
    assert inner.difference(covered).area < 1.0
