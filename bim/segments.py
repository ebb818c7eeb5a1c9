"""Worker side: the curves of alignments (IFC4X3), piece by piece: curvature of the plan, gradients of the profile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bim.axes import Axis, Bend, Grade, cubic_parabola, polynomial
from bim.curves import point_of
from bim.entities import attribute, number_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bim.units import Units

    Floats = NDArray[np.float64]

_SHORTEST_M = 1e-9


def bend_of(segment: Any, units: Units) -> Bend:
    """Return a piece of the plan by a curve segment."""
    placement, metres = segment.Placement, units.length.factor
    x, y, _ = point_of(placement.Location, units)
    heading = _heading(placement)
    parent = segment.ParentCurve
    start, length = (_along(each, parent, units) for each in (segment.SegmentStart, segment.SegmentLength))
    curvature = _parent_curvature(parent, start, length, metres)
    return Bend(x, y, heading, abs(length), curvature)


def grades_of(curve: Any, units: Units) -> Iterator[Grade]:
    """Yield the profile of a gradient curve; each piece reaches to the start of the next one."""
    metres = units.length.factor
    pieces = [each for each in curve.Segments if each.is_a("IfcCurveSegment")]
    starts = [point_of(each.Placement.Location, units) for each in pieces]
    ends = [*(start[0] for start in starts[1:]), math.inf]
    for piece, (start, height, _), end in zip(pieces, starts, ends, strict=True):
        heading = _heading(piece.Placement)
        gradient = math.tan(heading)
        parent = piece.ParentCurve
        length = _along(piece.SegmentLength, parent, units)
        if abs(length) <= _SHORTEST_M and len(pieces) > 1:
            continue
        quadratic = cubic = radius = 0.0
        if parent.is_a("IfcCircle"):
            radius = math.copysign(float(parent.Radius) * metres, length)
        elif parent.is_a("IfcPolynomialCurve"):
            terms = [*(attribute(parent, "CoefficientsY") or ()), 0.0, 0.0, 0.0, 0.0]
            first = float(piece.SegmentStart.wrappedValue)
            quadratic = (terms[2] + 3 * terms[3] * first) / metres
            cubic = terms[3] / metres**2
        yield Grade(start, min(end - start, abs(length)), height, gradient, quadratic, cubic, radius)


def along_polyline(points: Floats) -> Axis | None:
    """Return (n, 3) points as an axis of straight pieces, None if there are fewer than two."""
    steps = np.diff(points, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1]) if len(points) > 1 else np.zeros(0)
    kept = np.flatnonzero(lengths > _SHORTEST_M)
    if not len(kept):
        return None
    headings = np.arctan2(steps[:, 1], steps[:, 0])
    bends = [
        Bend(float(points[each, 0]), float(points[each, 1]), float(headings[each]), float(lengths[each]))
        for each in kept
    ]
    starts = np.concatenate([[0.0], np.cumsum(lengths[kept])])
    grades = [
        Grade(float(starts[place]), float(lengths[each]), float(points[each, 2]), float(steps[each, 2] / lengths[each]))
        for place, each in enumerate(kept)
    ]
    return Axis(bends, grades)


def _heading(placement: Any) -> float:
    """Return the direction of the x axis of a placement in the plane, 0 where it states none."""
    stated = attribute(placement, "RefDirection")
    return 0.0 if stated is None else math.atan2(stated.DirectionRatios[1], stated.DirectionRatios[0])


def _along(measure: Any, parent: Any, units: Units) -> float:
    """Return a length along a parent curve in metres; a parameter of a circle is an angle."""
    value, metres = float(measure.wrappedValue), units.length.factor
    if measure.is_a("IfcParameterValue"):
        if parent.is_a("IfcCircle"):
            return value * units.angle.factor * float(parent.Radius) * metres
        if parent.is_a("IfcLine"):
            return value * float(parent.Dir.Magnitude) * metres
    return value * metres


def _parent_curvature(parent: Any, start_m: float, length_m: float, metres: float) -> Any:
    """Return the curvature along a curve segment by its parent curve; None for a straight one."""
    sign = math.copysign(1.0, length_m)
    if parent.is_a("IfcCircle"):
        return polynomial([sign / (float(parent.Radius) * metres)])
    if parent.is_a("IfcPolynomialCurve"):
        terms = [*(attribute(parent, "CoefficientsY") or ()), 0.0, 0.0, 0.0, 0.0]
        term = terms[3] / metres**2
        return cubic_parabola(abs(length_m), 6 * term * start_m, 6 * term * (start_m + length_m))
    along = _spiral_terms(parent, metres)
    if along is None:
        return None
    terms, waves = along
    whole = abs(length_m)

    def curvature(s: Floats) -> Floats:
        place = start_m + sign * s
        total = np.polynomial.polynomial.polyval(place, terms) + np.zeros_like(s)
        for size, share, wave in waves:
            total = total + size * wave(share * place / whole)
        return np.asarray(sign * total)

    return curvature


def _spiral_terms(parent: Any, metres: float) -> tuple[list[float], list[Any]] | None:
    """Return the terms of the curvature of a spiral: of its powers, and its waves as (size, angle, function)."""
    if parent.is_a("IfcClothoid"):
        constant = float(parent.ClothoidConstant) * metres
        return [0.0, constant / abs(constant) ** 3], []
    if not parent.is_a("IfcSpiral"):
        return None
    names = ("Constant", "Linear", "Quadratic", "Cubic", "Quartic", "Quintic", "Sextic", "Septic")
    terms = []
    for power, name in enumerate(names):
        value = (number_at(parent, f"{name}Term") or 0.0) * metres
        terms.append(math.copysign(abs(value) ** -(power + 1), value) if value else 0.0)
    waves = []
    for name, share, wave in (("CosineTerm", math.pi, np.cos), ("SineTerm", math.tau, np.sin)):
        value = (number_at(parent, name) or 0.0) * metres
        if value:
            waves.append((1.0 / value, share, wave))
    return terms, waves
