"""What is live in a city: its datastreams, where their values come from, and how they are shown."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.app.memory import FOLDER, remember
from twin.live import (
    Datastreams,
    EmbeddedBroker,
    FcdReplay,
    Fleet,
    History,
    Lines,
    LiveHub,
    MovingFeed,
    MovingHistory,
    MqttFeed,
    Overlay,
    Past,
    RainHour,
    ReplayFeed,
    SceneGround,
    Traffic,
    connect,
    publish,
    publishing,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from scenes import Scene
    from twin.live import Feed, HistoryStore, Publisher

STREAMS = "streams.parquet"
KEEP_EVERY_S = 60.0
ROAD_LIFT_M = 0.35
"""How far roads lie above the terrain, so that they are seen."""

RAIN_STEP_S = 5.0

RANGES = {
    "rain": (0.0, 60.0),
    "water_level": (2.0, 4.2),
    "manhole_level": (0.0, 3.2),
    "pm25": (0.0, 115.0),
    "no2": (0.0, 80.0),
    "air_temperature": (-5.0, 40.0),
    "temperature": (16.0, 32.0),
    "humidity": (0.0, 100.0),
    "speed": (0.0, 70.0),
    "power": (0.0, 600.0),
    "co2": (400.0, 1400.0),
}
"""Scales of well-known observed properties in the units of the demo; others get one from their limits."""

RAMPS = {"rain": "water", "water_level": "water", "manhole_level": "water", "speed": "cividis", "temperature": "sun"}
"""Colour ramps of observed properties; others get the default one."""

WORST = frozenset({"water_level", "manhole_level", "co2", "pm25"})


@dataclass(frozen=True)
class LivePlan:
    """What is live in a city; making one starts nothing.

    Parameters
    ----------
    datastreams
        The table; bound to the scene when the city is served.
    feeds
        Addresses (`twin.connect`) or feeds.
    rain_hour_seed
        Runs an embedded broker with a heavy-rain hour, for demonstrations; None = no such thing.
    rain_hour_speed
        Storm seconds a second.
    traffic
        Vehicles along the roads of the city, for demonstrations.
    """

    datastreams: Datastreams
    feeds: tuple[str | Feed | MovingFeed, ...] = ()
    rain_hour_seed: int | None = None
    rain_hour_speed: float = 4.0
    traffic: int = 0

    @classmethod
    def of_package(cls, package: Path, feeds: Sequence[str | Feed | MovingFeed] = ()) -> LivePlan | None:
        """Return the plan of the datastream table in a city package, None if it has none.

        Feeds of what moves need no datastreams.
        """
        table = package / STREAMS
        if table.is_file():
            return cls(Datastreams.read(table), tuple(feeds))
        none = Datastreams.from_records([])
        ready = [connect(feed, none) if isinstance(feed, str) else feed for feed in feeds]
        return cls(none, tuple(ready)) if ready and all(isinstance(feed, MovingFeed) for feed in ready) else None


@dataclass(eq=False)
class LiveService:
    """A plan on a scene: the hub with its overlays, and everything that has to run for it.

    Parameters
    ----------
    scene, plan
        What is shown, and what is live in it.
    package
        Folder of the city package. When it can be written, observations are kept in ``history`` in it and those of
        the last 24 hours are back after a restart; a demonstration and a replay leave nothing behind.
    """

    scene: Scene
    plan: LivePlan
    package: Path | None = None
    hub: LiveHub = field(init=False)
    specs: list[dict[str, Any]] = field(init=False)
    past: Past = field(init=False)
    _store: HistoryStore | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Bind the datastreams, prepare the overlays and remember the last day; nothing runs yet."""
        streams = self.plan.datastreams.bind(self.scene)
        feeds = [connect(feed, streams) if isinstance(feed, str) else feed for feed in self.plan.feeds]
        if self.plan.traffic:
            feeds.append(Traffic(Lines.of(self.scene), self.plan.traffic))
        overlays, self.specs = overlays_of(self.scene, streams)
        fleet = Fleet(self.scene.georeference, SceneGround(self.scene, ROAD_LIFT_M), MovingHistory())
        self.hub = LiveHub(streams, feeds, overlays, len(self.scene), History(), fleet)
        passing = self.plan.rain_hour_seed is not None
        passing = passing or any(isinstance(feed, ReplayFeed | FcdReplay) for feed in feeds)
        if self.package is not None and not passing:
            self._store = remember(self.hub, self.package)
        files = self.package / FOLDER if self.package is not None and not passing else None
        self.past = Past(self.hub, files)

    def rebind(self, scene: Scene) -> None:
        """Show the same datastreams on another version of the city; their values stay."""
        streams = self.plan.datastreams.bind(scene)
        self.scene = scene
        overlays, self.specs = overlays_of(scene, streams)
        self.hub.rebind(streams, overlays, len(scene))

    @contextlib.asynccontextmanager
    async def started(self) -> AsyncIterator[LiveHub]:
        """Run what is needed around the hub: writing of the history, or the broker and generator of a demonstration."""
        seed = self.plan.rain_hour_seed
        if any(isinstance(feed, MovingFeed) for feed in self.hub.feeds) and isinstance(
            self.hub.moving.ground, SceneGround
        ):
            await asyncio.to_thread(self.hub.moving.ground.prepare)
        if seed is None:
            task = asyncio.create_task(self._keep(), name="history")
            try:
                yield self.hub
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            return
        streams = self.hub.datastreams
        async with EmbeddedBroker() as broker, publishing(broker.address, streams, source="rain-hour") as publisher:
            feed = MqttFeed(broker.address, streams, name="rain hour")
            self.hub.feeds = [*self.hub.feeds, feed]
            task = asyncio.create_task(self._rain(feed, publisher, seed), name="rain hour")
            try:
                yield self.hub
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _keep(self) -> None:
        """Write waiting observations every minute, so that a crash costs no more; the hub writes the last ones."""
        while self._store is not None:
            await asyncio.sleep(KEEP_EVERY_S)
            self._store.flush()

    async def _rain(self, feed: MqttFeed, publisher: Publisher, seed: int) -> None:
        while not feed.status.connected:  # noqa: ASYNC110  # the feed knows no listeners
            await asyncio.sleep(0.02)
        hour = RainHour(self.hub.datastreams, seed)
        await publish(hour, publisher, speed=self.plan.rain_hour_speed, step_s=RAIN_STEP_S)


def overlays_of(scene: Scene, streams: Datastreams) -> tuple[list[Overlay], list[dict[str, Any]]]:
    """Return one overlay for each observed property that is bound to objects, and what viewers are told of it."""
    from twin.view.colour import ColourScale  # noqa: PLC0415  # the viewer is loaded when something is shown

    overlays, specs = [], []
    layers = np.array(list(scene.layers))
    bases = np.array([scene.bases[name] for name in scene.layers])
    for number, (name, handles) in enumerate(streams.observed_properties.items(), 1):
        objects = streams.objects[handles]
        objects = objects[objects >= 0]
        if not len(objects):
            continue
        about = streams.describe(int(handles[0]))
        low, high = _range(name, streams, handles)
        scale = ColourScale(name, about["unit"], _titles(streams, handles), low, high, RAMPS.get(name, "viridis"))
        shown = layers[np.unique(np.searchsorted(bases, objects, side="right") - 1)]
        overlays.append(Overlay(number, name, scale, "worst" if name in WORST else "mean"))
        specs.append(scale.spec(number, layers=shown.tolist(), source="live"))
    return overlays, specs


def _titles(streams: Datastreams, handles: np.ndarray[Any, Any]) -> dict[str, str]:
    """Return the titles that all datastreams share, else the name of the observed property."""
    found = {tuple(streams.describe(int(handle))["titles"].items()) for handle in handles[:50]}
    name = streams.describe(int(handles[0]))["observed_property"]
    return dict(found.pop()) if len(found) == 1 else {"en": name, "zh": name}


def _range(name: str, streams: Datastreams, handles: np.ndarray[Any, Any]) -> tuple[float, float]:
    if name in RANGES:
        return RANGES[name]
    limits = np.concatenate([streams.low[handles], streams.high[handles]]).astype(np.float64)
    limits = limits[np.isfinite(limits)]
    if not len(limits):
        return 0.0, 100.0
    return min(0.0, float(limits.min())), max(float(limits.max()) * 1.2, float(limits.min()) + 1.0)


def with_feeds(plan: LivePlan | None, feeds: Sequence[str | Feed | MovingFeed]) -> LivePlan | None:
    """Return the plan with more feeds."""
    return None if plan is None else replace(plan, feeds=(*plan.feeds, *feeds))
