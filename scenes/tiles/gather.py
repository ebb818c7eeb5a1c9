"""Collect what belongs to one leaf of the tree of a layer.

Batches are read one after another; only those that were used last stay in memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import numpy as np

from scenes.tiles.content import Content, Placements, by_owner, empty_content, merged, prototype_key
from scenes.tiles.numbering import ascending, distinct, kept
from scenes.tiles.paint import compacted, separated
from scenes.tiles.survey import ITEM_PARTS, Items, Stock, instance_codes, primitive_codes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenes.mesh import Instances, MeshSet
    from scenes.tiles.quadtree import Cell, Codes, Square

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

CACHE_BYTES = 300_000_000


@dataclass(frozen=True, eq=False)
class _Sorted:
    """A batch with its primitives sorted by code."""

    mesh: MeshSet
    stock: Stock
    orders: tuple[Longs, Longs, Longs]
    codes: tuple[Codes, Codes, Codes]
    instances: tuple[tuple[str, Longs, Codes], ...]

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.mesh.nbytes + sum(each.nbytes for each in (*self.orders, *self.codes))

    def piece(self, first: int, end: int, colour: Bytes) -> Content | None:
        """Return what lies in a range of codes, None if there is nothing."""
        picked = [
            order[slice(*np.searchsorted(codes, np.array([first, end])))]
            for order, codes in zip(self.orders, self.codes, strict=True)
        ]
        placements = tuple(
            placed
            for each, (key, order, codes) in zip(self.mesh.instances, self.instances, strict=True)
            if len(placed := self._placed(each, key, order[slice(*np.searchsorted(codes, np.array([first, end])))]))
        )
        if not placements and not any(map(len, picked)):
            return None
        return _content(self.mesh, self.stock, picked, placements, colour)

    def _placed(self, each: Instances, key: str, chosen: Longs) -> Placements:
        return Placements(
            key,
            each.prototype,
            self.stock.named(each.rows[chosen]),
            each.positions[chosen],
            each.yaw_rad[chosen],
            each.scales[chosen],
        )


@dataclass
class LayerGeometry:
    """The geometry of a layer's batches, found by place.

    Parameters
    ----------
    stocks
        The batches of the layer.
    colour
        (4,) uint8 sRGB and opacity for objects without colours of their own.
    """

    stocks: Sequence[Stock]
    colour: Bytes
    square: Square = field(init=False)
    low: Floats = field(init=False)
    high: Floats = field(init=False)
    items: Items = field(init=False)
    _ranges: list[Codes] = field(default_factory=list)
    _mark: str = field(default_factory=lambda: uuid4().hex)

    def settle(self, square: Square, corners: tuple[Floats, Floats], items: Sequence[Items]) -> bool:
        """Take what a survey of the batches found (`scenes.tiles.layer`); say whether there is anything to draw."""
        self.square = square
        self.low, self.high = corners
        self._ranges = [each.codes for each in items]
        self.items = Items.sorted(*(np.concatenate([getattr(i, name) for i in items]) for name in ITEM_PARTS))
        return len(self.items.codes) > 0

    def __getstate__(self) -> dict[str, Any]:
        """Travel without the items, which only the division needs."""
        return {**self.__dict__, "items": Items.none()}

    def forget(self) -> None:
        """Give up what is kept of the batches in this process."""
        with _looking:
            for key in [key for key in _recent if key[0] == self._mark]:
                del _recent[key]

    def centre(self, cell: Cell) -> Floats:
        """Return the centre that the content of a cell counts from."""
        x, y = cell.middle(self.square)
        return np.array([x, y, (self.low[2] + self.high[2]) / 2])

    def collect(self, cell: Cell) -> Content:
        """Return everything that lies in a leaf, at the finest level of detail."""
        limits = np.array([cell.first, cell.end])
        pieces = []
        for index, codes in enumerate(self._ranges):
            begin, end = np.searchsorted(codes, limits)
            if begin < end and (piece := self._sorted(index).piece(cell.first, cell.end, self.colour)):
                pieces.append(piece)
        centre = self.centre(cell)
        return merged(pieces, centre) if pieces else empty_content(centre)

    def _sorted(self, index: int) -> _Sorted:
        key = self._mark, index
        with _looking:
            if key in _recent:
                _recent.move_to_end(key)
                return _recent[key]
        stock = self.stocks[index]
        mesh = stock.finest()
        if mesh is None:
            raise ValueError(f"batch {index} has lost its geometry")
        found = _sorted_batch(mesh, stock, self.square)
        with _looking:
            _recent[key] = found
            while len(_recent) > 1 and sum(each.nbytes for each in _recent.values()) > CACHE_BYTES:
                _recent.popitem(last=False)
        return found


_recent: OrderedDict[tuple[str, int], _Sorted] = OrderedDict()  # of all layers of this process together
_looking = threading.Lock()


def _sorted_batch(mesh: MeshSet, stock: Stock, square: Square) -> _Sorted:
    sorted_codes = [_sorted(code) for code in primitive_codes(mesh, square)]
    instances = [
        (prototype_key(each.prototype), *_sorted(instance_codes(mesh, each, square))) for each in mesh.instances
    ]
    orders, codes = zip(*sorted_codes, strict=True)
    return _Sorted(
        mesh,
        stock,
        cast("tuple[Longs, Longs, Longs]", orders),
        cast("tuple[Codes, Codes, Codes]", codes),
        tuple(instances),
    )


def _sorted(codes: Codes) -> tuple[Longs, Codes]:
    """Return the order of codes, equals as they stand, and the codes in it."""
    order = ascending(codes)
    return (np.arange(len(codes)), codes) if order is None else (order, codes.take(order))


def _content(
    mesh: MeshSet, stock: Stock, picked: list[Longs], placements: tuple[Placements, ...], colour: Bytes
) -> Content:
    triangles = mesh.triangles.take(picked[0], axis=0).astype(np.int64)
    lines = _taken(mesh.lines, picked[1]).reshape(-1, 2)
    points = _taken(mesh.points, picked[2])
    used, (triangles, lines, points) = _compacted(triangles, lines, points)
    rows = np.searchsorted(mesh.vertex_starts, used, side="right") - 1
    handles, owners = distinct(stock.named(mesh.rows.take(rows)))
    colours = np.broadcast_to(colour, (len(used), 4)) if mesh.colours is None else mesh.colours.take(used, axis=0)
    content = Content(
        mesh.centre,
        mesh.positions.take(used, axis=0),
        owners,
        triangles,
        colours,
        handles,
        np.zeros(len(handles)),
        np.full(len(handles), np.nan),
        lines,
        points,
        None if mesh.normals is None else mesh.normals.take(used, axis=0),
        placements,
    )
    return content if mesh.uvs is None else _painted(content, mesh, used, picked[0])


def _painted(content: Content, mesh: MeshSet, used: Longs, picked: Longs) -> Content:
    """Return the content with the images of its triangles; where a corner is in two images it becomes two vertices."""
    named = cast("Longs", cast("NDArray[np.int32]", mesh.triangle_images)[picked].astype(np.int64))
    uvs = cast("NDArray[np.float32]", mesh.uvs)[used]
    copied, triangles = separated(content.triangles, named, len(used))
    every = np.concatenate([np.arange(len(used)), copied])
    paint = compacted(uvs[every], named, mesh.images)
    if paint is None:
        return content
    colours = content.colours[every].copy()
    if mesh.colours is None:
        colours[triangles[named >= 0].ravel()] = 255  # the layer's colour is for what has neither colour nor image
    apart = replace(
        content,
        positions=content.positions[every],
        owners=content.owners[every],
        triangles=triangles,
        colours=colours,
        normals=None if content.normals is None else content.normals[every],
        paint=paint,
    )
    return by_owner(apart)


def _taken(indices: NDArray[np.uint32] | None, chosen: Longs) -> Longs:
    return np.zeros(0, np.int64) if indices is None else indices[chosen].astype(np.int64)


def _compacted(*indices: Longs) -> tuple[Longs, list[Longs]]:
    """Return the vertices that are named, ascending, and the indices renumbered to them."""
    some = [each for each in indices if len(each)]
    if not some:
        return np.zeros(0, np.int64), list(indices)
    low = min(int(each.min()) for each in some)
    mark = np.zeros(max(int(each.max()) for each in some) - low + 1, np.bool_)
    for each in some:
        mark[each.ravel() - low] = True
    used, renumber = kept(mark)
    return used + low, [renumber.take(each - low) if len(each) else each for each in indices]


def mesh_content(mesh: MeshSet, base: int, colour: Bytes) -> Content | None:
    """Return a whole mesh set as content, None if it has nothing to draw; rows count from handle `base`."""
    sizes = [0 if indices is None else len(indices) for indices in (mesh.triangles, mesh.lines, mesh.points)]
    if not any(sizes):
        return None
    return _content(mesh, Stock({}, 0, base), [np.arange(size) for size in sizes], (), colour)
