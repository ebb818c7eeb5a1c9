"""Published tiles over HTTP: strong caching, gzip once, and never a file outside the folder."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, ClassVar, Protocol

from tornado.web import HTTPError

from scenes.store import fetched
from twin.api.context import CityHandler

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPES = {
    ".json": "application/json",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".bin": "application/octet-stream",
    ".subtree": "application/octet-stream",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".ktx2": "image/ktx2",
}
"""Kinds of files that are given out; nothing else in the folder is."""

_COMPRESSIBLE = frozenset({".json", ".glb", ".gltf", ".bin", ".subtree"})
_NAMED = re.compile(r".+\.[0-9a-f]{16}\.glb")
_FOR_EVER = "public, max-age=31536000, immutable"
CACHE_BYTES = 96 * 1024 * 1024
GZIP_LEVEL = 5


class TileSource(Protocol):
    """Where tiles come from: a folder, or memory."""

    def stamp(self, path: PurePosixPath) -> object | None:
        """Return what changes whenever the file changes, None if there is no such file."""

    def read(self, path: PurePosixPath) -> bytes:
        """Return the content of a file that is there."""


@dataclass(frozen=True)
class FolderTiles:
    """Tiles below a folder; links that lead out of it count as missing."""

    folder: Path

    def stamp(self, path: PurePosixPath) -> object | None:
        """Return the time and size of a file below the folder."""
        file = self._file(path)
        if file is None:
            return None
        facts = file.stat()
        return facts.st_mtime_ns, facts.st_size

    def read(self, path: PurePosixPath) -> bytes:
        """Return the content of a file below the folder."""
        file = self._file(path)
        return b"" if file is None else file.read_bytes()

    def _file(self, path: PurePosixPath) -> Path | None:
        root = self.folder.resolve()
        file = (root / path).resolve()
        return file if file.is_relative_to(root) and fetched(file).is_file() else None


@dataclass(frozen=True)
class MemoryTiles:
    """Tiles in memory, by their address below ``/tiles/``."""

    files: Mapping[str, bytes]

    def stamp(self, path: PurePosixPath) -> object | None:
        """Return the identity of the content."""
        content = self.files.get(str(path))
        return None if content is None else (id(content), len(content))

    def read(self, path: PurePosixPath) -> bytes:
        """Return the content."""
        return self.files[str(path)]


@dataclass(frozen=True, slots=True)
class Tile:
    """A file ready to be sent."""

    content: bytes
    gzipped: bytes | None
    etag: str
    content_type: str


class TileCache:
    """Reads and compresses each tile once and keeps the most recently used, up to a number of bytes.

    Parameters
    ----------
    source
        Where the tiles are.
    limit_bytes
        Memory that the cache may take.
    """

    def __init__(self, source: TileSource, limit_bytes: int = CACHE_BYTES) -> None:
        """Start empty."""
        self.source = source
        self.limit_bytes = limit_bytes
        self.hits = self.misses = self.bytes = 0
        self._tiles: OrderedDict[tuple[str, object], Tile] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: PurePosixPath) -> Tile | None:
        """Return a tile, None if there is no such file; safe to call from threads."""
        stamp = (found := self.source.stamp(path)) and (_FOR_EVER if is_named_by_content(path) else found)
        if stamp is None:
            return None
        key = (str(path), stamp)
        with self._lock:
            if (tile := self._tiles.get(key)) is not None:
                self._tiles.move_to_end(key)
                self.hits += 1
                return tile
        tile = _prepared(self.source.read(path), path.suffix)
        with self._lock:
            self.misses += 1
            if key not in self._tiles:
                self._tiles[key] = tile
                self.bytes += _size(tile)
            while self.bytes > self.limit_bytes and self._tiles:
                self.bytes -= _size(self._tiles.popitem(last=False)[1])
        return tile

    def at_hand(self, path: PurePosixPath) -> Tile | None:
        """Return a tile that is in memory and can never change; costs no look at the disk."""
        if not is_named_by_content(path):
            return None
        with self._lock:
            tile = self._tiles.get((str(path), _FOR_EVER))
            if tile is not None:
                self._tiles.move_to_end((str(path), _FOR_EVER))
                self.hits += 1
        return tile


def is_named_by_content(path: PurePosixPath) -> bool:
    """Say whether the name of a tile tells its bytes, so that it never changes (`scenes.tiles.naming`)."""
    return _NAMED.fullmatch(path.name) is not None


class TilesHandler(CityHandler):
    """``GET /tiles/LAYER/...``: tilesets and their content."""

    SUPPORTED_METHODS: ClassVar[tuple[str, ...]] = ("GET", "HEAD")  # type: ignore[misc]
    _etag = ""

    async def get(self, address: str) -> None:
        """Send a tile, or 304 when the browser has it already."""
        tile = await self._tile(address)
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
            return
        self.finish(self._body(tile))

    async def head(self, address: str) -> None:
        """Send the headers of a tile."""
        tile = await self._tile(address)
        self.set_header("Content-Length", str(len(self._body(tile))))
        self.finish()

    def compute_etag(self) -> str | None:
        """Return the hash of the tile, which was computed when it was read."""
        return self._etag or None

    async def _tile(self, address: str) -> Tile:
        path = safe_path(address)
        tiles = self.context.tiles
        tile = tiles.at_hand(path) or await asyncio.get_running_loop().run_in_executor(None, tiles.get, path)
        if tile is None:
            raise HTTPError(404, f"there is no tile {path}")
        self._etag = tile.etag
        self.set_header("Content-Type", tile.content_type)
        passing = "no-cache" if path.suffix == ".json" else "max-age=300, must-revalidate"
        self.set_header("Cache-Control", _FOR_EVER if is_named_by_content(path) else passing)
        self.set_header("Vary", "Accept-Encoding")
        self.set_header("Etag", tile.etag)
        return tile

    def _body(self, tile: Tile) -> bytes:
        if tile.gzipped is not None and "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            return tile.gzipped
        return tile.content


def safe_path(address: str) -> PurePosixPath:
    """Return the address as a path below the tiles.

    Raises
    ------
    HTTPError
        403 when it would lead elsewhere, or names a kind of file that is not given out.
    """
    path = PurePosixPath(address)
    parts = address.split("/")
    outside = path.is_absolute() or any(part in {"", ".", ".."} or part.startswith(".") for part in parts)
    if outside or any(sign in address for sign in "\\\0:") or path.suffix not in CONTENT_TYPES:
        raise HTTPError(403, "only tiles are given out here")
    return path


def _prepared(content: bytes, suffix: str) -> Tile:
    gzipped = gzip.compress(content, GZIP_LEVEL, mtime=0) if suffix in _COMPRESSIBLE and len(content) > 500 else None
    if gzipped is not None and len(gzipped) > 0.95 * len(content):
        gzipped = None
    etag = 'W/"' + hashlib.blake2b(content, digest_size=12).hexdigest() + '"'
    return Tile(content, gzipped, etag, CONTENT_TYPES[suffix])


def _size(tile: Tile) -> int:
    return len(tile.content) + len(tile.gzipped or b"")
