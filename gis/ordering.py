"""Order along a Hilbert curve: neighbours on the map become neighbours in the table."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


_BITS = 18  # of a metre each
_LEVELS = 4
_SIDE = 1 << _LEVELS


def hilbert_order(x: NDArray[np.float64], y: NDArray[np.float64], bits: int = 16) -> NDArray[np.int64]:
    """Return the stable order of places along a Hilbert curve over their bounds; places without numbers come last.

    Examples
    --------
    >>> hilbert_order(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])).tolist()
    [0, 2, 3, 1]
    """
    known = np.isfinite(x) & np.isfinite(y)
    keys = np.full(len(x), np.iinfo(np.int64).max)
    if known.any():
        keys[known] = _distance(_grid(x[known], bits), _grid(y[known], bits), bits)
    return np.argsort(keys, kind="stable")


def hilbert_codes(x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the way along one Hilbert curve for all windows of all maps: local metres, within 131 km of the origin.

    Places beyond go to the border; places without numbers come last.

    Examples
    --------
    >>> near, far = hilbert_codes(np.array([0.2, 90_000.0]), np.array([0.2, 90_000.0]))
    >>> bool(near < far)
    True
    """
    known = np.isfinite(x_m) & np.isfinite(y_m)
    codes = np.full(len(x_m), np.iinfo(np.int64).max)
    half = 1 << (_BITS - 1)
    cells = [np.clip(np.floor(values[known]) + half, 0, 2 * half - 1).astype(np.int64) for values in (x_m, y_m)]
    codes[known] = _distance(cells[0], cells[1], _BITS)
    return codes


def _grid(values: NDArray[np.float64], bits: int) -> NDArray[np.int64]:
    span = max(float(np.ptp(values)), 1e-9)
    cells: NDArray[np.int64] = ((values - values.min()) / span * ((1 << bits) - 1)).astype(np.int64)
    return cells


def _distance(x: NDArray[np.int64], y: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Return the way along the curve (Skilling's method for two dimensions), four levels at a time."""
    ways, turns = _four_levels()
    distance = np.zeros(len(x), np.int64)
    levels = -(-bits // _LEVELS) * _LEVELS
    turn = np.full(len(x), (levels - bits) % 2)  # each level above the first turns the curve once
    for shift in range(levels - _LEVELS, -1, -_LEVELS):
        cell = turn << 2 * _LEVELS | (x >> shift & _SIDE - 1) << _LEVELS | y >> shift & _SIDE - 1
        distance = distance << 2 * _LEVELS | ways[cell]
        turn = turns[cell]
    return distance


@functools.cache
def _four_levels() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for each way the curve may be turned and each cell of a square, the way to it and how it is turned there.

    A turn is 1 where x and y are swapped, 2 where both run backwards, 3 for both.
    """
    turn, x, y = (grid.ravel() for grid in np.indices((4, _SIDE, _SIDE)))
    way = np.zeros_like(x)
    for level in reversed(range(_LEVELS)):
        right, upper = x >> level & 1, y >> level & 1
        right, upper = np.where(turn & 1, upper, right), np.where(turn & 1, right, upper)
        right, upper = right ^ turn >> 1, upper ^ turn >> 1
        way = way << 2 | 3 * right ^ upper
        turn = turn ^ np.where(upper == 0, 1 + 2 * right, 0)
    return way, turn
