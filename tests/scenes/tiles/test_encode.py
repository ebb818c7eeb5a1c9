from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes.errors import CityTwinError
from scenes.mesh import MeshSet
from scenes.tiles.encode import MAX_HANDLE, Encoding, encode, linear_colours, rounding_m
from scenes.tiles.gather import mesh_content
from scenes.tiles.glb import read_accessor, read_json

if TYPE_CHECKING:
    from types import SimpleNamespace

    from scenes.tiles.content import Content

GREY = np.array([128, 128, 128, 255], np.uint8)


def content_of(mesh: MeshSet, base: int = 0) -> Content:
    content = mesh_content(mesh, base, GREY)
    assert content is not None
    return content


def drawn_positions(glb: bytes, primitive: int = 0) -> Any:
    """Return the positions of a primitive in local metres, z up, one a corner of a triangle."""
    document = read_json(glb)
    node = document["nodes"][0]
    item = document["meshes"][node["mesh"]]["primitives"][primitive]
    stored = read_accessor(glb, item["attributes"]["POSITION"]).astype(np.float64)
    placed = stored * np.array(node.get("scale", [1, 1, 1])) + np.array(node["translation"])
    corners = placed[read_accessor(glb, item["indices"])]
    return np.stack([corners[:, 0], -corners[:, 2], corners[:, 1]], axis=1)


@settings(deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(1, 5000),
    st.tuples(st.floats(-40_000, 40_000), st.floats(-40_000, 40_000), st.floats(-200, 3000)),
)
def test_positions_in_a_leaf_are_right_to_the_centimetre(
    seed: int, size_m: float, at: tuple[float, float, float]
) -> None:
    rng = np.random.default_rng(seed)
    true = rng.uniform(-size_m / 2, size_m / 2, (30, 3)) + at
    content = content_of(MeshSet.of_one(true, np.arange(30).reshape(10, 3)))
    glb = encode(content)
    assert np.abs(drawn_positions(glb) - true).max() <= 0.01
    assert rounding_m(content, Encoding()) <= 0.01 * np.sqrt(3)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(10, 50_000))
def test_the_rounding_of_a_coarse_tile_is_within_what_is_promised(seed: int, size_m: float) -> None:
    rng = np.random.default_rng(seed)
    true = rng.uniform(0, size_m, (30, 3))
    content = content_of(MeshSet.of_one(true, np.arange(30).reshape(10, 3)))
    coarse = Encoding(rounding_m=float("inf"))
    apart = np.linalg.norm(drawn_positions(encode(content, None, coarse)) - true, axis=1).max()
    assert apart <= rounding_m(content, coarse) + 0.005


def test_equal_vertices_of_one_object_are_stored_once_and_those_of_two_objects_are_not(
    shapes: SimpleNamespace,
) -> None:
    corners = np.array([[0, 0, 0], [4, 0, 0], [4, 4, 0], [0, 0, 0], [4, 4, 0], [0, 4, 0]], float)
    faces = np.arange(6).reshape(2, 3)
    colours = np.full((6, 4), 200, np.uint8)
    content = content_of(shapes.mesh_of([(corners, faces, colours), (corners, faces, colours)]))
    glb = encode(content)
    document = read_json(glb)
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    assert document["accessors"][attributes["POSITION"]]["count"] == 8
    assert sorted(read_accessor(glb, attributes["_FEATURE_ID_0"]).tolist()) == [0.0] * 4 + [1.0] * 4
    np.testing.assert_allclose(drawn_positions(glb), np.concatenate([corners, corners])[:12], atol=0.01)


def test_vertices_of_two_colours_stay_apart(shapes: SimpleNamespace) -> None:
    content = content_of(shapes.mesh_of([shapes.prism(0, 0, (8, 8), 10)]))
    document = read_json(encode(content))
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    assert document["accessors"][attributes["POSITION"]]["count"] == 12


def test_handles_survive_as_float32_up_to_the_limit(shapes: SimpleNamespace) -> None:
    mesh = shapes.mesh_of([shapes.prism(0, 0, (8, 8), 10)])
    glb = encode(content_of(mesh, MAX_HANDLE - 1))
    index = read_json(glb)["meshes"][0]["primitives"][0]["attributes"]["_FEATURE_ID_0"]
    assert set(read_accessor(glb, index).tolist()) == {float(MAX_HANDLE - 1)}
    with pytest.raises(CityTwinError, match="split the city"):
        encode(content_of(mesh, MAX_HANDLE))


def test_transparent_faces_are_a_primitive_of_their_own(shapes: SimpleNamespace) -> None:
    mesh = shapes.mesh_of([shapes.prism(0, 0, (8, 8), 10), shapes.prism(20, 0, (8, 8), 10)])
    colours = mesh.colours.copy()
    colours[12:, 3] = 100
    document = read_json(encode(content_of(shapes.with_parts(mesh, colours=colours))))
    primitives = document["meshes"][0]["primitives"]
    modes = [document["materials"][item["material"]].get("alphaMode", "OPAQUE") for item in primitives]
    assert modes == ["OPAQUE", "BLEND"]


def test_indices_are_short_where_they_can_be_and_long_where_they_must(shapes: SimpleNamespace) -> None:
    for cells, kind in ((30, 5123), (300, 5125)):
        glb = encode(content_of(shapes.hills(cells, 1000.0)))
        document = read_json(glb)
        item = document["meshes"][0]["primitives"][0]
        assert document["accessors"][item["indices"]]["componentType"] == kind


def test_normals_are_bytes_of_length_one(shapes: SimpleNamespace) -> None:
    glb = encode(content_of(shapes.hills(10, 1000.0)))
    index = read_json(glb)["meshes"][0]["primitives"][0]["attributes"]["NORMAL"]
    normals = read_accessor(glb, index)
    assert normals.dtype == np.int8
    np.testing.assert_allclose(np.linalg.norm(normals / 127, axis=1), 1, atol=0.02)
    assert (normals[:, 1] > 0).all()  # y is up


def test_colours_become_linear() -> None:
    colours = np.array([[0, 128, 255, 77]], np.uint8)
    assert linear_colours(colours).tolist() == [[0, 55, 255, 77]]
