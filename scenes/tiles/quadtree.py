"""Divide a layer into a quadtree by Morton codes: a node is a range of codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class Square:
    """The square that a quadtree divides: its least corner and its side, local metres.

    Examples
    --------
    >>> Square(0.0, 0.0, 8.0).codes(np.array([1.0, 7.0]), np.array([1.0, 7.0])) >> 30
    array([0, 3])
    """

    x_m: float
    y_m: float
    side_m: float

    @classmethod
    def around(cls, low: NDArray[np.float64], high: NDArray[np.float64]) -> Square:
        """Return the square that holds everything between two corners."""
        side = max(float(high[0] - low[0]), float(high[1] - low[1]), 1.0) * (1 + 1e-6)
        return cls(float(low[0]), float(low[1]), side)

    def codes(self, x_m: NDArray[np.floating], y_m: NDArray[np.floating]) -> Codes:
        """Return the Morton code of each place; places outside go to the border."""
        steps = 1 << MAX_DEPTH
        column = np.clip((np.asarray(x_m, np.float64) - self.x_m) * (steps / self.side_m), 0, steps - 1)
        row = np.clip((np.asarray(y_m, np.float64) - self.y_m) * (steps / self.side_m), 0, steps - 1)
        spread = _spread(column.astype(np.uint32)), _spread(row.astype(np.uint32))
        return cast("Codes", spread[0] | (spread[1] << 1))


@dataclass(frozen=True, slots=True)
class Cell:
    """One node: codes from `first` up to `end`, at a depth, at a column and a row of that depth."""

    depth: int
    column: int
    row: int
    children: tuple[Cell, ...] = ()

    @property
    def first(self) -> int:
        """The least code in the cell."""
        return _interleave(self.column, self.row) << (2 * (MAX_DEPTH - self.depth))

    @property
    def end(self) -> int:
        """The code behind the last one in the cell."""
        return self.first + (1 << (2 * (MAX_DEPTH - self.depth)))

    @property
    def name(self) -> str:
        """Name that no other cell of the tree has."""
        return f"{self.depth}-{self.column}-{self.row}"

    def side_m(self, square: Square) -> float:
        """Return the side of the cell in metres."""
        return square.side_m / (1 << self.depth)

    def middle(self, square: Square) -> tuple[float, float]:
        """Return local x and y of the middle of the cell."""
        side = self.side_m(square)
        return square.x_m + (self.column + 0.5) * side, square.y_m + (self.row + 0.5) * side


def divide(codes: Codes, weights: NDArray[np.int64], limit: int) -> Cell:
    """Return a quadtree whose leaves weigh at most `limit`, as far as codes can tell the items apart.

    Cells without items are left out, and so are cells with a single child.

    Parameters
    ----------
    codes, weights
        (n,) Morton code and weight of each item, codes ascending.
    limit
        Greatest weight of a leaf.

    Examples
    --------
    >>> codes = np.array([0, 1, 1 << 31])
    >>> [leaf.depth for leaf in divide(codes, np.array([5, 5, 5]), 10).children]
    [1, 1]
    """
    total = np.concatenate([[0], np.cumsum(weights)])
    return _divided(codes, total, limit, Cell(0, 0, 0))


def _divided(codes: Codes, total: NDArray[np.int64], limit: int, cell: Cell) -> Cell:
    while cell.depth < MAX_DEPTH and _weight(codes, total, cell) > limit:
        quarters = [
            Cell(cell.depth + 1, 2 * cell.column + column, 2 * cell.row + row) for row in (0, 1) for column in (0, 1)
        ]
        used = [quarter for quarter in quarters if _weight(codes, total, quarter) > 0]
        if len(used) > 1:
            children = tuple(_divided(codes, total, limit, quarter) for quarter in used)
            return Cell(cell.depth, cell.column, cell.row, children)
        cell = used[0]
    return cell


def _weight(codes: Codes, total: NDArray[np.int64], cell: Cell) -> int:
    begin, end = np.searchsorted(codes, np.array([cell.first, cell.end], np.int64))
    return int(total[end] - total[begin])


def _spread(values: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Put a zero bit between the lowest 16 bits of each value."""
    values = (values | (values << np.uint32(8))) & np.uint32(0x00FF00FF)
    values = (values | (values << np.uint32(4))) & np.uint32(0x0F0F0F0F)
    values = (values | (values << np.uint32(2))) & np.uint32(0x33333333)
    return ((values | (values << np.uint32(1))) & np.uint32(0x55555555)).astype(np.int64)


def _interleave(column: int, row: int) -> int:
    spread = _spread(np.array([column, row], np.uint32)).tolist()
    return int(spread[0] | (spread[1] << 1))
