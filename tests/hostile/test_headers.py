"""Heads that promise billions of points, rows, cells or bytes: they cost no memory, and end in a sentence."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import laspy
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from pyarrow import parquet

from tests.gis.models3d import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.hostile.conftest import Read

MANY = 2_000_000_000


def _las(path: Path) -> None:
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.offsets, header.scales = [354_000, 3_457_000, 0], [0.01] * 3
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = (np.full(9, value) for value in (354_001, 3_457_001, 5))
    cloud.write(path)
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 247, MANY * 1000)
    path.write_bytes(data)


def _laz_chunks(path: Path) -> None:
    _las(path)
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 247, 9)
    offset = struct.unpack_from("<I", data, 96)[0]
    place = struct.unpack_from("<q", data, offset)[0]
    if 0 < place < len(data):
        struct.pack_into("<I", data, place + 4, MANY)
    path.write_bytes(data)


def _ply(path: Path) -> None:
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {MANY}\nproperty float x\nproperty float y\n"
    head += f"property float z\nelement face {MANY}\nproperty list uchar int vertex_indices\nend_header\n"
    path.write_bytes(head.encode() + bytes(120))


def _ply_points(path: Path) -> None:
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {MANY}\nproperty float x\nproperty float y\n"
    path.write_bytes(f"{head}property float z\nend_header\n".encode() + bytes(120))


def _stl(path: Path) -> None:
    path.write_bytes(bytes(80) + struct.pack("<I", MANY) + bytes(500))


def _gltf(change: dict[str, Any]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        body, data = files.accessors(files.SQUARE, files.FACES)
        body["accessors"][0] |= change
        if change.get("bufferView", 0) is None:
            del body["accessors"][0]["bufferView"]
        body |= {
            "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
            "nodes": [{"mesh": 0}],
            "scenes": [{"nodes": [0]}],
        }
        path.write_bytes(files.glb(body, data))

    return write


def _tiff(path: Path) -> None:
    profile = {"width": 1_000_000, "height": 1_000_000, "count": 1, "dtype": "float32", "crs": "EPSG:32651"}
    place = Affine(0.01, 0, 354_000, 0, -0.01, 3_457_000)
    tiles = {"tiled": True, "blockxsize": 16_384, "blockysize": 16_384, "sparse_ok": True, "bigtiff": "yes"}
    with rasterio.open(path, "w", driver="GTiff", transform=place, **profile, **tiles):
        pass


def _asc(path: Path) -> None:
    path.write_text(f"ncols {MANY}\nnrows {MANY}\nxllcorner 354000\nyllcorner 3457000\ncellsize 1\n1 2 3\n")


def _frame() -> gpd.GeoDataFrame:
    places = [shapely.Point(121.5 + n / 1000, 31.2) for n in range(4)]
    return gpd.GeoDataFrame({"name": list("abcd")}, geometry=places, crs=4326)


def _shp(path: Path) -> None:
    _frame().to_file(path)
    data = bytearray(path.read_bytes())
    struct.pack_into(">i", data, 24, 2**31 - 1)
    struct.pack_into(">i", data, 104, 2**30)
    path.write_bytes(data)
    index = path.with_suffix(".shx")
    entries = bytearray(index.read_bytes())
    struct.pack_into(">i", entries, 24, 2**31 - 1)
    struct.pack_into(">i", entries, 104, 2**30)
    index.write_bytes(entries)
    rows = bytearray(path.with_suffix(".dbf").read_bytes())
    struct.pack_into("<I", rows, 4, 2**32 - 2)
    path.with_suffix(".dbf").write_bytes(rows)


def _fgb(path: Path) -> None:
    _frame().to_file(path, driver="FlatGeobuf", SPATIAL_INDEX="NO")
    data = path.read_bytes()
    four = data.find(struct.pack("<Q", 4), 12)
    assert four > 0
    path.write_bytes(data[:four] + struct.pack("<Q", MANY * 1000) + data[four + 8 :])


def _fgb_size(path: Path) -> None:
    _frame().to_file(path, driver="FlatGeobuf", SPATIAL_INDEX="NO")
    data = bytearray(path.read_bytes())
    size = struct.unpack_from("<I", data, 8)[0]
    struct.pack_into("<I", data, 12 + size, 2**31 - 1)
    path.write_bytes(data)


def _parquet(path: Path) -> None:
    _frame().to_parquet(path)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, len(data) - 8, 2**31 - 1)
    path.write_bytes(data)


def _parquet_bomb(path: Path) -> None:
    table = parquet.read_table(_plain(path))
    wide = table.take(np.zeros(200_000, np.int64))
    parquet.write_table(wide, path, compression="zstd", row_group_size=200_000)


def _plain(path: Path) -> Path:
    beside = path.with_name("plain.parquet")
    _frame().to_parquet(beside)
    return beside


def _tiles(path: Path) -> None:
    root = {
        "boundingVolume": {"box": [0] * 12}, "content": {"uri": "{level}_{x}_{y}.glb"},
        "implicitTiling": {"subdivisionScheme": "OCTREE", "subtreeLevels": 60, "availableLevels": 2_000_000,
                           "subtrees": {"uri": "{level}.{x}.{y}.subtree"}},
    }  # fmt: skip
    path.write_text(json.dumps({"asset": {"version": "1.1"}, "geometricError": 1, "root": root}))


def _b3dm(path: Path) -> None:
    heights = {"height": {"byteOffset": 0, "componentType": "DOUBLE", "type": "SCALAR"}}
    tile = files.table(b"b3dm", ({"BATCH_LENGTH": MANY}, b"", heights, b""), files.square())
    (path.parent / "a.b3dm").write_bytes(tile)
    root = {"boundingVolume": {"box": [0] * 12}, "content": {"uri": "a.b3dm"}}
    path.write_text(json.dumps({"asset": {"version": "1.0"}, "geometricError": 1, "root": root}))


def _vector_tile(path: Path) -> None:
    pyogrio.write_dataframe(_frame(), path, driver="PMTiles", layer="a", dataset_options={"MAXZOOM": "5"})
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 16, 2**62)  # the length of the first directory
    struct.pack_into("<Q", data, 80, 2**62)  # and of how many tiles there are
    path.write_bytes(data)


def _cityjson(path: Path) -> None:
    solid = {"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, MANY]], [[0, 1, -MANY]]]}
    body = {"type": "CityJSON", "version": "2.0", "transform": {"scale": [1e308] * 3, "translate": [1e308] * 3},
            "CityObjects": {"b": {"type": "Building", "geometry": [solid]}},
            "vertices": [[0, 0, 0], [1, 0, 0]]}  # fmt: skip
    path.write_text(json.dumps(body))


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "las points": ("cloud.las", _las),
    "laz chunks": ("cloud.laz", _laz_chunks),
    "ply faces": ("mesh.ply", _ply),
    "ply points": ("points.ply", _ply_points),
    "stl triangles": ("mesh.stl", _stl),
    "gltf count": ("mesh.glb", _gltf({"count": MANY})),
    "gltf zeros": ("mesh.glb", _gltf({"count": MANY, "bufferView": None})),
    "gltf offset": ("mesh.glb", _gltf({"byteOffset": 2**53})),
    "gltf sparse": ("mesh.glb", _gltf({"sparse": {"count": MANY, "indices": {"bufferView": 0, "componentType": 5125},
                                                  "values": {"bufferView": 0}}})),
    "tiff cells": ("dem.tif", _tiff),
    "ascii cells": ("dem.asc", _asc),
    "shapefile records": ("map.shp", _shp),
    "flatgeobuf features": ("map.fgb", _fgb),
    "flatgeobuf size": ("map.fgb", _fgb_size),
    "parquet footer": ("map.parquet", _parquet),
    "parquet rows": ("map.parquet", _parquet_bomb),
    "implicit tiles": ("tileset.json", _tiles),
    "b3dm batch": ("tileset.json", _b3dm),
    "pmtiles directory": ("map.pmtiles", _vector_tile),
    "cityjson indices": ("town.city.json", _cityjson),
}  # fmt: skip


@pytest.mark.parametrize("what", WRITERS)
def test_promises_cost_nothing(tmp_path: Path, read: Read, what: str) -> None:
    name, write = WRITERS[what]
    path = tmp_path / name
    write(path)
    found = read(path)
    assert found.sentence or found.objects <= 200_000, what
