"""Comparisons in a real browser: side by side, under a divider, and in a grid."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

import scenes
from tests.twin.view.pages import WAIT_MS, ask, eventually, opened, settled, until
from twin.app import ServerOptions, start_in_thread
from twin.whatif import AddObject, RemoveObject, Scenario, save_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes import Scene

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(little_city: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the little city with two proposals: a slab instead of the hall, and a tower."""
    folder = tmp_path_factory.mktemp("planned")
    package = scenes.save(little_city, folder / "little.city")
    slab = AddObject(footprint=(((-90, -75), (10, -75), (10, -65), (-90, -65)),), height_m=60.0, name="Slab")
    save_scenario(package, Scenario("slab", little_city, title="Slab").edit(slab, RemoveObject("urn:uuid:b3")))
    tower = AddObject(footprint=(((60, 60), (80, 60), (80, 80), (60, 80)),), height_m=140.0, name="Spire")
    save_scenario(package, Scenario("spire", little_city, title="Spire").edit(tower))
    with start_in_thread(package, options=ServerOptions(language="en")) as server:
        yield server.url


def _settled(page: Page, views: int) -> None:
    until(page, f"window.__citytwin.engines.length === {views}")
    until(page, "window.__citytwin.engines.every((e) => e.stats().tilesLoaded > 0)")
    settled(page)


def _cameras(page: Page) -> np.ndarray:
    return np.array(ask(page, "app.engines.map((e) => e.camera()).map((c) => [...c.position, ...c.target])"))


def _until_as_one(page: Page, leader: int) -> None:
    """Wait until all views are seen from where one of them is."""

    def as_one() -> bool:
        cameras = _cameras(page)
        return bool(np.abs(cameras - cameras[leader]).max() < 0.01)

    eventually(page, as_one, "all views move as one")


def _handle_at(page: Page, x: float, y: float) -> Any:
    """Return what lies at a place of the page in the view that takes the pointer there."""
    return page.evaluate(
        """async ([x, y]) => {
      const app = window.__citytwin;
      const canvas = app.shell.app.getRootNode().elementFromPoint(x, y);
      const engine = app.engines.find((each) => each.canvas === canvas);
      return engine ? [app.engines.indexOf(engine), (await engine.pickAt(x, y))?.handle ?? -1] : null;
    }""",
        [x, y],
    )


@pytest.mark.parametrize("side", [0.25, 0.75], ids=["left leads", "right leads"])
def test_both_halves_of_a_frame_are_seen_from_one_place(page: Page, address: str, side: float) -> None:
    opened(page, address)
    page.keyboard.press("]")
    _settled(page, 2)
    page.evaluate("""() => {
      const { engines } = window.__citytwin;
      const seen = (window.__seen = []);
      const drawn = engines.map((engine) => engine.camera());
      engines.forEach((engine, i) => {
        const draw = engine.draw.bind(engine);
        engine.draw = (now) => {
          draw(now);
          drawn[i] = engine.camera();
        };
      });
      // What is on the screen after each frame: this comes after the turns of the engines.
      const look = () => {
        seen.push(drawn.map(({ position, target }) => [...position, ...target]));
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }""")
    box = page.locator(".stage").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * side, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down(button="right")
    for step in range(1, 25):
        shown = page.evaluate("() => window.__seen.length")
        page.mouse.move(x + 4 * step, y + 2 * step)
        until(page, f"window.__seen.length > {shown}")
    page.mouse.up(button="right")
    page.wait_for_timeout(400)
    seen = np.array(page.evaluate("() => window.__seen"))
    moved = np.abs(np.diff(seen[:, 0], axis=0)).max(axis=1) > 0.01
    assert moved.sum() >= 5, "the view turned over some frames"
    assert np.abs(seen[:, 0] - seen[:, 1]).max() < 1e-3


def test_a_divider_shows_one_scenario_left_of_it_and_the_other_right(
    page: Page, address: str, little_city: Scene
) -> None:
    opened(page, address)
    ask(page, "app.engine.setCamera({position: [0, -1, 420], target: [0, 0, 0]}, 0)")
    page.keyboard.press("]")
    _settled(page, 2)
    divider = page.get_by_role("slider", name="Divider between the two views")
    expect(divider).to_have_attribute("aria-valuenow", "50")
    hall = little_city.handle("urn:uuid:b3")
    x, y = ask(
        page,
        """(([x, y]) => { const box = app.engine.canvas.getBoundingClientRect(); return [box.left + x, box.top + y]; })(
        app.engine.project(new Float32Array([-60, 30, 40])))""",
    )
    stage = page.locator(".stage").bounding_box()
    assert stage is not None
    share = (x - stage["x"]) / stage["width"]
    assert 0.1 < share < 0.9
    _drag(page, divider, stage["x"] + stage["width"] * min(0.95, share + 0.2))
    assert float(divider.get_attribute("aria-valuenow") or "") == pytest.approx(100 * min(0.95, share + 0.2), abs=1)
    assert _handle_at(page, x, y) == [0, hall], "the hall stands in the city as it is"
    _drag(page, divider, stage["x"] + stage["width"] * max(0.05, share - 0.2))
    assert _handle_at(page, x, y)[0] == 1
    eventually(page, lambda: _handle_at(page, x, y)[1] != hall, "the proposal takes the hall away")
    divider.focus()
    before = float(divider.get_attribute("aria-valuenow") or "")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert float(divider.get_attribute("aria-valuenow") or "") == pytest.approx(before + 12, abs=1)
    page.keyboard.press("Home")
    expect(divider).to_have_attribute("aria-valuenow", "0")
    page.keyboard.press("End")
    expect(divider).to_have_attribute("aria-valuenow", "100")


def _drag(page: Page, divider: Locator, to_x: float) -> None:
    box = divider.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(to_x, y, steps=4)
    page.mouse.up()


def test_both_sides_of_a_divider_are_the_same_picture_where_nothing_differs(page: Page, address: str) -> None:
    opened(page, address)
    page.keyboard.press("]")
    _settled(page, 2)
    page.get_by_label("Right view", exact=True).select_option("")
    expect(page.locator(".second .caption")).to_have_text("Base (as is)")
    ask(page, "app.toggleLabels()")
    for step in (12, -7):
        ask(page, f"app.engines[1].orbit({step}, 4)")
        _until_as_one(page, 1)
    _settled(page, 2)
    left, right = (_pixels(page, place) for place in (0, 1))
    assert left.shape == right.shape
    assert np.ptp(left.reshape(-1, 3), axis=0).min() > 60, "the city"
    assert (np.abs(left - right).max(axis=2) > 8).mean() < 0.002


def _pixels(page: Page, place: int) -> np.ndarray:
    png = page.evaluate(
        """async (place) => {
      const bytes = new Uint8Array(await (await window.__citytwin.engines[place].snapshot()).arrayBuffer());
      return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
    }""",
        place,
    )
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")).astype(int)


def test_a_grid_has_up_to_four_views_each_with_its_scenario_time_and_colours(page: Page, address: str) -> None:
    opened(page, address)
    page.keyboard.press("\\")
    _settled(page, 2)
    add = page.get_by_role("button", name="One view more")
    for views in (3, 4):
        add.click()
        _settled(page, views)
    expect(add).to_be_disabled()
    page.get_by_label("View 3", exact=True).select_option("spire")
    expect(page.locator(".caption").nth(2)).to_contain_text("Spire")
    expect(page.locator(".caption").nth(2)).to_contain_text("1 added")
    for details in page.locator(".compare .own").all():
        details.locator("summary").click()
    page.get_by_label("View 2: Colours").select_option("height_m")
    page.get_by_label("View 4: Colours").select_option("height_m")
    page.locator(".compare .own").nth(3).locator("input").fill("2026-12-21T16:30")
    _settled(page, 4)
    ask(page, "app.engines[2].orbit(25, 3)")
    _until_as_one(page, 2)
    elevations = ask(page, "app.engines.map((e) => e.sun().elevation_deg)")
    assert elevations[0] == elevations[1] == elevations[2]
    assert elevations[3] < elevations[0] - 10
    ask(page, "app.setTime('2026-06-21T04:00:00Z')")
    later = ask(page, "app.engines.map((e) => e.sun().elevation_deg)")
    assert later[0] == later[2] > 70, "noon of the page"
    assert later[3] == elevations[3], "the view keeps its own time"
    legends = page.locator(".compare .legend-box")
    expect(legends).to_have_count(1)
    expect(legends).to_contain_text("View 2 · View 4")
    until(
        page,
        "window.__citytwin.engines[1].codeOf(5) > 0 "
        "&& window.__citytwin.engines[1].codeOf(5) === window.__citytwin.engines[3].codeOf(5)",
    )
    page.get_by_label("View 1: Colours").select_option("function")
    expect(legends).to_have_count(2)
    link = ask(page, "app.link()")
    page.locator(".language").click()
    expect(page.locator(".compare")).to_contain_text("减少一个视图")
    page.keyboard.press("Escape")
    expect(page.locator("canvas")).to_have_count(1)
    until(page, "!location.hash.includes('cmp=')")
    assert ask(page, "app.engine.sun().elevation_deg") == later[0]
    _restored(page, link)


def _restored(page: Page, link: str) -> None:
    """Open a shared link in another window and find the four views there."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(viewport={"width": 1200, "height": 760}, locale="en-GB")
    fresh = opened(context.new_page(), link)
    _settled(fresh, 4)
    expect(fresh.get_by_label("View 3", exact=True)).to_have_value("spire")
    expect(fresh.get_by_label("View 4: Colours")).to_have_value("height_m")
    expect(fresh.locator(".compare .own").nth(3).locator("input")).to_have_value("2026-12-21T16:30")
    expect(fresh.locator(".compare .legend-box")).to_have_count(2)
    _until_as_one(fresh, 0)
    context.close()


def test_a_shared_link_restores_the_divider_and_a_broken_one_opens_one_view(page: Page, address: str) -> None:
    opened(page, f"{address}#cmp=swipe,0.3&cmpv=%3B%3B*&cmpv=slab%3B%3B*")
    _settled(page, 2)
    expect(page.get_by_role("slider", name="Divider between the two views")).to_have_attribute("aria-valuenow", "30")
    expect(page.locator(".second .caption")).to_contain_text("Slab")
    page.get_by_role("button", name="Grid", exact=True).click()
    expect(page.locator(".stage.grid > .view")).to_have_count(2)
    page.get_by_role("button", name="Side by side", exact=True).click()
    expect(page.locator(".stage.pair > .view")).to_have_count(2)
    page.goto("about:blank")
    for broken in ("cmp=swipe,0.3", "cmp=five&cmpv=%3B%3B*&cmpv=%3B%3B*", "cmp=grid&cmpv=%25zz%3B%3B&cmpv=a"):
        opened(page, f"{address}?x={len(broken)}#{broken}")
        assert page.locator("canvas").count() == 1


def test_names_stand_in_every_view(page: Page, address: str) -> None:
    opened(page, address)
    ask(page, "app.engine.setCamera({position: [0, -300, 350], target: [0, 0, 20]}, 0)")
    page.keyboard.press("[")
    _settled(page, 2)
    for place in (0, 1):
        expect(page.locator(".view").nth(place).locator(".label.shown")).not_to_have_count(0, timeout=WAIT_MS)
