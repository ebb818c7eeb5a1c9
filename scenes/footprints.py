"""Plans of objects as shapely geometry: from local WKB to projected coordinates and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import shapely

from scenes.schema import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scenes.georeference import Georeference

    Shapes = NDArray[np.object_]
    Floats = NDArray[np.float64]


def local_footprints(table: pa.Table) -> Shapes:
    """Return the plan of each row in local metres, (n,) shapely geometry.

    A row without a footprint gets the middle of its bounds as a point, and None if it has no place at all.
    """
    shapes = shapely.from_wkb(table["footprint"].to_numpy())
    bare = np.flatnonzero(shapely.is_missing(shapes))
    if len(bare):
        picked = table.select(list(BOUNDS)).take(pa.array(bare))
        box = np.column_stack([picked[name].to_numpy().astype(np.float64) for name in BOUNDS])
        known = np.isfinite(box).all(axis=1)
        middle = (box[known, :2] + box[known, 3:5]) / 2
        shapes[bare[known]] = shapely.points(middle)
    return cast("Shapes", shapes)


def projected_footprints(table: pa.Table, georeference: Georeference) -> Shapes:
    """Return the plan of each row in the projected system of the scene, (n,) shapely geometry or None."""
    origin = georeference.origin_m
    return moved(local_footprints(table), lambda points: points + origin[: points.shape[1]])


def moved(shapes: Shapes, function: Callable[[Floats], Floats]) -> Shapes:
    """Return the shapes with a function applied to their (n, 2) or (n, 3) coordinates; None stays None."""
    out = shapes.copy()
    deep = shapely.has_z(shapes)
    for part, include_z in ((~deep, False), (deep, True)):
        if part.any():
            out[part] = shapely.transform(shapes[part], function, include_z=include_z)
    return out


def footprint_column(shapes: Shapes) -> pa.Array:
    """Return shapes as a column of WKB (ISO flavour), null where there is none."""
    return pa.array(shapely.to_wkb(shapes, flavor="iso"), pa.binary())
