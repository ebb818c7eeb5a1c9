"""The loader of GTFS-realtime files: vehicles where they were, what was said of trips, and alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from gis.datum import unshifted
from gis.ground import ground_z, relief_of
from gis.networks.inp import columns
from gis.networks.live_feed import is_live_feed, iso_time, read_live_feed
from gis.networks.objects import NetworkObjects, batches_of_network, layer_named
from gis.prototypes import pinned
from scenes.georeference import WGS84
from scenes.loading import Location
from scenes.mesh import MeshSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenes.loading import Ground, LoadContext
    from scenes.model import Batch, Layer
    from scenes.sources import Source

    Floats = NDArray[np.float64]

_PIN_M = 6.0
_TITLES = {
    "transit-feed": ("generic", {"en": "Live feed", "zh": "实时数据"}),
    "transit-vehicles": ("points", {"en": "Vehicles", "zh": "车辆"}),
    "transit-updates": ("generic", {"en": "Trip updates", "zh": "班次动态"}),
    "transit-alerts": ("generic", {"en": "Alerts", "zh": "公交通告"}),
}


class GtfsRealtimeLoader:
    """Reads a GTFS-realtime message (``.pb``, or ``.json`` of the same content) as it was at its time."""

    name = "gtfs-realtime"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether it is such a message."""
        return is_live_feed(source)

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the vehicles; None where there are none."""
        places = _places(source, read_live_feed(source))
        known = places[np.isfinite(places).all(axis=1)]
        if not len(known):
            return None
        lon, lat = np.median(known, axis=0)
        return Location(float(lon), float(lat), trust=0.8)

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: vehicles are never the terrain."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield the feed itself, vehicles, trip updates and alerts.

        Raises
        ------
        LoadError
            When it is no such message.
        """
        feed = read_live_feed(source)
        found = {
            "transit-feed": _feed(feed),
            "transit-vehicles": _vehicles(feed, _places(source, feed), context),
            "transit-updates": _updates(feed),
            "transit-alerts": _alerts(feed),
        }
        for name, objects in found.items():
            if len(objects):
                theme, titles = _TITLES[name]
                layer = layer_named(name, theme, titles, source, main=name == "transit-vehicles")
                yield from batches_of_network(layer, objects, "gtfs-realtime", source)


def _places(source: Source, feed: Any) -> Floats:
    """Return WGS 84 longitude and latitude of each vehicle, (v, 2); NaN where it has none that can be true."""
    places = np.array(
        [(each.vehicle.position.longitude, each.vehicle.position.latitude) for each in vehicles_of(feed)], np.float64
    ).reshape(-1, 2)
    good = (np.abs(places) <= (180.0, 90.0)).all(axis=1) & (places != 0.0).all(axis=1)
    places[~good] = np.nan
    return np.column_stack(unshifted(source, WGS84, places[:, 0], places[:, 1])[1:])


def vehicles_of(feed: Any) -> list[Any]:
    """Return the entities of a feed that are vehicles."""
    return [each for each in feed.entity if each.HasField("vehicle")]


def _feed(feed: Any) -> NetworkObjects:
    head = feed.header
    cells = columns(
        version=[head.gtfs_realtime_version],
        observed=[iso_time(head.timestamp)],
        vehicles=[len(vehicles_of(feed))],
        trip_updates=[sum(each.HasField("trip_update") for each in feed.entity)],
        alerts=[sum(each.HasField("alert") for each in feed.entity)],
    )
    return _objects(["feed/feed"], "CityObjectGroup", ["GTFS-realtime"], cells)


def _vehicles(feed: Any, places: Floats, context: LoadContext) -> NetworkObjects:
    """Return vehicles as pins; those without a place have no shape."""
    entities = [each.vehicle for each in vehicles_of(feed)]
    keys = [f"vehicle/{each.id}" for each in vehicles_of(feed)]
    local = np.column_stack(context.georeference.localise_from(WGS84, places[:, 0], places[:, 1]))
    known = np.asarray(np.isfinite(local).all(axis=1))
    z = np.full(len(local), np.nan)
    z[known] = ground_z(relief_of(context.ground), local[known, 0], local[known, 1])
    cells = columns(
        trip_id=[each.trip.trip_id for each in entities],
        route_id=[each.trip.route_id for each in entities],
        stop_id=[each.stop_id for each in entities],
        status=[_word(each, "current_status") for each in entities],
        occupancy=[_word(each, "occupancy_status") for each in entities],
        bearing_deg=[_number(each.position, "bearing") for each in entities],
        speed_m_s=[_number(each.position, "speed") for each in entities],
        observed=[iso_time(each.timestamp or feed.header.timestamp) for each in entities],
    )
    names = [each.vehicle.label or each.vehicle.id for each in entities]
    made = _objects(keys, "Device", names, cells)
    plans: NDArray[np.object_] = np.full(len(local), None, np.object_)
    plans[known] = shapely.points(local[known])
    feet = np.column_stack([local, z])
    units = {name: unit for name, unit in (("bearing_deg", "deg"), ("speed_m_s", "m/s")) if name in cells}
    return NetworkObjects(
        made.ids, made.kinds, made.names, cells, units, plans,
        mesh=pinned(feet, np.full(len(feet), _PIN_M), "#c2501e") if len(feet) else MeshSet.empty(),
    )  # fmt: skip


def _updates(feed: Any) -> NetworkObjects:
    found = [(each.id, each.trip_update) for each in feed.entity if each.HasField("trip_update")]
    trips = [update.trip for _, update in found]
    cells = columns(
        trip_id=[trip.trip_id for trip in trips],
        route_id=[trip.route_id for trip in trips],
        start_date=[trip.start_date for trip in trips],
        start_time=[trip.start_time for trip in trips],
        schedule_relationship=[_word(trip, "schedule_relationship") for trip in trips],
        stop_updates=[len(update.stop_time_update) for _, update in found],
        delay_s=[_delay(update) for _, update in found],
        observed=[iso_time(update.timestamp or feed.header.timestamp) for _, update in found],
    )
    units = {"delay_s": "s"} if "delay_s" in cells else {}
    return _objects(
        [f"update/{key}" for key, _ in found], "TransitTrip", [trip.trip_id for trip in trips], cells, units
    )


def _alerts(feed: Any) -> NetworkObjects:
    found = [(each.id, each.alert) for each in feed.entity if each.HasField("alert")]
    cells = columns(
        description=[_text(alert.description_text) for _, alert in found],
        cause=[_word(alert, "cause") for _, alert in found],
        effect=[_word(alert, "effect") for _, alert in found],
        routes=[_listed(alert, "route_id") for _, alert in found],
        stops=[_listed(alert, "stop_id") for _, alert in found],
        begins=[iso_time(min((each.start for each in alert.active_period), default=0)) for _, alert in found],
        ends=[iso_time(max((each.end for each in alert.active_period), default=0)) for _, alert in found],
    )
    names = [_text(alert.header_text) for _, alert in found]
    return _objects([f"alert/{key}" for key, _ in found], "CityObjectGroup", names, cells)


def _objects(
    ids: list[str], kind: str, names: list[str], cells: dict[str, Any], units: dict[str, str] | None = None
) -> NetworkObjects:
    """Return objects without a shape; an id that stands twice is made different."""
    seen: dict[str, int] = {}
    own = []
    for key in ids:
        seen[key] = seen.get(key, 0) + 1
        own.append(key if seen[key] == 1 else f"{key}#{seen[key]}")
    count = len(own)
    return NetworkObjects(
        own, [kind] * count, np.array(names, object), cells, units or {}, np.full(count, None, np.object_)
    )  # fmt: skip


def _word(message: Any, field: str) -> str:
    """Return the name of a value of an enumeration, empty where it is not said."""
    if not message.HasField(field):
        return ""
    values = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
    number = getattr(message, field)
    return str(values[number].name) if number in values else str(number)


def _number(message: Any, field: str) -> float:
    return float(getattr(message, field)) if message.HasField(field) else float("nan")


def _delay(update: Any) -> float:
    """Return the last delay that is said of a trip, seconds; NaN where there is none."""
    said = [
        event.delay
        for stop in update.stop_time_update
        for event in (stop.arrival, stop.departure)
        if event.HasField("delay")
    ]
    return float(said[-1]) if said else _number(update, "delay")


def _text(translated: Any) -> str:
    return next((each.text for each in translated.translation if each.text), "")


def _listed(alert: Any, field: str) -> str:
    return ", ".join(dict.fromkeys(getattr(each, field) for each in alert.informed_entity if getattr(each, field)))
