"""Every format holds the same city, and is read back by a program that is not ours."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import pytest
import trimesh
from PIL import Image

from scenes import Batch, Layer, MeshSet, PackageError, QueryError, Scene, UnknownObjectError, UnsupportedError
from scenes.export import export, format_of, formats
from scenes.pictures import Picture
from scenes.schema import object_table

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "glb": "a.glb",
    "obj": "a.obj",
    "cityjson": "a.city.json",
    "cityjsonseq": "a.city.jsonl",
    "geoparquet": "a.parquet",
    "gpkg": "a.gpkg",
    "csv": "a.csv",
    "3dtiles": "a.3dtiles",
    "vtk": "a.vtp",
    "ifc": "a.ifc",
    "quantized-mesh": "a.terrain",
    "quantized-mesh-gzip": "a.terrain.gz",
}


def slope() -> Layer:
    """Return a terrain of two triangles."""
    mesh = MeshSet.of_one([[0, 0, 0], [500, 0, 0], [500, 500, 9], [0, 500, 9]], [[0, 1, 2], [0, 2, 3]])
    return Layer("terrain", (Batch(object_table({"uid": ["t"], "kind": ["ReliefFeature"]}), {"1": mesh}),), "terrain")


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_format_is_written_and_can_be_written_over(city: Scene, tmp_path: Path, name: str) -> None:
    target = tmp_path / FILES[name]
    scene = Scene(city.georeference, {**city.layers, "terrain": slope()})
    for _ in range(2):
        assert export(scene, target) == target
    assert format_of(target).name == name
    assert [entry.name for entry in tmp_path.iterdir()] == [FILES[name]]


def test_every_format_on_offer_is_tested() -> None:
    assert set(FILES) == set(formats())


def test_vtk_cells_name_their_objects(city: Scene, tmp_path: Path) -> None:
    import pyvista

    read = pyvista.read(export(city, tmp_path / "a.vtp"))
    uids = read.field_data["uid"]
    assert list(uids) == list(city)
    assert set(np.unique(read.cell_data["handle"])) == set(range(30))
    assert np.allclose(read.bounds, [0, 590, 0, 10, 0, 39], atol=1e-3)
    assert read.volume == pytest.approx(sum(100.0 * (10 + n) for n in range(30)), rel=1e-5)
    assert list(read.field_data["origin"]) == [354_000.0, 3_457_000.0, 4.0]


def test_glb_has_y_up_and_a_node_a_layer(city: Scene, tmp_path: Path) -> None:
    model = trimesh.load_scene(export(city, tmp_path / "a.glb"))
    assert list(model.geometry) == ["buildings"]
    assert np.allclose(model.bounds, [[0, 0, -10], [590, 39, 0]], atol=1e-3)
    assert model.geometry["buildings"].volume == pytest.approx(city.to_trimesh().geometry["buildings"].volume, rel=1e-5)


def test_obj_has_a_group_for_each_object(city: Scene, tmp_path: Path) -> None:
    file = export(city, tmp_path / "a.obj")
    lines = file.read_text().splitlines()
    assert [line[2:] for line in lines if line.startswith("g ")] == list(city)[:30]
    assert "# origin 354000.0 3457000.0 4.0 in EPSG:32651" in lines
    model = trimesh.load_scene(file)
    assert np.allclose(model.bounds, [[0, 0, 0], [590, 10, 39]], atol=1e-3)


def cityjson(scene: Scene, tmp_path: Path) -> dict[str, Any]:
    document = json.loads(export(scene, tmp_path / "a.city.json").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def test_cityjson_is_well_formed(city: Scene, tmp_path: Path) -> None:
    document = cityjson(city, tmp_path)
    assert (document["type"], document["version"]) == ("CityJSON", "2.0")
    assert document["metadata"]["referenceSystem"] == "https://www.opengis.net/def/crs/EPSG/0/32651"
    assert document["metadata"]["geographicalExtent"][:2] == pytest.approx([354_000, 3_457_000], abs=1e-3)
    objects = document["CityObjects"]
    assert {item["attributes"]["uid"] for item in objects.values()} == set(city)
    vertices = np.array(document["vertices"])
    assert len(np.unique(vertices, axis=0)) == len(vertices) == 30 * 8
    tower = objects[str(city.resolve("osm:29").fixed["source_id"])]
    assert tower["type"] == "Building"
    assert tower["attributes"]["height_m"] == 39.0
    assert tower["attributes"]["Pset_Wall"] == {"Fire": "F1"}
    assert tower["geometry"][0]["type"] == "Solid"
    faces = np.array(tower["geometry"][0]["boundaries"])
    assert faces.shape == (1, 6, 1, 4)
    scale, origin = document["transform"]["scale"], document["transform"]["translate"]
    corners = vertices[faces.reshape(-1)] * scale + origin
    assert corners.max(axis=0) == pytest.approx([354_590, 3_457_010, 43], abs=1e-3)
    assert all(item["type"] != "GenericCityObject" or "geometry" not in item for item in objects.values())


def test_cityjson_ties_parts_to_parents_and_renames_what_it_does_not_know(city: Scene, tmp_path: Path) -> None:
    kinds = ["Building", "Storey", "BuildingRoom", "Door", "BuildingPart", "ReliefFeature", "Storey", "Storey"]
    parents = [None, "u0", "u1", "u1", "gone", None, "u7", "u6"]
    table = object_table({"uid": [f"u{n}" for n in range(8)], "kind": kinds, "parent": parents})
    part = Batch(table, {"4": replace(city.at(0).mesh(), rows=np.array([5], np.uint32))})  # type: ignore[type-var]
    objects = cityjson(Scene(city.georeference, {"a": Layer("a", (part,))}), tmp_path)["CityObjects"]
    assert [objects[f"u{n}"]["type"] for n in range(6)] == [
        "Building",
        "BuildingStorey",
        "BuildingRoom",
        "GenericCityObject",
        "GenericCityObject",
        "TINRelief",
    ]
    assert objects["u3"]["attributes"]["kind"] == "Door"
    assert objects["u4"]["attributes"]["parent"] == "gone"
    assert objects["u5"]["geometry"][0]["type"] == "CompositeSurface"
    assert objects["u5"]["geometry"][0]["lod"] == "3"
    assert [objects[uid]["type"] for uid in ("u6", "u7")] == ["GenericCityObject", "GenericCityObject"]
    for uid, item in objects.items():
        for parent in item.get("parents", []):
            assert uid in objects[parent]["children"]
        for child in item.get("children", []):
            assert objects[child]["parents"] == [uid]
        assert ("parents" in item) == (item["type"] in ("BuildingStorey", "BuildingRoom"))


def test_geoparquet_and_geopackage_open_elsewhere(city: Scene, tmp_path: Path) -> None:
    frame = geopandas.read_parquet(export(city, tmp_path / "a.parquet"))
    assert (len(frame), frame.crs.to_epsg()) == (35, 32651)
    assert frame["uid"].tolist() == list(city)
    package = export(city, tmp_path / "a.gpkg")
    assert sorted(pyogrio.list_layers(package)[:, 0]) == ["buildings", "stops"]
    info = pyogrio.read_info(package, layer="buildings")
    assert (info["features"], info["crs"], info["geometry_type"]) == (30, "EPSG:32651", "Polygon")
    stops = pyogrio.read_dataframe(package, layer="stops")
    assert stops["name"].tolist()[:2] == ["Quay", "外滩"]
    assert stops.geometry.iloc[1].x == 354_040.0


def test_odd_columns_reach_a_geopackage(city: Scene, tmp_path: Path) -> None:
    columns = {
        "uid": ["u0", "u1"],
        "kind": ["Road", "Road"],
        "fid": [7, 7],
        "Name": ["a", "b"],
        "tags": [["x", "y"], None],
        "nothing": pa.nulls(2),
        "class": pa.array(["p", "q"]).dictionary_encode(),
        "geometry": ["text", None],
    }
    scene = Scene(city.georeference, {"a": Layer("a", (Batch(object_table(columns)),))})
    frame = pyogrio.read_dataframe(export(scene, tmp_path / "a.gpkg"))
    assert frame["fid_"].tolist() == [7, 7]
    assert frame["Name_"].tolist() == ["a", "b"]
    assert frame["tags"].iloc[0] == "['x', 'y']"
    assert frame["class"].tolist() == ["p", "q"]
    assert len(pd.read_csv(export(scene, tmp_path / "a.csv"))) == 2


def test_csv_has_a_point_for_each_object(city: Scene, tmp_path: Path) -> None:
    frame = pd.read_csv(export(city, tmp_path / "a.csv"))
    assert len(frame) == 35
    row = frame[frame["name"] == "House 1"].iloc[0]
    assert (row["easting"], row["northing"]) == pytest.approx((354_025.0, 3_457_005.0), abs=0.01)
    assert city.georeference.from_lonlat(row["longitude"], row["latitude"]) == pytest.approx((25.0, 5.0), abs=0.01)


def test_a_part_is_picked_by_filter_and_layer(city: Scene, tmp_path: Path) -> None:
    frame = pd.read_csv(export(city, tmp_path / "a.csv", where="height_m > 35"))
    assert frame["height_m"].tolist() == [36.0, 37.0, 38.0, 39.0]
    assert len(pd.read_csv(export(city, tmp_path / "a.csv", layers=["stops"]))) == 5


def test_what_cannot_be_written_is_one_clear_sentence_and_leaves_no_trace(city: Scene, tmp_path: Path) -> None:
    old = tmp_path / "a.glb"
    old.write_bytes(b"old")
    with pytest.raises(QueryError, match="no object has geometry"):
        export(city, old, layers=["stops"])
    with pytest.raises(QueryError, match="there is no object to write"):
        export(city, old, where="height_m > 1000")
    with pytest.raises(UnknownObjectError, match="no such layer"):
        export(city, old, layers=["trees"])
    assert old.read_bytes() == b"old"
    with pytest.raises(UnsupportedError, match=r"no exporter writes \.dwg"):
        export(city, tmp_path / "a.dwg")
    with pytest.raises(UnsupportedError, match="no exporter writes dwg"):
        export(city, tmp_path / "a.glb", format="dwg")
    with pytest.raises(PackageError, match="cannot be written"):
        export(city, old / "inside.glb")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.glb"]


def test_images_leave_with_glb_and_obj(city: Scene, tmp_path: Path) -> None:
    pixels = np.full((8, 8, 3), 255, np.uint8)
    pixels[:4, :4] = [250, 20, 20]
    red_corner = Picture.of_pixels(pixels)
    wall = MeshSet.of_one([[0, 0, 0], [8, 0, 0], [8, 0, 8], [0, 0, 8]], [[0, 1, 2], [0, 2, 3]])
    wall = wall.textured([[0, 1], [1, 1], [1, 0], [0, 0]], 0, [red_corner])
    table = object_table({"uid": ["w"], "kind": ["Wall"]})
    layers = {"walls": Layer("walls", (Batch(table, {"1": wall}),)), "buildings": city.layers["buildings"]}
    scene = Scene(city.georeference, layers)
    for name in ("a.glb", "a.obj"):
        model = trimesh.load_scene(export(scene, tmp_path / name))
        painted = [mesh for mesh in model.geometry.values() if _image_of(mesh) is not None]
        assert len(painted) == 1
        image, corners = _image_of(painted[0]), painted[0].visual.uv
        high = 1 if name == "a.glb" else 2
        place = painted[0].vertices[corners[:, 1] > 0.5]  # v counts upward in trimesh
        assert (place[:, high] > painted[0].vertices[:, high].mean()).all()
        assert image.convert("RGB").getpixel((1, 1))[1] < 80
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.glb", "a.mtl", "a.obj", "a_0.jpg"]


def _image_of(mesh: trimesh.Trimesh) -> Image.Image | None:
    material = getattr(mesh.visual, "material", None)
    return getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
