"""3D Tiles: the finest tiles that are there, features with attributes, and nothing from outside."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gis.models3d.tiles3d import Tiles3dLoader
from scenes import Batch, Georeference, GeoreferenceError, Layer, LoadError, MeshSet, Problems, Scene
from scenes.georeference import GEOCENTRIC, transformer
from scenes.loading import LoadContext
from scenes.schema import object_table
from scenes.sources import Placement, Source
from scenes.tiles.tileset import publish_layer
from tests.gis.models3d import files

FRAME = Georeference("EPSG:32632", 500_000.0, 5_000_000.0)
BOX = {"box": [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]}
PLACED = Placement(500_000.0, 5_000_000.0)


def tileset(folder: Path, root: dict[str, Any], name: str = "tileset.json", **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    body = {"asset": {"version": "1.1"}, "geometricError": 10, "root": {"boundingVolume": BOX, **root}, **more}
    path.write_text(json.dumps(body))
    return path


def load(path: Path, problems: Problems | None = None, place: Placement | None = PLACED) -> Batch:
    source = Source(str(path), place=place)
    assert Tiles3dLoader().supports(source)
    found: list[tuple[Layer, Batch]] = list(
        Tiles3dLoader().load(source, LoadContext(FRAME, problems=problems or Problems()))
    )
    return found[0][1].with_bounds()


def ids(batch: Batch) -> list[str]:
    return [str(each) for each in batch.table["source_id"].to_pylist()]


def test_replaced_tiles_give_way_to_their_children_and_added_ones_stay(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.glb").write_bytes(files.square())
    children = [{"content": {"uri": "b.glb"}}, {"content": {"uri": "c.glb"}, "transform": np.eye(4).ravel().tolist()}]
    for refine, expected in (("REPLACE", ["b", "c"]), ("ADD", ["a", "b", "c"])):
        path = tileset(tmp_path, {"refine": refine, "content": {"uri": "a.glb"}, "children": children})
        assert ids(load(path)) == [f"tile/{name}.glb" for name in expected]


def test_a_tile_stands_in_for_children_that_are_missing(tmp_path: Path) -> None:
    (tmp_path / "a.glb").write_bytes(files.square())
    (tmp_path / "b.glb").write_bytes(files.square())
    root = {"refine": "REPLACE", "content": {"uri": "a.glb"},
            "children": [{"content": {"uri": "b.glb"}}, {"content": {"uri": "lost.glb"}}]}  # fmt: skip
    problems = Problems()
    assert ids(load(tileset(tmp_path, root), problems)) == ["tile/a.glb"]
    assert problems.count("content-missing") == 1


@pytest.mark.parametrize(
    "uri", ["../a.glb", "/etc/passwd", "http://example.org/a.glb", "file:///etc/passwd", "%2e%2e/a.glb"]
)
def test_nothing_outside_the_folder_is_read(tmp_path: Path, uri: str) -> None:
    (tmp_path / "a.glb").write_bytes(files.square())
    problems = Problems()
    with pytest.raises(LoadError):
        load(tileset(tmp_path / "tiles", {"content": {"uri": uri}}), problems)
    assert problems.count("content-refused") == 1


def test_transforms_of_tiles_and_tilesets_add_up(tmp_path: Path) -> None:
    (tmp_path / "a.glb").write_bytes(files.square())
    move = np.eye(4)
    move[:3, 3] = 10, 20, 30
    transform = move.T.ravel().tolist()
    tileset(tmp_path, {"content": {"uri": "a.glb"}, "transform": transform}, "inner.json")
    batch = load(tileset(tmp_path, {"content": {"uri": "inner.json"}, "transform": transform}))
    low, high = batch.finest().row_bounds(1)  # type: ignore[union-attr]
    assert low[0] == pytest.approx([20, 40, 60])
    assert high[0] == pytest.approx([21, 40, 61])  # the square stands upright: y up became z up


def test_a_tileset_that_contains_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "a.glb").write_bytes(files.square())
    problems = Problems()
    root = {"refine": "ADD", "content": {"uri": "a.glb"}, "children": [{"content": {"uri": "tileset.json"}}]}
    assert ids(load(tileset(tmp_path, root), problems)) == ["tile/a.glb"]
    assert problems.count("tileset-cycle") == 1


def test_features_of_b3dm_have_their_batch_table(tmp_path: Path) -> None:
    body = files.square({"_BATCHID": np.array([0, 0, 1, 1], np.float32)})
    heights = np.array([4.5, 9.0], np.float64).tobytes()
    batch = {"name": ["Hall", "Tower"], "height": {"byteOffset": 0, "componentType": "DOUBLE", "type": "SCALAR"}}
    tile = files.table(b"b3dm", ({"BATCH_LENGTH": 2, "RTC_CENTER": [0, 0, 7]}, b"", batch, heights), body)
    (tmp_path / "a.b3dm").write_bytes(tile)
    found = load(tileset(tmp_path, {"content": {"uri": "a.b3dm"}}))
    assert found.table["name"].to_pylist() == ["Hall", "Tower"]
    assert found.table["height"].to_pylist() == [4.5, 9.0]
    assert found.table["min_z"].to_pylist()[0] == pytest.approx(7)
    assert found.triangle_count == 2


def test_instances_and_composites_are_written_out(tmp_path: Path) -> None:
    spots = np.array([[0, 0, 0], [5, 0, 0], [0, 9, 0]], np.float32).tobytes()
    feature = {"INSTANCES_LENGTH": 3, "POSITION": {"byteOffset": 0}}
    inner = files.table(
        b"i3dm", (feature, spots, {"species": ["oak", "elm", "ash"]}, b""), files.square(), struct.pack("<I", 1)
    )
    plain = files.table(b"b3dm", ({"BATCH_LENGTH": 0}, b"", {}, b""), files.square())
    size = 16 + len(inner) + len(plain)
    (tmp_path / "a.cmpt").write_bytes(struct.pack("<4sIII", b"cmpt", 1, size, 2) + inner + plain)
    found = load(tileset(tmp_path, {"content": {"uri": "a.cmpt"}}))
    assert found.table["species"].to_pylist() == ["oak", "elm", "ash", None]
    assert found.table["max_x"].to_pylist() == pytest.approx([1, 6, 1, 1])
    assert len(set(ids(found))) == 4


def test_implicit_tiles_are_found_by_their_bits(tmp_path: Path) -> None:
    for name in ("0_0_0", "1_1_0", "1_0_1"):
        (tmp_path / f"{name}.glb").write_bytes(files.square())
    bits = bytes([0b01101, 0, 0, 0, 0, 0, 0, 0])  # the root and its children 1 (x 1, y 0) and 2 (x 0, y 1)
    text = json.dumps({
        "buffers": [{"byteLength": 8}], "bufferViews": [{"buffer": 0, "byteOffset": 0, "byteLength": 1}],
        "tileAvailability": {"bitstream": 0}, "contentAvailability": [{"bitstream": 0}],
        "childSubtreeAvailability": {"constant": 0},
    }).encode()  # fmt: skip
    text += b" " * (-len(text) % 8)
    (tmp_path / "0.0.0.subtree").write_bytes(struct.pack("<4sIQQ", b"subt", 1, len(text), 8) + text + bits)
    root = {
        "refine": "ADD", "content": {"uri": "{level}_{x}_{y}.glb"},
        "implicitTiling": {"subdivisionScheme": "QUADTREE", "subtreeLevels": 2, "availableLevels": 2,
                           "subtrees": {"uri": "{level}.{x}.{y}.subtree"}},
    }  # fmt: skip
    assert sorted(ids(load(tileset(tmp_path, root)))) == ["tile/0_0_0.glb", "tile/1_0_1.glb", "tile/1_1_0.glb"]


def test_a_zip_is_a_tileset_too(tmp_path: Path) -> None:
    path = tileset(tmp_path / "tiles", {"content": {"uri": "in/a.glb"}})
    with zipfile.ZipFile(tmp_path / "a.3tz", "w") as archive:
        archive.write(path, "tileset.json")
        archive.writestr("in/a.glb", files.square())
    assert ids(load(tmp_path / "a.3tz")) == ["tile/in/a.glb"]


def test_a_tileset_of_its_own_coordinates_asks_for_a_place(tmp_path: Path) -> None:
    (tmp_path / "a.glb").write_bytes(files.square())
    path = tileset(tmp_path, {"content": {"uri": "a.glb"}})
    with pytest.raises(GeoreferenceError, match="--place"):
        Tiles3dLoader().locate(Source(str(path)))


def test_geocentric_tiles_are_placed_exactly(tmp_path: Path) -> None:
    x, y, z = transformer("EPSG:4979", GEOCENTRIC).transform(9.0, 45.16, 120.0)
    matrix = FRAME.to_ecef_matrix()
    matrix[:3, 3] = x, y, z
    (tmp_path / "a.glb").write_bytes(files.square())
    path = tileset(tmp_path, {"content": {"uri": "a.glb"}, "transform": matrix.T.ravel().tolist()})
    found = Tiles3dLoader().locate(Source(str(path)))
    assert found is not None
    assert (found.longitude_deg, found.latitude_deg) == pytest.approx((9.0, 45.16), abs=1e-4)
    row = load(path, place=None).table.to_pylist()[0]
    east, north = FRAME.from_lonlat(9.0, 45.16)
    assert (row["min_x"], row["min_y"], row["min_z"]) == pytest.approx((float(east), float(north), 120), abs=1e-3)


def test_our_own_tiles_come_back(tmp_path: Path) -> None:
    corners = [[0, 0, 0], [30, 0, 0], [30, 20, 0], [0, 20, 10]]
    parts = [np.array(corners, float) + np.array([50 * row, 0, 0]) for row in range(3)]
    faces = [np.array([[0, 1, 2], [0, 2, 3]], np.uint32)] * 3
    mesh = MeshSet.from_parts([0, 1, 2], parts, faces)
    cells = {"uid": [f"urn:uuid:{row}" for row in range(3)], "kind": ["Building"] * 3, "name": ["A", "B", "C"]}
    layer = Layer("houses", (Batch(object_table(cells), {"1": mesh}).with_bounds(),), "buildings")
    found = load(publish_layer(Scene(FRAME, {"houses": layer}), "houses", tmp_path / "tiles"), place=None)
    assert sorted(found.table["name"].to_pylist()) == ["A", "B", "C"]
    order = np.argsort(found.table["name"].to_pylist())
    assert found.table["min_x"].to_numpy()[order] == pytest.approx([0, 50, 100], abs=0.06)
    assert found.table["max_z"].to_numpy()[order] == pytest.approx([10, 10, 10], abs=0.02)


BROKEN = (
    "",
    "[]",
    '{"asset": {}, "root": 3, "geometricError": 1}',
    '{"root": {"children": 5}, "geometricError": 1}',
    '{"root": {"transform": [1]}, "geometricError": 1}',
)


@pytest.mark.parametrize("body", BROKEN)
def test_broken_tilesets_end_in_one_sentence(tmp_path: Path, body: str) -> None:
    path = tmp_path / "tileset.json"
    path.write_text(body)
    with pytest.raises(LoadError):
        list(Tiles3dLoader().load(Source(str(path), place=PLACED), LoadContext(FRAME)))


@pytest.mark.real_data
def test_the_dragon_is_loaded_at_the_level_that_is_there(real_data: Path) -> None:
    problems = Problems()
    found = load(real_data / "tiles3d/1.0/TilesetWithDiscreteLOD", problems, place=None)
    assert ids(found) == ["tile/dragon_medium.b3dm"]
    assert problems.count("content-missing") == 1


@pytest.mark.real_data
def test_implicit_and_described_tiles_are_loaded(real_data: Path) -> None:
    assert len(load(real_data / "tiles3d/1.1/SparseImplicitQuadtree")) == 32
    found = load(real_data / "tiles3d/1.1/MetadataGranularities")
    assert len(found) == 20
    assert set(found.table["district"].to_pylist()) >= {"Callowhill"}
