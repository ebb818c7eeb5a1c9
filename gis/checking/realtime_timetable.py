"""A schedule (GTFS), looked up by the ids that live data name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from shapely.geometry import LineString, Polygon, box

from gis.networks.gtfs_feed import is_feed, read_feed
from gis.networks.gtfs_stops import shape_paths, stop_places
from scenes.errors import CityTwinError
from scenes.georeference import Georeference
from scenes.problems import Problems

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.networks.gtfs_feed import Feed
    from scenes.sources import Source

_OUTSIDE_M = 1_609.0  # a mile around stops and shapes is the area of an agency


@dataclass(frozen=True, eq=False)
class Schedule:
    """A schedule, looked up by the ids that live data name.

    Parameters
    ----------
    source, feed
        The file and its tables.
    """

    source: Source
    feed: Feed

    @cached_property
    def trips(self) -> dict[str, int]:
        """Row of each trip."""
        return {name: row for row, name in enumerate(self.feed.texts("trips", "trip_id"))}

    @cached_property
    def routes(self) -> set[str]:
        """Ids of the routes."""
        return set(self.feed.texts("routes", "route_id"))

    @cached_property
    def agencies(self) -> set[str]:
        """Ids of the agencies."""
        return set(self.feed.texts("agency", "agency_id"))

    @cached_property
    def stops(self) -> dict[str, str]:
        """Kind (location_type) of each stop."""
        ids, kinds = self.feed.texts("stops", "stop_id"), self.feed.texts("stops", "location_type")
        return dict(zip(ids, kinds, strict=True))

    @cached_property
    def calls(self) -> dict[str, dict[int, str]]:
        """Stop of each place (stop_sequence) of each trip."""
        found: dict[str, dict[int, str]] = {}
        rows = zip(
            self.feed.texts("stop_times", "trip_id"),
            self.places.tolist(),
            self.feed.texts("stop_times", "stop_id"),
            strict=True,
        )
        for trip, sequence, stop in rows:
            found.setdefault(trip, {})[sequence] = stop
        return found

    @cached_property
    def frequent(self) -> set[str]:
        """Trips that run by headway."""
        return set(self.feed.texts("frequencies", "trip_id"))

    @cached_property
    def inexact(self) -> set[str]:
        """Trips that run by headway without times of their own (``exact_times`` 0)."""
        names, exact = self.feed.texts("frequencies", "trip_id"), self.feed.numbers("frequencies", "exact_times")
        return set(names[exact != 1])

    @cached_property
    def exact(self) -> dict[str, list[tuple[float, float, float]]]:
        """Periods (begin, end, headway, in seconds) of the trips whose headway makes exact times."""
        feed, found = self.feed, dict[str, list[tuple[float, float, float]]]()
        times = [feed.seconds("frequencies", name) for name in ("start_time", "end_time")]
        rows = np.stack([*times, feed.numbers("frequencies", "headway_secs")], axis=1)
        good = np.isfinite(rows).all(axis=1) & (rows[:, 2] > 0) & (feed.numbers("frequencies", "exact_times") == 1)
        for name, (begin, end, headway) in zip(feed.texts("frequencies", "trip_id")[good], rows[good], strict=True):
            found.setdefault(str(name), []).append((float(begin), float(end), float(headway)))
        return found

    @cached_property
    def untimed(self) -> dict[str, set[tuple[str, int]]]:
        """Calls (trip, stop_sequence) without an arrival and without a departure."""
        trips, places = self.feed.texts("stop_times", "trip_id"), self.places
        found = {}
        for event in ("arrival", "departure"):
            empty = np.isnan(self.feed.seconds("stop_times", f"{event}_time"))
            found[event] = set(zip(trips[empty].tolist(), places[empty].tolist(), strict=True))
        return found

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Place (stop_sequence) of each stop time, -1 where it is no number."""
        return np.nan_to_num(self.feed.numbers("stop_times", "stop_sequence"), nan=-1).astype(np.int64)

    @cached_property
    def first_s(self) -> dict[str, float]:
        """Seconds after midnight at which each trip begins, by its least place."""
        ids, times = self.feed.texts("stop_times", "trip_id"), self.feed.seconds("stop_times", "departure_time")
        order = np.argsort(-np.nan_to_num(self.feed.numbers("stop_times", "stop_sequence")), kind="stable")
        return dict(zip(ids[order], times[order].tolist(), strict=True))

    @cached_property
    def frame(self) -> Georeference:
        """A frame in metres around the stops."""
        places = stop_places(self.feed, Problems(limit=0), self.source)
        lon, lat = np.nanmedian(places, axis=0)
        return Georeference.around(float(lon), float(lat))

    @cached_property
    def shapes(self) -> dict[str, LineString]:
        """Line of each shape, in metres of the frame."""
        paths = shape_paths(self.feed, Problems(limit=0), self.source)
        return {
            name: LineString(np.column_stack(self.frame.from_lonlat(path[:, 0], path[:, 1])))
            for name, path in paths.items()
            if len(path) > 1
        }

    @cached_property
    def area(self) -> Polygon:
        """The box around stops and shapes, a mile wider."""
        places = stop_places(self.feed, Problems(limit=0), self.source)
        places = places[np.isfinite(places).all(axis=1)]
        corners = [np.column_stack(self.frame.from_lonlat(places[:, 0], places[:, 1]))]
        corners += [np.array(shape.bounds).reshape(2, 2) for shape in self.shapes.values()]
        (west, south), (east, north) = (bound(np.concatenate(corners), axis=0) for bound in (np.min, np.max))
        return box(west - _OUTSIDE_M, south - _OUTSIDE_M, east + _OUTSIDE_M, north + _OUTSIDE_M)

    def of_trip(self, name: str, column: str) -> str:
        """Return a value of a trip."""
        return str(self.feed.texts("trips", column)[self.trips[name]])


def is_schedule(source: Source) -> bool:
    """Say whether a source is a folder or a zip with the tables of a schedule."""
    if source.is_remote or not source.file.exists() or not (source.file.is_dir() or source.suffix == ".zip"):
        return False
    try:
        return is_feed(source.file)
    except CityTwinError:
        return False


def read_schedule(source: Source) -> Schedule:
    """Return a schedule; it is read once for all the messages that are checked against it.

    Raises
    ------
    LoadError
        When it is none.
    """
    files = [source.file, *source.file.iterdir()] if source.file.is_dir() else [source.file]
    return _schedule(source, tuple(sorted((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in files)))


@lru_cache(maxsize=2)
def _schedule(source: Source, _state: tuple[tuple[str, int, int], ...]) -> Schedule:
    return Schedule(source, read_feed(source.file, Problems(limit=0)))
