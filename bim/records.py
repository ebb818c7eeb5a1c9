"""The Arrow files with what a model says: written by the worker, read by the parent."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bim.lines import Drawing
    from bim.relations import Tie
    from bim.textures import StatedImage
    from bim.tree import Tree

TREE_FILE = "tree.arrow"
TIES_FILE = "relations.arrow"
LINES_FILE = "lines.arrow"
IMAGES_FILE = "images.arrow"

_MOMENT = pa.timestamp("ms", "UTC")
# Columns that become attributes where any object of a layer has a value: (name, type, UCUM unit).
ATTRIBUTES: tuple[tuple[str, pa.DataType, str], ...] = (
    ("long_name", pa.string(), ""),
    ("predefined_type", pa.string(), ""),
    ("type_name", pa.string(), ""),
    ("material", pa.string(), ""),
    ("classification", pa.string(), ""),
    ("fire_rating", pa.string(), ""),
    ("load_bearing", pa.bool_(), ""),
    ("is_external", pa.bool_(), ""),
    ("status", pa.string(), ""),
    ("system", pa.string(), ""),
    ("zone", pa.string(), ""),
    ("length_m", pa.float64(), "m"),
    ("width_m", pa.float64(), "m"),
    ("height_m", pa.float64(), "m"),
    ("area_m2", pa.float64(), "m2"),
    ("volume_m3", pa.float64(), "m3"),
    ("weight_kg", pa.float64(), "kg"),
    ("u_value_w_m2k", pa.float64(), "W.m-2.K-1"),
    ("bar_diameter_mm", pa.float64(), "mm"),
    ("bar_length_m", pa.float64(), "m"),
    ("steel_grade", pa.string(), ""),
    ("text", pa.string(), ""),
    ("station_m", pa.float64(), "m"),
    ("start_station_m", pa.float64(), "m"),
    ("end_station_m", pa.float64(), "m"),
    ("distance_along_m", pa.float64(), "m"),
    ("start_radius_m", pa.float64(), "m"),
    ("end_radius_m", pa.float64(), "m"),
    ("start_height_m", pa.float64(), "m"),
    ("start_gradient", pa.float64(), "1"),
    ("end_gradient", pa.float64(), "1"),
    ("start_cant_m", pa.float64(), "m"),
    ("end_cant_m", pa.float64(), "m"),
    ("identification", pa.string(), ""),
    ("work_method", pa.string(), ""),
    ("start", _MOMENT, ""),
    ("finish", _MOMENT, ""),
    ("planned_start", _MOMENT, ""),
    ("planned_finish", _MOMENT, ""),
    ("actual_start", _MOMENT, ""),
    ("actual_finish", _MOMENT, ""),
    ("duration_d", pa.float64(), "d"),
    ("float_d", pa.float64(), "d"),
    ("completion", pa.float64(), "1"),
    ("is_critical", pa.bool_(), ""),
    ("is_milestone", pa.bool_(), ""),
)
_ROW = (
    ("number", pa.int64()),
    ("parent", pa.int64()),
    ("global_id", pa.string()),
    ("name", pa.string()),
    ("ifc_class", pa.string()),
    ("kind", pa.string()),
    ("layer", pa.string()),
    ("storey", pa.string()),
    ("description", pa.string()),
    ("tag", pa.string()),
    ("object_type", pa.string()),
    ("elevation_m", pa.float64()),
    ("valid_from", _MOMENT),
    ("valid_to", _MOMENT),
)
TREE = pa.schema([*_ROW, ("properties", pa.string()), *((name, kind) for name, kind, _ in ATTRIBUTES)])
TIES = pa.schema([("source", pa.int64()), ("kind", pa.string()), ("target", pa.int64()), ("role", pa.string())])
LINES = pa.schema(
    [
        ("product", pa.int64()),
        ("positions", pa.large_binary()),  # (v, 3) float64 metres in the coordinates of the file
        ("segments", pa.large_binary()),  # (l, 2) uint32
        ("points", pa.large_binary()),  # (p,) uint32
    ]
)
IMAGES = pa.schema([("number", pa.int64()), ("address", pa.string()), ("data", pa.large_binary())])


def write_tree(tree: Tree, properties: Mapping[int, str], path: Path) -> None:
    """Write the rows of a tree and the properties of each entity number."""
    columns: dict[str, Any] = {name: [getattr(row, name) for row in tree.rows] for name, _ in _ROW}
    columns["properties"] = [properties.get(row.number) for row in tree.rows]
    for name, kind, _ in ATTRIBUTES:
        columns[name] = pa.array([_fitting(row.columns.get(name), kind) for row in tree.rows], kind)
    _write(pa.table(columns, schema=TREE), path)


def write_ties(ties: Sequence[Tie], path: Path) -> None:
    """Write the relations between entity numbers."""
    _write(pa.table([list(column) for column in zip(*ties, strict=True)] or [[]] * len(TIES), schema=TIES), path)


def write_lines(drawings: Sequence[Drawing], path: Path) -> None:
    """Write the lines and points of products without a body."""
    columns = [
        [drawing.number for drawing in drawings],
        [drawing.positions.tobytes() for drawing in drawings],
        [drawing.segments.tobytes() for drawing in drawings],
        [drawing.points.tobytes() for drawing in drawings],
    ]
    _write(pa.table(columns, schema=LINES), path)


def write_images(images: Sequence[StatedImage], path: Path) -> None:
    """Write the images that a model states or names."""
    columns = [[each.number for each in images], [each.address for each in images], [each.data for each in images]]
    _write(pa.table(columns, schema=IMAGES), path)


def read_table(path: Path) -> pa.Table:
    """Return a table that a worker wrote, mapped from the file rather than copied."""
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def integers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a column of 64-bit integers without gaps; unlike Arrow's own way this does not load pandas."""
    kept = [chunk for chunk in column.chunks if len(chunk)]
    parts = [np.frombuffer(chunk.buffers()[1], np.int64, len(chunk), chunk.offset * 8) for chunk in kept]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _fitting(value: Any, kind: pa.DataType) -> Any:
    """Return a value if it is of the type of its column, else None: a file may state anything anywhere."""
    if pa.types.is_boolean(kind):
        return value if isinstance(value, bool) else None
    if pa.types.is_floating(kind):
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if pa.types.is_timestamp(kind):
        return value if isinstance(value, dt.datetime) else None
    return None if value is None else str(value)


def _write(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
