"""What moves: reports to state, frames, history, and the feeds that bring reports."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes import Batch, Georeference, Layer, LoadError, MeshSet, MissingSourceError, Scene, UnsupportedError
from scenes.schema import object_table
from twin.live import (
    Datastreams,
    FcdReplay,
    Fleet,
    Lines,
    LiveHub,
    Movements,
    MovingFrame,
    MovingHistory,
    Past,
    SceneGround,
    Traffic,
    TransitFeed,
    connect,
)
from twin.live.movements import GONE
from twin.live.moving_frames import ROW_BYTES

if TYPE_CHECKING:
    from pathlib import Path

Until = Callable[[Callable[[], object]], Awaitable[None]]
FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
NOW = 1_800_000_000_000


def fleet_at(now_ms: int = NOW, **options: object) -> Fleet:
    return Fleet(FRAME, clock=lambda: now_ms, **options)  # type: ignore[arg-type]


def test_the_newest_report_wins_and_what_is_late_is_counted() -> None:
    fleet = fleet_at()
    fleet.apply(Movements(["a", "b"], NOW, [0.0, 100.0], [0.0, 5.0], kind=["bus", "ship"]))
    fleet.apply(Movements(["a"], NOW - 1000, [77.0], [77.0]))
    fleet.apply(Movements(["a"], NOW + 3_600_000, [77.0], [77.0]))
    fleet.apply(Movements(["a", "c"], NOW + 1, [math.nan, 5e7], [0.0, 0.0]))
    assert fleet.describe(0)["point"] == [0.0, 0.0, 0.0]
    assert fleet.describe(1)["kind"] == "ship"
    assert fleet.counts.as_dict() == {
        "received": 6, "applied": 2, "late": 1, "future": 1, "misplaced": 2, "refused": 0,
    }  # fmt: skip
    assert len(fleet) == 2


@settings(max_examples=60)
@given(st.permutations(range(8)), st.integers(1, 8))
def test_the_order_of_arrival_never_decides(order: list[int], cut: int) -> None:
    def told(numbers: list[int]) -> Movements:
        return Movements([f"v{n % 3}" for n in numbers], [NOW + n for n in numbers], [float(n) for n in numbers], 0.0)

    fleet, sorted_fleet = fleet_at(), fleet_at()
    fleet.apply(told(order[:cut]))
    fleet.apply(told(order[cut:]))
    sorted_fleet.apply(told(sorted(order)))
    for name in ("v0", "v1", "v2"):
        here, there = (each.describe(each.ids.index(name)) for each in (fleet, sorted_fleet))
        assert here["point"] == there["point"]
        assert here["time"] == there["time"]


def test_degrees_become_local_metres_and_wrong_words_are_refused() -> None:
    fleet = fleet_at()
    lon, lat = FRAME.lonlat(120.0, -40.0)
    fleet.apply(Movements(["a"], NOW, [float(lon)], [float(lat)], crs="EPSG:4326"))
    assert fleet.describe(0)["point"] == pytest.approx([120.0, -40.0, 0.0], abs=0.01)
    assert fleet.describe(0)["lonlat"] == pytest.approx([float(lon), float(lat)], abs=1e-6)
    with pytest.raises(ValueError, match="kind 'tank' is unknown; there are other, car"):
        Movements(["a"], NOW, [0.0], [0.0], kind="tank")
    with pytest.raises(ValueError, match="x: \\(2,\\) values for 1 ids"):
        Movements(["a"], NOW, [0.0, 1.0], [0.0])


def test_course_and_speed_follow_from_the_way_where_they_are_not_said() -> None:
    fleet = fleet_at()
    fleet.apply(Movements(["a", "a"], [NOW - 2000, NOW - 1000], [0.0, 0.0], [0.0, -12.0]))
    assert (fleet.describe(0)["heading_deg"], fleet.describe(0)["speed_m_s"]) == (180.0, 12.0)
    fleet.apply(Movements(["a"], NOW, [0.1], [-12.0]))
    assert fleet.describe(0)["heading_deg"] == 180.0, "who hardly moves does not turn"
    fleet.apply(Movements(["a"], NOW + 1000, [0.0], [0.0], heading_deg=370.0, speed_m_s=3.0))
    assert (fleet.describe(0)["heading_deg"], fleet.describe(0)["speed_m_s"]) == (10.0, 3.0)


def test_frames_hold_what_changed_and_say_who_is_gone() -> None:
    fleet = fleet_at(gone_after_s=60)
    fleet.apply(Movements(["a", "b"], [NOW, NOW - 50_000], [1.5, 2.0], [3.0, 4.0], 7.0, 270.0, 12.34, "train", 9))
    frame = fleet.changed(NOW)
    assert frame is not None
    data = frame.encode()
    assert len(data) == 24 + 2 * ROW_BYTES
    back = MovingFrame.decode(data)
    assert back.columns["x"].tolist() == [1.5, 2.0]
    assert back.columns["age_ms"].tolist() == [0, 50_000]
    assert back.columns["heading"].tolist() == [49_152, 49_152]
    assert back.columns["speed"].tolist() == [1234, 1234]
    assert (back.columns["kind"].tolist(), back.columns["code"].tolist()) == ([3, 3], [9, 9])
    assert fleet.changed(NOW) is None
    gone = fleet.changed(NOW + 11_000)
    assert gone is not None
    assert gone.columns["kind"].tolist() == [GONE]
    assert gone.columns["number"].tolist() == [1]
    assert len(fleet.full(NOW + 11_000)) == 1
    with pytest.raises(LoadError, match="not a whole frame"):
        MovingFrame.decode(data[:-1])


def test_numbers_are_given_anew_when_most_are_gone_and_the_epoch_says_so() -> None:
    fleet = fleet_at(gone_after_s=1)
    fleet.apply(Movements([f"old{n}" for n in range(6000)], NOW - 5000, np.zeros(6000), np.zeros(6000)))
    fleet.apply(Movements(["new"], NOW, [5.0], [0.0]))
    before = fleet.epoch
    fleet.changed(NOW)
    fleet.forget_gone()
    assert fleet.epoch == before + 1
    assert (fleet.ids, len(fleet)) == (["new"], 1)
    assert fleet.describe(0)["point"] == [5.0, 0.0, 0.0]
    again = fleet.changed(NOW)
    assert again is not None
    assert again.columns["number"].tolist() == [0]


def test_the_past_lies_between_two_reports() -> None:
    history = MovingHistory(every_ms=0)
    fleet = fleet_at(history=history)
    for second, x in ((0, 0.0), (10, 100.0), (400, 0.0)):
        fleet.apply(Movements(["a"], NOW - 500_000 + second * 1000, [x], [0.0], heading_deg=[350.0 + second]))
    start = NOW - 500_000
    numbers, rows = history.at(start + 2500)
    assert (numbers.tolist(), rows["x"].tolist()) == ([0], [25.0])
    assert rows["heading"][0] == pytest.approx(352.5)
    assert history.at(start - 1)[0].tolist() == []
    held = history.at(start + 60_000)[1]
    assert held["x"].tolist() == [100.0], "after a long silence nobody knows the way"
    assert history.at(start + 200_000)[0].tolist() == []
    assert history.span() == (start, start + 400_000)


def test_a_ring_of_reports_keeps_the_newest() -> None:
    history = MovingHistory(capacity=8, every_ms=1000)
    fleet = fleet_at(history=history)
    for tenth in range(200):
        fleet.apply(Movements(["a"], NOW - 60_000 + tenth * 100, [float(tenth)], [0.0]))
    assert len(history) == 8
    assert history.span() == (NOW - 60_000 + 12_000, NOW - 60_000 + 19_000)


def test_without_a_height_things_stand_on_the_terrain() -> None:
    corners = np.array([[0, 0, 0], [100, 0, 10], [0, 100, 20], [100, 100, 30]], float)
    mesh = MeshSet.from_parts([0], [corners], [np.array([[0, 1, 2], [1, 3, 2]], np.uint32)])
    table = object_table({"uid": ["urn:uuid:t"], "kind": ["ReliefFeature"]})
    scene = Scene(FRAME, {"terrain": Layer("terrain", (Batch(table, {"1": mesh}).with_bounds(),), "terrain")})
    fleet = fleet_at(ground=SceneGround(scene, 0.5))
    fleet.apply(Movements(["a", "b"], NOW, [50.0, 80.0], [50.0, 20.0], [math.nan, 3.0]))
    assert fleet.describe(0)["point"][2] == pytest.approx(15.5, abs=0.01)
    assert fleet.describe(1)["point"][2] == 3.0
    flat = SceneGround(Scene(FRAME))
    assert flat(np.array([4.0]), np.array([5.0])).tolist() == [0.0]


FCD = """<?xml version="1.0"?>
<fcd-export>
  <timestep time="10.00">
    <vehicle id="c1" x="121.4700" y="31.2300" angle="90.0" type="DEFAULT_VEHTYPE" speed="10.0" lane="e_0"/>
    <person id="p1" x="121.4701" y="31.2301" angle="0.0" speed="1.2"/>
    <vehicle id="lost" x="inf" y="31.23" angle="0" type="bus" speed="0"/>
  </timestep>
  <timestep time="11.00">
    <vehicle id="c1" x="121.4701" y="31.2300" angle="90.0" type="bus_12" speed="10.0"/>
  </timestep>
</fcd-export>
"""
NET = """<net version="1.16"><location netOffset="-354000.00,-3457000.00" convBoundary="0,0,100,100"
 origBoundary="0,0,1,1" projParameter="+proj=utm +zone=51 +ellps=WGS84 +datum=WGS84 +units=m +no_defs"/></net>"""


async def played(feed: FcdReplay) -> list[Movements]:
    told: list[Movements] = []
    await feed.move(told.append)
    return told


async def test_floating_car_data_in_degrees_is_played(tmp_path: Path) -> None:
    path = tmp_path / "run.xml"
    path.write_text(FCD)
    feed = connect(f"fcd:{path}?speed=1000", Datastreams.from_records([]))
    assert isinstance(feed, FcdReplay)
    told = await played(feed)
    assert [list(each.ids) for each in told] == [["c1", "p1"], ["c1"]]
    assert [np.asarray(each.kind).tolist() for each in told] == [[1, 8], [2]]
    assert int(np.asarray(told[1].time_ms)[0] - np.asarray(told[0].time_ms)[0]) == 1000
    assert told[0].crs == "EPSG:4326"
    assert "ended" in feed.status.message


async def test_floating_car_data_in_metres_lies_where_its_network_does(tmp_path: Path) -> None:
    path = tmp_path / "run.fcd.xml"
    path.write_text(FCD.replace("121.47", "40").replace("31.23", "60"))
    (tmp_path / "town.net.xml").write_text(NET)
    told = await played(FcdReplay(path, math.inf))
    fleet = fleet_at()
    fleet.apply(Movements(["c1"], NOW, told[0].x, told[0].y, crs=told[0].crs) if len(told[0]) == 1 else told[0])
    assert fleet.counts.misplaced == 0
    (tmp_path / "town.net.xml").unlink()
    with pytest.raises(LoadError, match="0 networks lie beside it"):
        await played(FcdReplay(path, math.inf))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<fcd-export></fcd-export>", "holds no step"),
        ("<fcd-export><timestep time='1'>", "is not valid XML"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><fcd-export></fcd-export>", "document type with entities"),
    ],
)
async def test_broken_floating_car_data_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "run.xml"
    path.write_text(text)
    (tmp_path / "a.net.xml").write_text(NET)
    with pytest.raises(LoadError, match=message):
        await played(FcdReplay(path, math.inf))


def test_addresses_of_moving_feeds_are_checked() -> None:
    none = Datastreams.from_records([])
    feed = connect("gtfs-rt:https://host/v.pb?key=1#kind=train&every=30", none)
    assert isinstance(feed, TransitFeed)
    assert (feed.address, feed.kind, feed.poll_s) == ("https://host/v.pb?key=1", "train", 30.0)
    with pytest.raises(UnsupportedError, match="'tank' is no kind"):
        connect("gtfs-rt:v.pb#kind=tank", none)
    with pytest.raises(UnsupportedError, match="'fast' is not a speed"):
        connect("fcd:run.xml?speed=fast", none)
    with pytest.raises(UnsupportedError, match="colour is no option of it"):
        connect("fcd:run.xml?colour=red", none)


async def test_vehicle_positions_are_read_again_and_again(tmp_path: Path, until: Until) -> None:
    from google.transit import gtfs_realtime_pb2

    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version, message.header.timestamp = "2.0", NOW // 1000
    for number, (lon, lat) in enumerate([(121.47, 31.23), (0.0, 0.0)]):
        entity = message.entity.add(id=f"e{number}")
        entity.vehicle.vehicle.id = f"bus {number}"
        entity.vehicle.position.longitude, entity.vehicle.position.latitude = lon, lat
        entity.vehicle.position.bearing = 45.0
    path = tmp_path / "vehicles.pb"
    path.write_bytes(message.SerializeToString())
    told: list[Movements] = []
    feed = TransitFeed(str(path), "train", 1.0)
    task = asyncio.create_task(feed.move(told.append))
    await until(lambda: told or task.done())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert list(told[0].ids) == ["bus 0"]
    assert np.asarray(told[0].time_ms).tolist() == [NOW]
    assert np.asarray(told[0].heading_deg).tolist() == [45.0]
    assert np.asarray(told[0].kind).tolist() == [3]
    with pytest.raises(MissingSourceError):
        await TransitFeed(str(tmp_path / "none.pb")).move(told.append)


def test_traffic_keeps_to_the_right_of_its_line_and_turns_at_its_end() -> None:
    lines = Lines.from_shapes([shapely.LineString([(0, 0), (300, 0)]), shapely.LineString([(0, 90), (0, 900)])])
    traffic = Traffic(lines, count=50, seed=3)
    before: Movements | None = None
    for second in range(120):
        moved = traffic.at(float(second), NOW + second * 1000)
        x, y = np.asarray(moved.x), np.asarray(moved.y)
        along_first = np.abs(np.abs(y) - 2.6) < 1e-6
        assert (along_first | (np.abs(np.abs(x) - 2.6) < 1e-6)).all()
        if before is not None:
            step = np.hypot(x - np.asarray(before.x), y - np.asarray(before.y))
            assert step.max() < 25.0
        before = moved
    assert traffic.at(7.0, NOW).ids == Traffic(lines, count=50, seed=3).at(7.0, NOW).ids
    assert len(Traffic(Lines.from_shapes([]), count=50).at(0.0, NOW)) == 0


async def test_a_hub_tells_viewers_what_moves_once_a_tick(until: Until) -> None:
    feed = Traffic(Lines.from_shapes([shapely.LineString([(0, 0), (300, 0)])]), count=5)
    hub = LiveHub(Datastreams.from_records([]), [feed], moving=Fleet(history=MovingHistory()))
    frames: list[object] = []
    task = asyncio.create_task(hub.run(frames.append, lambda _: None))
    await until(lambda: frames or task.done())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    (first, *_) = frames
    assert isinstance(first, MovingFrame)
    assert len(first) == 5
    full = hub.full(0)
    assert isinstance(full, MovingFrame)
    assert full.full
    assert hub.numbers == [0]
    assert hub.status()["moving"] == 5
    then = Past(hub).moving(hub.now_ms())
    assert len(then) == 5
