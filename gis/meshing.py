"""From loose vertices and triangles with owners to a `MeshSet`, and polygons to triangles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import mapbox_earcut
import numpy as np
import shapely

from gis.rings import ring_sizes
from scenes.mesh import MeshSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gis.flatwkb import FlatAreas
    from scenes.pictures import Picture

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Colours = NDArray[np.uint8]

_THIN = 1e-9
"""Twice the area of a ring, as a share of the square of its reach, below which it may turn either way."""


@dataclass(frozen=True, eq=False)
class Soup:
    """Triangles of many rows in any order.

    Parameters
    ----------
    positions
        (v, 3) local metres.
    vertex_rows
        (v,) row of each vertex.
    triangles
        (t, 3) indices into `positions`.
    triangle_rows
        (t,) row of each triangle.
    colours
        (v, 4) sRGB and opacity.
    semantics
        (t,) uint8 codes of `scenes.semantics`, if known.
    uvs, images
        (v, 2) places in pictures and the (t,) picture of each triangle (-1 = none), if there are pictures.
    """

    positions: Floats
    vertex_rows: Integers
    triangles: Integers
    triangle_rows: Integers
    colours: Colours
    semantics: NDArray[np.uint8] | None = None
    uvs: Floats | None = None
    images: Integers | None = None

    def mesh(self, pictures: Sequence[Picture] = ()) -> MeshSet:
        """Return the soup sorted by row; `pictures` are what its images name."""
        order = np.argsort(self.vertex_rows, kind="stable")
        renumber = np.empty(len(order), np.int64)
        renumber[order] = np.arange(len(order))
        triangle_order = np.argsort(self.triangle_rows, kind="stable")
        rows, first = np.unique(self.vertex_rows[order], return_index=True)
        vertex_starts = np.append(first, len(order))
        triangle_starts = np.searchsorted(self.triangle_rows[triangle_order], rows, "left")
        triangle_starts = np.append(triangle_starts, len(triangle_order))
        mesh = MeshSet.from_flat(
            self.positions[order],
            renumber[self.triangles[triangle_order]],
            rows.astype(np.uint32),
            (vertex_starts, triangle_starts),
            self.colours[order],
        )
        if self.semantics is not None:
            mesh = replace(mesh, semantics=self.semantics[triangle_order])
        if self.uvs is not None and self.images is not None and pictures:
            mesh = mesh.textured(self.uvs[order], self.images[triangle_order], pictures)
        return mesh


def joined(soups: list[Soup]) -> MeshSet:
    """Return one mesh set of several soups of the same batch."""
    soups = [soup for soup in soups if len(soup.triangles)]
    if not soups:
        return MeshSet.empty()
    shift = np.cumsum([0, *(len(soup.positions) for soup in soups)])
    return Soup(
        np.concatenate([soup.positions for soup in soups]),
        np.concatenate([soup.vertex_rows for soup in soups]),
        np.concatenate([soup.triangles + shift[i] for i, soup in enumerate(soups)]),
        np.concatenate([soup.triangle_rows for soup in soups]),
        np.concatenate([soup.colours for soup in soups]),
    ).mesh()


@dataclass(frozen=True, eq=False)
class Rings:
    """The rings of many polygons in flat arrays; outer rings run anticlockwise, holes clockwise, none is closed.

    Parameters
    ----------
    points
        (p, 2) local metres.
    ring_starts
        (r + 1,) into `points`.
    polygon_starts
        (g + 1,) into the rings.
    rows
        (g,) row of each polygon.
    """

    points: Floats
    ring_starts: Integers
    polygon_starts: Integers
    rows: Integers

    def following(self) -> Integers:
        """Return the index of the next point along the ring of each point."""
        after = np.arange(1, len(self.points) + 1)
        after[self.ring_starts[1:] - 1] = self.ring_starts[:-1]
        return after

    def point_polygons(self) -> Integers:
        """Return the polygon of each point."""
        per_polygon = np.diff(self.ring_starts[self.polygon_starts])
        return np.repeat(np.arange(len(self.rows)), per_polygon)


def rings_of(geometries: NDArray[np.object_]) -> Rings:
    """Return the rings of all polygons among (n,) geometries; the row is the place in the array."""
    parts, rows = geometries, np.arange(len(geometries))
    if (shapely.get_type_id(geometries) != 3).any():
        parts, rows = shapely.get_parts(geometries, return_index=True)
    keep = (shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)
    parts, rows = parts[keep], rows[keep].astype(np.int64)
    parts = shapely.orient_polygons(parts)
    if not len(parts):
        none = np.zeros(1, np.int64)
        return Rings(np.zeros((0, 2)), none, none, rows)
    closed = shapely.get_coordinates(parts)
    sizes, rings_each = ring_sizes(parts)
    ring_ends = np.concatenate([[0], np.cumsum(sizes)])
    keep_point = np.ones(len(closed), bool)
    keep_point[ring_ends[1:] - 1] = False
    starts = ring_ends - np.arange(len(ring_ends))
    return Rings(closed[keep_point], starts, np.concatenate([[0], np.cumsum(rings_each)]), rows)


def flat_rings(flat: FlatAreas) -> Rings | None:
    """Return the rings of valid polygons; None where one is so thin that its direction is in doubt."""
    ends = np.cumsum(flat.sizes)
    first = ends - flat.sizes
    near = flat.points - np.repeat(flat.points[first], flat.sizes, axis=0)
    crossed = np.zeros(len(near))  # nothing from ring to ring: each ends at its own zero
    crossed[:-1] = near[:-1, 0] * near[1:, 1] - near[1:, 0] * near[:-1, 1]
    double_areas = np.add.reduceat(crossed, first)
    reach = np.maximum.reduceat((near * near).sum(axis=1), first)
    if (np.abs(double_areas) <= _THIN * reach).any():
        return None
    outer = np.zeros(len(first), bool)
    polygon_starts = np.concatenate([[0], np.cumsum(flat.rings_each)])
    outer[polygon_starts[:-1]] = True
    sizes = flat.sizes - 1
    starts = np.concatenate([[0], np.cumsum(sizes)])
    step = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes)
    turned = np.repeat((double_areas > 0) != outer, sizes) & (step > 0)
    step = np.where(turned, np.repeat(sizes, sizes) - step, step)
    return Rings(flat.points[np.repeat(first, sizes) + step], starts, polygon_starts, flat.rows)


def triangulated(rings: Rings) -> tuple[Integers, Integers]:
    """Return (t, 3) triangles over ``rings.points``, anticlockwise, and the (t,) polygon of each.

    Strictly convex polygons become fans at once; the others go through earcut, and where that leaves points
    out (they lie on a straight line), through a constrained Delaunay triangulation that uses every point.
    """
    first = rings.ring_starts[rings.polygon_starts[:-1]]
    last = rings.ring_starts[rings.polygon_starts[1:]]
    sizes = last - first
    convex = _convex(rings, sizes)
    fan_sizes = np.where(convex, sizes - 2, 0)
    fan_polygon = np.repeat(np.arange(len(sizes)), fan_sizes)
    step = np.arange(len(fan_polygon)) - np.repeat(np.cumsum(fan_sizes) - fan_sizes, fan_sizes) + 1
    corner = first[fan_polygon]
    fans = np.column_stack([corner, corner + step, corner + step + 1])
    # Counted from its own first point each polygon keeps its precision far from the origin.
    near = rings.points - np.repeat(rings.points[first], sizes, axis=0)
    others = np.flatnonzero(~convex)
    faces, counts = _earcuts(rings, near, others, first, last)
    triangles = np.concatenate([fans, faces])
    return _anticlockwise(rings.points, triangles), np.concatenate([fan_polygon, np.repeat(others, counts)])


def _earcuts(
    rings: Rings, near: Floats, polygons: Integers, first: Integers, last: Integers
) -> tuple[Integers, Integers]:
    """Return (t, 3) triangles of some polygons, and how many each has; `near` counts from the first point of each."""
    cut = mapbox_earcut.triangulate_float64
    rings_each = np.diff(rings.polygon_starts)[polygons]
    first_ring = rings.polygon_starts[polygons]
    counted_from = np.repeat(first[polygons], rings_each)
    ring = np.repeat(first_ring - (np.cumsum(rings_each) - rings_each), rings_each) + np.arange(rings_each.sum())
    ends = (rings.ring_starts[ring + 1] - counted_from).astype(np.uint32)
    limits = np.concatenate([[0], np.cumsum(rings_each)]).tolist()
    begins, stops = first[polygons].tolist(), last[polygons].tolist()
    made = [
        cut(near[begin:stop], ends[low:high])
        for begin, stop, (low, high) in zip(begins, stops, pairwise(limits), strict=True)
    ]
    counts = np.array([len(each) for each in made], np.int64) // 3
    short = np.flatnonzero(counts != last[polygons] - first[polygons] + 2 * (rings_each - 2))
    for place in short.tolist():
        points, own = near[begins[place] : stops[place]], ends[limits[place] : limits[place + 1]]
        better = _delaunay(points, own.astype(np.int64), made[place].astype(np.int64).reshape(-1, 3))
        made[place] = better.ravel().astype(np.uint32)
        counts[place] = len(better)
    if not made:
        return np.zeros((0, 3), np.int64), counts
    faces = np.concatenate(made).astype(np.int64).reshape(-1, 3)
    return faces + np.repeat(first[polygons], counts)[:, None], counts


def _anticlockwise(points: Floats, triangles: Integers) -> Integers:
    one = points[triangles[:, 1]] - points[triangles[:, 0]]
    two = points[triangles[:, 2]] - points[triangles[:, 0]]
    backward = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0] < 0
    triangles[backward] = triangles[backward][:, ::-1]
    return triangles


def _delaunay(points: Floats, ends: Integers, otherwise: Integers) -> Integers:
    rings = [points[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    if min(len(ring) for ring in rings) < 3:
        return otherwise
    try:
        parts = shapely.get_parts(shapely.constrained_delaunay_triangles(shapely.Polygon(rings[0], rings[1:])))
    except shapely.errors.GEOSException:
        return otherwise
    if not len(parts):
        return otherwise
    places = {tuple(point): index for index, point in enumerate(points.tolist())}
    corners = shapely.get_coordinates(parts).reshape(len(parts), 4, 2)[:, :3]
    found = [places.get(tuple(point), -1) for point in corners.reshape(-1, 2).tolist()]
    faces = np.array(found, np.int64).reshape(-1, 3)
    return otherwise if (faces < 0).any() else faces


def _convex(rings: Rings, sizes: Integers) -> NDArray[np.bool_]:
    """Say which polygons have one ring that turns left at every point, once around."""
    after = rings.following()
    edge = rings.points[after] - rings.points
    turn = edge[:, 0] * edge[after, 1] - edge[:, 1] * edge[after, 0]
    length = np.hypot(edge[:, 0], edge[:, 1])
    sine = turn / np.maximum(length * length[after], 1e-12)
    polygon = rings.point_polygons()
    bent = np.bincount(polygon, weights=sine > 1e-9, minlength=len(sizes)) == sizes
    # A simple ring that only turns left is convex; the sum of turns leaves out rings that cross themselves.
    angle = np.arctan2(turn, (edge * edge[after]).sum(axis=1))
    once = np.abs(np.bincount(polygon, weights=angle, minlength=len(sizes)) - 2 * np.pi) < 0.1
    convex: NDArray[np.bool_] = bent & once & (np.diff(rings.polygon_starts) == 1) & (sizes >= 3)
    return convex
