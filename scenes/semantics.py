"""What a triangle is part of: roof, wall, ground, ... by the names of CityGML 3, one small number each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet

    Floats = NDArray[np.float64]
    Codes = NDArray[np.uint8]

# The place in this list is the code that is stored, so names are only added at its end.
SURFACES = (
    "", "RoofSurface", "WallSurface", "GroundSurface", "ClosureSurface", "OuterCeilingSurface", "OuterFloorSurface",
    "CeilingSurface", "FloorSurface", "InteriorWallSurface", "Window", "Door", "WaterSurface", "WaterGroundSurface",
    "WaterClosureSurface", "TrafficArea", "AuxiliaryTrafficArea", "TransportationMarking", "TransportationHole",
    "TrafficSpace", "AuxiliaryTrafficSpace", "ClearanceSpace", "ThematicSurface",
)  # fmt: skip
_CODES = {name: code for code, name in enumerate(SURFACES)}
_CODES |= {
    "WindowSurface": _CODES["Window"],
    "DoorSurface": _CODES["Door"],
    "Marking": _CODES["TransportationMarking"],
    "Hole": _CODES["TransportationHole"],
    "HoleSurface": _CODES["TransportationHole"],
    "GenericThematicSurface": _CODES["ThematicSurface"],
}


def surface_code(name: str) -> int:
    """Return the code of a thematic surface, 0 for names that CityGML does not have.

    Examples
    --------
    >>> surface_code("RoofSurface"), surface_code("WindowSurface") == surface_code("Window"), surface_code("+Solar")
    (1, True, 0)
    """
    return _CODES.get(name, 0)


def surface_codes(names: Iterable[str]) -> Codes:
    """Return the codes of thematic surfaces as uint8."""
    return np.array([_CODES.get(name, 0) for name in names], np.uint8)


def triangle_areas(mesh: MeshSet) -> Floats:
    """Return the area of each triangle of a mesh set, (t,) square metres."""
    corner = mesh.positions.astype(np.float64)[mesh.triangles]
    cross = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    areas: Floats = np.linalg.norm(cross, axis=1) / 2
    return areas


def areas_by_surface(mesh: MeshSet, row_count: int) -> dict[str, Floats]:
    """Return the area of each kind of surface of each row, {name: (row_count,) square metres}.

    Kinds that no triangle has are left out, and so are triangles that belong to no kind.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from scenes.mesh import MeshSet
    >>> corners = [[0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]]
    >>> roof = MeshSet.of_one(corners, [[0, 1, 2], [0, 2, 3]])
    >>> areas_by_surface(replace(roof, semantics=surface_codes(["RoofSurface"] * 2)), 1)
    {'RoofSurface': array([4.])}
    """
    if mesh.semantics is None:
        return {}
    codes, areas, rows = mesh.semantics.astype(np.int64), triangle_areas(mesh), mesh.triangle_rows().astype(np.int64)
    table = np.bincount(codes * row_count + rows, areas, minlength=len(SURFACES) * row_count)
    table = table.reshape(-1, row_count)
    return {SURFACES[code]: table[code] for code in np.unique(codes).tolist() if code}
