"""Images on tiles in a real browser: seen, painted over by codes, cut, hidden, lit, and freed with their tile."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from scenes import Batch, Georeference, Layer, MeshSet, Scene
from scenes.joining import join
from scenes.pictures import Picture
from scenes.schema import object_table
from scenes.tiles import publish

from .pages import WAIT_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

WEB = Path(__file__).resolve().parents[3] / "twin" / "view" / "web"
FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
SIZE = (800, 500)
RED, BLUE, GREEN = (200, 40, 40), (40, 60, 200), (40, 160, 60)


def halves(left: tuple[int, ...], right: tuple[int, ...]) -> Picture:
    """Return an image of two colours, the right one see-through where it has four channels."""
    pixels = np.full((64, 64, 4), 255, np.uint8)
    pixels[:, :32, : len(left)], pixels[:, 32:, : len(right)] = left, right
    return Picture.of_pixels(pixels)


def wall(row: int, west: float, image: Picture | None) -> MeshSet:
    """Return a block of 40 x 10 x 40 m whose south face shows an image."""
    x, z = np.array([west, west + 40.0]), np.array([0.0, 40.0])
    corners = np.array([[i, j, k] for k in z for j in (0.0, 10.0) for i in x])
    rest = [
        (0, 2, 3),
        (0, 3, 1),
        (4, 5, 7),
        (4, 7, 6),
        (2, 6, 7),
        (2, 7, 3),
        (0, 4, 6),
        (0, 6, 2),
        (1, 3, 7),
        (1, 7, 5),
    ]
    box = MeshSet.of_one(corners, rest, row)
    face = MeshSet.of_one(corners[[0, 1, 5, 4]], [[0, 1, 2], [0, 2, 3]], row)
    if image is not None:
        face = face.textured([[0, 1], [1, 1], [1, 0], [0, 0]], 0, [image])
    return join([box, face])


def ground() -> MeshSet:
    """Return level ground south of the walls, green in the west and blue in the east."""
    corners = [[-150, -200, 0], [150, -200, 0], [150, -20, 0], [-150, -20, 0]]
    mesh = MeshSet.of_one(corners, [[0, 1, 2], [0, 2, 3]])
    return mesh.textured([[0, 1], [1, 1], [1, 0], [0, 0]], 0, [halves(GREEN, BLUE)])


def layer(name: str, theme: str, kind: str, mesh: MeshSet, count: int) -> Layer:
    table = object_table({"uid": [f"urn:{name}:{row}" for row in range(count)], "kind": [kind] * count})
    return Layer(name, (Batch(table, {"1": mesh}).with_bounds(),), theme)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve three walls and a ground with the engine's development page."""
    walls = join([wall(0, -70, halves(RED, BLUE)), wall(1, -20, None), wall(2, 30, halves(RED, (0, 0, 0, 0)))])
    layers = [
        layer("buildings", "buildings", "Building", walls, 3),
        layer("terrain", "terrain", "ReliefFeature", ground(), 1),
    ]
    city = tmp_path_factory.mktemp("city")
    publish(Scene(FRAME, {each.name: each for each in layers}, name="walls"), city / "tiles")
    longitude, latitude = (float(value) for value in FRAME.lonlat(0.0, 0.0))
    facts = [{"name": each.name, "theme": each.theme, "objects": len(each)} for each in layers]
    origin = {"longitude": longitude, "latitude": latitude, "convergence_deg": 0.0}
    (city / "city.json").write_text(json.dumps({"layers": facts, "origin": origin}))
    node = shutil.which("node")
    assert node, "node is not on the PATH; install Node.js 20 or newer"
    with subprocess.Popen([node, "dev/serve.mjs", str(city)], cwd=WEB, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


class City:
    """The page, seen from the south at noon."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.run("""e.setSection(null); await e.load(h.manifest); e.setTime('2026-04-20T04:00:00Z'); e.setShadows(true);
            e.setCamera({position: [0, -190, 90], target: [0, 0, 10]}); await h.settled();""")

    def run(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(f"async (a) => {{ const h = window.__citytwin, e = h.engine; {script} }}", argument)

    def picture(self) -> np.ndarray:
        text = self.run("""await h.settled(); const blob = await e.snapshot();
            const bytes = new Uint8Array(await blob.arrayBuffer());
            let s = ''; for (const b of bytes) s += String.fromCharCode(b); return btoa(s);""")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")).astype(int)

    def colour(self, *point: float) -> np.ndarray:
        """Return the mean colour of some pixels around a point of the city."""
        state = self.run("return e.camera()")
        position, target = np.array(state["position"]), np.array(state["target"])
        ahead = (target - position) / np.linalg.norm(target - position)
        right = np.cross(ahead, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        offset = np.array(point) - position
        scale = SIZE[1] / 2 / np.tan(np.radians(42.0) / 2) / (offset @ ahead)
        x = round(SIZE[0] / 2 + float(offset @ right) * scale)
        y = round(SIZE[1] / 2 - float(offset @ np.cross(right, ahead)) * scale)
        mean: np.ndarray = self.picture()[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1))
        return mean


@pytest.fixture(scope="module")
def page(chromium: Browser, address: str) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": SIZE[0], "height": SIZE[1]})
    made = context.new_page()
    made.set_default_timeout(WAIT_MS)
    made.goto(address)
    made.wait_for_function("window.__citytwin && window.__citytwin.idles > 0")
    yield made
    context.close()


@pytest.fixture
def city(page: Page) -> City:
    return City(page)


LEFT, RIGHT, PLAIN, HOLE = (-60.0, 0.0, 20.0), (-40.0, 0.0, 20.0), (0.0, 0.0, 20.0), (60.0, 0.0, 20.0)
FIELD, LAKE = (-60.0, -60.0, 0.0), (60.0, -60.0, 0.0)


def test_images_are_seen_the_right_way_round(city: City) -> None:
    left, right, plain = city.colour(*LEFT), city.colour(*RIGHT), city.colour(*PLAIN)
    assert left[0] > 2 * left[1:].max()
    assert right[2] > 2 * right[:2].max()
    assert np.ptp(plain) < 40
    assert city.colour(*FIELD)[1] > 1.5 * city.colour(*FIELD)[[0, 2]].max()
    assert city.colour(*LAKE)[2] > 1.5 * city.colour(*LAKE)[:2].max()
    assert city.run("return h.errors") == []


def test_where_an_image_is_transparent_the_inside_is_seen(city: City) -> None:
    assert city.colour(40.0, 0.0, 20.0)[0] > 2 * city.colour(40.0, 0.0, 20.0)[1]
    hole = city.colour(*HOLE)
    assert np.ptp(hole) < 60


def test_a_code_hides_the_image_and_its_end_shows_it_again(city: City) -> None:
    before = city.colour(*RIGHT)
    palette = np.zeros((256, 4), np.uint8)
    palette[7] = (*GREEN, 255)
    overlay = {
        "id": 1,
        "name": "test",
        "titles": {"en": "Test", "zh": "测试"},
        "unit": "1",
        "source": "live",
        "layers": [],
        "legend": {"type": "ramp", "min": 0, "max": 1, "stops": []},
        "palette": base64.b64encode(palette.tobytes()).decode(),
    }
    city.run("e.setOverlay(a); e.setCodes(new Uint8Array([7, 0, 0, 0]))", overlay)
    left, right = city.colour(*LEFT), city.colour(*RIGHT)
    assert np.abs(left - right).max() < 3, "no trace of the image"
    assert right[1] > 1.5 * right[[0, 2]].max()
    pale = city.colour(40.0, 0.0, 20.0)
    assert 0 < pale[0] - pale[1] < 80, "without a code the image stays, paler"
    city.run("e.setOverlay(null)")
    assert np.abs(city.colour(*RIGHT) - before).max() < 3


def test_selection_hiding_and_sections_work_on_images(city: City) -> None:
    plain = city.colour(*RIGHT)
    city.run("e.select([0])")
    assert city.colour(*RIGHT)[0] - plain[0] > 40
    city.run("e.select([]); e.hide([0], true)")
    assert np.abs(city.colour(*RIGHT) - plain).max() > 30
    city.run("e.showAll(); e.setSection({axis: 'z', offset: 10, azimuth_deg: 0, flipped: false})")
    assert np.abs(city.colour(*RIGHT) - plain).max() > 30
    city.run("e.setSection(null)")
    assert np.abs(city.colour(*RIGHT) - plain).max() < 3


def test_images_lie_in_the_shade(city: City) -> None:
    lit = city.colour(*LEFT)
    city.run("e.setTime('2026-06-20T22:00:00Z')")  # early morning: the south face has no sun
    assert city.colour(*LEFT).sum() < 0.9 * lit.sum()


def test_the_layer_fades_as_a_whole(city: City) -> None:
    solid = city.colour(*LAKE)
    city.run("e.setLayerOpacity('terrain', 0.3)")
    assert np.abs(city.colour(*LAKE) - solid).max() > 25
    city.run("e.setLayerOpacity('terrain', 1)")


def test_memory_is_freed_with_the_tiles(city: City) -> None:
    count = "e.renderer.info.memory.textures"
    first = city.run(f"return {count}")
    for _ in range(3):
        city.run("await e.load(h.manifest); await h.settled();")
    assert city.run(f"return {count}") <= first
