"""Rings and polygons in space: too few points, repeats, self-intersection, flatness, holes in their places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

SNAP_M = 0.001
FLAT_M = 0.01


class Finding(NamedTuple):
    """One error: its code, and the number of the face (or of the first face of the shell) that has it."""

    code: int
    face: int


@dataclass(frozen=True, eq=False)
class Faces:
    """Polygons in space, ring by ring, without the closing point.

    Parameters
    ----------
    points
        (n, 3) metres.
    ring_starts
        (r + 1,) first point of each ring.
    face_starts
        (f + 1,) first ring of each face; its first ring is the outer one.
    shells
        (f,) number of the shell of each face, ascending; -1 where a face belongs to no shell.
    closed
        (r,) whether each ring was given closed.

    Examples
    --------
    >>> faces = Faces.of([[[[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.5]]]])
    >>> [finding.code for finding in check_faces(faces)]
    [203]
    """

    points: Floats
    ring_starts: Integers
    face_starts: Integers
    shells: Integers
    closed: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        faces: Sequence[Sequence[Sequence[Sequence[float]]]],
        shells: Sequence[int] | None = None,
        closed: Sequence[bool] | None = None,
    ) -> Faces:
        """Return faces from nested lists: face, ring, point; the closing point may be there or not."""
        rings = [np.asarray(ring, np.float64).reshape(-1, 3) for face in faces for ring in face]
        rings = [ring[:-1] if len(ring) > 1 and (ring[0] == ring[-1]).all() else ring for ring in rings]
        points = np.concatenate(rings) if rings else np.zeros((0, 3))
        return cls(
            points,
            _starts([len(ring) for ring in rings]),
            _starts([len(face) for face in faces]),
            np.full(len(faces), -1, np.int64) if shells is None else np.asarray(shells, np.int64),
            np.ones(len(rings), bool) if closed is None else np.asarray(closed, bool),
        )

    def __len__(self) -> int:
        """Return the number of faces."""
        return len(self.face_starts) - 1

    @property
    def ring_face(self) -> Integers:
        """The face of each ring, (r,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.face_starts))

    @property
    def point_ring(self) -> Integers:
        """The ring of each point, (n,)."""
        return np.repeat(np.arange(len(self.ring_starts) - 1), np.diff(self.ring_starts))

    def normals(self) -> Floats:
        """Return (f, 3) normals of the outer rings, as long as twice the area (Newell's method)."""
        starts = self.ring_starts[self.face_starts[:-1]]
        ends = self.ring_starts[self.face_starts[:-1] + 1]
        lengths = ends - starts
        index = np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        following = index + 1
        following[np.cumsum(lengths)[lengths > 0] - 1] = starts[lengths > 0]
        face = np.repeat(np.arange(len(self)), lengths)
        origin = self.points[starts[face]]
        crossed = np.cross(self.points[index] - origin, self.points[following] - origin)
        return np.column_stack([np.bincount(face, crossed[:, axis], minlength=len(self)) for axis in range(3)])


def check_faces(faces: Faces, snap_m: float = SNAP_M, flat_m: float = FLAT_M) -> list[Finding]:
    """Return what is wrong with rings and polygons, face by face.

    Parameters
    ----------
    faces
        What to check.
    snap_m
        Points nearer than this are the same.
    flat_m
        How far a point may lie from the plane of its polygon.
    """
    if not len(faces):
        return []
    found = [*_rings(faces, snap_m)]
    broken = {finding.face for finding in found if finding.code == 101}
    normals = faces.normals()
    sizes = np.linalg.norm(normals, axis=1)
    good = (sizes > snap_m * snap_m) & ~np.isin(np.arange(len(faces)), list(broken))
    found += [Finding(104, int(face)) for face in np.flatnonzero(~good) if face not in broken]
    unit = np.divide(normals, np.maximum(sizes, 1e-300)[:, None])
    found += [Finding(203, int(face)) for face in np.flatnonzero(good & (_unevenness(faces, unit) > flat_m))]
    found += _plane_findings(faces, unit, good)
    return sorted(set(found), key=lambda finding: (finding.face, finding.code))


def _rings(faces: Faces, snap_m: float) -> Iterator[Finding]:
    lengths, ring_face = np.diff(faces.ring_starts), faces.ring_face
    for open_ring in np.flatnonzero(~faces.closed):
        yield Finding(103, int(ring_face[open_ring]))
    for short in np.flatnonzero(lengths < 3):
        yield Finding(101, int(ring_face[short]))
    if not len(faces.points):
        return
    ring = faces.point_ring
    following = np.arange(1, len(faces.points) + 1)
    filled = lengths > 0
    following[faces.ring_starts[1:][filled] - 1] = faces.ring_starts[:-1][filled]
    steps = np.linalg.norm(faces.points[following] - faces.points, axis=1)
    for each in np.unique(ring[(steps <= snap_m) & (lengths[ring] >= 3)]):
        yield Finding(102, int(ring_face[each]))


def _unevenness(faces: Faces, unit: Floats) -> Floats:
    """Return how far the farthest point of each face lies from its mean plane, (f,) metres."""
    face = faces.ring_face[faces.point_ring]
    counts = np.maximum(np.bincount(face, minlength=len(faces)), 1)
    centre = np.column_stack(
        [np.bincount(face, faces.points[:, axis], minlength=len(faces)) / counts for axis in range(3)]
    )
    distance = np.abs(((faces.points - centre[face]) * unit[face]).sum(axis=1))
    result = np.zeros(len(faces))
    np.maximum.at(result, face, distance)
    return result


def _plane_findings(faces: Faces, unit: Floats, good: NDArray[np.bool_]) -> list[Finding]:
    """Return what shows when each face is laid flat: crossings, and holes that are not where they belong."""
    flat = _laid_flat(faces, unit)
    long_enough = np.diff(faces.ring_starts) >= 3
    ring_face = faces.ring_face
    usable = np.flatnonzero(long_enough & good[ring_face])
    rings = np.full(len(long_enough), None, object)
    picked = [flat[faces.ring_starts[ring] : faces.ring_starts[ring + 1]] for ring in usable]
    if picked:
        owner = np.repeat(np.arange(len(picked)), [len(part) for part in picked])
        rings[usable] = shapely.linearrings(np.concatenate(picked), indices=owner)
    polygons = shapely.polygons(rings[usable]) if len(usable) else np.zeros(0, object)
    crossed = usable[~shapely.is_valid(polygons)] if len(usable) else usable
    found = [Finding(104, int(face)) for face in np.unique(ring_face[crossed])]
    holes = np.flatnonzero((np.diff(faces.face_starts) > 1) & good)
    bad = set(ring_face[crossed].tolist())
    for face in holes.tolist():
        own = [ring for ring in range(faces.face_starts[face], faces.face_starts[face + 1]) if rings[ring] is not None]
        if face not in bad and len(own) > 1:
            found += [Finding(code, face) for code in _hole_codes([rings[ring] for ring in own])]
    return found


def _hole_codes(rings: list[shapely.LinearRing]) -> set[int]:
    outer, inner = shapely.Polygon(rings[0]), [shapely.Polygon(ring) for ring in rings[1:]]
    codes = set[int]()
    if any(shapely.is_ccw(ring) == shapely.is_ccw(rings[0]) for ring in rings[1:]):
        codes.add(208)
    for number, hole in enumerate(inner):
        if not outer.intersects(hole) or outer.touches(hole):
            codes.add(206)
        elif not outer.covers(hole):
            codes.add(201)
        for other in inner[:number]:
            if other.contains(hole) or hole.contains(other):
                codes.add(207)
            elif other.overlaps(hole) or shapely.intersection(other.exterior, hole.exterior).length > 0:
                codes.add(201)
    return codes


def _laid_flat(faces: Faces, unit: Floats) -> Floats:
    """Return (n, 2) coordinates in the plane of each point's face."""
    helper = np.eye(3)[np.argmin(np.abs(unit), axis=1)]
    u = np.cross(helper, unit)
    u /= np.maximum(np.linalg.norm(u, axis=1), 1e-12)[:, None]
    v = np.cross(unit, u)
    face = faces.ring_face[faces.point_ring]
    first = np.minimum(faces.ring_starts[faces.face_starts[:-1]], max(len(faces.points) - 1, 0))
    relative = faces.points - faces.points[first][face]
    return np.column_stack([(relative * u[face]).sum(axis=1), (relative * v[face]).sum(axis=1)])


def _starts(counts: Sequence[int]) -> Integers:
    return np.concatenate([[0], np.cumsum(np.asarray(counts, np.int64))]).astype(np.int64)
