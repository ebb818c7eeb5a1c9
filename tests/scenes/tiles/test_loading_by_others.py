"""The Khronos validator and the viewer's own loaders read what we write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from scenes.mesh import MeshSet
from scenes.tiles import layer_glb, surface_glb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import SimpleNamespace

    from scenes.model import Scene


def test_the_khronos_validator_finds_no_error_in_any_content(tiles: dict[str, Path], node: Callable[..., Any]) -> None:
    files = sorted(path for tileset in tiles.values() for path in tileset.parent.glob("*.glb"))
    assert len(files) >= 20
    found = node("validate_glb.mjs", *files)
    assert len(found) == len(files)
    wrong = {path: report for path, report in found.items() if report["errors"] or report["warnings"]}
    assert wrong == {}


def test_the_khronos_validator_finds_no_error_in_single_files(
    city: Scene, tmp_path: Path, node: Callable[..., Any], shapes: SimpleNamespace
) -> None:
    files = []
    for name, layer in city.layers.items():
        if len(layer):
            files.append(tmp_path / f"{name}.glb")
            files[-1].write_bytes(layer_glb(layer, city.bases[name]))
    files.append(tmp_path / "surface.glb")
    files[-1].write_bytes(surface_glb(shapes.hills(20, 500.0)))
    found = node("validate_glb.mjs", *files)
    assert len(found) == 7
    assert {path: report for path, report in found.items() if report["errors"] or report["warnings"]} == {}


def test_the_validator_would_find_an_error(tmp_path: Path, node: Callable[..., Any]) -> None:
    good = surface_glb(MeshSet.of_one([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]]))
    broken = tmp_path / "broken.glb"
    broken.write_bytes(good.replace(b'"type":"VEC3"', b'"type":"VEC2"'))
    assert node("validate_glb.mjs", broken)[str(broken)]["errors"] > 0


@pytest.mark.parametrize("layer", ["terrain", "buildings", "pipes", "points", "trees", "model"])
def test_the_loaders_of_the_viewer_find_places_handles_and_names(
    city: Scene, tiles: dict[str, Path], node: Callable[..., Any], layer: str
) -> None:
    files = sorted(tiles[layer].parent.glob("*.glb"))[-2:]
    found = node("load_tiles.mjs", *files)
    bounds = city.layers[layer].bounds()
    assert bounds is not None
    base, count = city.bases[layer], len(city.layers[layer])
    for objects in found.values():
        assert objects
        for each in objects:
            numbers = np.array(each["handles"])
            assert ((numbers >= 0) & (numbers < count)).all()
            east, up, south = np.array([each["low"], each["high"]]).T
            slack = 100.0 if layer in ("trees", "terrain") else 0.2
            assert bounds[0] - slack <= east[0] <= east[1] <= bounds[3] + slack
            assert bounds[1] - slack <= -south[1] <= -south[0] <= bounds[4] + slack
            assert bounds[2] - slack <= up[0] <= up[1] <= bounds[5] + slack
            if not each["instances"]:
                assert each["labels"] == ["number", "row"]
                last = city.at(base + int(numbers[-1]))
                assert each["last"]["uid"] == last.uid
                assert each["last"]["kind"] == last.kind
                assert each["last"]["number"] == last.handle - base
            else:
                assert len(numbers) == each["instances"]
