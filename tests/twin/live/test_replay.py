"""A replay gives the same batches every time, in event time."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes import LoadError, MissingSourceError, UnsupportedError
from twin.live import Datastreams, HistoryStore, LiveState, RainHour, ReplayFeed, encode_sensorthings, rows
from twin.live.generator import PEAK_S, storm

START = 1_780_000_000_000
STREAMS = Datastreams.from_records(
    [
        {"id": f"s{number}", "observed_property": name}
        for number, name in enumerate(["rain", "water_level", "speed", "pm25", "power", "something"] * 4)
    ]
)


def record(folder: Path) -> np.ndarray:
    hour = RainHour(STREAMS, seed=3).record(START, step_s=60.0)
    store = HistoryStore(folder, STREAMS)
    store.append(hour)
    store.flush()
    return hour


async def played(feed: ReplayFeed) -> list[np.ndarray]:
    batches: list[np.ndarray] = []
    await feed.run(batches.append)
    return batches


async def test_a_recorded_hour_comes_back_in_order_and_whole(tmp_path: Path) -> None:
    hour = record(tmp_path)
    feed = ReplayFeed(tmp_path, STREAMS, speed=math.inf, step_ms=60_000)
    batches = await played(feed)
    assert len(batches) == 60
    assert np.concatenate(batches).tobytes() == np.sort(hour, order=["time", "handle"]).tobytes()
    assert feed.clock() == int(hour["time"].max())
    assert feed.status.observations == len(hour)
    assert not feed.status.connected


async def test_two_replays_at_different_speeds_give_the_same_batches(tmp_path: Path) -> None:
    record(tmp_path)
    slow = await played(ReplayFeed(tmp_path, STREAMS, speed=100_000.0))
    fast = await played(ReplayFeed(tmp_path, STREAMS, speed=math.inf))
    assert [batch.tobytes() for batch in slow] == [batch.tobytes() for batch in fast]


async def test_the_speed_is_that_of_the_event_time(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path, STREAMS)
    store.append(rows([0, 0], [START, START + 2000], [1.0, 2.0]))
    store.flush()
    loop = asyncio.get_running_loop()
    moments: list[float] = []
    await ReplayFeed(tmp_path, STREAMS, speed=20.0).run(lambda _: moments.append(loop.time()))
    assert moments[1] - moments[0] >= 0.09


async def test_a_replay_into_a_state_with_its_clock_is_neither_ahead_nor_old(tmp_path: Path) -> None:
    hour = record(tmp_path)
    feed = ReplayFeed(tmp_path, STREAMS, speed=math.inf)
    state = LiveState(STREAMS, clock=feed.clock)
    await feed.run(state.apply)
    assert state.counts.applied == len(hour)
    assert not state.stale().any()


async def test_lines_of_sensorthings_are_replayed(tmp_path: Path) -> None:
    file = tmp_path / "hour.jsonl"
    first, second = (encode_sensorthings(rows([1], START + at, [float(at)]), STREAMS.ids) for at in (5000, 0))
    file.write_bytes(first + b"\n\nnot json\n" + second + b"\n")
    feed = ReplayFeed(file, STREAMS, speed=math.inf)
    batches = await played(feed)
    assert np.concatenate(batches)["time"].tolist() == [START, START + 5000]
    assert feed.status.malformed == 1
    assert "line 3" in feed.decoder.problems.listed()[0].message


def test_what_cannot_be_replayed_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match="no such file"):
        ReplayFeed(tmp_path / "none.parquet", STREAMS).read()
    (tmp_path / "a.xls").write_bytes(b"x")
    with pytest.raises(UnsupportedError, match="neither Parquet nor JSON Lines"):
        ReplayFeed(tmp_path / "a.xls", STREAMS).read()
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    with pytest.raises(LoadError, match="not a table of observations"):
        ReplayFeed(tmp_path / "b.parquet", STREAMS).read()
    (tmp_path / "c.jsonl").write_bytes(b"")
    with pytest.raises(LoadError, match="holds no observation"):
        ReplayFeed(tmp_path / "c.jsonl", STREAMS).read()


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan])
def test_a_speed_that_leads_nowhere_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="does not go on"):
        ReplayFeed(Path("x"), STREAMS, speed=speed)


@given(st.integers(0, 7200), st.integers(0, 5))
def test_the_rain_hour_is_the_same_for_the_same_seed_and_second(seconds: int, seed: int) -> None:
    one, two = RainHour(STREAMS, seed), RainHour(STREAMS, seed)
    assert one.values(seconds).tobytes() == two.values(seconds).tobytes()
    assert one.values(seconds + 3600).tobytes() == one.values(seconds).tobytes()
    assert np.isfinite(one.values(seconds)).all()
    assert (one.values(seconds) >= 0).all()


def test_a_datastream_keeps_its_character_in_another_table() -> None:
    turned = Datastreams(STREAMS.table.take(list(range(len(STREAMS)))[::-1]))
    assert RainHour(turned, 1).values(1500.0)[::-1].tobytes() == RainHour(STREAMS, 1).values(1500.0).tobytes()


def test_water_rises_after_the_rain_and_roads_slow_down() -> None:
    hour = RainHour(STREAMS, seed=1)
    seconds = np.arange(0.0, 3600.0, 30.0)
    course = np.array([hour.values(second) for second in seconds])
    kinds = np.array(STREAMS.table["observed_property"].to_pylist())
    rain, water, speed = (course[:, kinds == name].mean(axis=1) for name in ("rain", "water_level", "speed"))
    assert seconds[rain.argmax()] < seconds[water.argmax()]
    assert speed.min() < 0.6 * speed[0]
    assert abs(seconds[rain.argmax()] - PEAK_S) < 120
    assert float(storm(0.0)) == 0.0
