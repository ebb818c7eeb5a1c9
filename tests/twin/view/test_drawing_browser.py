"""Drawing and editing buildings in a real browser, up to the variant that has them after a reload."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pytest
import shapely
from playwright.sync_api import Page, expect

from scenes import Batch, Layer, MeshSet, Scene
from scenes.schema import object_table
from tests.twin.whatif.conftest import city_of, with_terrain
from twin.app import ServerOptions, start_in_thread
from twin.view import to_html
from twin.whatif import load_scenario

from .pages import ask, eventually, opened_above, picture, settled, spot, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Point3 = tuple[float, float, float]

pytestmark = pytest.mark.browser

NORTH = [(x, 30.0, x + 20.0, 42.0) for x in (-60.0, 0.0, 40.0)]
SOUTH = (0.0, -40.0, 20.0, -28.0)


@pytest.fixture(scope="module")
def city() -> Scene:
    """Four blocks of 18 m on level ground, with room between them."""
    return with_terrain(city_of([(shapely.box(*box), 18.0) for box in (*NORTH, SOUTH)]), 0.0)


@pytest.fixture
def package(city: Scene, tmp_path: Path) -> Path:
    return city.save(tmp_path / "blocks.city")


@pytest.fixture
def address(package: Path) -> Iterator[str]:
    with start_in_thread(package, options=ServerOptions(language="en")) as server:
        yield server.url


def _point(page: Page, point: Point3) -> tuple[float, float]:
    """Move the pointer to a point of the city and wait until the page has heard of it."""
    place = spot(page, point)
    page.mouse.move(*place)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return place


def _click(page: Page, point: Point3) -> None:
    page.mouse.click(*_point(page, point))


def _corners(page: Page) -> np.ndarray:
    return np.array(ask(page, "app.drafts.state.corners")).reshape(-1, 3)


def _drag(page: Page, name: str, dx: float, dy: float) -> None:
    place = next(each for each in ask(page, "app.engine.drafting.handlePlaces()") if each["name"] == name)
    page.mouse.move(place["x"], place["y"])
    page.mouse.down()
    page.mouse.move(place["x"] + dx / 2, place["y"] + dy / 2)
    page.mouse.move(place["x"] + dx, place["y"] + dy)
    page.mouse.up()


def _placement(page: Page) -> dict[str, float]:
    told: dict[str, float] = ask(page, "app.drafts.current.placement")
    return told


def _draw_block(page: Page) -> None:
    """Draw 20 m x 10 m x 15 m south-west of the middle by numbers alone."""
    page.keyboard.press("e")
    _click(page, (-30.0, -20.0, 0.0))
    for side in ("20<0", "10<90", "20<180"):
        page.keyboard.type(side)
        page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.type("15")
    page.keyboard.press("Enter")


def _keep(page: Page, title: str) -> None:
    page.locator(".tool-card:visible").get_by_label("Name of the variant").fill(title)
    page.get_by_role("button", name="Keep in variant").click()
    expect(page.get_by_text(f"Kept in “{title}”.")).to_be_visible()


def _edits(package: Path, name: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads((package / "scenarios" / f"{name}.json").read_text("utf-8"))["edits"]
    return told


def _blue(page: Page, point: Point3) -> bool:
    """Say whether the picture is much bluer than red at a point of the city."""
    x, y = spot(page, point)
    left, top = ask(
        page, "[app.engine.canvas.getBoundingClientRect().left, app.engine.canvas.getBoundingClientRect().top]"
    )
    red, _, blue = picture(page)[round(y - top), round(x - left)]
    return bool(blue - red > 60)


def test_a_building_is_drawn_kept_and_found_again_after_a_reload(page: Page, address: str, package: Path) -> None:
    opened_above(page, address)
    page.keyboard.press("e")
    card = page.locator(".draw-card")
    expect(card).to_contain_text("Click the first corner")
    for point in [(-30.0, -20.0, 0.0), (-5.0, -20.0, 0.0), (-5.0, 0.0, 0.0)]:
        _click(page, point)
    # The fourth corner comes out square, though the pointer is half a metre beside.
    _point(page, (-29.6, 0.4, 0.0))
    expect(card).to_contain_text("Area")
    snap = ask(page, "app.shell.tools.draw.cursor.snap")
    assert snap["kind"] == "right"
    assert _blue(page, (-17.0, -10.0, 3.0)), "a preview stands on the ground before the footprint is closed"
    _click(page, (-29.6, 0.4, 0.0))
    _click(page, (-30.0, -20.0, 0.0))  # closes on the first corner
    ring = shapely.Polygon(_corners(page)[:, :2])
    sides = np.diff(np.vstack([_corners(page)[:, :2], _corners(page)[:1, :2]]), axis=0)
    assert sides[0] @ sides[1] == pytest.approx(0, abs=1.0)
    assert sides[-1] @ sides[0] == pytest.approx(0, abs=1e-6)
    foot = _corners(page)[-1]
    place = _point(page, (foot[0], foot[1], 23.0))
    assert ask(page, "app.shell.tools.draw.height.height_m") == 24.0, "whole storeys of 3 m"
    page.mouse.click(*place)
    expect(card.locator(".draft-list")).to_contain_text("Building 1")
    assert _blue(page, (-17.0, -10.0, 24.0))
    _keep(page, "Annex")
    until(page, "window.__citytwin.state.scenario === 'annex'")
    (edit,) = _edits(package, "annex")
    assert (edit["type"], edit["height_m"], edit["attributes"]) == ("add_object", 24.0, {"storeys": 8})
    assert shapely.Polygon(edit["footprint"][0]).symmetric_difference(ring).area < 0.1
    assert ask(page, "app.drafts.all.length") == 0
    page.keyboard.press("Escape")
    until(page, "window.location.hash.includes('b=annex')")
    page.reload()
    until(page, "window.__citytwin && window.__citytwin.ready && window.__citytwin.engine.stats().tilesLoaded > 0")
    settled(page)
    assert ask(page, "app.state.scenario") == "annex"
    _until_blue(page, (-17.0, -10.0, 24.0))
    page.mouse.click(*spot(page, (-17.0, -10.0, 24.0)))
    inspector = page.locator(".inspector")
    expect(inspector.locator("h2")).to_have_text("Building 1")
    expect(inspector).to_contain_text("Height24 m")
    expect(inspector).to_contain_text("Storeys8")


def _until_blue(page: Page, point: Point3) -> None:
    eventually(page, lambda: _blue(page, point), "the variant's building appears")


def test_the_simulation_of_a_variant_has_the_drawn_building(page: Page, address: str) -> None:
    opened_above(page, address)
    _draw_block(page)
    _keep(page, "Shade")
    page.evaluate("""() => {
        const params = {name: 'sunlight', job: 'j', inputs: {}, base: null, variant: 'shade'};
        const told = (result) => { window.__result = result; };
        window.__citytwin.ask('compare', params).then(told, (error) => told({failed: String(error)}));
    }""")
    until(page, "window.__result")
    result = page.evaluate("() => window.__result")
    assert "failed" not in result, result
    assert (result["base"]["scenario"], result["variant"]["scenario"]) == ("", "shade")
    changes = {each["name"]: each["change"] for each in result["kpis"] if each["change"]}
    assert changes, "a building more changes some figure"


def test_a_building_is_drawn_by_keys_and_numbers_alone(page: Page, address: str) -> None:
    opened_above(page, address)
    page.keyboard.press("e")
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    assert len(_corners(page)) == 1
    for side in ("24<0", "12<90", "24<180"):
        page.keyboard.type(side)
        page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.type("17.5")
    page.keyboard.press("Enter")
    (draft,) = ask(page, "app.drafts.all")
    assert shapely.Polygon(draft["rings"][0]).area == pytest.approx(288.0)
    assert (draft["placement"]["height_m"], draft["attributes"]["storeys"]) == (17.5, 6)
    page.keyboard.type("abc<")
    expect(page.locator(".draw-card").get_by_role("textbox", name="Side")).to_have_value("<")


def test_a_rectangle_takes_three_clicks_and_a_double_click_closes_a_polygon(page: Page, address: str) -> None:
    opened_above(page, address)
    page.keyboard.press("e")
    page.get_by_role("button", name="Rectangle", exact=True).click()
    for point in [(-30.0, -20.0, 0.0), (-10.0, -20.0, 0.0), (-12.0, -5.0, 0.0)]:
        _click(page, point)
    assert ask(page, "app.drafts.state.rising")
    ring = shapely.Polygon(_corners(page)[:, :2])
    assert ring.area == pytest.approx(ring.minimum_rotated_rectangle.area)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Polygon", exact=True).click()
    for point in [(-30.0, -20.0, 0.0), (-10.0, -20.0, 0.0)]:
        _click(page, point)
    page.mouse.dblclick(*_point(page, (-20.0, -4.0, 0.0)))
    until(page, "window.__citytwin.drafts.state.rising")
    assert len(_corners(page)) == 3


def test_a_busy_page_knows_the_second_half_of_a_double_click(page: Page, address: str) -> None:
    opened_above(page, address)
    page.keyboard.press("e")
    for point in [(-30.0, -20.0, 0.0), (-10.0, -20.0, 0.0), (-20.0, -4.0, 0.0)]:
        _click(page, point)
    page.evaluate(
        """([clientX, clientY]) => {
      const { canvas } = window.__citytwin.engine;
      const about = { clientX, clientY, pointerId: 1, pointerType: 'mouse', bubbles: true, cancelable: true };
      const events = ['down', 'up', 'down', 'up'].map((each) => new PointerEvent(`pointer${each}`, about));
      events.slice(0, 2).forEach((each) => canvas.dispatchEvent(each));
      for (const until = performance.now() + 600; performance.now() < until; );  // other work of the page
      events.slice(2).forEach((each) => canvas.dispatchEvent(each));
    }""",
        list(_point(page, (-30.0, -20.0, 0.0))),
    )
    assert ask(page, "app.drafts.state.rising"), "the first click closed the footprint"
    assert ask(page, "app.drafts.all.length") == 0, "the second one gave it no height"
    page.wait_for_timeout(450)
    _click(page, (-30.0, -20.0, 0.0))
    assert ask(page, "app.drafts.all.length") == 1, "a click of its own does"


def test_a_crossing_footprint_is_refused_with_a_sentence_and_taken_back(page: Page, address: str) -> None:
    opened_above(page, address)
    page.keyboard.press("e")
    for point in [(-30.0, -20.0, 0.0), (-10.0, 0.0, 0.0), (-10.0, -20.0, 0.0), (-32.0, 2.0, 0.0)]:
        _click(page, point)
    page.keyboard.press("Enter")
    expect(page.get_by_text("The footprint crosses itself")).to_be_visible()
    assert not ask(page, "app.drafts.state.rising")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    assert ask(page, "app.drafts.state.rising")


def test_corners_snap_to_a_neighbour_unless_alt_is_held(page: Page, address: str) -> None:
    opened_above(page, address)
    page.keyboard.press("e")
    near = (-0.6, 29.5, 0.0)
    _point(page, near)
    until(page, "window.__citytwin.shell.tools.draw.outlines.rings.length > 0")
    _click(page, near)
    assert _corners(page)[0, :2].tolist() == [0.0, 30.0]
    page.keyboard.press("Control+z")
    page.keyboard.down("Alt")
    _click(page, near)
    page.keyboard.up("Alt")
    assert _corners(page)[0, :2] == pytest.approx(near[:2], abs=0.3)
    assert _corners(page)[0, :2].tolist() != [0.0, 30.0]


def test_one_goes_back_and_forth_by_keys_and_buttons(page: Page, address: str) -> None:
    opened_above(page, address)
    _draw_block(page)
    expect(page.locator(".draw-card .draft-list")).to_contain_text("Building 1")
    counts = []
    for _ in range(6):
        page.keyboard.press("Control+z")
        counts.append((ask(page, "app.drafts.all.length"), len(_corners(page))))
    assert counts == [(0, 4), (0, 4), (0, 3), (0, 2), (0, 1), (0, 0)]
    page.keyboard.press("Control+Shift+z")
    for _ in range(5):
        page.locator(".draw-card").get_by_role("button", name="Redo").click()
    assert ask(page, "app.drafts.all.length") == 1
    page.keyboard.press("Escape")
    expect(page.locator(".draw-card")).to_be_hidden()


def test_a_building_of_the_city_is_moved_turned_scaled_and_raised(
    page: Page, address: str, package: Path, city: Scene
) -> None:
    opened_above(page, address)
    page.keyboard.press(";")
    _click(page, (10.0, -34.0, 18.0))
    until(page, "window.__citytwin.drafts.current")
    uid = ask(page, "app.drafts.current.uid")
    _drag(page, "height", 0, -60)
    assert _placement(page)["height_m"] > 20
    _drag(page, "turn", -40, -40)
    assert _placement(page)["turn_deg"] > 5
    _drag(page, "move", -70, 0)
    assert _placement(page)["dx_m"] < -5
    _drag(page, "scale", 0, 25)
    assert _placement(page)["factor"] > 1
    card = page.locator(".edit-card")
    exact = {"East": -32, "North": 10, "Up": 0, "Turn anticlockwise": 90, "Size in plan": 1.5, "Height": 30}
    for label, value in exact.items():
        card.get_by_label(label, exact=True).fill(str(value))
        card.get_by_label(label, exact=True).press("Enter")
    assert list(_placement(page).values()) == [-32, 10, 0, 90, 1.5, 30]
    page.locator(".stage").focus()
    page.keyboard.press("Shift+ArrowRight")
    assert _placement(page)["dx_m"] == pytest.approx(-31.9)
    assert _teal(page, (10.0 - 31.9, -34.0 + 10.0, 30.0)), "the preview"
    _keep(page, "Turned")
    until(page, "window.__citytwin.state.scenario === 'turned'")
    made = load_scenario(package, "turned", city).scene[uid]
    assert made.bounds == pytest.approx([-30.9, -39, 0, -12.9, -9, 30], abs=1e-3)
    assert [each["type"] for each in _edits(package, "turned")] == ["move_object", "scale_object", "set_attribute"]
    eventually(
        page, lambda: _teal(page, (10.0 - 31.9, -34.0 + 10.0, 30.0)), "the variant shows what the preview showed"
    )


def _teal(page: Page, point: Point3) -> bool:
    x, y = spot(page, point)
    left, top = ask(page, "(({left, top}) => [left, top])(app.engine.canvas.getBoundingClientRect())")
    red, green, _ = picture(page)[round(y - top), round(x - left)]
    return bool(green - red > 40)


def test_a_kept_building_is_edited_again_copied_and_removed(
    page: Page, address: str, package: Path, city: Scene
) -> None:
    opened_above(page, address)
    _draw_block(page)
    _keep(page, "Block")
    until(page, "window.__citytwin.state.scenario === 'block'")
    page.keyboard.press(";")
    _click(page, (-20.0, -15.0, 15.0))
    until(page, "window.__citytwin.drafts.current")
    card = page.locator(".edit-card")
    card.get_by_label("Height", exact=True).fill("21")
    card.get_by_label("Height", exact=True).press("Enter")
    card.get_by_role("button", name="Duplicate").click()
    assert ask(page, "app.drafts.current.origin") == "copy"
    card.get_by_label("East", exact=True).fill("-40")
    card.get_by_label("East", exact=True).press("Enter")
    # The variant that is shown is offered first.
    assert card.get_by_label("Keep in", exact=True).input_value() == "block"
    page.get_by_role("button", name="Keep in variant").click()
    until(page, "window.__citytwin.drafts.all.length === 0")
    variant = load_scenario(package, "block", city)
    first, second = variant.added_uids
    assert variant.scene[first].attributes["height_m"] == 21.0
    assert variant.scene[second].bounds == pytest.approx([-70, -20, 0, -50, -10, 21], abs=0.5)
    assert variant.scene[second].attributes["storeys"] == 5
    # Now one of the city's goes, and comes back by Ctrl+Z before it is kept.
    page.locator(".stage").focus()
    _click(page, (10.0, -34.0, 18.0))
    until(page, "window.__citytwin.drafts.current && window.__citytwin.drafts.current.origin === 'existing'")
    page.locator(".stage").focus()
    page.keyboard.press("Delete")
    expect(card.locator(".draft-list")).to_contain_text("removed")
    page.keyboard.press("Control+z")
    assert ask(page, "app.drafts.changed.length") == 0
    page.keyboard.press("Control+Shift+z")
    page.get_by_role("button", name="Keep in variant").click()
    until(page, "window.__citytwin.drafts.all.length === 0")
    assert len(load_scenario(package, "block", city).scene) == len(city) + 1


def test_a_refusal_of_the_server_keeps_the_drawing(page: Page, address: str, package: Path) -> None:
    opened_above(page, address)
    _draw_block(page)
    (package / "scenarios").write_text("a file where a folder should be")
    page.get_by_role("button", name="Keep in variant").click()
    expect(page.get_by_text("cannot be written into")).to_be_visible()
    assert ask(page, "app.drafts.changed.length") == 1
    (package / "scenarios").unlink()
    _keep(page, "Second try")


def test_a_page_without_a_server_offers_a_file(page: Page, city: Scene, tmp_path: Path) -> None:
    opened_above(page, to_html(city, tmp_path / "alone.html", language="en").as_uri())
    _draw_block(page)
    card = page.locator(".draw-card")
    expect(card).to_contain_text("no server that could keep a variant")
    expect(card.get_by_role("button", name="Keep in variant")).to_have_count(0)
    with page.expect_download() as download:
        card.get_by_role("button", name="Download GeoJSON").click()
    download.value.save_as(tmp_path / "drawing.geojson")
    read = geopandas.read_file(tmp_path / "drawing.geojson")
    assert read.crs == city.georeference.crs
    assert read.geometry.area.tolist() == pytest.approx([200.0], abs=0.1)
    assert (read["name"][0], read["height_m"][0], read["action"][0]) == ("Building 1", 15, "add")
    low = read.total_bounds[:2] - [city.georeference.easting_m, city.georeference.northing_m]
    assert low == pytest.approx([-30.0, -20.0], abs=0.5)


def test_a_building_on_a_slope_stands_on_its_lowest_corner(page: Page, tmp_path: Path) -> None:
    corners = [[x, y, 5 + 0.1 * x] for x, y in ((-200, -200), (200, -200), (200, 200), (-200, 200))]
    table = object_table({"uid": ["urn:slope"], "kind": ["ReliefFeature"]})
    slope = Batch(table, {"1": MeshSet.of_one(corners, [[0, 1, 2], [0, 2, 3]])}).with_bounds()
    hill = city_of([(shapely.box(*NORTH[0]), 18.0)]).with_layer(Layer("terrain", (slope,), "terrain"))
    package = hill.save(tmp_path / "hill.city")
    with start_in_thread(package, options=ServerOptions(language="en")) as server:
        opened_above(page, server.url)
        assert ask(page, "app.engine.drafting.groundHeights([[-40, 3], [0, 0], [70, -20]])") == pytest.approx(
            [1, 5, 12]
        )
        page.keyboard.press("e")
        for x, y in [(-30.0, -20.0), (-10.0, -20.0), (-10.0, 0.0)]:
            _click(page, (x, y, 5 + 0.1 * x))
        assert _corners(page) == pytest.approx(np.array([[-30, -20, 2], [-10, -20, 4], [-10, 0, 4]]), abs=0.3)
        page.keyboard.press("Enter")
        page.keyboard.type("9")
        page.keyboard.press("Enter")
        _keep(page, "Hillside")
        (edit,) = _edits(package, "hillside")
        assert edit["base_z_m"] == pytest.approx(2.0, abs=0.1)


def test_the_section_box_is_pulled_moved_and_turned_by_its_handles(page: Page, address: str) -> None:
    opened_above(page, address)
    ask(page, "app.setSectionBox({centre: [10, 36, 10], half: [12, 8, 12], azimuth_deg: 0})")
    expect(page.locator(".section-box-card")).to_be_visible()
    seen = picture(page)

    def box() -> dict[str, Any]:
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        told: dict[str, Any] = ask(page, "app.state.box")
        return told

    _drag(page, "top", 0, 60)
    lower = box()
    assert lower["half"][2] < 10
    assert lower["centre"][2] - lower["half"][2] == pytest.approx(-2.0), "the bottom stays"
    assert (abs(picture(page) - seen).sum(axis=2) > 60).sum() > 300, "the roof is cut away"
    _drag(page, "east", -30, 0)
    narrow = box()
    assert narrow["half"][0] < 11
    assert narrow["centre"][0] - narrow["half"][0] == pytest.approx(-2.0)
    _drag(page, "move", 40, 0)
    moved = box()
    assert moved["half"] == narrow["half"]
    assert moved["centre"][0] > narrow["centre"][0] + 3
    _drag(page, "turn", 0, -50)
    turned = box()
    assert 5 < abs(turned["azimuth_deg"]) <= 90
    card = page.locator(".section-box-card")
    assert float(card.get_by_role("slider", name="Azimuth").input_value()) == turned["azimuth_deg"]
    page.keyboard.press("b")
    assert ask(page, "app.engine.drafting.handlePlaces()") == []


def test_the_cards_speak_chinese(page: Page, address: str) -> None:
    opened_above(page, address)
    ask(page, "app.setLanguage('zh')")
    page.keyboard.press("e")
    expect(page.locator(".draw-card")).to_contain_text("在地面上点击第一个角点")
    _click(page, (-30.0, -20.0, 0.0))
    _point(page, (-10.0, -20.0, 0.0))
    expect(page.locator(".draw-card")).to_contain_text("点击下一个角点")
    page.keyboard.press("Escape")
    page.keyboard.press(";")
    expect(page.locator(".edit-card")).to_contain_text("点击一座建筑")
