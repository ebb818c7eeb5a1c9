"""Services that give images of any place: tiles by number (XYZ, WMTS 1.0) and maps by rectangle (WMS 1.3)."""

from __future__ import annotations

import re
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gis.webfetch import Fetcher, without_secrets
from scenes.errors import GeoreferenceError, LoadError
from scenes.georeference import parse_crs
from scenes.pictures import Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Bounds = tuple[float, float, float, float]

MERCATOR = "EPSG:3857"
MOST_TILES = 6_000
_HALF_M = 20_037_508.342789244
_FINEST_LEVEL = 22
_AT_ONCE = 4
_PIXEL_M = 0.00028  # of the standardised rendering pixel, OGC 07-057r7 6.1


class ImageService(Protocol):
    """Gives images of rectangles in a system of its own."""

    @property
    def crs(self) -> str:
        """The system, or ``CRS:84`` for longitude and latitude."""

    def image(self, bounds: Bounds, pixel: float) -> tuple[Bounds, Pixels]:
        """Return what is seen in (at least) a rectangle with pixels of about a size, and its exact bounds."""


@dataclass(frozen=True)
class Level:
    """One zoom level: size of a pixel in units of the system, corner of tile 0 0, tiles, and where they are."""

    pixel: float
    west: float
    north: float
    columns: int
    rows: int
    template: str
    side_px: int = 256

    def address(self, column: int, row: int) -> str:
        """Return the address of a tile."""
        filled = self.template.replace("{x}", str(column)).replace("{y}", str(row))
        return filled.replace("{-y}", str(self.rows - 1 - row))


@dataclass(frozen=True)
class TileService:
    """Tiles by number."""

    crs: str
    levels: tuple[Level, ...]
    fetcher: Fetcher

    def image(self, bounds: Bounds, pixel: float) -> tuple[Bounds, Pixels]:
        """Return the tiles that cover a rectangle side by side.

        Raises
        ------
        LoadError, ConnectionLostError
            When a tile is not there or no image.
        """
        level = self._level(pixel)
        span = level.pixel * level.side_px
        first = max(0, int((bounds[0] - level.west) // span)), max(0, int((level.north - bounds[3]) // span))
        last = (
            min(level.columns - 1, int((bounds[2] - level.west) // span)),
            min(level.rows - 1, int((level.north - bounds[1]) // span)),
        )
        columns, rows = range(first[0], last[0] + 1), range(first[1], last[1] + 1)
        if len(columns) * len(rows) > MOST_TILES:
            raise LoadError(self._shown, f"would need {len(columns) * len(rows)} tiles", "load a smaller scene")
        canvas = np.zeros((max(len(rows), 1) * level.side_px, max(len(columns), 1) * level.side_px, 4), np.uint8)
        places = [(column, row) for row in rows for column in columns]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            tiles = pool.map(lambda place: picture_at(self.fetcher, level.address(*place)), places)
            for (column, row), tile in zip(places, tiles, strict=True):
                top, left = (row - first[1]) * level.side_px, (column - first[0]) * level.side_px
                pixels = tile.pixels(level.side_px)
                canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
        west, north = level.west + first[0] * span, level.north - first[1] * span
        east, south = west + max(len(columns), 1) * span, north - max(len(rows), 1) * span
        return (west, south, east, north), canvas

    @property
    def _shown(self) -> str:
        return without_secrets(self.levels[0].template)

    def _level(self, pixel: float) -> Level:
        """Return the coarsest level that is fine enough, the finest where none is."""
        fine = [level for level in self.levels if level.pixel <= pixel * 1.3]
        return max(fine, key=lambda level: level.pixel) if fine else min(self.levels, key=lambda level: level.pixel)


@dataclass(frozen=True)
class MapService:
    """Maps by rectangle (WMS 1.3)."""

    crs: str
    address: str
    layer: str
    style: str
    fetcher: Fetcher
    picture_type: str = "image/png"

    def image(self, bounds: Bounds, pixel: float) -> tuple[Bounds, Pixels]:
        """Return the map of a rectangle.

        Raises
        ------
        LoadError, ConnectionLostError
            When the server does not give one.
        """
        width, height = (
            int(np.clip(np.ceil(side / pixel), 1, 2_048)) for side in (bounds[2] - bounds[0], bounds[3] - bounds[1])
        )
        box = [bounds[1], bounds[0], bounds[3], bounds[2]] if northing_first(self.crs) else list(bounds)
        asked = {
            "SERVICE": "WMS", "VERSION": "1.3.0", "REQUEST": "GetMap", "LAYERS": self.layer, "STYLES": self.style,
            "CRS": self.crs, "BBOX": ",".join(f"{value:.9g}" if abs(value) < 1000 else f"{value:.4f}" for value in box),
            "WIDTH": str(width), "HEIGHT": str(height), "FORMAT": self.picture_type, "TRANSPARENT": "TRUE",
        }  # fmt: skip
        return bounds, picture_at(self.fetcher, with_query(self.address, asked)).pixels()


def picture_at(fetcher: Fetcher, address: str) -> Picture:
    """Return the image at an address.

    Raises
    ------
    LoadError, ConnectionLostError
        When there is none; a page or a report in its place is quoted.
    """
    content = fetcher.read(address)
    try:
        return Picture.read(content, without_secrets(address))
    except LoadError as error:
        fetcher.forget(address)
        text = re.sub(r"<[^>]*>|\s+", " ", content[:4_000].decode("utf-8", "replace")).strip()
        if content.lstrip()[:1] in {b"<", b"{"}:
            said = " ".join(text.split())[:120]
            raise LoadError(
                without_secrets(address), f"the server sends text instead of an image ({said})", "check layer and key"
            ) from error
        raise


def xyz_service(template: str, fetcher: Fetcher) -> TileService:
    """Return the service of an address with {z}, {x} and {y} (or {-y} for rows that count from the south).

    Raises
    ------
    LoadError
        When the address lacks one of them.
    """
    missing = [name for name in ("{z}", "{x}") if name not in template]
    if missing or not ("{y}" in template or "{-y}" in template):
        raise LoadError(without_secrets(template), "lacks {z}, {x} or {y}", "write xyz+https://host/{z}/{x}/{y}.png")
    finest = re.search(r"#maxzoom=(\d+)$", template)
    plain = template.split("#", maxsplit=1)[0]
    levels = [
        Level(2 * _HALF_M / 256 / 2**z, -_HALF_M, _HALF_M, 2**z, 2**z, plain.replace("{z}", str(z)))
        for z in range(min(int(finest[1]) if finest else 19, _FINEST_LEVEL) + 1)
    ]
    return TileService(MERCATOR, tuple(levels), fetcher)


def wms_service(address: str, layer: str, fetcher: Fetcher) -> MapService:
    """Return a WMS after asking it what it has.

    Raises
    ------
    LoadError, ConnectionLostError
        When it is none, or has no such layer or system.
    """
    root = _document(fetcher, with_query(address, {"SERVICE": "WMS", "VERSION": "1.3.0", "REQUEST": "GetCapabilities"}))
    named = {text: element for element in _all(root, "Layer") if (text := _text(element, "Name"))}
    chosen = _chosen(named, layer, address)
    systems = {_name(each.text or "") for parent in (chosen, *chosen.iterancestors()) for each in _own(parent, "CRS")}
    for crs in (MERCATOR, "EPSG:4326", "CRS:84"):
        if crs in systems:
            return MapService(crs, address, _text(chosen, "Name"), "", fetcher, _format(root))
    raise LoadError(without_secrets(address), f"gives {_text(chosen, 'Name')} in none of EPSG:3857, EPSG:4326, CRS:84",
                    "name another layer or service")  # fmt: skip


def wmts_service(address: str, layer: str, fetcher: Fetcher) -> TileService:
    """Return a WMTS after asking it what it has.

    Raises
    ------
    LoadError, ConnectionLostError
        When it is none, or has no such layer.
    """
    asked = {"SERVICE": "WMTS", "REQUEST": "GetCapabilities"}
    root = _document(
        fetcher, address if address.split("?", maxsplit=1)[0].endswith(".xml") else with_query(address, asked)
    )
    named = {text: element for element in _all(root, "Layer") if (text := _text(element, "Identifier"))}
    chosen = _chosen(named, layer, address)
    sets = {_text(each, "Identifier"): each for each in _all(root, "TileMatrixSet") if _own(each, "TileMatrix")}
    linked = [text for link in _own(chosen, "TileMatrixSetLink") if (text := _text(link, "TileMatrixSet")) in sets]
    for name in sorted(linked, key=lambda text: "3857" not in _text(sets[text], "SupportedCRS")):
        crs = _name(_text(sets[name], "SupportedCRS"))
        try:
            parse_crs(crs)
        except GeoreferenceError:
            continue
        levels = tuple(_level(each, chosen, name, crs, address) for each in _own(sets[name], "TileMatrix"))
        return TileService(crs, levels, fetcher)
    raise LoadError(without_secrets(address), "has no tiles in a known coordinate system", "name another layer")


def northing_first(crs: str) -> bool:
    """Say whether the first coordinate of a system is the northing or latitude.

    Examples
    --------
    >>> northing_first("EPSG:4326"), northing_first("CRS:84"), northing_first("EPSG:3857")
    (True, False, False)
    """
    if crs == "CRS:84":
        return False
    return str(parse_crs(crs).axis_info[0].direction) in {"north", "south"}


def with_query(address: str, asked: dict[str, str]) -> str:
    """Return an address with parameters, those it has already first; a name counts once."""
    parts = urllib.parse.urlsplit(address)
    kept = [
        (name, value)
        for name, value in urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
        if name.upper() not in asked
    ]
    return urllib.parse.urlunsplit(parts._replace(query=urllib.parse.urlencode([*kept, *asked.items()]), fragment=""))


def _level(matrix: Any, layer: Any, set_name: str, crs: str, address: str) -> Level:
    metres = 1.0 if crs != "CRS:84" and parse_crs(crs).is_projected else 111_319.490793
    corner = [float(value) for value in _text(matrix, "TopLeftCorner").split()]
    west, north = (corner[1], corner[0]) if northing_first(crs) else (corner[0], corner[1])
    number = _text(matrix, "Identifier")
    resource = [each for each in _own(layer, "ResourceURL") if each.get("resourceType") == "tile"]
    styles = [text for each in _own(layer, "Style") if (text := _text(each, "Identifier"))]
    style = styles[0] if styles else "default"
    if resource:
        template = str(resource[0].get("template"))
        for name, value in (("TileMatrixSet", set_name), ("TileMatrix", number), ("Style", style), ("style", style)):
            template = template.replace(f"{{{name}}}", value)
        template = template.replace("{TileCol}", "{x}").replace("{TileRow}", "{y}")
    else:
        kind = (_texts(layer, "Format") or ["image/png"])[0]
        asked = {
            "SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": _text(layer, "Identifier"),
            "STYLE": style, "FORMAT": kind, "TILEMATRIXSET": set_name, "TILEMATRIX": number,
        }  # fmt: skip
        template = with_query(address, asked) + "&TILECOL={x}&TILEROW={y}"
    pixel = float(_text(matrix, "ScaleDenominator")) * _PIXEL_M / metres
    return Level(
        pixel, west, north, int(_text(matrix, "MatrixWidth")), int(_text(matrix, "MatrixHeight")), template,
        int(_text(matrix, "TileWidth")),
    )  # fmt: skip


def _document(fetcher: Fetcher, address: str) -> Any:
    from lxml import etree  # noqa: PLC0415 - needed for services only

    content = fetcher.read(address)
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        fetcher.forget(address)
        raise LoadError(without_secrets(address), "does not answer like a map service", "check the address") from error
    if "Capabilities" not in etree.QName(root).localname:
        fetcher.forget(address)
        said = " ".join(" ".join(root.itertext()).split())[:120]
        raise LoadError(without_secrets(address), f"does not answer like a map service ({said})", "check the address")
    return root


def _chosen(named: dict[str, Any], wanted: str, address: str) -> Any:
    if wanted in named:
        return named[wanted]
    if not wanted and len(named) == 1:
        return next(iter(named.values()))
    what = f"has no layer {wanted}" if wanted else "has several layers"
    listed = ", ".join(list(named)[:10])
    raise LoadError(without_secrets(address), what, f"write one behind #: {listed}")


def _all(root: Any, name: str) -> list[Any]:
    return list(root.iter(f"{{*}}{name}"))


def _own(element: Any, name: str) -> list[Any]:
    return list(element.findall(f"{{*}}{name}"))


def _texts(element: Any, name: str) -> list[str]:
    return [(each.text or "").strip() for each in _own(element, name)]


def _text(element: Any, name: str) -> str:
    return next(iter(_texts(element, name)), "")


def _format(root: Any) -> str:
    kinds = {text for each in _all(root, "GetMap") for text in _texts(each, "Format")}
    return next((kind for kind in ("image/png", "image/jpeg") if kind in kinds), "image/png")


def _name(text: str) -> str:
    """Return a system as we write it: from URNs and old spellings.

    Examples
    --------
    >>> _name("urn:ogc:def:crs:EPSG:6.18:3:3857"), _name("EPSG:900913"), _name("urn:ogc:def:crs:OGC:1.3:CRS84")
    ('EPSG:3857', 'EPSG:3857', 'CRS:84')
    """
    if "CRS84" in text.replace(":", ""):
        return "CRS:84"
    code = re.search(r"EPSG.*?(\d+)$", text.strip())
    if code is None:
        return text.strip()
    return MERCATOR if code[1] in {"900913", "102100", "3785"} else f"EPSG:{code[1]}"
