"""The live picture as of an earlier instant, out of memory and out of files by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scenes import QueryError
from twin.live import (
    Datastreams,
    Fleet,
    HistoryStore,
    LiveHub,
    Movements,
    MovingHistory,
    Overlay,
    Past,
    rows,
)
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes import Scene

DAY_MS = 86_400_000


class Millimetres:
    """A scale from 0 to 249."""

    def codes(self, values: np.ndarray, quality: np.ndarray | None = None) -> np.ndarray:
        codes = np.clip(1 + np.nan_to_num(values), 1, 250)
        old = np.zeros(len(values), bool) if quality is None else quality == 1
        return np.where(np.isnan(values), 253, np.where(old, 251, codes)).astype(np.uint8)


def hub_of(scene: Scene) -> LiveHub:
    records = [
        {"id": f"s{n}", "observed_property": "rain", "object": f"urn:uuid:{n}", "stale_after_s": 600.0}
        for n in range(3)
    ]
    streams = Datastreams.from_records(records).bind(scene)
    return LiveHub(streams, (), [Overlay(4, "rain", Millimetres())], len(scene), moving=Fleet(history=MovingHistory()))


def test_codes_are_those_of_the_instant(city_of: Callable[[int], Scene]) -> None:
    hub = hub_of(city_of(4))
    now = wall_clock_ms()
    for ago_s, value in ((900, 10.0), (300, 20.0), (10, 30.0)):
        hub.state.apply(rows([0, 1], now - ago_s * 1000, [value, value + 100]))
    past = Past(hub)

    def codes(ago_s: float) -> list[int]:
        frame = past.codes(4, now - int(ago_s * 1000))
        assert frame.replay
        return frame.codes.tolist()

    assert codes(0) == [31, 131, 253, 0]
    assert codes(100) == [21, 121, 253, 0]
    assert codes(310) == [11, 111, 253, 0]
    assert codes(1000) == [253, 253, 253, 0]
    hub.tick()
    full = hub.full(4)
    assert full is not None
    assert codes(0) == full.codes.tolist(), "as of now it is what viewers see"
    span = past.span()
    assert span["from"] == now - 900_000
    assert span["days"] == []
    with pytest.raises(QueryError, match="is not the number of a live overlay; there are 4"):
        past.codes(9, now)


def test_an_old_value_is_old_at_its_time(city_of: Callable[[int], Scene]) -> None:
    hub = hub_of(city_of(3))
    now = wall_clock_ms()
    hub.state.apply(rows([0], now - 3_600_000, [10.0]))
    hub.state.apply(rows([0], now, [20.0]))
    past = Past(hub)
    assert past.codes(4, now - 3_500_000).codes[0] == 11
    assert past.codes(4, now - 1_000_000).codes[0] == 251


def test_earlier_days_come_from_files(city_of: Callable[[int], Scene], tmp_path: Path) -> None:
    hub = hub_of(city_of(3))
    now = wall_clock_ms()
    store = HistoryStore(tmp_path, hub.datastreams)
    earlier = (now // DAY_MS - 2) * DAY_MS + 3_600_000
    store.append(rows([0, 2], [earlier, earlier + 1000], [7.0, 8.0]))
    store.flush()
    hub.state.apply(rows([0], now, [99.0]))
    past = Past(hub, tmp_path)
    assert len(past.span()["days"]) == 1
    assert past.codes(4, earlier + 500).codes.tolist() == [8, 253, 253]
    assert past.codes(4, earlier + 1500).codes.tolist() == [8, 253, 9]
    assert past.codes(4, earlier - DAY_MS).codes.tolist() == [253, 253, 253], "a day without a file"


def test_what_moved_is_where_it_was(city_of: Callable[[int], Scene]) -> None:
    hub = hub_of(city_of(3))
    now = wall_clock_ms()
    hub.moving.apply(Movements(["a", "b"], [now - 20_000, now - 200_000], [0.0, 5.0], [0.0, 5.0]))
    hub.moving.apply(Movements(["a"], now - 10_000, [100.0], [0.0]))
    frame = Past(hub).moving(now - 15_000)
    assert frame.columns["number"].tolist() == [0], "b was silent for too long"
    assert frame.columns["x"].tolist() == [50.0]
    assert (frame.full, frame.replay, frame.epoch) == (True, True, hub.moving.epoch)
