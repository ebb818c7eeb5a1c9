"""GTFS-realtime rules: a sound message breaks none, each broken one its own, alone and against a schedule."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2

from gis.checking.realtime import GtfsRealtimeChecker
from scenes.checking import check
from scenes.sources import Source

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


def schedule(folder: Path) -> Path:
    tables = {
        "agency": "agency_id,agency_name\nG,Town\n",
        "stops": "stop_id,stop_lat,stop_lon,location_type\n"
        "A,50.85,9.70,\nB,50.85,9.705,0\nC,50.85,9.71,\nS,50.85,9.71,1\n",
        "routes": "route_id,route_type\nR,3\nQ,3\n",
        "trips": "route_id,service_id,trip_id,direction_id,shape_id\nR,D,T,0,P\nR,D,LOOP,0,P\n",
        "calendar_dates": "service_id,date,exception_type\nD,20231107,1\n",
        "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nT,08:05:00,08:05:00,B,2\n"
        "T,08:00:00,08:00:00,A,1\nT,08:10:00,08:10:00,C,3\nLOOP,08:00:00,08:00:00,A,1\n"
        "LOOP,08:05:00,08:05:00,B,2\nLOOP,08:10:00,08:10:00,A,3\n",
        "shapes": "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\nP,50.85,9.70,1\nP,50.85,9.71,2\n",
    }
    path = folder / "feed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in tables.items():
            archive.writestr(f"{name}.txt", text)
    return path


def rules(folder: Path, change: Change, *, alone: bool = False) -> set[str]:
    feed = sound()
    change(feed)
    path = folder / "live.pb"
    path.write_bytes(feed.SerializePartialToString())
    checker = GtfsRealtimeChecker()
    checker.beside = () if alone else (Source(str(schedule(folder))), Source(str(path)))
    assert checker.supports(Source(str(path)))
    return {problem.rule for problem in checker.check(Source(str(path)))}


def stop(feed: Any, number: int = 1) -> Any:
    return feed.entity[0].trip_update.stop_time_update[number]


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
    def change(feed: Any) -> None:
        for each in changes:
            each(feed)

    return change


UPDATE, VEHICLE, TRIP = "entity.0.trip_update", "entity.1.vehicle", "entity.0.trip_update.trip"
STOP = f"{UPDATE}.stop_time_update"
BROKEN: list[tuple[str, Change]] = [
    ("E001", put("header.timestamp", NOON * 1000)),
    ("E001", put(f"{STOP}.1.arrival.time", 12)),
    ("E002", both(put(f"{STOP}.0.stop_sequence", 3), put(f"{STOP}.2.stop_sequence", 1))),
    ("E003", put(f"{TRIP}.trip_id", "nowhere")),
    ("E004", put(f"{TRIP}.route_id", "nowhere")),
    ("E009", both(put(f"{TRIP}.trip_id", "LOOP"), put(f"{STOP}.0.stop_sequence", None))),
    ("E011", put(f"{STOP}.1.stop_id", "nowhere")),
    ("E012", put(f"{VEHICLE}.timestamp", NOON + 5)),
    ("E015", put(f"{VEHICLE}.stop_id", "S")),
    ("E016", put(f"{TRIP}.schedule_relationship", 1)),
    ("E020", put(f"{TRIP}.start_time", "8 o'clock")),
    ("E021", put(f"{TRIP}.start_date", "20230230")),
    ("E022", both(put(f"{STOP}.1.arrival.time", NOON + 70), put(f"{STOP}.1.departure.time", NOON + 75))),
    ("E023", put(f"{TRIP}.start_time", "08:01:00")),
    ("E024", put(f"{TRIP}.direction_id", 1)),
    ("E025", put(f"{STOP}.1.departure.time", NOON + 119)),
    ("E026", put(f"{VEHICLE}.position.latitude", 91.0)),
    ("E027", put(f"{VEHICLE}.position.bearing", 361.0)),
    ("E028", put(f"{VEHICLE}.position.latitude", 51.0)),
    ("E029", put(f"{VEHICLE}.position.latitude", 50.852)),
    ("E030", put("entity.2.alert.informed_entity.0.route_id", "Q")),
    ("E031", put("entity.2.alert.informed_entity.0.trip.route_id", "Q")),
    ("E032", put("entity.2.alert.informed_entity", None)),
    ("E033", lambda feed: feed.entity[2].alert.informed_entity.add()),
    ("E034", put("entity.2.alert.informed_entity.0.agency_id", "nobody")),
    ("E035", put(f"{TRIP}.route_id", "Q")),
    ("E036", put(f"{STOP}.1.stop_sequence", 1)),
    ("E037", put(f"{STOP}.1.stop_id", "A")),
    ("E038", put("header.gtfs_realtime_version", "7")),
    ("E039", put("entity.1.is_deleted", True)),
    ("E040", both(put(f"{STOP}.1.stop_sequence", None), put(f"{STOP}.1.stop_id", None))),
    ("E041", put(STOP, None)),
    ("E042", put(f"{STOP}.1.schedule_relationship", 2)),
    ("E043", both(put(f"{STOP}.1.arrival", None), put(f"{STOP}.1.departure", None))),
    ("E044", put(f"{STOP}.1.arrival.time", None)),
    ("E045", put(f"{STOP}.1.stop_id", "C")),
    ("E048", put("header.timestamp", None)),
    ("E049", put("header.incrementality", None)),
    ("E050", put("header.timestamp", 4_000_000_000)),
    ("E051", put(f"{STOP}.2.stop_sequence", 9)),
    ("E052", lambda feed: feed.entity.add(id="w").CopyFrom(feed.entity[1])),
    ("W001", put(f"{VEHICLE}.timestamp", None)),
    ("W002", put(f"{VEHICLE}.vehicle.id", None)),
    ("W004", put(f"{VEHICLE}.position.speed", 90.0)),
    ("W006", put(f"{TRIP}.trip_id", None)),
    ("W009", put(f"{VEHICLE}.trip.schedule_relationship", None)),
]  # fmt: skip


def test_a_sound_message_breaks_no_rule(tmp_path: Path) -> None:
    assert rules(tmp_path, lambda _: None) == set()
    assert rules(tmp_path, lambda _: None, alone=True) == {"realtime-without-schedule"}


@pytest.mark.parametrize(("rule", "change"), BROKEN, ids=[f"{rule}-{place}" for place, (rule, _) in enumerate(BROKEN)])
def test_each_broken_message_breaks_its_rule(tmp_path: Path, rule: str, change: Change) -> None:
    assert rule in rules(tmp_path, change)


def test_a_vehicle_may_wait_beyond_the_end_of_its_way(tmp_path: Path) -> None:
    waiting = both(put(f"{VEHICLE}.position.longitude", 9.695), put(f"{VEHICLE}.position.latitude", 50.8501))
    assert rules(tmp_path, waiting) == set()


def test_the_report_joins_a_message_with_the_schedule_beside_it(tmp_path: Path) -> None:
    feed = sound()
    feed.entity[0].trip_update.trip.trip_id = "nowhere"
    (tmp_path / "live.pb").write_bytes(feed.SerializeToString())
    sources = [Source(str(tmp_path / "live.pb")), Source(str(schedule(tmp_path)))]
    live = check(sources).verdicts[0]
    assert (live.state, live.loader) == ("errors", "gtfs-realtime")
    assert [problem.rule for problem in live.problems if problem.severity == "error"] == ["E003"]


@pytest.mark.real_data
def test_every_broken_file_breaks_the_rule_that_it_is_named_after(real_data: Path) -> None:
    checker = GtfsRealtimeChecker()
    checker.beside = (Source(str(real_data / "transit/caltrain_gtfs_rt/ct.zip")),)
    files = sorted((real_data / "malformed/gtfs_rt").glob("[EW]*.json"))
    assert len(files) > 30
    missed = {
        path.name
        for path in files
        if path.name.partition(".")[0] not in {problem.rule for problem in checker.check(Source(str(path)))}
    }
    assert missed == set()


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ct-vehicle-positions.pb", "ct-trip-updates.pb", "ct-service-alerts.pb"])
def test_a_real_feed_has_no_errors(real_data: Path, name: str) -> None:
    checker = GtfsRealtimeChecker()
    folder = real_data / "transit/caltrain_gtfs_rt"
    checker.beside = (Source(str(folder / "ct.zip")),)
    assert {problem.rule for problem in checker.check(Source(str(folder / name)))} <= {"W009"}
