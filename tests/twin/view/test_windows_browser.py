"""What the windows of the tools look like: a switch tells its state, numbers can be read, a list shows its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from scenes import Scene
from twin.app import ServerOptions, start_in_thread

from .pages import ask, opened_above, spot, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

SMALLEST_PX = 8.5


@pytest.fixture(scope="module")
def address(little_city: Scene) -> Iterator[str]:
    """A server of the little city, in English."""
    with start_in_thread(little_city, options=ServerOptions(language="en")) as server:
        yield server.url


def test_the_buttons_of_a_selection_follow_the_keys(page: Page, address: str, little_city: Scene) -> None:
    opened_above(page, address)
    ask(page, f"app.selection.set({[little_city.handle(f'urn:uuid:b{row}') for row in (0, 1)]})")
    for name, key in (("Isolate", "i"), ("X-ray", "y")):
        button = page.locator(".set-card").get_by_role("button", name=name)
        expect(button).to_have_attribute("aria-pressed", "false")
        page.keyboard.press(key)
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(button).to_have_class("button quiet on")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false")


def _measured(page: Page, key: str, number: int) -> None:
    """Measure along one line with the tool of a key, as the measurement of that number."""
    page.keyboard.press(key)
    for placed, end in enumerate(((10.0, -50.0, 0.0), (10.0, 50.0, 0.0)), 1):
        page.mouse.click(*spot(page, end))
        until(page, f"window.__citytwin.engine.measuring.points.length === {placed}")
    page.keyboard.press("Enter")
    until(page, f"window.__citytwin.shell.tools.measure.finished.length === {number}")
    page.keyboard.press(key)


def test_a_list_shows_five_measures_and_a_profile_its_numbers(page: Page, address: str) -> None:
    opened_above(page, address)
    for number in range(1, 6):
        _measured(page, "1", number)
    expect(page.locator(".measurements li")).to_have_count(5)
    assert page.locator(".measurements").evaluate("(list) => list.scrollHeight <= list.clientHeight")
    _measured(page, "6", 6)
    heights = page.locator(".profile-chart text").evaluate_all(
        "(texts) => texts.map((text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"
    )
    assert len(heights) == 5
    assert min(heights) >= SMALLEST_PX
