"""Write binary glTF 2.0: buffer views, accessors and the two chunks of a .glb file."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import meshopt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Json = dict[str, Any]

ARRAY_BUFFER = 34962
ELEMENT_ARRAY_BUFFER = 34963
POINTS, LINES, TRIANGLES = 0, 1, 4

_COMPONENT_TYPES = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
_LEAST_PACKED = 256  # bytes; a smaller array does not gain what its description costs
_MAGIC, _VERSION, _JSON_CHUNK, _BIN_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942


class GlbBuilder:
    """Collects arrays and JSON objects of one glTF asset and joins them to a .glb file.

    Parameters
    ----------
    compressed
        Whether arrays are packed (``EXT_meshopt_compression``), where the library for it is installed.

    Examples
    --------
    >>> builder = GlbBuilder()
    >>> builder.add_accessor(np.array([0, 1, 2], np.uint16), target=ELEMENT_ARRAY_BUFFER)
    0
    >>> builder.to_bytes()[:4]
    b'glTF'
    """

    def __init__(self, *, compressed: bool = False) -> None:
        """Start with an empty asset."""
        self._compressed = compressed and meshopt.library() is not None
        self._unpacked = 0  # bytes of what is packed, as it was before
        self.json: Json = {"asset": {"version": "2.0", "generator": "citytwin"}}
        self._chunks: list[bytes] = []
        self._length = 0
        self._used: set[str] = set()
        self._required: set[str] = set()

    def use_extension(self, name: str, *, required: bool = False) -> None:
        """Name an extension that the asset uses, or cannot be read without."""
        self._used.add(name)
        if required:
            self._required.add(name)

    def add(self, key: str, item: Json) -> int:
        """Append an item to one of the top-level arrays (``meshes``, ``nodes``, ...) and return its index."""
        items = self.json.setdefault(key, [])
        items.append(item)
        return len(items) - 1

    def add_view(self, data: bytes, *, stride: int | None = None, target: int | None = None) -> int:
        """Append bytes as a buffer view that starts at a multiple of 8 and return its index."""
        view: Json = {"buffer": 0, "byteOffset": self._length, "byteLength": len(data)}
        if stride is not None:
            view["byteStride"] = stride
        if target is not None:
            view["target"] = target
        padding = -len(data) % 8
        self._chunks.append(data + b"\0" * padding)
        self._length += len(data) + padding
        return self.add("bufferViews", view)

    def add_accessor(
        self,
        values: NDArray[Any],
        *,
        target: int | None = ARRAY_BUFFER,
        normalized: bool = False,
        limits: bool = False,
        triangles: bool = False,
    ) -> int:
        """Append an array as an accessor and return its index.

        Parameters
        ----------
        values
            (n,) or (n, k) array of a glTF component type. Vertex attributes are padded so that every
            element starts at a multiple of 4 bytes.
        target
            What the buffer view is for; None for attributes of instances.
        normalized
            Whether whole numbers stand for 0..1 or -1..1.
        limits
            Whether to write ``min`` and ``max``, which POSITION needs.
        triangles
            Whether the values are the corners of triangles, three by three.
        """
        width = values.shape[1] if values.ndim == 2 else 1
        stride = None
        data = np.ascontiguousarray(values)
        if target != ELEMENT_ARRAY_BUFFER:
            data, stride = _aligned(data.reshape(len(data), width))
        view_stride = stride if target == ARRAY_BUFFER or stride != width * values.itemsize else None
        accessor: Json = {
            "bufferView": self._view(data, view_stride, target, triangles=triangles),
            "componentType": _COMPONENT_TYPES[values.dtype.name],
            "count": len(values),
            "type": _TYPES[width],
        }
        if normalized:
            accessor["normalized"] = True
        if limits:
            columns = np.ascontiguousarray(values.reshape(len(values), width).T)
            accessor["min"], accessor["max"] = columns.min(axis=1).tolist(), columns.max(axis=1).tolist()
        return self.add("accessors", accessor)

    def _view(self, data: NDArray[Any], stride: int | None, target: int | None, *, triangles: bool) -> int:
        """Append an array as a buffer view, packed if that makes it smaller."""
        is_index = target == ELEMENT_ARRAY_BUFFER
        size = data.itemsize if is_index else data.shape[1] * data.itemsize
        if self._compressed and data.nbytes >= _LEAST_PACKED and (triangles if is_index else size <= meshopt.WIDEST):
            if is_index:
                packed = meshopt.packed_triangles(data, int(data.max()) + 1)
            else:
                packed = meshopt.packed_vertices(data.view(np.uint8).reshape(len(data), size))
            if len(packed) < data.nbytes:
                return self._packed_view(packed, (len(data), size), stride, target)
        return self.add_view(data.tobytes(), stride=stride, target=target)

    def _packed_view(self, packed: bytes, shape: tuple[int, int], stride: int | None, target: int | None) -> int:
        view = self.add_view(packed, stride=stride, target=target)
        described = self.json["bufferViews"][view]
        mode = "TRIANGLES" if target == ELEMENT_ARRAY_BUFFER else "ATTRIBUTES"
        coded = {"buffer": 0, "byteOffset": described["byteOffset"], "byteLength": len(packed)}
        coded |= {"byteStride": shape[1], "count": shape[0], "mode": mode}
        length = shape[0] * shape[1]
        described |= {"buffer": 1, "byteOffset": self._unpacked, "byteLength": length}
        described["extensions"] = {meshopt.EXTENSION: coded}
        self._unpacked += length + -length % 8
        self.use_extension(meshopt.EXTENSION, required=True)
        return view

    def to_bytes(self) -> bytes:
        """Return the .glb file."""
        document = dict(self.json)
        if self._used:
            document["extensionsUsed"] = sorted(self._used)
        if self._required:
            document["extensionsRequired"] = sorted(self._required)
        if self._length:
            document["buffers"] = [{"byteLength": self._length}]
        if self._unpacked:
            absent: Json = {"byteLength": self._unpacked, "extensions": {meshopt.EXTENSION: {"fallback": True}}}
            document["buffers"].append(absent)
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
        text += b" " * (-len(text) % 8)
        chunks = [struct.pack("<II", len(text), _JSON_CHUNK), text]
        if self._length:
            chunks += [struct.pack("<II", self._length, _BIN_CHUNK), *self._chunks]
        total = 12 + sum(len(chunk) for chunk in chunks)
        return b"".join([struct.pack("<III", _MAGIC, _VERSION, total), *chunks])


def read_json(glb: bytes) -> Json:
    """Return the JSON part of a .glb file.

    Raises
    ------
    ValueError
        When the bytes are not binary glTF 2.0.
    """
    magic, version, _length = struct.unpack_from("<III", glb)
    size, kind = struct.unpack_from("<II", glb, 12)
    if (magic, version, kind) != (_MAGIC, _VERSION, _JSON_CHUNK):
        raise ValueError("not a binary glTF 2.0 file")
    parsed: Json = json.loads(glb[20 : 20 + size])
    return parsed


def read_accessor(glb: bytes, index: int) -> NDArray[Any]:
    """Return one accessor of a .glb file of ours as an array (n,) or (n, k); what is packed is unpacked."""
    document = read_json(glb)
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    names = {number: name for name, number in _COMPONENT_TYPES.items()}
    widths = {name: number for number, name in _TYPES.items()}
    dtype, width = np.dtype(names[accessor["componentType"]]), widths[accessor["type"]]
    first = 20 + struct.unpack_from("<I", glb, 12)[0] + 8
    stride = view.get("byteStride", width * dtype.itemsize)
    coded = view.get("extensions", {}).get(meshopt.EXTENSION)
    if coded is None:
        raw = np.frombuffer(glb, np.uint8, accessor["count"] * stride, first + view["byteOffset"]).reshape(-1, stride)
    else:
        packed = glb[first + coded["byteOffset"] : first + coded["byteOffset"] + coded["byteLength"]]
        raw = np.frombuffer(meshopt.unpacked(packed, coded), np.uint8).reshape(-1, coded["byteStride"])
    values = np.ascontiguousarray(raw[:, : width * dtype.itemsize]).view(dtype)
    return values[:, 0] if width == 1 else values


def _aligned(table: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Return the (n, k) table padded so that a row is a multiple of 4 bytes, and the length of a row."""
    row = table.shape[1] * table.itemsize
    missing = -row % 4 // table.itemsize
    if missing:
        padded = np.zeros((len(table), table.shape[1] + missing), table.dtype)
        padded[:, : table.shape[1]] = table
        table = padded
    return table, table.shape[1] * table.itemsize
