from __future__ import annotations

import json

import numpy as np
import pytest

from scenes import Batch, Georeference, Layer, Scene
from scenes.points import PointBlocks, spilled
from scenes.schema import object_table
from twin.view.clouds import CLASSES, class_titles, cloud_spec
from twin.view.manifest import scene_manifest


def layer(notes: dict[str, object]) -> Layer:
    cloud = PointBlocks.of(np.array([[0.0, 0, 1], [5, 5, 9], [1, 2, 3]]), [0, 2, 3])
    low, high = cloud.bounds_m()
    corners = {
        f"{side}_{axis}": part[:, i] for side, part in (("min", low), ("max", high)) for i, axis in enumerate("xyz")
    }
    columns = {
        "uid": ["urn:a", "urn:b"],
        "kind": ["PointCloud"] * 2,
        **corners,
        "point_count": [2, 1],
        "density_per_m2": [4.0, None],
        "low_m": [1.0, 3.0],
        "high_m": [9.0, 3.0],
        "properties": [json.dumps({"points": notes})] * 2,
    }
    return Layer("survey", (Batch(object_table(columns), spilled(cloud)),), "pointcloud")


@pytest.mark.parametrize(
    ("notes", "modes"),
    [
        ({"classes": {"2": 3}, "intensity": [5, 90], "colour": True}, ["rgb", "classes", "height", "intensity"]),
        ({"classes": {"2": 2, "7": 1}, "colour": False}, ["classes", "height"]),
        ({"classes": {"0": 3}, "intensity": [7, 7], "colour": False}, ["height"]),
        ({"classes": {"0": 2, "1": 1}, "colour": False}, ["height", "classes"]),
    ],
)
def test_a_cloud_is_coloured_by_what_it_has(notes: dict[str, object], modes: list[str]) -> None:
    spec = cloud_spec(layer(notes))
    assert spec is not None
    assert spec["modes"] == modes
    assert spec["mode"] == modes[0]
    assert spec["points"] == 3
    assert spec["spacing_m"] == 0.5
    assert spec["height"] == [1.0, 9.0]


def test_noise_is_hidden_at_first_and_classes_have_names_in_both_languages() -> None:
    spec = cloud_spec(layer({"classes": {"2": 5, "7": 1, "18": 2, "99": 1}, "colour": False}))
    assert spec is not None
    assert [each["code"] for each in spec["classes"] if each["hidden"]] == [7, 18]
    assert spec["classes"][0]["titles"] == {"en": "Ground", "zh": "地面"}
    assert spec["classes"][0]["points"] == 10
    for code in CLASSES:
        titles = class_titles(code)
        assert titles["en"].isascii()
        assert not titles["zh"].isascii()


def test_the_manifest_speaks_of_clouds_and_only_of_those() -> None:
    plain = Layer("b", (Batch(object_table({"uid": ["urn:c"], "kind": ["Building"]})),), "buildings")
    cloud = layer({"classes": {"6": 3}, "colour": False})
    scene = Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), {"survey": cloud, "b": plain})
    (spec,) = scene_manifest(scene)["layers"]
    assert spec["cloud"]["modes"][0] == "classes"
    assert json.loads(json.dumps(spec)) == spec
    assert cloud_spec(plain) is None
