"""Property sets and quantities of an object, from the groups and columns of the scene."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Entity = Any

OWN_SET = "citytwin_Attributes"
_SKIPPED = frozenset({"Type", "Attributes"})
_QUANTITIES = {
    "m": ("IfcQuantityLength", "LengthValue"),
    "m2": ("IfcQuantityArea", "AreaValue"),
    "m3": ("IfcQuantityVolume", "VolumeValue"),
    "kg": ("IfcQuantityWeight", "WeightValue"),
    "s": ("IfcQuantityTime", "TimeValue"),
    "": ("IfcQuantityCount", "CountValue"),
    "1": ("IfcQuantityCount", "CountValue"),
}
_MEASURES = {"m": "IfcLengthMeasure", "m2": "IfcAreaMeasure", "m3": "IfcVolumeMeasure", "kg": "IfcMassMeasure",
             "s": "IfcTimeMeasure", "deg": "IfcReal", "Cel": "IfcReal"}  # fmt: skip


class PropertyWriter:
    """Writes property sets; sets of the same content are written once and shared.

    Parameters
    ----------
    model
        The IFC model.
    guid
        Makes fresh GlobalIds.
    """

    def __init__(self, model: Any, guid: Callable[[], str]) -> None:
        """Start with no sets."""
        self._model, self._guid = model, guid
        self._members: dict[tuple[str, str], tuple[Entity, list[Entity]]] = {}

    def add(
        self,
        element: Entity,
        groups: Mapping[str, Mapping[str, Any]],
        attributes: Mapping[str, Any],
        units: Mapping[str, str],
    ) -> None:
        """Tie the groups of an object to it, and its attributes as a set of their own."""
        own = {
            name: {"value": value, "unit": units[name]} if units.get(name) else value
            for name, value in attributes.items()
        }
        for name, values in (*groups.items(), (OWN_SET, own)):
            if name in _SKIPPED or not values or not isinstance(values, dict):
                continue
            key = (name, repr(sorted(values.items(), key=lambda pair: pair[0])))
            if key not in self._members:
                made = self._set(name, values)
                if made is None:
                    continue
                self._members[key] = (made, [])
            self._members[key][1].append(element)

    def finish(self) -> None:
        """Write the relations between sets and objects."""
        for made, elements in self._members.values():
            self._model.create_entity(
                "IfcRelDefinesByProperties",
                GlobalId=self._guid(),
                RelatedObjects=elements,
                RelatingPropertyDefinition=made,
            )

    def _set(self, name: str, values: Mapping[str, Any]) -> Entity | None:
        if name.startswith("Qto_"):
            quantities = list(self._quantities(values))
            if not quantities:
                return None
            return self._model.create_entity(
                "IfcElementQuantity", GlobalId=self._guid(), Name=name, Quantities=quantities
            )
        properties = [self._property(key, value) for key, value in values.items()]
        return self._model.create_entity("IfcPropertySet", GlobalId=self._guid(), Name=name, HasProperties=properties)

    def _quantities(self, values: Mapping[str, Any]) -> Iterator[Entity]:
        for name, value in values.items():
            amount, unit = (value.get("value"), value.get("unit", "")) if isinstance(value, dict) else (value, "")
            if isinstance(amount, (int, float)) and not isinstance(amount, bool) and unit in _QUANTITIES:
                kind, attribute = _QUANTITIES[unit]
                number = int(amount) if kind == "IfcQuantityCount" else float(amount)
                yield self._model.create_entity(kind, Name=name, **{attribute: number})

    def _property(self, name: str, value: Any) -> Entity:
        model = self._model
        unit = ""
        if isinstance(value, dict) and "value" in value:
            unit, value = str(value.get("unit") or ""), value["value"]
        if isinstance(value, list):
            cells = [self._nominal(each, "") for each in value if each is not None]
            return model.create_entity("IfcPropertyListValue", Name=name, ListValues=cells or None)
        described = None if unit in _MEASURES or not unit else f"unit: {unit}"
        nominal = None if value is None else self._nominal(value, unit)
        return model.create_entity("IfcPropertySingleValue", Name=name, Specification=described, NominalValue=nominal)

    def _nominal(self, value: Any, unit: str) -> Entity:
        create = self._model.create_entity
        if isinstance(value, bool):
            return create("IfcBoolean", value)
        if isinstance(value, (int, float)) and math.isfinite(value):
            if unit in _MEASURES:
                return create(_MEASURES[unit], float(value))
            whole = isinstance(value, int) and abs(value) < 2**31
            return create("IfcInteger", value) if whole else create("IfcReal", float(value))
        text = str(value)
        return create("IfcLabel", text) if len(text) <= 255 else create("IfcText", text)
