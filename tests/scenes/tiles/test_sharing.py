"""A tree that is shared out: what stands above is written as soon as it can be, and an error ends the work."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pytest

from scenes.crew import Alone
from scenes.errors import LoadError
from scenes.tiles.content import empty_content
from scenes.tiles.quadtree import MAX_DEPTH, Cell, divide
from scenes.tiles.sharing import write_tree
from scenes.tiles.survey import LEAF_WEIGHT, Items
from scenes.tiles.writing import TileWriter, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

PATIENCE_S = 20.0
CODES = np.arange(64, dtype=np.int64) << (2 * (MAX_DEPTH - 3))
ITEMS = Items(CODES, np.full(64, LEAF_WEIGHT, np.int64), np.arange(64))
ROOT = divide(ITEMS.codes, ITEMS.weights, LEAF_WEIGHT)


class StandIn:
    """Writes cells as their names, with those of their children."""

    def __init__(self, stays: frozenset[str] = frozenset(), items: Items = ITEMS) -> None:
        self.stays = stays
        self.geometry = SimpleNamespace(items=items)

    def staying(self, cell: Cell) -> Written | None:
        return self._tile(cell, []) if cell.name in self.stays else None

    def content(self, _cell: Cell, _written: Written) -> Any:
        return empty_content(np.zeros(3))

    def write(self, cell: Cell, names: Any) -> Written:
        return self.staying(cell) or self._tile(cell, [self.write(child, names) for child in cell.children])

    def joined(self, cell: Cell, children: list[Written], _names: Any) -> Written:
        return self._tile(cell, children)

    @staticmethod
    def _tile(cell: Cell, children: list[Written]) -> Written:
        return Written({"name": cell.name, "children": [each.tile for each in children]}, None, *np.zeros((2, 3)))


class Names:
    def of(self, handles: np.ndarray) -> pa.Table:
        return pa.table({"uid": handles})


class Hands:
    """Two that work at the same time; `before` is called with each piece."""

    size = 2

    def __init__(self, before: Callable[[Any], None]) -> None:
        self._before = before

    def lent(self, _count: int) -> Any:
        raise AssertionError("nobody is lent")

    def each(self, function: Callable[[Any], Any], items: Iterable[Any], _limits: object = None) -> Iterator[Any]:
        for item in items:
            self._before(item)
            yield function(item)


def written(writer: StandIn, crew: Any) -> Any:
    return write_tree(cast("TileWriter", writer), ROOT, Names(), crew).tile


def test_a_tree_is_the_same_whoever_writes_it() -> None:
    pieces: list[Any] = []
    assert written(StandIn(), Hands(pieces.append)) == written(StandIn(), Alone())
    assert any(piece.children for piece in pieces)
    assert len({piece.cell.name for piece in pieces}) == len(pieces) > 8


def test_what_stays_is_not_written() -> None:
    quarter, eighth = ROOT.children[1], ROOT.children[2].children[0]
    pieces: list[Any] = []
    writer = StandIn(frozenset({quarter.name, eighth.name}))
    assert written(writer, Hands(pieces.append)) == written(writer, Alone())
    assert not {quarter.name, eighth.name} & {piece.cell.name for piece in pieces}


def test_a_cell_above_others_does_not_wait_for_the_whole_level() -> None:
    joined = threading.Event()

    def before(piece: Any) -> None:
        if piece.children:
            joined.set()
        elif piece.cell.end == ROOT.end:
            assert joined.wait(PATIENCE_S), "the last subtree is still to be done, and nothing above the others is"

    written(StandIn(), Hands(before))


def test_what_lies_deepest_is_written_first() -> None:
    codes = np.concatenate([CODES[:16], CODES[16::16]])  # one quarter is divided twice more, the others are not
    items = Items(codes, np.full(len(codes), LEAF_WEIGHT * 2, np.int64), np.arange(len(codes)))
    root = divide(items.codes, items.weights, LEAF_WEIGHT * 2)
    pieces: list[Any] = []
    write_tree(cast("TileWriter", StandIn(items=items)), root, Names(), cast("Any", Hands(pieces.append)))
    begun = [piece.cell.depth for piece in pieces if not piece.children]
    assert {1, 3} == set(begun)
    assert begun.count(3) == 16
    assert set(begun[:12]) == {3}  # four may be begun at the same time, in any order


def test_an_error_ends_the_work() -> None:
    count = 0

    def before(_piece: Any) -> None:
        nonlocal count
        count += 1
        if count == 3:
            raise LoadError("tiles", "is broken", "repair it")

    with pytest.raises(LoadError, match="is broken"):
        written(StandIn(), Hands(before))
    assert count < 10
