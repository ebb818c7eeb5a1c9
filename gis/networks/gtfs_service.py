"""When the trips of a feed run: calendars, the busiest day, trips a day and headways."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.networks.gtfs_feed import Feed
    from scenes.problems import Problems

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Days = NDArray[np.datetime64]

_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MOST_DAYS = 1_500
_MOST_RUNS = 100_000


@dataclass(frozen=True, eq=False)
class Service:
    """What runs on which day.

    Parameters
    ----------
    days
        (d,) dates of the feed; empty where it has no calendar.
    runs
        (t,) departures of each trip on a day it runs: 1, or more for trips repeated by frequencies.
    runs_on_day
        (t,) departures of each trip on the busiest day.
    first_day, last_day
        (t,) dates between which each trip runs; NaT where unknown.
    busiest
        The day with most departures; NaT where there is no calendar.
    """

    days: Days
    runs: Integers
    runs_on_day: Integers
    first_day: Days
    last_day: Days
    busiest: np.datetime64


def service_of(feed: Feed, problems: Problems, where: str) -> Service:
    """Return when each trip of the feed runs.

    A feed without calendars counts as if every trip ran every day.
    """
    runs = _runs(feed)
    names, trip_service = np.unique(feed.texts("trips", "service_id").astype(str), return_inverse=True)
    index = {str(name): row for row, name in enumerate(names)}
    days = _days(feed)
    count = len(trip_service)
    never = np.full(count, np.datetime64("NaT"), "datetime64[D]")
    if not len(days):
        problems.add("warning", where, "missing-calendar", "has no calendar: every trip counts as daily")
        return Service(days, runs, runs, never, never, np.datetime64("NaT", "D"))
    active = _active(feed, index, days)
    weights = np.bincount(trip_service, weights=runs, minlength=len(names))
    busiest = int(np.argmax(weights @ active))
    ever = active.any(axis=1)
    first = np.where(ever, days[np.argmax(active, axis=1)], np.datetime64("NaT"))
    last = np.where(ever, days[len(days) - 1 - np.argmax(active[:, ::-1], axis=1)], np.datetime64("NaT"))
    unknown = sorted({str(names[row]) for row in np.flatnonzero(~ever).tolist()})
    for name in unknown:
        problems.add("warning", f"{where}/trips.txt", "service-never-active", f"service {name} runs on no day")
    on_day = np.where(active[trip_service, busiest], runs, 0)
    return Service(days, runs, on_day, first[trip_service], last[trip_service], days[busiest])


@dataclass(frozen=True, eq=False)
class Departures:
    """Every departure of the busiest day.

    Parameters
    ----------
    trip
        (n,) rows of ``trips.txt``.
    time_s
        (n,) seconds after midnight.
    """

    trip: Integers
    time_s: Floats


def departures_of(feed: Feed, service: Service, first_s: Floats) -> Departures:
    """Return the departures of the busiest day: of each trip its own, or those that frequencies make of it.

    Parameters
    ----------
    feed, service
        The feed and its calendar.
    first_s
        (t,) first departure of each trip in ``stop_times.txt``.
    """
    trip, begin, end, headway = _frequencies(feed)
    repeated = np.zeros(len(first_s), bool)
    repeated[trip] = True
    runs = service.runs_on_day > 0
    plain = np.flatnonzero(runs & ~repeated & np.isfinite(first_s))
    trips, times = [plain], [first_s[plain]]
    for row in np.flatnonzero(runs[trip]).tolist():
        series = np.arange(begin[row], end[row], headway[row])[:_MOST_RUNS]
        trips.append(np.full(len(series), trip[row]))
        times.append(series)
    return Departures(np.concatenate(trips).astype(np.int64), np.concatenate(times))


def headway_min(times_s: Floats, directions: NDArray[np.object_]) -> float:
    """Return the median minutes between departures in the same direction, NaN where fewer than two leave.

    Parameters
    ----------
    times_s
        (n,) departures.
    directions
        (n,) words that tell directions apart.

    Examples
    --------
    >>> headway_min(np.array([0.0, 600.0, 1800.0, 60.0]), np.array(["0", "0", "0", "1"], object))
    15.0
    """
    gaps = [np.diff(np.sort(times_s[directions == word])) for word in np.unique(directions.astype(str))]
    every = np.concatenate(gaps) if gaps else np.zeros(0)
    every = every[every > 0]
    return float(np.median(every) / 60.0) if len(every) else float("nan")


def _runs(feed: Feed) -> Integers:
    runs = np.ones(feed.count("trips"), np.int64)
    trip, begin, end, headway = _frequencies(feed)
    if len(trip):
        repeated = np.ceil((end - begin) / headway).astype(np.int64)
        runs[np.unique(trip)] = 0
        np.add.at(runs, trip, np.clip(repeated, 0, _MOST_RUNS))
    return runs


def _frequencies(feed: Feed) -> tuple[Integers, Floats, Floats, Floats]:
    trip = feed.places("frequencies", "trip_id", "trips", "trip_id")
    begin, end = feed.seconds("frequencies", "start_time"), feed.seconds("frequencies", "end_time")
    headway = feed.numbers("frequencies", "headway_secs")
    good = (trip >= 0) & (end > begin) & (headway > 0)
    return trip[good], begin[good], end[good], headway[good]


def dates_of(texts: NDArray[np.object_]) -> Days:
    """Return dates written YYYYMMDD, NaT for what is none.

    Examples
    --------
    >>> dates_of(np.array(["20240229", "20230229"], object)).tolist()
    [datetime.date(2024, 2, 29), None]
    """
    found = np.full(len(texts), np.datetime64("NaT"), "datetime64[D]")
    for row, text in enumerate(texts.tolist()):
        if len(text) == 8 and text.isdigit():
            try:
                found[row] = np.datetime64(dt.date(int(text[:4]), int(text[4:6]), int(text[6:])))
            except ValueError:
                continue
    return found


def _days(feed: Feed) -> Days:
    """Return every date from the first to the last of the calendars, at most some years."""
    parts = [dates_of(feed.texts("calendar", name)) for name in ("start_date", "end_date")]
    extra = feed.numbers("calendar_dates", "exception_type") == 1
    parts.append(dates_of(feed.texts("calendar_dates", "date"))[extra])
    every = np.concatenate(parts)
    every = every[~np.isnat(every)]
    if not len(every):
        return np.zeros(0, "datetime64[D]")
    last = min(every.max(), every.min() + np.timedelta64(_MOST_DAYS, "D"))
    return np.arange(every.min(), last + np.timedelta64(1, "D"))


def _active(feed: Feed, index: dict[str, int], days: Days) -> NDArray[np.bool_]:
    """Return (services, days): whether a service runs on a day."""
    active = np.zeros((len(index), len(days)), bool)
    weekday = (days.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    flags = np.stack([feed.numbers("calendar", name) == 1 for name in _WEEK], axis=1)
    begin, end = (dates_of(feed.texts("calendar", name)) for name in ("start_date", "end_date"))
    for row, name in enumerate(feed.texts("calendar", "service_id").tolist()):
        place = index.get(name)
        if place is not None and not np.isnat(begin[row]) and not np.isnat(end[row]):
            active[place] |= flags[row][weekday] & (days >= begin[row]) & (days <= end[row])
    dates = dates_of(feed.texts("calendar_dates", "date"))
    change = feed.numbers("calendar_dates", "exception_type")
    for row, name in enumerate(feed.texts("calendar_dates", "service_id").tolist()):
        place = index.get(name)
        if place is not None and not np.isnat(dates[row]) and days[0] <= dates[row] <= days[-1]:
            active[place, int((dates[row] - days[0]).astype(int))] = change[row] == 1
    return active
