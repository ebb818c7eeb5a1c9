"""What 10,000 vehicles cost a page: `python benchmarks/bench_vehicles.py`.

A city of buildings is drawn in headless Chromium from one place while every vehicle reports once a second, and while
none is shown, in turns within the same run: frames a second of both, their ratio, and what a tick of 10,000 reports
takes on the page's main thread and in the server. Without a graphics card drawing itself (SwiftShader) is most of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from bench_recolour import CHROMIUM, IDLE, city
from playwright.async_api import async_playwright

from twin.app import LivePlan, RunningServer, start_in_thread
from twin.live import Datastreams, Movements
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from playwright.async_api import Page

GOAL_RATIO = 0.4
GOAL_TICK_MS = 16.0
SIZE = {"width": 960, "height": 540}
KINDS = ("car", "bus", "train", "drone", "ship")
LOOK = """
() => {
  const { engine } = window.__citytwin;
  engine.setShadows(false);
  engine.pictures.pace_ms = 0;
  engine.setCamera({ position: [0, -900, 500], target: [0, 0, 0] });
}
"""
TIME_TICKS = """
() => {
  const { moving } = window.__citytwin;
  const own = moving.apply.bind(moving);
  window.__ticks = [];
  moving.apply = (frame) => {
    const began = performance.now();
    own(frame);
    window.__ticks.push([performance.now() - began, frame.number.length]);
  };
}
"""
FRAMES = """
([seconds]) => new Promise((resolve) => {
  const { engine } = window.__citytwin;
  const gl = engine.canvas.getContext("webgl2"), pixel = new Uint8Array(4);
  const began = performance.now(), times = [];
  let before = began;
  const next = () => {
    engine.requestFrame();
    requestAnimationFrame(() => {
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
      const now = performance.now();
      times.push(now - before);
      before = now;
      if (now - began > seconds * 1000) resolve((times.length * 1000) / (now - began)); else next();
    });
  };
  next();
})
"""


class Traffic:
    """Vehicles on a grid of streets that report once a second from a thread of the server."""

    def __init__(self, server: RunningServer, count: int) -> None:
        self.server = server
        self.apply_ms: list[float] = []
        dice = np.random.default_rng(7)
        self._ids = [f"v{number}" for number in range(count)]
        self._x, self._y = (dice.uniform(-600.0, 600.0, count).round(-1) for _ in range(2))
        self._east = dice.random(count) < 0.5
        self._kind = [KINDS[number % len(KINDS)] for number in range(count)]

    async def run(self) -> None:
        """Report until cancelled."""
        hub = self.server.hub
        if hub is None:
            raise RuntimeError("the server has no live data")
        start, turn = time.monotonic(), 0
        while True:
            x, y = self._x + 12.0 * turn * self._east, self._y + 12.0 * turn * ~self._east
            x, y = (x + 600.0) % 1200.0 - 600.0, (y + 600.0) % 1200.0 - 600.0
            moved = Movements(self._ids, wall_clock_ms(), x, y, 0.5, np.where(self._east, 90.0, 0.0), 12.0, self._kind)

            def apply(moved: Movements = moved) -> None:
                began = time.perf_counter()
                hub.moving.apply(moved)
                self.apply_ms.append((time.perf_counter() - began) * 1000)

            self.server.call_soon(apply)
            turn += 1
            await asyncio.sleep(max(0.0, start + turn - time.monotonic()))


async def measure(server: RunningServer, page: Page, options: argparse.Namespace) -> dict[str, Any]:
    """Measure frames with and without vehicles, by turns."""
    await page.goto(server.url + "?lang=en")
    await page.wait_for_function("window.__citytwin?.ready", timeout=180_000)
    await page.evaluate(LOOK)
    await page.wait_for_function(IDLE, timeout=240_000)
    traffic = Traffic(server, options.vehicles)
    task = asyncio.create_task(traffic.run())
    await page.wait_for_function(f"window.__citytwin.moving.count === {options.vehicles}", timeout=120_000)
    await page.evaluate(TIME_TICKS)
    shown, hidden = [], []
    for _ in range(options.rounds):
        await page.evaluate("window.__citytwin.moving.setColours('kind')")
        await page.wait_for_function(f"window.__citytwin.moving.count === {options.vehicles}", timeout=60_000)
        shown.append(float(await page.evaluate(FRAMES, [options.seconds])))
        await page.evaluate("window.__citytwin.moving.setColours('none')")
        hidden.append(float(await page.evaluate(FRAMES, [options.seconds])))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    ticks: list[list[float]] = await page.evaluate("window.__ticks")
    whole = [spent for spent, size in ticks if size >= options.vehicles]
    with_them, without = statistics.median(shown), statistics.median(hidden)
    return {
        "fps_with": round(with_them, 2),
        "fps_without": round(without, 2),
        "ratio": round(with_them / without, 3),
        "tick_ms": round(statistics.median(whole), 2),
        "worst_tick_ms": round(max(whole), 2),
        "ticks": len(whole),
        "server_apply_ms": round(statistics.median(traffic.apply_ms), 2),
    }


async def _run(server: RunningServer, options: argparse.Namespace) -> dict[str, Any]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        page = await browser.new_page(viewport=SIZE)
        found = await measure(server, page, options)
        await browser.close()
        return found


def main() -> int:
    """Run the benchmark and print the figures; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, default=10_000)
    parser.add_argument("--buildings", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    with start_in_thread(city(options.buildings), live=LivePlan(Datastreams.from_records([]))) as server:
        found = asyncio.run(_run(server, options))
    goals = {"goal_ratio": GOAL_RATIO, "goal_tick_ms": GOAL_TICK_MS}
    print(json.dumps({"benchmark": "vehicles", "vehicles": options.vehicles, **found, **goals}))
    return 0 if found["ratio"] >= GOAL_RATIO and found["tick_ms"] <= GOAL_TICK_MS else 1


if __name__ == "__main__":
    sys.exit(main())
