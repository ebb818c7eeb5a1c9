"""GTFS: statistics by hand, times kept, and feeds that break rules."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from gis.networks.gtfs import GtfsLoader
from gis.networks.gtfs_timetable import timetable
from scenes import Batch, Georeference, Layer, LoadError, Problems, UnsupportedError
from scenes.loading import LoadContext
from scenes.sources import Source

FILES = {
    "agency.txt": "agency_id,agency_name\nA,Town Buses\n",
    "stops.txt": "\ufeffstop_id,stop_name,stop_lat,stop_lon,location_type,parent_station\n"
    'S,Station,50.85,9.70,1,\nP1,Platform 1,50.8501,9.7001,0,S\nP2,"Church, east",50.86,9.71,,\n'
    "BAD,Nowhere,-100,-200,,\n",
    "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type,route_color\n"
    "R,A,4,Centre - Church,3,FF8000\n",
    "trips.txt": "route_id,service_id,trip_id,direction_id,shape_id\n"
    "R,WEEK,T1,0,\nR,WEEK,T2,0,\nR,WEEK,T3,1,\nR,SUN,T4,0,\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "WEEK,1,1,1,1,1,0,0,20240101,20240131\nSUN,0,0,0,0,0,0,1,20240101,20240131\n",
    "calendar_dates.txt": "service_id,date,exception_type\nWEEK,20240101,2\n",
    "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
    "T1,08:00:00,08:00:00,P1,1\nT1,08:10:00,08:11:00,P2,5\n"
    "T2,08:20:00,08:20:00,P1,1\nT2,08:30:00,08:31:00,P2,5\n"
    "T3,25:00:00,25:00:00,P2,1\nT3,,,P1,2\nT4,10:00:00,10:00:00,P1,1\nT4,10:10:00,10:10:00,P2,2\n",
}


def feed(folder: Path, **changes: str | None) -> Path:
    """Write a feed; a change names a file without its ending, None leaves it out."""
    path = folder / "feed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**FILES, **{f"{key}.txt": value for key, value in changes.items()}}.items():
            if text is not None:
                archive.writestr(name, text)
    return path


def load(path: Path, problems: Problems | None = None) -> dict[str, Batch]:
    source = Source(str(path))
    assert GtfsLoader().supports(source)
    frame = Georeference.around(9.7, 50.85)
    found: list[tuple[Layer, Batch]] = list(
        GtfsLoader().load(source, LoadContext(frame, problems=problems or Problems()))
    )
    return {layer.name: batch.with_bounds() for layer, batch in found}


def test_a_route_has_the_trips_and_the_headway_of_its_busiest_day(tmp_path: Path) -> None:
    route = load(feed(tmp_path))["transit-routes"].table.to_pylist()[0]
    assert (route["name"], route["class"], route["colour"]) == ("4 Centre - Church", "bus", "#ff8000")
    assert (route["trips_per_day"], route["headway_min"], route["busiest_day"]) == (3, 20.0, "2024-01-02")
    assert (route["first_departure_s"], route["last_arrival_s"]) == (8 * 3600.0, 25 * 3600.0)
    assert route["length_m"] == pytest.approx(1_310, rel=0.02)


def test_stops_stand_where_they_are_below_their_stations(tmp_path: Path) -> None:
    problems = Problems()
    stops = load(feed(tmp_path), problems)["transit-stops"].table.to_pylist()
    assert [stop["name"] for stop in stops] == ["Station", "Platform 1", "Church, east"]
    assert stops[1]["parent"] == stops[0]["uid"]
    assert [stop["departures_per_day"] for stop in stops] == [0, 3, 3]
    assert problems.count("number-out-of-range") == 1


def test_trips_keep_their_times(tmp_path: Path) -> None:
    trips = load(feed(tmp_path))["transit-trips"]
    times = timetable(trips.table).to_pylist()
    assert len(times) == 8
    assert {"trip": "T1", "stop_id": "P2", "sequence": 1, "arrival_s": 29_400.0, "departure_s": 29_460.0} in times
    assert next(row for row in times if row["trip"] == "T3" and row["stop_id"] == "P1")["arrival_s"] is None
    assert len(set(trips.table["properties"].to_pylist())) == 3  # T1 and T2 are one pattern
    first = trips.table["valid_from"].to_pylist()[0]
    assert first.date().isoformat() == "2024-01-02"


def test_frequencies_repeat_trips(tmp_path: Path) -> None:
    text = "trip_id,start_time,end_time,headway_secs\nT1,06:00:00,07:00:00,600\n"
    route = load(feed(tmp_path, frequencies=text))["transit-routes"].table.to_pylist()[0]
    assert route["trips_per_day"] == 6 + 2
    assert route["headway_min"] == 10.0
    assert route["first_departure_s"] == 6 * 3600.0


def test_shapes_are_followed_in_the_order_of_their_points(tmp_path: Path) -> None:
    shapes = "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\nX,50.86,9.71,10\nX,50.85,9.70,9\nX,50.86,9.70,9.5\n"
    trips = FILES["trips.txt"].replace("T1,0,", "T1,0,X").replace("T2,0,", "T2,0,X").replace("T3,1,", "T3,1,X")
    trips = trips.replace("T4,0,", "T4,0,X")
    route = load(feed(tmp_path, shapes=shapes, trips=trips))["transit-routes"].table.to_pylist()[0]
    assert route["length_m"] == pytest.approx(1_112 + 704, rel=0.02)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stops": None}, "missing-required-file"),
        ({"trips": "route_id,service_id\nR,WEEK\n"}, "missing-required-column"),
    ],
)
def test_feeds_without_what_they_need_are_refused_by_the_name_of_the_rule(
    tmp_path: Path, changes: dict[str, str | None], words: str
) -> None:
    with pytest.raises(LoadError, match=words):
        load(feed(tmp_path, **changes))


def test_smaller_troubles_are_reported_by_the_names_of_the_rules(tmp_path: Path) -> None:
    problems = Problems()
    rows = FILES["stop_times.txt"] + "LOST,08:00:00,08:00:00,P1,1\nT4,09:00:00,09:00:00,GONE,3\nT4,09:30:00,,P2\n"
    more = FILES["stops.txt"] + "P1,Again,50.85,9.7,,\nZERO,Sea,0,0,,\n"
    load(feed(tmp_path, stop_times=rows, stops=more, calendar=None, calendar_dates=None), problems)
    rules = {problem.rule for problem in problems.listed()}
    assert rules >= {
        "foreign-key-violation", "invalid-row-length", "duplicate-key", "point-near-origin", "missing-calendar",
        "stop-time-with-arrival-before-previous-departure-time",
    }  # fmt: skip


def test_a_folder_is_a_feed_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(feed(tmp_path)) as archive:
        archive.extractall(tmp_path / "feed")
    assert len(load(tmp_path / "feed")["transit-trips"]) == 4


def test_live_feeds_and_broken_zips_say_what_they_are(tmp_path: Path) -> None:
    broken, bikes = tmp_path / "a.zip", tmp_path / "a.json"
    broken.write_text("not a zip file")
    bikes.write_text('{"data": {"stations": [{"station_id": "1", "num_bikes_available": 3}]}}')
    with pytest.raises(LoadError, match="no zip archive"):
        load(broken)
    with pytest.raises(UnsupportedError, match="twin feed"):
        load(bikes)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["gtfs/caltrain.zip", "porto_alegre_gtfs/poa_trensurb.zip"])
def test_real_feeds_keep_every_stop_time(real_data: Path, name: str) -> None:
    path = real_data / "transit" / name
    with zipfile.ZipFile(path) as archive:
        lines = archive.read("stop_times.txt").decode().strip().splitlines()
    layers = load(path)
    assert timetable(layers["transit-trips"].table).num_rows == len(lines) - 1
    lengths = np.array(layers["transit-routes"].table["length_m"].to_pylist(), float)
    assert np.nanmax(lengths) > 10_000


@pytest.mark.real_data
def test_the_feed_full_of_errors_is_loaded_around_them(real_data: Path) -> None:
    problems = Problems()
    layers = load(real_data / "malformed/gtfs_rt/example-errors.zip", problems)
    assert len(layers["transit-stops"]) == 8
    assert problems.count("number-out-of-range") == 1
