"""`LiveState`: the newest value of every datastream, as columns.

The state is a fold over batches: the last writer wins by event time, so late, doubled or shuffled messages
end in the same state. About 22 bytes a datastream.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.live.observations import GOOD, NONE, OLD, ROW, SUSPECT

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.live.datastreams import Datastreams
    from twin.live.history import History

NEVER = np.iinfo(np.int64).min
"""Event time of a datastream that has not reported yet."""

AHEAD_MS = 5 * 60 * 1000
"""Event times further ahead than this are refused: the clock of the sender is wrong."""

ALARM_LOW, ALARM_HIGH = 1, 2


def wall_clock_ms() -> int:
    """Return the present instant in ms since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass
class Counts:
    """What became of the observations so far.

    `late` ones are older than the state and go to history only; `duplicate` ones repeat an instant that is
    known already; `future` ones are more than five minutes ahead; `unknown` ones have no datastream.
    """

    received: int = 0
    applied: int = 0
    late: int = 0
    duplicate: int = 0
    future: int = 0
    unknown: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counts for JSON and metrics."""
        return asdict(self)


class LiveState:
    """Newest value, event time, quality and alarm bits of every datastream.

    Parameters
    ----------
    datastreams
        The table whose handles the observations use.
    history
        Receives every accepted observation, also late ones.
    clock
        Gives the present instant in ms; a replay gives its own.

    Attributes
    ----------
    value, time, quality, alarm
        (n,) float32, int64 ms, uint8 (`scenes.Field`), uint8 bits (1 below low, 2 above high).

    Examples
    --------
    >>> from twin.live.datastreams import Datastreams
    >>> from twin.live.observations import rows
    >>> state = LiveState(Datastreams.from_records([{"id": "a", "high": 3.0}]), clock=lambda: 10_000)
    >>> state.apply(rows([0, 0], [2000, 1000], [4.0, 1.0])).tolist()
    [0]
    >>> float(state.value[0]), int(state.alarm[0])
    (4.0, 2)
    """

    def __init__(
        self,
        datastreams: Datastreams,
        history: History | None = None,
        clock: Callable[[], int] = wall_clock_ms,
    ) -> None:
        """Start with no value anywhere."""
        size = len(datastreams)
        self.datastreams = datastreams
        self.history = history
        self.clock = clock
        self.counts = Counts()
        self.value = np.full(size, np.nan, np.float32)
        self.time = np.full(size, NEVER, np.int64)
        self.quality = np.full(size, NONE, np.uint8)
        self.alarm = np.zeros(size, np.uint8)

    def __len__(self) -> int:
        """Return the number of datastreams."""
        return len(self.value)

    def apply(self, batch: NDArray[np.void]) -> NDArray[np.uint32]:
        """Take in a batch of `ROW` and return the handles whose state changed, ascending.

        At the same instant the better quality wins, then the greater value, so that the order of arrival
        never decides.
        """
        self.counts.received += len(batch)
        batch = self._accepted(batch)
        if not len(batch):
            return np.zeros(0, np.uint32)
        batch, repeated = _ordered(_cleaned(batch))
        before = self.time[batch["handle"]]
        known = batch["time"] == before
        wins = self._wins(batch)
        self.counts.late += int((batch["time"] < before).sum())
        self.counts.duplicate += repeated + int((known & ~wins).sum())
        if self.history is not None:
            self.history.append(batch[~known | wins])
        return self._write(_last_of_handle(batch[wins]))

    def stale(self, now_ms: int | None = None) -> NDArray[np.bool_]:
        """Return (n,) which datastreams have a value that is too old at an instant (default now)."""
        now = self.clock() if now_ms is None else now_ms
        aged = self.time < now - self.datastreams.stale_after_ms
        return np.asarray(aged & (self.time != NEVER))

    def quality_at(self, now_ms: int | None = None) -> NDArray[np.uint8]:
        """Return (n,) quality with age taken in: `OLD` where a value is too old, `NONE` where there is none."""
        quality = np.where(self.stale(now_ms) & (self.quality != NONE), OLD, self.quality)
        return quality.astype(np.uint8)

    def age_s(self, now_ms: int | None = None) -> NDArray[np.float64]:
        """Return (n,) age of the values in seconds, NaN where nothing was ever received."""
        now = self.clock() if now_ms is None else now_ms
        seen = self.time != NEVER
        return np.where(seen, (now - np.where(seen, self.time, 0)) / 1000.0, np.nan)

    def same_as(self, other: LiveState) -> bool:
        """Say whether every value, time, quality and alarm is equal."""
        return (
            np.array_equal(self.value, other.value, equal_nan=True)
            and np.array_equal(self.time, other.time)
            and np.array_equal(self.quality, other.quality)
            and np.array_equal(self.alarm, other.alarm)
        )

    def _accepted(self, batch: NDArray[np.void]) -> NDArray[np.void]:
        known = batch["handle"] < len(self)
        early = batch["time"] <= self.clock() + AHEAD_MS
        if known.all() and early.all():
            return batch
        self.counts.unknown += int((~known).sum())
        self.counts.future += int((known & ~early).sum())
        return batch[known & early]

    def _wins(self, batch: NDArray[np.void]) -> NDArray[np.bool_]:
        handles = batch["handle"]
        tie = batch["time"] == self.time[handles]
        worse, better = batch["quality"] > self.quality[handles], batch["quality"] < self.quality[handles]
        greater = batch["value"] > self.value[handles]
        return np.asarray((batch["time"] > self.time[handles]) | (tie & (better | (~worse & greater))))

    def _write(self, changed: NDArray[np.void]) -> NDArray[np.uint32]:
        handles = changed["handle"].copy()
        values = changed["value"]
        self.value[handles], self.time[handles], self.quality[handles] = values, changed["time"], changed["quality"]
        streams = self.datastreams
        self.alarm[handles] = ALARM_LOW * (values < streams.low[handles]) + ALARM_HIGH * (
            values > streams.high[handles]
        )
        self.counts.applied += len(handles)
        return handles.astype(np.uint32)


def _cleaned(batch: NDArray[np.void]) -> NDArray[np.void]:
    """Return the batch with NaN for no value, `NONE` for its quality, and no other quality than those of `ROW`."""
    missing = ~np.isfinite(batch["value"]) | (batch["quality"] == NONE)
    odd = ~missing & (batch["quality"] != GOOD) & (batch["quality"] != SUSPECT)
    if not (missing.any() or odd.any()):
        return batch
    cleaned = batch.astype(ROW, copy=True)
    cleaned["value"][missing] = np.nan
    cleaned["quality"][missing] = NONE
    cleaned["quality"][odd] = SUSPECT
    return cleaned


def _ordered(batch: NDArray[np.void]) -> tuple[NDArray[np.void], int]:
    """Return the rows by handle and time, each instant once (the row that wins), and how many were repeated."""
    handles = batch["handle"]
    if bool((handles[1:] > handles[:-1]).all()):
        return batch, 0
    value = np.where(np.isnan(batch["value"]), -np.inf, batch["value"])
    batch = batch[np.lexsort((value, NONE - batch["quality"].astype(np.int16), batch["time"], handles))]
    handles, times = batch["handle"], batch["time"]
    repeated = np.append((handles[1:] == handles[:-1]) & (times[1:] == times[:-1]), False)
    return batch[~repeated], int(repeated.sum())


def _last_of_handle(batch: NDArray[np.void]) -> NDArray[np.void]:
    """Return the last row of each handle of rows in the order of `_ordered`."""
    handles = batch["handle"]
    return batch[np.append(handles[1:] != handles[:-1], True)] if len(batch) else batch
