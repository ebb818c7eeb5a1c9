"""Cutting, joining and writing out geometry loses nothing and invents nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes import Instances, MeshSet
from scenes.joining import join, renumbered
from scenes.pictures import Picture

TENT = MeshSet.of_one([[-1, -1, 0], [1, -1, 0], [0, 1, 0], [0, 0, 3]], [[0, 1, 2], [0, 1, 3], [1, 2, 3], [2, 0, 3]])


IMAGES = [Picture.of_pixels(np.full((4, 4, 3), [20 * i, 0, 0], np.uint8)) for i in range(3)]


@st.composite
def meshes(draw: st.DrawFn, most_rows: int = 8, *, with_instances: bool = True) -> MeshSet:
    rows = sorted(draw(st.sets(st.integers(0, most_rows - 1), max_size=most_rows)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = [draw(st.integers(3, 6)) for _ in rows]
    positions = [random.uniform(-100, 100, (size, 3)) for size in sizes]
    triangles = [random.integers(0, size, (size, 3)).astype(np.uint32) for size in sizes]
    colours = [random.integers(0, 256, (size, 4), np.uint8) for size in sizes] if draw(st.booleans()) else None
    mesh = MeshSet.from_parts(rows, positions, triangles, colours)
    if rows and draw(st.booleans()):
        named = random.integers(-1, len(IMAGES), len(mesh.triangles))
        mesh = mesh.textured(random.uniform(0, 1, (mesh.vertex_count, 2)), named, IMAGES)
    if rows and draw(st.booleans()):
        ends = np.array(mesh.vertex_starts[1:]) - 1
        mesh = replace(mesh, lines=np.column_stack([mesh.vertex_starts[:-1], ends]).astype(np.uint32))
        mesh = replace(mesh, points=mesh.vertex_starts[:-1].copy())
    if with_instances and draw(st.booleans()):
        owners = np.array(draw(st.lists(st.integers(0, most_rows - 1), min_size=1, max_size=6)), np.uint32)
        count = len(owners)
        feet = random.uniform(-50, 50, (count, 3)).astype(np.float32)
        yaw = random.uniform(-3, 3, count).astype(np.float32)
        scales = random.uniform(0.5, 2.0, (count, 3)).astype(np.float32)
        mesh = replace(mesh, instances=(Instances(TENT, owners, feet, yaw, scales),))
    return mesh


def corners(mesh: MeshSet, row: int) -> np.ndarray:
    """Return the sorted triangle corners of one row in local metres."""
    mine = mesh.triangles[mesh.triangle_rows() == row]
    flat = mesh.positions_m[mine].reshape(-1, 9)
    return flat[np.lexsort(flat.T)]


def images(mesh: MeshSet, row: int) -> list[tuple[object, ...]]:
    """Return, sorted, the image and the places in it of each triangle of one row."""
    found = []
    for triangle in np.flatnonzero(mesh.triangle_rows() == row):
        named = -1 if mesh.triangle_images is None else int(mesh.triangle_images[triangle])
        image = mesh.images[named].data if named >= 0 else b""
        places = mesh.uvs[mesh.triangles[triangle]].ravel().tolist() if mesh.uvs is not None and named >= 0 else []
        found.append((image, *places))
    return sorted(found)


def assert_well_formed(mesh: MeshSet) -> None:
    assert (np.diff(mesh.rows.astype(np.int64)) > 0).all()
    assert len(mesh.vertex_rows()) == mesh.vertex_count
    assert len(mesh.triangle_rows()) == len(mesh.triangles)
    owners = mesh.vertex_rows()
    if len(mesh.triangles):
        assert (owners[mesh.triangles] == mesh.triangle_rows()[:, None]).all()


@given(mesh=meshes(), data=st.data())
def test_a_part_holds_exactly_its_rows(mesh: MeshSet, data: st.DataObject) -> None:
    wanted = sorted(data.draw(st.sets(st.integers(0, 7))))
    part = mesh.take(wanted)
    assert_well_formed(part)
    for new, old in enumerate(wanted):
        assert np.allclose(corners(part, new), corners(mesh, old), atol=1e-4)
        assert images(part, new) == images(mesh, old)
        assert sum((each.rows == new).sum() for each in part.instances) == sum(
            (each.rows == old).sum() for each in mesh.instances
        )
    assert set(part.rows.tolist()) <= set(range(len(wanted)))


@given(mesh=meshes())
def test_all_rows_are_the_whole(mesh: MeshSet) -> None:
    whole = mesh.take(range(8))
    for name in ("positions", "triangles", "rows", "vertex_starts", "triangle_starts", "colours", "lines", "points"):
        mine, its = getattr(mesh, name), getattr(whole, name)
        assert (mine is None and its is None) or np.array_equal(mine, its)


@given(mesh=meshes(with_instances=False), data=st.data())
def test_parts_joined_are_the_whole(mesh: MeshSet, data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.integers(0, 7)))
    parts = []
    for rows in (sorted(chosen), sorted(set(range(8)) - chosen)):
        part = mesh.take(rows)
        parts.append(replace(part, rows=np.array(rows, np.uint32)[part.rows]))
    whole = join(parts)
    assert_well_formed(whole)
    assert whole.area_m2() == pytest.approx(mesh.area_m2(), rel=1e-5)
    for row in range(8):
        assert np.allclose(corners(whole, row), corners(mesh, row), atol=1e-4)
        assert images(whole, row) == images(mesh, row)
    count = 0 if mesh.lines is None else len(mesh.lines)
    assert (0 if whole.lines is None else len(whole.lines)) == count


@given(one=meshes(), other=meshes())
def test_joining_adds_up(one: MeshSet, other: MeshSet) -> None:
    both = join([one, other])
    assert_well_formed(both)
    assert both.vertex_count == one.vertex_count + other.vertex_count
    assert both.triangle_count == one.triangle_count + other.triangle_count
    assert sum(len(each) for each in both.instances) == sum(len(e) for m in (one, other) for e in m.instances)


@given(mesh=meshes())
def test_bounds_hold_every_corner_and_no_more(mesh: MeshSet) -> None:
    plain = replace(mesh, instances=())
    low, high = plain.row_bounds(8)
    for row in range(8):
        mine = plain.positions_m[plain.vertex_rows() == row]
        if not len(mine):
            assert np.isnan(low[row]).all()
            assert np.isnan(high[row]).all()
            continue
        assert np.allclose(low[row], mine.min(axis=0), atol=1e-4)
        assert np.allclose(high[row], mine.max(axis=0), atol=1e-4)


@given(mesh=meshes())
def test_bounds_hold_every_instance_written_out(mesh: MeshSet) -> None:
    low, high = mesh.row_bounds(8)
    full = mesh.expanded()
    for row in range(8):
        mine = full.positions_m[full.vertex_rows() == row]
        if len(mine):
            assert (mine >= low[row] - 1e-3).all()
            assert (mine <= high[row] + 1e-3).all()


@given(mesh=meshes())
def test_writing_instances_out_keeps_their_number_and_owner(mesh: MeshSet) -> None:
    full = mesh.expanded()
    assert_well_formed(full)
    assert full.instances == ()
    assert full.triangle_count == mesh.triangle_count
    for row in range(8):
        placed = sum(int((each.rows == row).sum()) for each in mesh.instances)
        own = int((mesh.triangle_rows() == row).sum())
        assert int((full.triangle_rows() == row).sum()) == own + placed * len(TENT.triangles)


def test_an_instance_is_scaled_then_turned_then_set_down() -> None:
    arrow = MeshSet.of_one([[0, 0, 0], [2, 0, 0], [0, 0, 1]], [[0, 1, 2]])
    placed = Instances(
        arrow,
        np.array([0], np.uint32),
        np.array([[10, 20, 5]], np.float32),
        np.array([np.pi / 2], np.float32),
        np.array([[3, 1, 2]], np.float32),
    )
    full = replace(MeshSet.empty(), centre=np.array([100.0, 0.0, 0.0]), instances=(placed,)).expanded()
    assert np.allclose(full.positions_m, [[110, 20, 5], [110, 26, 5], [110, 20, 7]], atol=1e-4)


@given(mesh=meshes(), by=st.tuples(*[st.floats(-1e5, 1e5)] * 3))
def test_moving_shares_the_arrays(mesh: MeshSet, by: tuple[float, float, float]) -> None:
    moved = mesh.moved(np.array(by))
    assert moved.positions is mesh.positions
    assert np.allclose(moved.positions_m, mesh.positions_m + by)
    assert renumbered(mesh, 5).rows.tolist() == [row + 5 for row in mesh.rows.tolist()]


def test_precision_far_from_the_origin_is_that_of_the_centre() -> None:
    far = np.array([[50_000.0, 50_000.0, 0.0], [50_000.01, 50_000.0, 0.0], [50_000.0, 50_000.01, 0.0]])
    mesh = MeshSet.of_one(far, [[0, 1, 2]])
    assert np.abs(mesh.positions_m - far).max() < 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"triangles": np.array([[0, 1, 9]] * 4, np.uint32)}, "names vertex 9 of 4"),
        ({"positions": np.zeros((4, 2), np.float32)}, "must be"),
        ({"vertex_starts": np.zeros(3, np.uint32)}, "groups need"),
        ({"vertex_starts": np.array([0, 2], np.uint32)}, "do not end at the last"),
        ({"colours": np.zeros((3, 4), np.uint8)}, "colours"),
        ({"normals": np.zeros((3, 3), np.float32)}, "normals"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TENT, **change)


def test_nothing_is_a_mesh_too() -> None:
    nothing = MeshSet.empty()
    assert (nothing.triangle_count, nothing.area_m2(), nothing.nbytes) == (0, 0.0, nothing.nbytes)
    assert join([]).vertex_count == 0
    assert MeshSet.from_parts([], [], []).vertex_count == 0
    assert nothing.take([0, 1]).vertex_count == 0
    assert np.isnan(nothing.row_bounds(2)[0]).all()


def test_a_prototype_keeps_its_image_when_it_is_written_out() -> None:
    painted = TENT.textured(np.eye(4)[:, :2], [0, -1, 0, 0], IMAGES[:1])
    feet = np.zeros((2, 3), np.float32)
    placed = Instances(painted, np.array([1, 0], np.uint32), feet, feet[:, 0], np.ones((2, 3), np.float32))
    mesh = replace(MeshSet.empty(), instances=(placed,)).expanded()
    assert images(mesh, 0) == images(mesh, 1) == images(painted, 0)


def test_an_image_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="image 2 of 1"):
        replace(TENT, uvs=np.zeros((4, 2), np.float32), triangle_images=np.full(4, 2, np.int32), images=(IMAGES[0],))
    with pytest.raises(ValueError, match="images need uvs"):
        replace(TENT, images=(IMAGES[0],))
