"""From what the workers wrote to batches: object tables, meshes, aliases, bounds and footprints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from bim.contents import or_null
from bim.records import integers
from scenes.identity import derive_uids
from scenes.joining import join
from scenes.model import ALIASES, Batch
from scenes.problems import Problem
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from bim.contents import Contents
    from bim.instancing import Shapes
    from bim.supervisor import Finding
    from scenes.problems import Problems

    Floats = NDArray[np.float64]


def by_name(findings: Sequence[Finding], tree: pa.Table) -> list[Problem]:
    """Return findings of workers as problems; those about an entity number name its GlobalId and its name too."""
    numbers = pa.array([int(where[1:]) if where[1:].isdecimal() else -1 for _, where, *_ in findings], pa.int64())
    rows = pc.index_in(numbers, value_set=tree["number"].combine_chunks())
    found = tree.select(["global_id", "name"]).take(rows).to_pylist()
    return [
        Problem(severity, each["global_id"], rule, f"{each['name'] or 'unnamed'} ({where}): {message}", advice)
        if each["global_id"]
        else Problem(severity, where, rule, message, advice)
        for (severity, where, rule, message, advice), each in zip(findings, found, strict=True)
    ]


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
    numbers = integers(tree["number"])
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
    known = [row for row, text in enumerate(part["global_id"].to_pylist()) if text and ":" not in text]
    aliases = pa.table([["ifc"] * len(known), [part["global_id"][row].as_py() for row in known], known], schema=ALIASES)
    mesh = join([shapes.mesh(integers(part["number"])), contents.lines(rows)])
    meshes = {"3": mesh} if mesh.vertex_count or mesh.instances else {}
    return Batch(table, meshes, aliases, contents.relations(rows)).with_bounds()


def uids_of(dataset: str, ids: list[str]) -> list[str]:
    """Return the uid of each source id."""
    return derive_uids(dataset, ids)
