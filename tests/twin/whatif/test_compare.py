"""Base and variant side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely

import gis
from scenes import SimulationError
from twin.whatif import AddObject, RemoveObject, Scenario, compare, simulate

from .conftest import city_of

if TYPE_CHECKING:
    from pathlib import Path

WALL = ((-60.0, -20.0), (80.0, -20.0), (80.0, -8.0), (-60.0, -8.0))


def test_a_new_tower_takes_the_sun_of_the_house_behind_it() -> None:
    city = city_of([(shapely.box(0, 0, 20, 12), 18.0), (shapely.box(300, 0, 320, 12), 18.0)])
    house, far = list(city)
    scenario = Scenario("tower", city).edit(AddObject("", WALL, 80.0, name="Tower"))
    base = simulate(city, "sunlight", cache=False, resolution_m=3)
    variant = simulate(city, "sunlight", scenario, cache=False, resolution_m=3)
    found = compare(base, variant)
    assert found.newly_below == (house,)
    assert found.newly_above == ()
    assert found.trusted
    change = found.fields["sunlit_hours"]
    by_uid = dict(zip([variant.scene.at(int(h)).uid for h in change.handles], change.values, strict=True))
    assert by_uid[house] < -6
    assert by_uid[far] == 0
    assert np.isnan(by_uid[scenario.added_uids[0]])
    assert found.kpis["buildings"]["change"] == 1
    facade = found.fields["facade_hours"].values
    known = facade[np.isfinite(facade)]
    assert len(known) == len(base.fields["facade_hours"].values)
    assert known.max() <= 1e-6
    ground = found.fields["ground_hours"].values
    assert np.isfinite(ground).mean() > 0.5
    assert np.nanmax(ground) <= 1e-6
    back = compare(variant, base)
    assert back.newly_above == (house,)


def test_removing_a_building_gives_the_sun_back() -> None:
    city = city_of([(shapely.box(0, 0, 20, 12), 18.0), (shapely.box(-60, -20, 80, -8), 80.0)])
    house, slab = list(city)
    scenario = Scenario("gone", city).edit(RemoveObject(slab))
    base = simulate(city, "sunlight", cache=False, resolution_m=3)
    variant = simulate(city, "sunlight", scenario, cache=False, resolution_m=3)
    assert compare(base, variant).newly_above == (house,)


def test_fields_of_a_scenario_are_carried_to_the_city_by_uid() -> None:
    city = city_of([(shapely.box(x, 0, x + 10, 10), 20.0) for x in (0, 100, 200)])
    first, *others = list(city)
    scenario = Scenario("other", city).edit(RemoveObject(first), AddObject("", WALL, 9.0))
    result = simulate(city, "sunlight", scenario, cache=False, resolution_m=5)
    assert result.fields["sunlit_hours"].handles.tolist() == [0, 1, 2]
    carried = result.fields_on(city)["sunlit_hours"]
    assert [city.at(int(handle)).uid for handle in carried.handles] == others
    assert result.fields_on(scenario.scene)["sunlit_hours"] is result.fields["sunlit_hours"]


@pytest.mark.real_data
@pytest.mark.slow
def test_lujiazui_without_its_tallest_tower_has_no_less_sun_anywhere(real_data: Path) -> None:
    city = gis.read(real_data / "gis" / "shanghai" / "derived" / "buildings_DERIVED.geojson")
    tower = next(each for each in map(city.at, range(len(city))) if each.name == "上海中心大厦")
    box = tower.bounds
    area = [box[0] - 400, box[1] - 100, box[3] + 400, box[4] + 900]
    scenario = Scenario("gone", city).edit(RemoveObject(tower.uid))
    inputs = {"area": area, "resolution_m": 6, "ground_resolution_m": 8, "time_step_min": 10}
    found = compare(
        simulate(city, "sunlight", cache=False, **inputs), simulate(city, "sunlight", scenario, cache=False, **inputs)
    )
    assert found.trusted
    assert found.newly_below == ()
    for field in found.fields.values():
        assert np.nanmin(field.values) >= -1e-6
    assert np.nanmax(found.fields["facade_hours"].values) > 0.5
    assert scenario.scene.layers["buildings"].batches[1:] == city.layers["buildings"].batches[1:]


def test_results_of_different_simulations_are_not_compared() -> None:
    result = simulate(city_of([(shapely.box(0, 0, 20, 12), 18.0)]), "sunlight", cache=False)
    other = replace(result, spec=replace(result.spec, id="noise"))
    with pytest.raises(SimulationError, match="cannot be compared"):
        compare(result, other)
