"""Implicit tiling (3D Tiles 1.1): subtrees of available tiles written out as explicit ones.

Source: OGC 22-025r4, 3D Tiles 1.1, chapter 8.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Read = Callable[[str], tuple[bytes, Callable[[str], bytes | None]] | None]

_OLD = "3DTILES_implicit_tiling"
_MOST_LEVELS = 24


def is_implicit(tile: dict[str, Any]) -> bool:
    """Say whether a tile stands for a whole tree."""
    return "implicitTiling" in tile or _OLD in (tile.get("extensions") or {})


def expanded(tile: dict[str, Any], read: Read, most: int) -> dict[str, Any]:
    """Return an implicit tile as an explicit one with all its children.

    Parameters
    ----------
    tile
        The tile with ``implicitTiling``.
    read
        Gives the bytes of a subtree, and what reads the files beside it; None where it is missing.
    most
        How many tiles there may be.

    Raises
    ------
    LoadError
        When it has more tiles, or a subtree is broken.
    """
    spec = tile.get("implicitTiling") or tile["extensions"][_OLD]
    tree = _Tree(tile, spec, read, most)
    root = tree.subtree((0, 0, 0, 0))
    plain = {key: value for key, value in tile.items() if key not in {"implicitTiling", "content", "contents"}}
    plain["extensions"] = {key: value for key, value in (tile.get("extensions") or {}).items() if key != _OLD}
    return {**plain, **(root or {})}


class _Tree:
    """Writes subtrees out."""

    def __init__(self, tile: dict[str, Any], spec: dict[str, Any], read: Read, most: int) -> None:
        self._octree = str(spec.get("subdivisionScheme", "QUADTREE")).upper() == "OCTREE"
        self._levels = int(spec["subtreeLevels"])
        self._deepest = int(spec.get("availableLevels", spec.get("maximumLevel", _MOST_LEVELS - 1) + 1))
        if not 1 <= self._levels <= 12 or not 1 <= self._deepest <= _MOST_LEVELS:
            raise ValueError(f"{self._levels} levels a subtree, {self._deepest} in all")
        self._uri = str(spec["subtrees"]["uri"])
        self._contents = tile.get("contents") or ([tile["content"]] if tile.get("content") else [])
        self._read, self._most, self._count = read, most, 0

    def subtree(self, place: tuple[int, int, int, int]) -> dict[str, Any] | None:
        """Return the root tile of the subtree at (level, x, y, z) with all below it, None where it is missing."""
        found = self._read(_filled(self._uri, place))
        if found is None:
            return None
        body, binary = _parsed(found[0])
        size = 8 if self._octree else 4
        nodes = (size**self._levels - 1) // (size - 1)
        bits = _Bits(body, binary, found[1])
        tiles = bits.flags(body.get("tileAvailability") or {}, nodes)
        given = body.get("contentAvailability") or []
        contents = [bits.flags(each, nodes) for each in (given if isinstance(given, list) else [given])]
        below = bits.flags(body.get("childSubtreeAvailability") or {}, size**self._levels)
        return self._tile(place, 0, 0, (tiles, contents, below))

    def _tile(
        self, place: tuple[int, int, int, int], depth: int, morton: int, flags: tuple[Flags, list[Flags], Flags]
    ) -> dict[str, Any] | None:
        tiles, contents, below = flags
        size = 8 if self._octree else 4
        index = (size**depth - 1) // (size - 1) + morton
        if not tiles[index]:
            return None
        self._count += 1
        if self._count > self._most:
            raise LoadError("implicit tiling", f"has more than {self._most:,} tiles", "load a part of it")
        own = [
            {**spec, "uri": _filled(str(spec.get("uri") or spec.get("url", "")), place)}
            for spec, there in zip(self._contents, contents, strict=False)
            if there[index]
        ]
        children = []
        for child in range(size):
            under = morton * size + child
            where = _child(place, child)
            if where[0] >= self._deepest:
                break
            if depth + 1 < self._levels:
                found = self._tile(where, depth + 1, under, flags)
            else:
                found = self.subtree(where) if below[under] else None
            if found is not None:
                children.append(found)
        return {"contents": own, "children": children}


class _Bits:
    """Availability of a subtree."""

    def __init__(self, body: dict[str, Any], binary: bytes, outside: Callable[[str], bytes | None]) -> None:
        self._body, self._binary, self._outside = body, binary, outside

    def flags(self, spec: dict[str, Any], size: int) -> Flags:
        if "constant" in spec:
            return np.full(size, bool(spec["constant"]))
        at = spec.get("bitstream", spec.get("bufferView"))
        if at is None:
            return np.zeros(size, bool)
        view = self._body["bufferViews"][at]
        buffer = self._body["buffers"][view["buffer"]]
        data = self._outside(str(buffer["uri"])) if "uri" in buffer else self._binary
        start = int(view.get("byteOffset", 0))
        bits = np.unpackbits(
            np.frombuffer((data or b"")[start : start + int(view["byteLength"])], np.uint8), bitorder="little"
        )
        if len(bits) < size:
            raise ValueError("a subtree says less about its tiles than it has")
        return bits[:size].astype(bool)


def _parsed(data: bytes) -> tuple[dict[str, Any], bytes]:
    if data[:4] != b"subt":
        return dict(json.loads(data)), b""
    text, binary = struct.unpack_from("<QQ", data, 8)
    if 24 + text > len(data):
        raise ValueError("a subtree ends before its JSON does")
    return dict(json.loads(data[24 : 24 + text])), data[24 + text : 24 + text + binary]


def _filled(template: str, place: tuple[int, int, int, int]) -> str:
    for name, value in zip(("level", "x", "y", "z"), place, strict=True):
        template = template.replace("{" + name + "}", str(value))
    return template


def _child(place: tuple[int, int, int, int], number: int) -> tuple[int, int, int, int]:
    level, x, y, z = place
    return level + 1, 2 * x + (number & 1), 2 * y + (number >> 1 & 1), 2 * z + (number >> 2 & 1)
