"""The names on the map in a real browser."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import pytest
import shapely
from playwright.sync_api import Page, expect

from scenes import Batch, Layer, Scene
from scenes.schema import BOUNDS, object_table
from twin.app import ServerOptions, start_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

WAIT_MS = 120_000
SCRIPT_NAME = '<img src=x onerror="window.__broken = true"><b>bold</b>'
BOXES = """nodes => nodes.flatMap(node => [node.querySelector('span')].map(text => {
  const box = text.getBoundingClientRect();
  return [text.textContent, box.left, box.top, box.right, box.bottom];
}))"""


def _quarters() -> Layer:
    """Return thirty districts south of the houses, so near to each other that not all of their names have room."""
    shapes = [shapely.box(x, y, x + 30, y + 30) for x in range(-80, 100, 30) for y in range(-230, -90, 30)]
    columns: dict[str, Any] = {
        "uid": [f"urn:uuid:q{row}" for row in range(len(shapes))],
        "kind": ["District"] * len(shapes),
        "name": [f"{chr(0x4E00 + row)}湖街道" for row in range(len(shapes))],
        "name:en": [f"{chr(0x41 + row % 26)}{row // 26} Quarter" for row in range(len(shapes))],
        "footprint": [shapely.to_wkb(shape) for shape in shapes],
    }
    sides = [(*shape.bounds[:2], 0.0, *shape.bounds[2:], 0.0) for shape in shapes]
    columns |= {bound: [side[place] for side in sides] for place, bound in enumerate(BOUNDS)}
    return Layer("quarters", (Batch(object_table(columns)),), "districts")


@pytest.fixture(scope="module")
def address(little_city: Scene) -> Iterator[str]:
    """A server of the little city with many quarters, in English."""
    layers = {**little_city.layers, "quarters": _quarters()}
    city = Scene(little_city.georeference, layers, name="little", metadata=little_city.metadata)
    with start_in_thread(city, options=ServerOptions(language="en")) as server:
        yield server.url


@pytest.fixture
def view(page: Page, address: str) -> Page:
    """A page that shows the city from above, all its names written."""
    page.set_default_timeout(WAIT_MS)
    page.goto(address)
    page.wait_for_function("window.__citytwin?.ready && window.__citytwin.engine.stats().tilesLoaded > 0")
    _look(page, (0, -500, 700))
    expect(page.locator(".label.landmark.shown")).not_to_have_count(0)
    return page


def _look(page: Page, position: tuple[float, float, float]) -> None:
    page.evaluate(f"window.__citytwin.engine.setCamera({{position: {list(position)}, target: [0, 0, 20]}}, 0)")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _boxes(page: Page) -> dict[str, list[float]]:
    found = page.locator(".label.shown").evaluate_all(BOXES)
    return {text: box for text, *box in found}


def _until(page: Page, condition: str) -> None:
    deadline = time.monotonic() + WAIT_MS / 1000
    while not page.evaluate(f"() => Boolean({condition})"):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(50)


def test_names_follow_the_language_of_the_page(view: Page) -> None:
    expect(view.locator(".label.shown", has_text="Quarter")).not_to_have_count(0)
    assert not any("街道" in name for name in _boxes(view))
    view.locator(".language").click()
    expect(view.locator(".label.shown", has_text="街道")).not_to_have_count(0)
    assert not any("Quarter" in name for name in _boxes(view))
    expect(view.locator(".label.shown", has_text="Library")).to_have_count(1)


def test_no_name_lies_on_another_or_under_a_panel(view: Page) -> None:
    for position in ((0, -500, 700), (400, -300, 200), (-250, 250, 900)):
        _look(view, position)
        names = _boxes(view)
        assert len(names) >= 3
        panels = view.locator(".card:visible, .status").evaluate_all(
            "nodes => nodes.map(n => n.getBoundingClientRect()).map(b => [b.left, b.top, b.right, b.bottom])"
        )
        boxes = list(names.items())
        for place, (name, one) in enumerate(boxes):
            for other_name, other in [*boxes[place + 1 :], *(("a panel", panel) for panel in panels)]:
                apart = (
                    one[2] <= other[0] + 1 or other[2] <= one[0] + 1 or one[3] <= other[1] + 1 or other[3] <= one[1] + 1
                )
                assert apart, f"{name} lies on {other_name}"


def test_names_follow_the_camera_to_where_the_engine_sees_their_point(view: Page) -> None:
    tower = view.locator(".label.shown", has_text="Tower")
    expect(tower).to_have_count(1)
    before = _boxes(view)["Tower"]
    _look(view, (60, -480, 600))
    expect(tower).to_have_count(1)
    after = _boxes(view)["Tower"]
    assert before != after
    x, y = view.evaluate("""() => {
      const { engine, manifest } = window.__citytwin;
      const label = manifest.labels.find(one => one.titles.en === 'Tower');
      const [x, y, depth] = engine.project(new Float32Array(label.point));
      const frame = engine.canvas.getBoundingClientRect();
      return depth > 0 && depth < 1 ? [x + frame.left, y + frame.top] : null;
    }""")
    assert after[0] - 1 <= x <= after[2] + 1
    assert 0 < y - after[3] < 60


def test_a_point_behind_the_eye_has_no_place(view: Page) -> None:
    seen = view.evaluate(
        "Array.from(window.__citytwin.engine.project(new Float32Array([0, -900, 1400, 0, 0, 20])), String)"
    )
    assert seen[:3] == ["NaN"] * 3
    assert float(seen[3]) == pytest.approx(683, abs=2)
    assert float(seen[4]) == pytest.approx(384, abs=2)


def test_the_switch_hides_the_names_and_the_address_remembers_it(view: Page) -> None:
    button = view.get_by_role("button", name="Labels")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(view.locator(".labels")).to_be_hidden()
    expect(button).to_have_attribute("aria-pressed", "false")
    _until(view, "location.hash.includes('n=0')")
    button.click()
    expect(view.locator(".labels")).to_be_attached()
    expect(view.locator(".label.shown")).not_to_have_count(0)


def test_a_script_in_a_name_stays_text(view: Page) -> None:
    expect(view.locator(".label.shown", has_text="onerror")).to_have_text(SCRIPT_NAME)
    assert view.evaluate("window.__broken") is None
    assert view.locator(".labels img, .labels b").count() == 0


def test_names_do_not_take_the_pointer(view: Page) -> None:
    expect(view.locator(".label.shown", has_text="Tower")).to_have_count(1)
    left, top, right, bottom = _boxes(view)["Tower"]
    hit = view.evaluate(
        f"""() => {{ const root = window.__citytwin.shell.app.getRootNode();
        return root.elementFromPoint({(left + right) / 2}, {(top + bottom) / 2}).tagName; }}"""
    )
    assert hit == "CANVAS"


FRAMES = """async ([turns, step]) => {
  const { engine, shell } = window.__citytwin;
  const root = shell.app;
  const seen = [];
  for (let i = 0; i < turns; i++) {
    engine.orbit(step, 0);
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const labels = [...root.querySelectorAll('.label')].map((node) => {
      const text = node.querySelector('span');
      const box = text.getBoundingClientRect();
      const clear = Number(getComputedStyle(node).opacity);
      const shown = node.classList.contains('shown');
      return { text: text.textContent, shown, clear, box: [box.left, box.top, box.right, box.bottom] };
    });
    seen.push(labels);
  }
  return seen;
}"""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_two_names_lie_on_each_other_while_the_camera_turns(view: Page, language: str) -> None:
    if language == "zh":
        view.locator(".language").click()
    for position in ((0, -500, 700), (420, -240, 160), (-200, 260, 420)):
        _look(view, position)
        for labels in view.evaluate(FRAMES, [14, 4]):
            seen = [(each["text"], each["box"]) for each in labels if each["clear"] > 0.05]
            for place, (name, one) in enumerate(seen):
                for other_name, other in seen[place + 1 :]:
                    apart = (
                        one[2] <= other[0] + 1
                        or other[2] <= one[0] + 1
                        or one[3] <= other[1] + 1
                        or other[3] <= one[1] + 1
                    )
                    assert apart, f"{name} lies on {other_name}"


def test_no_name_flickers_while_the_camera_turns_slowly(view: Page) -> None:
    _look(view, (60, -480, 520))
    frames = view.evaluate(FRAMES, [60, 0.5])
    shown = [{each["text"] for each in labels if each["shown"]} for labels in frames]
    assert len(shown[0]) >= 8
    for name in set().union(*shown):
        changes = sum((name in one) != (name in other) for one, other in itertools.pairwise(shown))
        assert changes <= 2, f"{name} comes and goes {changes} times in half a minute of arc a frame"


@pytest.mark.parametrize("ranks", [(3, 1), (1, 3)])
def test_the_more_important_of_two_names_is_written(view: Page, ranks: tuple[int, int]) -> None:
    names = [f"Rank {rank}" for rank in ranks]
    labels = [
        {"titles": {"en": name, "zh": name}, "point": [0, -180, 0], "rank": rank, "kind": "district"}
        for name, rank in zip(names, ranks, strict=True)
    ]
    view.evaluate(
        "(labels) => { const app = window.__citytwin; app.shell.labels.load({...app.manifest, labels}); }", labels
    )
    expect(view.locator(".label.shown")).to_have_text(["Rank 1"])


@pytest.mark.parametrize("size", [(1600, 1000), (1366, 768), (800, 640)])
def test_a_picture_has_no_more_names_than_it_has_room_for(view: Page, size: tuple[int, int]) -> None:
    view.set_viewport_size({"width": size[0], "height": size[1]})
    room = "window.__citytwin.shell.labels.element"
    _until(view, f"{room}.clientWidth * {room}.clientHeight > {0.7 * size[0] * size[1]}")
    _look(view, (0, -1, 900))
    names = [
        {"titles": {"en": f"{x};{y}", "zh": f"{x};{y}"}, "point": [20 * x, 20 * y, 0], "rank": 0, "kind": "district"}
        for x in range(-20, 21)
        for y in range(-12, 13)
    ]
    view.evaluate(
        "(labels) => { const app = window.__citytwin; app.shell.labels.load({...app.manifest, labels}); }", names
    )
    most = min(60, round(view.evaluate(f"{room}.clientWidth * {room}.clientHeight") / 24_000))
    shown = f"{room}.querySelectorAll('.label.shown').length"
    _until(view, f"{shown} >= {0.7 * most}")  # there are a thousand names to choose from
    view.wait_for_timeout(700)  # while others might come
    assert 0.7 * most <= view.evaluate(shown) <= most
