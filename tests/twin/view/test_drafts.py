"""What a page draws and edits, without a browser: shapes, footprints, keeping, and the objects of a variant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from scenes import CityTwinError, Scene
from tests.twin.whatif.conftest import city_of
from twin.view import variant_objects
from twin.view.drafts import PageDrafts
from twin.view.rpc import SceneService
from twin.view.simulations import PageSimulations
from twin.view.variant_objects import SPARE_HANDLES
from twin.whatif import Scenario, ScenarioShelf

L_SHAPE = [[100.0, 0.0], [130.0, 0.0], [130.0, 10.0], [110.0, 10.0], [110.0, 30.0], [100.0, 30.0]]


@pytest.fixture
def city() -> Scene:
    return city_of([(shapely.box(x, 0, x + 20, 12), 30.0) for x in (0, 60)], per_batch=2)


@pytest.fixture
def service(city: Scene) -> SceneService:
    made = SceneService(city)
    shelf = ScenarioShelf(city)
    PageDrafts(made, PageSimulations(made, shelf.all(), lambda _: None), shelf)
    return made


def _new(**more: Any) -> dict[str, Any]:
    return {"type": "add_object", "footprint": [L_SHAPE], "height_m": 24.0, "base_z_m": 0.0, "name": "Annex"} | more


def _keep(service: SceneService, *edits: dict[str, Any], **params: Any) -> dict[str, Any]:
    return service.ask("keep_edits", {"edits": list(edits), "title": "Proposal"} | params)


def test_a_drawn_building_is_an_object_of_the_variant(service: SceneService, city: Scene) -> None:
    kept = _keep(service, _new(attributes={"storeys": 6}))
    assert kept["name"] == "proposal"
    assert kept["scenarios"] == [{"name": "proposal", "title": "Proposal"}]
    geometry = service.ask("scenario_geometry", {"scenario": "proposal"})
    assert (geometry["added"], geometry["first"]) == (1, len(city))
    assert geometry["surface"][:4] == b"glTF"
    told = service.ask("properties", {"handle": len(city)})
    assert (told["name"], told["kind"], told["layer"], told["scenario"]) == (
        "Annex",
        "Building",
        "buildings",
        "proposal",
    )
    values = {each["name"]: each["value"] for each in told["attributes"]}
    assert (values["height_m"], values["storeys"]) == (24.0, 6)
    assert service.ask("bounds", {"handles": [len(city)]}) == pytest.approx([100, 0, 0, 130, 30, 24])
    both = service.ask("bounds", {"handles": [0, len(city)]})
    assert both == pytest.approx([0, 0, 0, 130, 30, 30])
    assert service.ask("properties", {"uid": told["uid"]})["handle"] == len(city)


def test_a_link_to_a_new_building_works_before_its_variant_was_shown(service: SceneService, city: Scene) -> None:
    _keep(service, _new())
    shelf_uid = service.ask(
        "properties", {"handle": service.ask("scenario_geometry", {"scenario": "proposal"})["first"]}
    )
    again = SceneService(city)
    shelf = ScenarioShelf(city)
    simulations = PageSimulations(again, shelf.all(), lambda _: None)
    PageDrafts(again, simulations, shelf)
    _keep(again, _new())
    assert again.ask("properties", {"uid": shelf_uid["uid"]})["name"] == "Annex"


def test_shapes_carry_all_that_a_page_moves(service: SceneService, city: Scene) -> None:
    shape = service.ask("shape", {"handle": 1})
    positions = np.frombuffer(shape["positions"], np.float32).reshape(-1, 3) + shape["centre"]
    triangles = np.frombuffer(shape["triangles"], np.uint32).reshape(-1, 3)
    assert positions[triangles].reshape(-1, 3).min(axis=0) == pytest.approx([60, 0, 0])
    assert positions[triangles].reshape(-1, 3).max(axis=0) == pytest.approx([80, 12, 30])
    assert sorted(shape["rings"][0]) == [[60, 0], [60, 12], [80, 0], [80, 12]]
    assert (shape["base"], shape["top"], shape["height_m"]) == (0.0, 30.0, 30.0)
    assert shape["pivot"] == [70.0, 6.0, 0.0]
    assert shape["uid"] == list(city)[1]


@pytest.mark.parametrize("turn", [30.0, -75.0])
def test_edits_of_edits_turn_about_the_same_point(service: SceneService, turn: float) -> None:
    """What the page previews about the pivot is what comes out, also when the object was turned before."""
    _keep(service, _new())
    geometry = service.ask("scenario_geometry", {"scenario": "proposal"})
    uid = service.ask("properties", {"handle": geometry["first"]})["uid"]
    move = {"type": "move_object", "uid": uid, "dx_m": 7.0, "dy_m": -3.0, "turn_deg": turn}
    _keep(service, move, scenario="proposal")
    first = service.ask("scenario_geometry", {"scenario": "proposal"})["first"]
    before = service.ask("shape", {"handle": first})
    assert before["pivot"] == pytest.approx([115.0 + 7.0, 15.0 - 3.0, 0.0])
    _keep(service, {"type": "move_object", "uid": uid, "turn_deg": 40.0}, scenario="proposal")
    after = service.ask("shape", {"handle": service.ask("scenario_geometry", {"scenario": "proposal"})["first"]})
    angle = np.radians(40.0)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    pivot = np.array(before["pivot"][:2])
    expected = (np.array(before["rings"][0]) - pivot) @ matrix.T + pivot
    np.testing.assert_allclose(after["rings"][0], expected, atol=1e-6)


def test_footprints_come_for_snapping(service: SceneService) -> None:
    found = service.ask("footprints", {"box": [50, -10, 200, 50]})
    assert [min(each["ring"]) for each in found] == [[60, 0]]
    assert (found[0]["base"], found[0]["top"]) == (0.0, 30.0)
    _keep(service, _new())
    with_new = service.ask("footprints", {"box": [50, -10, 200, 50], "scenario": "proposal"})
    assert len(with_new) == 2
    assert service.ask("footprints", {"box": [500, 500, 600, 600]}) == []


def test_a_variant_of_a_variant_and_further_edits(service: SceneService, city: Scene) -> None:
    _keep(service, _new())
    first, second = list(city)
    edits = [
        {"type": "scale_object", "uid": first, "factor": 1.5},
        {"type": "set_attribute", "uid": first, "name": "height_m", "value": 45.0},
        {"type": "remove_object", "uid": second},
    ]
    kept = _keep(service, *edits, title="Second", parent="proposal")
    geometry = service.ask("scenario_geometry", {"scenario": kept["name"]})
    assert (geometry["added"], geometry["changed"], geometry["removed"]) == (1, 1, 1)
    assert sorted(geometry["hidden"]) == [0, 1]
    told = service.ask("properties", {"handle": geometry["first"] + 1})
    assert told["uid"] == first
    assert told["bounds"] == pytest.approx([-5, -3, 0, 25, 15, 45])


@pytest.mark.parametrize(
    ("edits", "match"),
    [
        ([], "list of edits"),
        ([{"type": "add_object", "footprint": [[[0, 0], [1, 1]]], "height_m": 3.0}], "fewer than three"),
        ([{"type": "add_object", "footprint": [[[0, 0], [4, 4], [4, 0], [0, 4]]], "height_m": 3.0}], "not a polygon"),
        ([{"type": "nonsense"}], "no type of edit"),
        (["text"], "not a JSON object"),
    ],
)
def test_bad_drawings_are_refused_with_a_sentence(service: SceneService, edits: list[Any], match: str) -> None:
    with pytest.raises(CityTwinError, match=match):
        _keep(service, *edits)
    with pytest.raises(CityTwinError, match="no such scenario"):
        service.ask("scenario_geometry", {"scenario": "proposal"})


def test_objects_keep_their_handles_and_too_many_get_none(city: Scene) -> None:
    objects = PageSimulations(SceneService(city), {}, lambda _: None).objects
    scenario = Scenario("many", city)
    assert objects.slots(scenario, ["urn:a", "urn:b"]) == [0, 1]
    assert objects.slots(scenario, ["urn:c", "urn:b"]) == [2, 1]
    assert objects.slots(Scenario("other", city), ["urn:a"]) == [3]
    crowd = [f"urn:{number}" for number in range(SPARE_HANDLES)]
    assert min(objects.slots(scenario, crowd)) >= SPARE_HANDLES
    assert objects.slots(scenario, ["urn:d"]) == [4]
    assert objects.owner(len(city) + 3)[1] == "urn:a"


def test_the_page_holds_room_for_as_many_handles() -> None:
    source = Path(variant_objects.__file__).parent / "web" / "src" / "engine" / "objects.ts"
    assert f"SPARE_HANDLES = {SPARE_HANDLES:_};" in source.read_text("utf-8")


def test_a_handle_of_nothing_is_named(service: SceneService) -> None:
    with pytest.raises(CityTwinError, match="handle 99"):
        service.ask("properties", {"handle": 99})
