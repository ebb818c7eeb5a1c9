"""Where the plans of objects lie: boxes by which a question about a place leaves nearly everything unread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from scenes.footprints import local_footprints
from scenes.schema import stack_tables

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from scenes.model import Layer

    Boxes = NDArray[np.float64]
    Rows = NDArray[np.int64]


def boxes_of(table: pa.Table) -> Boxes:
    """Return the box of each row's plan, (n, 4) least and greatest x and y in local metres; NaN without a place."""
    return shapely.bounds(local_footprints(table))


def rows_near(layer: Layer, box: tuple[float, float, float, float]) -> Rows:
    """Return the rows of a layer whose plan may touch a box of local metres, ascending."""
    found, first = [np.zeros(0, np.int64)], 0
    for batch in layer.batches:
        boxes = batch.plan_boxes
        if len(boxes) and _touches(batch.plan_extent[None], box)[0]:
            found.append(np.flatnonzero(_touches(boxes, box)) + first)
        first += len(batch)
    return np.concatenate(found)


def rows_with_plan(layer: Layer) -> NDArray[np.bool_]:
    """Say which rows of a layer have a place at all."""
    known = [np.isfinite(batch.plan_boxes[:, 0]) for batch in layer.batches]
    return np.concatenate([np.zeros(0, bool), *known])


def rows_taken(layer: Layer, rows: Rows) -> pa.Table:
    """Return some rows of a layer, ascending, as a table; batches that have none of them are not touched."""
    parts, first = [], 0
    for batch in layer.batches:
        begin, end = np.searchsorted(rows, [first, first + len(batch)])
        if end > begin:
            parts.append(batch.table.take(rows[begin:end] - first))
        first += len(batch)
    return stack_tables(parts) if parts else layer.table.slice(0, 0)


def nearest_rows(layer: Layer, point: shapely.Geometry, count: int) -> tuple[Rows, NDArray[np.float64]]:
    """Return the rows whose plans lie nearest to a point, the nearest first, and how far away each is, metres.

    No plan is nearer than its box and no box than the box of its batch, so most are never looked at.
    """
    place = shapely.get_coordinates(point)[0]
    firsts = np.cumsum([0, *(len(batch) for batch in layer.batches)])
    extents = np.array([batch.plan_extent for batch in layer.batches]).reshape(-1, 4)
    from_batch = _distances(extents, place)
    rows, away = np.zeros(0, np.int64), np.zeros(0)
    for number in np.argsort(from_batch, kind="stable").tolist():
        limit = away[-1] if len(away) == count else np.inf
        if from_batch[number] > limit or not np.isfinite(from_batch[number]):
            break
        batch = layer.batches[number]
        least = _distances(batch.plan_boxes, place)
        some = np.argpartition(least, count - 1)[:count] if count < len(least) else np.arange(len(least))
        some = some[np.isfinite(least[some])]
        near = shapely.distance(local_footprints(batch.table.take(some)), point)
        limit = min(limit, float(np.max(near, initial=0.0))) if len(some) == count else limit
        inside = np.flatnonzero(np.isfinite(least) & (least <= limit))
        near = shapely.distance(local_footprints(batch.table.take(inside)), point)
        rows, away = np.concatenate([rows, inside + firsts[number]]), np.concatenate([away, near])
        best = np.lexsort((rows, away))[:count]
        rows, away = rows[best], away[best]
    return rows, away


def _distances(boxes: Boxes, place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far boxes are from a place; infinite where there is no box."""
    low, high = boxes[:, :2], boxes[:, 2:]
    away = np.linalg.norm(np.maximum(np.maximum(low - place, place - high), 0.0), axis=1)
    return np.where(np.isfinite(low[:, 0]), away, np.inf)


def _touches(boxes: Boxes, box: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    low_x, low_y, high_x, high_y = box
    touches: NDArray[np.bool_] = (
        (boxes[:, 0] <= high_x) & (boxes[:, 2] >= low_x) & (boxes[:, 1] <= high_y) & (boxes[:, 3] >= low_y)
    )
    return touches
