"""What the viewer is told of a scene."""

from __future__ import annotations

import json

import pytest

from scenes import Georeference, Scene
from twin.view import scene_manifest
from twin.view.manifest import utc_offset_h


def test_it_is_json_without_nan(little_city: Scene) -> None:
    made = scene_manifest(little_city, live_url="live", language="en")
    assert json.loads(json.dumps(made, allow_nan=False)) == made


def test_handles_of_layers_are_those_of_the_scene(little_city: Scene) -> None:
    made = scene_manifest(little_city)
    assert made["count"] == len(little_city)
    assert made["epoch"] == little_city.epoch
    for layer in made["layers"]:
        assert layer["base"] == little_city.bases[layer["name"]]
        assert layer["count"] == len(little_city.layers[layer["name"]])


def test_layers_without_a_shape_are_not_listed_but_count(little_city: Scene) -> None:
    made = scene_manifest(little_city)
    assert [layer["name"] for layer in made["layers"]] == ["buildings"]
    assert made["count"] == 7


def test_usual_layers_have_names_in_both_languages(little_city: Scene) -> None:
    assert scene_manifest(little_city)["layers"][0]["titles"] == {"en": "Buildings", "zh": "建筑"}


def test_the_origin_is_that_of_the_frame(little_city: Scene) -> None:
    origin = scene_manifest(little_city)["origin"]
    assert (origin["easting"], origin["northing"], origin["crs"]) == (354_000.0, 3_457_000.0, "EPSG:32651")
    assert origin["longitude"] == pytest.approx(121.466, abs=0.01)
    assert origin["latitude"] == pytest.approx(31.24, abs=0.01)


@pytest.mark.parametrize(
    ("crs", "easting_m", "northing_m", "hours"),
    [
        ("EPSG:32651", 354_000.0, 3_457_000.0, 8.0),
        ("EPSG:32643", 500_000.0, 4_800_000.0, 8.0),
        ("EPSG:25832", 457_000.0, 5_429_000.0, 1.0),
    ],
)
def test_all_of_china_has_one_clock(crs: str, easting_m: float, northing_m: float, hours: float) -> None:
    assert utc_offset_h(Scene(Georeference(crs, easting_m, northing_m))) == hours


def test_an_empty_scene_has_a_manifest_too() -> None:
    made = scene_manifest(Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0)))
    assert made["layers"] == []
    assert len(made["bounds"]) == 6
