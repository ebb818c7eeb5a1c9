"""The engine's tools on boxes whose every edge is known: selecting by shape, ghosts, cuts with caps, measures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from .conftest import BOXES, FROM_SOUTH, City

pytestmark = pytest.mark.browser

ABOVE = {"position": [0, -1, 620], "target": [0, 0, 0]}
CUT = np.array([222, 92, 69])


def _within(city: City, corners: list[tuple[float, float, float]]) -> list[int]:
    shape = [list(city.at(corner)) for corner in corners]
    return city.run("return Array.from(e.within(a))", shape)  # type: ignore[no-any-return]


def _is_cut(colour: np.ndarray) -> bool:
    """Say whether a colour is the hatched one of sections."""
    return bool(np.abs(colour / colour.max() - CUT / CUT.max()).max() < 0.08)


def test_a_rectangle_finds_what_is_seen_in_it_and_nothing_else(city: City) -> None:
    city.look(ABOVE)
    assert _within(city, [(-30, -30, 0), (140, -30, 0), (140, 20, 0), (-30, 20, 0)]) == [0, 1]
    assert _within(city, [(90, -30, 0), (140, -30, 0), (140, 20, 0), (90, 20, 0)]) == [1]
    assert _within(city, [(200, -30, 0), (260, -30, 0), (260, 20, 0), (200, 20, 0)]) == []


def test_a_free_shape_leaves_out_what_lies_in_its_notch(city: City) -> None:
    city.look(ABOVE)
    notched = [(-160, -40), (150, -40), (150, 30), (80, 30), (40, -35), (-50, -35), (-90, 30), (-160, 30)]
    assert _within(city, [(float(x), float(y), 0.0) for x, y in notched]) == [1, 2]


def test_fifty_thousand_flags_are_one_upload(city: City) -> None:
    city.run("await e.load({...h.manifest, count: 60000})")
    city.settle()
    city.run("""window.__calls = 0; const gl = e.canvas.getContext('webgl2'), sub = gl.texSubImage2D;
        gl.texSubImage2D = function (...a) { window.__calls++; return sub.apply(this, a); };
        window.__sent = {buffers: 0, texels: 0}; e.select(Array.from({length: 50000}, (_, i) => i));""")
    city.settle()
    # Rows of 4096 for the city's objects and for 8192 that only scenarios have.
    assert city.run("return [window.__calls, window.__sent]") == [1, {"buffers": 0, "texels": 17 * 4096}]
    glowing = city.colour((0.0, 0.0, 100.0))
    assert glowing[0] - glowing[2] > 60
    city.run("delete e.canvas.getContext('webgl2').texSubImage2D")


def test_ghosts_are_looked_and_picked_through(city: City) -> None:
    city.look({"position": [400, 0, 20], "target": [0, 0, 15]})
    city.run("e.select([1])")
    solid = city.colour((130.0, 0.0, 15.0))
    assert solid[0] - solid[2] > 60, "selected things glow"
    assert city.pick((130.0, 0.0, 15.0))["handle"] == 1  # type: ignore[index]
    city.run("e.ghost([1])")
    city.settle()
    assert city.pick((130.0, 0.0, 15.0))["handle"] == 0  # type: ignore[index]
    seen = city.colour((130.0, 0.0, 15.0))
    assert seen[0] - seen[2] < 30, "its ghost lets the tower through"
    city.run("e.showAll()")
    city.settle()
    assert city.pick((130.0, 0.0, 15.0))["handle"] == 1  # type: ignore[index]


@pytest.mark.parametrize("flipped", [False, True])
def test_a_cut_is_filled_where_it_goes_through_something_and_only_there(city: City, flipped: bool) -> None:
    side = 1 if flipped else -1
    city.look({"position": [60, side * 300, 160], "target": [40, 0, 30]})
    city.run("e.setSection({axis: 'y', offset: 0, azimuth_deg: 0, flipped: a})", not flipped)
    city.settle()
    assert _is_cut(city.colour((0.0, 0.0, 50.0))), "the tower's inside"
    assert _is_cut(city.colour((0.0, 0.0, 96.0)))
    assert _is_cut(city.colour((115.0, 0.0, 15.0))), "the block's inside"
    assert not _is_cut(city.colour((60.0, 0.0, 50.0))), "between them"
    assert not _is_cut(city.colour((0.0, 0.0, 108.0))), "above the tower"
    row = city.picture()[round(city.at((0.0, 0.0, 50.0))[1]), :]
    filled = [column for column in range(row.shape[0]) if _is_cut(row[column])]
    left, right = city.at((-20.0, 0.0, 50.0))[0], city.at((20.0, 0.0, 50.0))[0]
    assert min(filled) == pytest.approx(min(left, right), abs=3)
    inside = [column for column in filled if column < max(left, right) + 3]
    assert max(inside) == pytest.approx(max(left, right), abs=3)


def test_a_section_box_keeps_its_inside_with_caps_on_the_sides_that_are_seen(city: City) -> None:
    city.run("e.setSectionBox({centre: [0, 0, 40], half: [10, 60, 30], azimuth_deg: 0})")
    city.look({"position": [200, -200, 220], "target": [0, 0, 40]})
    assert _is_cut(city.colour((10.0, 0.0, 40.0))), "its eastern side"
    assert _is_cut(city.colour((0.0, 0.0, 70.0))), "its top"
    south = city.colour((0.0, -20.0, 40.0))
    assert not _is_cut(south), "the tower's own wall within the box"
    assert city.pick((115.0, 0.0, 30.0)) is None
    assert not _is_cut(city.colour((115.0, 0.0, 30.0)))
    city.run("e.setSectionBox({centre: [0, 0, 40], half: [10, 60, 30], azimuth_deg: 90})")
    city.settle()
    assert _is_cut(city.colour((0.0, -10.0, 40.0))), "turned, it cuts across"
    city.run("e.setSectionBox(null)")
    city.settle()
    assert city.pick((115.0, 0.0, 30.0))["handle"] == 1  # type: ignore[index]


def test_a_hidden_object_has_no_cap(city: City) -> None:
    city.run("e.setSection({axis: 'z', offset: 20, azimuth_deg: 0, flipped: false}); e.hide([0], true)")
    city.settle()
    assert not _is_cut(city.colour((0.0, 0.0, 20.0)))
    assert _is_cut(city.colour((115.0, 0.0, 20.0)))
    city.run("e.showAll()")


def test_a_volume_is_that_of_the_box(city: City) -> None:
    city.look(ABOVE)
    corners = [(95.0, -20.0), (135.0, -20.0), (135.0, 20.0), (95.0, 20.0)]
    found = city.measured("volume", [(x, y, 0.0) for x, y in corners])
    assert found["value"] == pytest.approx(30.0 * 30.0 * 30.0, rel=0.01)
    assert found["horizontal"] == pytest.approx(40.0 * 40.0, rel=0.01)
    assert (found["volume"]["low_m"], found["volume"]["high_m"]) == pytest.approx((0.0, 30.0), abs=0.05)
    raised = _told(city, f"e.setMeasureBase({found['id']}, 10)")
    assert raised["value"] == pytest.approx(30.0 * 30.0 * 20.0, rel=0.01)
    assert raised["volume"]["below_m3"] == pytest.approx((40.0 * 40.0 - 900.0) * 10.0, rel=0.02)


def _told(city: City, act: str) -> dict[str, Any]:
    """Do something that finishes a measurement, and return it as it is told."""
    listen = "const told = new Promise((done) => { const off = e.on('measure', (v) => v?.done && (off(), done(v))); });"
    return city.run(f"{listen} {act}; return told")  # type: ignore[no-any-return]


def test_an_angle_and_its_plan(city: City) -> None:
    city.look({"position": [60, -260, 190], "target": [10, 0, 40]})
    right = city.measured("angle", [(-19.0, -19.0, 100.0), (19.0, -19.0, 100.0), (19.0, 19.0, 100.0)], last=1)
    assert right["value"] == pytest.approx(90.0, abs=1.0)
    half = city.measured("angle", [(-19.0, -19.0, 100.0), (19.0, -19.0, 100.0), (-19.0, 19.0, 100.0)], last=1)
    assert half["value"] == pytest.approx(45.0, abs=1.0)
    rise = city.measured("angle", [(60.0, -20.6, 0.0), (0.0, -20.6, 0.0), (0.0, -19.5, 100.0)], last=1)
    assert rise["value"] == pytest.approx(90.0, abs=1.5)


def test_a_profile_knows_the_ground_and_the_roofs(city: City) -> None:
    city.look(ABOVE)
    found = city.measured("profile", [(-60.0, 0.0, 0.0), (60.0, 0.0, 0.0)])["profile"]
    along, top, ground = (np.array(found[name]) for name in ("along", "top", "ground"))
    assert along[-1] == pytest.approx(120.0, rel=0.01)
    inside = np.abs(along - 60.0) < 19.0
    outside = np.abs(along - 60.0) > 21.0
    assert np.allclose(top[inside], 100.0, atol=0.05)
    assert np.allclose(top[outside], 0.0, atol=0.05)
    assert np.allclose(ground, 0.0, atol=0.05)


def test_a_sight_ends_at_the_wall_that_is_in_its_way(city: City) -> None:
    city.look(ABOVE)
    through = city.measured("sight", [(-80.0, 0.0, 0.0), (70.0, 0.0, 0.0)], last=1)
    eye, target = np.array(through["points"])
    assert eye[2] == pytest.approx(1.6, abs=0.05), "the eye of someone who stands there"
    assert not through["sight"]["clear"]
    assert through["sight"]["handle"] == 0
    share = (-20.0 - eye[0]) / (target[0] - eye[0])
    assert np.allclose(through["sight"]["blocked"], eye + share * (target - eye), atol=0.3)
    assert through["value"] == pytest.approx(math.dist(eye, eye + share * (target - eye)), abs=0.3)
    past = city.measured("sight", [(-80.0, -60.0, 0.0), (70.0, -60.0, 0.0)], last=1)
    assert past["sight"]["clear"]


def test_points_are_set_taken_back_and_ended_without_the_mouse(city: City) -> None:
    city.look(ABOVE)
    city.run("e.startMeasure('distance'); await e.measureHere()")
    city.look({"position": [50, -1, 620], "target": [50, 0, 0]})
    city.run("await e.measureHere()")
    city.look({"position": [90, -1, 620], "target": [90, 0, 0]})
    city.run("await e.measureHere(); await e.undoMeasure()")
    found = _told(city, "e.endMeasure()")
    assert found["done"]
    assert found["horizontal"] == pytest.approx(50.0, abs=2.5)
    assert len(found["points"]) == 2


def test_a_measurement_is_drawn_and_removed(city: City) -> None:
    city.look(ABOVE)
    spot = (0.0, -60.0, 0.0)
    plain = city.colour(spot)
    found = city.measured("distance", [(-60.0, -60.0, 0.0), (60.0, -60.0, 0.0)])
    city.run("e.stopMeasure()")
    drawn = city.colour((-30.0, -60.0, 0.0))
    assert drawn[2] - drawn[0] > 60, "a blue line"
    city.run(f"e.removeMeasure({found['id']})")
    assert np.abs(city.colour(spot) - plain).max() < 3
    assert np.abs(city.colour((-30.0, -60.0, 0.0)) - plain).max() < 12


def _hidden_by_boxes(eye: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Say of (n, 3) places whether a box stands between them and an eye, by the slabs of each box."""
    hidden = np.zeros(len(places), bool)
    way = places - eye
    for west, south, foot, east, north, top in BOXES.values():
        with np.errstate(divide="ignore", invalid="ignore"):
            one = (np.array([west, south, foot]) - eye) / way
            other = (np.array([east, north, top]) - eye) / way
        enter, leave = np.minimum(one, other).max(axis=1), np.maximum(one, other).min(axis=1)
        # A place on the box itself is where the ray enters it.
        hidden |= (enter < leave) & (leave > 0) & (enter < 0.999)
    return hidden


def test_a_viewshed_is_that_of_rays_past_the_boxes(city: City) -> None:
    city.look(ABOVE)
    found = city.run("const v = e.viewshed([-80, 0, 0], 150); return {...v, cells: Array.from(v.cells)}")
    side, radius = found["side"], found["radius_m"]
    cells = np.array(found["cells"]).reshape(side, side)
    middle = (np.arange(side) + 0.5 - side / 2) * 2 * radius / side
    east, north = (grid.ravel() for grid in np.meshgrid(middle - 80.0, middle))
    heights = np.zeros(side * side)
    for west, south, _, to_east, to_north, top in BOXES.values():
        heights[(east > west) & (east < to_east) & (north > south) & (north < to_north)] = top
    eye = np.array(found["eye"])
    assert eye == pytest.approx([-80.0, 0.0, 1.6])
    hidden = _hidden_by_boxes(eye, np.column_stack([east, north, heights]))
    looked = cells.ravel() > 0
    assert looked.mean() == pytest.approx(math.pi / 4, rel=0.01), "a circle in its square"
    agrees = (cells.ravel() == 2)[looked] == hidden[looked]
    assert agrees.mean() > 0.985, "all but the cells on the edges of shadows"
    assert found["seen_m2"] == pytest.approx(found["area_m2"] * (1 - hidden[looked].mean()), rel=0.02)
    city.settle()
    seen, unseen = city.colour((-80.0, -60.0, 0.0)), city.colour((40.0, 0.0, 0.0))
    assert seen[1] > seen[0] + 15, "green where it is seen"
    assert unseen[0] > unseen[1] + 15, "red behind the tower"
    assert city.pick((-80.0, -60.0, 0.0)) is None, "picks go through it"
    city.run("e.clearViewshed()")
    city.settle()
    assert np.ptp(city.colour((40.0, 0.0, 0.0))) < 25


def test_someone_who_walks_is_stopped_by_walls_and_slides_along_them(city: City) -> None:
    city.run("e.setCamera({position: [-60, -50, 300], target: [-59, -50, 290]}); e.walkFrom([-40, 0, 0])")
    city.settle()
    assert city.run("return e.camera().position") == pytest.approx([-40, 0, 1.6], abs=0.01)
    steps = city.run("const went = []; for (let i = 0; i < 25; i++) went.push(e.walk(0, 1)); return went")
    east, north, up = city.run("return e.camera().position")
    assert -21.5 < east < -20.3, "before the tower's wall"
    assert up == pytest.approx(1.6, abs=0.01)
    assert steps[:15] == [True] * 15
    assert not steps[-1]
    assert abs(north) < 1.0
    city.run("e.lookAround(-50, 0)")
    assert city.run("return e.walk(0, 2)"), "slides along the wall"
    assert city.run("return e.camera().position[1]") > 0.5
    city.run("e.endWalk()")


def test_a_height_limit_names_what_stands_out_of_it(city: City) -> None:
    city.look(FROM_SOUTH)
    plain = city.colour((60.0, 0.0, 0.0))
    plot = [[-40, -40, 0], [140, -40, 0], [140, 40, 0], [-40, 40, 0]]
    limit = "const v = e.limitHeight(a[0], 0, a[1]); return {...v, handles: Array.from(v.handles)}"
    found = city.run(limit, [plot, 40])
    assert found["handles"] == [0]
    assert found["most_m"] == pytest.approx(60.0, abs=0.05)
    assert found["over_m2"] == pytest.approx(40.0 * 40.0, rel=0.02)
    city.settle()
    glass = city.colour((60.0, 0.0, 0.0))
    assert glass[2] - glass[0] > plain[2] - plain[0] + 20, "a blue body"
    assert city.pick((0.0, 0.0, 100.0))["handle"] == 0  # type: ignore[index]
    assert city.run(limit, [plot, 25])["handles"] == [0, 1]
    assert city.run(limit, [plot, 120])["over_m2"] == 0
    city.run("e.clearLimit()")
    city.settle()
    assert np.abs(city.colour((60.0, 0.0, 0.0)) - plain).max() < 3
