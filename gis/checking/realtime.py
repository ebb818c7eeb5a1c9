"""GTFS-realtime against its specification, with the rules of its validator (MobilityData).

What a file says by itself is judged here; what it says of trips, routes and stops in `gis.checking.realtime_schedule`,
where the schedule is among the sources of the report; what several messages say in `gis.checking.realtime_series`.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
import time
from typing import TYPE_CHECKING, Any

from gis.checking.realtime_schedule import check_against, check_stations, schedule_of
from gis.checking.realtime_series import check_age, check_pairs, check_series
from gis.checking.realtime_timetable import is_schedule, read_schedule
from gis.networks.live_feed import is_live_feed, is_posix, read_live_feed
from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scenes.sources import Source

_ADVICE = "tell the agency that publishes it"
_SCHEDULE = "name the schedule (GTFS) that it belongs to as well"
_VERSIONS = ("1.0", "2.0")
_FAST_M_S = 26.0
_AHEAD_S = 60
_START_TIME = re.compile(r"\d{1,2}:[0-5]\d:[0-5]\d")
_SKIPPED, _NO_DATA, _UNSCHEDULED = 1, 2, 3
_ADDED_OR_CANCELLED = (1, 3, 7, 8)  # ADDED, CANCELED, DELETED, NEW


class GtfsRealtimeChecker:
    """Checks GTFS-realtime messages, alone and against the schedule beside them in the report."""

    name = "gtfs-realtime"
    guarded = True

    def __init__(self) -> None:
        self.beside: tuple[Source, ...] = ()

    def supports(self, source: Source) -> bool:
        """Say whether it is such a message, or a schedule that one of the messages beside it may belong to."""
        if is_live_feed(source):
            return True
        return any(map(is_live_feed, self.beside)) and is_schedule(source)

    def check(self, source: Source) -> list[Problem]:
        """Return what is wrong with times, positions and references, alone and beside the other messages.

        Raises
        ------
        LoadError
            When it is no such message.
        """
        if not is_live_feed(source):
            return list(check_stations(read_schedule(source)))
        feed = read_live_feed(source)
        found = [*_header(feed, source.title), *check_age(feed, source), *_entities(feed)]
        schedule = schedule_of(self.beside, feed)
        found += [*check_series(feed, source, self.beside), *check_pairs(feed, source, self.beside, schedule)]
        if schedule is None:
            what = "its trips, routes and stops are not checked: no schedule is among the sources"
            return [*found, Problem("info", source.title, "realtime-without-schedule", what, _SCHEDULE)]
        return [*found, *check_against(feed, schedule)]


def _header(feed: Any, title: str) -> Iterator[Problem]:
    head = feed.header
    if head.gtfs_realtime_version not in _VERSIONS:
        what = f"version {head.gtfs_realtime_version!r} is not one of {', '.join(_VERSIONS)}"
        yield Problem("error", title, "E038", what, _ADVICE)
    yield from _time(head.timestamp, "its header", title, missing=head.gtfs_realtime_version != "2.0")
    if head.gtfs_realtime_version == "2.0":
        if not head.timestamp:
            yield Problem("error", title, "E048", "its header has no timestamp, which version 2.0 requires", _ADVICE)
        if not head.HasField("incrementality"):
            yield Problem("error", title, "E049", "does not say whether it is the full dataset", _ADVICE)
    if is_posix(head.timestamp) and head.timestamp > time.time() + _AHEAD_S:
        yield Problem("error", title, "E050", "its header is of a time in the future", "set the clock of the server")
    named = [each.vehicle.vehicle.id for each in feed.entity if each.vehicle.vehicle.id]
    for name in dict.fromkeys(each for each in named if named.count(each) > 1):
        yield Problem("error", name, "E052", f"is the id of {named.count(name)} vehicles", _ADVICE)


def _time(seconds: int, what: str, where: str, *, missing: bool = True) -> Iterator[Problem]:
    """Yield what is wrong with a time; `missing` says whether it should be there."""
    if not seconds:
        if missing:
            yield Problem("warning", where, "W001", f"{what} has no timestamp", _ADVICE)
    elif not is_posix(seconds):
        yield Problem("error", where, "E001", f"{what} has the time {seconds}, which is not in POSIX seconds", _ADVICE)


def _entities(feed: Any) -> Iterator[Problem]:
    full = feed.header.incrementality == 0
    for entity in feed.entity:
        where = entity.id or "entity"
        if full and entity.is_deleted:
            yield Problem("error", where, "E039", "is deleted in what is a full dataset", _ADVICE)
        for field in ("trip_update", "vehicle"):
            if entity.HasField(field):
                part = getattr(entity, field)
                yield from _stated(part, feed.header.timestamp, field.replace("_", " "), where)
        if entity.HasField("trip_update"):
            yield from _update(entity.trip_update, where)
        if entity.HasField("vehicle"):
            yield from _position(entity.vehicle, where)
        if entity.HasField("alert"):
            yield from _alert(entity.alert, where)


def _stated(part: Any, header_s: int, what: str, where: str) -> Iterator[Problem]:
    """Yield what is wrong with the time, the vehicle and the trip of an update or a position."""
    yield from _time(part.timestamp, f"its {what}", where)
    if is_posix(header_s) and is_posix(part.timestamp) and part.timestamp > header_s:
        late = part.timestamp - header_s
        yield Problem("error", where, "E012", f"its {what} is {late} s younger than the header", _ADVICE)
    if not part.vehicle.id:
        yield Problem("warning", where, "W002", "has no vehicle id", _ADVICE)
    if part.HasField("trip"):
        yield from _trip(part.trip, where)


def _trip(trip: Any, where: str) -> Iterator[Problem]:
    if trip.start_time and not _START_TIME.fullmatch(trip.start_time):
        yield Problem("error", where, "E020", f"its start time {trip.start_time!r} is not HH:MM:SS", _ADVICE)
    if trip.start_date and not _is_date(trip.start_date):
        yield Problem("error", where, "E021", f"its start date {trip.start_date!r} is not YYYYMMDD", _ADVICE)
    if not trip.HasField("schedule_relationship"):
        yield Problem("warning", where, "W009", "does not say how its trip relates to the schedule", _ADVICE)


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{8}", text):
        return False
    try:
        dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _update(update: Any, where: str) -> Iterator[Problem]:
    stops = list(update.stop_time_update)
    if not update.trip.trip_id:
        yield Problem("warning", where, "W006", "its trip update names no trip", _ADVICE)
    if not stops and update.trip.schedule_relationship not in _ADDED_OR_CANCELLED:
        yield Problem("error", where, "E041", "its trip update says nothing of any stop", _ADVICE)
    for stop in stops:
        yield from _stop(stop, where)
    yield from _order(stops, where)


def _named(stop: Any) -> str:
    return f"stop {stop.stop_id or stop.stop_sequence or '?'}"


def _stop(stop: Any, where: str) -> Iterator[Problem]:
    shown, events = _named(stop), [name for name in ("arrival", "departure") if stop.HasField(name)]
    relation = stop.schedule_relationship
    if not stop.stop_id and not stop.HasField("stop_sequence"):
        yield Problem("error", where, "E040", "an update names neither a stop nor its place in the trip", _ADVICE)
    if relation == _NO_DATA and events:
        yield Problem("error", where, "E042", f"{shown} has times, though it says that there are no data", _ADVICE)
    if not events and relation not in (_SKIPPED, _NO_DATA, _UNSCHEDULED):
        yield Problem("error", where, "E043", f"{shown} has neither arrival nor departure", _ADVICE)
    for name in events:
        event = getattr(stop, name)
        if not event.HasField("time") and not event.HasField("delay"):
            yield Problem("error", where, "E044", f"the {name} at {shown} has neither time nor delay", _ADVICE)
        elif event.HasField("time"):
            yield from _time(event.time, f"the {name} at {shown}", where, missing=False)
    if stop.arrival.time and stop.departure.time and stop.departure.time < stop.arrival.time:
        yield Problem("error", where, "E025", f"leaves {shown} before it has arrived there", _ADVICE)


def _order(stops: Sequence[Any], where: str) -> Iterator[Problem]:
    """Yield what is wrong between one stop and the next."""
    numbers = [stop.stop_sequence for stop in stops if stop.HasField("stop_sequence")]
    if any(after < before for before, after in itertools.pairwise(numbers)):
        yield Problem("error", where, "E002", "its updates are not in the order of the stops", _ADVICE)
    for before, after in itertools.pairwise(stops):
        if before.HasField("stop_sequence") and before.stop_sequence == after.stop_sequence:
            what = f"two updates in a row are for place {after.stop_sequence} of the trip"
            yield Problem("error", where, "E036", what, _ADVICE)
        if before.stop_id and before.stop_id == after.stop_id:
            yield Problem("error", where, "E037", f"two updates in a row are for {_named(after)}", _ADVICE)
    times = [(stop, value) for stop in stops for value in (stop.arrival.time, stop.departure.time) if value]
    for (before, earlier), (after, later) in itertools.pairwise(times):
        if before is not after and later <= earlier:
            yield Problem("error", where, "E022", f"is at {_named(after)} no later than at {_named(before)}", _ADVICE)


def _position(vehicle: Any, where: str) -> Iterator[Problem]:
    if not vehicle.HasField("position"):
        return
    place = vehicle.position
    lon, lat = place.longitude, place.latitude
    if not (abs(lon) <= 180.0 and abs(lat) <= 90.0 and lon != 0.0 and lat != 0.0):
        what = f"its vehicle is at {lon:g}, {lat:g}, which is no place"
        yield Problem("error", where, "E026", what, _ADVICE, f"{lon:g}, {lat:g}")
    if place.HasField("bearing") and not 0.0 <= place.bearing <= 360.0:
        yield Problem("error", where, "E027", f"its bearing {place.bearing:g} is not between 0 and 360", _ADVICE)
    if place.HasField("speed") and not 0.0 <= place.speed <= _FAST_M_S:
        yield Problem("warning", where, "W004", f"its speed of {place.speed:g} m/s is unusual", _ADVICE)


def _alert(alert: Any, where: str) -> Iterator[Problem]:
    if not alert.informed_entity:
        yield Problem("error", where, "E032", "an alert does not say what it is about", _ADVICE)
    for about in alert.informed_entity:
        if not about.ListFields():
            yield Problem("error", where, "E033", "an alert is about something that it does not name", _ADVICE)
        if about.route_id and about.trip.route_id and about.route_id != about.trip.route_id:
            what = f"an alert is about route {about.route_id} and a trip of route {about.trip.route_id}"
            yield Problem("error", where, "E031", what, _ADVICE)
