"""Lines with a width: flat bands with mitred joints and round ends, laid on the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gis.ground import ground_z
from gis.meshing import Soup

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.loading import Ground

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

STEP_M = 10.0
_MITRE_LIMIT = 2.0
_CAP_ANGLES = np.radians([45.0, 90.0, 135.0])


def ribbons(
    geometries: NDArray[np.object_],
    widths_m: Floats,
    lifts_m: Floats,
    colours: NDArray[np.uint8],
    ground: Ground | None,
) -> Soup:
    """Return bands along (n,) lines, `widths_m` wide and `lifts_m` above the ground.

    `ground` None means level ground at local zero; otherwise lines get a point at least every 10 m. Lines with
    heights of their own keep them (and are lifted by at most 0.6 m, so that roads lie on what they lie on).
    """
    points, line, rows = _points_of(geometries, ground is not None)
    own_z, points = points[:, 2], points[:, :2]
    if not len(points):
        nothing = np.zeros(0, np.int64)
        return Soup(np.zeros((0, 3)), nothing, nothing.reshape(0, 3), nothing, np.zeros((0, 4), np.uint8))
    before, after, is_start, is_end = _neighbours(points, line)
    row = rows[line]
    half = widths_m[row] / 2
    across = _mitres(points, before, after) * half[:, None]
    count = len(points)
    here = np.flatnonzero(~is_end)
    flat = np.concatenate([points + across, points - across])
    bands = np.concatenate(
        [
            np.column_stack([here, here + count, here + count + 1]),
            np.column_stack([here, here + count + 1, here + 1]),
        ]
    )
    closed = before[is_start] != np.flatnonzero(is_start)
    starts, ends = np.flatnonzero(is_start)[~closed], np.flatnonzero(is_end)[~closed]
    cap_points, caps, cap_at = _caps(points, across, np.concatenate([starts, ends]), len(starts), count)
    flat = np.concatenate([flat, cap_points])
    vertex_rows = np.concatenate([row, row, row[cap_at]])
    triangles = np.concatenate([bands, caps])
    triangles = _upward(flat, triangles)
    z = ground_z(ground, flat[:, 0], flat[:, 1]) + lifts_m[vertex_rows]
    own = np.concatenate([own_z, own_z, own_z[cap_at]])
    z = np.where(np.isnan(own), z, own + np.clip(lifts_m[vertex_rows], 0.0, 0.6))
    return Soup(np.column_stack([flat, z]), vertex_rows, triangles, vertex_rows[triangles[:, 0]], colours[vertex_rows])


def _points_of(geometries: NDArray[np.object_], dense: bool) -> tuple[Floats, Integers, Integers]:
    """Return (p, 3) points without repeats (z NaN where a line has none), the line of each, and the row of each."""
    parts, rows = shapely.get_parts(geometries, return_index=True)
    keep = np.isin(shapely.get_type_id(parts), (1, 2)) & (shapely.length(parts) > 1e-4)
    parts, rows = parts[keep], rows[keep].astype(np.int64)
    if dense and len(parts):
        parts = shapely.segmentize(parts, STEP_M)
    points, line = shapely.get_coordinates(parts, include_z=True, return_index=True)
    line = line.astype(np.int64)
    repeated = np.zeros(len(points), bool)
    repeated[1:] = (line[1:] == line[:-1]) & (np.abs(np.diff(points[:, :2], axis=0)).max(axis=1, initial=0.0) < 1e-4)
    points, line = points[~repeated], line[~repeated]
    sizes = np.bincount(line, minlength=len(parts))
    long_enough = sizes[line] >= 2
    used, line = np.unique(line[long_enough], return_inverse=True)
    return points[long_enough], line.astype(np.int64), rows[used]


def _neighbours(points: Floats, line: Integers) -> tuple[Integers, Integers, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the points before and after each (itself at an open end), and which points start or end a line."""
    count = len(points)
    is_start = np.ones(count, bool)
    is_start[1:] = line[1:] != line[:-1]
    is_end = np.append(is_start[1:], True)
    before, after = np.arange(count) - 1, np.arange(count) + 1
    first, last = np.flatnonzero(is_start), np.flatnonzero(is_end)
    closed = (np.abs(points[first] - points[last]).max(axis=1) < 1e-4) & (last - first >= 3)
    before[first] = np.where(closed, last - 1, first)
    after[last] = np.where(closed, first + 1, last)
    return before, after, is_start, is_end


def _mitres(points: Floats, before: Integers, after: Integers) -> Floats:
    """Return the way from each point to the left edge of a band of half width 1."""
    incoming, outgoing = points - points[before], points[after] - points
    open_start = (incoming == 0).all(axis=1)
    open_end = (outgoing == 0).all(axis=1)
    incoming[open_start] = outgoing[open_start]
    outgoing[open_end] = incoming[open_end]
    one = incoming / np.maximum(np.linalg.norm(incoming, axis=1, keepdims=True), 1e-9)
    two = outgoing / np.maximum(np.linalg.norm(outgoing, axis=1, keepdims=True), 1e-9)
    left = np.column_stack([-(one[:, 1] + two[:, 1]), one[:, 0] + two[:, 0]])
    cosine = (one * two).sum(axis=1)
    mitre: Floats = left / np.maximum(1 + cosine, 1e-6)[:, None]
    sharp = 1 + cosine < 2 / _MITRE_LIMIT**2
    size = np.maximum(np.linalg.norm(mitre, axis=1), 1e-9)
    mitre[sharp] *= (_MITRE_LIMIT / size[sharp])[:, None]
    back = cosine < -0.999  # the line turns on its heel: any direction across will do
    mitre[back] = np.column_stack([-one[back, 1], one[back, 0]])
    return mitre


def _caps(
    points: Floats, across: Floats, ends: Integers, start_count: int, count: int
) -> tuple[Floats, Integers, Integers]:
    """Return points and triangles of half discs at open ends (the first `start_count` are beginnings)."""
    sign = np.where(np.arange(len(ends)) < start_count, 1.0, -1.0)[:, None]
    left = across[ends]
    outward = np.column_stack([-left[:, 1], left[:, 0]]) * sign
    arcs = [points[ends] + np.cos(angle) * left + np.sin(angle) * outward for angle in _CAP_ANGLES]
    base = 2 * count
    one, two, three = (base + k * len(ends) + np.arange(len(ends)) for k in range(3))
    triangles = np.concatenate(
        [
            np.column_stack([ends, one, two]),
            np.column_stack([ends, two, three]),
            np.column_stack([ends, three, ends + count]),
        ]
    )
    return np.concatenate(arcs), triangles, np.tile(ends, 3)


def _upward(points: Floats, triangles: Integers) -> Integers:
    """Return the triangles turned so that all face up."""
    corner = points[triangles]
    one, two = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    down = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0] < 0
    return np.where(down[:, None], triangles[:, ::-1], triangles)
