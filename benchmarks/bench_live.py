"""How much the way from MQTT to state costs beyond merely receiving: `python benchmarks/bench_live.py`.

A child process publishes the same packed messages through the same mosquitto, once to a bare aiomqtt client that
drops them, once to `MqttFeed` -> `LiveState` with history. Times are processor seconds of the receiver, so that
publisher and broker beside it do not count; the answer is their ratio, runs alternating.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twin.live import Broker, Datastreams, History, LiveState, MqttFeed, publishing, rows
from twin.live.mqtt import TOPIC
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

STREAMS = 100_000
GOAL = 2.0


def table() -> Datastreams:
    """Return the datastreams of the city in this benchmark."""
    return Datastreams.from_records([{"id": f"s{number}", "high": 0.9} for number in range(STREAMS)])


def send(address: Broker, messages: int, size: int) -> None:
    """Publish `messages` batches of `size` observations; runs in a child process."""
    asyncio.run(_send(address, messages, size))


async def _send(address: Broker, messages: int, size: int) -> None:
    random = np.random.default_rng(1)
    start = wall_clock_ms()
    async with publishing(address, table(), source="bench") as publisher:
        for number in range(messages):
            handles = (np.arange(size) + number * size) % STREAMS
            await publisher.packed(rows(handles, start + number, random.random(size)))


async def measured(
    receive: Callable[[asyncio.Event, int], Awaitable[int]], address: Broker, messages: int, size: int
) -> tuple[float, float, int]:
    """Return processor seconds, wall seconds and observations of one run."""
    ready = asyncio.Event()
    task = asyncio.ensure_future(receive(ready, messages))
    await ready.wait()
    child = multiprocessing.get_context("spawn").Process(target=send, args=(address, messages, size))
    cpu, wall = time.process_time(), time.perf_counter()
    child.start()
    count = await task
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    await asyncio.to_thread(child.join)
    return cpu, wall, count


def bare(address: Broker) -> Callable[[asyncio.Event, int], Awaitable[int]]:
    """Return a receiver that drops every message."""

    async def receive(ready: asyncio.Event, messages: int) -> int:
        async with address.client() as client:
            await client.subscribe(TOPIC)
            ready.set()
            found = 0
            async for _ in client.messages:
                found += 1
                if found == messages:
                    break
            return found

    return receive


def to_state(address: Broker) -> Callable[[asyncio.Event, int], Awaitable[int]]:
    """Return a receiver that brings every observation into state and history."""

    async def receive(ready: asyncio.Event, messages: int) -> int:
        feed = MqttFeed(address, table())
        state = LiveState(feed.datastreams, History())
        done = asyncio.Event()

        def sink(batch: np.ndarray) -> None:
            state.apply(batch)
            if feed.status.messages >= messages:
                done.set()

        task = asyncio.create_task(feed.run(sink))
        while not feed.status.connected:  # noqa: ASYNC110  # the feed knows no listeners
            await asyncio.sleep(0.01)
        ready.set()
        await done.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return state.counts.received

    return receive


def start_mosquitto(folder: Path) -> tuple[subprocess.Popen[bytes], Broker]:
    """Start a broker that queues without limit and return it with its address."""
    binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    conf = folder / "mosquitto.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    process = subprocess.Popen([binary, "-c", str(conf)], stderr=subprocess.DEVNULL)
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, Broker("127.0.0.1", port)
    raise SystemExit("mosquitto did not start: is it installed?")


def main() -> int:
    """Run all rounds and print the figures; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=8000)
    parser.add_argument("--size", type=int, default=100, help="observations a message")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float, int]]] = {"bare": [], "state": []}
    with tempfile.TemporaryDirectory() as folder:
        process, address = start_mosquitto(Path(folder))
        try:
            for _ in range(options.rounds):
                for name, receiver in (("bare", bare(address)), ("state", to_state(address))):
                    found[name].append(asyncio.run(measured(receiver, address, options.messages, options.size)))
        finally:
            process.kill()
            process.wait()
    seconds = {name: statistics.median(run[0] for run in runs) for name, runs in found.items()}
    ratio = seconds["state"] / seconds["bare"]
    total = options.messages * options.size
    print(
        json.dumps(
            {
                "benchmark": "live",
                "observations": total,
                "bare_cpu_s": round(seconds["bare"], 3),
                "state_cpu_s": round(seconds["state"], 3),
                "state_observations_per_cpu_s": round(total / seconds["state"]),
                "wall_observations_per_s": round(total / statistics.median(run[1] for run in found["state"])),
                "lost": max(total - run[2] for run in found["state"]),
                "ratio": round(ratio, 2),
                "goal": GOAL,
            }
        )
    )
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
