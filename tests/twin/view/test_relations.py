"""An object shows what it is tied to: a few of each kind with their number, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import bim
from bim.authoring import write_library
from scenes import Batch, Georeference, Layer, Scene, relation_table
from scenes.schema import object_table
from twin.app import ServerOptions, start_in_thread
from twin.view import SceneService
from twin.view.rpc import MOST_RELATED

if TYPE_CHECKING:
    from pathlib import Path

WAIT_MS = 120_000


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    path = tmp_path_factory.mktemp("ifc") / "library.ifc"
    return bim.read(write_library(path, crs="EPSG:32651", place_m=(395_600.0, 3_419_000.0, 4.5)))


def system_of(scene: Scene) -> str:
    return next(uid for uid in scene if scene[uid].attributes.get("ifc_class") == "IfcDistributionSystem")


def test_both_ends_name_each_other(library: Scene) -> None:
    service = SceneService(library)
    system = system_of(library)
    groups = {
        (each["kind"], each["outgoing"]): each for each in service.ask("properties", {"uid": system})["relations"]
    }
    members = groups["member", False]
    assert members["count"] == sum(each.kind == "member" for each in library.relations(system)) > 1
    assert members["titles"] == {"en": "Members", "zh": "成员"}
    pump = members["items"][0]
    back = service.ask("properties", {"handle": pump["handle"]})["relations"]
    mine = next(each for each in back if each["kind"] == "member" and each["outgoing"])
    assert (mine["items"][0]["uid"], mine["items"][0]["role"]) == (system, "DistributionSystem")


def test_a_large_system_is_counted_and_only_its_first_members_are_made_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    uids = [f"urn:uuid:{number}" for number in range(4_001)]
    table = object_table({"uid": uids, "kind": ["CityObjectGroup", *["Device"] * 4_000]})
    ties = relation_table(np.arange(1, 4_001), ["member"] * 4_000, [uids[0]] * 4_000, [""] * 4_000)
    batch = Batch(table, relations=ties)
    scene = Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), {"a": Layer("a", (batch,))})
    made = []
    at = Scene.at
    monkeypatch.setattr(Scene, "at", lambda self, handle: made.append(handle) or at(self, handle))
    (group,) = SceneService(scene).properties(0)["relations"]
    assert (group["count"], len(group["items"])) == (4_000, MOST_RELATED)
    assert [each["uid"] for each in group["items"]] == uids[1 : MOST_RELATED + 1]
    assert len(made) <= MOST_RELATED + 1


@pytest.mark.browser
def test_a_click_on_a_relation_picks_the_other_object(library: Scene, page: Page, tmp_path: Path) -> None:
    system = system_of(library)
    with start_in_thread(library, options=ServerOptions(language="en")) as server:
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{server.url}")
        page.wait_for_function("window.__citytwin && window.__citytwin.ready")
        page.evaluate(f"() => window.__citytwin.select({library.handle(system)})")
        members = page.locator(".inspector .relation[data-kind=member]")
        expect(members.locator("h4").first).to_contain_text("Members")
        first = members.locator("button.link").first
        name = first.inner_text()
        page.screenshot(path=tmp_path / "en.png")
        page.locator(".language").click()
        expect(members.locator("h4").first).to_contain_text("成员")
        expect(page.locator("details[data-section=relations] > summary")).to_contain_text("关联对象")
        page.screenshot(path=tmp_path / "zh.png")
        first.click()
        expect(page.locator(".inspector h2")).to_have_text(name)
        expect(members.locator("h4").first).to_contain_text("所属组")
