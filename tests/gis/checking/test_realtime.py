"""GTFS-realtime rules: a sound message breaks none, each broken one its own, alone and against a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gis.checking.realtime import GtfsRealtimeChecker
from scenes.checking import check
from scenes.sources import Source
from tests.gis.checking.realtime_messages import (
    ALERT,
    NOON,
    STOP,
    TRIP,
    UPDATE,
    VEHICLE,
    Change,
    both,
    put,
    schedule,
    sound,
)


def rules(folder: Path, change: Change, *, alone: bool = False) -> set[str]:
    feed = sound()
    change(feed)
    path = folder / "live.pb"
    path.write_bytes(feed.SerializePartialToString())
    checker = GtfsRealtimeChecker()
    checker.beside = () if alone else (Source(str(schedule(folder))), Source(str(path)))
    assert checker.supports(Source(str(path)))
    return {problem.rule for problem in checker.check(Source(str(path)))}


def headway(trip: str, *changes: Change) -> Change:
    """Return what makes the message one about a trip by headway, soundly, and then breaks it."""
    relation = 2 if trip == "H" else 0
    named = [put(f"{each}.trip_id", trip) for each in (TRIP, f"{VEHICLE}.trip", ALERT)]
    related = [put(f"{each}.schedule_relationship", relation) for each in (TRIP, f"{VEHICLE}.trip")]
    return both(*named, *related, *changes)


def delayed(feed: Any) -> None:
    """Leave a delay where there was a time, at a stop for which the schedule of trips by headway has no time."""
    arrival = feed.entity[0].trip_update.stop_time_update[1].arrival
    arrival.ClearField("time")
    arrival.delay = 30


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
    ("E006", headway("H", put(f"{TRIP}.start_date", None))),
    ("E006", headway("H", put(f"{VEHICLE}.trip.start_time", None))),
    ("E013", headway("H", put(f"{TRIP}.schedule_relationship", 0))),
    ("E019", headway("X", put(f"{TRIP}.start_time", "08:05:00"))),
    ("E019", headway("X", put(f"{VEHICLE}.trip.start_time", "09:00:00"))),
    ("E046", headway("X", delayed)),
    ("W005", headway("H", put(f"{UPDATE}.vehicle.id", None))),
    ("W005", headway("H", put(f"{VEHICLE}.vehicle.id", None))),
    ("W001", put(f"{VEHICLE}.timestamp", None)),
    ("W002", put(f"{VEHICLE}.vehicle.id", None)),
    ("W004", put(f"{VEHICLE}.position.speed", 90.0)),
    ("W006", put(f"{TRIP}.trip_id", None)),
    ("W009", put(f"{VEHICLE}.trip.schedule_relationship", None)),
]  # fmt: skip


def test_a_sound_message_breaks_no_rule(tmp_path: Path) -> None:
    assert rules(tmp_path, lambda _: None) == set()
    assert rules(tmp_path, lambda _: None, alone=True) == {"realtime-without-schedule"}


@pytest.mark.parametrize("trip", ["H", "X"])
def test_sound_messages_about_trips_by_headway_break_no_rule(tmp_path: Path, trip: str) -> None:
    assert rules(tmp_path, headway(trip)) == set()


def test_a_delay_is_sound_where_the_schedule_has_a_time(tmp_path: Path) -> None:
    assert rules(tmp_path, delayed) == set()


def test_trips_that_stop_at_stations_are_told_of_at_the_schedule(tmp_path: Path) -> None:
    path = tmp_path / "live.pb"
    path.write_bytes(sound().SerializeToString())
    checker = GtfsRealtimeChecker()
    timetable = Source(str(schedule(tmp_path)))
    assert not checker.supports(timetable)
    checker.beside = (timetable, Source(str(path)))
    assert checker.supports(timetable)
    assert checker.check(timetable) == []
    schedule(tmp_path, {"stops": "stop_id,stop_lat,stop_lon,location_type\nA,50.85,9.70,1\nB,50.85,9.705,\n"
                                 "C,50.85,9.71,0\n"})  # fmt: skip
    assert [(each.rule, each.object) for each in checker.check(timetable)] == [("E010", "A")]


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
