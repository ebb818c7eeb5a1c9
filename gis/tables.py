"""Tables as text: CSV and TSV with coordinates, well-known text or GeoJSON in a column, and sheets of workbooks."""

from __future__ import annotations

import csv
import re
import warnings
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis import gdal
from gis.encodings import as_utf8
from gis.features import TableStream, broken
from gis.sniffing import head_of
from scenes.errors import CityTwinError, LoadError
from scenes.georeference import WGS84

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.problems import Problems
    from scenes.sources import Source

    Objects = NDArray[np.object_]

_LONGITUDE = ("lon", "lng", "long", "longitude", "x_wgs84", "lon_wgs84", "laengengrad", "längengrad", "经度")
_LATITUDE = ("lat", "latitude", "y_wgs84", "lat_wgs84", "breitengrad", "纬度")
_EAST = ("x", "easting", "east", "x_coord", "coord_x", "xcoord", "point_x", "rechtswert", "ostwert", "东坐标")
_NORTH = ("y", "northing", "north", "y_coord", "coord_y", "ycoord", "point_y", "hochwert", "nordwert", "北坐标")
_TEXT = ("wkt", "geometry", "geom", "the_geom", "wkt_geom", "shape", "geojson", "geo_shape", "wkb", "wkb_geometry")
_PAIR = ("geo_point_2d", "geo_point", "latlon", "lat_lon", "coordinates")
_SRID = re.compile(r"^\s*SRID=(\d+);", re.IGNORECASE)
_NUMBERS = re.compile(r"-?\d+(?:\.\d+)?")
_LONGEST_FIELD = 64_000_000


def tables(source: Source, problems: Problems) -> Iterator[TableStream]:
    """Yield the one table of a text file, or every sheet of a workbook that has places."""
    if source.suffix in {".xlsx", ".ods"}:
        yield from _sheets(source, problems)
        return
    path = as_utf8(source, source.file, problems)
    options = _dialect(path)
    first = next(_chunks(source, path, options, 1_000), None)
    if first is None:
        raise LoadError(source.shown, "there is no feature in it", "export the layer again, with its features")
    _, crs = placed_frame(source, first)

    def frames(rows: int) -> Iterator[Any]:
        return (placed_frame(source, chunk)[0] for chunk in _chunks(source, path, options, rows))

    def ids(column: str) -> Iterator[Any]:
        return (chunk[column] for chunk in _chunks(source, path, {**options, "usecols": [column]}, 1 << 18))

    yield TableStream(source.title, frames, source.crs or crs, ids)


def placed_frame(source: Source, frame: Any) -> tuple[Any, str]:
    """Return a table with the geometry that its columns hold, and the system where that is known.

    Raises
    ------
    LoadError
        When no column holds a place.
    """
    for first, second, crs in ((_LONGITUDE, _LATITUDE, WGS84), (_EAST, _NORTH, "")):
        x, y = _pick(frame.columns, first), _pick(frame.columns, second)
        if x is not None and y is not None:
            points = gpd.points_from_xy(numbers_of(frame[x]), numbers_of(frame[y]))
            return _with_geometry(frame, np.asarray(points, object)), crs
    text = _pick(frame.columns, _TEXT)
    if text is not None:
        shapes, crs = shapes_of_texts(frame[text])
        return _with_geometry(frame.drop(columns=text), shapes), crs
    pair = _pick(frame.columns, _PAIR)
    if pair is not None:
        found = [_NUMBERS.findall(str(value))[:2] for value in frame[pair]]
        places = np.array([[float(n) for n in two] if len(two) == 2 else [np.nan, np.nan] for two in found])
        points = gpd.points_from_xy(places[:, 1], places[:, 0])
        return _with_geometry(frame, np.asarray(points, object)), WGS84
    columns = ", ".join(str(column) for column in frame.columns[:12])
    raise LoadError(
        source.shown, f"no column holds a place (columns: {columns})", "name columns lon and lat, x and y, or wkt"
    )


def numbers_of(values: Any) -> NDArray[np.float64]:
    """Return (n,) numbers of a column, decimal commas included; NaN where there is none.

    Examples
    --------
    >>> numbers_of(pd.Series(["12,5", "3.25", " ", "1 234,5"])).tolist()
    [12.5, 3.25, nan, 1234.5]
    """
    numbers: NDArray[np.float64] = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan).copy()
    open_rows = np.flatnonzero(np.isnan(numbers) & values.notna().to_numpy())
    if len(open_rows):
        texts = values.iloc[open_rows].astype(str).str.replace(r"[\s\u00a0']", "", regex=True)
        numbers[open_rows] = pd.to_numeric(texts.str.replace(",", ".", regex=False), errors="coerce").to_numpy(float)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def shapes_of_texts(values: Any) -> tuple[Objects, str]:
    """Return (n,) geometries written as WKT, EWKT, hexadecimal WKB or GeoJSON, and the system that EWKT names."""
    texts = values.astype(object).where(values.notna(), None).to_numpy(object)
    known = [str(text).strip() for text in texts if text is not None]
    first = known[0] if known else ""
    srid = _SRID.match(first)
    if first.startswith("{"):
        return np.array([_from_json(text) for text in texts], object), WGS84
    if re.fullmatch(r"(?:[0-9a-fA-F]{2}){5,}", first):
        shapes = np.asarray(shapely.from_wkb(texts, on_invalid="ignore"), object)
        number = int(shapely.get_srid(shapes[~shapely.is_missing(shapes)][:1]).max(initial=0))
        return shapes, f"EPSG:{number}" if number > 0 else ""
    plain = np.array([None if text is None else _SRID.sub("", str(text)) for text in texts], object)
    return np.asarray(shapely.from_wkt(plain, on_invalid="ignore"), object), f"EPSG:{srid[1]}" if srid else ""


def _from_json(text: Any) -> Any:
    if text is None:
        return None
    try:
        return shapely.from_geojson(str(text), on_invalid="ignore")
    except (shapely.errors.GEOSException, ValueError, RecursionError):
        return None


def _with_geometry(frame: Any, shapes: Objects) -> Any:
    plain = frame.rename(columns={"geometry": "geometry_"})
    return gpd.GeoDataFrame(plain.reset_index(drop=True), geometry=shapes)


def _sheets(source: Source, problems: Problems) -> Iterator[TableStream]:
    for name, chunks in gdal.plain_tables(source, 1_000):
        first = next(chunks, None)
        try:
            if first is None:
                continue
            _, crs = placed_frame(source, first)
        except LoadError:
            gdal.report_placeless(source, name, problems)
            continue

        def frames(rows: int, name: str = name) -> Iterator[Any]:
            for sheet, parts in gdal.plain_tables(source, rows):
                if sheet == name:
                    yield from (placed_frame(source, part)[0] for part in parts)

        yield TableStream(name, frames, source.crs or crs)


def _dialect(path: Path) -> dict[str, Any]:
    """Return the delimiter and the decimal mark of a text table."""
    text = head_of(path).decode("utf-8-sig", errors="replace")
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    header = lines[0] if lines else ""
    counts = {mark: len(next(csv.reader([header], delimiter=mark), [])) for mark in (",", ";", "\t", "|")}
    delimiter = max(counts, key=lambda mark: counts[mark])
    comma = delimiter != "," and any(re.search(r'(^|[;\t|"])-?\d+,\d+([;\t|"]|$)', line) for line in lines[1:])
    return {"sep": delimiter, "decimal": "," if comma else "."}


def _chunks(source: Source, path: Path, options: dict[str, Any], rows: int) -> Iterator[Any]:
    csv.field_size_limit(_LONGEST_FIELD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with pd.read_csv(
                path,
                encoding="utf-8-sig",
                chunksize=rows,
                float_precision=None if options["decimal"] == "," else "round_trip",
                skipinitialspace=True,
                **options,
            ) as reader:
                for chunk in reader:
                    yield chunk.rename(columns=lambda name: str(name).strip()).reset_index(drop=True)
        except CityTwinError:
            raise
        except pd.errors.EmptyDataError:
            return
        except Exception as error:  # pandas and its parser each have their own tree
            raise broken(source, error) from error


def _pick(columns: Any, names: tuple[str, ...]) -> Any:
    lower = {str(column).strip().lower(): column for column in columns}
    return next((lower[name] for name in names if name in lower), None)
