"""Scenarios: edits are small, the base never changes, and what is untouched is shared."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes import Scene, SimulationError
from twin.whatif import (
    AddObject,
    CloseRoad,
    MoveObject,
    OpenGate,
    RemoveObject,
    RestoreObject,
    Scenario,
    SetAttribute,
    diff,
    edit_from_dict,
    list_scenarios,
    load_scenario,
    merge,
    remove_scenario,
    save_scenario,
)
from twin.whatif.hashing import scene_hash

from .conftest import city_of, with_terrain

if TYPE_CHECKING:
    from pathlib import Path

SQUARE = ((100.0, 0.0), (110.0, 0.0), (110.0, 10.0), (100.0, 10.0))
BASE = city_of([(shapely.box(x, y, x + 20, y + 12), 30.0 + x / 10) for x in (0, 60) for y in (0, 60)], per_batch=2)
UIDS = list(BASE)
BASE_HASH = scene_hash(BASE)

numbers = st.floats(-50, 50).map(lambda value: round(value, 3))
moves = st.builds(MoveObject, st.sampled_from(UIDS), numbers, numbers, numbers, numbers)
attributes = st.builds(
    SetAttribute, st.sampled_from(UIDS), st.sampled_from(["height_m", "floors"]), st.integers(5, 90).map(float)
)
edits = st.lists(st.one_of(moves, attributes), max_size=6)


def inverse(edit: MoveObject | SetAttribute) -> MoveObject | SetAttribute:
    if isinstance(edit, MoveObject):
        return MoveObject(edit.uid, -edit.dx_m, -edit.dy_m, -edit.dz_m, -edit.turn_deg)
    return SetAttribute(edit.uid, edit.name, BASE[edit.uid].attributes.get(edit.name))


@settings(max_examples=40, deadline=None)
@given(edits)
def test_edits_and_their_inverses_give_the_very_same_batches(made: list[MoveObject | SetAttribute]) -> None:
    there = Scenario("there", BASE).edit(*made)
    back = there.edit(*(inverse(edit) for edit in reversed(made)))
    assert back.scene is BASE
    assert scene_hash(BASE) == BASE_HASH
    assert there.scene.epoch == BASE.epoch


@settings(max_examples=40, deadline=None)
@given(edits)
def test_hash_and_scene_survive_the_way_through_json(made: list[MoveObject | SetAttribute]) -> None:
    scenario = Scenario("there", BASE, author="a planner", title="塔楼").edit(*made, AddObject("", SQUARE, 20.0))
    again = Scenario.from_json(scenario.to_json(), BASE)
    assert again.as_dict() == scenario.as_dict()
    assert again.hash == scenario.hash
    assert again.edits == scenario.edits
    assert scene_hash(again.scene) == scene_hash(scenario.scene)


@settings(max_examples=25, deadline=None)
@given(edits, edits)
def test_a_branch_of_a_branch_is_the_branch_with_all_edits(
    first: list[MoveObject | SetAttribute], second: list[MoveObject | SetAttribute]
) -> None:
    chained = Scenario("child", Scenario("parent", BASE).edit(*first)).edit(*second)
    flat = Scenario("flat", BASE).edit(*first, *second)
    assert chained.hash == flat.hash
    assert scene_hash(chained.scene) == scene_hash(flat.scene)
    assert not diff(chained, flat)


def test_untouched_batches_and_layers_are_shared() -> None:
    scene = with_terrain(BASE, 0.0)
    edited = Scenario("one", scene).edit(SetAttribute(UIDS[0], "height_m", 50.0)).scene
    old, new = scene.layers["buildings"].batches, edited.layers["buildings"].batches
    assert new[0] is not old[0]
    assert new[1] is old[1]
    assert edited.layers["terrain"] is scene.layers["terrain"]


def test_a_new_height_raises_the_roof_and_keeps_the_foot() -> None:
    taller = Scenario("taller", BASE).edit(SetAttribute(UIDS[0], "height_m", 45.0)).scene
    box = taller[UIDS[0]].bounds
    assert (box[2], box[5]) == pytest.approx((0.0, 45.0), abs=1e-4)
    assert taller[UIDS[0]].attributes["height_m"] == 45.0
    assert BASE[UIDS[0]].attributes["height_m"] == 30.0
    # The same as if the footprint had been raised to the new height at once.
    built = city_of([(shapely.box(0, 0, 20, 12), 45.0)])
    assert taller[UIDS[0]].mesh().area_m2() == pytest.approx(built[UIDS[0]].mesh().area_m2(), rel=1e-6)
    assert taller[UIDS[1]].bounds == BASE[UIDS[1]].bounds


@pytest.mark.parametrize("height", [0, -3.0, "high", True])
def test_a_height_that_is_none_is_refused(height: object) -> None:
    with pytest.raises(SimulationError, match="height"):
        _ = Scenario("bad", BASE).edit(SetAttribute(UIDS[0], "height_m", height)).scene  # type: ignore[arg-type]


def test_a_moved_and_turned_object_takes_its_footprint_along() -> None:
    turned = Scenario("turned", BASE).edit(MoveObject(UIDS[0], 5.0, -3.0, 1.0, 90.0)).scene[UIDS[0]]
    footprint = shapely.from_wkb(turned.footprint_wkb)
    assert footprint.bounds == pytest.approx((10 - 6 + 5, 6 - 10 - 3, 10 + 6 + 5, 6 + 10 - 3))
    box = turned.bounds
    assert (box[0], box[1], box[3], box[4]) == pytest.approx(footprint.bounds, abs=1e-4)
    low, high = turned.mesh().row_bounds(1)
    assert [*low[0], *high[0]] == pytest.approx(box, abs=1e-4)
    assert turned.mesh().area_m2() == pytest.approx(BASE[UIDS[0]].mesh().area_m2(), rel=1e-5)


def test_a_removed_object_is_gone_and_the_others_keep_their_shape() -> None:
    scene = Scenario("gone", BASE).edit(RemoveObject(UIDS[0])).scene
    assert UIDS[0] not in scene
    assert list(scene) == UIDS[1:]
    for uid in UIDS[1:]:
        assert scene[uid].mesh().positions_m == pytest.approx(BASE[uid].mesh().positions_m)
        assert scene.resolve(BASE[uid].fixed["source_id"]).uid == uid


def test_a_restored_object_is_back_in_the_same_batch() -> None:
    gone = Scenario("gone", BASE).edit(RemoveObject(UIDS[0]))
    assert gone.edit(RestoreObject(UIDS[0])).scene is BASE


def test_removing_all_objects_of_a_layer_leaves_it_empty() -> None:
    scene = Scenario("bare", BASE).edit(*(RemoveObject(uid) for uid in UIDS)).scene
    assert len(scene) == 0
    assert scene.layers["buildings"].batches == ()


def test_a_new_object_has_a_stable_uid_shape_and_attributes() -> None:
    new = AddObject("", SQUARE, 24.0, name="Kindergarten", attributes={"use": "school", "floors": 6})
    one, two = (Scenario("school", BASE).edit(new) for _ in range(2))
    other = Scenario("school2", BASE).edit(new)
    assert one.added_uids == two.added_uids != other.added_uids
    added = one.scene[one.added_uids[0]]
    assert added.layer == "buildings"
    assert added.bounds == pytest.approx((100, 0, 0, 110, 10, 24), abs=1e-4)
    assert (added.name, added.attributes["use"], added.attributes["floors"]) == ("Kindergarten", "school", 6)
    assert added.units["height_m"] == "m"
    assert one.edit(RemoveObject(added.uid)).scene is BASE


def test_a_new_object_stands_on_the_terrain() -> None:
    scene = with_terrain(BASE, 4.5)
    one = Scenario("hill", scene).edit(AddObject("", SQUARE, 10.0))
    assert one.scene[one.added_uids[0]].bounds[2] == pytest.approx(4.5, abs=1e-4)


def test_a_new_object_may_be_a_mesh_and_be_edited_further() -> None:
    pyramid = AddObject(
        "",
        positions=((0, 0, 0), (4, 0, 0), (4, 4, 0), (0, 4, 0), (2, 2, 3)),
        triangles=((0, 1, 4), (1, 2, 4), (2, 3, 4), (3, 0, 4)),
        layer="sculptures",
        theme="generic",
        kind="CityFurniture",
    )
    one = Scenario("art", BASE).edit(pyramid)
    uid = one.added_uids[0]
    moved = one.edit(MoveObject(uid, 10.0), SetAttribute(uid, "artist", "Unknown"))
    assert moved.scene.layers["sculptures"].theme == "generic"
    assert moved.scene[uid].bounds[:3] == pytest.approx((10, 0, 0), abs=1e-4)
    assert moved.scene[uid].attributes["artist"] == "Unknown"
    assert list(one.scene)[: len(UIDS)] == UIDS


def test_roads_and_gates_are_recorded_as_attributes() -> None:
    scene = Scenario("works", BASE).edit(CloseRoad(UIDS[0], "2026-05-01T00:00:00Z"), OpenGate(UIDS[1], 0.25)).scene
    assert scene[UIDS[0]].attributes["closed"] is True
    assert scene[UIDS[0]].attributes["closed_from"] == "2026-05-01T00:00:00Z"
    assert scene[UIDS[1]].attributes["opening"] == 0.25
    assert "closed" not in scene[UIDS[1]].attributes


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Scenario("Bad Name", BASE), "is not a name"),
        (lambda: Scenario("a", BASE).edit(RemoveObject("urn:x")), "no such object"),
        (lambda: Scenario("a", BASE).edit(RemoveObject(UIDS[0]), MoveObject(UIDS[0], 1.0)), "was removed"),
        (lambda: Scenario("a", BASE).edit(SetAttribute(UIDS[0], "uid", "x")), "cannot be set"),
        (lambda: Scenario("a", BASE).edit(SetAttribute(UIDS[0], "use", 3.5)).scene, "does not fit 'use'"),
        (lambda: AddObject("", SQUARE), "height"),
        (lambda: AddObject("", SQUARE[:2], 3.0), "fewer than three"),
        (lambda: AddObject("", name="nothing"), "has no shape"),
        (lambda: AddObject("", positions=((0, 0, 0),), triangles=((0, 1, 2),)), "vertex that is not there"),
        (lambda: Scenario("a", BASE).edit(AddObject("", ((0, 0), (9, 9), (9, 0), (0, 9)), 3.0)).scene, "not a polygon"),
        (lambda: MoveObject(UIDS[0], math.nan), "not finite"),
        (lambda: OpenGate(UIDS[0], 1.5), "between 0 and 1"),
        (lambda: SetAttribute(UIDS[0], "", 1), "without a name"),
        (lambda: edit_from_dict({"type": "explode", "uid": "x"}), "no type of edit"),
        (lambda: edit_from_dict({"type": "remove_object", "uid": "x", "colour": 1}), "it takes uid"),
        (lambda: Scenario.from_json("{", BASE), "not JSON"),
        (lambda: Scenario.from_json("[]", BASE), "not a JSON object"),
        (lambda: Scenario.from_json('{"name": "a"}', BASE), "is not a scenario"),
        (lambda: Scenario.from_dict({**Scenario("a", BASE).as_dict(), "version": 99}, BASE), "format version 99"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(make: object, sentence: str) -> None:
    with pytest.raises(SimulationError, match=sentence):
        make()  # type: ignore[operator]


def test_diff_tells_added_removed_and_changed() -> None:
    scenario = Scenario("mixed", BASE).edit(
        SetAttribute(UIDS[0], "height_m", 40.0), RemoveObject(UIDS[1]), AddObject("", SQUARE, 9.0)
    )
    found = diff(BASE, scenario)
    assert found.added == scenario.added_uids
    assert found.removed == (UIDS[1],)
    assert found.changed[UIDS[0]]["height_m"] == (30.0, 40.0)
    assert set(found.changed) == {UIDS[0]}
    assert json.loads(json.dumps(found.as_dict()))["removed"] == [UIDS[1]]
    assert not diff(BASE, BASE)


def test_merge_joins_what_does_not_disagree() -> None:
    ours = Scenario("ours", BASE).edit(SetAttribute(UIDS[0], "height_m", 40.0))
    theirs = Scenario("theirs", BASE).edit(RemoveObject(UIDS[1]), AddObject("", SQUARE, 9.0))
    merged = merge("both", ours, theirs)
    assert merged.conflicts == ()
    assert merged.scenario.scene[UIDS[0]].attributes["height_m"] == 40.0
    assert UIDS[1] not in merged.scenario.scene
    assert theirs.added_uids[0] in merged.scenario.scene


def test_merge_reports_conflicts_and_keeps_our_side() -> None:
    ours = Scenario("ours", BASE).edit(SetAttribute(UIDS[0], "height_m", 40.0), RemoveObject(UIDS[1]))
    theirs = Scenario("theirs", BASE).edit(
        SetAttribute(UIDS[0], "height_m", 50.0), MoveObject(UIDS[1], 5.0), SetAttribute(UIDS[2], "use", "school")
    )
    merged = merge("both", ours, theirs)
    assert [(each.uid, each.topic) for each in merged.conflicts] == [
        (UIDS[0], "attribute height_m"),
        (UIDS[1], "remove_object"),
    ]
    assert merged.scenario.scene[UIDS[0]].attributes["height_m"] == 40.0
    assert merged.scenario.scene[UIDS[2]].attributes["use"] == "school"
    assert merged.conflicts[0].as_dict()["theirs"][0]["value"] == 50.0


def test_the_same_edit_on_both_sides_is_taken_once() -> None:
    move = MoveObject(UIDS[0], 5.0)
    merged = merge("both", Scenario("a", BASE).edit(move), Scenario("b", BASE).edit(move))
    assert merged.conflicts == ()
    assert merged.scenario.edits == (move,)


def test_scenarios_of_different_cities_do_not_merge() -> None:
    other = city_of([(shapely.box(0, 0, 5, 5), 9.0)])
    with pytest.raises(SimulationError, match="different cities"):
        merge("both", Scenario("a", BASE), Scenario("b", other))


def test_scenarios_live_in_the_city_package(tmp_path: Path) -> None:
    parent = Scenario("parent", BASE, author="A").edit(SetAttribute(UIDS[0], "height_m", 40.0))
    child = Scenario("child", parent).edit(RemoveObject(UIDS[1]))
    for scenario in (parent, child, child):
        save_scenario(tmp_path, scenario)
    assert sorted(file.name for file in (tmp_path / "scenarios").iterdir()) == ["child.json", "parent.json"]
    assert [(each["name"], each["parent"], each["edits"]) for each in list_scenarios(tmp_path)] == [
        ("child", "parent", 1),
        ("parent", "", 1),
    ]
    assert load_scenario(tmp_path, "child", BASE).hash == child.hash
    with pytest.raises(SimulationError, match="child builds on it"):
        remove_scenario(tmp_path, "parent")
    remove_scenario(tmp_path, "child")
    with pytest.raises(SimulationError, match="there are parent"):
        load_scenario(tmp_path, "child", BASE)


def test_a_ring_of_parents_and_broken_files_are_named(tmp_path: Path) -> None:
    save_scenario(tmp_path, Scenario("a", Scenario("a", BASE)))
    with pytest.raises(SimulationError, match="a > a"):
        load_scenario(tmp_path, "a", BASE)
    (tmp_path / "scenarios" / "a.json").write_text("{")
    with pytest.raises(SimulationError, match="is not JSON"):
        load_scenario(tmp_path, "a", BASE)


def test_instances_move_too() -> None:
    from scenes import Batch, Instances, Layer, MeshSet
    from scenes.identity import derive_uids
    from scenes.schema import object_table

    crown = MeshSet.of_one([[-1, -1, 0], [1, -1, 0], [0, 1, 4]], [[0, 1, 2]])
    empty = MeshSet.empty()
    feet = np.array([[0, 0, 0], [10, 0, 0]], np.float32)
    trees = Instances(crown, np.arange(2, dtype=np.uint32), feet, np.zeros(2, np.float32), np.ones((2, 3), np.float32))
    mesh = MeshSet(
        empty.centre,
        empty.positions,
        empty.triangles,
        empty.rows,
        empty.vertex_starts,
        empty.triangle_starts,
        instances=(trees,),
    )
    table = object_table({"uid": derive_uids("trees", ["0", "1"]), "kind": ["SolitaryVegetationObject"] * 2})
    city: Scene = BASE.with_layer(Layer("trees", (Batch(table, {"1": mesh}).with_bounds(),), "trees"))
    uid = derive_uids("trees", ["1"])[0]
    moved = Scenario("tree", city).edit(MoveObject(uid, dx_m=3.0)).scene
    assert moved.layers["trees"].batches[0].meshes["1"].instances[0].positions[:, 0] == pytest.approx([0, 13])
    assert moved[uid].bounds[0] - city[uid].bounds[0] == pytest.approx(3.0)
