"""Triangles become polygons again: flat neighbours of one surface are one face, with holes where it has some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

FLAT_M = 0.001
"""How far a corner may lie from the plane of its face."""
_SAME_WAY = 0.9999


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Triangles and the edges that they share.

    Corner ``3 * t + k`` of triangle t begins the edge to its next corner.

    Parameters
    ----------
    triangles
        (t, 3) numbers of vertices; equal places have equal numbers.
    owners
        (t,) object of each triangle, ascending; edges of different objects are never shared.
    twins
        (3 t,) the corner that begins the same edge the other way, -1 where an edge is not shared by just two triangles.
    """

    triangles: Integers
    owners: Integers
    twins: Integers

    @classmethod
    def of(cls, triangles: Integers, owners: Integers) -> Neighbours:
        """Return the triangles with their neighbours."""
        begins, ends = triangles.reshape(-1), np.roll(triangles, -1, axis=1).reshape(-1)
        low, high = np.minimum(begins, ends), np.maximum(begins, ends)
        owner = np.repeat(owners, 3)
        order = np.lexsort((high, low, owner))
        keys = np.column_stack([owner, low, high])[order]
        new = np.concatenate([[True], (keys[1:] != keys[:-1]).any(axis=1)]) if len(keys) else np.zeros(0, bool)
        firsts = np.flatnonzero(new)
        counts = np.diff(np.append(firsts, len(keys)))
        one, other = order[firsts[counts == 2]], order[firsts[counts == 2] + 1]
        opposite = begins[one] == ends[other]
        twins = np.full(len(begins), -1, np.int64)
        twins[one[opposite]], twins[other[opposite]] = other[opposite], one[opposite]
        return cls(triangles, owners, twins)

    def connected(self, joined: Bools) -> Integers:
        """Return a number for each triangle that those share which are tied by some of the corners, (t,)."""
        corners = np.flatnonzero(joined & (self.twins >= 0))
        one, other = corners // 3, self.twins[corners] // 3
        label = np.arange(len(self.triangles))
        while True:
            low = np.minimum(label[one], label[other])
            new = label.copy()
            np.minimum.at(new, label[one], low)
            np.minimum.at(new, label[other], low)
            while not np.array_equal(new, new[new]):
                new = new[new]
            if np.array_equal(new, label):
                return label
            label = new


@dataclass(frozen=True, eq=False)
class Faces:
    """Polygons with holes.

    Parameters
    ----------
    rings
        Rings of each face, the outside first, as corners (see `Neighbours`).
    firsts
        (f,) a triangle of each face, ascending.
    """

    rings: list[list[list[int]]]
    firsts: Integers


def faces_of(neighbours: Neighbours, points_m: Floats, labels: Integers, places: Floats | None = None) -> Faces:
    """Return the faces of triangles: flat neighbours that have one label are one face.

    Parameters
    ----------
    points_m
        (3 t, 3) place of each corner in metres.
    labels
        (t,) what a face is; different labels are never joined.
    places
        (3 t, 2) place of each corner in an image; faces are only joined where these agree.

    Examples
    --------
    >>> square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    >>> triangles = np.array([[0, 1, 2], [0, 2, 3]])
    >>> both = Neighbours.of(triangles, np.zeros(2, int))
    >>> found = faces_of(both, square[triangles].reshape(-1, 3), np.zeros(2, int))
    >>> [triangles.reshape(-1)[ring].tolist() for ring in found.rings[0]]
    [[0, 1, 2, 3]]
    """
    corners = points_m.reshape(-1, 3, 3)
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    joined = _joined(neighbours, points_m, areas, labels)
    if places is not None:
        joined &= _agree(neighbours.twins, places)
    group = neighbours.connected(joined)
    joined &= group[np.arange(len(joined)) // 3] == group[neighbours.twins // 3]
    good = _flat(group, points_m, areas)
    edges = np.flatnonzero(~joined & good[group][np.arange(len(joined)) // 3])
    rings, owner = _rings(edges, group, neighbours.triangles)
    return _assembled(rings, owner, group, (points_m, areas))


def _joined(neighbours: Neighbours, points_m: Floats, areas: Floats, labels: Integers) -> Bools:
    """Return over which edges two triangles are one face."""
    twins = neighbours.twins
    length = np.linalg.norm(areas, axis=1)
    normals = areas / np.where(length > 0, length, 1.0)[:, None]
    mine = np.arange(len(twins)) // 3
    theirs = np.where(twins >= 0, twins // 3, mine)
    beyond = points_m.reshape(-1, 3, 3)[theirs, (twins + 2) % 3]
    away = np.abs(((beyond - points_m) * normals[mine]).sum(axis=1))
    same = (normals[mine] * normals[theirs]).sum(axis=1) > _SAME_WAY
    one_way = np.array((twins >= 0) & (labels[mine] == labels[theirs]) & same & (away <= FLAT_M), bool)
    both: Bools = one_way & one_way[twins]
    return both


def _agree(twins: Integers, places: Floats) -> Bools:
    following = np.arange(len(twins)).reshape(-1, 3)
    ends = np.roll(following, -1, axis=1).reshape(-1)
    apart = np.abs(places - places[ends[twins]]) + np.abs(places[ends] - places[twins])
    close: Bools = apart.max(axis=1, initial=0.0) < 1e-6
    return close


def _flat(group: Integers, points_m: Floats, areas: Floats) -> Bools:
    """Return which groups (by their number) lie in a plane with all their corners."""
    count = len(group)
    normal = np.zeros((count, 3))
    np.add.at(normal, group, areas)
    length = np.linalg.norm(normal, axis=1)
    normal /= np.where(length > 0, length, 1.0)[:, None]
    owner = np.repeat(group, 3)
    middle = np.zeros((count, 3))
    np.add.at(middle, owner, points_m)
    middle /= np.maximum(np.bincount(owner, minlength=count), 1)[:, None]
    away = np.abs(((points_m - middle[owner]) * normal[owner]).sum(axis=1))
    bad = np.bincount(owner[away > FLAT_M], minlength=count) > 0
    found: Bools = (length > 0) & ~bad
    return found


def _rings(edges: Integers, group: Integers, triangles: Integers) -> tuple[list[list[int]], list[int]]:
    """Return the rings that edges make, and the group of each; nothing of groups whose edges meet in a point."""
    begins, ends = triangles.reshape(-1), np.roll(triangles, -1, axis=1).reshape(-1)
    size = int(triangles.max(initial=0)) + 1
    owner = group[edges // 3]
    keys = owner * size + begins[edges]
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    wanted = owner * size + ends[edges]
    at = np.minimum(np.searchsorted(ranked, wanted), max(len(ranked) - 1, 0))
    bad = np.zeros(len(group), bool)
    bad[owner[order][1:][ranked[1:] == ranked[:-1]]] = True
    if len(edges):
        bad[owner[ranked[at] != wanted]] = True
    following = order[at].tolist() if len(edges) else []
    rings: list[list[int]] = []
    owners: list[int] = []
    seen = bad[owner].tolist()
    corner, owner_of = edges.tolist(), owner.tolist()
    for first in range(len(corner)):
        if seen[first]:
            continue
        ring, place = [], first
        while not seen[place]:
            seen[place] = True
            ring.append(corner[place])
            place = following[place]
        rings.append(ring)
        owners.append(owner_of[first])
    return rings, owners


def _assembled(rings: list[list[int]], owners: list[int], group: Integers, shape: tuple[Floats, Floats]) -> Faces:
    """Return faces of one outside and its holes each; what is something else stays triangles."""
    points_m, areas = shape
    found: dict[int, list[list[int]]] = {}
    outside = _outsides(rings, points_m, areas)
    count = np.bincount(np.array(owners, np.int64)[outside], minlength=len(group)) if rings else np.zeros(len(group))
    for ring, owner, out in zip(rings, owners, outside.tolist(), strict=True):
        if count[owner] == 1:
            mine = found.setdefault(owner, [])
            mine.insert(0, ring) if out else mine.append(ring)
    whole = np.zeros(len(group), bool)
    whole[list(found)] = True
    for triangle in np.flatnonzero(~whole[group]).tolist():
        found[triangle] = [[3 * triangle, 3 * triangle + 1, 3 * triangle + 2]]
    firsts = sorted(found)
    return Faces([found[first] for first in firsts], np.array(firsts, np.int64))


def _outsides(rings: list[list[int]], points_m: Floats, areas: Floats) -> Bools:
    """Return which rings turn the way their triangles do."""
    if not rings:
        return np.zeros(0, bool)
    lengths = np.array([len(ring) for ring in rings])
    flat = np.concatenate([np.array(ring) for ring in rings])
    starts = np.cumsum(lengths) - lengths
    following = np.arange(1, len(flat) + 1)
    following[starts + lengths - 1] = starts
    points = points_m[flat] - np.repeat(points_m[flat[starts]], lengths, axis=0)
    turned = np.add.reduceat(np.cross(points, points[following]), starts, axis=0)
    way: Bools = (turned * areas[flat[starts] // 3]).sum(axis=1) > 0
    return way
