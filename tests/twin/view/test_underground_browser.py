"""The trench by its card and keys, the address that keeps it, and the sliders of the day and of the year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from twin.app import ServerOptions, start_in_thread

from .pages import ask, opened, spot, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes import Scene

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(little_city: Scene) -> Iterator[str]:
    """A server of the little city, in Chinese."""
    with start_in_thread(little_city, options=ServerOptions(language="zh")) as server:
        yield server.url


def test_a_trench_is_dug_resized_kept_and_filled_in(page: Page, address: str) -> None:
    opened(page, address)
    ask(page, "app.engine.setCamera({position: [0, -260, 220], target: [0, -60, 0]}, 0)")
    page.keyboard.press("u")
    card = page.locator(".underground-card")
    card.get_by_role("button", name="开挖沟槽").click()
    expect(card.locator(".hint")).to_have_text("请在地面上单击沟槽起点。")
    page.mouse.click(*spot(page, (-20.0, -70.0, 0.0)))
    expect(card.locator(".hint")).to_have_text("请单击沟槽终点。")
    page.mouse.click(*spot(page, (25.0, -70.0, 0.0)))
    until(page, "window.__citytwin.state.trench")
    trench = ask(page, "app.state.trench")
    assert trench["from"][:2] == pytest.approx([-20, -70], abs=1)
    assert trench["to"][:2] == pytest.approx([25, -70], abs=1)
    card.get_by_role("slider", name="沟槽宽度").fill("12")
    until(page, "window.__citytwin.state.trench.width_m === 12")
    until(page, "location.hash.includes('%2C12%2C5')")
    kept = page.url
    other = page.context.new_page()
    opened(other, kept)
    assert ask(other, "app.state.trench.width_m") == 12
    expect(other.locator(".underground-card")).to_be_visible()
    other.close()
    card.get_by_role("button", name="回填").click()
    until(page, "window.__citytwin.state.trench === null")
    until(page, "!location.hash.includes('tr=')")


def test_escape_ends_the_asking(page: Page, address: str) -> None:
    opened(page, address)
    page.keyboard.press("u")
    card = page.locator(".underground-card")
    card.get_by_role("button", name="开挖沟槽").click()
    page.keyboard.press("Escape")
    expect(card.locator(".hint")).to_be_hidden()
    assert ask(page, "app.state.trench") is None


def test_the_year_has_a_slider(page: Page, address: str) -> None:
    opened(page, address)
    slider = page.get_by_role("slider", name="年内日期")
    high: dict[str, float] = {}
    for name, day in (("summer", 171), ("winter", 354)):
        slider.fill(str(day))
        page.get_by_role("slider", name="时刻").fill("720")
        until(page, f"window.__citytwin.state.time.slice(5, 10) === '{'06-21' if name == 'summer' else '12-21'}'")
        high[name] = ask(page, "app.engine.sun().elevation_deg")
    assert high["summer"] - high["winter"] == pytest.approx(46.9, abs=1.5)  # twice the tilt of the Earth's axis
