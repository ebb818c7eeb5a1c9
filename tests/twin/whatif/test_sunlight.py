"""Sunlit hours on scenes whose answer can be worked out by hand."""

from __future__ import annotations

import datetime as dt
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import shapely

from scenes import Batch, Georeference, Layer, MeshSet, Scene, SimulationError
from scenes.identity import derive_uids
from scenes.schema import object_table
from twin.whatif import Context, Result, simulate
from twin.whatif.inputs import checked_inputs
from twin.whatif.sunlight import Sunlight
from twin.whatif.sunlight.hours import Tally
from twin.whatif.sunlight.rays import Tracer, towards
from twin.whatif.sunlight.sun import sun_path

from .conftest import SHANGHAI, city_of, with_terrain

STEP_H = 5 / 60


def run(scene: Scene, **inputs: object) -> Result:
    """Take the three steps of the protocol in this process, which saves the start of a child."""
    engine = Sunlight()
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder)
        engine.prepare(scene, checked_inputs(engine.spec, inputs), case)
        engine.run(case, Context(io.StringIO()))
        found = engine.collect(scene, case)
    result = Result(engine.spec, scene, found.fields, found.kpis, found.checks, {})
    assert result.trusted, result.checks
    return result


def facade_cells(result: Result) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middles (n, 3), outward normals (n, 3), hours (n,)."""
    field = result.fields["facade_hours"]
    corners = field.surface.positions_m.reshape(-1, 4, 3)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return corners.mean(axis=1), normals / np.linalg.norm(normals, axis=1, keepdims=True), field.values[::4]


def ground_cells(result: Result) -> tuple[np.ndarray, np.ndarray]:
    field = result.fields["ground_hours"]
    return field.surface.positions_m.reshape(-1, 4, 3).mean(axis=1), field.values[::4]


def window_directions(rule_day: dt.date, start: float, end: float, step_h: float = STEP_H) -> np.ndarray:
    longitude, latitude = SHANGHAI.lonlat(0.0, 0.0)
    count = round((end - start) / step_h)
    hours = start + (np.arange(count) + 0.5) * step_h
    return sun_path(rule_day, float(latitude), float(longitude), hours).directions(SHANGHAI.convergence_deg())


def test_a_south_wall_in_the_open_has_the_whole_window_and_a_north_wall_nothing() -> None:
    result = run(city_of([(shapely.box(0, 0, 20, 10), 20.0)]))
    _, normals, hours = facade_cells(result)
    assert hours[normals[:, 1] < -0.9] == pytest.approx(8.0)
    assert hours[normals[:, 1] > 0.9] == pytest.approx(0.0)
    assert result.fields["sunlit_hours"].values == pytest.approx([8.0])
    assert result.kpis["buildings_below"] == 0


def test_east_and_west_walls_share_the_window() -> None:
    _, normals, hours = facade_cells(run(city_of([(shapely.box(0, 0, 20, 10), 20.0)])))
    east, west = hours[normals[:, 0] > 0.9], hours[normals[:, 0] < -0.9]
    assert np.ptp(east) == np.ptp(west) == 0
    assert east[0] + west[0] == pytest.approx(8.0, abs=STEP_H)


def test_a_symmetric_block_has_a_symmetric_day() -> None:
    # On the central meridian of the zone grid north is true north.
    frame = Georeference.around(123.0, 31.2304)
    _, normals, hours = facade_cells(run(city_of([(shapely.box(-10, -5, 10, 5), 20.0)], frame)))
    assert hours[normals[:, 0] > 0.9].mean() == pytest.approx(hours[normals[:, 0] < -0.9].mean(), abs=STEP_H)


def test_ground_in_the_open_has_the_whole_window() -> None:
    result = run(city_of([(shapely.box(0, 0, 10, 10), 5.0)]), ground_margin_m=60)
    middles, hours = ground_cells(result)
    south = middles[:, 1] < -10
    assert south.any()
    assert hours[south] == pytest.approx(8.0)
    assert hours.min() < 8.0


def test_the_noon_shadow_of_a_long_wall_ends_where_trigonometry_says() -> None:
    # A wall of 20 m along the grid's east-west line; noon only: a window of one minute about 12:00.
    result = run(
        city_of([(shapely.box(-500, 0, 500, 1), 20.0)]),
        rule="date",
        date="2024-12-21",
        start_h=12 - 1 / 120,
        end_h=12 + 1 / 120,
        time_step_min=1,
        min_period_min=0,
        ground_resolution_m=0.5,
        ground_margin_m=40,
        max_points=2_000_000,
        resolution_m=20,
    )
    middles, hours = ground_cells(result)
    strip = np.abs(middles[:, 0]) < 100
    shaded = middles[strip & (hours == 0) & (middles[:, 1] > 1), 1]
    sun = window_directions(dt.date(2024, 12, 21), 12 - 1 / 120, 12 + 1 / 120, 1 / 60)[0]
    length = 20.0 * -sun[1] / sun[2]
    assert length == pytest.approx(20 * 1.41, rel=0.01)
    assert shaded.max() == pytest.approx(1 + length, abs=0.5)


def test_two_parallel_slabs_have_the_hours_of_the_profile_angle() -> None:
    # Endless slabs, 30 m high, 40 m apart: the lower wall is lit while the sun clears the southern slab.
    gap, height, sill = 40.0, 30.0, 0.9
    slabs = [(shapely.box(-3000, 0, 3000, 10), height), (shapely.box(-3000, 10 + gap, 3000, 20 + gap), height)]
    result = run(city_of(slabs), resolution_m=30, ground=False, max_points=2_000_000, min_period_min=0)
    sun = window_directions(dt.date(2001, 1, 20), 8, 16)
    clear = sun[:, 2] / -sun[:, 1] > (height - sill) / (gap - 0.05)
    expected = clear.sum() * STEP_H
    assert 0 < expected < 8
    hours = result.fields["sunlit_hours"].values
    assert hours[0] == pytest.approx(8.0)
    middles, normals, cells = facade_cells(result)
    # The middle of the slab does not see round the ends of the southern one.
    low = (normals[:, 1] < -0.9) & (middles[:, 1] > 45) & (np.abs(middles[:, 0]) < 300) & (middles[:, 2] < 16)
    clear_cell = sun[:, 2] / -sun[:, 1] > (height - middles[low][0, 2]) / (gap - 0.05)
    assert cells[low] == pytest.approx(clear_cell.sum() * STEP_H, abs=STEP_H)
    assert hours[1] == pytest.approx(expected, abs=STEP_H + 1e-6)


def test_solstice_rule_uses_its_shorter_window() -> None:
    result = run(city_of([(shapely.box(0, 0, 20, 10), 20.0)]), rule="GB50180-dongzhi")
    assert result.kpis["window_h"] == 6
    assert result.kpis["required_hours"] == 1
    assert result.kpis["date"] == "2001-12-22"
    assert result.fields["sunlit_hours"].values == pytest.approx([6.0])


def test_a_whole_day_counts_the_night_as_below_the_horizon() -> None:
    result = run(city_of([(shapely.box(0, 0, 20, 10), 20.0)]), rule="date", date="2024-12-21", time_step_min=10)
    _, hours = ground_cells(result)
    # Geometric day length at latitude phi: 2/15 acos(-tan phi tan delta) hours.
    day = 2 / 15 * np.degrees(np.arccos(-np.tan(np.radians(31.23)) * np.tan(np.radians(-23.43))))
    assert hours.max() == pytest.approx(day, abs=1 / 6)


def test_walls_below_the_terrain_are_not_assessed() -> None:
    buried = with_terrain(city_of([(shapely.box(0, 0, 20, 10), 30.0)], foot_m=-10.0), 0.0)
    result = run(buried, resolution_m=1)
    middles, _, _ = facade_cells(result)
    assert middles[:, 2].min() > 0
    assert result.fields["sunlit_hours"].values == pytest.approx([8.0])
    assert result.kpis["facade_area_m2"] == pytest.approx(60 * 20, rel=0.01)


def test_the_grid_covers_every_wall_once() -> None:
    angled = shapely.Polygon([(0, 0), (30, 5), (28, 22), (12, 18), (9, 30), (-4, 25)])
    result = run(city_of([(angled, 25.0)]), ground=False)
    assert result.kpis["facade_area_m2"] == pytest.approx(angled.length * 25.0, rel=1e-4)


def test_a_round_tower_is_covered_too() -> None:
    tower = shapely.Point(0, 0).buffer(15, quad_segs=16)
    result = run(city_of([(tower, 40.0)]), ground=False)
    assert result.kpis["facade_area_m2"] == pytest.approx(tower.length * 40.0, rel=0.02)


def test_too_many_points_make_the_grid_coarser_and_say_so() -> None:
    result = run(city_of([(shapely.box(0, 0, 200, 100), 50.0)]), resolution_m=0.25, max_points=2000)
    assert result.kpis["resolution_used_m"] == pytest.approx(np.sqrt(600 * 50 / 2000), rel=0.01)
    assert len(result.fields["facade_hours"].values) / 4 <= 2200


def test_an_area_limits_what_is_assessed_but_not_what_casts_shadows() -> None:
    south = (shapely.box(-200, 0, 200, 10), 60.0)
    north = (shapely.box(-20, 30, 20, 40), 20.0)
    alone, both = city_of([north]), city_of([south, north])
    free, shaded = run(alone), run(both, area=[-50, 25, 50, 50])
    assert len(shaded.fields["sunlit_hours"].values) == 1
    assert shaded.fields["sunlit_hours"].values[0] < free.fields["sunlit_hours"].values[0]
    assert shaded.fields["sunlit_hours"].handles.tolist() == [1]


def test_buildings_can_be_named_by_uid() -> None:
    scene = city_of([(shapely.box(x, 0, x + 10, 10), 20.0) for x in (0, 40, 80)])
    uids = list(scene)
    result = run(scene, uids=[uids[2]])
    assert result.fields["sunlit_hours"].handles.tolist() == [2]
    with pytest.raises(SimulationError, match="no such object"):
        run(scene, uids=["urn:uuid:nobody"])


def test_a_named_building_stands_for_its_walls_and_rooms_cast_no_shadow() -> None:
    # A model of two walls and a room before them; the building above them has no mesh of its own.
    parts = [shapely.box(0, 0, 20, 0.3), shapely.box(0, 9.7, 20, 10), shapely.box(0.5, -6, 19.5, -1)]
    mesh = city_of([(shape, 12.0) for shape in parts]).layers["buildings"].batches[0].meshes["1"]
    uids = derive_uids("model", ["south", "north", "room"])
    house = derive_uids("model", ["house"])
    table = object_table(
        {
            "uid": [*uids, *house],
            "kind": ["BuildingConstructiveElement", "BuildingConstructiveElement", "BuildingRoom", "Building"],
            "parent": [*house * 3, None],
        }
    )
    scene = Scene(SHANGHAI, {"model": Layer("model", (Batch(table, {"3": mesh}).with_bounds(),), "bim")})
    with pytest.raises(SimulationError, match="name buildings with uids"):
        run(scene)
    result = run(scene, uids=house)
    assert result.fields["sunlit_hours"].handles.tolist() == [3]
    # If the room cast a shadow the south wall would be dark.
    assert result.fields["sunlit_hours"].values == pytest.approx([8.0])


def test_a_layer_of_nothing_but_rooms_is_no_obstacle() -> None:
    city = city_of([(shapely.box(0, 0, 20, 10), 20.0)])
    room = city_of([(shapely.box(0, -8, 20, -2), 20.0)]).layers["buildings"].batches[0].meshes["1"]
    table = object_table({"uid": derive_uids("rooms", ["0"]), "kind": ["BuildingRoom"]})
    rooms = Layer("rooms", (Batch(table, {"3": room}).with_bounds(),), "bim")
    assert run(city.with_layer(rooms)).fields["sunlit_hours"].values == pytest.approx([8.0])


def test_a_roof_without_walls_is_one_clear_sentence() -> None:
    flat = MeshSet.of_one([[0, 0, 5], [9, 0, 5], [9, 9, 5]], [[0, 1, 2]])
    table = object_table({"uid": derive_uids("roof", ["0"]), "kind": ["Building"]})
    scene = Scene(SHANGHAI, {"buildings": Layer("buildings", (Batch(table, {"1": flat}),), "buildings")})
    with pytest.raises(SimulationError, match="no façade stands above the ground"):
        run(scene)


def test_no_building_is_one_clear_sentence() -> None:
    scene = city_of([(shapely.box(0, 0, 10, 10), 20.0)])
    with pytest.raises(SimulationError, match="no building with walls"):
        run(scene, area=[500, 500, 600, 600])


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"rule": "date"}, "needs a date"),
        ({"rule": "date", "date": "2024-02-31"}, "is not a date"),
        ({"rule": "date", "date": "2024-02-01", "start_h": 12, "end_h": 12}, "window is empty"),
        ({"time_step_min": 0}, "time_step_min"),
        ({"measure": "median"}, "measure"),
        ({"colour": "red"}, "has no input 'colour'"),
    ],
)
def test_bad_inputs_are_refused_in_a_sentence(inputs: dict[str, object], sentence: str) -> None:
    with pytest.raises(SimulationError, match=sentence):
        run(city_of([(shapely.box(0, 0, 10, 10), 20.0)]), **inputs)


def test_tally_tells_total_from_longest_and_drops_short_periods() -> None:
    tally = Tally(2, 0.1, min_period_h=0.2)
    for lit in ([1, 1], [1, 0], [0, 1], [1, 1], [0, 1], [1, 0]):
        flags = np.array(lit, bool)
        tally.add(flags, ~flags)
    tally.add_night()
    tally.finish()
    assert tally.total_h == pytest.approx([0.2, 0.3])
    assert tally.longest_h == pytest.approx([0.2, 0.3])
    assert tally.imbalance_h() == 0


def test_a_lost_step_shows_in_the_balance() -> None:
    tally = Tally(1, 0.1)
    tally.add(np.array([False]), np.array([False]))
    assert tally.imbalance_h() == pytest.approx(0.1)


def test_longest_is_never_more_than_total() -> None:
    scene = city_of([(shapely.box(x, y, x + 15, y + 15), 40.0) for x in (0, 35) for y in (0, 40)])
    total = facade_cells(run(scene, resolution_m=4))[2]
    longest = facade_cells(run(scene, resolution_m=4, measure="longest"))[2]
    assert (longest <= total + 1e-6).all()
    assert (longest < total - 1e-6).any()


def test_rays_meet_what_is_in_front_of_them() -> None:
    square = np.array([[-1, -1, 5], [1, -1, 5], [1, 1, 5], [-1, 1, 5]], float)
    tracer = Tracer(square, np.array([[0, 1, 2], [0, 2, 3]]))
    origins = np.array([[0, 0, 0], [3, 0, 0], [0, 0, 6]], np.float32)
    up = towards([0, 0, 1], 3)
    assert tracer.occluded(origins, up).tolist() == [True, False, False]
    assert tracer.distances(origins, up) == pytest.approx([5.0, np.inf, np.inf])
    nothing = Tracer(np.zeros((0, 3)), np.zeros((0, 3), int))
    assert not nothing.occluded(origins, up).any()


def test_result_as_json_has_titles_units_and_checks() -> None:
    told = simulate(city_of([(shapely.box(0, 0, 20, 10), 20.0)]), "sunlight", cache=False).as_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert {each["name"] for each in told["checks"]} == {"balance", "solar_noon", "open_sky"}
    below = next(each for each in told["kpis"] if each["name"] == "buildings_below")
    assert below["titles"]["zh"]
    assert told["provenance"]["engines"]["embreex"][0].isdigit()
