"""glTF: transforms, colours, images, features, compression, and files that are not what they say."""

from __future__ import annotations

import DracoPy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.models3d.gltf import Model, read_gltf
from scenes import CityTwinError, LoadError, Problems, UnsupportedError
from scenes.meshopt import packed_vertices
from scenes.pictures import Picture
from tests.gis.models3d import files


def read(data: bytes, problems: Problems | None = None) -> Model:
    return read_gltf(data, lambda _: None, "a.glb", problems or Problems())


def test_transforms_of_nodes_add_up() -> None:
    nodes = [
        {"name": "site", "translation": [10, 0, 0], "children": [1]},
        {"name": "wall", "mesh": 0, "rotation": [0, np.sin(np.pi / 4), 0, np.cos(np.pi / 4)], "scale": [2, 2, 2]},
    ]
    model = read(files.square(nodes=nodes))
    assert model.names == ["site", "wall"]
    assert model.parents == [-1, 0]
    expected = [[10, 0, 0], [10, 0, -2], [10, 2, -2], [10, 2, 0]]  # a quarter turn about y takes x to -z
    assert model.parts[0].positions == pytest.approx(np.array(expected), abs=1e-9)


def test_a_mirrored_node_keeps_its_faces_outward() -> None:
    plain = read(files.square()).parts[0]
    mirrored = read(files.square(nodes=[{"mesh": 0, "scale": [-1, 1, 1]}])).parts[0]

    def normal(part) -> np.ndarray:
        corner = part.positions[part.triangles[0]]
        return np.cross(corner[1] - corner[0], corner[2] - corner[0])

    assert normal(plain)[2] > 0
    assert normal(mirrored)[2] > 0


def test_strips_and_fans_are_the_same_square() -> None:
    def area(mode: int, order: list[int]) -> float:
        indices = np.array(order, np.uint16)
        body, data = files.accessors(files.SQUARE, indices)
        mesh = {"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "mode": mode}]}
        part = read(files.glb({**body, "meshes": [mesh], "nodes": [{"mesh": 0}]}, data)).parts[0]
        corner = part.positions[part.triangles]
        return float(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])[:, 2].sum() / 2)

    assert area(4, [0, 1, 2, 0, 2, 3]) == area(5, [0, 1, 3, 2]) == area(6, [0, 1, 2, 3]) == 1.0


def test_linear_factors_become_srgb() -> None:
    material = {"pbrMetallicRoughness": {"baseColorFactor": [0.2140411, 1.0, 0.0, 0.5]}, "alphaMode": "BLEND"}
    part = read(files.square(materials=[material], primitive={"material": 0})).parts[0]
    assert part.colours[0].tolist() == [127, 255, 0, 128]


def test_images_lie_where_their_places_say() -> None:
    red = Picture.of_pixels(np.full((4, 4, 3), [200, 30, 30], np.uint8))
    uvs = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32)
    body, data = files.accessors(files.SQUARE, files.FACES, uvs)
    start = len(data)
    body["bufferViews"].append({"buffer": 0, "byteOffset": start, "byteLength": len(red.data)})
    body["buffers"] = [{"byteLength": start + len(red.data)}]
    moved = {"index": 0, "extensions": {"KHR_texture_transform": {"offset": [0.5, 0], "scale": [2, 1]}}}
    body |= {
        "images": [{"bufferView": 3, "mimeType": red.mime}], "textures": [{"source": 0}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": moved}}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 2}, "indices": 1, "material": 0}]}],
        "nodes": [{"mesh": 0}],
    }  # fmt: skip
    part = read(files.glb(body, data + red.data)).parts[0]
    assert part.picture == red
    assert part.uvs is not None
    assert part.uvs[:, 0].tolist() == [0.5, 2.5, 2.5, 0.5]


def test_features_have_the_values_of_their_table() -> None:
    words = b"oakelm"
    ids = np.array([0, 0, 1, 1], np.float32)
    body, data = files.accessors(
        files.SQUARE, files.FACES, ids, np.array([4.5, 9.0], np.float32), np.array([0, 3, 6], np.uint32),
        np.frombuffer(words, np.uint8),
    )  # fmt: skip
    schema = {"classes": {"tree": {"properties": {
        "height": {"type": "SCALAR", "componentType": "FLOAT32"}, "kind": {"type": "STRING"},
    }}}}  # fmt: skip
    properties = {"height": {"values": 3}, "kind": {"values": 5, "stringOffsets": 4}}
    body |= {
        "extensions": {"EXT_structural_metadata": {
            "schema": schema, "propertyTables": [{"class": "tree", "count": 2, "properties": properties}],
        }},
        "meshes": [{"primitives": [{
            "attributes": {"POSITION": 0, "_FEATURE_ID_0": 2}, "indices": 1,
            "extensions": {"EXT_mesh_features": {"featureIds": [
                {"featureCount": 2, "attribute": 0, "propertyTable": 0, "nullFeatureId": 9}]}},
        }]}],
        "nodes": [{"mesh": 0}],
    }  # fmt: skip
    model = read(files.glb(body, data))
    assert model.tables == [{"height": [4.5, 9.0], "kind": ["oak", "elm"]}]
    assert model.parts[0].features is not None
    assert model.parts[0].features.tolist() == [0, 0, 1, 1]


def test_instances_are_written_out() -> None:
    body, data = files.accessors(files.SQUARE, files.FACES, np.array([[0, 0, 0], [5, 0, 0]], np.float32))
    node = {"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 2}}}}
    body |= {"meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}], "nodes": [node]}
    assert [part.positions[:, 0].max() for part in read(files.glb(body, data)).parts] == [1.0, 6.0]


def test_draco_is_unpacked() -> None:
    packed = DracoPy.encode(files.SQUARE, files.FACES.astype(np.uint32), quantization_bits=14)
    body = {
        "buffers": [{"byteLength": len(packed)}],
        "bufferViews": [{"buffer": 0, "byteOffset": 0, "byteLength": len(packed)}],
        "accessors": [{"componentType": 5126, "count": 4, "type": "VEC3"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "extensions": {
            "KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}}}]}],
        "nodes": [{"mesh": 0}],
    }  # fmt: skip
    part = read(files.glb(body, packed)).parts[0]
    assert len(part.triangles) == 2
    assert np.ptp(part.positions, axis=0) == pytest.approx([1, 1, 0], abs=1e-3)


def _compressed(data: bytes, **coded: object) -> dict[str, object]:
    described = {"buffer": 0, "byteLength": len(data), "byteStride": 12, "count": 4, "mode": "ATTRIBUTES"} | coded
    view = {"buffer": 1, "byteLength": 48, "byteStride": 12, "extensions": {"EXT_meshopt_compression": described}}
    return {
        "buffers": [{"byteLength": len(data)}, {"byteLength": 48}], "bufferViews": [view],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "mode": 5}]}],
    }  # fmt: skip


def test_meshopt_is_undone() -> None:
    square = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32)
    packed = packed_vertices(square.view(np.uint8))
    part = read(files.glb(_compressed(packed), packed)).parts[0]
    assert len(part.triangles) == 2
    np.testing.assert_array_equal(np.unique(part.positions, axis=0), np.unique(square, axis=0))


@pytest.mark.parametrize(
    "coded", [{}, {"count": -1}, {"byteStride": 6}, {"mode": "TRIANGLES"}, {"mode": "x"}, {"filter": "COLOR"}]
)
def test_broken_meshopt_is_named(coded: dict[str, object]) -> None:
    with pytest.raises(UnsupportedError, match="meshopt"):
        read(files.glb(_compressed(b"abcd", **coded), b"abcd"))


def test_old_versions_are_named() -> None:
    with pytest.raises(UnsupportedError, match=r"glTF 1\.0"):
        read(files.glb({"asset": {"version": "1.0"}}))


def test_circles_of_nodes_are_refused() -> None:
    with pytest.raises(LoadError, match="circle"):
        read(files.square(nodes=[{"children": [1]}, {"children": [0]}], scenes=[{"nodes": [0]}]))


def test_a_missing_image_is_reported_and_the_model_stays() -> None:
    problems = Problems()
    data = files.square(
        {"TEXCOORD_0": np.zeros((4, 2), np.float32)},
        images=[{"uri": "../secret.png"}], textures=[{"source": 0}],
        materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}], primitive={"material": 0},
    )  # fmt: skip
    assert read(data, problems).parts[0].picture is None
    assert problems.count("texture-missing") == 1


@settings(max_examples=150)
@given(st.integers(0, 2_000), st.integers(0, 255), st.integers(1, 8))
def test_mutated_files_are_read_or_refused(place: int, value: int, count: int) -> None:
    data = bytearray(files.square({"_FEATURE_ID_0": np.array([0, 0, 1, 1], np.float32)}))
    for step in range(count):
        data[(place * (step + 1)) % len(data)] = value
    try:
        model = read(bytes(data))
    except CityTwinError:
        return
    for part in model.parts:
        assert part.triangles.max(initial=-1) < len(part.positions)
