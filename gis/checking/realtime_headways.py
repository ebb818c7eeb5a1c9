"""GTFS-realtime about trips that run by headway, which the schedule has in ``frequencies.txt``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gis.checking.realtime_timetable import Schedule

_ADVICE = "tell the agency that publishes it"
_CHECK = "check that it belongs to this schedule"
_UNSCHEDULED = 2


def check_headways(part: Any, schedule: Schedule, where: str) -> Iterator[Problem]:
    """Yield what is wrong with an update or a position of a trip that runs by headway.

    With ``exact_times`` 0 the trip needs what tells its runs apart; with 1 it starts at one of the times that the
    headway makes.
    """
    trip = part.trip
    if trip.trip_id in schedule.inexact:
        for field, name in (("start_time", "start time"), ("start_date", "start date")):
            if not getattr(trip, field):
                what = f"trip {trip.trip_id!r} runs by headway, but has no {name}"
                yield Problem("error", where, "E006", what, _ADVICE)
        if trip.HasField("schedule_relationship") and trip.schedule_relationship != _UNSCHEDULED:
            what = f"trip {trip.trip_id!r} runs by headway, so it is unscheduled or nothing is said"
            yield Problem("error", where, "E013", what, _ADVICE)
        if not part.vehicle.id:
            what = f"trip {trip.trip_id!r} runs by headway, but has no vehicle id to tell its runs apart"
            yield Problem("warning", where, "W005", what, _ADVICE)
    said = seconds(trip.start_time)
    periods = schedule.exact.get(trip.trip_id, ())
    on_time = any(begin <= said < end and (said - begin) % headway == 0 for begin, end, headway in periods)
    if periods and math.isfinite(said) and not on_time:  # E020 tells of texts that are no times
        what = f"trip {trip.trip_id!r} starts at {trip.start_time}, which is none of the times that its headway makes"
        yield Problem("error", where, "E019", what, _CHECK)


def seconds(text: str) -> float:
    """Return seconds after midnight, NaN where a text is no time.

    Examples
    --------
    >>> seconds("25:00:10"), seconds("noon")
    (90010.0, nan)
    """
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        return float("nan")
    hours, minutes, rest = map(int, parts)
    return hours * 3600.0 + minutes * 60.0 + rest
