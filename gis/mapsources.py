"""Where the tiles of base maps come from: servers, asked politely and only on their own host; files; Tianditu."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import sqlite3
import threading
import time
import urllib.error
import urllib.parse
from collections import deque
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.tilegrids import MERCATOR, Level, TileService
from gis.webfetch import Fetcher
from scenes.errors import CityTwinError, ConnectionLostError, LoadError
from scenes.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

TILE_PX = 256
TIMEOUT_S = 8.0
MOST_BYTES = 4_000_000
MOST_A_MINUTE = 1_500
PAUSE_S = 20.0
"""How long a server that did not answer is left alone."""

_HALF_M = 20_037_508.342789244
_NOTHING = Picture.of_pixels(np.zeros((1, 1, 4), np.uint8)).data
_MISSING = frozenset({204, 404, 410})
_TIANDITU_LEVELS = range(1, 19)
_DEEPEST = 24


class Gate:
    """Lets so many questions a minute through, and none for a while after a server did not answer."""

    def __init__(self) -> None:
        """Be open."""
        self._asked: deque[float] = deque()
        self._error = ("", "", "")
        self._closed_until = 0.0
        self._lock = threading.Lock()

    def enter(self, where: str) -> None:
        """Count a question to a server.

        Raises
        ------
        CityTwinError
            When it is one too many, or comes too soon after one without an answer.
        """
        now = time.monotonic()
        with self._lock:
            if now < self._closed_until:
                raise ConnectionLostError(*self._error)
            while self._asked and self._asked[0] < now - 60.0:
                self._asked.popleft()
            if len(self._asked) >= MOST_A_MINUTE:
                raise ConnectionLostError(
                    where, f"is asked for more than {MOST_A_MINUTE} tiles a minute", "wait a minute"
                )
            self._asked.append(now)

    def close(self, error: CityTwinError) -> None:
        """Answer questions with an error for a while; of several that fail at once the first one is told."""
        now = time.monotonic()
        with self._lock:
            if now >= self._closed_until:
                self._error, self._closed_until = (error.where, error.what, error.advice), now + PAUSE_S


@dataclass(frozen=True)
class MapFetcher(Fetcher):
    """Reads the tiles of one host; a tile that its server does not have is an empty picture."""

    gate: Gate = field(default_factory=Gate)
    public_only: bool = False

    def read(self, address: str) -> bytes:
        """Return the content of an address.

        Raises
        ------
        LoadError, ConnectionLostError
            As `Fetcher.read`; at once where the server did not answer a moment ago.
        """
        kept = self._place(address)
        if kept is None or not kept.is_file():
            self._admit(address)
        try:
            return super().read(address) or _NOTHING
        except ConnectionLostError as error:
            self.gate.close(error)
            raise
        except LoadError as error:
            cause = error.__cause__
            if isinstance(cause, urllib.error.HTTPError) and cause.code in _MISSING:
                return _NOTHING
            raise

    def _admit(self, address: str) -> None:
        host = urllib.parse.urlsplit(address).hostname or ""
        self.gate.enter(host)
        if not self.public_only:
            return
        try:
            found = {str(each[4][0]) for each in socket.getaddrinfo(host, None)}
        except OSError as error:
            lost = ConnectionLostError(host, "cannot be found", "check the network")
            self.gate.close(lost)
            raise lost from error
        if not all(ipaddress.ip_address(each.partition("%")[0]).is_global for each in found):
            raise LoadError(host, "is no public address", "name this map with --basemap or in twin.toml")


@dataclass(frozen=True)
class LocalTiles(Fetcher):
    """Tiles in an MBTiles file or a folder of this machine, by ``z/x/y``."""

    path: str = ""

    def read(self, address: str) -> bytes:
        """Return a tile, an empty picture where there is none.

        Raises
        ------
        LoadError
            When it cannot be read.
        """
        zoom, column, row = (int(part) for part in address.split("/"))
        if "{z}" in self.path:
            name = self.path.replace("{z}", str(zoom)).replace("{x}", str(column)).replace("{y}", str(row))
            file = Path(name.replace("{-y}", str(2**zoom - 1 - row)))
            return file.read_bytes() if file.is_file() else _NOTHING
        asked = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        rows = _rows(self.path, asked, zoom, column, 2**zoom - 1 - row)  # MBTiles count rows from the south
        return bytes(rows[0][0]) if rows else _NOTHING

    def forget(self, address: str) -> None:
        """Keep everything: the files are the user's."""


def local_service(path: str) -> TileService:
    """Return the tiles of a folder (a path with {z}, {x} and {y}) or of an MBTiles file.

    Raises
    ------
    LoadError
        When there are none, or they are no pictures.
    """
    if "{z}" in path:
        root = Path(path.split("{z}", maxsplit=1)[0])
        zooms = [int(each.name) for each in root.iterdir() if re.fullmatch(r"\d{1,2}", each.name)]
    else:
        facts = {str(name): str(value) for name, value in _rows(path, "SELECT name, value FROM metadata")}
        if facts.get("format", "png") == "pbf":
            raise LoadError(path, "holds vector tiles", "a base map needs tiles that are pictures")
        found = _rows(path, "SELECT min(zoom_level), max(zoom_level) FROM tiles")[0]
        zooms = [] if found[0] is None else list(range(int(found[0]), int(found[1]) + 1))
    zooms = [zoom for zoom in zooms if zoom <= _DEEPEST]
    if not zooms:
        raise LoadError(path, "holds no tiles", "export it again")
    pixel = 2 * _HALF_M / TILE_PX
    levels = [Level(pixel / 2**z, -_HALF_M, _HALF_M, 2**z, 2**z, f"{z}/{{x}}/{{y}}") for z in sorted(zooms)]
    return TileService(MERCATOR, tuple(levels), LocalTiles(None, path=path))


def tianditu_service(layer: str, matrix: str, key: str, fetcher: Fetcher) -> TileService:
    """Return a map of Tianditu as it documents its WMTS: matrix set ``w`` (EPSG:3857) or ``c`` (EPSG:4490).

    Examples
    --------
    >>> service = tianditu_service("img", "c", "abc", Fetcher(None))
    >>> service.crs, service.levels[0].columns, service.levels[0].rows, service.levels[0].pixel * 256
    ('EPSG:4490', 2, 1, 180.0)
    """
    asked = {
        "SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": layer, "STYLE": "default",
        "TILEMATRIXSET": matrix, "FORMAT": "tiles",
    }  # fmt: skip
    query = urllib.parse.urlencode(asked)
    levels = []
    for zoom in _TIANDITU_LEVELS:
        address = (
            f"https://t0.tianditu.gov.cn/{layer}_{matrix}/wmts?{query}"
            f"&TILEMATRIX={zoom}&TILEROW={{y}}&TILECOL={{x}}&tk={urllib.parse.quote(key, safe='')}"
        )
        if matrix == "c":
            levels.append(Level(360.0 / TILE_PX / 2**zoom, -180.0, 90.0, 2**zoom, 2 ** (zoom - 1), address))
        else:
            levels.append(Level(2 * _HALF_M / TILE_PX / 2**zoom, -_HALF_M, _HALF_M, 2**zoom, 2**zoom, address))
    return TileService("EPSG:4490" if matrix == "c" else MERCATOR, tuple(levels), fetcher)


def trim(folder: Path, most_bytes: int) -> int:
    """Delete the oldest files that were kept until the rest has at most so many bytes; return how many went."""
    files = sorted((each.stat().st_mtime, each.stat().st_size, each) for each in folder.glob("*/*") if each.is_file())
    size, gone = sum(each[1] for each in files), 0
    for _, bytes_, file in files:
        if size <= most_bytes:
            break
        file.unlink(missing_ok=True)
        size, gone = size - bytes_, gone + 1
    return gone


@contextlib.contextmanager
def hiding(key: str) -> Iterator[None]:
    """Take a key out of what errors say."""
    try:
        yield
    except CityTwinError as error:
        if not key or key not in urllib.parse.unquote(str(error)):
            raise
        parts = (error.where, error.what, error.advice)
        told = (each.replace(urllib.parse.quote(key, safe=""), "***").replace(key, "***") for each in parts)
        raise type(error)(*told) from None


def _rows(path: str, asked: str, *values: int) -> list[tuple[Any, ...]]:
    try:
        address = f"file:{urllib.parse.quote(Path(path).resolve().as_posix())}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as base:
            return base.execute(asked, values).fetchall()
    except sqlite3.Error as error:
        raise LoadError(path, f"is no MBTiles file ({error})", "export it again") from error
