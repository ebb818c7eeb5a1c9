"""Alignments with the layouts that they were designed by: plan, profile and cant, on the place where their line is.

The design stands in the coordinates of the first file. Where the line of the alignment lies in the scene tells how it
got there, so the alignment is placed by the turn and the move between the two.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bim.entities import READ_ERRORS
from bim.exporting.properties import measured
from bim.layouts import DESIGN, Layouts, layout, layout_segments
from bim.segments import along_polyline
from bim.units import Units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bim.axes import Axis
    from bim.exporting.shapes import ShapeWriter
    from bim.exporting.units import UnitWriter
    from scenes.mesh import MeshSet
    from scenes.model import CityObject

    Floats = NDArray[np.float64]

_LAYOUTS = ("IfcAlignmentHorizontal", "IfcAlignmentVertical", "IfcAlignmentCant")
_PARAMETERS = {
    "Horizontal": "IfcAlignmentHorizontalSegment",
    "Vertical": "IfcAlignmentVerticalSegment",
    "Cant": "IfcAlignmentCantSegment",
}
# Attributes of the design parameters that grow with the scale of the map, and those that a scale leaves alone.
_LENGTHS = ("StartPoint", "StartRadiusOfCurvature", "EndRadiusOfCurvature", "SegmentLength", "GravityCenterLineHeight",
            "StartDistAlong", "HorizontalLength", "StartHeight", "RadiusOfCurvature", "StartCantLeft", "EndCantLeft",
            "StartCantRight", "EndCantRight")  # fmt: skip
_PLAIN = ("StartTag", "EndTag", "StartDirection", "StartGradient", "EndGradient", "PredefinedType")
_SAMPLES = 501
_NEAR_M = 1.0e-3
_UNSCALED = 1.0e-8


@dataclass(frozen=True)
class Fit:
    """How a design comes to its line: turned about z, scaled, moved; `off_m` is the greatest distance that is left."""

    turn_rad: float
    scale: float
    move_m: tuple[float, float, float]
    off_m: float


def fitted(design: Floats, line: Floats) -> Fit:
    """Return how (n, 3) points of a design come to lie on the (m, 3) points of a line.

    Both are compared at the same shares of their length in plan, unless there are equally many points.

    Examples
    --------
    >>> road = np.array([[0.0, 0.0, 5.0], [10.0, 0.0, 5.0], [10.0, 10.0, 6.0]])
    >>> found = fitted(road, road @ [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]] + [100.0, 0.0, 2.0])
    >>> round(math.degrees(found.turn_rad)), round(found.scale, 6), [round(each) for each in found.move_m]
    (90, 1.0, [100, 0, 2])
    """
    if len(design) != len(line):
        design, line = _shared(design), _shared(line)
    here, there = (points[:, 0] + 1j * points[:, 1] for points in (design, line))
    own, other = here - here.mean(), there - there.mean()
    ratio = np.vdot(own, other) / max(np.vdot(own, own).real, 1e-12)
    scale = float(abs(ratio))
    scale = 1.0 if abs(scale - 1.0) < _UNSCALED else scale
    turn = float(np.angle(ratio))
    shift = there.mean() - scale * np.exp(1j * turn) * here.mean()
    rise = float((line[:, 2] - scale * design[:, 2]).mean())
    left = there - (scale * np.exp(1j * turn) * here + shift)
    off = np.hypot(np.abs(left), line[:, 2] - scale * design[:, 2] - rise)
    return Fit(turn, scale, (float(shift.real), float(shift.imag), rise), float(off.max()))


def _shared(points: Floats) -> Floats:
    """Return points at equal shares of the length in plan."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points[:, :2], axis=0).T))])
    places = np.linspace(0.0, along[-1], _SAMPLES)
    return np.column_stack([np.interp(places, along, points[:, axis]) for axis in range(3)])


class AlignmentWriter:
    """Writes the design of alignments.

    Parameters
    ----------
    model
        The IFC model.
    units
        Knows the factors of units.
    shapes
        Writes lines.
    """

    def __init__(self, model: Any, units: UnitWriter, shapes: ShapeWriter) -> None:
        """Start with none."""
        self._model, self._units, self._shapes = model, units, shapes
        self._places: dict[int, int] = {}
        self._lines: dict[int, tuple[Any, MeshSet, Floats]] = {}
        self._along: dict[int, float] = {}

    def values(self, name: str, told: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
        """Return the attributes of a layout or of its segment; None where the scene does not hold its design."""
        if name != "IfcAlignmentSegment":
            return {} if name in _LAYOUTS else None
        design = self._parameters(told.get(DESIGN, {}))
        return None if design is None else {"DesignParameters": design}

    def keep(self, element: Any, thing: CityObject, mesh: MeshSet | None) -> None:
        """Keep what is needed of an alignment, a segment or a referent when all are written."""
        if mesh is not None and len(mesh.positions) > 1 and thing.bounds is not None:
            self._lines[element.id()] = (element, mesh, np.array(thing.bounds[:3]))
        elif element.is_a("IfcReferent") and thing.attributes.get("distance_along_m") is not None:
            self._along[element.id()] = float(thing.attributes["distance_along_m"])
        number = thing.properties.get(DESIGN, {}).get("Place")
        if isinstance(number, int):
            self._places[element.id()] = number

    def order(self, element: Any) -> int:
        """Return the place of a segment in its layout and of a layout in its alignment, zero for all else."""
        if element.is_a() in _LAYOUTS:
            return _LAYOUTS.index(element.is_a())
        return self._places.get(element.id(), 0)

    def without_segments(self, made: Mapping[str, Any], parents: Mapping[str, str]) -> list[str]:
        """Return the uids of layouts none of whose segments is written."""
        held = {parents.get(uid, "") for uid, element in made.items() if element.is_a("IfcAlignmentSegment")}
        return [uid for uid, element in made.items() if element.is_a() in _LAYOUTS and uid not in held]

    def finish(self) -> None:
        """Give each alignment its line, and where its layouts lead along it the place and the curves that they mean."""
        for alignment, mesh, origin in self._lines.values():
            has_layouts = layout(alignment, "IfcAlignmentHorizontal") is not None
            axis = self._placed(alignment, mesh.positions_m) if has_layouts else None
            if axis is None:
                self._forget_layouts(alignment)  # it was bent since, or is of a kind that cannot be evaluated
                alignment.Representation = self._shapes.axis(mesh, origin)
                continue
            curve = self._curve(alignment)
            drawn: Axis | None = axis
            if curve is None:
                points = axis.sampled()
                alignment.Representation = self._shapes.polyline(points)
                curve, drawn = alignment.Representation.Representations[0].Items[0], along_polyline(points)
            if drawn is not None:
                self._refer(alignment, (curve, drawn), axis)

    def _parameters(self, told: Mapping[str, Any]) -> Any | None:
        name = _PARAMETERS.get(str(told.get("Layout")))
        if name is None:
            return None
        values: dict[str, Any] = {}
        for key in (*_LENGTHS, *_PLAIN):
            amount, unit = measured(told.get(key))
            factor = self._units.factor(unit) if unit else 1.0
            if amount is None or factor is None:
                continue
            if key == "StartPoint":
                values[key] = self._model.create_entity("IfcCartesianPoint", [factor * each for each in amount])
            else:
                values[key] = factor * amount if isinstance(amount, (int, float)) else str(amount)
        return self._model.create_entity(name, **values)

    def _placed(self, alignment: Any, line: Floats) -> Axis | None:
        """Return the axis of an alignment that now lies along its line; None where its design does not lead there."""
        axis = self._axis(alignment)
        if axis is None:
            return None
        fit = fitted(axis.sampled(), line)
        if fit.off_m > _NEAR_M + 1e-6 * axis.length_m:
            return None
        self._scale(alignment, fit.scale)
        create = self._model.create_entity
        axes = create(
            "IfcAxis2Placement3D",
            create("IfcCartesianPoint", fit.move_m),
            create("IfcDirection", [0.0, 0.0, 1.0]),
            create("IfcDirection", [math.cos(fit.turn_rad), math.sin(fit.turn_rad), 0.0]),
        )
        alignment.ObjectPlacement = create("IfcLocalPlacement", RelativePlacement=axes)
        return self._axis(alignment)

    def _axis(self, alignment: Any) -> Axis | None:
        try:
            return Layouts(Units(self._model)).axis(alignment)
        except READ_ERRORS:
            return None

    def _curve(self, alignment: Any) -> Any | None:
        """Give an alignment the curves that its layouts mean; None where the library cannot make them.

        The library divides by zero where a cant stays as it is; then the curve goes without the cant, which does not
        move it.
        """
        layouts = [each for each in (_own(alignment, name) for name in _LAYOUTS) if each is not None]
        if not layouts or not layouts[0].is_a("IfcAlignmentHorizontal"):
            return None  # the plan is that of another alignment
        import ifcopenshell.api.alignment as library  # noqa: PLC0415 - slow

        plain = [each for each in layouts if not each.is_a("IfcAlignmentCant")]
        drawn = self._drawn(alignment, layouts) or (len(plain) < len(layouts) and self._drawn(alignment, plain))
        return library.get_basis_curve(alignment) if drawn else None

    def _drawn(self, alignment: Any, layouts: list[Any]) -> bool:
        """Make the curves of some layouts of an alignment, or nothing."""
        import ifcopenshell.api.alignment as library  # noqa: PLC0415 - slow

        self._shapes.context("Axis")  # or the library makes one of its own, beside that of the model
        first = self._mark()
        nests = [*layouts[0].Nests, *(nest for each in layouts for nest in each.IsNestedBy)]
        kept = [each.RelatedObjects for each in nests]
        shown = [layouts, *([each for each in parts if _length(each)] or parts for parts in kept[1:])]
        try:  # segments of no length end a layout, and have no curve
            for nest, parts in zip(nests, shown, strict=True):
                nest.RelatedObjects = parts
            library.create_representation(self._model, alignment)
        except Exception:  # noqa: BLE001 - the library refuses some kinds of segments, each in its own way
            for number in range(self._mark() - 1, first - 1, -1):
                with contextlib.suppress(RuntimeError):  # it was removed by the library
                    self._model.remove(self._model.by_id(number))
            alignment.Representation = None
        finally:
            for nest, parts in zip(nests, kept, strict=True):
                nest.RelatedObjects = parts
        return alignment.Representation is not None

    def _mark(self) -> int:
        """Return the number that the next entity would have had."""
        entity = self._model.create_entity("IfcCartesianPoint", [0.0, 0.0])
        number = int(entity.id())
        self._model.remove(entity)
        return number

    def _refer(self, alignment: Any, drawn: tuple[Any, Axis], axis: Axis) -> None:
        """Place the referents of an alignment along its curve, where that is where they are on its axis."""
        curve, way = drawn
        create = self._model.create_entity
        for referent in [each for nest in alignment.IsNestedBy for each in nest.RelatedObjects]:
            distance = self._along.get(referent.id())
            if distance is None or not 0.0 <= distance <= min(axis.length_m, way.length_m):
                continue
            if np.abs(way.placed(distance)[0] - axis.placed(distance)[0]).max() > _NEAR_M:
                continue
            value = create("IfcLengthMeasure", distance)
            point = create("IfcPointByDistanceExpression", DistanceAlong=value, BasisCurve=curve)
            axes = create("IfcAxis2PlacementLinear", Location=point)
            above = alignment.ObjectPlacement
            referent.ObjectPlacement = create("IfcLinearPlacement", PlacementRelTo=above, RelativePlacement=axes)

    def _forget_layouts(self, alignment: Any) -> None:
        for name in _LAYOUTS:
            whole = _own(alignment, name)
            for entity in [*layout_segments(whole), whole] if whole is not None else []:
                for relation in self._model.get_inverse(entity):
                    self._drop(relation, entity)
                self._model.remove(entity)

    def _drop(self, relation: Any, entity: Any) -> None:
        """Take an entity out of a relationship, which goes if nothing is left of it."""
        many = next((name for name in ("RelatedObjects", "RelatedElements") if hasattr(relation, name)), "")
        left = [each for each in getattr(relation, many) if each != entity] if many else []
        if left and getattr(relation, "RelatingObject", None) != entity:
            setattr(relation, many, left)
        else:
            self._model.remove(relation)

    def _scale(self, alignment: Any, scale: float) -> None:
        for name in _LAYOUTS if scale != 1.0 else ():
            for segment in layout_segments(_own(alignment, name)):
                design = segment.DesignParameters
                for key in _LENGTHS:
                    value = getattr(design, key, None)
                    if key == "StartPoint" and value is not None:
                        value.Coordinates = [scale * each for each in value.Coordinates]
                    elif value is not None:
                        setattr(design, key, scale * value)


def _own(alignment: Any, name: str) -> Any:
    """Return the layout of a class that an alignment has itself, None for one that it shares."""
    nested = (each for relation in alignment.IsNestedBy for each in relation.RelatedObjects)
    return next((each for each in nested if each.is_a(name)), None)


def _length(segment: Any) -> float:
    design = segment.DesignParameters
    return float(getattr(design, "SegmentLength", None) or getattr(design, "HorizontalLength", None) or 0.0)
