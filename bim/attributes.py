"""Worker side: the attributes that a class states directly, the type of an object, and the columns made of it all."""

# ruff: noqa: PLC0415 - the IFC library is imported where it is used, in the worker only
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bim.entities import every, plain, text_at, text_of

if TYPE_CHECKING:
    from bim.properties import Group, Groups
    from bim.units import Unit, Units

_UNSET = frozenset({"", "NOTDEFINED", "USERDEFINED"})
# Said elsewhere: columns of their own, or read by another module.
_SKIPPED = frozenset({"Tag", "ObjectType", "PredefinedType", "LongName", "Representation", "ObjectPlacement"})

# Column: property of the common set of the class (Pset_WallCommon, Pset_DoorCommon, ...).
TEXT_COLUMNS = {"fire_rating": "FireRating", "status": "Status"}
FLAG_COLUMNS = {"load_bearing": "LoadBearing", "is_external": "IsExternal"}
NUMBER_COLUMNS = {"u_value_w_m2k": "ThermalTransmittance"}
_NOTHING = frozenset({"", "UNSET", "NOTKNOWN", "NOTDEFINED", "UNDEFINED"})
# Column: names of base quantities in the order of preference.
QUANTITY_COLUMNS = {
    "length_m": ("Length", "NominalLength"),
    "width_m": ("Width", "NominalWidth"),
    "height_m": ("Height", "NominalHeight", "FinishCeilingHeight"),
    "area_m2": (
        "NetFloorArea",
        "GrossFloorArea",
        "NetSideArea",
        "NetArea",
        "GrossSideArea",
        "GrossArea",
        "Area",
        "NetSurfaceArea",
        "OuterSurfaceArea",
    ),
    "volume_m3": ("NetVolume", "GrossVolume", "Volume"),
    "weight_kg": ("NetWeight", "GrossWeight", "Weight"),
}
_BARS = {
    "NominalDiameter": ("bar_diameter_mm", 1000.0),
    "BarLength": ("bar_length_m", 1.0),
    "SteelGrade": ("steel_grade", None),
}
_GRAMS = 1.0e-3


def types_of(model: Any) -> dict[int, int]:
    """Return the entity number of the type of each typed object."""
    found = {}
    for relation in every(model, "IfcRelDefinesByType"):
        if relation.RelatingType is not None:
            found.update({entity.id(): relation.RelatingType.id() for entity in relation.RelatedObjects or ()})
    return found


def type_groups(model: Any, types: dict[int, int]) -> dict[int, dict[str, Any]]:
    """Return the property group that tells about each type, by its entity number."""
    found = {}
    for number in set(types.values()):
        entity = model.by_id(number)
        facts = {
            "Name": text_at(entity, "Name"),
            "Class": entity.is_a(),
            "GlobalId": text_at(entity, "GlobalId"),
            "Description": text_at(entity, "Description"),
            "Element type": text_at(entity, "ElementType"),
            "Predefined type": text_at(entity, "PredefinedType"),
            "Tag": text_at(entity, "Tag"),
        }
        found[number] = {name: value for name, value in facts.items() if value not in _UNSET}
    return found


def predefined_type(entity: Any, kind: Any) -> str:
    """Return the predefined type of an object: its own, else that of its type; a user-defined one by its name."""
    for each, word in ((entity, "ObjectType"), (kind, "ElementType")):
        if each is None:
            continue
        stated = text_at(each, "PredefinedType")
        if stated == "USERDEFINED" and text_at(each, word):
            return text_at(each, word)
        if stated not in _UNSET:
            return stated
    return ""


class AttributeReader:
    """Reads the attributes that the classes of one open model state directly, with units.

    Parameters
    ----------
    model
        The open file.
    units
        Its units.
    """

    def __init__(self, model: Any, units: Units) -> None:
        import ifcopenshell.ifcopenshell_wrapper as wrapper

        self._schema: Any = wrapper.schema_by_name(model.schema_identifier)
        self._units = units
        self._known: dict[str, list[tuple[int, str, Unit]]] = {}

    def read(self, entity: Any) -> dict[str, Any]:
        """Return the direct attributes of an object beyond name and description: {name: value}."""
        found = {}
        for index, name, unit in self._wanted(entity):
            value = _own_value(entity, index)
            if value is not None and value not in ("", [], "NOTDEFINED"):
                found[name] = unit.of(value)
        return found

    def in_si(self, entity: Any, name: str) -> Any:
        """Return one direct attribute in SI units, None if the entity has none of that name."""
        for index, known, unit in self._wanted(entity):
            if known == name:
                value = _own_value(entity, index)
                return value * unit.factor if isinstance(value, float) else value
        return None

    def _wanted(self, entity: Any) -> list[tuple[int, str, Unit]]:
        kind = entity.is_a()
        if kind not in self._known:
            self._known[kind] = list(self._described(kind))
        return self._known[kind]

    def _described(self, kind: str) -> list[tuple[int, str, Unit]]:
        declaration = self._schema.declaration_by_name(kind).as_entity()
        found = []
        for index, each in enumerate(declaration.all_attributes()):
            if index < 5 or each.name() in _SKIPPED:
                continue
            named = each.type_of_attribute().as_named_type()
            declared = named.declared_type() if named is not None else None
            if declared is None or declared.as_entity() is None:
                unit = self._units.of_measure(declared.name() if declared is not None else "")
                found.append((index, each.name(), unit))
        return found


def _own_value(entity: Any, index: int) -> Any:
    """Return an attribute by its place as a plain value, None where it refers to other entities or is broken."""
    try:
        value = entity[index]
    except (RuntimeError, ValueError):
        return None
    parts = value if isinstance(value, (tuple, list)) else (value,)
    if any(hasattr(each, "id") and each.id() for each in parts):
        return None
    return plain(value)


def bar_columns(reader: AttributeReader, entities: list[Any]) -> dict[str, Any]:
    """Return diameter, length and steel grade of a reinforcing bar or mesh: of itself, else of its type."""
    found: dict[str, Any] = {}
    for entity in entities:
        for name, (column, factor) in _BARS.items():
            value = reader.in_si(entity, name)
            if value not in (None, "") and column not in found:
                found[column] = value if factor is None else float(value) * factor
    return found


def columns_of(groups: Groups, units: Units) -> dict[str, Any]:
    """Return the columns that the property sets and quantities of an object fill, in SI units."""
    found: dict[str, Any] = {}
    common: Group = {}
    for name, group in groups.items():
        if name.startswith("Pset_") and name.endswith("Common"):
            common |= {key: value["value"] if _is_measured(value) else value for key, value in group.items()}
    for column, key in TEXT_COLUMNS.items():
        value = common.get(key)
        text = text_of(", ".join(map(str, value)) if isinstance(value, list) else value)
        if text.upper() not in _NOTHING and text.replace(" ", "") != key:  # some tools write the name as the value
            found[column] = text
    found |= {column: common[key] for column, key in FLAG_COLUMNS.items() if isinstance(common.get(key), bool)}
    found |= {column: float(common[key]) for column, key in NUMBER_COLUMNS.items() if _is_number(common.get(key))}
    return found | _quantities(groups, units)


def _is_measured(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"value", "unit"}


def _quantities(groups: Groups, units: Units) -> dict[str, float]:
    """Return lengths, areas, volumes and weights of the base quantities, in SI units."""
    kinds = {"m": "LENGTHUNIT", "m2": "AREAUNIT", "m3": "VOLUMEUNIT", "kg": "MASSUNIT"}
    sets = [group for name, group in groups.items() if name.startswith("Qto_") or "Quantities" in name]
    found = {}
    for column, names in QUANTITY_COLUMNS.items():
        kind = kinds[column.rpartition("_")[2]]
        value = next((group[name] for name in names for group in sets if _is_number(group.get(name))), None)
        if value is None:
            continue
        factor = units.factor_of(value["unit"], kind) if isinstance(value, dict) else units.named(kind).factor
        number = float(value["value"] if isinstance(value, dict) else value)
        found[column] = number * factor * (_GRAMS if kind == "MASSUNIT" else 1.0)
    return found


def _is_number(value: Any) -> bool:
    if _is_measured(value):
        value = value["value"]
    return isinstance(value, (int, float)) and not isinstance(value, bool)
