"""The skyline in a real browser, against the geometry of a city of boxes."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

import scenes
from tests.twin.view.pages import ask, opened, settled, until
from twin.app import ServerOptions, start_in_thread
from twin.whatif import AddObject, RemoveObject, Scenario, save_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenes import Scene

pytestmark = pytest.mark.browser

BOXES = [(60.0 * (row % 3) - 80.0, 60.0 * (row // 3) - 50.0, 40.0, 20.0 + 15.0 * row) for row in range(6)]
"""West, south, width and height of the houses of the little city."""
SLAB = (-90.0, -140.0, 100.0, 10.0, 75.0)


@pytest.fixture(scope="module")
def address(little_city: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the little city with a slab in the south, and without the hall."""
    folder = tmp_path_factory.mktemp("planned")
    package = scenes.save(little_city, folder / "little.city")
    west, south, wide, deep, high = SLAB
    ring = ((west, south), (west + wide, south), (west + wide, south + deep), (west, south + deep))
    slab = AddObject(footprint=(ring,), height_m=high, name="Slab")
    save_scenario(package, Scenario("slab", little_city, title="Slab").edit(slab, RemoveObject("urn:uuid:b3")))
    with start_in_thread(package, options=ServerOptions(language="en")) as server:
        yield server.url


def _elevations(
    azimuths_deg: NDArray[Any], eye: tuple[float, float, float], boxes: list[tuple[float, ...]]
) -> NDArray[Any]:
    """Return the elevation of the highest box in each direction (degrees clockwise from y), by rays."""
    ways = np.column_stack([np.sin(np.radians(azimuths_deg)), np.cos(np.radians(azimuths_deg))])
    found = np.zeros(len(ways))
    for west, south, wide, deep, high in boxes:
        with np.errstate(divide="ignore"):
            near_far = [
                ((low - at) / ways[:, axis], (low + size - at) / ways[:, axis])
                for axis, (low, size, at) in enumerate(((west, wide, eye[0]), (south, deep, eye[1])))
            ]
        enter = np.max([np.minimum(*pair) for pair in near_far], axis=0)
        leave = np.min([np.maximum(*pair) for pair in near_far], axis=0)
        hit = (leave > enter) & (enter > 0)
        found = np.where(
            hit, np.maximum(found, np.degrees(np.arctan2(high - eye[2], np.where(hit, enter, 1.0)))), found
        )
    return found


def _asked(page: Page, eye: tuple[float, float, float], start: float, span: float) -> dict[str, NDArray[Any]]:
    found = ask(page, f"app.engine.skyline({list(eye)}, {start}, {span})")
    azimuths = found["start_deg"] + (np.arange(len(found["elevations"])) + 0.5) * found["step_deg"]
    named = {key: np.array(found[key]) for key in ("elevations", "distances", "handles")}
    return {**named, "azimuths": azimuths}


def _settle(page: Page, url: str) -> float:
    """Open the page and return the turn of the grid from true north, degrees."""
    opened(page, url)
    ask(page, "app.engine.setCamera({position: [0, -300, 250], target: [0, 0, 20]}, 0)")
    settled(page)
    return float(ask(page, "app.manifest.origin.convergence_deg"))


@pytest.mark.parametrize("eye", [(0.0, -200.0, 1.6), (150.0, 60.0, 12.0), (-75.0, -75.0, 1.6)])
def test_the_line_is_that_of_the_boxes(
    page: Page, address: str, little_city: Scene, eye: tuple[float, float, float]
) -> None:
    turned = _settle(page, address)
    found = _asked(page, eye, 0.0, 360.0)
    assert len(found["azimuths"]) == 3600
    boxes = [(west, south, wide, wide, high) for west, south, wide, high in BOXES]
    grid = found["azimuths"] - turned
    wanted = _elevations(grid, eye, boxes)
    beside = [_elevations(grid + step, eye, boxes) for step in (-0.12, 0.12)]
    sure = (np.ptp([wanted, *beside], axis=0) < 0.12) & (wanted > 0)
    assert sure.sum() > 300
    assert np.abs(found["elevations"] - wanted)[sure].max() < 0.15
    assert np.abs(found["elevations"] - wanted)[sure].mean() < 0.05
    sky = np.max([wanted, *beside], axis=0) == 0
    assert (np.abs(found["elevations"][sky]) < 3.5).all(), "the horizon"
    assert (found["handles"][sky] == -1).all()
    top = int(np.argmax(np.where(sure, found["elevations"], -90)))
    tallest = [_elevations(grid[top : top + 1], eye, [box])[0] for box in boxes]
    assert found["handles"][top] == little_city.handle(f"urn:uuid:b{int(np.argmax(tallest))}")


def test_the_panel_names_the_highest_and_compares_with_a_scenario(page: Page, address: str) -> None:
    turned = _settle(page, address)
    page.keyboard.press("^")
    page.locator(".skyline-card").get_by_role("button", name="Present view").click()
    panel = page.locator(".skyline-panel")
    expect(panel.locator("path[data-kind=base]")).to_have_count(1)
    expect(panel.locator("svg")).to_contain_text("Tower")
    expect(panel.locator("path[data-kind=variant]")).to_have_count(0)
    ask(page, "app.shell.tools.skyline.take([[0, -200, 0]])")
    until(page, "window.__citytwin.shell.tools.skyline.outlines[0]?.skyline.elevations.length === 3600")
    page.get_by_label("Against").select_option("slab")
    expect(panel.locator("path[data-kind=variant]")).to_have_count(1)
    expect(panel.locator("svg")).to_contain_text("Slab")
    base, variant = ask(page, "app.shell.tools.skyline.outlines.map((each) => each.skyline.elevations)")
    grid = (np.arange(3600) + 0.5) / 10 - turned
    kept = [(west, south, wide, wide, high) for west, south, wide, high in BOXES]
    without_hall = [box for row, box in enumerate(kept) if row != 3]
    eye = (0.0, -200.0, 1.6)
    for line, boxes in ((base, kept), (variant, [*without_hall, SLAB])):
        wanted = _elevations(grid, eye, boxes)
        steady = np.ptp([_elevations(grid + step, eye, boxes) for step in (-0.12, 0.0, 0.12)], axis=0) < 0.12
        sure = steady & (wanted > 0)
        assert np.abs(np.array(line) - wanted)[sure].max() < 0.15
    assert max(variant) > max(base) + 5, "the slab is near"
    assert ask(page, "app.engine.codeOf(0)") == 0
    page.locator(".language").click()
    expect(panel.locator("svg")).to_contain_text("东北")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)


def test_the_skyline_leaves_as_svg_png_and_csv(page: Page, address: str) -> None:
    _settle(page, address)
    page.keyboard.press("^")
    ask(page, "app.shell.tools.skyline.take([[0, -200, 0]])")
    panel = page.locator(".skyline-panel")
    expect(panel.locator("path[data-kind=base]")).to_have_count(1)
    files = {}
    for kind in ("SVG", "PNG", "CSV"):
        with page.expect_download() as waiting:
            panel.get_by_role("button", name=kind).click()
        files[kind] = waiting.value.path().read_bytes()
        assert waiting.value.suggested_filename == f"Little City-skyline.{kind.lower()}"
    root = ET.fromstring(files["SVG"].decode("utf-8"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert any("Tower" in (each.text or "") for each in root.iter("{http://www.w3.org/2000/svg}text"))
    image = np.asarray(Image.open(io.BytesIO(files["PNG"])).convert("RGB")).astype(int)
    assert image.shape == (500, 2240, 3)
    assert (np.abs(image - (0x5B, 0x6F, 0x8F)).max(axis=2) < 40).sum() > 800, "the line"
    rows = list(csv.DictReader(io.StringIO(files["CSV"].decode("utf-8-sig"))))
    assert len(rows) == 3600
    best = max(rows, key=lambda row: float(row["base_elevation_deg"]))
    assert float(best["base_elevation_deg"]) == pytest.approx(
        max(ask(page, "app.shell.tools.skyline.outlines[0].skyline.elevations")), abs=0.001
    )
    assert best["base_object"]


def test_a_limit_may_slope_away_from_its_first_edge(page: Page, address: str, little_city: Scene) -> None:
    _settle(page, address)
    ask(page, "app.engine.top(0)")
    settled(page)
    plot = [[-100, -60, 0], [100, -60, 0], [100, 60, 0], [-100, 60, 0]]
    level = ask(
        page, f"(({{handles, most_m}}) => [Array.from(handles), most_m])(app.engine.limitHeight({plot}, 0, 60))"
    )
    handles = [little_city.handle(f"urn:uuid:b{row}") for row in range(6)]
    assert level == [[handles[3], handles[4], handles[5]], pytest.approx(35, abs=0.5)]
    # 60 m at the southern edge and half a metre more a metre: 95 m at 10 m, where the higher row of houses begins.
    rising = ask(
        page, f"(({{handles, most_m}}) => [Array.from(handles), most_m])(app.engine.limitHeight({plot}, 0, 20, 0.5))"
    )
    # The southern row begins 10 m from the edge at 25 m, the northern one 70 m from it at 55 m.
    over = [20 + 15 * row - (25 if row < 3 else 55) for row in range(6)]
    assert rising[0] == [handle for handle, most in zip(handles, over, strict=True) if most > 0]
    assert rising[1] == pytest.approx(max(over), abs=0.6)
    turned_round = [plot[0], plot[3], plot[2], plot[1]]
    west = ask(
        page,
        f"(({{handles, most_m}}) => [Array.from(handles), most_m])(app.engine.limitHeight({turned_round}, 0, 20, 0.5))",
    )
    over = [20 + 15 * row - (20 + 0.5 * (20 + 60 * (row % 3))) for row in range(6)]
    assert west[1] == pytest.approx(max(over), abs=0.6), (
        "whichever way the corners go round, the plot lies behind its first edge"
    )
    page.keyboard.press("9")
    expect(page.get_by_label("Slope away from the first edge")).to_be_visible()
