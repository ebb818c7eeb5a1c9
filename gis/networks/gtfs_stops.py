"""The stop times of a feed in order, and the stops and shapes that can be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.datum import unshifted
from scenes.georeference import WGS84

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.networks.gtfs_feed import Feed
    from scenes.problems import Problems
    from scenes.sources import Source

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Objects = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class StopTimes:
    """Stop times sorted by trip and sequence.

    Parameters
    ----------
    starts
        (t + 1,) first stop time of each trip of ``trips.txt``.
    stop
        (n,) rows of ``stops.txt``.
    arrival_s, departure_s
        (n,) seconds after midnight, NaN where unknown.
    first_s, last_s
        (t,) first and last known time of each trip.
    """

    starts: Integers
    stop: Integers
    arrival_s: Floats
    departure_s: Floats
    first_s: Floats
    last_s: Floats


def stop_times_of(feed: Feed, problems: Problems, where: str) -> StopTimes:
    """Return the stop times whose trip and stop exist."""
    trip = feed.places("stop_times", "trip_id", "trips", "trip_id")
    stop = feed.places("stop_times", "stop_id", "stops", "stop_id")
    for column, found in (("trip_id", trip), ("stop_id", stop)):
        lost = np.flatnonzero(found < 0)
        if len(lost):
            name = feed.texts("stop_times", column)[lost[0]]
            text = f"{len(lost)} rows name a {column} that does not exist, such as {name!r}: left out"
            problems.add("warning", f"{where}/stop_times.txt", "foreign-key-violation", text)
    sequence = feed.numbers("stop_times", "stop_sequence")
    arrive, leave = feed.seconds("stop_times", "arrival_time"), feed.seconds("stop_times", "departure_time")
    kept = np.flatnonzero((trip >= 0) & (stop >= 0))
    kept = kept[np.lexsort((sequence[kept], trip[kept]))]
    count = feed.count("trips")
    starts = np.searchsorted(trip[kept], np.arange(count + 1))
    arrive, leave = arrive[kept], leave[kept]
    _check_order(feed, arrive, leave, trip[kept], problems, where)
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    for values in (arrive, leave):
        known = np.isfinite(values)
        np.minimum.at(first, trip[kept][known], values[known])
        np.maximum.at(last, trip[kept][known], values[known])
    return StopTimes(
        starts, stop[kept], arrive, leave,
        np.where(np.isfinite(first), first, np.nan), np.where(np.isfinite(last), last, np.nan),
    )  # fmt: skip


def stop_places(feed: Feed, problems: Problems, source: Source) -> Floats:
    """Return WGS 84 longitude and latitude of each stop, (s, 2); NaN where it has none that can be true."""
    where = source.title
    lon, lat = feed.numbers("stops", "stop_lon"), feed.numbers("stops", "stop_lat")
    kinds, ids = feed.texts("stops", "location_type"), feed.texts("stops", "stop_id")
    outside = (np.abs(lon) > 180) | (np.abs(lat) > 90)
    origin = (np.abs(lon) < 1) & (np.abs(lat) < 1)
    missing = ~(np.isfinite(lon) & np.isfinite(lat)) & ~np.isin(kinds, ("3", "4"))
    rules = (
        (outside, "number-out-of-range", "lies at {1:g}, {0:g}, which is not on the Earth: left out"),
        (origin, "point-near-origin", "lies at {1:g}, {0:g}, in the sea off Africa: left out"),
        (missing, "stop-without-location", "has no latitude and longitude: left out"),
    )
    for mask, rule, text in rules:
        for row in np.flatnonzero(mask).tolist():
            problems.add("warning", f"{where}/stops.txt#{ids[row]}", rule, text.format(lon[row], lat[row]))
    bad = outside | origin | ~np.isfinite(lon) | ~np.isfinite(lat)
    places = _unmoved(source, lon, lat)
    places[bad] = np.nan
    return places


def shape_paths(feed: Feed, problems: Problems, source: Source) -> dict[str, Floats]:
    """Return (n, 2) WGS 84 longitude and latitude of each shape by its id, in the order of its points."""
    names, code = np.unique(feed.texts("shapes", "shape_id").astype(str), return_inverse=True)
    lon, lat = feed.numbers("shapes", "shape_pt_lon"), feed.numbers("shapes", "shape_pt_lat")
    good = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    if not good.all():
        text = f"{int((~good).sum())} points of shapes are not on the Earth: left out"
        problems.add("warning", f"{source.title}/shapes.txt", "number-out-of-range", text)
    order = np.flatnonzero(good)
    order = order[np.lexsort((feed.numbers("shapes", "shape_pt_sequence")[order], code[order]))]
    starts = np.searchsorted(code[order], np.arange(len(names) + 1))
    points = _unmoved(source, lon[order], lat[order])
    return {str(name): points[starts[row] : starts[row + 1]] for row, name in enumerate(names)}


def _unmoved(source: Source, lon: Floats, lat: Floats) -> Floats:
    """Return (n, 2) longitude and latitude of a feed without the map shift that its user names."""
    return np.column_stack(unshifted(source, WGS84, lon, lat)[1:])


def _check_order(feed: Feed, arrive: Floats, leave: Floats, trip: Integers, problems: Problems, where: str) -> None:
    back = np.zeros(len(trip), bool)
    back[1:] = (trip[1:] == trip[:-1]) & (arrive[1:] < leave[:-1])
    ids = feed.texts("trips", "trip_id")
    for row in np.unique(trip[back]).tolist():
        text = "arrives at a stop before it has left the one before"
        rule = "stop-time-with-arrival-before-previous-departure-time"
        problems.add("warning", f"{where}/trips.txt#{ids[row]}", rule, text)
