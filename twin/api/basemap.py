"""Base maps over HTTP: tiles in the plan of the city, made here, so that neither keys nor projections reach a page.

Only maps that were configured are given out, only tiles of the city's own square, and only so many at once: nobody
reaches another host through this server.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError

from gis.mapsources import trim
from gis.maptiles import MapTiles, PlanGrid
from gis.webfetch import cache_folder
from scenes import CityTwinError
from twin.api.context import CityHandler

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gis.basemaps import Basemap
    from scenes import Scene
    from scenes.pictures import Picture

MEMORY_BYTES = 64 * 1024 * 1024
DISK_BYTES = 1024 * 1024 * 1024
MOST_WAITING = 96
_AT_ONCE = 4
_TRIM_EVERY = 500
_NO_PLACE = (-500.0, -500.0, 0.0, 500.0, 500.0, 100.0)
_log = logging.getLogger(__name__)


class Basemaps:
    """The base maps of a city.

    Parameters
    ----------
    maps
        Which there are; an earlier one goes before a later one of the same name.
    scene
        The city.
    folder
        Keeps what servers sent; None = a folder in the user's cache.
    """

    def __init__(self, maps: Sequence[Basemap], scene: Scene, folder: Path | None = None) -> None:
        """Ask nobody yet."""
        self.grid = PlanGrid.around(scene.bounds() or _NO_PLACE)
        self.folder = folder or cache_folder() / "basemaps"
        self._maps = {each.name: each for each in reversed(maps)}
        self._tiles = {
            name: MapTiles(each, scene.georeference, self.grid, self.folder) for name, each in self._maps.items()
        }
        self._made: OrderedDict[tuple[str, int, int, int], Picture | None] = OrderedDict()
        self._bytes = self._count = 0
        self._lock = threading.Lock()
        self.waiting = 0
        self.pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="citytwin-basemap")

    def specs(self) -> list[dict[str, Any]]:
        """Return what a page is told of the maps, the first configured first."""
        grid = {"west": self.grid.west_m, "north": self.grid.north_m, "side_m": self.grid.side_m}
        return [
            {
                "name": name,
                "titles": dict(each.titles),
                "attribution": each.attribution,
                "link": each.link,
                "url": f"basemap/{name}",
                "grid": grid,
            }
            for name, each in reversed(self._maps.items())
        ]

    def check(self, name: str) -> dict[str, int]:
        """Return the deepest level of a map after reading one of its tiles in the middle of the city.

        Raises
        ------
        CityTwinError
            When there is no such map, or it cannot be read; one sentence without a key.
        """
        tiles = self._tiles.get(name)
        if tiles is None:
            raise CityTwinError(name, "is no base map of this server", f"there are {', '.join(self._maps) or 'none'}")
        deepest = tiles.max_zoom()
        middle = min(deepest, self.grid.zoom_of(4.0))
        self.tile(name, middle, 2**middle // 2, 2**middle // 2)
        return {"max_zoom": deepest}

    def tile(self, name: str, zoom: int, column: int, row: int) -> Picture | None:
        """Return a tile, None where its map shows nothing; safe to call from threads.

        Raises
        ------
        KeyError
            When there is no such map or tile.
        CityTwinError
            When the map cannot be read.
        """
        tiles, key = self._tiles[name], (name, zoom, column, row)
        if not (0 <= zoom <= self.grid.max_zoom and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
            raise KeyError(key)
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        picture = tiles.tile(zoom, column, row)
        self._keep(key, picture)
        return picture

    def close(self) -> None:
        """Take no more questions."""
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _keep(self, key: tuple[str, int, int, int], picture: Picture | None) -> None:
        with self._lock:
            self._count += 1
            full = self._count % _TRIM_EVERY == 0
            self._made[key] = picture
            self._bytes += _size(picture)
            while self._bytes > MEMORY_BYTES:
                self._bytes -= _size(self._made.popitem(last=False)[1])
        if full:
            trim(self.folder, DISK_BYTES)


class BasemapHandler(CityHandler):
    """``/basemap/NAME/Z/X/Y``: one tile, 204 where the map shows nothing, 502 and one sentence where it cannot."""

    async def get(self, name: str, zoom: str, column: str, row: str) -> None:
        """Send a tile."""
        maps = self.context.basemaps
        if maps is None:
            raise HTTPError(404, "this server has no base maps")
        if maps.waiting >= MOST_WAITING:
            raise HTTPError(503, "too many tiles are asked for at once")
        maps.waiting += 1
        try:
            asked = maps.pool.submit(maps.tile, name, int(zoom), int(column), int(row))
            picture = await asyncio.wrap_future(asked)
        except KeyError:
            raise HTTPError(404, "there is no such base map or tile") from None
        except CityTwinError as error:
            _log.info("base map %s: %s", name, error)
            raise HTTPError(502, "%s", str(error)) from error
        finally:
            maps.waiting -= 1
        self.set_header("Cache-Control", "max-age=3600")
        if picture is None:
            self.set_status(204)
            self.finish()
            return
        self.set_header("Content-Type", picture.mime)
        self.finish(picture.data)


def _size(picture: Picture | None) -> int:
    return 200 if picture is None else len(picture.data)
