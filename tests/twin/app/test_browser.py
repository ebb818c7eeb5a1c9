"""The explore page in a real browser: it draws the city, and live codes reach the objects in it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright

from twin.app import LivePlan, start_in_thread
from twin.live import Datastreams, rows
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenes import Scene

pytestmark = pytest.mark.browser

WAIT_MS = 120_000

CHROMIUM = [
    *("--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
]


async def test_an_observation_changes_the_code_of_its_object_in_the_page(city_of: Callable[[int], Scene]) -> None:
    streams = Datastreams.from_records(
        [{"id": "gauge", "observed_property": "rain", "unit": "mm/h", "title_zh": "雨强", "object": "urn:uuid:2"}]
    )
    with start_in_thread(city_of(4), live=LivePlan(streams)) as server:
        assert server.hub is not None
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
            page = await browser.new_page(viewport={"width": 900, "height": 600}, locale="zh-CN")
            page.set_default_timeout(WAIT_MS)
            failures: list[str] = []
            page.on("pageerror", lambda error: failures.append(str(error)))
            requested: list[str] = []
            page.on("request", lambda request: requested.append(request.url))
            await page.goto(server.url)
            await page.wait_for_function("window.__citytwin?.engine && window.__citytwin.manifest")
            assert await page.evaluate("document.title") == "test city"
            assert await page.evaluate("window.__citytwin.manifest.language") == "zh"
            await page.evaluate("window.__citytwin.setOverlay('rain')")
            await page.wait_for_function("window.__citytwin.engine.codeOf(2) === 253")
            assert await page.evaluate("window.__citytwin.engine.codeOf(1)") == 0
            server.hub.state.apply(rows([0], wall_clock_ms(), [30.0]))
            await page.wait_for_function("window.__citytwin.engine.codeOf(2) === 126")
            series = await page.evaluate("window.__citytwin.backend.ask('series', {handle: 2, hours: 1})")
            assert [point for each in series for point in each["v"]] == [30.0]
            await browser.close()
    assert not failures
    outside = [url for url in requested if not url.startswith((server.url, "blob:", "data:"))]
    assert not outside
