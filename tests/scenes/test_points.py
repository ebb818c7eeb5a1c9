from __future__ import annotations

import gc
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenes
from scenes.cloudfacts import CLASS_COLOURS, cloud_facts, shown_colours
from scenes.errors import PackageError
from scenes.georeference import Georeference
from scenes.model import Batch, Layer, Scene
from scenes.points import (
    CloudMeshes,
    PointBlocks,
    PointMeshSet,
    blocks_of_mesh,
    cloud_of,
    point_count,
    spilled,
)
from scenes.schema import object_table
from scenes.scratch import scratch_folder
from scenes.select import batch_part

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)


def blocks(counts: tuple[int, ...] = (30, 1, 50), seed: int = 1, *, coloured: bool = True) -> PointBlocks:
    random = np.random.default_rng(seed)
    size = sum(counts)
    return PointBlocks(
        random.integers(-60_000, 60_000, (size, 3)).astype(np.int32),
        np.cumsum([0, *counts]).astype(np.int64),
        random.integers(0, 20, size).astype(np.uint8),
        random.integers(0, 65_535, size).astype(np.uint16),
        np.full(size, 17, np.uint8),
        random.integers(0, 255, (size, 3)).astype(np.uint8) if coloured else None,
    )


def batch_of(cloud: PointBlocks, meshes: Any = None) -> Batch:
    count = cloud.block_count
    low, high = cloud.bounds_m()
    corners = {
        f"{side}_{axis}": part[:, i] for side, part in (("min", low), ("max", high)) for i, axis in enumerate("xyz")
    }
    columns = {"uid": [f"urn:block:{i}" for i in range(count)], "kind": ["PointCloud"] * count, **corners}
    return Batch(object_table({**columns, "point_count": np.diff(cloud.starts)}), meshes or spilled(cloud))


def same(one: PointBlocks | None, other: PointBlocks | None) -> bool:
    assert one is not None
    assert other is not None
    names = ("places", "starts", "classes", "intensity", "returns", "colours")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@settings(max_examples=25)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6).map(tuple),
    st.integers(0, 1_000),
    st.booleans(),
)
def test_blocks_survive_the_file_and_the_mesh_set(counts: tuple[int, ...], seed: int, coloured: bool) -> None:
    cloud = blocks(counts, seed, coloured=coloured)
    if not coloured:
        cloud = replace(cloud, intensity=None, returns=None)
    stored = spilled(cloud)
    mesh = stored["1"]
    assert isinstance(mesh, PointMeshSet)
    found = stored.blocks()
    for name in ("places", "starts", "classes", "intensity", "returns", "colours"):
        one, other = getattr(cloud, name), getattr(found, name)
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)
            np.testing.assert_array_equal(one, getattr(blocks_of_mesh(mesh), name))
    low, high = mesh.row_bounds(len(counts))
    np.testing.assert_allclose(np.stack([low, high]), np.stack(cloud.bounds_m()), atol=2e-5)


def test_a_package_keeps_classes_and_stays_small(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    size = 40_000
    plan = np.stack(np.meshgrid(np.arange(200), np.arange(200)), -1).reshape(-1, 2) * 400
    places = np.column_stack([plan, random.integers(0, 500, size)]).astype(np.int32)
    classes = random.integers(1, 7, size).astype(np.uint8)
    cloud = PointBlocks(places, np.array([0, size]), classes, random.integers(0, 200, size).astype(np.uint16))
    scene = Scene(FRAME, {"pointcloud": Layer("pointcloud", (batch_of(cloud),), "pointcloud")})
    scene.save(tmp_path / "a.city")
    opened = scenes.open(tmp_path / "a.city")
    batch = opened.layers["pointcloud"].batches[0]
    found = cloud_of(batch.meshes)
    assert found is not None
    np.testing.assert_array_equal(found.places, places)
    np.testing.assert_array_equal(found.classes, classes)
    assert isinstance(batch.meshes, CloudMeshes)
    assert batch.meshes.file.stat().st_size < 7 * size  # of 15 bytes a point in memory, 28 as floats
    assert batch.content_hash == scene.layers["pointcloud"].batches[0].content_hash
    opened.save(tmp_path / "a.city")
    again = scenes.open(tmp_path / "a.city").layers["pointcloud"].batches[0]
    assert same(cloud_of(again.meshes), cloud)


def test_part_of_a_cloud_is_a_cloud(tmp_path: Path) -> None:
    cloud = blocks((30, 1, 50))
    part = batch_part(batch_of(cloud), np.array([0, 2]))
    expected = cloud.chosen(np.flatnonzero(cloud.owners() != 1))
    found = cloud_of(part.meshes)
    assert found is not None
    np.testing.assert_array_equal(found.places, expected.places)
    np.testing.assert_array_equal(found.classes, expected.classes)
    assert found.starts.tolist() == [0, 30, 80]
    assert point_count(part.meshes) == 80
    Scene(FRAME, {"p": Layer("p", (part,), "pointcloud")}).save(tmp_path / "b.city")
    stored = scenes.open(tmp_path / "b.city").layers["p"].batches[0]
    assert same(cloud_of(stored.meshes), found)


def test_a_moved_cloud_keeps_what_its_points_are() -> None:
    mesh = spilled(blocks())["1"].moved(np.array([1.0, 2.0, 3.0]))
    assert isinstance(mesh, PointMeshSet)
    assert same(
        replace(mesh.blocks(), places=mesh.blocks().places - np.array([1_000, 2_000, 3_000], np.int32)), blocks()
    )


def test_scratch_files_go_with_the_last_copy() -> None:
    meshes = spilled(blocks())
    file = meshes.file
    assert file.parent == scratch_folder()
    copy = pickle.loads(pickle.dumps(meshes))
    del meshes
    gc.collect()
    assert same(copy.blocks(), blocks())
    del copy
    gc.collect()
    assert not file.exists()


def test_a_file_of_another_save_is_noticed() -> None:
    meshes = spilled(blocks())
    other = CloudMeshes(meshes.file, "0" * 32, 81)
    assert not other.is_there
    with pytest.raises(PackageError, match="saved over"):
        other.blocks()
    meshes.file.write_bytes(b"PAR1 no")
    with pytest.raises(PackageError, match="cannot be read"):
        meshes.blocks()


def test_points_without_colours_are_shown_by_class_or_by_height() -> None:
    cloud = blocks(coloured=False)
    layer = Layer("p", (batch_of(cloud),), "pointcloud")
    facts = cloud_facts(layer)
    assert facts.count == 81
    assert not facts.classified
    by_height = shown_colours(cloud, slice(0, 81), facts)
    order = np.argsort(cloud.places[:, 2])
    assert by_height[order[0]].tolist() != by_height[order[-1]].tolist()
    named = replace(facts, classes={6: 81})
    np.testing.assert_array_equal(shown_colours(cloud, slice(3, 9), named)[:, :3], CLASS_COLOURS[cloud.classes[3:9]])


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="must be"):
        PointBlocks(np.zeros((3, 2), np.int32), np.array([0, 3]), np.zeros(3, np.uint8))
    with pytest.raises(ValueError, match="classes"):
        PointBlocks(np.zeros((3, 3), np.int32), np.array([0, 3]), np.zeros(2, np.uint8))
