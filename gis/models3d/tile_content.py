"""Contents of 3D Tiles: b3dm, i3dm, cmpt and glTF as parts with features and their attributes.

Source: OGC 18-053r2, 3D Tiles 1.0, chapter 7 (tile formats).
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.models3d.gltf import Model, read_gltf
from gis.models3d.parts import MOST_TRIANGLES, turned_up
from scenes.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from scenes.problems import Problems

    Floats = NDArray[np.float64]
    Table = dict[str, list[Any]]

_TYPES = {"BYTE": "i1", "UNSIGNED_BYTE": "u1", "SHORT": "<i2", "UNSIGNED_SHORT": "<u2", "INT": "<i4",
          "UNSIGNED_INT": "<u4", "FLOAT": "<f4", "DOUBLE": "<f8"}  # fmt: skip
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_DEEPEST = 16
BROKEN = (struct.error, TypeError, AttributeError, ValueError, KeyError, IndexError)
"""What comes out of a tile whose bytes are not what they should be."""
_MOST_INSTANCES = 1_000_000


@dataclass(frozen=True, eq=False)
class Piece:
    """A model in the coordinates of its tile (z up), with the batch table that its features index."""

    model: Model
    batch: Table | None


@dataclass(frozen=True, eq=False)
class Reading:
    """How a content is read: what gives other files, what messages call it, where problems go, and the up axis."""

    resolve: Callable[[str], bytes | None]
    where: str
    problems: Problems
    up: str = "Y"


def pieces_of(data: bytes, reading: Reading) -> Iterator[Piece]:
    """Yield the models in a content, those in composites too; points are read by `gis.models3d.tile_points`.

    Raises
    ------
    SourceError
        When it is broken or of no known kind.
    """
    try:
        for tile in inner_tiles(data):
            if tile[:4] == b"b3dm":
                yield _batched(tile, reading)
            elif tile[:4] == b"i3dm":
                yield _instanced(tile, reading)
            elif tile[:4] != b"pnts":
                yield Piece(_upright(_model(tile, reading), reading.up), None)
    except BROKEN as error:
        raise unsound(reading.where, error) from error


def unsound(where: str, error: Exception) -> LoadError:
    """Return one sentence for what is wrong in the bytes of a tile."""
    return LoadError(where, f"is no sound tile ({type(error).__name__}: {error})"[:120], "export the tileset again")


def _model(data: bytes, reading: Reading) -> Model:
    return read_gltf(data, reading.resolve, reading.where, reading.problems)


def _upright(model: Model, up: str) -> Model:
    """Return a model with z up, as tiles have it."""
    if up == "Z":
        return model
    turn = turned_up if up == "Y" else (lambda points: np.column_stack([-points[:, 2], points[:, 1], points[:, 0]]))
    return replace(model, parts=[replace(part, positions=turn(part.positions)) for part in model.parts])


def _moved(model: Model, by: Floats) -> Model:
    return replace(model, parts=[replace(part, positions=part.positions + by) for part in model.parts])


class TileTables:
    """The feature table and the batch table in front of the body of a tile."""

    def __init__(self, data: bytes, start: int) -> None:
        sizes = struct.unpack_from("<4I", data, 12)
        if start + sum(sizes) > len(data):
            raise ValueError("its tables reach beyond its end")
        ends = start + np.cumsum([0, *sizes])
        parts = [data[low:high] for low, high in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]
        self.features = json.loads(parts[0]) if parts[0].strip() else {}
        self._binary = parts[1]
        self._batch = json.loads(parts[2]) if parts[2].strip() else {}
        self._batch_binary = parts[3]
        self.body = data[int(ends[-1]) : struct.unpack_from("<I", data, 8)[0]]

    def values(self, name: str, dtype: str, shape: tuple[int, int]) -> NDArray[Any] | None:
        """Return a property of the feature table, (n, width), None if it has none of that name."""
        given = self.features.get(name)
        if given is None:
            return None
        if isinstance(given, list):
            return np.asarray(given, dtype).reshape(shape)
        dtype = _TYPES.get(str(given.get("componentType")), dtype)
        return _numbers(self._binary, int(given["byteOffset"]), dtype, shape)

    def batch(self, count: int) -> Table | None:
        """Return the batch table as columns."""
        found: Table = {}
        for name, given in self._batch.items():
            if name in {"extensions", "extras", "HIERARCHY"}:
                continue
            if isinstance(given, list):
                found[str(name)] = given[:count]
            elif isinstance(given, dict) and "byteOffset" in given:
                width = _WIDTHS[str(given.get("type", "SCALAR"))]
                dtype = _TYPES[str(given["componentType"])]
                values = _numbers(self._batch_binary, int(given["byteOffset"]), dtype, (count, width))
                found[str(name)] = values[:, 0].tolist() if width == 1 else values.tolist()
        return found or None

    def centre(self) -> Floats:
        """Return the point that positions count from."""
        given = self.values("RTC_CENTER", "<f4", (1, 3))
        return np.zeros(3) if given is None else given[0].astype(np.float64)


def _numbers(data: bytes, start: int, dtype: str, shape: tuple[int, int]) -> NDArray[Any]:
    size = shape[0] * shape[1]
    if start < 0 or start + size * np.dtype(dtype).itemsize > len(data):
        raise ValueError("a table reaches beyond its data")
    return np.frombuffer(data, dtype, size, start).reshape(shape)


def _batched(data: bytes, reading: Reading) -> Piece:
    tables = TileTables(data, 28)
    model = _moved(_upright(_model(tables.body, reading), reading.up), tables.centre())
    return Piece(model, tables.batch(int(tables.features.get("BATCH_LENGTH", 0))))


def _instanced(data: bytes, reading: Reading) -> Piece:
    """Return a model written out at every place of an i3dm tile; each place is a feature."""
    tables = TileTables(data, 32)
    count = int(tables.features["INSTANCES_LENGTH"])
    if not 0 <= count <= _MOST_INSTANCES:
        raise ValueError(f"{count} instances")
    if struct.unpack_from("<I", data, 28)[0] == 0:
        uri = tables.body.rstrip(b"\0 ").decode("utf-8", "replace")
        body = reading.resolve(uri)
        if body is None:
            raise LoadError(reading.where, f"its model {uri!r} is not there", "copy the whole tileset")
    else:
        body = tables.body
    model = _upright(_model(body, reading), reading.up)
    if sum(len(part.triangles) for part in model.parts) * count > MOST_TRIANGLES:
        raise LoadError(reading.where, f"has more than {MOST_TRIANGLES:,} triangles", "simplify or split it")
    spots = places_of(tables, count)
    turns = _turns(tables, count, spots)
    ids = tables.values("BATCH_ID", "<u2", (count, 1))
    features = np.arange(count) if ids is None else ids[:, 0].astype(np.int64)
    parts = []
    for part in model.parts:
        placed = np.einsum("nij,vj->nvi", turns, part.positions) + spots[:, None, :]
        size = len(part.positions)
        triangles = part.triangles[None] + (np.arange(count) * size)[:, None, None]
        parts.append(
            replace(
                part,
                positions=placed.reshape(-1, 3),
                triangles=triangles.reshape(-1, 3),
                colours=np.tile(part.colours, (count, 1)),
                uvs=None if part.uvs is None else np.tile(part.uvs, (count, 1)),
                features=np.repeat(features, size),
                table=-1,
            )
        )
    return Piece(replace(model, parts=parts), tables.batch(int(features.max(initial=-1)) + 1))


def places_of(tables: TileTables, count: int) -> Floats:
    """Return the places of a feature table, (n, 3) in the coordinates of the tile, packed ones too."""
    given = tables.values("POSITION", "<f4", (count, 3))
    if given is not None:
        return given.astype(np.float64) + tables.centre()
    packed = tables.values("POSITION_QUANTIZED", "<u2", (count, 3))
    offset = tables.values("QUANTIZED_VOLUME_OFFSET", "<f4", (1, 3))
    scale = tables.values("QUANTIZED_VOLUME_SCALE", "<f4", (1, 3))
    if packed is None or offset is None or scale is None:
        raise ValueError("its features have no place")
    return packed / 65_535.0 * scale.astype(np.float64) + offset.astype(np.float64) + tables.centre()


def _turns(tables: TileTables, count: int, spots: Floats) -> Floats:
    """Return the (n, 3, 3) turn and size of each instance."""
    turns = np.tile(np.eye(3), (count, 1, 1))
    up, right = tables.values("NORMAL_UP", "<f4", (count, 3)), tables.values("NORMAL_RIGHT", "<f4", (count, 3))
    if up is None or right is None:
        packed = [tables.values(f"NORMAL_{name}_OCT32P", "<u2", (count, 2)) for name in ("UP", "RIGHT")]
        up, right = (None if each is None else _octahedral(each) for each in packed)
    if up is not None and right is not None:
        turns = np.stack([right, up, np.cross(right, up)], axis=2).astype(np.float64)
    elif tables.features.get("EAST_NORTH_UP"):
        normal = spots / np.maximum(np.linalg.norm(spots, axis=1, keepdims=True), 1e-9)
        east = np.column_stack([-normal[:, 1], normal[:, 0], np.zeros(count)])
        east /= np.maximum(np.linalg.norm(east, axis=1, keepdims=True), 1e-9)
        turns = np.stack([east, np.cross(normal, east), normal], axis=2)
    size = tables.values("SCALE_NON_UNIFORM", "<f4", (count, 3))
    one = tables.values("SCALE", "<f4", (count, 1))
    if size is not None:
        turns = turns * size[:, None, :]
    if one is not None:
        turns = turns * one[:, :, None]
    return turns


def _octahedral(packed: NDArray[Any]) -> Floats:
    """Return unit vectors of (n, 2) octahedral numbers (Cigolle et al., JCGT 2014)."""
    flat = packed / 65_535.0 * 2.0 - 1.0
    vectors = np.column_stack([flat, 1.0 - np.abs(flat).sum(axis=1)])
    folded = vectors[:, 2] < 0
    signs = np.where(vectors[:, :2] >= 0, 1.0, -1.0)
    vectors[folded, :2] = ((1.0 - np.abs(vectors[:, 1::-1])) * signs)[folded]
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def inner_tiles(data: bytes, depth: int = 0) -> Iterator[bytes]:
    """Yield the tiles of a composite, or the tile itself; those within composites too.

    Raises
    ------
    ValueError, struct.error
        When it is broken.
    """
    if data[:4] != b"cmpt":
        yield data
        return
    if depth > _DEEPEST:
        raise ValueError("composites within composites")
    place, count = 16, struct.unpack_from("<I", data, 12)[0]
    for _ in range(count):
        size = struct.unpack_from("<I", data, place + 8)[0]
        if size < 12 or place + size > len(data):
            raise ValueError("an inner tile reaches beyond its end")
        yield from inner_tiles(data[place : place + size], depth + 1)
        place += size
