"""Shapes that repeat are stored once and placed many times, and look as if they were written out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import ifcopenshell.api.geometry
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.api.style
import ifcopenshell.api.type
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import bim
from bim import instancing
from bim.instancing import Placed
from bim.tessellation import outward, split_by_colour
from scenes.sources import Placement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes import Scene

PLACE = {"crs": "EPSG:32651", "place": Placement(354_000.0, 3_457_000.0, 4.0, 30.0)}


def posts(house: Any, count: int, *, lying: int = -1) -> list[Any]:
    """Add a type with a round post as its mapped shape, and occurrences that are turned and moved."""
    model = house.model
    kind = ifcopenshell.api.root.create_entity(model, ifc_class="IfcColumnType", name="Post")
    profile = model.create_entity("IfcCircleProfileDef", ProfileType="AREA", Radius=0.5)
    shape = ifcopenshell.api.geometry.add_profile_representation(model, context=house.body, profile=profile, depth=3.0)
    ifcopenshell.api.geometry.assign_representation(model, product=kind, representation=shape)
    made = []
    for number in range(count):
        post = ifcopenshell.api.root.create_entity(model, ifc_class="IfcColumn", name=f"Post {number}")
        ifcopenshell.api.type.assign_type(model, related_objects=[post], relating_type=kind)
        cos, sin = math.cos(number), math.sin(number)
        matrix = np.array([[cos, -sin, 0, 2.0 * number], [sin, cos, 0, 1.0], [0, 0, 1, 0.5], [0, 0, 0, 1]])
        if number == lying:
            matrix[:3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
        ifcopenshell.api.geometry.edit_object_placement(model, product=post, matrix=matrix)
        ifcopenshell.api.spatial.assign_container(model, relating_structure=house.storey, products=[post])
        made.append(post)
    return made


def by_name(scene: Scene) -> dict[str, Any]:
    return {scene[uid].name: scene[uid] for uid in scene}


def test_repeated_shapes_are_placed_and_look_as_if_written_out(
    new_house: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = new_house()
    posts(house, 20, lying=3)
    house.wall("North")
    path = house.save(tmp_path / "house.ifc")
    placed = bim.read(path, **PLACE)
    monkeypatch.setattr(instancing, "LEAST_SAVED", 10**9)
    plain = bim.read(path, **PLACE)
    mesh, written = placed.layers["house"].batches[0].finest(), plain.layers["house"].batches[0].finest()
    assert mesh is not None
    assert written is not None
    assert [len(each) for each in mesh.instances] == [19]  # the lying one is written out
    assert written.instances == ()
    assert mesh.triangle_count == written.triangle_count
    assert mesh.nbytes < written.nbytes / 3
    for name, each in by_name(plain).items():
        other = by_name(placed)[name]
        assert other.uid == each.uid
        if each.bounds is not None:
            np.testing.assert_allclose(other.bounds, each.bounds, atol=1e-3)
        if each.mesh() is not None and each.mesh().triangle_count:
            mine = other.mesh().expanded()
            assert mine.area_m2() == pytest.approx(each.mesh().area_m2(), rel=1e-4)
            np.testing.assert_allclose(
                np.sort(mine.positions_m, axis=0), np.sort(each.mesh().positions_m, axis=0), atol=1e-3
            )
        if each.footprint_wkb:
            first, second = (shapely.from_wkb(wkb) for wkb in (each.footprint_wkb, other.footprint_wkb))
            assert first.symmetric_difference(second).area <= 0.01


def test_every_placement_keeps_the_colour_of_its_shape(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    made = posts(house, 20)
    style = ifcopenshell.api.style.add_style(house.model, name="Red")
    colour = {"SurfaceColour": {"Name": None, "Red": 1.0, "Green": 0.0, "Blue": 0.0}}
    ifcopenshell.api.style.add_surface_style(
        house.model, style=style, ifc_class="IfcSurfaceStyleShading", attributes=colour
    )
    shape = made[0].IsTypedBy[0].RelatingType.RepresentationMaps[0].MappedRepresentation
    ifcopenshell.api.style.assign_representation_styles(house.model, shape_representation=shape, styles=[style])
    scene = bim.read(house.save(tmp_path / "house.ifc"), **PLACE)
    mesh = by_name(scene)["Post 7"].mesh().expanded()
    assert np.abs(mesh.colours.astype(int) - [255, 0, 0, 255]).max() <= 1


@given(st.floats(-3.1, 3.1), st.tuples(*[st.floats(0.25, 4.0)] * 3))
def test_a_turn_about_the_vertical_and_scales_are_found_again(yaw: float, scales: tuple[float, float, float]) -> None:
    cos, sin = math.cos(yaw), math.sin(yaw)
    linear = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ np.diag(scales)
    found_yaw, found_scales, rest = Placed(linear[None], np.zeros((1, 3))).upright()
    assert found_yaw[0] == pytest.approx(yaw)
    assert found_scales[0] == pytest.approx(scales)
    assert rest[0] < 1e-12


@pytest.mark.parametrize(
    "linear",
    [np.diag([1.0, -1.0, 1.0]), np.diag([1.0, 1.0, -1.0]), [[1, 0.2, 0], [0, 1, 0], [0, 0, 1]], np.eye(3)[[2, 1, 0]]],
)
def test_mirrored_sheared_and_tilted_ones_are_not_upright(linear: Any) -> None:
    assert Placed(np.array(linear, float)[None], np.zeros((1, 3))).upright()[2][0] > 0.1


CUBE = np.array([[x, y, z] for x in (0.0, 1.0) for y in (0.0, 1.0) for z in (0.0, 1.0)])
FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4],
     [1, 5, 7], [1, 7, 3]], np.uint32
)  # fmt: skip


def volume(positions: np.ndarray, triangles: np.ndarray) -> float:
    corner = positions[triangles]
    return float(np.einsum("ij,ij->i", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])).sum() / 6)


@pytest.mark.parametrize("shift", [0.0, 5e6])
def test_only_the_surfaces_that_are_inside_out_are_turned(shift: float) -> None:
    positions = np.concatenate([CUBE, CUBE + 5.0]) + shift
    good = FACES if volume(CUBE, FACES) > 0 else FACES[:, ::-1]
    both = np.concatenate([good, good[:, ::-1] + np.uint32(8)])
    items = np.repeat([3, 9], 12)
    turned = outward(positions, both, items)
    assert np.array_equal(turned[:12], both[:12])
    assert np.array_equal(turned[12:], both[12:, ::-1])
    open_box = both[12:-1]
    assert np.array_equal(outward(positions, open_box, items[12:-1]), open_box)


def test_vertices_are_doubled_only_where_colours_meet() -> None:
    red, blue = (255, 0, 0, 255), (0, 0, 255, 255)
    mesh = split_by_colour(CUBE, FACES, np.array([red] * 2 + [blue] * 10, np.uint8))
    assert mesh.colours is not None
    assert (mesh.colours[mesh.triangles[:2]] == red).all()
    assert (mesh.colours[mesh.triangles[2:]] == blue).all()
    assert len(mesh.positions) == 8 + 4
