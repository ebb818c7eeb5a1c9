from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from scipy.spatial import cKDTree

from scenes.georeference import Georeference
from scenes.model import Batch, Layer, Scene
from scenes.points import LEVEL, PointBlocks, spilled
from scenes.schema import object_table
from scenes.tiles import points as tiling
from scenes.tiles import publish
from scenes.tiles.glb import read_accessor, read_json

SCHEMAS = Path(__file__).parents[2] / "schemas"
FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
SIZE = 12_000


def batch(first: int, corner: tuple[int, int], seed: int, *, spilt: bool = True) -> Batch:
    """Return 16 blocks of a hilly square of 64 m, in millimetres from a corner."""
    random = np.random.default_rng(seed)
    places = np.column_stack([random.integers(0, 64_000, (SIZE, 2)), np.zeros(SIZE, int)])
    places[:, 2] = 3_000 * np.sin(places[:, 0] / 9_000) + random.integers(0, 300, SIZE)
    block = places[:, 0] // 16_000 * 4 + places[:, 1] // 16_000
    order = np.argsort(block, kind="stable")
    places = places[order] + [*corner, 5_000]
    starts = np.searchsorted(block[order], np.arange(17))
    cloud = PointBlocks(
        places.astype(np.int32), starts, random.integers(1, 7, SIZE).astype(np.uint8), np.arange(SIZE, dtype=np.uint16)
    )
    low, high = cloud.bounds_m()
    corners = {
        f"{side}_{axis}": part[:, i] for side, part in (("min", low), ("max", high)) for i, axis in enumerate("xyz")
    }
    uids = [f"urn:block:{first + i}" for i in range(16)]
    notes = [json.dumps({"points": {"classes": {"6": 5}, "intensity": [0, 9], "colour": False}})] * 16
    table = object_table(
        {"uid": uids, "kind": ["PointCloud"] * 16, **corners, "point_count": np.diff(starts), "properties": notes}
    )
    return Batch(table, spilled(cloud) if spilt else {LEVEL: cloud.mesh_set()})


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Two clouds that overlap, the second as a plain mesh set, behind a layer that takes the first handles."""
    table = object_table({"uid": ["urn:a", "urn:b"], "kind": ["Building"] * 2})
    cloud = Layer("survey", (batch(0, (0, 0), 1), batch(16, (40_000, 0), 2, spilt=False)), "pointcloud")
    return Scene(FRAME, {"other": Layer("other", (Batch(table),)), "survey": cloud})


@pytest.fixture(scope="module")
def tileset(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiling, "LEAF_POINTS", 1_500)
        patch.setattr(tiling, "GRID", 24)
        return publish(scene, tmp_path_factory.mktemp("cloud"))["survey"]


def walk(
    tile: dict[str, Any], above: tuple[dict[str, Any], ...] = ()
) -> Iterator[tuple[dict[str, Any], tuple[Any, ...]]]:
    yield tile, above
    for child in tile.get("children", []):
        yield from walk(child, (*above, tile))


def drawn(folder: Path, tile: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return places in local metres, handles, classes and intensities of a tile."""
    glb = (folder / tile["content"]["uri"]).read_bytes()
    document = read_json(glb)
    (node,) = document["nodes"]
    (primitive,) = document["meshes"][0]["primitives"]
    values = {name: read_accessor(glb, index) for name, index in primitive["attributes"].items()}
    place = values["POSITION"].astype(float) * node.get("scale", [1, 1, 1]) + node["translation"]
    return {
        "place": np.stack([place[:, 0], -place[:, 2], place[:, 1]], axis=1),
        "handle": values["_FEATURE_ID_0"].astype(int),
        "row": values["_FEATURE_ID_1"].astype(int),
        "class": values["_CLASSIFICATION"].astype(int),
        "intensity": values["_INTENSITY"].astype(int),
    }


def test_every_point_is_written_once_with_its_block_and_class(scene: Scene, tileset: Path) -> None:
    root = json.loads(tileset.read_text())["root"]
    assert root["refine"] == "ADD"
    assert len(list(walk(root))) > 8
    parts = [drawn(tileset.parent, tile) for tile, _ in walk(root) if "content" in tile]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    assert len(found["place"]) == 2 * SIZE
    for number, each in enumerate(scene.layers["survey"].batches):
        cloud = each.meshes[LEVEL].blocks()  # type: ignore[attr-defined]
        handles = 16 * number + cloud.owners()
        mine = np.isin(found["handle"], handles)
        order, expected = np.argsort(found["intensity"][mine]), np.argsort(cloud.intensity)
        np.testing.assert_allclose(found["place"][mine][order], cloud.places[expected] / 1000, atol=0.006)
        np.testing.assert_array_equal(found["class"][mine][order], cloud.classes[expected])
        np.testing.assert_array_equal(found["handle"][mine][order], handles[expected])


def test_what_a_tile_leaves_out_lies_near_what_is_drawn(tileset: Path) -> None:
    root = json.loads(tileset.read_text())["root"]

    def below(tile: dict[str, Any]) -> np.ndarray:
        parts = [
            drawn(tileset.parent, each)["place"] for each, _ in walk(tile) if each is not tile and "content" in each
        ]
        return np.concatenate(parts)

    inner = [(tile, above) for tile, above in walk(root) if "children" in tile]
    assert len(inner) >= 3
    for tile, above in inner:
        shown = np.concatenate([drawn(tileset.parent, each)["place"] for each in (*above, tile) if "content" in each])
        distance, _ = cKDTree(shown).query(below(tile))
        assert distance.max() <= tile["geometricError"] + 0.01
        assert all(child["geometricError"] <= tile["geometricError"] for child in tile["children"])


def test_boxes_hold_their_points_and_their_children(tileset: Path) -> None:
    def corners(tile: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        box = np.array(tile["boundingVolume"]["box"])
        half = np.abs(box[3:].reshape(3, 3)).sum(axis=0)
        return box[:3] - half, box[:3] + half

    for tile, above in walk(json.loads(tileset.read_text())["root"]):
        low, high = corners(tile)
        places = drawn(tileset.parent, tile)["place"]
        assert (places >= low - 1e-6).all()
        assert (places <= high + 1e-6).all()
        for outer in above[-1:]:
            outer_low, outer_high = corners(outer)
            assert (low >= outer_low - 1e-6).all()
            assert (high <= outer_high + 1e-6).all()


def test_tiles_are_valid_by_the_schemas_and_the_khronos_validator(tileset: Path, node: Callable[..., Any]) -> None:
    schema = json.loads((SCHEMAS / "tileset-1.1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(tileset.read_text()))
    features = json.loads((SCHEMAS / "features.schema.json").read_text())
    files = sorted(tileset.parent.glob("*.glb"))
    for path in files:
        document = read_json(path.read_bytes())
        jsonschema.Draft202012Validator(features).validate(document)
        metadata = document["extensions"]["EXT_structural_metadata"]
        assert set(metadata["schema"]["classes"]["point"]["properties"]) == {"classification", "intensity"}
        assert metadata["propertyAttributes"][0]["properties"]["classification"]["attribute"] == "_CLASSIFICATION"
    reports = node("validate_glb.mjs", *files)
    assert {path: report for path, report in reports.items() if report["errors"] or report["warnings"]} == {}


def test_the_same_cloud_gives_the_same_tiles(scene: Scene, tmp_path: Path) -> None:
    one, other = (publish(scene, tmp_path / name)["survey"].parent for name in "ab")
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def test_a_cloud_without_points_has_an_empty_tileset(tmp_path: Path) -> None:
    scene = Scene(FRAME, {"survey": Layer("survey", (), "pointcloud")})
    root = json.loads(publish(scene, tmp_path / "t")["survey"].read_text())["root"]
    assert "content" not in root
