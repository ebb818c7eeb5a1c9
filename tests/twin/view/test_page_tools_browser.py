"""The tools of the page in a real browser: selecting many, filters, colours by attribute, cuts, measures, keys."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from scenes import Scene
from twin.app import ServerOptions, start_in_thread
from twin.view import to_html

from .pages import ask, opened, picture, remembered, select, settled, spot, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(little_city: Scene) -> Iterator[str]:
    """A server of the little city, in English."""
    with start_in_thread(little_city, options=ServerOptions(language="en")) as server:
        yield server.url


def _from_above(page: Page) -> None:
    ask(page, "app.engine.setCamera({position: [0, -1, 420], target: [0, 0, 0]}, 0)")
    settled(page)


def _drag(page: Page, points: list[tuple[float, float, float]]) -> None:
    first, *rest = [spot(page, point) for point in points]
    page.mouse.move(*first)
    page.mouse.down()
    for place in rest:
        page.mouse.move(*place, steps=3)
    page.mouse.up()


def _expect_names(page: Page, *names: str) -> None:
    """Wait for the names that the inspector lists, in any order."""
    rows = page.locator(".set-list tbody th")
    expect(rows).to_have_count(len(names))
    assert sorted(rows.all_text_contents()) == sorted(names)


# Roofs of the library, its eastern wing, and the office with the script in its name.
ROW = [(-60.0, -30.0, 20.0), (0.0, -30.0, 35.0), (60.0, -30.0, 50.0)]


def test_a_rectangle_selects_and_the_inspector_lists_what_it_holds(page: Page, address: str) -> None:
    opened(page, address)
    _from_above(page)
    page.keyboard.press("r")
    expect(page.locator(".area-card")).to_be_visible()
    _drag(page, [(-95.0, -55.0, 20.0), (28.0, -5.0, 35.0)])
    expect(page.locator(".inspector h2")).to_have_text("2 objects")
    _expect_names(page, "Library", "图书馆东楼")
    figures = page.locator(".set-figures")
    expect(figures).to_contain_text("Sum55 m")
    expect(figures).to_contain_text("Mean27.5 m")
    assert ask(page, "app.selection.handles.length") == 2
    page.keyboard.press("Escape")
    expect(page.locator(".inspector")).to_be_hidden()


def test_a_free_shape_adds_with_shift(page: Page, address: str) -> None:
    opened(page, address)
    _from_above(page)
    page.keyboard.press("g")
    _drag(page, [(-95.0, -55.0, 20.0), (-45.0, -55.0, 20.0), (-45.0, -5.0, 20.0), (-95.0, -5.0, 20.0)])
    expect(page.locator(".inspector h2")).to_have_text("Library")
    page.keyboard.press("g")
    page.keyboard.down("Shift")
    _drag(page, [(30.0, -55.0, 50.0), (85.0, -55.0, 50.0), (85.0, -5.0, 50.0), (30.0, -5.0, 50.0)])
    page.keyboard.up("Shift")
    expect(page.locator(".inspector h2")).to_have_text("2 objects")


def test_a_rectangle_is_drawn_by_keys_alone(page: Page, address: str) -> None:
    opened(page, address)
    _from_above(page)
    page.keyboard.press("r")
    for _ in range(14):
        page.keyboard.press("ArrowLeft")
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(28):
        page.keyboard.press("ArrowRight")
    for _ in range(24):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator(".inspector h2")).to_have_text("6 objects")
    assert ask(page, "app.shell.tools.area.mode") is None


def test_shift_click_adds_and_takes_away(page: Page, address: str) -> None:
    opened(page, address)
    _from_above(page)
    page.mouse.click(*spot(page, ROW[0]))
    expect(page.locator(".inspector h2")).to_have_text("Library")
    page.keyboard.down("Shift")
    page.mouse.click(*spot(page, ROW[1]))
    expect(page.locator(".inspector h2")).to_have_text("2 objects")
    page.mouse.click(*spot(page, ROW[0]))
    page.keyboard.up("Shift")
    expect(page.locator(".inspector h2")).to_have_text("图书馆东楼")


def test_a_filter_selects_and_says_how_many(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    page.keyboard.press("q")
    page.keyboard.type("height_m > 60 AND layer = 'buildings'")
    page.keyboard.press("Enter")
    expect(page.locator(".query-card [role=status]")).to_have_text("3 objects found")
    wanted = [little_city.handle(f"urn:uuid:b{row}") for row in (3, 4, 5)]
    assert sorted(ask(page, "app.selection.handles")) == wanted
    page.locator(".query-card input").fill("heigth_m > 60")
    page.keyboard.press("Enter")
    expect(page.locator(".query-card .wrong")).to_contain_text("height_m")
    assert len(ask(page, "app.selection.handles")) == 3, "a mistake changes nothing"


def test_isolate_xray_and_hide_act_on_the_whole_selection(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    _from_above(page)
    two = [little_city.handle(f"urn:uuid:b{row}") for row in (0, 1)]
    ask(page, f"app.selection.set({two})")
    expect(page.locator(".inspector h2")).to_have_text("2 objects")
    before = picture(page)

    def changed(point: tuple[float, float, float]) -> float:
        x, y = (round(value) for value in spot(page, point))
        now = picture(page)
        return float(np.abs(now[y - 2 : y + 3, x - 2 : x + 3] - before[y - 2 : y + 3, x - 2 : x + 3]).mean())

    page.keyboard.press("i")
    assert changed(ROW[2]) > 1.5, "the rest are ghosts"
    assert changed(ROW[0]) < 1
    page.keyboard.press("i")
    page.keyboard.press("y")
    assert changed(ROW[0]) > 8
    assert changed(ROW[2]) < 3
    page.keyboard.press("y")
    assert changed(ROW[0]) < 3
    page.keyboard.press("Delete")
    assert changed(ROW[1]) > 8
    expect(page.locator(".inspector")).to_be_hidden()
    page.get_by_role("button", name="Show all").click()
    assert changed(ROW[2]) < 3
    expect(page.locator(".show-all")).to_be_hidden()


def test_a_table_of_the_selection_is_saved_without_formulas(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    ask(page, f"app.selection.set({[little_city.handle(f'urn:uuid:b{row}') for row in (0, 1, 2)]})")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.reader(waiting.value.path().read_text("utf-8-sig").splitlines()))
    assert rows[0][:4] == ["uid", "name", "kind", "layer"]
    assert rows[1][:2] == ["urn:uuid:b0", "Library"]
    assert rows[1][rows[0].index("height_m")] == "20"
    assert len(rows) == 4


def _colours(page: Page) -> list[str]:
    return page.locator(".right .legend .classes").first.locator("li").all_text_contents()


def test_colours_by_quantiles_with_a_legend_and_an_address(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    page.keyboard.press("c")
    form = page.locator(".style-form")
    form.get_by_label("Attribute").select_option("height_m")
    form.get_by_label("Number of classes").fill("3")
    form.get_by_label("Number of classes").press("Enter")
    expect(page.locator(".right .legend .classes").first.locator("li")).to_have_count(3)
    codes = [ask(page, f"app.engine.codeOf({little_city.handle(f'urn:uuid:b{row}')})") for row in range(6)]
    assert codes == [1, 1, 2, 2, 3, 3], "as many in each class"
    assert [text[-1] for text in _colours(page)] == ["2", "2", "2"]
    form.get_by_label("Classes by").select_option("equal")
    expect(page.locator(".right .legend .classes").first.locator("li").first).to_contain_text("20 \N{EN DASH} 45")
    assert ask(page, f"app.engine.codeOf({little_city.handle('urn:uuid:b2')})") == 2
    form.get_by_label("Cividis").click()
    until(page, "location.hash.includes('cividis')")
    remembered(page)
    fresh = page.context.new_page()
    opened(fresh, page.url)
    expect(fresh.locator(".right .legend")).to_contain_text("20 \N{EN DASH} 45")
    until(fresh, f"window.__citytwin.engine.codeOf({little_city.handle('urn:uuid:b5')}) === 3")
    expect(fresh.locator("details[data-section=style]")).to_have_attribute("open", "")


def test_categories_show_what_has_no_value_as_such(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    page.keyboard.press("c")
    page.locator(".style-form").get_by_label("Attribute").select_option("function")
    expect(page.locator(".right .legend")).to_contain_text("library")
    codes = [ask(page, f"app.engine.codeOf({little_city.handle(f'urn:uuid:b{row}')})") for row in range(6)]
    assert codes == [1, 1, 2, 3, 2, 253]
    expect(page.locator(".right .legend .states")).to_contain_text("No data")
    _from_above(page)
    x, y = (round(value) for value in spot(page, ROW[0]))
    red, green, blue = picture(page)[y, x]
    assert blue > 1.3 * green > 1.3 * red, "the first of Okabe and Ito's colours is a blue"


def test_an_expression_colours_and_its_mistakes_are_pointed_at(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    page.keyboard.press("c")
    form = page.locator(".style-form")
    form.get_by_label("Attribute").select_option(label="Expression…")
    written = form.get_by_label("Expression, such as")
    written.fill("height_m / 5 - 4 + min(height_m, 20) * 0")
    written.press("Enter")
    expect(page.locator(".right .legend")).to_contain_text("0 \N{EN DASH} 3")
    assert ask(page, f"app.engine.codeOf({little_city.handle('urn:uuid:b5')})") == 5
    written.fill("height_m / / 5")
    written.press("Enter")
    expect(page.locator(".notice.error")).to_contain_text("cannot be read at “/” (character 12)")


def test_natural_breaks_fall_into_the_gaps(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    page.keyboard.press("c")
    form = page.locator(".style-form")
    form.get_by_label("Attribute").select_option(label="Expression…")
    # 20, 35, 40, 90, 240 and 390.
    form.get_by_label("Expression, such as").fill("min(height_m, 40) + 10 * max(height_m - 60, 0)")
    form.get_by_label("Classes by").select_option("jenks")
    form.get_by_label("Number of classes").fill("3")
    form.get_by_label("Number of classes").press("Enter")
    until(page, f"window.__citytwin.engine.codeOf({little_city.handle('urn:uuid:b4')}) === 2")
    codes = [ask(page, f"app.engine.codeOf({little_city.handle(f'urn:uuid:b{row}')})") for row in range(6)]
    assert codes == [1, 1, 1, 1, 2, 3]


# Everything that is asked of the server from now on is answered half a second later.
SLOW_SERVER = """() => {
  const app = window.__citytwin;
  const ask = app.backend.ask.bind(app.backend);
  app.columns.clear();
  app.backend.ask = (...all) => new Promise((done) => setTimeout(done, 500)).then(() => ask(...all));
}"""


def test_colours_that_are_given_up_while_their_values_come_do_not_come_back(page: Page, address: str) -> None:
    opened(page, address)
    page.keyboard.press("c")
    form = page.locator(".style-form")
    form.get_by_label("Attribute").select_option("height_m")
    until(page, "window.__citytwin.overlay?.name === 'style' && window.__citytwin.engine.codeOf(0) > 0")
    coloured = ask(page, "app.state")
    form.get_by_role("button", name="Remove").click()
    until(page, "window.__citytwin.overlay === null")
    plain = ask(page, "app.state")
    page.evaluate(SLOW_SERVER)
    page.evaluate(
        "([one, other]) => { window.__citytwin.show(one, 0); window.__citytwin.show(other, 0); }", [coloured, plain]
    )
    page.wait_for_timeout(1500)
    assert ask(page, "[app.overlay, app.state.style]") == [None, None], "of two views the last one is shown"
    page.evaluate("() => window.__citytwin.columns.clear()")
    form.get_by_label("Attribute").select_option("function")
    form.get_by_role("button", name="Remove").click()
    page.wait_for_timeout(1500)
    assert ask(page, "[app.overlay, app.state.style]") == [None, None]


def test_the_section_box_follows_its_sliders_and_the_address(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    _from_above(page)
    select(page, little_city, "urn:uuid:b0")
    page.keyboard.press("b")
    card = page.locator(".section-box-card")
    expect(card).to_be_visible()
    box = ask(page, "app.state.box")
    assert box["centre"] == pytest.approx([-60, -30, 10], abs=0.1)
    assert box["half"] == pytest.approx([22, 22, 12], abs=0.1)
    height = card.get_by_role("slider", name="Height", exact=True)
    height.focus()
    height.fill("10")
    assert ask(page, "app.state.box.half[2]") == pytest.approx(5.0, abs=0.1)
    card.get_by_role("slider", name="Azimuth").fill("30")
    until(page, "location.hash.includes('%2C5%2C30')")
    fresh = page.context.new_page()
    opened(fresh, page.url)
    assert ask(fresh, "app.state.box.azimuth_deg") == 30
    fresh.keyboard.press("b")
    expect(fresh.locator(".section-box-card")).to_be_hidden()
    assert ask(fresh, "app.state.box") is None


def test_a_volume_is_measured_raised_and_removed(page: Page, address: str) -> None:
    opened(page, address)
    _from_above(page)
    page.keyboard.press("4")
    corners = [(-85.0, -55.0, 0.0), (-35.0, -55.0, 0.0), (-35.0, -5.0, 0.0), (-85.0, -5.0, 0.0)]
    for corner in corners:
        page.mouse.click(*spot(page, corner))
    page.keyboard.press("Enter")
    row = page.locator(".measurements li[data-kind=volume]")
    expect(row.locator("strong")).to_contain_text("m³")
    assert ask(page, "app.shell.tools.measure.finished[0].value") == pytest.approx(40 * 40 * 20, rel=0.015)
    row.get_by_label("Base plane").fill("10")
    row.get_by_label("Base plane").press("Enter")
    until(page, "window.__citytwin.shell.tools.measure.finished[0].value < 17000")
    assert ask(page, "app.shell.tools.measure.finished[0].value") == pytest.approx(40 * 40 * 10, rel=0.015)
    row.get_by_role("button", name="Remove: Volume").click()
    expect(row).to_have_count(0)


def test_a_profile_is_drawn_and_saved(page: Page, address: str) -> None:
    opened(page, address)
    _from_above(page)
    page.keyboard.press("6")
    for end in ((-100.0, -30.0, 0.0), (100.0, -30.0, 0.0)):
        page.mouse.click(*spot(page, end))
    page.keyboard.press("Enter")
    chart = page.locator(".profile-chart")
    expect(chart).to_have_attribute("aria-label", "Heights from 0 to 50 m over 200 m")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(waiting.value.path().read_text("utf-8").splitlines()))
    middle = min(rows, key=lambda row: abs(float(row["along_m"]) - 40.0))
    assert float(middle["top_m"]) == pytest.approx(20.0, abs=0.1)
    assert float(middle["ground_m"]) == pytest.approx(0.0, abs=0.1)


def test_every_tool_is_in_the_menu_with_its_key_and_works_from_it(page: Page, address: str) -> None:
    opened(page, address)
    page.keyboard.press("m")
    menu = page.get_by_role("menu", name="All tools")
    expect(menu).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(menu).to_be_hidden()
    assert ask(page, "app.shell.tools.measure.kind") == "height"
    page.keyboard.press("m")
    keys = menu.locator("kbd").all_text_contents()
    assert len(keys) == len(set(keys)), "no key twice"
    names = menu.locator(".menu-item span").all_text_contents()
    page.keyboard.press("Escape")
    page.locator(".language").click()
    page.keyboard.press("m")
    chinese = page.locator(".menu .menu-item span").all_text_contents()
    same = [one for one, other in zip(names, chinese, strict=True) if one == other]
    assert same == ["中文 / English"]


def test_a_single_file_filters_and_colours_without_a_server(page: Page, little_city: Scene, tmp_path: Path) -> None:
    file = to_html(little_city, tmp_path / "little.html", language="en")
    opened(page, file.as_uri())
    page.keyboard.press("q")
    page.keyboard.type("height_m BETWEEN 30 AND 70 AND NOT function LIKE 'off%' AND layer = 'buildings'")
    page.keyboard.press("Enter")
    expect(page.locator(".query-card [role=status]")).to_have_text("2 objects found")
    expect(page.locator(".inspector h2")).to_have_text("2 objects")
    _expect_names(page, "Hall", "图书馆东楼")
    page.locator(".query-card input").fill("name = 'Tower' OR colour = 3")
    page.keyboard.press("Enter")
    expect(page.locator(".query-card .wrong")).to_contain_text("colour: there is no such attribute")
    page.keyboard.press("Escape")
    ask(page, "app.shell.styles.focus()")
    page.locator(".style-form").get_by_label("Attribute").select_option("height_m")
    until(page, f"window.__citytwin.engine.codeOf({little_city.handle('urn:uuid:b5')}) === 5")


def test_a_viewshed_is_asked_for_told_and_cleared(page: Page, address: str) -> None:
    opened(page, address)
    _from_above(page)
    page.keyboard.press("8")
    card = page.locator(".viewshed-card")
    expect(card).to_contain_text("Click where the observer stands")
    page.mouse.click(*spot(page, (-30.0, -65.0, 0.0)))
    expect(card).to_contain_text(re.compile(r"seen: \d"))
    before = ask(page, "app.shell.tools.viewshed.found.area_m2")
    card.get_by_role("slider", name="Radius").fill("60")
    until(page, f"window.__citytwin.shell.tools.viewshed.found.area_m2 < {before / 4}")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_one_walks_by_keys_and_comes_back(page: Page, address: str) -> None:
    opened(page, address)
    _from_above(page)
    page.keyboard.press("w")
    page.mouse.click(*spot(page, (-30.0, -65.0, 0.0)))
    until(page, "window.__citytwin.shell.tools.walk.walking")
    start = ask(page, "app.engine.camera().position")
    assert start == pytest.approx([-30, -65, 1.6], abs=1.0)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    until(page, f"window.__citytwin.engine.camera().position[1] > {start[1]} + 0.5")
    assert ask(page, "app.engine.camera().position[2]") == pytest.approx(1.6, abs=0.05)
    page.keyboard.press("Escape")
    until(page, "window.__citytwin.engine.camera().position[2] > 400")
    expect(page.locator(".walk-card")).to_be_hidden()


def test_a_height_limit_finds_and_selects_what_is_too_high(page: Page, address: str) -> None:
    opened(page, address)
    _from_above(page)
    page.keyboard.press("9")
    for corner in ((-90.0, -60.0, 0.0), (90.0, -60.0, 0.0), (90.0, 0.0, 0.0), (-90.0, 0.0, 0.0)):
        page.mouse.click(*spot(page, corner))
    page.keyboard.press("Enter")
    card = page.locator(".limit-card")
    expect(card).to_contain_text("Nothing stands out")
    card.get_by_label("Limit above").fill("30")
    card.get_by_label("Limit above").press("Enter")
    expect(card).to_contain_text("2 objects stand out, by up to 20 m")
    card.get_by_role("button", name="Select them").click()
    expect(page.locator(".inspector h2")).to_have_text("2 objects")
