"""A model that is read, written as IFC and read again says the same: ids, types, materials, sets, relations, shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ifcopenshell
import ifcopenshell.api.classification
import ifcopenshell.api.feature
import ifcopenshell.api.geometry
import ifcopenshell.api.group
import ifcopenshell.api.material
import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.sequence
import ifcopenshell.api.spatial
import ifcopenshell.api.system
import ifcopenshell.api.type
import ifcopenshell.api.unit
import numpy as np
import pytest

import bim
from bim.checking import IfcChecker
from scenes.export import export
from scenes.sources import Source
from tests.bim.dossiers import documented
from tests.bim.panels import BLUE, GREEN, RED, WHITE, Panel, near, seen
from twin.whatif import MoveObject, RemoveObject, Scenario, SetAttribute

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes import CityObject, Scene


def clinic(house: Any) -> Any:
    """Give a house all that is expected to come back, and return its model."""
    model = house.model
    walls = [house.wall(f"Wall {number}", (0.0, 4.0 * number, 0.0)) for number in range(3)]
    kind = ifcopenshell.api.root.create_entity(
        model, ifc_class="IfcWallType", name="Outer wall", predefined_type="SOLIDWALL"
    )
    shared = ifcopenshell.api.pset.add_pset(model, product=kind, name="Pset_WallCommon")
    ifcopenshell.api.pset.edit_pset(model, pset=shared, properties={"FireRating": "REI 60", "LoadBearing": True})
    ifcopenshell.api.type.assign_type(model, related_objects=walls, relating_type=kind)
    own = ifcopenshell.api.pset.add_pset(model, product=walls[1], name="Pset_WallCommon")
    ifcopenshell.api.pset.edit_pset(model, pset=own, properties={"FireRating": "REI 90"})
    _odd_properties(model, walls[0])
    quantities = ifcopenshell.api.pset.add_qto(model, product=walls[0], name="Qto_WallBaseQuantities")
    ifcopenshell.api.pset.edit_qto(model, qto=quantities, properties={"Length": 5.0, "NetVolume": 3.0})
    _materials(model, walls)
    system = ifcopenshell.api.classification.add_classification(model, classification="Uniclass")
    for code, name, product in (("Ss_25_10", "Walls, framed", walls[0]), ("EF_25", "", walls[2])):
        reference = model.create_entity("IfcClassificationReference", None, code, name or None, system)
        ifcopenshell.api.classification.add_reference(
            model, products=[product], reference=reference, classification=system
        )
    _opening(house, walls[0])
    _pipes(house)
    _works(model, walls)
    return model


def _odd_properties(model: Any, wall: Any) -> None:
    create = model.create_entity
    watt = [
        create("IfcSIUnit", UnitType="POWERUNIT", Name="WATT"),
        create("IfcSIUnit", UnitType="LENGTHUNIT", Name="METRE"),
    ]
    parts = [create("IfcDerivedUnitElement", unit, power) for unit, power in zip(watt, (1, -2), strict=True)]
    per_area = create("IfcDerivedUnit", parts, "HEATFLUXDENSITYUNIT")
    milli = create("IfcSIUnit", UnitType="LENGTHUNIT", Prefix="MILLI", Name="METRE")
    degree = ifcopenshell.api.unit.add_conversion_based_unit(model, name="degree")
    heat, turn = create("IfcReal", 4.5), create("IfcPlaneAngleMeasure", 30.0)
    values = [create("IfcLabel", text) for text in ("红", "blue")]
    lengths = [create("IfcLengthMeasure", value) for value in (1.0, 2.0)]
    properties = [
        create("IfcPropertySingleValue", Name="Heat", NominalValue=heat, Unit=per_area),
        create("IfcPropertySingleValue", Name="Turn", NominalValue=turn, Unit=degree),
        create("IfcPropertySingleValue", Name="Count", NominalValue=create("IfcInteger", 7)),
        create("IfcPropertyListValue", Name="Paints", ListValues=values),
        create(
            "IfcPropertyBoundedValue", Name="Range", LowerBoundValue=lengths[0], UpperBoundValue=lengths[1], Unit=milli
        ),
        create("IfcPropertyTableValue", Name="Curve", DefiningValues=lengths, DefinedValues=lengths),
    ]
    pset = model.create_entity("IfcPropertySet", ifcopenshell.guid.new(), Name="Odd", HasProperties=properties)
    model.create_entity("IfcRelDefinesByProperties", ifcopenshell.guid.new(), None, None, None, [wall], pset)


def _materials(model: Any, walls: list[Any]) -> None:
    brick, oak, wool = (
        ifcopenshell.api.material.add_material(model, name=name, category=category)
        for name, category in (("Brick", "masonry"), ("Oak, oiled", None), ("Wool", None))
    )
    create = model.create_entity
    layers = [create("IfcMaterialLayer", each, depth) for each, depth in ((brick, 0.15), (None, 0.02), (wool, 0.03))]
    usage = create(
        "IfcMaterialLayerSetUsage", create("IfcMaterialLayerSet", layers, "Cavity"), "AXIS2", "POSITIVE", -0.1
    )
    shares = [create("IfcMaterialConstituent", Name=name, Material=each, Fraction=share) for name, each, share in
              (("frame", oak, 0.25), ("filling", wool, 0.75))]  # fmt: skip
    several = create("IfcMaterialList", [oak, brick])
    mixed = create("IfcMaterialConstituentSet", Name="Panel", MaterialConstituents=shares)
    for wall, made in zip(walls, (usage, mixed, several), strict=True):
        create("IfcRelAssociatesMaterial", ifcopenshell.guid.new(), None, None, None, [wall], made)
    heat = create("IfcPropertySingleValue", Name="SpecificHeat", NominalValue=create("IfcReal", 1030.0))
    create("IfcMaterialProperties", "Pset_MaterialThermal", None, [heat], wool)


def _opening(house: Any, wall: Any) -> None:
    model = house.model
    hole, door, room = (
        ifcopenshell.api.root.create_entity(model, ifc_class=name, name=name[3:])
        for name in ("IfcOpeningElement", "IfcDoor", "IfcSpace")
    )
    door.OverallHeight = 2.0
    shape = ifcopenshell.api.geometry.add_wall_representation(
        model, context=house.body, length=1.0, height=2.0, thickness=1.0
    )
    ifcopenshell.api.geometry.assign_representation(model, product=hole, representation=shape)
    place = np.array([[1, 0, 0, 2.0], [0, 1, 0, -0.5], [0, 0, 1, 0.0], [0, 0, 0, 1.0]])
    ifcopenshell.api.geometry.edit_object_placement(model, product=hole, matrix=place)
    ifcopenshell.api.feature.add_feature(model, feature=hole, element=wall)
    ifcopenshell.api.feature.add_filling(model, opening=hole, element=door)
    ifcopenshell.api.spatial.assign_container(model, relating_structure=house.storey, products=[door])
    ifcopenshell.api.aggregate.assign_object(model, products=[room], relating_object=house.storey)
    model.create_entity(
        "IfcRelSpaceBoundary",
        ifcopenshell.guid.new(),
        RelatingSpace=room,
        RelatedBuildingElement=door,
        PhysicalOrVirtualBoundary="PHYSICAL",
        InternalOrExternalBoundary="EXTERNAL",
    )
    zone = ifcopenshell.api.root.create_entity(model, ifc_class="IfcZone", name="Wards")
    ifcopenshell.api.group.assign_group(model, products=[room], group=zone)


def _pipes(house: Any) -> None:
    model, ends, pipes = house.model, [], []
    for name, direction in (("Pipe", "SOURCE"), ("Tap", "SINK")):
        pipe = ifcopenshell.api.root.create_entity(model, ifc_class="IfcPipeSegment", name=name)
        ifcopenshell.api.spatial.assign_container(model, relating_structure=house.storey, products=[pipe])
        port = ifcopenshell.api.system.add_port(model, element=pipe)
        port.Name, port.PredefinedType = f"{name} end", "PIPE"
        place = np.array([[1, 0, 0, 7.0], [0, 1, 0, 2.0], [0, 0, 1, 3.0], [0, 0, 0, 1.0]])
        ifcopenshell.api.geometry.edit_object_placement(model, product=port, matrix=place)
        ends.append((port, direction))
        pipes.append(pipe)
    ifcopenshell.api.system.connect_port(model, port1=ends[0][0], port2=ends[1][0], direction="NOTDEFINED")
    for port, direction in ends:
        port.FlowDirection = direction
    water = ifcopenshell.api.system.add_system(model, ifc_class="IfcDistributionSystem")
    water.Name, water.PredefinedType = "Cold water", "DOMESTICCOLDWATER"
    ifcopenshell.api.system.assign_system(model, products=pipes, system=water)
    model.create_entity(
        "IfcRelServicesBuildings", ifcopenshell.guid.new(), RelatingSystem=water, RelatedBuildings=[house.storey]
    )


def _works(model: Any, walls: list[Any]) -> None:
    plan = ifcopenshell.api.sequence.add_work_plan(model, name="Plan")
    schedule = ifcopenshell.api.sequence.add_work_schedule(
        model, name="2026", start_time="2026-03-01T00:00:00", work_plan=plan
    )
    first = ifcopenshell.api.sequence.add_task(model, work_schedule=schedule, name="Walls", identification="A.1")
    second = ifcopenshell.api.sequence.add_task(model, parent_task=first, name="Clear away", predefined_type="REMOVAL")
    for task, start, days in ((first, "2026-03-02T08:00:00", "P10D"), (second, "2026-05-01T08:00:00", "P1DT12H")):
        time = ifcopenshell.api.sequence.add_task_time(model, task=task)
        ifcopenshell.api.sequence.edit_task_time(
            model, task_time=time, attributes={"ScheduleStart": start, "ScheduleDuration": days, "Completion": 0.5}
        )
    for wall in walls[:2]:
        ifcopenshell.api.sequence.assign_product(model, relating_product=wall, related_object=first)
    ifcopenshell.api.sequence.assign_process(model, relating_process=second, related_object=walls[2])
    sequence = ifcopenshell.api.sequence.assign_sequence(model, relating_process=first, related_process=second)
    sequence.SequenceType = "FINISH_START"
    ifcopenshell.api.sequence.assign_lag_time(model, rel_sequence=sequence, lag_value="P2D")


@pytest.fixture
def both(new_house: Callable[..., Any], tmp_path: Path) -> tuple[Scene, Scene]:
    """A model as it is read, and as it is read after it went out as IFC."""
    house = new_house("IFC4")
    clinic(house).write(str(tmp_path / "clinic.ifc"))
    scene = bim.read(tmp_path / "clinic.ifc")
    return scene, bim.read(exported(scene, tmp_path / "out.ifc"))


def exported(scene: Scene, path: Path) -> Path:
    """Write a scene and check that the file keeps all rules of the schema."""
    file = export(scene, path)
    assert [each for each in IfcChecker().check(Source(str(file))) if each.severity == "error"] == []
    return file


def by_global_id(scene: Scene) -> dict[str, CityObject]:
    return {each.aliases["ifc"]: each for each in map(scene.at, range(len(scene)))}


def rounded(value: Any) -> Any:
    """Return a value with numbers to nine digits, so that a change of units does not count."""
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def named(scene: Scene, name: str) -> CityObject:
    return next(each for each in map(scene.at, range(len(scene))) if each.name == name)


def ties(scene: Scene) -> set[tuple[str, str, str, str]]:
    table = scene.graph()
    columns = (table[name] for name in ("source", "kind", "target", "role"))
    return {
        (str(scene[source].name), kind, str(scene[target].name), role)
        for source, kind, target, role in zip(*columns, strict=True)
    }


def test_every_object_says_the_same(both: tuple[Scene, Scene]) -> None:
    before, after = (by_global_id(scene) for scene in both)
    assert before.keys() == after.keys()
    assert len(before) == 20
    for guid, old in before.items():
        new = after[guid]
        assert (new.name, new.kind, rounded(dict(new.attributes))) == (
            old.name,
            old.kind,
            rounded(dict(old.attributes)),
        )
        assert rounded(new.properties) == rounded(old.properties), old.name
        for column in ("valid_from", "valid_to"):
            assert new.fixed[column] == old.fixed[column]
        parents = [
            scene[str(each.parent)].name if each.parent else None for scene, each in zip(both, (old, new), strict=True)
        ]
        assert parents[0] == parents[1], old.name


def test_every_relation_comes_back(both: tuple[Scene, Scene]) -> None:
    before, after = (ties(scene) for scene in both)
    assert before == after
    kinds = {"fills", "voids", "joins", "connects", "bounds", "member", "serves", "builds", "removes", "precedes"}
    assert {kind for _, kind, _, _ in before} == kinds
    assert ("Walls", "precedes", "Clear away", "FINISH_START +2 d") in after


def test_shapes_come_back_to_a_millimetre(both: tuple[Scene, Scene]) -> None:
    shift = both[1].georeference.origin_m - both[0].georeference.origin_m
    before, after = (by_global_id(scene) for scene in both)
    compared = 0
    for guid, old in before.items():
        new = after[guid]
        assert (old.bounds is None) == (new.bounds is None), old.name
        if old.bounds is not None and new.bounds is not None:
            assert np.allclose(np.array(new.bounds) + np.tile(shift, 2), old.bounds, atol=1e-3)
        one, two = old.mesh(), new.mesh()
        if one is not None and one.triangle_count:
            assert two is not None
            assert two.expanded().area_m2() == pytest.approx(one.expanded().area_m2(), rel=1e-5)
            compared += 1
    assert compared >= 4


def test_types_materials_and_classes_are_shared(both: tuple[Scene, Scene], tmp_path: Path) -> None:
    model = ifcopenshell.open(str(tmp_path / "out.ifc"))
    (kind,) = model.by_type("IfcWallType")
    assert [each.Name for each in kind.HasPropertySets] == ["Pset_WallCommon"]
    assert {each.Name for each in kind.HasPropertySets[0].HasProperties} == {"FireRating", "LoadBearing"}
    assert sorted(each.Name for each in kind.Types[0].RelatedObjects) == ["Wall 0", "Wall 1", "Wall 2"]
    assert sorted(each.Name for each in model.by_type("IfcMaterial")) == ["Brick", "Oak, oiled", "Wool"]
    assert [each.LayerSetDirection for each in model.by_type("IfcMaterialLayerSetUsage")] == ["AXIS2"]
    assert len(model.by_type("IfcMaterialConstituentSet")) == len(model.by_type("IfcMaterialList")) == 1
    assert [each.Name for each in model.by_type("IfcClassification")] == ["Uniclass"]
    assert len(both[0]) == len(both[1])


def test_an_opening_leaves_only_with_its_host(both: tuple[Scene, Scene], tmp_path: Path) -> None:
    export(both[0], tmp_path / "doors.ifc", where="name IN ('Door', 'OpeningElement')")
    assert len(ifcopenshell.open(str(tmp_path / "doors.ifc")).by_type("IfcOpeningElement")) == 0


def test_a_scenario_leaves_as_it_is(new_house: Callable[..., Any], tmp_path: Path) -> None:
    clinic(new_house("IFC4")).write(str(tmp_path / "clinic.ifc"))
    scene = bim.read(tmp_path / "clinic.ifc")
    kept, gone, changed = (named(scene, f"Wall {number}") for number in range(3))
    edits = (
        MoveObject(kept.uid, 10.0, -2.0, 0.5, 90.0),
        RemoveObject(gone.uid),
        SetAttribute(changed.uid, "fire_rating", "REI 120"),
        SetAttribute(changed.uid, "length_m", 7.5),
        SetAttribute(changed.uid, "material", "Timber"),
        SetAttribute(changed.uid, "renovated", True),
        SetAttribute(changed.uid, "type_name", "Inner wall"),
    )
    plan = Scenario("renewal", scene).edit(*edits).scene
    back = bim.read(exported(plan, tmp_path / "renewal.ifc"))
    ids = by_global_id(back)
    assert gone.aliases["ifc"] not in ids
    assert len(back) == len(scene) - 1
    shift = np.tile(back.georeference.origin_m - scene.georeference.origin_m, 2)
    moved = ids[kept.aliases["ifc"]]
    assert moved.bounds is not None
    assert np.allclose(np.array(moved.bounds) + shift, np.array(plan[kept.uid].bounds), atol=1e-3)
    assert plan[kept.uid].bounds != kept.bounds
    wall = ids[changed.aliases["ifc"]]
    told = {
        name: wall.attributes[name] for name in ("fire_rating", "length_m", "material", "type_name", "load_bearing")
    }
    assert told == {
        "fire_rating": "REI 120",
        "length_m": 7.5,
        "material": "Timber",
        "type_name": "Inner wall",
        "load_bearing": True,
    }
    assert wall.properties["Pset_WallCommon"]["FireRating"] == "REI 120"
    assert wall.properties["citytwin_Attributes"] == {"renovated": True}
    assert moved.attributes["fire_rating"] == "REI 60"


def test_images_come_back(new_house: Callable[..., Any], tmp_path: Path) -> None:
    panel = Panel(new_house("IFC4"))
    panel.map(panel.texture())
    scene = panel.read(tmp_path)
    back = bim.read(exported(scene, tmp_path / "out.ifc"))
    mesh = named(back, "Panel").mesh()
    assert mesh is not None
    low = np.array(named(back, "Panel").bounds)[:3]
    spots = (((1.0, 0.0, 1.5), RED), ((3.0, 0.0, 1.5), GREEN), ((1.0, 0.0, 0.5), BLUE), ((3.0, 0.0, 0.5), WHITE))
    for spot, colour in spots:
        assert near(seen(mesh.expanded(), tuple((low + spot).tolist())), colour)


def test_an_id_that_breaks_the_rules_is_replaced(new_house: Callable[..., Any], tmp_path: Path) -> None:
    house = new_house("IFC4")
    house.wall("Wall").GlobalId = "ZZZ"
    back = bim.read(exported(bim.read(house.save(tmp_path / "a.ifc")), tmp_path / "b.ifc"))
    assert len(named(back, "Wall").aliases["ifc"]) == 22


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "building/IfcOpenHouse_IFC4.ifc",
        "building/RioleringTestArkey.ifc",
        "building/tested_sample_project.ifc",
        "georeferenced/grid-placement.ifc",
        "infra_ifc4x3_add2/construction-scheduling-task.ifc",
        "infra_ifc4x3_add2/linear-placement-of-signal.ifc",
    ],
)
def test_real_models_leave_valid_and_whole(real_data: Path, tmp_path: Path, name: str) -> None:
    scene = bim.read(real_data / "ifc" / name)
    back = bim.read(exported(scene, tmp_path / "out.ifc"))
    names = [sorted(str(city[uid].name) for uid in city) for city in (scene, back)]
    assert names[0] == names[1]
    assert {kind for _, kind, _, _ in ties(scene)} == {kind for _, kind, _, _ in ties(back)}


@pytest.mark.parametrize("schema", ["IFC2X3", "IFC4"])
def test_documents_costs_and_permits_come_back_as_they_are(
    new_house: Callable[..., Any], add: Callable[..., Any], tmp_path: Path, schema: str
) -> None:
    house = new_house(schema)
    if schema == "IFC4":
        ifcopenshell.api.unit.assign_unit(
            house.model, units=[ifcopenshell.api.unit.add_monetary_unit(house.model, currency="CNY")]
        )
    documented(house, add)
    before = bim.read(house.save(tmp_path / "before.ifc"))
    file = export(before, tmp_path / "after.ifc")
    assert [each for each in IfcChecker().check(Source(str(file))) if each.severity == "error"] == []
    after = bim.read(file)
    assert ties(before) == ties(after)
    assert {kind for _, kind, _, _ in ties(after)} >= {"documented", "approved", "constrained", "governed", "actor"}
    for name in ("North", "Sheet 3", "Wall plan", "Design review", "Sound", "Masonry", "Building permit", "Architect"):
        old, new = named(before, name), named(after, name)
        assert rounded(told_of(new)) == rounded(told_of(old)), name
        assert new.fixed["source_id"] == old.fixed["source_id"]
        assert {new.attributes.get(key) for key in ("identification", "status")} == {
            old.attributes.get(key) for key in ("identification", "status")
        }
    written = ifcopenshell.open(str(file))
    assert [each.Name for each in written.by_type("IfcPropertySet")] == []
    assert [each.ReferencedDocument.Name for each in written.by_type("IfcDocumentReference")] == ["Wall plan"]


def told_of(thing: CityObject) -> dict[str, Any]:
    """Return the groups of an object without the plain attributes that older schemas name otherwise."""
    return {name: group for name, group in thing.properties.items() if name != "Attributes"}


def test_records_that_are_not_exported_stay_property_sets(
    new_house: Callable[..., Any], add: Callable[..., Any], tmp_path: Path
) -> None:
    house = new_house("IFC4")
    documented(house, add)
    scene = bim.read(house.save(tmp_path / "before.ifc"))
    walls = scene.without_layer(next(name for name in scene.layers if name.endswith("-records")))
    written = ifcopenshell.open(str(export(walls, tmp_path / "after.ifc")))
    assert {"Documents", "Approvals", "Constraints", "Controls"} <= {
        each.Name for each in written.by_type("IfcPropertySet")
    }
    assert not [*written.by_type("IfcDocumentReference"), *written.by_type("IfcControl")]
