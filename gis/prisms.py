"""Footprints raised to closed solids: walls and floors by numpy, roofs by earcut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.meshing import rings_of, triangulated
from scenes.mesh import MeshSet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.meshing import Rings

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PrismColours:
    """Colours of n objects, (n, 4) uint8 each: wall at the foot, wall at the top, roof."""

    foot: NDArray[np.uint8]
    top: NDArray[np.uint8]
    roof: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Prisms:
    """Closed solids over polygons and multipolygons.

    Parameters
    ----------
    rings
        The outlines; the row of each polygon is its object.
    bottoms_m, tops_m
        (n,) local z of each object.
    colours
        Of each object.
    """

    rings: Rings
    bottoms_m: Floats
    tops_m: Floats
    colours: PrismColours

    def mesh(self) -> MeshSet:
        """Return the solids, object by object: first the feet of the walls, then their tops, then the roof.

        The triangles of an object are its walls, its roof and its floor.
        """
        count = len(self.bottoms_m)
        row = self._point_rows()
        points_each = np.bincount(row, minlength=count)
        first = np.cumsum(points_each) - points_each
        foot = np.arange(len(row)) + 2 * first[row]
        top = foot + points_each[row]
        places = foot, top, top + points_each[row]
        triangles, triangles_each = self._triangles(row, places)
        rows = np.flatnonzero(points_each)
        centre, positions = self._positions(row, places)
        return MeshSet(
            centre,
            positions,
            triangles,
            rows.astype(np.uint32),
            np.append(3 * first[rows], 3 * len(row)).astype(np.uint32),
            np.concatenate([[0], np.cumsum(triangles_each[rows])]).astype(np.uint32),
            self._painted(row, places),
        )

    def _point_rows(self) -> Integers:
        return self.rings.rows[self.rings.point_polygons()] if len(self.rings.points) else np.zeros(0, np.int64)

    def _positions(self, row: Integers, places: tuple[Integers, ...]) -> tuple[Floats, NDArray[np.float32]]:
        """Return the centre of all vertices, and the (v, 3) vertices counted from it."""
        points, bottoms, tops = self.rings.points, self.bottoms_m[row], self.tops_m[row]
        positions = np.empty((3 * len(row), 3), np.float32)
        if not len(row):
            return np.zeros(3), positions
        x, y = points.T
        low = np.array([x.min(), y.min(), min(bottoms.min(), tops.min())])
        high = np.array([x.max(), y.max(), max(bottoms.max(), tops.max())])
        centre = (low + high) / 2
        heights = [(z - centre[2]).astype(np.float32) for z in (bottoms, tops)]
        corner = np.empty((len(row), 3), np.float32)
        corner[:, :2] = points - centre[:2]
        for place, z in zip(places, (heights[0], heights[1], heights[1]), strict=True):
            corner[:, 2] = z
            positions[place] = corner
        return centre, positions

    def _painted(self, row: Integers, places: tuple[Integers, ...]) -> NDArray[np.uint8]:
        colours = np.empty((3 * len(row), 4), np.uint8)
        whole = colours.view(np.uint32).ravel()  # four bytes at once
        for place, own in zip(places, (self.colours.foot, self.colours.top, self.colours.roof), strict=True):
            whole[place] = np.ascontiguousarray(own).view(np.uint32).ravel()[row]
        return colours

    def _triangles(self, row: Integers, places: tuple[Integers, ...]) -> tuple[NDArray[np.uint32], Integers]:
        """Return (t, 3) triangles in the order of their objects, and how many each object has."""
        foot, top, roof = (place.astype(np.uint32) for place in places)
        caps, polygon = triangulated(self.rings)
        cap_rows = self.rings.rows[polygon]
        order = np.argsort(cap_rows, kind="stable")
        caps, cap_rows = caps[order], cap_rows[order]
        count = len(self.bottoms_m)
        walls_each, caps_each = np.bincount(row, minlength=count), np.bincount(cap_rows, minlength=count)
        triangles_each = 2 * (walls_each + caps_each)
        begin = np.cumsum(triangles_each) - triangles_each
        wall = np.arange(len(row)) + (begin - (np.cumsum(walls_each) - walls_each))[row]
        cap = np.arange(len(caps)) + (begin + 2 * walls_each - (np.cumsum(caps_each) - caps_each))[cap_rows]
        after = self.rings.following()
        triangles = np.empty((int(triangles_each.sum()), 3), np.uint32)
        triangles[wall] = np.column_stack([foot, foot[after], top[after]])
        triangles[wall + walls_each[row]] = np.column_stack([foot, top[after], top])
        triangles[cap] = roof[caps]
        triangles[cap + caps_each[cap_rows]] = foot[caps[:, ::-1]]
        return triangles, triangles_each


def extruded(geometries: NDArray[np.object_], bottoms_m: Floats, tops_m: Floats, colours: PrismColours) -> Prisms:
    """Return closed solids over (n,) polygons and multipolygons from `bottoms_m` to `tops_m`, both (n,) local z.

    Each ring point has three vertices: foot and top of the wall, and the roof, so that walls and roofs have
    colours of their own. The floor shares the feet, which makes every solid watertight.

    Examples
    --------
    >>> import shapely
    >>> grey = np.full((1, 4), 200, np.uint8)
    >>> box = np.array([shapely.box(0, 0, 2, 3)])
    >>> mesh = extruded(box, np.zeros(1), np.full(1, 4.0), PrismColours(grey, grey, grey)).mesh()
    >>> mesh.vertex_count, mesh.triangle_count
    (12, 12)
    """
    return Prisms(rings_of(geometries), bottoms_m, tops_m, colours)
