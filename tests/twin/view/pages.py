"""Words for tests of the whole page: open it, wait for it, ask it, look at it."""

from __future__ import annotations

import base64
import io
import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from scenes import Scene

WAIT_MS = 120_000


def opened(page: Page, url: str) -> Page:
    """Open a page and wait until it shows tiles."""
    page.set_default_timeout(WAIT_MS)
    page.goto(url)
    until(page, "window.__citytwin && window.__citytwin.ready")
    until(page, "window.__citytwin.engine.stats().tilesLoaded > 0")
    return page


def opened_above(page: Page, url: str) -> None:
    """Open a page of blocks around the zero, seen from above without shadows, and wait for all tiles."""
    opened(page, url)
    ask(page, "app.setShadows(false)")
    ask(page, "app.engine.setCamera({position: [-12, -100, 140], target: [-12, 0, 0]}, 0)")
    settled(page)


def settled(page: Page) -> None:
    """Wait until every view has drawn a frame of what it shows now and nothing is left to load for it."""
    frames = ask(page, "app.engines.map((each) => (each.requestFrame(), each.stats().frames))")
    until(
        page,
        f"""window.__citytwin.engines.every((each, i) => {{
      const {{ frames, tilesPending }} = each.stats();
      return frames > {frames}[i] && tilesPending === 0 && !each.wanted;
    }})""",
    )


def until(page: Page, condition: str) -> None:
    """Wait for a condition without `wait_for_function`, whose eval the single file's own policy forbids."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while not page.evaluate(f"() => Boolean({condition})"):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(50)


def remembered(page: Page) -> None:
    """Wait until the address has all that the page shows; it follows when nothing has changed for a while."""
    until(page, "window.__citytwin.link() === location.href")


def eventually(page: Page, seen: Callable[[], bool], what: str) -> None:
    """Wait for something that only the test can see, such as a colour in the picture."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while not seen():
        assert time.monotonic() < deadline, what
        page.wait_for_timeout(50)


def listen(page: Page) -> None:
    """Note from now on what the page says: a sentence goes after some seconds, whoever waits for it."""
    page.evaluate("""() => {
      const said = (window.__said = []);
      const note = (changes) => changes.forEach((each) => each.addedNodes.forEach((one) => said.push(one.textContent)));
      new MutationObserver(note).observe(window.__citytwin.notices.element, { childList: true });
    }""")


def heard(page: Page, words: str) -> None:
    """Wait until the page has said something since `listen`."""
    until(page, f"window.__said.some((each) => each.includes({json.dumps(words)}))")


def ask(page: Page, code: str) -> Any:
    """Return the value of an expression of `app`, the page's own."""
    return page.evaluate(f"() => {{ const app = window.__citytwin; return ({code}); }}")


def select(page: Page, scene: Scene, uid: str) -> None:
    """Select an object and wait for its properties."""
    ask(page, f"app.select({scene.handle(uid)})")
    page.locator(".inspector h2").wait_for()


def picture(page: Page) -> np.ndarray:
    """Return the canvas as (height, width, 3) sRGB."""
    png = page.evaluate("""async () => {
      const bytes = new Uint8Array(await (await window.__citytwin.engine.snapshot()).arrayBuffer());
      return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    }""")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")).astype(int)


def spot(page: Page, point: tuple[float, float, float]) -> tuple[float, float]:
    """Return where a point of the city is on the page, CSS pixels from its upper left corner."""
    found = page.evaluate(
        """(point) => {
      const { engine } = window.__citytwin;
      const [x, y] = engine.project(new Float32Array(point));
      const box = engine.canvas.getBoundingClientRect();
      return [box.left + x, box.top + y];
    }""",
        list(point),
    )
    return float(found[0]), float(found[1])
