"""Where things reach that have no body of their own: storeys and buildings, systems and groups, tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from scenes.schema import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from scenes.model import Batch

    Floats = NDArray[np.float64]

_HELPING = "ReferenceLine"
# Relations by which one end reaches as far as the other: a group as its members, a task as what it works on.
_MEMBERSHIP = frozenset({"member"})
_WORK = frozenset({"builds", "removes", "works-on"})
_DEEPEST = 8


def container_bounds(batches: Sequence[Batch]) -> dict[str, Floats]:
    """Return (6,) bounds of every uid that has none of its own, from what lies under it and what belongs to it.

    Grids and alignments reach beyond what they serve; they do not make a storey or a building larger.
    """
    own: dict[str, Floats] = {}
    parent: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for batch in batches:
        boxes = np.column_stack([batch.table[name].to_numpy() for name in BOUNDS]).astype(float)
        uids = batch.table["uid"].to_pylist()
        own.update(zip(uids, boxes, strict=True))
        kinds.update(zip(uids, batch.table["kind"].to_pylist(), strict=True))
        parent.update({uid: above for uid, above in zip(uids, batch.table["parent"].to_pylist(), strict=True) if above})
    grown: dict[str, Floats] = {}
    for uid, box in own.items():
        above = parent.get(uid) if np.isfinite(box).all() else None
        while above in own and (kinds[uid] != _HELPING or kinds[above] == _HELPING):
            _grow(grown, above, box)
            above = parent.get(above)
    found = {uid: box for uid, box in grown.items() if not np.isfinite(own[uid]).all()}
    return found | _by_relation(batches, {**own, **found})


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


def _by_relation(batches: Sequence[Batch], known: dict[str, Floats]) -> dict[str, Floats]:
    """Return the bounds of groups and tasks; groups of groups need several rounds."""
    pairs = [pair for batch in batches for pair in _belongings(batch) if not np.isfinite(known[pair[0]]).all()]
    found: dict[str, Floats] = {}
    for _ in range(_DEEPEST):
        grown: dict[str, Floats] = {}
        for whole, part in pairs:
            box = found.get(part, known.get(part))
            if box is not None and np.isfinite(box).all():
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


def _grow(boxes: dict[str, Floats], uid: str, box: Floats) -> None:
    mine = boxes.setdefault(uid, np.array([np.inf] * 3 + [-np.inf] * 3))
    mine[:3] = np.minimum(mine[:3], box[:3])
    mine[3:] = np.maximum(mine[3:], box[3:])
