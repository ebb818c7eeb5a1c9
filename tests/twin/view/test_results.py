"""Results that pages share: who hears of them, and what is left of them when the city or a variant changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely

from scenes import MeshSet, Scene
from tests.twin.whatif.conftest import city_of, with_terrain
from twin.view.results import MOST_RESULTS, ResultShelf, SharedResult
from twin.view.rpc import OverlayData, SceneService
from twin.view.simulations import PageSimulations
from twin.view.unchanged import changes_between
from twin.whatif import AddObject, RemoveObject, Scenario, SetAttribute

if TYPE_CHECKING:
    from collections.abc import Callable

BOXES = [(shapely.box(x, 0, x + 20, 12), 18.0) for x in (0, 60, 120, 180)]
CITY = with_terrain(city_of(BOXES, per_batch=2), 0.0)
FIRST, SECOND, THIRD, FOURTH = list(CITY)[:4]


def _next(*edits: Any) -> Scene:
    changed = Scenario("next", CITY).edit(*edits).scene
    return replace(changed, version=CITY.version + 1)


def _reopened(scene: Scene) -> Scene:
    """Return the scene with no batch that is the same object, as after it was read again."""
    layers = {
        name: replace(layer, batches=tuple(replace(batch) for batch in layer.batches))
        for name, layer in scene.layers.items()
    }
    return replace(scene, layers=layers)


@pytest.mark.parametrize("again", [lambda scene: scene, _reopened], ids=["shared batches", "read again"])
def test_only_what_is_as_it_was_keeps_its_value(again: Callable[[Scene], Scene]) -> None:
    square = ((300.0, 0.0), (310.0, 0.0), (310.0, 10.0), (300.0, 10.0))
    now = again(_next(RemoveObject(FIRST), SetAttribute(THIRD, "height_m", 40.0), AddObject("", square, 20.0)))
    changes = changes_between(CITY, now)
    found = {uid: int(changes.way[CITY.handle(uid)]) for uid in (FIRST, SECOND, THIRD, FOURTH)}
    assert found == {FIRST: -1, SECOND: now.handle(SECOND), THIRD: -1, FOURTH: now.handle(FOURTH)}
    codes = changes.carried(np.arange(1, len(CITY) + 1, dtype=np.uint8))
    assert codes[now.handle(SECOND)] == CITY.handle(SECOND) + 1
    assert codes[now.handle(THIRD)] == 0
    assert sorted(changes.places[:, 0]) == pytest.approx([0.0, 120.0, 120.0, 300.0])


def test_the_same_city_read_again_has_no_changes() -> None:
    assert not changes_between(CITY, _reopened(CITY))


def test_a_surface_loses_its_triangles_at_changed_places() -> None:
    corners = np.array([[x, y, 5.0] for x in (2.0, 122.0, 500.0) for y in (1.0, 9.0)] + [[6.0, 1.0, 5.0]] * 3)
    corners[6:, 0] = [6.0, 126.0, 504.0]
    mesh = MeshSet.of_one(corners, [[0, 1, 6], [2, 3, 7], [4, 5, 8]])
    changes = changes_between(CITY, _next(SetAttribute(THIRD, "height_m", 40.0)))
    kept = changes.kept(mesh)
    assert kept.triangles.tolist() == [[0, 1, 6], [4, 5, 8]]
    assert kept.positions_m[kept.triangles].shape == (2, 3, 3)


def _made(scene: Scene = CITY, scenario: Scenario | None = None) -> SharedResult:
    number = 7
    codes = np.arange(1, len(scene) + 1, dtype=np.uint8)
    card = {"scenario": scenario.name if scenario else "", "stale": "", "name": "probe", "overlays": [{"id": number}]}
    overlay = OverlayData({"id": number, "name": "n"}, lambda: codes)
    return SharedResult(scene, card, (overlay,), {}, scenario.hash if scenario else "")


class _Page:
    def __init__(self) -> None:
        self.heard: list[tuple[int, object]] = []

    def hear(self, made: SharedResult, author: object) -> None:
        self.heard.append((made.card["id"], author))

    def fail(self, *_: object) -> None:
        raise RuntimeError("the page was closed")


def test_every_page_that_lives_hears_of_a_result() -> None:
    shelf, closed, one, two = ResultShelf(), _Page(), _Page(), _Page()
    shelf.watch(closed.fail)
    for page in (one, two):
        shelf.watch(page.hear)
    del two, page
    first = shelf.add(_made(), author="one")
    second = shelf.add(_made(), replaces=first.card["id"])
    assert one.heard == [(first.card["id"], "one"), (second.card["id"], None)]
    assert [each.card["id"] for each in shelf.all()] == [second.card["id"]]
    assert second.card["replaces"] == first.card["id"]
    for _ in range(MOST_RESULTS + 3):
        shelf.add(_made())
    assert len(shelf.all()) == MOST_RESULTS


def test_a_new_version_leaves_a_result_its_unchanged_objects_and_marks_it() -> None:
    shelf = ResultShelf()
    shelf.add(_made())
    shelf.renew(_reopened(CITY))
    assert shelf.all()[0].card["stale"] == "", "nothing has changed"
    now = _next(RemoveObject(FIRST), SetAttribute(THIRD, "height_m", 40.0))
    shelf.renew(now)
    (kept,) = shelf.all()
    assert (kept.card["stale"], kept.scene) == ("city", now)
    codes = kept.overlays[0].codes()
    assert codes.tolist() == [2, 0, 4, 5], "the first is gone, the third was raised"
    late = shelf.add(_made())
    assert late.card["stale"] == "city", "it was asked for on the version of before"
    assert late.overlays[0].codes().tolist() == [2, 0, 4, 5]
    assert shelf.add(_made(now)).card["stale"] == ""


def test_a_result_of_a_variant_is_out_of_date_once_it_is_edited_or_gone() -> None:
    variant = Scenario("tall", CITY).edit(SetAttribute(FIRST, "height_m", 40.0))
    made = _made(scenario=variant)
    assert made.card_with({"tall": Scenario.from_dict(variant.as_dict(), CITY)})["stale"] == ""
    assert made.card_with({"tall": variant.edit(RemoveObject(SECOND))})["stale"] == "scenario"
    assert made.card_with({})["stale"] == "scenario"
    assert _made().card_with({})["stale"] == ""


def test_a_run_on_one_page_is_a_result_on_another_and_can_be_run_again() -> None:
    shelf = ResultShelf()
    city = city_of(BOXES[:2])
    variant = Scenario("tall", city).edit(SetAttribute(next(iter(city)), "height_m", 40.0))
    here, there = (PageSimulations(SceneService(city), {"tall": variant}, lambda _: None, shelf) for _ in range(2))
    inputs = {"date": "2026-01-20"}
    told = here.service.ask("simulate", {"name": "sunlight", "scenario": "tall", "inputs": inputs})
    (card,) = there.offer_shared()
    assert card == told
    assert (card["inputs"], card["scenario"], card["stale"]) == (inputs, "tall", "")
    for overlay in card["overlays"]:
        assert np.array_equal(
            *(
                np.frombuffer(page.service.ask("codes", {"overlay": overlay["id"]})["codes"], np.uint8)
                for page in (here, there)
            )
        )
    assert any(overlay["surface"] for overlay in card["overlays"])
    changed = there.replace_scenarios({"tall": variant.edit(SetAttribute(next(iter(city)), "height_m", 60.0))})
    assert changed == ["tall"]
    assert [each["stale"] for each in there.offer_shared()] == ["scenario"]
    again = there.service.ask(
        "simulate", {"name": "sunlight", "scenario": "tall", "inputs": inputs, "replaces": card["id"]}
    )
    assert [each["id"] for each in here.offer_shared()] == [again["id"]]
    assert here.service.ask("codes", {"overlay": card["overlays"][0]["id"]}) is None
    assert again["kpis"] != card["kpis"]
