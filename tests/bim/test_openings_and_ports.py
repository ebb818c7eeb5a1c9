"""Openings and ports are objects in layers of their own, tied to what they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ifcopenshell.api.feature
import ifcopenshell.api.geometry
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.api.system
import numpy as np
import pytest

import bim
from twin.view.manifest import scene_manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes import Scene


def with_a_door(house: Any) -> tuple[Any, Any, Any]:
    """Add a wall with an opening of 1 m x 2 m that sticks out to both sides, and a door in it."""
    model, wall = house.model, house.wall("Wall")
    hole, door = (
        ifcopenshell.api.root.create_entity(model, ifc_class=name, name=name[3:7])
        for name in ("IfcOpeningElement", "IfcDoor")
    )
    shape = ifcopenshell.api.geometry.add_wall_representation(
        model, context=house.body, length=1.0, height=2.0, thickness=3.0
    )
    ifcopenshell.api.geometry.assign_representation(model, product=hole, representation=shape)
    place = np.array([[1, 0, 0, 2.0], [0, 1, 0, -1.5], [0, 0, 1, 0.0], [0, 0, 0, 1.0]])
    ifcopenshell.api.geometry.edit_object_placement(model, product=hole, matrix=place)
    ifcopenshell.api.spatial.assign_container(model, relating_structure=house.storey, products=[door])
    ifcopenshell.api.feature.add_feature(model, feature=hole, element=wall)
    ifcopenshell.api.feature.add_filling(model, opening=hole, element=door)
    return wall, hole, door


def with_pipes(house: Any) -> None:
    """Add two pipes whose ports meet 3 m above the ground, and the water flows from the first to the second."""
    model, ends = house.model, []
    for name, direction in (("Pipe", "SOURCE"), ("Tap", "SINK")):
        pipe = ifcopenshell.api.root.create_entity(model, ifc_class="IfcPipeSegment", name=name)
        ifcopenshell.api.spatial.assign_container(model, relating_structure=house.storey, products=[pipe])
        port = ifcopenshell.api.system.add_port(model, element=pipe)
        port.Name, port.FlowDirection, port.PredefinedType = f"{name} end", direction, "PIPE"
        place = np.array([[1, 0, 0, 7.0], [0, 1, 0, 2.0], [0, 0, 1, 3.0], [0, 0, 0, 1.0]])
        ifcopenshell.api.geometry.edit_object_placement(model, product=port, matrix=place)
        ends.append(port)
    ifcopenshell.api.system.connect_port(model, port1=ends[1], port2=ends[0], direction="NOTDEFINED")
    ends[0].FlowDirection, ends[1].FlowDirection = "SOURCE", "SINK"


def ties(scene: Scene) -> set[tuple[str, str, str, str]]:
    table = scene.graph()
    columns = (table[name] for name in ("source", "kind", "target", "role"))
    return {
        (scene[source].name, kind, scene[target].name, role)
        for source, kind, target, role in zip(*columns, strict=True)
    }


def test_an_opening_is_an_object_with_the_size_of_the_hole(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house("IFC4")
    with_a_door(house)
    scene = bim.read(house.save(tmp_path / "house.ifc"))
    hole = next(
        each for each in map(scene.at, range(len(scene))) if each.attributes["ifc_class"] == "IfcOpeningElement"
    )
    assert hole.layer == "house-openings"
    assert hole.bounds == pytest.approx((2.0, -1.5, 0.0, 3.0, 1.5, 2.0), abs=0.001)
    assert scene[str(hole.parent)].name == "Wall"
    assert hole.attributes["storey"] == "BuildingStorey"
    assert {
        ("Open", "voids", "Wall", ""),
        ("Door", "fills", "Open", "hole"),
        ("Door", "fills", "Wall", "opening"),
    } <= ties(scene)


def test_an_opening_makes_nothing_larger(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house("IFC4")
    with_a_door(house)
    scene = bim.read(house.save(tmp_path / "house.ifc"))
    storey = next(each for each in map(scene.at, range(len(scene))) if each.kind == "Storey")
    assert storey.bounds == pytest.approx((0.0, 0.0, 0.0, 5.0, 0.2, 3.0), abs=0.001)


def test_who_names_an_opening_still_means_what_fills_it(
    new_house: Callable[..., Any], add: Callable[..., Any], said: Callable[[Any], Any]
) -> None:
    house = new_house("IFC4")
    _, hole, _ = with_a_door(house)
    room = add(house.model, "IfcSpace", "Room")
    add(
        house.model,
        "IfcRelSpaceBoundary",
        RelatingSpace=room,
        RelatedBuildingElement=hole,
        PhysicalOrVirtualBoundary="PHYSICAL",
        InternalOrExternalBoundary="INTERNAL",
    )
    assert ("Door", "bounds", "Room", "physical internal") in said(house.model).ties


def test_ports_are_points_of_their_element_and_joined(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house("IFC4")
    with_pipes(house)
    scene = bim.read(house.save(tmp_path / "pipes.ifc"))
    port = next(each for each in map(scene.at, range(len(scene))) if each.name == "Pipe end")
    assert (port.layer, port.attributes["predefined_type"]) == ("pipes-ports", "PIPE")
    assert scene[str(port.parent)].name == "Pipe"
    assert port.bounds == pytest.approx((7.0, 2.0, 3.0, 7.0, 2.0, 3.0), abs=0.001)
    mesh = port.mesh()
    assert mesh is not None
    assert mesh.points is not None
    assert len(mesh.points) == 1
    assert {("Pipe end", "joins", "Tap end", "flow"), ("Pipe", "connects", "Tap", "flow")} <= ties(scene)


def test_the_page_hides_both_at_first(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house("IFC4")
    with_a_door(house)
    with_pipes(house)
    shown = {
        each["name"]: each["visible"] for each in scene_manifest(bim.read(house.save(tmp_path / "a.ifc")))["layers"]
    }
    assert shown == {"a": True, "a-openings": False, "a-ports": False}


@pytest.mark.real_data
def test_the_ports_of_a_real_sewer_are_where_its_pipes_end(real_data: Path) -> None:
    scene = bim.read(real_data / "ifc/building/RioleringTestArkey.ifc")
    layer = next(layer for name, layer in scene.layers.items() if name.endswith("-ports"))
    parents = {scene[uid].kind for uid in layer.table["parent"].to_pylist() if uid}
    assert len(layer) == 19
    assert parents <= {"Pipe", "PipeFitting", "Manhole", "BuildingInstallation"}
