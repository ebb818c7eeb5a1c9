"""Worker side: where objects stand in the coordinates of the file: local, linear and grid placements as matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bim.entities import attribute

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bim.alignment import Alignments
    from bim.units import Units

    Floats = NDArray[np.float64]

_DEEPEST = 256


def axes_matrix(placement: Any, units: Units) -> Floats:
    """Return an axis placement (2D or 3D) as a (4, 4) matrix in metres; the identity for none."""
    if placement is None:
        return np.eye(4)
    x_axis = _direction(attribute(placement, "RefDirection"), (1.0, 0.0, 0.0))
    z_axis = _direction(attribute(placement, "Axis"), (0.0, 0.0, 1.0))
    return framed(_point(placement.Location, units), x_axis, z_axis)


def framed(origin: Floats, x_axis: Floats, z_axis: Floats) -> Floats:
    """Return the (4, 4) matrix of a right-handed frame; the x axis is made perpendicular to z.

    Examples
    --------
    >>> framed(np.zeros(3), np.array([1.0, 0.0, 1.0]), np.array([0.0, 0.0, 2.0]))[:3, 0].tolist()
    [1.0, 0.0, 0.0]
    """
    z_axis = z_axis / np.linalg.norm(z_axis)
    across = x_axis - (x_axis @ z_axis) * z_axis
    if np.linalg.norm(across) < 1e-9:
        across = np.cross([0.0, 1.0, 0.0] if abs(z_axis[1]) < 0.9 else [0.0, 0.0, 1.0], z_axis)
    across = across / np.linalg.norm(across)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2], matrix[:3, 3] = across, np.cross(z_axis, across), z_axis, origin
    return matrix


def object_matrix(entity: Any, units: Units, alignments: Alignments | None = None) -> Floats:
    """Return the (4, 4) matrix from the coordinates of an object to those of the file, in metres.

    A placement that refers to itself ends after some steps, with what was gathered so far.
    """
    matrix = np.eye(4)
    placement = attribute(entity, "ObjectPlacement")
    seen: set[int] = set()
    while placement is not None and placement.id() not in seen and len(seen) < _DEEPEST:
        seen.add(placement.id())
        matrix = own_matrix(placement, units, alignments) @ matrix
        placement = attribute(placement, "PlacementRelTo")
    return matrix


def own_matrix(placement: Any, units: Units, alignments: Alignments | None) -> Floats:
    """Return the part of a placement that is its own, without what it is relative to."""
    if placement.is_a("IfcLocalPlacement"):
        return axes_matrix(placement.RelativePlacement, units)
    if placement.is_a("IfcLinearPlacement") and alignments is not None:
        found = alignments.linear(placement)
        if found is not None:
            return found
    if placement.is_a("IfcGridPlacement"):
        from bim.grids import intersection  # noqa: PLC0415 - grids have curves, which have placements

        meeting = intersection(placement.PlacementLocation, units)
        if attribute(placement, "PlacementRelTo") is not None:  # IFC4X3: relative to the grid
            return meeting
        return _of_grid(placement.PlacementLocation, units) @ meeting
    return axes_matrix(attribute(placement, "CartesianPosition"), units)


def _of_grid(meeting: Any, units: Units) -> Floats:
    """Return the matrix of the grid whose axes meet."""
    from bim.grids import grid_of  # noqa: PLC0415 - grids have curves, which have placements

    grid = grid_of(meeting.IntersectingAxes[0])
    return np.eye(4) if grid is None else object_matrix(grid, units)


def _direction(entity: Any, default: tuple[float, float, float]) -> Floats:
    if entity is None:
        return np.array(default)
    ratios = np.array([*map(float, entity.DirectionRatios), 0.0][:3])
    return ratios if np.linalg.norm(ratios) > 0.0 else np.array(default)


def _point(entity: Any, units: Units) -> Floats:
    if entity is None or not entity.is_a("IfcCartesianPoint"):
        return np.zeros(3)
    numbers = [float(value) for value in entity.Coordinates][:3]
    return np.array([*numbers, *[0.0] * (3 - len(numbers))]) * units.length.factor
