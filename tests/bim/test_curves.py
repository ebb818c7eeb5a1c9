"""Curves become polylines that stay on the curve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ifcopenshell
import numpy as np
import pytest

from bim.curves import curve_points
from bim.units import Units

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def model() -> Any:
    made = ifcopenshell.file(schema="IFC4")
    length = made.create_entity("IfcSIUnit", None, "LENGTHUNIT", "MILLI", "METRE")
    made.create_entity(
        "IfcProject",
        GlobalId="0uNK5SmrzEIvVhFUVO2hMl",
        UnitsInContext=made.create_entity("IfcUnitAssignment", [length]),
    )
    return made


def point(model: Any, *numbers: float) -> Any:
    return model.create_entity("IfcCartesianPoint", [float(number) for number in numbers])


def circle(model: Any, radius: float) -> Any:
    axes = model.create_entity("IfcAxis2Placement2D", point(model, 1000, 0))
    return model.create_entity("IfcCircle", axes, radius)


def radii(points: np.ndarray) -> np.ndarray:
    return np.hypot(points[:, 0] - 1.0, points[:, 1])


def test_a_circle_is_closed_and_round(model: Any) -> None:
    points = curve_points(circle(model, 2000.0), Units(model))
    assert np.allclose(points[0], points[-1])
    assert np.allclose(radii(points), 2.0)


@pytest.mark.parametrize(("sense", "turn"), [(True, math.pi / 2), (False, -1.5 * math.pi)])
def test_a_trimmed_circle_goes_the_way_that_it_says(model: Any, sense: bool, turn: float) -> None:
    ends = [[model.create_entity("IfcParameterValue", angle)] for angle in (0.0, math.pi / 2)]
    trimmed = model.create_entity("IfcTrimmedCurve", circle(model, 2000.0), *ends, sense, "PARAMETER")
    points = curve_points(trimmed, Units(model))
    angles = np.unwrap(np.arctan2(points[:, 1], points[:, 0] - 1.0))
    assert angles[-1] - angles[0] == pytest.approx(turn)
    assert np.allclose(radii(points), 2.0)


def test_points_may_trim_as_well_as_parameters(model: Any) -> None:
    ends = [[point(model, 3000, 0)], [point(model, 1000, 2000)]]
    trimmed = model.create_entity("IfcTrimmedCurve", circle(model, 2000.0), *ends, True, "CARTESIAN")
    points = curve_points(trimmed, Units(model))
    assert np.allclose(points[[0, -1]], [[3, 0, 0], [1, 2, 0]])


def test_an_arc_by_three_points_passes_through_them(model: Any) -> None:
    coordinates = model.create_entity(
        "IfcCartesianPointList3D",
        [(3000.0, 0.0, 500.0), (1000.0, 2000.0, 500.0), (-1000.0, 0.0, 500.0), (-1000.0, -500.0, 500.0)],
    )
    pieces = [model.create_entity("IfcArcIndex", [1, 2, 3]), model.create_entity("IfcLineIndex", [3, 4])]
    points = curve_points(model.create_entity("IfcIndexedPolyCurve", coordinates, pieces), Units(model))
    assert np.allclose(radii(points[:-1]), 2.0)
    assert np.allclose(points[[0, -1]], [[3, 0, 0.5], [-1, -0.5, 0.5]])
    assert points[:, 1].max() == pytest.approx(2.0, abs=0.02)


def test_a_rational_spline_is_an_exact_quarter_of_a_circle(model: Any) -> None:
    control = [point(model, 3000, 0), point(model, 3000, 2000), point(model, 1000, 2000)]
    spline = model.create_entity(
        "IfcRationalBSplineCurveWithKnots", 2, control, "UNSPECIFIED", False, False, [3, 3], [0.0, 1.0], "UNSPECIFIED",
        [1.0, math.sqrt(0.5), 1.0],
    )  # fmt: skip
    assert np.allclose(radii(curve_points(spline, Units(model))), 2.0)


def test_a_line_of_no_length_and_a_curve_in_a_circle_of_references_are_nothing(model: Any) -> None:
    flat = model.create_entity("IfcCartesianPointList2D", [(0.0, 0.0)])
    assert len(curve_points(model.create_entity("IfcIndexedPolyCurve", flat), Units(model))) == 1
    segment = model.create_entity("IfcCompositeCurveSegment", "CONTINUOUS", True)
    composite = model.create_entity("IfcCompositeCurve", [segment], False)
    segment.ParentCurve = composite
    assert len(curve_points(composite, Units(model))) == 0


def test_a_note_has_its_lines_its_words_and_its_place(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    made = new_house("IFC4", millimetres=True).model
    arrow = made.create_entity("IfcPolyline", [point(made, 0, 0), point(made, 1000, 0), point(made, 1000, 500)])
    spot = made.create_entity("IfcAxis2Placement2D", point(made, 2000, 500))
    words = made.create_entity("IfcTextLiteral", "See detail 7", spot, "RIGHT")
    context = made.by_type("IfcGeometricRepresentationContext")[0]
    items = [made.create_entity("IfcGeometricCurveSet", [arrow]), words]
    shape = made.create_entity("IfcShapeRepresentation", context, "Annotation", "GeometricSet", items)
    add(
        made,
        "IfcAnnotation",
        "Note",
        Representation=made.create_entity("IfcProductDefinitionShape", None, None, [shape]),
    )
    found = said(made)
    assert found.rows["Note"]["text"] == "See detail 7"
    assert found.rows["Note"]["layer"] == "lines"
    assert found.lines["Note"].tolist() == [[0, 0, 0], [1, 0, 0], [1, 0.5, 0], [2, 0.5, 0]]
