"""GTFS-realtime messages against each other: the one before of the same feed, and the other feed of the same trips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gis.checking.realtime_files import before, message_of, partners
from gis.networks.live_feed import is_posix, read_live_feed
from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gis.checking.realtime_timetable import Schedule
    from scenes.sources import Source

_SERVER = "let every server publish the same message"
_ADVICE = "tell the agency that publishes it"
_OFTEN = "publish a message at least every 30 seconds"
_REFRESH_S = 35
_OLD_S = 65
_COPY_S = 86_400  # a file that is written so long after its header says nothing of how old the message was when fetched


def check_age(feed: Any, source: Source) -> Iterator[Problem]:
    """Yield that a message was old when its file was written, which is taken for the time when it was fetched."""
    said = feed.header.timestamp
    age = int(source.file.stat().st_mtime) - said if is_posix(said) else 0
    if _OLD_S < age <= _COPY_S:
        what = f"its header was already {age} s old when the file was written"
        yield Problem("warning", source.title, "W008", what, _OFTEN)


def check_series(feed: Any, source: Source, beside: Sequence[Source]) -> Iterator[Problem]:
    """Yield what is wrong between a message and the one before it of the same feed.

    Messages that are equal were fetched twice and break no rule.
    """
    own = message_of(source)
    earlier = before(own, beside) if own else None
    if earlier is None or not earlier.header_s or not feed.header.timestamp:
        return
    title, name = source.title, earlier.source.title
    interval = feed.header.timestamp - earlier.header_s
    if interval > _REFRESH_S:
        yield Problem("warning", title, "W007", f"comes {interval} s after {name}, the message before it", _OFTEN)
    elif interval <= 0 and feed != read_live_feed(earlier.source):
        if interval:
            what = f"its header is {-interval} s older than that of {name}, the message before it"
            yield Problem("error", title, "E018", what, _SERVER)
        else:
            what = f"differs from {name}, the message before it, but has the same time in its header"
            yield Problem("error", title, "E017", what, _SERVER)


def check_pairs(feed: Any, source: Source, beside: Sequence[Source], schedule: Schedule | None) -> Iterator[Problem]:
    """Yield where trip updates and vehicle positions, each a feed of its own, differ in trips and vehicles."""
    own = message_of(source)
    if own is None or len(own.kinds & {"trip_update", "vehicle"}) != 1:
        return
    (kind,) = own.kinds & {"trip_update", "vehicle"}
    other = "vehicle" if kind == "trip_update" else "trip_update"
    for partner in partners(own, other, beside):
        there = read_live_feed(partner.source)
        if {each for each in (kind, other) if any(entity.HasField(each) for entity in there.entity)} == {other}:
            yield from _unmatched(_pairs(feed, kind), _pairs(there, other), partner.source.title)
            yield from _crossed(_pairs(feed, kind), _pairs(there, other), partner.source.title, schedule)


def _pairs(feed: Any, kind: str) -> list[tuple[str, str, str]]:
    """Return (entity, trip, vehicle) of the updates or positions that can be compared."""
    parts = [(entity.id or "entity", getattr(entity, kind)) for entity in feed.entity if entity.HasField(kind)]
    found = [(where, part.trip.trip_id, part.vehicle.id) for where, part in parts]
    return [each for each in found if (each[1] if kind == "trip_update" else each[2])]


def _unmatched(here: list[tuple[str, str, str]], there: list[tuple[str, str, str]], name: str) -> Iterator[Problem]:
    trips, vehicles = {trip for _, trip, _ in there}, {vehicle for _, _, vehicle in there}
    for where, trip, vehicle in here:
        if trip and trip not in trips:
            yield Problem("warning", where, "W003", f"its trip {trip!r} is not in {name}", _ADVICE)
        if vehicle and vehicle not in vehicles:
            yield Problem("warning", where, "W003", f"its vehicle {vehicle!r} is not in {name}", _ADVICE)


def _crossed(
    here: list[tuple[str, str, str]], there: list[tuple[str, str, str]], name: str, schedule: Schedule | None
) -> Iterator[Problem]:
    """Yield pairs of trip and vehicle that the other feed pairs otherwise; trips of one block share their vehicle."""
    vehicles: dict[str, set[str]] = {}
    trips: dict[str, set[str]] = {}
    for _, trip, vehicle in there:
        if trip and vehicle:
            vehicles.setdefault(trip, set()).add(vehicle)
            trips.setdefault(vehicle, set()).add(trip)
    for where, trip, vehicle in here:
        if not trip or not vehicle:
            continue
        if vehicle not in vehicles.get(trip, {vehicle}):
            what = f"its trip {trip!r} has vehicle {vehicle!r}, but {min(vehicles[trip])!r} in {name}"
            yield Problem("error", where, "E047", what, _ADVICE)
        elif not any(trip == each or _one_block(trip, each, schedule) for each in trips.get(vehicle, {trip})):
            what = f"its vehicle {vehicle!r} runs trip {trip!r}, but {min(trips[vehicle])!r} in {name}"
            yield Problem("error", where, "E047", what, _ADVICE)


def _one_block(trip: str, other: str, schedule: Schedule | None) -> bool:
    if schedule is None or trip not in schedule.trips or other not in schedule.trips:
        return False
    block = schedule.of_trip(trip, "block_id")
    return bool(block) and block == schedule.of_trip(other, "block_id")
