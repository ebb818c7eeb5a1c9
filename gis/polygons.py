"""Many polygons in space in flat arrays: cleaned, measured, and laid into their own planes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

LEAST_AREA_M2 = 1e-9


@dataclass(frozen=True, eq=False)
class PolygonBlock:
    """Polygons with holes, one behind another.

    Parameters
    ----------
    points
        (p, 3) local metres, ring after ring.
    lengths
        (r,) points of each ring.
    ring_counts
        (g,) rings of each polygon; the first is the outside and turns anticlockwise seen from outside.
    rows
        (g,) object of each polygon.
    paints
        (g,) colour of each, as a place in the palette of its collector; 0 = by what it is.
    semantics
        (g,) code of `scenes.semantics`.
    images
        (g,) picture of each, -1 = none.
    uvs
        (p, 2) place of each point in its picture, None where no polygon has one.
    """

    points: Floats
    lengths: Integers
    ring_counts: Integers
    rows: Integers
    paints: Integers
    semantics: Integers
    images: Integers
    uvs: Floats | None = None

    def __len__(self) -> int:
        """Return the number of polygons."""
        return len(self.rows)

    def ring_polygons(self) -> Integers:
        """Return the polygon of each ring, (r,)."""
        return np.repeat(np.arange(len(self)), self.ring_counts)

    def outer(self) -> Integers:
        """Return the first ring of each polygon, (g,)."""
        return np.cumsum(self.ring_counts) - self.ring_counts

    def take(self, chosen: Bools) -> PolygonBlock:
        """Return some polygons, in the order they have."""
        if chosen.all():
            return self
        rings = np.repeat(chosen, self.ring_counts)
        return self._kept(rings, chosen)

    def opened(self) -> PolygonBlock:
        """Return the polygons without the points that close their rings."""
        ends = np.cumsum(self.lengths)
        some = self.lengths > 1
        closed = np.zeros(len(self.lengths), bool)
        first, last = (ends - self.lengths)[some], ends[some] - 1
        closed[some] = (self.points[first] == self.points[last]).all(axis=1)
        keep = np.ones(len(self.points), bool)
        keep[ends[closed] - 1] = False
        uvs = None if self.uvs is None else self.uvs[keep]
        return replace(self, points=self.points[keep], lengths=self.lengths - closed, uvs=uvs)

    def sound(self) -> tuple[PolygonBlock, Floats, Bools]:
        """Return the polygons that have an area, their (g, 3) unit normals, and which of all they are.

        Rings of fewer than three points are dropped.
        """
        normals = newell(self.points, self.lengths)[self.outer()] if len(self.points) else np.zeros((len(self), 3))
        sizes = np.linalg.norm(normals, axis=1)
        lengths = np.append(self.lengths, 0)[self.outer()] if len(self) else self.ring_counts
        good = (sizes > 2 * LEAST_AREA_M2) & (lengths >= 3) & (self.ring_counts > 0)
        rings = (self.lengths >= 3) & good[self.ring_polygons()]
        return self._kept(rings, good), normals[good] / sizes[good][:, None], good

    def _kept(self, rings: Bools, polygons: Bools) -> PolygonBlock:
        points = np.repeat(rings, self.lengths)
        counts = np.bincount(self.ring_polygons()[rings], minlength=len(self))[polygons]
        return PolygonBlock(
            self.points[points],
            self.lengths[rings],
            counts.astype(np.int64),
            self.rows[polygons],
            self.paints[polygons],
            self.semantics[polygons],
            self.images[polygons],
            None if self.uvs is None else self.uvs[points],
        )


def joined_blocks(blocks: Sequence[PolygonBlock]) -> PolygonBlock:
    """Return several blocks as one."""
    if len(blocks) == 1:
        return blocks[0]
    uvs = None
    if any(block.uvs is not None for block in blocks):
        uvs = np.concatenate([np.zeros((len(b.points), 2)) if b.uvs is None else b.uvs for b in blocks])
    names = ("lengths", "ring_counts", "rows", "paints", "semantics", "images")
    none = np.zeros(0, np.int64)
    flat = {name: np.concatenate([none, *(getattr(block, name) for block in blocks)]) for name in names}
    return PolygonBlock(np.concatenate([np.zeros((0, 3)), *(block.points for block in blocks)]), **flat, uvs=uvs)


def newell(points: Floats, lengths: Integers) -> Floats:
    """Return the normal of each ring, (r, 3), its length twice the area (Newell's method).

    Examples
    --------
    >>> newell(np.array([[0, 0, 5], [2, 0, 5], [2, 3, 5.0]]), np.array([3])).tolist()
    [[0.0, 0.0, 6.0]]
    """
    ring = np.repeat(np.arange(len(lengths)), lengths)
    starts = np.cumsum(lengths) - lengths
    relative = points - points[starts[ring]]
    after = np.arange(1, len(points) + 1)
    full = lengths > 0
    after[(starts + lengths)[full] - 1] = starts[full]
    x, y, z = relative.T
    u, v, w = relative[after].T
    crossed = (y * w - z * v, z * u - x * w, x * v - y * u)
    return np.column_stack([np.bincount(ring, part, minlength=len(lengths)) for part in crossed])


def flattened(points: Floats, anchors: Floats, normals: Floats, owner: Integers) -> Floats:
    """Return (n, 2) coordinates in the plane of each point's polygon, anticlockwise seen against the normal."""
    helper = np.eye(3)[np.argmin(np.abs(normals), axis=1)]
    u = np.cross(helper, normals)
    u /= np.maximum(np.linalg.norm(u, axis=1), 1e-12)[:, None]
    v = np.cross(normals, u)
    relative = points - anchors[owner]
    return np.column_stack(
        [np.einsum("ij,ij->i", relative, u[owner]), np.einsum("ij,ij->i", relative, v[owner])],
    )
