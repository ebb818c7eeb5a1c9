"""Worker side: the axes of grids, and places where two of them meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bim.curves import curve_points
from bim.entities import attribute, list_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bim.units import Units

    Floats = NDArray[np.float64]


def grid_axes(grid: Any) -> Iterator[tuple[str, Any]]:
    """Yield (tag, axis) of a grid; an axis without a tag gets its direction and number, such as ``V2``."""
    for letter in "UVW":
        for place, axis in enumerate(list_at(grid, f"{letter}Axes"), 1):
            yield text_at(axis, "AxisTag") or f"{letter}{place}", axis


def axis_points(axis: Any, units: Units) -> Floats:
    """Return the line of a grid axis as (n, 3) metres in the coordinates of its grid, in its own direction."""
    points = curve_points(axis.AxisCurve, units)
    return points if attribute(axis, "SameSense") is not False else points[::-1]


def intersection(meeting: Any, units: Units) -> Floats:
    """Return the (4, 4) place where two straight grid axes meet, moved by the offsets that are stated.

    The x axis looks along the first of them. The coordinates are those of the grid; where a placement is not
    relative to the grid, they are those of the file.
    """
    axes = list_at(meeting, "IntersectingAxes")[:2]
    lines = [axis_points(axis, units) for axis in axes]
    directions = [_direction(line) for line in lines]
    offsets = [*(float(value) * units.length.factor for value in meeting.OffsetDistances or ()), 0.0, 0.0, 0.0][:3]
    starts = [line[0, :2] + offset * _left(way) for line, way, offset in zip(lines, directions, offsets, strict=False)]
    matrix = np.eye(4)
    along = np.linalg.solve(np.column_stack([directions[0], -directions[1]]), starts[1] - starts[0])[0]
    matrix[:2, 3] = starts[0] + along * directions[0]
    matrix[2, 3] = offsets[2]
    matrix[:2, 0], matrix[:2, 1] = directions[0], _left(directions[0])
    return matrix


def grid_of(axis: Any) -> Any:
    """Return the grid that an axis belongs to, None if it belongs to none."""
    for name in ("PartOfU", "PartOfV", "PartOfW"):
        found = list_at(axis, name)
        if found:
            return found[0]
    return None


def _direction(line: Floats) -> Floats:
    way = line[-1, :2] - line[0, :2]
    return np.asarray(way / np.linalg.norm(way))


def _left(way: Floats) -> Floats:
    return np.array([-way[1], way[0]])
