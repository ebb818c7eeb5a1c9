"""What commands print for people: the worst finding first, and nothing where there is no value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twin.commands import main
from twin.commands.shared import print_problems


def test_the_worst_finding_stands_first_and_repeats_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    told = [("info", "label"), *[("warning", "height")] * 5, ("error", "crs")]
    print_problems(
        [{"severity": how, "object": f"o{n}", "rule": rule, "message": "m"} for n, (how, rule) in enumerate(told)]
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["error", "warning", "warning", "warning", "info", "..."]
    assert "2 more of [height]" in lines[-1]


def test_an_object_without_a_name_has_an_empty_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ring = [[121.5, 31.24], [121.5003, 31.24], [121.5003, 31.2403], [121.5, 31.2403], [121.5, 31.24]]
    shapes = [{"type": "Polygon", "coordinates": [[[x + 0.001 * n, y] for x, y in ring]]} for n in range(2)]
    named = [{"building": "yes", "height": 10, "name": "Hall"}, {"building": "yes", "height": 20}]
    features = [
        {"type": "Feature", "geometry": shape, "properties": each} for shape, each in zip(shapes, named, strict=True)
    ]
    file = tmp_path / "houses.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert main(["build", str(tmp_path / "h.city"), str(file)]) == 0
    capsys.readouterr()
    assert main(["query", str(tmp_path / "h.city"), "height_m > 0"]) == 0
    told = capsys.readouterr().out
    assert "Hall" in told
    assert "nan" not in told.lower()
