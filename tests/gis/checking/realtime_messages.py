"""A sound GTFS-realtime message, the schedule that it belongs to, and ways to break it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.transit import gtfs_realtime_pb2

NOON = 1_699_405_559
Change = Callable[[Any], None]


def sound() -> Any:
    """Return a message of version 2.0 with a trip update, a vehicle and an alert, true to `schedule`."""
    feed = gtfs_realtime_pb2.FeedMessage()
    feed.header.gtfs_realtime_version, feed.header.timestamp, feed.header.incrementality = "2.0", NOON, 0
    update = feed.entity.add(id="u").trip_update
    update.vehicle.id, update.timestamp = "bus-1", NOON - 5
    for sequence, stop in ((1, "A"), (2, "B"), (3, "C")):
        made = update.stop_time_update.add(stop_sequence=sequence, stop_id=stop)
        made.arrival.time, made.departure.time = NOON + 60 * sequence, NOON + 60 * sequence + 20
    vehicle = feed.entity.add(id="v").vehicle
    vehicle.vehicle.id, vehicle.timestamp, vehicle.stop_id = "bus-1", NOON - 5, "B"
    vehicle.position.longitude, vehicle.position.latitude = 9.705, 50.85
    for trip in (update.trip, vehicle.trip):
        trip.trip_id, trip.route_id, trip.direction_id, trip.schedule_relationship = "T", "R", 0, 0
        trip.start_time, trip.start_date = "08:00:00", "20231107"
    about = feed.entity.add(id="a").alert.informed_entity.add(agency_id="G", route_id="R", stop_id="A")
    about.trip.trip_id = "T"
    return feed


def schedule(folder: Path, changed: dict[str, str] | None = None) -> Path:
    """Write the schedule: two trips at their own times, one by headway (H) and one by headway at exact times (X)."""
    tables = {
        "agency": "agency_id,agency_name\nG,Town\n",
        "stops": "stop_id,stop_lat,stop_lon,location_type\n"
        "A,50.85,9.70,\nB,50.85,9.705,0\nC,50.85,9.71,\nS,50.85,9.71,1\n",
        "routes": "route_id,route_type\nR,3\nQ,3\n",
        "trips": "route_id,service_id,trip_id,direction_id,shape_id,block_id\nR,D,T,0,P,1\nR,D,LOOP,0,P,1\n"
        "R,D,H,0,P,\nR,D,X,0,P,2\n",
        "frequencies": "trip_id,start_time,end_time,headway_secs,exact_times\nH,06:00:00,09:00:00,600,\n"
        "X,06:00:00,09:00:00,600,1\n",
        "calendar_dates": "service_id,date,exception_type\nD,20231107,1\n",
        "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nT,08:05:00,08:05:00,B,2\n"
        "T,08:00:00,08:00:00,A,1\nT,08:10:00,08:10:00,C,3\nLOOP,08:00:00,08:00:00,A,1\n"
        "LOOP,08:05:00,08:05:00,B,2\nLOOP,08:10:00,08:10:00,A,3\n"
        + "".join(f"{trip},06:00:00,06:00:00,A,1\n{trip},,,B,2\n{trip},06:10:00,06:10:00,C,3\n" for trip in "HX"),
        "shapes": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\nP,50.85,9.70,1\nP,50.85,9.71,2\n",
    }
    path = folder / "feed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in (tables | (changed or {})).items():
            archive.writestr(f"{name}.txt", text)
    return path


def put(path: str, value: Any) -> Change:
    """Return what sets a field by its path from the message; numbers are places in lists, None clears."""

    def change(feed: Any) -> None:
        *way, last = path.split(".")
        for step in way:
            feed = feed[int(step)] if step.isdecimal() else getattr(feed, step)
        if value is None:
            feed.ClearField(last)
        else:
            setattr(feed, last, value)

    return change


def both(*changes: Change) -> Change:
    """Return what makes several changes one after the other."""

    def change(feed: Any) -> None:
        for each in changes:
            each(feed)

    return change


UPDATE, VEHICLE, TRIP = "entity.0.trip_update", "entity.1.vehicle", "entity.0.trip_update.trip"
STOP = f"{UPDATE}.stop_time_update"
ALERT = "entity.2.alert.informed_entity.0.trip"
