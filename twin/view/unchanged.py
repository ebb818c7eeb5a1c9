"""Which objects of a city are the same in another of its versions, and what still holds of values computed before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from scenes.schema import BOUNDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes import Layer, MeshSet, Scene

    Floats = NDArray[np.float64]

AROUND_M = 0.5
"""A surface that lies so near to a changed object is its own."""
_NOT_ASKED = frozenset({"source", "source_id", "version"})


@dataclass(frozen=True, eq=False)
class Changes:
    """The way from one version of a city to another.

    Parameters
    ----------
    way
        (n,) int64: for each handle of before the handle of now where the object is the same, else -1.
    count
        How many objects there are now.
    places
        (m, 4) boxes in plan (x0, y0, x1, y1, local metres) of what is new, gone, or not as it was.
    """

    way: NDArray[np.int64]
    count: int
    places: Floats

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return len(self.way) != self.count or bool((self.way != np.arange(self.count)).any())

    def carried(self, codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return (count,) codes: those of unchanged objects, 0 for the others."""
        found = np.zeros(self.count, np.uint8)
        same = self.way >= 0
        found[self.way[same]] = codes[same]
        return found

    def kept(self, mesh: MeshSet) -> MeshSet:
        """Return a surface without the triangles at changed places."""
        if not len(self.places) or not mesh.triangle_count:
            return mesh
        grown = self.places + np.array([-AROUND_M, -AROUND_M, AROUND_M, AROUND_M])
        tree = shapely.STRtree(shapely.box(*grown.T))
        middles = mesh.positions_m[mesh.triangles].mean(axis=1)[:, :2]
        hit = np.unique(tree.query(shapely.points(middles), predicate="intersects")[0])
        stays = np.ones(len(middles), bool)
        stays[hit] = False
        triangles = mesh.triangles[stays]
        ends = np.array([0, len(triangles)], np.uint32)
        whole = np.array([0, mesh.vertex_count], np.uint32)
        return replace(
            mesh, triangles=triangles, rows=np.zeros(1, np.uint32), vertex_starts=whole, triangle_starts=ends
        )


def changes_between(before: Scene, now: Scene) -> Changes:
    """Return which objects of a city are the same in another version, found by their uids.

    Objects are the same when their layer, place, footprint and attributes are; batches that both versions share are
    not looked at.
    """
    found = now.handles(before.uids)
    way = np.full(len(before), -1, np.int64)
    for name, layer in before.layers.items():
        other = now.layers.get(name)
        if other is None:
            continue
        base, other_base = before.bases[name], now.bases[name]
        rows = found[base : base + len(layer)] - other_base
        inside = (rows >= 0) & (rows < len(other))
        mine = np.flatnonzero(inside)
        same = _same(layer, other, mine, rows[mine])
        way[base + mine[same]] = other_base + rows[mine[same]]
    changed = np.ones(len(now), bool)
    changed[way[way >= 0]] = False
    places = np.concatenate([_plans(before)[way < 0], _plans(now)[changed]])
    return Changes(way, len(now), places[np.isfinite(places).all(axis=1)])


def _same(layer: Layer, other: Layer, mine: NDArray[np.int64], theirs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say for each pair of rows whether the objects are alike."""
    same = np.ones(len(mine), bool)
    if layer is other or not len(mine):
        return same
    hashes = [[batch.content_hash for batch in each.batches] for each in (layer, other)]
    if hashes[0] == hashes[1]:
        same[:] = mine == theirs
        return same
    names = [name for name in layer.table.column_names if name not in _NOT_ASKED]
    if set(names) != set(other.table.column_names) - _NOT_ASKED:
        names = [name for name in names if name in other.table.column_names]
    for name in names:
        one, two = layer.table[name].take(mine), other.table[name].take(theirs)
        same &= _equal(one, two)
    return same


def _equal(one: pa.ChunkedArray, two: pa.ChunkedArray) -> NDArray[np.bool_]:
    if one.equals(two):
        return np.ones(len(one), bool)
    if one.type != two.type or pa.types.is_nested(one.type):
        return np.array([a == b for a, b in zip(one.to_pylist(), two.to_pylist(), strict=True)], bool)
    alike = pc.fill_null(pc.equal(one, two), False)
    nothing = pc.and_(pc.is_null(one, nan_is_null=True), pc.is_null(two, nan_is_null=True))
    found: NDArray[np.bool_] = pc.or_(alike, nothing).to_numpy()
    return found


def _plans(scene: Scene) -> Floats:
    """Return (n, 4) boxes in plan, NaN where an object has no shape."""
    names = [BOUNDS[axis] for axis in (0, 1, 3, 4)]
    tables = [layer.table for layer in scene.layers.values()]
    columns = [np.concatenate([table[name].to_numpy() for table in tables] or [np.zeros(0)]) for name in names]
    return np.column_stack(columns).astype(np.float64)
