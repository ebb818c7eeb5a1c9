"""Objects that are too small for a coarse tile are joined to blocks, so that a city seen from far away is not empty.

A block stands for the objects of one cell of a quadtree that is divided until no cell holds too many. It has as much
area in plan as they have together, the mean of their tops by area, the direction that most of their walls have, and
the handle of the greatest of them, so that it is coloured, picked and hidden like that one. Joining blocks again keeps
area and volume, whatever the number of levels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from scenes.tiles.boxes import BOX_VERTICES, Boxes, box_triangles, fit_boxes, level_areas
from scenes.tiles.content import empty_content
from scenes.tiles.numbering import distinct, heads, lengths
from scenes.tiles.quadtree import MAX_DEPTH, Square

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.tiles.content import Content, Floats, Longs

BLOCK_TRIANGLES = 10
FLAT_TRIANGLES = 2
FLAT_M = 0.01
"""A block that is lower than this is drawn as its roof alone."""

_RIM = np.array([[u, v] for u in (-1, 0, 1) for v in (-1, 0, 1)], np.float64)
_CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)


@dataclass(frozen=True, eq=False)
class _Members:
    """What is joined, ordered by block, positions in metres from the centre of the content.

    Parameters
    ----------
    boxes
        Of each object.
    middles, halves
        (m, 2) middle in plan, and half sides along the axes of its box.
    areas
        (m,) in plan, square metres.
    starts, block
        First member of each block, (b,), and the block of each member, (m,).
    """

    boxes: Boxes
    middles: Floats
    halves: Floats
    areas: Floats
    starts: Longs
    block: Longs

    def summed(self, values: Floats) -> Floats:
        """Return the sum of (m,) values over each block, by area."""
        return cast("Floats", np.add.reduceat(values * self.areas, self.starts))

    def mean(self, values: Floats) -> Floats:
        """Return the mean of (m,) values over each block, by area."""
        return self.summed(values) / np.add.reduceat(self.areas, self.starts)


def joined_to_blocks(content: Content, triangles: int, widest_m: float, *, floor: bool) -> Content:
    """Return blocks in place of all objects of a content, whose `errors` tell how far they are from the originals.

    Parameters
    ----------
    content
        Objects with triangles, their `sizes` measured.
    triangles
        Drawing cost, about; exceeded where objects lie so far apart that none may be joined.
    widest_m
        Widest cell whose objects are joined.
    floor
        Whether blocks need a bottom.
    """
    boxes = fit_boxes(content)
    flat = float((boxes.high - boxes.low)[:, 2].max(initial=0.0)) < FLAT_M
    block = _cells(_middles(boxes), max(1, triangles // (FLAT_TRIANGLES if flat else BLOCK_TRIANGLES)), widest_m)
    order = np.argsort(block, kind="stable")
    members = _ordered(content, boxes, block, order)
    made = _stood(members)
    sizes, errors = content.sizes[order], content.errors[order]
    first = members.starts
    greatest = np.lexsort((-content.handles[order], sizes, members.block))[np.append(first[1:], len(order)) - 1]
    return _drawn(
        replace(
            empty_content(content.centre),
            handles=content.handles[order][greatest],
            sizes=np.maximum.reduceat(sizes, first),
            errors=_deviation(members, made, sizes, errors),
        ),
        made,
        floor=floor,
    )


def _middles(boxes: Boxes) -> Floats:
    """Return (o, 2) middles in plan."""
    u, v = ((boxes.low + boxes.high) / 2)[:, :2].T
    x, y = boxes.axes.T
    return np.stack([u * x - v * y, u * y + v * x], axis=1)


def _cells(places: Floats, most: int, widest_m: float) -> Longs:
    """Return a number for each of (n, 2) places, the same for those in one cell; about `most` cells."""
    square = Square.around(places.min(axis=0), places.max(axis=0))
    code = square.codes(*places.T)
    shallow = min(MAX_DEPTH, max(0, int(np.ceil(np.log2(square.side_m / widest_m)))))
    order = np.argsort(code, kind="stable")
    code = code.take(order)
    sizes = _sizes(code, shallow)
    together = -(-len(places) // most)
    while True:
        key = _divided(code, sizes, together)
        if len(heads(key)) <= most or together >= len(places):
            break
        together = max(together + 1, int(together * 1.25))
    cell = np.empty(len(code), np.int64)
    cell[order] = distinct(key)[1]
    return cell


def _sizes(code: Longs, shallow: int) -> Longs:
    """Return how many of the Morton codes, ascending, share the cell of each at each level, the deepest last."""
    levels = np.arange(shallow, MAX_DEPTH + 1)
    starts = [heads(code >> 2 * (MAX_DEPTH - level)) for level in levels]
    return np.stack([(sizes := lengths(each, len(code))).repeat(sizes) for each in starts])


def _divided(code: Longs, sizes: Longs, together: int) -> Longs:
    """Return a key of the widest cell of each Morton code that holds few enough."""
    above = MAX_DEPTH - np.minimum((sizes > together).sum(axis=0) + MAX_DEPTH + 1 - len(sizes), MAX_DEPTH)
    return cast("Longs", (code >> 2 * above) | (1 << 2 * (MAX_DEPTH - above)))  # no two levels share a key


def _ordered(content: Content, boxes: Boxes, block: Longs, order: Longs) -> _Members:
    halves = (boxes.high - boxes.low)[:, :2] / 2
    whole = 4 * halves[:, 0] * halves[:, 1]
    level = level_areas(content)
    areas = np.where(level > 0, np.minimum(level, whole), whole)
    number = block[order]
    starts = heads(number)
    return _Members(
        boxes.taken(order), _middles(boxes)[order], halves[order], np.maximum(areas[order], 1e-6), starts, number
    )


def _stood(members: _Members) -> Boxes:
    """Return the block of each cell."""
    boxes, of = members.boxes, members.block
    cos, sin = boxes.axes.T
    twice = cos * cos - sin * sin, 2 * cos * sin
    real, imaginary = members.summed(twice[0] ** 2 - twice[1] ** 2), members.summed(2 * twice[0] * twice[1])
    turn = np.arctan2(imaginary, real) / 4
    axes = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    corners = _turned(_plan(members), axes[of])
    low = np.minimum.reduceat(corners.min(axis=1), members.starts)
    high = np.maximum.reduceat(corners.max(axis=1), members.starts)
    sides = np.maximum(high - low, 1e-6)
    total = np.add.reduceat(members.areas, members.starts)
    half = sides / 2 * np.sqrt(np.minimum(total / (sides[:, 0] * sides[:, 1]), 1.0))[:, None]
    middle = np.stack([members.mean(column) for column in _turned(members.middles[:, None], axes[of])[:, 0].T], axis=1)
    middle = np.clip(middle, low + half, high - half)
    foot = np.minimum.reduceat(boxes.low[:, 2], members.starts)
    top = np.maximum(members.mean(boxes.high[:, 2]), foot)
    return Boxes(
        axes,
        np.column_stack([middle - half, foot]),
        np.column_stack([middle + half, top]),
        np.zeros(len(total)),
        _mean_colour(members, boxes.wall),
        _mean_colour(members, boxes.roof),
    )


def _mean_colour(members: _Members, colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    means = [members.mean(column.astype(np.float64)) for column in colours.T]
    return np.rint(np.stack(means, axis=1)).astype(np.uint8)


def _plan(members: _Members) -> Floats:
    """Return the corners of the members in plan, (m, 4, 2)."""
    local = _CORNERS[None] * members.halves[:, None]
    x, y = (members.boxes.axes[:, None, axis] for axis in (0, 1))
    turned = np.stack([local[..., 0] * x - local[..., 1] * y, local[..., 0] * y + local[..., 1] * x], axis=2)
    return turned + members.middles[:, None]


def _turned(places: Floats, axes: Floats) -> Floats:
    """Return (m, k, 2) places as they are seen along (m, 2) axes."""
    x, y = (axes[:, None, axis] for axis in (0, 1))
    return np.stack([places[..., 0] * x + places[..., 1] * y, places[..., 1] * x - places[..., 0] * y], axis=2)


def _deviation(members: _Members, made: Boxes, sizes: Floats, errors: Floats) -> Floats:
    """Return how far each block is from its members: what sticks out of it or is gone, and gaps that it fills.

    A member that is not where the block is counts at most as much as if it were gone: its size.
    """
    of, starts = members.block, members.starts
    low, high = made.low[of], made.high[of]
    corners = _turned(_plan(members), made.axes[of])
    outside = np.maximum(np.maximum(low[:, None, :2] - corners, corners - high[:, None, :2]), 0.0)
    aside = np.hypot(outside[..., 0], outside[..., 1]).max(axis=1)
    above = np.maximum(np.abs(members.boxes.high[:, 2] - high[:, 2]), np.abs(members.boxes.low[:, 2] - low[:, 2]))
    lost = np.minimum(np.hypot(aside, above), sizes) + errors
    middle, half = (made.low + made.high)[:, :2] / 2, (made.high - made.low)[:, :2] / 2
    rim = middle[:, None] + _RIM[None] * half[:, None]
    x, y = (made.axes[:, None, axis] for axis in (0, 1))
    places = np.stack([rim[..., 0] * x - rim[..., 1] * y, rim[..., 0] * y + rim[..., 1] * x], axis=2)[of]
    away = np.abs(_turned(places - members.middles[:, None], members.boxes.axes)) - members.halves[:, None]
    over = np.maximum(high[:, 2] - members.boxes.high[:, 2], 0.0)
    gap = np.sqrt((np.maximum(away, 0.0) ** 2).sum(axis=2) + over[:, None] ** 2)
    filled = np.minimum.reduceat(gap, starts).max(axis=1)
    return cast("Floats", np.maximum(np.maximum.reduceat(lost, starts), filled))


def _drawn(content: Content, made: Boxes, *, floor: bool) -> Content:
    """Return a content with the geometry of its blocks, ordered by handle."""
    order = np.argsort(content.handles)
    made = made.taken(order)
    count = len(order)
    flat = (made.high - made.low)[:, 2] < FLAT_M
    triangles = box_triangles(count, floor=floor).reshape(count, -1, 3)
    roof = np.zeros(triangles.shape[1], np.bool_)
    roof[BLOCK_TRIANGLES - FLAT_TRIANGLES : BLOCK_TRIANGLES] = True
    drawn = triangles[~flat[:, None] | roof]
    used = np.zeros(count * BOX_VERTICES, np.bool_)
    used[drawn] = True
    return replace(
        content,
        positions=made.corners()[used],
        owners=np.repeat(np.arange(count), BOX_VERTICES)[used],
        triangles=(np.cumsum(used) - 1)[drawn],
        colours=made.colours()[used],
        handles=content.handles[order],
        sizes=content.sizes[order],
        errors=content.errors[order],
    )
