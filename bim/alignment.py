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

from bim.axes import Axis
from bim.curves import curve_points
from bim.entities import READ_ERRORS, attribute, every, list_at, number_at
from bim.layouts import Layouts
from bim.placements import framed
from bim.segments import along_polyline, bend_of, grades_of

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
            return Layouts(self.units, self.oddities).axis(alignment) or self._drawn(alignment)
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
            return None if base is None else Axis(base.bends, tuple(grades_of(curve, self.units)))
        if curve.is_a("IfcCompositeCurve") and any(each.is_a("IfcCurveSegment") for each in curve.Segments):
            bends = [bend_of(each, self.units) for each in curve.Segments if each.is_a("IfcCurveSegment")]
            kept = [bend for bend in bends if bend.length_m > _SHORTEST_M]
            return Axis(kept) if kept else None
        if curve.is_a("IfcOffsetCurveByDistances"):
            return self._offset(curve)
        return along_polyline(curve_points(curve, self.units))

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
