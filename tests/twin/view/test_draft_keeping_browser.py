"""Drawings that are in no variant yet: they outlive a reload and a crash of the page, and a new version of the city."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import playwright.sync_api
import pytest
import shapely
from playwright.sync_api import Page, expect

from scenes import Georeference, Scene
from scenes.saving import save
from tests.twin.whatif.conftest import city_of, with_terrain
from twin.app import ServerOptions, start_in_thread
from twin.whatif import RemoveObject, Scenario, SetAttribute

from .pages import ask, heard, listen, opened, opened_above, picture, remembered, settled, spot, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.browser

BOXES = [(x, 30.0, x + 20.0, 42.0) for x in (-60.0, 0.0, 40.0)]
STORED = "Object.keys(localStorage).filter((key) => key.startsWith('citytwin:drafts:'))"


@pytest.fixture
def city() -> Scene:
    """Three blocks of 18 m on level ground."""
    return with_terrain(city_of([(shapely.box(*box), 18.0) for box in BOXES]), 0.0)


@pytest.fixture
def package(city: Scene, tmp_path: Path) -> Path:
    return city.save(tmp_path / "blocks.city")


@pytest.fixture
def address(package: Path) -> Iterator[str]:
    with start_in_thread(package, options=ServerOptions(language="en")) as server:
        yield server.url


def _click(page: Page, point: tuple[float, float, float]) -> None:
    """Click a place after the page has heard that the pointer is there."""
    place = spot(page, point)
    page.mouse.move(*place)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.mouse.click(*place)


def _draw(page: Page) -> None:
    """Draw 20 m x 10 m x 15 m by numbers, raise a block of the city, and begin another footprint."""
    page.keyboard.press("e")
    _click(page, (-30.0, -20.0, 0.0))
    for side in ("20<0", "10<90", "20<180"):
        page.keyboard.type(side)
        page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.type("15")
    page.keyboard.press("Enter")
    assert ask(page, "app.drafts.all.length") == 1
    page.keyboard.press(";")
    _click(page, (10.0, 36.0, 18.0))
    until(page, "window.__citytwin.drafts.current && window.__citytwin.drafts.current.origin === 'existing'")
    height = page.locator(".edit-card").get_by_label("Height", exact=True)
    height.fill("40")
    height.press("Enter")
    until(page, "window.__citytwin.drafts.current.placement.height_m === 40")
    page.locator(".stage").focus()
    page.keyboard.press("e")
    _click(page, (20.0, -20.0, 0.0))
    assert len(ask(page, "app.drafts.state.corners")) == 1
    until(page, f"{STORED}.length === 1 && JSON.parse(localStorage[{STORED}[0]]).corners.length === 1")
    remembered(page)


def _drawn(page: Page) -> list[dict[str, Any]]:
    """Return what matters of the drafts."""
    names = "['origin', 'uid', 'handle', 'name', 'rings', 'pivot', 'placement', 'attributes', 'removed', 'tall_m']"
    told = ask(page, f"JSON.stringify(app.drafts.changed.map((draft) => {names}.map((name) => draft[name])))")
    found: list[dict[str, Any]] = json.loads(told)
    return found


def _colour(page: Page, point: tuple[float, float, float]) -> np.ndarray:
    x, y = spot(page, point)
    box = ask(page, "(({left, top}) => [left, top])(app.engine.canvas.getBoundingClientRect())")
    found: np.ndarray = picture(page)[round(y - box[1]), round(x - box[0])]
    return found


def _reload(page: Page) -> None:
    page.reload()
    until(page, "window.__citytwin && window.__citytwin.ready && window.__citytwin.engine.stats().tilesLoaded > 0")
    settled(page)


def test_drawings_are_found_again_after_a_reload(page: Page, address: str) -> None:
    opened_above(page, address)
    _draw(page)
    before, corners = _drawn(page), ask(page, "app.drafts.state.corners")
    assert len(before) == 2
    _reload(page)
    assert ask(page, "app.drafts.all.length") == 0
    offer = page.locator(".notice.offer")
    expect(offer).to_contain_text("3 drawings of")
    bare = _colour(page, (-20.0, -15.0, 15.0))
    ask(page, "app.setLanguage('zh')")
    expect(offer).to_contain_text("绘制的 3 处内容尚未保存到方案")
    offer.get_by_role("button", name="继续编辑").click()
    until(page, "window.__citytwin.drafts.all.length === 2")
    assert _drawn(page) == before
    assert ask(page, "app.drafts.state.corners") == corners
    expect(page.locator(".draw-card .draft-list")).to_contain_text("Building 1")
    expect(offer).to_have_count(0)
    red, _, blue = _colour(page, (-20.0, -15.0, 15.0))
    assert blue - red > 60
    assert blue - red > bare[2] - bare[0] + 30, "it was not there before"
    red, green, _ = _colour(page, (10.0, 36.0, 40.0))
    assert green - red > 40, "the raised block is shown as changed"
    # One step back takes them all, one forth brings them again; once kept, nothing is left to offer.
    page.keyboard.press("Control+z")
    assert ask(page, "app.drafts.all.length") == 0
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="保存到方案").first.click()
    until(page, f"window.__citytwin.drafts.all.length === 0 && {STORED}.length === 0")
    _reload(page)
    page.wait_for_timeout(1200)
    assert page.locator(".notice.offer").count() == 0


def test_drawings_outlive_a_crash_of_the_page(page: Page, address: str) -> None:
    opened_above(page, address)
    _draw(page)
    before = _drawn(page)
    with page.expect_event("crash"), contextlib.suppress(playwright.sync_api.Error):
        page.goto("chrome://crash")
    again = page.context.new_page()
    opened(again, address)
    again.locator(".notice.offer").get_by_role("button", name="Go on with them").click()
    until(again, "window.__citytwin.drafts.all.length === 2")
    assert _drawn(again) == before


def test_what_is_thrown_away_is_not_offered_again(page: Page, address: str) -> None:
    opened_above(page, address)
    _draw(page)
    _reload(page)
    offer = page.locator(".notice.offer")
    offer.get_by_role("button", name="Throw away").click()
    expect(offer).to_have_count(0)
    assert page.evaluate(STORED) == []
    assert ask(page, "app.drafts.all.length") == 0


def test_a_page_that_is_open_keeps_its_drawings_for_itself(page: Page, address: str) -> None:
    opened_above(page, address)
    _draw(page)
    second = page.context.new_page()
    opened(second, address)
    until(second, "window.__citytwin.draftKeeping.taken.size > 0")
    second.wait_for_timeout(1500)  # until after it would have offered them
    assert second.evaluate(STORED) != []
    assert second.locator(".notice.offer").count() == 0
    page.close()
    _reload(second)
    expect(second.locator(".notice.offer")).to_contain_text("3 drawings of")


def test_an_offer_is_taken_back_when_a_page_that_was_busy_says_that_the_drawings_are_its_own(
    page: Page, address: str
) -> None:
    opened_above(page, address)
    _draw(page)
    (key,) = page.evaluate(STORED)
    _reload(page)
    offer = page.locator(".notice.offer")
    expect(offer).to_contain_text("3 drawings of")
    other = page.context.new_page()
    other.goto(f"{address}nothing-here")
    other.evaluate("(key) => new BroadcastChannel('citytwin:drafts').postMessage({op: 'here', key})", key)
    expect(offer).to_have_count(0)
    assert page.evaluate(STORED) == [key]


def _carry(page: Page, address: str) -> None:
    """Take what the browser keeps to another address, as if the server there stood here."""
    entries = page.evaluate("() => ({...localStorage})")
    page.goto(f"{address}nothing-here")
    page.evaluate("(entries) => Object.assign(localStorage, entries)", entries)


def test_another_city_at_the_same_address_is_not_offered_them(
    page: Page, address: str, city: Scene, tmp_path: Path
) -> None:
    opened_above(page, address)
    _draw(page)
    frame = city.georeference
    elsewhere = Georeference(frame.crs, frame.easting_m + 500.0, frame.northing_m, frame.height_m)
    other = Scene(elsewhere, city.layers, city.name).save(tmp_path / "other.city")
    with start_in_thread(other, options=ServerOptions(language="en")) as server:
        _carry(page, server.url)
        opened(page, server.url)
        page.wait_for_timeout(1500)
        assert page.locator(".notice.offer").count() == 0
        assert len(page.evaluate(STORED)) == 1
    with start_in_thread(city.save(tmp_path / "copy.city"), options=ServerOptions(language="en")) as server:
        _carry(page, server.url)
        opened(page, server.url)
        expect(page.locator(".notice.offer")).to_contain_text("3 drawings of")


def test_a_broken_entry_harms_nothing(page: Page, address: str) -> None:
    opened_above(page, address)
    _draw(page)
    key = page.evaluate(STORED)[0]
    page.goto(f"{address}nothing-here")
    page.evaluate("(key) => (localStorage[key] = localStorage[key].slice(0, 200))", key)
    opened(page, address)
    expect(page.get_by_text("Drawings that this browser kept cannot be read")).to_be_visible()
    assert page.evaluate(STORED) == []
    assert page.locator(".notice.offer").count() == 0
    opened_above(page, address)
    _draw(page)


def test_an_object_that_is_gone_is_left_out_with_a_sentence(
    page: Page, address: str, tmp_path: Path, city: Scene
) -> None:
    opened_above(page, address)
    _draw(page)
    uid = ask(page, "app.drafts.all.find((draft) => draft.uid).uid")
    smaller = Scenario("less", city).edit(RemoveObject(uid)).scene
    less = Scene(smaller.georeference, smaller.layers, city.name).save(tmp_path / "less.city")
    with start_in_thread(less, options=ServerOptions(language="en")) as server:
        _carry(page, server.url)
        opened(page, server.url)
        page.locator(".notice.offer").get_by_role("button", name="Go on with them").click()
        expect(page.get_by_text("their objects are gone from the city: 1")).to_be_visible()
        assert [draft[0] for draft in _drawn(page)] == ["drawn"]


def test_a_new_version_of_the_city_leaves_drawings_as_they_are(
    page: Page, address: str, package: Path, city: Scene
) -> None:
    opened_above(page, address)
    _draw(page)
    before = _drawn(page)
    listen(page)
    uid = before[1][1]
    first, second = (city.at(city.handle(uid) + step).uid for step in (-1, 1))
    changed = Scenario("less", city).edit(RemoveObject(first), SetAttribute(second, "height_m", 30.0)).scene
    renewed = Scene(changed.georeference, changed.layers, city.name, city.version + 1)
    assert renewed.handle(uid) == city.handle(uid) - 1
    save(renewed, package, tiles=True)
    heard(page, "shows it as it is now")
    until(page, f"window.__citytwin.drafts.all.some((draft) => draft.handle === {renewed.handle(uid)})")
    expect(page.locator(".layer[data-layer=buildings] .count")).to_have_text("2")
    after = _drawn(page)
    assert [draft[6] for draft in after] == [draft[6] for draft in before]
    assert len(ask(page, "app.drafts.state.corners")) == 1
    assert ask(page, "app.shell.tools.draw.open")
    assert ask(page, f"app.engine.objects.has({renewed.handle(uid)}, 1)") is True, "hidden, for it is drawn otherwise"
    assert ask(page, f"app.engine.objects.has({city.handle(uid)}, 1)") is False
    page.keyboard.press("Control+z")  # the corner
    page.keyboard.press("Control+z")  # the height
    assert ask(page, f"app.engine.objects.has({renewed.handle(uid)}, 1)") is False
