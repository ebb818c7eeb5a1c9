"""Where the triangles that a geometry engine made lie in the images of the faces that they came from.

An engine cuts, joins and drops faces as it likes, so the triangles are led back to the faces by their corners, and
where a corner is new, by the plane that they lie in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

_GRID_M = 1.0e-5
_NO_ROUND_NUMBER = 0.381966  # so that no ordinary length lies where rounding turns over
_PLANE_M = 1.0e-3
_ALIKE = 0.99
_STEEP = 0.7071
_MOST_TESTS = 500_000_000  # of a point against a face; a shape that would take longer keeps its colour where it is cut


@dataclass(frozen=True, slots=True)
class Upright:
    """An image that stands upright on every side and lies on top with its upper edge to the back.

    Parameters
    ----------
    per_metre
        How often it repeats in a metre.
    """

    per_metre: float = 1.0

    def places(self, corners_m: Floats) -> Floats:
        """Return the place in the image of each corner of (t, 3, 3) triangles, (t, 3, 2).

        Examples
        --------
        >>> wall = np.array([[[0.0, 0, 0], [4, 0, 0], [4, 0, 3]]])
        >>> Upright().places(wall)[0].tolist()
        [[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]]
        """
        normal = _unit(np.cross(corners_m[:, 1] - corners_m[:, 0], corners_m[:, 2] - corners_m[:, 0]))
        level = np.abs(normal[:, 2]) > _STEEP
        along = np.column_stack([-normal[:, 1], normal[:, 0], np.zeros(len(normal))])
        along[level] = [1.0, 0.0, 0.0]
        along = _unit(along)
        up = np.cross(normal, along)
        up[level & (up[:, 1] < 0)] *= -1
        return np.stack([np.einsum("tcj,tj->tc", corners_m, axis) for axis in (along, up)], axis=2) * self.per_metre


@dataclass(frozen=True, eq=False)
class Faces:
    """Flat faces with a place in an image for each corner.

    Parameters
    ----------
    corners_m
        (c, 3) metres, face after face.
    uvs
        (c, 2).
    starts
        (f + 1,) where each face starts.
    """

    corners_m: Floats
    uvs: Floats
    starts: Longs

    @classmethod
    def of(cls, parts: Sequence[tuple[Floats, Floats]]) -> Faces:
        """Return faces from the (k, 3) corners and (k, 2) places of each; incomplete ones are left out."""
        whole = [
            (corners, uvs)
            for corners, uvs in parts
            if len(corners) == len(uvs) >= 3 and np.isfinite(corners).all() and np.isfinite(uvs).all()
        ]
        if not whole:
            return cls(np.zeros((0, 3)), np.zeros((0, 2)), np.zeros(1, np.int64))
        corners, uvs = (np.concatenate(each) for each in zip(*whole, strict=True))
        return cls(corners, uvs, np.cumsum([0, *(len(each) for each, _ in whole)]).astype(np.int64))

    def places(self, corners_m: Floats) -> Floats:
        """Return the place in the image of each corner of (t, 3, 3) triangles, (t, 3, 2), NaN = no face."""
        found = np.full((*corners_m.shape[:2], 2), np.nan)
        normals = _unit(np.cross(corners_m[:, 1] - corners_m[:, 0], corners_m[:, 2] - corners_m[:, 0]))
        names = _names(corners_m.reshape(-1, 3)).reshape(-1, 3)
        searches = _MOST_TESTS // max(1, len(self.starts) - 1)
        for triangle, (one, two, three) in enumerate(names.tolist()):
            empty: dict[int, int] = {}
            first, second, third = (self._at.get(name, empty) for name in (one, two, three))
            shared = first.keys() & second.keys() & third.keys()
            if shared:
                face = max(shared, key=lambda each: float(self._normals[each] @ normals[triangle]))
                found[triangle] = self.uvs[[first[face], second[face], third[face]]]
            elif searches > 0:
                searches -= 1
                face = self._below(corners_m[triangle].mean(axis=0), normals[triangle])
                if face >= 0:
                    found[triangle] = self._carried(face, corners_m[triangle])
        return found

    def _below(self, point: Floats, normal: Floats) -> int:
        """Return the face that a point lies on, -1 if there is none."""
        low, high = self._boxes
        near = np.flatnonzero((low[0] <= point[0]) & (high[0] >= point[0]))
        for axis in (1, 2):
            near = near[(low[axis, near] <= point[axis]) & (high[axis, near] >= point[axis])]
        normals = self._normals[near]
        off = np.abs(np.einsum("fj,fj->f", point - self.corners_m[self.starts[:-1][near]], normals))
        for face in near[(off < _PLANE_M) & (np.abs(normals @ normal) > _ALIKE)].tolist():
            if _inside(point, self.corners_m[self.starts[face] : self.starts[face + 1]], self._normals[face]):
                return int(face)
        return -1

    def _carried(self, face: int, points_m: Floats) -> Floats:
        """Return the places of (n, 3) points of a face by the linear map that fits its corners best."""
        own = slice(self.starts[face], self.starts[face + 1])
        corners = self.corners_m[own] - self.corners_m[self.starts[face]]
        known = np.column_stack([corners, np.ones(len(corners))])
        fitted = np.linalg.lstsq(known, self.uvs[own], rcond=1e-9)[0]
        points = points_m - self.corners_m[self.starts[face]]
        return np.asarray(np.column_stack([points, np.ones(len(points))]) @ fitted, np.float64)

    @cached_property
    def _at(self) -> dict[int, dict[int, int]]:
        """For each name of a point, its corner in each face that has it."""
        found: dict[int, dict[int, int]] = {}
        face_of = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts)).tolist()
        for corner, (name, face) in enumerate(zip(_names(self.corners_m).tolist(), face_of, strict=True)):
            found.setdefault(name, {})[face] = corner
        return found

    @cached_property
    def _normals(self) -> Floats:
        after = np.arange(1, len(self.corners_m) + 1)
        after[self.starts[1:] - 1] = self.starts[:-1]
        origin = np.repeat(self.corners_m[self.starts[:-1]], np.diff(self.starts), axis=0)
        crossed = np.cross(self.corners_m - origin, self.corners_m[after] - origin)
        return _unit(np.add.reduceat(crossed, self.starts[:-1], axis=0) if len(crossed) else crossed)

    @cached_property
    def _boxes(self) -> tuple[Floats, Floats]:
        """The least and greatest corner of each face, a little wider, both (3, f)."""
        low = np.minimum.reduceat(self.corners_m, self.starts[:-1], axis=0) - _PLANE_M
        high = np.maximum.reduceat(self.corners_m, self.starts[:-1], axis=0) + _PLANE_M
        return np.ascontiguousarray(low.T), np.ascontiguousarray(high.T)


def _names(points_m: Floats) -> Longs:
    """Return a number for each of (n, 3) points that is the same for points in the same place."""
    cells = np.floor(points_m / _GRID_M + _NO_ROUND_NUMBER).astype(np.int64)
    return cells[:, 0] * 73_856_093 ^ cells[:, 1] * 19_349_663 ^ cells[:, 2] * 83_492_791


def _inside(point: Floats, ring: Floats, normal: Floats) -> bool:
    """Say whether a point lies in a flat ring, by the crossings of a ray in the plane that suits it best."""
    drop = int(np.argmax(np.abs(normal)))
    x, y = (axis for axis in range(3) if axis != drop)
    here, after = ring, np.roll(ring, -1, axis=0)
    crosses = (here[:, y] > point[y]) != (after[:, y] > point[y])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = here[:, x] + (point[y] - here[:, y]) / (after[:, y] - here[:, y]) * (after[:, x] - here[:, x])
    return bool((crosses & (at > point[x])).sum() % 2)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return unit
