"""The state is a fold: no order, no doubling and no cutting of the messages changes where it ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.live.datastreams import Datastreams
from twin.live.history import History
from twin.live.observations import GOOD, NONE, OLD, SUSPECT, rows
from twin.live.state import AHEAD_MS, NEVER, LiveState

NOW = 1_000_000
STREAMS = Datastreams.from_records(
    [{"id": f"s{number}", "low": -2.0, "high": 2.0, "stale_after_s": 60.0} for number in range(4)]
)

observations = st.tuples(
    st.integers(0, 5),
    st.integers(NOW - 5, NOW + 2) | st.just(NOW + AHEAD_MS + 1),
    st.sampled_from([-3.0, 0.0, 1.0, 2.5, float("nan")]),
    st.sampled_from([GOOD, SUSPECT, NONE]),
)


def state(history: History | None = None) -> LiveState:
    return LiveState(STREAMS, history, clock=lambda: NOW)


def batch(cells: list[tuple[int, int, float, int]]) -> np.ndarray:
    return rows(*([list(column) for column in zip(*cells, strict=True)] or [[], [], [], []]))


@settings(max_examples=300)
@given(st.lists(observations, max_size=25), st.data())
def test_any_shuffle_doubling_and_cutting_gives_the_same_state(
    cells: list[tuple[int, int, float, int]], data: st.DataObject
) -> None:
    once = state()
    once.apply(batch(cells))
    doubled = cells + data.draw(st.lists(st.sampled_from(cells), max_size=10) if cells else st.just([]))
    shuffled = data.draw(st.permutations(doubled))
    many = state()
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        many.apply(batch(shuffled[:size]))
        shuffled = shuffled[size:]
    assert many.same_as(once)


@given(st.lists(observations, max_size=25))
def test_every_observation_is_counted_once(cells: list[tuple[int, int, float, int]]) -> None:
    found = state()
    found.apply(batch(cells))
    known = [cell for cell in cells if cell[0] < 4]
    assert found.counts.received == len(cells)
    assert found.counts.unknown == len(cells) - len(known)
    assert found.counts.future == sum(cell[1] > NOW + AHEAD_MS for cell in known)
    accepted = [cell for cell in known if cell[1] <= NOW + AHEAD_MS]
    assert found.counts.duplicate == len(accepted) - len({cell[:2] for cell in accepted})
    assert found.counts.applied == len({cell[0] for cell in accepted})


@given(st.lists(st.lists(observations, max_size=8), max_size=6))
def test_exactly_the_changed_handles_are_named(batches: list[list[tuple[int, int, float, int]]]) -> None:
    found = state()
    for cells in batches:
        before = list(zip(found.value.tobytes(), found.time.tolist(), found.quality.tolist(), strict=False))
        values, times, qualities = found.value.copy(), found.time.copy(), found.quality.copy()
        changed = found.apply(batch(cells))
        same = (
            ((found.value == values) | (np.isnan(found.value) & np.isnan(values)))
            & (found.time == times)
            & (found.quality == qualities)
        )
        assert changed.tolist() == np.flatnonzero(~same).tolist()
        assert before is not None


def test_late_observations_go_to_history_and_not_to_state() -> None:
    history = History()
    found = state(history)
    found.apply(rows([0], NOW, [1.0]))
    assert found.apply(rows([0], NOW - 10, [2.0])).tolist() == []
    assert (float(found.value[0]), found.counts.late) == (1.0, 1)
    assert history.series(0, 1.0, NOW).values.tolist() == [2.0, 1.0]


def test_exact_duplicates_reach_neither_state_nor_history() -> None:
    history = History()
    found = state(history)
    found.apply(rows([0, 0], NOW, [1.0, 1.0]))
    assert found.apply(rows([0], NOW, [1.0])).tolist() == []
    assert found.counts.duplicate == 2
    assert len(history) == 1


def test_a_clock_that_is_ahead_is_refused_from_five_minutes_on() -> None:
    found = state()
    found.apply(rows([0, 1], [NOW + AHEAD_MS, NOW + AHEAD_MS + 1], [1.0, 1.0]))
    assert found.time.tolist()[:2] == [NOW + AHEAD_MS, NEVER]
    assert found.counts.future == 1


def test_no_value_replaces_a_value() -> None:
    found = state()
    found.apply(rows([0], NOW - 1, [5.0]))
    found.apply(rows([0], NOW, [float("nan")]))
    assert np.isnan(found.value[0])
    assert (int(found.quality[0]), int(found.alarm[0])) == (NONE, 0)


def test_limits_raise_and_clear_alarms() -> None:
    found = state()
    found.apply(rows([0, 1, 2], NOW, [3.0, -3.0, 2.0]))
    assert found.alarm.tolist() == [2, 1, 0, 0]
    found.apply(rows([0], NOW + 1, [0.0]))
    assert found.alarm.tolist() == [0, 1, 0, 0]


def test_values_grow_old() -> None:
    found = state()
    found.apply(rows([0, 1], [NOW, NOW - 60_001], [1.0, 1.0]))
    assert found.stale().tolist() == [False, True, False, False]
    assert found.quality_at().tolist() == [GOOD, OLD, NONE, NONE]
    assert found.stale(NOW + 60_001).tolist() == [True, True, False, False]
    assert found.age_s().tolist() == pytest.approx([0.0, 60.001, np.nan, np.nan], nan_ok=True)


def test_qualities_that_nobody_defined_count_as_suspect() -> None:
    found = state()
    found.apply(rows([0], NOW, [1.0], 200))
    assert int(found.quality[0]) == SUSPECT
