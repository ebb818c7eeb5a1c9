"""Alignments, referents, grids and annotations are where an independent evaluation says that they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ifcopenshell
import ifcopenshell.api.alignment
import ifcopenshell.api.grid
import ifcopenshell.geom
import ifcopenshell.ifcopenshell_wrapper as wrapper
import numpy as np
import pytest

from bim.alignment import Alignments
from bim.axes import Axis, Bend, Grade, spiral
from bim.layouts import Layouts
from bim.placements import axes_matrix, object_matrix
from bim.settling import settle_placements
from bim.units import Units

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def evaluated(curve: Any, distances: np.ndarray) -> np.ndarray:
    """Return points on a curve as the IFC library's own geometry engine evaluates it."""
    settings = ifcopenshell.geom.settings()
    engine = wrapper.function_item_evaluator(settings, wrapper.map_shape(settings, curve))
    return np.array([np.array(engine.evaluate(float(distance)))[:3, 3] for distance in distances])


KINDS = [
    ("LINE", 0.0, 0.0),
    ("CIRCULARARC", -300.0, -300.0),
    ("CLOTHOID", 0.0, 250.0),
    ("CLOTHOID", 400.0, 0.0),
    ("CLOTHOID", 500.0, 200.0),
    ("BLOSSCURVE", 0.0, 300.0),
    ("COSINECURVE", 350.0, 0.0),
    ("SINECURVE", 0.0, -300.0),
    ("HELMERTCURVE", 0.0, 300.0),
    ("VIENNESEBEND", 0.0, 400.0),
    ("CUBIC", 0.0, 500.0),
]


def alignment_of(model: Any, add: Callable[..., Any], kind: str, start_m: float, end_m: float) -> Any:
    """Add an alignment of one horizontal segment with a straight, a parabola and an arc above it."""
    point = model.create_entity("IfcCartesianPoint", [100.0, 50.0])
    plan = model.create_entity(
        "IfcAlignmentHorizontalSegment", None, None, point, 0.7, start_m, end_m, 120.0, 1.8, kind
    )
    cant = model.create_entity("IfcAlignmentCantSegment", None, None, 0.0, 120.0, 0.0, 0.0, 0.0, 0.15, "VIENNESEBEND")
    profiles = [
        (0.0, 40.0, 10.0, 0.02, 0.02, "CONSTANTGRADIENT"),
        (40.0, 40.0, 10.8, 0.02, -0.03, "PARABOLICARC"),
        (80.0, 40.0, 10.6, -0.03, 0.04, "CIRCULARARC"),
    ]
    heights = [
        model.create_entity("IfcAlignmentVerticalSegment", None, None, *numbers, None, word)
        for *numbers, word in profiles
    ]
    layouts = [add(model, "IfcAlignmentHorizontal", "Plan"), add(model, "IfcAlignmentVertical", "Profile")]
    if kind == "VIENNESEBEND":  # the only one that the cant has a say in
        layouts.append(add(model, "IfcAlignmentCant", "Cant", RailHeadDistance=1.5))
    for layout, designs in zip(layouts, ([plan], heights, [cant]), strict=False):
        segments = [add(model, "IfcAlignmentSegment", f"S{n}", DesignParameters=each) for n, each in enumerate(designs)]
        add(model, "IfcRelNests", RelatingObject=layout, RelatedObjects=segments)
    whole = add(model, "IfcAlignment", "Track")
    add(model, "IfcRelNests", RelatingObject=whole, RelatedObjects=layouts)
    add(model, "IfcRelAggregates", RelatingObject=model.by_type("IfcProject")[0], RelatedObjects=[whole])
    return whole


@pytest.mark.parametrize(("kind", "start_m", "end_m"), KINDS)
def test_every_kind_of_segment_lies_where_the_geometry_engine_puts_it(
    new_house: Callable[..., Any], add: Callable[..., Any], kind: str, start_m: float, end_m: float
) -> None:
    model = new_house("IFC4X3").model
    alignment = alignment_of(model, add, kind, start_m, end_m)
    ifcopenshell.api.alignment.create_representation(model, alignment)
    axes = Alignments(model, Units(model))
    axis = axes.axis(alignment)
    assert axis is not None
    distances = np.linspace(0.0, 119.9, 60)
    curve = model.by_type("IfcGradientCurve")[0]
    mine = axis.at(distances)[:, :3]
    assert np.abs(evaluated(curve, distances) - mine).max() < 5e-4  # the engine steps coarsely along some spirals
    drawn = axes._drawn(alignment)
    assert drawn is not None
    assert np.abs(drawn.at(distances)[:, :3] - mine).max() < 5e-4


@pytest.mark.parametrize("kind", ["CLOTHOID", "BLOSSCURVE", "COSINECURVE", "SINECURVE", "HELMERTCURVE", "VIENNESEBEND"])
def test_transitions_reach_the_curvature_at_their_ends(kind: str) -> None:
    curvature = spiral(kind, 80.0, 0.001, -0.004)
    assert curvature is not None
    assert np.allclose(curvature(np.array([0.0, 80.0])), [0.001, -0.004], atol=1e-15)


def test_a_circle_closes_and_a_sampled_line_stays_near_the_curve() -> None:
    circle = Axis([Bend(0.0, 0.0, 0.0, math.tau * 40.0, lambda s: np.full_like(s, 1 / 40.0))])
    assert np.allclose(circle.at([0.0, circle.length_m])[:, :2], 0.0, atol=1e-9)
    points = circle.sampled()
    middles = (points[1:, :2] + points[:-1, :2]) / 2
    assert np.abs(np.hypot(*(middles - [0.0, 40.0]).T) - 40.0).max() < 0.0101


def test_offsets_go_to_the_left_and_up() -> None:
    axis = Axis([Bend(0.0, 0.0, math.pi / 2, 10.0)], [Grade(0.0, 10.0, 5.0, 0.1)])
    point, heading = axis.placed(10.0, left_m=2.0, up_m=1.0)
    assert np.allclose(point, [-2.0, 10.0, 7.0])
    assert heading == pytest.approx(math.pi / 2)


def test_an_alignment_is_a_line_with_stations_and_rows_for_its_segments(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    model = new_house("IFC4X3", millimetres=False).model
    alignment = alignment_of(model, add, "CIRCULARARC", 300.0, 300.0)
    ifcopenshell.api.alignment.create_representation(model, alignment)
    curve = model.by_type("IfcGradientCurve")[0]
    location = model.create_entity(
        "IfcPointByDistanceExpression", model.create_entity("IfcLengthMeasure", 20.0), 1.5, None, None, curve
    )
    placement = model.create_entity(
        "IfcLinearPlacement", None, model.create_entity("IfcAxis2PlacementLinear", location)
    )
    referent = add(model, "IfcReferent", "1+020", PredefinedType="STATION", ObjectPlacement=placement)
    add(model, "IfcRelNests", RelatingObject=alignment, RelatedObjects=[referent])
    station = model.create_entity(
        "IfcPropertySingleValue", "Station", None, model.create_entity("IfcLengthMeasure", 1020.0)
    )
    stationing = add(model, "IfcPropertySet", "Pset_Stationing", HasProperties=[station])
    add(model, "IfcRelDefinesByProperties", RelatedObjects=[referent], RelatingPropertyDefinition=stationing)
    found = said(model)
    row = found.rows["Track"]
    assert (row["layer"], row["kind"]) == ("lines", "ReferenceLine")
    assert (row["start_station_m"], row["end_station_m"], row["length_m"]) == (1000.0, 1120.0, 120.0)
    post = found.rows["1+020"]
    assert (post["station_m"], post["distance_along_m"], post["parent"]) == (1020.0, 20.0, "Track")
    assert ("1+020", "positioned", "Track", "") in found.ties
    expected = evaluated(curve, np.array([20.0]))[0]
    assert np.hypot(*(found.lines["1+020"][0] - expected)[:2]) == pytest.approx(1.5, abs=1e-6)
    segments = [each for each in found.rows.values() if each["ifc_class"] == "IfcAlignmentSegment"]
    assert {each["predefined_type"] for each in segments} >= {"PARABOLICARC"}
    assert all(each["start_station_m"] >= 1000.0 for each in segments)
    ends = evaluated(curve, np.array([0.0, 119.9999]))
    assert np.allclose(found.lines["Track"][[0, -1]], ends, atol=1e-3)


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4", "IFC4X3"])
def test_grid_axes_are_lines_with_their_tags(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any], schema: str
) -> None:
    house = new_house(schema, millimetres=True)
    model = house.model
    owner = {"OwnerHistory": house.storey.OwnerHistory} if schema == "IFC2X3" else {}
    axes = [
        line_axis(model, tag, ends) for tag, ends in (("A", ((0, 0), (9000, 0))), ("1", ((3000, -1000), (3000, 5000))))
    ]
    grid = add(model, "IfcGrid", "Grid", UAxes=axes[:1], VAxes=axes[1:], **owner)
    add(model, "IfcRelContainedInSpatialStructure", RelatingStructure=house.storey, RelatedElements=[grid], **owner)
    found = said(model)
    assert found.lines["A"].tolist() == [[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]]
    assert found.rows["1"]["parent"] == "Grid"
    assert found.rows["1"]["storey"] == "BuildingStorey"
    assert found.rows["1"]["ifc_class"] == "IfcGridAxis"


def line_axis(model: Any, tag: str, ends: tuple[tuple[float, float], tuple[float, float]]) -> Any:
    points = [model.create_entity("IfcCartesianPoint", [float(number) for number in end]) for end in ends]
    return model.create_entity("IfcGridAxis", tag, model.create_entity("IfcPolyline", points), True)


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4", "IFC4X3"])
def test_what_is_placed_on_a_grid_is_settled_where_the_axes_meet(
    new_house: Callable[..., Any], add: Callable[..., Any], schema: str
) -> None:
    house = new_house(schema, millimetres=True)
    model = house.model
    owner = {"OwnerHistory": house.storey.OwnerHistory} if schema == "IFC2X3" else {}
    axes = [
        line_axis(model, tag, ends)
        for tag, ends in (("A", ((0, 2000), (9000, 2000))), ("1", ((3000, -1000), (3000, 5000))))
    ]
    add(model, "IfcGrid", "Grid", UAxes=axes[:1], VAxes=axes[1:], **owner)
    meeting = model.create_entity("IfcVirtualGridIntersection", axes, [500.0, 0.0, 750.0])
    wall = house.wall("Wall")
    wall.ObjectPlacement = model.create_entity("IfcGridPlacement", PlacementLocation=meeting)
    assert settle_placements(model) == 1
    assert wall.ObjectPlacement.is_a("IfcLocalPlacement")
    assert np.allclose(object_matrix(wall, Units(model))[:3, 3], [3.0, 2.5, 0.75])
    shape = ifcopenshell.geom.create_shape(ifcopenshell.geom.settings(), wall)
    assert np.allclose(np.array(shape.transformation.matrix).reshape(4, 4).T[:3, 3], [3.0, 2.5, 0.75])


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    ["linear-placement-of-signal", "pass-lip002-metric", "pass-lip002-imperial", "sectioned-solid-horizontal"],
)
def test_layouts_and_curves_of_real_alignments_agree_and_so_do_stated_positions(real_data: Path, name: str) -> None:
    model = ifcopenshell.open(real_data / f"ifc/infra_ifc4x3_add2/{name}.ifc")
    units = Units(model)
    axes = Alignments(model, units)
    for alignment in model.by_type("IfcAlignment"):
        designed, drawn = Layouts(units).axis(alignment), axes._drawn(alignment)
        assert designed is not None
        assert drawn is not None
        distances = np.linspace(0.0, designed.length_m, 50)
        assert np.abs(designed.at(distances)[:, :3] - drawn.at(distances)[:, :3]).max() < 1e-4
    for placement in model.by_type("IfcLinearPlacement"):
        if placement.CartesianPosition is not None:
            mine, stated = axes.linear(placement), axes_matrix(placement.CartesianPosition, units)
            assert mine is not None
            assert np.abs(mine[:3, 3] - stated[:3, 3]).max() < 1e-4
    assert axes.oddities == []
