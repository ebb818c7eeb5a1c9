"""A point cloud on the page: what is seen of it, what can be picked, and what its controls do."""

from __future__ import annotations

import base64
import io
import json
import time
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from scenes import Batch, Georeference, Layer, Scene
from scenes.cloudfacts import CLASS_COLOURS
from scenes.points import PointBlocks, spilled
from scenes.schema import object_table
from twin.app import ServerOptions, start_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

WAIT_MS = 120_000
# Three carpets of points side by side: own colour, class, and place; the third is noise.
CARPETS = {"red": ((200, 30, 30), 2, -40.0), "green": ((30, 170, 60), 6, 0.0), "blue": ((30, 60, 210), 7, 40.0)}
HEIGHTS = {"red": 1.0, "green": 9.0, "blue": 5.0}
MIDDLE = {name: (x, 0.0, HEIGHTS[name]) for name, (_, _, x) in CARPETS.items()}


@pytest.fixture(scope="module")
def survey() -> Scene:
    """One block a carpet, 0.4 m between neighbours."""
    side = np.arange(-16, 16, 0.4)
    plan = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    parts = [
        np.column_stack([plan + np.array([x, 0]), np.full(len(plan), HEIGHTS[name])])
        for name, (_, _, x) in CARPETS.items()
    ]
    colours = [np.tile(np.array(rgb, np.uint8), (len(plan), 1)) for rgb, _, _ in CARPETS.values()]
    classes = np.repeat([each[1] for each in CARPETS.values()], len(plan)).astype(np.uint8)
    cloud = PointBlocks.of(
        np.concatenate(parts), np.arange(4) * len(plan), classes=classes, colours=np.concatenate(colours)
    )
    low, high = cloud.bounds_m()
    corners = {
        f"{end}_{axis}": part[:, i] for end, part in (("min", low), ("max", high)) for i, axis in enumerate("xyz")
    }
    notes = [
        json.dumps({"points": {"classes": {str(each[1]): len(plan)}, "colour": True}}) for each in CARPETS.values()
    ]
    table = object_table(
        {
            "uid": [f"urn:carpet:{name}" for name in CARPETS],
            "kind": ["PointCloud"] * 3,
            "name": list(CARPETS),
            **corners,
            "point_count": np.diff(cloud.starts),
            "density_per_m2": [6.25] * 3,
            "low_m": list(HEIGHTS.values()),
            "high_m": list(HEIGHTS.values()),
            "properties": notes,
        }
    )
    layer = Layer("survey", (Batch(table, spilled(cloud)),), "pointcloud", {"en": "Survey", "zh": "测绘点云"})
    return Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), {"survey": layer}, name="survey")


@pytest.fixture(scope="module")
def address(survey: Scene) -> Iterator[str]:
    with start_in_thread(survey, options=ServerOptions(language="en")) as server:
        yield server.url


FIRST = {"mode": "rgb", "size": 1, "hidden": [7]}


class Shown:
    """The page with words for what the tests do."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        page.set_default_timeout(WAIT_MS)

    def open(self, state: str = "") -> None:
        self.page.goto("about:blank")
        self.page.goto(self.address + state)
        self.until("window.__citytwin && window.__citytwin.ready")
        self.reset()

    def reset(self) -> None:
        self.run("""app.setLanguage('en'); app.engine.setShadows(false); app.engine.setTime('2026-05-21T04:00:00Z');
            app.engine.setOverlay(null); app.engine.showAll(); app.engine.setSection(null);""")
        self.look((0, -60, 160), (0, 0, 4))

    def run(self, code: str, argument: object = None) -> Any:
        return self.page.evaluate(f"async (a) => {{ const app = window.__citytwin; {code} }}", argument)

    def until(self, condition: str) -> None:
        deadline = time.monotonic() + WAIT_MS / 1000
        while not self.page.evaluate(f"() => Boolean({condition})"):
            assert time.monotonic() < deadline, condition
            self.page.wait_for_timeout(50)

    def look(self, position: tuple[int, int, int], target: tuple[int, int, int]) -> None:
        self.run("app.engine.setCamera({position: a[0], target: a[1]})", [position, target])
        self.settle()

    def draw(self, **look: Any) -> None:
        self.run("app.setPointLook('survey', a)", {**FIRST, **look})
        self.settle()

    def settle(self) -> None:
        frames = self.run("return app.engine.stats().frames")
        engine = "window.__citytwin.engine"
        ready = f"{engine}.stats().tilesPending === 0 && {engine}.stats().frames > {frames + 2}"
        self.until(f"({engine}.requestFrame(), {ready})")

    def at(self, point: tuple[float, float, float]) -> tuple[int, int]:
        x, y, _ = self.run("return [...app.engine.project(new Float32Array(a))]", list(point))
        return round(x), round(y)

    def colour(self, name: str) -> np.ndarray:
        """Return the mean colour of some pixels in the middle of a carpet, sRGB."""
        return self.colour_at(MIDDLE[name], 3)

    def colour_at(self, point: tuple[float, float, float], reach: int) -> np.ndarray:
        self.settle()
        text = self.run("""const bytes = new Uint8Array(await (await app.engine.snapshot()).arrayBuffer());
            let s = ''; for (const b of bytes) s += String.fromCharCode(b); return btoa(s);""")
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")).astype(int)
        x, y = self.at(point)
        return cast("np.ndarray", picture[y - reach : y + reach + 1, x - reach : x + reach + 1].mean(axis=(0, 1)))

    def pick(self, name: str) -> dict[str, Any] | None:
        box = self.run("const b = app.engine.canvas.getBoundingClientRect(); return [b.left, b.top]")
        x, y = self.at(MIDDLE[name])
        return cast("dict[str, Any] | None", self.run("return app.engine.pickAt(...a)", [x + box[0], y + box[1]]))


@pytest.fixture(scope="module")
def opened(chromium: Browser, address: str) -> Iterator[Shown]:
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="en-GB")
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    shown = Shown(page, address)
    shown.open()
    yield shown
    context.close()
    assert failures == []


@pytest.fixture
def shown(opened: Shown) -> Shown:
    """Return the page in its first state."""
    opened.reset()
    opened.draw()
    return opened


def strongest(colour: np.ndarray) -> str:
    return ("red", "green", "blue")[int(colour.argmax())]


def test_points_close_to_a_surface_in_their_own_colours_and_noise_is_hidden(shown: Shown) -> None:
    for name in ("red", "green"):
        colour = shown.colour(name)
        assert strongest(colour) == name
        assert np.sort(colour)[-1] > 2 * np.sort(colour)[-2], colour
    assert np.ptp(shown.colour("blue")) < 25
    shown.page.locator('[data-class="7"]').check()
    assert strongest(shown.colour("blue")) == "blue"


def test_modes_colour_by_class_and_height_and_the_legend_says_how(shown: Shown) -> None:
    select = shown.page.locator("[data-cloud=survey] select")
    assert select.locator("option").all_text_contents() == ["Own colours", "Class", "Height"]
    select.select_option("classes")
    building = shown.colour("green")
    expected = CLASS_COLOURS[6].astype(float)
    np.testing.assert_allclose(building / building.max(), expected / expected.max(), atol=0.12)
    assert shown.page.locator("[data-cloud=survey] li").first.text_content() == "Ground6.4k"
    select.select_option("height")
    assert strongest(shown.colour("red")) == "blue"  # low
    assert strongest(shown.colour("green")) == "red"  # high
    assert shown.page.locator("[data-cloud=survey] .ticks span").all_text_contents() == ["1 m", "5 m", "9 m"]
    shown.page.locator(".language").click()
    assert select.locator("option").all_text_contents() == ["原始颜色", "分类", "高程"]
    select.select_option("classes")
    expect(shown.page.locator("[data-cloud=survey] li .grow").first).to_have_text("地面")


def test_a_pick_names_the_block_and_the_place_and_passes_hidden_classes(shown: Shown, survey: Scene) -> None:
    pick = shown.pick("green")
    assert pick is not None
    assert pick["layer"] == "survey"
    assert pick["handle"] == survey.handle("urn:carpet:green")
    assert pick["point"] == pytest.approx(MIDDLE["green"], abs=1.0)
    assert shown.pick("blue") is None
    shown.draw(hidden=[6])
    assert shown.pick("green") is None
    assert np.ptp(shown.colour("green")) < 25


def test_codes_hidden_blocks_and_section_planes_work_on_points(shown: Shown) -> None:
    palette = np.zeros((256, 4), np.uint8)
    palette[9] = (20, 40, 230, 255)
    text = base64.b64encode(palette.tobytes()).decode()
    legend = {"type": "ramp", "min": 0, "max": 1, "stops": []}
    overlay = {"id": 1, "name": "t", "titles": {"en": "T", "zh": "T"}, "unit": "1", "source": "live", "layers": []}
    overlay |= {"legend": legend, "palette": text}
    shown.run("app.engine.setOverlay(a); app.engine.setCodes(new Uint8Array([0, 9, 0]))", overlay)
    assert strongest(shown.colour("green")) == "blue"
    shown.run("app.engine.setOverlay(null); app.engine.hide([0], true)")
    assert np.ptp(shown.colour("red")) < 25
    shown.run("app.engine.showAll()")
    assert strongest(shown.colour("red")) == "red"
    shown.run("app.engine.setSection({axis: 'z', offset: 5, azimuth_deg: 0, flipped: false})")
    assert strongest(shown.colour("red")) == "red"
    assert np.ptp(shown.colour("green")) < 60


def test_the_look_of_a_cloud_travels_with_the_link(shown: Shown) -> None:
    shown.open("#p=survey:height:2:2:6")
    assert shown.run("return app.state.points") == {"survey": {"mode": "height", "size": 2, "hidden": [2, 6]}}
    assert np.ptp(shown.colour("green")) < 25
    assert shown.page.locator("[data-cloud=survey] select").input_value() == "height"
    shown.page.locator("[data-cloud=survey] select").select_option("classes")
    shown.until("window.location.hash.includes('p=survey%3Aclasses%3A2%3A2%3A6')")


def test_larger_points_are_larger(shown: Shown) -> None:
    """Between points that lie far apart on the screen the ground shows, until they are made wider."""
    shown.look((0, -6, 39), (0, 0, 9))
    between = (0.2, 0.2, 9.0)
    shown.draw(size=0.4)
    assert np.ptp(shown.colour_at(between, 1)) < 40
    shown.draw(size=3)
    assert strongest(wide := shown.colour_at(between, 1)) == "green"
    assert np.ptp(wide) > 80
