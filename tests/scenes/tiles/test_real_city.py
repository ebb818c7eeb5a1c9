from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from scenes.assembly import assemble
from scenes.sources import Source
from scenes.tiles import publish
from scenes.tiles.glb import read_accessor, read_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.real_data
def test_lujiazui_shows_its_tallest_towers_from_afar_and_passes_the_khronos_validator(
    real_data: Path, tmp_path: Path, node: Callable[..., Any]
) -> None:
    folder = real_data / "gis" / "shanghai" / "derived"
    sources = [Source(str(path)) for path in sorted(folder.iterdir()) if path.suffix in (".geojson", ".parquet")]
    assert sources
    scene = assemble(sources)
    paths = publish(scene, tmp_path / "tiles")
    assert set(paths) == set(scene.layers)
    files = sorted(tmp_path.glob("tiles/*/*.glb"))
    found = node("validate_glb.mjs", *files)
    assert {path: report for path, report in found.items() if report["errors"]} == {}
    root = json.loads(paths["buildings"].read_text("utf-8"))["root"]
    glb = (paths["buildings"].parent / root["content"]["uri"]).read_bytes()
    drawn: set[int] = set()
    for item in read_json(glb)["meshes"][0]["primitives"]:
        drawn |= set(read_accessor(glb, item["attributes"]["_FEATURE_ID_0"]).astype(int).tolist())
    tall = np.flatnonzero(np.array(scene.layers["buildings"].table["height_m"]) > 100)
    assert len(tall) > 20
    assert {scene.bases["buildings"] + int(row) for row in tall} <= drawn
