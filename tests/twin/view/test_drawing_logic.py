"""The logic of drawing without a browser: footprints, snapping, placements, going back; each against another source."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.twin.whatif.conftest import city_of
from twin.view.drafts import object_shape
from twin.whatif import Scenario, edit_from_dict

from .typescript import TypeScript

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Point = tuple[float, float]

UNDO = """
import { History } from "./src/ui/undo";
export const history = { play(steps: [string, number][]) {
  const made = new History<number>(0);
  return steps.map(([step, value]) => {
    if (step === "push") made.push(value);
    else if (step === "replace") made.replace(value);
    else if (step === "undo") made.undo();
    else made.redo();
    return [made.present, made.canUndo, made.canRedo];
  });
} };
"""
MODULES = {
    "footprint": "engine/footprint",
    "snapping": "engine/snapping",
    "model": "ui/draft_model",
    "box": "engine/section_handles",
}

grid = st.integers(-12, 12).map(lambda value: value * 2.5)
points = st.tuples(grid, grid)


def _cross(first: np.ndarray, second: np.ndarray) -> float:
    return float(first[0] * second[1] - first[1] * second[0])


rings = st.lists(points, min_size=3, max_size=8, unique=True)


@pytest.fixture(scope="module")
def ts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TypeScript]:
    made = TypeScript(MODULES, tmp_path_factory.mktemp("modules"), UNDO)
    yield made
    made.close()


@settings(max_examples=300, deadline=None)
@given(rings)
def test_a_ring_is_refused_exactly_when_shapely_calls_it_invalid(ts: TypeScript, ring: list[Point]) -> None:
    polygon = shapely.Polygon(ring)
    fault = ts("footprint.faultOf", ring)
    if not polygon.is_valid:
        assert fault == "crossing"
    else:
        assert fault == ("small" if polygon.area < 1 else None)
        assert abs(ts("footprint.signedArea", ring)) == pytest.approx(polygon.area)
        assert (ts("footprint.signedArea", ring) > 0) == polygon.exterior.is_ccw
        assert ts("footprint.perimeter", ring) == pytest.approx(polygon.length)


@pytest.mark.parametrize(
    ("ring", "fault"),
    [
        ([[0, 0], [5, 0]], "few"),
        ([[0, 0], [5, 0], [5, 0.05], [0, 5]], "short"),
        ([[0, 0], [1, 0], [1, 0.9], [0, 0.9]], "small"),
        ([[0, 0], [5, 5], [5, 0], [0, 5]], "crossing"),
        ([[0, 0], [9, 0], [4, 0], [4, 5]], "crossing"),
        ([[0, 0], [5, 0], [5, 5], [0, 5]], None),
    ],
)
def test_each_fault_has_its_name(ts: TypeScript, ring: list[list[float]], fault: str | None) -> None:
    assert ts("footprint.faultOf", ring) == fault


@settings(max_examples=50, deadline=None)
@given(points, points, points)
def test_a_rectangle_has_right_angles_and_reaches_the_pointer(
    ts: TypeScript, a: Point, b: Point, beside: Point
) -> None:
    assume(a != b)
    made = np.array(ts("footprint.rectangle", a, b, beside))
    sides = np.roll(made, -1, axis=0) - made
    assert np.allclose((sides * np.roll(sides, -1, axis=0)).sum(axis=1), 0, atol=1e-6)
    far = _cross(made[1] - made[0], np.array(beside) - made[0])
    assert _cross(made[1] - made[0], made[3] - made[0]) == pytest.approx(far, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(points, st.floats(0.1, 500), st.floats(0, 359.9))
def test_a_side_ends_where_its_numbers_say(ts: TypeScript, start: Point, length: float, angle: float) -> None:
    end = ts("footprint.ended", start, length, angle)
    told = ts("footprint.sideOf", start, end)
    assert told["length_m"] == pytest.approx(length)
    assert math.remainder(told["angle_deg"] - angle, 360) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("24<90", (24, 90)),
        (" 24,5 < -30 ", (24.5, -30)),
        ("24 m<90°", (24, 90)),
        ("24", (24, None)),
        ("<45", (None, 45)),
        (".5", (0.5, None)),
        ("", None),
        ("<", None),
        ("0<90", None),
        ("-4", None),
        ("24<90<3", None),
        ("abc", None),
    ],
)
def test_typed_sides_are_read(ts: TypeScript, text: str, expected: tuple[float | None, float | None] | None) -> None:
    told = ts("footprint.readSide", text)
    assert told == (None if expected is None else {"length_m": expected[0], "angle_deg": expected[1]})


def _snap(
    ts: TypeScript, cursor: Point, corners: list[Point], outlines: Any = (), closing: bool = False
) -> dict[str, Any]:
    request = {"cursor": cursor, "near_m": 1.0, "corners": corners, "outlines": outlines, "closing": closing}
    told: dict[str, Any] = ts("snapping.snapped", request)
    return told


HOUSE = [[30, 0], [50, 0], [50, 12], [30, 12]]


@settings(max_examples=150, deadline=None)
@given(st.tuples(st.floats(-60, 60), st.floats(-60, 60)), st.lists(points, max_size=5, unique=True))
def test_a_snap_stays_near_and_keeps_its_word(ts: TypeScript, cursor: Point, corners: list[Point]) -> None:
    told = _snap(ts, cursor, corners, [HOUSE], closing=len(corners) > 2)
    at = np.array(told["point"])
    assert math.dist(at, cursor) <= 1.0 + 0.05 * math.sqrt(2) + 1e-9
    kind = told["kind"]
    if kind == "close":
        assert told["point"] == list(corners[0])
    elif kind == "corner":
        assert told["point"] in HOUSE
    elif kind == "edge":
        assert shapely.Polygon(HOUSE).exterior.distance(shapely.Point(at)) < 1e-6
    elif kind in ("right", "parallel") and len(corners) > 1:
        side, before = at - corners[-1], np.array(corners[-1]) - corners[-2]
        assert (side @ before if kind == "right" else _cross(side, before)) == pytest.approx(0, abs=1e-6)


def test_the_last_corner_of_a_rectangle_is_found_from_both_sides(ts: TypeScript) -> None:
    told = _snap(ts, (0.4, 20.3), [(0, 0), (30, 0), (30, 20)])
    assert told["kind"] == "right"
    assert told["point"] == pytest.approx([0, 20])


def test_a_right_angle_that_meets_a_side_ends_on_it(ts: TypeScript) -> None:
    told = _snap(ts, (40.3, -0.2), [(20, -30), (40, -30)], [HOUSE])
    assert (told["kind"], told["point"]) == ("right", [40, 0])


def test_a_first_side_may_leave_a_neighbour_at_a_right_angle(ts: TypeScript) -> None:
    slanted = [[0, 0], [10, 10], [0, 20]]
    told = _snap(ts, (8.3, 1.5), [(5, 5)], [slanted])
    assert told["kind"] == "right"
    assert told["point"][0] + told["point"][1] == pytest.approx(10)


def test_corners_come_before_sides_and_closing_before_corners(ts: TypeScript) -> None:
    assert _snap(ts, (30.5, 0.2), [], [HOUSE])["kind"] == "corner"
    assert _snap(ts, (35, 0.2), [], [HOUSE])["kind"] == "edge"
    assert _snap(ts, (30.5, 0.2), [(30, 0), (9, 0), (9, 9)], [HOUSE], closing=True)["kind"] == "close"
    assert _snap(ts, (70, 30), [], [HOUSE]) == {"point": [70, 30], "kind": None, "guide": None}


BASE = city_of([(shapely.Polygon([(0, 0), (20, 0), (20, 6), (8, 6), (8, 12), (0, 12)]), 30.0)])
(UID,) = list(BASE)
placements = st.fixed_dictionaries(
    {
        **{name: st.floats(-80, 80).map(lambda value: round(value, 3)) for name in ("dx_m", "dy_m", "dz_m")},
        "turn_deg": st.floats(-180, 180).map(lambda value: round(value, 3)),
        "factor": st.floats(0.2, 4).map(lambda value: round(value, 6)),
        "height_m": st.floats(1, 120).map(lambda value: round(value, 3)),
    }
)


def _draft(origin: str, placement: dict[str, float], mesh: bool) -> dict[str, Any]:
    shape = object_shape(BASE[UID])
    offsets = np.frombuffer(shape["positions"], np.float32).reshape(-1, 3) + shape["centre"] - shape["pivot"]
    triangles = np.frombuffer(shape["triangles"], np.uint32)
    arrays = {
        "positions": {"type": "Float32Array", "bytes": offsets.ravel().tolist()},
        "triangles": {"type": "Uint32Array", "bytes": triangles.tolist()},
    }
    return {
        "key": "k",
        "origin": origin,
        "uid": UID if origin == "existing" else "",
        "handle": 0 if origin == "existing" else -1,
        "name": "block 0",
        "first_name": "block 0",
        "kind": "Building",
        "layer": "buildings",
        "theme": "buildings",
        "attributes": {"use": "dwelling"},
        "rings": shape["rings"],
        "pivot": shape["pivot"],
        "tall_m": shape["top"] - shape["base"],
        "first_height_m": shape["height_m"],
        "mesh": arrays if mesh else None,
        "placement": placement,
        "removed": False,
    }


@settings(max_examples=60, deadline=None)
@given(placements, st.sampled_from(["existing", "copy", "drawn"]))
def test_what_the_page_previews_is_what_the_edits_make(
    ts: TypeScript, placement: dict[str, float], origin: str
) -> None:
    draft = _draft(origin, placement, mesh=origin != "drawn")
    told = ts("model.editsOf", [draft])
    scenario = Scenario("made", BASE).edit(*(edit_from_dict(each) for each in told))
    uid = UID if origin == "existing" else scenario.added_uids[0]
    item = scenario.scene[uid]
    preview = shapely.Polygon(ts("model.placedRings", draft)[0])
    if origin != "copy":  # a copy of a mesh has the hull of its plan
        assert shapely.from_wkb(item.footprint_wkb).symmetric_difference(preview).area < 0.01 * preview.area + 0.1
    matrix = np.array(ts("model.matrixOf", draft)).reshape(4, 4).T
    corners = np.array(
        [[x - draft["pivot"][0], y - draft["pivot"][1], z, 1] for x, y in draft["rings"][0] for z in (0, 30.0)]
    )
    expected = (corners @ matrix.T)[:, :3]
    assert item.bounds == pytest.approx([*expected.min(axis=0), *expected.max(axis=0)], abs=2e-3)
    assert item.attributes["height_m"] == pytest.approx(placement["height_m"])


def test_an_unchanged_object_makes_no_edit_and_a_removed_one_makes_one(ts: TypeScript) -> None:
    same = {"dx_m": 0, "dy_m": 0, "dz_m": 0, "turn_deg": 360, "factor": 1, "height_m": 30.0}
    draft = _draft("existing", same, mesh=True)
    assert ts("model.editsOf", [draft]) == []
    assert ts("model.isChanged", draft) is False
    assert ts("model.editsOf", [draft | {"removed": True}]) == [{"type": "remove_object", "uid": UID}]
    renamed = ts("model.editsOf", [draft | {"name": "Town hall"}])
    assert renamed == [{"type": "set_attribute", "uid": UID, "name": "name", "value": "Town hall"}]


def test_a_file_of_drawings_lies_where_the_city_is(ts: TypeScript, tmp_path: Path) -> None:
    placement = {"dx_m": 100, "dy_m": 50, "dz_m": 2, "turn_deg": 90, "factor": 2, "height_m": 12}
    frame = BASE.georeference
    told = ts(
        "model.geoJsonOf",
        [_draft("drawn", placement, mesh=False), _draft("existing", placement | {"turn_deg": 0}, mesh=True)],
        {"crs": frame.crs, "easting": frame.easting_m, "northing": frame.northing_m, "height": 5.0},
    )
    (tmp_path / "drawing.geojson").write_text(told)
    read = geopandas.read_file(tmp_path / "drawing.geojson")
    assert read.crs.to_epsg() == int(frame.crs.split(":")[1])
    assert list(read["action"]) == ["add", "change"]
    assert read.geometry.area.tolist() == pytest.approx([168 * 4, 168 * 4], rel=1e-4)
    middle = read.geometry.iloc[0].envelope.centroid
    assert (middle.x, middle.y) == pytest.approx((frame.easting_m + 110, frame.northing_m + 56), abs=0.01)
    assert (read["height_m"][0], read["base_m"][0]) == (12, 7)
    assert json.loads(told)["features"][1]["id"] == UID


FACES = {"east": (0, 1), "west": (0, -1), "north": (1, 1), "south": (1, -1), "top": (2, 1), "bottom": (2, -1)}
vectors = st.tuples(*[st.floats(-60, 60)] * 3)
boxes = st.fixed_dictionaries(
    {
        "centre": vectors,
        "half": st.tuples(*[st.floats(1, 40)] * 3),
        "azimuth_deg": st.integers(-90, 90),
    }
)


def _axes(box: dict[str, Any]) -> np.ndarray:
    angle = math.radians(box["azimuth_deg"])
    return np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])


@settings(max_examples=80, deadline=None)
@given(boxes, st.sampled_from(list(FACES)), st.floats(-60, 60))
def test_a_pulled_face_leaves_the_other_five_where_they_are(
    ts: TypeScript, box: dict[str, Any], name: str, pull: float
) -> None:
    axis, side = FACES[name]
    handle = next(each for each in ts("box.boxHandles", box, 2.0) if each["name"] == name)
    way = _axes(box)[axis] * side
    assert handle["along"] == pytest.approx(way.tolist())
    assert (np.array(handle["at"]) - box["centre"]) @ way == pytest.approx(box["half"][axis] + 2.0)
    to = (np.array(handle["at"]) + way * pull).tolist()
    made = ts("box.draggedBox", box, name, handle["at"], to, False)
    low_before = np.array(box["centre"]) @ _axes(box).T - box["half"]
    high_before = low_before + 2 * np.array(box["half"])
    low_after = np.array(made["centre"]) @ _axes(box).T - made["half"]
    high_after = low_after + 2 * np.array(made["half"])
    moved, fixed = (high_after, low_after) if side > 0 else (low_after, high_after)
    before, fixed_before = (high_before, low_before) if side > 0 else (low_before, high_before)
    assert fixed == pytest.approx(fixed_before)
    assert np.delete(moved, axis) == pytest.approx(np.delete(before, axis))
    assert made["half"][axis] >= 0.5
    if made["half"][axis] > 0.5:
        assert moved[axis] - before[axis] == pytest.approx(side * pull, abs=1e-6)


@settings(max_examples=50, deadline=None)
@given(boxes, vectors, st.integers(-170, 170))
def test_a_box_is_moved_whole_and_turned_about_its_middle(
    ts: TypeScript, box: dict[str, Any], by: tuple[float, float, float], turn: int
) -> None:
    moved = ts("box.draggedBox", box, "move", [0, 0, 0], by, False)
    assert moved == box | {"centre": pytest.approx(np.add(box["centre"], by).tolist()), "half": list(box["half"])}
    start = np.array([10.0, 0.0, 0.0])
    angle = math.radians(turn)
    end = np.array([10 * math.cos(angle), 10 * math.sin(angle), 0.0])
    made = ts("box.draggedBox", box, "turn", (start + box["centre"]).tolist(), (end + box["centre"]).tolist(), False)
    assert -90 <= made["azimuth_deg"] <= 90
    # Anticlockwise pulls are less azimuth; half a turn is none.
    assert math.remainder(made["azimuth_deg"] - (box["azimuth_deg"] - turn), 180) == pytest.approx(0, abs=1e-6)
    assert made["centre"] == list(box["centre"])


class _Model:
    """Going back and forth, said otherwise: a list and a place in it."""

    def __init__(self) -> None:
        self.states, self.at = [0], 0

    def step(self, kind: str, value: int) -> list[Any]:
        if kind == "push" and value != self.states[self.at]:
            self.states = [*self.states[: self.at + 1], value]
            self.at += 1
        elif kind == "replace":
            self.states[self.at] = value
        elif kind == "undo":
            self.at = max(0, self.at - 1)
        elif kind == "redo":
            self.at = min(len(self.states) - 1, self.at + 1)
        return [self.states[self.at], self.at > 0, self.at < len(self.states) - 1]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["push", "push", "replace", "undo", "redo"]), st.integers(0, 5)), max_size=30)
)
def test_going_back_and_forth_is_moving_along_a_list(ts: TypeScript, steps: list[tuple[str, int]]) -> None:
    model = _Model()
    assert ts("history.play", steps) == [model.step(*step) for step in steps]
