"""Keep the content of a tile for the next time: arrays one behind another, compressed, never anything that runs."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from scenes.mesh import MeshSet
from scenes.pictures import Picture
from scenes.tiles.content import Content, Placements
from scenes.tiles.paint import Paint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

_HEAD = 16
_LONG = ("owners", "triangles", "lines", "points")  # are 64 bits wide in memory, and small
_CONTENT = ("centre", "positions", "colours", "handles", "errors", "sizes", "normals", *_LONG)
_PLACED = ("handles", "positions", "yaw_rad", "scales")
_MESH = tuple(each.name for each in fields(MeshSet) if each.name not in {"instances", "images"})


def keep_content(content: Content, file: Path) -> None:
    """Write a content into a file."""
    arrays = {name: getattr(content, name) for name in _CONTENT}
    arrays |= {name: arrays[name].astype(np.uint32) for name in _LONG}
    arrays["error_m"] = np.array([content.error_m])
    for number, each in enumerate(content.placements):
        arrays |= {f"placed/{number}/{name}": getattr(each, name) for name in _PLACED}
        arrays |= _mesh_arrays(each.prototype, f"placed/{number}/prototype/")
    if content.paint is not None:
        arrays |= {"paint/uvs": content.paint.uvs, "paint/named": content.paint.named}
        arrays |= _image_arrays(content.paint.images, "paint/")
    keys = [each.key for each in content.placements]
    file.write_bytes(_packed({name: array for name, array in arrays.items() if array is not None}, {"keys": keys}))


def kept_content(file: Path) -> Content:
    """Return the content that `keep_content` wrote.

    Raises
    ------
    ValueError, KeyError, OSError
        When the file is missing or broken.
    """
    arrays, told = _unpacked(file.read_bytes())
    wide = {name: arrays[name].astype(np.int64) for name in _LONG}
    plain = {name: arrays.get(name) for name in _CONTENT} | wide
    placements = tuple(
        Placements(
            key,
            _mesh(arrays, f"placed/{number}/prototype/"),
            *(arrays[f"placed/{number}/{name}"] for name in _PLACED),
        )
        for number, key in enumerate(told["keys"])
    )
    paint = None
    if "paint/uvs" in arrays:
        paint = Paint(arrays["paint/uvs"], arrays["paint/named"], _images(arrays, "paint/"))
    content = Content(**plain)  # type: ignore[arg-type]  # `normals` alone may be None
    return replace(content, placements=placements, paint=paint, error_m=float(arrays["error_m"][0]))


def _mesh_arrays(mesh: MeshSet, prefix: str) -> Arrays:
    found = {f"{prefix}{name}": getattr(mesh, name) for name in _MESH}
    return found | _image_arrays(mesh.images, prefix)


def _mesh(arrays: Arrays, prefix: str) -> MeshSet:
    known: dict[str, Any] = {name: arrays[prefix + name] for name in _MESH if prefix + name in arrays}
    return MeshSet(**known, images=_images(arrays, prefix))


def _image_arrays(images: tuple[Picture, ...], prefix: str) -> Arrays:
    return {
        f"{prefix}image/{number}/{image.mime}": np.frombuffer(image.data, np.uint8)
        for number, image in enumerate(images)
    }


def _images(arrays: Arrays, prefix: str) -> tuple[Picture, ...]:
    start = f"{prefix}image/"
    named = [name for name in arrays if name.startswith(start)]  # in the order in which they were written
    return tuple(Picture(arrays[name].tobytes(), name.removeprefix(start).split("/", 1)[1]) for name in named)


def _packed(arrays: Mapping[str, NDArray[Any]], told: dict[str, Any]) -> bytes:
    """Return arrays and facts as bytes: the length of the head, the head (JSON), and the arrays."""
    described, parts = [], []
    for name, array in arrays.items():
        data = _apart(array)
        described.append([name, array.dtype.str, list(array.shape), len(data)])
        parts.append(data)
    head = json.dumps({**told, "arrays": described}).encode()
    whole = b"".join([len(head).to_bytes(_HEAD, "little"), head, *parts])
    packed: bytes = pa.compress(whole, codec="zstd", asbytes=True)
    return len(whole).to_bytes(_HEAD, "little") + packed


def _unpacked(data: bytes) -> tuple[Arrays, dict[str, Any]]:
    size = int.from_bytes(data[:_HEAD], "little")
    if not 0 < size < 1 << 34:
        raise ValueError("the content is cut off")
    whole = pa.decompress(data[_HEAD:], size, codec="zstd", asbytes=True)
    begin = _HEAD + int.from_bytes(whole[:_HEAD], "little")
    told = json.loads(whole[_HEAD:begin])
    arrays: Arrays = {}
    for name, kind, shape, length in told.pop("arrays"):
        arrays[name] = _together(whole[begin : begin + length], np.dtype(kind), shape)
        begin += length
    return arrays, told


def _apart(array: NDArray[Any]) -> bytes:
    """Return an array as bytes that pack well: whole numbers as steps from one row to the next, byte by byte."""
    if array.dtype.kind not in "iu" or array.dtype.itemsize == 1 or not len(array):
        return np.ascontiguousarray(array).tobytes()
    steps = np.ascontiguousarray(np.diff(array, axis=0, prepend=np.zeros_like(array[:1])))
    return steps.reshape(-1).view(np.uint8).reshape(-1, array.dtype.itemsize).T.tobytes()


def _together(data: bytes, kind: np.dtype[Any], shape: list[int]) -> NDArray[Any]:
    """Return the array that `_apart` made bytes of."""
    if kind.kind not in "iu" or kind.itemsize == 1 or not data:
        return np.frombuffer(data, kind).reshape(shape)
    planes = np.frombuffer(data, np.uint8).reshape(kind.itemsize, -1)
    return np.cumsum(np.ascontiguousarray(planes.T).view(kind).reshape(shape), axis=0, dtype=kind)
