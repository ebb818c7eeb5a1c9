"""Streams become one value, one quality and one code per object."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes import LoadError
from twin.live import Datastreams, Frame, LiveState, Overlay, OverlayView, rows
from twin.live.observations import GOOD, NONE, OLD, SUSPECT
from twin.live.overlay import CODE_ALARM, Reducer

NOW = 10_000_000


class Percent:
    """A scale from 0 to 100 with the codes of the contract."""

    def codes(self, values: np.ndarray, quality: np.ndarray | None = None) -> np.ndarray:
        ramp = np.clip(1 + np.nan_to_num(values) * 2.49, 1, 250).astype(np.int64)
        worst = np.zeros(len(values), np.uint8) if quality is None else quality
        return np.select([worst == OLD, worst == SUSPECT, worst == NONE], [251, 252, 253], ramp).astype(np.uint8)


def streams(objects: list[int], high: float | None = 90.0) -> Datastreams:
    table = Datastreams.from_records(
        [
            {"id": str(n), "observed_property": "level", "unit": "m", "high": high, "stale_after_s": 60.0}
            for n in range(len(objects))
        ]
    )
    return Datastreams(table.table, np.array(objects, np.int64), scene_epoch=7)


def view(objects: list[int], reducer: Reducer = "mean", count: int = 10) -> OverlayView:
    state = LiveState(streams(objects), clock=lambda: NOW)
    return OverlayView(Overlay(3, "level", Percent(), reducer), state, count)


@pytest.mark.parametrize(("reducer", "expected"), [("mean", 30.0), ("max", 50.0), ("min", 10.0), ("last", 10.0)])
def test_reducers_join_the_streams_of_an_object(reducer: Reducer, expected: float) -> None:
    overlay = view([4, 2, 4], reducer)
    overlay.state.apply(rows([0, 1, 2], [NOW - 5, NOW, NOW], [50.0, 7.0, 10.0]))
    reading = overlay.read(NOW)
    assert reading.field.handles is not None
    assert reading.field.handles.tolist() == [2, 4]
    assert reading.field.values.tolist() == [7.0, expected]
    assert reading.field.unit == "m"


def test_the_worst_is_the_stream_in_alarm_even_when_another_is_greater() -> None:
    table = streams([1, 1])
    low = Datastreams.from_records(
        [{"id": "a", "observed_property": "level", "low": 5.0}, {"id": "b", "observed_property": "level"}]
    )
    state = LiveState(Datastreams(low.table, table.objects, 7), clock=lambda: NOW)
    overlay = OverlayView(Overlay(3, "level", Percent(), "worst"), state, 10)
    state.apply(rows([0, 1], NOW, [1.0, 40.0]))
    reading = overlay.read(NOW)
    assert reading.field.values.tolist() == [1.0]
    assert overlay.codes(reading).tolist() == [CODE_ALARM]


def test_old_and_missing_streams_do_not_count_beside_fresh_ones() -> None:
    overlay = view([1, 1, 1])
    overlay.state.apply(rows([0, 1, 2], [NOW - 61_000, NOW, NOW], [90.0, 10.0, float("nan")]))
    reading = overlay.read(NOW)
    assert reading.field.values.tolist() == [10.0]
    assert reading.field.quality is not None
    assert reading.field.quality.tolist() == [GOOD]
    assert reading.age_s.tolist() == [0.0]


def test_age_suspicion_and_absence_have_codes_of_their_own() -> None:
    overlay = view([0, 1, 2, 3])
    overlay.state.apply(rows([0, 1, 3], [NOW - 61_000, NOW, NOW], [95.0, 10.0, 95.0], [GOOD, SUSPECT, GOOD]))
    reading = overlay.read(NOW)
    assert overlay.codes(reading).tolist() == [251, 252, 253, CODE_ALARM]
    assert np.isnan(reading.age_s[2])


def test_a_tick_gives_only_what_changed_and_the_full_frame_everything() -> None:
    overlay = view([4, 2])
    first = overlay.tick(NOW)
    assert first is not None
    assert first.codes.tolist() == [253, 253]
    assert overlay.tick(NOW) is None
    overlay.state.apply(rows([0], NOW, [50.0]))
    second = overlay.tick(NOW)
    assert second is not None
    assert second.handles is not None
    assert second.handles.tolist() == [4]
    full = overlay.full(NOW)
    assert full.codes.tolist() == [0, 0, 253, 0, int(second.codes[0]), 0, 0, 0, 0, 0]
    assert (full.epoch, full.overlay) == (7, 3)


@given(st.lists(st.lists(st.tuples(st.integers(0, 7), st.floats(0, 120)), max_size=6), max_size=8))
def test_frames_applied_one_after_another_are_the_full_frame(changes: list[list[tuple[int, float]]]) -> None:
    overlay = view([5, 1, 1, 3, 3, 3, 9, -1], "worst")
    seen = np.zeros(10, np.uint8)
    for number, cells in enumerate(changes):
        handles, values = [list(column) for column in zip(*cells, strict=True)] or [[], []]
        overlay.state.apply(rows(handles, NOW + number, values))
        frame = overlay.tick(NOW + number)
        if frame is not None:
            decoded = Frame.decode(frame.encode())
            seen[decoded.handles] = decoded.codes
    assert seen.tolist() == overlay.full(NOW).codes.tolist()


def test_an_overlay_that_nothing_is_bound_to_is_empty() -> None:
    overlay = view([-1, -1])
    assert overlay.tick(NOW) is None
    assert overlay.full(NOW).codes.tolist() == [0] * 10


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 65_535),
    st.integers(0, 2**45),
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 255)), max_size=20),
    st.booleans(),
    st.booleans(),
)
def test_frames_survive_the_wire(
    epoch: int, number: int, time_ms: int, cells: list[tuple[int, int]], full: bool, replay: bool
) -> None:
    codes = np.array([code for _, code in cells], np.uint8)
    handles = None if full else np.array([handle for handle, _ in cells], np.uint32)
    found = Frame.decode(Frame(epoch, number, time_ms, codes, handles, replay).encode())
    assert (found.epoch, found.overlay, found.time_ms, found.replay) == (epoch, number, time_ms, replay)
    assert found.codes.tolist() == codes.tolist()
    assert (found.handles is None) == full
    assert full or found.handles.tolist() == handles.tolist()  # type: ignore[union-attr]


def test_the_frame_is_the_24_bytes_that_the_browser_reads() -> None:
    payload = Frame(
        0x01020304, 5, 0x0102030405060708, np.array([9], np.uint8), np.array([10], np.uint32), True
    ).encode()
    assert payload.hex() == "43544c3104030201050001010807060504030201010000000a00000009"


@given(st.binary(max_size=60))
def test_bytes_that_are_no_frame_are_refused(payload: bytes) -> None:
    with pytest.raises(LoadError):
        Frame.decode(payload)


def test_a_number_that_does_not_fit_into_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="not 1 to 65535"):
        Overlay(0, "level", Percent())
