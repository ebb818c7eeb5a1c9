"""Share the tree of a layer out to a crew: subtrees are one piece of work each, and so is each cell above them.

A cell is written as soon as its children are, so that few contents wait for others and nobody waits for a whole level.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from scenes.crew import Shared
from scenes.tiles.encode import all_handles
from scenes.tiles.metadata import SomeNames
from scenes.tiles.survey import LEAF_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    import pyarrow as pa
    from numpy.typing import NDArray

    from scenes.crew import Crew
    from scenes.tiles.quadtree import Cell
    from scenes.tiles.survey import Items
    from scenes.tiles.writing import Names, TileWriter, Written

_TASK_LEAVES = 64  # leaves of one piece of work: a second or more
_TASKS_EACH = 6  # pieces for each process, so that they end at about the same time
_AHEAD = 2  # pieces that are made ready while all processes are at work


def write_tree(writer: TileWriter, root: Cell, names: Names, crew: Crew) -> Written:
    """Write a whole tree and return its root; the crew writes subtrees, and what stands above them."""
    found = {} if crew.size == 1 else _staying(writer, root)
    subtrees = [] if root.name in found else _subtrees(root, writer.geometry.items, crew.size, found)
    if crew.size == 1 or len(subtrees) < 2:
        return writer.write(root, names)
    return _Work(writer, names, crew, found).done(root, subtrees)


@dataclass(frozen=True, eq=False)
class _Piece:
    """One piece of work: a cell and all below it, or a cell whose children are written."""

    writer: Shared
    cell: Cell
    children: list[Written] | None
    handles: NDArray[np.int64]
    names: pa.Table

    def write(self) -> Written:
        writer, names = cast("TileWriter", self.writer.value), SomeNames(self.handles, self.names)
        if self.children is None:
            return writer.write(self.cell, names)
        return writer.joined(self.cell, self.children, names)


@dataclass(eq=False)
class _Work:
    """The writing of one tree by a crew; `found` is what is written and still waited for, by the name of its cell."""

    writer: TileWriter
    names: Names
    crew: Crew
    found: dict[str, Written]
    _shared: Shared = field(init=False)

    def __post_init__(self) -> None:
        self._shared = Shared(self.writer)

    def done(self, root: Cell, subtrees: list[Cell]) -> Written:
        """Return the root, written; cells above others go first, as soon as they can."""
        above, missing = _above(root, {cell.name for cell in subtrees}, self.found)
        ready = [above[name] for name, count in missing.items() if not count]
        parents = {child.name: cell.name for cell in above.values() for child in cell.children}
        later = deque(sorted(subtrees, key=lambda cell: -cell.depth))  # above the deepest most is still to be done
        running: dict[Future[Written], Cell] = {}
        threads = ThreadPoolExecutor(self.crew.size + _AHEAD)
        try:
            while running or ready or later:
                while (ready or later) and len(running) < self.crew.size + _AHEAD:
                    cell = ready.pop() if ready else later.popleft()
                    running[threads.submit(self._written, cell, joint=cell.name in above)] = cell
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    cell = running.pop(future)
                    self.found[cell.name] = future.result()
                    if (parent := parents.get(cell.name)) is not None:
                        missing[parent] -= 1
                        ready += [] if missing[parent] else [above[parent]]
        finally:
            threads.shutdown(cancel_futures=True)
        return self.found[root.name]

    def _written(self, cell: Cell, *, joint: bool) -> Written:
        (written,) = self.crew.each(_write, [self._joint(cell) if joint else self._subtree(cell)])
        return cast("Written", written)

    def _subtree(self, cell: Cell) -> _Piece:
        items = self.writer.geometry.items
        handles = np.unique(items.handles[items.between(cell.first, cell.end)])
        return _Piece(self._shared, cell, None, handles, self.names.of(handles))

    def _joint(self, cell: Cell) -> _Piece:
        children = [self.found.pop(child.name) for child in cell.children]
        contents = [self.writer.content(*pair) for pair in zip(cell.children, children, strict=True)]
        children = [replace(child, content=content) for child, content in zip(children, contents, strict=True)]
        handles = np.unique(np.concatenate([all_handles(content) for content in contents]))
        return _Piece(self._shared, cell, children, handles, self.names.of(handles))


def _write(piece: _Piece) -> Written:
    return piece.write()


def _staying(writer: TileWriter, root: Cell) -> dict[str, Written]:
    """Return the highest tiles that stay as they were, by the name of their cell."""
    found: dict[str, Written] = {}

    def look(cell: Cell) -> None:
        if (stays := writer.staying(cell)) is not None:
            found[cell.name] = stays
            return
        for child in cell.children:
            look(child)

    look(root)
    return found


def _subtrees(root: Cell, items: Items, hands: int, staying: Mapping[str, Written]) -> list[Cell]:
    """Return the cells that are one piece of work each, without those that stay as they are."""
    total = int(items.weights.sum())
    most = min(_TASK_LEAVES * LEAF_WEIGHT, max(total // (hands * _TASKS_EACH), 2 * LEAF_WEIGHT))
    summed = np.concatenate([[0], np.cumsum(items.weights)])
    found: list[Cell] = []

    def look(cell: Cell) -> None:
        if cell.name in staying:
            return
        here = items.between(cell.first, cell.end)
        if not cell.children or summed[here.stop] - summed[here.start] <= most:
            found.append(cell)
        else:
            for child in cell.children:
                look(child)

    look(root)
    return found


def _above(root: Cell, subtrees: set[str], staying: Mapping[str, Written]) -> tuple[dict[str, Cell], dict[str, int]]:
    """Return the cells above subtrees by name, and how many children of each are still to be written."""
    above: dict[str, Cell] = {}
    missing: dict[str, int] = {}

    def look(cell: Cell) -> None:
        if cell.name not in subtrees and cell.name not in staying:
            above[cell.name] = cell
            missing[cell.name] = sum(child.name not in staying for child in cell.children)
            for child in cell.children:
                look(child)

    look(root)
    return above, missing
