"""Sample points: in front of façades, along the ground-floor sill, and on open ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.whatif.sunlight.facades import Cells, Panels, cut_cells, gather_panels
from twin.whatif.sunlight.rays import towards

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from twin.whatif.sunlight.rays import Tracer

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

# Rays start this far in front of their surface, so that float32 rounding cannot put them behind it.
FRONT_M = 0.05
_ABOVE_M = 5000.0


@dataclass(frozen=True, eq=False)
class FacadeSamples:
    """Cells of façades with the points in front of them, and the sill points.

    Parameters
    ----------
    panels, cells
        Where the cells lie.
    points, normals
        (n, 3) of the cells, then of the sill points.
    sill_panels
        (k,) panel of each sill point; the last k of `points`.
    sill_widths
        (k,) metres of façade that each sill point stands for.
    resolution_m
        The spacing that was used.
    """

    panels: Panels
    cells: Cells
    points: Floats
    normals: Floats
    sill_panels: Integers
    sill_widths: Floats
    resolution_m: float


@dataclass(frozen=True, eq=False)
class GroundSamples:
    """Cells of open ground: (n, 3) middles, and their size in metres."""

    middles: Floats
    size_m: float


def sample_facades(
    walls: tuple[Floats, Integers], relief: Tracer, inputs: Mapping[str, Any], *, has_relief: bool
) -> FacadeSamples:
    """Return cells on the walls that stand above the ground, at most ``max_points`` of them.

    Parameters
    ----------
    walls
        (t, 3, 3) corners, and the (t,) object of each triangle.
    """
    panels = gather_panels(*walls)
    resolution = max(float(inputs["resolution_m"]), float(np.sqrt(panels.area_m2() / inputs["max_points"])))
    cells = cut_cells(panels, resolution)
    points = panels.place(cells.panels, cells.middles(panels)) + FRONT_M * panels.normals[cells.panels]
    floor = _floors(walls)[panels.objects]
    ground = floor[cells.panels]
    if has_relief:
        ground = np.fmax(ground, surface_heights(relief, points))
    sill, sill_panels = _sill_points(panels, cells, points, ground + float(inputs["sill_m"]))
    kept = points[:, 2] > ground
    cells = Cells(cells.panels[kept], cells.columns[kept], cells.rows[kept], cells.step)
    return FacadeSamples(
        panels,
        cells,
        np.concatenate([points[kept], sill]),
        np.concatenate([panels.normals[cells.panels], panels.normals[sill_panels]]),
        sill_panels,
        cells.step[sill_panels, 0],
        resolution,
    )


def _floors(walls: tuple[Floats, Integers]) -> Floats:
    """Return the least height of each object."""
    corners, owner = walls
    floors = np.full(int(owner.max()) + 1, np.inf)
    np.minimum.at(floors, owner, corners[..., 2].min(axis=1))
    return floors


def _sill_points(panels: Panels, cells: Cells, points: Floats, sills: Floats) -> tuple[Floats, Integers]:
    """Return one point for each column of each panel that reaches from below to above the sill."""
    _, first = np.unique(np.column_stack([cells.panels, cells.columns]), axis=0, return_index=True)
    owner = cells.panels[first]
    place = points[first].copy()
    place[:, 2] = sills[first]
    bottom = points[first, 2] - cells.step[owner, 1] / 2 * panels.up[owner, 2]
    plane_top = panels.low[owner, 1] + panels.size[owner, 1]
    top = plane_top * panels.up[owner, 2] + panels.depths[owner] * panels.normals[owner, 2]
    inside = (bottom <= place[:, 2]) & (top >= place[:, 2])
    return place[inside], owner[inside]


def sample_ground(
    walls: Floats, solid: Tracer, relief: Tracer, inputs: Mapping[str, Any], *, has_relief: bool
) -> GroundSamples:
    """Return points on open ground on a grid that is fixed in the scene, so that variants share it.

    `walls` are (t, 3, 3) corners of the assessed buildings. Where there is terrain the points lie on it,
    otherwise on the median of the buildings' feet. Points with something above them are left out.
    """
    margin = float(inputs["ground_margin_m"])
    low, high = walls[..., :2].min(axis=(0, 1)) - margin, walls[..., :2].max(axis=(0, 1)) + margin
    wanted = float(inputs["ground_resolution_m"])
    # Doubling, not stretching: coarser grids of a variant still meet those of the base.
    doublings = max(np.ceil(np.log2(np.prod((high - low) / wanted) / inputs["max_points"]) / 2), 0.0)
    size = wanted * 2.0**doublings
    anchor = inputs["anchor"]
    columns = np.arange(np.floor((low[0] + anchor[0]) / size), np.ceil((high[0] + anchor[0]) / size))
    rows = np.arange(np.floor((low[1] + anchor[1]) / size), np.ceil((high[1] + anchor[1]) / size))
    x, y = np.meshgrid((columns + 0.5) * size - anchor[0], (rows + 0.5) * size - anchor[1])
    middles = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, float(np.median(walls[..., 2].min(axis=1))))])
    if has_relief:
        middles[:, 2] = surface_heights(relief, middles)
        middles = middles[np.isfinite(middles[:, 2])]
    start = (middles + np.array([0.0, 0.0, FRONT_M])).astype(np.float32)
    covered = solid.occluded(start, towards([0.0, 0.0, 1.0], len(start)))
    return GroundSamples(middles[~covered], size)


def surface_heights(relief: Tracer, points: Floats) -> Floats:
    """Return the height of the terrain below or above (n, 3) points, NaN where there is none."""
    start = points.astype(np.float32)
    start[:, 2] = _ABOVE_M
    found = relief.distances(start, towards([0.0, 0.0, -1.0], len(start))).astype(np.float64)
    return np.where(np.isfinite(found), _ABOVE_M - found, np.nan)
