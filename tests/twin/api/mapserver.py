"""A map server for tests: coloured, numbered tiles, each colour by whether its column and row are odd."""

from __future__ import annotations

import asyncio
import contextlib
import io
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

HALF_M = 20_037_508.342789244
COLOURS = np.array([[220, 40, 40], [40, 180, 60], [50, 70, 220], [240, 210, 40]], float)
"""Of tiles whose column and row are even and even, odd and even, even and odd, odd and odd."""


def numbered(zoom: int, column: int, row: int) -> bytes:
    """Return a PNG of 256 pixels in the colour of its place, its number written in a darker shade."""
    colour = COLOURS[column % 2 + 2 * (row % 2)]
    image = Image.new("RGB", (256, 256), tuple(int(each) for each in colour))
    words = f"{zoom}/{column}/{row}"
    ImageDraw.Draw(image).text((90, 120), words, fill=tuple(int(each * 0.75) for each in colour))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def classes(pixels: NDArray[Any]) -> NDArray[np.int64]:
    """Return which of the four colours each pixel has, by hue; -1 = none of them."""
    rgb = np.asarray(pixels, float)[..., :3]
    level = np.maximum(rgb.max(axis=-1, keepdims=True), 1.0)
    away = np.abs(rgb[..., None, :] / level[..., None, :] - COLOURS / COLOURS.max(axis=1, keepdims=True)).sum(axis=-1)
    found: NDArray[np.int64] = np.where(away.min(axis=-1) < 0.55, away.argmin(axis=-1), -1)
    return found


def corners(pixels: NDArray[Any], side: int = 4) -> NDArray[np.float64]:
    """Return (n, 2) columns and rows of the places where all four colours meet, pixels from the upper left.

    They meet where a square of `side` pixels holds all of them.
    """
    kinds = classes(pixels)
    rows, columns = kinds.shape
    windows = np.lib.stride_tricks.sliding_window_view(kinds, (side, side)).reshape(
        rows - side + 1, columns - side + 1, side * side
    )
    all_four = np.all([(windows == each).any(axis=-1) for each in range(4)], axis=0)
    spots = np.argwhere(all_four)[:, ::-1] + side / 2
    groups: list[list[NDArray[np.float64]]] = []
    for spot in spots:
        near = next((group for group in groups if np.hypot(*(np.mean(group, axis=0) - spot)) < 8), None)
        if near is None:
            groups.append([spot])
        else:
            near.append(spot)
    return np.array([np.mean(group, axis=0) for group in groups]).reshape(-1, 2)


WMS = """<?xml version="1.0"?><WMS_Capabilities version="1.3.0" xmlns="http://www.opengis.net/wms">
<Capability><Request><GetMap><Format>image/png</Format></GetMap></Request>
<Layer><CRS>EPSG:3857</CRS><Layer><Name>plan</Name></Layer></Layer></Capability></WMS_Capabilities>"""
WMTS = """<?xml version="1.0"?><Capabilities version="1.0.0" xmlns="http://www.opengis.net/wmts/1.0"
 xmlns:ows="http://www.opengis.net/ows/1.1"><Contents><Layer><ows:Identifier>plan</ows:Identifier>
<Style><ows:Identifier>default</ows:Identifier></Style><Format>image/png</Format>
<TileMatrixSetLink><TileMatrixSet>web</TileMatrixSet></TileMatrixSetLink>
<ResourceURL format="image/png" resourceType="tile" template="{url}/tiles/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.png"/>
</Layer><TileMatrixSet><ows:Identifier>web</ows:Identifier>
<ows:SupportedCRS>urn:ogc:def:crs:EPSG::3857</ows:SupportedCRS>{levels}</TileMatrixSet></Contents></Capabilities>"""
LEVEL = """<TileMatrix><ows:Identifier>{zoom}</ows:Identifier><ScaleDenominator>{scale}</ScaleDenominator>
<TopLeftCorner>{west} {north}</TopLeftCorner><TileWidth>256</TileWidth><TileHeight>256</TileHeight>
<MatrixWidth>{tiles}</MatrixWidth><MatrixHeight>{tiles}</MatrixHeight></TileMatrix>"""


class MapServer:
    """Serves ``/tiles/Z/X/Y.png`` and its troubles; counts what it is asked."""

    def __init__(self) -> None:
        """Serve nothing yet."""
        self.asked: Counter[str] = Counter()
        self.queries: list[str] = []
        self.elsewhere = "http://127.0.0.1:9/"

    @property
    def tiles(self) -> str:
        """Address of the tiles."""
        return f"{self.url}/tiles/{{z}}/{{x}}/{{y}}.png"

    @contextlib.contextmanager
    def running(self) -> Iterator[MapServer]:
        """Serve from a thread of its own for the length of the block."""
        loop, ready = asyncio.new_event_loop(), threading.Event()
        thread = threading.Thread(target=self._serve, args=(loop, ready), daemon=True)
        thread.start()
        ready.wait()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(self.ended.set)
            thread.join()

    def _serve(self, loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
        async def main() -> None:
            self.ended = asyncio.Event()
            given = {"site": self}
            server = HTTPServer(
                Application(
                    [
                        (r"/tiles/(\d+)/(\d+)/(\d+)\.png", _Tile, given),
                        (r"/wms", _Wms, given),
                        (r"/wmts", _Wmts, given),
                        (r"/(gone|text|away|large|denied)/.*", _Trouble, given),
                    ]
                )
            )
            (socket,) = bind_sockets(0, "127.0.0.1")
            server.add_sockets([socket])
            self.url = f"http://127.0.0.1:{socket.getsockname()[1]}"
            ready.set()
            await self.ended.wait()
            server.stop()
            await server.close_all_connections()

        with contextlib.closing(loop):
            loop.run_until_complete(main())


class _Handler(RequestHandler):
    def initialize(self, site: MapServer) -> None:
        self.site = site

    def prepare(self) -> None:
        self.site.asked[self.request.path] += 1
        self.site.queries.append(self.request.query)


class _Tile(_Handler):
    def get(self, zoom: str, column: str, row: str) -> None:
        self.set_header("Content-Type", "image/png")
        self.finish(numbered(int(zoom), int(column), int(row)))


class _Wms(_Handler):
    """Paints the tiles of zoom 17 in any rectangle."""

    def get(self) -> None:
        asked = {name.upper(): self.get_query_argument(name) for name in self.request.query_arguments}
        if asked["REQUEST"] == "GetCapabilities":
            self.finish(WMS)
            return
        west, south, east, north = (float(part) for part in asked["BBOX"].split(","))
        width, height = int(asked["WIDTH"]), int(asked["HEIGHT"])
        x = west + (np.arange(width) + 0.5) * (east - west) / width
        y = north - (np.arange(height) + 0.5) * (north - south) / height
        side = 2 * HALF_M / 2**17
        columns, rows = np.meshgrid((x + HALF_M) // side % 2, (HALF_M - y) // side % 2)
        out = io.BytesIO()
        Image.fromarray(COLOURS[(columns + 2 * rows).astype(int)].astype(np.uint8)).save(out, "PNG")
        self.finish(out.getvalue())


class _Wmts(_Handler):
    def get(self) -> None:
        scale = 2 * HALF_M / 256 / 0.00028
        rows = [
            LEVEL.format(zoom=zoom, scale=scale / 2**zoom, west=-HALF_M, north=HALF_M, tiles=2**zoom)
            for zoom in range(18)
        ]
        self.finish(WMTS.format(url=self.site.url, levels="".join(rows)))


class _Trouble(_Handler):
    def get(self, kind: str) -> None:
        if kind == "away":
            self.redirect(self.site.elsewhere)
        elif kind == "large":
            self.finish(b"x" * 6_000_000)
        elif kind == "text":
            self.finish("<html>No key, no map</html>")
        else:
            self.set_status(404 if kind == "gone" else 403)
            self.finish("no")
