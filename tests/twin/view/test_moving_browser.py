"""What moves, in a real browser: drawn between reports, picked, followed, gone, and as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from scenes import Scene
from twin.app import LivePlan, RunningServer, ServerOptions, start_in_thread
from twin.live import Datastreams, Movements, rows
from twin.live.state import wall_clock_ms

from .pages import ask, opened, picture, settled, spot, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

FOREVER_MS = 3_600_000
# Where it is in every frame of seven seconds, and on until it has come to rest.
SAMPLES = """(number) => new Promise((resolve) => {
  const found = [], begun = performance.now();
  const look = () => {
    const state = window.__citytwin.moving.state(number);
    if (state) found.push([performance.now() - begun, ...state.point, state.heading_deg]);
    const [now, east] = found[found.length - 1] ?? [0, 0];
    const rests = found.length > 10 && found.slice(-4).every(([, x]) => Math.abs(x - east) < 0.1);
    if (now > 7000 && (rests || now > 60000)) resolve(found); else requestAnimationFrame(look);
  };
  look();
})"""


@pytest.fixture
def server(little_city: Scene) -> Iterator[RunningServer]:
    """A server of the little city with one datastream and nothing that moves yet, in English.

    What has come stays, however long a test takes.
    """
    record = {"id": "rain-0", "observed_property": "rain", "unit": "mm/h", "object": "urn:uuid:b0"}
    plan = LivePlan(Datastreams.from_records([record]))
    with start_in_thread(little_city, live=plan, options=ServerOptions(language="en")) as running:
        assert running.hub is not None
        running.hub.moving.gone_after_ms = FOREVER_MS
        yield running


def told(server: RunningServer, **columns: Any) -> int:
    """Tell the server where things are, and return of which instant."""
    names = columns.pop("ids")
    time_ms = columns.pop("time_ms", wall_clock_ms())
    server.move(Movements(names, time_ms, **columns))
    return int(time_ms)


def number_of(page: Page, server: RunningServer, name: str) -> int:
    until(page, "window.__citytwin.moving.count > 0")
    hub = server.hub
    assert hub is not None
    return hub.moving.ids.index(name)


def from_above(page: Page) -> None:
    ask(page, "app.engine.setCamera({position: [0, -60, 260], target: [0, -60, 0]}, 0)")
    ask(page, "app.setShadows(false)")
    settled(page)


def test_a_car_goes_steadily_between_its_reports_and_never_jumps(page: Page, server: RunningServer) -> None:
    opened(page, server.url)
    told(server, ids=["car-1"], x=[-40.0], y=[-75.0])
    car = number_of(page, server, "car-1")
    ask(page, "app.engine.pictures.pace_ms = 0")
    for second in range(4):  # some come late, one comes twice, one is older than what is known
        time_ms = told(server, ids=["car-1"], x=[-32.0 + 8.0 * second], y=[-75.0], heading_deg=90.0, speed_m_s=8.0)
        told(server, ids=["car-1"], time_ms=wall_clock_ms() - 60_000, x=[500.0], y=[500.0])
        until(page, f"window.__citytwin.moving.state({car}).time >= {time_ms}")
        page.wait_for_timeout((900, 1300, 700, 1000)[second])
    told(server, ids=["car-1"], x=[0.0], y=[-75.0], heading_deg=90.0)
    found = np.array(page.evaluate(SAMPLES, car))
    assert len(found) > 10
    steps = np.diff(found, axis=0)
    assert (np.hypot(steps[:, 1], steps[:, 2]) <= 0.03 * steps[:, 0] + 0.5).all(), "at most 30 m/s, whatever comes"
    assert found[:, 1].max() < 20.0, "a silent car rolls on a little and stops"
    assert np.abs(steps[-3:, 1]).max() < 0.2
    assert np.abs(found[:, 2] + 75.0).max() < 0.01
    hub = server.hub
    assert hub is not None
    assert hub.moving.counts.late >= 4


def test_it_is_drawn_hidden_and_coloured(page: Page, server: RunningServer) -> None:
    opened(page, server.url)
    from_above(page)
    told(server, ids=["bus-1"], x=[0.0], y=[-75.0], z_m=0.0, kind="bus", heading_deg=90.0, speed_m_s=25.0)
    number_of(page, server, "bus-1")
    x, y = (round(value) for value in spot(page, (0.0, -75.0, 3.0)))
    before = picture(page)[y, x]
    assert before[0] > before[2] + 40, "buses are orange"
    page.keyboard.press("'")
    card = page.locator(".vehicles-card")
    expect(card).to_contain_text("1 on the map")
    card.get_by_role("button", name="Speed").click()
    fast = picture(page)[y, x]
    assert fast[1] > fast[0] - 30, "the fastest are yellow"
    assert np.abs(fast - before).sum() > 60
    until(page, "location.hash.includes('ve=speed')")
    card.get_by_role("button", name="Hide").click()
    hidden = picture(page)[y, x]
    assert np.abs(hidden - fast).sum() > 60
    assert np.ptp(hidden) < 30, "there is only the ground"


def test_a_click_opens_its_card_and_the_camera_follows(page: Page, server: RunningServer) -> None:
    opened(page, server.url)
    from_above(page)
    told(server, ids=["drone/7"], x=[10.0], y=[-78.0], z_m=12.0, kind="drone", heading_deg=0.0, speed_m_s=10.0)
    drone = number_of(page, server, "drone/7")
    page.mouse.click(*spot(page, (10.0, -78.0, 12.5)))
    card = page.locator(".vehicle-card")
    expect(card).to_contain_text("drone/7")
    expect(card).to_contain_text("KindDrone")
    expect(card).to_contain_text("36 km/h")
    expect(card).to_contain_text("Last report")
    assert ask(page, "app.selected") is None, "what moves is no object of the scene"
    card.get_by_role("button", name="Follow").click()
    until(page, f"window.__citytwin.moving.followed === {drone} && !window.__citytwin.engine.view.flying")
    begun = ask(page, "app.engine.camera()")
    for step in range(1, 4):
        told(server, ids=["drone/7"], x=[10.0 + 10.0 * step], y=[-78.0], z_m=12.0, kind="drone", heading_deg=90.0)
        page.wait_for_timeout(1000)
    until(page, f"window.__citytwin.engine.camera().position[0] > {begun['position'][0] + 15}")
    now = ask(page, "app.engine.camera()")
    assert now["position"][2] == pytest.approx(begun["position"][2], abs=1.0)
    assert np.hypot(now["target"][0] - ask(page, f"app.moving.state({drone}).point[0]"), now["target"][1] + 78) < 25
    page.keyboard.press("Escape")
    assert ask(page, "app.moving.followed") is None


def test_the_keyboard_finds_one_and_the_gone_disappear(page: Page, server: RunningServer) -> None:
    opened(page, server.url)
    hub = server.hub
    assert hub is not None
    told(server, ids=["tram 3", "ship A"], x=[0.0, 40.0], y=[-75.0, -75.0], kind=["train", "ship"])
    until(page, "window.__citytwin.moving.count === 2")
    page.keyboard.press("'")
    page.keyboard.type("ship")
    expect(page.locator(".vehicles-hits li")).to_have_count(1)
    page.locator(".vehicles-hits button").press("Enter")
    expect(page.locator(".vehicle-card")).to_contain_text("ship A")
    hub.moving.gone_after_ms = 1000
    until(page, "window.__citytwin.moving.count === 0")
    expect(page.locator(".vehicle-card")).to_be_hidden()
    ask(page, "app.setLanguage('zh')")
    expect(page.locator(".vehicles-card")).to_contain_text("目前没有移动目标")


def test_the_past_shows_codes_and_places_of_its_time(page: Page, server: RunningServer, little_city: Scene) -> None:
    hub = server.hub
    assert hub is not None
    now = wall_clock_ms()
    for ago, x, rain in ((60, -40.0, 5.0), (40, 0.0, 55.0), (1, 40.0, 20.0)):
        told(server, ids=["car"], time_ms=now - ago * 1000, x=[x], y=[-75.0])
        server.call_soon(lambda ago=ago, rain=rain: hub.state.apply(rows([0], now - ago * 1000, [rain])))
    opened(page, server.url)
    library = little_city.handle("urn:uuid:b0")
    ask(page, "app.setOverlay('rain')")
    car = number_of(page, server, "car")
    until(page, f"window.__citytwin.engine.codeOf({library}) > 70 && window.__citytwin.engine.codeOf({library}) < 100")
    page.keyboard.press("`")
    bar = page.locator(".historybar")
    expect(bar).to_be_visible()
    expect(bar).to_contain_text("live")
    ask(page, f"app.past.show({now - 50_000})")
    until(page, f"Math.abs(window.__citytwin.moving.state({car}).point[0] + 20) < 1")
    until(page, f"window.__citytwin.engine.codeOf({library}) < 30")
    expect(page.locator(".timebar .chip").first).to_contain_text("past")
    expect(bar).to_have_class("historybar away")
    slider = bar.get_by_role("slider")
    slider.focus()
    for _ in range(15):
        page.keyboard.press("ArrowRight")
    until(page, f"Math.abs(window.__citytwin.past.time - {now - 35_000}) < 2000")
    until(page, f"window.__citytwin.engine.codeOf({library}) > 200")
    until(page, "location.hash.includes('at=')")
    told(server, ids=["car"], x=[70.0], y=[-75.0])
    page.wait_for_timeout(1200)
    assert ask(page, f"app.moving.state({car}).point[0]") < 20.0, "the present does not break in"
    bar.get_by_label("Speed").select_option("60")
    bar.get_by_role("button", name="Play the past").click()
    until(page, f"window.__citytwin.past.time > {now - 25_000} || window.__citytwin.past.time === null")
    bar.get_by_role("button", name="Live").click()
    expect(bar).to_be_hidden()
    until(page, f"Math.abs(window.__citytwin.moving.state({car}).point[0] - 70) < 1")
    until(page, f"window.__citytwin.engine.codeOf({library}) < 100")
    until(page, "!location.hash.includes('at=')")


def test_ten_thousand_are_one_draw_call(page: Page, server: RunningServer) -> None:
    opened(page, server.url)
    from_above(page)
    before = ask(page, "app.engine.stats().drawCalls")
    count = 10_000
    place = np.arange(count)
    told(server, ids=[f"v{n}" for n in place], x=(place % 100) * 2.0 - 100, y=(place // 100) * 2.0 - 160, z_m=0.0)
    until(page, f"window.__citytwin.moving.count === {count}")
    until(page, f"window.__citytwin.engine.stats().triangles >= {36 * count}")
    assert ask(page, "app.engine.stats().drawCalls") - before == 1
