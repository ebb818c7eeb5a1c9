"""The ground below a cloud: a grid of its ground points, gaps filled from around."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from gis.ground import GridGround
from gis.terrain import MOST_VERTICES
from scenes.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from gis.pointcloud_chunks import PointChunk

    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

GROUND, WATER = 2, 9
_NOISE = (7, 18)
_FINEST_M = 1.0
_MOST_CELLS = 1_000_000
_POINTS_A_CELL = 2.0
_BARE_CELL_M = 8.0  # without classes: wide enough to see the ground between houses and trees
_FILL_LEVELS = 6
_SMOOTHING = 40
_HALF = 1 << 30


@dataclass(frozen=True, eq=False)
class CellHeights:
    """Heights collected by cell of a plan grid, coarsened when there are too many cells.

    Parameters
    ----------
    step_m
        Side of a cell.
    keys
        (c,) ascending: row and column of each cell in one number.
    counts, sums
        (c,) number of points and sum of their heights.
    lows
        (c,) lowest point.
    """

    step_m: float
    keys: Longs
    counts: Floats
    sums: Floats
    lows: Floats

    @classmethod
    def empty(cls) -> CellHeights:
        """Return a collection of nothing."""
        return cls(_FINEST_M, np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0))

    def added(self, local: Floats) -> CellHeights:
        """Return the collection with (n, 3) local metres added."""
        if not len(local):
            return self
        cells = np.floor(local[:, :2] / self.step_m).astype(np.int64) + _HALF
        one = np.ones(len(local))
        mine = _grouped(self.step_m, cells[:, 1] << 32 | cells[:, 0], one, local[:, 2], local[:, 2])
        found = _joined(self, mine)
        while len(found.keys) > _MOST_CELLS:
            found = found.coarser()
        return found

    def coarser(self) -> CellHeights:
        """Return the same in cells of twice the side."""
        row, column = (self.keys >> 32) - _HALF, (self.keys & 0xFFFFFFFF) - _HALF
        keys = ((row >> 1) + _HALF) << 32 | ((column >> 1) + _HALF)
        return _grouped(2 * self.step_m, keys, self.counts, self.sums, self.lows)

    def extent(self) -> tuple[Longs, Longs]:
        """Return rows and columns of the cells, counted from the origin."""
        return (self.keys >> 32) - _HALF, (self.keys & 0xFFFFFFFF) - _HALF


def cloud_ground(chunks: Iterable[tuple[PointChunk, Floats]]) -> GridGround:
    """Return the ground of a cloud as a grid.

    Where the cloud has points of class 2 (ground), a cell has their mean; where it has none anywhere, a cell of eight
    metres and more has its lowest point. Cells without points are filled from those around, up to some sixty cells far.

    Raises
    ------
    LoadError
        When there is no point.
    """
    ground, every = CellHeights.empty(), CellHeights.empty()
    for chunk, local in chunks:
        classes = np.zeros(len(chunk), np.uint8) if chunk.classes is None else chunk.classes
        ground = ground.added(local[classes == GROUND])
        if not len(ground.keys):
            every = every.added(local[~np.isin(classes, _NOISE)])
    if len(ground.keys):
        return _grid(_coarse_enough(ground, 0.0), lowest=False)
    if not len(every.keys):
        raise LoadError("terrain", "the cloud has no point", "give another one")
    return _grid(_coarse_enough(every, _BARE_CELL_M), lowest=True)


def _coarse_enough(cells: CellHeights, least_m: float) -> CellHeights:
    while True:
        row, column = cells.extent()
        size = (np.ptp(row) + 1) * (np.ptp(column) + 1)
        thin = cells.counts.mean() < _POINTS_A_CELL and len(cells.keys) > 64
        if size <= MOST_VERTICES and cells.step_m >= least_m and not thin:
            return cells
        cells = cells.coarser()


def _grid(cells: CellHeights, *, lowest: bool) -> GridGround:
    row, column = cells.extent()
    rows, columns = np.arange(row.min() - 1, row.max() + 2), np.arange(column.min() - 1, column.max() + 2)
    z = np.full((len(rows), len(columns)), np.nan)
    z[row - rows[0], column - columns[0]] = cells.lows if lowest else cells.sums / cells.counts
    return GridGround((columns + 0.5) * cells.step_m, (rows + 0.5) * cells.step_m, filled(z))


def filled(z: Floats) -> Floats:
    """Return a grid with its gaps filled: from ever coarser means around, then smoothed until it joins the known.

    Examples
    --------
    >>> filled(np.array([[1.0, np.nan, 3.0]])).tolist()
    [[1.0, 2.0, 3.0]]
    """
    known = np.isfinite(z)
    if known.all():
        return z
    result = _from_coarser(z, _FILL_LEVELS)
    gap = ~known & np.isfinite(result)
    for _ in range(_SMOOTHING):
        around = _mean_around(result)
        result = np.where(gap & np.isfinite(around), around, result)
    return result


def _from_coarser(z: Floats, levels: int) -> Floats:
    if levels == 0 or np.isfinite(z).all() or min(z.shape) < 1 or max(z.shape) < 2:
        return z
    padded = np.pad(z, ((0, z.shape[0] % 2), (0, z.shape[1] % 2)), constant_values=np.nan)
    quarters = np.stack([padded[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    coarse = _from_coarser(_nanmean(quarters), levels - 1)
    wide = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[: z.shape[0], : z.shape[1]]
    return np.where(np.isfinite(z), z, wide)


def _mean_around(z: Floats) -> Floats:
    padded = np.pad(z, 1, constant_values=np.nan)
    return _nanmean(np.stack([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]))


def _nanmean(stack: Floats) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # cells that nobody knows stay unknown
        return cast("Floats", np.nanmean(stack, axis=0))


def _joined(one: CellHeights, other: CellHeights) -> CellHeights:
    while one.step_m < other.step_m:
        one = one.coarser()
    while other.step_m < one.step_m:
        other = other.coarser()
    pairs = [(getattr(one, name), getattr(other, name)) for name in ("keys", "counts", "sums", "lows")]
    return _grouped(one.step_m, *(np.concatenate(pair) for pair in pairs))


def _grouped(step_m: float, keys: Longs, counts: Floats, sums: Floats, lows: Floats) -> CellHeights:
    order = np.argsort(keys, kind="stable")
    unique, first = np.unique(keys[order], return_index=True)
    return CellHeights(
        step_m,
        unique,
        np.add.reduceat(counts[order], first),
        np.add.reduceat(sums[order], first),
        np.minimum.reduceat(lows[order], first),
    )
