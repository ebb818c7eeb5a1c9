"""Models in files are placed by hand, keep their parts apart, and read nothing outside of their folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvista
import trimesh

from gis.models3d.meshfiles import MeshFileLoader
from scenes import Batch, Georeference, GeoreferenceError, Layer, LoadError, Problems
from scenes.loading import LoadContext
from scenes.meshreading import read_meshes
from scenes.pictures import Picture
from scenes.sources import Placement, Source

FRAME = Georeference("EPSG:32632", 500_000.0, 5_000_000.0)


def load(path: Path, place: str = "500100,5000200,5,90", problems: Problems | None = None) -> tuple[Layer, Batch]:
    source = Source(str(path), place=Placement.parse(place))
    assert MeshFileLoader().supports(source)
    context = LoadContext(FRAME, problems=problems or Problems())
    ((layer, batch),) = list(MeshFileLoader().load(source, context))
    return layer, batch.with_bounds()


@pytest.mark.parametrize("ending", ["obj", "ply", "stl", "off", "glb"])
def test_a_box_of_any_format_stands_where_it_is_placed(tmp_path: Path, ending: str) -> None:
    box = trimesh.creation.box((4.0, 2.0, 3.0))  # in glTF, whose y is up, it is 2 m tall
    box.export(tmp_path / f"Old Town.{ending}")
    layer, batch = load(tmp_path / f"Old Town.{ending}")
    depth, height = (2, 3) if ending != "glb" else (3, 2)
    low, high = np.array(layer.with_batches([batch]).bounds()).reshape(2, 3)
    assert layer.name == "old-town"
    assert high - low == pytest.approx([depth, 4, height], abs=1e-5)
    assert (low + high) / 2 == pytest.approx([100, 200, 5], abs=1e-5)
    assert batch.triangle_count == 12


@pytest.mark.parametrize("ending", ["vtk", "vtp", "vtu"])
def test_vtk_files_are_read(tmp_path: Path, ending: str) -> None:
    shape = pyvista.Box((0, 1, 0, 1, 0, 1))
    path = tmp_path / f"box.{ending}"
    (shape.cast_to_unstructured_grid() if ending == "vtu" else shape).save(path)
    assert load(path)[1].triangle_count == 12


def test_nodes_are_objects_below_each_other(tmp_path: Path) -> None:
    scene = trimesh.Scene()
    scene.add_geometry(trimesh.creation.box(), node_name="house", geom_name="house")
    scene.add_geometry(trimesh.creation.box(), node_name="roof", geom_name="roof", parent_node_name="house")
    path = tmp_path / "a.glb"
    scene.export(path)
    rows = load(path)[1].table.to_pylist()
    by_name = {row["name"]: row for row in rows}
    assert by_name["roof"]["parent"] == by_name["house"]["uid"]
    assert by_name["house"]["kind"] == "GenericOccupiedSpace"


def test_groups_of_an_obj_and_its_image(tmp_path: Path) -> None:
    image = Picture.of_pixels(np.full((4, 4, 3), [200, 30, 30], np.uint8))
    (tmp_path / "brick.jpg").write_bytes(image.data)
    (tmp_path / "a.mtl").write_text("newmtl brick\nmap_Kd brick.jpg\n")
    corners = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 0 2\nv 1 0 2\nv 1 1 2\nvt 0 0\nvt 1 0\nvt 1 1\n"
    faces = "o floor\nusemtl brick\nf 1/1 2/2 3/3\no roof\nusemtl brick\nf 4/1 5/2 6/3\n"
    path = tmp_path / "a.obj"
    path.write_text("mtllib a.mtl\n" + corners + faces)
    batch = load(path)[1]
    assert sorted(batch.table["name"].to_pylist()) == ["floor", "roof"]
    mesh = batch.finest()
    assert mesh is not None
    assert mesh.has_images
    assert mesh.uvs is not None
    assert sorted(mesh.uvs[:, 1].tolist())[:2] == [0.0, 0.0]  # the upper edge of the image


@pytest.mark.parametrize("name", ["../secret.mtl", "/etc/passwd", "http://example.org/a.mtl", "file:///etc/passwd"])
def test_nothing_outside_the_folder_is_read(tmp_path: Path, name: str) -> None:
    asked: list[str] = []
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.mtl").write_text("newmtl a\nKd 1 0 0\n")
    path = folder / "a.obj"
    path.write_text(f"mtllib {name}\nusemtl a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    mesh = load(path)[1].finest()
    assert mesh is not None
    assert mesh.colours is not None
    assert mesh.colours[0].tolist() != [255, 0, 0, 255]
    read_meshes(path.read_bytes(), ".obj", asked.append, "a.obj")
    assert len(asked) <= 1


def test_a_model_that_lies_nowhere_says_what_to_do(tmp_path: Path) -> None:
    trimesh.creation.box().export(tmp_path / "a.stl")
    with pytest.raises(GeoreferenceError, match="--place"):
        MeshFileLoader().locate(Source(str(tmp_path / "a.stl")))


def test_projected_coordinates_are_taken_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.obj"
    path.write_text("v 500010 5000020 1\nv 500011 5000020 1\nv 500010 5000021 1\nf 1 2 3\n")
    source = Source(str(path), crs="EPSG:32632")
    found = MeshFileLoader().locate(source)
    assert found is not None
    assert found.crs == "EPSG:32632"
    ((layer, batch),) = list(MeshFileLoader().load(source, LoadContext(FRAME)))
    bounds = layer.with_batches([batch.with_bounds()]).bounds()
    assert bounds == pytest.approx((10, 20, 1, 11, 21, 1))


@pytest.mark.parametrize(("ending", "data"), [
    ("obj", b"v 0 0 0\nf 1 2 9\n"), ("glb", b"glTF"), ("gltf", b"{}"), ("stl", b"solid"),
    ("ply", b"ply\nelement face 3\n"), ("vtp", b"<VTKFile"), ("glb", b"\0" * 400), ("gltf", b"[" * 100_000),
])  # fmt: skip
def test_broken_files_end_in_one_sentence(tmp_path: Path, ending: str, data: bytes) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(data)
    with pytest.raises(LoadError) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_ply_of_points_is_left_to_the_point_clouds(tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    path.write_text("ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1\n")
    assert not MeshFileLoader().supports(Source(str(path)))
