"""Plans of objects: the union of the polygons that look down, or up where none does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from scenes.semantics import surface_code

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.polygons import PolygonBlock

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_GROUND = surface_code("GroundSurface")
_MOST_POLYGONS = 4_000


def plans(block: PolygonBlock, normals: Floats, row_count: int) -> NDArray[np.object_]:
    """Return the plan of each row as a shapely geometry, (row_count,), None where it has no polygon.

    Ground surfaces are taken where a row has them, else polygons that look down, else those that look up; a row
    with only walls, or with very many polygons, gets their box.

    Parameters
    ----------
    block, normals
        Sound polygons (`PolygonBlock.sound`) and their unit normals.
    row_count
        Rows are 0 .. row_count - 1.
    """
    found = np.full(row_count, None, object)
    if not len(block):
        return found
    steep = normals[:, 2]
    rank = np.select([(block.semantics == _GROUND) & (np.abs(steep) > 0.05), steep < -0.3, steep > 0.05], [0, 1, 2], 3)
    best = np.full(row_count, 3)
    np.minimum.at(best, block.rows, rank)
    many = np.bincount(block.rows, minlength=row_count) > _MOST_POLYGONS
    chosen = (rank == best[block.rows]) & (rank < 3) & ~many[block.rows]
    _boxes(block, found)
    rows, shapes = _unions(block.take(chosen))
    known = ~shapely.is_empty(shapes)
    found[rows[known]] = shapes[known]
    return found


def _boxes(block: PolygonBlock, found: NDArray[np.object_]) -> None:
    """Put the box of every row that has polygons."""
    rows = np.repeat(block.rows[block.ring_polygons()], block.lengths)
    low, high = np.full((len(found), 2), np.inf), np.full((len(found), 2), -np.inf)
    np.minimum.at(low, rows, block.points[:, :2])
    np.maximum.at(high, rows, block.points[:, :2])
    used = np.isfinite(low[:, 0])
    found[used] = shapely.box(*low[used].T, *high[used].T)


def _unions(block: PolygonBlock) -> tuple[Integers, NDArray[np.object_]]:
    """Return the rows that have polygons, and the union of the polygons of each."""
    if not len(block):
        return np.zeros(0, np.int64), np.zeros(0, object)
    polygons = _polygons(block)
    order = np.argsort(block.rows, kind="stable")
    rows, first, counts = np.unique(block.rows[order], return_index=True, return_counts=True)
    ordered = polygons[order]
    shapes = ordered[first]
    several = np.flatnonzero(counts > 1)
    unions = np.array([_joined(ordered[first[place] : first[place] + counts[place]]) for place in several], object)
    sizes = np.add.reduceat(shapely.area(ordered), first)[several]
    touching = (np.abs(shapely.area(unions) - sizes) <= 1e-6 * sizes) & shapely.is_valid(unions)
    for number in np.flatnonzero(~touching).tolist():  # `make_valid` joins what overlaps
        place = several[number]
        unions[number] = shapely.multipolygons(ordered[first[place] : first[place] + counts[place]])
    shapes[several] = unions
    bad = ~shapely.is_valid(shapes)
    shapes[bad] = shapely.make_valid(shapes[bad], method="structure", keep_collapsed=False)
    return rows, shapes


def _joined(polygons: NDArray[np.object_]) -> Any:
    """Return the union of polygons that only touch, quickly; anything without their area where they do not."""
    try:
        return shapely.coverage_union_all(polygons)
    except shapely.errors.GEOSException:
        return shapely.MultiPolygon()


def _polygons(block: PolygonBlock) -> NDArray[np.object_]:
    ring = np.repeat(np.arange(len(block.lengths)), block.lengths)
    rings: Any = shapely.linearrings(block.points[:, :2], indices=ring)
    return np.asarray(shapely.polygons(rings, indices=block.ring_polygons()))
