"""A city of a few boxes whose every edge is known, shown by the engine alone."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from scenes import Batch, Georeference, Layer, MeshSet, Scene
from scenes.schema import object_table
from scenes.tiles import publish
from tests.twin.view.pages import WAIT_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

WEB = Path(__file__).resolve().parents[4] / "twin" / "view" / "web"
SIZE = (960, 540)
FIELD_OF_VIEW_DEG = 42.0
FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
# Counts what travels to the graphics card, to prove that a recolour sends no geometry.
SPY = """
window.__sent = {buffers: 0, texels: 0};
const gl = WebGL2RenderingContext.prototype;
const bufferData = gl.bufferData;
gl.bufferData = function (...a) {
  if (a[0] !== this.PIXEL_PACK_BUFFER) window.__sent.buffers++;
  return bufferData.apply(this, a);
};
const sub = gl.texSubImage2D;
gl.texSubImage2D = function (...a) { window.__sent.texels += a[4] * a[5]; return sub.apply(this, a); };
"""

# name: (west, south, foot, east, north, top), metres
BOXES = {
    "tower": (-20.0, -20.0, 0.0, 20.0, 20.0, 100.0),
    "block": (100.0, -15.0, 0.0, 130.0, 15.0, 30.0),
    "shed": (-140.0, -10.0, 0.0, -120.0, 10.0, 8.0),
}
PIPE = (-60.0, 40.0, -6.0, 60.0, 42.0, -4.0)
FROM_SOUTH = {"position": [0, -420, 260], "target": [0, 0, 30]}


def _box(low_high: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    x0, y0, z0, x1, y1, z1 = low_high
    corners = np.array([[x, y, z] for z in (z0, z1) for y in (y0, y1) for x in (x0, x1)], float)
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    faces = [(a, b, c) for a, b, c, _ in quads] + [(a, c, d) for a, _, c, d in quads]
    return corners, np.array(faces, np.uint32)


def _layer(name: str, theme: str, kind: str, boxes: list[tuple[float, ...]]) -> Layer:
    parts = [_box(box) for box in boxes]
    mesh = MeshSet.from_parts(list(range(len(parts))), [part[0] for part in parts], [part[1] for part in parts])
    table = object_table({"uid": [f"urn:{name}:{row}" for row in range(len(parts))], "kind": [kind] * len(parts)})
    return Layer(name, (Batch(table, {"1": mesh}).with_bounds(),), theme)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the little city with the engine's development page."""
    layers = [
        _layer("buildings", "buildings", "Building", list(BOXES.values())),
        _layer("pipes", "pipes", "Pipe", [PIPE]),
    ]
    scene = Scene(FRAME, {layer.name: layer for layer in layers}, name="boxes")
    city = tmp_path_factory.mktemp("city")
    publish(scene, city / "tiles")
    longitude, latitude = (float(value) for value in FRAME.lonlat(0.0, 0.0))
    origin = {"longitude": longitude, "latitude": latitude, "convergence_deg": FRAME.convergence_deg()}
    facts = [{"name": layer.name, "theme": layer.theme, "objects": len(layer)} for layer in layers]
    (city / "city.json").write_text(json.dumps({"layers": facts, "origin": origin}))
    node = shutil.which("node")
    assert node, "node is not on the PATH; install Node.js 20 or newer"
    assert (WEB / "node_modules").is_dir(), f"run `npm ci --ignore-scripts` in {WEB} first"
    with subprocess.Popen([node, "dev/serve.mjs", str(city)], cwd=WEB, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


@pytest.fixture(scope="module")
def page(address: str, chromium: Browser) -> Iterator[Page]:
    """Open the page once; tests reset it."""
    page = chromium.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(SPY)
    page.goto(address)
    page.wait_for_function("window.__citytwin && window.__citytwin.idles > 0")
    yield page
    page.close()


@dataclass
class City:
    """The page with words for what the tests do."""

    page: Page

    def run(self, script: str, argument: object = None) -> Any:
        """Run JavaScript with `e` = engine, `h` = harness and `a` = the argument."""
        body = f"async (a) => {{ const h = window.__citytwin, e = h.engine; {script} }}"
        return self.page.evaluate(body, argument)

    def settle(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.run("return h.settled()"))

    def look(self, state: dict[str, Any]) -> None:
        self.run("e.setCamera(a)", state)
        self.settle()

    def at(self, point: tuple[float, float, float]) -> tuple[float, float]:
        """Place of a point of the city on the page, by the pinhole model."""
        state = self.run("return e.camera()")
        position, target = np.array(state["position"]), np.array(state["target"])
        ahead = (target - position) / np.linalg.norm(target - position)
        right = np.cross(ahead, [0, 0, 1.0])
        right /= np.linalg.norm(right)
        up = np.cross(right, ahead)
        offset = np.array(point) - position
        scale = SIZE[1] / 2 / np.tan(np.radians(FIELD_OF_VIEW_DEG) / 2) / (offset @ ahead)
        return SIZE[0] / 2 + float(offset @ right) * scale, SIZE[1] / 2 - float(offset @ up) * scale

    def pick(self, point: tuple[float, float, float]) -> dict[str, Any] | None:
        return cast("dict[str, Any] | None", self.run("return e.pickAt(a[0], a[1])", list(self.at(point))))

    def picture(self) -> np.ndarray:
        """Return the canvas as (height, width, 3) sRGB."""
        text = self.run("""const blob = await e.snapshot(); const bytes = new Uint8Array(await blob.arrayBuffer());
            let s = ''; for (const b of bytes) s += String.fromCharCode(b); return btoa(s);""")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB")).astype(int)

    def colour(self, point: tuple[float, float, float]) -> np.ndarray:
        """Return the mean colour of some pixels around a point of the city."""
        x, y = (round(value) for value in self.at(point))
        return cast("np.ndarray", self.picture()[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1)))

    def click(self, point: tuple[float, float, float], event: str, wanted: str = "true") -> Any:
        """Click with the mouse and return the event (`v`) that follows and is `wanted`."""
        listen = f"const off = e.on('{event}', (v) => {{ if ({wanted}) {{ off(); done(v); }} }})"
        self.run(f"window.__next = new Promise((done) => {{ {listen}; }})")
        self.page.mouse.click(*self.at(point))
        return self.run("return window.__next")

    def measured(self, kind: str, points: list[tuple[float, float, float]], last: int = 2) -> dict[str, Any]:
        """Click the points, the last one as often as it takes to end, and return the finished measurement."""
        self.run("e.startMeasure(a)", kind)
        for number, point in enumerate(points[:-1]):
            self.click(point, "measure", f"v.points.length === {number + 1}")
        self.run("window.__done = new Promise((done) => e.on('measure', (v) => v && v.done && done(v)))")
        self.page.mouse.click(*self.at(points[-1]), click_count=last)
        return cast("dict[str, Any]", self.run("return window.__done"))


@pytest.fixture
def city(page: Page) -> City:
    """Return the page in its first state, seen from the south at noon."""
    city = City(page)
    city.run("""e.stopMeasure(); e.clearMeasures(); e.setSection(null); await e.load(h.manifest);
        e.setTime('2026-04-20T04:00:00Z'); e.setShadows(true);""")
    city.look(FROM_SOUTH)
    return city
