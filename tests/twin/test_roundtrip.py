"""What leaves in a format and is read again is the same city, but for what the format cannot hold (see `LOSSES`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import geopandas
import ifcopenshell
import numpy as np
import pandas as pd
import pyogrio
import pytest
import pyvista
import shapely
import trimesh

import bim
import gis
import scenes
from bim.authoring import write_library
from scenes import CityObject, Scene
from scenes.assembly import assemble
from scenes.export import export, formats
from scenes.sources import Source
from scenes.store import save
from twin.commands import main

if TYPE_CHECKING:
    from pathlib import Path

EAST, NORTH = 395_600.0, 3_419_000.0
ENDINGS = {
    "glb": "glb", "obj": "obj", "cityjson": "city.json", "cityjsonseq": "city.jsonl", "geoparquet": "parquet",
    "gpkg": "gpkg", "csv": "csv", "3dtiles": "3dtiles", "quantized-mesh": "terrain", "vtk": "vtp", "ifc": "ifc",
}  # fmt: skip
# What each format cannot hold, as docs/reference/exports.md says it: everything else has to come back.
LOSSES = {
    "geoparquet": {"shapes", "relations", "aliases"},
    "gpkg": {"shapes", "relations", "aliases"},
    "csv": {"shapes", "relations", "aliases", "plans", "units", "types", "bounds"},
    "cityjson": {"units", "types", "layers", "roots", "derived", "aliases"},
    "cityjsonseq": {"units", "types", "layers", "roots", "derived", "aliases"},
}
MESHES = {"glb", "obj", "vtk"}  # triangles in local metres: no attributes, no plans, no place on Earth


def houses(path: Path) -> Path:
    """Write a map with attributes of every type, with gaps, and text of three scripts."""
    places = [shapely.box(x, NORTH + 200, x + 10, NORTH + 212) for x in EAST + np.arange(4) * 30.0]
    columns = {
        "osm_id": [11, 12, 13, 14],
        "name": ["Haus Ö", "图书馆", None, "Дом"],
        "height": [10.5, 20.0, None, 7.25],
        "min_height": [0.0, 4.0, 0.0, 0.0],
        "listed": pd.array([True, False, None, True], "boolean"),
        "seen": pd.to_datetime(["2026-01-01T12:30:00Z", None, "2026-02-01T00:00:00Z", "2026-02-01T00:00:01Z"]),
        "big": pd.array([2**60 + 1, None, 5, -(2**62)], "Int64"),
        "share": [0.125, None, 1e-9, 3.5],
        "note": ['a,b"c\nline', "x", "日本", None],
    }
    geopandas.GeoDataFrame(columns, geometry=places, crs="EPSG:32651").to_parquet(path)
    return path


def model(path: Path) -> Path:
    """Write a CityJSON model: a building of two parts, whose surfaces are named."""
    corners = [[x, y, z] for z in (4000, 10_000) for x, y in ((0, 0), (8000, 0), (8000, 6000), (0, 6000))]
    vertices = corners + [[x + 8000, y, z] for x, y, z in corners]
    faces = [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
    surfaces = [{"type": kind} for kind in ("GroundSurface", "RoofSurface", "WallSurface")]

    def part(first: int) -> dict[str, Any]:
        shape = [[[corner + first for corner in face]] for face in faces]
        semantics = {"surfaces": surfaces, "values": [0, 1, 2, 2, 2, 2]}
        return {
            "type": "BuildingPart",
            "parents": ["hall"],
            "attributes": {"roofType": "flat", "storeys": 2},
            "geometry": [{"type": "MultiSurface", "lod": "2.2", "boundaries": shape, "semantics": semantics}],
        }

    hall = {"type": "Building", "children": ["hall-1", "hall-2"], "attributes": {"name": "Halle 大厅", "year": 1988}}
    document = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [EAST + 60, NORTH + 60, 0.0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/32651"},
        "CityObjects": {"hall": hall, "hall-1": part(0), "hall-2": part(8)},
        "vertices": vertices,
    }
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("sources")
    library = write_library(folder / "library.ifc", crs="EPSG:32651", place_m=(EAST, NORTH, 4.5))
    files = (houses(folder / "buildings.parquet"), model(folder / "hall.city.json"), library)
    return assemble([Source(str(file)) for file in files], crs="EPSG:32651", name="town")


@pytest.fixture(scope="module")
def files(city: Scene, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the city in a format, written once."""
    folder = tmp_path_factory.mktemp("exports")

    def written(name: str) -> Path:
        target = folder / f"town.{ENDINGS[name]}"
        return target if target.exists() else export(city, target, format=name)

    return written


def test_every_format_is_in_the_table() -> None:
    assert LOSSES.keys() | MESHES | {"3dtiles", "ifc", "quantized-mesh", "quantized-mesh-gzip"} >= set(formats())


@dataclass(frozen=True)
class Pair:
    """An object before and after, and the shift from the new frame to the old one."""

    old: CityObject
    new: CityObject
    shift_m: np.ndarray


def pairs(city: Scene, back: Scene) -> list[Pair]:
    shift = np.tile(back.georeference.origin_m - city.georeference.origin_m, 2)
    return [Pair(city[uid], back[uid], shift) for uid in city]


def plain(value: Any, losses: set[str]) -> Any:
    """Return a value as a text format can have it: times as text in one spelling, whole numbers with gaps as any."""
    if "types" not in losses or value is None:
        return value
    if hasattr(value, "isoformat") or (isinstance(value, str) and value[:4].isdigit() and ":" in value):
        return pd.Timestamp(value)
    try:
        return float(value)
    except ValueError:
        return value


def everything(item: CityObject, losses: set[str]) -> dict[str, Any]:
    """Return attributes and rare ones as one, without what is derived from shapes."""
    found = {**item.properties.get("attributes", {}), **item.attributes}
    skip = {"lod", "height_m"} if "derived" in losses else set()
    kept = {name: plain(value, losses) for name, value in found.items() if name not in skip}
    return {name: value for name, value in kept.items() if value is not None and not name.endswith("_area_m2")}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return bool(np.isclose(one, other, rtol=1e-12, atol=0))
    return bool(one == other)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_same_city_comes_back(city: Scene, files: Callable[[str], Path], name: str) -> None:
    losses = LOSSES[name]
    back = gis.read(files(name))
    assert back.georeference.crs == city.georeference.crs
    assert set(back) == set(city)
    for pair in pairs(city, back):
        old, new = pair.old, pair.new
        assert (new.kind, new.name, new.parent) == (old.kind, old.name, old.parent)
        assert new.fixed["source_id"] == old.fixed["source_id"] or "roots" in losses
        assert new.layer == old.layer or "layers" in losses
        before, after = everything(old, losses), everything(new, losses)
        assert {name: value for name, value in before.items() if not same(value, after.get(name))} == {}, (
            before,
            after,
        )
        sets = {group: values for group, values in old.properties.items() if group != "attributes"}
        assert {group: values for group, values in new.properties.items() if group != "attributes"} == sets
        units = {each: unit for each, unit in old.units.items() if old.attributes.get(each) is not None}
        assert units.items() <= new.units.items() or "units" in losses
        shape = old.mesh()
        bare = shape is None or not shape.vertex_count
        derived = bare and "derived" in losses  # the place of a group or storey is that of its members
        if old.bounds is not None and "bounds" not in losses and not derived:
            assert new.bounds is not None
            assert np.allclose(np.array(new.bounds) + pair.shift_m, old.bounds, atol=1.1e-3)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_what_a_format_cannot_hold_is_really_gone(city: Scene, files: Callable[[str], Path], name: str) -> None:
    losses = LOSSES[name]
    back = gis.read(files(name))
    ties = len(back.graph("member")), len(city.graph("member"))
    assert (ties[0] == 0) == ("relations" in losses)
    assert ("units" in losses) == all("u_value_w_m2k" not in back[uid].units for uid in back)
    guid = next(uid for uid in city if "ifc" in city[uid].aliases)
    assert ("ifc" not in back[guid].aliases) == ("aliases" in losses)
    triangles = [sum(mesh.triangle_count for layer in each.layers.values() for batch in layer.batches
                     for mesh in batch.meshes.values()) for each in (back, city)]  # fmt: skip
    assert (triangles[0] < triangles[1]) == ("shapes" in losses)


@pytest.mark.parametrize("name", ["geoparquet", "gpkg"])
def test_tables_keep_plans_and_heights_of_houses(city: Scene, files: Callable[[str], Path], name: str) -> None:
    back = gis.read(files(name))
    frame, again = (each.layers["buildings"].to_geopandas(each.georeference) for each in (city, back))
    again = again.loc[frame.index]
    assert (frame.geometry.hausdorff_distance(again.geometry, align=False) < 1e-3).all()
    assert again["height_source"].tolist() == frame["height_source"].tolist()
    library = sum(mesh.triangle_count for batch in back.layers["buildings"].batches for mesh in batch.meshes.values())
    assert library == sum(
        mesh.triangle_count for batch in city.layers["buildings"].batches for mesh in batch.meshes.values()
    )


@pytest.mark.parametrize("name", sorted(MESHES))
def test_meshes_have_every_triangle_where_it_was(city: Scene, files: Callable[[str], Path], name: str) -> None:
    frame = city.georeference
    place = f"{frame.easting_m},{frame.northing_m},{frame.height_m},0"
    back = gis.read(files(name), place=place, crs="EPSG:32651")
    low, high = np.reshape(back.bounds(), (2, 3)) + back.georeference.origin_m
    was_low, was_high = np.reshape(city.bounds(), (2, 3)) + frame.origin_m
    assert np.allclose([low, high], [was_low, was_high], atol=2e-3)
    assert back.to_trimesh().area == pytest.approx(city.to_trimesh().area, rel=1e-4)


def test_ifc_comes_back_with_names_places_and_system(city: Scene, tmp_path: Path) -> None:
    part = Scene(city.georeference, {"buildings": city.layers["buildings"]}, name="part")
    back = bim.read(export(part, tmp_path / "part.ifc"))
    places = {back[uid].name: np.array(back[uid].bounds, float) for uid in back if back[uid].bounds is not None}
    shift = np.tile(back.georeference.origin_m - city.georeference.origin_m, 2)
    assert back.georeference.crs == city.georeference.crs
    for item in map(part.__getitem__, part):
        if item.name and item.bounds is not None:
            assert np.allclose(places[item.name] + shift, item.bounds, atol=1.1e-3)


def test_3d_tiles_come_back(city: Scene, files: Callable[[str], Path]) -> None:
    back = gis.read(next(files("3dtiles").rglob("tileset.json")))
    assert back.georeference.crs == city.georeference.crs


def test_copied_and_added_rows_get_ids_of_their_own(files: Callable[[str], Path], tmp_path: Path) -> None:
    frame = geopandas.read_file(files("gpkg"), layer="buildings")
    added = frame.iloc[[0]].assign(uid=None)
    pd.concat([frame, frame.iloc[[1]], added]).to_file(tmp_path / "edited.gpkg", layer="buildings")
    back = gis.read(tmp_path / "edited.gpkg")
    assert len(back) == len(frame) + 2 == len(set(back))
    assert set(frame["uid"]) < set(back)


def opened(path: Path, name: str) -> int:  # noqa: PLR0911 - one line for each format
    """Return how many things another program finds in a file."""
    if name in {"glb", "obj"}:
        return len(trimesh.load_scene(path).geometry)
    if name == "vtk":
        return int(pyvista.read(path).n_cells)
    if name == "ifc":
        return len(ifcopenshell.open(path).by_type("IfcBuilding"))
    if name == "cityjson":
        return len(json.loads(path.read_text(encoding="utf-8"))["CityObjects"])
    if name == "cityjsonseq":
        return sum(json.loads(line)["type"] == "CityJSONFeature" for line in path.read_text("utf-8").splitlines())
    if name == "gpkg":
        return sum(pyogrio.read_info(path, layer=layer)["features"] for layer in pyogrio.list_layers(path)[:, 0])
    if name == "3dtiles":
        return len(list(path.rglob("*.glb")))
    with duckdb.connect() as connection:
        return len(connection.sql(f"select * from '{path}'").df())


@pytest.fixture(scope="module")
def package(city: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "town.city"
    save(city, path)
    return path


@pytest.mark.parametrize("name", sorted(set(ENDINGS) & set(formats()) - {"quantized-mesh"}))
def test_the_command_writes_what_others_open(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    target = tmp_path / f"out.{ENDINGS[name]}"
    assert main(["export", str(package), str(target), "--layer", "buildings", "--where", "height_m > 8"]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    found = opened(target, name)
    assert found == 3 if name in {"gpkg", "geoparquet", "csv", "cityjson", "cityjsonseq"} else found > 0, found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["out.dwg"], "no exporter writes .dwg"),
        (["out.glb", "--format", "dwg"], "no exporter writes dwg"),
        (["out.csv", "--layer", "nothing"], "no such layer"),
        (["out.csv", "--where", "height_m > 9000"], "there is no object to write"),
        (["out.csv", "--where", "height_m >"], "height_m >"),
        (["file/out.csv"], "cannot be written"),
        (["file/out.3dtiles"], "cannot be written"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["export", str(package), str(tmp_path / arguments[0]), *arguments[1:]]) == 1
    told = capsys.readouterr().err.strip()
    assert words in told
    assert "\n" not in told


def test_the_package_itself_is_the_same_city(city: Scene, package: Path) -> None:
    back = scenes.open(package)
    assert list(back) == list(city)
    assert back.graph().equals(city.graph())
