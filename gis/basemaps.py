"""Base maps: what a user names as one, and what is known of the usual ones.

A base map is a pile of sources of images, the lowest first: tiles of a service (XYZ, WMTS), maps by rectangle (WMS),
tiles in a folder or an MBTiles file, or rasters with a place.
"""

from __future__ import annotations

import os
import re
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from scenes.errors import CityTwinError
from scenes.sources import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = re.compile(r"^(xyz|wmts|wms)\+(https?://.+)$", re.IGNORECASE | re.DOTALL)
TIANDITU = re.compile(r"^tianditu:([a-z]{3})(?:_([wc]))?$")
TIANDITU_KEY = "TIANDITU_KEY"
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")
_RASTERS = frozenset({".tif", ".tiff", ".vrt", ".jp2", ".png", ".jpg", ".jpeg"})
_PICTURES = ("png", "jpg", "jpeg", "webp")
_SHIFTED_HOSTS = re.compile(r"(?:^|\.)(?:autonavi\.com|amap\.com|map\.qq\.com|gtimg\.com|google\.cn|ggpht\.cn)$")
_BAIDU_HOSTS = re.compile(r"(?:^|\.)(?:baidu\.com|bdimg\.com|bdstatic\.com)$")
_OSM = "xyz+https://tile.openstreetmap.org/{z}/{x}/{y}.png#maxzoom=19"
_TIANDITU_TITLES = {
    "vec": ("Tianditu map", "天地图矢量"),
    "img": ("Tianditu imagery", "天地图影像"),
    "ter": ("Tianditu terrain", "天地图地形"),
}
_TIANDITU_LABELS = {"vec": "cva", "img": "cia", "ter": "cta"}
_TIANDITU_CREDIT = "国家地理信息公共服务平台“天地图” © Tianditu"
_TABLE = frozenset(
    {"name", "address", "title", "attribution", "link", "labels", "key", "key_env", "datum_shift", "crs", "max_zoom"}
)
_KEYS = frozenset({"key", "key_env"})


@dataclass(frozen=True)
class Basemap:
    """A map to lay under a city.

    Parameters
    ----------
    name
        Part of its address on the server.
    sources
        Where its images come from, the lowest first.
    titles
        What people read, ``{"en", "zh"}``.
    attribution, link
        Whom its makers ask to name, and their page.
    key
        Put in place of ``{key}`` in addresses; never shown.
    trusted
        False when a file named it that may come from anybody: then it may only be read from public web addresses.
    """

    name: str
    sources: tuple[Source, ...]
    titles: Mapping[str, str]
    attribution: str = ""
    link: str = ""
    key: str = field(default="", repr=False)
    trusted: bool = True


def basemap_of_text(text: str, environment: Mapping[str, str] = MappingProxyType(os.environ)) -> Basemap:
    """Return the base map that an option names: ``osm``, ``tianditu:img``, or ``NAME=ADDRESS``.

    Raises
    ------
    CityTwinError
        When it names none, or a key is missing.

    Examples
    --------
    >>> basemap_of_text("osm").attribution
    '© OpenStreetMap contributors'
    >>> [source.shown for source in basemap_of_text("tianditu:img", {"TIANDITU_KEY": "abc"}).sources]
    ['tianditu:img_w', 'tianditu:cia_w']
    >>> basemap_of_text("amap=https://webrd01.is.autonavi.com/appmaptile?x={x}&y={y}&z={z}").sources[0].datum_shift
    'gcj02'
    """
    name, sign, address = text.partition("=")
    if sign and _NAME.match(name):
        return basemap_of_table({"name": name, "address": address}, environment)
    return basemap_of_table({"address": text}, environment)


def basemap_of_table(
    table: Mapping[str, Any],
    environment: Mapping[str, str] = MappingProxyType(os.environ),
    *,
    folder: Path | None = None,
    trusted: bool = True,
) -> Basemap:
    """Return the base map that a table of a configuration describes.

    Parameters
    ----------
    table
        ``address`` (as in an option), and ``name, title, attribution, link, labels, key, key_env, datum_shift, crs``.
    environment
        Where ``key_env`` is looked up.
    folder
        Relative paths start here; None = the present one.
    trusted
        Whether the user wrote it; a table of a city package may name neither keys nor files.

    Raises
    ------
    CityTwinError
        When something in it is wrong; the sentence names it.
    """
    unknown = set(table) - _TABLE
    address, shown = str(table.get("address", "")), str(table.get("name") or table.get("address") or "basemap")
    if unknown:
        raise CityTwinError(
            shown, f"has unknown settings ({', '.join(sorted(unknown))})", "see docs/how-to/basemaps.md"
        )
    if not trusted and _KEYS & set(table):
        raise CityTwinError(shown, "names a key in a city package", "keep keys in twin.toml or the environment")
    name = str(table.get("name") or _plain_name(address))
    if not _NAME.match(name):
        raise CityTwinError(shown, "is no name of a base map", "write letters, digits, - and _, as in osm=ADDRESS")
    key = str(table.get("key") or environment.get(str(table.get("key_env", "")), ""))
    known = _known(address, key, environment)
    shift = _shift_of(address, str(table.get("datum_shift", "")), shown)
    layers = [address, *_labels(address, table)]
    sources = tuple(_source(each, shown, shift, str(table.get("crs", "")), folder, trusted) for each in layers)
    if any("{key}" in source.path for source in sources) and not known["key"]:
        raise CityTwinError(shown, "needs a key", "set key or key_env in twin.toml")
    return Basemap(
        name,
        sources,
        _titles(table.get("title"), known["titles"] or (name, name)),
        str(table.get("attribution", known["attribution"])),
        str(table.get("link", known["link"])),
        known["key"],
        trusted,
    )


def _known(address: str, key: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what is known of a usual map: titles, attribution, link and key."""
    if address == "osm":
        titles = ("OpenStreetMap", "OpenStreetMap 开放街图")
        link = "https://www.openstreetmap.org/copyright"
        return {"titles": titles, "attribution": "© OpenStreetMap contributors", "link": link, "key": key}
    match = TIANDITU.match(address)
    if match is None:
        return {"titles": None, "attribution": "", "link": "", "key": key}
    if match[1] not in _TIANDITU_TITLES:
        raise CityTwinError(address, "is no map of Tianditu", "write tianditu:vec, tianditu:img or tianditu:ter")
    key = key or environment.get(TIANDITU_KEY, "")
    if not key:
        raise CityTwinError(address, "needs a key", f"set {TIANDITU_KEY}, or key in twin.toml")
    link = "https://www.tianditu.gov.cn/"
    return {"titles": _TIANDITU_TITLES[match[1]], "attribution": _TIANDITU_CREDIT, "link": link, "key": key}


def _labels(address: str, table: Mapping[str, Any]) -> list[str]:
    """Return the addresses of the names over a map: Tianditu's own unless the table says otherwise."""
    match = TIANDITU.match(address)
    given = table.get("labels", match is not None)
    if isinstance(given, str):
        return [given]
    return [f"tianditu:{_TIANDITU_LABELS[match[1]]}_{match[2] or 'w'}"] if given and match else []


def _source(address: str, shown: str, shift: str, crs: str, folder: Path | None, trusted: bool) -> Source:
    match = TIANDITU.match(address)
    if match is not None:
        return Source(f"tianditu:{match[1]}_{match[2] or 'w'}")
    if address == "osm":
        return Source(_OSM)
    if re.match(r"^https?://", address, re.IGNORECASE):
        address = f"xyz+{address}"
    if SERVICE.match(address):
        return Source(address.replace("{s}", "a"), crs=crs, datum_shift=shift)
    if re.match(r"^[a-z][a-z0-9+.-]+://", address, re.IGNORECASE):
        raise CityTwinError(shown, "is no kind of base map", "write xyz+https, wmts+https or wms+https")
    if not trusted:
        raise CityTwinError(shown, "names a file in a city package", "name it with --basemap or in twin.toml")
    return Source(_local(address, shown, folder), crs=crs, datum_shift=shift)


def _local(address: str, shown: str, folder: Path | None) -> str:
    """Return the path of a raster or an MBTiles file, or the template of the tiles in a folder."""
    path = (folder or Path()) / address
    if "{z}" in address:
        root = Path(str(path).split("{z}", 1)[0])
        if root.is_dir() and "{x}" in address and ("{y}" in address or "{-y}" in address):
            return str(path)
    elif path.is_dir():
        first = next((found for found in path.glob("*/*/*.*") if found.suffix[1:].lower() in _PICTURES), None)
        if first is not None and first.parent.parent.name.isdigit():
            return str(path / "{z}" / "{x}" / f"{{y}}{first.suffix}")
    elif path.is_file() and path.suffix.lower() in {".mbtiles", *_RASTERS}:
        return str(path)
    elif not address:
        raise CityTwinError(shown, "has no address", "write NAME=ADDRESS")
    raise CityTwinError(
        shown, "is no base map", "name osm, tianditu:vec, a service, a GeoTIFF, an MBTiles file or a folder of tiles"
    )


def _shift_of(address: str, given: str, shown: str) -> str:
    """Return the map shift of an address: what the table says, else what is known of its host."""
    match = SERVICE.match(address)
    host = (urllib.parse.urlsplit(match[2] if match else address).hostname or "").lower()
    if _BAIDU_HOSTS.search(host):
        raise CityTwinError(shown, "is a map of Baidu, whose tiles have a grid of their own", "choose another map")
    if given not in {"", "gcj02", "bd09", "none"}:
        raise CityTwinError(shown, f"datum_shift = {given!r} is not known", "write gcj02, bd09 or none")
    if given:
        return "" if given == "none" else given
    return "gcj02" if _SHIFTED_HOSTS.search(host) else ""


def _titles(given: Any, otherwise: tuple[str, str]) -> dict[str, str]:
    if isinstance(given, str) and given:
        return {"en": given, "zh": given}
    if isinstance(given, dict) and given:
        english = str(given.get("en") or given.get("zh"))
        return {"en": english, "zh": str(given.get("zh") or english)}
    return {"en": otherwise[0], "zh": otherwise[1]}


def _plain_name(address: str) -> str:
    if address == "osm" or TIANDITU.match(address):
        return address.replace(":", "-")
    match = SERVICE.match(address)
    text = urllib.parse.urlsplit(match[2]).hostname if match else Path(address.split("{", 1)[0]).stem
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text or "").strip("-")[:40] or "basemap"
