"""The GTFS-realtime messages of a report: which ones are of one feed, and which tell of the same trips."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gis.networks.live_feed import is_live_feed, is_posix, read_live_feed
from scenes.errors import CityTwinError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from scenes.sources import Source

_NUMBERS = re.compile(r"\d+")
_PAIR_S = 90  # messages of two feeds that are further apart tell of different moments


@dataclass(frozen=True)
class Message:
    """What tells one message from another.

    Parameters
    ----------
    source
        Its file.
    header_s
        POSIX time of its header, 0 where there is none.
    kinds
        What it has entities of: ``trip_update``, ``vehicle``, ``alert``.
    trips, vehicles
        Ids of trips and vehicles that it names.
    """

    source: Source
    header_s: int
    kinds: frozenset[str]
    trips: frozenset[str]
    vehicles: frozenset[str]

    def meets(self, other: Message) -> bool:
        """Say whether two messages name a trip or a vehicle in common."""
        return bool(self.trips & other.trips or self.vehicles & other.vehicles)


def message_of(source: Source) -> Message | None:
    """Return what tells a message from others, None where the source is none that can be read."""
    if source.is_remote or not source.file.is_file():
        return None
    stat = source.file.stat()
    return _message(source, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4_096)
def _message(source: Source, _changed: int, _size: int) -> Message | None:
    if not is_live_feed(source):
        return None
    try:
        feed = read_live_feed(source)
    except CityTwinError:
        return None  # told of where it is checked itself
    parts = [getattr(each, kind) for each in feed.entity for kind in ("trip_update", "vehicle") if each.HasField(kind)]
    kinds = {kind for each in feed.entity for kind in ("trip_update", "vehicle", "alert") if each.HasField(kind)}
    trips = frozenset(part.trip.trip_id for part in parts if part.trip.trip_id)
    vehicles = frozenset(part.vehicle.id for part in parts if part.vehicle.id)
    return Message(source, feed.header.timestamp, frozenset(kinds), trips, vehicles)


def before(message: Message, sources: Iterable[Source]) -> Message | None:
    """Return the message of the same feed that came before one; None for the first.

    Messages are of one feed when they have entities of the same kinds, name a trip or a vehicle in common and are
    written in the same form. They follow each other as given; files of one folder whose names differ in numbers only
    follow their numbers.
    """
    found = [each for each in map(message_of, sources) if each is not None and _same_feed(each, message)]
    if len({_plain(each.source.file) for each in found}) == 1:
        found.sort(key=lambda each: [int(number) for number in _NUMBERS.findall(each.source.file.name)])
    place = next((place for place, each in enumerate(found) if each.source.path == message.source.path), 0)
    return found[place - 1] if place else None


def partners(message: Message, kind: str, sources: Sequence[Source]) -> list[Message]:
    """Return the messages of another feed about the same moment: those with entities of a kind that this one lacks.

    Of each feed (one folder and form) only the message that is nearest in time counts, if it is near at all.
    """
    nearest: dict[tuple[str, frozenset[str]], Message] = {}
    for each in map(message_of, sources):
        if each is None or kind not in each.kinds or not each.meets(message) or not _near(each, message):
            continue
        feed = (each.source.suffix, each.kinds)
        known = nearest.get(feed)
        if known is None or _apart(each, message) < _apart(known, message):
            nearest[feed] = each
    same = [each for each in nearest.values() if each.source.suffix == message.source.suffix]
    return (same or [*nearest.values()])[:1]


def _same_feed(first: Message, second: Message) -> bool:
    alike = first.kinds == second.kinds and first.source.suffix == second.source.suffix
    return alike and (first.source.path == second.source.path or first.meets(second))


def _near(first: Message, second: Message) -> bool:
    return is_posix(first.header_s) and is_posix(second.header_s) and _apart(first, second) <= _PAIR_S


def _apart(first: Message, second: Message) -> int:
    return abs(first.header_s - second.header_s)


def _plain(path: Path) -> tuple[Any, str]:
    return path.parent, _NUMBERS.sub("", path.name)
