from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes.tiles.quadtree import MAX_DEPTH, Cell, Square, divide

if TYPE_CHECKING:
    from collections.abc import Iterator


def leaves(cell: Cell) -> Iterator[Cell]:
    if not cell.children:
        yield cell
    for child in cell.children:
        yield from leaves(child)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.integers(5, 100))
def test_every_item_lies_in_exactly_one_leaf_and_no_leaf_is_too_heavy(seed: int, count: int, limit: int) -> None:
    rng = np.random.default_rng(seed)
    square = Square(-500.0, 200.0, 1000.0)
    places = rng.uniform(0, 1000, (count, 2)) ** 2 / 1000 + [-500, 200]
    codes = np.sort(square.codes(places[:, 0], places[:, 1]))
    weights = rng.integers(1, 5, count)
    found = np.zeros(count, int)
    for leaf in leaves(divide(codes, weights, limit)):
        mine = (codes >= leaf.first) & (codes < leaf.end)
        assert mine.any()
        assert weights[mine].sum() <= limit or leaf.depth == MAX_DEPTH
        found += mine
    assert (found == 1).all()


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True), st.integers(0, MAX_DEPTH))
def test_a_cell_holds_the_codes_of_the_places_in_it(u: float, v: float, depth: int) -> None:
    square = Square(10.0, -20.0, 64.0)
    column, row = int(u * (1 << depth)), int(v * (1 << depth))
    cell = Cell(depth, column, row)
    x, y = cell.middle(square)
    code = int(square.codes(np.array([x]), np.array([y]))[0])
    assert cell.first <= code < cell.end
    assert cell.side_m(square) == 64.0 / (1 << depth)


def test_items_at_one_place_end_in_one_leaf() -> None:
    codes = np.full(50, 12345)
    only = divide(codes, np.full(50, 10), 100)
    assert not only.children
    assert only.depth == MAX_DEPTH


def test_cells_with_a_single_child_are_left_out() -> None:
    codes = np.array([0, 1, 2, 3])
    root = divide(codes, np.full(4, 10), 15)
    assert len(root.children) == 4
    assert root.depth == MAX_DEPTH - 1


def test_places_outside_go_to_the_border() -> None:
    square = Square(0.0, 0.0, 10.0)
    codes = square.codes(np.array([-5.0, 15.0]), np.array([-5.0, 15.0]))
    assert codes.tolist() == [0, (1 << 32) - 1]
