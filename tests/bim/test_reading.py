"""What is in a model comes out as objects, attributes and geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.style
import ifcopenshell.api.type
import numpy as np
import pytest

import bim
from scenes.sources import Placement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes import CityObject, Scene

PLACE = {"crs": "EPSG:32651", "place": Placement(354_000.0, 3_457_000.0, 4.0)}


def only(scene: Scene, ifc_class: str) -> CityObject:
    found = [scene[uid] for uid in scene if scene[uid].attributes["ifc_class"] == ifc_class]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4", "IFC4X3"])
def test_the_spatial_tree_becomes_parents(new_house: Callable[..., Any], tmp_path: Path, schema: str) -> None:
    house = new_house(schema)
    house.wall("North")
    scene = bim.read(house.save(tmp_path / "house.ifc"), **PLACE)
    chain = []
    step: str | None = only(scene, "IfcWall").uid
    while step is not None:
        chain.append(scene[step].kind)
        step = scene[step].parent
    assert chain == ["BuildingConstructiveElement", "Storey", "Building", "Site", "CityObjectGroup"]
    assert only(scene, "IfcWall").attributes["storey"] == "BuildingStorey"


def test_the_same_file_gives_the_same_uids_and_the_global_id_is_an_alias(
    new_house: Callable[..., Any], tmp_path: Path
) -> None:
    house = new_house()
    wall = house.wall("North")
    path = house.save(tmp_path / "house.ifc")
    first, second = bim.read(path, **PLACE), bim.read(path, **PLACE)
    assert list(first) == list(second)
    assert first.resolve(f"ifc:{wall.GlobalId}").uid == only(first, "IfcWall").uid


def test_the_occurrence_overrides_the_type_and_units_are_stated(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house(millimetres=True)
    wall = house.wall("North")
    kind = ifcopenshell.api.root.create_entity(house.model, ifc_class="IfcWallType", name="Brick")
    ifcopenshell.api.type.assign_type(house.model, related_objects=[wall], relating_type=kind)
    for entity, values in (
        (kind, {"FireRating": "F30", "IsExternal": True}),
        (wall, {"FireRating": "F90"}),
    ):
        pset = ifcopenshell.api.pset.add_pset(house.model, product=entity, name="Pset_WallCommon")
        ifcopenshell.api.pset.edit_pset(house.model, pset=pset, properties=values)
    quantities = ifcopenshell.api.pset.add_qto(house.model, product=wall, name="Qto_WallBaseQuantities")
    ifcopenshell.api.pset.edit_qto(house.model, qto=quantities, properties={"Length": 5000.0, "NetSideArea": 15.0})
    found = only(bim.read(house.save(tmp_path / "house.ifc"), **PLACE), "IfcWall").properties
    assert found["Pset_WallCommon"] == {"FireRating": "F90", "IsExternal": True}
    assert found["Qto_WallBaseQuantities"]["Length"] == {"value": 5000.0, "unit": "mm"}
    assert found["Qto_WallBaseQuantities"]["NetSideArea"] == {"value": 15.0, "unit": "m2"}


def test_millimetres_and_metres_give_the_same_geometry(new_house: Callable[..., Any], tmp_path: Path) -> None:
    boxes = []
    for millimetres in (False, True):
        house = new_house(millimetres=millimetres)
        house.wall("North", (10.0, 20.0, 3.0))
        scene = bim.read(house.save(tmp_path / f"{millimetres}.ifc"), **PLACE)
        boxes.append(only(scene, "IfcWall").bounds)
    assert np.allclose(boxes[0], boxes[1], atol=1e-4)
    assert np.allclose(boxes[0], [10, 20, 7, 15, 20.2, 10], atol=1e-4)


def test_a_box_has_the_area_and_the_volume_of_a_box(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    house.wall("North", (1.0, 2.0, 0.0))
    mesh = only(bim.read(house.save(tmp_path / "house.ifc"), **PLACE), "IfcWall").mesh()
    assert mesh is not None
    corner = mesh.positions_m[mesh.triangles]
    volume = np.einsum("ij,ij->i", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])).sum() / 6
    assert mesh.area_m2() == pytest.approx(2 * (5 * 3 + 5 * 0.2 + 3 * 0.2), rel=1e-5)
    assert volume == pytest.approx(5 * 3 * 0.2, rel=1e-4)  # positive: the faces look outward


def test_a_turned_placement_turns_the_model_anticlockwise(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    house.wall("North")
    place = Placement(354_000.0, 3_457_000.0, 0.0, 90.0)
    wall = only(bim.read(house.save(tmp_path / "h.ifc"), crs="EPSG:32651", place=place), "IfcWall")
    assert np.allclose(wall.bounds, [-0.2, 0, 0, 0, 5, 3], atol=1e-4)


def test_the_colour_and_the_transparency_of_a_style_are_kept(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    wall = house.wall("Glass")
    style = ifcopenshell.api.style.add_style(house.model, name="Blue glass")
    ifcopenshell.api.style.add_surface_style(
        house.model,
        style=style,
        ifc_class="IfcSurfaceStyleRendering",
        attributes={
            "SurfaceColour": {"Name": None, "Red": 0.0, "Green": 0.0, "Blue": 1.0},
            "Transparency": 0.5,
            "ReflectanceMethod": "NOTDEFINED",
        },
    )
    shape = wall.Representation.Representations[0]
    ifcopenshell.api.style.assign_representation_styles(house.model, shape_representation=shape, styles=[style])
    mesh = only(bim.read(house.save(tmp_path / "house.ifc"), **PLACE), "IfcWall").mesh()
    assert mesh is not None
    assert mesh.colours is not None
    assert np.abs(mesh.colours.astype(int) - [0, 0, 255, 128]).max() <= 1


def test_rooms_have_a_layer_of_their_own_and_the_building_a_plan(new_house: Callable[..., Any], tmp_path: Path) -> None:
    import shapely

    house = new_house()
    house.wall("North")
    room = ifcopenshell.api.root.create_entity(house.model, ifc_class="IfcSpace", name="101")
    ifcopenshell.api.aggregate.assign_object(house.model, products=[room], relating_object=house.storey)
    scene = bim.read(house.save(tmp_path / "house.ifc"), **PLACE)
    assert list(scene.layers) == ["house", "house-spaces"]
    assert only(scene, "IfcSpace").kind == "BuildingRoom"
    plan = shapely.from_wkb(only(scene, "IfcBuilding").footprint_wkb)
    assert plan.area == pytest.approx(1.0, rel=1e-3)


def test_a_model_without_a_place_says_so_and_still_loads(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    house.wall("North")
    scene = bim.read(house.save(tmp_path / "house.ifc"))
    assert [problem["rule"] for problem in scene.metadata["problems"]] == ["georeference-missing"]
    assert np.allclose(only(scene, "IfcWall").bounds, [0, 0, 0, 5, 0.2, 3], atol=1e-4)


def test_repeated_global_ids_are_told_and_kept_apart(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house()
    first, second = house.wall("A"), house.wall("B")
    second.GlobalId = first.GlobalId
    scene = bim.read(house.save(tmp_path / "house.ifc"), **PLACE)
    assert len(set(scene)) == len(scene)
    assert "global-id-repeated" in {problem["rule"] for problem in scene.metadata["problems"]}


def test_projected_coordinates_inside_the_geometry_keep_their_millimetres(
    new_house: Callable[..., Any], tmp_path: Path
) -> None:
    house = new_house()
    house.wall("Far", (354_010.125, 3_457_020.25, 0.0))
    path = house.save(tmp_path / "far.ifc")
    scene = bim.read(path, crs="EPSG:32651", place=Placement(0.0, 0.0))
    low = np.array(only(scene, "IfcWall").bounds[:3]) + scene.georeference.origin_m
    assert np.allclose(low, [354_010.125, 3_457_020.25, 0.0], atol=1e-3)
