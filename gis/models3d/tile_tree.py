"""The tree of a 3D Tiles tileset down to its finest tiles: explicit, implicit and external, within its own folder."""

from __future__ import annotations

import json
import urllib.parse
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.models3d.implicit import expanded, is_implicit
from scenes.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.shelf import Shelf
    from scenes.problems import Problems

    Floats = NDArray[np.float64]

_MOST_TILES = 300_000
_DEEPEST = 64
_MOST_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Content:
    """A tile to be read.

    Parameters
    ----------
    name
        File in the shelf.
    matrix
        (4, 4) from the tile to the tileset.
    facts
        Metadata of the tile, its content and its group.
    """

    name: str
    matrix: Floats
    facts: dict[str, Any]


@dataclass
class TileTree:
    """Finds the contents of a tileset at its finest level.

    A REPLACE tile is shown by its children; where a file of theirs is missing, the tile itself stands in for them.

    Parameters
    ----------
    shelf
        The folder or archive of the tileset; nothing outside is ever read.
    problems
        Collects missing and refused files.
    where
        What messages call the tileset.
    max_error_m
        A tile whose geometric error is at most this is shown itself instead of its children; 0 = the finest tiles.
    """

    shelf: Shelf
    problems: Problems
    where: str
    max_error_m: float = 0.0
    coarser: int = 0
    """Tiles that were shown though they have finer ones."""
    _tiles: int = 0
    _groups: list[Any] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def contents(self, name: str, matrix: Floats) -> Iterator[Content]:
        """Yield the finest contents of the tileset file `name`.

        Raises
        ------
        LoadError
            When it is no tileset, or has more tiles than can be looked at.
        """
        yield from self._tileset(name, matrix)[0]

    def document(self, name: str) -> dict[str, Any]:
        """Return a tileset file as JSON.

        Raises
        ------
        LoadError
            When it is none.
        """
        try:
            body = json.loads(self.read(name).removeprefix(b"\xef\xbb\xbf"))
        except (ValueError, RecursionError) as error:
            raise LoadError(self.where, f"{name} is no JSON ({str(error)[:80]})", "export the tileset again") from error
        if not isinstance(body, dict) or not isinstance(body.get("root"), dict):
            raise LoadError(self.where, f"{name} has no root tile", "export the tileset again")
        return body

    def read(self, name: str) -> bytes:
        """Return the bytes of a file of the tileset, unpacked where it is gzipped."""
        data = self.shelf.read(name, _MOST_BYTES)
        if data[:2] != b"\x1f\x8b" or name.endswith(".gz"):
            return data
        try:
            plain = zlib.decompressobj(16 + zlib.MAX_WBITS)
            return plain.decompress(data, min(_MOST_BYTES, max(len(data) * 250, 10_000_000)))
        except zlib.error as error:
            raise LoadError(self.where, f"{name} cannot be unpacked ({error})", "download it again") from error

    def beside(self, name: str, uri: str) -> str | None:
        """Return the file that an address in another one means; None, and a problem, where it may not be read."""
        plain = urllib.parse.unquote(uri.partition("?")[0].partition("#")[0])
        found = self.shelf.beside(name, plain)
        if found is None:
            refused = "://" in uri or plain.startswith(("/", "\\")) or ".." in plain
            rule = "content-refused" if refused else "content-missing"
            what = "lies outside of the tileset" if refused else "is not there"
            text = f"content {uri[:120]!r} {what}: left out"
            self.problems.add("warning", self.where, rule, text, "copy the whole tileset into one folder")
        return found

    def _tileset(self, name: str, matrix: Floats) -> tuple[list[Content], bool]:
        if name in self._open or len(self._open) > _DEEPEST:
            self.problems.add("warning", self.where, "tileset-cycle", f"{name} contains itself: left out")
            return [], False
        body = self.document(name)
        groups, self._groups = self._groups, body.get("groups") or []
        self._open.append(name)
        try:
            refine, error = str(body["root"].get("refine", "REPLACE")), float(body.get("geometricError", np.inf))
            return self._tile(body["root"], name, matrix, (refine, error), 0)
        except (TypeError, AttributeError, ValueError, KeyError, IndexError) as error:
            reason = f"{type(error).__name__}: {error}"[:100]
            raise LoadError(self.where, f"{name} is no sound tileset ({reason})", "export it again") from error
        finally:
            self._open.pop()
            self._groups = groups

    def _tile(
        self, tile: dict[str, Any], name: str, matrix: Floats, above: tuple[str, float], depth: int
    ) -> tuple[list[Content], bool]:
        """Return the finest contents below a tile, and whether none of them was missing.

        `above` is how the tile above is refined, and its geometric error.
        """
        self._tiles += 1
        if self._tiles > _MOST_TILES or depth > 1_000:
            raise LoadError(self.where, f"has more than {_MOST_TILES:,} tiles", "load a part of it")
        if is_implicit(tile):
            tile = expanded(tile, lambda uri: self._subtree(name, uri), _MOST_TILES)
        if "transform" in tile:
            matrix = matrix @ np.asarray(tile["transform"], np.float64).reshape(4, 4).T
        refine = str(tile.get("refine") or above[0]).upper()
        error_m = float(tile.get("geometricError", above[1] / 2 if depth else above[1]))  # implicit tiles halve it
        own = tile.get("contents") or ([tile["content"]] if tile.get("content") else [])
        children = tile.get("children") or []
        if own and children and error_m <= self.max_error_m:
            children = []
            self.coarser += 1
        found: list[Content] = []
        whole = True
        for child in children:
            below, complete = self._tile(child, name, matrix, (refine, error_m), depth + 1)
            found += below
            whole = whole and complete
        if refine != "ADD" and found and whole:
            return found, True
        here, complete = self._own(own, tile, name, matrix)
        if refine == "ADD":
            return here + found, whole and complete
        if here and (not found or complete):
            return here, complete or not own
        return found or here, whole and complete

    def _own(self, own: list[Any], tile: dict[str, Any], name: str, matrix: Floats) -> tuple[list[Content], bool]:
        found: list[Content] = []
        whole = True
        for each in own:
            uri = str(each.get("uri") or each.get("url") or "")
            file = self.beside(name, uri)
            if file is None:
                whole = False
            elif file.lower().endswith(".json") and not uri.startswith("data:"):
                below, complete = self._tileset(file, matrix)
                found += below
                whole = whole and complete
            else:
                found.append(Content(file, matrix, self._facts(tile, each)))
        return found, whole

    def _subtree(self, name: str, uri: str) -> tuple[bytes, Any] | None:
        file = self.beside(name, uri)
        if file is None:
            return None

        def outside(reference: str) -> bytes | None:
            other = self.beside(file, reference)
            return None if other is None else self.read(other)

        return self.read(file), outside

    def _facts(self, tile: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        """Return the metadata of the group, the tile and the content as one."""
        group = content.get("group")
        mine = self._groups[group] if isinstance(group, int) and 0 <= group < len(self._groups) else {}
        parts = [mine, tile.get("metadata") or {}, content.get("metadata") or {}]
        return {str(name): value for part in parts for name, value in (part.get("properties") or {}).items()}
