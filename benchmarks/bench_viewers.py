"""200 viewers of the demo city at once: each holds `/live` and streams tiles as a camera would.

Starts ``twin demo`` with its heavy-rain hour in a process of its own. Each simulated viewer subscribes to what moves
and to one of the live overlays, as a page does, and once a second moves and asks for a tile on the way from the root
to where it looks, over a connection that stays open; what it has had lately it asks for with its ETag. Prints errors
(goal: none), the times of a warm tile (goal: p95 below 50 ms), the memory of the server over time (goal: the last
quarter within 5 % of the second), and the same times from a bare tornado `StaticFileHandler` with the same tiles and
viewers in the same run. ``--viewers 200 --seconds 60`` are the defaults, ``--seconds 600`` is the full claim; exit
status 1 beyond a goal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import psutil
from tornado.websocket import websocket_connect

from twin.live import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

GOAL_MS = 50.0
GROWTH = 1.05
STEP_S = 1.0
REMEMBERED = 40
OVERLAYS = 8
CODES = b"CTL1"
MAIN = "import sys; from twin.commands import main; sys.exit(main())"
BARE = """
import asyncio, sys
from tornado.web import Application, StaticFileHandler
async def main():
    server = Application([(r"/tiles/(.*)", StaticFileHandler, {"path": sys.argv[1]})]).listen(0, "127.0.0.1")
    print("http://127.0.0.1:%d/" % next(iter(server._sockets.values())).getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@dataclass
class Found:
    """What all viewers saw."""

    times_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    unchanged: int = 0
    frames: int = 0
    bytes: int = 0
    warm: set[str] = field(default_factory=set)

    def percentiles(self) -> list[float]:
        """Return p50, p95 and p99 of the times, ms."""
        return [float(value) for value in np.percentile(self.times_ms or [np.nan], [50, 95, 99])]


class Connection:
    """A kept HTTP connection."""

    def __init__(self, url: str) -> None:
        """Note where to."""
        place = urlsplit(url)
        self.host, self.port = place.hostname or "localhost", place.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str, etag: str) -> tuple[int, str, int]:
        """Return status, ETag and bytes of an answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port)
        reader, writer = self._streams
        given = f"If-None-Match: {etag}\r\n" if etag else ""
        head = f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAccept-Encoding: gzip\r\n{given}\r\n"
        writer.write(head.encode())
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        size = int(fields.get("content-length", 0))
        if size:
            await reader.readexactly(size)
        return int(lines[0].split()[1]), fields.get("etag", ""), size

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()


@dataclass
class Tree:
    """The tiles of a layer: box, address, children."""

    low: tuple[float, float]
    high: tuple[float, float]
    address: str
    children: list[Tree]

    @classmethod
    def of(cls, tile: dict[str, Any], layer: str) -> Tree:
        """Return a tile and all below it."""
        box = tile["boundingVolume"]["box"]
        x, y, dx, dy = box[0], box[1], abs(box[3]), abs(box[7])
        address = f"/tiles/{layer}/{tile['content']['uri']}" if "content" in tile else ""
        children = [cls.of(child, layer) for child in tile.get("children", ())]
        return cls((x - dx, y - dy), (x + dx, y + dy), address, children)

    def way(self, x: float, y: float) -> Iterator[str]:
        """Yield the addresses from here down to the leaf at a place."""
        if self.address:
            yield self.address
        for child in self.children:
            if child.low[0] <= x <= child.high[0] and child.low[1] <= y <= child.high[1]:
                yield from child.way(x, y)
                return


class Viewer:
    """Somebody who looks at the city and moves on."""

    def __init__(self, url: str, trees: list[Tree], found: Found, number: int) -> None:
        """Stand somewhere."""
        self.url, self.trees, self.found = url, trees, found
        self.random = random.Random(number)
        self.place = [self.random.uniform(low, high) for low, high in zip(*extent(trees), strict=True)]
        self.wanted: deque[str] = deque()
        self.had: dict[str, str] = {}
        self.connection = Connection(url)

    async def look(self, until: float) -> None:
        """Ask for one tile a step."""
        await asyncio.sleep(self.random.uniform(0, STEP_S))
        while time.monotonic() < until:
            began = time.monotonic()
            if not self.wanted:
                self.move()
            if self.wanted:
                await self.ask(self.wanted.popleft())
            await asyncio.sleep(max(0.0, STEP_S - (time.monotonic() - began)))
        self.connection.close()

    def move(self) -> None:
        """Go a few hundred metres, and want what is seen there."""
        lows, highs = extent(self.trees)
        for axis in (0, 1):
            step = self.random.gauss(0, 250)
            self.place[axis] = min(max(self.place[axis] + step, lows[axis]), highs[axis])
        tree = self.random.choice(self.trees)
        self.wanted.extend(tree.way(*self.place))

    async def ask(self, path: str) -> None:
        """Fetch a tile and note how long it took."""
        found = self.found
        began = time.perf_counter()
        try:
            status, etag, size = await self.connection.get(path, self.had.get(path, ""))
        except (OSError, asyncio.IncompleteReadError, ValueError) as error:
            found.errors.append(f"{path}: {type(error).__name__} {error}")
            self.connection = Connection(self.url)
            return
        if path in found.warm:
            found.times_ms.append((time.perf_counter() - began) * 1000)
        found.warm.add(path)
        found.bytes += size
        found.unchanged += status == 304
        if status not in {200, 304}:
            found.errors.append(f"{path}: {status}")
        self.had[path] = etag
        while len(self.had) > REMEMBERED:
            self.had.pop(next(iter(self.had)))

    async def listen(self, until: float, epoch: int) -> None:
        """Hold the live channel and read its frames."""
        socket = await websocket_connect(self.url.replace("http", "ws") + "live")
        shown = [0, 1 + self.random.randrange(OVERLAYS)]
        await socket.write_message(json.dumps({"op": "subscribe", "overlays": shown}))
        while (left := until - time.monotonic()) > 0:
            try:
                message = await asyncio.wait_for(socket.read_message(), left)
            except TimeoutError:
                break
            if message is None:
                self.found.errors.append("/live: closed by the server")
                break
            if isinstance(message, bytes):
                self.found.frames += 1
                if message.startswith(CODES) and Frame.decode(message).epoch != epoch:
                    self.found.errors.append("/live: a frame of another epoch")
        socket.close()


def extent(trees: list[Tree]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the least and greatest corner of the smallest layer box, where there is something of every layer."""
    lows, highs = zip(*((tree.low, tree.high) for tree in trees), strict=True)
    low = (float(np.median([each[0] for each in lows])), float(np.median([each[1] for each in lows])))
    return low, (float(np.median([each[0] for each in highs])), float(np.median([each[1] for each in highs])))


@contextmanager
def started(command: list[str]) -> Iterator[tuple[str, psutil.Process]]:
    """Run a server for the length of the block; give its address."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = ""
        while not url:
            line = process.stdout.readline()
            assert line, "the server ended"
            url = next((word for word in line.split() if word.startswith("http")), "")
        try:
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()


async def visit(url: str, trees: list[Tree], options: argparse.Namespace, epoch: int | None, found: Found) -> None:
    """Let all viewers look for a while; they come within ten seconds."""
    length = options.seconds if epoch is not None else min(options.seconds, 30)
    until = time.monotonic() + length
    viewers = [Viewer(url, trees, found, number) for number in range(options.viewers)]
    jobs = []
    for viewer in viewers:
        jobs.append(asyncio.create_task(viewer.look(until)))
        if epoch is not None:
            jobs.append(asyncio.create_task(viewer.listen(until, epoch)))
        await asyncio.sleep(10 / options.viewers)
    await asyncio.gather(*jobs)


async def weighed(process: psutil.Process, seconds: list[tuple[float, float]]) -> None:
    """Note the memory of a process until cancelled."""
    began = time.monotonic()
    while True:
        seconds.append((time.monotonic() - began, process.memory_full_info().uss / 1e6))
        await asyncio.sleep(2)


async def measured(
    url: str, process: psutil.Process, trees: list[Tree], options: argparse.Namespace, epoch: int
) -> int:
    """Visit the demo, print what was seen, and return how many goals were missed."""
    found, memory = Found(), list[tuple[float, float]]()
    scale = asyncio.create_task(weighed(process, memory))
    await visit(url, trees, options, epoch, found)
    scale.cancel()
    cpu = sum(process.cpu_times()[:2])
    for at, megabytes in memory[:: max(1, len(memory) // 12)]:
        print(f"viewers: after {at:5.0f} s the server takes {megabytes:.0f} MB")
    used = np.array([megabytes for _, megabytes in memory])
    quarter = max(1, len(used) // 4)
    growth = float(np.median(used[-quarter:]) / np.median(used[quarter : 2 * quarter]))
    tell("twin demo", found)
    print(
        f"viewers: {found.frames} frames of live codes, {cpu:.0f} processor s, memory x{growth:.3f} (goal <= {GROWTH})"
    )
    for each in found.errors[:5]:
        print(f"viewers: error: {each}")
    options.p95 = found.percentiles()[1]
    print(f"viewers: {len(found.errors)} errors (goal 0), p95 {options.p95:.1f} ms (goal < {GOAL_MS:g})")
    return int(bool(found.errors)) + int(options.p95 >= GOAL_MS) + int(growth > GROWTH)


def tell(who: str, found: Found) -> None:
    """Print the times of one server."""
    p50, p95, p99 = found.percentiles()
    print(
        f"viewers: {who}: {len(found.times_ms)} warm tiles, p50 {p50:.1f} p95 {p95:.1f} p99 {p99:.1f} ms, "
        f"{found.unchanged} of them unchanged, {found.bytes / 1e6:.0f} MB"
    )


def main() -> int:
    """Serve, visit, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--keep", help="folder of the demo city, made there or found there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as beside:
        folder = options.keep or beside
        command = [sys.executable, "-c", MAIN, "demo", "--keep", folder, "--no-browser", "--port", "0"]
        tiles = Path(folder) / "demo.city" / "tiles"
        with started(command) as (url, process):
            documents = {each.parent.name: json.loads(each.read_text()) for each in tiles.glob("*/tileset.json")}
            trees = [Tree.of(each["root"], name) for name, each in documents.items() if "content" in each["root"]]
            epoch = next(iter(documents.values()))["extras"]["epoch"]
            missed = asyncio.run(measured(url, process, trees, options, epoch))
        with started([sys.executable, "-c", BARE, str(tiles)]) as (url, _):
            bare = Found()
            asyncio.run(visit(url, trees, options, None, bare))
        tell("StaticFileHandler, without /live", bare)
        print(f"viewers: p95 is {options.p95 / bare.percentiles()[1]:.2f} of the bare handler's")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
