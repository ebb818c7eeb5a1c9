"""What the demo makes by code alone: pipes, manholes, bridges, devices, heights."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import trimesh

from twin.demo import land
from twin.demo.bridges import bridges
from twin.demo.plan import Plan
from twin.demo.sensors import devices
from twin.demo.underground import SIDES, pipes_and_manholes, tubes


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan()


def height(plan: Plan):
    return lambda x, y: land.height_at(plan, x, y)


def test_a_tube_has_the_area_of_its_prism() -> None:
    ends = np.array([[[0.0, 0.0, 0.0], [10.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 0.0, 4.0]]])
    positions, triangles = tubes(ends, np.array([0.5, 1.0]))
    mesh = trimesh.Trimesh(positions, triangles, process=False)
    chord = 2 * np.sin(np.pi / SIDES)
    assert mesh.area == pytest.approx(SIDES * chord * (0.5 * 10 + 1.0 * 4))


def test_pipes_lie_below_the_ground_and_manholes_reach_up_to_it(plan: Plan) -> None:
    pipes, manholes = pipes_and_manholes(plan, height(plan))
    assert len(pipes) > 5000
    assert len(manholes) > 1000
    table = pipes.table
    middle = (
        (table["min_x"].to_numpy() + table["max_x"].to_numpy()) / 2,
        (table["min_y"].to_numpy() + table["max_y"].to_numpy()) / 2,
    )
    ground = land.height_at(plan, *middle)
    assert np.mean(table["max_z"].to_numpy() < ground) > 0.99
    tops = manholes.table
    assert np.abs(tops["max_z"].to_numpy() - tops["lid_m"].to_numpy()).max() < 0.5


def test_water_lies_below_its_banks(plan: Plan) -> None:
    axis = shapely.get_coordinates(plan.river_axis)
    inside = axis[np.abs(axis[:, 1]) < 2500]
    assert land.height_at(plan, inside[:, 0], inside[:, 1]).max() < land.WATER_M
    assert land.height_at(plan, np.array([900.0]), np.array([900.0]))[0] > land.WATER_M + 1


def test_bridges_span_the_river_and_have_pylons(plan: Plan) -> None:
    table = bridges(plan).table
    assert table["length_m"].to_numpy().min() > 250
    assert table["max_z"].to_numpy().min() > 90
    assert set(table["kind"].to_pylist()) == {"Bridge"}


def test_devices_stand_on_the_ground(plan: Plan) -> None:
    table = devices(plan, height(plan)).table
    x = (table["min_x"].to_numpy() + table["max_x"].to_numpy()) / 2
    y = (table["min_y"].to_numpy() + table["max_y"].to_numpy()) / 2
    assert np.allclose(table["min_z"].to_numpy(), land.height_at(plan, x, y), atol=0.1)
    assert len(set(table["uid"].to_pylist())) == len(table) == 104


def test_trees_keep_off_water_and_buildings(plan: Plan) -> None:
    from twin.demo.massing import build

    bodies = build(plan)[:400]
    places = land.trees(plan, bodies)
    assert 15_000 < len(places) < 60_000
    wet = plan.water
    shapely.prepare(wet)
    assert not shapely.contains_xy(wet, places[:, 0], places[:, 1]).any()
    tree = shapely.STRtree([body.polygon for body in bodies])
    assert len(tree.query(shapely.points(places), predicate="within")[0]) == 0
