"""Worker side: alignments (IFC4X3): their axes from the layouts or else from the curves, and stationing along them.

The layouts (horizontal, vertical, cant segments) are what an engineer designs; the curves are made from them. Both
become the same `bim.axes.Axis`. A linear placement is measured along a curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bim.axes import Axis, Bend, Grade, cubic_parabola, polynomial, spiral
from bim.curves import curve_points, point_of
from bim.entities import READ_ERRORS, attribute, every, list_at, number_at, text_at
from bim.placements import framed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bim.units import Units

    Floats = NDArray[np.float64]

_DEEPEST = 16
_SHORTEST_M = 1e-9


@dataclass
class Alignments:
    """The axes of one open model, each made when it is first asked for.

    Parameters
    ----------
    model
        The open file.
    units
        Its units.
    """

    model: Any
    units: Units
    oddities: list[tuple[str, str, str]] = field(default_factory=list)
    _curves: dict[int, Axis | None] = field(default_factory=dict)

    def axis(self, alignment: Any) -> Axis | None:
        """Return the axis of an alignment: of its layouts, else of the curve that represents it, else None."""
        try:
            return self._designed(alignment) or self._drawn(alignment)
        except READ_ERRORS as error:
            where, message = f"#{alignment.id()}", f"the alignment cannot be evaluated ({error})"[:200]
            self.oddities.append((where, "alignment-unreadable", message))
            return None

    def linear(self, placement: Any) -> Floats | None:
        """Return a linear placement as a (4, 4) matrix relative to its alignment, None if it cannot be evaluated."""
        try:
            location = placement.RelativePlacement.Location
            axis = self._of_curve(location.BasisCurve)
            if axis is None:
                return None
            metres = self.units.length.factor
            offsets = [(number_at(location, name) or 0.0) * metres for name in ("OffsetLateral", "OffsetVertical")]
            along = (number_at(location, "OffsetLongitudinal") or 0.0) * metres
            point, heading = axis.placed(self._distance(location), *offsets)
            tangent = np.array([math.cos(heading), math.sin(heading), 0.0])
            return _linear_frame(placement.RelativePlacement, point + along * tangent, tangent)
        except READ_ERRORS:
            return None

    def distance(self, placement: Any) -> float | None:
        """Return the distance along its curve of a linear placement in metres, None for another placement."""
        if placement is None or not placement.is_a("IfcLinearPlacement"):
            return None
        try:
            return self._distance(placement.RelativePlacement.Location)
        except READ_ERRORS:
            return None

    def owner(self, placement: Any) -> int:
        """Return the entity number of the alignment that a linear placement is measured along, 0 if unknown."""
        try:
            return self._owners.get(placement.RelativePlacement.Location.BasisCurve.id(), 0)
        except READ_ERRORS:
            return 0

    @cached_property
    def _owners(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for alignment in every(self.model, "IfcAlignment"):
            for curve in _curves_of(alignment):
                for each in (curve, *_bases(curve)):
                    found.setdefault(each.id(), alignment.id())
        return found

    def _distance(self, location: Any) -> float:
        value = location.DistanceAlong
        number = float(getattr(value, "wrappedValue", value))
        if hasattr(value, "is_a") and value.is_a("IfcParameterValue"):  # a share of the curve
            axis = self._of_curve(location.BasisCurve)
            return number * (axis.length_m if axis is not None else 0.0)
        return number * self.units.length.factor

    def _designed(self, alignment: Any) -> Axis | None:
        horizontal = layout(alignment, "IfcAlignmentHorizontal")
        if horizontal is None:
            return None
        metres, cants = self.units.length.factor, self._cants(alignment)
        bends = []
        for place, segment in enumerate(layout_segments(horizontal)):
            bend = self._bend(segment.DesignParameters, metres, cants.get(place, 0.0))
            if bend.length_m > _SHORTEST_M:
                bends.append(bend)
        if not bends:
            return None
        vertical = layout(alignment, "IfcAlignmentVertical")
        return Axis(bends, tuple(self._grades(vertical, metres)) if vertical is not None else ())

    def _bend(self, design: Any, metres: float, cant_change_rad: float) -> Bend:
        x, y, _ = point_of(design.StartPoint, self.units)
        length = float(design.SegmentLength) * metres
        heading = float(design.StartDirection) * self.units.angle.factor
        ends = [_curvature(design, name, metres) for name in ("StartRadiusOfCurvature", "EndRadiusOfCurvature")]
        kind = text_at(design, "PredefinedType")
        gravity = (number_at(design, "GravityCenterLineHeight") or 0.0) * metres
        sway = gravity / length * cant_change_rad if length > _SHORTEST_M else 0.0
        if kind == "LINE" or length <= _SHORTEST_M:
            return Bend(x, y, heading, length)
        curvature = spiral(kind, length, ends[0], ends[1], sway)
        if curvature is None:
            self._approximated(design, f"a horizontal segment of kind {kind}", "a clothoid")
            curvature = spiral("CLOTHOID", length, ends[0], ends[1])
        return Bend(x, y, heading, length, curvature)

    def _cants(self, alignment: Any) -> dict[int, float]:
        """Return the change of the cant angle along each segment, by its place in the layout."""
        cant = layout(alignment, "IfcAlignmentCant")
        base = number_at(cant, "RailHeadDistance") if cant is not None else None
        if not base:
            return {}
        found = {}
        for place, segment in enumerate(layout_segments(cant)):
            left, right, left_end, right_end = (
                number_at(segment.DesignParameters, name) or 0.0
                for name in ("StartCantLeft", "StartCantRight", "EndCantLeft", "EndCantRight")
            )
            found[place] = ((right_end - left_end) - (right - left)) / base
        return found

    def _grades(self, vertical: Any, metres: float) -> Iterator[Grade]:
        before = ""
        for segment in layout_segments(vertical):
            design = segment.DesignParameters
            kind = text_at(design, "PredefinedType")
            length = float(design.HorizontalLength) * metres
            if length > _SHORTEST_M:
                start, height = float(design.StartDistAlong) * metres, float(design.StartHeight) * metres
                first, last = float(design.StartGradient), float(design.EndGradient)
                if kind == "CLOTHOID":
                    self._approximated(design, "a vertical clothoid", "a cubic of the same gradients")
                yield _grade(kind, (start, length, height), (first, last), bent_before=before != "CONSTANTGRADIENT")
            before = kind

    def _approximated(self, design: Any, what: str, by: str) -> None:
        self.oddities.append((f"#{design.id()}", "alignment-approximated", f"{what} is drawn as {by}"))

    def _drawn(self, alignment: Any) -> Axis | None:
        for curve in _curves_of(alignment):
            axis = self._of_curve(curve)
            if axis is not None:
                return axis
        return None

    def _of_curve(self, curve: Any) -> Axis | None:
        if curve is None:
            return None
        if curve.id() not in self._curves:
            self._curves[curve.id()] = self._evaluated(curve)
        return self._curves[curve.id()]

    def _evaluated(self, curve: Any) -> Axis | None:
        if curve.is_a("IfcSegmentedReferenceCurve"):  # the cant tilts what stands on the curve, not the curve in plan
            return self._of_curve(curve.BaseCurve)
        if curve.is_a("IfcGradientCurve"):
            base = self._of_curve(curve.BaseCurve)
            return None if base is None else Axis(base.bends, tuple(self._drawn_grades(curve)))
        if curve.is_a("IfcCompositeCurve") and any(each.is_a("IfcCurveSegment") for each in curve.Segments):
            bends = [self._drawn_bend(each) for each in curve.Segments if each.is_a("IfcCurveSegment")]
            kept = [bend for bend in bends if bend.length_m > _SHORTEST_M]
            return Axis(kept) if kept else None
        if curve.is_a("IfcOffsetCurveByDistances"):
            return self._offset(curve)
        return along_polyline(curve_points(curve, self.units))

    def _drawn_bend(self, segment: Any) -> Bend:
        placement, metres = segment.Placement, self.units.length.factor
        x, y, _ = point_of(placement.Location, self.units)
        heading = _heading(placement)
        parent = segment.ParentCurve
        start, length = (_along(each, parent, self.units) for each in (segment.SegmentStart, segment.SegmentLength))
        curvature = _parent_curvature(parent, start, length, metres)
        return Bend(x, y, heading, abs(length), curvature)

    def _drawn_grades(self, curve: Any) -> Iterator[Grade]:
        """Yield the profile of a gradient curve; each piece reaches to the start of the next one."""
        metres = self.units.length.factor
        pieces = [each for each in curve.Segments if each.is_a("IfcCurveSegment")]
        starts = [point_of(each.Placement.Location, self.units) for each in pieces]
        ends = [*(start[0] for start in starts[1:]), math.inf]
        for piece, (start, height, _), end in zip(pieces, starts, ends, strict=True):
            heading = _heading(piece.Placement)
            gradient = math.tan(heading)
            parent = piece.ParentCurve
            length = _along(piece.SegmentLength, parent, self.units)
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

    def _offset(self, curve: Any) -> Axis | None:
        """Return a curve beside another one, as the polyline through its offset points."""
        base = self._of_curve(curve.BasisCurve)
        if base is None:
            return None
        metres = self.units.length.factor
        given = [
            (
                self._distance(each) if attribute(each, "DistanceAlong") is not None else 0.0,
                (number_at(each, "OffsetLateral") or 0.0) * metres,
                (number_at(each, "OffsetVertical") or 0.0) * metres,
            )
            for each in list_at(curve, "OffsetValues")
        ]
        table = np.array(sorted(given)).reshape(-1, 3)
        distances = np.unique(np.concatenate([np.linspace(0.0, base.length_m, 257), table[:, 0]]))
        left, up = (np.interp(distances, table[:, 0], table[:, column]) for column in (1, 2))
        points = [base.placed(*place)[0] for place in np.column_stack([distances, left, up]).tolist()]
        return along_polyline(np.array(points))


def layout(alignment: Any, name: str, depth: int = 0) -> Any:
    """Return the layout of a class that an alignment has or, for a child alignment, that of the one above it."""
    for relation in list_at(alignment, "IsNestedBy"):
        for each in list_at(relation, "RelatedObjects"):
            if each.is_a(name):
                return each
    if name != "IfcAlignmentHorizontal" or depth > _DEEPEST:
        return None
    for relation in list_at(alignment, "Decomposes"):
        whole = attribute(relation, "RelatingObject")
        if whole is not None and whole.is_a("IfcAlignment"):
            return layout(whole, name, depth + 1)
    return None


def layout_segments(whole: Any) -> list[Any]:
    """Return the segments of a layout that say how they are designed, in their order."""
    nested = [each for relation in list_at(whole, "IsNestedBy") for each in list_at(relation, "RelatedObjects")]
    return [each for each in nested if attribute(each, "DesignParameters") is not None]


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


def _curves_of(alignment: Any) -> list[Any]:
    """Return the curves that represent an alignment, the ones in space first."""
    shape = attribute(alignment, "Representation")
    items = [
        item
        for representation in (list_at(shape, "Representations") if shape is not None else [])
        for item in list_at(representation, "Items")
    ]
    order = ("IfcSegmentedReferenceCurve", "IfcGradientCurve", "IfcOffsetCurveByDistances", "IfcCurve")
    return list({item.id(): item for name in order for item in items if item.is_a(name)}.values())


def _bases(curve: Any) -> Iterator[Any]:
    for _ in range(_DEEPEST):
        curve = attribute(curve, "BaseCurve")
        if curve is None:
            return
        yield curve


def _curvature(design: Any, name: str, metres: float) -> float:
    radius = number_at(design, name)
    return 1.0 / (radius * metres) if radius else 0.0


def _grade(kind: str, place: tuple[float, float, float], ends: tuple[float, float], *, bent_before: bool) -> Grade:
    start, length, height = place
    first, last = ends
    if kind == "PARABOLICARC":
        return Grade(start, length, height, first, (last - first) / (2 * length))
    if kind == "CIRCULARARC":
        turn = math.sin(math.atan(last)) - math.sin(math.atan(first))
        return Grade(start, length, height, first, radius_m=length / turn if turn else 0.0)
    if kind == "CLOTHOID":
        rise = (last - first) / length
        quadratic, cubic = (rise, -rise / (3 * length)) if bent_before else (0.0, rise / (3 * length))
        return Grade(start, length, height, first, quadratic, cubic)
    return Grade(start, length, height, first)


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


def _linear_frame(placement: Any, origin: Floats, tangent: Floats) -> Floats:
    """Return the frame at a place along a curve: x along it and z up, unless the placement turns them."""
    up = attribute(placement, "Axis")
    along = attribute(placement, "RefDirection")
    z_axis = np.array([*map(float, up.DirectionRatios), 0.0][:3]) if up is not None else np.array([0.0, 0.0, 1.0])
    x_axis = np.array([*map(float, along.DirectionRatios), 0.0][:3]) if along is not None else np.array([1.0, 0.0, 0.0])
    local = np.eye(4)
    local[:3, 0], local[:3, 1] = tangent, np.array([-tangent[1], tangent[0], 0.0])
    turned = framed(np.zeros(3), x_axis, z_axis)
    matrix = local @ turned
    matrix[:3, 3] = origin
    return matrix
