"""The door to pyogrio: files that GDAL reads, as streams of features, with everything off that leads elsewhere.

A map from a stranger must not make GDAL open other files or addresses: virtual formats and services are left out
when GDAL starts, downloads go nowhere, and a file that holds a recipe instead of features is refused.
"""

from __future__ import annotations

import functools
import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from pyarrow import lib

from gis.arrowframes import flat_frame, frame_of, plain_frame, stacked
from gis.features import TableStream, broken, crs_of
from gis.sniffing import head_of
from scenes.errors import CityTwinError, MissingLibraryError, UnsupportedError
from scenes.georeference import parse_crs
from scenes.scratch import scratch_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes.problems import Problems
    from scenes.sources import Source

_NEVER = ("OGR_VRT", "GDALG", "VRT", "WFS", "OAPIF", "OGCAPI", "CSW", "HTTP", "Carto", "AmigoCloud", "PLSCENES",
          "Elasticsearch", "NGW", "EEDA", "ADBC", "PGDUMP", "GPSBabel")  # fmt: skip
_SETTINGS = {
    "GDAL_HTTP_PROXY": "http://127.0.0.1:9",  # nobody listens there: a map never reaches the network
    "GDAL_HTTP_TIMEOUT": "1",
    "GDAL_HTTP_MAX_RETRY": "0",
    "GML_DOWNLOAD_SCHEMA": "NO",
    "GML_SKIP_RESOLVE_ELEMS": "ALL",
    "LIBKML_RESOLVE_STYLE": "NO",
    "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO",
    "OGR_SQLITE_LOAD_EXTENSIONS": "NO",
    "SHAPE_RESTORE_SHX": "YES",
    "OGR_GEOJSON_MAX_OBJ_SIZE": "500",
}
_RECIPES = (b"<OGRVRTDataSource", b"<OGRVRTLayer", b"gdal_streamed_alg", b"<OGRWFSDataSource", b"<VRTDataset")
_SEVERAL = frozenset({".gpkg", ".kml", ".kmz", ".gml", ".zip", ".gpx", ".gdb", ".sqlite", ".xlsx", ".ods", ".mbtiles",
                      ".pmtiles", ".dgn", ".dxf"})  # fmt: skip
_BATCH_ROWS = 16_384


@functools.cache
def pyogrio() -> Any:
    """Return the library, started without the formats that lead to other files.

    Raises
    ------
    MissingLibraryError
        When it is not installed.
    """
    before = os.environ.get("GDAL_SKIP")
    os.environ["GDAL_SKIP"] = ",".join(_NEVER)
    try:
        import pyogrio as library  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("gis", "pyogrio is not installed", "pip install citytwin[gis]") from error
    finally:
        if before is None:
            del os.environ["GDAL_SKIP"]
        else:
            os.environ["GDAL_SKIP"] = before
    library.set_gdal_config_options(_SETTINGS)
    return library


def refuse_recipes(source: Source) -> None:
    """Refuse a file that tells GDAL what else to open instead of holding features.

    Raises
    ------
    UnsupportedError
        When it is one.
    """
    if source.file.is_file() and any(mark in head_of(source.file) for mark in _RECIPES):
        raise UnsupportedError(
            source.shown, "is a recipe that points at other files, not a map", "name the files themselves"
        )


def layers_of(source: Source, path: str) -> list[tuple[str, str | None]]:
    """Return the names of the tables of a file and their geometry types, None for one without places.

    Raises
    ------
    LoadError, UnsupportedError
        When the file is broken, or no map.
    """
    refuse_recipes(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            listed = pyogrio().list_layers(path)
        except Exception as error:
            raise broken(source, error) from error
    return [(str(name), None if kind is None else str(kind)) for name, kind in listed]


def tables(source: Source, problems: Problems, **options: Any) -> Iterator[TableStream]:
    """Yield every table with places of a file; the others are reported."""
    path = opened_path(source)
    layers = layers_of(source, path)
    derived = source.suffix == ".gpx" and any(name in {"tracks", "routes"} for name, _ in layers)
    for layer, kind in layers:
        if kind is None:
            report_placeless(source, layer, problems)
        elif not (derived and layer in {"route_points", "track_points"}):
            name = layer if source.suffix in _SEVERAL else source.title
            yield stream(source, path, layer, name, **options)


def report_placeless(source: Source, layer: str, problems: Problems) -> None:
    """Say that a table has no geometry."""
    problems.add("info", f"{source.title}#{layer}", "table-without-places", "is a table without geometry: left out")


def opened_path(source: Source) -> str:
    """Return the path that GDAL shall open: absolute, and where it writes a companion, a link in a scratch folder."""
    path = source.file.resolve()
    if source.suffix != ".gml":
        return str(path)
    link = scratch_file(".gml")
    link.symlink_to(path)
    schema = path.with_suffix(".xsd")
    if schema.is_file() and schema.stat().st_size < 1_000_000:
        link.with_suffix(".xsd").symlink_to(schema)
    return str(link)


def stream(source: Source, path: str, layer: str, name: str, **options: Any) -> TableStream:
    """Return one table of a file as a stream."""
    info = _info(source, path, layer, **options)
    crs = source.crs or (crs_of(source, parse_crs(str(info["crs"]))) if info["crs"] else "")

    def frames(rows: int) -> Iterator[Any]:
        for geometry, table in _arrow(source, path, layer, rows, **options):
            yield _frame(source, table, geometry)

    def ids(column: str) -> Iterator[Any]:
        asked = {**options, "columns": [column], "read_geometry": False}
        for _, table in _arrow(source, path, layer, 1 << 20, **asked):
            yield plain_frame(table)[column]

    return TableStream(name, frames, crs, ids)


def _frame(source: Source, table: Any, geometry: str) -> Any:
    try:
        return flat_frame(table, geometry) or frame_of(table, geometry)
    except lib.ArrowException as error:  # damage that shows only when the values are looked at
        raise broken(source, error) from error


def bounds(source: Source) -> tuple[float, float, float, float, str] | None:
    """Return the bounds (west, south, east, north) that a file states, and the system; None if it states none."""
    path = opened_path(source)
    found = [_info(source, path, layer, bounds=True) for layer, kind in layers_of(source, path) if kind is not None]
    placed = [info for info in found if info["total_bounds"] is not None]
    if not placed:
        return None
    boxes = np.array([info["total_bounds"] for info in placed])
    crs = placed[0]["crs"]
    text = source.crs or (str(crs) if crs else crs_of(source, None))
    low, high = np.nanmin(boxes[:, :2], axis=0), np.nanmax(boxes[:, 2:], axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1]), text


def plain_tables(source: Source, rows: int) -> Iterator[tuple[str, Iterator[Any]]]:
    """Yield the sheets of a workbook, each as frames without geometry."""
    path = opened_path(source)
    for layer, _ in layers_of(source, path):
        yield layer, (plain_frame(table) for _, table in _arrow(source, path, layer, rows, read_geometry=False))


def layer_metadata(source: Source, table: str) -> dict[str, str]:
    """Return the texts that a table of a file says about itself; `table` may be the title of a file with only one."""
    path = opened_path(source)
    names = [name for name, _ in layers_of(source, path)]
    chosen = table if table in names else names[0]
    return dict(_info(source, path, chosen)["layer_metadata"] or {})


def _info(source: Source, path: str, layer: str, *, bounds: bool = False, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pyogrio().read_info(path, layer=layer, force_total_bounds=bounds, **_plain(options))
        except Exception as error:
            raise broken(source, error) from error


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in {"columns", "read_geometry"}}


def _arrow(source: Source, path: str, layer: str, rows: int, **options: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name of the geometry column, table) of each window."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            opened = pyogrio().raw.open_arrow(
                path, layer=layer, batch_size=min(rows, _BATCH_ROWS), use_pyarrow=True, **options
            )
            with opened as (meta, reader):
                geometry = meta["geometry_name"] or "wkb_geometry"
                for table in stacked(reader, rows):
                    yield geometry, table
        except CityTwinError:
            raise
        except Exception as error:  # GDAL and Arrow each have their own tree
            raise broken(source, error) from error
