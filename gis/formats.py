"""Which family of formats a source belongs to, by its name and a few bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gis.geojson import SEQUENCES
from gis.sniffing import head_of, is_osm_pbf, is_osm_xml, tile_format, zip_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenes.sources import Source

_FEATURES = re.compile(rb'"(Feature|FeatureCollection|GeometryCollection|coordinates|Topology|esriGeometry\w+)"')
_PACKED = frozenset({".gz", ".bz2", ".xz"})
_IN_ARCHIVES = (".shp", ".geojson", ".gpkg", ".fgb", ".kml", ".tab", ".mif", ".geojsonl", ".ndjson", ".parquet",
                ".geoparquet", ".osm", ".osm.pbf")  # fmt: skip


def family_of(source: Source) -> str:
    """Return the family of formats that reads a source, empty if it is no vector data.

    Examples
    --------
    >>> from scenes.sources import Source
    >>> [family_of(Source(name)) for name in ("a.gpkg", "a.csv", "a.shp", "a.las")]
    ['gdal', 'table', 'shapefile', '']
    """
    if source.is_remote:
        return _remote(source.path)
    suffix = source.suffix
    if suffix in _BY_NAME:
        return _BY_NAME[suffix]
    if suffix in _BY_CONTENT:
        return _BY_CONTENT[suffix](source)
    return _packed(source, suffix)


def _json(source: Source) -> str:
    head = head_of(source.file)
    named = source.suffix == ".geojson" or bool(_FEATURES.search(head))
    return "geojson" if named and b'"CityJSON' not in head else ""


def _gml(source: Source) -> str:
    return "" if b"citygml" in head_of(source.file).lower() else "xml"


def _xml(source: Source) -> str:
    return "osm" if is_osm_xml(head_of(source.file)) else ""


def _pbf(source: Source) -> str:
    return "osm" if is_osm_pbf(source.file) else "tiles"


def _tiled(source: Source) -> str:
    return "tiles" if tile_format(source.file) == "pbf" else ""


def _database(source: Source) -> str:
    return "gdal" if source.file.is_dir() else ""


def _zip(source: Source) -> str:
    return "archive" if _holds_maps(zip_names(source.file)) else ""


_BY_NAME = {
    ".shp": "shapefile", ".parquet": "parquet", ".geoparquet": "parquet", ".csv": "table", ".tsv": "table",
    ".xlsx": "table", ".ods": "table", ".osm": "osm", ".kml": "xml", ".gpx": "xml", ".mvt": "tiles",
    **dict.fromkeys((".gpkg", ".fgb", ".tab", ".mif", ".dxf", ".dgn", ".sqlite", ".kmz", ".jml", ".gmt"), "gdal"),
}  # fmt: skip
_BY_CONTENT: dict[str, Callable[[Source], str]] = {
    **dict.fromkeys((".json", ".geojson", ".topojson", *SEQUENCES), _json),
    ".gml": _gml,
    ".xml": _xml,
    ".pbf": _pbf,
    ".mbtiles": _tiled,
    ".pmtiles": _tiled,
    ".gdb": _database,
    ".zip": _zip,
}


def _packed(source: Source, suffix: str) -> str:
    if suffix not in _PACKED:
        return ""
    inner = source.file.with_suffix("").name.lower()
    if inner.endswith((".osm", ".osm.xml", ".osm.pbf")) and suffix != ".xz":
        return "osm"
    ending = f".{inner.rpartition('.')[2]}"
    known = {".geojson", ".geojsonl", ".ndjson", ".csv", ".tsv", ".gpx", ".kml", ".gpkg", ".fgb", ".parquet"}
    return "packed" if ending in known else ""


def _holds_maps(names: list[str]) -> bool:
    lower = [name.lower() for name in names if "__macosx/" not in name.lower()]
    return any(name.endswith(_IN_ARCHIVES) or ".gdb/" in name for name in lower)


def _remote(address: str) -> str:
    scheme = address.partition("://")[0].lower()
    if scheme in {"postgresql", "postgres", "postgis"}:
        return "postgis"
    if scheme in {"wfs+http", "wfs+https"} or (scheme in {"http", "https"} and "service=wfs" in address.lower()):
        return "wfs"
    if scheme in {"oapif+http", "oapif+https"}:
        return "items"
    if scheme in {"http", "https"} and re.search(r"/collections(/[^/?#]+(/items)?)?/?([?#]|$)", address):
        return "items"
    return ""
