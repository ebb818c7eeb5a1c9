"""From what the workers wrote to batches: object tables, meshes, aliases, bounds and footprints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from bim.records import read_table
from scenes.identity import derive_uids
from scenes.mesh import MeshSet
from scenes.model import ALIASES, Batch
from scenes.schema import BOUNDS, object_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bim.placing import Placing
    from scenes.problems import Problems

    Floats = NDArray[np.float64]

_DEFAULT_COLOUR = (205, 203, 198, 255)


@dataclass(frozen=True, eq=False)
class Shapes:
    """The shapes of all products: flat arrays in local metres of the scene, one entry a product."""

    products: NDArray[np.int64]
    positions_m: Floats
    triangles: NDArray[np.uint32]  # indices into the product's own vertices
    colours: NDArray[np.uint8]
    vertex_starts: NDArray[np.int64]
    triangle_starts: NDArray[np.int64]

    def of(self, place: int) -> tuple[Floats, NDArray[np.uint32], NDArray[np.uint8]]:
        """Return vertices, triangles and colours of one entry."""
        vertices = slice(self.vertex_starts[place], self.vertex_starts[place + 1])
        faces = slice(self.triangle_starts[place], self.triangle_starts[place + 1])
        return self.positions_m[vertices], self.triangles[faces], self.colours[vertices]


def read_shapes(chunks: Sequence[Path], placing: Placing) -> Shapes:
    """Return the shapes of some chunk files, placed in the scene."""
    tables = [read_table(path) for path in chunks]
    products = _joined([table["product"].to_numpy() for table in tables], np.int64)
    vertex_counts = _joined([_lengths(table["positions"]) // 12 for table in tables], np.int64)
    triangle_counts = _joined([_lengths(table["triangles"]) // 12 for table in tables], np.int64)
    positions = _joined([_bytes(table["positions"]).view(np.float32) for table in tables], np.float64).reshape(-1, 3)
    centres = _joined([np.column_stack([table[axis].to_numpy() for axis in "xyz"]) for table in tables], np.float64)
    positions += np.repeat(centres.reshape(-1, 3), vertex_counts, axis=0)
    triangles = _joined([_bytes(table["triangles"]).view(np.uint32) for table in tables], np.uint32).reshape(-1, 3)
    return Shapes(
        products,
        placing.apply(positions),
        triangles,
        _colours(tables, vertex_counts),
        _starts(vertex_counts),
        _starts(triangle_counts),
    )


def _colours(tables: list[pa.Table], vertex_counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    colours = np.empty((int(vertex_counts.sum()), 4), np.uint8)
    colours[:] = _DEFAULT_COLOUR
    given = _joined([_lengths(table["colours"]) // 4 for table in tables], np.int64)
    stated = _joined([_bytes(table["colours"]) for table in tables], np.uint8).reshape(-1, 4)
    places = np.repeat(given > 0, vertex_counts)
    colours[places] = stated
    clear = colours[:, 3] == 0
    colours[clear] = _DEFAULT_COLOUR
    return colours


def _joined(parts: list[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate(parts).astype(kind, copy=False) if parts else np.zeros(0, kind)


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _lengths(column: pa.ChunkedArray) -> NDArray[np.int64]:
    array = column.combine_chunks()
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    return np.diff(offsets) if len(array) else np.zeros(0, np.int64)


def _bytes(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """Return the cells of a binary column as one array that shares their memory."""
    array = column.combine_chunks()
    if not len(array) or array.buffers()[2] is None:
        return np.zeros(0, np.uint8)
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(array.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]


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
    tree: pa.Table, names: tuple[list[str], list[str]], rows: NDArray[np.int64], shapes: Shapes, source: str
) -> Batch:
    """Return the batch of some rows of the tree, with the shapes that belong to them at level "3".

    `names` are the source ids and the uids of all rows of the tree.
    """
    ids, uids = names
    part = tree.take(pa.array(rows))
    numbers = tree["number"].to_numpy()
    uid_of = dict(zip(numbers.tolist(), uids, strict=True))
    table = object_table(
        {
            "uid": [uids[row] for row in rows],
            "kind": part["kind"],
            "name": _or_null(part["name"]),
            "parent": [uid_of.get(parent) for parent in part["parent"].to_pylist()],
            "source": [source] * len(rows),
            "source_id": [ids[row] for row in rows],
            "properties": part["properties"],
            "ifc_class": part["ifc_class"],
            "storey": _or_null(part["storey"]),
            "description": _or_null(part["description"]),
            "tag": _or_null(part["tag"]),
            "object_type": _or_null(part["type_name"]),
            "elevation_m": part["elevation_m"],
        },
        {"elevation_m": "m"},
    )
    known = [row for row, text in enumerate(part["global_id"].to_pylist()) if text]
    aliases = pa.table([["ifc"] * len(known), [part["global_id"][row].as_py() for row in known], known], schema=ALIASES)
    mesh = _mesh(part["number"].to_numpy(), shapes)
    return Batch(table, {"3": mesh} if mesh.vertex_count else {}, aliases).with_bounds()


def _or_null(texts: pa.ChunkedArray) -> list[str | None]:
    return [text or None for text in texts.to_pylist()]


def _mesh(numbers: NDArray[np.int64], shapes: Shapes) -> MeshSet:
    """Return the meshes of some products; row i is the product `numbers[i]`."""
    place_of = {int(product): place for place, product in enumerate(shapes.products)}
    found = [(row, place_of[int(number)]) for row, number in enumerate(numbers) if int(number) in place_of]
    if not found:
        return MeshSet.empty()
    positions, triangles, colours = zip(*(shapes.of(place) for _, place in found), strict=True)
    return MeshSet.from_parts([row for row, _ in found], positions, triangles, colours)


def uids_of(dataset: str, ids: list[str]) -> list[str]:
    """Return the uid of each source id."""
    return derive_uids(dataset, ids)


def container_bounds(batches: Sequence[Batch]) -> dict[str, Floats]:
    """Return (6,) bounds of every uid that has none of its own, from all that lies under it."""
    own: dict[str, Floats] = {}
    parent: dict[str, str] = {}
    for batch in batches:
        boxes = np.column_stack([batch.table[name].to_numpy() for name in BOUNDS]).astype(float)
        uids = batch.table["uid"].to_pylist()
        own.update(zip(uids, boxes, strict=True))
        parent.update({uid: above for uid, above in zip(uids, batch.table["parent"].to_pylist(), strict=True) if above})
    grown: dict[str, Floats] = {}
    for uid, box in own.items():
        if not np.isfinite(box).all():
            continue
        above = parent.get(uid)
        while above in own:
            mine = grown.setdefault(above, np.array([np.inf] * 3 + [-np.inf] * 3))
            mine[:3] = np.minimum(mine[:3], box[:3])
            mine[3:] = np.maximum(mine[3:], box[3:])
            above = parent.get(above)
    return {uid: box for uid, box in grown.items() if not np.isfinite(own[uid]).all()}


def with_container_bounds(batch: Batch, boxes: dict[str, Floats]) -> Batch:
    """Return the batch with the bounds of its containers filled in."""
    table = batch.table
    uids = table["uid"].to_pylist()
    if not any(uid in boxes for uid in uids):
        return batch
    for column, name in enumerate(BOUNDS):
        old = table[name].to_pylist()
        values = [boxes[uid][column] if uid in boxes else value for uid, value in zip(uids, old, strict=True)]
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(index), pa.array(values, pa.float64()))
    return Batch(table, batch.meshes, batch.aliases)
