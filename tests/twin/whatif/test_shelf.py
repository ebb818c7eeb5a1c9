"""The shelf of scenarios: edits are kept whole or not at all, in a package or in memory."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import shapely

from scenes import SimulationError
from twin.whatif import AddObject, MoveObject, RemoveObject, Scenario, ScenarioShelf, SetAttribute, list_scenarios

from .conftest import city_of

if TYPE_CHECKING:
    from pathlib import Path

SQUARE = ((100.0, 0.0), (110.0, 0.0), (110.0, 10.0), (100.0, 10.0))
BASE = city_of([(shapely.box(x, 0, x + 20, 12), 30.0) for x in (0, 60)], per_batch=2)
FIRST, SECOND = list(BASE)


@pytest.fixture(params=["package", "memory"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> ScenarioShelf:
    return ScenarioShelf(BASE, tmp_path if request.param == "package" else None)


def test_a_new_variant_gets_a_name_of_its_title_and_keeps_its_objects(shelf: ScenarioShelf) -> None:
    made = shelf.keep("", [AddObject("", SQUARE, 20.0, name="Annex")], title="A wider École")
    assert (made.name, made.title) == ("a-wider-ecole", "A wider École")
    again = shelf.all()[made.name]
    assert again.edits == made.edits
    assert again.scene[made.added_uids[0]].name == "Annex"
    assert shelf.keep("", [RemoveObject(FIRST)], title="A wider école").name == "a-wider-ecole-2"
    assert shelf.keep("", [RemoveObject(FIRST)], title="塔楼").name == "variant"


def test_further_edits_join_a_variant_and_its_children_follow(shelf: ScenarioShelf) -> None:
    parent = shelf.keep("", [AddObject("", SQUARE, 20.0)], title="Parent")
    child = shelf.keep("", [SetAttribute(parent.added_uids[0], "height_m", 40.0)], title="Child", parent="parent")
    assert child.as_dict()["parent"] == "parent"
    shelf.keep("parent", [MoveObject(FIRST, 0.0, 50.0)])
    assert len(shelf.all()["parent"].edits) == 2
    assert shelf.all()["child"].scene[FIRST].bounds[1] == pytest.approx(50.0)
    assert shelf.all()["child"].scene[parent.added_uids[0]].attributes["height_m"] == 40.0


@pytest.mark.parametrize(
    ("name", "edits", "match"),
    [
        ("none", [RemoveObject(FIRST)], "no such scenario"),
        ("", [RemoveObject("urn:nowhere")], "no such object"),
        ("", [AddObject("", ((0.0, 0.0), (9.0, 9.0), (9.0, 0.0), (0.0, 9.0)), 10.0)], "not a polygon"),
        ("", [SetAttribute(FIRST, "height_m", -4.0)], "not above 0"),
    ],
)
def test_what_does_not_fit_is_not_kept(shelf: ScenarioShelf, name: str, edits: list[RemoveObject], match: str) -> None:
    with pytest.raises(SimulationError, match=match):
        shelf.keep(name, edits, title="Bad")
    assert shelf.all() == {}


@pytest.mark.parametrize("title", ["", "   ", "x" * 121])
def test_a_variant_needs_a_title(shelf: ScenarioShelf, title: str) -> None:
    with pytest.raises(SimulationError, match="title"):
        shelf.keep("", [RemoveObject(FIRST)], title=title)


def test_edits_from_several_pages_at_once_are_all_kept(shelf: ScenarioShelf) -> None:
    shelf.keep("", [RemoveObject(FIRST)], title="Busy")
    rings = [tuple((x + 20.0 * place, y) for x, y in SQUARE) for place in range(8)]
    threads = [threading.Thread(target=shelf.keep, args=("busy", [AddObject("", ring, 9.0)])) for ring in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    busy = shelf.all()["busy"]
    assert len(busy.added_uids) == len(set(busy.added_uids)) == 8
    assert len(busy.scene) == len(BASE) - 1 + 8


def test_a_package_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "scenarios").write_text("a file where the folder should be")
    with pytest.raises(SimulationError, match="cannot be written"):
        ScenarioShelf(BASE, tmp_path).keep("", [RemoveObject(FIRST)], title="New")


def test_given_scenarios_are_there_without_a_package() -> None:
    given = Scenario("given", BASE).edit(RemoveObject(SECOND))
    shelf = ScenarioShelf(BASE, first={"given": given})
    assert shelf.all() == {"given": given}
    assert len(shelf.keep("given", [RemoveObject(FIRST)]).edits) == 2


def test_a_package_lists_what_was_kept(tmp_path: Path) -> None:
    ScenarioShelf(BASE, tmp_path).keep("", [RemoveObject(FIRST)], title="Gone")
    assert [(each["name"], each["title"], each["edits"]) for each in list_scenarios(tmp_path)] == [("gone", "Gone", 1)]
