"""A city package gives back what was saved, and other programs open its tables as they are."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import geopandas
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scenes
from scenes import Batch, Georeference, Instances, Layer, MeshSet, PackageError, Problem, Scene, store
from scenes.model import ALIASES
from scenes.pictures import Picture
from scenes.schema import object_table, unit_of
from scenes.store import FORMAT_VERSION, manifest
from scenes.store.meshes import StoredMeshes, read_mesh, write_meshes

if TYPE_CHECKING:
    from pathlib import Path


IMAGES = [Picture.of_pixels(np.full((4, 4, 4), [200, 0, 0, alpha], np.uint8)) for alpha in (255, 40)]


def same_mesh(one: MeshSet, other: MeshSet) -> bool:
    names = ("centre", "positions", "triangles", "rows", "vertex_starts", "triangle_starts")
    optional = ("colours", "normals", "lines", "points", "uvs", "triangle_images")
    for name in names + optional:
        a, b = getattr(one, name), getattr(other, name)
        if (a is None) != (b is None):
            return False
        if a is not None and (a.dtype != b.dtype or not np.array_equal(a, b)):
            return False
    if one.images != other.images:
        return False
    placed = [
        np.array_equal(getattr(a, name), getattr(b, name)) and same_mesh(a.prototype, b.prototype)
        for a, b in zip(one.instances, other.instances, strict=True)
        for name in ("rows", "positions", "yaw_rad", "scales")
    ]
    return all(placed)


def assert_same(one: Scene, other: Scene) -> None:
    assert one.georeference == other.georeference
    assert (one.name, one.version, dict(one.metadata)) == (other.name, other.version, dict(other.metadata))
    assert list(one.layers) == list(other.layers)
    assert one.epoch == other.epoch
    for name, layer in one.layers.items():
        twin = other.layers[name]
        assert (layer.theme, dict(layer.titles), layer.source) == (twin.theme, dict(twin.titles), twin.source)
        for mine, its in zip(layer.batches, twin.batches, strict=True):
            assert mine.table.schema.equals(its.table.schema, check_metadata=True)
            assert mine.table.equals(its.table)
            assert mine.aliases.equals(its.aliases)
            assert list(mine.meshes) == list(its.meshes)
            assert all(same_mesh(mesh, its.meshes[level]) for level, mesh in mine.meshes.items())
            assert mine.content_hash == its.content_hash


def test_a_saved_city_opens_equal(city: Scene, tmp_path: Path) -> None:
    opened = scenes.open(city.save(tmp_path / "a.city"))
    assert_same(city, opened)
    assert opened.resolve("osm:22").name == "House 22"
    assert unit_of(opened.layers["buildings"].table, "height_m") == "m"


def test_a_file_of_geometry_tells_its_corners(tmp_path: Path) -> None:
    wall = MeshSet.of_one([[0, 0, 0], [4, 0, 0], [4, 0, 3.3]], [[0, 1, 2]]).moved(np.array([7e4, -2e3, 0.1]))
    tree = MeshSet.of_one([[-1, -1, 0], [1, 1, 0], [0, 0, 9]], [[0, 1, 2]])
    planted = Instances(
        tree,
        np.array([1], np.uint32),
        np.array([[-20, 5, -1]], np.float32),
        np.zeros(1, np.float32),
        np.ones((1, 3), np.float32),
    )
    both = replace(wall, instances=(planted,))
    meshes = {"1": wall, "2": both, "3": MeshSet.empty()}
    file = tmp_path / "a.parquet"
    told = StoredMeshes(file, write_meshes(meshes, file), {}).corners
    assert told.keys() == meshes.keys()
    assert told["3"] is None
    for level in ("1", "2"):
        low, high = told[level] or pytest.fail("no corners")
        feet = [wall.positions_m, *([wall.centre + planted.positions] if level == "2" else [])]
        assert np.array_equal(low, np.concatenate(feet).min(axis=0))
        assert np.array_equal(high, np.concatenate(feet).max(axis=0))


def test_colours_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    shade = np.array([[200, 10, 0, 255], [0, 20, 99, 40], [7, 7, 7, 255]], np.uint8)
    wall = replace(MeshSet.of_one([[0, 0, 0], [4, 0, 0], [4, 0, 3]], [[0, 1, 2]]), colours=shade)
    file = tmp_path / "a.parquet"
    content_hash = write_meshes({"1": wall}, file)
    table = pq.read_table(file)
    place = table.column_names.index("colours")
    as_bytes = pa.array([shade.ravel()], pa.large_list(pa.uint8()))
    pq.write_table(table.set_column(place, "colours", as_bytes), file)
    assert same_mesh(read_mesh(file, "1", content_hash), wall)


def test_a_file_that_was_written_over_tells_no_corners(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    before = StoredMeshes(
        file, write_meshes({"1": MeshSet.of_one([[0, 0, 0], [4, 0, 0], [4, 0, 3]], [[0, 1, 2]])}, file), {}
    )
    write_meshes({"1": MeshSet.of_one([[0, 0, 0], [9, 0, 0], [9, 0, 3]], [[0, 1, 2]])}, file)
    assert not before.corners
    assert not before.is_there


def test_saving_an_opened_city_again_changes_nothing(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    before = manifest(path)
    scenes.open(path).save(path)
    assert manifest(path) == before
    assert_same(city, scenes.open(path))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
floats = st.floats(-1e5, 1e5, width=32)


@st.composite
def meshes(draw: st.DrawFn, rows: int) -> MeshSet:
    owners = sorted(draw(st.sets(st.integers(0, rows - 1), max_size=rows)))
    sizes = [draw(st.integers(3, 5)) for _ in owners]
    vertices = sum(sizes)
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.uint32)
    triangles = np.array([[start, start + 1, start + 2] for start in starts[:-1]], np.uint32).reshape(-1, 3)
    mesh = MeshSet(
        random.uniform(-1e5, 1e5, 3),
        random.uniform(-500, 500, (vertices, 3)).astype(np.float32),
        triangles,
        np.array(owners, np.uint32),
        starts,
        np.arange(len(owners) + 1, dtype=np.uint32),
        random.integers(0, 256, (vertices, 4), np.uint8) if draw(st.booleans()) else None,
        random.uniform(-1, 1, (vertices, 3)).astype(np.float32) if draw(st.booleans()) else None,
        random.integers(0, vertices, (4, 2)).astype(np.uint32) if vertices and draw(st.booleans()) else None,
        np.arange(vertices, dtype=np.uint32) if draw(st.booleans()) else None,
    )
    if draw(st.booleans()):
        named = random.integers(-1, 2, len(triangles)).astype(np.int32)
        mesh = mesh.textured(random.uniform(0, 2, (vertices, 2)), named, IMAGES)
    if draw(st.booleans()):
        prototype = MeshSet.of_one([[0, 0, 0], [1, 0, 0], [0, 0, 2]], [[0, 1, 2]])
        if draw(st.booleans()):
            prototype = prototype.textured([[0, 0], [1, 0], [0, 1]], 0, IMAGES)
        placed = random.uniform(-9, 9, (2, 3)).astype(np.float32)
        owner = np.array([0, rows - 1], np.uint32)
        mesh = replace(mesh, instances=(Instances(prototype, owner, placed, placed[:, 0].copy(), placed),))
    return mesh


@st.composite
def batches(draw: st.DrawFn, prefix: str) -> Batch:
    rows = draw(st.integers(1, 5))

    def column(values: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    shapes = column(st.one_of(st.none(), st.builds(shapely.Point, floats, floats), st.just(shapely.box(0, 0, 3, 4))))
    moments = st.none() | st.integers(0, 4_102_444_800_000)
    table = object_table(
        {
            "uid": [f"urn:uuid:{prefix}-{row}" for row in range(rows)],
            "kind": column(st.sampled_from(["Building", "Road"])),
            "name": column(st.none() | texts),
            "valid_from": pa.array(column(moments), pa.timestamp("ms", "UTC")),
            "footprint": [None if shape is None else shapely.to_wkb(shape) for shape in shapes],
            "height_m": pa.array(column(st.none() | floats), pa.float64()),
            "storeys": pa.array(column(st.none() | st.integers(-3, 100)), pa.int32()),
            "open": pa.array(column(st.none() | st.booleans()), pa.bool_()),
            "geometry": pa.array(column(st.none() | texts), pa.string()),
        },
        {"height_m": "m"},
    )
    names = draw(st.lists(st.tuples(texts, texts, st.integers(0, rows - 1)), max_size=3))
    aliases = pa.table([pa.array([n[i] for n in names], ALIASES.field(i).type) for i in range(3)], schema=ALIASES)
    levels = draw(st.sets(st.sampled_from(["0", "1", "2.2"])))
    return Batch(table, {level: draw(meshes(rows)) for level in sorted(levels)}, aliases)


@st.composite
def any_scenes(draw: st.DrawFn) -> Scene:
    frame = Georeference(
        draw(st.sampled_from(["EPSG:32651", "EPSG:4549", "EPSG:25832"])), draw(floats), draw(floats), draw(floats)
    )
    layers = {}
    for name in draw(st.lists(st.sampled_from(["a", "b-1", "c_2"]), unique=True)):
        count = draw(st.integers(0, 2))
        parts = tuple(draw(batches(f"{name}{place}")) for place in range(count))
        layers[name] = Layer(name, parts, draw(st.sampled_from(["buildings", "generic"])), {"en": draw(texts)})
    return Scene(frame, layers, name=draw(texts), metadata={"note": draw(texts)})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scene=any_scenes())
def test_any_scene_comes_back_equal(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "any.city"
    shutil.rmtree(path, ignore_errors=True)
    scenes.save(scene, path)
    assert_same(scene, scenes.open(path))


def test_geometry_is_read_only_when_it_is_touched(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    opened = scenes.open(path)
    shutil.rmtree(path / "meshes")
    layer = opened.layers["buildings"]
    assert layer.lods == ("1",)
    assert layer.triangle_count == 30 * 12
    assert len(opened.to_geopandas()) == 35
    with pytest.raises(PackageError, match="open it again"):
        layer.batches[0].finest()


def test_geometry_of_a_package_that_was_saved_over_is_not_mixed_up(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    opened = scenes.open(path)
    first, second = city.layers["buildings"].batches
    swapped = replace(city.layers["buildings"], batches=(second, first))
    city.with_layer(swapped).save(path)
    with pytest.raises(PackageError, match="saved over"):
        opened.layers["buildings"].batches[0].finest()


def test_objects_open_in_geopandas_and_duckdb_as_they_are(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    frame = geopandas.read_parquet(path / "objects" / "buildings")
    assert len(frame) == 30
    assert frame.crs.to_epsg() == 32651
    assert frame.geometry.iloc[0].bounds == (354_000.0, 3_457_000.0, 354_010.0, 3_457_010.0)
    part = geopandas.read_parquet(path / "objects" / "buildings" / "0000.parquet", bbox=(354_000, 0, 354_025, 1e7))
    assert list(part["name"]) == ["House 0", "House 1"]
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT count(*), max(height_m), min(bbox.xmin) FROM read_parquet($1)",
            [str(path / "objects" / "buildings" / "*.parquet")],
        ).fetchone()
    assert found == (30, 39.0, 354_000.0)


def test_geoparquet_metadata_is_complete(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    raw = pq.read_schema(path / "objects" / "stops" / "0000.parquet").metadata[b"geo"]
    geo = json.loads(raw)
    column = geo["columns"][geo["primary_column"]]
    assert geo["version"] == "1.1.0"
    assert column["encoding"] == "WKB"
    assert column["geometry_types"] == ["Point"]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 32651}
    assert column["bbox"] == [354_000.0, 3_457_005.0, 354_160.0, 3_457_005.0]
    assert column["covering"]["bbox"]["ymax"] == ["bbox", "ymax"]


def test_batches_that_did_not_change_are_linked(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    before = {file.relative_to(path): file.stat().st_ino for file in path.rglob("*.parquet")}
    layer = city.layers["buildings"]
    column = layer.batches[1].table.schema.get_field_index("height_m")
    field = layer.batches[1].table.schema.field(column)
    raised = layer.batches[1].table.set_column(column, field, pa.array(np.full(10, 99.0)))
    edited = city.with_layer(layer.with_batches([layer.batches[0], replace(layer.batches[1], table=raised)]))
    edited.save(path)
    after = {file.relative_to(path): file.stat().st_ino for file in path.rglob("*.parquet")}
    same = {str(name) for name in before if before[name] == after[name]}
    assert "objects/buildings/0000.parquet" in same
    assert "meshes/buildings/0001.parquet" in same
    assert "objects/buildings/0001.parquet" not in same
    assert_same(edited, scenes.open(path))


def test_a_new_origin_writes_the_projected_plans_anew(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    moved = replace(city, georeference=replace(city.georeference, easting_m=355_000.0))
    moved.save(path)
    frame = geopandas.read_parquet(path / "objects" / "buildings")
    assert frame.total_bounds[0] == 355_000.0


def test_a_stored_city_can_be_saved_elsewhere(city: Scene, tmp_path: Path) -> None:
    first = scenes.open(city.save(tmp_path / "a.city"))
    copy = first.save(tmp_path / "b.city")
    shutil.rmtree(tmp_path / "a.city")
    assert_same(city, scenes.open(copy))
    assert isinstance(first.layers["buildings"].batches[0].meshes, StoredMeshes)


def test_tiles_stay_only_while_they_fit(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    for layer in city.layers:
        (path / "tiles" / layer).mkdir(parents=True)
        (path / "tiles" / layer / "tileset.json").write_text("{}")
    (path / "fields").mkdir()
    (path / "fields" / "sun.parquet").write_text("values")
    store.save(city, path)
    assert (path / "tiles" / "stops" / "tileset.json").is_file()
    assert (path / "fields" / "sun.parquet").is_file()
    buildings = city.layers["buildings"]
    store.save(city.with_layer(buildings.with_batches(buildings.batches[:1])), path)
    assert not (path / "tiles").exists()
    assert not (path / "fields").exists()


def test_what_other_parts_keep_in_the_folder_is_carried_over(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    (path / "history" / "2026").mkdir(parents=True)
    (path / "history" / "2026" / "day.parquet").write_bytes(b"rows")
    (path / "ops.sqlite").write_bytes(b"state")
    city.without_layer("stops").save(path)
    assert (path / "history" / "2026" / "day.parquet").read_bytes() == b"rows"
    assert (path / "ops.sqlite").read_bytes() == b"state"
    assert list(scenes.open(path).layers) == ["buildings"]
    assert not (path / "objects" / "stops").exists()


def test_problems_are_kept_in_the_manifest(city: Scene, tmp_path: Path) -> None:
    problem = Problem("warning", "way/7", "height-missing", "no height", "give --height")
    path = scenes.save(city, tmp_path / "a.city", problems=[problem])
    assert manifest(path)["problems"] == [problem.as_dict()]
    assert scenes.open(path).metadata["problems"] == [problem.as_dict()]


def test_the_manifest_tells_what_is_inside(city: Scene, tmp_path: Path) -> None:
    content = manifest(city.save(tmp_path / "a.city"))
    assert content["format"] == "citytwin"
    assert content["format_version"] == FORMAT_VERSION
    assert [(layer["name"], layer["objects"], layer["triangles"]) for layer in content["layers"]] == [
        ("buildings", 30, 360),
        ("stops", 5, 0),
    ]
    assert content["layers"][0]["bounds"] == pytest.approx([0, 0, 0, 590, 10, 39], abs=1e-4)


def broken(path: Path, name: str, text: str) -> Path:
    (path / name).write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is not the manifest"),
        ('{"format": "citytwin", "format_version": 99, "layers": []}', "upgrade citytwin"),
        ('{"format": "citytwin", "format_version": "x", "layers": []}', "no valid format version"),
        ('{"format": "citytwin", "format_version": 1}', "is incomplete"),
        ('{"format": "citytwin", "format_version": 1, "layers": [], "name": "a"}', "is incomplete"),
        ('{"format": "citytwin", "format_version": 1, "layers": [{"name": "../x"}]}', "cannot be a folder"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_broken_manifest_is_one_clear_sentence(city: Scene, tmp_path: Path, text: str, message: str) -> None:
    path = broken(city.save(tmp_path / "a.city"), "city.json", text)
    with pytest.raises(PackageError, match=message):
        scenes.open(path)


def test_files_outside_the_package_are_never_read(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    content = (path / "city.json").read_text().replace('"0000.parquet"', '"../../0000.parquet"')
    with pytest.raises(PackageError, match="names the file"):
        scenes.open(broken(path, "city.json", content))


@pytest.mark.parametrize("name", ["objects/buildings/0001.parquet", "aliases.parquet"])
def test_a_broken_table_is_one_clear_sentence(city: Scene, tmp_path: Path, name: str) -> None:
    path = city.save(tmp_path / "a.city")
    with pytest.raises(PackageError, match="cannot be read"):
        scenes.open(broken(path, name, "PAR1 but not really PAR1"))
    (path / name).unlink()
    with pytest.raises(PackageError, match="cannot be read"):
        scenes.open(path)


def test_a_truncated_mesh_is_one_clear_sentence(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    file = path / "meshes" / "buildings" / "0000.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(PackageError, match="cannot be read"):
        scenes.open(path).layers["buildings"].batches[0].finest()


def test_missing_and_foreign_folders_are_told_apart(city: Scene, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="no such city package"):
        scenes.open(tmp_path / "none.city")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(PackageError, match="is not a city package"):
        scenes.open(tmp_path / "mine")
    with pytest.raises(PackageError, match="left as it is"):
        city.save(tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_a_scene_that_cannot_be_written_leaves_no_trace(city: Scene, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="not JSON"):
        replace(city, metadata={"when": object()}).save(tmp_path / "a.city")
    odd = replace(city.layers["stops"], name="Stops & more")
    with pytest.raises(PackageError, match="cannot be a folder"):
        city.with_layer(odd).save(tmp_path / "a.city")
    assert list(tmp_path.iterdir()) == []


def test_an_image_of_two_levels_is_stored_once(tmp_path: Path) -> None:
    noise = Picture.of_pixels(np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8))
    wall = MeshSet.of_one([[0, 0, 0], [1, 0, 0], [0, 0, 2]], [[0, 1, 2]]).textured([[0, 0], [1, 0], [0, 1]], 0, [noise])
    write_meshes({"1": wall}, tmp_path / "one.parquet")
    write_meshes({"1": wall, "2": wall, "3": wall}, tmp_path / "three.parquet")
    one, three = ((tmp_path / f"{name}.parquet").stat().st_size for name in ("one", "three"))
    assert one > len(noise.data)
    assert three - one < len(noise.data) / 2
