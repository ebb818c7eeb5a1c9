"""The seam to all readers of vector data: a source becomes tables of features, read window by window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gis import archives, gdal, geojson, osm, parquet, postgis, services, shapefiles, tables, vectortiles
from gis.features import FeatureTable, TableStream, crs_of
from gis.formats import family_of
from gis.sniffing import refuse_entities
from scenes.errors import CityTwinError, LoadError, UnsupportedError
from scenes.georeference import parse_crs
from scenes.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scenes.sources import Source

    Bounds = tuple[float, float, float, float, str]

__all__ = ["FeatureTable", "TableStream", "bounds_of", "crs_of", "open_tables", "read_tables"]


def open_tables(source: Source, problems: Problems) -> Iterator[TableStream]:
    """Yield every table of a source that has places; nothing of its features is read yet.

    Raises
    ------
    SourceError
        When the source is broken, or of a kind that nobody reads.
    """
    reader = _READERS.get(family_of(source))
    if reader is None:
        raise UnsupportedError(source.shown, "is not a map in a known format", "see docs/reference/vector-formats.md")
    yield from reader(source, problems)


def read_tables(source: Source) -> list[FeatureTable]:
    """Read every table of a source whole.

    Raises
    ------
    LoadError
        When the source is broken or has no feature.
    GeoreferenceError
        When neither the source nor the user names a coordinate system.
    """
    found = [
        replace(window, crs=window.crs or crs_of(source, None))
        for stream in open_tables(source, Problems())
        for window in stream.windows(1 << 40)
    ]
    if not found:
        raise LoadError(source.shown, "there is no feature in it", "export the layer again, with its features")
    return found


def bounds_of(source: Source) -> Bounds:
    """Return the bounds (west, south, east, north) of a source in its own system, and the system.

    Reads as little as the format allows. Where features lie on both sides of the antimeridian, east is beyond 180.
    """
    family = family_of(source)
    stated: Bounds | None = None
    if family in {"gdal", "xml", "shapefile"} or (family == "geojson" and geojson.is_plain(source)):
        stated = gdal.bounds(source)
    elif family == "parquet":
        stated = parquet.stored_bounds(source)
    elif family == "osm":
        stated = osm.bounds(source)
    elif family == "postgis":
        stated = postgis.bounds(source)
    found = stated if stated is not None else _counted_bounds(source)
    if found[2] - found[0] > 180.0 and parse_crs(found[4]).is_geographic:
        return _turned(found, source)
    return found


def _turned(found: Bounds, source: Source) -> Bounds:
    """Return bounds that span more than half the Earth the other way round, where that side is the narrower one."""
    seen = np.zeros(360, bool)
    for stream in open_tables(source, Problems()):
        for window in stream.windows():
            longitudes = shapely.get_coordinates(window.frame.geometry.to_numpy())[:, 0]
            seen[np.floor(longitudes[np.isfinite(longitudes)]).astype(np.int64) % 360] = True
    degrees = np.flatnonzero(seen)
    gaps = np.diff(degrees, append=degrees[:1] + 360) if len(degrees) else np.zeros(1, np.int64)
    widest = int(np.argmax(gaps))
    if gaps[widest] <= 180:
        return found
    west = float(degrees[(widest + 1) % len(degrees)])
    return west, found[1], west + 361.0 - float(gaps[widest]), found[3], found[4]


def _counted_bounds(source: Source) -> Bounds:
    """Return the bounds of all features in the system of the first table."""
    crs = ""
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for stream in open_tables(source, Problems()):
        here = stream.crs or crs_of(source, None)
        crs = crs or here
        if here != crs:
            continue
        for window in stream.windows():
            box = shapely.bounds(window.frame.geometry.to_numpy())
            box = box[np.isfinite(box).all(axis=1)]
            low = np.min([low, *box[:, :2]], axis=0)
            high = np.max([high, *box[:, 2:]], axis=0)
    if not crs or not np.isfinite([low, high]).all():
        raise LoadError(source.shown, "there is no feature in it", "export the layer again, with its features")
    return float(low[0]), float(low[1]), float(high[0]), float(high[1]), crs


def _archived(source: Source, problems: Problems) -> Iterator[TableStream]:
    """Yield the tables of every map in a zip."""
    folder = archives.unpacked(source)
    files = sorted(path for path in folder.rglob("*") if path.is_file() or path.suffix.lower() == ".gdb")
    inner = [path for path in files if not any(part.suffix.lower() == ".gdb" for part in path.parents)]
    maps = [path for path in inner if family_of(replace(source, path=str(path))) not in {"", "archive", "packed"}]
    for path in maps:
        name = path.stem if sum(each.stem == path.stem for each in maps) == 1 else path.relative_to(folder).as_posix()
        yield from _inner(source, path, name, problems)


def _inner(source: Source, path: Path, name: str, problems: Problems) -> Iterator[TableStream]:
    """Yield the tables of a file that was unpacked; what it says of itself is said of the archive."""
    inner = replace(source, path=str(path), dataset=source.namespace)
    try:
        for stream in open_tables(inner, problems):
            own = name if stream.name == inner.title else stream.name
            yield replace(stream, name=own)
    except CityTwinError as error:
        raise type(error)(f"{source.shown}/{path.name}", error.what, error.advice) from error


def _xml(source: Source, problems: Problems) -> Iterator[TableStream]:
    refuse_entities(source.file)
    yield from gdal.tables(source, problems)


def _packed(source: Source, problems: Problems) -> Iterator[TableStream]:
    inner = archives.expanded_file(source)
    yield from _inner(source, inner, inner.name, problems)


_READERS: dict[str, Callable[[Source, Problems], Iterator[TableStream]]] = {
    "geojson": geojson.tables,
    "parquet": lambda source, _problems: parquet.tables(source),
    "table": tables.tables,
    "osm": osm.tables,
    "shapefile": shapefiles.tables,
    "gdal": gdal.tables,
    "xml": _xml,
    "archive": _archived,
    "packed": _packed,
    "tiles": vectortiles.tables,
    "postgis": postgis.tables,
    "items": lambda source, _problems: services.items_tables(source),
    "wfs": lambda source, _problems: services.wfs_tables(source),
}
