"""Scales: another size in plan about the middle of the bounds, together with turns and heights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes import Scene, SimulationError
from scenes.instances import Instances
from scenes.mesh import MeshSet
from twin.whatif import AddObject, MoveObject, ScaleObject, Scenario, SetAttribute, edit_from_dict, merge

from .conftest import city_of

BASE = city_of([(shapely.box(x, 0, x + 20, 12), 30.0) for x in (0, 60)], per_batch=2)
FIRST, SECOND = list(BASE)

factors = st.floats(0.2, 5.0).map(lambda value: round(value, 3))


@settings(max_examples=30, deadline=None)
@given(factors)
def test_a_scale_and_its_inverse_give_the_very_same_city(factor: float) -> None:
    larger = Scenario("larger", BASE).edit(ScaleObject(FIRST, factor))
    back = larger.edit(ScaleObject(FIRST, 1.0 / factor))
    assert back.scene is BASE


@settings(max_examples=30, deadline=None)
@given(factors, st.floats(-180, 180), st.floats(5, 90))
def test_area_goes_by_the_square_and_volume_by_the_height(factor: float, turn: float, height: float) -> None:
    edits = (
        MoveObject(FIRST, 3.0, -2.0, 1.0, turn),
        ScaleObject(FIRST, factor),
        SetAttribute(FIRST, "height_m", height),
    )
    for order in (edits, edits[::-1]):
        item = Scenario("other", BASE).edit(*order).scene[FIRST]
        shape = shapely.from_wkb(item.footprint_wkb)
        assert shape.area == pytest.approx(240.0 * factor**2, rel=1e-6)
        assert shape.centroid.coords[0] == pytest.approx((13.0, 4.0), abs=1e-6)
        walls = 2 * (20.0 + 12.0) * factor * height
        assert item.mesh().area_m2() == pytest.approx(2 * 240.0 * factor**2 + walls, rel=1e-4)
        assert (item.bounds[2], item.bounds[5]) == pytest.approx((1.0, 1.0 + height), abs=1e-4)


def test_the_neighbour_stays_and_the_edit_survives_json() -> None:
    scenario = Scenario("one", BASE).edit(ScaleObject(FIRST, 2.0))
    assert scenario.scene[SECOND].bounds == BASE[SECOND].bounds
    again = Scenario.from_json(scenario.to_json(), BASE)
    assert again.edits == scenario.edits == (ScaleObject(FIRST, 2.0),)
    assert edit_from_dict({"type": "scale_object", "uid": FIRST, "factor": 2.0}) == ScaleObject(FIRST, 2.0)


def test_a_new_building_scales_as_well() -> None:
    square = ((100.0, 0.0), (110.0, 0.0), (110.0, 10.0), (100.0, 10.0))
    new = Scenario("new", BASE).edit(AddObject("urn:new", square, 20.0))
    assert new.edit(ScaleObject("urn:new", 3.0)).scene["urn:new"].bounds == pytest.approx((90, -10, 0, 120, 20, 20))


def test_normals_stay_unit_and_upright_to_their_faces() -> None:
    batch = BASE.layers["buildings"].batches[0]
    mesh = batch.meshes["1"]
    slope = np.tile(np.array([0.6, 0.0, 0.8], np.float32), (mesh.vertex_count, 1))
    layer = BASE.layers["buildings"].with_batches([replace(batch, meshes={"1": replace(mesh, normals=slope)})])
    city = replace(BASE, layers={"buildings": layer})
    item = Scenario("flat", city).edit(ScaleObject(FIRST, 4.0)).scene[FIRST]
    normals = item.mesh().normals
    # A roof of slope 3:4 that is four times as wide has slope 3:16.
    expected = np.array([0.6 / 4, 0.0, 0.8]) / np.hypot(0.6 / 4, 0.8)
    np.testing.assert_allclose(normals, np.tile(expected, (len(normals), 1)), atol=1e-6)


def test_a_tree_is_scaled_as_an_instance() -> None:
    ball = MeshSet.of_one([[1, 0, 0], [0, 1, 0], [0, 0, 2]], [[0, 1, 2]])
    batch = BASE.layers["buildings"].batches[0]
    feet = np.array([[5.0, 5.0, 0.0]], np.float32)
    tree = Instances(ball, np.zeros(1, np.uint32), feet, np.zeros(1, np.float32), np.ones((1, 3), np.float32))
    mesh = replace(batch.meshes["1"], instances=(tree,))
    city: Scene = replace(
        BASE, layers={"buildings": BASE.layers["buildings"].with_batches([replace(batch, meshes={"1": mesh})])}
    )
    item = Scenario("tree", city).edit(ScaleObject(FIRST, 2.0), SetAttribute(FIRST, "height_m", 60.0)).scene[FIRST]
    np.testing.assert_allclose(item.mesh().instances[0].scales, [[2.0, 2.0, 2.0]])


@pytest.mark.parametrize("factor", [0, -1.0, 1000.0, float("nan"), "two", True])
def test_a_factor_that_is_no_size_is_refused(factor: object) -> None:
    with pytest.raises(SimulationError, match="factor"):
        ScaleObject(FIRST, factor)  # type: ignore[arg-type]


def test_two_branches_that_scale_differently_conflict() -> None:
    ours = Scenario("ours", BASE).edit(ScaleObject(FIRST, 2.0))
    theirs = Scenario("theirs", BASE).edit(ScaleObject(FIRST, 3.0))
    merged = merge("both", ours, theirs)
    assert [each.topic for each in merged.conflicts] == ["scale_object"]
    assert merged.scenario.scene[FIRST].bounds == ours.scene[FIRST].bounds
