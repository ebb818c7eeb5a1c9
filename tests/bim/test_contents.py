"""Types, materials, classifications, documents and relations of a model come out where an analyst looks for them."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import ifcopenshell
import ifcopenshell.api.classification
import ifcopenshell.api.material
import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.api.system
import ifcopenshell.api.type
import numpy as np
import pytest

import bim
import scenes
from bim.properties import INHERITED, OVERRIDDEN
from scenes.sources import Placement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMAS = ["IFC2X3", "IFC4", "IFC4X3"]


def pset(model: Any, product: Any, name: str, values: dict[str, Any]) -> None:
    made = ifcopenshell.api.pset.add_pset(model, product=product, name=name)
    ifcopenshell.api.pset.edit_pset(model, pset=made, properties=values)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_what_comes_from_the_type_is_told(new_house: Callable[..., Any], said: Callable[..., Any], schema: str) -> None:
    house = new_house(schema)
    wall = house.wall("North")
    kind = ifcopenshell.api.root.create_entity(house.model, ifc_class="IfcWallType", name="Brick 24")
    ifcopenshell.api.type.assign_type(house.model, related_objects=[wall], relating_type=kind)
    pset(house.model, kind, "Pset_WallCommon", {"FireRating": "F30", "IsExternal": True, "LoadBearing": True})
    pset(house.model, wall, "Pset_WallCommon", {"FireRating": "F90", "Status": "UNSET"})
    found = said(house.model)
    groups, row = found.groups["North"], found.rows["North"]
    stated = groups["Pset_WallCommon"]
    assert (stated["FireRating"], stated["IsExternal"], stated["LoadBearing"]) == ("F90", True, True)
    assert row["status"] is None
    assert groups[INHERITED] == {"Pset_WallCommon": ["IsExternal", "LoadBearing"]}
    assert groups[OVERRIDDEN] == {"Pset_WallCommon.FireRating": "F30"}
    assert groups["Type"]["Name"] == row["type_name"] == "Brick 24"
    assert (row["fire_rating"], row["is_external"], row["load_bearing"]) == ("F90", True, True)


def test_quantities_become_columns_in_metres_whatever_the_file_counts_in(
    new_house: Callable[..., Any], said: Callable[..., Any]
) -> None:
    house = new_house(millimetres=True)
    wall = house.wall("North")
    quantities = ifcopenshell.api.pset.add_qto(house.model, product=wall, name="Qto_WallBaseQuantities")
    ifcopenshell.api.pset.edit_qto(house.model, qto=quantities, properties={"Length": 5000.0, "NetSideArea": 15.0})
    model = house.model
    part = model.create_entity("IfcQuantityLength", "Depth", None, None, 200.0)
    quantities.Quantities = [
        *quantities.Quantities,
        model.create_entity("IfcPhysicalComplexQuantity", "Core", None, [part], "layer"),
    ]
    found = said(model)
    assert (found.rows["North"]["length_m"], found.rows["North"]["area_m2"]) == (5.0, 15.0)
    assert found.groups["North"]["Qto_WallBaseQuantities"]["Core.Depth"] == {"value": 200.0, "unit": "mm"}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_layers_have_their_thickness_and_an_occurrence_takes_the_material_of_its_type(
    new_house: Callable[..., Any], said: Callable[..., Any], schema: str
) -> None:
    house = new_house(schema, millimetres=True)
    model, wall = house.model, house.wall("North")
    kind = ifcopenshell.api.root.create_entity(model, ifc_class="IfcWallType", name="Cavity wall")
    ifcopenshell.api.type.assign_type(model, related_objects=[wall], relating_type=kind)
    layers = ifcopenshell.api.material.add_material_set(model, name="Cavity", set_type="IfcMaterialLayerSet")
    for name, thickness in (("Brick", 115.0), ("Wool", 140.0), ("Block", 175.0)):
        material = ifcopenshell.api.material.add_material(model, name=name)
        layer = ifcopenshell.api.material.add_layer(model, layer_set=layers, material=material)
        ifcopenshell.api.material.edit_layer(model, layer=layer, attributes={"LayerThickness": thickness})
    ifcopenshell.api.material.assign_material(model, products=[kind], type="IfcMaterialLayerSet", material=layers)
    found = said(model)
    group = found.groups["North"]["Material"]
    assert group["Layer 2: Wool"] == {"value": 140.0, "unit": "mm"}
    assert group["Total thickness"] == {"value": 430.0, "unit": "mm"}
    assert found.rows["North"]["material"] == "Brick, Wool, Block"


def test_profiles_constituents_and_lists_are_told(new_house: Callable[..., Any], said: Callable[..., Any]) -> None:
    house = new_house("IFC4")
    model = house.model
    first, second, third = (house.wall(name) for name in ("Profiled", "Mixed", "Listed"))
    steel, glass = (ifcopenshell.api.material.add_material(model, name=name) for name in ("S355", "Glass"))
    profile = model.create_entity("IfcIShapeProfileDef", "AREA", "IPE200", None, 0.1, 0.2, 0.0056, 0.0085)
    part = model.create_entity("IfcMaterialProfile", "Beam", None, steel, profile)
    profiles = model.create_entity("IfcMaterialProfileSet", "IPE", None, [part])
    share = model.create_entity("IfcMaterialConstituent", "Pane", None, glass, 0.8)
    frame = model.create_entity("IfcMaterialConstituent", "Frame", None, steel, 0.2)
    constituents = model.create_entity("IfcMaterialConstituentSet", "Window", None, [share, frame])
    several = model.create_entity("IfcMaterialList", [steel, glass])
    for wall, material in ((first, profiles), (second, constituents), (third, several)):
        ifcopenshell.api.material.assign_material(model, products=[wall], type=material.is_a(), material=material)
    found = said(model)
    assert found.groups["Profiled"]["Material"]["Profile 1: Beam"] == "S355, IPE200"
    assert found.groups["Mixed"]["Material"]["Constituent 1: Pane"] == "Glass, 80%"
    assert found.rows["Mixed"]["material"] == "Glass, S355"
    assert found.groups["Listed"]["Material"] == {"Material 1": "S355", "Material 2": "Glass"}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_classifications_have_system_code_name_and_address(
    new_house: Callable[..., Any], said: Callable[..., Any], schema: str
) -> None:
    house = new_house(schema)
    model, wall = house.model, house.wall("North")
    system = ifcopenshell.api.classification.add_classification(model, classification="Uniclass")
    reference = ifcopenshell.api.classification.add_reference(
        model, products=[wall], identification="Ss_25_10", name="Walls", classification=system
    )
    reference.Location = "https://example.org/Ss_25_10"
    found = said(model)
    assert found.rows["North"]["classification"] == "Ss_25_10"
    told = found.groups["North"]["Classification"]
    assert list(told.values()) == ["Ss_25_10 Walls", "https://example.org/Ss_25_10"]
    assert next(iter(told)).startswith("Uniclass")


def test_documents_layers_approvals_and_costs_are_told(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    house = new_house("IFC4")
    model, wall = house.model, house.wall("North")
    document = model.create_entity("IfcDocumentReference", "https://example.org/wall.pdf", "D-17", "Wall plan")
    add(model, "IfcRelAssociatesDocument", RelatedObjects=[wall], RelatingDocument=document)
    approval = model.create_entity("IfcApproval", Name="Design review", Status="APPROVED")
    add(model, "IfcRelAssociatesApproval", RelatedObjects=[wall], RelatingApproval=approval)
    value = model.create_entity("IfcCostValue", AppliedValue=model.create_entity("IfcMonetaryMeasure", 1250.0))
    cost = add(model, "IfcCostItem", "Masonry", CostValues=[value])
    add(model, "IfcRelAssignsToControl", RelatedObjects=[wall], RelatingControl=cost)
    model.create_entity("IfcPresentationLayerAssignment", "A-WALL", None, wall.Representation.Representations)
    groups = said(model).groups["North"]
    assert groups["Documents"] == {"Wall plan": "https://example.org/wall.pdf"}
    assert groups["Approvals"] == {"Design review": "APPROVED"}
    assert groups["Controls"] == {"CostItem: Masonry": "1250"}
    assert groups["Presentation"] == {"Layer": "A-WALL"}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_door_fills_the_wall_and_bounds_the_room(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any], schema: str
) -> None:
    house = new_house(schema)
    model, wall = house.model, house.wall("Wall")
    owner = {"OwnerHistory": wall.OwnerHistory} if schema == "IFC2X3" else {}
    door, opening, room = (
        add(model, "IfcDoor", "Door"),
        add(model, "IfcOpeningElement", "Hole"),
        add(model, "IfcSpace", "Room"),
    )
    covering = add(model, "IfcCovering", "Tiles", PredefinedType="CLADDING")
    add(model, "IfcRelVoidsElement", RelatingBuildingElement=wall, RelatedOpeningElement=opening, **owner)
    add(model, "IfcRelFillsElement", RelatingOpeningElement=opening, RelatedBuildingElement=door, **owner)
    add(model, "IfcRelCoversBldgElements", RelatingBuildingElement=wall, RelatedCoverings=[covering], **owner)
    bounding = {"PhysicalOrVirtualBoundary": "PHYSICAL", "InternalOrExternalBoundary": "INTERNAL"}
    add(model, "IfcRelSpaceBoundary", RelatingSpace=room, RelatedBuildingElement=opening, **bounding, **owner)
    found = said(model)
    assert found.ties == {
        ("Door", "fills", "Wall", "opening"),
        ("Door", "fills", "Hole", "hole"),
        ("Hole", "voids", "Wall", ""),
        ("Door", "bounds", "Room", "physical internal"),  # the boundary names the hole; the door stands in it
        ("Tiles", "covers", "Wall", "cladding"),
    }
    assert (found.rows["Hole"]["layer"], found.rows["Hole"]["parent"]) == ("openings", "Wall")
    assert "filled by Door Door" in found.groups["Wall"]["Openings"]["Hole"]
    assert found.rows["Door"]["parent"] == "Wall"
    assert found.rows["Room"]["layer"] == "spaces"


def test_meeting_walls_are_connected_and_a_realizing_element_lies_between(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    house = new_house("IFC4")
    model = house.model
    first, second, bolt = house.wall("A"), house.wall("B"), add(model, "IfcMechanicalFastener", "Bolt")
    ends = {"RelatingElement": first, "RelatedElement": second}
    ways = {"RelatingConnectionType": "ATEND", "RelatedConnectionType": "ATSTART"}
    add(model, "IfcRelConnectsPathElements", RelatingPriorities=[], RelatedPriorities=[], **ends, **ways)
    add(model, "IfcRelConnectsWithRealizingElements", RealizingElements=[bolt], **ends)
    assert said(model).ties == {
        ("A", "connects", "B", "ATEND-ATSTART"),
        ("A", "connects", "Bolt", "realizing"),
        ("Bolt", "connects", "B", "realizing"),
    }


@pytest.mark.parametrize("schema", ["IFC4", "IFC4X3"])
def test_what_flows_through_ports_is_a_graph_of_elements(
    new_house: Callable[..., Any], said: Callable[..., Any], schema: str
) -> None:
    model = new_house(schema).model
    create = ifcopenshell.api.root.create_entity
    boiler, pipe, radiator = (
        create(model, ifc_class=name, name=name[3:]) for name in ("IfcBoiler", "IfcPipeSegment", "IfcSpaceHeater")
    )
    system = ifcopenshell.api.system.add_system(model, ifc_class="IfcDistributionSystem")
    system.Name = "Heating"
    ifcopenshell.api.system.assign_system(model, products=[boiler, pipe, radiator], system=system)
    for start, end in ((boiler, pipe), (pipe, radiator)):
        ports = [ifcopenshell.api.system.add_port(model, element=element) for element in (start, end)]
        ifcopenshell.api.system.connect_port(model, port1=ports[0], port2=ports[1], direction="SOURCE")
    found = said(model)
    flows = {(source, target) for source, kind, target, role in found.ties if (kind, role) == ("connects", "flow")}
    assert flows == {("Boiler", "PipeSegment"), ("PipeSegment", "SpaceHeater")}
    assert ("Boiler", "member", "Heating", "DistributionSystem") in found.ties
    assert found.rows["Boiler"]["system"] == "Heating"
    assert (found.rows["Heating"]["layer"], found.rows["Heating"]["kind"]) == ("groups", "CityObjectGroup")
    assert sorted(found.groups["PipeSegment"]["Ports"].values()) == ["sink", "source"]


def test_ports_of_ifc2x3_belong_by_their_own_relation(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    house = new_house("IFC2X3")
    model, owner = house.model, {"OwnerHistory": house.storey.OwnerHistory}
    ends = [add(model, "IfcFlowSegment", name, **owner) for name in ("First", "Second")]
    ports = [add(model, "IfcDistributionPort", FlowDirection=way, **owner) for way in ("SINK", "SOURCE")]
    for port, element in zip(ports, ends, strict=True):
        add(model, "IfcRelConnectsPortToElement", RelatingPort=port, RelatedElement=element, **owner)
    add(model, "IfcRelConnectsPorts", RelatingPort=ports[0], RelatedPort=ports[1], **owner)
    assert said(model).ties == {  # it flows out of a source
        ("Second", "connects", "First", "flow"),
        ("IfcDistributionPort", "joins", "IfcDistributionPort", "flow"),
    }


def test_zones_and_the_buildings_that_a_system_serves_are_related(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    model = new_house("IFC4").model
    room, zone, system = (
        add(model, "IfcSpace", "101"),
        add(model, "IfcZone", "Flat 1"),
        add(model, "IfcSystem", "Water"),
    )
    add(model, "IfcRelAssignsToGroup", RelatedObjects=[room], RelatingGroup=zone)
    building = model.by_type("IfcBuilding")[0]
    add(model, "IfcRelServicesBuildings", RelatingSystem=system, RelatedBuildings=[building])
    found = said(model)
    assert found.ties == {("101", "member", "Flat 1", "Zone"), ("Water", "serves", "Building", "")}
    assert found.rows["101"]["zone"] == "Flat 1"


def test_bars_tell_diameter_length_and_steel_also_by_their_type(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    model = new_house("IFC4", millimetres=True).model
    first = add(model, "IfcReinforcingBar", "Own", NominalDiameter=16.0, BarLength=5000.0, SteelGrade="B500B")
    second = add(model, "IfcReinforcingBar", "Typed")
    kind = add(model, "IfcReinforcingBarType", "Stirrup", PredefinedType="SHEAR", NominalDiameter=8.0, BarLength=1200.0)
    ifcopenshell.api.type.assign_type(model, related_objects=[second], relating_type=kind)
    assert first.NominalDiameter == 16.0
    rows = said(model).rows
    assert (rows["Own"]["bar_diameter_mm"], rows["Own"]["bar_length_m"], rows["Own"]["steel_grade"]) == (
        16.0,
        5.0,
        "B500B",
    )
    assert (rows["Typed"]["bar_diameter_mm"], rows["Typed"]["bar_length_m"]) == (8.0, 1.2)
    assert rows["Typed"]["predefined_type"] == "SHEAR"


def test_what_stands_on_a_road_is_no_part_of_a_building(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    model = new_house("IFC4X3").model
    road = add(model, "IfcRoad", "Road")
    shoulder = add(model, "IfcRoadPart", "Side", PredefinedType="SHOULDER", UsageType="LATERAL")
    wall, lamp, sign = (add(model, name, name) for name in ("IfcWall", "IfcLightFixture", "IfcSign"))
    add(model, "IfcRelAggregates", RelatingObject=road, RelatedObjects=[shoulder])
    add(model, "IfcRelContainedInSpatialStructure", RelatingStructure=shoulder, RelatedElements=[wall, lamp, sign])
    rows = said(model).rows
    assert [rows[name]["kind"] for name in ("Road", "Side", "IfcWall", "IfcLightFixture", "IfcSign")] == [
        "Road",
        "AuxiliaryTrafficArea",
        "OtherConstruction",
        "CityFurniture",
        "CityFurniture",
    ]


def test_a_broken_relation_costs_nothing_else(
    new_house: Callable[..., Any], said: Callable[..., Any], add: Callable[..., Any]
) -> None:
    house = new_house("IFC4")
    model, wall = house.model, house.wall("North")
    add(model, "IfcRelConnectsElements", RelatingElement=wall)  # no other end
    add(model, "IfcRelAssignsToGroup", RelatedObjects=[wall])  # no group
    add(model, "IfcRelAssociatesMaterial", RelatedObjects=[wall])
    add(model, "IfcRelAssociatesClassification", RelatedObjects=[wall])
    add(model, "IfcRelVoidsElement", RelatingBuildingElement=wall)
    add(
        model,
        "IfcRelAssociatesMaterial",
        RelatedObjects=[wall],
        RelatingMaterial=model.create_entity("IfcMaterialLayerSetUsage"),
    )
    found = said(model)
    assert found.ties == set()
    assert "North" in found.rows
    assert found.rules == ["material-unreadable"]


def test_a_scene_keeps_what_the_model_says_in_layers_and_in_its_package(
    new_house: Callable[..., Any], add: Callable[..., Any], tmp_path: Path
) -> None:
    house = new_house("IFC4")
    model, wall = house.model, house.wall("Wall", (1.0, 2.0, 0.0))
    room, group = add(model, "IfcSpace", "Room"), add(model, "IfcGroup", "Phase 1")
    task = add(model, "IfcTask", "Build", IsMilestone=False, PredefinedType="CONSTRUCTION")
    task.TaskTime = model.create_entity("IfcTaskTime", ScheduleFinish="2026-03-20T17:00:00")
    add(model, "IfcRelAssignsToProduct", RelatedObjects=[task], RelatingProduct=wall)
    add(model, "IfcRelAssignsToGroup", RelatedObjects=[wall], RelatingGroup=group)
    add(model, "IfcRelAggregates", RelatingObject=house.storey, RelatedObjects=[room])
    ends = [model.create_entity("IfcCartesianPoint", [x, 0.0]) for x in (0.0, 9.0)]
    axis = model.create_entity("IfcGridAxis", "A", model.create_entity("IfcPolyline", ends), True)
    add(model, "IfcGrid", "Grid", UAxes=[axis], VAxes=[axis])
    made = bim.read(house.save(tmp_path / "h.ifc"), crs="EPSG:32651", place=Placement(354_000.0, 3_457_000.0, 4.0))
    opened = scenes.open(made.save(tmp_path / "h.city"))
    for scene in (made, opened):
        assert list(scene.layers) == ["h", "h-spaces", "h-groups", "h-schedule", "h-lines"]
        found = {scene[uid].name: scene[uid] for uid in scene}
        uid = found["Wall"].uid
        assert scene.relations(uid) == [
            ("member", "Group", found["Phase 1"].uid, True),
            ("builds", "CONSTRUCTION", found["Build"].uid, False),
        ]
        assert scene.graph("member")[["source", "target"]].to_numpy().tolist() == [[uid, found["Phase 1"].uid]]
        assert found["Wall"].fixed["valid_from"].isoformat() == "2026-03-20T17:00:00+00:00"
        assert found["Build"].attributes["finish"].isoformat() == "2026-03-20T17:00:00+00:00"
        assert found["Phase 1"].bounds == found["Build"].bounds == found["Wall"].bounds
        line = found["A"].mesh()
        assert line is not None
        assert line.lines is not None
        assert np.allclose(line.positions_m[line.lines[0]], [[0, 0, 4], [9, 0, 4]], atol=1e-4)


@pytest.mark.real_data
def test_a_real_sewer_is_one_chain_of_flow(real_data: Path, said: Callable[..., Any]) -> None:
    found = said(ifcopenshell.open(real_data / "ifc/building/RioleringTestArkey.ifc"))
    flows = [tie for tie in found.ties if tie[1:4:2] == ("connects", "flow")]
    assert len(flows) == 9
    assert found.rules == []


@pytest.mark.real_data
def test_a_real_federation_part_tells_materials_quantities_and_types(real_data: Path, said: Callable[..., Any]) -> None:
    with zipfile.ZipFile(real_data / "ifc/federated_schependomlaan/ROOT-kalkzandsteen.ifczip") as archive:
        text = archive.read(archive.namelist()[0]).decode("latin-1")
    found = said(ifcopenshell.file.from_string(text))
    walls = [row for row in found.rows.values() if row["ifc_class"].startswith("IfcWall")]
    assert walls
    assert all(row["material"] and row["storey"] for row in walls)
    assert found.rules == []


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("georeferenced/building-architecture", "zone", "living space"),
        ("infra_ifc4x3_add2/reinforcing-assembly", "bar_diameter_mm", 12.0),
        ("building/Ifc2x3_Duplex_Architecture", "material", "Concrete"),
        ("building/Ifc2s3_Duplex_Electrical", "classification", "D5020220"),
    ],
)
def test_real_models_fill_the_columns(
    real_data: Path, said: Callable[..., Any], name: str, column: str, value: Any
) -> None:
    found = said(ifcopenshell.open(real_data / f"ifc/{name}.ifc"))
    values = [row[column] for row in found.rows.values() if row[column] is not None]
    assert any(each == value if isinstance(value, float) else value in each for each in values)
    assert found.rules == []
