"""Which IFC class each object becomes, and its GlobalId."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

import ifcopenshell
import ifcopenshell.guid

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "IFC4X3_ADD2"
_CLASSES: Mapping[str, str] = {
    "Site": "IfcSite",
    "Building": "IfcBuilding",
    "BuildingPart": "IfcBuilding",
    "Storey": "IfcBuildingStorey",
    "BuildingRoom": "IfcSpace",
    "BuildingUnit": "IfcSpace",
    "Bridge": "IfcBridge",
    "Road": "IfcRoad",
    "Railway": "IfcRailway",
    "Door": "IfcDoor",
    "Window": "IfcWindow",
    "BuildingFurniture": "IfcFurniture",
    "CityFurniture": "IfcFurniture",
    "SolitaryVegetationObject": "IfcGeographicElement",
    "PlantCover": "IfcGeographicElement",
    "ReliefFeature": "IfcGeographicElement",
    "WaterBody": "IfcGeographicElement",
    "Waterway": "IfcGeographicElement",
    "LandUse": "IfcGeographicElement",
    "Pipe": "IfcPipeSegment",
    "PipeFitting": "IfcPipeFitting",
    "Manhole": "IfcDistributionChamberElement",
    "Device": "IfcSensor",
    "CityObjectGroup": "IfcGroup",
    "Record": "",
}
_DEFAULT = "IfcBuildingElementProxy"
# Classes of older schemas, and what they are called now.
_RENAMED = {"IfcBuildingElement": "IfcBuiltElement", "IfcProxy": _DEFAULT, "IfcElectricalElement": _DEFAULT,
            "IfcEquipmentElement": _DEFAULT}  # fmt: skip
_WRITTEN = (
    "IfcProduct", "IfcGroup", "IfcTask", "IfcProject", "IfcControl", "IfcActor", "IfcApproval", "IfcConstraint",
    "IfcDocumentInformation", "IfcDocumentReference", "IfcLibraryInformation", "IfcLibraryReference",
)  # fmt: skip
_LEFT_OUT = ("IfcStructuralActivity", "IfcStructuralItem", "IfcVirtualElement")
_PARTS = frozenset({"IfcGridAxis"})  # written with their grid
_VALID = re.compile(r"[0-3][0-9A-Za-z_$]{21}$")
_NEVER_ASKED = frozenset({"GlobalId", "OwnerHistory", "Name"})


class Classes:
    """The classes of the schema that objects may become.

    Examples
    --------
    >>> classes = Classes()
    >>> classes.of("BuildingConstructiveElement", "IfcWallStandardCase"), classes.of("Building", "")
    ('IfcWall', 'IfcBuilding')
    >>> classes.of("Device", "IfcNonsense"), classes.is_a("IfcBuildingStorey", "IfcSpatialElement")
    ('IfcSensor', True)
    """

    def __init__(self) -> None:
        """Load the schema."""
        self._schema: Any = ifcopenshell.ifcopenshell_wrapper.schema_by_name(SCHEMA)
        self._known: dict[str, Any] = {}

    def of(self, kind: str, stated: str) -> str:
        """Return the class of an object of a kind that stated an IFC class; empty where a file has no place for it."""
        stated = _RENAMED.get(stated, stated.removesuffix("StandardCase").removesuffix("ElementedCase"))
        declaration = self._declaration(stated)
        if declaration is not None and not declaration.is_abstract():
            written = any(self._is(declaration, name) for name in _WRITTEN)
            return stated if written and not any(self._is(declaration, name) for name in _LEFT_OUT) else ""
        return "" if stated in _PARTS else _CLASSES.get(kind, _DEFAULT)

    def is_a(self, name: str, above: str) -> bool:
        """Say whether a class is another one or a special case of it."""
        return self._is(self._declaration(name), above)

    def is_placed(self, name: str) -> bool:
        """Say whether a class has a place of its own."""
        return self._is(self._declaration(name), "IfcProduct")

    def knows(self, name: str) -> bool:
        """Say whether the schema has a class that can be made."""
        declaration = self._declaration(name)
        return declaration is not None and not declaration.is_abstract()

    def required(self, name: str) -> dict[str, str]:
        """Return the enumerated attributes that a class asks for, each with the value that says least."""
        found = {}
        for each in self._declaration(name).all_attributes():
            values = () if each.optional() or each.name() in _NEVER_ASKED else self.values(name, each.name())
            if values:
                found[each.name()] = "NOTDEFINED" if "NOTDEFINED" in values else values[0]
        return found

    def simple(self, name: str) -> dict[str, str]:
        """Return the attributes of a class that hold plain values, with the names of their types (``number``, ...)."""
        found = {}
        for each in self._declaration(name).all_attributes():
            named = each.type_of_attribute().as_named_type()
            declared = named.declared_type() if named is not None else None
            if declared is None:
                found[each.name()] = "logical"
            elif declared.as_entity() is None and declared.as_select_type() is None:
                found[each.name()] = str(declared)
        return found

    def attributes(self, name: str) -> frozenset[str]:
        """Return the names of the attributes of a class."""
        declaration = self._declaration(name)
        return frozenset(each.name() for each in declaration.all_attributes()) if declaration else frozenset()

    def values(self, name: str, attribute: str) -> tuple[str, ...]:
        """Return the values that an enumerated attribute may take, none if it is no enumeration."""
        for each in self._declaration(name).all_attributes():
            if each.name() == attribute:
                found = each.type_of_attribute()
                declared: Any = found.declared_type() if hasattr(found, "declared_type") else None
                return tuple(declared.enumeration_items()) if hasattr(declared, "enumeration_items") else ()
        return ()

    def _declaration(self, name: str) -> Any:
        if name not in self._known:
            try:
                self._known[name] = self._schema.declaration_by_name(name).as_entity()
            except RuntimeError:
                self._known[name] = None
        return self._known[name]

    @staticmethod
    def _is(declaration: Any, name: str) -> bool:
        while declaration is not None:
            if declaration.name() == name:
                return True
            declaration = declaration.supertype()
        return False


def global_id(uid: str, alias: str, taken: set[str]) -> str:
    """Return the GlobalId of an object: its own where it is valid and free, else one that is derived from its uid.

    Examples
    --------
    >>> made = global_id("urn:uuid:6f1e1a52-3f5c-5b1e-9d5a-0d2f2a6f7c11", "", set())
    >>> uuid.UUID(ifcopenshell.guid.expand(made))
    UUID('6f1e1a52-3f5c-5b1e-9d5a-0d2f2a6f7c11')
    """
    if _VALID.match(alias) and alias not in taken:
        taken.add(alias)
        return alias
    text = uid.rpartition(":")[2]
    try:
        made = uuid.UUID(text)
    except ValueError:
        made = uuid.uuid5(uuid.NAMESPACE_URL, uid)
    found = str(ifcopenshell.guid.compress(made.hex))
    while found in taken:
        made = uuid.uuid5(made, "again")
        found = str(ifcopenshell.guid.compress(made.hex))
    taken.add(found)
    return found
