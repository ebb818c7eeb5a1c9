"""Find out what changed in a layer since its tiles were made: the objects, and where in the tree they are.

Objects keep the numbers that they have in the tiles for as long as they are in the layer, so a tile in whose cell
nothing changed keeps its bytes, whatever happens elsewhere in the city.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.index import hashes_of
from scenes.tiles.encode import MAX_HANDLE
from scenes.tiles.keeping import kept_content
from scenes.tiles.quadtree import Square
from scenes.tiles.record import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.model import Batch
    from scenes.tiles.content import Content
    from scenes.tiles.quadtree import Cell, Codes
    from scenes.tiles.record import Record, Surveyed

    Json = dict[str, Any]
    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

MOST_RUNS = 20_000
OUTSIDE = 1 / 16  # of the side of the square: what lies so far beyond its border goes to the border
LEAST_FILLED = 1 / 2  # of the side of the square
MOST_RAISED_M = 1_000.0  # the middle of a layer above what its contents count from


@dataclass(frozen=True, eq=False)
class Former:
    """The tiles that a layer had, and where something changed since.

    Parameters
    ----------
    folder
        Where they are.
    tiles
        Those that have a content, by the name of their cell.
    touched
        Codes at which something changed, ascending.
    """

    folder: Path
    tiles: dict[str, Json]
    touched: Codes = field(default_factory=lambda: np.zeros(0, np.int64))

    def tile(self, cell: Cell) -> Json | None:
        """Return the tile of a cell where it can stay as it is."""
        begin, end = np.searchsorted(self.touched, np.array([cell.first, cell.end], np.int64))
        return self.tiles.get(cell.name) if begin == end else None

    def content(self, cell: Cell) -> Content | None:
        """Return what the tile of a cell was made of, None where it was not kept because it is easily found again."""
        file = self.folder / FOLDER / f"{cell.name}.content"
        return kept_content(file) if file.is_file() else None


def tiles_by_cell(root: Json) -> dict[str, Json]:
    """Return the tiles below and with a root that have a content, by the name of their cell."""
    return {cell_of(tile): tile for tile in all_tiles(root) if "content" in tile}


def cell_of(tile: Json) -> str:
    """Return the name of the cell of a tile with content: the beginning of its file's name."""
    return str(tile["content"]["uri"]).partition(".")[0]


def all_tiles(tile: Json) -> Iterator[Json]:
    """Yield a tile and all below it."""
    yield tile
    for child in tile.get("children", ()):
        yield from all_tiles(child)


def numbers_of(batches: Sequence[Batch], record: Record | None) -> tuple[list[Longs], int] | None:
    """Return the numbers of the objects of each batch, and the least number that is free; None to begin anew.

    Objects that were there keep theirs; others get new ones, in their order.
    """
    sizes = np.cumsum([0, *(len(batch) for batch in batches)])
    if record is None:
        return [np.arange(first, end) for first, end in pairwise(sizes)], int(sizes[-1])
    uids = np.concatenate([np.zeros(0, np.uint64), *(hashes_of(batch.table["uid"]) for batch in batches)])
    known = np.concatenate([np.zeros(0, np.uint64), *(each.uids for each in record.batches)])
    numbers = np.concatenate([np.zeros(0, np.int64), *(each.numbers for each in record.batches)])
    order = np.argsort(known)
    if any(len(np.unique(each)) < len(each) for each in (uids, known)):
        return None  # who is who cannot be told
    found = np.full(len(uids), -1, np.int64)
    if len(known):
        place = np.minimum(np.searchsorted(known[order], uids), len(known) - 1)
        same = known[order][place] == uids
        found[same] = numbers[order][place[same]]
    new = found < 0
    following = record.following + int(new.sum())
    found[new] = np.arange(record.following, following)
    if following >= MAX_HANDLE or len(runs_of(found)) > MOST_RUNS:
        return None
    return [found[first:end] for first, end in pairwise(sizes)], following


def runs_of(numbers: Longs) -> list[list[int]]:
    """Return (first number, first row, how many) of each run of numbers that follow each other, by number.

    Examples
    --------
    >>> runs_of(np.array([0, 1, 3, 4, 2]))
    [[0, 0, 2], [2, 4, 1], [3, 2, 2]]
    """
    if not len(numbers):
        return []
    firsts = np.flatnonzero(np.append(True, np.diff(numbers) != 1))
    sizes = np.diff(np.append(firsts, len(numbers)))
    runs = np.stack([numbers[firsts], firsts, sizes], axis=1)
    found: list[list[int]] = runs[np.argsort(runs[:, 0])].tolist()
    return found


def still_fits(record: Record, low: Floats, high: Floats) -> Square | None:
    """Return the square of the former tree where geometry between two corners still belongs into it, else None."""
    square = record.square
    if square is None:
        return None
    beyond = square.side_m * OUTSIDE
    corner = np.array([square.x_m, square.y_m])
    inside = (low[:2] >= corner - beyond).all() and (high[:2] <= corner + square.side_m + beyond).all()
    filled = Square.around(low, high).side_m >= square.side_m * LEAST_FILLED
    raised = abs((low[2] + high[2]) - (record.low[2] + record.high[2])) / 2
    return square if inside and filled and raised <= MOST_RAISED_M else None


def touched_codes(before: Sequence[Surveyed], after: Sequence[Surveyed]) -> Codes:
    """Return the codes at which objects came, went, or look different, ascending."""
    shared = {each.key for each in before} & {each.key for each in after}
    old, new = ([each for each in side if each.key not in shared] for side in (before, after))
    looks = [dict(zip(*_looks(side), strict=True)) for side in (old, new)]
    found = []
    for side, (mine, other) in ((old, looks), (new, reversed(looks))):
        changed = np.array([number for number, look in mine.items() if other.get(number) != look], np.int64)
        found += [each.items.codes[np.isin(each.items.handles, changed)] for each in side]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *found]))


def _looks(batches: Sequence[Surveyed]) -> tuple[list[int], list[int]]:
    numbers = [number for each in batches for number in each.numbers.tolist()]
    return numbers, [look for each in batches for look in each.hashes.tolist()]
