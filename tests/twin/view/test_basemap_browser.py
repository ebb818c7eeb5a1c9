"""Maps under the city in a real browser: at the right pixel, on terrain too; one that does not come does no harm."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from scenes import Batch, Layer, MeshSet, Scene
from scenes.georeference import transformer
from scenes.schema import object_table
from tests.twin.api.mapserver import HALF_M, MapServer, classes, corners
from tests.twin.view.pages import WAIT_MS, ask, opened, picture, settled, until
from twin.app import ServerOptions, start_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.browser
ZOOM = 19


@pytest.fixture(scope="module")
def maps() -> Iterator[MapServer]:
    """A map server of this machine, which may be busy with other things: nobody gives it up for that."""
    with pytest.MonkeyPatch.context() as patch, MapServer().running() as server:
        patch.setattr("gis.maptiles.TIMEOUT_S", WAIT_MS / 1000)
        yield server


@pytest.fixture(scope="module")
def address(little_city: Scene, maps: MapServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of the little city with a map that works and one that nobody serves."""
    config = tmp_path_factory.mktemp("maps") / "twin.toml"
    config.write_text(
        f'[[basemap]]\nname = "tiles"\naddress = "xyz+{maps.tiles}#maxzoom={ZOOM}"\n'
        'title = {en = "Numbers", zh = "编号"}\n'
        'attribution = "© Test <maps>"\nlink = "https://maps.example/"\n'
        '[[basemap]]\nname = "nobody"\naddress = "http://127.0.0.1:9/{z}/{x}/{y}.png"\ntitle = "Nobody"\n',
        "utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_IMAGE_CACHE", str(tmp_path_factory.mktemp("kept")))
        with start_in_thread(little_city, options=ServerOptions(language="en", config=str(config))) as server:
            yield server.url


def _corner(scene: Scene, near: tuple[float, float]) -> tuple[float, float]:
    """Return where the corner of a web tile lies in the city, the nearest to a place, by pyproj.

    It is one of a coarse tile, so that tiles of every zoom that may be shown meet there.
    """
    frame = scene.georeference
    x, y = transformer(frame.crs, "EPSG:3857").transform(frame.easting_m + near[0], frame.northing_m + near[1])
    side = 2 * HALF_M / 2 ** (ZOOM - 2)
    corner = round((x + HALF_M) / side) * side - HALF_M, HALF_M - round((HALF_M - y) / side) * side
    east, north = transformer("EPSG:3857", frame.crs).transform(*corner)
    return float(east - frame.easting_m), float(north - frame.northing_m)


def _laid(page: Page) -> None:
    """Wait until the server has described the map that the page asked for, and its tiles are seen."""
    until(page, "window.__citytwin.basemaps.shown")
    settled(page)


def _place(page: Page, point: tuple[float, float, float]) -> np.ndarray:
    """Return where a point is in the canvas, CSS pixels."""
    x, y, _ = ask(page, f"Array.from(app.engine.project(new Float32Array({list(point)})))")
    return np.array([x, y])


def _assert_corner(page: Page, point: tuple[float, float, float], within_px: float = 1.5) -> None:
    pixels, wanted = picture(page), _place(page, point)
    left, top = (wanted - 40).astype(int)
    found = corners(pixels[top : top + 80, left : left + 80], 8) + np.array([left, top])
    assert len(found) == 1, found
    assert np.hypot(*(found[0] - wanted)) < within_px


def _choose(page: Page, title: str) -> None:
    page.keyboard.press("#")
    page.locator(".basemap-card").get_by_text(title, exact=True).click()


def test_the_corner_of_a_tile_is_drawn_where_pyproj_puts_it(page: Page, address: str, little_city: Scene) -> None:
    opened(page, address)
    before = picture(page)
    ask(page, "app.toggleLabels()")
    _choose(page, "Numbers")
    until(page, "location.hash.includes('map=tiles%2C1%2C1')")
    credit = page.locator(".basemap-credit a")
    expect(credit).to_have_text("© Test <maps>")
    expect(credit).to_have_attribute("href", "https://maps.example/")
    x, y = _corner(little_city, (150.0, -150.0))
    for position in ((x, y - 1, 260), (x + 20, y - 1, 700), (x - 120, y - 260, 240)):
        ask(page, f"app.engine.setCamera({{position: {list(position)}, target: [{x}, {y}, 0]}}, 0)")
        settled(page)
        _assert_corner(page, (x, y, 0.0))
    assert (classes(picture(page)) >= 0).mean() > 0.5
    assert (classes(before) >= 0).mean() < 0.1, "without it the ground has no such colours"


def test_strength_cover_and_choice_are_in_the_address(page: Page, address: str) -> None:
    opened(page, f"{address}#map=tiles,0.5,0&c=150,-151,300,150,-150,0")
    _laid(page)
    faint = (classes(picture(page)) >= 0).mean()
    page.keyboard.press("#")
    card = page.locator(".basemap-card")
    expect(card.get_by_role("radio", name="Numbers")).to_be_checked()
    expect(card.get_by_role("checkbox")).not_to_be_checked()
    card.get_by_role("slider").fill("1")
    until(page, "location.hash.includes('map=tiles%2C1%2C0')")
    settled(page)
    strong = (classes(picture(page)) >= 0).mean()
    assert strong > 0.6
    assert strong > faint + 0.2
    page.locator(".language").click()
    expect(card.get_by_role("radio", name="编号")).to_be_checked()
    card.get_by_text("无底图").click()
    until(page, "!location.hash.includes('map=')")
    settled(page)
    assert (classes(picture(page)) >= 0).mean() < 0.1
    expect(page.locator(".basemap-credit")).to_be_hidden()


def test_a_map_and_an_object_chosen_while_a_view_comes_stay(page: Page, address: str) -> None:
    opened(page, address)
    ask(page, "(app.show({...app.state}, 0), app.basemaps.choose('tiles'), app.select(1), null)")
    until(page, "location.hash.includes('map=tiles')")
    settled(page)
    assert ask(page, "[app.basemaps.name, app.selected]") == ["tiles", 1]


def test_a_map_that_cannot_be_reached_leaves_the_ground_and_one_sentence(page: Page, address: str) -> None:
    opened(page, address)
    ask(page, "app.engine.setCamera({position: [150, -151, 300], target: [150, -150, 0]}, 0)")
    settled(page)
    before = picture(page)
    _choose(page, "Nobody")
    expect(page.locator(".notice.error")).to_contain_text("The map “Nobody” cannot be shown: ")
    expect(page.locator(".notice.error")).to_contain_text("cannot be reached")
    expect(page.locator(".notice.error")).to_have_count(1)
    expect(page.locator(".basemap-card").get_by_role("radio", name="No map")).to_be_checked()
    page.wait_for_timeout(300)
    assert "map=" not in page.url
    settled(page)
    assert (np.abs(picture(page) - before).max(axis=2) > 6).mean() < 0.002, "the ground is as before"
    page.locator(".language").click()
    page.locator(".basemap-card").get_by_text("Nobody").click()
    expect(page.locator(".notice.error").last).to_contain_text("无法连接")


def test_a_map_that_stops_to_come_is_told_once(page: Page, address: str) -> None:
    opened(page, address)
    _choose(page, "Numbers")
    _laid(page)
    page.context.set_offline(True)
    ask(page, "app.engine.setCamera({position: [2500, 2499, 300], target: [2500, 2500, 0]}, 0)")
    expect(page.locator(".notice.error")).to_contain_text("The map “Numbers” cannot be shown: ")
    page.wait_for_timeout(500)
    expect(page.locator(".notice.error")).to_have_count(1)
    assert ask(page, "app.engine.stats().tilesPending") == 0
    page.context.set_offline(False)


def test_without_maps_the_page_says_how_to_get_one(page: Page, little_city: Scene) -> None:
    with start_in_thread(little_city, options=ServerOptions(language="en")) as server:
        opened(page, server.url)
        page.keyboard.press("#")
        expect(page.locator(".basemap-card")).to_contain_text("twin serve --basemap")


def _hill() -> Layer:
    """Return a slope that rises by 60 m to the east over 600 m."""
    x, y = np.meshgrid(np.linspace(-300.0, 300.0, 31), np.linspace(-300.0, 300.0, 31))
    places = np.column_stack([x.ravel(), y.ravel(), (x.ravel() + 300.0) * 0.1])
    first = (np.arange(30)[:, None] * 31 + np.arange(30)).ravel()
    faces = np.concatenate(
        [np.column_stack([first, first + 1, first + 32]), np.column_stack([first, first + 32, first + 31])]
    )
    mesh = MeshSet.from_parts([0], [places], [faces.astype(np.uint32)])
    table = object_table({"uid": ["urn:uuid:hill"], "kind": ["ReliefFeature"], "name": ["Hill"]})
    return Layer("terrain", (Batch(table, {"1": mesh}).with_bounds(),), "terrain")


def _lawn() -> Layer:
    """Return a lawn that lies on the slope."""
    places = np.array(
        [[x, y, (x + 300.0) * 0.1 + 0.3] for x, y in ((-250, -250), (-50, -250), (-50, -50), (-250, -50))], float
    )
    mesh = MeshSet.from_parts([0], [places], [np.array([[0, 1, 2], [0, 2, 3]], np.uint32)])
    table = object_table({"uid": ["urn:uuid:lawn"], "kind": ["PlantCover"], "name": ["Lawn"]})
    return Layer("landuse", (Batch(table, {"1": mesh}).with_bounds(),), "landuse")


def test_a_map_lies_on_terrain_and_on_what_is_flat(
    page: Page, little_city: Scene, maps: MapServer, tmp_path: Path
) -> None:
    hilly = Scene(little_city.georeference, {"terrain": _hill(), "landuse": _lawn()}, name="hilly")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWIN_IMAGE_CACHE", str(tmp_path))
        options = ServerOptions(language="en", basemaps=(f"tiles=xyz+{maps.tiles}#maxzoom={ZOOM}",))
        with start_in_thread(hilly, options=options) as server:
            opened(page, f"{server.url}#map=tiles,1,0")
            _laid(page)
            for near in ((150.0, 150.0), (150.0, -150.0)):
                x, y = _corner(hilly, near)
                z = (x + 300.0) * 0.1
                ask(
                    page,
                    f"app.engine.setCamera({{position: [{x - 60}, {y - 200}, {z + 190}], target: [{x}, {y}, {z}]}}, 0)",
                )
                settled(page)
                _assert_corner(page, (x, y, z), within_px=2.0)
            ask(page, "app.engine.setCamera({position: [-150, -151, 200], target: [-150, -150, 15]}, 0)")
            settled(page)
            middle = np.s_[330:440, 620:740]
            assert (classes(picture(page)[middle]) >= 0).mean() < 0.5, "the lawn covers the map"
            ask(page, "app.basemaps.setLook({opacity: 1, over: true})")
            settled(page)
            assert (classes(picture(page)[middle]) >= 0).mean() > 0.9, "the map covers the lawn"


def test_every_view_of_a_comparison_has_the_map(page: Page, address: str) -> None:
    opened(page, f"{address}#map=tiles,1,1&c=150,-151,300,150,-150,0")
    _laid(page)
    page.keyboard.press("]")
    until(page, "window.__citytwin.engines.length === 2 && window.__citytwin.second.stats().tilesLoaded > 0")
    settled(page)
    png = page.screenshot()
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    stage = page.locator(".stage").bounding_box()
    assert stage is not None
    middle = int(stage["x"] + stage["width"] / 2)
    for part in (pixels[200:500, middle - 200 : middle - 40], pixels[200:500, middle + 40 : middle + 200]):
        assert (classes(part) >= 0).mean() > 0.6
