"""Kept views, tours, notes and printed sheets of the page in a real browser."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from scenes import Scene
from twin.app import ServerOptions, start_in_thread

from .pages import ask, opened, settled, spot, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.browser

HOME = "app.engine.setCamera({position: [0, -300, 250], target: [0, 0, 20]}, 0)"
FAR = "app.engine.setCamera({position: [400, -500, 380], target: [0, 0, 20]}, 0)"


@pytest.fixture(scope="module")
def address(little_city: Scene) -> Iterator[str]:
    """A server of the little city, in English."""
    with start_in_thread(little_city, options=ServerOptions(language="en")) as server:
        yield server.url


def _eye(page: Page) -> list[float]:
    return ask(page, "app.engine.camera().position")  # type: ignore[no-any-return]


def _near(page: Page, place: tuple[float, float, float]) -> None:
    until(page, f"Math.hypot(...window.__citytwin.engine.camera().position.map((c, i) => c - {list(place)}[i])) < 0.5")


def _keep(page: Page, camera: str) -> None:
    ask(page, camera)
    # The state follows the camera with the frame that shows it.
    until(
        page,
        "Math.abs(window.__citytwin.state.camera?.position[0] - window.__citytwin.engine.camera().position[0]) < 1",
    )
    page.keyboard.press("k")


def test_views_are_kept_renamed_revisited_and_toured(page: Page, address: str) -> None:
    opened(page, address)
    _keep(page, HOME)
    ask(page, "app.setLayerVisible('buildings', false)")
    ask(page, "app.setOverlay('height_m')")
    _keep(page, FAR)
    rows = page.locator(".views-card .kept-list li")
    expect(rows).to_have_count(2)
    rows.nth(0).get_by_label("Name of the view").fill("From the south")
    rows.nth(0).get_by_label("Name of the view").press("Enter")
    page.get_by_role("button", name="Go to From the south").click()
    _near(page, (0, -300, 250))
    until(page, "window.__citytwin.layerVisible('buildings') && window.__citytwin.overlay === null")
    page.reload()
    until(page, "window.__citytwin && window.__citytwin.ready")
    page.keyboard.press("v")
    expect(rows).to_have_count(2)
    page.locator(".views-card").get_by_label("Flight to a view").fill("0")
    page.locator(".views-card").get_by_label("Stay at a view").fill("1")
    page.locator(".views-card").get_by_label("Stay at a view").press("Enter")
    page.locator(".views-card").get_by_label("Flight to a view").press("Enter")
    page.evaluate("""() => {
      const { tour, shell } = window.__citytwin;
      window.__tour = [];
      window.__citytwin.on('kept', () => window.__tour.push([tour.at, shell.tools.views.play.textContent]));
    }""")
    page.get_by_role("button", name="Play the tour").click()
    until(page, "window.__tour.length >= 3")
    assert page.evaluate("window.__tour") == [[0, "End the tour"], [1, "End the tour"], [-1, "Play the tour"]]
    _near(page, (400, -500, 380))
    until(page, "window.__citytwin.overlay?.name === 'height_m'")
    expect(page.get_by_role("button", name="Play the tour")).to_be_visible()


def test_a_city_of_the_same_name_elsewhere_has_views_of_its_own(page: Page, address: str) -> None:
    opened(page, address)
    _keep(page, HOME)
    (mine,) = page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('citytwin:kept:'))")
    name, *frame = json.loads(mine.removeprefix("citytwin:kept:"))
    assert name == ask(page, "app.manifest.name")
    there = f"citytwin:kept:{json.dumps([name, frame[0], frame[1] + 1000, *frame[2:]], separators=(',', ':'))}"
    before = f"citytwin:kept:{name}"
    for key, has_views in ((there, 0), (before, 1)):  # `before` = as earlier versions kept them
        page.evaluate(
            "([from, to]) => { localStorage[to] = localStorage[from]; delete localStorage[from]; }", [mine, key]
        )
        page.reload()
        until(page, "window.__citytwin && window.__citytwin.ready")
        assert ask(page, "app.keeping.views.length") == has_views
        page.evaluate("([from, to]) => { localStorage[to] = localStorage[from]; }", [key, mine])


def test_a_link_carries_views_and_notes_to_another_browser(page: Page, address: str) -> None:
    opened(page, address)
    _keep(page, HOME)
    ask(
        page,
        "app.keeping.notes.push({text: '学校 <b>', point: [-60, -30, 20], uid: '', object: ''}), app.keeping.save()",
    )
    link = ask(page, "app.keeping.link()")
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    fresh = opened(context.new_page(), link)
    expect(fresh.locator(".note-pin")).to_have_text("学校 <b>")
    fresh.keyboard.press("v")
    expect(fresh.locator(".views-card .kept-list li")).to_have_count(1)
    context.close()


def test_a_note_is_pinned_to_the_object_below_it_and_handed_on_as_json(
    page: Page, address: str, tmp_path: Path
) -> None:
    opened(page, address)
    ask(page, "app.engine.setCamera({position: [0, -1, 420], target: [0, 0, 0]}, 0)")
    settled(page)
    page.keyboard.press("o")
    page.mouse.click(*spot(page, (-60.0, -30.0, 20.0)))
    words = page.locator(".notes-card textarea")
    words.fill("Roof to be repaired")
    words.press("Tab")
    expect(page.locator(".notes-card li")).to_contain_text("at Library")
    pin = page.locator(".note-pin")
    expect(pin).to_have_text("Roof to be repaired")
    box = pin.bounding_box()
    assert box is not None
    x, y = spot(page, (-60.0, -30.0, 20.0))
    assert box["x"] + box["width"] / 2 == pytest.approx(x, abs=3)
    assert box["y"] + box["height"] == pytest.approx(y, abs=20)
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save as JSON").click()
    kept = json.loads(waiting.value.path().read_text("utf-8"))
    assert kept["notes"][0]["uid"] == "urn:uuid:b0"
    assert kept["notes"][0]["point"] == pytest.approx([-60, -30, 20], abs=1.0)
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"views": [{"name": "Theirs", "hash": "u=0.5"}], "notes": []}), "utf-8")
    page.locator(".views-card input[type=file]").set_input_files(other)
    expect(page.get_by_role("button", name="Go to Theirs")).to_be_visible()
    page.get_by_role("button", name="Go to Theirs").click()
    until(page, "window.__citytwin.state.underground === 0.5")
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"views": [{"name": 7}]}', "utf-8")
    page.locator(".views-card input[type=file]").set_input_files(wrong)
    expect(page.locator(".notice.error")).to_contain_text("wrong.json cannot be read: view 1: name is not a text")


@pytest.mark.parametrize("kind", ["PNG", "PDF"])
def test_a_sheet_has_picture_legend_scale_and_arrow(page: Page, address: str, kind: str) -> None:
    opened(page, address)
    ask(page, "app.engine.setCamera({position: [0, -300, 250], target: [0, 0, 20]}, 0)")
    ask(page, "app.setOverlay('height_m')")
    until(page, "window.__citytwin.engine.codeOf(5) > 0")
    page.keyboard.press("p")
    page.locator(".print-card").get_by_label("Title", exact=True).fill("Plan 计划")
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"Save as {kind}").click()
    content = waiting.value.path().read_bytes()
    if kind == "PDF":
        sheet, box = _page_of(content)
        assert box == pytest.approx([297 * 72 / 25.4, 210 * 72 / 25.4], abs=0.1)
        assert b"<feff0050006c0061006e00208ba15212>" in content, "the title in any script"
    else:
        sheet = Image.open(io.BytesIO(content))
    assert sheet.size == (1754, 1240)
    pixels = np.asarray(sheet.convert("RGB")).astype(int)
    mm = 1754 / 297
    picture = pixels[round(30 * mm) : round(150 * mm), round(60 * mm) : round(240 * mm)]
    assert np.ptp(picture.reshape(-1, 3), axis=0).min() > 60, "the city"
    legend = pixels[round(170 * mm) : round(192 * mm), round(14 * mm) : round(76 * mm)].reshape(-1, 3)
    colours = legend[(np.ptp(legend, axis=1) > 60)]
    assert len(colours) > 300, "the ramp of the legend"
    arrow = pixels[round(25 * mm) : round(44 * mm), round(268 * mm) : round(284 * mm)]
    assert (arrow.sum(axis=2) < 200).sum() > 200, "the dark half of the arrow"
    title = pixels[round(11 * mm) : round(19 * mm), round(10 * mm) : round(60 * mm)]
    assert (title.sum(axis=2) < 200).sum() > 200
    canvas = page.locator(".view canvas").bounding_box()
    assert canvas is not None
    assert ask(page, "app.engine.canvas.width") == pytest.approx(canvas["width"], abs=1), "the view is as before"


def _page_of(pdf: bytes) -> tuple[Image.Image, list[float]]:
    """Return the picture and the size of the one page, after a check of the table of objects."""
    assert pdf.startswith(b"%PDF-1.4")
    start = int(re.findall(rb"startxref\n(\d+)\n%%EOF", pdf)[-1])
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n", pdf[start:])]
    for number, place in enumerate(places, 1):
        assert pdf[place:].startswith(b"%d 0 obj" % number)
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    length = re.search(rb"/DCTDecode /Length (\d+) >>\nstream\n", pdf)
    assert box is not None
    assert length is not None
    jpeg = pdf[length.end() : length.end() + int(length[1])]
    return Image.open(io.BytesIO(jpeg)), [float(box[1]), float(box[2])]
