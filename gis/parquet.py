"""GeoParquet 1.0 and 1.1 (WKB and native encodings), and plain Parquet with WKB or with columns of coordinates."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyarrow import lib, parquet

from gis.arrowframes import flat_frame, frame_of, plain_frame, stacked
from gis.features import FlatFrame, TableStream, broken, crs_of
from gis.tables import placed_frame
from scenes.errors import LoadError
from scenes.georeference import WGS84, parse_crs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scenes.sources import Source

TELLING_TAGS = frozenset(
    {"building", "building:part", "building:levels", "building:min_level", "height", "min_height", "highway", "railway",
     "waterway", "natural", "landuse", "leisure", "boundary", "admin_level", "amenity", "shop", "tourism", "name",
     "name:zh", "name:en", "lanes", "width", "tunnel", "bridge"}
)  # fmt: skip
_WKB = ("geometry", "wkb", "geom", "wkb_geometry", "the_geom", "shape")
_BATCH_ROWS = 16_384
_ERRORS = (lib.ArrowException, OSError, ValueError, TypeError, KeyError)


def tables(source: Source) -> Iterator[TableStream]:
    """Yield the one table of a Parquet file."""
    header = _header(source)
    if header:
        yield TableStream(source.title, _geo_frames(source, header), _crs(source, header), _ids(source))
        return
    schema = _file(source).schema_arrow
    column = next((name for name in schema.names if name.lower() in _WKB and _is_wkb(schema.field(name).type)), None)
    if column is not None:
        column_name = column

        def frames(rows: int) -> Iterator[Any]:
            return (flat_frame(table, column_name) or frame_of(table, column_name) for table in _tables(source, rows))

        yield TableStream(source.title, frames, source.crs, _ids(source))
        return
    first = next(_tables(source, 1_000), None)
    if first is None:
        raise LoadError(source.shown, "there is no feature in it", "export the layer again, with its features")
    _, crs = placed_frame(source, plain_frame(first))

    def placed(rows: int) -> Iterator[Any]:
        return (placed_frame(source, plain_frame(table))[0] for table in _tables(source, rows))

    yield TableStream(source.title, placed, source.crs or crs, _ids(source))


def stored_bounds(source: Source) -> tuple[float, float, float, float, str] | None:
    """Return the bounds and the system that a GeoParquet file states in its header, None if it states none."""
    header = _header(source)
    box = header.get("columns", {}).get(header.get("primary_column"), {}).get("bbox")
    if not box:
        return None
    half = len(box) // 2
    return float(box[0]), float(box[1]), float(box[half]), float(box[half + 1]), _crs(source, header)


def expanded_tags(frame: Any, often: set[str] | None = None) -> tuple[Any, set[str]]:
    """Return the frame with its column ``tags`` (OpenStreetMap tag lists) as columns, and the keys that got one.

    Keys of fewer than 1 % of the features stay together in the column ``other_tags``. The keys of a first window
    are given back to the next ones.

    Examples
    --------
    >>> frame, keys = expanded_tags(pd.DataFrame({"tags": [[("building", "yes")], [("building", "house")]]}))
    >>> frame["building"].tolist(), sorted(keys)
    (['yes', 'house'], ['building'])
    """
    if "tags" not in frame.columns:
        return frame, often or set()
    rows = [dict(tags) if isinstance(tags, (list, tuple, np.ndarray, dict)) else {} for tags in frame["tags"]]
    if often is None:
        counts = Counter(key for row in rows for key in row)
        often = {key for key, count in counts.items() if count >= 0.01 * len(rows) or key in TELLING_TAGS}
        often -= {str(column) for column in frame.columns}
    wide = {key: pd.Series([row.get(key) for row in rows], index=frame.index, dtype=object) for key in sorted(often)}
    rest = [{key: value for key, value in row.items() if key not in often} or None for row in rows]
    wide["other_tags"] = pd.Series(rest, index=frame.index, dtype=object)
    return pd.concat([frame.drop(columns="tags"), pd.DataFrame(wide)], axis=1), often


def _header(source: Source) -> dict[str, Any]:
    try:
        header = json.loads((parquet.read_schema(source.path).metadata or {}).get(b"geo", b"{}"))
    except (*_ERRORS, RecursionError) as error:
        raise broken(source, error) from error
    if header and header.get("primary_column") not in header.get("columns", {}):
        raise LoadError(source.shown, "its header names no geometry column", "export it again as GeoParquet 1.1")
    return dict(header)


def _crs(source: Source, header: dict[str, Any]) -> str:
    if source.crs:
        return source.crs
    column = header["columns"][header["primary_column"]]
    if "crs" not in column:
        return WGS84
    return crs_of(source, parse_crs(json.dumps(column["crs"]))) if column["crs"] else ""


def _file(source: Source) -> Any:
    try:
        return parquet.ParquetFile(source.path, pre_buffer=False)
    except _ERRORS as error:
        raise broken(source, error) from error


def _tables(source: Source, rows: int, columns: list[str] | None = None) -> Iterator[Any]:
    file = _file(source)
    try:
        batches = file.iter_batches(min(rows, _BATCH_ROWS), columns=columns, use_threads=False)
        yield from stacked(batches, rows)
    except _ERRORS as error:
        raise broken(source, error) from error
    finally:
        file.close()


def _ids(source: Source) -> Callable[[str], Iterator[Any] | None]:
    def ids(column: str) -> Iterator[Any] | None:
        if column not in _file(source).schema_arrow.names:
            return None  # made of tags
        return (plain_frame(table)[column] for table in _tables(source, 1 << 20, [column]))

    return ids


def _geo_frames(source: Source, header: dict[str, Any]) -> Callable[[int], Iterator[Any]]:
    name = header["primary_column"]
    others = [column for column in header["columns"] if column != name]
    native = str(header["columns"][name].get("encoding", "WKB")).upper() != "WKB"

    def frames(rows: int) -> Iterator[Any]:
        often: set[str] | None = None
        for table in _tables(source, rows):
            kept = table.drop_columns([column for column in others if column in table.column_names])
            flat = None if native else flat_frame(kept, name)
            if flat is not None:
                attributes, often = expanded_tags(_named(flat.attributes), often)
                yield FlatFrame(attributes, flat.areas)
                continue
            frame = _native_frame(kept, name, header) if native else frame_of(kept, name)
            frame, often = expanded_tags(_named(frame), often)
            yield frame

    return frames


def _named(frame: Any) -> Any:
    """Return the frame with the main name of Overture's nested names as a column of its own."""
    if "names" in frame.columns and "name" not in frame.columns:
        names = [value.get("primary") if isinstance(value, dict) else None for value in frame["names"]]
        frame["name"] = pd.Series(names, index=frame.index, dtype=object)
    return frame


def _native_frame(table: pa.Table, name: str, header: dict[str, Any]) -> Any:
    """Return a table whose geometry is nested lists of coordinates (GeoArrow) as a frame."""
    encoding = header["columns"][name]["encoding"].lower()
    place = table.schema.get_field_index(name)
    marks = {"ARROW:extension:name": f"geoarrow.{encoding}", "ARROW:extension:metadata": "{}"}
    only = pa.table({name: table[name]}, schema=pa.schema([table.schema.field(place).with_metadata(marks)]))
    shapes = gpd.GeoDataFrame.from_arrow(only, geometry=name).geometry.to_numpy()
    return frame_of(table.set_column(place, name, pa.array(shapely.to_wkb(shapes), pa.binary())), name)


def _is_wkb(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
