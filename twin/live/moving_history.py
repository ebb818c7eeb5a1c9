"""Where everything that moves was: recent reports in memory, bounded, and the state at any instant among them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

REPORTS_IN_MEMORY = 2_000_000
EVERY_MS = 1_000
LONGEST_GAP_MS = 120_000
"""Between two reports that are farther apart nobody knows where a thing was."""

ROOM = 4096


class MovingHistory:
    """The last reports in one ring of columns: 34 bytes a report, `capacity` reports.

    Parameters
    ----------
    capacity
        Reports that are kept; the oldest arrivals are overwritten.
    every_ms
        Of a thing that reports more often, at most one report in this time is kept.

    Examples
    --------
    >>> from twin.live.moving import STATE
    >>> history = MovingHistory(capacity=10)
    >>> rows = np.zeros(2, STATE)
    >>> rows["time"], rows["x"] = [1000, 3000], [0.0, 10.0]
    >>> history.append(np.array([4, 4]), rows)
    >>> numbers, there = history.at(2000)
    >>> numbers.tolist(), there["x"].tolist()
    ([4], [5.0])
    """

    def __init__(self, capacity: int = REPORTS_IN_MEMORY, every_ms: int = EVERY_MS) -> None:
        """Keep the size; memory is taken as reports arrive."""
        if capacity < 1:
            raise ValueError(f"a history of {capacity} reports holds nothing")
        self.capacity = capacity
        self.every_ms = every_ms
        self._lock = threading.Lock()
        self._rows: NDArray[np.void] | None = None
        self._numbers = np.zeros(0, np.uint32)
        self._kept_ms = np.zeros(ROOM, np.int64)
        self._next = self._size = 0

    def __len__(self) -> int:
        """Return the number of reports in memory."""
        return self._size

    def append(self, numbers: NDArray[np.int64], rows: NDArray[np.void]) -> None:
        """Keep reports: numbers of things, and rows of `twin.live.moving.STATE`, by number and time."""
        if not len(rows):
            return
        with self._lock:
            kept = self._due(numbers, rows["time"])
            numbers, rows = numbers[kept][-self.capacity :], rows[kept][-self.capacity :]
            self._grow(len(rows), rows.dtype)
            if self._rows is None:
                raise AssertionError
            places = (self._next + np.arange(len(rows))) % len(self._rows)
            self._rows[places], self._numbers[places] = rows, numbers
            self._next = int((self._next + len(rows)) % len(self._rows))
            self._size = min(self._size + len(rows), len(self._rows))

    def span(self) -> tuple[int, int] | None:
        """Return the instants of the first and the last report, None when there are none."""
        with self._lock:
            if self._rows is None or not self._size:
                return None
            times = self._rows["time"][: self._size]
            return int(times.min()), int(times.max())

    def at(self, time_ms: int) -> tuple[NDArray[np.int64], NDArray[np.void]]:
        """Return the numbers of the things that were there at an instant, and their states then.

        Between two reports that are at most two minutes apart a thing went straight and steadily; after its last
        report it stays for two minutes.
        """
        with self._lock:
            if self._rows is None:
                from twin.live.moving import STATE  # noqa: PLC0415  # both speak of its rows

                return np.zeros(0, np.int64), np.zeros(0, STATE)
            times = self._rows["time"][: self._size]
            near = np.flatnonzero(np.abs(times - time_ms) <= LONGEST_GAP_MS)
            near = near[np.argsort(times[near], kind="stable")]  # quick, for they came nearly in this order
            numbers, known = self._numbers[near], int(np.searchsorted(times[near], time_ms, side="right"))
            size = int(numbers.max(initial=0)) + 1
            last, after = np.full(size, -1), np.full(size, -1)
            last[numbers[:known]] = near[:known]
            after[numbers[known:][::-1]] = near[known:][::-1]
            found = np.flatnonzero(last >= 0)
            here, follower = self._rows[last[found]], self._rows[after[found]]
        goes_on = (after[found] >= 0) & (follower["time"] - here["time"] <= LONGEST_GAP_MS)
        _went_on(here, follower, goes_on, time_ms)
        return found, here

    def clear(self) -> None:
        """Forget everything, because numbers mean other things now."""
        with self._lock:
            self._rows, self._numbers, self._next, self._size = None, np.zeros(0, np.uint32), 0, 0
            self._kept_ms[:] = 0

    def _due(self, numbers: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which reports are late enough after the one that was kept before."""
        most = int(numbers.max()) + 1
        if most > len(self._kept_ms):
            self._kept_ms = np.concatenate([self._kept_ms, np.zeros(2 * most - len(self._kept_ms), np.int64)])
        due = np.asarray(times >= self._kept_ms[numbers] + self.every_ms)
        self._kept_ms[numbers[due]] = times[due]
        return due

    def _grow(self, extra: int, kind: np.dtype[np.void]) -> None:
        rows = np.zeros(0, kind) if self._rows is None else self._rows
        if self._size + extra > len(rows) and len(rows) < self.capacity:
            size = min(self.capacity, max(2 * len(rows), self._size + extra, ROOM))
            more = size - len(rows)
            rows = np.concatenate([rows, np.zeros(more, kind)])
            self._numbers = np.concatenate([self._numbers, np.zeros(more, np.uint32)])
            self._next = self._size
        self._rows = rows


def _went_on(here: NDArray[np.void], after: NDArray[np.void], goes_on: NDArray[np.bool_], time_ms: int) -> None:
    """Move states on towards the next report of the same thing."""
    span = np.where(goes_on, after["time"] - here["time"], 1)
    share = np.where(goes_on, (time_ms - here["time"]) / np.maximum(span, 1), 0.0)
    for name in ("x", "y", "z"):
        here[name] += (after[name] - here[name]) * share
    turn = (after["heading"] - here["heading"] + 180.0) % 360.0 - 180.0
    here["heading"] = (here["heading"] + turn * share) % 360.0
    here["time"] = np.where(goes_on, time_ms, here["time"])
