"""Recent history is bounded, complete in its window, and survives as Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.live import Datastreams, History, HistoryStore, ReplayFeed, rows
from twin.live.observations import NONE

if TYPE_CHECKING:
    from pathlib import Path

STREAMS = Datastreams.from_records([{"id": "a"}, {"id": "b"}])


@given(st.lists(st.integers(1, 40), max_size=12), st.integers(1, 60))
def test_the_ring_keeps_the_last_arrivals(sizes: list[int], capacity: int) -> None:
    history = History(capacity)
    sent = np.zeros(0, np.int64)
    for size in sizes:
        times = np.arange(len(sent), len(sent) + size)
        history.append(rows(np.zeros(size, np.uint32), times, times.astype(np.float32)))
        sent = np.append(sent, times)
    found = history.series(0, hours=1.0, now_ms=1000, points=10**6)
    assert found.times.tolist() == sent[-capacity:].tolist()
    assert len(history) == min(len(sent), capacity)


def test_growing_does_not_lose_or_mix_rows() -> None:
    history = History(capacity=100_000)
    for start in range(0, 30_000, 1000):
        history.append(rows(np.arange(start, start + 1000) % 7, np.arange(start, start + 1000), np.arange(1000.0)))
    assert len(history) == 30_000
    assert history.series(3, 24.0, 30_000, points=10**6).times.tolist() == [t for t in range(30_000) if t % 7 == 3]


def test_only_the_window_and_the_stream_are_given() -> None:
    history = History()
    history.append(rows([0, 0, 1], [0, 3_600_000, 3_600_000], [1.0, 2.0, 3.0]))
    assert history.series(0, hours=0.5, now_ms=3_600_000).values.tolist() == [2.0]


def test_an_instant_appears_once_with_its_best_value() -> None:
    history = History()
    history.append(rows([0, 0, 0], [5, 5, 6], [1.0, float("nan"), float("nan")]))
    found = history.series(0, 1.0, 10)
    assert found.times.tolist() == [5, 6]
    assert found.quality.tolist() == [0, NONE]
    assert float(found.values[0]) == 1.0


def test_thinning_keeps_the_extremes() -> None:
    values = np.sin(np.arange(10_000) / 50.0)
    values[[1234, 8765]] = 9.0, -9.0
    history = History()
    history.append(rows(np.zeros(10_000, np.uint32), np.arange(10_000), values))
    found = history.series(0, 1.0, 10_000, points=200)
    assert len(found) <= 200
    assert (float(found.values.max()), float(found.values.min())) == (9.0, -9.0)
    assert np.all(np.diff(found.times) > 0)


def test_files_lie_by_day_and_are_replayed_as_they_were(tmp_path: Path) -> None:
    day = 86_400_000
    store = HistoryStore(tmp_path / "history", STREAMS)
    batch = rows([0, 1, 0], [day - 1, day, day + 5], [1.0, float("nan"), 3.0])
    History(store=store).append(batch)
    written = store.flush()
    assert [file.parent.name for file in written] == ["date=1970-01-01", "date=1970-01-02"]
    assert pq.ParquetFile(written[0]).schema_arrow.names == ["datastream", "time", "value", "quality"]
    again = ReplayFeed(tmp_path / "history", STREAMS).read()
    assert again.tobytes() == batch.tobytes()
    assert store.flush() == []


def test_a_full_store_writes_by_itself_and_never_over_a_file(tmp_path: Path) -> None:
    for _ in range(2):
        store = HistoryStore(tmp_path, STREAMS, rows_per_file=2)
        store.append(rows([0, 1], 1000, [1.0, 2.0]))
    files = [file.suffix for file in tmp_path.rglob("*") if file.is_file()]
    assert files == [".parquet", ".parquet"]


def test_a_history_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="holds nothing"):
        History(0)
