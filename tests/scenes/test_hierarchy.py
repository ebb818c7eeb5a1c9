"""Objects get the smallest district around them as their parent."""

from __future__ import annotations

import shapely

from scenes import Batch, Georeference, Layer, Scene
from scenes.hierarchy import with_districts
from scenes.schema import object_table

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)


def layer(
    name: str, theme: str, boxes: dict[str, tuple[float, float, float, float]], parents: list[str | None] | None = None
) -> Layer:
    shapes = [shapely.box(*box) for box in boxes.values()]
    columns = {
        "uid": list(boxes),
        "kind": ["District" if theme == "districts" else "Building"] * len(boxes),
        "footprint": [shapely.to_wkb(shape) for shape in shapes],
        "min_x": [box[0] for box in boxes.values()],
        "min_y": [box[1] for box in boxes.values()],
        "max_x": [box[2] for box in boxes.values()],
        "max_y": [box[3] for box in boxes.values()],
        "parent": parents or [None] * len(boxes),
    }
    return Layer(name, (Batch(object_table(columns)),), theme)


def city() -> Scene:
    districts = layer(
        "districts", "districts", {"city": (0, 0, 100, 100), "west": (0, 0, 50, 100), "east": (50, 0, 100, 100)}
    )
    buildings = layer(
        "buildings",
        "buildings",
        {"a": (10, 10, 20, 20), "b": (60, 60, 70, 70), "out": (200, 200, 210, 210), "owned": (10, 60, 20, 70)},
        [None, None, None, "somebody"],
    )
    roads = layer("roads", "roads", {"r": (0, 0, 10, 10)})
    return Scene(FRAME, {each.name: each for each in (districts, buildings, roads)})


def parents(scene: Scene, name: str) -> dict[str, str | None]:
    table = scene.layers[name].table
    return dict(zip(table["uid"].to_pylist(), table["parent"].to_pylist(), strict=True))


def test_a_building_belongs_to_the_smallest_district_and_keeps_a_parent_it_has() -> None:
    assert parents(with_districts(city()), "buildings") == {"a": "west", "b": "east", "out": None, "owned": "somebody"}


def test_districts_nest_and_other_themes_are_left_alone() -> None:
    before = city()
    after = with_districts(before)
    assert parents(after, "districts") == {"city": None, "west": "city", "east": "city"}
    assert after.layers["roads"] is before.layers["roads"]


def test_children_are_found_through_the_tree() -> None:
    scene = with_districts(city())
    assert {child.uid for child in scene.children("city")} == {"west", "east"}
    assert [child.uid for child in scene.children("east")] == ["b"]


def test_a_scene_without_districts_stays_the_same_object() -> None:
    scene = city().without_layer("districts")
    assert with_districts(scene) is scene
