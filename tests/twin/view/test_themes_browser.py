"""Thematic pictures in a real browser: heat, columns and flows, alone by keys, with legends, and in the address."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
import shapely
from playwright.sync_api import Page, expect

from scenes import Batch, Layer, MeshSet, Scene
from scenes.schema import object_table
from twin.app import LivePlan, RunningServer, ServerOptions, start_in_thread
from twin.live import Datastreams, rows
from twin.live.state import wall_clock_ms

from .pages import ask, opened, picture, settled, spot, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser


def _roads() -> Layer:
    plans = [shapely.LineString([(-90, -70), (100, -70)]), shapely.LineString([(-90, 85), (100, 85)])]
    strips = [np.array([[-90, y - 3, 0.1], [100, y - 3, 0.1], [100, y + 3, 0.1], [-90, y + 3, 0.1]]) for y in (-70, 85)]
    mesh = MeshSet.from_parts([0, 1], strips, [np.array([[0, 1, 2], [0, 2, 3]], np.uint32)] * 2)
    columns = {
        "uid": ["urn:uuid:r0", "urn:uuid:r1"],
        "kind": ["Road"] * 2,
        "name": ["Main", "Side"],
        "vehicles_h": [1200.0, 300.0],
        "footprint": pa.array([shapely.to_wkb(plan) for plan in plans], pa.binary()),
    }
    return Layer("roads", (Batch(object_table(columns, {"vehicles_h": "1/h"}), {"1": mesh}).with_bounds(),), "roads")


@pytest.fixture(scope="module")
def server(little_city: Scene) -> Iterator[RunningServer]:
    """A server of the little city with two roads and a rain gauge on every building, in English."""
    scene = Scene(little_city.georeference, {**little_city.layers, "roads": _roads()}, name="little")
    records = [
        {"id": f"rain-{n}", "observed_property": "rain", "unit": "mm/h", "object": f"urn:uuid:b{n}"} for n in range(6)
    ]
    plan = LivePlan(Datastreams.from_records(records))
    with start_in_thread(scene, live=plan, options=ServerOptions(language="en")) as running:
        yield running


def from_above(page: Page) -> None:
    ask(page, "app.engine.setCamera({position: [0, -61, 420], target: [0, -60, 0]}, 0)")
    ask(page, "app.setShadows(false)")
    settled(page)


def at(page: Page, point: tuple[float, float, float]) -> np.ndarray:
    x, y = (round(value) for value in spot(page, point))
    return picture(page)[y - 1 : y + 2, x - 1 : x + 2].mean(axis=(0, 1))


def choose(page: Page, kind: str) -> None:
    """Open the card by its key and go to a kind of picture by keys alone."""
    if not ask(page, "app.shell.tools.themes.open"):
        page.keyboard.press("0")
    expect(page.locator(".themes-card select").first).to_be_visible()
    page.locator(".themes-card").get_by_role("button", name=kind, exact=True).press("Enter")


def show(page: Page, count: int) -> None:
    page.locator(".themes-card").get_by_role("button", name="Show").press("Enter")
    expect(page.locator(".themes-list li")).to_have_count(count)


GROUND = (-30.0, -62.0, 0.0)
FAR = (10.0, -175.0, 0.0)


def test_heat_lies_on_the_ground_and_goes_again(page: Page, server: RunningServer) -> None:
    opened(page, server.url)
    from_above(page)
    near, far = at(page, GROUND), at(page, FAR)
    choose(page, "Heat")
    card = page.locator(".themes-card")
    card.get_by_label("Layer").select_option("buildings")
    card.get_by_role("slider", name="Radius").fill("90")
    show(page, 1)
    expect(page.locator(".themes-card [role=status]")).to_have_text("6 shown")
    expect(page.locator(".themes-list li")).to_contain_text("/km²")
    assert np.abs(at(page, GROUND) - near).sum() > 60
    assert np.abs(at(page, FAR) - far).sum() < 12, "beyond the radius nothing is painted"
    # Six Gaussians of 30 m, 60 m apart: most is in their middle, 1e6 / (2 pi 30^2) times what of each reaches it.
    (high,) = ask(page, "app.themes.standing.map((each) => each.high)")
    reach = 2 * np.exp(-(30**2) / (2 * 30**2)) + 4 * np.exp(-(60**2 + 30**2) / (2 * 30**2))
    assert high == pytest.approx(1e6 / (2 * np.pi * 30**2) * reach, rel=0.02)
    page.locator(".themes-list").get_by_role("button", name="Remove").click()
    expect(page.locator(".themes-list li")).to_have_count(0)
    assert np.abs(at(page, GROUND) - near).sum() < 6


def test_a_mean_of_heights_keeps_their_ends(page: Page, server: RunningServer) -> None:
    opened(page, server.url)
    choose(page, "Heat")
    card = page.locator(".themes-card")
    card.get_by_label("Value").select_option("a:height_m")
    card.get_by_role("button", name="Mean around").click()
    card.get_by_role("slider", name="Radius").fill("60")
    show(page, 1)
    low, high = ask(page, "[app.themes.standing[0].low, app.themes.standing[0].high]")
    assert 19.99 <= low < 24.0
    assert 90.0 < high <= 95.01


def test_columns_stand_over_objects_and_in_the_address(page: Page, server: RunningServer) -> None:
    opened(page, server.url)
    ask(page, "app.engine.setCamera({position: [0, -420, 160], target: [0, -30, 90]}, 0)")
    settled(page)
    air = (60.0, -30.0, 130.0)
    before = at(page, air)
    choose(page, "Columns")
    card = page.locator(".themes-card")
    card.get_by_label("Value").select_option("a:height_m")
    card.get_by_role("slider", name="Height of the greatest").fill("400")
    show(page, 1)
    expect(page.locator(".themes-list li")).to_contain_text("400 m = 95 m")
    # The third building is 50 m high: its column goes on to 50 + 400 * 50 / 95.
    changed = at(page, air)
    assert np.abs(changed - before).sum() > 60
    until(page, "location.hash.includes('th=columns')")
    fresh = page.context.new_page()
    opened(fresh, page.url)
    until(fresh, "window.__citytwin.themes.standing.length === 1")
    settled(fresh)
    assert np.abs(at(fresh, air) - changed).sum() < 30
    ask(fresh, "app.setLanguage('zh')")
    ask(fresh, "app.shell.tools.themes.toggle()")
    expect(fresh.locator(".themes-list li")).to_contain_text("柱状")


def test_columns_of_live_values_follow_them(page: Page, server: RunningServer) -> None:
    hub = server.hub
    assert hub is not None
    opened(page, server.url)
    counted, state, tick = threading.Event(), hub.state, hub.tick

    def observe() -> None:
        state.apply(rows(np.arange(6), wall_clock_ms(), np.full(6, 30.0)))
        tick()  # values become codes, which the page asks for when the picture is shown
        counted.set()

    server.call_soon(observe)
    assert counted.wait(60)
    choose(page, "Columns")
    page.locator(".themes-card").get_by_label("Value").select_option("o:rain")
    show(page, 1)
    until(page, "Math.abs(window.__citytwin.themes.standing[0].high - 30) < 0.5")
    server.call_soon(lambda: hub.state.apply(rows(np.arange(3), wall_clock_ms(), np.full(3, 48.0))))
    until(page, "Math.abs(window.__citytwin.themes.standing[0].high - 48) < 0.5")


def test_dashes_run_along_lines(page: Page, server: RunningServer) -> None:
    opened(page, server.url)
    from_above(page)
    choose(page, "Along lines")
    card = page.locator(".themes-card")
    card.get_by_label("Value").select_option("a:vehicles_h")
    card.get_by_role("slider", name="Width of the greatest").fill("20")
    show(page, 1)
    expect(page.locator(".themes-card [role=status]")).to_have_text("2 shown")
    before = picture(page)
    x, y = (round(value) for value in spot(page, (0.0, -70.0, 1.0)))
    band = (slice(y - 3, y + 4), slice(x - 40, x + 200))
    went = []
    for wait_ms in (700, 130, 290):  # after whole periods they would be where they were
        page.wait_for_timeout(wait_ms)
        after = picture(page)
        went.append(np.abs(after[band] - before[band]).mean())
    assert max(went) > 2, "the dashes went on"
    assert np.ptp(after[band].mean(axis=0).sum(axis=1)) > 40, "there are dashes and gaps"


def test_arcs_come_from_a_table_and_wrong_rows_are_told(page: Page, server: RunningServer) -> None:
    opened(page, server.url)
    ask(page, "app.engine.setCamera({position: [0, -420, 160], target: [0, -10, 60]}, 0)")
    settled(page)
    before = picture(page)
    choose(page, "Arcs")
    show_button = page.locator(".themes-card").get_by_role("button", name="Show")
    show_button.press("Enter")
    expect(page.locator(".themes-card .wrong")).to_have_text("Choose a table first")
    table = "from,to,value\nLibrary,Tower,40\nHall,urn:uuid:b2,10\nLibrary,nowhere,1\n"
    page.locator(".themes-card input[type=file]").set_input_files(
        {"name": "trips.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    show(page, 1)
    expect(page.locator(".themes-card [role=status]")).to_contain_text("1 rows were left out: row 4: nowhere")
    assert ask(page, "app.themes.standing[0].count") == 2
    assert np.abs(picture(page) - before).sum(axis=2).max() > 100
    assert "th=" not in ask(page, "location.hash")


def test_several_stand_at_once_and_escape_closes_the_card(page: Page, server: RunningServer) -> None:
    opened(page, server.url)
    choose(page, "Heat")
    show(page, 1)
    choose(page, "Columns")
    page.locator(".themes-card").get_by_label("Value").select_option("a:height_m")
    show(page, 2)
    page.keyboard.press("Escape")
    expect(page.locator(".themes-card")).to_be_hidden()
    assert ask(page, "app.themes.standing.length") == 2
