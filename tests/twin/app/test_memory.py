"""A city that is served again remembers its last day, and no trouble with files stops its live data."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest

import scenes
from twin.app import LivePlan, demo_live, start_in_thread
from twin.app.live import LiveService
from twin.app.memory import FOLDER, REMEMBERED_MS, PackageHistory
from twin.live import Datastreams, HistoryStore, rows
from twin.live.observations import OLD
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes import Scene

HOUR_MS = 3_600_000
STREAMS = Datastreams.from_records(
    [{"id": f"s{n}", "observed_property": "rain", "object": f"urn:uuid:{n}"} for n in range(3)]
)


@pytest.fixture
def package(city_of: Callable[[int], Scene], tmp_path: Path) -> Path:
    """Give a city package with datastreams."""
    path = scenes.save(city_of(3), tmp_path / "test.city")
    STREAMS.write(path / "streams.parquet")
    return path


def service(package: Path) -> LiveService:
    return LiveService(scenes.open(package), LivePlan(STREAMS), package)


def files(package: Path) -> list[Path]:
    return sorted((package / FOLDER).rglob("*.parquet"))


def test_a_restart_keeps_the_charts_and_writes_nothing_twice(package: Path) -> None:
    now = wall_clock_ms()
    with start_in_thread(package) as server:
        assert server.hub is not None
        server.hub.state.apply(rows([1, 1], [now - 2 * HOUR_MS, now - HOUR_MS], [3.0, 4.0]))
    written = files(package)
    assert written
    with start_in_thread(package) as again:
        assert again.hub is not None
        assert again.hub.series(1, 24.0)[0]["v"] == [3.0, 4.0]
        assert again.hub.state.counts.received == 0
        value = again.hub.streams_of(1)[0]
        assert (value["value"], value["quality"]) == (4.0, OLD)
        again.hub.state.apply(rows([1], now - HOUR_MS, [4.0]))  # a broker repeats its retained message
    assert files(package) == written


def test_a_crash_costs_no_more_than_the_last_minute(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.app.live.KEEP_EVERY_S", 0.01)
    with start_in_thread(package) as server:
        assert server.hub is not None
        server.hub.state.apply(rows([2], wall_clock_ms(), [7.0]))
        while not files(package):  # written while the server runs
            continue


def test_only_the_last_day_comes_back(package: Path) -> None:
    now = wall_clock_ms()
    store = HistoryStore(package / FOLDER, STREAMS)
    store.append(rows([0, 0, 0], [now - 30 * REMEMBERED_MS, now - REMEMBERED_MS - 1, now - HOUR_MS], [1.0, 2.0, 3.0]))
    store.flush()
    assert service(package).hub.series(0, 10_000.0)[0]["v"] == [3.0]


def test_the_newest_rows_come_back_when_there_are_too_many(tmp_path: Path) -> None:
    store = PackageHistory(tmp_path, STREAMS)
    for start in range(0, 100, 10):
        store.append(rows([0] * 10, range(start, start + 10), [float(n) for n in range(start, start + 10)]))
        store.flush()
    assert store.recent(0, 25)["time"].tolist() == list(range(75, 100))


def test_broken_and_half_written_files_cost_only_themselves(package: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = HistoryStore(package / FOLDER, STREAMS)
    store.append(rows([0], wall_clock_ms(), [5.0]))
    (good,) = store.flush()
    good.with_name("9999999999999-000000.parquet").write_bytes(b"PAR1 torn")
    good.with_name(".1-000000.parquet.part").write_bytes(b"PAR1")
    with caplog.at_level(logging.WARNING):
        assert service(package).hub.series(0, 1.0)[0]["v"] == [5.0]
    assert "9999999999999-000000.parquet" in caplog.text


def test_a_disk_that_fails_is_a_warning(package: Path, caplog: pytest.LogCaptureFixture) -> None:
    (package / FOLDER).write_text("a file where the folder should be")
    hub = service(package).hub
    hub.state.apply(rows([0], wall_clock_ms(), [5.0]))
    assert hub.history.store is not None
    assert hub.history.store.flush() == []
    assert "observations were not kept" in caplog.text
    assert hub.series(0, 1.0)[0]["v"] == [5.0]


def test_a_package_that_cannot_be_written_is_served_from_memory(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert service(package).hub.history.store is None


def test_a_demonstration_and_a_replay_leave_nothing_behind(package: Path, tmp_path: Path) -> None:
    recorded = HistoryStore(tmp_path / "recorded", STREAMS)
    recorded.append(rows([0], 1_780_000_000_000, [5.0]))
    recorded.flush()
    scene = scenes.open(package)
    replay = LivePlan(STREAMS, feeds=(f"replay:{tmp_path / 'recorded'}",))
    for plan in (demo_live(package), replay):
        assert LiveService(scene, plan, package).hub.history.store is None
