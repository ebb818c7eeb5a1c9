"""Worker side: property sets and quantities of every object, with the units that the file states.

Each property set is read once and shared by its objects; those of the type come first and those of the
occurrence override them name by name (IFC 4.3.2, concept "Object Typing").
"""

from __future__ import annotations

import json
import math
from typing import Any

from bim.tree import text_of

_SYMBOLS = {  # SI unit to UCUM
    "METRE": "m",
    "SQUARE_METRE": "m2",
    "CUBIC_METRE": "m3",
    "GRAM": "g",
    "SECOND": "s",
    "RADIAN": "rad",
    "STERADIAN": "sr",
    "KELVIN": "K",
    "DEGREE_CELSIUS": "Cel",
    "AMPERE": "A",
    "VOLT": "V",
    "WATT": "W",
    "NEWTON": "N",
    "PASCAL": "Pa",
    "JOULE": "J",
    "HERTZ": "Hz",
    "LUMEN": "lm",
    "LUX": "lx",
    "CANDELA": "cd",
    "OHM": "Ohm",
    "MOLE": "mol",
}
_PREFIXES = {"MILLI": "m", "CENTI": "c", "DECI": "d", "KILO": "k", "MICRO": "u", "NANO": "n", "MEGA": "M", "HECTO": "h"}
_CONVERSIONS = {
    "FOOT": "[ft_i]",
    "INCH": "[in_i]",
    "SQUARE FOOT": "[sft_i]",
    "CUBIC FOOT": "[cft_i]",
    "SQUARE INCH": "[sin_i]",
    "DEGREE": "deg",
    "POUND": "[lb_av]",
    "FAHRENHEIT": "[degF]",
    "DAY": "d",
    "HOUR": "h",
    "MINUTE": "min",
    "LITRE": "L",
    "PERCENT": "%",
}
_QUANTITY_UNITS = {
    "IfcQuantityLength": "LENGTHUNIT",
    "IfcQuantityArea": "AREAUNIT",
    "IfcQuantityVolume": "VOLUMEUNIT",
    "IfcQuantityWeight": "MASSUNIT",
    "IfcQuantityTime": "TIMEUNIT",
}
_MEASURE_UNITS = {
    "IfcLengthMeasure": "LENGTHUNIT",
    "IfcPositiveLengthMeasure": "LENGTHUNIT",
    "IfcNonNegativeLengthMeasure": "LENGTHUNIT",
    "IfcAreaMeasure": "AREAUNIT",
    "IfcVolumeMeasure": "VOLUMEUNIT",
    "IfcMassMeasure": "MASSUNIT",
    "IfcTimeMeasure": "TIMEUNIT",
    "IfcPlaneAngleMeasure": "PLANEANGLEUNIT",
    "IfcPositivePlaneAngleMeasure": "PLANEANGLEUNIT",
    "IfcThermodynamicTemperatureMeasure": "THERMODYNAMICTEMPERATUREUNIT",
    "IfcPowerMeasure": "POWERUNIT",
    "IfcPressureMeasure": "PRESSUREUNIT",
    "IfcForceMeasure": "FORCEUNIT",
    "IfcElectricVoltageMeasure": "ELECTRICVOLTAGEUNIT",
    "IfcElectricCurrentMeasure": "ELECTRICCURRENTUNIT",
    "IfcFrequencyMeasure": "FREQUENCYUNIT",
    "IfcEnergyMeasure": "ENERGYUNIT",
    "IfcIlluminanceMeasure": "ILLUMINANCEUNIT",
    "IfcLuminousFluxMeasure": "LUMINOUSFLUXUNIT",
}

Group = dict[str, Any]


class PropertyReader:
    """Reads the property sets of one open model."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._units = _project_units(model)
        self._groups: dict[int, tuple[str, Group]] = {}
        self.oddities: list[tuple[str, str, str]] = []

    def by_object(self) -> dict[int, str]:
        """Return the JSON text {set: {name: value}} of each entity number that has any.

        A value with a unit is written ``{"value": 3.5, "unit": "m"}`` with a UCUM unit; others stand alone.
        """
        found: dict[int, dict[str, Group]] = {}
        type_groups: dict[int, dict[str, Group]] = {}
        for relation in self._relations("IfcRelDefinesByType"):
            kind = relation.RelatingType
            if kind is None:
                continue
            if kind.id() not in type_groups:
                type_groups[kind.id()] = self._merged(kind.HasPropertySets or ())
            for entity in relation.RelatedObjects or ():
                found[entity.id()] = {name: dict(group) for name, group in type_groups[kind.id()].items()}
        for relation in self._relations("IfcRelDefinesByProperties"):
            own = self._merged(_definitions(relation.RelatingPropertyDefinition))
            for entity in relation.RelatedObjects or ():
                mine = found.setdefault(entity.id(), {})
                for name, group in own.items():
                    mine[name] = {**mine.get(name, {}), **group}
        return {
            number: json.dumps(groups, ensure_ascii=False, allow_nan=False)
            for number, groups in found.items()
            if groups
        }

    def _relations(self, name: str) -> list[Any]:
        try:
            return list(self._model.by_type(name))
        except RuntimeError:
            return []

    def _merged(self, definitions: Any) -> dict[str, Group]:
        merged: dict[str, Group] = {}
        for definition in definitions:
            name, group = self._group(definition)
            if group:
                merged[name] = {**merged.get(name, {}), **group}
        return merged

    def _group(self, definition: Any) -> tuple[str, Group]:
        number = definition.id()
        if number not in self._groups:
            name = text_of(definition[2]) or definition.is_a()
            try:
                self._groups[number] = (name, self._read(definition))
            except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
                self._groups[number] = (name, {})
                self.oddities.append((f"#{number}", "properties-unreadable", f"{name} cannot be read ({error})"[:200]))
        return self._groups[number]

    def _read(self, definition: Any) -> Group:
        if definition.is_a("IfcElementQuantity"):
            return self._quantities(definition.Quantities)
        if definition.is_a("IfcPropertySet"):
            return self._properties(definition.HasProperties)
        group = {}
        for index in range(4, len(definition)):  # predefined sets, such as door lining properties
            value = _plain(definition[index])
            if value is not None:
                group[definition.attribute_name(index)] = value
        return group

    def _quantities(self, quantities: Any) -> Group:
        group: Group = {}
        for quantity in quantities or ():
            name, kind = text_of(quantity[0]), quantity.is_a()
            if kind == "IfcPhysicalComplexQuantity":
                for part, value in self._quantities(quantity.HasQuantities).items():
                    group[f"{name}.{part}"] = value
                continue
            value = _plain(quantity[3])
            if value is not None:
                unit = (
                    _symbol(quantity[2]) if quantity[2] is not None else self._units.get(_QUANTITY_UNITS.get(kind, ""))
                )
                group[name] = _with_unit(value, unit)
        return group

    def _properties(self, properties: Any) -> Group:
        group: Group = {}
        for each in properties or ():
            name, kind = text_of(each[0]), each.is_a()
            if kind == "IfcPropertySingleValue":
                value = self._measured(each[2], each[3])
            elif kind == "IfcPropertyEnumeratedValue":
                value = _plain(each.EnumerationValues)
            elif kind == "IfcPropertyListValue":
                value = _plain(each.ListValues)
            elif kind == "IfcPropertyBoundedValue":
                ends = (
                    self._measured(each.LowerBoundValue, each.Unit),
                    self._measured(each.UpperBoundValue, each.Unit),
                )
                value = {"lower": ends[0], "upper": ends[1]}
            elif kind == "IfcComplexProperty":
                for part, inner in self._properties(each.HasProperties).items():
                    group[f"{name}.{part}"] = inner
                continue
            else:
                continue
            if value is not None:
                group[name] = value
        return group

    def _measured(self, nominal: Any, unit: Any) -> Any:
        value = _plain(nominal)
        if value is None or isinstance(value, (str, bool)):
            return value
        measure = nominal.is_a() if hasattr(nominal, "is_a") else ""
        symbol = _symbol(unit) if unit is not None else self._units.get(_MEASURE_UNITS.get(measure, ""))
        return _with_unit(value, symbol)


def _definitions(definition: Any) -> Any:
    if definition is None:
        return ()
    return definition.wrappedValue if definition.is_a("IfcPropertySetDefinitionSet") else (definition,)


def _with_unit(value: Any, unit: str | None) -> Any:
    return {"value": value, "unit": unit} if unit else value


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it, None where there is none."""
    if hasattr(value, "wrappedValue"):
        value = value.wrappedValue
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return text_of(value.is_a()) if hasattr(value, "is_a") else text_of(value)


def _project_units(model: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for project in model.by_type("IfcProject"):
        assignment = project.UnitsInContext
        for unit in (assignment.Units if assignment is not None else ()) or ():
            symbol = _symbol(unit)
            if symbol and not unit.is_a("IfcMonetaryUnit"):
                found.setdefault(str(unit.UnitType), symbol)
    return found


def _symbol(unit: Any) -> str:
    """Return the UCUM symbol of a unit, empty if it has none here."""
    if unit.is_a("IfcSIUnit"):
        return _prefixed(str(unit.Prefix or ""), str(unit.Name))
    if unit.is_a("IfcConversionBasedUnit"):
        return _CONVERSIONS.get(text_of(unit.Name).upper().replace("_", " "), text_of(unit.Name))
    if unit.is_a("IfcContextDependentUnit") or unit.is_a("IfcMonetaryUnit"):
        return text_of(unit[len(unit) - 1])
    if unit.is_a("IfcDerivedUnit"):
        parts = [(_symbol(each.Unit), int(each.Exponent)) for each in unit.Elements or ()]
        return ".".join(f"{symbol}{exponent}" if exponent != 1 else symbol for symbol, exponent in parts)
    return ""


def _prefixed(prefix: str, name: str) -> str:
    symbol = _SYMBOLS.get(name, name.lower())
    return _PREFIXES.get(prefix, "") + symbol
