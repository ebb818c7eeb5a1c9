"""Looking only near a place finds what looking everywhere finds."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes import Batch, Georeference, Layer, Scene, UnknownObjectError
from scenes.filter_places import PlaceCondition
from scenes.footprints import local_footprints
from scenes.plans import nearest_rows, rows_near, rows_taken, rows_with_plan
from scenes.query import find_rows
from scenes.schema import BOUNDS, object_table

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
PLACES = st.tuples(st.integers(-300, 300), st.integers(-300, 300))


def _city(places: list[tuple[int, int]], rows: int) -> Scene:
    """Return houses of 20 by 10 m at places, every fourth without a plan, in batches of some rows."""
    batches = []
    for first in range(0, len(places), rows):
        part = places[first : first + rows]
        numbers = range(first, first + len(part))
        plans = [
            None if n % 4 == 3 else shapely.to_wkb(shapely.box(x, y, x + 20, y + 10))
            for n, (x, y) in zip(numbers, part, strict=True)
        ]
        batches.append(
            Batch(
                object_table(
                    {"uid": [f"urn:{n}" for n in numbers], "kind": ["Building"] * len(part), "footprint": plans}
                )
            )
        )
    return Scene(FRAME, {"houses": Layer("houses", tuple(batches)), "none": Layer("none")})


@given(st.lists(PLACES, min_size=1, max_size=40), PLACES, st.integers(1, 8), st.integers(1, 7))
def test_the_nearest_are_those_of_a_look_at_all(
    places: list[tuple[int, int]], here: tuple[int, int], count: int, rows: int
) -> None:
    city = _city(places, rows)
    layer = city.layers["houses"]
    away = shapely.distance(local_footprints(layer.table), shapely.Point(here))
    expected = np.sort(away[np.isfinite(away)])[:count]
    found, distance = nearest_rows(layer, shapely.Point(here), count)
    assert distance == pytest.approx(expected)
    assert away[found] == pytest.approx(distance)
    assert len(set(found.tolist())) == len(found)


@given(st.lists(PLACES, min_size=1, max_size=40), PLACES, st.integers(1, 200), st.integers(1, 7),
       st.sampled_from(["INTERSECTS", "DISJOINT", "WITHIN", "CONTAINS", "OVERLAPS", "TOUCHES", "EQUALS"]))  # fmt: skip
@settings(max_examples=60)
def test_a_spatial_filter_picks_what_every_shape_looked_at_would(
    places: list[tuple[int, int]], corner: tuple[int, int], side: int, rows: int, relation: str
) -> None:
    city = _city(places, rows)
    x, y = FRAME.easting_m + corner[0], FRAME.northing_m + corner[1]
    text = f"S_{relation}(geometry, BBOX({x}, {y}, {x + side}, {y + side}))"
    shapes = local_footprints(city.layers["houses"].table)
    box = shapely.box(*corner, corner[0] + side, corner[1] + side)
    holds = getattr(shapely, relation.lower())(shapes, box) & ~shapely.is_missing(shapes)
    assert find_rows(city, text)["houses"].tolist() == np.flatnonzero(holds).tolist()


@given(st.lists(PLACES, min_size=1, max_size=30), PLACES, st.integers(0, 300), st.integers(1, 7))
def test_within_a_distance(places: list[tuple[int, int]], here: tuple[int, int], metres: int, rows: int) -> None:
    city = _city(places, rows)
    x, y = FRAME.easting_m + here[0], FRAME.northing_m + here[1]
    shapes = local_footprints(city.layers["houses"].table)
    holds = shapely.dwithin(shapes, shapely.Point(here), metres)
    found = find_rows(city, f"S_DWITHIN(geometry, POINT({x} {y}), {metres})")
    assert found["houses"].tolist() == np.flatnonzero(holds).tolist()


def test_only_what_is_near_is_looked_at() -> None:
    city = _city([(100 * n, 0) for n in range(20)], 5)
    layer = city.layers["houses"]
    assert rows_near(layer, (495.0, -5.0, 830.0, 5.0)).tolist() == [5, 6, 8]  # 7 has no plan
    assert rows_with_plan(layer).sum() == 15
    assert rows_taken(layer, np.array([2, 9, 16]))["uid"].to_pylist() == ["urn:2", "urn:9", "urn:16"]
    assert rows_taken(layer, np.zeros(0, np.int64)).schema == layer.table.schema
    condition = PlaceCondition(shapely.Point(10.0, 20.0), "s_dwithin", swapped=False, distance_m=5.0)
    assert condition.reach == (5.0, 15.0, 15.0, 25.0)


def test_a_scene_tells_the_nearest_in_all_layers_or_some() -> None:
    city = _city([(100 * n, 0) for n in range(8)], 3)
    corners = dict(zip(BOUNDS, ([230.0], [0.0], [0.0], [232.0], [2.0], [8.0]), strict=True))
    trees = object_table({"uid": ["urn:tree"], "kind": ["SolitaryVegetationObject"], **corners})
    city = city.with_layer(Layer("trees", (Batch(trees),)))
    here = (FRAME.easting_m + 226.0, FRAME.northing_m + 1.0)
    found = city.nearest(here, 3)
    assert found.index.tolist() == ["urn:tree", "urn:2", "urn:1"]
    assert found["distance_m"].tolist() == pytest.approx([5.0, 6.0, 106.0])
    assert found["layer"].tolist() == ["trees", "houses", "houses"]
    assert city.nearest(here, 1, layers=["houses"]).index.tolist() == ["urn:2"]
    assert city.nearest((121.468, 31.235), 1).index.tolist() != []
    with pytest.raises(UnknownObjectError, match="no such layer"):
        city.nearest(here, 1, layers=["roads"])
