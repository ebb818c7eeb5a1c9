"""Tiles of a base map in the plan of a city: whatever system its makers chose, each pixel is looked up there.

The plan is a square of local metres that is halved again and again, so that a viewer needs no projection: tile
z/x/y is `TILE_PX` pixels wide, x counts from the west and y from the north.
"""

from __future__ import annotations

import math
import threading
import urllib.parse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gis.basemaps import SERVICE, TIANDITU
from gis.draping_images import Piece
from gis.imagery import GuardedCutter
from gis.mapsources import MOST_BYTES, TILE_PX, TIMEOUT_S, Gate, MapFetcher, hiding, local_service, tianditu_service
from gis.tilegrids import TileService, wms_service, wmts_service, xyz_service
from gis.webimages import ServiceCutter
from scenes.errors import LoadError
from scenes.georeference import WGS84, transformer
from scenes.guard import Reader
from scenes.loading import LoadContext
from scenes.pictures import Picture
from scenes.sources import Source

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from pathlib import Path

    from gis.basemaps import Basemap
    from gis.tilegrids import ImageService
    from scenes.georeference import Georeference

FINEST_M = 0.125
"""Pixels are never finer than this, metres."""

_READER = Reader()
_READING = threading.Lock()
_COARSER = 4.0  # a tile is not made of so many finer ones that its pixels are more than this many of theirs wide


@dataclass(frozen=True)
class PlanGrid:
    """The square of local metres that is cut into tiles.

    Examples
    --------
    >>> grid = PlanGrid.around((-400.0, -300.0, 0.0, 600.0, 500.0, 90.0))
    >>> grid.side_m, grid.west_m, grid.north_m, grid.max_zoom
    (16384.0, -8092.0, 8292.0, 9)
    >>> grid.piece(1, 1, 0).west_m, grid.piece(1, 1, 0).south_m
    (100.0, 100.0)
    """

    west_m: float
    north_m: float
    side_m: float

    @classmethod
    def around(cls, bounds: Sequence[float]) -> PlanGrid:
        """Return the square for a city with bounds (x, y, z of the lowest, then of the highest corner)."""
        middle = round((bounds[0] + bounds[3]) / 2), round((bounds[1] + bounds[4]) / 2)
        wanted = 6.0 * max(bounds[3] - bounds[0], bounds[4] - bounds[1])
        side = 2.0 ** math.ceil(math.log2(min(max(wanted, 10_000.0), 250_000.0)))
        return cls(middle[0] - side / 2, middle[1] + side / 2, side)

    @property
    def max_zoom(self) -> int:
        """The deepest level of tiles."""
        return self.zoom_of(FINEST_M)

    def zoom_of(self, pixel_m: float) -> int:
        """Return the first level whose pixels are no wider than `pixel_m`."""
        return max(0, math.ceil(math.log2(self.side_m / TILE_PX / pixel_m) - 1e-6))

    def piece(self, zoom: int, column: int, row: int) -> Piece:
        """Return where a tile lies."""
        span = self.side_m / 2**zoom
        west, north = self.west_m + column * span, self.north_m - row * span
        return Piece(west, north - span, west + span, north, TILE_PX, TILE_PX)


class _Sheet(Protocol):
    """One source of a base map in the plan of a city."""

    finest_m: float
    coarsest_m: float

    def cut(self, piece: Piece) -> Picture | None:
        """Return what is seen in a rectangle, None = nothing."""


@dataclass(eq=False)
class MapTiles:
    """The tiles of one base map for one city; nothing is asked before the first tile.

    Parameters
    ----------
    basemap
        What is shown.
    frame
        Frame of the city.
    grid
        Its plan.
    folder
        Keeps what servers sent; None keeps nothing.
    """

    basemap: Basemap
    frame: Georeference
    grid: PlanGrid
    folder: Path | None
    _sheets: tuple[_Sheet, ...] | None = None
    _gate: Gate = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Open the gate."""
        self._gate = Gate()

    def max_zoom(self) -> int:
        """Return the deepest level that shows more than the one above it.

        Raises
        ------
        CityTwinError
            When a source cannot be read.
        """
        with hiding(self.basemap.key):
            finest = min(sheet.finest_m for sheet in self._opened())
        return min(self.grid.max_zoom, self.grid.zoom_of(finest * 0.75))

    def tile(self, zoom: int, column: int, row: int) -> Picture | None:
        """Return the picture of a tile, None where the map has nothing.

        Raises
        ------
        CityTwinError
            When a source cannot be read; the sentence holds no key.
        """
        piece = self.grid.piece(zoom, column, row)
        pixel_m = self.grid.side_m / 2**zoom / TILE_PX
        with hiding(self.basemap.key):
            sheets = [sheet for sheet in self._opened() if pixel_m <= sheet.coarsest_m * _COARSER]
            found = [picture for sheet in sheets if (picture := sheet.cut(piece)) is not None]
        if len(found) <= 1:
            return found[0] if found else None
        whole = found[0].pixels(TILE_PX)
        for picture in found[1:]:
            whole = _over(picture.pixels(TILE_PX), whole)
        return Picture.of_pixels(whole)

    def _opened(self) -> tuple[_Sheet, ...]:
        with self._lock:
            if self._sheets is None:
                self._sheets = tuple(self._sheet(source) for source in self.basemap.sources)
            return self._sheets

    def _sheet(self, source: Source) -> _Sheet:
        path = source.path.replace("{key}", urllib.parse.quote(self.basemap.key, safe=""))
        filled = Source(path, crs=source.crs, datum_shift=source.datum_shift)
        tianditu = TIANDITU.match(path)
        if tianditu is not None:
            address = f"https://t0.tianditu.gov.cn/{tianditu[1]}_{tianditu[2]}/wmts"
            service: ImageService = tianditu_service(
                tianditu[1], tianditu[2] or "w", self.basemap.key, self._fetcher(address)
            )
        elif match := SERVICE.match(path):
            service = self._web_service(match)
        elif path.endswith(".mbtiles") or "{z}" in path:
            service = local_service(path)
        else:
            return _RasterSheet(filled, self.frame)
        return _ServiceSheet(ServiceCutter(service, self.frame, filled), self.grid)

    def _web_service(self, match: re.Match[str]) -> ImageService:
        fetcher = self._fetcher(match[2])
        if match[1].lower() == "xyz":
            return xyz_service(match[2], fetcher)
        plain, _, layer = match[2].partition("#")
        return (wms_service if match[1].lower() == "wms" else wmts_service)(plain, layer, fetcher)

    def _fetcher(self, address: str) -> MapFetcher:
        host = urllib.parse.urlsplit(address).hostname or ""
        return MapFetcher(
            self.folder,
            timeout_s=TIMEOUT_S,
            most_bytes=MOST_BYTES,
            only_hosts=frozenset({host}),
            gate=self._gate,
            public_only=not self.basemap.trusted,
        )


@dataclass(eq=False)
class _ServiceSheet:
    """What a service gives, warped pixel by pixel."""

    cutter: ServiceCutter
    grid: PlanGrid
    finest_m: float = field(init=False)
    coarsest_m: float = field(init=False)

    def __post_init__(self) -> None:
        service, frame = self.cutter.service, self.cutter.frame
        x = self.grid.west_m + self.grid.side_m / 2 + np.array([0.0, 1.0])
        y = np.full(2, self.grid.north_m - self.grid.side_m / 2)
        crs = WGS84 if service.crs == "CRS:84" else service.crs
        east, north = transformer(frame.crs, crs).transform(x + frame.easting_m, y + frame.northing_m)
        unit = math.hypot(east[1] - east[0], north[1] - north[0])
        levels = service.levels if isinstance(service, TileService) else ()
        self.finest_m = min((level.pixel for level in levels), default=FINEST_M * unit) / unit
        self.coarsest_m = max((level.pixel for level in levels), default=math.inf) / unit
        if not math.isfinite(unit):
            raise LoadError(
                self.cutter.source.shown, f"is in {service.crs}, which does not reach the city", "name another map"
            )

    def cut(self, piece: Piece) -> Picture | None:
        return next(self.cutter.cut([piece]))


@dataclass(eq=False)
class _RasterSheet:
    """A raster with a place, read by a process that all such maps share; files may crash the library."""

    source: Source
    frame: Georeference
    finest_m: float = field(init=False)
    coarsest_m: float = math.inf

    def __post_init__(self) -> None:
        self._cutter = GuardedCutter(self.source, LoadContext(self.frame), _READER)
        with _READING:
            self._extent = self._cutter.extent()
        self.finest_m = self._extent.pixel_m

    def cut(self, piece: Piece) -> Picture | None:
        extent = self._extent
        apart = piece.east_m <= extent.west_m or piece.west_m >= extent.east_m
        if apart or piece.north_m <= extent.south_m or piece.south_m >= extent.north_m:
            return None
        with _READING:
            (picture,) = self._cutter.cut([piece])  # to the end: a process that is left in the middle is given up
        return picture


def _over(above: Any, under: Any) -> Any:
    """Return pixels laid over others, (rows, columns, 4) uint8."""
    share = above[..., 3:].astype(np.float64) / 255.0
    rest = under[..., 3:].astype(np.float64) / 255.0 * (1.0 - share)
    whole = share + rest
    colour = (above[..., :3] * share + under[..., :3] * rest) / np.maximum(whole, 1e-9)
    return np.rint(np.concatenate([colour, whole * 255.0], axis=2)).astype(np.uint8)
