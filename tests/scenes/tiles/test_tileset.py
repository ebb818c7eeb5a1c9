from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pyproj
import pytest

from scenes.errors import LoadError, UnknownObjectError
from scenes.mesh import MeshSet
from scenes.model import Batch, Layer, Scene
from scenes.tiles import publish, tileset
from scenes.tiles.glb import read_accessor, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import SimpleNamespace

    from scenes.georeference import Georeference

SCHEMAS = Path(__file__).parents[2] / "schemas"
LAYERS = ["terrain", "buildings", "pipes", "points", "trees", "model"]


def walk(tile: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tile
    for child in tile.get("children", []):
        yield from walk(child)


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def corners(tile: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    box = np.array(tile["boundingVolume"]["box"])
    half = np.abs(box[3:].reshape(3, 3)).sum(axis=0)
    return box[:3] - half, box[:3] + half


def content(path: Path, tile: dict[str, Any]) -> bytes:
    return (path.parent / str(tile["content"]["uri"])).read_bytes()


def drawn(glb: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return all positions (instances as their feet) in local metres, z up, and the number of the object of each."""
    document = read_json(glb)
    places, handles = [], []
    for node in document["nodes"]:
        at, scale = np.array(node["translation"]), np.array(node.get("scale", [1, 1, 1]))
        instancing = node.get("extensions", {}).get("EXT_mesh_gpu_instancing")
        sets = [instancing] if instancing else document["meshes"][node["mesh"]]["primitives"]
        for each in sets:
            attributes = each["attributes"]
            key = "TRANSLATION" if instancing else "POSITION"
            places.append(read_accessor(glb, attributes[key]).astype(np.float64) * scale + at)
            handles.append(read_accessor(glb, attributes["_FEATURE_ID_0"]).astype(np.int64))
    y_up = np.concatenate(places)
    return np.stack([y_up[:, 0], -y_up[:, 2], y_up[:, 1]], axis=1), np.concatenate(handles)


def names_of(glb: bytes) -> list[tuple[str, str, str, int]]:
    """Return uid, kind, name and number of each row of the property table."""
    document = read_json(glb)
    table = document["extensions"]["EXT_structural_metadata"]["propertyTables"][0]
    start = 20 + int.from_bytes(glb[12:16], "little") + 8

    def view(index: int) -> bytes:
        item = document["bufferViews"][index]
        return glb[start + item["byteOffset"] : start + item["byteOffset"] + item["byteLength"]]

    def texts(name: str) -> list[str]:
        if name not in table["properties"]:
            return [""] * table["count"]
        item = table["properties"][name]
        places, data = np.frombuffer(view(item["stringOffsets"]), np.uint32), view(item["values"])
        return [data[a:b].decode() for a, b in pairwise(places.tolist())]

    handles = np.frombuffer(view(table["properties"]["number"]["values"]), np.uint32).tolist()
    return list(zip(texts("uid"), texts("kind"), texts("name"), handles, strict=True))


@pytest.mark.parametrize("layer", [*LAYERS, "empty"])
def test_the_tileset_is_valid_by_the_schema(tiles: dict[str, Path], layer: str) -> None:
    schema = json.loads((SCHEMAS / "tileset-1.1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(read(tiles[layer]))


@pytest.mark.parametrize("layer", LAYERS)
def test_features_and_metadata_are_valid_by_the_schema(tiles: dict[str, Path], layer: str) -> None:
    schema = json.loads((SCHEMAS / "features.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in tiles[layer].parent.glob("*.glb"):
        jsonschema.Draft202012Validator(schema).validate(read_json(path.read_bytes()))


@pytest.mark.parametrize("layer", LAYERS)
def test_children_lie_in_their_parents_and_everything_drawn_lies_in_its_box(tiles: dict[str, Path], layer: str) -> None:
    for tile in walk(read(tiles[layer])["root"]):
        low, high = corners(tile)
        for child in tile.get("children", []):
            child_low, child_high = corners(child)
            assert (child_low >= low - 1e-5).all()
            assert (child_high <= high + 1e-5).all()
            assert child["geometricError"] <= tile["geometricError"]
        places, _ = drawn(content(tiles[layer], tile))
        assert (places >= low - 1e-3).all()
        assert (places <= high + 1e-3).all()


@pytest.mark.parametrize("layer", LAYERS)
def test_the_leaves_together_hold_every_object_exactly_where_it_is(
    city: Scene, tiles: dict[str, Path], layer: str
) -> None:
    found: dict[int, list[np.ndarray]] = {}
    for tile in walk(read(tiles[layer])["root"]):
        if "children" not in tile:
            assert tile["geometricError"] == 0.0
            places, handles = drawn(content(tiles[layer], tile))
            for handle in np.unique(handles):
                mine = places[handles == handle]
                found.setdefault(int(handle), []).append(np.stack([mine.min(axis=0), mine.max(axis=0)]))
    base = city.bases[layer]
    assert sorted(found) == list(range(len(city.layers[layer])))
    for handle in list(found)[:: max(1, len(found) // 50)]:
        bounds = city.at(base + handle).bounds
        assert bounds is not None
        low = np.min([box[0] for box in found[handle]], axis=0)
        high = np.max([box[1] for box in found[handle]], axis=0)
        if layer == "trees":  # what is drawn there is the foot, below the crown that the prototype is
            assert (low[:2] >= np.array(bounds[:2]) - 0.02).all()
            assert (high[:2] <= np.array(bounds[3:5]) + 0.02).all()
        elif layer == "terrain":
            np.testing.assert_allclose([*low[:2], *high], [*bounds[:2], *bounds[3:]], atol=0.02)
        else:
            np.testing.assert_allclose([*low, *high], bounds, atol=0.0101)


def test_the_overview_shows_the_whole_skyline_and_is_small(city: Scene, tiles: dict[str, Path]) -> None:
    root = read(tiles["buildings"])["root"]
    glb = content(tiles["buildings"], root)
    assert len(gzip.compress(glb)) < 500_000
    places, handles = drawn(glb)
    table = city.layers["buildings"].table
    top = np.array(table["max_z"])
    assert (top > 100).sum() == 30
    for row in np.flatnonzero(top > 100):
        mine = places[handles == row]
        assert mine[:, 2].max() == pytest.approx(top[row], abs=0.1)
    low, high = np.array(city.layers["buildings"].bounds()).reshape(2, 3)
    assert (places.min(axis=0) <= low + 60).all()
    assert (places.max(axis=0) >= high - 60).all()


@pytest.mark.parametrize("layer", LAYERS)
def test_the_error_of_a_tile_covers_the_objects_that_it_leaves_out(
    city: Scene, tiles: dict[str, Path], layer: str
) -> None:
    table = city.layers[layer].table
    heights = np.array(table["max_z"]) - np.array(table["min_z"])

    def check(tile: dict[str, Any]) -> set[int]:
        mine = set(drawn(content(tiles[layer], tile))[1].tolist())
        below: set[int] = set().union(*(check(child) for child in tile.get("children", [])))
        for handle in below - mine:
            assert heights[handle] <= tile["geometricError"] + 1e-6
        assert below == set() or mine <= below
        return mine | below

    assert len(check(read(tiles[layer])["root"])) == len(table)


@pytest.mark.parametrize("layer", ["buildings", "trees", "terrain", "pipes"])
def test_large_layers_are_divided_and_coarse_levels_are_light(tiles: dict[str, Path], layer: str) -> None:
    root = read(tiles[layer])["root"]
    assert root["refine"] == "REPLACE"
    assert len(root["children"]) == 4
    every = list(walk(root))
    leaves = [tile for tile in every if "children" not in tile]
    assert sum(len(content(tiles[layer], tile)) for tile in leaves) > len(content(tiles[layer], root))
    assert all(tile["geometricError"] > 0 for tile in every if "children" in tile)


def test_no_finer_tiles_are_written_that_would_show_the_same(
    scene_of: Callable[..., Scene], shapes: SimpleNamespace, tmp_path: Path
) -> None:
    scene = scene_of(shapes.layer_of("b", "buildings", "Building", [shapes.houses(2000)]))
    path = publish(scene, tmp_path / "t")["b"]
    root = read(path)["root"]
    assert "children" not in root
    assert root["geometricError"] == 0.0
    assert len(list(path.parent.glob("*.glb"))) == 1


@pytest.mark.parametrize("layer", LAYERS)
def test_every_row_of_the_property_table_is_the_object_of_its_number(
    city: Scene, tiles: dict[str, Path], layer: str
) -> None:
    for path in tiles[layer].parent.glob("*.glb"):
        glb = path.read_bytes()
        rows = names_of(glb)
        assert {row[3] for row in rows} == set(drawn(glb)[1].tolist())
        for uid, kind, name, number in rows[:: max(1, len(rows) // 7)]:
            known = city.at(city.bases[layer] + number)
            assert (uid, kind, name) == (known.uid, known.kind, known.name)


def test_the_transform_puts_a_building_where_it_is_on_the_earth(city: Scene, tiles: dict[str, Path]) -> None:
    root = read(tiles["buildings"])["root"]
    matrix = np.array(root["transform"]).reshape(4, 4).T
    frame = city.georeference
    lon, lat = frame.lonlat(1500.0, 1300.0)
    true = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True).transform(
        float(lon), float(lat), frame.height_m + 30.0
    )
    there = (matrix @ [1500.0, 1300.0, 30.0, 1.0])[:3]
    # The projection's own scale (up to 0.9996) is part of local metres: 2 km from the origin it is below a metre.
    assert np.linalg.norm(there - true) < 1.0


def test_a_city_is_published_whole_and_tiles_of_layers_that_are_gone_are_removed(
    scene_of: Callable[..., Scene], shapes: SimpleNamespace, tmp_path: Path
) -> None:
    one = shapes.layer_of("one", "buildings", "Building", [shapes.houses(10)])
    two = shapes.layer_of("two", "buildings", "Building", [shapes.houses(10, 3)])
    target = tmp_path / "tiles"
    publish(scene_of(one, two), target)
    paths = publish(scene_of(two), target)
    assert sorted(entry.name for entry in target.iterdir()) == ["two"]
    assert list(paths) == ["two"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["tiles"]


def test_some_layers_can_be_published_alone(
    scene_of: Callable[..., Scene], shapes: SimpleNamespace, tmp_path: Path
) -> None:
    one = shapes.layer_of("one", "buildings", "Building", [shapes.houses(10)])
    two = shapes.layer_of("two", "buildings", "Building", [shapes.houses(10, 3)])
    target = tmp_path / "tiles"
    publish(scene_of(one, two), target)
    before = (target / "one" / "tileset.json").stat().st_mtime_ns
    publish(scene_of(one, two), target, layers=["two"])
    assert sorted(entry.name for entry in target.iterdir()) == ["one", "two"]
    assert (target / "one" / "tileset.json").stat().st_mtime_ns == before


def test_a_crash_leaves_the_old_tiles_and_nothing_beside(
    scene_of: Callable[..., Scene],
    shapes: SimpleNamespace,
    tmp_path: Path,
) -> None:
    scene = scene_of(
        shapes.layer_of("one", "buildings", "Building", [shapes.houses(10)]),
        shapes.layer_of("two", "buildings", "Building", [shapes.houses(10, 3)]),
    )
    target = tmp_path / "tiles"
    publish(scene, target)
    before = {path.relative_to(target): path.read_bytes() for path in target.rglob("*") if path.is_file()}

    def fail(message: str, _share: float) -> None:
        if "two" in message:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        publish(scene, target, progress=fail)
    after = {path.relative_to(target): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert after == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["tiles"]


def test_an_unknown_layer_is_refused_before_anything_is_written(city: Scene, tmp_path: Path) -> None:
    with pytest.raises(UnknownObjectError, match="there are terrain, buildings"):
        publish(city, tmp_path / "tiles", layers=["bridges"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_positions_that_are_not_finite_are_refused(
    scene_of: Callable[..., Scene], shapes: SimpleNamespace, tmp_path: Path, wrong: float
) -> None:
    mesh, count = shapes.houses(5)
    layer = shapes.layer_of("b", "buildings", "Building", [(mesh, count)])
    positions = mesh.positions.copy()
    positions[3, 1] = wrong
    broken = Batch(layer.batches[0].table, {"1": shapes.with_parts(mesh, positions=positions)})
    with pytest.raises(LoadError, match="not finite"):
        publish(scene_of(layer.with_batches([broken])), tmp_path / "t")
    assert list(tmp_path.iterdir()) == []


def test_the_same_scene_gives_the_same_bytes(
    scene_of: Callable[..., Scene], shapes: SimpleNamespace, tmp_path: Path
) -> None:
    scene = scene_of(shapes.layer_of("trees", "trees", "SolitaryVegetationObject", [shapes.trees(8000)]))
    publish(scene, tmp_path / "a")
    publish(scene, tmp_path / "b")
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_progress_goes_from_nothing_to_everything(city: Scene, tmp_path: Path) -> None:
    heard: list[float] = []
    publish(city, tmp_path / "t", layers=["model", "empty"], progress=lambda _text, share: heard.append(share))
    assert heard == [0.0, 0.5, 1.0]


def test_every_object_is_drawn_at_its_own_finest_level(
    frame: Georeference, shapes: SimpleNamespace, tmp_path: Path
) -> None:
    layer = shapes.layer_of("b", "buildings", "Building", [(MeshSet.empty(), 3)])
    table = layer.batches[0].table
    coarse = shapes.mesh_of([shapes.prism(40 * i, 0, (10, 10), 10) for i in range(3)])
    fine = shapes.mesh_of([shapes.prism(40 * i, 0, (10, 10), 12) for i in range(3)]).take([1])
    fine = shapes.with_parts(fine, rows=np.array([1], np.uint32))
    scene = Scene(frame, {"b": Layer("b", (Batch(table, {"1": coarse, "2.2": fine}),), "buildings")})
    path = publish(scene, tmp_path / "t")["b"]
    places, handles = drawn(content(path, read(path)["root"]))
    tops = [places[handles == handle][:, 2].max() for handle in range(3)]
    assert tops == pytest.approx([10, 12, 10], abs=0.01)


def test_batches_are_forgotten_when_memory_is_short(
    scene_of: Callable[..., Scene], shapes: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scenes.tiles import gather

    scene = scene_of(shapes.layer_of("b", "buildings", "Building", [shapes.houses(900, i) for i in range(4)]))
    publish(scene, tmp_path / "a")
    monkeypatch.setattr(gather, "CACHE_BYTES", 1)
    publish(scene, tmp_path / "b")
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_a_huge_object_is_shared_out_and_keeps_its_number(tiles: dict[str, Path]) -> None:
    root = read(tiles["terrain"])["root"]
    for tile in walk(root):
        assert set(drawn(content(tiles["terrain"], tile))[1].tolist()) == {0}
    leaves = [tile for tile in walk(root) if "children" not in tile]
    assert len(leaves) >= 4
    assert (
        max(read_json(content(tiles["terrain"], tile))["accessors"][-1]["count"] / 3 * 0.9 for tile in leaves)
        <= tileset.LEAF_WEIGHT
    )
