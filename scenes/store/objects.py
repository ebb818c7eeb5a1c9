"""Objects on disk: GeoParquet 1.1, one file a batch, rows in handle order.

The rows are the batch's own columns (the local ``footprint`` too, so that nothing is lost on the way) and two more:
the plan in the projected system of the scene, and its box as a covering, so that other programs can read a part by
place. Rows are never sorted here, because handles follow from their order; loaders that want neighbours together sort
before they make batches.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scenes.errors import PackageError
from scenes.georeference import parse_crs
from scenes.store.outlines import outlines

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.georeference import Georeference
    from scenes.store.outlines import Outlines

ROW_GROUP = 8_192
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_OURS = frozenset({b"geo", b"pandas", b"ARROW:schema"})


def write_objects(table: pa.Table, georeference: Georeference, file: Path) -> None:
    """Write one object table as GeoParquet 1.1."""
    out = geoparquet_table(table, georeference)
    worded = [field.name for field in out.schema if pa.types.is_string(field.type) and field.name != "uid"]
    pq.write_table(
        out, file, compression="zstd", compression_level=1, row_group_size=ROW_GROUP, use_dictionary=worded or False
    )


def geoparquet_table(table: pa.Table, georeference: Georeference) -> pa.Table:
    """Return an object table with its geometry, covering and ``geo`` metadata added.

    The columns are called ``geometry`` and ``bbox`` unless attributes have those names already.
    """
    plans = outlines(table, georeference)
    geometry, covering = free_name(table, "geometry"), free_name(table, "bbox")
    out = table.append_column(geometry, plans.column).append_column(covering, _covering(plans.boxes))
    geo = _geo_metadata(plans, georeference, (geometry, covering))
    return out.replace_schema_metadata({**(table.schema.metadata or {}), b"geo": json.dumps(geo).encode()})


def read_objects(file: Path, rows: int) -> pa.Table:
    """Return the object table of one file, without what was added for other programs.

    Raises
    ------
    PackageError
        When the file is missing, broken, or has another number of rows than the manifest says.
    """
    try:
        parquet = pq.ParquetFile(file)
        schema = parquet.schema_arrow
        added = _added_columns(schema.metadata or {})
        table = parquet.read(columns=[name for name in schema.names if name not in added])
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise PackageError(
            file, f"cannot be read ({error})", "restore it from a copy or build the city again"
        ) from error
    if table.num_rows != rows:
        raise PackageError(
            file,
            f"has {table.num_rows} rows, the manifest says {rows}",
            "restore it from a copy or build the city again",
        )
    kept = {key: value for key, value in (table.schema.metadata or {}).items() if key not in _OURS}
    return table.replace_schema_metadata(kept or None)


def free_name(table: pa.Table, name: str) -> str:
    """Return `name`, with underscores behind it while the table has such a column."""
    while name in table.column_names:
        name += "_"
    return name


def _added_columns(metadata: dict[bytes, bytes]) -> set[str]:
    geo = json.loads(metadata[b"geo"])
    primary = str(geo["primary_column"])
    return {primary, str(geo["columns"][primary]["covering"]["bbox"]["xmin"][0])}


def _covering(boxes: NDArray[np.float64]) -> pa.StructArray:
    none = ~np.isfinite(boxes).all(axis=1)
    corners = [pa.array(boxes[:, place], mask=none) for place in range(4)]
    return pa.StructArray.from_arrays(corners, names=list(_CORNERS), mask=pa.array(none))


def _geo_metadata(plans: Outlines, georeference: Georeference, names: tuple[str, str]) -> dict[str, Any]:
    geometry, covering = names
    known = plans.boxes[np.isfinite(plans.boxes).all(axis=1)]
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": plans.types,
        "crs": parse_crs(georeference.crs).to_json_dict(),
        "edges": "planar",
        "covering": {"bbox": {corner: [covering, corner] for corner in _CORNERS}},
    }
    if len(known):
        column["bbox"] = [*known[:, :2].min(axis=0).tolist(), *known[:, 2:].max(axis=0).tolist()]
    return {"version": "1.1.0", "primary_column": geometry, "columns": {geometry: column}}
