"""Closed surfaces and solids: closed, manifold, in one piece, turned outward, without crossing themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mapbox_earcut
import numpy as np

from scenes.validity.crossing import first_crossing, winding
from scenes.validity.faces import SNAP_M, Faces, Finding, _laid_flat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_MOST_TRIANGLES = 3_000
"""Shells with more triangles are not searched for self-intersection, whose cost grows with the square."""


def check_shells(faces: Faces, outer: Sequence[int] = (), snap_m: float = SNAP_M) -> list[Finding]:
    """Return what is wrong with shells; the face named is the first of the shell, or the culprit where it is known.

    Parameters
    ----------
    faces
        Faces with the numbers of their shells; those with -1 are passed over.
    outer
        For each shell, the number of the outer shell of its solid (its own number where it is that one); by default
        every shell is a solid of its own.
    snap_m
        Points nearer than this are the same.

    Examples
    --------
    >>> tetrahedron = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    >>> sides = [[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]]
    >>> solid = Faces.of([[tetrahedron[side].tolist()] for side in sides], [0] * 4)
    >>> check_shells(solid)
    []
    >>> [finding.code for finding in check_shells(Faces.of([[tetrahedron[s].tolist()] for s in sides[:3]], [0] * 3))]
    [301, 302]
    """
    numbers = np.unique(faces.shells[faces.shells >= 0])
    if not len(numbers):
        return []
    corners = _snapped(faces.points, snap_m)
    found: list[Finding] = []
    triangles: dict[int, Floats] = {}
    sound: set[int] = set()
    for shell in numbers.tolist():
        mine = np.flatnonzero(faces.shells == shell)
        codes = _topology(faces, corners, mine)
        found += codes
        triangles[shell] = _triangles(faces, mine)
        if not codes:
            sound.add(shell)
            if _crosses_itself(triangles[shell], snap_m):
                found.append(Finding(306, int(mine[0])))
            is_inner = len(outer) > shell and outer[shell] != shell
            if (_volume(triangles[shell]) < 0) != is_inner:
                found.append(Finding(405, int(mine[0])))
    for shell in numbers.tolist():
        if len(outer) > shell and outer[shell] != shell and {shell, outer[shell]} <= sound:
            first = int(np.flatnonzero(faces.shells == shell)[0])
            found += [Finding(code, first) for code in _nesting(triangles[outer[shell]], triangles[shell], snap_m)]
    return found


def _snapped(points: Floats, snap_m: float) -> Integers:
    """Return the number of the place of each point; points within the tolerance share one."""
    grid = np.round((points - points.min(axis=0, initial=0.0)) / max(snap_m, 1e-9)).astype(np.int64)
    return np.unique(grid, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _topology(faces: Faces, corners: Integers, mine: Integers) -> list[Finding]:
    """Return the codes 301 to 307 (306 apart) of one shell."""
    first = int(mine[0])
    found = [Finding(301, first)] if len(mine) < 4 else []
    begin, end, face = _edges(faces, corners, mine)
    if not len(begin):
        return [*found, Finding(302, first)]
    forward = begin < end
    key = np.where(forward, begin, end) * (int(corners.max()) + 1) + np.where(forward, end, begin)
    _, edge, counts = np.unique(key, return_inverse=True, return_counts=True)
    edge = edge.reshape(-1)
    balance = np.bincount(edge, np.where(forward, 1, -1))
    if (counts == 1).any():
        found.append(Finding(302, int(face[np.flatnonzero(counts[edge] == 1)[0]])))
    if (counts > 2).any():
        found.append(Finding(303, int(face[np.flatnonzero(counts[edge] > 2)[0]])))
    if found and found[-1].code in (302, 303):
        return found
    if (balance != 0).any():
        found.append(Finding(307, int(face[np.flatnonzero(balance[edge] != 0)[0]])))
    parts = _components(edge, face, len(counts), mine)
    if parts > 1:
        found.append(Finding(305, first))
    elif _pinched(begin, end, edge, face):
        found.append(Finding(303, first))
    return found


def _edges(faces: Faces, corners: Integers, mine: Integers) -> tuple[Integers, Integers, Integers]:
    """Return begin, end and face of every edge of some faces; edges without length are left out."""
    begins, ends, owners = [], [], []
    for face in mine.tolist():
        for ring in range(faces.face_starts[face], faces.face_starts[face + 1]):
            own = corners[faces.ring_starts[ring] : faces.ring_starts[ring + 1]]
            begins.append(own)
            ends.append(np.roll(own, -1))
            owners.append(np.full(len(own), face))
    begin, end, owner = (np.concatenate(parts).astype(np.int64) for parts in (begins, ends, owners))
    keep = begin != end
    return begin[keep], end[keep], owner[keep]


def _components(edge: Integers, face: Integers, edge_count: int, mine: Integers) -> int:
    """Return into how many parts the faces fall when they hold together by edges."""
    label = np.arange(len(mine))
    place = np.searchsorted(mine, face)
    while True:
        least = np.full(edge_count, len(mine))
        np.minimum.at(least, edge, label[place])
        fresh = label.copy()
        np.minimum.at(fresh, place, least[edge])
        if (fresh == label).all():
            return len(np.unique(label))
        label = fresh


def _pinched(begin: Integers, end: Integers, edge: Integers, face: Integers) -> bool:
    """Say whether the faces around some vertex form more than one fan."""
    vertex = np.concatenate([begin, end])
    owner, of_edge = np.concatenate([face, face]), np.concatenate([edge, edge])
    corner_key = vertex * (int(face.max()) + 1) + owner
    corner_names, corner = np.unique(corner_key, return_inverse=True)
    spoke_names, spoke = np.unique(vertex * (int(edge.max()) + 1) + of_edge, return_inverse=True)
    label = np.arange(len(corner_names))
    corner, spoke = corner.reshape(-1), spoke.reshape(-1)
    while True:
        least = np.full(len(spoke_names), len(label))
        np.minimum.at(least, spoke, label[corner])
        fresh = label.copy()
        np.minimum.at(fresh, corner, least[spoke])
        if (fresh == label).all():
            break
        label = fresh
    of_vertex = corner_names // (int(face.max()) + 1)
    fans = np.unique(np.column_stack([of_vertex, label]), axis=0)
    return bool((np.unique(fans[:, 0], return_counts=True)[1] > 1).any())


def _triangles(faces: Faces, mine: Integers) -> Floats:
    """Return (t, 3, 3) corners of the triangles of some faces, turned as their faces are."""
    normals = faces.normals()
    unit = normals / np.maximum(np.linalg.norm(normals, axis=1), 1e-300)[:, None]
    flat = _laid_flat(faces, unit)
    parts = []
    for face in mine.tolist():
        rings = range(faces.face_starts[face], faces.face_starts[face + 1])
        first, last = faces.ring_starts[rings.start], faces.ring_starts[rings.stop]
        ends = (faces.ring_starts[rings.start + 1 : rings.stop + 1] - first).astype(np.uint32)
        if last - first < 3 or not np.isfinite(flat[first:last]).all():
            continue
        index = mapbox_earcut.triangulate_float64(flat[first:last], ends).astype(np.int64).reshape(-1, 3)
        corners = faces.points[first:last][index]
        crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        turned = (crossed * unit[face]).sum(axis=1) < 0
        corners[turned] = corners[turned][:, ::-1]
        parts.append(corners)
    return np.concatenate(parts) if parts else np.zeros((0, 3, 3))


def _volume(triangles: Floats) -> float:
    """Return the volume that the triangles enclose, negative when they face inward (divergence theorem)."""
    if not len(triangles):
        return 0.0
    moved = triangles - triangles[0, 0]
    return float(np.einsum("ij,ij->i", moved[:, 0], np.cross(moved[:, 1], moved[:, 2])).sum() / 6.0)


def _crosses_itself(triangles: Floats, snap_m: float) -> bool:
    return len(triangles) <= _MOST_TRIANGLES and first_crossing(triangles, triangles, snap_m) is not None


def _nesting(outer: Floats, inner: Floats, snap_m: float) -> list[int]:
    if first_crossing(outer, inner, snap_m) is not None or first_crossing(inner, outer, snap_m) is not None:
        return [401]
    return [] if winding(inner[0].mean(axis=0), outer) > 0.5 else [403]
