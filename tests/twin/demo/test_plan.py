"""The plan of the demo city: blocks keep off roads and water, districts cover the town."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from twin.demo.massing import build
from twin.demo.plan import Plan, skyline


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan()


def test_no_block_touches_the_water_or_a_main_road(plan: Plan) -> None:
    avenues = shapely.union_all([s.line.buffer(10) for s in plan.streets if s.highway == "primary" and not s.bridge])
    for block in plan.blocks:
        assert block.polygon.is_valid
        assert not block.polygon.intersects(plan.water)
        assert block.polygon.intersection(avenues).area < 1.0


def test_blocks_do_not_overlap(plan: Plan) -> None:
    shapes = [block.polygon for block in plan.blocks]
    union = shapely.union_all(shapes)
    assert union.area == pytest.approx(sum(shape.area for shape in shapes), rel=1e-6)


def test_every_bridge_crosses_the_river_from_bank_to_bank(plan: Plan) -> None:
    bridges = [street for street in plan.streets if street.bridge]
    assert len(bridges) == 2
    for bridge in bridges:
        ends = [shapely.Point(bridge.line.coords[0]), shapely.Point(bridge.line.coords[-1])]
        assert all(plan.river.distance(end) > 5 for end in ends)
        assert bridge.line.intersects(plan.river_axis)


def test_streets_divide_each_district_without_gap(plan: Plan) -> None:
    for code, *_names, polygon in plan.districts:
        parts = [piece for _code, district, *_rest, piece in plan.subdistricts if district == code]
        assert len(parts) == 4
        assert shapely.union_all(parts).area == pytest.approx(polygon.area, rel=1e-6)
        assert sum(part.area for part in parts) == pytest.approx(polygon.area, rel=1e-6)


def test_the_skyline_is_highest_in_the_heart() -> None:
    grid = [(x, y) for x in np.arange(-2500, 2500, 100.0) for y in np.arange(-2500, 2500, 100.0)]
    values = [skyline(x, y) for x, y in grid]
    best = grid[int(np.argmax(values))]
    assert np.hypot(best[0] - 1190, best[1] - 120) < 100
    assert 0 <= min(values) <= max(values) <= 1


def test_there_are_at_least_5000_buildings_standing_apart_from_the_water(plan: Plan) -> None:
    bodies = build(plan)
    assert len(bodies) >= 5000
    island = plan.island
    assert all(not b.polygon.intersects(plan.river) for b in bodies)
    assert all(b.polygon.is_valid and b.polygon.geom_type == "Polygon" for b in bodies)
    assert max(b.height_m for b in bodies) == 468
    assert sum(b.polygon.within(island) for b in bodies) >= 4


def test_the_same_seed_gives_the_same_town_and_another_seed_another(plan: Plan) -> None:
    first, again, other = build(plan), build(Plan(7)), build(Plan(8))
    assert [(b.polygon.wkb, b.height_m) for b in first] == [(b.polygon.wkb, b.height_m) for b in again]
    assert [b.polygon.wkb for b in first] != [b.polygon.wkb for b in other]
