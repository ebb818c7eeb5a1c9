"""The Arrow file with the tree of a model: written by the worker, read by the parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

    from bim.tree import Tree

TREE = pa.schema(
    [
        ("number", pa.int64()),
        ("parent", pa.int64()),
        ("global_id", pa.string()),
        ("name", pa.string()),
        ("ifc_class", pa.string()),
        ("kind", pa.string()),
        ("storey", pa.string()),
        ("description", pa.string()),
        ("tag", pa.string()),
        ("type_name", pa.string()),
        ("elevation_m", pa.float64()),
        ("has_shape", pa.bool_()),
        ("properties", pa.string()),
    ]
)


def write_tree(tree: Tree, properties: dict[int, str], path: Path) -> None:
    """Write the rows of a tree and the properties of each entity number."""
    columns = {name: [getattr(row, name) for row in tree.rows] for name in TREE.names if name != "properties"}
    columns["properties"] = [properties.get(row.number) for row in tree.rows]
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, TREE) as writer:
        writer.write_table(pa.table(columns, schema=TREE))


def read_table(path: Path) -> pa.Table:
    """Return a table that a worker wrote, mapped from the file rather than copied."""
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()
