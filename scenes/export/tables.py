"""Objects as tables: GeoParquet, GeoPackage and CSV."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import shapely

from scenes.footprints import projected_footprints
from scenes.frames import table_frame, tagged_table
from scenes.schema import NOTES_KEY, stack_tables, unit_of
from scenes.store.objects import geoparquet_table

if TYPE_CHECKING:
    from pathlib import Path

    from scenes.model import Scene


def write_geoparquet(scene: Scene, file: Path) -> None:
    """Write all objects as one GeoParquet 1.1 file in the projected system of the scene."""
    table = geoparquet_table(_all_objects(scene), scene.georeference).drop_columns(["footprint"])
    table = table.replace_schema_metadata({**table.schema.metadata, NOTES_KEY.encode(): _notes(scene, table).encode()})
    pq.write_table(table, file, compression="zstd")


def write_geopackage(scene: Scene, file: Path) -> None:
    """Write a GeoPackage with one table a layer."""
    for name in scene.layers:
        if not len(scene.layers[name]):
            continue
        table = _for_gdal(tagged_table(scene, name))
        frame = table_frame(table, scene.georeference).reset_index()
        gaps = [
            field.name for field in table.schema if pa.types.is_boolean(field.type) and table[field.name].null_count
        ]
        frame = frame.astype(dict.fromkeys(gaps, "boolean"))  # else yes and no become words
        notes = {NOTES_KEY: _notes(scene, table)}
        mode = "a" if file.exists() else "w"
        frame.to_file(file, layer=name, driver="GPKG", engine="pyogrio", mode=mode, layer_metadata=notes)


def write_csv(scene: Scene, file: Path) -> None:
    """Write all objects as CSV (UTF-8) with a point for each: projected metres, and WGS 84 degrees."""
    table = _all_objects(scene)
    points = shapely.point_on_surface(projected_footprints(table, scene.georeference))
    east, north = shapely.get_x(points), shapely.get_y(points)
    lon, lat = scene.georeference.lonlat(east - scene.georeference.easting_m, north - scene.georeference.northing_m)
    placed = ~np.isfinite(east)
    plain = table.drop_columns(["footprint"])
    for name, values in (("easting", east), ("northing", north), ("longitude", lon), ("latitude", lat)):
        plain = plain.append_column(_free(plain, name), pa.array(values, mask=placed))
    pyarrow.csv.write_csv(_flat(plain), file)


def _all_objects(scene: Scene) -> pa.Table:
    return stack_tables([tagged_table(scene, name) for name in scene.layers])


def _notes(scene: Scene, table: pa.Table) -> str:
    """Return what a table needs to say to be read back: the units of its columns, and the frame of its bounds."""
    units = {name: unit for name in table.column_names if (unit := unit_of(table, name))}
    frame = scene.georeference
    return json.dumps({"units": units, "origin_m": frame.origin_m.tolist(), "crs": frame.crs}, ensure_ascii=False)


def _for_gdal(table: pa.Table) -> pa.Table:
    """Return a table whose column names differ in more than case and leave ``fid`` and ``geom`` to the format."""
    names: list[str] = []
    taken = {"fid", "geom", "geometry"}
    for name in table.column_names:
        fresh = name
        while fresh.lower() in taken:
            fresh += "_"
        taken.add(fresh.lower())
        names.append(fresh)
    return _flat(table.rename_columns(names))


def _flat(table: pa.Table) -> pa.Table:
    """Return a table without nested, dictionary and untyped columns; nested values become text."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            column = table[field.name].cast(field.type.value_type)
        elif pa.types.is_null(field.type):
            column = table[field.name].cast(pa.string())
        elif pa.types.is_nested(field.type):
            texts = [None if value is None else str(value) for value in table[field.name].to_pylist()]
            column = pa.chunked_array([pa.array(texts, pa.string())])
        else:
            continue
        table = table.set_column(place, pa.field(field.name, column.type, metadata=field.metadata), column)
    return table


def _free(table: pa.Table, name: str) -> str:
    return name if name not in table.column_names else _free(table, f"{name}_")
