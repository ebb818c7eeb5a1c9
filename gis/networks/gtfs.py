"""The loader of public transport schedules (GTFS): stops, routes with their statistics, and trips with their times."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from gis.colours import rgba
from gis.ground import ground_z, relief_of
from gis.networks.gtfs_feed import Feed, is_feed, read_feed
from gis.networks.gtfs_service import departures_of, headway_min, service_of
from gis.networks.gtfs_stops import shape_paths, stop_places, stop_times_of
from gis.networks.gtfs_timetable import timetable_cells
from gis.networks.inp import columns
from gis.networks.objects import Link, NetworkObjects, batches_of_network, layer_named
from gis.networks.plan import Plan
from gis.networks.shapes import grouped_lines, local_lines
from gis.prototypes import pinned
from gis.ribbons import ribbons
from gis.sniffing import head_of
from scenes.errors import LoadError, UnsupportedError
from scenes.georeference import WGS84
from scenes.loading import Location
from scenes.mesh import MeshSet
from scenes.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.networks.gtfs_service import Service
    from gis.networks.gtfs_stops import StopTimes
    from scenes.georeference import Georeference
    from scenes.loading import Ground, LoadContext
    from scenes.model import Batch, Layer
    from scenes.sources import Source

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Objects = NDArray[np.object_]

# Route types of the reference and the extended ones of Google by their hundreds: word, kind of line, colour.
_MODES = {
    0: ("tram", "#c25b4e"), 1: ("subway", "#4f6fb5"), 2: ("rail", "#7b5ea7"), 3: ("bus", "#3f8f6b"),
    4: ("ferry", "#4a90b8"), 5: ("cable tram", "#b3763b"), 6: ("aerial lift", "#8a8f3c"), 7: ("funicular", "#b3763b"),
    11: ("trolleybus", "#3f8f6b"), 12: ("monorail", "#7b5ea7"),
}  # fmt: skip
_EXTENDED = {1: 2, 2: 3, 4: 1, 7: 3, 8: 11, 9: 0, 10: 4, 12: 4, 13: 6, 14: 7}
_WIDE = frozenset({"rail", "subway", "monorail"})
_ROUTE_LIFT_M = 0.75
_STATIONS = {"": "stop", "0": "stop", "1": "station", "2": "entrance", "3": "node", "4": "boarding area"}
_COLOUR = re.compile(r"^[0-9A-Fa-f]{6}$")
_BIKES = re.compile(rb'"(num_bikes_available|bike_id|station_information|station_status|free_bike_status|region_id)"')
_TITLES = {
    "transit-stops": ("points", {"en": "Stops", "zh": "公交站点"}),
    "transit-routes": ("roads", {"en": "Transit routes", "zh": "公交线路"}),
    "transit-trips": ("generic", {"en": "Trips", "zh": "班次"}),
}


class GtfsLoader:
    """Reads GTFS Schedule, zipped or as a folder; names the command for live feeds of bicycles (GBFS)."""

    name = "gtfs"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether it is a feed; live feeds of bicycles (GBFS) and broken zips are claimed to be explained."""
        if source.is_remote:
            return False
        if source.file.is_dir() or source.suffix == ".zip":
            return is_feed(source.file) or (source.suffix == ".zip" and not zipfile.is_zipfile(source.file))
        return _is_bikes(source)

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the stops."""
        places = stop_places(_feed(source, Problems(limit=0)), Problems(limit=0), source)
        known = places[np.isfinite(places).all(axis=1)]
        if not len(known):
            raise LoadError(source.path, "none of its stops has a place", "get the feed again")
        lon, lat = np.median(known, axis=0)
        return Location(float(lon), float(lat))

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: a schedule is never the terrain."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield stops, routes and trips.

        Raises
        ------
        SourceError
            When the feed lacks a file that every feed needs, or is live data.
        """
        problems, where = context.problems, source.title
        feed = _feed(source, problems)
        service = service_of(feed, problems, where)
        times = stop_times_of(feed, problems, where)
        places = stop_places(feed, problems, source)
        frame, ground = context.georeference, relief_of(context.ground)
        route = feed.places("trips", "route_id", "routes", "route_id")
        found = {
            "transit-stops": _stops(feed, places, times, service, frame, ground),
            "transit-routes": _routes(feed, route, places, times, service, (source, context)),
            "transit-trips": _trips(feed, route, times, service),
        }
        for name, objects in found.items():
            if len(objects):
                theme, titles = _TITLES[name]
                layer = layer_named(name, theme, titles, source, main=name == "transit-routes")
                yield from batches_of_network(layer, objects, "gtfs", source)


def _is_bikes(source: Source) -> bool:
    if source.suffix != ".json":
        return False
    head = head_of(source.file, 8_192)
    return _BIKES.search(head) is not None and b'"Feature' not in head


def _feed(source: Source, problems: Problems) -> Feed:
    if _is_bikes(source):
        raise UnsupportedError(
            source.path, "is live data (GBFS), not a schedule", f"attach it with twin feed CITY {source.file.name}"
        )
    if not source.file.is_dir() and not zipfile.is_zipfile(source.file):
        raise LoadError(source.path, "is no zip archive", "download it again")
    return read_feed(source.file, problems)


def _stops(
    feed: Feed, places: Floats, times: StopTimes, service: Service, frame: Georeference, ground: Ground | None
) -> NetworkObjects:
    """Return stops as pins, stations above their platforms, with their departures on the busiest day."""
    ids, names = feed.texts("stops", "stop_id"), feed.texts("stops", "stop_name")
    rows = np.flatnonzero(np.isfinite(places).all(axis=1))
    local = np.column_stack(frame.localise_from(WGS84, places[rows, 0], places[rows, 1]))
    trip = np.repeat(np.arange(len(times.starts) - 1), np.diff(times.starts))
    departures = np.bincount(times.stop, weights=service.runs_on_day[trip], minlength=len(ids))[rows]
    words = [_STATIONS.get(text, "stop") for text in feed.texts("stops", "location_type")[rows]]
    feet = np.column_stack([local, ground_z(ground, local[:, 0], local[:, 1])])
    sizes = np.where(np.array(words, object) == "station", 9.0, 5.0)
    shown = set(ids[rows].tolist())
    above = [f"stop/{key}" if key in shown else "" for key in feed.texts("stops", "parent_station")[rows]]
    cells = columns(
        **{"class": words},
        stop_code=feed.texts("stops", "stop_code")[rows],
        platform=feed.texts("stops", "platform_code")[rows],
        zone=feed.texts("stops", "zone_id")[rows],
        wheelchair=[{"1": "yes", "2": "no"}.get(text, "") for text in feed.texts("stops", "wheelchair_boarding")[rows]],
        departures_per_day=departures.astype(np.int64),
    )
    return NetworkObjects(
        [f"stop/{key}" for key in ids[rows]], ["TransitStop"] * len(rows), names[rows], cells,
        {"departures_per_day": "1"}, np.asarray(shapely.points(local), object), above,
        mesh=pinned(feet, sizes, "#3f6f9f"),
    )  # fmt: skip


def _routes(
    feed: Feed, route: Integers, places: Floats, times: StopTimes, service: Service, at: tuple[Source, LoadContext]
) -> NetworkObjects:
    """Return routes as bands in their colours, with trips a day and headways on the busiest day."""
    (source, context), count = at, feed.count("routes")
    modes = [_mode(number) for number in feed.numbers("routes", "route_type").tolist()]
    paths = _paths_by_route(feed, route, places, times, shape_paths(feed, context.problems, source))
    owner = np.array([row for row in range(count) for _ in paths[row]], np.int64)
    flat = [path for ways in paths for path in ways]
    lines = local_lines(flat, Plan(replace(source, datum_shift=""), WGS84), context.georeference)
    widths = np.array([5.0 if modes[row][0] in _WIDE else 3.0 for row in owner], np.float64)
    lifts = _ROUTE_LIFT_M + 0.01 * (owner % 30).astype(np.float64)
    soup = ribbons(lines, widths, lifts, _colours(feed, modes)[owner], relief_of(context.ground))
    soup = replace(soup, vertex_rows=owner[soup.vertex_rows], triangle_rows=owner[soup.triangle_rows])
    cells, units = _statistics(feed, route, times, service, modes)
    cells["length_m"] = _longest(lines, owner, count)
    pairs = zip(feed.texts("routes", "route_short_name"), feed.texts("routes", "route_long_name"), strict=True)
    return NetworkObjects(
        [f"route/{key}" for key in feed.texts("routes", "route_id")], ["TransitRoute"] * count,
        [" ".join(part for part in pair if part) for pair in pairs], cells, {**units, "length_m": "m"},
        grouped_lines(lines, owner, count), links=_served(feed, route, times),
        mesh=soup.mesh() if len(soup.triangles) else MeshSet.empty(),
    )  # fmt: skip


def _trips(feed: Feed, route: Integers, times: StopTimes, service: Service) -> NetworkObjects:
    """Return trips without a shape, in the order of their routes and departures, with their times."""
    rows = np.flatnonzero(route >= 0)
    rows = rows[np.lexsort((np.nan_to_num(times.first_s[rows]), route[rows]))]
    stops = feed.texts("stops", "stop_id")[times.stop]
    cells = timetable_cells(times.starts, stops, times.arrival_s, times.departure_s, times.first_s)
    table: dict[str, Any] = {
        "start_s": times.first_s[rows],
        "end_s": times.last_s[rows],
        **columns(
            service=feed.texts("trips", "service_id")[rows],
            headsign=feed.texts("trips", "trip_headsign")[rows],
            direction=feed.texts("trips", "direction_id")[rows],
        ),
        "stops": np.diff(times.starts)[rows],
        "runs_per_day": service.runs[rows],
        "valid_from": pa.array(service.first_day[rows].astype("datetime64[ms]"), pa.timestamp("ms", "UTC")),
        "valid_to": pa.array(service.last_day[rows].astype("datetime64[ms]"), pa.timestamp("ms", "UTC")),
        "properties": pa.array([cells[row] for row in rows.tolist()], pa.string()),
    }
    units = {"start_s": "s", "end_s": "s", "stops": "1", "runs_per_day": "1"}
    return NetworkObjects(
        [f"trip/{key}" for key in feed.texts("trips", "trip_id")[rows]], ["TransitTrip"] * len(rows),
        feed.texts("trips", "trip_short_name")[rows], table, units, None,
        [f"route/{key}" for key in feed.texts("routes", "route_id")[route[rows]]],
    )  # fmt: skip


def _statistics(
    feed: Feed, route: Integers, times: StopTimes, service: Service, modes: list[tuple[str, str]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the columns of routes and their units; figures are those of the busiest day."""
    leaving = departures_of(feed, service, times.first_s)
    direction, count = feed.texts("trips", "direction_id"), len(modes)
    duration = np.nan_to_num(times.last_s - times.first_s)
    of_route = route[leaving.trip]
    headways, first, last = np.full((3, count), np.nan)
    order = np.argsort(of_route, kind="stable")
    bounds = np.searchsorted(of_route[order], np.arange(count + 1))
    for row in range(count):
        mine = order[bounds[row] : bounds[row + 1]]
        if len(mine):
            start, trip = leaving.time_s[mine], leaving.trip[mine]
            first[row], last[row] = start.min(), (start + duration[trip]).max()
            headways[row] = headway_min(start, direction[trip])
    agencies = dict(zip(feed.texts("agency", "agency_id"), feed.texts("agency", "agency_name"), strict=True))
    busiest = "" if np.isnat(service.busiest) else str(service.busiest)
    cells = columns(
        **{"class": [word for word, _ in modes]},
        short_name=feed.texts("routes", "route_short_name"),
        agency=[agencies.get(text, text) for text in feed.texts("routes", "agency_id")],
        colour=[f"#{text.lower()}" if _COLOUR.match(text) else "" for text in feed.texts("routes", "route_color")],
        trips_per_day=np.bincount(of_route[of_route >= 0], minlength=count),
        headway_min=headways,
        first_departure_s=first,
        last_arrival_s=last,
        busiest_day=[busiest] * count,
    )
    units = {"trips_per_day": "1", "headway_min": "min", "first_departure_s": "s", "last_arrival_s": "s"}
    return cells, {name: unit for name, unit in units.items() if name in cells}


def _paths_by_route(
    feed: Feed, route: Integers, places: Floats, times: StopTimes, shapes: dict[str, Floats]
) -> list[list[Floats]]:
    """Return the different ways of each route: the shapes of its trips, or their stops where there is no shape."""
    found: list[dict[Any, Floats]] = [{} for _ in range(feed.count("routes"))]
    shape_ids = feed.texts("trips", "shape_id")
    for trip, row in enumerate(route.tolist()):
        if row < 0:
            continue
        key: Any = shape_ids[trip]
        if len(shapes.get(key, ())) > 1:
            found[row][key] = shapes[key]
            continue
        stops = times.stop[times.starts[trip] : times.starts[trip + 1]]
        key = stops.tobytes()
        if key not in found[row]:
            way = places[stops]
            found[row][key] = way[np.isfinite(way).all(axis=1)]
    return [list(ways.values()) for ways in found]


def _served(feed: Feed, route: Integers, times: StopTimes) -> list[Link]:
    """Return a relation from each route to each of its stops."""
    trip = np.repeat(np.arange(len(times.starts) - 1), np.diff(times.starts))
    pairs = np.unique(np.column_stack([route[trip], times.stop]), axis=0)
    ids = feed.texts("stops", "stop_id")
    return [Link(row, "connects", f"stop/{ids[stop]}", "stop") for row, stop in pairs.tolist() if row >= 0]


def _longest(lines: Objects, owner: Integers, count: int) -> Floats:
    """Return the length of the longest way of each route, NaN where it has none."""
    longest = np.full(count, np.nan)
    if len(lines):
        np.fmax.at(longest, owner, shapely.length(lines))
    return longest


def _mode(number: float) -> tuple[str, str]:
    """Return the word and the colour of a route type, basic or extended."""
    code = int(number) if np.isfinite(number) else 3
    return _MODES.get(_EXTENDED.get(code // 100, 3) if code >= 100 else code, _MODES[3])


def _colours(feed: Feed, modes: list[tuple[str, str]]) -> NDArray[np.uint8]:
    """Return the colour of each route, that of its mode where the feed has none; white would not be seen."""
    own = feed.texts("routes", "route_color").tolist()
    codes = [
        f"#{text}" if _COLOUR.match(text) and text.upper() != "FFFFFF" else colour
        for text, (_, colour) in zip(own, modes, strict=True)
    ]
    return rgba(codes)
