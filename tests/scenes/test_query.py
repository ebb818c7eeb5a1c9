"""CQL2 text picks the same objects as plain Python does, and wrong text is one clear sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes import Batch, Georeference, Layer, QueryError, Scene
from scenes.query import find_handles, find_rows, select
from scenes.schema import object_table

HOUSE_0 = "BBOX(354001, 3457001, 354009, 3457009)"
HOUSES_0_AND_1 = "BBOX(353999, 3456999, 354031, 3457011)"


def names(scene: Scene, text: str) -> list[str]:
    return sorted(scene.query(text)["name"].dropna())


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("height_m > 35", 4),
        ("height_m >= 35", 5),
        ("NOT (height_m > 35)", 26),
        ("height_m BETWEEN 10 AND 12", 3),
        ("height_m NOT BETWEEN 10 AND 12", 27),
        ("use = 'shop'", 15),
        ("use IN ('shop', 'home')", 30),
        ("use NOT IN ('shop')", 15),
        ("use = 'shop' AND height_m < 15", 3),
        ("use = 'shop' OR height_m < 15", 17),
        ("use = 'shop' AND height_m < 15 OR lines = 7", 4),
        ("listed", 10),
        ("NOT listed", 20),
        ("listed = TRUE", 10),
        ("height_m IS NULL", 5),
        ("lines IS NULL", 31),
        ("lines IS NOT NULL", 4),
        ("name LIKE 'House 1_'", 10),
        ("CASEI(name) LIKE 'hOUSE 1_'", 0),
        ("CASEI(name) = CASEI('HOUSE 7')", 1),
        ("name LIKE '50 \\%'", 1),
        ("name = 'O''Hara'", 1),
        ("name = '外滩'", 1),
        ("height_m * 2 + 1 = 21", 1),
        ("height_m % 10 = 0", 3),
        ("layer = 'stops'", 5),
        ("layer <> 'stops'", 30),
        ("handle < 3", 3),
        ("kind = 'Building' AND handle >= 28", 2),
        ("Pset_Wall.Fire = 'F1'", 15),
        ("TRUE", 35),
        ("FALSE", 0),
        ("name > 30", 0),
    ],
)
def test_attributes(city: Scene, text: str, count: int) -> None:
    assert len(city.query(text)) == count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"S_INTERSECTS(geometry, {HOUSE_0})", ["House 0"]),
        (f"S_INTERSECTS({HOUSES_0_AND_1}, geometry)", ["House 0", "House 1", "Quay"]),
        (f"S_WITHIN(geometry, {HOUSES_0_AND_1})", ["House 0", "House 1", "Quay"]),
        (f"S_WITHIN(geometry, {HOUSE_0})", []),
        (f"S_CONTAINS(geometry, {HOUSE_0})", ["House 0"]),
        (f"S_CONTAINS({HOUSES_0_AND_1}, geometry)", ["House 0", "House 1", "Quay"]),
        ("S_INTERSECTS(geometry, POINT(354005 3457005))", ["House 0"]),
        ("S_DWITHIN(geometry, POINT(354015 3457005), 5.5)", ["House 0", "House 1"]),
        ("S_TOUCHES(geometry, LINESTRING(354010 3457000, 354010 3457010))", ["House 0"]),
        (f"layer = 'stops' AND S_INTERSECTS(geometry, {HOUSES_0_AND_1})", ["Quay"]),
        (f"layer = 'stops' AND NOT S_INTERSECTS(geometry, {HOUSES_0_AND_1})", ["50 %", "O'Hara", "外滩"]),
        (f"S_INTERSECTS(geometry, {HOUSE_0}) OR height_m = 39", ["House 0", "House 29"]),
        (f"NOT (S_DISJOINT(geometry, {HOUSE_0}) OR height_m > 35)", ["House 0"]),
    ],
)
def test_places(city: Scene, text: str, expected: list[str]) -> None:
    assert names(city, text) == sorted(expected)


def test_degrees_and_other_systems_mean_the_same_place(city: Scene) -> None:
    lon, lat = (float(value) for value in city.georeference.lonlat(5.0, 5.0))
    assert names(city, f"layer = 'buildings' AND S_INTERSECTS(geometry, POINT({lon:.8f} {lat:.8f}))") == ["House 0"]
    named = city.query("layer = 'buildings' AND S_INTERSECTS(geometry, POINT(354005 3457005))", crs="EPSG:32651")
    assert list(named["name"]) == ["House 0"]


def test_the_answer_is_a_frame_in_the_system_of_the_scene(city: Scene) -> None:
    frame = city.query("height_m > 35")
    assert frame.crs.to_epsg() == 32651
    assert frame.index.name == "uid"
    assert frame.geometry.name == "geometry"
    assert frame.attrs["units"]["height_m"] == "m"
    assert [city[uid].handle for uid in frame.index] == list(frame["handle"])
    assert frame.loc[city.resolve("osm:29").uid, "height_m"] == 39.0


def test_an_object_without_a_value_is_neither_picked_nor_unpicked(frame: Georeference) -> None:
    table = object_table({"uid": ["urn:a", "urn:b"], "kind": ["Building"] * 2, "height_m": [None, 3.0]})
    scene = Scene(frame, {"a": Layer("a", (Batch(table),))})
    assert len(scene.query("height_m > 1")) == 1
    assert len(scene.query("NOT height_m > 1")) == 0
    assert len(scene.query("S_INTERSECTS(geometry, POINT(0 0))")) == 0
    assert len(scene.query("NOT S_INTERSECTS(geometry, POINT(0 0))")) == 0


def test_times(frame: Georeference) -> None:
    instants = pa.array(
        np.array(["2019-06-01", "2021-06-01", "2023-06-01"], "datetime64[ms]"), pa.timestamp("ms", "UTC")
    )
    table = object_table({"uid": ["urn:a", "urn:b", "urn:c"], "kind": ["Building"] * 3, "valid_from": instants})
    scene = Scene(frame, {"a": Layer("a", (Batch(table),))})
    assert list(scene.query("T_AFTER(valid_from, DATE('2020-01-01'))").index) == ["urn:b", "urn:c"]
    assert list(scene.query("valid_from < TIMESTAMP('2021-06-01T00:00:01Z')").index) == ["urn:a", "urn:b"]
    assert list(scene.query("T_DURING(valid_from, INTERVAL('2020-01-01', '2022-01-01'))").index) == ["urn:b"]
    assert list(scene.query("T_INTERSECTS(valid_from, INTERVAL('..', '2020-01-01'))").index) == ["urn:a"]
    assert list(scene.query("valid_from = '2021-06-01'").index) == ["urn:b"]
    with pytest.raises(QueryError, match="cannot be worked out"):
        scene.query("valid_from > 'tomorrow'")


def test_a_column_may_have_another_type_in_another_layer(city: Scene) -> None:
    table = object_table({"uid": ["urn:x", "urn:y"], "kind": ["Building"] * 2, "height_m": ["36", "tall"]})
    mixed = city.with_layer(Layer("words", (Batch(table),)))
    assert "urn:x" in mixed.query("height_m > 35").index
    assert list(mixed.query("height_m = 'tall'").index) == ["urn:y"]
    assert mixed.to_geopandas().loc["urn:y", "height_m"] == "tall"


def test_names_with_capitals_blanks_and_quotes(frame: Georeference) -> None:
    columns = {
        "uid": ["urn:a"],
        "kind": ["Building"],
        "Name": [1],
        "a b": [2],
        "高度": [3.0],
        'q"; DROP': [4],
        "layer": ["x"],
    }
    scene = Scene(frame, {"a": Layer("a", (Batch(object_table(columns)),))})
    assert len(scene.query('Name = 1 AND name IS NULL AND "a b" = 2 AND 高度 > 2')) == 1
    assert len(scene.query("layer_ = 'x' AND layer = 'a'")) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("heigth_m > 3", "did you mean height_m"),
        ("Pset_Wall.Water = 'x'", "no layer has this column"),
        ("height_m > 'abc'", "number is compared with text"),
        ("height_m", "number is compared with bool"),
        ("height_m LIKE 'a'", "never fits"),
        ("explode(name) = 1", "is not a function"),
        ("S_INTERSECTS(name, POINT(1 2))", "is not a geometry"),
        ("S_INTERSECTS(POINT(1 2), POINT(1 2))", "something else than geometry"),
        ("S_DWITHIN(geometry, POINT(1 2))", "no distance"),
        ("A_CONTAINS(name, ('a', 'b'))", "is not a function"),
        ("height_m >", "does not parse"),
        ("", "is empty"),
        ("'text'", "is not a condition"),
        ("1 + 1", "is not a function"),
        ("(" * 5000 + "listed" + ")" * 5000, "nested too deeply"),
        ("')' = '" + "'" + "(" * 200, "nested too deeply"),
        ("NOT " * 5000 + "listed", "nested too deeply"),
        ("name = '" + "x" * 200_000 + "'", "characters"),
    ],
)
def test_wrong_filters_are_one_clear_sentence(city: Scene, text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        city.query(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["x' OR 1=1 --", "'; DROP TABLE objects; --", "\\", "%", '"', "$1", "?"])
def test_text_of_the_user_stays_text(city: Scene, text: str) -> None:
    quoted = text.replace("'", "''")
    assert len(city.query(f"name = '{quoted}'")) == 0


@settings(max_examples=60, deadline=None)
@given(
    heights=st.lists(st.one_of(st.none(), st.floats(0, 100, width=16)), min_size=1, max_size=20),
    limit=st.integers(0, 100),
    left=st.integers(0, 19),
    shape=st.sampled_from(
        ["{a} AND {b}", "{a} OR {b}", "NOT ({a} AND {b})", "{a} AND NOT {b}", "NOT ({a} OR NOT {b})"]
    ),
)
def test_attribute_and_place_mix_as_logic_says(heights: list[float | None], limit: int, left: int, shape: str) -> None:
    rows = len(heights)
    table = object_table(
        {
            "uid": [f"urn:{row}" for row in range(rows)],
            "kind": ["Building"] * rows,
            "footprint": shapely.to_wkb(shapely.points(np.arange(rows, dtype=float) + 1000, 0.0)),
            "h": pa.array(heights, pa.float64()),
        }
    )
    scene = Scene(Georeference("EPSG:32651", 0.0, 0.0), {"a": Layer("a", (Batch(table),))})
    text = shape.format(a=f"h > {limit}", b=f"S_INTERSECTS(geometry, BBOX({left + 999.5}, -1, 2000, 1))")

    def truth(row: int) -> bool | None:
        height = heights[row]
        a, b = None if height is None else height > limit, row >= left

        def both(x: bool | None, y: bool | None) -> bool | None:
            return False if x is False or y is False else None if x is None or y is None else True

        def no(x: bool | None) -> bool | None:
            return None if x is None else not x

        return {
            "{a} AND {b}": both(a, b),
            "{a} OR {b}": no(both(no(a), no(b))),
            "NOT ({a} AND {b})": no(both(a, b)),
            "{a} AND NOT {b}": both(a, no(b)),
            "NOT ({a} OR NOT {b})": both(no(a), b),
        }[shape]

    assert find_rows(scene, text)["a"].tolist() == [row for row in range(rows) if truth(row)]


def test_a_selection_is_a_city_of_its_own(city: Scene) -> None:
    part = select(city, "height_m > 28")
    assert [layer.name for layer in part.layers.values()] == ["buildings"]
    assert len(part) == 11
    tower = part.resolve("osm:29")
    assert tower.name == "House 29"
    mesh = tower.mesh()
    assert mesh is not None
    assert mesh.positions_m[:, 2].max() == pytest.approx(39.0, abs=1e-4)
    assert part.resolve_all("osm:3") == []
    assert part.layers["buildings"].batches[1] is city.layers["buildings"].batches[1]
    assert find_handles(city, "height_m > 28").tolist() == list(range(19, 30))


def test_bad_footprints_do_not_stop_a_question(frame: Georeference) -> None:
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    table = object_table({"uid": ["urn:a"], "kind": ["Building"], "footprint": [shapely.to_wkb(bow)]})
    scene = Scene(replace(frame, easting_m=0.0, northing_m=0.0), {"a": Layer("a", (Batch(table),))})
    assert len(scene.query("S_OVERLAPS(geometry, BBOX(-1000, 1, 1000, 2))", crs="EPSG:32651")) == 1
