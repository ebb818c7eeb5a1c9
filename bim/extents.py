"""Where things reach that have no body of their own: storeys and buildings, systems and groups, tasks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from scenes.schema import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scenes.model import Batch

Box = tuple[float, float, float, float, float, float]

_HELPING = "ReferenceLine"
# Relations by which one end reaches as far as the other: a group as its members, a task as what it works on.
_MEMBERSHIP = frozenset({"member"})
_WORK = frozenset({"builds", "removes", "works-on"})
_DEEPEST = 8


def container_bounds(batches: Sequence[Batch]) -> dict[str, Box]:
    """Return the bounds of every uid that has none of its own, from what lies under it and what belongs to it.

    Grids and alignments reach beyond what they serve; they do not make a storey or a building larger.
    """
    own: dict[str, Box | None] = {}
    parent: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for batch in batches:
        columns = [batch.table[name].to_pylist() for name in BOUNDS]
        uids = batch.table["uid"].to_pylist()
        own.update(zip(uids, map(_whole, zip(*columns, strict=True)), strict=True))
        kinds.update(zip(uids, batch.table["kind"].to_pylist(), strict=True))
        parent.update({uid: above for uid, above in zip(uids, batch.table["parent"].to_pylist(), strict=True) if above})
    grown: dict[str, Box] = {}
    for uid, box in own.items():
        above = parent.get(uid) if box is not None else None
        while box is not None and above in own and (kinds[uid] != _HELPING or kinds[above] == _HELPING):
            _grow(grown, above, box)
            above = parent.get(above)
    found = {uid: box for uid, box in grown.items() if own[uid] is None}
    return found | _by_relation(batches, {**own, **found})


def with_container_bounds(batch: Batch, boxes: dict[str, Box]) -> Batch:
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


def _by_relation(batches: Sequence[Batch], known: dict[str, Box | None]) -> dict[str, Box]:
    """Return the bounds of groups and tasks; groups of groups need several rounds."""
    pairs = [pair for batch in batches for pair in _belongings(batch) if known[pair[0]] is None]
    found: dict[str, Box] = {}
    for _ in range(_DEEPEST):
        grown: dict[str, Box] = {}
        for whole, part in pairs:
            box = found.get(part, known.get(part))
            if box is not None:
                _grow(grown, whole, box)
        if len(grown) == len(found):
            break
        found = grown
    return found


def _belongings(batch: Batch) -> Iterator[tuple[str, str]]:
    """Yield (whole, part) for each membership and piece of work."""
    uids = batch.table["uid"].to_pylist()
    for each in batch.relations.to_pylist():
        if each["kind"] in _MEMBERSHIP:
            yield each["target"], uids[each["row"]]
        elif each["kind"] in _WORK:
            yield uids[each["row"]], each["target"]


def _whole(box: tuple[float | None, ...]) -> Box | None:
    """Return a box if all its sides are known."""
    low_x, low_y, low_z, high_x, high_y, high_z = (math.nan if side is None else side for side in box)
    known = low_x, low_y, low_z, high_x, high_y, high_z
    return known if all(map(math.isfinite, known)) else None


def _grow(boxes: dict[str, Box], uid: str, box: Box) -> None:
    mine = boxes.get(uid)
    boxes[uid] = (
        box
        if mine is None
        else (
            min(mine[0], box[0]), min(mine[1], box[1]), min(mine[2], box[2]),
            max(mine[3], box[3]), max(mine[4], box[4]), max(mine[5], box[5]),
        )
    )  # fmt: skip
