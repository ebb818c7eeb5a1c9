"""`Past`: the live picture as of an earlier instant: codes of overlays, and where everything that moves was."""

from __future__ import annotations

import functools
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import LoadError, QueryError
from twin.live.moving_history import LONGEST_GAP_MS
from twin.live.observations import ROW
from twin.live.overlay import OverlayView
from twin.live.replay import ReplayFeed
from twin.live.state import LiveState

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.live.frames import Frame
    from twin.live.hub import LiveHub
    from twin.live.moving_frames import MovingFrame

DAY_MS = 86_400_000
FRESH_S = 2.0
"""A copy of the history is used again for so long: what it lacks is nearly now."""


class Past:
    """Answers what a hub showed at an earlier instant, from its history in memory and from files by day.

    May be called from other threads than the hub's.

    Parameters
    ----------
    hub
        Its history is looked into.
    folder
        Files of `HistoryStore`, for days that are no longer in memory; None = there are none.
    """

    def __init__(self, hub: LiveHub, folder: Path | None = None) -> None:
        """Keep the hub; nothing is read yet."""
        self.hub = hub
        self.folder = folder
        self._lock = threading.Lock()
        self._rows = np.zeros(0, ROW)
        self._copied: tuple[int, float] = (-1, 0.0)
        self._day = functools.lru_cache(maxsize=2)(self._read_day)

    def span(self) -> dict[str, Any]:
        """Return the first instant in memory and the present one in ms, and the days that files hold (ISO dates)."""
        rows = self._memory()
        now = self.hub.now_ms()
        first = [int(rows["time"][0])] if len(rows) else []
        moving = self.hub.moving.history.span() if self.hub.moving.history is not None else None
        first += [moving[0]] if moving is not None else []
        return {"from": min(first, default=now), "to": now, "days": self._days()}

    def codes(self, number: int, time_ms: int) -> Frame:
        """Return all codes of an overlay as of an instant.

        Raises
        ------
        QueryError
            When there is no such overlay.
        """
        view = self.hub.views.get(number)
        if view is None:
            known = ", ".join(str(each) for each in self.hub.views) or "none"
            raise QueryError(str(number), "is not the number of a live overlay", f"there are {known}")
        then = OverlayView(view.overlay, self.state(time_ms), view.count)
        then.tick(time_ms)
        return then.full(time_ms, replay=True)

    def moving(self, time_ms: int) -> MovingFrame:
        """Return where everything that moves was at an instant."""
        fleet = self.hub.moving
        if fleet.history is None:
            raise QueryError("moving", "keeps no history", "give the fleet a MovingHistory")
        numbers, rows = fleet.history.at(time_ms)
        here = rows["time"] >= time_ms - LONGEST_GAP_MS
        return fleet.frame_of(numbers[here], rows[here], time_ms)

    def state(self, time_ms: int) -> LiveState:
        """Return the state of all datastreams as of an instant."""
        streams = self.hub.datastreams
        then = LiveState(streams, clock=lambda: time_ms)
        rows = self._memory()
        if self.folder is not None and (not len(rows) or time_ms < int(rows["time"][0])):
            rows = self._day(time_ms // DAY_MS)
        known = rows[: np.searchsorted(rows["time"], time_ms, side="right")]
        last = np.full(len(streams), -1, np.int64)
        last[known["handle"]] = np.arange(len(known))
        then.apply(known[last[last >= 0]])
        return then

    def _memory(self) -> NDArray[np.void]:
        """Return the rows in memory by time, copied at most every two seconds."""
        with self._lock:
            appended, copied_s = self._copied
            history = self.hub.history
            if appended != history.appended and time.monotonic() - copied_s > FRESH_S:
                self._rows = history.rows()
                self._copied = history.appended, time.monotonic()
            return self._rows

    def _days(self) -> list[str]:
        if self.folder is None:
            return []
        return sorted(each.name.removeprefix("date=") for each in self.folder.glob("date=*"))

    def _read_day(self, day: int) -> NDArray[np.void]:
        if self.folder is None:
            return np.zeros(0, ROW)
        folder = self.folder / f"date={datetime.fromtimestamp(day * DAY_MS / 1000, UTC).date().isoformat()}"
        if not folder.is_dir():
            return np.zeros(0, ROW)
        try:
            return ReplayFeed(folder, self.hub.datastreams).read()
        except LoadError:
            return np.zeros(0, ROW)
