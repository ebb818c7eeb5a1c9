"""Which names of a scene are written on the map, where, and in which language."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from scenes import Batch, Georeference, Layer, Scene
from scenes.schema import BOUNDS, object_table
from twin.view import scene_manifest
from twin.view.labels import LANDMARKS, LIMIT, ROADS, scene_labels

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)


def _layer(name: str, theme: str, kind: str, rows: list[dict[str, Any]]) -> Layer:
    """Return a layer of rows with name, shape, low, high and other columns."""
    shapes = [row.pop("shape") for row in rows]
    heights = [(row.pop("low", 0.0), row.pop("high", 0.0)) for row in rows]
    boxes = [
        (*shape.bounds[:2], low, *shape.bounds[2:], high) for shape, (low, high) in zip(shapes, heights, strict=True)
    ]
    columns: dict[str, Any] = {
        column: [row.get(column) for row in rows] for column in {key for row in rows for key in row}
    }
    columns |= {bound: [box[side] for box in boxes] for side, bound in enumerate(BOUNDS)}
    columns |= {"uid": [f"urn:uuid:{name}{row}" for row in range(len(rows))], "kind": [kind] * len(rows)}
    columns["footprint"] = [shapely.to_wkb(shape) for shape in shapes]
    columns["parent"] = columns.get("parent", [None] * len(rows))
    return Layer(name, (Batch(object_table(columns)),), theme)


def _scene(*layers: Layer) -> Scene:
    return Scene(FRAME, {layer.name: layer for layer in layers}, name="town")


def _square(x: float, y: float, side: float) -> shapely.Polygon:
    return shapely.box(x, y, x + side, y + side)


def _houses(names: list[str], high: float = 60.0) -> Scene:
    rows: list[dict[str, Any]] = [
        {"name": name, "shape": _square(60.0 * i, 0, 30), "high": high} for i, name in enumerate(names)
    ]
    return _scene(_layer("buildings", "buildings", "Building", rows))


def _names(scene: Scene, language: str = "zh") -> list[str]:
    return [label["titles"][language] for label in scene_labels(scene)]


@pytest.mark.parametrize(
    "name",
    [
        "滨江大道128号",
        "三弄12号楼",
        "Hauptstraße 12a",
        "128 Riverside Avenue",
        "MH-00012",
        "42",
        "用地",
        "// BUILDING/NAME //",
        " ",
    ],
)
def test_an_address_or_a_number_is_no_name(name: str) -> None:
    assert _names(_houses([name, "望湖塔"])) == ["望湖塔"]


@pytest.mark.parametrize("name", ["1933老场坊", "21世纪大厦", "豫园", "Tower Bridge House", "<b>bold</b>"])
def test_a_name_with_digits_or_marks_is_a_name(name: str) -> None:
    assert _names(_houses([name])) == [name]


@given(st.integers(1, 9999), st.sampled_from(["号", "弄", "室", "号楼", ""]))
def test_no_house_number_of_any_street_is_a_landmark(number: int, word: str) -> None:
    assert _names(_houses([f"外滩大道{number}{word}"])) == []


def test_names_come_in_both_languages_where_there_are_two() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "月湖", "name:en": "Moon Lake", "shape": _square(0, 0, 600)},
        {"name": "西湖", "name:en": None, "shape": _square(2000, 0, 500)},
    ]
    labels = scene_labels(_scene(_layer("water", "water", "WaterBody", rows)))
    assert [label["titles"] for label in labels] == [{"en": "Moon Lake", "zh": "月湖"}, {"en": "西湖", "zh": "西湖"}]


def test_a_name_that_holds_both_languages_is_parted() -> None:
    scene = _houses(["City Library 城市图书馆", "SOHO 中国中心", "东方艺术中心 Oriental Art Center"])
    assert {(label["titles"]["en"], label["titles"]["zh"]) for label in scene_labels(scene)} == {
        ("City Library", "城市图书馆"),
        ("SOHO 中国中心", "SOHO 中国中心"),
        ("Oriental Art Center", "东方艺术中心"),
    }


def test_a_long_remark_in_brackets_is_left_out() -> None:
    assert _names(_houses(["East Yan'an Road House (Avenue Edward VII)"])) == ["East Yan'an Road House"]


def test_the_parts_of_a_tower_are_one_label_on_its_highest_roof() -> None:
    rows = [
        {"name": "望湖塔", "shape": _square(0, 0, 40), "low": 0.0, "high": 100.0},
        {"name": "望湖塔", "shape": _square(10, 10, 10), "low": 100.0, "high": 300.0},
    ]
    (label,) = scene_labels(_scene(_layer("buildings", "buildings", "Building", rows)))
    assert label["kind"] == "landmark"
    assert label["point"][2] == 300.0
    assert 10 <= label["point"][0] <= 20


def test_houses_of_one_name_all_over_town_are_no_landmark() -> None:
    rows = [{"name": "便利店大楼", "shape": _square(900.0 * i, 0, 30), "high": 50.0} for i in range(3)]
    assert _names(_scene(_layer("buildings", "buildings", "Building", rows))) == []


def test_a_small_low_house_is_no_landmark_and_a_low_wide_hall_is() -> None:
    rows = [
        {"name": "茶室", "shape": _square(0, 0, 8), "high": 4.0},
        {"name": "湖心音乐厅", "shape": _square(100, 0, 80), "high": 12.0},
    ]
    assert _names(_scene(_layer("buildings", "buildings", "Building", rows))) == ["湖心音乐厅"]


def test_landmarks_are_ranked_by_their_size_and_limited() -> None:
    rows = [
        {"name": f"{'甲乙丙丁'[i % 4]}{chr(0x4E00 + i)}楼", "shape": _square(60.0 * i, 0, 30), "high": 30.0 + i}
        for i in range(200)
    ]
    labels = scene_labels(_scene(_layer("buildings", "buildings", "Building", rows)))
    assert len(labels) == LANDMARKS
    heights = [label["point"][2] for label in labels]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] == 229.0
    assert [label["rank"] for label in labels] == [1] * 8 + [2] * 16 + [3] * (LANDMARKS - 24)


@pytest.mark.parametrize("levels", [[6, 8], ["6", "8"], None])
def test_districts_are_ranked_by_level_or_by_their_parents(levels: list[Any] | None) -> None:
    rows: list[dict[str, Any]] = [
        {"name": "东岸区", "shape": _square(0, 0, 2000)},
        {"name": "望湖街道", "shape": _square(0, 0, 500), "parent": "urn:uuid:districts0"},
    ]
    if levels:
        rows = [row | {"admin_level": level} for row, level in zip(rows, levels, strict=True)]
    labels = scene_labels(_scene(_layer("districts", "districts", "District", rows)))
    assert [(label["titles"]["zh"], label["rank"]) for label in labels] == [("东岸区", 0), ("望湖街道", 1)]


def test_the_name_of_a_bent_district_lies_inside() -> None:
    bent = shapely.difference(_square(0, 0, 1000), _square(100, 100, 900))
    (label,) = scene_labels(_scene(_layer("districts", "districts", "District", [{"name": "南港区", "shape": bent}])))
    assert shapely.contains(bent, shapely.Point(label["point"][:2]))


def test_a_long_river_is_named_more_than_once_and_always_in_the_water() -> None:
    river = shapely.LineString([(0, 0), (3000, 800), (6000, 0)]).buffer(120)
    labels = scene_labels(_scene(_layer("water", "water", "WaterBody", [{"name": "明珠江", "shape": river}])))
    assert len(labels) >= 3
    assert [label["rank"] for label in labels] == [1] + [3] * (len(labels) - 1)
    for label in labels:
        place = shapely.Point(label["point"][:2])
        assert shapely.distance(place, river.exterior) > 60
        assert river.contains(place)


def test_main_roads_are_named_once_in_the_middle_and_lanes_and_tunnels_are_not() -> None:
    def line(y: float, length: float) -> shapely.LineString:
        return shapely.LineString([(0, y), (length, y)])

    rows = [
        {"name": "滨江大道", "highway": "primary", "shape": line(0, 400)},
        {"name": "滨江大道", "highway": "primary", "shape": line(50, 1000)},
        {"name": "环湖二路", "highway": "secondary", "shape": line(100, 5000)},
        {"name": "某某弄堂", "highway": "residential", "shape": line(200, 9000)},
        {"name": "外滩隧道", "highway": "primary", "shape": line(300, 9000), "tunnel": "yes"},
    ]
    labels = scene_labels(_scene(_layer("roads", "roads", "Road", rows)))
    assert [(label["titles"]["zh"], label["rank"]) for label in labels] == [("滨江大道", 3), ("环湖二路", 4)]
    assert labels[0]["point"][:2] == [500.0, 50.0]


def test_roads_without_a_class_are_chosen_by_their_length() -> None:
    rows = [{"name": f"{chr(0x4E00 + i)}路", "shape": shapely.LineString([(0, i), (100.0 + i, i)])} for i in range(90)]
    labels = scene_labels(_scene(_layer("roads", "roads", "Road", rows)))
    assert len(labels) == ROADS
    assert labels[0]["titles"]["zh"] == f"{chr(0x4E00 + 89)}路"


def test_bridges_are_named_and_lines_of_the_metro_are_not() -> None:
    bridge = _layer("bridges", "roads", "Bridge", [{"name": "滨江大道桥", "shape": _square(0, 0, 300), "high": 40.0}])
    metro = _layer("railways", "roads", "Railway", [{"name": "二号线地铁", "shape": _square(0, 0, 300)}])
    assert [(label["kind"], label["titles"]["zh"]) for label in scene_labels(_scene(bridge, metro))] == [
        ("bridge", "滨江大道桥")
    ]


def test_a_great_city_gets_a_limited_number_of_labels_that_are_json() -> None:
    rng = np.random.default_rng(1)
    size = 50_000
    x, y = rng.uniform(-9000, 9000, (2, size))
    columns: dict[str, Any] = {
        "uid": [f"u{i}" for i in range(size)],
        "kind": ["Building"] * size,
        "name": pa.array([f"{chr(0x4E00 + i % 20000)}{chr(0x4E00 + i // 20000)}大厦" for i in range(size)]),
    }
    columns |= dict(zip(BOUNDS, (x, y, 0 * x, x + 30, y + 30, rng.uniform(5, 300, size)), strict=True))
    buildings = Layer("buildings", (Batch(object_table(columns)),), "buildings")
    districts = [{"name": f"{chr(0x4E00 + i)}区", "shape": _square(100.0 * i, 0, 90)} for i in range(500)]
    labels = scene_manifest(_scene(buildings, _layer("districts", "districts", "District", districts)))["labels"]
    assert LANDMARKS < len(labels) <= LIMIT
    ranks = [label["rank"] for label in labels]
    assert ranks == sorted(ranks)
    assert json.loads(json.dumps(labels, allow_nan=False)) == labels


def test_a_scene_without_names_has_no_labels(little_city: Scene) -> None:
    assert scene_labels(_scene()) == []
    # A district without a shape has no place.
    assert {label["kind"] for label in scene_labels(little_city)} == {"landmark"}
