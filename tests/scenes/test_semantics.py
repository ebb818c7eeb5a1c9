"""What a triangle is part of survives joining, taking, expanding, saving and opening."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import scenes
from scenes import Batch, Georeference, Layer, Scene
from scenes.digest import meshes_hash
from scenes.joining import join
from scenes.mesh import Instances, MeshSet
from scenes.schema import object_table
from scenes.semantics import SURFACES, areas_by_surface, surface_codes

if TYPE_CHECKING:
    from pathlib import Path

CORNERS = np.array([[0, 0, 0], [4, 0, 0], [4, 3, 0], [0, 3, 0]], float)
FACES = np.array([[0, 1, 2], [0, 2, 3]], np.uint32)


def square(row: int, *names: str) -> MeshSet:
    mesh = MeshSet.from_parts([row], [CORNERS], [FACES])
    return replace(mesh, semantics=surface_codes(names)) if names else mesh


def test_codes_stay_with_their_triangles() -> None:
    mesh = join([square(3, "WallSurface", "Door"), square(1, "RoofSurface", "RoofSurface"), square(2)])
    assert mesh.semantics is not None
    assert [SURFACES[code] for code in mesh.semantics] == ["RoofSurface"] * 2 + ["", ""] + ["WallSurface", "Door"]
    taken = mesh.take([3])
    assert taken.semantics is not None
    assert [SURFACES[code] for code in taken.semantics] == ["WallSurface", "Door"]
    assert join([square(0), square(1)]).semantics is None


def test_instances_that_are_written_out_have_no_code() -> None:
    place = np.zeros((1, 3), np.float32)
    copy = Instances(square(0), np.array([1], np.uint32), place, np.zeros(1, np.float32), np.ones_like(place))
    mesh = replace(square(0, "RoofSurface", "RoofSurface"), instances=(copy,)).expanded()
    assert mesh.semantics is not None
    assert mesh.semantics.tolist() == [1, 1, 0, 0]


def test_areas_are_told_by_kind_and_row() -> None:
    mesh = join([square(0, "RoofSurface", "WallSurface"), square(2, "RoofSurface", "RoofSurface")])
    areas = areas_by_surface(mesh, 3)
    assert {name: values.tolist() for name, values in areas.items()} == {
        "RoofSurface": [6, 0, 12],
        "WallSurface": [6, 0, 0],
    }
    assert areas_by_surface(square(0), 1) == {}


def test_a_package_keeps_them(tmp_path: Path) -> None:
    mesh = square(0, "RoofSurface", "GroundSurface")
    table = object_table({"uid": ["urn:uuid:1"], "kind": ["Building"]})
    city = Scene(Georeference("EPSG:32651", 0.0, 0.0), {"a": Layer("a", (Batch(table, {"2": mesh}),))})
    again = scenes.open(city.save(tmp_path / "a.city"))
    assert again["urn:uuid:1"].surface_areas() == pytest.approx({"RoofSurface": 6.0, "GroundSurface": 6.0})
    assert meshes_hash({"2": mesh}) != meshes_hash({"2": square(0)})


def test_a_code_for_each_triangle_is_asked_for() -> None:
    with pytest.raises(ValueError, match="semantics"):
        replace(square(0), semantics=np.zeros(3, np.uint8))
