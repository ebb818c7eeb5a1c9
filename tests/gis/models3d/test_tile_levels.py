"""Tilesets: the level of detail that the user asks for, and points of 3D Tiles 1.0."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gis.models3d.tiles3d import Tiles3dLoader
from scenes import Batch, Georeference, Layer, LoadError, Problems
from scenes.loading import LoadContext
from scenes.points import STEP_M, PointBlocks, cloud_of
from scenes.sources import Placement, Source
from tests.gis.models3d import files

FRAME = Georeference("EPSG:32632", 500_000.0, 5_000_000.0)
BOX = {"box": [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]}
XYZ = np.array([[0.0, 0.0, 1.0], [10.0, 0.0, 2.0], [0.0, 20.0, 3.0], [5.0, 5.0, 40.0]])
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [8, 80, 160]], np.uint8)


def write(folder: Path, root: dict[str, Any]) -> Source:
    path = folder / "tileset.json"
    body = {"asset": {"version": "1.0"}, "geometricError": 500, "root": {"boundingVolume": BOX, **root}}
    path.write_text(json.dumps(body))
    return Source(str(path), place=Placement(500_000.0, 5_000_000.0))


def load(source: Source, problems: Problems | None = None) -> list[tuple[Layer, Batch]]:
    return list(Tiles3dLoader().load(source, LoadContext(FRAME, problems=problems or Problems())))


def tile(name: str, error: float, *children: dict[str, Any]) -> dict[str, Any]:
    return {"geometricError": error, "boundingVolume": BOX, "content": {"uri": name}, "children": list(children)}


@pytest.mark.parametrize(
    ("most", "shown"),
    [(0.0, {"a2", "b"}), (4.9, {"a2", "b"}), (5.0, {"a1", "b"}), (40.0, {"a0", "b"}), (1e6, {"root"})],
)
def test_tiles_are_read_to_the_error_that_is_asked_for(tmp_path: Path, most: float, shown: set[str]) -> None:
    for name in ("root", "a0", "a1", "a2", "b"):
        (tmp_path / f"{name}.glb").write_bytes(files.square())
    branch = tile("a0.glb", 40, tile("a1.glb", 5, tile("a2.glb", 0)))
    source = write(tmp_path, tile("root.glb", 100, branch, tile("b.glb", 0)))
    problems = Problems()
    found = load(Source(source.path, place=source.place, max_error_m=most), problems)
    ids = {
        str(row).split("/")[1].partition(".")[0] for _, batch in found for row in batch.table["source_id"].to_pylist()
    }
    assert ids == shown
    assert problems.count("tiles-coarser") == int(shown != {"a2", "b"})


def test_children_of_implicit_tiles_have_half_the_error(tmp_path: Path) -> None:
    for name in ("0_0_0", "1_0_0", "1_1_0", "1_0_1", "1_1_1"):
        (tmp_path / f"{name}.glb").write_bytes(files.square())
    always = {"constant": 1}
    subtree = {"tileAvailability": always, "contentAvailability": [always], "childSubtreeAvailability": {"constant": 0}}
    (tmp_path / "s.json").write_text(json.dumps(subtree))
    scheme = {"subdivisionScheme": "QUADTREE", "subtreeLevels": 2, "availableLevels": 2, "subtrees": {"uri": "s.json"}}
    source = write(tmp_path, {"geometricError": 8, "content": {"uri": "{level}_{x}_{y}.glb"}, "implicitTiling": scheme})
    counts = [
        sum(len(batch) for _, batch in load(Source(source.path, place=source.place, max_error_m=most)))
        for most in (7.9, 8.0)
    ]
    assert counts == [4, 1]


def pnts(features: dict[str, Any], body: bytes, batch: dict[str, Any] | None = None) -> bytes:
    """Return a tile of points: header, feature table, its binary part, batch table."""
    table = json.dumps(features).encode()
    table += b" " * (-(28 + len(table)) % 8)
    columns = json.dumps(batch).encode() if batch else b""
    sizes = (len(table), len(body), len(columns), 0)
    return b"pnts" + struct.pack("<II4I", 1, 28 + sum(sizes), *sizes) + table + body + columns


def plain() -> bytes:
    body = XYZ.astype("<f4").tobytes() + COLOURS.tobytes()
    features = {"POINTS_LENGTH": 4, "POSITION": {"byteOffset": 0}, "RGB": {"byteOffset": 48}}
    return pnts(features, body, {"Classification": [2, 2, 6, 6], "Intensity": [1, 2, 3, 40_000]})


def packed() -> bytes:
    span = XYZ.max(axis=0) - XYZ.min(axis=0)
    whole = np.rint((XYZ - XYZ.min(axis=0)) / span * 65_535).astype("<u2")
    colours = (COLOURS.astype(np.int64) * [31, 63, 31] + 127) // 255 @ [1 << 11, 1 << 5, 1]
    features = {
        "POINTS_LENGTH": 4, "POSITION_QUANTIZED": {"byteOffset": 0}, "RGB565": {"byteOffset": 24},
        "QUANTIZED_VOLUME_OFFSET": (XYZ.min(axis=0) - 7).tolist(), "QUANTIZED_VOLUME_SCALE": span.tolist(),
        "RTC_CENTER": [7.0, 7.0, 7.0],
    }  # fmt: skip
    return pnts(features, whole.tobytes() + colours.astype("<u2").tobytes())


def composite(*tiles: bytes) -> bytes:
    return b"cmpt" + struct.pack("<III", 1, 16 + sum(map(len, tiles)), len(tiles)) + b"".join(tiles)


def points(found: list[tuple[Layer, Batch]]) -> tuple[np.ndarray, PointBlocks]:
    """Return the places in the order of their heights, and the blocks."""
    (batch,) = (batch for layer, batch in found if layer.theme == "pointcloud")
    blocks = cloud_of(batch.meshes)
    assert blocks is not None
    return blocks.places * STEP_M, blocks


@pytest.mark.parametrize("make", [plain, packed, lambda: composite(plain())])
def test_points_stand_where_they_are_in_their_colours(tmp_path: Path, make: Any) -> None:
    (tmp_path / "a.pnts").write_bytes(make())
    turned = [0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, 100, 200, 0, 1]  # a quarter turn, then a move
    problems = Problems()
    found = load(write(tmp_path, {"content": {"uri": "a.pnts"}, "transform": turned}), problems)
    places, blocks = points(found)
    order = np.argsort(places[:, 2])
    right = np.column_stack([100 - XYZ[:, 1], 200 + XYZ[:, 0], XYZ[:, 2]])
    assert places[order] == pytest.approx(right, abs=2e-3)
    assert np.abs(blocks.colours[order].astype(int) - COLOURS).max() <= 5
    assert not problems.listed()


def test_models_and_points_are_layers_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.pnts").write_bytes(plain())
    (tmp_path / "b.glb").write_bytes(files.square())
    root = {"refine": "ADD", "content": {"uri": "a.pnts"}, "children": [tile("b.glb", 0)]}
    layers = {layer.theme: layer.name for layer, _ in load(write(tmp_path, root))}
    assert set(layers) == {"generic", "pointcloud"}
    assert layers["pointcloud"] == f"{layers['generic']}-points"


BROKEN = {
    "short": plain()[:60],
    "no table": b"pnts" + bytes(24),
    "no places": pnts({"POINTS_LENGTH": 3}, b""),
    "beyond": pnts({"POINTS_LENGTH": 400, "POSITION": {"byteOffset": 0}}, bytes(48)),
    "many": pnts({"POINTS_LENGTH": 1 << 40, "POSITION": {"byteOffset": 0}}, bytes(48)),
    "negative": pnts({"POINTS_LENGTH": -4, "POSITION": {"byteOffset": 0}}, bytes(48)),
    "nothing": pnts({"POINTS_LENGTH": 0, "POSITION": {"byteOffset": 0}}, b""),
    "draco": pnts({"POINTS_LENGTH": 4, "extensions": {"3DTILES_draco_point_compression": {}}}, bytes(48)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_tiles_of_points_are_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.pnts").write_bytes(BROKEN[name])
    problems = Problems()
    with pytest.raises(LoadError, match="none of its tiles"):
        load(write(tmp_path, {"content": {"uri": "a.pnts"}}), problems)
    assert problems.count("tile-broken") == int(name != "nothing")
