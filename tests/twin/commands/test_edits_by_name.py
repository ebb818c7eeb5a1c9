"""Edits from a file may name their objects as the city does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import scenes
from scenes import Batch, Georeference, Layer, MeshSet, Scene
from scenes.schema import object_table
from twin.commands import main
from twin.whatif import load_scenario

UID = "urn:uuid:00000000-0000-0000-0000-000000000001"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    columns = {
        "uid": [UID],
        "kind": ["Building"],
        "name": ["Hall"],
        "source_id": ["way/3"],
        "a_rather_long_name": [20.0],
    }
    corners, faces = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 9]], float), np.array([[0, 1, 2]], np.uint32)
    box = MeshSet.from_parts([0], [corners], [faces])
    batch = Batch(object_table(columns, {"a_rather_long_name": "m"}), {"1": box}).with_bounds()
    scene = Scene(
        Georeference("EPSG:32651", 354_000.0, 3_457_000.0), {"b": Layer("b", (batch,), "buildings")}, name="t"
    )
    return scenes.save(scene, tmp_path / "t.city")


def test_edits_name_objects_as_the_city_does(city: Path, tmp_path: Path) -> None:
    edits = tmp_path / "edits.json"
    told = [{"type": "move_object", "uid": name, "dx_m": 1.0} for name in ("way/3", UID)]
    edits.write_text(json.dumps(told))
    assert main(["scenario", str(city), "new", "moved"]) == 0
    assert main(["scenario", str(city), "edit", "moved", "--edits", str(edits)]) == 0
    assert [edit.uid for edit in load_scenario(city, "moved", scenes.open(city)).edits] == [UID, UID]


def test_a_name_that_nobody_has_is_one_sentence(city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edits = tmp_path / "edits.json"
    edits.write_text(json.dumps([{"type": "remove_object", "uid": "way/4"}]))
    assert main(["scenario", str(city), "new", "less"]) == 0
    assert main(["scenario", str(city), "edit", "less", "--edits", str(edits)]) == 1
    assert "way/4" in capsys.readouterr().err
    assert load_scenario(city, "less", scenes.open(city)).edits == ()


def test_what_is_told_of_an_object_stands_in_two_columns(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resolve", str(city), "way/3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "a_rather_long_name  20.0 m" in lines
    assert "bounds              0.00 0.00 0.00 9.00 9.00 9.00" in lines
    assert lines[0].startswith("uid                 urn:uuid:")
