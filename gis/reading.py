"""The door to geopandas and pyogrio: any vector file becomes tables of features with a coordinate system."""

from __future__ import annotations

import json
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from scenes.errors import CityTwinError, GeoreferenceError, LoadError, MissingLibraryError
from scenes.georeference import WGS84, parse_crs

if TYPE_CHECKING:
    from pathlib import Path

    from scenes.sources import Source

GDAL_SUFFIXES = frozenset({".geojson", ".json", ".gpkg", ".shp", ".fgb", ".kml", ".gml", ".geojsonl", ".zip"})
TABLE_SUFFIXES = frozenset({".parquet", ".geoparquet", ".csv"})
_LONGITUDE = ("lon", "lng", "long", "longitude", "x_wgs84", "经度")
_LATITUDE = ("lat", "latitude", "y_wgs84", "纬度")
_EAST = ("x", "easting", "east", "x_coord", "coord_x")
_NORTH = ("y", "northing", "north", "y_coord", "coord_y")
_TEXT = ("wkt", "geometry", "geom", "the_geom", "wkt_geom", "shape")
_TELLING_TAGS = frozenset(
    {"building", "building:part", "building:levels", "building:min_level", "height", "min_height", "highway", "railway",
     "waterway", "natural", "landuse", "leisure", "boundary", "admin_level", "amenity", "shop", "tourism", "name",
     "name:zh", "name:en", "lanes", "width", "tunnel", "bridge"}
)  # fmt: skip
_WKB = ("geometry", "wkb", "geom", "wkb_geometry", "the_geom", "shape")


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Features of one table of a file.

    Parameters
    ----------
    name
        Name of the table inside the file, a hint for its theme.
    frame
        A GeoDataFrame with an active geometry column ``geometry``.
    crs
        Text of its coordinate system, such as ``EPSG:4326``.
    mended
        How many rings had to be closed, or dropped, before anything could be read.
    """

    name: str
    frame: Any
    crs: str
    mended: int = 0


def read_tables(source: Source) -> list[FeatureTable]:
    """Read every table of a vector file.

    Raises
    ------
    LoadError
        When the file is broken or has no feature.
    GeoreferenceError
        When neither the file nor the source names a coordinate system.
    """
    frames = _read(source)
    tables = [
        FeatureTable(name, frame.reset_index(drop=True), crs_of(source, frame.crs), frame.attrs.get("mended", 0))
        for name, frame in frames
        if len(frame)
    ]
    if not tables:
        raise LoadError(source.path, "there is no feature in it", "export the layer again, with its features")
    return tables


def crs_of(source: Source, found: Any) -> str:
    """Return the text of the system that the user named or the file has.

    Raises
    ------
    GeoreferenceError
        When there is neither.
    """
    if source.crs:
        return source.crs
    if found is None:
        raise GeoreferenceError(
            source.path, "does not say its coordinate system", "name it with --crs, for instance --crs EPSG:4326"
        )
    authority = found.to_authority(min_confidence=70)
    return ":".join(authority) if authority else str(found.to_wkt())


def bounds_of(source: Source) -> tuple[float, float, float, float, str]:
    """Return the bounds (west, south, east, north) of a file in its own system, and the system.

    Reads as little as the format allows.
    """
    if source.suffix in GDAL_SUFFIXES and not _is_feature_array(source.file):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pyogrio = _pyogrio()
            try:
                layers = [str(each[0]) for each in pyogrio.list_layers(source.path)]
                found = [pyogrio.read_info(source.path, layer=layer, force_total_bounds=True) for layer in layers]
            except Exception as error:
                raise _broken(source, error) from error
        placed = [info for info in found if info["total_bounds"] is not None and info["geometry_type"] is not None]
        if placed:
            boxes = np.array([info["total_bounds"] for info in placed])
            crs = placed[0]["crs"]
            text = source.crs or (str(crs) if crs else crs_of(source, None))
            return (*(float(v) for v in (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))), text)  # type: ignore[return-value]
    if source.suffix in {".parquet", ".geoparquet"} and (stored := _stored_bounds(source)) is not None:
        return stored
    tables = read_tables(source)
    boxes = np.array([table.frame.total_bounds for table in tables if table.crs == tables[0].crs])
    low, high = np.nanmin(boxes[:, :2], axis=0), np.nanmax(boxes[:, 2:], axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1]), tables[0].crs


def _read(source: Source) -> list[tuple[str, Any]]:
    stem = source.file.name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if source.suffix in {".parquet", ".geoparquet"}:
                return [(stem, _read_parquet(source))]
            if source.suffix == ".csv":
                return [(stem, _read_csv(source))]
            if _is_feature_array(source.file):
                return [(stem, _read_feature_array(source.file))]
            return _read_layers(source)
        except CityTwinError:
            raise
        except Exception as error:  # GDAL, Arrow and pandas each have their own tree
            raise _broken(source, error) from error


def _broken(source: Source, error: Exception) -> LoadError:
    reason = re.sub(r"\s+", " ", str(error)).strip().replace(source.path, source.file.name)[:160]
    return LoadError(source.path, f"cannot be read ({reason or type(error).__name__})", "export it again")


def _pyogrio() -> Any:
    try:
        import pyogrio  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("gis", "pyogrio is not installed", "pip install citytwin[gis]") from error
    return pyogrio


def _read_layers(source: Source) -> list[tuple[str, Any]]:
    found = []
    for layer, geometry_type in _pyogrio().list_layers(source.path):
        if geometry_type is None:
            continue
        frame = _read_layer(source.path, layer)
        name = str(layer) if source.suffix in {".gpkg", ".kml", ".gml", ".zip"} else source.file.name
        found.append((name, frame))
    return found


def _read_layer(path: str, layer: Any) -> Any:
    """Return one table; where its rings are broken beyond reading, a table in which they are closed or missing."""
    pyogrio = _pyogrio()
    try:
        return pyogrio.read_dataframe(path, layer=layer)
    except shapely.errors.GEOSException:
        frame = pyogrio.read_dataframe(path, layer=layer, on_invalid="fix")
        strict = pyogrio.read_dataframe(path, layer=layer, on_invalid="ignore", columns=[])
        frame.attrs["mended"] = int(strict.geometry.isna().sum())
        return frame


def _read_parquet(source: Source) -> Any:
    from pyarrow import parquet  # noqa: PLC0415

    if b"geo" in (parquet.read_schema(source.path).metadata or {}):
        frame = gpd.read_parquet(source.path)
        return _expand_tags(frame.rename_geometry("geometry") if frame.geometry.name != "geometry" else frame)
    frame = pd.read_parquet(source.path)
    column = _pick(frame.columns, _WKB)
    if column is None:
        return _from_columns(source, frame)
    values = frame.pop(column)
    return gpd.GeoDataFrame(frame, geometry=shapely.from_wkb(values.to_numpy()), crs=None)


def _stored_bounds(source: Source) -> tuple[float, float, float, float, str] | None:
    """Return the bounds and the system that a GeoParquet file states in its header, None if it states none."""
    from pyarrow import lib, parquet  # noqa: PLC0415

    try:
        header = json.loads((parquet.read_schema(source.path).metadata or {}).get(b"geo", b"{}"))
    except (lib.ArrowException, OSError, ValueError) as error:
        raise _broken(source, error) from error
    column = header.get("columns", {}).get(header.get("primary_column"), {})
    box = column.get("bbox")
    if not box:
        return None
    half = len(box) // 2
    crs = source.crs or (crs_of(source, parse_crs(json.dumps(column["crs"]))) if column.get("crs") else WGS84)
    return float(box[0]), float(box[1]), float(box[half]), float(box[half + 1]), crs


def _read_csv(source: Source) -> Any:
    frame = pd.read_csv(source.path, encoding="utf-8-sig", sep=None, engine="python")
    return _from_columns(source, frame)


def _from_columns(source: Source, frame: Any) -> Any:
    for first, second, crs in ((_LONGITUDE, _LATITUDE, WGS84), (_EAST, _NORTH, None)):
        x, y = _pick(frame.columns, first), _pick(frame.columns, second)
        if x is not None and y is not None:
            numbers = [pd.to_numeric(frame[column], errors="coerce") for column in (x, y)]
            return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(*numbers), crs=crs)
    text = _pick(frame.columns, _TEXT)
    if text is None:
        columns = ", ".join(str(column) for column in frame.columns[:12])
        raise LoadError(
            source.path, f"no column holds a place (columns: {columns})", "name columns lon and lat, x and y, or wkt"
        )
    values = frame.pop(text)
    return gpd.GeoDataFrame(frame, geometry=shapely.from_wkt(values.to_numpy(dtype=object), on_invalid="ignore"))


def _is_feature_array(path: Path) -> bool:
    if path.suffix.lower() not in {".json", ".geojson"}:
        return False
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"[")


def _read_feature_array(path: Path) -> Any:
    items = json.loads(path.read_text(encoding="utf-8-sig"))
    features = [
        feature
        for item in items
        if isinstance(item, dict)
        for feature in (item.get("features") or [] if item.get("type") == "FeatureCollection" else [item])
        if isinstance(feature, dict) and feature.get("type") == "Feature"
    ]
    for feature in features:
        feature.setdefault("properties", {})
    if not features:
        raise LoadError(path, "it is a list without GeoJSON features", "export it as a FeatureCollection")
    return gpd.GeoDataFrame.from_features(features, crs=WGS84)


def _expand_tags(frame: Any) -> Any:
    """Turn a column of OpenStreetMap tag lists into columns."""
    if "tags" not in frame.columns:
        return frame
    rows = [dict(tags) if isinstance(tags, (list, tuple, np.ndarray, dict)) else {} for tags in frame["tags"]]
    counts = Counter(key for row in rows for key in row)
    often = {key for key, count in counts.items() if count >= 0.01 * len(rows) or key in _TELLING_TAGS}
    often -= {str(column) for column in frame.columns}
    wide = {key: pd.Series([row.get(key) for row in rows], index=frame.index, dtype=object) for key in sorted(often)}
    rest = [{key: value for key, value in row.items() if key not in often} or None for row in rows]
    wide["other_tags"] = pd.Series(rest, index=frame.index, dtype=object)
    return pd.concat([frame.drop(columns="tags"), pd.DataFrame(wide)], axis=1)


def _pick(columns: Any, names: tuple[str, ...]) -> Any:
    lower = {str(column).strip().lower(): column for column in columns}
    return next((lower[name] for name in names if name in lower), None)
