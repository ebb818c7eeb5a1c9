"""Frames while orbiting 50,000 buildings, and recolouring them: our engine against CesiumJS on the same tileset.

Needs `npm ci --ignore-scripts` in twin/view/web and in benchmarks/web; `make bench` sees to both.
Both pages are drawn by the same headless Chromium, on canvases of the same size without anti-aliasing and shadows,
from the same places, with the same error in pixels, after everything visible was loaded: once each with its ground and
sky, as people see them, and once with nothing but the tileset (`bare`).
Tasks of the main thread above 50 ms are counted apart: from the opening until all that is seen first is there
(`start`), and in a flight through the city while tiles arrive (`streaming`), where they are stalls that people feel.
A step is one picture: both draw only when the camera moved, and each step waits until its picture is finished. The
pages are opened one at a time, and twice, so that other work on the machine shows as a spread.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Page, sync_playwright
from sample_tiles import layer, prisms

from scenes import Georeference, Scene
from scenes.tiles import publish

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "twin" / "view" / "web"
CESIUM = ROOT / "benchmarks" / "web"
SIZE = {"width": 960, "height": 540}
ERROR_PIXELS = 20
PITCH_DEG, DISTANCE_M = -28, 2600
STEPS = 40
CHROMIUM = [
    *("--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
]
OURS = """(() => {
    const { engine } = window.__citytwin;
    engine.setShadows(false);
    window.__bench = {
        frames: () => engine.stats().frames,
        look(azimuth, pitch, distance) {
            const [a, p] = [azimuth, pitch].map((degrees) => degrees * Math.PI / 180);
            const flat = distance * Math.cos(p);
            engine.setCamera({
                position: [-flat * Math.sin(a), -flat * Math.cos(a), -distance * Math.sin(p)], target: [0, 0, 0],
            });
        },
        loaded: () => engine.stats().tilesPending === 0,
        facts: () => engine.stats(),
        finish() {
            const gl = engine.canvas.getContext('webgl2');
            gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
        },
    };
})()"""
BARE = (
    OURS
    + """; {
    const { engine } = window.__citytwin;
    engine.disc.mesh.visible = engine.daylight.sky.visible = false;
}"""
)
STEP = """
    const step = (by) => new Promise((done) => requestAnimationFrame(() => {
        const b = window.__bench;
        b.look(window.__azimuth = (window.__azimuth ?? 0) + by, pitch, distance);
        requestAnimationFrame(() => { b.finish(); done(); });
    }));
"""
WARM_UP = f"""async ([pitch, distance]) => {{ {STEP}
    for (let turn = 0; turn < 12; turn++) {{
        await step(30);
        while (!window.__bench.loaded()) await step(0);  // a view that turns may always want another tile
    }}
}}"""
FLIGHT = """async ([pitch, distance]) => {
    for (let turn = 0; turn < 60; turn++) {
        window.__bench.look(6 * turn, pitch, distance * (0.3 + 0.7 * Math.abs(Math.cos(turn / 10))));
        await new Promise(requestAnimationFrame);
    }
}"""
ORBIT = f"""async ([pitch, distance, steps]) => {{ {STEP}
    await step(0);
    const began = performance.now(), first = window.__bench.frames();
    for (let turn = 0; turn < steps; turn++) await step(3);
    return [performance.now() - began, window.__bench.frames() - first];
}}"""
FIRST = """(() => {
    window.__long = [];
    new PerformanceObserver((list) => window.__long.push(...list.getEntries().map((each) => each.duration)))
        .observe({ type: 'longtask', buffered: true });
    (function look() {
        const drawn = window.__bench ? window.__bench.facts().triangles : window.__citytwin?.engine.stats().tilesLoaded;
        if (drawn > 0) window.__first = performance.now(); else requestAnimationFrame(look);
    })();
})()"""
RECOLOUR = """async (rounds) => {
    const h = window.__citytwin, e = h.engine, gl = e.canvas.getContext('webgl2');
    const palette = new Uint8Array(1024);
    palette.set([220, 30, 30, 255], 4); palette.set([30, 30, 220, 255], 8);
    const titles = {en: '', zh: ''};
    e.setOverlay({id: 1, name: 'bench', titles, unit: '', source: 'live', layers: [],
        palette: btoa(String.fromCharCode(...palette)), legend: {type: 'ramp', min: 0, max: 1, stops: []}});
    e.setCodes(new Uint8Array(h.manifest.count).fill(1));
    await h.settled();
    const times = [], line = new Uint8Array(4 * e.canvas.width);
    const redness = () => {
        gl.readPixels(0, e.canvas.height >> 1, e.canvas.width, 1, gl.RGBA, gl.UNSIGNED_BYTE, line);
        let sum = 0;
        for (let i = 0; i < line.length; i += 4) sum += line[i] - line[i + 2];
        return sum;
    };
    for (let round = 0; round < rounds; round++) {
        const blue = round % 2 === 0, codes = new Uint8Array(h.manifest.count).fill(blue ? 2 : 1);
        const began = performance.now();
        e.setCodes(codes);
        // The engine's own callback runs first in each frame, so the canvas still holds what it drew.
        await new Promise((done) => requestAnimationFrame(function look() {
            if (blue ? redness() < -500 : redness() > 500) done(); else requestAnimationFrame(look);
        }));
        times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b);
}"""


class _Files(SimpleHTTPRequestHandler):
    """Serves Cesium's build, its page and the tiles, each below its own name."""

    def __init__(self, *arguments: Any, tiles: Path, **named: Any) -> None:
        self.roots = {"cesium": CESIUM / "node_modules" / "cesium" / "Build" / "Cesium", "tiles": tiles}
        super().__init__(*arguments, **named)

    def translate_path(self, path: str) -> str:
        """Return the file of an address."""
        first, _, rest = path.split("?", maxsplit=1)[0].lstrip("/").partition("/")
        return str(self.roots[first] / rest) if first in self.roots else str(CESIUM / "cesium.html")

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def cesium_page(tiles: Path) -> Iterator[str]:
    """Serve the page with CesiumJS and give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, tiles=tiles))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/?error={ERROR_PIXELS}"
    server.shutdown()


@contextmanager
def our_page(city: Path) -> Iterator[str]:
    """Serve the engine's page and give its address."""
    node = shutil.which("node") or "node"
    with subprocess.Popen([node, "dev/serve.mjs", str(city)], cwd=WEB, stdout=subprocess.PIPE, text=True) as server:
        yield (server.stdout.readline() if server.stdout else "").strip() + "?antialias=0"
        server.terminate()


def orbit(page: Page, address: str, script: str = "") -> dict[str, Any]:
    """Open a page, turn once around the city until all that the orbit shows is loaded, then turn for the clock."""
    page.set_default_timeout(0)
    page.add_init_script(FIRST)
    page.goto(address)
    page.wait_for_function(
        "window.__bench ? window.__bench.loaded() : window.__citytwin && window.__citytwin.idles > 0"
    )
    if script:
        page.evaluate(script)
    start = page.evaluate("window.__long.splice(0)")
    page.evaluate(FLIGHT, [PITCH_DEG, DISTANCE_M])  # while tiles arrive
    streaming = page.evaluate("window.__long.splice(0)")
    page.evaluate(WARM_UP, [PITCH_DEG, DISTANCE_M])
    milliseconds, frames = page.evaluate(ORBIT, [PITCH_DEG, DISTANCE_M, STEPS])
    return {
        "fps": round(frames * 1000 / milliseconds, 2),
        "triangles": page.evaluate("window.__bench.facts().triangles"),
        "first_tile_ms": round(page.evaluate("window.__first")),
        "start": long_tasks(start),
        "streaming": long_tasks(streaming),
    }


def long_tasks(milliseconds: list[float]) -> dict[str, int]:
    """Sum up tasks of the main thread above 50 ms, which is all that the browser reports."""
    return {"above_50_ms": len(milliseconds), "longest_ms": round(max(milliseconds, default=0))}


def main() -> None:
    """Measure and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buildings", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    for folder in (WEB / "node_modules", CESIUM / "node_modules" / "cesium"):
        if not folder.is_dir():
            parser.error(
                f"{folder} is missing: run npm ci --ignore-scripts in {folder.parents[folder.name == 'cesium']}"
            )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        city = Path(folder)
        houses = layer("buildings", "buildings", "Building", prisms(arguments.buildings), arguments.buildings)
        publish(Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), {"buildings": houses}), city / "tiles")
        facts = {"layers": [{"name": "buildings", "theme": "buildings", "objects": arguments.buildings}]}
        (city / "city.json").write_text(json.dumps(facts))
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        with our_page(city) as our_address, cesium_page(city / "tiles") as cesium_address:
            cases = {
                "ours": (our_address, OURS),
                "cesium": (cesium_address, ""),
                "ours_bare": (our_address, BARE),
                "cesium_bare": (cesium_address + "&bare=1", ""),
            }
            found: dict[str, list[dict[str, Any]]] = {name: [] for name in cases}
            times: list[float] = []
            for _ in range(arguments.rounds):
                for name, (address, script) in cases.items():
                    page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
                    found[name].append(orbit(page, address, script))
                    print(name, found[name][-1], file=sys.stderr, flush=True)
                    if name == "ours":
                        times += page.evaluate(RECOLOUR, 11)
                    page.close()
        browser.close()
    best = {name: max(each["fps"] for each in runs) for name, runs in found.items()}
    stalls = {name: max(each["streaming"]["longest_ms"] for each in runs) for name, runs in found.items()}
    quickest = {name: min(each["first_tile_ms"] for each in runs) for name, runs in found.items()}
    times.sort()
    result = {
        "buildings": arguments.buildings,
        **found,
        "ratio": round(best["ours"] / best["cesium"], 2),
        "first_tile_ratio": round(quickest["ours"] / quickest["cesium"], 2),
        "ratio_bare": round(best["ours_bare"] / best["cesium_bare"], 2),
        "longest_task_streaming_ms": stalls,
        "recolour_ms_median": round(times[len(times) // 2], 1),
        "recolour_ms_worst": round(times[-1], 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
