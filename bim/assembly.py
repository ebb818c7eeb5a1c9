"""From what the workers wrote to batches: object tables, meshes, aliases, bounds and footprints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from bim.contents import or_null
from scenes.identity import derive_uids
from scenes.mesh import join
from scenes.model import ALIASES, Batch
from scenes.schema import object_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bim.contents import Contents
    from bim.instancing import Shapes
    from scenes.problems import Problems

    Floats = NDArray[np.float64]


def source_ids(tree: pa.Table, problems: Problems) -> list[str]:
    """Return one id for each row: its GlobalId, made different where the file repeats or lacks it."""
    seen: dict[str, int] = {}
    found = []
    for number, global_id in zip(tree["number"].to_pylist(), tree["global_id"].to_pylist(), strict=True):
        count = seen[global_id] = seen.get(global_id, 0) + 1
        if not global_id:
            problems.add("warning", f"#{number}", "global-id-missing", "has no GlobalId; its line number is used")
            found.append(f"#{number}")
        elif count > 1:
            problems.add(
                "warning", global_id, "global-id-repeated", f"is also the GlobalId of #{number}", "export again"
            )
            found.append(f"{global_id}#{count}")
        else:
            found.append(global_id)
    return found


def make_batch(
    tree: pa.Table, names: tuple[list[str], list[str]], rows: NDArray[np.int64], shapes: Shapes, contents: Contents
) -> Batch:
    """Return the batch of some rows of the tree, with the shapes and lines that belong to them at level "3".

    `names` are the source ids and the uids of all rows of the tree.
    """
    ids, uids = names
    part = tree.take(pa.array(rows))
    numbers = tree["number"].to_numpy()
    uid_of = dict(zip(numbers.tolist(), uids, strict=True))
    attributes, units = contents.columns(rows)
    table = object_table(
        {
            "uid": [uids[row] for row in rows],
            "kind": part["kind"],
            "name": or_null(part["name"]),
            "parent": [uid_of.get(parent) for parent in part["parent"].to_pylist()],
            "source": [contents.source] * len(rows),
            "source_id": [ids[row] for row in rows],
            "properties": part["properties"],
            **attributes,
        },
        units,
    )
    known = [row for row, text in enumerate(part["global_id"].to_pylist()) if text]
    aliases = pa.table([["ifc"] * len(known), [part["global_id"][row].as_py() for row in known], known], schema=ALIASES)
    mesh = join([shapes.mesh(part["number"].to_numpy()), contents.lines(rows)])
    meshes = {"3": mesh} if mesh.vertex_count or mesh.instances else {}
    return Batch(table, meshes, aliases, contents.relations(rows)).with_bounds()


def uids_of(dataset: str, ids: list[str]) -> list[str]:
    """Return the uid of each source id."""
    return derive_uids(dataset, ids)
