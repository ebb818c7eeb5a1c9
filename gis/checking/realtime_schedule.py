"""GTFS-realtime against the schedule that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry import LineString, Point

from gis.checking.realtime_headways import check_headways, seconds
from gis.checking.realtime_timetable import Schedule, is_schedule, read_schedule
from scenes.errors import CityTwinError
from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scenes.sources import Source

_ADVICE = "check that it belongs to this schedule"
_FAR_FROM_SHAPE_M = 150.0
_FAR_FROM_END_M = 1_000.0  # before its start and after its end a vehicle may stand in a yard
_LONGEST_S = 100 * 3_600.0  # no start time that can be read is later
_ADDED, _NEW = 1, 8


def schedule_of(sources: Sequence[Source], feed: Any) -> Schedule | None:
    """Return the schedule among some sources that knows most of the trips of a message; None if there is none.

    A schedule that cannot be read is told of where it is checked itself.
    """
    found = []
    for source in filter(is_schedule, sources):
        try:
            found.append(read_schedule(source))
        except CityTwinError:
            continue
    named = {trip.trip_id for trip in _trips(feed)}
    return max(found, key=lambda each: len(named & set(each.trips)), default=None)


def _trips(feed: Any) -> Iterator[Any]:
    for entity in feed.entity:
        for field in ("trip_update", "vehicle"):
            if entity.HasField(field) and getattr(entity, field).HasField("trip"):
                yield getattr(entity, field).trip


def check_against(feed: Any, schedule: Schedule) -> Iterator[Problem]:
    """Yield what a message says that the schedule does not know."""
    for entity in feed.entity:
        where = entity.id or "entity"
        for field in ("trip_update", "vehicle"):
            part = getattr(entity, field)
            if entity.HasField(field) and part.HasField("trip"):
                yield from _trip(part.trip, schedule, where)
                yield from check_headways(part, schedule, where)
        if entity.HasField("trip_update"):
            yield from _calls(entity.trip_update, schedule, where)
        if entity.HasField("vehicle"):
            yield from _vehicle(entity.vehicle, schedule, where)
        for about in entity.alert.informed_entity if entity.HasField("alert") else ():
            yield from _about(about, schedule, where)


def _trip(trip: Any, schedule: Schedule, where: str) -> Iterator[Problem]:
    added = trip.schedule_relationship in (_ADDED, _NEW)
    known = trip.trip_id in schedule.trips
    if trip.trip_id and not known and not added:
        yield Problem("error", where, "E003", f"trip {trip.trip_id!r} is not in the schedule", _ADVICE)
    if known and trip.schedule_relationship == _ADDED:
        yield Problem("error", where, "E016", f"trip {trip.trip_id!r} is added, but stands in the schedule", _ADVICE)
    if trip.route_id and trip.route_id not in schedule.routes:
        yield Problem("error", where, "E004", f"route {trip.route_id!r} is not in the schedule", _ADVICE)
    if not known:
        return
    route = schedule.of_trip(trip.trip_id, "route_id")
    if trip.route_id and trip.route_id != route:
        what = f"trip {trip.trip_id!r} belongs to route {route!r}, not to {trip.route_id!r}"
        yield Problem("error", where, "E035", what, _ADVICE)
    direction = schedule.of_trip(trip.trip_id, "direction_id")
    if trip.HasField("direction_id") and direction and direction != str(trip.direction_id):
        what = f"trip {trip.trip_id!r} goes in direction {direction}, not {trip.direction_id}"
        yield Problem("error", where, "E024", what, _ADVICE)
    begins = schedule.first_s.get(trip.trip_id, float("nan"))
    said = seconds(trip.start_time)
    if trip.trip_id not in schedule.frequent and abs(said - begins) >= 1.0 and said < _LONGEST_S:
        what = f"trip {trip.trip_id!r} starts at {trip.start_time}, which is not its first time in the schedule"
        yield Problem("error", where, "E023", what, _ADVICE)


def _stop(name: str, schedule: Schedule, where: str) -> Iterator[Problem]:
    if name and name not in schedule.stops:
        yield Problem("error", where, "E011", f"stop {name!r} is not in the schedule", _ADVICE)
    elif name and schedule.stops[name] not in ("", "0"):
        yield Problem("error", where, "E015", f"stop {name!r} is a station or an entrance, not a stop", _ADVICE)


def _calls(update: Any, schedule: Schedule, where: str) -> Iterator[Problem]:
    calls = schedule.calls.get(update.trip.trip_id)
    twice = calls is not None and len(set(calls.values())) < len(calls)
    for stop in update.stop_time_update:
        yield from _stop(stop.stop_id, schedule, where)
        if calls is None:
            continue
        yield from _delayed(update.trip.trip_id, stop, calls, schedule, where)
        if not stop.HasField("stop_sequence"):
            if twice and list(calls.values()).count(stop.stop_id) > 1:
                what = f"the trip calls at stop {stop.stop_id!r} twice, and an update does not say which call it is"
                yield Problem("error", where, "E009", what, _ADVICE)
        elif stop.stop_sequence not in calls:
            what = f"trip {update.trip.trip_id!r} has no place {stop.stop_sequence} in the schedule"
            yield Problem("error", where, "E051", what, _ADVICE)
        elif stop.stop_id in schedule.stops and calls[stop.stop_sequence] != stop.stop_id:
            what = f"place {stop.stop_sequence} of its trip is stop {calls[stop.stop_sequence]!r}, not {stop.stop_id!r}"
            yield Problem("error", where, "E045", what, _ADVICE)


def _delayed(trip: str, stop: Any, calls: dict[int, str], schedule: Schedule, where: str) -> Iterator[Problem]:
    """Yield delays at stops for which the schedule has no time that they could be added to."""
    if stop.HasField("stop_sequence"):
        place = stop.stop_sequence
    else:
        place = next((place for place, name in calls.items() if name == stop.stop_id), -1)
    for event in ("arrival", "departure"):
        said = getattr(stop, event)
        if stop.HasField(event) and not said.HasField("time") and (trip, place) in schedule.untimed[event]:
            what = f"the {event} at place {place} of its trip has a delay, but no time in the schedule"
            yield Problem("error", where, "E046", what, _ADVICE)


def check_stations(schedule: Schedule) -> Iterator[Problem]:
    """Yield the stations and entrances at which trips of a schedule stop."""
    wrong = {name for name, kind in schedule.stops.items() if kind not in ("", "0")}
    used = np.unique(schedule.feed.texts("stop_times", "stop_id").astype(str))
    for name in (str(each) for each in used if each in wrong):
        what = f"stop {name!r} is a station or an entrance (location_type {schedule.stops[name]}), but trips stop there"
        yield Problem("error", name, "E010", what, "name the platform instead")


def _vehicle(vehicle: Any, schedule: Schedule, where: str) -> Iterator[Problem]:
    yield from _stop(vehicle.stop_id, schedule, where)
    lon, lat = vehicle.position.longitude, vehicle.position.latitude
    if not vehicle.HasField("position") or not (abs(lon) <= 180 and abs(lat) <= 90 and lon != 0 and lat != 0):
        return
    point = Point(*map(float, schedule.frame.from_lonlat(lon, lat)))
    place = f"{lon:g}, {lat:g}"
    if not shapely.contains(schedule.area, point):
        yield Problem("error", where, "E028", "its vehicle is outside the area of the schedule", _ADVICE, place)
    if vehicle.trip.trip_id not in schedule.trips:
        return
    shape = schedule.shapes.get(schedule.of_trip(vehicle.trip.trip_id, "shape_id"))
    if shape is not None and (away := float(shapely.distance(shape, point))) > _reach_m(shape, point):
        yield Problem("error", where, "E029", f"its vehicle is {away:.0f} m from the way of its trip", _ADVICE, place)


def _reach_m(shape: LineString, point: Point) -> float:
    """Return how far from its way a vehicle may be: farther where an end of the way is next to it."""
    along = float(shapely.line_locate_point(shape, point, normalized=True))
    return _FAR_FROM_END_M if along in (0.0, 1.0) else _FAR_FROM_SHAPE_M


def _about(about: Any, schedule: Schedule, where: str) -> Iterator[Problem]:
    if about.agency_id and about.agency_id not in schedule.agencies:
        yield Problem("error", where, "E034", f"agency {about.agency_id!r} is not in the schedule", _ADVICE)
    if about.route_id and about.route_id not in schedule.routes:
        yield Problem("error", where, "E004", f"route {about.route_id!r} is not in the schedule", _ADVICE)
    if about.trip.trip_id and about.trip.trip_id not in schedule.trips:
        yield Problem("error", where, "E003", f"trip {about.trip.trip_id!r} is not in the schedule", _ADVICE)
    elif about.route_id and about.trip.trip_id:
        route = schedule.of_trip(about.trip.trip_id, "route_id")
        if route != about.route_id:
            what = f"an alert is about route {about.route_id!r} and trip {about.trip.trip_id!r} of route {route!r}"
            yield Problem("error", where, "E030", what, _ADVICE)
    if about.stop_id and about.stop_id not in schedule.stops:
        yield Problem("error", where, "E011", f"stop {about.stop_id!r} is not in the schedule", _ADVICE)
