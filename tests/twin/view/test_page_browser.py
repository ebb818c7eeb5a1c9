"""The page in a real browser, from the real server and from a single file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

import scenes
from scenes import Scene
from tests.twin.view.pages import WAIT_MS, ask, eventually, opened, picture, remembered, select, settled, until
from twin.app import ServerOptions, start_in_thread
from twin.view import to_html
from twin.whatif import AddObject, RemoveObject, Scenario, save_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

SCRIPT_NAME = '<img src=x onerror="window.__broken = true"><b>bold</b>'


@pytest.fixture(scope="module")
def address(little_city: Scene) -> Iterator[str]:
    """A server of the little city, in English."""
    with start_in_thread(little_city, options=ServerOptions(language="en")) as server:
        yield server.url


def test_the_language_switch_changes_every_text(page: Page, address: str) -> None:
    opened(page, address)
    expect(page.locator("h1")).to_have_text("Little City")
    expect(page.locator("details[data-section=layers] summary")).to_contain_text("Layers")
    page.locator(".language").click()
    expect(page.locator("h1")).to_have_text("小城")
    expect(page.locator("details[data-section=layers] summary")).to_contain_text("图层")
    expect(page.locator(".layer-name").first).to_have_text("建筑")
    assert page.get_by_label("搜索", exact=False).first.get_attribute("placeholder") == "搜索名称或编码"
    assert page.get_by_role("button", name="测量距离").count() == 1


def test_a_click_on_a_building_shows_its_properties(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    ask(page, "app.engine.top(0)")
    settled(page)
    spot = page.evaluate("""async () => {
      const { engine } = window.__citytwin;
      const box = engine.canvas.getBoundingClientRect();
      for (let y = 0.3; y < 0.75; y += 0.05) for (let x = 0.35; x < 0.7; x += 0.05) {
        const at = [box.left + x * box.width, box.top + y * box.height];
        const pick = await engine.pickAt(...at);
        if (pick && pick.layer === 'buildings') return [...at, pick.handle];
      }
      return null;
    }""")
    assert spot is not None
    page.mouse.click(spot[0], spot[1])
    page.locator(".inspector h2").wait_for()
    item = little_city.at(int(spot[2]))
    expect(page.locator(".inspector h2")).to_have_text(item.name or re.compile("Unnamed"))
    expect(page.locator(".inspector")).to_contain_text("Pset_BuildingCommon")
    expect(page.locator(".inspector .path")).to_contain_text("North")


def test_a_script_in_a_name_stays_text(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    select(page, little_city, "urn:uuid:b2")
    expect(page.locator(".inspector h2")).to_have_text(SCRIPT_NAME)
    page.locator("input[type=search]").fill("onerror")
    expect(page.locator(".results li .grow")).to_have_text(SCRIPT_NAME)
    assert page.evaluate("window.__broken") is None
    assert page.locator(".app img, .app b").count() == 0


def test_layers_are_switched_and_the_address_remembers_it(page: Page, address: str) -> None:
    opened(page, address)
    eye = page.get_by_role("switch", name="Show Buildings")
    expect(eye).to_be_checked()
    page.locator(".layer-main").first.click()
    expect(eye).not_to_be_checked()
    until(page, "location.hash.includes('h=buildings')")


def test_an_address_restores_the_view_on_another_screen(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    ask(page, "app.engine.setCamera({position: [300, -200, 250], target: [10, 5, 20]}, 0)")
    select(page, little_city, "urn:uuid:b4")
    ask(page, "app.setOverlay('height_m')")
    ask(page, "app.setTime('2026-01-20T03:00:00Z')")
    ask(page, "app.setSection({axis: 'z', offset: 40, azimuth_deg: 0, flipped: false})")
    ask(page, "app.setLayerOpacity('buildings', 0.5)")
    ask(page, "app.setTheme('dark')")
    page.locator(".language").click()
    until(page, "location.hash.includes('l=zh') && location.hash.includes('b4')")
    remembered(page)
    url = page.url
    fresh = page.context.new_page()
    opened(fresh, url)
    expect(fresh.locator(".inspector h2")).to_have_text("Tower")
    expect(fresh.locator("h1")).to_have_text("小城")
    expect(fresh.locator(".legend")).to_contain_text("高度")
    expect(fresh.locator(".section-card")).to_be_visible()
    assert ask(fresh, "app.theme") == "dark"
    assert ask(fresh, "app.state.opacity.buildings") == 0.5
    assert ask(fresh, "app.state.time") == "2026-01-20T03:00:00Z"
    camera = ask(fresh, "app.engine.camera()")
    assert camera["position"] == pytest.approx([300, -200, 250], abs=0.5)
    assert camera["target"] == pytest.approx([10, 5, 20], abs=0.5)


def test_a_city_without_a_view_of_its_own_is_seen_as_a_whole_however_late_it_comes(page: Page, address: str) -> None:
    page.add_init_script("""
      const send = WebSocket.prototype.send;  // the page asks for its city half a second later than it would
      let before;
      WebSocket.prototype.send = function (data) {
        before ??= new Promise((done) => setTimeout(done, 500));
        before = before.then(() => send.call(this, data));  // the parts of a message keep their order
      };
    """)
    opened(page, address)
    bounds = ask(page, "app.manifest.bounds")
    assert ask(page, "app.manifest.home") is None
    camera = ask(page, "app.engine.camera()")
    for axis in (0, 1):
        assert bounds[axis] < camera["target"][axis] < bounds[axis + 3]
    assert camera["position"][2] > bounds[5]
    assert ask(page, "app.state.camera") in (None, camera)


def test_search_is_driven_by_keys(page: Page, address: str) -> None:
    opened(page, address)
    page.keyboard.press("/")
    page.keyboard.type("图书馆")
    expect(page.locator(".results li")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".inspector h2")).to_have_text("图书馆东楼")
    page.keyboard.press("Escape")
    expect(page.locator(".inspector")).to_be_hidden()


def test_every_control_can_be_reached_by_tab_in_reading_order(page: Page, address: str) -> None:
    opened(page, address)
    page.evaluate("document.activeElement?.blur?.()")
    names: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate("""() => {
              let node = document.activeElement;
              while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
              return (node?.getAttribute('aria-label') || node?.textContent || '').trim();
            }""")
        )
    wanted = [
        "Skip to the 3D view", "Search objects by name or id", "切换为中文", "Dark theme", "Show Buildings",
        "3D view of Little City", "Home view", "Measure a distance", "Full screen", "Date",
    ]  # fmt: skip
    places = [names.index(name) for name in wanted]
    assert places == sorted(places)


def test_every_button_and_input_has_a_name(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    select(page, little_city, "urn:uuid:b0")
    for role in ("button", "slider", "switch", "combobox", "textbox", "radio"):
        for node in page.get_by_role(role).all():  # type: ignore[arg-type]
            assert node.evaluate("n => (n.ariaLabel || n.labels?.[0]?.textContent || n.textContent).trim()"), role


def test_an_attribute_colours_the_city_and_the_legend_explains_it(page: Page, address: str) -> None:
    opened(page, address)
    page.get_by_role("radio", name="Height attribute").check()
    expect(page.locator(".legend")).to_contain_text("Height")
    expect(page.locator(".legend .unit")).to_have_text("m")
    until(page, "window.__citytwin.engine.codeOf(5) > 200 && window.__citytwin.engine.codeOf(0) < 100")
    page.get_by_role("radio", name="Original colours").check()
    expect(page.locator(".legend")).to_be_hidden()


def test_an_error_of_the_server_becomes_a_sentence(page: Page, address: str) -> None:
    opened(page, address)
    page.evaluate("window.__citytwin.ask('nonsense', {}).catch((error) => window.__citytwin.report(error))")
    expect(page.locator(".notice.error")).to_contain_text("nonsense: is not a method of this view")


def test_help_holds_the_focus_and_gives_it_back(page: Page, address: str) -> None:
    opened(page, address)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    page.keyboard.press("Tab")
    assert dialog.evaluate("node => node.contains(node.getRootNode().activeElement)")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (3840, 2160)])
def test_nothing_overlaps_or_leaves_the_screen(
    page: Page, address: str, little_city: Scene, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    opened(page, address + "#y=height_m&s=" + quote("urn:uuid:b0"))
    select(page, little_city, "urn:uuid:b0")
    expect(page.locator(".legend")).to_be_visible()
    boxes = {
        name: page.locator(name).bounding_box()
        for name in (".topbar", ".left", ".inspector", ".legend", ".toolbar", ".timebar", ".status")
    }
    for name, box in boxes.items():
        assert box is not None, name
        assert box["x"] >= -1, name
        assert box["y"] >= -1, name
        assert box["x"] + box["width"] <= width + 1, name
        assert box["y"] + box["height"] <= height + 1, name
    found = list(boxes.items())
    for place, (name, one) in enumerate(found):
        for other_name, other in found[place + 1 :]:
            assert one is not None
            assert other is not None
            apart_x = one["x"] + one["width"] <= other["x"] + 1 or other["x"] + other["width"] <= one["x"] + 1
            apart_y = one["y"] + one["height"] <= other["y"] + 1 or other["y"] + other["height"] <= one["y"] + 1
            assert apart_x or apart_y, f"{name} overlaps {other_name}"


def test_a_single_file_opens_without_any_request(page: Page, little_city: Scene, tmp_path: Path) -> None:
    file = to_html(little_city, tmp_path / "little.html", language="en")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, file.as_uri())
    expect(page.locator("h1")).to_have_text("Little City")
    page.locator("input[type=search]").fill("Tower")
    expect(page.locator(".results li")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".inspector h2")).to_have_text("Tower")
    page.get_by_role("radio", name="Height attribute").check()
    until(page, "window.__citytwin.engine.codeOf(5) > 200")
    outside = [url for url in asked if not url.startswith(("file:", "blob:", "data:"))]
    assert outside == []
    assert [url for url in asked if url.startswith("file:")] == [file.as_uri()]


@pytest.fixture(scope="module")
def planned_city(little_city: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the little city with a proposal: a tall slab south of the library, and the hall taken away."""
    folder = tmp_path_factory.mktemp("planned")
    package = scenes.save(little_city, folder / "little.city")
    slab = AddObject(footprint=(((-90, -75), (10, -75), (10, -65), (-90, -65)),), height_m=60.0, name="Slab")
    save_scenario(package, Scenario("slab", little_city, title="Slab").edit(slab, RemoveObject("urn:uuid:b3")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CITYTWIN_CACHE", str(folder / "cache"))
        with start_in_thread(package, options=ServerOptions(language="en")) as server:
            yield server.url


def _warm_pixels(page: Page) -> int:
    """Count the pixels of the canvas in the orange of a sunny façade."""
    pixels = picture(page)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return int(((red > 200) & (green > 80) & (green < 225) & (red - blue > 90)).sum())


def test_a_run_by_button_colours_the_facades(page: Page, planned_city: str, little_city: Scene) -> None:
    opened(page, planned_city)
    settled(page)
    before = _warm_pixels(page)
    page.get_by_role("group", name="Area").get_by_role("button", name="Current view").click()
    expect(page.locator("[data-parameter=area] strong")).to_contain_text("×")  # noqa: RUF001
    page.get_by_role("button", name="Run", exact=True).click()
    card = page.locator(".result")
    expect(card).to_contain_text("Checks passed", timeout=WAIT_MS)
    expect(card).to_contain_text("Buildings assessed")
    expect(page.locator(".right .legend")).to_contain_text("Sunlit hours on façades")
    eventually(page, lambda: _warm_pixels(page) > before + 500, "the façades are coloured")
    card.get_by_role("button", name="Mean sunlit hours").click()
    tower = little_city.handle("urn:uuid:b4")
    until(page, f"[...Array(250).keys()].includes(window.__citytwin.engine.codeOf({tower}) - 1)")


def test_an_area_around_the_selected_object(page: Page, planned_city: str, little_city: Scene) -> None:
    opened(page, planned_city)
    area = page.get_by_role("group", name="Area")
    area.get_by_role("button", name="Around the selection").click()
    expect(page.locator(".notice")).to_contain_text("Click an object")
    select(page, little_city, "urn:uuid:b0")
    area.get_by_label("Radius in metres").fill("60")
    area.get_by_role("button", name="Around the selection").click()
    expect(area.locator("strong")).to_have_text("120 × 120 m")  # noqa: RUF001
    values = ask(page, "app.shell.simulations.request().inputs.area")
    assert values == pytest.approx([-120, -90, 0, 30], abs=0.2)


def test_a_scenario_is_drawn_in_the_one_view(page: Page, planned_city: str, little_city: Scene) -> None:
    opened(page, planned_city)
    ask(page, "app.engine.top(0)")
    hall = little_city.handle("urn:uuid:b3")
    seen = """async (wanted) => {
      const { engine } = window.__citytwin;
      const box = engine.canvas.getBoundingClientRect();
      for (let y = 0.2; y < 0.9; y += 0.04) for (let x = 0.2; x < 0.9; x += 0.04) {
        const pick = await engine.pickAt(box.left + x * box.width, box.top + y * box.height);
        if (pick && pick.handle === wanted) return true;
      }
      return false;
    }"""
    settled(page)
    assert page.evaluate(seen, hall)
    page.get_by_label("Scenario", exact=True).select_option("slab")
    until(page, "location.hash.includes('b=slab')")
    ask(page, "app.variants.show(app.engine, 'slab')")
    assert not page.evaluate(seen, hall)


def test_two_scenarios_side_by_side(page: Page, planned_city: str, little_city: Scene) -> None:
    opened(page, planned_city)
    page.get_by_role("button", name="Compare", exact=True).click()
    until(page, "window.__citytwin.second && window.__citytwin.second.stats().tilesLoaded > 0")
    assert page.locator("canvas").count() == 2
    expect(page.locator(".caption").nth(0)).to_have_text("Base (as is)")
    expect(page.locator(".caption").nth(1)).to_contain_text("1 added")
    expect(page.locator(".caption").nth(1)).to_contain_text("1 removed")
    for mover, follower in (("engine", "second"), ("second", "engine")):
        ask(page, f"app.{mover}.orbit(15, 5)")
        until(
            page,
            f"""(() => {{
          const [a, b] = [window.__citytwin.{mover}.camera(), window.__citytwin.{follower}.camera()];
          return Math.hypot(...a.position.map((p, i) => p - b.position[i])) < 0.01;
        }})()""",
        )
    page.get_by_role("button", name="Simulate both").click()
    expect(page.locator("tr[data-figure=buildings] td").nth(0)).to_have_text("6", timeout=WAIT_MS)
    expect(page.locator("tr[data-figure=buildings_below]")).to_be_visible()
    expect(page.locator(".compare .legend-box")).to_contain_text("Sunlit hours on façades")
    shade = page.get_by_label("Show", exact=True)
    shade.select_option("facade_mean_hours")
    library = little_city.handle("urn:uuid:b0")
    until(
        page,
        f"""(() => {{
      const [a, b] = [window.__citytwin.engine.codeOf({library}), window.__citytwin.second.codeOf({library})];
      return a > 0 && b > 0 && b < a && a <= 250;
    }})()""",
    )
    page.keyboard.press("Escape")
    expect(page.locator("canvas")).to_have_count(1)
    expect(page.locator(".compare")).to_be_hidden()
    expect(page.locator(".left")).to_be_visible()
