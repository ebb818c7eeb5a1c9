"""Lines of maps as round pipes: at their own heights, or at a depth below the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gis.ground import ground_z
from gis.ribbons import STEP_M
from gis.tubes import Lines, tubes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.meshing import Soup
    from scenes.loading import Ground

    Floats = NDArray[np.float64]


def piped(
    geometries: NDArray[np.object_],
    diameters_m: Floats,
    depths_m: Floats,
    colours: NDArray[np.uint8],
    ground: Ground | None,
) -> Soup:
    """Return tubes along (n,) lines.

    Parameters
    ----------
    geometries
        Local metres; what is no line is passed over. A z is the height of the axis.
    diameters_m
        (n,) outer diameters.
    depths_m
        (n,) depth of the axis below the ground, for lines without z.
    colours
        (n, 4).
    ground
        The terrain; None means level at zero.

    Examples
    --------
    >>> way = np.array([shapely.LineString([(0, 0), (100, 0)])])
    >>> soup = piped(way, np.array([0.5]), np.array([2.0]), np.full((1, 4), 200, np.uint8), None)
    >>> round(float(soup.positions[:, 2].mean()), 6)
    -2.0
    """
    parts, rows = shapely.get_parts(geometries, return_index=True)
    keep = np.isin(shapely.get_type_id(parts), (1, 2)) & (shapely.length(parts) > 1e-4)
    parts, rows = parts[keep], rows[keep].astype(np.int64)
    if ground is not None and len(parts):
        parts = shapely.segmentize(parts, STEP_M)
    points, line = shapely.get_coordinates(parts, include_z=True, return_index=True)
    flat = ~np.isfinite(points[:, 2])
    points[flat, 2] = ground_z(ground, points[flat, 0], points[flat, 1]) - depths_m[rows[line[flat]]]
    starts = np.searchsorted(line, np.arange(len(parts) + 1))
    return tubes(Lines.round(points, starts, diameters_m[rows], rows), colours[rows])
