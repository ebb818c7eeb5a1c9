"""What can be seen of a building from outside."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes.mesh import MeshSet
from scenes.tiles import publish
from scenes.tiles.content import Content, Placements, empty_content
from scenes.tiles.glb import read_accessor, read_json
from scenes.tiles.shell import SEEN_SHARE, seen_from_outside
from scenes.tiles.simplify import Detail, simplify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import SimpleNamespace

    from scenes.model import Scene

WALL_M = 0.3


def content_of(bodies: list[trimesh.Trimesh]) -> Content:
    """Return a content with one object a body."""
    counts = [len(body.vertices) for body in bodies]
    shift = np.cumsum([0, *counts])
    return replace(
        empty_content(np.zeros(3)),
        positions=np.concatenate([body.vertices for body in bodies]).astype(np.float32),
        owners=np.repeat(np.arange(len(bodies)), counts),
        triangles=np.concatenate([body.faces + shift[place] for place, body in enumerate(bodies)]).astype(np.int64),
        colours=np.full((sum(counts), 4), 200, np.uint8),
        handles=np.arange(len(bodies), dtype=np.int64),
        errors=np.zeros(len(bodies)),
        sizes=np.full(len(bodies), np.nan),
    )


def box(low: tuple[float, ...], high: tuple[float, ...]) -> trimesh.Trimesh:
    size = np.subtract(high, low)
    made = trimesh.creation.box(size)
    made.apply_translation(np.add(low, size / 2))
    return made


def house(*, open_roof: bool) -> list[trimesh.Trimesh]:
    """Return four walls, a floor and a roof, ten metres long; then a cupboard inside."""
    walls = [
        box((0, 0, 0), (10, WALL_M, 6)), box((0, 8 - WALL_M, 0), (10, 8, 6)),
        box((0, 0, 0), (WALL_M, 8, 6)), box((10 - WALL_M, 0, 0), (10, 8, 6)),
        box((0, 0, -WALL_M), (10, 8, 0)),
    ]  # fmt: skip
    roof = box((0, 0, 6), (5 if open_roof else 10, 8, 6.3))
    return [*walls, roof, box((6, 3, 0), (7, 4, 2))]


@pytest.mark.parametrize("open_roof", [False, True])
def test_what_stands_in_a_closed_house_is_hidden(open_roof: bool) -> None:
    shares, _ = seen_from_outside(content_of(house(open_roof=open_roof)))
    assert (shares >= SEEN_SHARE).tolist() == [True] * 6 + [open_roof]


@settings(max_examples=15, deadline=None)
@given(
    turn=st.floats(0, 6.3),
    at=st.tuples(st.floats(-500, 500), st.floats(-500, 500), st.floats(-20, 20)),
    gap=st.booleans(),
)
def test_however_it_lies(turn: float, at: tuple[float, float, float], gap: bool) -> None:
    bodies = house(open_roof=gap)
    for body in bodies:
        body.apply_transform(trimesh.transformations.rotation_matrix(turn, [0, 0, 1]))
        body.apply_translation(at)
    shares, _ = seen_from_outside(content_of(bodies))
    assert (shares >= SEEN_SHARE).tolist() == [True] * 6 + [gap]


def test_placements_are_looked_at_one_by_one() -> None:
    body = box((0, 0, 0), (0.2, 0.2, 0.2))
    one = {"rows": np.zeros(1, np.uint32), "vertex_starts": np.array([0, 8], np.uint32)}
    corners = body.faces.astype(np.uint32)
    chair = MeshSet(
        np.zeros(3), body.vertices.astype(np.float32), corners, triangle_starts=np.array([0, 12], np.uint32), **one
    )
    places = np.array([[4, 3, 0.5], [20, 3, 0.5]], np.float32)
    placed = Placements(
        "chair", chair, np.array([90, 91]), places, np.zeros(2, np.float32), np.ones((2, 3), np.float32)
    )
    _, (shares,) = seen_from_outside(replace(content_of(house(open_roof=False)[:6]), placements=(placed,)))
    assert shares[0] == 0.0
    assert shares[1] >= SEEN_SHARE


def test_a_coarse_tile_is_the_shell() -> None:
    cupboards = [
        box((1 + x * 0.4, 1 + y * 0.4, 0), (1.3 + x * 0.4, 1.3 + y * 0.4, 2)) for x in range(10) for y in range(10)
    ]
    whole = content_of([*house(open_roof=False)[:6], *cupboards])
    coarse = simplify(whole, Detail(0.05, 100_000, shell=True))
    assert coarse.handles.tolist() == [0, 1, 2, 3, 4, 5]
    assert coarse.error_m == 0.0  # nothing of them is seen
    leaky = content_of([*house(open_roof=True)[:6], *cupboards])
    assert len(simplify(leaky, Detail(0.05, 100_000, shell=True)).handles) > 6
    assert len(simplify(whole, Detail(0.05, 100_000)).handles) == len(whole.handles)


def test_nothing_is_hidden_where_there_is_nothing() -> None:
    shares, placed = seen_from_outside(empty_content(np.zeros(3)))
    assert not len(shares)
    assert placed == ()


def test_the_tree_of_a_model_goes_from_its_shell_to_everything(
    scene_of: Callable[..., Scene], shapes: SimpleNamespace, tmp_path: Path
) -> None:
    """A house full of round shelves: the first tile has walls, the last ones everything."""
    cans = [trimesh.creation.cylinder(0.2, 0.6, sections=48) for _ in range(240)]
    for number, can in enumerate(cans):
        can.apply_translation([1.5 + number % 8, 1.5 + number // 8 % 6, 0.6 + number // 48])
    bodies = [*house(open_roof=False)[:6], *cans]
    mesh = shapes.mesh_of([(b.vertices, b.faces, np.full((len(b.vertices), 4), 200, np.uint8)) for b in bodies])
    scene = scene_of(shapes.layer_of("model", "bim", "BuildingConstructiveElement", [(mesh, len(bodies))]))
    file = publish(scene, tmp_path / "tiles")["model"]
    root = json.loads(file.read_text("utf-8"))["root"]
    assert objects_in(file, root) == set(range(6))
    assert root["children"]
    assert set().union(*(objects_in(file, leaf) for leaf in leaves(root))) == set(range(len(bodies)))
    rooms = scene_of(shapes.layer_of("model", "bim", "BuildingRoom", [(mesh, len(bodies))]))
    file = publish(rooms, tmp_path / "rooms")["model"]
    assert len(objects_in(file, json.loads(file.read_text("utf-8"))["root"])) > 6


def leaves(tile: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not tile.get("children"):
        yield tile
    for child in tile.get("children", ()):
        yield from leaves(child)


def objects_in(file: Path, tile: dict[str, Any]) -> set[int]:
    glb = (file.parent / tile["content"]["uri"]).read_bytes()
    primitives = [each for mesh in read_json(glb)["meshes"] for each in mesh["primitives"]]
    found = [read_accessor(glb, each["attributes"]["_FEATURE_ID_0"]) for each in primitives]
    return set(np.concatenate(found).astype(int).tolist())
