"""One report for every source: sound, doubtful, broken, unreadable; and what sources contradict each other in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import shapely

from scenes import Batch, Georeference, Layer, Problem, Scene
from scenes.checking import check
from scenes.comparing import compare
from scenes.schema import object_table
from scenes.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)


@pytest.fixture
def houses(tmp_path: Path) -> str:
    ring = [[121.5, 31.2], [121.501, 31.2], [121.501, 31.201], [121.5, 31.2]]
    feature = {"type": "Feature", "properties": {"height": 24}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    path = tmp_path / "houses.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return str(path)


def test_every_source_gets_a_verdict(houses: str, tmp_path: Path) -> None:
    (tmp_path / "broken.geojson").write_text('{"type": "FeatureCollection", "features": [')
    (tmp_path / "odd.qqq").write_text("what is this")
    names = [houses, str(tmp_path / "broken.geojson"), str(tmp_path / "odd.qqq"), str(tmp_path / "gone.gpkg")]
    report = check([Source(name) for name in names])
    assert [verdict.state for verdict in report.verdicts] == ["sound", "unreadable", "unreadable", "unreadable"]
    assert report.verdicts[0].objects == 1
    assert report.failed
    assert report.as_dict()["summary"] == {"sound": 1, "warnings": 0, "errors": 0, "unreadable": 3}
    assert {"LoadError", "UnsupportedError", "MissingSourceError"} <= set(report.rules())


def test_findings_between_sources_come_last(houses: str) -> None:
    def everything(scene: Scene) -> list[Problem]:
        return [Problem("warning", scene.name, "too-small", f"{len(scene)} object")]

    report = check([Source(houses)], compare=everything)
    assert report.problems[-1].message == "1 object"
    assert not report.failed


def town(model: tuple[float, float, float, float], storeys: int, top: float) -> Scene:
    plan = {"footprint": [shapely.to_wkb(shapely.box(*model))], "min_z": [0.0], "max_z": [top]}
    floors = object_table(
        {
            "uid": [f"urn:s{n}" for n in range(storeys)],
            "kind": ["Storey"] * storeys,
            "parent": ["urn:m"] * storeys,
            "elevation_m": [3.0 * n for n in range(storeys)],
        }
    )
    body = object_table({"uid": ["urn:m"], "kind": ["Building"], "name": ["Model"], **plan})
    mapped = object_table(
        {
            "uid": ["urn:a", "urn:b"],
            "kind": ["Building"] * 2,
            "name": ["A", "B"],
            "footprint": shapely.to_wkb(shapely.box([0.0, 40.0], 0.0, [20.0, 60.0], 10.0)),
            "height_m": [12.0, 30.0],
            "levels": [4.0, 10.0],
        }
    )
    layers = (
        Layer("model", (Batch(body), Batch(floors)), theme="bim"),
        Layer("buildings", (Batch(mapped),), theme="buildings"),
    )
    return Scene(FRAME, {layer.name: layer for layer in layers})


@pytest.mark.parametrize(
    ("plan", "storeys", "top", "rules"),
    [
        ((0, 0, 20, 10), 4, 12.5, []),
        ((0, 0, 20, 10), 3, 12.5, ["storeys-differ"]),
        ((0, 0, 20, 10), 4, 18.0, ["height-differs"]),
        ((0, 0, 8, 10), 4, 12.0, ["footprint-differs"]),
        ((0, 0, 60, 10), 4, 12.0, ["footprints-several"]),
        ((0, 200, 20, 210), 4, 12.0, ["model-without-footprint"]),
    ],
)
def test_models_are_held_against_the_map(
    plan: tuple[float, float, float, float], storeys: int, top: float, rules: list[str]
) -> None:
    found = compare(town(plan, storeys, top))
    assert [problem.rule for problem in found] == rules
    assert all(problem.place.startswith("121.46") for problem in found)
