"""The plan of an object is the union of what looks down, however its polygons lie."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.surfaces import Look, SurfaceCollector
from scenes.semantics import surface_code

BOXES = st.lists(st.tuples(*[st.integers(0, 6)] * 2, *[st.integers(1, 4)] * 2), min_size=1, max_size=6)


def flat(x: float, y: float, w: float, d: float, *, z: float = 0.0, down: bool = True) -> np.ndarray:
    corners = [(x, y, z), (x, y + d, z), (x + w, y + d, z), (x + w, y, z)]
    return np.array(corners if down else corners[::-1], float)


@given(BOXES)
def test_plans_are_unions_whether_polygons_touch_overlap_or_repeat(boxes) -> None:
    surfaces = SurfaceCollector()
    for box in boxes:
        surfaces.add("1", 0, [flat(*box)])
    plan = surfaces.plans(np.array([0]))[0]
    union = shapely.union_all([shapely.box(x, y, x + w, y + d) for x, y, w, d in boxes])
    assert shapely.is_valid(plan)
    assert shapely.area(shapely.symmetric_difference(plan, union)) == pytest.approx(0, abs=1e-9)


def test_ground_comes_before_floors_that_look_down_and_walls_get_a_box() -> None:
    surfaces = SurfaceCollector()
    surfaces.add("2", 0, [flat(0, 0, 2, 2)], Look(semantic=surface_code("GroundSurface")))
    surfaces.add("2", 0, [flat(5, 5, 2, 2, z=9)], Look(semantic=surface_code("OuterFloorSurface")))
    surfaces.add("2", 1, [flat(0, 0, 3, 2, down=False)])
    surfaces.add("2", 2, [np.array([[0, 0, 0], [4, 1, 0], [4, 1, 3], [0, 0, 3]], float)])
    found = surfaces.plans(np.arange(4))
    assert [None if shape is None else shapely.area(shape) for shape in found] == [4, 6, 4, None]


def test_an_empty_block_has_no_plans() -> None:
    surfaces = SurfaceCollector()
    surfaces.add("1", 0, [np.zeros((4, 3))])
    assert surfaces.plans(np.array([0])).tolist() == [None]
