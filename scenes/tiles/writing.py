"""Write the tiles of a layer from the leaves up, subtree by subtree, in one process or several.

What a tile holds depends on what lies below it alone, so however the tree is shared out, the bytes are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from scenes.crew import Shared
from scenes.tiles.content import merged
from scenes.tiles.encode import Encoding, all_handles, encode, rounding_m
from scenes.tiles.metadata import SomeNames
from scenes.tiles.paint import filled, fitted
from scenes.tiles.prototypes import written_out
from scenes.tiles.simplify import Detail, simplify
from scenes.tiles.skirts import with_skirt
from scenes.tiles.style import default_colour
from scenes.tiles.survey import LEAF_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from scenes.crew import Crew
    from scenes.tiles.content import Content, Floats
    from scenes.tiles.gather import LayerGeometry
    from scenes.tiles.quadtree import Cell
    from scenes.tiles.survey import Items

    Json = dict[str, Any]

COARSE_TRIANGLES = 40_000  # of a tile that stands for finer ones: 4,000 boxes, about 450 kB by gzip
CELLS = 128  # vertices of a coarse tile lie at least its side divided by this apart
_COARSE = Encoding(rounding_m=float("inf"))
_LEAF = Encoding()
_THIN_M = 0.05
_TASK_LEAVES = 64  # leaves of one piece of work: a second or more
_TASKS_EACH = 6  # pieces for each process, so that they end at about the same time


class Names(Protocol):
    """Says who objects are."""

    def of(self, handles: NDArray[np.int64]) -> pa.Table:
        """Return columns uid, kind and name, one row a handle."""


@dataclass(frozen=True, eq=False)
class Written:
    """A tile that is on disk, what its parent needs to know about it."""

    tile: Json
    content: Content
    low: Floats
    high: Floats


@dataclass
class TileWriter:
    """Writes the tiles of one layer from the leaves up.

    Parameters
    ----------
    geometry
        What the leaves hold.
    folder
        Where the tiles go.
    theme
        Of the layer.
    divided
        Whether there is more than one tile.
    """

    geometry: LayerGeometry
    folder: Path
    theme: str
    divided: bool

    def write(self, cell: Cell, names: Names) -> Written:
        """Write a cell and all below it."""
        if not cell.children:
            content = replace(fitted(self.geometry.collect(cell)), error_m=0.0)
            return self._written(cell, content, [], names)
        return self.joined(cell, [self.write(child, names) for child in cell.children], names)

    def joined(self, cell: Cell, children: list[Written], names: Names) -> Written:
        """Write a cell whose children are written."""
        whole = merged([child.content for child in children], self.geometry.centre(cell))
        detail = self._detail(cell)
        coarse = fitted(simplify(written_out(whole, detail), detail))
        if coarse.error_m == 0.0:  # nothing had to change: the finer tiles would show the same
            for child in children:
                (self.folder / child.tile["content"]["uri"]).unlink()
            return self._written(cell, whole, [], names)
        return self._written(cell, coarse, children, names)

    def _detail(self, cell: Cell) -> Detail:
        return Detail(
            cell.side_m(self.geometry.square) / CELLS,
            COARSE_TRIANGLES,
            floor=self.theme != "buildings",
            level=self.theme == "terrain",
        )

    def _written(self, cell: Cell, content: Content, children: list[Written], names: Names) -> Written:
        encoding = _COARSE if children else _LEAF
        tile: Json = {}
        error = 0.0
        corners = [(child.low, child.high) for child in children]
        drawn = self._skirted(cell, content)
        found = drawn.bounds()
        if found is not None and not drawn.is_empty:
            name = f"{cell.name}.glb"
            mine = names.of(all_handles(content))
            (self.folder / name).write_bytes(encode(drawn, mine, encoding))
            tile["content"] = {"uri": name}
            error = rounding_m(drawn, encoding)
            corners.append((found[0] - _THIN_M, found[1] + _THIN_M))
        low = np.min([corner[0] for corner in corners], axis=0) if corners else np.zeros(3)
        high = np.max([corner[1] for corner in corners], axis=0) if corners else np.zeros(3)
        tile["boundingVolume"] = {"box": box_of(low, high)}
        tile["geometricError"] = 0.0
        if children:
            below = max(child.tile["geometricError"] for child in children)
            tile["geometricError"] = max(content.error_m + error, below)
            tile["children"] = [child.tile for child in children]
        return Written(tile, content, low, high)

    def _skirted(self, cell: Cell, content: Content) -> Content:
        """Return what is drawn: tiles of a divided terrain get a skirt, which coarser levels are not made of."""
        if self.theme != "terrain" or not len(content.triangles):
            return content
        content = filled(content, default_colour(self.theme))
        if not self.divided:
            return content
        return with_skirt(content, self._detail(cell).cell_m)


@dataclass(frozen=True, eq=False)
class _Subtree:
    """One piece of work: a cell and all below it."""

    writer: Shared
    cell: Cell
    handles: NDArray[np.int64]
    names: pa.Table

    def write(self) -> Written:
        return cast("Written", self.writer.value.write(self.cell, SomeNames(self.handles, self.names)))


@dataclass(frozen=True, eq=False)
class _Joint:
    """One piece of work: a cell whose children are written."""

    writer: Shared
    cell: Cell
    children: list[Written]
    handles: NDArray[np.int64]
    names: pa.Table

    def write(self) -> Written:
        return cast("Written", self.writer.value.joined(self.cell, self.children, SomeNames(self.handles, self.names)))


def write_tree(writer: TileWriter, root: Cell, names: Names, crew: Crew) -> Written:
    """Write a whole tree and return its root; the crew writes subtrees, and then what stands above them."""
    if crew.size == 1:
        return writer.write(root, names)
    items, shared = writer.geometry.items, Shared(writer)
    subtrees = _subtrees(root, items, crew.size)

    def pieces() -> Iterator[_Subtree]:
        for cell in subtrees:
            handles = np.unique(items.handles[items.between(cell.first, cell.end)])
            yield _Subtree(shared, cell, handles, names.of(handles))

    def joint(cell: Cell) -> _Joint:
        children = [found[child.name] for child in cell.children]
        handles = np.unique(np.concatenate([all_handles(child.content) for child in children]))
        return _Joint(shared, cell, children, handles, names.of(handles))

    found: dict[str, Written] = {
        cell.name: done for cell, done in zip(subtrees, crew.each(_write, pieces()), strict=True)
    }
    for level in _levels_above(root, found):
        for cell, written in zip(level, crew.each(_write, [joint(cell) for cell in level]), strict=True):
            found[cell.name] = written
            for child in cell.children:
                del found[child.name]
    return found[root.name]


def _subtrees(root: Cell, items: Items, hands: int) -> list[Cell]:
    """Return the cells that are one piece of work each."""
    total = int(items.weights.sum())
    most = min(_TASK_LEAVES * LEAF_WEIGHT, max(total // (hands * _TASKS_EACH), 2 * LEAF_WEIGHT))
    summed = np.concatenate([[0], np.cumsum(items.weights)])
    found: list[Cell] = []

    def look(cell: Cell) -> None:
        here = items.between(cell.first, cell.end)
        if not cell.children or summed[here.stop] - summed[here.start] <= most:
            found.append(cell)
        else:
            for child in cell.children:
                look(child)

    look(root)
    return found


def _write(piece: _Subtree | _Joint) -> Written:
    return piece.write()


def _levels_above(root: Cell, written: Mapping[str, Written]) -> list[list[Cell]]:
    """Return the cells that stand above what is written, the deepest first; those of one depth need not each other."""
    levels: dict[int, list[Cell]] = {}

    def look(cell: Cell) -> None:
        if cell.name not in written:
            levels.setdefault(cell.depth, []).append(cell)
            for child in cell.children:
                look(child)

    look(root)
    return [levels[depth] for depth in sorted(levels, reverse=True)]


def box_of(low: Floats, high: Floats) -> list[float]:
    """Return a bounding volume box: the centre, then half of each axis."""
    half = np.diag((high - low) / 2)
    return [round(float(value), 6) for value in (*((low + high) / 2), *half.ravel())]
