"""Worker side: the layouts of alignments (IFC4X3), as engineers design them: plan, profile and cant, as an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bim.axes import Axis, Bend, Grade, spiral
from bim.curves import point_of
from bim.entities import attribute, every, list_at, number_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bim.units import Units

DESIGN = "Design"
_DEEPEST = 16
_SHORTEST_M = 1e-9


@dataclass
class Layouts:
    """Makes axes of layouts.

    Parameters
    ----------
    units
        Those of the model.
    oddities
        Gets what is drawn as something else than it is.
    """

    units: Units
    oddities: list[tuple[str, str, str]] = field(default_factory=list)

    def axis(self, alignment: Any) -> Axis | None:
        """Return the axis that an alignment is designed to have, None if it has no horizontal layout."""
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


def designs(model: Any, units: Units) -> dict[int, dict[str, Any]]:
    """Return what the segments of all layouts are designed by, by entity number: {attribute: value with its unit}.

    `Layout` says which of the three it belongs to, `Place` is its number in it; points are in the coordinates of
    the alignment.
    """
    found: dict[int, dict[str, Any]] = {}
    for name in ("Horizontal", "Vertical", "Cant"):
        for whole in every(model, f"IfcAlignment{name}"):
            for place, segment in enumerate(layout_segments(whole), 1):
                found[segment.id()] = {"Layout": name, "Place": place, **_design(segment.DesignParameters, units)}
    return found


def _design(design: Any, units: Units) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in design.get_info(recursive=False, include_identifier=False).items():
        if name == "StartPoint" and value is not None:
            found[name] = units.length.of([float(each) for each in value.Coordinates[:2]])
        elif isinstance(value, (int, float)):
            unit = units.angle if name == "StartDirection" else units.length
            found[name] = float(value) if name.endswith("Gradient") else unit.of(float(value))
        elif isinstance(value, str) and name != "type":
            found[name] = text_at(design, name)
    return found


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
