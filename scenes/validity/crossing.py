"""Whether surfaces go through each other: segments against triangles, and what lies inside what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_EDGE_SHARE = 1e-7
_BLOCK = 512


def first_crossing(first: Floats, second: Floats, snap_m: float) -> Floats | None:
    """Return a point where an edge of the first (t, 3, 3) triangles goes through one of the second, None if none does.

    Both ends of the edge must lie more than twice the tolerance beyond the triangle, and the point more than the
    tolerance inside its rim, so that surfaces that only touch do not count. Moeller and Trumbore (1997), "Fast,
    minimum storage ray/triangle intersection", for segments.

    Examples
    --------
    >>> floor = np.array([[[0, 0, 0], [9, 0, 0], [0, 9, 0]]], float)
    >>> blade = np.array([[[1, 1, -1], [1, 1, 1], [2, 1, 5]]], float)
    >>> first_crossing(blade, floor, 0.001).tolist(), first_crossing(blade + [0, 0, 1], floor, 0.001)
    ([1.0, 1.0, 0.0], None)
    """
    ends = np.concatenate([first[:, [0, 1]], first[:, [1, 2]], first[:, [2, 0]]])
    swapped = (ends[:, 0] > ends[:, 1]) & (ends[:, 0] != ends[:, 1])
    first_axis = np.where(swapped.any(axis=1), swapped.argmax(axis=1), 0)
    turn = swapped[np.arange(len(ends)), first_axis]
    ends[turn] = ends[turn][:, ::-1]
    ends = np.unique(ends.reshape(-1, 6), axis=0).reshape(-1, 2, 3)
    low, high = second.min(axis=1), second.max(axis=1)
    reach_low, reach_high = low.min(axis=0, initial=np.inf), high.max(axis=0, initial=-np.inf)
    ends = ends[(ends.min(axis=1) <= reach_high).all(axis=1) & (ends.max(axis=1) >= reach_low).all(axis=1)]
    for block in range(0, len(ends), _BLOCK):
        segments = ends[block : block + _BLOCK]
        near = (segments.min(axis=1)[:, None] <= high[None]).all(axis=2)
        near &= (segments.max(axis=1)[:, None] >= low[None]).all(axis=2)
        which, face = np.nonzero(near)
        if len(which):
            hits, share = _hits(segments[which], second[face], snap_m)
            if hits.any():
                hit = int(np.flatnonzero(hits)[0])
                begin, end = segments[which[hit]]
                point: Floats = begin + share[hit] * (end - begin)
                return point
    return None


def _hits(segments: Floats, triangles: Floats, snap_m: float) -> tuple[Bools, Floats]:
    """Say which (k, 2, 3) segments pass through their (k, 3, 3) triangle, and at which share of their length."""
    begin, way = segments[:, 0], segments[:, 1] - segments[:, 0]
    one, two = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    across = np.cross(way, two)
    determinant = (one * across).sum(axis=1)
    length = np.maximum(np.linalg.norm(way, axis=1), 1e-300)
    doubled = np.linalg.norm(np.cross(one, two), axis=1)
    steep = np.abs(determinant) > 1e-9 * np.maximum(doubled * length, 1e-300)
    safe = np.where(steep, determinant, 1.0)
    offset = begin - triangles[:, 0]
    u = (offset * across).sum(axis=1) / safe
    lifted = np.cross(offset, one)
    v = (way * lifted).sum(axis=1) / safe
    t = (two * lifted).sum(axis=1) / safe
    slack = snap_m / np.maximum(np.sqrt(doubled), 1e-9) + _EDGE_SHARE
    inside = (u > slack) & (v > slack) & (u + v < 1 - slack)
    within = (t > 2 * snap_m / length) & (t < 1 - 2 * snap_m / length)
    return steep & inside & within, t


def winding(point: Floats, triangles: Floats) -> float:
    """Return how often (t, 3, 3) triangles wind around a (3,) point: 1 inside a closed surface, 0 outside.

    van Oosterom and Strackee (1983), "The solid angle of a plane triangle".
    """
    a, b, c = (triangles[:, corner] - point for corner in range(3))
    la, lb, lc = (np.linalg.norm(each, axis=1) for each in (a, b, c))
    top = np.einsum("ij,ij->i", a, np.cross(b, c))
    bottom = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
    return float(abs(2.0 * np.arctan2(top, bottom).sum()) / (4.0 * np.pi))
