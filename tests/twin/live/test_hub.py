"""From a generator through a broker to frames: the whole live path, and what pages ask of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from twin.live import (
    Datastreams,
    EmbeddedBroker,
    Frame,
    History,
    HistoryStore,
    LiveHub,
    MqttFeed,
    Overlay,
    RainHour,
    ReplayFeed,
    publish,
    publishing,
    rows,
)
from twin.live.generator import PEAK_S
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from pathlib import Path

    from scenes import Scene

Until = Callable[[Callable[[], object]], Awaitable[None]]


class Millimetres:
    """A scale from 0 to 100 mm/h."""

    def codes(self, values: np.ndarray, quality: np.ndarray | None = None) -> np.ndarray:  # noqa: ARG002
        missing = np.isnan(values)
        return np.where(missing, 253, np.clip(1 + np.nan_to_num(values) * 2.49, 1, 250)).astype(np.uint8)


def bound(scene: Scene, count: int = 6) -> Datastreams:
    records = [
        {"id": f"s{n}", "name": f"Gauge {n}", "title_zh": "雨强", "unit": "mm/h", "observed_property": "rain",
         "object": f"urn:uuid:{n}", "high": 50.0, "stale_after_s": 60.0}
        for n in range(count)
    ]  # fmt: skip
    return Datastreams.from_records(records).bind(scene)


async def test_generator_broker_state_codes_and_frames_are_one_path(
    city_of: Callable[[int], Scene], until: Until
) -> None:
    scene = city_of(8)
    streams = bound(scene)
    frames: list[Frame] = []
    statuses: list[dict[str, Any]] = []
    async with EmbeddedBroker() as broker, publishing(broker.address, streams) as publisher:
        feed = MqttFeed(broker.address, streams)
        hub = LiveHub(streams, [feed], [Overlay(1, "rain", Millimetres())], len(scene))
        running = asyncio.create_task(hub.run(frames.append, statuses.append))
        await until(lambda: feed.status.connected)
        raining = asyncio.create_task(publish(RainHour(streams), publisher, start_s=PEAK_S, step_s=1.0))
        await until(lambda: any(frame.codes.max() < 253 for frame in frames))
        for task in (raining, running):
            task.cancel()
        await asyncio.gather(raining, running, return_exceptions=True)
    seen = np.zeros(len(scene), np.uint8)
    for frame in frames:
        assert frame.handles is not None
        assert frame.epoch == scene.epoch
        seen[frame.handles] = frame.codes
    full = hub.full(1)
    assert full is not None
    assert seen.tolist() == full.codes.tolist()
    assert seen[6:].tolist() == [0, 0]
    assert (seen[:6] > 1).all()
    assert {status["feeds"][0]["state"] for status in statuses} >= {"up"}
    assert not feed.status.connected


async def test_a_replay_gives_the_time_and_says_so(city_of: Callable[[int], Scene], tmp_path: Path) -> None:
    scene = city_of(3)
    streams = bound(scene, 3)
    store = HistoryStore(tmp_path, streams)
    store.append(rows([0, 1, 2], [1000, 2000, 3000], [1.0, 2.0, 3.0]))
    store.flush()
    hub = LiveHub(
        streams, [ReplayFeed(tmp_path, streams, speed=math.inf)], [Overlay(1, "rain", Millimetres())], len(scene)
    )
    frames: list[Frame] = []
    done = asyncio.Event()

    def take(frame: Frame) -> None:
        frames.append(frame)
        if frame.time_ms == 3000:
            done.set()

    task = asyncio.create_task(hub.run(take, lambda _: None))
    await done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert frames[-1].replay
    assert hub.status()["replay"] is True
    assert hub.status()["time"] == 3000
    assert hub.state.counts.applied == 3


async def test_a_feed_that_cannot_run_is_a_notice_and_the_others_go_on(
    city_of: Callable[[int], Scene], tmp_path: Path, until: Until
) -> None:
    streams = bound(city_of(3), 3)
    missing = ReplayFeed(tmp_path / "none.parquet", streams)
    hub = LiveHub(streams, [missing], (), 3)
    statuses: list[dict[str, Any]] = []
    task = asyncio.create_task(hub.run(lambda _: None, statuses.append))
    await until(lambda: any("no such file" in status["feeds"][0]["message"] for status in statuses))
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_pages_get_values_ages_and_series_of_an_object(city_of: Callable[[int], Scene]) -> None:
    streams = bound(city_of(3), 3)
    hub = LiveHub(streams, history=History())
    now = wall_clock_ms()
    hub.state.apply(rows([1], now - 1000, [20.0]))
    hub.state.apply(rows([1], now, [60.0]))
    (stream,) = hub.streams_of(1)
    assert stream["titles"] == {"en": "Gauge 1", "zh": "雨强"}
    assert (stream["value"], stream["unit"], stream["quality"], stream["alarm"]) == (60.0, "mm/h", 0, 2)
    assert stream["age_s"] == pytest.approx(0.0, abs=30.0)
    (series,) = hub.series(1, hours=1.0)
    assert (series["t"], series["v"], series["q"]) == ([now - 1000, now], [20.0, 60.0], [0, 0])
    assert hub.streams_of(0)[0]["value"] is None
    assert hub.streams_of(2)[0]["time"] is None
    assert hub.streams_of(99) == []
    assert hub.full(1) is None
