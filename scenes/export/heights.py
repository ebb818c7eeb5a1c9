"""The height of a surface of triangles at any place: a grid of cells that knows which triangles touch each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

_MOST_CELLS = 4_000_000
_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class SurfaceHeights:
    """Triangles sorted into square cells of the plan.

    Parameters
    ----------
    corners
        (t, 3, 3) local metres.
    low_m
        (2,) least corner of cell 0, 0.
    cell_m
        Side of a cell.
    shape
        Columns and rows of cells.
    starts, members
        The triangles of cell c are ``members[starts[c]:starts[c + 1]]``.

    Examples
    --------
    >>> slope = SurfaceHeights.of(np.array([[[0.0, 0, 0], [10, 0, 0], [0, 10, 10]]]))
    >>> slope.at(np.array([1.0, 9.0]), np.array([4.0, 9.0])).tolist()
    [4.0, nan]
    """

    corners: Floats
    low_m: Floats
    cell_m: float
    shape: tuple[int, int]
    starts: Longs
    members: Longs

    @classmethod
    def of(cls, corners: Floats) -> SurfaceHeights:
        """Return the index of (t, 3, 3) corners in local metres; upright triangles are left out."""
        plan = corners[:, :, :2]
        one, two = plan[:, 1] - plan[:, 0], plan[:, 2] - plan[:, 0]
        kept = corners[np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) > _SLACK]
        least, greatest = kept[:, :, :2].min(axis=1), kept[:, :, :2].max(axis=1)
        low, high = least.min(axis=0), greatest.max(axis=0)
        cell = max(float(np.median(greatest - least)) * 2, float(np.sqrt((high - low).prod() / _MOST_CELLS)), 1e-3)
        columns, rows = (int((high - low)[axis] / cell) + 1 for axis in (0, 1))
        first = ((least - low) / cell).astype(np.int64)
        spans = ((greatest - low) / cell).astype(np.int64) - first + 1
        count = spans.prod(axis=1)
        triangle = np.repeat(np.arange(len(kept)), count)
        number = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        column = first[triangle, 0] + number % spans[triangle, 0]
        row = first[triangle, 1] + number // spans[triangle, 0]
        code = row * columns + column
        order = np.argsort(code, kind="stable")
        starts = np.searchsorted(code[order], np.arange(columns * rows + 1))
        return cls(kept, low, cell, (columns, rows), starts, triangle[order])

    def at(self, x_m: Floats, y_m: Floats) -> Floats:
        """Return the height at (n,) places, NaN beside the surface."""
        z = np.full(len(x_m), np.nan)
        column = np.floor((x_m - self.low_m[0]) / self.cell_m)
        row = np.floor((y_m - self.low_m[1]) / self.cell_m)
        inside = (column >= 0) & (column < self.shape[0]) & (row >= 0) & (row < self.shape[1])
        open_ = np.flatnonzero(inside)
        code = (row[open_] * self.shape[0] + column[open_]).astype(np.int64)
        place, end = self.starts[code], self.starts[code + 1]
        while len(open_):
            more = place < end
            open_, place, end = open_[more], place[more], end[more]
            found = self._within(self.members[place], x_m[open_], y_m[open_])
            hit = np.isfinite(found)
            z[open_[hit]] = found[hit]
            open_, place, end = open_[~hit], place[~hit] + 1, end[~hit]
        return z

    def _within(self, triangle: Longs, x_m: Floats, y_m: Floats) -> Floats:
        """Return the height of one triangle a place, NaN where the place is not in it."""
        a, b, c = (self.corners[triangle, corner] for corner in range(3))
        across = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
        x, y = x_m - a[:, 0], y_m - a[:, 1]
        v = (x * (c[:, 1] - a[:, 1]) - y * (c[:, 0] - a[:, 0])) / across
        w = (y * (b[:, 0] - a[:, 0]) - x * (b[:, 1] - a[:, 1])) / across
        inside = (v >= -_SLACK) & (w >= -_SLACK) & (v + w <= 1 + _SLACK)
        return np.where(inside, a[:, 2] + v * (b[:, 2] - a[:, 2]) + w * (c[:, 2] - a[:, 2]), np.nan)
