"""Polygons in space with holes, by level of detail and object, triangulated in their own planes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gis.colours import rgba
from gis.meshing import Rings, Soup, joined, triangulated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

SEMANTIC_COLOURS = {
    "RoofSurface": "#c3a694", "WallSurface": "#eae4d9", "GroundSurface": "#b9b4ab", "ClosureSurface": "#ddd8cf",
    "OuterCeilingSurface": "#d6d1c8", "OuterFloorSurface": "#c6c1b8", "CeilingSurface": "#e6e3dd",
    "FloorSurface": "#cdbfae", "InteriorWallSurface": "#efebe4", "Window": "#9dc1d6", "WindowSurface": "#9dc1d6",
    "Door": "#a68a6f", "DoorSurface": "#a68a6f", "TrafficArea": "#8c8d90", "TrafficSpace": "#8c8d90",
    "AuxiliaryTrafficArea": "#c3d8ac", "WaterSurface": "#8fb7cf", "WaterGroundSurface": "#8d9a95",
}  # fmt: skip
KIND_COLOURS = {
    "Road": "#8c8d90", "Railway": "#8a817a", "Square": "#cfc8bc", "Track": "#b9ad98", "TrafficArea": "#8c8d90",
    "AuxiliaryTrafficArea": "#c3d8ac", "Waterway": "#8fb7cf", "WaterBody": "#8fb7cf", "PlantCover": "#b0cc9b",
    "SolitaryVegetationObject": "#84ad6d", "LandUse": "#d8d9cf", "ReliefFeature": "#c6d3b2", "Bridge": "#c5c3be",
    "BridgePart": "#c5c3be", "Tunnel": "#b4b2ad", "CityFurniture": "#9aa0a4", "GenericOccupiedSpace": "#c9c7c0",
}  # fmt: skip
_ROOF, _WALL = SEMANTIC_COLOURS["RoofSurface"], SEMANTIC_COLOURS["WallSurface"]


@dataclass(slots=True)
class _Polygons:
    """Polygons as they were given: the rings of all, how many each has, the row and colour of each."""

    rings: list[Floats] = field(default_factory=list)
    ring_counts: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    colours: list[str] = field(default_factory=list)


class SurfaceCollector:
    """Gathers flat polygons of objects by level of detail and triangulates each in its own plane.

    Examples
    --------
    >>> surfaces = SurfaceCollector()
    >>> surfaces.add("2", 0, [np.array([[0, 0, 0], [0, 2, 0], [0, 2, 2], [0, 0, 2]], float)], "")
    >>> surfaces.meshes(np.array([0]))["2"].area_m2()
    4.0
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self._given: dict[str, _Polygons] = {}
        self._soups: dict[str, Soup] = {}
        self._degenerate: dict[int, int] = {}

    def add(self, level: str, row: int, rings: Sequence[Floats], colour: str) -> None:
        """Add a polygon of an object.

        Parameters
        ----------
        level
            Level of detail.
        row
            Number of the object.
        rings
            (n, 3) local metres each, closed or not; the first is the outside and turns anticlockwise seen from outside.
        colour
            ``#rrggbb`` or ``#rrggbbaa``; empty = that of a roof or a wall by its slope.
        """
        given = self._given.setdefault(level, _Polygons())
        given.rings.extend(rings)
        given.ring_counts.append(len(rings))
        given.rows.append(row)
        given.colours.append(colour)

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels of detail that have surfaces, coarse to fine."""
        return tuple(sorted(self._given, key=float))

    def degenerate(self, row: int) -> int:
        """Return how many surfaces of an object have no area."""
        for level in self.levels:
            self._soup(level)
        return self._degenerate.get(row, 0)

    def meshes(self, rows: Integers) -> dict[str, MeshSet]:
        """Return the meshes of some objects, renumbered 0.. in the order given.

        The finest level shows every object: those that do not reach it come with their own finest surfaces.
        """
        found: dict[str, MeshSet] = {}
        parts: list[Soup] = []
        shown = np.zeros(0, np.int64)
        finest = ""
        for level in reversed(self.levels):
            mine = _chosen(self._soup(level), rows)
            if not len(mine.triangles):
                continue
            finest = finest or level
            present = np.unique(mine.triangle_rows)
            parts.append(_chosen(mine, np.setdiff1d(present, shown), renumber=False))
            shown = np.union1d(shown, present)
            found[level] = mine.mesh()
        if finest:
            found[finest] = joined(parts)
        return dict(sorted(found.items(), key=lambda item: float(item[0])))

    def _soup(self, level: str) -> Soup:
        if level not in self._soups:
            soup, flat_rows = _triangulated(self._given[level])
            self._soups[level] = soup
            for row in flat_rows.tolist():
                self._degenerate[row] = self._degenerate.get(row, 0) + 1
        return self._soups[level]


def _triangulated(given: _Polygons) -> tuple[Soup, Integers]:
    """Return the triangles of polygons, and the row of each polygon that has no area."""
    rows = np.array(given.rows, np.int64)
    points, lengths = _opened(given.rings)
    polygon = np.repeat(np.arange(len(rows)), given.ring_counts)
    outer = np.cumsum(given.ring_counts) - np.array(given.ring_counts)
    normals = _newell(points, lengths)[outer] if len(points) else np.zeros((len(rows), 3))
    areas = np.linalg.norm(normals, axis=1)
    good = (areas > 1e-9) & (lengths[outer] >= 3)
    keep_ring = (lengths >= 3) & good[polygon]
    keep_point = np.repeat(keep_ring, lengths)
    kept = np.flatnonzero(good)
    points, lengths, polygon = points[keep_point], lengths[keep_ring], np.searchsorted(kept, polygon[keep_ring])
    normals = normals[kept] / areas[kept][:, None]
    ring_starts = np.concatenate([[0], np.cumsum(lengths)])
    polygon_starts = np.concatenate([[0], np.cumsum(np.bincount(polygon, minlength=len(kept)))])
    owner = np.repeat(polygon, lengths)
    flat = _flattened(points, points[ring_starts[polygon_starts[:-1]]], normals, owner)
    triangles, of_polygon = triangulated(Rings(flat, ring_starts, polygon_starts, rows[kept]))
    codes = np.array(given.colours, object)[kept]
    codes = np.where(codes == "", np.where(normals[:, 2] > 0.5, _ROOF, _WALL), codes)
    names, inverse = np.unique(codes.astype(str), return_inverse=True)
    colours = rgba(names.tolist())[inverse][owner]
    return Soup(points, rows[kept][owner], triangles, rows[kept][of_polygon], colours), rows[~good]


def _opened(rings: list[Floats]) -> tuple[Floats, Integers]:
    """Return the points of all rings without the closing one, and how many each ring has."""
    lengths = np.array([len(ring) for ring in rings], np.int64)
    points = np.concatenate([np.asarray(ring, np.float64).reshape(-1, 3) for ring in rings] or [np.zeros((0, 3))])
    ends = np.cumsum(lengths)
    some = lengths > 1
    closed = np.zeros(len(rings), bool)
    closed[some] = (points[(ends - lengths)[some]] == points[ends[some] - 1]).all(axis=1)
    keep = np.ones(len(points), bool)
    keep[ends[closed] - 1] = False
    return points[keep], lengths - closed


def _newell(points: Floats, lengths: Integers) -> Floats:
    """Return the normal of each ring, (r, 3), its length twice the area (Newell's method)."""
    ring = np.repeat(np.arange(len(lengths)), lengths)
    starts = np.cumsum(lengths) - lengths
    relative = points - points[starts[ring]]
    after = np.arange(1, len(points) + 1)
    full = lengths > 0
    after[(starts + lengths)[full] - 1] = starts[full]
    crossed = np.cross(relative, relative[after])
    return np.column_stack([np.bincount(ring, crossed[:, axis], minlength=len(lengths)) for axis in range(3)])


def _flattened(points: Floats, anchors: Floats, normals: Floats, owner: Integers) -> Floats:
    """Return (n, 2) coordinates in the plane of each point's polygon, anticlockwise seen against the normal."""
    helper = np.eye(3)[np.argmin(np.abs(normals), axis=1)]
    u = np.cross(helper, normals)
    u /= np.maximum(np.linalg.norm(u, axis=1), 1e-12)[:, None]
    v = np.cross(normals, u)
    relative = points - anchors[owner]
    return np.column_stack([(relative * u[owner]).sum(axis=1), (relative * v[owner]).sum(axis=1)])


def _chosen(soup: Soup, rows: Integers, *, renumber: bool = True) -> Soup:
    """Return the part of some rows, renumbered 0.. in the order given unless told otherwise."""
    size = int(max(soup.vertex_rows.max(initial=-1), rows.max(initial=-1))) + 1
    lookup = np.full(size, -1, np.int64)
    lookup[rows] = np.arange(len(rows)) if renumber else rows
    vertex, triangle = lookup[soup.vertex_rows] >= 0, lookup[soup.triangle_rows] >= 0
    places = np.cumsum(vertex) - 1
    return Soup(
        soup.positions[vertex],
        lookup[soup.vertex_rows[vertex]],
        places[soup.triangles[triangle]],
        lookup[soup.triangle_rows[triangle]],
        soup.colours[vertex],
    )
