"""`Instances`: one small mesh placed many times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.mesh import MeshSet

    Floats = NDArray[np.float64]
    Indices = NDArray[np.uint32]
    Singles = NDArray[np.float32]

_BOUNDS_ROWS = 20_000  # placements that are measured at once


@dataclass(frozen=True, eq=False)
class Instances:
    """One small mesh placed many times: trees, lamps, manholes.

    Parameters
    ----------
    prototype
        The mesh that is repeated; its own rows are ignored. Its origin is the foot of the object.
    rows
        (i,) uint32: the object (row of the batch) that each placement belongs to.
    positions
        (i, 3) float32: feet, relative to the centre of the `MeshSet` that holds them.
    yaw_rad
        (i,) float32: turn about the vertical, anticlockwise from east.
    scales
        (i, 3) float32: factors along x, y, z.
    """

    prototype: MeshSet
    rows: Indices
    positions: Singles
    yaw_rad: Singles
    scales: Singles

    def __len__(self) -> int:
        """Return the number of placements."""
        return len(self.rows)


def take_instances(each: Instances, lookup: NDArray[np.int64]) -> Instances:
    """Return the placements of the rows that `lookup` gives a new number (-1 = none)."""
    keep = lookup[each.rows] >= 0
    return Instances(
        each.prototype,
        lookup[each.rows[keep]].astype(np.uint32),
        each.positions[keep],
        each.yaw_rad[keep],
        each.scales[keep],
    )


def instance_bounds(each: Instances, centre: Floats) -> tuple[Floats, Floats]:
    """Return the least and greatest corner of each placement, exactly: the outermost points of the plan are turned."""
    shape = each.prototype.positions_m
    feet = each.positions.astype(np.float64) + centre
    if not len(shape):
        return feet, feet
    around = shapely.get_coordinates(shapely.convex_hull(shapely.MultiPoint(shape[:, :2])))
    ends = np.outer(each.scales[:, 2], [shape[:, 2].min(), shape[:, 2].max()])
    low, high = np.empty_like(feet), np.empty_like(feet)
    low[:, 2], high[:, 2] = ends.min(axis=1), ends.max(axis=1)
    for first in range(0, len(each), _BOUNDS_ROWS):
        some = slice(first, first + _BOUNDS_ROWS)
        plan = _turned(around, each.yaw_rad[some], each.scales[some])
        low[some, :2], high[some, :2] = plan.min(axis=1), plan.max(axis=1)
    return feet + low, feet + high


def _turned(plan: Floats, yaw_rad: Singles, scales: Singles) -> Floats:
    """Return (v, 2) points of a plan stretched and turned as each of i placements is, (i, v, 2)."""
    x, y = (plan[None, :, axis] * scales[:, axis, None].astype(np.float64) for axis in range(2))
    cos, sin = (turn(yaw_rad.astype(np.float64))[:, None] for turn in (np.cos, np.sin))
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=2)
