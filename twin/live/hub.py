"""`LiveHub`: feeds -> state -> overlays -> frames, in one asyncio loop, computed once for all viewers."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import CityTwinError
from twin.live.history import History
from twin.live.moving import Fleet
from twin.live.moving_feeds import FcdReplay, MovingFeed
from twin.live.moving_frames import MovingFrame
from twin.live.overlay import OverlayView
from twin.live.replay import ReplayFeed
from twin.live.state import NEVER, LiveState, wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.live.datastreams import Datastreams
    from twin.live.feed import Feed
    from twin.live.frames import Frame
    from twin.live.overlay import Overlay

TICK_S = 0.5
STATUS_EVERY = 4
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class LiveHub:
    """Runs feeds into one state, and gives the frames of its overlays to a listener twice a second.

    Parameters
    ----------
    datastreams
        Bound to the scene (`Datastreams.bind`).
    feeds
        Where observations come from.
    overlays
        What viewers can switch on.
    count
        Number of handles in the scene.
    history
        Recent observations, for charts.
    moving
        What moves.
    """

    datastreams: Datastreams
    feeds: Sequence[Feed | MovingFeed] = ()
    overlays: Sequence[Overlay] = ()
    count: int = 0
    history: History = field(default_factory=History)
    moving: Fleet = field(default_factory=Fleet)
    state: LiveState = field(init=False)
    views: dict[int, OverlayView] = field(init=False)
    _replay: ReplayFeed | FcdReplay | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Prepare the state and the overlays; nothing runs yet."""
        self._replay = next((feed for feed in self.feeds if isinstance(feed, ReplayFeed | FcdReplay)), None)
        self.state = LiveState(self.datastreams, self.history, self.now_ms)
        self.views = {each.number: OverlayView(each, self.state, self.count) for each in self.overlays}
        self.moving.clock = self.now_ms

    def rebind(self, datastreams: Datastreams, overlays: Sequence[Overlay], count: int) -> None:
        """Go on with the same datastreams, bound to another version of the city; their values stay."""
        self.datastreams = self.state.datastreams = datastreams
        self.overlays, self.count = overlays, count
        self.views = {each.number: OverlayView(each, self.state, count) for each in overlays}

    @property
    def replaying(self) -> bool:
        """Whether a replay gives the time; replayed and live values are never mixed up on the page."""
        return self._replay is not None

    def now_ms(self) -> int:
        """Return the present instant in ms: the wall clock, or that of the replay."""
        return self._replay.clock() if self._replay is not None else wall_clock_ms()

    @property
    def numbers(self) -> list[int]:
        """What viewers may subscribe to: 0 = all that moves, and the numbers of the overlays."""
        return [MovingFrame.overlay, *self.views]

    async def run(
        self, on_frame: Callable[[Frame | MovingFrame], object], on_status: Callable[[dict[str, Any]], object]
    ) -> None:
        """Run all feeds and tick until cancelled.

        Parameters
        ----------
        on_frame
            Receives the changed codes of an overlay, and what moved.
        on_status
            Receives the status message of the channel, every two seconds and whenever a feed changes.
        """
        tasks = [asyncio.create_task(self._keep(feed), name=f"feed {feed.name}") for feed in self.feeds]
        try:
            await self._ticking(on_frame, on_status)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.history.store is not None:
                self.history.store.flush()

    def tick(self) -> list[Frame | MovingFrame]:
        """Return the frames of all overlays whose codes changed since the last tick, and of what moved."""
        now = self.now_ms()
        frames = [view.tick(now, replay=self.replaying) for view in self.views.values()]
        moved = self.moving.changed(now, replay=self.replaying)
        self.moving.forget_gone()
        return [frame for frame in (*frames, moved) if frame is not None]

    def full(self, number: int) -> Frame | MovingFrame | None:
        """Return the frame with all codes of an overlay, or (0) of all that moves; None if there is no such number."""
        if number == MovingFrame.overlay:
            return self.moving.full(self.now_ms(), replay=self.replaying)
        view = self.views.get(number)
        return None if view is None else view.full(self.now_ms(), replay=self.replaying)

    def status(self) -> dict[str, Any]:
        """Return the status message of the channel."""
        wall = wall_clock_ms()
        feeds = [feed.status.as_dict(wall) for feed in self.feeds]
        keys = ("name", "state", "message", "age_s", "observations", "malformed", "unknown")
        return {
            "op": "status",
            "feeds": [{key: each[key] for key in keys} for each in feeds],
            "time": self.now_ms(),
            "replay": self.replaying,
            "speed": self._replay.speed if self._replay is not None else 1.0,
            "moving": len(self.moving),
        }

    def streams_of(self, handle: int) -> list[dict[str, Any]]:
        """Return the datastreams of an object with value, ISO time, quality and age in seconds."""
        now = self.now_ms()
        quality, age = self.state.quality_at(now), self.state.age_s(now)
        return [
            self._stream(int(each), int(quality[each]), float(age[each])) for each in self.datastreams.of_object(handle)
        ]

    def series(self, handle: int, hours: float = 1.0) -> list[dict[str, Any]]:
        """Return the recent course of every datastream of an object: t in ms, v (None = no value), q."""
        found = []
        for stream in self.datastreams.of_object(handle):
            about = self.datastreams.describe(int(stream))
            past = self.history.series(int(stream), hours, self.now_ms())
            values = [None if np.isnan(value) else float(value) for value in past.values]
            found.append(
                {
                    "stream": about["id"], "titles": about["titles"], "unit": about["unit"],
                    "low": about["low"], "high": about["high"],
                    "t": past.times.tolist(), "v": values, "q": past.quality.tolist(),
                }
            )  # fmt: skip
        return found

    def _stream(self, stream: int, quality: int, age_s: float) -> dict[str, Any]:
        value, time_ms = float(self.state.value[stream]), int(self.state.time[stream])
        return {
            **self.datastreams.describe(stream),
            "value": None if np.isnan(value) else value,
            "time": None if time_ms == NEVER else time_ms,
            "quality": quality,
            "age_s": None if np.isnan(age_s) else age_s,
            "alarm": int(self.state.alarm[stream]),
        }

    async def _keep(self, feed: Feed | MovingFeed) -> None:
        try:
            if isinstance(feed, MovingFeed):
                await feed.move(self.moving.apply)
            else:
                await feed.run(self.state.apply)
        except CityTwinError as error:
            feed.status.set_connected(False, str(error))
            _log.warning("feed %s: %s", feed.name, error)

    async def _ticking(
        self, on_frame: Callable[[Frame | MovingFrame], object], on_status: Callable[[dict[str, Any]], object]
    ) -> None:
        loop = asyncio.get_running_loop()
        number, told = 0, ""
        while True:
            start = loop.time()
            for frame in self.tick():
                on_frame(frame)
            status = self.status()
            states = str([(each["state"], each["message"]) for each in status["feeds"]])
            if states != told or number % STATUS_EVERY == 0:
                on_status(status)
                told = states
            number += 1
            await asyncio.sleep(max(TICK_S - (loop.time() - start), 0.01))
