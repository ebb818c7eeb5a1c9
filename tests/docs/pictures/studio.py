"""A page of the demo city that is posed for a picture: what it shows, where from, and when it is ready."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PIL import Image

from tests.docs.pages import DOCS
from tests.twin.view.pages import ask, opened, settled, spot, until

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from scenes import Scene

SIZE = (1366, 768)
QUALITY = 82
Point = tuple[float, float, float]


@dataclass
class Studio:
    """A browser, what gives the address of the served city (with live values, or without), and the city itself."""

    browser: Browser
    served: Callable[[bool], str]
    city: Scene
    package: Path
    folder: Path = DOCS / "images"
    sittings: dict[tuple[str, tuple[int, int], str], Sitting] = field(default_factory=dict)

    def open(
        self,
        language: str = "en",
        *,
        at: tuple[Point, Point] | None = None,
        size: tuple[int, int] = SIZE,
        live: bool = False,
        address: str = "",
    ) -> Sitting:
        """Return a page as it opens, that looks from one place to another; one that is open is turned back to that."""
        key = (language, size, address or self.served(live))
        if key not in self.sittings:
            locale = "zh-CN" if language == "zh" else "en-GB"
            context = self.browser.new_context(viewport={"width": size[0], "height": size[1]}, locale=locale)
            self.sittings[key] = Sitting(self, opened(context.new_page(), f"{key[2]}#l={language}"))
            self.sittings[key].ask("(app.atFirst = {...app.state}, true)")
        self.sittings[key].begin(at)
        return self.sittings[key]

    def close(self) -> None:
        """Close what is open."""
        while self.sittings:
            self.sittings.popitem()[1].page.context.close()

    def keep(self, image: Image.Image, name: str) -> None:
        """Write a picture as WebP, of at most 1366 pixels across."""
        if image.width > SIZE[0]:
            image = image.resize((SIZE[0], round(image.height * SIZE[0] / image.width)), Image.Resampling.LANCZOS)
        image.convert("RGB").save(self.folder / name, quality=QUALITY, method=6)


@dataclass
class Sitting:
    """One page that is posed."""

    studio: Studio
    page: Page

    def ask(self, code: str) -> Any:
        """Return the value of an expression of `app`, the page's own."""
        return ask(self.page, code)

    def begin(self, at: tuple[Point, Point] | None) -> None:
        """Turn the page back to how it opened."""
        self.page.evaluate("""async () => {
          const app = window.__citytwin;
          app.past.now?.();
          for (let i = 0; i < 20 && app.shell.tools.escape(); i++);
          app.shell.tools.reset();
          app.keeping.views.length = app.keeping.notes.length = 0;
          app.keeping.save();
          app.selection.showAll();
          app.selection.clear();
          app.shell.showLeft(true);
          for (const each of app.shell.left.querySelectorAll(".scroll")) each.scrollTop = 0;
          await app.show({ ...app.atFirst, style: null, overlay: null, vehicles: "none" }, 0);
        }""")
        if at:
            self.look(*at)
        else:
            self.ask("app.engine.home(0)")
            self.settle(rounds=1)

    def look(self, position: Point, target: Point) -> None:
        """Look from one place to another, and wait for what is there."""
        self.ask(f"app.engine.setCamera({{position: {list(position)}, target: {list(target)}}}, 0)")
        self.settle(rounds=1)

    def settle(self, rounds: int = 1) -> None:
        """Wait until every view has drawn all it needs, and names have faded in."""
        for _ in range(rounds):
            settled(self.page)
        self.page.wait_for_timeout(500)

    def until(self, condition: str) -> None:
        """Wait for a condition of the page."""
        until(self.page, condition.replace("app.", "window.__citytwin."))

    def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        for key in keys:
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(120)

    def spot(self, point: Point) -> tuple[float, float]:
        """Return where a point of the city is on the page."""
        return spot(self.page, point)

    def click(self, point: Point) -> None:
        """Click where a point of the city is on the page, which no window may cover."""
        x, y = self.spot(point)
        covered = f"Boolean(app.shell.outer.shadowRoot.elementFromPoint({x}, {y})?.closest('.card'))"
        assert not self.ask(covered), f"a window stands over {point}"
        self.page.mouse.move(x, y)
        self.page.mouse.click(x, y)
        self.page.wait_for_timeout(250)

    def mark(self, *points: Point) -> None:
        """Click points of a tool that measures, each when the one before has been taken."""
        for number, point in enumerate(points, 1):
            done = self.ask("app.shell.tools.measure.finished.length")
            self.click(point)
            self.until(
                f"app.engine.measuring.points.length === {number} || !app.shell.tools.measure.kind"
                f" || app.shell.tools.measure.finished.length > {done}"
            )

    def drag(self, *places: tuple[float, float]) -> None:
        """Drag over places of the page; `page.mouse.up` lets go."""
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=4)

    def select(self, where: str) -> None:
        """Select the objects that match CQL2 text."""
        found = self.studio.city.query(where)
        self.ask(f"app.selection.set({self.studio.city.handles(list(found.index)).tolist()})")
        self.page.wait_for_timeout(400)

    def compare(self, mode: str, views: list[tuple[str, str]]) -> None:
        """Compare views, each a scenario and a time of the sun; empty texts mean those of the page."""
        told = ", ".join(
            f"{{scenario: {json.dumps(scenario or None)}, time: {json.dumps(time or None)}, overlay: undefined}}"
            for scenario, time in views
        )
        self.ask(f"app.shell.compare.show({{mode: '{mode}', divider: 0.5, views: [{told}]}})")

    def image(self, clip: tuple[int, int, int, int] | None = None) -> Image.Image:
        """Return what the page shows, or a rectangle of it (left, upper, width, height)."""
        self.settle()
        box = None if clip is None else dict(zip(("x", "y", "width", "height"), clip, strict=True))
        return Image.open(io.BytesIO(self.page.screenshot(clip=box)))  # type: ignore[arg-type]

    def keep(self, name: str, clip: tuple[int, int, int, int] | None = None) -> None:
        """Write what the page shows as a picture of the manual, without an object that lights up under the pointer."""
        self.page.mouse.move(640, 36)
        self.studio.keep(self.image(clip), name)


@dataclass(frozen=True)
class Shot:
    """A picture of the manual: the name of its file, and what makes it."""

    name: str
    take: Callable[[Studio], None]


SHOTS: dict[str, Shot] = {}


def shot(name: str) -> Callable[[Callable[[Studio], None]], Callable[[Studio], None]]:
    """List a function as what makes a picture."""

    def listed(take: Callable[[Studio], None]) -> Callable[[Studio], None]:
        SHOTS[name] = Shot(name, take)
        return take

    return listed


def beside(*images: Image.Image, gap: int = 6) -> Image.Image:
    """Return pictures of one height side by side on white."""
    wide = sum(image.width for image in images) + gap * (len(images) - 1)
    made = Image.new("RGB", (wide, max(image.height for image in images)), "white")
    x = 0
    for image in images:
        made.paste(image.convert("RGB"), (x, 0))
        x += image.width + gap
    return made
