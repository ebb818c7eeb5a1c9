"""Polygons in space with holes, by level of detail and object, triangulated in their own planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mapbox_earcut
import numpy as np

from gis.colours import rgba
from gis.meshing import Soup, joined

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


def triangulate_in_space(rings: Sequence[Floats]) -> tuple[Floats, Integers]:
    """Return the corners (v, 3) and triangles (t, 3) of a flat polygon in space; the first ring is the outside.

    Triangles turn as the outer ring does. Rings may be closed or not; a polygon without area gives no triangle.

    Examples
    --------
    >>> square = np.array([[0, 0, 0], [0, 2, 0], [0, 2, 2], [0, 0, 2]], float)
    >>> corners, triangles = triangulate_in_space([square])
    >>> len(corners), len(triangles)
    (4, 2)
    """
    opened = [ring for ring in (_opened(ring) for ring in rings) if len(ring) >= 3]
    nothing = np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    if not opened or len(_opened(rings[0])) < 3:
        return nothing
    normal = newell(opened[0])
    length = float(np.linalg.norm(normal))
    if length < 1e-9:
        return nothing
    corners = np.concatenate(opened)
    if len(corners) == 3:
        return corners, np.array([[0, 1, 2]])
    flat = _flattened(corners - corners[0], normal / length)
    ends = np.cumsum([len(ring) for ring in opened]).astype(np.uint32)
    faces = mapbox_earcut.triangulate_float64(flat, ends).astype(np.int64).reshape(-1, 3)
    one, two = flat[faces[:, 1]] - flat[faces[:, 0]], flat[faces[:, 2]] - flat[faces[:, 0]]
    backward = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0] < 0
    faces[backward] = faces[backward][:, ::-1]
    return corners, faces


def newell(ring: Floats) -> Floats:
    """Return the normal of an (n, 3) ring, its length twice the area (Newell's method)."""
    relative = ring - ring[0]
    following = np.roll(relative, -1, axis=0)
    return np.cross(relative, following).sum(axis=0)


def _opened(ring: Floats) -> Floats:
    ring = np.asarray(ring, np.float64).reshape(-1, 3)
    return ring[:-1] if len(ring) > 1 and np.array_equal(ring[0], ring[-1]) else ring


def _flattened(points: Floats, normal: Floats) -> Floats:
    """Return (n, 2) coordinates in the plane, right-handed as seen against the normal."""
    helper = np.eye(3)[int(np.argmin(np.abs(normal)))]
    u = np.cross(helper, normal)
    u /= np.linalg.norm(u)
    return np.ascontiguousarray(np.column_stack([points @ u, points @ np.cross(normal, u)]))


class SurfaceCollector:
    """Gathers the surfaces of objects by level of detail."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._parts: dict[str, list[tuple[int, Floats, Integers, NDArray[np.uint8]]]] = {}

    def add(self, level: str, row: int, rings: Sequence[Floats], colour: str) -> bool:
        """Add a polygon of an object; `colour` empty = roof or wall by its slope. False if it has no area."""
        corners, triangles = triangulate_in_space(rings)
        if not len(triangles):
            return False
        if not colour:
            normal = newell(_opened(rings[0]))
            colour = _ROOF if normal[2] > 0.5 * np.linalg.norm(normal) else _WALL
        self.add_triangles(level, row, corners, triangles, np.repeat(rgba([colour]), len(corners), axis=0))
        return True

    def add_triangles(
        self, level: str, row: int, corners: Floats, triangles: Integers, colours: NDArray[np.uint8]
    ) -> None:
        """Add triangles of an object: (v, 3) local metres, (t, 3) indices, (v, 4) colours."""
        self._parts.setdefault(level, []).append((row, corners, triangles, colours))

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels of detail that have surfaces, coarse to fine."""
        return tuple(sorted(self._parts, key=float))

    def meshes(self, rows: Integers) -> dict[str, MeshSet]:
        """Return the meshes of some objects, renumbered 0.. in the order given.

        The finest level shows every object: those that do not reach it come with their own finest surfaces.
        """
        lookup = {int(row): place for place, row in enumerate(rows)}
        by_level = {level: [part for part in self._parts[level] if part[0] in lookup] for level in self.levels}
        by_level = {level: parts for level, parts in by_level.items() if parts}
        if not by_level:
            return {}
        levels = list(by_level)
        shown = {part[0] for part in by_level[levels[-1]]}
        for level in reversed(levels[:-1]):
            more = [part for part in by_level[level] if part[0] not in shown]
            shown |= {part[0] for part in more}
            by_level[levels[-1]] = by_level[levels[-1]] + more
        return {level: _mesh(parts, lookup) for level, parts in by_level.items()}


def _mesh(parts: list[tuple[int, Floats, Integers, NDArray[np.uint8]]], lookup: dict[int, int]) -> MeshSet:
    rows = np.array([lookup[part[0]] for part in parts], np.int64)
    vertex_counts = np.array([len(part[1]) for part in parts])
    triangle_counts = np.array([len(part[2]) for part in parts])
    shift = np.repeat(np.cumsum(vertex_counts) - vertex_counts, triangle_counts)
    soup = Soup(
        np.concatenate([part[1] for part in parts]),
        np.repeat(rows, vertex_counts),
        np.concatenate([part[2] for part in parts]) + shift[:, None],
        np.repeat(rows, triangle_counts),
        np.concatenate([part[3] for part in parts]),
    )
    return joined([soup])
