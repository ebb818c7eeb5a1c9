"""Property sets and quantities of an object, from the groups and columns of the scene."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bim.exporting.units import UnitWriter

    Entity = Any

OWN_SET = "citytwin_Attributes"
_QUANTITIES = {
    "LENGTHUNIT": ("IfcQuantityLength", "LengthValue"),
    "AREAUNIT": ("IfcQuantityArea", "AreaValue"),
    "VOLUMEUNIT": ("IfcQuantityVolume", "VolumeValue"),
    "MASSUNIT": ("IfcQuantityWeight", "WeightValue"),
    "TIMEUNIT": ("IfcQuantityTime", "TimeValue"),
    "": ("IfcQuantityCount", "CountValue"),
}
_MEASURES = {
    "LENGTHUNIT": "IfcLengthMeasure",
    "AREAUNIT": "IfcAreaMeasure",
    "VOLUMEUNIT": "IfcVolumeMeasure",
    "MASSUNIT": "IfcMassMeasure",
    "TIMEUNIT": "IfcTimeMeasure",
    "PLANEANGLEUNIT": "IfcPlaneAngleMeasure",
    "THERMODYNAMICTEMPERATUREUNIT": "IfcThermodynamicTemperatureMeasure",
    "POWERUNIT": "IfcPowerMeasure",
    "PRESSUREUNIT": "IfcPressureMeasure",
}
_ENDS = {"lower": "LowerBoundValue", "upper": "UpperBoundValue", "set": "SetPointValue"}
_LONGEST_LABEL = 255


class PropertyWriter:
    """Writes property sets; sets of the same content are written once and shared.

    Parameters
    ----------
    model
        The IFC model.
    guid
        Makes fresh GlobalIds.
    units
        Writes units.
    """

    def __init__(self, model: Any, guid: Callable[[], str], units: UnitWriter) -> None:
        """Start with no sets."""
        self._model, self._guid, self.units = model, guid, units
        self._members: dict[tuple[str, str], tuple[Entity, list[Entity]]] = {}

    def add(self, element: Entity, groups: Mapping[str, Mapping[str, Any]]) -> None:
        """Tie property groups to an object."""
        for name, values in groups.items():
            key = (name, repr(sorted(values.items(), key=lambda pair: pair[0])))
            if key not in self._members:
                made = self.written(name, values)
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

    def written(self, name: str, values: Mapping[str, Any]) -> Entity | None:
        """Return a group as a new set, of quantities where it holds nothing else; None for an empty one."""
        if not values:
            return None
        if name.startswith("Qto_") or name == "BaseQuantities":
            quantities = self.quantities(values)
            if len(quantities) == len(values):
                return self._model.create_entity(
                    "IfcElementQuantity", GlobalId=self._guid(), Name=name, Quantities=quantities
                )
        properties = self.properties(values)
        return self._model.create_entity("IfcPropertySet", GlobalId=self._guid(), Name=name, HasProperties=properties)

    def properties(self, values: Mapping[str, Any]) -> list[Entity]:
        """Return new properties for the values of a group."""
        return [self._property(key, value) for key, value in values.items()]

    def quantities(self, values: Mapping[str, Any]) -> list[Entity]:
        """Return new quantities for those values of a group that IFC has a quantity for."""
        return list(self._quantities(values))

    def _quantities(self, values: Mapping[str, Any]) -> Iterator[Entity]:
        for name, value in values.items():
            amount, unit = measured(value)
            kind = self.units.kind(unit) if unit else ""
            if not isinstance(amount, (int, float)) or isinstance(amount, bool) or (unit and kind not in _QUANTITIES):
                continue
            if not kind and not float(amount).is_integer():
                continue
            quantity, attribute = _QUANTITIES[kind]
            number = float(amount) if kind else int(amount)
            own = self.units.entity(unit)
            yield self._model.create_entity(quantity, Name=name, Unit=own, **{attribute: number})

    def _property(self, name: str, value: Any) -> Entity:
        create = self._model.create_entity
        if isinstance(value, dict) and value and set(value) <= set(_ENDS):
            ends = {_ENDS[end]: self._nominal(*measured(each)) for end, each in value.items()}
            unit = next((measured(each)[1] for each in value.values()), "")
            return create("IfcPropertyBoundedValue", Name=name, Unit=self.units.entity(unit), **ends)
        if isinstance(value, dict) and set(value) == {"defining", "defined"}:
            return self._table(name, value["defining"], value["defined"])
        amount, unit = measured(value)
        own, told = self.units.entity(unit), self._unsaid(unit)
        if isinstance(amount, list):
            cells = [self._nominal(each, unit) for each in amount if each is not None]
            return create("IfcPropertyListValue", Name=name, Specification=told, ListValues=cells or None, Unit=own)
        nominal = None if amount is None else self._nominal(amount, unit)
        return create("IfcPropertySingleValue", Name=name, Specification=told, NominalValue=nominal, Unit=own)

    def _table(self, name: str, defining: Any, defined: Any) -> Entity:
        columns = {}
        for word, cell in (("Defining", defining), ("Defined", defined)):
            values, unit = measured(cell)
            cells = values if isinstance(values, list) else []
            columns[f"{word}Values"] = [self._nominal(each, unit) for each in cells] or None
            columns[f"{word}Unit"] = self.units.entity(unit)
        return self._model.create_entity("IfcPropertyTableValue", Name=name, **columns)

    def _unsaid(self, unit: str) -> str | None:
        """Return a sentence about a unit that IFC cannot hold, None if it can."""
        return f"unit: {unit}" if unit and self.units.entity(unit) is None and not self.units.kind(unit) else None

    def _nominal(self, value: Any, unit: str) -> Entity:
        create = self._model.create_entity
        if isinstance(value, bool):
            return create("IfcBoolean", value)
        if isinstance(value, (int, float)) and math.isfinite(value):
            measure = _MEASURES.get(self.units.kind(unit)) if unit else None
            if measure:
                return create(measure, float(value))
            whole = isinstance(value, int) and abs(value) < 2**31
            return create("IfcInteger", value) if whole else create("IfcReal", float(value))
        text = str(value)
        return create("IfcLabel", text) if len(text) <= _LONGEST_LABEL else create("IfcText", text)


def measured(value: Any) -> tuple[Any, str]:
    """Return a value and its unit, empty for none."""
    if isinstance(value, dict) and "value" in value:
        return value["value"], str(value.get("unit") or "")
    return value, ""
