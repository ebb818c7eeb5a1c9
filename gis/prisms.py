"""Footprints raised to closed solids: walls and floors by numpy, roofs by earcut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.meshing import Soup, rings_of, triangulated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PrismColours:
    """Colours of n objects, (n, 4) uint8 each: wall at the foot, wall at the top, roof."""

    foot: NDArray[np.uint8]
    top: NDArray[np.uint8]
    roof: NDArray[np.uint8]


def extruded(geometries: NDArray[np.object_], bottoms_m: Floats, tops_m: Floats, colours: PrismColours) -> Soup:
    """Return closed solids over (n,) polygons and multipolygons from `bottoms_m` to `tops_m`, both (n,) local z.

    Each ring point has three vertices: foot and top of the wall, and the roof, so that walls and roofs have
    colours of their own. The floor shares the feet, which makes every solid watertight.

    Examples
    --------
    >>> import shapely
    >>> grey = np.full((1, 4), 200, np.uint8)
    >>> box = np.array([shapely.box(0, 0, 2, 3)])
    >>> soup = extruded(box, np.zeros(1), np.full(1, 4.0), PrismColours(grey, grey, grey))
    >>> len(soup.positions), len(soup.triangles)
    (12, 12)
    """
    rings = rings_of(geometries)
    count = len(rings.points)
    row = rings.rows[rings.point_polygons()] if count else np.zeros(0, np.int64)
    foot = np.column_stack([rings.points, bottoms_m[row]])
    top = np.column_stack([rings.points, tops_m[row]])
    here, after = np.arange(count), rings.following()
    walls = np.concatenate(
        [np.column_stack([here, after, after + count]), np.column_stack([here, after + count, here + count])]
    )
    caps, polygon = triangulated(rings)
    cap_rows = rings.rows[polygon]
    return Soup(
        np.concatenate([foot, top, top]),
        np.concatenate([row, row, row]),
        np.concatenate([walls, caps + 2 * count, caps[:, ::-1]]),
        np.concatenate([row, row, cap_rows, cap_rows]),
        np.concatenate([colours.foot[row], colours.top[row], colours.roof[row]]),
    )
