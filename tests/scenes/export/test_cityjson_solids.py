"""Faces and solids of CityJSON: flat triangles are polygons again, closed meshes are solids, others are not."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import trimesh

from scenes import Georeference, Layer, Scene
from scenes.export import export
from scenes.mesh import MeshSet
from scenes.model import Batch
from scenes.schema import object_table
from scenes.semantics import surface_code

if TYPE_CHECKING:
    from pathlib import Path

BOX = trimesh.creation.box((10, 10, 10))
ROOF = surface_code("RoofSurface")


def written(
    path: Path, points: Any, triangles: Any, kind: str = "Building", lod: str = "2", **more: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the geometry of one object in the file that is written, and the file."""
    mesh = MeshSet.of_one(np.asarray(points), np.asarray(triangles))
    mesh = type(mesh)(**{**{name: getattr(mesh, name) for name in mesh.__dataclass_fields__}, **more})
    batch = Batch(object_table({"uid": ["urn:x:1"], "kind": [kind]}), {lod: mesh})
    scene = Scene(Georeference("EPSG:25832", 450_000.0, 5_400_000.0), {"a": Layer("a", (batch,))})
    document = json.loads(export(scene, path / "a.city.json").read_text(encoding="utf-8"))
    (item,) = document["CityObjects"].values()
    (geometry,) = item["geometry"]
    return geometry, document


def shells(geometry: dict[str, Any]) -> list[Any]:
    """Return the shells of a geometry, whatever its type."""
    nested = geometry["boundaries"]
    return {"Solid": nested, "MultiSolid": [shell for body in nested for shell in body]}.get(geometry["type"], [nested])


def edges(shell: Any) -> Counter[tuple[int, int]]:
    """Return how often each directed edge is in the rings of a shell."""
    rings = [ring for face in shell for ring in face]
    return Counter(pair for ring in rings for pair in zip(ring, [*ring[1:], ring[0]], strict=True))


def test_a_cube_is_a_solid_of_six_quads_with_their_semantics(tmp_path) -> None:
    codes = np.where(BOX.face_normals[:, 2] > 0.5, ROOF, surface_code("WallSurface")).astype(np.uint8)
    geometry, document = written(tmp_path, BOX.vertices, BOX.faces, semantics=codes)
    assert geometry["type"] == "Solid"
    assert sorted(len(ring) for face in geometry["boundaries"][0] for ring in face) == [4] * 6
    assert len(document["vertices"]) == 8
    assert all(
        count == 1 and edges(geometry["boundaries"][0])[b, a] == 1
        for (a, b), count in edges(geometry["boundaries"][0]).items()
    )
    words = geometry["semantics"]["surfaces"]
    named = [words[value]["type"] for value in geometry["semantics"]["values"][0]]
    assert Counter(named) == {"RoofSurface": 1, "WallSurface": 5}


def test_colours_and_surfaces_divide_a_flat_side(tmp_path) -> None:
    codes = np.zeros(12, np.uint8)
    codes[np.flatnonzero(BOX.face_normals[:, 2] > 0.5)[0]] = ROOF
    geometry, _ = written(tmp_path, BOX.vertices, BOX.faces, semantics=codes)
    assert sorted(len(ring) for face in geometry["boundaries"][0] for ring in face) == [3, 3, 4, 4, 4, 4, 4]


def test_a_wall_with_a_window_hole_has_two_rings(tmp_path) -> None:
    outer = [(0, 0), (10, 0), (10, 10), (0, 10)]
    inner = [(4, 4), (6, 4), (6, 6), (4, 6)]
    points = [(x, y, 0.02 * x) for x, y in [*outer, *inner]]
    ring = [(0, 1, 5), (0, 5, 4), (1, 2, 6), (1, 6, 5), (2, 3, 7), (2, 7, 6), (3, 0, 4), (3, 4, 7)]
    geometry, _ = written(tmp_path, points, ring)
    ((outside, hole),) = geometry["boundaries"]
    assert geometry["type"] == "MultiSurface"
    assert (len(outside), len(hole)) == (4, 4)


@pytest.mark.parametrize(
    ("kind", "lod", "change", "name"),
    [
        ("Building", "2", lambda faces: faces, "Solid"),
        ("Building", "0", lambda faces: faces, "MultiSurface"),
        ("Building", "2", lambda faces: faces[1:], "MultiSurface"),
        ("Building", "2", lambda faces: faces[:, ::-1], "MultiSurface"),
        ("Building", "2", lambda faces: np.vstack([faces, faces[:1]]), "MultiSurface"),
        ("Road", "2", lambda faces: faces, "MultiSurface"),
        ("ReliefFeature", "2", lambda faces: faces, "CompositeSurface"),
    ],
    ids=["closed", "flat level", "open", "inside out", "doubled", "road", "relief"],
)
def test_only_what_is_closed_is_a_solid(tmp_path, kind, lod, change, name) -> None:
    assert written(tmp_path, BOX.vertices, change(BOX.faces), kind, lod)[0]["type"] == name


@pytest.mark.parametrize(
    ("kind", "far", "scale", "name", "count"),
    [
        ("GenericOccupiedSpace", 50, 1.0, "MultiSolid", 2),
        ("Building", 50, 1.0, "MultiSurface", 1),
        ("Building", 0, -0.5, "Solid", 2),
    ],
    ids=["two bodies", "two bodies of a building", "a void"],
)
def test_several_shells_are_bodies_or_voids(tmp_path, kind, far, scale, name, count) -> None:
    points = np.vstack([BOX.vertices, BOX.vertices * abs(scale) + [far, 0, 0]])
    second = BOX.faces if scale > 0 else BOX.faces[:, ::-1]
    geometry, _ = written(tmp_path, points, np.vstack([BOX.faces, second + 8]), kind)
    assert geometry["type"] == name
    assert len(shells(geometry)) == count
    assert len(shells(geometry)[0]) == (6 if count == 2 else 12)


def test_a_round_body_keeps_its_facets_and_stays_closed(tmp_path) -> None:
    dome = trimesh.creation.icosphere(subdivisions=3, radius=20.0)
    geometry, _ = written(tmp_path, dome.vertices, dome.faces, "CityFurniture")
    assert geometry["type"] == "Solid"
    assert len(geometry["boundaries"][0]) == len(dome.faces)
    cylinder = trimesh.creation.cylinder(radius=5.0, height=9.0, sections=40)
    geometry, _ = written(tmp_path, cylinder.vertices, cylinder.faces, "CityFurniture")
    assert all(count == 1 for count in edges(geometry["boundaries"][0]).values())
    assert len(geometry["boundaries"][0]) == 40 + 2
