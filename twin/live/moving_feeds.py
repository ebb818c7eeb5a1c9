"""Feeds of what moves: floating car data of SUMO as a replay, and GTFS-realtime vehicle positions.

A moving feed is a `Feed` that reports `Movements` instead of observations.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable
from urllib.parse import parse_qs, quote, unquote, urlencode

import numpy as np

from scenes import CityTwinError, MissingSourceError, UnsupportedError
from scenes.georeference import WGS84
from twin.live.feed import FeedStatus
from twin.live.movements import KINDS, Movements
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from gis.networks.fcd import FcdPlace, FcdStep
    from twin.live.datastreams import Datastreams

MovingSink = Callable[[Movements], object]
"""Takes reports."""

POLL_S = 15.0
LEAST_POLL_S = 1.0
_WORDS = (
    ("person", ("person", "ped")),
    ("bicycle", ("bicycle", "bike")),
    ("train", ("rail", "tram", "train", "subway", "metro")),
    ("bus", ("bus", "coach", "trolley")),
    ("truck", ("truck", "trailer", "delivery", "lorry", "hgv")),
    ("ship", ("ship", "boat", "ferry")),
    ("drone", ("drone", "uav", "aircraft")),
)


@runtime_checkable
class MovingFeed(Protocol):
    """A source of reports of what moves. Making one does no work; `move` goes on until it is cancelled."""

    schemes: ClassVar[tuple[str, ...]]
    name: str
    status: FeedStatus

    async def move(self, sink: MovingSink) -> None:
        """Give reports to `sink` until the feed ends or the task is cancelled."""


def kind_of_type(name: str) -> str:
    """Return what a vehicle type of a simulation most likely is, a car where its name says nothing.

    Examples
    --------
    >>> kind_of_type("bus_12m"), kind_of_type("DEFAULT_PEDTYPE"), kind_of_type("DEFAULT_VEHTYPE")
    ('bus', 'person', 'car')
    """
    lowered = name.lower()
    return next((kind for kind, words in _WORDS if any(word in lowered for word in words)), "car")


@dataclass
class FcdReplay:
    """Plays floating car data of SUMO as if it happened now: ``fcd:FILE?speed=10&net=NET.net.xml``.

    Parameters
    ----------
    path
        The file (``.xml`` or ``.xml.gz``); it is read step by step, so that its size does not matter.
    speed
        Simulated seconds a second; infinite = as fast as possible.
    net
        The network whose metres the positions are; None = positions in degrees, or the only network beside the file.
    begin_ms
        Instant of second 0 of the simulation; None = so that the replay begins now.
    """

    schemes: ClassVar[tuple[str, ...]] = ("fcd",)

    path: Path
    speed: float = 1.0
    net: Path | None = None
    begin_ms: int | None = None
    name: str = "fcd"
    status: FeedStatus = field(init=False)
    _now_ms: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Refuse a speed that leads nowhere."""
        if not self.speed > 0:
            raise ValueError(f"a replay at speed {self.speed} does not go on")
        self.status = FeedStatus(self.name)

    @classmethod
    def from_url(cls, url: str, datastreams: Datastreams, **options: Any) -> FcdReplay:  # noqa: ARG003
        """Return the feed of ``fcd:FILE``, or of ``fcd:FILE?speed=X&net=FILE``."""
        path, queries = _split(url, "fcd", {"speed", "net"})
        if "speed" in queries:
            options["speed"] = _number(url, queries["speed"], "speed")
        if "net" in queries:
            options["net"] = Path(queries["net"])
        return cls(Path(path), **options)

    @property
    def address(self) -> str:
        """The address that makes this feed."""
        queries = {"speed": f"{self.speed:g}"} | ({} if self.net is None else {"net": str(self.net)})
        return f"fcd:{quote(str(self.path))}?{urlencode(queries, safe='/:')}"

    def clock(self) -> int:
        """Return the instant that the replay has reached, in ms."""
        return self._now_ms or wall_clock_ms()

    async def run(self, sink: Any) -> None:
        """Give no observations: everything in the file moves."""

    async def move(self, sink: MovingSink) -> None:
        """Give the steps to `sink` at their time, then end."""
        from gis.networks.fcd import place_of, read_fcd  # noqa: PLC0415  # only who replays needs the readers

        loop = asyncio.get_running_loop()
        start, first_s, kinds = 0.0, math.nan, dict[str, str]()
        reader = ThreadPoolExecutor(1, "fcd")  # the XML reader must stay in one thread
        steps = read_fcd(self.path)
        try:
            place = await loop.run_in_executor(reader, place_of, self.path, self.net)
            self.status.set_connected(True, f"replaying {self.path.name}")
            while (step := await loop.run_in_executor(reader, next, steps, None)) is not None:
                if math.isnan(first_s):
                    first_s, start = step.time_s, loop.time()
                    begin = wall_clock_ms() - round(first_s * 1000) if self.begin_ms is None else self.begin_ms
                wait_s = start + (step.time_s - first_s) / self.speed - loop.time()
                await asyncio.sleep(0.0 if math.isinf(self.speed) else max(wait_s, 0.0))
                self._now_ms = begin + round(step.time_s * 1000)
                self._tell(step, place, kinds, sink)
        finally:
            reader.submit(steps.close)
            reader.shutdown(wait=False)
            self.status.set_connected(False, f"{self.path.name}: the replay has ended")

    def _tell(self, step: FcdStep, place: FcdPlace, kinds: dict[str, str], sink: MovingSink) -> None:
        self.status.messages += 1
        self.status.last_ms = wall_clock_ms()
        self.status.observations += len(step.ids)
        if not step.ids:
            return
        for each in set(step.types) - kinds.keys():
            kinds[each] = kind_of_type(each)
        xy = step.xy + place.offset
        sink(
            Movements(
                step.ids, self._now_ms, xy[:, 0], xy[:, 1], step.z_m, step.angle_deg, step.speed_m_s,
                kind=np.array([KINDS.index(kinds[each]) for each in step.types], np.uint8), crs=place.crs,
            )
        )  # fmt: skip


@dataclass
class TransitFeed:
    """Asks for GTFS-realtime vehicle positions again and again: ``gtfs-rt:FILE.pb`` or ``gtfs-rt:https://...``.

    Parameters
    ----------
    address
        A file (``.pb`` or ``.json``), or a web address; read again every `poll_s`.
    kind
        What the vehicles are (`KINDS`); the message itself does not say it.
    poll_s
        Seconds between two looks, at least 1.
    """

    schemes: ClassVar[tuple[str, ...]] = ("gtfs-rt",)

    address: str
    kind: str = "bus"
    poll_s: float = POLL_S
    name: str = "gtfs-rt"
    status: FeedStatus = field(init=False)

    def __post_init__(self) -> None:
        """Refuse a kind that does not exist."""
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is unknown; there are {', '.join(KINDS)}")
        self.status = FeedStatus(self.name)

    @classmethod
    def from_url(cls, url: str, datastreams: Datastreams, **options: Any) -> TransitFeed:  # noqa: ARG003
        """Return the feed of ``gtfs-rt:ADDRESS``; ``kind=train`` and ``every=30`` after a ``#`` say more."""
        address, _, said = url.removeprefix("gtfs-rt:").partition("#")
        queries = {name: values[-1] for name, values in parse_qs(said).items()}
        unknown = sorted(queries.keys() - {"kind", "every"})
        if unknown:
            raise UnsupportedError(url, f"{unknown[0]} is no option of it", "there are kind and every")
        if "kind" in queries:
            if queries["kind"] not in KINDS:
                raise UnsupportedError(url, f"{queries['kind']!r} is no kind", f"there are {', '.join(KINDS)}")
            options["kind"] = queries["kind"]
        if "every" in queries:
            options["poll_s"] = _number(url, queries["every"], "number of seconds")
        web = address.lower().startswith(("http://", "https://"))
        return cls(address if web else unquote(address.removeprefix("//")), **options)

    def clock(self) -> int:
        """Return the wall clock in ms."""
        return wall_clock_ms()

    async def run(self, sink: Any) -> None:
        """Give no observations: everything in the message moves."""

    async def move(self, sink: MovingSink) -> None:
        """Report the vehicles every `poll_s` seconds; a service that fails is asked again."""
        from gis.networks.positions import read_positions  # noqa: PLC0415  # only who follows vehicles needs the reader
        from gis.webfetch import without_secrets  # noqa: PLC0415

        shown = without_secrets(self.address)
        while True:
            try:
                found = await asyncio.to_thread(read_positions, self.address)
            except MissingSourceError:
                raise
            except CityTwinError as error:
                self.status.set_connected(False, f"{error}; asked again in {self.poll_s:g} s")
                self.status.malformed += 1
            else:
                self.status.set_connected(True, f"{len(found.ids)} vehicles from {shown}")
                self.status.messages += 1
                self.status.last_ms = wall_clock_ms()
                self.status.observations += len(found.ids)
                if found.ids:
                    x, y = found.lonlat.T
                    head, speed = found.bearing_deg, found.speed_m_s
                    sink(Movements(found.ids, found.time_ms, x, y, np.nan, head, speed, kind=self.kind, crs=WGS84))
            await asyncio.sleep(max(self.poll_s, LEAST_POLL_S))


def _split(url: str, scheme: str, known: set[str]) -> tuple[str, dict[str, str]]:
    path, _, query = url.removeprefix(f"{scheme}:").removeprefix("//").partition("?")
    queries = {name: values[-1] for name, values in parse_qs(query).items()}
    unknown = sorted(queries.keys() - known)
    if unknown:
        raise UnsupportedError(url, f"{unknown[0]} is no option of it", f"there are {', '.join(sorted(known))}")
    return unquote(path), queries


def _number(url: str, text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value > 0:
        raise UnsupportedError(url, f"{text!r} is not a {what}", "write a number above 0")
    return value
