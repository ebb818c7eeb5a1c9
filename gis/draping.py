"""Areas laid flat or on the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gis.ground import ground_z, step_of
from gis.meshing import Rings, Soup, rings_of, triangulated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.loading import Ground

    Floats = NDArray[np.float64]

_MOST_CELLS = 4_000


def draped(geometries: NDArray[np.object_], lifts_m: Floats, colours: NDArray[np.uint8], ground: Ground | None) -> Soup:
    """Return (n,) polygons as surfaces `lifts_m` above the ground.

    On terrain each polygon is first cut along a grid about twice as wide as the terrain's, so that the surface
    follows it; the cuts of neighbouring pieces share their points, so there are no cracks.
    """
    rows = np.arange(len(geometries))
    pieces = geometries
    if ground is not None:
        pieces, rows = _cut(geometries, float(np.clip(2 * step_of(ground), 4.0, 20.0)))
    rings = rings_of(pieces)
    z = ground_z(ground, rings.points[:, 0], rings.points[:, 1])
    return _surface(rings, rows, z, lifts_m, colours)


def level(geometries: NDArray[np.object_], lifts_m: Floats, colours: NDArray[np.uint8], ground: Ground | None) -> Soup:
    """Return (n,) polygons as horizontal surfaces, each `lifts_m` above the lowest ground along its outline.

    The parts of a multipolygon have levels of their own.
    """
    rings = rings_of(geometries)
    z = ground_z(ground, rings.points[:, 0], rings.points[:, 1])
    if len(z):
        first = rings.ring_starts[rings.polygon_starts[:-1]]
        z = np.minimum.reduceat(z, first)[rings.point_polygons()]
    return _surface(rings, np.arange(len(geometries)), z, lifts_m, colours)


def lowest_ground(geometries: NDArray[np.object_], ground: Ground | None) -> Floats:
    """Return the lowest ground along the outline of each of (n,) geometries, local z; 0 for empty ones."""
    low = np.zeros(len(geometries))
    if ground is None or not len(geometries):
        return low
    points, row = shapely.get_coordinates(geometries, return_index=True)
    if len(points):
        z = ground_z(ground, points[:, 0], points[:, 1])
        used, first = np.unique(row, return_index=True)
        low[used] = np.minimum.reduceat(z, first)
    return low


def _surface(rings: Rings, rows: NDArray[np.int64], z: Floats, lifts_m: Floats, colours: NDArray[np.uint8]) -> Soup:
    triangles, polygon = triangulated(rings)
    piece_rows = rows[rings.rows]
    vertex_rows = piece_rows[rings.point_polygons()] if len(rings.points) else np.zeros(0, np.int64)
    positions = np.column_stack([rings.points, z + lifts_m[vertex_rows]])
    return Soup(positions, vertex_rows, triangles, piece_rows[polygon], colours[vertex_rows])


def _cut(geometries: NDArray[np.object_], cell_m: float) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Return the pieces of polygons within the cells of a grid, and the row of each."""
    pieces: list[NDArray[np.object_]] = []
    rows: list[NDArray[np.int64]] = []
    parts, owners = shapely.get_parts(geometries, return_index=True)
    for part, owner, box in zip(parts, owners, shapely.bounds(parts), strict=True):
        if not np.isfinite(box).all():
            continue
        cell = max(cell_m, float(np.sqrt((box[2] - box[0]) * (box[3] - box[1]) / _MOST_CELLS)))
        east = np.arange(np.floor(box[0] / cell), np.ceil(box[2] / cell)) * cell
        north = np.arange(np.floor(box[1] / cell), np.ceil(box[3] / cell)) * cell
        if len(east) * len(north) <= 1:
            found = np.array([part], object)
        else:
            x, y = (grid.ravel() for grid in np.meshgrid(east, north))
            shapely.prepare(part)
            cells = shapely.box(x, y, x + cell, y + cell)
            inside = shapely.contains_properly(part, cells)
            touched = shapely.intersects(part, cells) & ~inside
            found = np.concatenate([cells[inside], shapely.intersection(part, cells[touched])])
        pieces.append(found)
        rows.append(np.full(len(found), owner, np.int64))
    if not pieces:
        return np.zeros(0, object), np.zeros(0, np.int64)
    flat, index = shapely.get_parts(np.concatenate(pieces), return_index=True)
    keep = (shapely.get_type_id(flat) == 3) & (shapely.area(flat) > 1e-6)
    return flat[keep], np.concatenate(rows)[index][keep]
