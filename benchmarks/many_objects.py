"""Many objects under another palette, and 100,000 changed codes a second from Python, for `bench_recolour.py`."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import Batch, Georeference, Layer, MeshSet, Scene
from scenes.schema import object_table
from scenes.store import save
from scenes.tiles import publish
from twin.live import rows
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from playwright.async_api import Page

    from twin.app import RunningServer

PLATE_M, STEP_M, ABOVE_M, IN_BATCH = 14.0, 20.0, 4.0, 50_000
BATCH_S = 0.5
SAMPLE_S = 2.0
FLAT_MB = 40.0
"""Memory that may come and go while nothing is kept."""

LOOK = "() => window.__citytwin.engine.setCamera({ position: [0, -700, 420], target: [0, 0, 0] })"
IDLE = "() => window.__citytwin.engine.stats().tilesPending === 0"
PALETTE = """
(rounds) => new Promise(async (resolve, reject) => {
  const { engine, manifest } = window.__citytwin;
  setTimeout(() => reject(new Error(`the picture did not change: ${redness()}`)), 120000);
  const gl = engine.canvas.getContext("webgl2");
  const sent = { uploads: 0, bytes: 0 };
  for (const name of ["texImage2D", "texSubImage2D"]) {
    const own = gl[name].bind(gl);
    gl[name] = (...given) => {
      const data = given[given.length - 1 - (typeof given[given.length - 1] === "number" ? 1 : 0)];
      if (ArrayBuffer.isView(data)) { sent.uploads++; sent.bytes += data.byteLength; }
      return own(...given);
    };
  }
  const codes = new Uint8Array(manifest.count).map((_, handle) => 1 + (handle % 250));
  const spec = (red) => {
    const palette = new Uint8Array(1024);
    for (let code = 1; code < 251; code++) {
      const strong = 200 + code / 5;
      palette.set(red ? [strong, 30, 30, 255] : [30, 30, strong, 255], code * 4);
    }
    return { id: 77, name: "bench", titles: { en: "", zh: "" }, unit: "", source: "field", layers: [],
             palette: btoa(String.fromCharCode(...palette)), legend: { type: "ramp", min: 0, max: 1, stops: [] } };
  };
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const rows = engine.canvas.height >> 2;
  const band = new Uint8Array(4 * engine.canvas.width * rows);
  const redness = () => {  // of a pixel in a band across the middle, in the mean
    gl.readPixels(0, engine.canvas.height >> 1, engine.canvas.width, rows, gl.RGBA, gl.UNSIGNED_BYTE, band);
    let sum = 0;
    for (let i = 0; i < band.length; i += 4) sum += band[i] - band[i + 2];
    return (4 * sum) / band.length;
  };
  const shown = async (red) => {
    engine.setOverlay(spec(red));
    engine.setCodes(codes);
    for (let i = 0; i < 5; i++) { engine.requestFrame(); await frame(); }
    return redness();
  };
  const blueness = await shown(false), most = await shown(true);
  const half = (most + blueness) / 2;
  if (most - blueness < 20) reject(new Error(`too little is seen: ${blueness} to ${most}`));
  const found = { frames: [], uploads: [], bytes: [], call_ms: [], pixels_ms: [] };
  for (let round = 0; round < rounds; round++) {
    const blue = round % 2 === 0;
    const next = spec(!blue);
    Object.assign(sent, { uploads: 0, bytes: 0 });
    const before = engine.stats().frames;
    const began = performance.now();
    engine.setOverlay(next);
    engine.setCodes(codes);
    found.call_ms.push(performance.now() - began);
    while (blue ? redness() > half : redness() < half) await frame();
    found.pixels_ms.push(performance.now() - began);
    found.frames.push(engine.stats().frames - before);
    found.uploads.push(sent.uploads);
    found.bytes.push(sent.bytes);
  }
  resolve(found);
})
"""
COUNT = """
() => {
  const { painter } = window.__citytwin;
  window.__codes = 0;
  for (const [name, size] of [["applyTo", 1], ["apply", 1]]) {
    const own = painter[name].bind(painter);
    painter[name] = (...given) => { window.__codes += given[size].length; return own(...given); };
  }
}
"""
HEAP = "() => { if (window.gc) window.gc(); return performance.memory.usedJSHeapSize / 1e6; }"


def plates(count: int) -> Scene:
    """Return a field of flat square objects."""
    side = int(np.ceil(np.sqrt(count)))
    batches = []
    for first in range(0, count, IN_BATCH):
        number = np.arange(first, min(first + IN_BATCH, count))
        size = len(number)
        corner = np.array([[0, 0, 0], [PLATE_M, 0, 0], [PLATE_M, PLATE_M, 0], [0, PLATE_M, 0]], np.float32)
        at = np.column_stack(
            [STEP_M * (number % side - side / 2), STEP_M * (number // side - side / 2), np.zeros(size)]
        )
        centre = at.mean(axis=0)
        positions = ((at - centre)[:, None, :] + corner).reshape(-1, 3).astype(np.float32)
        triangles = (np.arange(size)[:, None, None] * 4 + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
        ends = np.arange(size + 1, dtype=np.uint32)
        own = np.arange(size, dtype=np.uint32)
        mesh = MeshSet(centre, positions, triangles.astype(np.uint32), own, ends * 4, ends * 2)
        table = object_table({"uid": [f"urn:uuid:{each}" for each in number], "kind": ["LandUse"] * size})
        batches.append(Batch(table, {"1": mesh}).with_bounds())
    layer = Layer("plates", tuple(batches), "landuse")
    return Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), {"plates": layer}, name="plates")


def kept(folder: str, count: int) -> Scene | Path:
    """Return the field, or its package with tiles in a folder where an earlier run left it."""
    if not folder:
        return plates(count)
    package = Path(folder) / f"plates-{count}.city"
    if not (package / "tiles").is_dir():
        save(plates(count), package)
        publish(plates(count), package / "tiles")
    return package


async def repainted(page: Page, rounds: int) -> dict[str, Any]:
    """Give the whole city other palettes and return frames, uploads and milliseconds of the worst round."""
    await page.evaluate(LOOK)
    await page.wait_for_timeout(1000)
    await page.wait_for_function(IDLE, timeout=240_000)
    found: dict[str, list[float]] = await page.evaluate(PALETTE, rounds)
    return {
        "palette_frames": max(found["frames"]),
        "palette_uploads": max(found["uploads"]),
        "palette_bytes": max(found["bytes"]),
        "palette_call_ms": round(max(found["call_ms"]), 2),
        "palette_pixels_ms": round(sorted(found["pixels_ms"])[len(found["pixels_ms"]) // 2], 1),
    }


async def streamed(server: RunningServer, page: Page, minutes: float, rate: int, count: int) -> dict[str, Any]:
    """Change codes from Python for some minutes and return rates and memory of the server and of the page."""
    hub, channel = server.hub, server.context.channel
    if hub is None or channel is None:
        raise RuntimeError("the server has no live data")
    await page.evaluate(COUNT)
    each = int(rate * BATCH_S)
    samples: list[tuple[float, float, float]] = []
    start, sent, turn, sampled = time.monotonic(), 0, 0, 0.0
    while (now := time.monotonic() - start) < minutes * 60:
        handles = (np.arange(each) + turn * each) % count
        values = np.where((turn * each // count) % 2, 5.0, 55.0) + (handles % 7)
        batch = rows(handles, wall_clock_ms(), values)
        server.call_soon(lambda batch=batch: hub.state.apply(batch))  # type: ignore[misc]
        sent, turn = sent + each, turn + 1
        if now - sampled >= SAMPLE_S:
            sampled = now
            samples.append((now, resident_mb(), float(await page.evaluate(HEAP))))
        await asyncio.sleep(max(0.0, start + turn * BATCH_S - time.monotonic()))
    seconds = time.monotonic() - start
    await asyncio.sleep(2.0)
    arrived = int(await page.evaluate("window.__codes"))
    server_mb, page_mb = (grown([(now, each[place]) for now, *each in samples]) for place in (0, 1))
    return {
        "minutes": round(seconds / 60, 2),
        "sent_per_s": round(sent / seconds),
        "arrived_per_s": round(arrived / seconds),
        "frames_coalesced": channel.frames_coalesced,
        "server_mb": [round(value, 1) for value in server_mb],
        "page_heap_mb": [round(value, 1) for value in page_mb],
    }


def grown(samples: list[tuple[float, float]]) -> list[float]:
    """Return the median memory of the second and of the last fifth of a run; the first fifth warms up."""
    fifth = max(1, len(samples) // 5)
    parts = samples[fifth : 2 * fifth], samples[-fifth:]
    return [float(np.median([value for _, value in part])) for part in parts]


def resident_mb() -> float:
    """Return the memory of this process that is in use."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("this system does not tell the memory of a process")
