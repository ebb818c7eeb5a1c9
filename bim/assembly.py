"""From what the workers wrote to batches: object tables, meshes, aliases, bounds and footprints."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from bim.contents import or_null
from bim.records import read_table
from scenes.identity import derive_uids
from scenes.mesh import MeshSet, join
from scenes.model import ALIASES, Batch
from scenes.schema import BOUNDS, object_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from bim.contents import Contents
    from bim.placing import Placing
    from scenes.problems import Problems

    Floats = NDArray[np.float64]

_DEFAULT_COLOUR = (205, 203, 198, 255)


class Shapes:
    """The shapes that the workers wrote, by product; the files are mapped, not copied.

    Parameters
    ----------
    chunks
        Files of `bim.shapes.ShapeSink`.
    placing
        How the model comes into the scene.
    """

    def __init__(self, chunks: Sequence[Path], placing: Placing) -> None:
        self._placing = placing
        self._chunks = [_Chunk(read_table(path)) for path in chunks]
        self._place_of = {
            int(product): (chunk, place) for chunk in self._chunks for place, product in enumerate(chunk.products)
        }

    def mesh(self, numbers: NDArray[np.int64]) -> MeshSet:
        """Return the meshes of some products in local metres; row i is the product ``numbers[i]``."""
        rows = np.array([row for row, number in enumerate(numbers) if int(number) in self._place_of], np.uint32)
        if not len(rows):
            return MeshSet.empty()
        places = [self._place_of[int(numbers[row])] for row in rows]
        vertex_starts = _starts(np.array([chunk.vertices.count(place) for chunk, place in places]) // 3)
        triangle_starts = _starts(np.array([chunk.triangles.count(place) for chunk, place in places]) // 3)
        centre = self._placing.apply(np.array([chunk.centres[place] for chunk, place in places])).mean(axis=0)
        positions = np.empty((int(vertex_starts[-1]), 3), np.float32)
        triangles = np.empty((int(triangle_starts[-1]), 3), np.uint32)
        colours = np.empty((len(positions), 4), np.uint8)
        for group, (chunk, place) in enumerate(places):
            vertices = slice(vertex_starts[group], vertex_starts[group + 1])
            own = chunk.vertices.cell(place).reshape(-1, 3) + chunk.centres[place]
            positions[vertices] = self._placing.apply(own) - centre
            faces = chunk.triangles.cell(place).reshape(-1, 3)
            triangles[triangle_starts[group] : triangle_starts[group + 1]] = faces + np.uint32(vertex_starts[group])
            colours[vertices] = chunk.colours_of(place)
        return MeshSet(
            centre,
            positions,
            triangles,
            rows,
            vertex_starts.astype(np.uint32),
            triangle_starts.astype(np.uint32),
            colours,
        )


class _Cells:
    """The cells of a binary column as views of one array of numbers."""

    def __init__(self, column: pa.ChunkedArray, kind: type[np.generic]) -> None:
        array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        offsets, values = array.buffers()[1], array.buffers()[2]
        self._starts = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
        self._raw = np.frombuffer(values, np.uint8) if values is not None else np.zeros(0, np.uint8)
        self._kind = np.dtype(kind)

    def count(self, place: int) -> int:
        return int(self._starts[place + 1] - self._starts[place]) // self._kind.itemsize

    def cell(self, place: int) -> NDArray[Any]:
        return self._raw[self._starts[place] : self._starts[place + 1]].view(self._kind)


class _Chunk:
    """One file of shapes."""

    def __init__(self, table: pa.Table) -> None:
        self.products = table["product"].to_numpy()
        self.centres = np.column_stack([table[axis].to_numpy() for axis in "xyz"])
        self.vertices = _Cells(table["positions"], np.float32)
        self.triangles = _Cells(table["triangles"], np.uint32)
        self._colours = _Cells(table["colours"], np.uint8)

    def colours_of(self, place: int) -> NDArray[np.uint8]:
        """Return (v, 4) colours of one product, or one colour for all its vertices."""
        stated = self._colours.cell(place).reshape(-1, 4)
        if not len(stated):
            return np.array(_DEFAULT_COLOUR, np.uint8)
        return np.where(stated[:, 3:] == 0, np.array(_DEFAULT_COLOUR, np.uint8), stated)


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


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
    meshes = {"3": mesh} if mesh.vertex_count else {}
    return Batch(table, meshes, aliases, contents.relations(rows)).with_bounds()


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
    return replace(batch, table=table)
