"""Messages of GTFS-realtime one after another, and trip updates beside vehicle positions: each rule with both cases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gis.checking.realtime import GtfsRealtimeChecker
from scenes.checking import check
from scenes.sources import Source
from tests.gis.checking.realtime_messages import NOON, TRIP, UPDATE, VEHICLE, Change, put, schedule, sound


def later(seconds: int, *changes: Change) -> Any:
    """Return the sound message, that many seconds later."""
    feed = sound()
    feed.header.timestamp += seconds
    for change in changes:
        change(feed)
    return feed


def moved(feed: Any) -> None:
    feed.entity[1].vehicle.position.longitude += 0.001


def written(folder: Path, **messages: Any) -> list[Source]:
    folder.mkdir(exist_ok=True)
    for name, feed in messages.items():
        (folder / f"{name}.pb").write_bytes(feed.SerializeToString())
    return [Source(str(folder / f"{name}.pb")) for name in messages]


def rules(sources: list[Source], *, number: int = -1) -> dict[str, str]:
    """Return the rules that one of the sources breaks, with what is said of them."""
    checker = GtfsRealtimeChecker()
    checker.beside = tuple(sources)
    return {each.rule: each.message for each in checker.check(sources[number]) if each.severity != "info"}


@pytest.mark.parametrize(
    ("second", "broken"),
    [
        (later(30, moved), {}),
        (later(0), {}),  # fetched twice
        (later(36, moved), {"W007": "comes 36 s after first.pb, the message before it"}),
        (later(0, moved),
         {"E017": "differs from first.pb, the message before it, but has the same time in its header"}),
        (later(-5, put(f"{UPDATE}.timestamp", NOON - 9)),
         {"E018": "its header is 5 s older than that of first.pb, the message before it"}),
    ],
    ids=["sound", "equal", "slow", "same-time", "backwards"],
)  # fmt: skip
def test_a_message_is_checked_against_the_one_before(tmp_path: Path, second: Any, broken: dict[str, str]) -> None:
    sources = written(tmp_path, first=sound(), second=second)
    assert rules(sources) == broken
    assert rules(sources, number=0) == {}


def test_messages_of_other_feeds_are_not_taken_for_the_one_before(tmp_path: Path) -> None:
    other = later(0, put(f"{VEHICLE}.vehicle.id", "tram"), put(f"{UPDATE}.vehicle.id", "tram"))
    for part in (other.entity[0].trip_update, other.entity[1].vehicle):
        part.trip.trip_id = "elsewhere"
    assert rules(written(tmp_path, first=other, second=sound())) == {}
    del other.entity[0]
    assert rules(written(tmp_path, first=later(0, lambda feed: feed.entity.pop(0)), second=sound())) == {}


def test_numbered_messages_follow_their_numbers(tmp_path: Path) -> None:
    ten, nine = written(tmp_path, **{"live-10": later(20, moved), "live-9": sound()})
    assert rules([ten, nine], number=0) == {}
    assert rules([ten, nine], number=1) == {}
    (tmp_path / "live-10.pb").rename(tmp_path / "live-8.pb")
    assert set(rules([Source(str(tmp_path / "live-8.pb")), nine])) == {"E018"}


def test_a_whole_folder_of_messages_is_one_feed(tmp_path: Path) -> None:
    written(tmp_path / "day", **{f"t{number}": later(20 * number, moved) for number in range(3)}, t3=later(200, moved))
    sources = [*map(Source, map(str, sorted((tmp_path / "day").iterdir()))), Source(str(schedule(tmp_path)))]
    report = check(sources)
    found = {verdict.source[-5:]: {each.rule for each in verdict.problems} for verdict in report.verdicts[:4]}
    assert {name: rules & {"W007", "E017", "E018"} for name, rules in found.items()} == {
        "t0.pb": set(), "t1.pb": set(), "t2.pb": set(), "t3.pb": {"W007"},
    }  # fmt: skip


@pytest.mark.parametrize(("age_s", "old"), [(60, False), (70, True), (90_000, False)])
def test_a_message_that_was_old_when_it_was_fetched_is_told(tmp_path: Path, age_s: int, old: bool) -> None:
    (source,) = written(tmp_path, live=sound())
    os.utime(source.path, (NOON + age_s, NOON + age_s))
    assert ("W008" in rules([source])) == old


def apart(*changes: Change) -> tuple[Any, Any]:
    """Return the sound message as two feeds, trip updates and vehicle positions, changed before they are parted."""
    updates, positions = later(0, *changes), later(10, *changes)
    del updates.entity[1:]
    del positions.entity[2], positions.entity[0]
    return updates, positions


def crossed(folder: Path, *changes: Change) -> tuple[set[str], set[str]]:
    updates, positions = apart(*changes)
    sources = [*written(folder, updates=updates, positions=positions), Source(str(schedule(folder)))]
    return set(rules(sources, number=0)), set(rules(sources, number=1))


def test_two_feeds_that_agree_break_no_rule(tmp_path: Path) -> None:
    assert crossed(tmp_path) == (set(), set())


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (put(f"{VEHICLE}.vehicle.id", "tram"), ({"W003", "E047"}, {"W003", "E047"})),
        (put(f"{VEHICLE}.vehicle.id", None), ({"W003"}, {"W002"})),
        (put(f"{TRIP}.trip_id", "X"), ({"W003", "E047"}, {"W003", "E047"})),
        (put(f"{TRIP}.trip_id", "LOOP"), ({"W003", "E045"}, {"W003"})),  # of the same block: one vehicle runs both
    ],
    ids=["vehicle", "no-vehicle", "trip", "block"],
)
def test_two_feeds_that_name_other_trips_and_vehicles_are_told(
    tmp_path: Path, change: Change, broken: tuple[set[str], set[str]]
) -> None:
    assert crossed(tmp_path, change) == broken


def test_feeds_of_other_moments_are_not_compared(tmp_path: Path) -> None:
    updates, positions = apart(put(f"{VEHICLE}.vehicle.id", "tram"))
    positions.header.timestamp += 3_600
    assert rules(written(tmp_path, updates=updates, positions=positions)) == {}


@pytest.mark.real_data
def test_real_feeds_of_one_moment_pair_their_trips_and_vehicles(real_data: Path) -> None:
    folder = real_data / "transit/caltrain_gtfs_rt"
    names = ("ct-vehicle-positions.pb", "ct-trip-updates.pb", "ct-vehicle-positions.pb.json", "ct-trip-updates.pb.json")
    sources = [Source(str(folder / name)) for name in (*names, "ct.zip")]
    for number in range(4):
        assert set(rules(sources, number=number)) <= {"W003", "W009"}
