"""The container of glTF 2.0: JSON, buffers, accessors and images, with every index and length checked."""

from __future__ import annotations

import base64
import binascii
import json
import struct
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from scenes import meshopt
from scenes.errors import LoadError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DTYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_MESHOPT = (meshopt.EXTENSION, "KHR_meshopt_compression")
_MOST_VALUES = 400_000_000


@dataclass
class GltfData:
    """A parsed file and its binary parts.

    Parameters
    ----------
    body
        The JSON.
    binary
        The chunk of a ``.glb``.
    resolve
        Gives the bytes of a file that the JSON names, None where it may not be read.
    where
        What messages call it.
    """

    body: dict[str, Any]
    binary: bytes
    resolve: Callable[[str], bytes | None]
    where: str
    _buffers: dict[int, bytes] = field(default_factory=dict)

    def listed(self, name: str) -> list[Any]:
        """Return a list of the file, such as its nodes."""
        found = self.body.get(name) or []
        if not isinstance(found, list):
            raise self.broken(f"{name} is no list")
        return found

    def item(self, name: str, index: object) -> dict[str, Any]:
        """Return an entry of a list of the file.

        Raises
        ------
        LoadError
            When there is none with this number.
        """
        items = self.listed(name)
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(items):
            raise self.broken(f"it names {name}[{index}], which it does not have")
        found = items[index]
        if not isinstance(found, dict):
            raise self.broken(f"{name}[{index}] is no object")
        return found

    def view(self, index: object) -> bytes:
        """Return the bytes of a buffer view."""
        view = self.item("bufferViews", index)
        for extension in _MESHOPT:
            coded = (view.get("extensions") or {}).get(extension)
            if isinstance(coded, dict):
                return self._unpacked(self._part(coded), coded)
        return self._part(view)

    def _part(self, view: dict[str, Any]) -> bytes:
        data = self._buffer(view.get("buffer", 0))
        start, size = _whole(view.get("byteOffset", 0)), _whole(view.get("byteLength"))
        if start < 0 or size < 0 or start + size > len(data):
            raise self.broken("a buffer view reaches beyond its buffer")
        return data[start : start + size]

    def _unpacked(self, data: bytes, coded: dict[str, Any]) -> bytes:
        try:
            return meshopt.unpacked(data, coded)
        except ValueError as error:
            what, advice = f"its meshopt compression cannot be undone: {error}", "export it without that compression"
            raise UnsupportedError(self.where, what, advice) from error

    def accessor(self, index: object) -> NDArray[Any]:
        """Return the values of an accessor, (n,) or (n, width), in their own type."""
        spec = self.item("accessors", index)
        count, width = _whole(spec.get("count")), _WIDTHS.get(str(spec.get("type")), 0)
        dtype = np.dtype(_DTYPES.get(spec.get("componentType", 0), "V1"))
        if dtype.kind == "V" or not width or count < 0 or count * width > _MOST_VALUES:
            raise self.broken(f"accessor {index} is of no known type or size")
        if "bufferView" in spec:
            view = self.item("bufferViews", spec["bufferView"])
            stride = _whole(view.get("byteStride", 0)) or dtype.itemsize * width
            values = self._strided(
                self.view(spec["bufferView"]), _whole(spec.get("byteOffset", 0)), stride, dtype, (count, width)
            )
        else:
            values = np.zeros((count, width), dtype)
        if "sparse" in spec:
            values = self._sparse(values, spec["sparse"])
        return values[:, 0] if width == 1 else values

    def numbers(self, index: object) -> Floats:
        """Return the values of an accessor as float64, normalised integers as 0..1 or -1..1."""
        values = self.accessor(index)
        if self.item("accessors", index).get("normalized") and values.dtype.kind in "iu":
            return np.maximum(values.astype(np.float64) / np.iinfo(values.dtype).max, -1.0)
        return values.astype(np.float64)

    def image(self, index: object) -> bytes | None:
        """Return the encoded bytes of an image, None where they may not be read."""
        spec = self.item("images", index)
        if "bufferView" in spec:
            return self.view(spec["bufferView"])
        return self._named(str(spec.get("uri", "")))

    def broken(self, what: str) -> LoadError:
        """Return an error about the file."""
        return LoadError(self.where, f"is not sound glTF: {what}", "export it again")

    def _buffer(self, index: object) -> bytes:
        spec = self.item("buffers", index)
        key = cast("int", index)  # `item` has checked it
        if key not in self._buffers:
            uri = spec.get("uri")
            data = self.binary if uri is None else self._named(str(uri))
            if data is None:
                raise LoadError(self.where, f"buffer {uri!r} is not beside it", "copy the whole folder of the model")
            self._buffers[key] = data
        return self._buffers[key]

    def _named(self, uri: str) -> bytes | None:
        if uri.startswith("data:"):
            head, _, text = uri.partition(",")
            try:
                return base64.b64decode(text) if head.endswith(";base64") else urllib.parse.unquote_to_bytes(text)
            except (ValueError, binascii.Error) as error:
                raise self.broken("a data address is no base64") from error
        return self.resolve(uri)

    def _strided(
        self, data: bytes, offset: int, stride: int, dtype: np.dtype[Any], shape: tuple[int, int]
    ) -> NDArray[Any]:
        count, width = shape
        size = dtype.itemsize * width
        if offset < 0 or stride < size or (count and offset + stride * (count - 1) + size > len(data)):
            raise self.broken("an accessor reaches beyond its data")
        if not count:
            return np.zeros(shape, dtype)
        return np.array(np.ndarray(shape, dtype, data, offset, (stride, dtype.itemsize)))

    def _sparse(self, values: NDArray[Any], spec: dict[str, Any]) -> NDArray[Any]:
        count = _whole(spec.get("count"))
        at, of = spec.get("indices") or {}, spec.get("values") or {}
        kind = np.dtype(_DTYPES.get(at.get("componentType", 0), "u1"))
        places = self._strided(
            self.view(at.get("bufferView")), _whole(at.get("byteOffset", 0)), kind.itemsize, kind, (count, 1)
        )[:, 0].astype(np.int64)
        size = values.dtype.itemsize * values.shape[1]
        new = self._strided(
            self.view(of.get("bufferView")),
            _whole(of.get("byteOffset", 0)),
            size,
            values.dtype,
            (count, values.shape[1]),
        )
        if len(places) and (places.min() < 0 or places.max() >= len(values)):
            raise self.broken("a sparse accessor names values that are not there")
        values[places] = new
        return values


def parse_gltf(data: bytes, resolve: Callable[[str], bytes | None], where: str) -> GltfData:
    """Return a ``.glb`` or ``.gltf`` ready to be read.

    Raises
    ------
    SourceError
        When it is neither, or of another version.
    """
    if data[:4] == b"glTF":
        text, binary = _chunks(data, where)
    else:
        text, binary = data, b""
    try:
        body = json.loads(text.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise LoadError(where, f"its JSON cannot be read ({str(error)[:100]})", "export it again") from error
    asset = body.get("asset") if isinstance(body, dict) else None
    if not isinstance(asset, dict):
        raise LoadError(where, "is no glTF", "export it again")
    version = str(asset.get("version", "1.0"))
    if not version.startswith("2."):
        raise UnsupportedError(where, f"is glTF {version}", "convert it to glTF 2.0")
    return GltfData(body, binary, resolve, where)


def _chunks(data: bytes, where: str) -> tuple[bytes, bytes]:
    if len(data) < 20:
        raise LoadError(where, "ends in its header", "download it again")
    version = struct.unpack_from("<I", data, 4)[0]
    if version != 2:
        raise UnsupportedError(where, f"is binary glTF {version}", "convert it to glTF 2.0")
    found: dict[bytes, bytes] = {}
    place = 12
    while place + 8 <= len(data):
        size, kind = struct.unpack_from("<I4s", data, place)
        if place + 8 + size > len(data):
            raise LoadError(where, "ends before its last chunk does", "download it again")
        found.setdefault(kind, data[place + 8 : place + 8 + size])
        place += 8 + size
    if b"JSON" not in found:
        raise LoadError(where, "has no JSON chunk", "export it again")
    return found[b"JSON"].rstrip(b"\0 "), found.get(b"BIN\0", b"")


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1
