"""Façades as grids of cells: walls are gathered into panels, panels are cut into cells, all in whole arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

WALL_SLOPE = 0.3  # a wall leans less than this sine from the vertical
_SAME_AZIMUTH_DEG = 0.5
_SAME_PLANE_M = 0.05
_WIDEST_TURN_DEG = 5.0
_INSIDE = 1e-6
_CHUNK = 4_000_000


@dataclass(frozen=True, eq=False)
class Panels:
    """Flat pieces of façade: the coplanar wall triangles of one object.

    Parameters
    ----------
    objects
        (p,) index of the object of each panel.
    normals
        (p, 3) outward unit vectors.
    across, up
        (p, 3) unit vectors in the plane: to the right seen from outside (horizontal), and up.
    low, size
        (p, 2) least coordinates along `across` and `up`, and the extent, metres.
    depths
        (p,) place of the plane along its normal, metres.
    triangles
        (t, 3, 2) corners in plane coordinates.
    triangle_panels
        (t,) panel of each triangle.
    """

    objects: Integers
    normals: Floats
    across: Floats
    up: Floats
    low: Floats
    size: Floats
    depths: Floats
    triangles: Floats
    triangle_panels: Integers

    def __len__(self) -> int:
        """Return the number of panels."""
        return len(self.objects)

    def area_m2(self) -> float:
        """Return the area of all panels."""
        edge = self.triangles[:, 1:] - self.triangles[:, :1]
        return float(np.abs(edge[:, 0, 0] * edge[:, 1, 1] - edge[:, 0, 1] * edge[:, 1, 0]).sum() / 2)

    def place(self, panels: Integers, along: Floats) -> Floats:
        """Return (n, 3) points from plane coordinates (n, 2) on panels (n,)."""
        placed: Floats = (
            self.across[panels] * along[:, :1]
            + self.up[panels] * along[:, 1:]
            + self.normals[panels] * self.depths[panels, None]
        )
        return placed


@dataclass(frozen=True, eq=False)
class Cells:
    """Equal rectangles on panels, those whose middle lies on the wall.

    Parameters
    ----------
    panels
        (n,) panel of each cell.
    columns, rows
        (n,) place in the grid of the panel.
    step
        (p, 2) width and height of the cells of each panel, metres.
    """

    panels: Integers
    columns: Integers
    rows: Integers
    step: Floats

    def __len__(self) -> int:
        """Return the number of cells."""
        return len(self.panels)

    def middles(self, panels: Panels) -> Floats:
        """Return the (n, 2) middles in plane coordinates."""
        place = np.column_stack([self.columns, self.rows]) + 0.5
        middles: Floats = panels.low[self.panels] + place * self.step[self.panels]
        return middles

    def areas(self) -> Floats:
        """Return the (n,) areas in square metres."""
        areas: Floats = self.step[self.panels].prod(axis=1)
        return areas

    def corners(self, panels: Panels) -> Floats:
        """Return the (n, 4, 3) corners, anticlockwise seen from outside."""
        middle, half = self.middles(panels), self.step[self.panels] / 2
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
        around = [panels.place(self.panels, middle + half * sign) for sign in signs]
        return np.stack(around, axis=1)


def gather_panels(corners_m: Floats, objects: Integers) -> Panels:
    """Return the panels of (t, 3, 3) triangles of objects (t,); roofs, floors and slivers are left out.

    Triangles of one object are put together when their azimuths and planes follow each other closely; sorted
    gaps decide, so that no rounding boundary can split a wall.
    """
    cross = np.cross(corners_m[:, 1] - corners_m[:, 0], corners_m[:, 2] - corners_m[:, 0])
    twice = np.linalg.norm(cross, axis=1)
    slope = np.divide(cross[:, 2], twice, out=np.ones_like(twice), where=twice > 0)
    wall = (twice > 1e-3) & (np.abs(slope) < WALL_SLOPE)
    corners, owner, weight = corners_m[wall], objects[wall], cross[wall]
    azimuth = np.degrees(np.arctan2(weight[:, 1], weight[:, 0]))
    # The seam of the circle lies at an odd angle, where few walls are.
    azimuth = np.mod(azimuth + 0.377, 360.0)
    lean = np.degrees(np.arcsin(np.clip(slope[wall], -1, 1)))
    groups = _chained([owner], azimuth, _SAME_AZIMUTH_DEG)
    first = np.full(groups.max(initial=-1) + 1, np.inf)
    np.minimum.at(first, groups, azimuth)
    groups = _codes([groups, ((azimuth - first[groups]) // _WIDEST_TURN_DEG).astype(np.int64)])
    groups = _chained([groups], lean, 1.0)
    normals = _sums(weight, groups)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    depth = np.einsum("ij,ij->i", normals[groups], corners.mean(axis=1))
    panel = _chained([groups], depth, _SAME_PLANE_M)
    return _framed(corners, owner, weight, panel)


def _framed(corners: Floats, owner: Integers, weight: Floats, panel: Integers) -> Panels:
    """Give each panel its axes and put the triangles into them."""
    count = int(panel.max(initial=-1)) + 1
    normals = _sums(weight, panel)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    across = np.column_stack([-normals[:, 1], normals[:, 0], np.zeros(count)])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    up = np.cross(normals, across)
    flat = np.stack(
        [np.einsum("tcj,tj->tc", corners, across[panel]), np.einsum("tcj,tj->tc", corners, up[panel])], axis=2
    )
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    np.minimum.at(low, panel, flat.min(axis=1))
    np.maximum.at(high, panel, flat.max(axis=1))
    objects = np.zeros(count, np.int64)
    objects[panel] = owner
    depths = np.zeros(count)
    np.add.at(depths, panel, np.einsum("ij,ij->i", normals[panel], corners.mean(axis=1)))
    depths /= np.maximum(np.bincount(panel, minlength=count), 1)
    return Panels(objects, normals, across, up, low, high - low, depths, flat, panel)


def cut_cells(panels: Panels, resolution_m: float) -> Cells:
    """Return cells of at most `resolution_m` on every panel; a panel has at least one column and one row."""
    counts = np.maximum(np.ceil(panels.size / resolution_m - 1e-6), 1.0)
    step = np.maximum(panels.size / counts, 1e-6)
    owner = panels.triangle_panels
    scaled = (panels.triangles - panels.low[owner][:, None]) / step[owner][:, None]
    least = np.maximum(np.ceil(scaled.min(axis=1) - 0.5 - _INSIDE), 0).astype(np.int64)
    most = np.minimum(np.floor(scaled.max(axis=1) - 0.5 + _INSIDE), counts[owner] - 1).astype(np.int64)
    wide, tall = np.maximum(most - least + 1, 0).T
    found: list[Integers] = []
    ends = np.cumsum(wide * tall)
    start = 0
    while start < len(owner):
        before = ends[start - 1] if start else 0
        stop = max(int(np.searchsorted(ends, before + _CHUNK, "right")), start + 1)
        part = slice(start, stop)
        found.append(_inside(scaled[part], least[part], wide[part], tall[part], owner[part]))
        start = stop
    cells = np.unique(np.concatenate(found), axis=0) if found else np.zeros((0, 3), np.int64)
    return Cells(cells[:, 0], cells[:, 1], cells[:, 2], step)


def _inside(scaled: Floats, least: Integers, wide: Integers, tall: Integers, owner: Integers) -> Integers:
    """Return (n, 3) panel, column, row of the cells whose middle lies in a triangle."""
    sizes = wide * tall
    which = np.repeat(np.arange(len(sizes)), sizes)
    rank = np.arange(len(which)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    column = least[which, 0] + rank % np.maximum(wide[which], 1)
    row = least[which, 1] + rank // np.maximum(wide[which], 1)
    point = np.column_stack([column, row]) + 0.5
    a, b, c = (scaled[which, corner] for corner in range(3))
    turns = np.stack([_turn(a, b, point), _turn(b, c, point), _turn(c, a, point)], axis=1)
    keep = (turns >= -_INSIDE).all(axis=1) | (turns <= _INSIDE).all(axis=1)
    return np.column_stack([owner[which], column, row])[keep]


def _turn(a: Floats, b: Floats, point: Floats) -> Floats:
    turn: Floats = (b[:, 0] - a[:, 0]) * (point[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (point[:, 0] - a[:, 0])
    return turn


def _chained(keys: list[Integers], values: Floats, gap: float) -> Integers:
    """Return the number of each value's group: equal keys, and sorted values that follow each other within `gap`."""
    order = np.lexsort([values, *keys])
    new = np.zeros(len(values), bool)
    new[1:] = np.abs(np.diff(values[order])) > gap
    for key in keys:
        new[1:] |= np.diff(key[order]) != 0
    groups = np.empty(len(values), np.int64)
    groups[order] = np.cumsum(new)
    return groups


def _codes(keys: list[Integers]) -> Integers:
    _, codes = np.unique(np.column_stack(keys), axis=0, return_inverse=True)
    return codes.astype(np.int64).reshape(-1)


def _sums(vectors: Floats, groups: Integers) -> Floats:
    count = int(groups.max(initial=-1)) + 1
    sums = [np.bincount(groups, vectors[:, axis], count) for axis in range(3)]
    return np.column_stack(sums).astype(np.float64)  # bincount counts in whole numbers when nothing is there
