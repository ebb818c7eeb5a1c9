"""Images on tiles: the colour of a place is the same in the source and in every level, however images were packed."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scenes.mesh import Instances, MeshSet
from scenes.pictures import Picture
from scenes.tiles import layer_glb, publish
from scenes.tiles.atlas import MARGIN_PX, arranged
from scenes.tiles.encode import encode
from scenes.tiles.gather import mesh_content
from scenes.tiles.glb import read_accessor, read_json
from scenes.tiles.paint import TILE_PIXELS, charts, fitted, separated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import SimpleNamespace

    from scenes.model import Scene

SIDE_M = 2_000.0
WHITE = np.full(4, 255, np.uint8)


def colour_at(x: Any, y: Any) -> Any:
    """Return (..., 3) smooth sRGB colours that tell where they are."""
    return np.stack([40 + 180 * x / SIDE_M, 40 + 180 * y / SIDE_M, 128 + 0 * x], axis=-1)


def photo(x: float, y: float, side_m: float, pixels: int) -> Picture:
    """Return what is seen from above of a square."""
    step = (np.arange(pixels) + 0.5) / pixels * side_m
    east, north = np.meshgrid(x + step, y + side_m - step)
    return Picture.of_pixels(np.rint(colour_at(east, north)).astype(np.uint8))


def carpet(cells: int, pixels: int, split: int = 1) -> MeshSet:
    """Return cells x cells squares, each an object with an image of its own and split x split quads."""
    side = SIDE_M / cells
    axis = np.linspace(0, 1, split + 1)
    u, v = (grid.ravel() for grid in np.meshgrid(axis, axis))
    width = split + 1
    i = (np.arange(split)[None] + np.arange(split)[:, None] * width).ravel()
    faces = np.concatenate([np.c_[i, i + 1, i + width + 1], np.c_[i, i + width + 1, i + width]])
    corners = [(column * side, row * side) for row in range(cells) for column in range(cells)]
    places = [np.c_[x + u * side, y + v * side, 3 * np.sin(u * 3)] for x, y in corners]
    mesh = MeshSet.from_parts(range(len(corners)), places, [faces] * len(corners))
    images = [photo(x, y, side, pixels) for x, y in corners]
    uvs = np.tile(np.c_[u, 1 - v], (len(corners), 1))
    return mesh.textured(uvs, np.repeat(np.arange(len(corners)), len(faces)), images)


def decoded(glb: bytes, index: int) -> np.ndarray:
    """Return the pixels of an image of a glb."""
    document = read_json(glb)
    view = document["bufferViews"][document["images"][index]["bufferView"]]
    start = 20 + int.from_bytes(glb[12:16], "little") + 8 + view["byteOffset"]
    with Image.open(io.BytesIO(glb[start : start + view["byteLength"]])) as image:
        return np.asarray(image.convert("RGB")).astype(float)


def painted(glb: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle of each textured triangle in local metres, z up, and the colour it shows there."""
    document = read_json(glb)
    places, colours = [np.zeros((0, 3))], [np.zeros((0, 3))]
    for node in document["nodes"]:
        for item in document["meshes"][node["mesh"]]["primitives"]:
            look = document["materials"][item["material"]]["pbrMetallicRoughness"]
            if "baseColorTexture" not in look:
                continue
            corner = read_accessor(glb, item["indices"]).reshape(-1, 3)
            stored = read_accessor(glb, item["attributes"]["POSITION"]).astype(float)
            at = stored * np.array(node.get("scale", [1, 1, 1])) + np.array(node["translation"])
            uv = read_accessor(glb, item["attributes"]["TEXCOORD_0"])
            uv = uv / 65_535 if uv.dtype == np.uint16 else uv
            pixels = decoded(glb, document["textures"][look["baseColorTexture"]["index"]]["source"])
            middle = uv[corner].mean(axis=1) % 1.0
            rows, columns = pixels.shape[:2]
            colours.append(pixels[(middle[:, 1] * rows).astype(int), (middle[:, 0] * columns).astype(int)])
            place = at[corner].mean(axis=1)
            places.append(np.c_[place[:, 0], -place[:, 2], place[:, 1]])
    return np.concatenate(places), np.concatenate(colours)


def content_of(mesh: MeshSet) -> Any:
    content = mesh_content(mesh, 0, np.array([90, 90, 90, 255], np.uint8))
    assert content is not None
    return content


@pytest.fixture(scope="module")
def carpets(scene_of: Callable[..., Scene], shapes: SimpleNamespace, tmp_path_factory: Any) -> dict[str, Path]:
    """Tiles of squares with many small images, with a few large ones, and of one wide terrain."""
    many, few = carpet(34, 64), carpet(4, 1_024)
    wide = carpet(4, 512, 60)
    scene = scene_of(
        shapes.layer_of("many", "generic", "LandUse", [(many, 1_156)]),
        shapes.layer_of("few", "generic", "LandUse", [(few, 16)]),
        shapes.layer_of("wide", "terrain", "ReliefFeature", [(wide, 16)]),
    )
    return publish(scene, tmp_path_factory.mktemp("carpets") / "tiles")


def levels(tile: dict[str, Any]) -> list[tuple[dict[str, Any], float]]:
    """Return every tile with the error of its parent."""
    found = [(tile, np.inf)]
    for child in tile.get("children", []):
        found += [(tile, min(error, tile["geometricError"])) for tile, error in levels(child)]
    return found


@pytest.mark.parametrize("name", ["many", "few", "wide"])
def test_every_level_shows_the_colours_of_the_source(carpets: dict[str, Path], name: str) -> None:
    root = json.loads(carpets[name].read_text(encoding="utf-8"))["root"]
    tiles = levels(root)
    assert len(tiles) > 4
    for tile, above in tiles:
        glb = (carpets[name].parent / tile["content"]["uri"]).read_bytes()
        places, colours = painted(glb)
        assert len(places)
        apart = np.abs(colours - colour_at(places[:, 0], places[:, 1]))
        assert apart.mean() < 4
        assert apart.max() < 30  # what JPEG does to the rim of an image
        assert tile["geometricError"] <= above
        sizes = [decoded(glb, index).shape[:2] for index in range(len(read_json(glb)["images"]))]
        assert sum(rows * columns for rows, columns in sizes) <= 2.2 * TILE_PIXELS  # packing wastes some


@pytest.mark.parametrize("name", ["many", "few", "wide"])
def test_the_khronos_validator_finds_no_error_in_textured_tiles(
    carpets: dict[str, Path], name: str, node: Callable[..., Any]
) -> None:
    found = node("validate_glb.mjs", *sorted(carpets[name].parent.glob("*.glb")))
    assert {path: report for path, report in found.items() if report["errors"] or report["warnings"]} == {}


def test_a_tile_of_many_small_images_is_drawn_in_a_few_calls(carpets: dict[str, Path]) -> None:
    counts = [
        len(read_json(path.read_bytes())["meshes"][0]["primitives"]) for path in carpets["many"].parent.glob("*.glb")
    ]
    assert max(counts) <= 4


def test_coarser_images_count_as_an_error_in_metres(carpets: dict[str, Path]) -> None:
    root = json.loads(carpets["few"].read_text(encoding="utf-8"))["root"]
    texel_m = SIDE_M / 2_048
    assert 3 * texel_m < root["geometricError"] < 12 * texel_m
    finest = [tile for tile, _ in levels(root) if not tile.get("children")]
    assert {tile["geometricError"] for tile in finest} == {0.0}


def test_images_of_prototypes_repeated_images_and_gaps_are_written(
    shapes: SimpleNamespace, tmp_path: Path, node: Callable[..., Any]
) -> None:
    gap = np.full((16, 16, 4), [0, 200, 0, 255], np.uint8)
    gap[::2, :, 3] = 0
    leaf, brick = Picture.of_pixels(gap), photo(0, 0, SIDE_M, 32)
    wall = MeshSet.of_one([[0, 0, 0], [9, 0, 0], [9, 0, 3], [0, 0, 3]], [[0, 1, 2], [0, 2, 3]])
    wall = wall.textured([[0, 1], [3, 1], [3, 0], [0, 0]], [0, 1], [brick, leaf])
    rows = np.arange(3, dtype=np.uint32)
    feet = np.array([[0, 0, 0], [5, 0, 0], [0, 9, 0]], np.float32)
    placed = Instances(wall, rows, feet, rows.astype(np.float32), np.ones((3, 3), np.float32))
    layer = shapes.layer_of("walls", "generic", "Wall", [(replace(wall, instances=(placed,)), 3)])
    whole, tile = tmp_path / "whole.glb", tmp_path / "tile.glb"
    whole.write_bytes(layer_glb(layer, 0))
    content = mesh_content(layer.batches[0].meshes["1"], 0, WHITE)
    assert content is not None
    tile.write_bytes(encode(content))
    found = node("validate_glb.mjs", whole, tile)
    assert all(not report["errors"] and not report["warnings"] for report in found.values())
    modes = [material.get("alphaMode", "OPAQUE") for material in read_json(tile.read_bytes())["materials"]]
    assert modes == ["OPAQUE", "MASK"]
    assert {sampler["wrapS"] for sampler in read_json(tile.read_bytes())["samplers"]} == {10497}


def test_images_that_are_not_repeated_keep_their_rims(carpets: dict[str, Path]) -> None:
    for name in ("many", "few", "wide"):
        for path in carpets[name].parent.glob("*.glb"):
            assert [sampler["wrapS"] for sampler in read_json(path.read_bytes())["samplers"]] == [33071]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 500)), min_size=1, max_size=60))
def test_packed_images_never_overlap(sizes: list[tuple[int, int]]) -> None:
    size = np.array(sizes) + 2 * MARGIN_PX
    places, side = arranged(size)
    for one, (place, (width, height)) in enumerate(zip(places, size, strict=True)):
        assert place.x + width <= side
        assert place.y + height <= side
        for other, (w, h) in zip(places[one + 1 :], size[one + 1 :], strict=True):
            apart = place.page != other.page or place.x + width <= other.x or other.x + w <= place.x
            assert apart or place.y + height <= other.y or other.y + h <= place.y


@given(st.integers(0, 2**32 - 1), st.integers(3, 12), st.integers(1, 20))
def test_no_vertex_stays_in_two_images(seed: int, vertices: int, count: int) -> None:
    random = np.random.default_rng(seed)
    triangles, named = random.integers(0, vertices, (count, 3)), random.integers(-1, 3, count)
    copied, apart = separated(triangles, named, vertices)
    source = np.concatenate([np.arange(vertices), copied])
    assert (source[apart] == triangles).all()
    owner = np.full(len(source), -9)
    for triangle, image in zip(apart, named, strict=True):
        assert set(owner[triangle].tolist()) <= {-9, image}
        owner[triangle] = image


def test_charts_are_the_connected_parts() -> None:
    content = content_of(
        MeshSet.of_one(np.random.default_rng(3).uniform(0, 9, (9, 3)), [[0, 1, 2], [2, 3, 4], [5, 6, 7], [7, 8, 6]])
    )
    assert charts(content).tolist() == [0, 0, 0, 0, 0, 5, 5, 5, 5]


def test_only_the_used_part_of_a_large_image_travels() -> None:
    large = photo(0, 0, SIDE_M, 1_024)
    place = np.array([[100, 100], [300, 100], [300, 300], [100, 300]]) / SIDE_M
    mesh = MeshSet.of_one(np.c_[place * SIDE_M, np.zeros(4)], [[0, 1, 2], [0, 2, 3]])
    cut = fitted(content_of(mesh.textured(np.c_[place[:, 0], 1 - place[:, 1]], 0, [large])))
    assert max(cut.paint.images[0].size_px) < 110
    assert cut.error_m == 0.0
    places, colours = painted(encode(cut))
    assert np.abs(colours - colour_at(places[:, 0], places[:, 1])).max() < 10
