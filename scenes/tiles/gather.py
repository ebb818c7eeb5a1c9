"""Find out where the geometry of a layer lies, and collect what belongs to one leaf.

Batches are read one after another; only those that were used last stay in memory.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from scenes.errors import LoadError
from scenes.mesh import MeshSet, join
from scenes.tiles.content import Content, Placements, by_owner, empty_content, extent, merged, prototype_key
from scenes.tiles.paint import TILE_PIXELS, compacted, separated, used_pixels
from scenes.tiles.quadtree import Square

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from scenes.mesh import Instances
    from scenes.model import Batch
    from scenes.tiles.quadtree import Cell, Codes

    Bools = NDArray[np.bool_]
    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

OBJECT_WEIGHT = 48  # so that a leaf of LEAF_WEIGHT holds at most 1,250 objects
INSTANCE_WEIGHT = 12
INSTANCE_TRIANGLES = 16  # of a prototype cost as much as one that is stored
SPLIT_PRIMITIVES = 4_000  # an object with more triangles than this is shared out by triangle
SPLIT_EXTENT = 1 / 8  # ... and so is one that is longer than this part of the layer
CACHE_BYTES = 1_000_000_000
LEAF_WEIGHT = 60_000  # triangles of a leaf, about
PIXEL_WEIGHT = LEAF_WEIGHT / TILE_PIXELS  # so that the images of a leaf fit


def finest_mesh(batch: Batch) -> MeshSet | None:
    """Return the geometry of a batch with every object at its own finest level of detail, None if it has none."""
    levels = sorted(batch.meshes, key=float, reverse=True)
    if not levels:
        return None
    if len(levels) == 1:
        return batch.meshes[levels[0]]
    seen = np.zeros(len(batch), np.bool_)
    parts: list[MeshSet] = []
    for level in levels:
        mesh = batch.meshes[level]
        rows = np.unique(np.concatenate([mesh.rows, *(each.rows for each in mesh.instances)]))
        new = ~seen[rows]
        parts.append(mesh if new.all() else _only(mesh, ~seen))
        seen[rows] = True
    return join(parts)


@dataclass(frozen=True, eq=False)
class _Groups:
    """Where each object of a batch lies: low and high corners in plan (local metres) and number of primitives."""

    low: Floats
    high: Floats
    primitives: Longs
    starts: Longs
    used: Bools

    @property
    def middle(self) -> Floats:
        return (self.low + self.high) / 2


@dataclass(frozen=True, eq=False)
class _Sorted:
    """A batch with its primitives sorted by code."""

    mesh: MeshSet
    base: int
    orders: tuple[Longs, Longs, Longs]
    codes: tuple[Codes, Codes, Codes]
    instances: tuple[tuple[str, Longs, Codes], ...]

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
        return _content(self.mesh, self.base, picked, placements, colour)

    def _placed(self, each: Instances, key: str, chosen: Longs) -> Placements:
        return Placements(
            key,
            each.prototype,
            each.rows[chosen].astype(np.int64) + self.base,
            each.positions[chosen],
            each.yaw_rad[chosen],
            each.scales[chosen],
        )


@dataclass
class LayerGeometry:
    """The geometry of a layer's batches, found by place.

    Parameters
    ----------
    batches
        The batches of the layer.
    base
        First handle of the layer.
    colour
        (4,) uint8 sRGB and opacity for objects without colours of their own.
    """

    batches: Sequence[Batch]
    base: int
    colour: Bytes
    square: Square = field(init=False)
    low: Floats = field(init=False)
    high: Floats = field(init=False)
    codes: Codes = field(init=False)
    weights: Longs = field(init=False)
    _cache: OrderedDict[int, _Sorted] = field(default_factory=OrderedDict)
    _ranges: list[Codes] = field(default_factory=list)
    _bases: list[int] = field(default_factory=list)

    def survey(self) -> bool:
        """Look at every batch once; say whether the layer has any geometry.

        Raises
        ------
        LoadError
            When a position is not a finite number.
        """
        self._bases = np.cumsum([self.base, *(len(batch) for batch in self.batches)]).tolist()
        corners = [found for batch in self.batches if (mesh := finest_mesh(batch)) and (found := _corners(mesh))]
        if not corners:
            return False
        self.low = np.min([corner[0] for corner in corners], axis=0)
        self.high = np.max([corner[1] for corner in corners], axis=0)
        if not (np.isfinite(self.low).all() and np.isfinite(self.high).all()):
            raise LoadError("tiles", "the geometry has positions that are not finite", "check the source: twin check")
        self.square = Square.around(self.low, self.high)
        items = [_items(finest_mesh(batch) or MeshSet.empty(), self.square) for batch in self.batches]
        self._ranges = [np.sort(codes) for codes, _ in items]
        codes = np.concatenate([codes for codes, _ in items])
        weights = np.concatenate([weights for _, weights in items])
        order = np.argsort(codes, kind="stable")
        self.codes, self.weights = codes[order], weights[order]
        return len(codes) > 0

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
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        mesh = finest_mesh(self.batches[index])
        if mesh is None:
            raise ValueError(f"batch {index} has lost its geometry")
        self._cache[index] = found = _sorted_batch(mesh, self._bases[index], self.square)
        while len(self._cache) > 1 and sum(each.mesh.nbytes for each in self._cache.values()) > CACHE_BYTES:
            self._cache.popitem(last=False)
        return found


def _only(mesh: MeshSet, rows: Bools) -> MeshSet:
    """Return the part of a mesh set that belongs to some rows, which keep their numbers."""
    wanted = np.flatnonzero(rows)
    taken = mesh.take(wanted)
    instances = tuple(replace(each, rows=wanted[each.rows].astype(np.uint32)) for each in taken.instances)
    return replace(taken, rows=wanted[taken.rows].astype(np.uint32), instances=instances)


def _corners(mesh: MeshSet) -> tuple[Floats, Floats] | None:
    found = []
    if mesh.vertex_count:
        low, high = extent(mesh.positions)
        found.append((low + mesh.centre, high + mesh.centre))
    found += [
        (each.positions.min(axis=0) + mesh.centre, each.positions.max(axis=0) + mesh.centre)
        for each in mesh.instances
        if len(each)
    ]
    if not found:
        return None
    return np.min([low for low, _ in found], axis=0), np.max([high for _, high in found], axis=0)


def _groups(mesh: MeshSet) -> _Groups:
    starts = mesh.vertex_starts.astype(np.int64)
    used = np.diff(starts) > 0
    low, high = np.zeros((len(mesh.rows), 2)), np.zeros((len(mesh.rows), 2))
    if used.any():
        plan = mesh.positions[:, :2]
        low[used] = np.minimum.reduceat(plan, starts[:-1][used], axis=0)
        high[used] = np.maximum.reduceat(plan, starts[:-1][used], axis=0)
    primitives = cast("Longs", np.diff(mesh.triangle_starts.astype(np.int64)))
    owner = np.repeat(np.arange(len(mesh.rows)), np.diff(starts))
    for indices in (mesh.lines, mesh.points):
        if indices is not None and len(indices):
            primitives = primitives + np.bincount(owner[_ends(indices)[:, 0]], minlength=len(primitives))
    return _Groups(low + mesh.centre[:2], high + mesh.centre[:2], primitives, starts, used & (primitives > 0))


def _is_split(groups: _Groups, square: Square) -> Bools:
    long = (groups.high - groups.low).max(axis=1, initial=0.0) > square.side_m * SPLIT_EXTENT
    return cast("Bools", groups.used & ((groups.primitives > SPLIT_PRIMITIVES) | (long & (groups.primitives > 1))))


def _owners(mesh: MeshSet, groups: _Groups) -> tuple[Longs, Longs, Longs]:
    """Return the group of every triangle, segment and point."""
    numbers = np.arange(len(mesh.rows))
    of_vertex = np.repeat(numbers, np.diff(groups.starts))
    triangles = cast("Longs", np.diff(mesh.triangle_starts.astype(np.int64)))
    of_triangle = np.repeat(numbers, triangles)
    thin = [of_vertex[_ends(indices)[:, 0]] for indices in (mesh.lines, mesh.points)]
    return of_triangle, thin[0], thin[1]


def _shared_out(
    mesh: MeshSet, square: Square, split: Bools, owners: tuple[Longs, Longs, Longs]
) -> Iterator[tuple[Longs, Codes]]:
    """Yield, for triangles, segments and points, those of objects that are shared out, and a code for each."""
    for indices, mine in zip((mesh.triangles, mesh.lines, mesh.points), owners, strict=True):
        own = np.flatnonzero(split[mine])
        if not len(own) or indices is None:
            yield own, np.zeros(0, np.int64)
            continue
        corners = indices[own].reshape(len(own), -1)
        middle = mesh.positions[:, :2][corners].mean(axis=1, dtype=np.float64) + mesh.centre[:2]
        yield own, square.codes(middle[:, 0], middle[:, 1])


def _primitive_codes(mesh: MeshSet, square: Square) -> tuple[Codes, Codes, Codes]:
    """Return the code of every triangle, segment and point: that of its object, or its own if that is shared out."""
    groups = _groups(mesh)
    of_group = square.codes(groups.middle[:, 0], groups.middle[:, 1])
    owners = _owners(mesh, groups)
    codes = (of_group[owners[0]], of_group[owners[1]], of_group[owners[2]])
    for code, (own, found) in zip(codes, _shared_out(mesh, square, _is_split(groups, square), owners), strict=True):
        code[own] = found
    return codes


def _items(mesh: MeshSet, square: Square) -> tuple[Codes, Longs]:
    """Return the codes and weights of what a batch gives to the tree."""
    groups = _groups(mesh)
    split = _is_split(groups, square)
    whole = groups.used & ~split
    painted = _paint_weights(mesh)
    of_group = np.add.reduceat(np.append(painted, 0), mesh.triangle_starts[:-1].astype(np.int64))
    of_group = np.where(np.diff(mesh.triangle_starts.astype(np.int64)) > 0, of_group, 0)[whole]
    found = [square.codes(groups.middle[whole, 0], groups.middle[whole, 1])]
    weights = [np.maximum(np.maximum(groups.primitives[whole], OBJECT_WEIGHT), np.rint(of_group).astype(np.int64))]
    if split.any():
        for part, (own, codes) in enumerate(_shared_out(mesh, square, split, _owners(mesh, groups))):
            found.append(codes)
            ones = np.ones(len(codes), np.int64)
            weights.append(np.maximum(np.rint(painted[own]).astype(np.int64), ones) if part == 0 else ones)
    for each in mesh.instances:
        found.append(_instance_codes(mesh, each, square))
        weight = max(INSTANCE_WEIGHT, len(each.prototype.triangles) // INSTANCE_TRIANGLES)
        weights.append(np.full(len(each), weight, np.int64))
    return np.concatenate(found), np.concatenate(weights)


def _paint_weights(mesh: MeshSet) -> Floats:
    """Return what the pixels of each triangle weigh, (t,)."""
    if mesh.uvs is None or mesh.triangle_images is None:
        return np.zeros(len(mesh.triangles))
    pixels = used_pixels(mesh.triangles.astype(np.int64), mesh.uvs, mesh.triangle_images, mesh.images)
    return pixels * PIXEL_WEIGHT


def _instance_codes(mesh: MeshSet, each: Instances, square: Square) -> Codes:
    feet = each.positions[:, :2].astype(np.float64) + mesh.centre[:2]
    return square.codes(feet[:, 0], feet[:, 1])


def _sorted_batch(mesh: MeshSet, base: int, square: Square) -> _Sorted:
    codes = _primitive_codes(mesh, square)
    orders = [np.argsort(code, kind="stable") for code in codes]
    instances = []
    for each in mesh.instances:
        code = _instance_codes(mesh, each, square)
        order = np.argsort(code, kind="stable")
        instances.append((prototype_key(each.prototype), order, code[order]))
    ordered = tuple(code[order] for code, order in zip(codes, orders, strict=True))
    return _Sorted(
        mesh,
        base,
        cast("tuple[Longs, Longs, Longs]", tuple(orders)),
        cast("tuple[Codes, Codes, Codes]", ordered),
        tuple(instances),
    )


def _content(
    mesh: MeshSet, base: int, picked: list[Longs], placements: tuple[Placements, ...], colour: Bytes
) -> Content:
    triangles = mesh.triangles[picked[0]].astype(np.int64)
    lines = _taken(mesh.lines, picked[1]).reshape(-1, 2)
    points = _taken(mesh.points, picked[2])
    used, (triangles, lines, points) = _compacted(triangles, lines, points)
    rows = np.searchsorted(mesh.vertex_starts, used, side="right") - 1
    handles, owners = np.unique(mesh.rows[rows].astype(np.int64) + base, return_inverse=True)
    colours = np.broadcast_to(colour, (len(used), 4)) if mesh.colours is None else mesh.colours[used]
    content = Content(
        mesh.centre,
        mesh.positions[used],
        owners,
        triangles,
        colours,
        handles,
        np.zeros(len(handles)),
        np.full(len(handles), np.nan),
        lines,
        points,
        None if mesh.normals is None else mesh.normals[used],
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


def _ends(indices: NDArray[np.uint32] | None) -> Longs:
    """Return triangles, segments or points as a table of vertices, (n, 3), (n, 2) or (n, 1)."""
    if indices is None:
        return np.zeros((0, 1), np.int64)
    width = indices.shape[1] if indices.ndim == 2 else 1
    return indices.reshape(len(indices), width).astype(np.int64)


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
    used = np.flatnonzero(mark)
    renumber = np.cumsum(mark) - 1
    return used + low, [renumber[each - low] if len(each) else each for each in indices]


def mesh_content(mesh: MeshSet, base: int, colour: Bytes) -> Content | None:
    """Return a whole mesh set as content, None if it has nothing to draw; rows count from handle `base`."""
    sizes = [0 if indices is None else len(indices) for indices in (mesh.triangles, mesh.lines, mesh.points)]
    if not any(sizes):
        return None
    return _content(mesh, base, [np.arange(size) for size in sizes], (), colour)
