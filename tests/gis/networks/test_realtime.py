"""GTFS-realtime files: vehicles stand where they were, the two spellings say the same, broken ones are one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.transit import gtfs_realtime_pb2

from gis.networks.realtime import GtfsRealtimeLoader
from scenes import Batch, Georeference, LoadError, Problems
from scenes.assembly import assemble
from scenes.loading import LoadContext, loader_for
from scenes.sources import Source

FRAME = Georeference.around(121.5, 31.24)
NOON = 1_699_405_559


def message() -> Any:
    feed = gtfs_realtime_pb2.FeedMessage()
    feed.header.gtfs_realtime_version, feed.header.timestamp = "2.0", NOON
    feed.header.incrementality = 0
    for number, (lon, lat) in enumerate([(121.5, 31.24), (121.51, 31.25), (0.0, 0.0)]):
        vehicle = feed.entity.add(id=f"v{number}").vehicle
        vehicle.vehicle.id, vehicle.vehicle.label = f"bus-{number}", f"公交 {number}"
        vehicle.position.longitude, vehicle.position.latitude = lon, lat
        vehicle.position.speed, vehicle.position.bearing = 8.0 + number, 90.0
        vehicle.trip.trip_id, vehicle.timestamp = "T1", NOON - 10
        vehicle.current_status = 1
    update = feed.entity.add(id="u").trip_update
    update.trip.trip_id, update.trip.start_date = "T1", "20231107"
    for sequence, delay in ((1, 30), (2, 75)):
        stop = update.stop_time_update.add(stop_sequence=sequence)
        stop.arrival.delay = delay
    alert = feed.entity.add(id="a").alert
    alert.header_text.translation.add(text="Line 4 is closed")
    alert.informed_entity.add(route_id="R4")
    return feed


def write(folder: Path, suffix: str) -> Path:
    path = folder / f"live{suffix}"
    path.write_bytes(
        message().SerializeToString() if suffix == ".pb" else json_format.MessageToJson(message()).encode()
    )
    return path


def load(path: Path) -> dict[str, Batch]:
    source = Source(str(path), dataset="live")
    assert isinstance(loader_for(source), GtfsRealtimeLoader)
    found = GtfsRealtimeLoader().load(source, LoadContext(FRAME, problems=Problems()))
    return {layer.name: batch.with_bounds() for layer, batch in found}


@pytest.mark.parametrize("suffix", [".pb", ".json"])
def test_vehicles_stand_where_they_were_with_what_was_said_of_them(tmp_path: Path, suffix: str) -> None:
    found = load(write(tmp_path, suffix))
    rows = found["transit-vehicles"].table.to_pylist()
    east, north = FRAME.from_lonlat(121.51, 31.25)
    assert (rows[1]["min_x"] + rows[1]["max_x"]) / 2 == pytest.approx(float(east), abs=0.6)
    assert (rows[1]["min_y"] + rows[1]["max_y"]) / 2 == pytest.approx(float(north), abs=0.6)
    assert (rows[1]["name"], rows[1]["speed_m_s"], rows[1]["status"]) == ("公交 1", 9.0, "STOPPED_AT")
    assert rows[1]["observed"] == "2023-11-08T01:05:49Z"
    assert rows[2]["min_x"] is None
    assert found["transit-updates"].table.to_pylist()[0]["delay_s"] == 75.0
    assert found["transit-alerts"].table.to_pylist()[0]["routes"] == "R4"
    feed = found["transit-feed"].table.to_pylist()[0]
    assert (feed["vehicles"], feed["trip_updates"], feed["alerts"]) == (3, 1, 1)


def test_both_spellings_say_the_same(tmp_path: Path) -> None:
    first, second = load(write(tmp_path, ".pb")), load(write(tmp_path, ".json"))
    for name, batch in first.items():
        assert batch.table.drop(["source"]).equals(second[name].table.drop(["source"]))


def test_a_scene_is_made_around_the_vehicles(tmp_path: Path) -> None:
    scene = assemble([Source(str(write(tmp_path, ".pb")))])
    lon, lat = scene.georeference.lonlat(0.0, 0.0)
    assert (float(lon), float(lat)) == pytest.approx((121.505, 31.245), abs=0.01)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.pb", b"not valid pb data"),
        ("b.pb", b"\x0a"),
        ("c.json", b'{"header": {"gtfsRealtimeVersion": 3}}'),
        ("d.json", b'{"header": {"gtfsRealtimeVersion": "2.0"'),
        ("e.json", b'{"entity": [{"id": "1", "gtfsRealtimeVersion": "x"}]}'),
        ("f.json", b'{"header": {"gtfsRealtimeVersion": "2.0", "timestamp": "noon"}}'),
        ("g.json", b'{"header": {"gtfsRealtimeVersion": "2.0"}, "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}"),
    ],
)
def test_what_is_no_message_is_one_sentence(tmp_path: Path, name: str, body: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    with pytest.raises(LoadError, match="GTFS-realtime message"):
        load(path)


def test_texts_that_are_no_utf8_have_marks_in_place_of_their_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, ".pb")
    path.write_bytes(
        path.read_bytes().replace("公交 1".encode(), b"\xff\xe5\x85\xac\xfe\xe4 1").replace(b"T1", b"\xff1")
    )
    found = load(path)
    assert found["transit-vehicles"].table["name"].to_pylist()[1] == "\ufffd公\ufffd\ufffd 1"
    assert set(found["transit-vehicles"].table["trip_id"].to_pylist()) == {"\ufffd1"}


@pytest.mark.real_data
def test_caltrain_runs_on_its_tracks(real_data: Path) -> None:
    folder = real_data / "transit/caltrain_gtfs_rt"
    scene = assemble(
        [Source(str(folder / name)) for name in ("ct.zip", "ct-vehicle-positions.pb", "ct-trip-updates.pb")]
    )
    assert len(scene.layers["transit-vehicles"]) == 14
    assert len(scene.layers["transit-updates"]) == 19
