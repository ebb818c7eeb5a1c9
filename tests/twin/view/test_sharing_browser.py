"""Two pages of one city: each sees the variants and results of the other, and is not disturbed in what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from playwright.sync_api import Page, expect

import scenes
from scenes import Scene
from scenes.saving import save
from tests.twin.whatif.conftest import city_of, with_terrain
from twin.app import ServerOptions, start_in_thread
from twin.whatif import Scenario, SetAttribute
from twin.whatif.scenario_files import remove_scenario

from .pages import ask, eventually, heard, listen, opened, picture, settled, spot, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.browser

NEAR, FAR = [[-30, -20], [-10, -20], [-10, -5], [-30, -5]], [[20, -30], [40, -30], [40, -15], [20, -15]]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    boxes = [(shapely.box(x, 30.0, x + 20.0, 42.0), 18.0) for x in (-60.0, 0.0, 40.0)]
    return save(with_terrain(city_of(boxes), 0.0), tmp_path / "blocks.city", tiles=True)


@pytest.fixture
def address(package: Path) -> Iterator[str]:
    with start_in_thread(package, options=ServerOptions(language="en")) as server:
        yield server.url


@pytest.fixture
def other(page: Page) -> Page:
    return page.context.new_page()


def _ready(page: Page, address: str) -> None:
    opened(page, address)
    ask(page, "app.setShadows(false)")
    ask(page, "app.engine.setCamera({position: [-12, -100, 140], target: [-12, 0, 0]}, 0)")
    page.evaluate("window.__mark = 7")
    listen(page)
    settled(page)


def _keep(page: Page, ring: list[list[int]], scenario: str, title: str) -> None:
    edit = {"type": "add_object", "kind": "Building", "layer": "buildings", "theme": "buildings", "name": "Block"}
    edit |= {"attributes": {}, "height_m": 15, "footprint": [ring], "base_z_m": 0}
    page.evaluate(
        "(told) => window.__citytwin.ask('keep_edits', told)",
        {"scenario": scenario, "title": title, "parent": "", "edits": [edit]},
    )


def _blue(page: Page, point: tuple[float, float, float]) -> bool:
    x, y = spot(page, point)
    left, top = ask(page, "(({left, top}) => [left, top])(app.engine.canvas.getBoundingClientRect())")
    red, _, blue = picture(page)[round(y - top), round(x - left)]
    return bool(blue - red > 60)


def _until_blue(page: Page, point: tuple[float, float, float], blue: bool = True) -> None:
    eventually(page, lambda: _blue(page, point) == blue, f"{point} becomes {'blue' if blue else 'as it was'}")


def test_variants_come_change_and_go_on_another_page(page: Page, other: Page, address: str, package: Path) -> None:
    _ready(page, address)
    _ready(other, address)
    # The first page is in the middle of a drawing, and of typing into the form of a simulation.
    page.keyboard.press("e")
    page.keyboard.press("Space")
    corners = ask(page, "app.drafts.state.corners")
    assert len(corners) == 1
    field = page.locator(".form input").first
    field.focus()
    _keep(other, NEAR, "", "Annex")
    heard(page, "The variant “Annex” is new; it can be chosen.")
    scenario = page.get_by_label("Scenario", exact=True)
    expect(scenario.locator("option")).to_have_text(["Base (as is)", "Annex"])
    assert ask(page, "app.drafts.state.corners") == corners
    assert field.evaluate("(node) => node.getRootNode().activeElement === node")
    assert not _blue(page, (-20.0, -12.0, 15.0))
    page.keyboard.press("Escape")
    scenario.select_option("annex")
    _until_blue(page, (-20.0, -12.0, 15.0))
    assert not _blue(page, (30.0, -22.0, 15.0))
    ask(page, "app.setLanguage('zh')")
    _keep(other, FAR, "annex", "")
    heard(page, "方案“Annex”已在其他页面修改。")
    _until_blue(page, (30.0, -22.0, 15.0))
    remove_scenario(package, "annex")  # as another program does it
    heard(page, "当前显示的方案“Annex”已被删除")
    _until_blue(page, (-20.0, -12.0, 15.0), blue=False)
    assert ask(page, "app.state.scenario") is None
    expect(page.get_by_label("方案", exact=True).locator("option")).to_have_text(["现状方案"])
    assert page.evaluate("window.__mark") == 7


def _codes(page: Page, overlay: dict[str, Any]) -> np.ndarray:
    return np.array(
        page.evaluate(
            "async (overlay) => Array.from(await window.__citytwin.painter.codesOf(overlay))",
            overlay,
        )
    )


def test_a_result_is_seen_on_another_page_and_outlives_a_change_of_the_city(
    page: Page, other: Page, address: str, package: Path
) -> None:
    _ready(page, address)
    _ready(other, address)
    other.get_by_role("button", name="Run", exact=True).click()
    other.locator("article.result").wait_for()
    heard(page, "was computed on another page")
    card = page.locator("article.result")
    expect(card).to_have_count(1)
    assert not ask(other, "window.__said.some((each) => each.includes('on another page'))")
    assert ask(page, "app.state.overlay") is None, "what the page shows stays"
    card.locator("button.quiet").first.click()
    until(page, "window.__citytwin.overlay && window.__citytwin.overlay.source === 'field'")
    shown = ask(page, "app.overlay")
    overlay = ask(page, "app.results[0].overlays.find((each) => each.port === 'sunlit_hours')")
    before = _codes(page, overlay)
    city = scenes.open(package)
    raised, left = city.at(0).uid, city.at(2).uid
    assert min(before[:3]) > 0
    changed = Scenario("taller", city).edit(SetAttribute(raised, "height_m", 40.0)).scene
    save(Scene(changed.georeference, changed.layers, city.name, city.version + 1), package)
    for each in (page, other):
        expect(each.get_by_text("Computed on an earlier version of the city.")).to_be_visible()
    now = scenes.open(package)
    after = _codes(page, overlay)
    assert after[now.handle(raised)] == 0
    assert after[now.handle(left)] == before[city.handle(left)]
    assert ask(page, "app.overlay") == shown
    ask(page, "app.setLanguage('zh')")
    expect(card).to_contain_text("基于城市的早期版本计算。此后变更的对象不着色。")
    card.get_by_role("button", name="重新计算").click()
    expect(other.locator("article.result")).not_to_contain_text("earlier version")
    until(page, "window.__citytwin.results.length === 1 && window.__citytwin.results[0].stale === ''")
    fresh = ask(page, "app.results[0].overlays.find((each) => each.port === 'sunlit_hours')")
    assert min(_codes(page, fresh)[:3]) > 0
    numbers = [each["id"] for each in ask(page, "app.results[0].overlays")]
    until(page, f"{numbers}.includes(window.__citytwin.overlay && window.__citytwin.overlay.id)")
    # A page that is opened now finds the result too.
    third = page.context.new_page()
    opened(third, address)
    expect(third.locator("article.result")).to_have_count(1)
