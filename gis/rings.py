"""Where the rings of many polygons end, without making an object of each ring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]


def ring_sizes(polygons: NDArray[np.object_]) -> tuple[Integers, Integers]:
    """Return the points of each ring (the closing one counted), and how many rings each of (n,) polygons has.

    Rings come in the order of ``shapely.get_coordinates``. Only polygons with holes are taken apart.

    Examples
    --------
    >>> ring = shapely.box(0, 0, 9, 9).difference(shapely.box(1, 1, 2, 2))
    >>> sizes, rings = ring_sizes(np.array([shapely.box(0, 0, 1, 1), ring]))
    >>> sizes.tolist(), rings.tolist()
    ([5, 5, 5], [1, 2])
    """
    rings = np.where(shapely.is_empty(polygons), 0, shapely.get_num_interior_rings(polygons) + 1).astype(np.int64)
    holed = rings > 1
    first = np.cumsum(rings) - rings
    sizes = np.zeros(int(rings.sum()), np.int64)
    plain = rings == 1
    sizes[first[plain]] = shapely.get_num_coordinates(polygons[plain])
    if holed.any():
        own, of = shapely.get_rings(polygons[holed], return_index=True)
        within = np.arange(len(own)) - np.searchsorted(of, of)
        sizes[first[holed][of] + within] = shapely.get_num_coordinates(own)
    return sizes, rings
