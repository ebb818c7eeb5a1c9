"""Writes an IFC4 building with everything that a good model has, through ifcopenshell's own API.

The demo city's library is made here: storeys, rooms, walls with windows and doors, slabs, columns, a ventilation
system, property sets, quantities, a classification by type, colours and a georeference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ifcopenshell
import ifcopenshell.api.aggregate
import ifcopenshell.api.context
import ifcopenshell.api.feature
import ifcopenshell.api.geometry
import ifcopenshell.api.georeference
import ifcopenshell.api.project
import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.api.style
import ifcopenshell.api.system
import ifcopenshell.api.type
import ifcopenshell.api.unit
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

Point = tuple[float, float, float]
LENGTH_M, DEPTH_M, STOREY_M, WALL_M, SLAB_M = 42.0, 26.0, 4.2, 0.3, 0.35
STOREYS = 5
BAY_M = 6.0
_COLOURS = {
    "stone": (0.90, 0.88, 0.83, 0.0),
    "glass": (0.55, 0.72, 0.82, 0.55),
    "concrete": (0.72, 0.72, 0.70, 0.0),
    "timber": (0.62, 0.44, 0.28, 0.0),
    "plaster": (0.95, 0.94, 0.91, 0.0),
    "duct": (0.70, 0.74, 0.80, 0.0),
    "roof": (0.36, 0.40, 0.42, 0.0),
    "room": (0.60, 0.78, 0.92, 0.7),
}


@dataclass
class _Draft:
    """The model being written, and what many steps need."""

    model: Any
    body: Any
    styles: dict[str, Any]
    storey: Any = None
    types: dict[str, Any] = field(default_factory=dict)


def write_library(path: Path, *, crs: str, place_m: Point, angle_deg: float = 0.0) -> Path:
    """Write the city library as IFC4 and return its path.

    Parameters
    ----------
    path
        Where the file goes.
    crs
        Projected system of the georeference, such as ``EPSG:32651``.
    place_m
        Easting, northing and height of the south-west corner of the ground floor, metres.
    angle_deg
        Turn of the building, anticlockwise from east.
    """
    draft = _begin(crs, place_m, angle_deg)
    model = draft.model
    project = model.by_type("IfcProject")[0]
    site = _entity(draft, "IfcSite", "Library Square")
    building = _entity(draft, "IfcBuilding", "City Library 城市图书馆")
    ifcopenshell.api.aggregate.assign_object(model, products=[site], relating_object=project)
    ifcopenshell.api.aggregate.assign_object(model, products=[building], relating_object=site)
    _pset(
        draft,
        building,
        "Pset_BuildingCommon",
        {"NumberOfStoreys": STOREYS, "OccupancyType": "Library", "YearOfConstruction": "2026"},
    )
    supply = _system(draft, "Supply air", building)
    for level in range(STOREYS):
        storey = _entity(draft, "IfcBuildingStorey", f"Level {level + 1}")
        storey.Elevation = level * STOREY_M
        ifcopenshell.api.aggregate.assign_object(model, products=[storey], relating_object=building)
        draft.storey = storey
        _storey(draft, level, supply)
    _settle(model)
    model.write(str(path))
    return path


def _settle(model: Any) -> None:
    """Count the GlobalIds in the order of writing and fix the date, so that the same model is written every time."""
    for serial, root in enumerate(model.by_type("IfcRoot"), start=1):
        root.GlobalId = ifcopenshell.guid.compress(f"{0xC17E_0000_0000_0000_0000_0000_0000_0000 + serial:032x}")
    for relation in model.by_type("IfcRelationship"):
        for attribute in ("RelatedObjects", "RelatedElements"):
            members = getattr(relation, attribute, None)
            if isinstance(members, tuple):
                setattr(relation, attribute, sorted(members, key=lambda member: member.id()))
    for assignment in model.by_type("IfcUnitAssignment"):
        assignment.Units = sorted(assignment.Units, key=lambda unit: unit.id())
    model.header.file_name.time_stamp = "2026-01-01T00:00:00"


def _begin(crs: str, place_m: Point, angle_deg: float) -> _Draft:
    model = ifcopenshell.api.project.create_file(version="IFC4")
    ifcopenshell.api.root.create_entity(model, ifc_class="IfcProject", name="City Library")
    metre = ifcopenshell.api.unit.add_si_unit(model, unit_type="LENGTHUNIT")
    square = ifcopenshell.api.unit.add_si_unit(model, unit_type="AREAUNIT")
    cubic = ifcopenshell.api.unit.add_si_unit(model, unit_type="VOLUMEUNIT")
    ifcopenshell.api.unit.assign_unit(model, units=[metre, square, cubic])
    context = ifcopenshell.api.context.add_context(model, context_type="Model")
    body = ifcopenshell.api.context.add_context(
        model, context_type="Model", context_identifier="Body", target_view="MODEL_VIEW", parent=context
    )
    ifcopenshell.api.georeference.add_georeferencing(model)
    turn = np.radians(angle_deg)
    ifcopenshell.api.georeference.edit_georeferencing(
        model,
        projected_crs={"Name": crs},
        coordinate_operation={
            "Eastings": place_m[0],
            "Northings": place_m[1],
            "OrthogonalHeight": place_m[2],
            "XAxisAbscissa": float(np.cos(turn)),
            "XAxisOrdinate": float(np.sin(turn)),
            "Scale": 1.0,
        },
    )
    draft = _Draft(model, body, {})
    for name, (red, green, blue, transparency) in _COLOURS.items():
        style = ifcopenshell.api.style.add_style(model, name=name)
        ifcopenshell.api.style.add_surface_style(
            model,
            style=style,
            ifc_class="IfcSurfaceStyleShading",
            attributes={
                "SurfaceColour": {"Name": None, "Red": red, "Green": green, "Blue": blue},
                "Transparency": transparency,
            },
        )
        draft.styles[name] = style
    return draft


def _storey(draft: _Draft, level: int, supply: Any) -> None:
    base = level * STOREY_M
    slab = _solid(
        draft, "IfcSlab", f"Floor {level + 1}", (0, 0, base - SLAB_M), (LENGTH_M, DEPTH_M, SLAB_M), "concrete"
    )
    slab.PredefinedType = "FLOOR" if level else "BASESLAB"
    _quantities(
        draft,
        slab,
        "Qto_SlabBaseQuantities",
        {"GrossArea": LENGTH_M * DEPTH_M, "GrossVolume": LENGTH_M * DEPTH_M * SLAB_M},
    )
    _facade(draft, level)
    _columns(draft, level)
    _rooms(draft, level)
    for run in range(2):
        at = (2.0, DEPTH_M * (0.3 + 0.4 * run), base + STOREY_M - 0.95)
        duct = _solid(draft, "IfcDuctSegment", f"Duct {level + 1}.{run + 1}", at, (LENGTH_M - 4.0, 0.6, 0.4), "duct")
        duct.PredefinedType = "RIGIDSEGMENT"
        ifcopenshell.api.system.assign_system(draft.model, products=[duct], system=supply)
        _pset(draft, duct, "Pset_DuctSegmentTypeCommon", {"WorkingPressure": 250.0})
    if level == STOREYS - 1:
        roof = _solid(
            draft, "IfcSlab", "Roof", (-0.6, -0.6, base + STOREY_M), (LENGTH_M + 1.2, DEPTH_M + 1.2, 0.4), "roof"
        )
        roof.PredefinedType = "ROOF"
        plant = _solid(
            draft,
            "IfcUnitaryEquipment",
            "Air handling unit",
            (30.0, 8.0, base + STOREY_M + 0.4),
            (6.0, 3.2, 2.6),
            "duct",
        )
        plant.PredefinedType = "AIRHANDLER"
        ifcopenshell.api.system.assign_system(draft.model, products=[plant], system=supply)


def _facade(draft: _Draft, level: int) -> None:
    base, clear = level * STOREY_M, STOREY_M - SLAB_M
    sides = (
        ("South", (0.0, 0.0), (LENGTH_M, WALL_M), 0),
        ("North", (0.0, DEPTH_M - WALL_M), (LENGTH_M, WALL_M), 0),
        ("West", (0.0, WALL_M), (WALL_M, DEPTH_M - 2 * WALL_M), 1),
        ("East", (LENGTH_M - WALL_M, WALL_M), (WALL_M, DEPTH_M - 2 * WALL_M), 1),
    )
    for name, (x, y), (width, depth), along in sides:
        wall = _solid(draft, "IfcWall", f"{name} wall {level + 1}", (x, y, base), (width, depth, clear), "stone")
        _typed(
            draft,
            wall,
            "IfcWallType",
            "External wall 300",
            {"IsExternal": True, "ThermalTransmittance": 0.24, "FireRating": "REI 60"},
        )
        run = (width, depth)[along]
        _quantities(
            draft,
            wall,
            "Qto_WallBaseQuantities",
            {"Length": run, "Height": clear, "Width": WALL_M, "GrossSideArea": run * clear},
        )
        for bay in range(int(run // BAY_M)):
            start = (run - int(run // BAY_M) * BAY_M) / 2 + bay * BAY_M
            door = level == 0 and name == "South" and bay == 3
            low, high, wide = (0.0, 2.6, 2.4) if door else (0.9 if level else 0.4, clear - 0.35, 4.4)
            offset = start + (BAY_M - wide) / 2
            at = (x + offset, y, base + low) if along == 0 else (x, y + offset, base + low)
            size = (wide, WALL_M, high - low) if along == 0 else (WALL_M, wide, high - low)
            _opening(draft, wall, (at, size), f"{name} {level + 1}.{bay + 1}", door=door)


def _opening(draft: _Draft, wall: Any, box: tuple[Point, Point], name: str, *, door: bool) -> None:
    """Cut a box out of a wall and fill it with a window or a door."""
    at, size = box
    along = 0 if size[1] == WALL_M else 1
    model = draft.model
    hole = ifcopenshell.api.root.create_entity(model, ifc_class="IfcOpeningElement", name=f"Opening {name}")
    _shape(draft, hole, at, size, None)
    ifcopenshell.api.feature.add_feature(model, feature=hole, element=wall)
    thin = (size[0], 0.08, size[2]) if along == 0 else (0.08, size[1], size[2])
    inset = (at[0], at[1] + 0.1, at[2]) if along == 0 else (at[0] + 0.1, at[1], at[2])
    kind, style = ("IfcDoor", "timber") if door else ("IfcWindow", "glass")
    filling = _solid(draft, kind, f"{kind[3:]} {name}", inset, thin, style)
    ifcopenshell.api.feature.add_filling(model, opening=hole, element=filling)
    wide, high = max(size[0], size[1]) if along == 0 else size[1], size[2]
    filling.OverallWidth, filling.OverallHeight = float(wide), float(high)
    _pset(draft, filling, f"Pset_{kind[3:]}Common", {"IsExternal": True, "ThermalTransmittance": 1.1})


def _columns(draft: _Draft, level: int) -> None:
    for x in np.arange(BAY_M, LENGTH_M - 1.0, BAY_M):
        for y in (DEPTH_M / 3, 2 * DEPTH_M / 3):
            at = (float(x) - 0.2, y - 0.2, level * STOREY_M)
            column = _solid(draft, "IfcColumn", f"Column {level + 1}", at, (0.4, 0.4, STOREY_M - SLAB_M), "concrete")
            _pset(draft, column, "Pset_ColumnCommon", {"LoadBearing": True})


def _rooms(draft: _Draft, level: int) -> None:
    names = (
        ("Foyer", "门厅"), ("Café", "咖啡厅"), ("Children's library", "少儿馆"), ("Reading room", "阅览室"),
        ("Stacks", "书库"), ("Studio", "创作室"), ("Seminar room", "研讨室"), ("Offices", "办公室"),
    )  # fmt: skip
    across, deep = 4, 2
    width, depth = (LENGTH_M - 2 * WALL_M) / across, (DEPTH_M - 2 * WALL_M) / deep
    clear = STOREY_M - SLAB_M
    for number in range(across * deep):
        column, row = number % across, number // across
        x, y = WALL_M + column * width, WALL_M + row * depth
        name = names[(number + level) % len(names)]
        room = _entity(draft, "IfcSpace", f"{level + 1}.{number + 1:02d}")
        room.LongName = f"{name[0]} {name[1]}"
        room.PredefinedType = "INTERNAL"
        ifcopenshell.api.aggregate.assign_object(draft.model, products=[room], relating_object=draft.storey)
        _shape(draft, room, (x + 0.06, y + 0.06, level * STOREY_M), (width - 0.12, depth - 0.12, clear), "room")
        _pset(draft, room, "Pset_SpaceCommon", {"IsExternal": False, "PubliclyAccessible": number != 7})
        _quantities(
            draft,
            room,
            "Qto_SpaceBaseQuantities",
            {"NetFloorArea": width * depth, "Height": clear, "NetVolume": width * depth * clear},
        )
        if column:
            partition = _solid(
                draft,
                "IfcWall",
                f"Partition {level + 1}.{number}",
                (x - 0.06, y, level * STOREY_M),
                (0.12, depth, clear),
                "plaster",
            )
            _typed(draft, partition, "IfcWallType", "Partition 120", {"IsExternal": False, "LoadBearing": False})
        for shelf in range(2 if "Stacks" in name or "Reading room" in name else 0):
            at = (x + 1.2, y + 2.0 + shelf * 3.4, level * STOREY_M)
            _solid(draft, "IfcFurniture", f"Shelf {level + 1}.{number}.{shelf}", at, (width - 2.6, 0.6, 2.1), "timber")


def _entity(draft: _Draft, ifc_class: str, name: str) -> Any:
    return ifcopenshell.api.root.create_entity(draft.model, ifc_class=ifc_class, name=name)


def _solid(
    draft: _Draft,
    ifc_class: str,
    name: str,
    at: Point,
    size: Point,
    style: str,
) -> Any:
    product = _entity(draft, ifc_class, name)
    _shape(draft, product, at, size, style)
    ifcopenshell.api.spatial.assign_container(draft.model, products=[product], relating_structure=draft.storey)
    return product


def _shape(draft: _Draft, product: Any, at: Point, size: Point, style: str | None) -> None:
    """Give a product the shape of an upright box whose low corner lies at `at`."""
    model = draft.model
    point = model.createIfcCartesianPoint((size[0] / 2, size[1] / 2))
    outline = model.createIfcRectangleProfileDef(
        "AREA", None, model.createIfcAxis2Placement2D(point, None), size[0], size[1]
    )
    up = model.createIfcDirection((0.0, 0.0, 1.0))
    origin = model.createIfcAxis2Placement3D(model.createIfcCartesianPoint((0.0, 0.0, 0.0)), None, None)
    solid = model.createIfcExtrudedAreaSolid(outline, origin, up, size[2])
    representation = model.createIfcShapeRepresentation(draft.body, "Body", "SweptSolid", [solid])
    ifcopenshell.api.geometry.assign_representation(model, product=product, representation=representation)
    matrix = np.eye(4)
    matrix[:3, 3] = at
    ifcopenshell.api.geometry.edit_object_placement(model, product=product, matrix=matrix)
    if style is not None:
        ifcopenshell.api.style.assign_representation_styles(
            model, shape_representation=representation, styles=[draft.styles[style]]
        )


def _typed(draft: _Draft, product: Any, ifc_class: str, name: str, properties: dict[str, Any]) -> None:
    if name not in draft.types:
        kind = _entity(draft, ifc_class, name)
        _pset(draft, kind, "Pset_WallCommon", properties)
        draft.types[name] = kind
    ifcopenshell.api.type.assign_type(
        draft.model, related_objects=[product], relating_type=draft.types[name], should_map_representations=False
    )


def _pset(draft: _Draft, product: Any, name: str, properties: dict[str, Any]) -> None:
    pset = ifcopenshell.api.pset.add_pset(draft.model, product=product, name=name)
    ifcopenshell.api.pset.edit_pset(draft.model, pset=pset, properties=properties)


def _quantities(draft: _Draft, product: Any, name: str, properties: dict[str, float]) -> None:
    qto = ifcopenshell.api.pset.add_qto(draft.model, product=product, name=name)
    ifcopenshell.api.pset.edit_qto(
        draft.model, qto=qto, properties={key: round(value, 3) for key, value in properties.items()}
    )


def _system(draft: _Draft, name: str, building: Any) -> Any:
    system = ifcopenshell.api.system.add_system(draft.model, ifc_class="IfcDistributionSystem")
    system.Name = name
    system.PredefinedType = "VENTILATION"
    draft.model.create_entity("IfcRelServicesBuildings", ifcopenshell.guid.new(), None, None, None, system, [building])
    return system
