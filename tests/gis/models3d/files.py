"""Writes small glTF files and tiles for tests."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
FACES = np.array([0, 1, 2, 0, 2, 3], np.uint16)


def glb(body: dict[str, Any], binary: bytes = b"") -> bytes:
    """Return a binary glTF file."""
    text = json.dumps({"asset": {"version": "2.0"}, **body}).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    if binary:
        chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def accessors(*arrays: np.ndarray) -> tuple[dict[str, Any], bytes]:
    """Return buffers, views and accessors of arrays, and their bytes."""
    kinds = {"f": 5126, "H": 5123, "I": 5125, "B": 5121, "h": 5122}
    shapes = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
    views, found, data = [], [], b""
    for array in arrays:
        data += b"\0" * (-len(data) % 8)
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": array.nbytes})
        width = 1 if array.ndim == 1 else array.shape[1]
        found.append({
            "bufferView": len(found), "componentType": kinds[array.dtype.char], "count": len(array),
            "type": shapes[width],
        })  # fmt: skip
        data += array.tobytes()
    return {"buffers": [{"byteLength": len(data)}], "bufferViews": views, "accessors": found}, data


def square(attributes: dict[str, np.ndarray] | None = None, **more: Any) -> bytes:
    """Return a glb with one square in the plane z = 0 of glTF (so it stands upright), with more attributes."""
    extra = attributes or {}
    body, data = accessors(SQUARE, FACES, *extra.values())
    primitive = {
        "attributes": {"POSITION": 0, **{name: 2 + place for place, name in enumerate(extra)}},
        "indices": 1, **more.pop("primitive", {}),
    }  # fmt: skip
    body |= {
        "meshes": [{"primitives": [primitive]}],
        "nodes": [{"mesh": 0, "name": "wall"}],
        "scenes": [{"nodes": [0]}],
    }
    return glb({**body, **more}, data)


def table(
    magic: bytes, parts: tuple[dict[str, Any], bytes, dict[str, Any], bytes], body: bytes, extra: bytes = b""
) -> bytes:
    """Return a b3dm or i3dm tile: feature table, batch table, body."""
    texts = [json.dumps(part).encode() if isinstance(part, dict) and part else part or b"" for part in parts]
    texts = [text + (b" " if place % 2 == 0 else b"\0") * (-len(text) % 8) for place, text in enumerate(texts)]
    head = 28 + len(extra)
    size = head + sum(map(len, texts)) + len(body)
    sizes = struct.pack("<4I", *map(len, texts))
    return struct.pack("<4sII", magic, 1, size) + sizes + extra + b"".join(texts) + body
