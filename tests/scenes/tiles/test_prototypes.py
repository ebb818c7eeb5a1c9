"""Heavy prototypes are simplified once and written out in coarse tiles; light ones stay as they are."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scenes.mesh import Instances, MeshSet
from scenes.tiles.content import Content, Placements, empty_content, prototype_key
from scenes.tiles.encode import encode
from scenes.tiles.prototypes import HEAVY_TRIANGLES, written_out
from scenes.tiles.simplify import Detail


def ball(steps: int, colour: tuple[int, int, int, int] = (200, 10, 10, 255)) -> MeshSet:
    """A closed ball of radius 1 m with about steps x steps x 4 triangles."""
    lon = np.linspace(0, 2 * np.pi, 2 * steps, endpoint=False)
    lat = np.linspace(-np.pi / 2, np.pi / 2, steps + 1)
    grid = np.array([[np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b)] for b in lat for a in lon])
    row, column = np.divmod(np.arange(steps * 2 * steps), 2 * steps)
    after = (column + 1) % (2 * steps)
    a, b = row * 2 * steps + column, row * 2 * steps + after
    faces = np.concatenate([np.column_stack([a, b, b + 2 * steps]), np.column_stack([a, b + 2 * steps, a + 2 * steps])])
    return replace(MeshSet.of_one(grid, faces), colours=np.tile(np.array(colour, np.uint8), (len(grid), 1)))


def placed(prototype: MeshSet, count: int) -> Content:
    spread = np.column_stack([np.arange(count) * 5.0, np.zeros(count), np.ones(count)]).astype(np.float32)
    handles = np.arange(count, dtype=np.int64)[::-1].copy()
    turn = np.linspace(0, 3, count).astype(np.float32)
    scales = np.full((count, 3), 2.0, np.float32)
    placements = Placements(prototype_key(prototype), prototype, handles, spread, turn, scales)
    return replace(empty_content(np.zeros(3)), placements=(placements,))


def test_a_heavy_prototype_becomes_one_simplified_object_a_place() -> None:
    heavy = ball(24)
    assert len(heavy.triangles) > HEAVY_TRIANGLES
    coarse = written_out(placed(heavy, 6), Detail(1.0, 600))
    assert coarse.placements == ()
    assert coarse.handles.tolist() == list(range(6))
    assert len(coarse.triangles) < 6 * len(heavy.triangles) / 4
    for handle in range(6):
        mine = coarse.positions[coarse.owners == handle]
        middle = np.array([(5 - handle) * 5.0, 0, 1])  # handles run against the places
        error = coarse.errors[handle]
        assert np.abs(np.linalg.norm(mine - middle, axis=1) - 2.0).max() <= error + 1e-4
        assert 0 < error < 2.0


def test_a_light_prototype_stays_one() -> None:
    light = ball(4)
    content = placed(light, 3)
    assert written_out(content, Detail(1.0, 600)) is content


def test_what_is_clear_in_a_prototype_is_drawn_clear() -> None:
    solid, clear = ball(3), ball(3, (10, 10, 200, 90))
    both = MeshSet.from_parts(
        [0],
        [np.concatenate([solid.positions_m, clear.positions_m + 3.0])],
        [np.concatenate([solid.triangles, clear.triangles + np.uint32(solid.vertex_count)])],
        [np.concatenate([solid.colours, clear.colours])],  # type: ignore[list-item]
    )
    glb = encode(placed(both, 2))
    document: dict[str, Any] = json.loads(glb[20 : 20 + struct.unpack("<I", glb[12:16])[0]])
    primitives = document["meshes"][0]["primitives"]
    modes = [document["materials"][each["material"]].get("alphaMode", "OPAQUE") for each in primitives]
    assert sorted(modes) == ["BLEND", "OPAQUE"]
    counts = [document["accessors"][each["indices"]]["count"] for each in primitives]
    assert counts == [3 * len(solid.triangles)] * 2


@given(
    arrays(np.float32, (5, 3), elements=st.floats(-50, 50, width=32)),
    arrays(np.float32, 5, elements=st.floats(-7, 7, width=32)),
    arrays(np.float32, (5, 3), elements=st.floats(0.125, 4, width=32)),
)
def test_the_bounds_of_placements_are_those_of_what_they_write_out(
    feet: np.ndarray, turn: np.ndarray, scales: np.ndarray
) -> None:
    tent = MeshSet.of_one([[1, 2, 3], [4, 2, 3], [2, 5, 7], [0, 0, 1]], [[0, 1, 2], [0, 1, 3]])
    placed = Instances(tent, np.arange(5, dtype=np.uint32), feet, turn, scales)
    mesh = replace(MeshSet.empty(), centre=np.array([7.0, -3.0, 1.0]), instances=(placed,))
    np.testing.assert_allclose(mesh.row_bounds(5), mesh.expanded().row_bounds(5), atol=1e-3)
