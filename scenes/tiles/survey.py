"""Find out where the geometry of a batch lies: a Morton code and a weight for everything that a tile may hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from scenes.joining import join
from scenes.store.meshes import StoredMeshes, corners_of
from scenes.tiles.paint import TILE_PIXELS, used_pixels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from scenes.mesh import Instances, MeshSet
    from scenes.store.meshes import Corners
    from scenes.tiles.quadtree import Codes, Square

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

LEAF_WEIGHT = 60_000  # triangles of a leaf, about
MODEL_LEAF_WEIGHT = 15_000  # of a building model: far away its shell is enough
OBJECT_WEIGHT = 48  # so that a leaf of LEAF_WEIGHT holds at most 1,250 objects
INSTANCE_WEIGHT = 12
INSTANCE_TRIANGLES = 16  # of a prototype cost as much as one that is stored
SPLIT_PRIMITIVES = 4_000  # an object with more triangles than this is shared out by triangle
SPLIT_EXTENT = 1 / 8  # ... and so is one that is longer than this part of the layer
ITEM_PARTS = ("codes", "weights", "handles")
PIXEL_WEIGHT = LEAF_WEIGHT / TILE_PIXELS  # so that the images of a leaf fit


@dataclass(frozen=True, eq=False)
class Stock:
    """The geometry of one batch: what the tiling of a layer needs to know of it, light enough to send around.

    Parameters
    ----------
    meshes
        Level of detail to geometry.
    rows
        Number of objects.
    base
        Number of the first one in the tiles of the layer.
    numbers
        (rows,) number of each object, where they do not simply follow each other.
    """

    meshes: Mapping[str, MeshSet]
    rows: int
    base: int
    numbers: Longs | None = None

    def named(self, rows: NDArray[np.integer]) -> Longs:
        """Return the numbers of some rows' objects."""
        return rows.astype(np.int64) + self.base if self.numbers is None else self.numbers[rows]

    def finest(self) -> MeshSet | None:
        """Return the geometry with every object at its own finest level of detail, None if there is none."""
        return finest_mesh(self.meshes, self.rows)

    def corners(self) -> Corners | None:
        """Return the least and greatest corner in local metres, None if there is nothing."""
        mesh = self.finest()
        return None if mesh is None else corners_of(mesh)

    def told_corners(self) -> list[Corners | None]:
        """Return `corners` where they are known without reading the geometry, else nothing."""
        told = self.meshes.corners if isinstance(self.meshes, StoredMeshes) and len(self.meshes) == 1 else {}
        return list(told.values())

    def items(self, square: Square, mesh: MeshSet | None) -> Items:
        """Return what the finest geometry of the batch gives to the tree that divides a square."""
        if mesh is None:
            return Items.none()
        codes, weights, rows = _items(mesh, square)
        return Items.sorted(codes, weights, self.named(rows))


@dataclass(frozen=True, eq=False)
class Items:
    """What a tree divides, (n,) each, by ascending code.

    Parameters
    ----------
    codes
        Morton codes.
    weights
        What each costs, in triangles.
    handles
        The number of the object that each belongs to.
    """

    codes: Codes
    weights: Longs
    handles: Longs

    @classmethod
    def none(cls) -> Items:
        """Return no items."""
        return cls(*(np.zeros(0, np.int64) for _ in range(3)))

    @classmethod
    def sorted(cls, codes: Codes, weights: Longs, handles: Longs) -> Items:
        """Return items in the order of their codes."""
        order = np.argsort(codes, kind="stable")
        return cls(codes[order], weights[order], handles[order])

    def between(self, first: int, end: int) -> slice:
        """Return where the codes from `first` up to `end` stand."""
        begin, stop = np.searchsorted(self.codes, np.array([first, end], np.int64))
        return slice(int(begin), int(stop))


def finest_mesh(meshes: Mapping[str, MeshSet], rows: int) -> MeshSet | None:
    """Return the geometry of a batch with every object at its own finest level of detail, None if it has none."""
    levels = sorted(meshes, key=float, reverse=True)
    if not levels:
        return None
    if len(levels) == 1:
        return meshes[levels[0]]
    seen = np.zeros(rows, np.bool_)
    parts: list[MeshSet] = []
    for level in levels:
        mesh = meshes[level]
        owners = np.unique(np.concatenate([mesh.rows, *(each.rows for each in mesh.instances)]))
        new = ~seen[owners]
        parts.append(mesh if new.all() else _only(mesh, ~seen))
        seen[owners] = True
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


def _only(mesh: MeshSet, rows: Bools) -> MeshSet:
    """Return the part of a mesh set that belongs to some rows, which keep their numbers."""
    wanted = np.flatnonzero(rows)
    taken = mesh.take(wanted)
    instances = tuple(replace(each, rows=wanted[each.rows].astype(np.uint32)) for each in taken.instances)
    return replace(taken, rows=wanted[taken.rows].astype(np.uint32), instances=instances)


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
            primitives = primitives + np.bincount(owner[ends_of(indices)[:, 0]], minlength=len(primitives))
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
    thin = [of_vertex[ends_of(indices)[:, 0]] for indices in (mesh.lines, mesh.points)]
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


def primitive_codes(mesh: MeshSet, square: Square) -> tuple[Codes, Codes, Codes]:
    """Return the code of every triangle, segment and point: that of its object, or its own if that is shared out."""
    groups = _groups(mesh)
    of_group = square.codes(groups.middle[:, 0], groups.middle[:, 1])
    owners = _owners(mesh, groups)
    codes = (of_group[owners[0]], of_group[owners[1]], of_group[owners[2]])
    for code, (own, found) in zip(codes, _shared_out(mesh, square, _is_split(groups, square), owners), strict=True):
        code[own] = found
    return codes


def _items(mesh: MeshSet, square: Square) -> tuple[Codes, Longs, Longs]:
    """Return what a batch gives to the tree: codes, weights and rows."""
    groups = _groups(mesh)
    split = _is_split(groups, square)
    whole = groups.used & ~split
    painted = _paint_weights(mesh)
    of_group = np.add.reduceat(np.append(painted, 0), mesh.triangle_starts[:-1].astype(np.int64))
    of_group = np.where(np.diff(mesh.triangle_starts.astype(np.int64)) > 0, of_group, 0)[whole]
    found = [square.codes(groups.middle[whole, 0], groups.middle[whole, 1])]
    weights = [np.maximum(np.maximum(groups.primitives[whole], OBJECT_WEIGHT), np.rint(of_group).astype(np.int64))]
    rows = [mesh.rows[whole]]
    if split.any():
        owners = _owners(mesh, groups)
        for part, (own, codes) in enumerate(_shared_out(mesh, square, split, owners)):
            found.append(codes)
            rows.append(mesh.rows[owners[part][own]])
            ones = np.ones(len(codes), np.int64)
            weights.append(np.maximum(np.rint(painted[own]).astype(np.int64), ones) if part == 0 else ones)
    for each in mesh.instances:
        found.append(instance_codes(mesh, each, square))
        weight = max(INSTANCE_WEIGHT, len(each.prototype.triangles) // INSTANCE_TRIANGLES)
        weights.append(np.full(len(each), weight, np.int64))
        rows.append(each.rows)
    return np.concatenate(found), np.concatenate(weights), np.concatenate(rows).astype(np.int64)


def _paint_weights(mesh: MeshSet) -> Floats:
    """Return what the pixels of each triangle weigh, (t,)."""
    if mesh.uvs is None or mesh.triangle_images is None:
        return np.zeros(len(mesh.triangles))
    pixels = used_pixels(mesh.triangles.astype(np.int64), mesh.uvs, mesh.triangle_images, mesh.images)
    return pixels * PIXEL_WEIGHT


def instance_codes(mesh: MeshSet, each: Instances, square: Square) -> Codes:
    """Return the code of the foot of every placement."""
    feet = each.positions[:, :2].astype(np.float64) + mesh.centre[:2]
    return square.codes(feet[:, 0], feet[:, 1])


def ends_of(indices: NDArray[np.uint32] | None) -> Longs:
    """Return triangles, segments or points as a table of vertices, (n, 3), (n, 2) or (n, 1)."""
    if indices is None:
        return np.zeros((0, 1), np.int64)
    width = indices.shape[1] if indices.ndim == 2 else 1
    return indices.reshape(len(indices), width).astype(np.int64)
