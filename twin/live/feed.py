"""The seam to the outside: what a feed is, and how an address becomes one.

Feeds register in the entry point group ``twin.feeds``. A feed never dies of what it receives or of a service that
is down: it says so in its status and goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from scenes import LoadError, Problems, UnsupportedError
from twin.live.observations import BINARY_STARTS, ROW, decode_sensorthings, unpack
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from twin.live.datastreams import Datastreams

Sink = Callable[[NDArray[np.void]], object]
"""Takes a batch of `twin.live.ROW`."""

State = Literal["up", "down", "old"]
SILENT_AFTER_MS = 60_000


@dataclass
class FeedStatus:
    """How a feed is: a word, a sentence, and counts.

    `message` is written for people: what is wrong, where, and what happens next.
    """

    name: str
    connected: bool = False
    message: str = "not started"
    since_ms: int = 0
    last_ms: int = 0
    messages: int = 0
    observations: int = 0
    malformed: int = 0
    unknown: int = 0
    other_epoch: int = 0

    def state(self, now_ms: int) -> State:
        """Return ``up``, ``down``, or ``old``: connected, but silent for a minute."""
        if not self.connected:
            return "down"
        return "old" if now_ms - max(self.last_ms, self.since_ms) > SILENT_AFTER_MS else "up"

    def set_connected(self, connected: bool, message: str) -> None:
        """Note a change of the connection."""
        if connected != self.connected or not self.since_ms:
            self.since_ms = wall_clock_ms()
        self.connected, self.message = connected, message

    def as_dict(self, now_ms: int) -> dict[str, Any]:
        """Return the status for JSON; `age_s` counts from the last message."""
        age = (now_ms - self.last_ms) / 1000 if self.last_ms else None
        return {**asdict(self), "state": self.state(now_ms), "age_s": age}


@runtime_checkable
class Feed(Protocol):
    """A source of observations. Making one does no work; `run` connects and goes on until it is cancelled."""

    schemes: ClassVar[tuple[str, ...]]
    name: str
    status: FeedStatus

    @classmethod
    def from_url(cls, url: str, datastreams: Datastreams, **options: Any) -> Feed:
        """Return the feed of an address whose scheme is one of `schemes`."""

    async def run(self, sink: Sink) -> None:
        """Give batches to `sink` until the feed ends or the task is cancelled."""

    def clock(self) -> int:
        """Return the feed's present instant in ms: the wall clock, or that of a replay."""


@dataclass
class Decoder:
    """Turns messages of any known kind into rows, counts what cannot be used, and never raises for it.

    Parameters
    ----------
    datastreams
        Resolves ids and knows the epoch.
    status
        Receives the counts.
    problems
        Receives one sentence a kind of trouble.
    """

    datastreams: Datastreams
    status: FeedStatus
    problems: Problems = field(default_factory=Problems)

    def rows(self, payload: bytes, where: str) -> NDArray[np.void]:
        """Return the observations of a message: packed rows, an Arrow stream, or SensorThings JSON."""
        status = self.status
        status.messages += 1
        status.last_ms = wall_clock_ms()
        try:
            found = self._decoded(payload, where)
        except LoadError as error:
            status.malformed += 1
            self.problems.add("warning", where, "malformed-message", f"{where}: {error}", "look at the sender")
            return np.empty(0, ROW)
        status.observations += len(found)
        return found

    def _decoded(self, payload: bytes, where: str) -> NDArray[np.void]:
        status = self.status
        if payload[:4] in BINARY_STARTS:
            packed = unpack(payload)
            if packed.epoch != self.datastreams.epoch:
                status.other_epoch += 1
                advice = "fetch the datastream table again"
                message = f"{where}: handles of epoch {packed.epoch}, ours is {self.datastreams.epoch}"
                self.problems.add("warning", where, "other-epoch", message, advice)
                return np.empty(0, ROW)
            return packed.rows
        decoded = decode_sensorthings(payload, self.datastreams.handles, status.last_ms)
        status.malformed += decoded.malformed
        status.unknown += decoded.unknown
        self.problems.extend(decoded.problems)
        return decoded.rows


def feed_kinds() -> dict[str, type[Feed]]:
    """Return the installed feeds by scheme of their addresses."""
    found = sorted(entry_points(group="twin.feeds"), key=lambda point: point.name)
    kinds: list[type[Feed]] = [point.load() for point in found]
    return {scheme: kind for kind in kinds for scheme in kind.schemes}


def connect(url: str, datastreams: Datastreams, **options: Any) -> Feed:
    """Return the feed of an address; nothing is opened before its `run`.

    Parameters
    ----------
    url
        ``mqtt://host:1883``, ``mqtts://...``, ``replay:FILE``, or simply the path of a Parquet or JSON Lines file.
    datastreams
        The table that resolves ids.
    options
        What the feed's `from_url` takes, such as ``speed=60`` for a replay.

    Raises
    ------
    UnsupportedError
        When no feed reads such an address.
    SourceError
        When the address itself is wrong.
    """
    scheme, colon, _ = url.partition(":")
    kinds = feed_kinds()
    if not colon or len(scheme) < 2:
        url, scheme = f"replay:{url}", "replay"
    kind = kinds.get(scheme.lower())
    if kind is None:
        raise UnsupportedError(url, f"no feed reads {scheme} addresses", f"there are {', '.join(sorted(kinds))}")
    return kind.from_url(url, datastreams, **options)
