"""A changed city gets only the tiles that changed, and they show what a fresh build shows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import scenes
from scenes.crew import crew_of
from scenes.saving import save, tile_counts
from scenes.store.swap import link_tree
from scenes.tiles.fingerprints import object_hashes
from scenes.tiles.keeping import keep_content, kept_content
from scenes.tiles.record import FOLDER, read_record
from scenes.tiles.renewal import all_tiles, runs_of
from tests.scenes.tiles.test_tileset import drawn, names_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import SimpleNamespace

    from scenes import Batch, Scene


@pytest.fixture(scope="module")
def stored(city: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a package of the city with its tiles, for all tests."""
    return save(city, tmp_path_factory.mktemp("stored") / "a.city", tiles=True)


@pytest.fixture
def package(stored: Path, tmp_path: Path) -> Path:
    """Give a package of the city with its tiles, for one test."""
    link_tree(stored, tmp_path / "a.city")
    return tmp_path / "a.city"


def glbs(package: Path) -> dict[str, int]:
    """Return the inode of each tile."""
    return {str(file.relative_to(package)): file.stat().st_ino for file in package.rglob("*.glb")}


def looks(package: Path, layer: str) -> dict[Any, np.ndarray]:
    """Return what the finest tiles of a layer show: least and greatest corner by uid, kind and name."""
    folder = package / "tiles" / layer
    root = json.loads((folder / "tileset.json").read_text())["root"]
    found: dict[Any, list[np.ndarray]] = {}
    for tile in all_tiles(root):
        if "children" in tile or "content" not in tile:
            continue
        glb = (folder / tile["content"]["uri"]).read_bytes()
        names = {number: (uid, kind, name) for uid, kind, name, number in names_of(glb)}
        places, numbers = drawn(glb)
        for number in np.unique(numbers).tolist():
            mine = places[numbers == number]
            found.setdefault(names[number], []).append(np.concatenate([mine.min(axis=0), -mine.max(axis=0)]))
    return {who: np.min(boxes, axis=0) for who, boxes in found.items()}


def assert_shows(package: Path, scene: Scene, fresh: Path, *layers: str) -> None:
    """Check the tiles of some layers against fresh ones: objects, places and handles."""
    assert list(scenes.open(package)) == list(scene)
    part = replace(scene, layers={name: scene.layers[name] for name in layers})
    save(part, fresh, tiles=True)
    for name in layers:
        mine, other = looks(package, name), looks(fresh, name)
        assert mine.keys() == other.keys()
        for who, box in mine.items():
            np.testing.assert_allclose(box, other[who], atol=0.011)
    for name in scene.layers:
        assert_numbers_lead_to_objects(package, scene, name)


def assert_numbers_lead_to_objects(package: Path, scene: Scene, layer: str) -> None:
    folder = package / "tiles" / layer
    document = json.loads((folder / "tileset.json").read_text())
    extras = document["extras"]
    assert extras["base"] == scene.bases[layer]
    for tile in all_tiles(document["root"]):
        if "content" not in tile:
            continue
        for uid, _, _, number in names_of((folder / tile["content"]["uri"]).read_bytes()):
            rows = [row + number - first for first, row, count in extras["numbers"] if first <= number < first + count]
            assert len(rows) == 1
            assert scene.at(extras["base"] + rows[0]).uid == uid


def raised(batch: Batch, row: int, by_m: float) -> Batch:
    """Return the batch with one object lifted."""
    (level,) = batch.meshes
    mesh = batch.meshes[level]
    positions = mesh.positions.copy()
    positions[mesh.vertex_rows() == row, 2] += by_m
    return replace(batch, meshes={level: replace(mesh, positions=positions)}).with_bounds()


def with_batch(scene: Scene, name: str, place: int, batch: Batch) -> Scene:
    layer = scene.layers[name]
    batches = list(layer.batches)
    batches[place] = batch
    return scene.with_layer(layer.with_batches(batches))


def without(batch: Batch, row: int) -> Batch:
    """Return the batch without one row."""
    keep = np.setdiff1d(np.arange(len(batch)), [row])
    meshes = {level: mesh.take(keep) for level, mesh in batch.meshes.items()}
    return replace(batch, table=batch.table.take(pa.array(keep)), meshes=meshes)


def test_one_changed_object_rewrites_its_tile_and_those_above(city: Scene, package: Path, tmp_path: Path) -> None:
    before = glbs(package)
    changed = with_batch(city, "buildings", 0, raised(city.layers["buildings"].batches[0], 7, 31.0))
    save(changed, package)
    after = glbs(package)
    same = {name for name in before if after.get(name) == before[name]}
    written = set(after) - same
    assert 1 <= len(written) <= 3
    assert all(name.startswith("tiles/buildings/") for name in written)
    assert tile_counts(package) == {"written": len(written), "kept": len(same)}
    assert_shows(package, changed, tmp_path / "fresh.city", "buildings")
    fresh = set(glbs(tmp_path / "fresh.city"))
    assert {name for name in after if "/buildings/" in name} == fresh  # the same names are the same bytes


def test_a_city_that_did_not_change_is_linked_whole(package: Path) -> None:
    before = glbs(package)
    tables = {file: file.stat().st_ino for file in package.rglob("*.parquet")}
    scenes.open(package).save(package)
    assert glbs(package) == before
    assert {file: file.stat().st_ino for file in package.rglob("*.parquet")} == tables
    assert tile_counts(package) == {"written": 0, "kept": len(before)}


@pytest.mark.parametrize("layer", ["buildings", "pipes", "points", "trees", "model"])
def test_an_object_that_goes_takes_nothing_with_it(city: Scene, package: Path, tmp_path: Path, layer: str) -> None:
    before = glbs(package)
    smaller = with_batch(city, layer, 0, without(city.layers[layer].batches[0], 5))
    save(smaller, package)
    after = glbs(package)
    assert {name for name in before if after.get(name) != before[name] and f"/{layer}/" not in name} == set()
    assert tile_counts(package)["written"] <= 3
    assert_shows(package, smaller, tmp_path / "fresh.city", layer)


def test_objects_that_come_get_numbers_of_their_own(
    city: Scene, package: Path, tmp_path: Path, shapes: SimpleNamespace
) -> None:
    more = shapes.layer_of("extra", "buildings", "Building", [shapes.houses(6, 9)]).batches[0]
    layer = city.layers["buildings"]
    larger = city.with_layer(layer.with_batches([*layer.batches, more]))
    save(larger, package)
    numbers = read_record(package / "tiles" / "buildings")
    assert numbers is not None
    assert numbers.following == len(layer) + 6
    assert_shows(package, larger, tmp_path / "fresh.city", "buildings")
    smaller = with_batch(larger, "buildings", 0, without(layer.batches[0], 0))
    save(smaller, package)
    assert_shows(package, smaller, tmp_path / "fresh.city", "buildings")
    save(larger, package)  # the first one is back, under a new number
    again = read_record(package / "tiles" / "buildings")
    assert again is not None
    assert again.following == len(layer) + 7
    assert_shows(package, larger, tmp_path / "fresh.city", "buildings")


def test_layers_that_come_and_go_leave_the_tiles_of_others_alone(
    city: Scene, package: Path, tmp_path: Path, scene_of: Callable[..., Scene], shapes: SimpleNamespace
) -> None:
    before = glbs(package)
    first = shapes.layer_of("first", "buildings", "Building", [shapes.houses(12, 3)])
    larger = scene_of(first, *city.layers.values())
    save(larger, package)
    after = glbs(package)
    assert {name: after[name] for name in before} == before
    assert_shows(package, larger, tmp_path / "fresh.city", "first")
    smaller = scene_of(*(layer for layer in city.layers.values() if layer.name != "terrain"))
    save(smaller, package)
    after = glbs(package)
    assert {name: inode for name, inode in before.items() if "/terrain/" not in name} == after
    assert not (package / "tiles" / "first").exists()
    assert_shows(package, smaller, tmp_path / "fresh.city", "model")


def test_an_attribute_that_is_not_drawn_writes_no_tile(city: Scene, package: Path) -> None:
    before = glbs(package)
    batch = city.layers["buildings"].batches[0]
    told = replace(batch, table=batch.table.append_column("height_m", pa.array(np.arange(len(batch), dtype=float))))
    save(with_batch(city, "buildings", 0, told), package)
    assert glbs(package) == before


def test_a_new_name_of_an_object_is_in_its_tiles(city: Scene, package: Path, tmp_path: Path) -> None:
    batch = city.layers["buildings"].batches[1]
    names = batch.table["name"].to_pylist()
    names[3] = "Town hall"
    place = batch.table.schema.get_field_index("name")
    told = batch.table.set_column(place, batch.table.schema.field(place), pa.array(names, pa.string()))
    named = with_batch(city, "buildings", 1, replace(batch, table=told))
    save(named, package)
    assert tile_counts(package)["written"] >= 1
    assert_shows(package, named, tmp_path / "fresh.city", "buildings")


def test_a_layer_that_grows_far_beyond_its_square_is_tiled_anew(
    city: Scene, package: Path, tmp_path: Path, shapes: SimpleNamespace
) -> None:
    mesh, count = shapes.houses(3, 5)
    far = shapes.with_parts(mesh, centre=mesh.centre + np.array([9000.0, 0.0, 0.0]))
    more = shapes.layer_of("far", "buildings", "Building", [(far, count)]).batches[0]
    layer = city.layers["buildings"]
    larger = city.with_layer(layer.with_batches([*layer.batches, more]))
    save(larger, package)
    assert_shows(package, larger, tmp_path / "fresh.city", "buildings")
    record = read_record(package / "tiles" / "buildings")
    assert record is not None
    assert record.kept == 0


def test_terrain_is_renewed_where_it_changed(city: Scene, package: Path, tmp_path: Path) -> None:
    (batch,) = city.layers["terrain"].batches
    mesh = batch.meshes["1"]
    positions = mesh.positions.copy()
    positions[(positions[:, 0] + mesh.centre[0] < 200) & (positions[:, 1] + mesh.centre[1] < 200), 2] += 5
    dug = with_batch(city, "terrain", 0, replace(batch, meshes={"1": replace(mesh, positions=positions)}).with_bounds())
    save(dug, package)
    assert_shows(package, dug, tmp_path / "fresh.city", "terrain")


@pytest.mark.parametrize("workers", [1, 2])
def test_many_changes_one_after_another_are_as_good_as_one_build(city: Scene, tmp_path: Path, workers: int) -> None:
    random = np.random.default_rng(11)
    scene = replace(city, layers={name: city.layers[name] for name in ("buildings", "trees")})
    package = save(scene, tmp_path / "a.city", tiles=True, crew=crew_of(workers))
    for _ in range(4):
        place = int(random.integers(2))
        batch = scene.layers["buildings"].batches[place]
        changed = raised(batch, int(random.integers(len(batch))), float(random.uniform(1, 9)))
        changed = without(changed, int(random.integers(len(batch))))
        scene = with_batch(scene, "buildings", place, changed)
        trees = scene.layers["trees"].batches[0]
        scene = with_batch(scene, "trees", 0, without(trees, int(random.integers(len(trees)))))
        save(scene, package, crew=crew_of(workers))
        assert tile_counts(package)["kept"] > 0
    assert_shows(package, scene, tmp_path / "fresh.city", "buildings", "trees")


@pytest.mark.parametrize("broken", ["record.json", "items.parquet", "objects.parquet"])
def test_a_broken_record_means_new_tiles(city: Scene, package: Path, tmp_path: Path, broken: str) -> None:
    (package / "tiles" / "buildings" / FOLDER / broken).write_text("{")
    changed = with_batch(city, "buildings", 0, raised(city.layers["buildings"].batches[0], 7, 31.0))
    save(changed, package)
    assert_shows(package, changed, tmp_path / "fresh.city", "buildings")


def test_tiles_of_a_city_that_is_not_a_package_keep_nothing_hidden(city: Scene, tmp_path: Path) -> None:
    scenes.tiles.publish(city, tmp_path / "tiles")
    assert not list(tmp_path.rglob(FOLDER))


def test_contents_come_back_as_they_were_kept(stored: Path, tmp_path: Path) -> None:
    files = sorted((stored / "tiles").rglob("*.content"))
    assert {file.parent.parent.name for file in files} >= {"terrain", "buildings", "pipes", "trees"}
    for file in files:
        content = kept_content(file)
        keep_content(content, tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_a_hash_tells_objects_apart_and_nothing_else(shapes: SimpleNamespace) -> None:
    batch = shapes.layer_of("b", "buildings", "Building", [shapes.houses(40)]).batches[0]
    mesh = batch.meshes["1"]
    _, hashes = object_hashes(mesh, batch.table)
    assert len(np.unique(hashes)) == 40
    rows = np.flatnonzero(np.arange(40) != 3)
    _, left = object_hashes(mesh.take(rows), batch.table.take(pa.array(rows)))
    assert left.tolist() == hashes[rows].tolist()
    colours = mesh.colours.copy()
    colours[mesh.vertex_rows() == 9, 0] ^= 1
    _, painted = object_hashes(shapes.with_parts(mesh, colours=colours), batch.table)
    assert np.flatnonzero(painted != hashes).tolist() == [9]


def test_runs_tell_every_number() -> None:
    numbers = np.array([4, 5, 6, 0, 9, 8])
    told = {number + i: row + i for number, row, count in runs_of(numbers) for i in range(count)}
    assert [told[number] for number in numbers.tolist()] == list(range(6))
