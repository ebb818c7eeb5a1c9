"""Worker side: curves of the file as polylines in metres: grids, annotations, trimmed and composite curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bim.entities import attribute, list_at
from bim.placements import axes_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bim.units import Units

    Floats = NDArray[np.float64]

_ARC_RAD = math.radians(7.5)
_SPLINE_POINTS = 64
_DEEPEST = 16


def curve_points(curve: Any, units: Units, depth: int = 0) -> Floats:
    """Return a curve as (n, 3) points in metres; none for a kind that has no ends or is not drawn."""
    if depth > _DEEPEST:
        return np.zeros((0, 3))
    for name, read in _READERS.items():
        if curve.is_a(name):
            return read(curve, units, depth)
    return np.zeros((0, 3))


def arc_points(centre: Floats, radii: tuple[float, float], start_rad: float, end_rad: float) -> Floats:
    """Return (n, 3) points on an arc of an ellipse about a (4, 4) placement, from one angle to another.

    Examples
    --------
    >>> np.round(arc_points(np.eye(4), (2.0, 2.0), 0.0, math.pi)[-1], 6).tolist()
    [-2.0, 0.0, 0.0]
    """
    count = max(2, math.ceil(abs(end_rad - start_rad) / _ARC_RAD) + 1)
    angles = np.linspace(start_rad, end_rad, count)
    flat = np.column_stack([radii[0] * np.cos(angles), radii[1] * np.sin(angles), np.zeros(count)])
    return np.asarray(flat @ centre[:3, :3].T + centre[:3, 3])


def point_of(entity: Any, units: Units) -> Floats:
    """Return a Cartesian point as (3,) metres."""
    numbers = [float(value) for value in entity.Coordinates][:3]
    return np.array([*numbers, *[0.0] * (3 - len(numbers))]) * units.length.factor


def _polyline(curve: Any, units: Units, _depth: int) -> Floats:
    return np.array([point_of(point, units) for point in curve.Points]).reshape(-1, 3)


def _indexed(curve: Any, units: Units, _depth: int) -> Floats:
    numbers = np.array([[*each, 0.0][:3] for each in curve.Points.CoordList], dtype=float) * units.length.factor
    segments = attribute(curve, "Segments")
    if not segments:
        return numbers
    parts = []
    for segment in segments:
        corners = numbers[np.array(segment.wrappedValue, dtype=int) - 1]
        parts.append(_through(*corners) if segment.is_a("IfcArcIndex") else corners)
    return _joined(parts)


def _through(first: Floats, middle: Floats, last: Floats) -> Floats:
    """Return points on the arc through three points; the points themselves if they lie on one line."""
    across, along = middle - first, last - first
    normal = np.cross(across, along)
    square = float(normal @ normal)
    if square < 1e-18 * max(float(along @ along), 1e-12) ** 2:
        return np.array([first, middle, last])
    centre = first + np.cross(normal, across) * float(along @ along) / (2 * square)
    centre += np.cross(along, normal) * float(across @ across) / (2 * square)
    x_axis = (first - centre) / np.linalg.norm(first - centre)
    z_axis = normal / math.sqrt(square)
    frame = np.eye(4)
    frame[:3, 0], frame[:3, 1], frame[:3, 2], frame[:3, 3] = x_axis, np.cross(z_axis, x_axis), z_axis, centre
    end = math.atan2(float((last - centre) @ frame[:3, 1]), float((last - centre) @ x_axis)) % math.tau
    radius = float(np.linalg.norm(first - centre))
    return arc_points(frame, (radius, radius), 0.0, end)


def _conic(curve: Any, units: Units, _depth: int) -> Floats:
    return arc_points(_frame(curve, units), _radii(curve, units), 0.0, math.tau)


def _radii(curve: Any, units: Units) -> tuple[float, float]:
    factor = units.length.factor
    if curve.is_a("IfcCircle"):
        return float(curve.Radius) * factor, float(curve.Radius) * factor
    return float(curve.SemiAxis1) * factor, float(curve.SemiAxis2) * factor


def _frame(curve: Any, units: Units) -> Floats:
    return axes_matrix(curve.Position, units)


def _trimmed(curve: Any, units: Units, depth: int) -> Floats:
    basis = curve.BasisCurve
    if basis.is_a("IfcConic"):
        return _trimmed_conic(curve, basis, units)
    if basis.is_a("IfcLine"):
        ends = [_on_line(basis, trim, units) for trim in (curve.Trim1, curve.Trim2)]
        return np.array([end for end in ends if end is not None]).reshape(-1, 3)
    points = curve_points(basis, units, depth + 1)
    return points if attribute(curve, "SenseAgreement") in (True, None) else points[::-1]


def _trimmed_conic(curve: Any, basis: Any, units: Units) -> Floats:
    frame, radii = _frame(basis, units), _radii(basis, units)
    start, end = (_angle(trim, frame, radii, units) for trim in (curve.Trim1, curve.Trim2))
    if curve.SenseAgreement:
        end += math.tau if end <= start else 0.0
    else:
        end -= math.tau if end >= start else 0.0
    return arc_points(frame, radii, start, end)


def _angle(trim: Any, frame: Floats, radii: tuple[float, float], units: Units) -> float:
    """Return the angle of a trim of a conic, by its parameter where it has one."""
    parameters = [each for each in trim if not each.is_a("IfcCartesianPoint")]
    if parameters:
        return float(parameters[0].wrappedValue) * units.angle.factor
    x, y, _ = (point_of(trim[0], units) - frame[:3, 3]) @ frame[:3, :3]
    return math.atan2(y / radii[1], x / radii[0])


def _on_line(line: Any, trim: Any, units: Units) -> Floats | None:
    points = [each for each in trim if each.is_a("IfcCartesianPoint")]
    if points:
        return point_of(points[0], units)
    direction = np.array([*map(float, line.Dir.Orientation.DirectionRatios), 0.0][:3])
    length = float(trim[0].wrappedValue) * float(line.Dir.Magnitude) * units.length.factor
    size = float(np.linalg.norm(direction))
    return None if size == 0.0 else np.asarray(point_of(line.Pnt, units) + direction / size * length)


def _composite(curve: Any, units: Units, depth: int) -> Floats:
    parts = []
    for segment in list_at(curve, "Segments"):
        if segment.is_a("IfcCompositeCurveSegment"):
            points = curve_points(segment.ParentCurve, units, depth + 1)
            parts.append(points if attribute(segment, "SameSense") is not False else points[::-1])
    return _joined(parts)


def _spline(curve: Any, units: Units, _depth: int) -> Floats:
    """Return points on a B-spline (de Boor's recursion); weights are used where it has some."""
    control = np.array([point_of(point, units) for point in curve.ControlPointsList])
    degree = int(curve.Degree)
    weights = np.array(attribute(curve, "WeightsData") or np.ones(len(control)), dtype=float)
    knots = _knots(curve, len(control), degree)
    ends = knots[degree], knots[len(control)]
    basis = np.array([_basis(knots, degree, len(control), t) for t in np.linspace(*ends, _SPLINE_POINTS)]) * weights
    return np.asarray(basis @ control / basis.sum(axis=1, keepdims=True))


def _knots(curve: Any, count: int, degree: int) -> Floats:
    multiplicities = attribute(curve, "KnotMultiplicities")
    if multiplicities:
        return np.repeat(np.array(curve.Knots, dtype=float), multiplicities)
    inner = np.linspace(0.0, 1.0, count - degree + 1)
    return np.concatenate([np.zeros(degree), inner, np.ones(degree)])


def _basis(knots: Floats, degree: int, count: int, t: float) -> Floats:
    """Return the values of the basis functions at one parameter."""
    span = int(np.clip(np.searchsorted(knots, t, "right") - 1, degree, count - 1))
    values = np.zeros(len(knots) - 1)
    values[span] = 1.0
    for order in range(1, degree + 1):
        for place in range(len(values) - order):
            rise, fall = knots[place + order] - knots[place], knots[place + order + 1] - knots[place + 1]
            left = (t - knots[place]) / rise * values[place] if rise else 0.0
            right = (knots[place + order + 1] - t) / fall * values[place + 1] if fall else 0.0
            values[place] = left + right
    return values[:count]


def _joined(parts: list[Floats]) -> Floats:
    """Return points one behind the other, without the doubled ones where parts meet."""
    points = np.concatenate([np.zeros((0, 3)), *parts])
    if len(points) < 2:
        return points
    moved = np.abs(np.diff(points, axis=0)).max(axis=1) > 0.0
    return np.asarray(points[np.concatenate([[True], moved])])


_READERS: dict[str, Callable[[Any, Units, int], Floats]] = {
    "IfcPolyline": _polyline,
    "IfcIndexedPolyCurve": _indexed,
    "IfcTrimmedCurve": _trimmed,
    "IfcCompositeCurve": _composite,
    "IfcConic": _conic,
    "IfcBSplineCurve": _spline,
}
