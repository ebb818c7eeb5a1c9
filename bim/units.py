"""Worker side: the units of a model, as UCUM symbols and as factors to SI."""

# ruff: noqa: PLC0415 - the IFC library is imported where it is used, in the worker only
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bim.entities import attribute, every, list_at, plain, text_at, text_of

SYMBOLS = {  # SI unit to UCUM
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
    "BECQUEREL": "Bq",
    "COULOMB": "C",
    "FARAD": "F",
    "GRAY": "Gy",
    "HENRY": "H",
    "SIEMENS": "S",
    "SIEVERT": "Sv",
    "TESLA": "T",
    "WEBER": "Wb",
}
PREFIXES = {
    "EXA": "E",
    "PETA": "P",
    "TERA": "T",
    "GIGA": "G",
    "MEGA": "M",
    "KILO": "k",
    "HECTO": "h",
    "DECA": "da",
    "DECI": "d",
    "CENTI": "c",
    "MILLI": "m",
    "MICRO": "u",
    "NANO": "n",
    "PICO": "p",
    "FEMTO": "f",
    "ATTO": "a",
}
CONVERSIONS = {
    "FOOT": "[ft_i]",
    "US SURVEY FOOT": "[ft_us]",
    "INCH": "[in_i]",
    "YARD": "[yd_i]",
    "MILE": "[mi_i]",
    "SQUARE FOOT": "[sft_i]",
    "SQUARE INCH": "[sin_i]",
    "SQUARE YARD": "[syd_i]",
    "ACRE": "[acr_us]",
    "HECTARE": "har",
    "CUBIC FOOT": "[cft_i]",
    "CUBIC INCH": "[cin_i]",
    "CUBIC YARD": "[cyd_i]",
    "LITRE": "L",
    "DEGREE": "deg",
    "GRAD": "gon",
    "GON": "gon",
    "POUND": "[lb_av]",
    "TON METRIC": "t",
    "TONNE": "t",
    "FAHRENHEIT": "[degF]",
    "DAY": "d",
    "HOUR": "h",
    "MINUTE": "min",
    "BAR": "bar",
    "PSI": "[psi]",
    "BTU": "[Btu_IT]",
    "PERCENT": "%",
}
_QUANTITY_UNITS = {
    "IfcQuantityLength": "LENGTHUNIT",
    "IfcQuantityArea": "AREAUNIT",
    "IfcQuantityVolume": "VOLUMEUNIT",
    "IfcQuantityWeight": "MASSUNIT",
    "IfcQuantityTime": "TIMEUNIT",
}
# Measures whose unit is not called like them (IFC 4.3.2, IfcUnitEnum and IfcDerivedUnitEnum).
_UNIT_OF_WORD = {
    "THERMALCONDUCTIVITY": "THERMALCONDUCTANCEUNIT",
    "WARPING": "WARPINGCONSTANTUNIT",
    "MODULUSOFLINEARSUBGRADEREACTION": "MODULUSOFLINEARSUBGRADEREACTIONUNIT",
    "TEMPERATUREDIFFERENCE": "THERMODYNAMICTEMPERATUREUNIT",
}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its UCUM symbol, and how many SI base units it has.

    Examples
    --------
    >>> Unit("mm", 0.001).of(5.0)
    {'value': 5.0, 'unit': 'mm'}
    """

    symbol: str = ""
    factor: float = 1.0

    def of(self, value: Any) -> Any:
        """Return ``{"value": ..., "unit": ...}``, the bare value if the unit has no symbol or it is no number."""
        if not self.symbol or value is None or isinstance(value, (str, bool)):
            return value
        return {"value": value, "unit": self.symbol}


class Units:
    """The units of one open model: those that the project assigns, and those that single values state.

    Parameters
    ----------
    model
        The open file.
    """

    def __init__(self, model: Any) -> None:
        self._made: dict[int, Unit] = {}
        self._project: dict[str, Unit] = {}
        for context in every(model, "IfcProject"):
            for unit in list_at(attribute(context, "UnitsInContext"), "Units"):
                kind = "MONETARYUNIT" if unit.is_a("IfcMonetaryUnit") else text_at(unit, "UnitType")
                self._project.setdefault(kind, self.unit(unit))
        self.length = self._project.get("LENGTHUNIT", Unit("m"))
        self.angle = self._project.get("PLANEANGLEUNIT", Unit("rad"))

    def unit(self, entity: Any) -> Unit:
        """Return the unit that an entity describes; one without symbol if it describes none that is known."""
        number = entity.id()
        if number not in self._made:
            try:
                self._made[number] = Unit(_symbol(entity), _factor(entity))
            except (AttributeError, IndexError, RuntimeError, TypeError, ValueError, ZeroDivisionError):
                self._made[number] = Unit()
        return self._made[number]

    def of_quantity(self, quantity: Any) -> Unit:
        """Return the unit of a physical quantity: its own, else that of the project."""
        own = quantity[2]
        return self.unit(own) if own is not None else self.named(_QUANTITY_UNITS.get(quantity.is_a(), ""))

    def of_measure(self, measure: str, own: Any = None) -> Unit:
        """Return the unit of a value by the name of its type, such as ``IfcLengthMeasure``."""
        return self.unit(own) if own is not None else self.named(unit_type(measure))

    def named(self, kind: str) -> Unit:
        """Return the unit that the project assigns to a kind, such as ``AREAUNIT``."""
        return self._project.get(kind, Unit())

    def factor_of(self, symbol: str, kind: str) -> float:
        """Return the factor to SI of a UCUM symbol that this model uses; else of what the project has for `kind`."""
        known = (unit.factor for unit in self._made.values() if unit.symbol == symbol)
        return next(known, self.named(kind).factor)

    def measured(self, nominal: Any, own: Any = None) -> Any:
        """Return a typed value as JSON can hold it, with its unit where it has one."""
        value = plain(nominal)
        measure = nominal.is_a() if hasattr(nominal, "is_a") else ""
        return self.of_measure(measure, own).of(value)


def unit_type(measure: str) -> str:
    """Return the kind of unit that a measure is counted in, empty for labels and the like.

    Examples
    --------
    >>> unit_type("IfcPositiveLengthMeasure"), unit_type("IfcThermalConductivityMeasure"), unit_type("IfcLabel")
    ('LENGTHUNIT', 'THERMALCONDUCTANCEUNIT', '')
    """
    if not measure.startswith("Ifc") or not measure.endswith("Measure"):
        return ""
    word = measure[3:-7].removeprefix("NonNegative").removeprefix("Positive").upper()
    return _UNIT_OF_WORD.get(word, f"{word}UNIT")


def _symbol(unit: Any) -> str:
    """Return the UCUM symbol of a unit, empty if it has none here."""
    if unit.is_a("IfcSIUnit"):
        name = str(unit.Name)
        return PREFIXES.get(str(unit.Prefix or ""), "") + SYMBOLS.get(name, name.lower())
    if unit.is_a("IfcConversionBasedUnit"):
        name = text_of(unit.Name)
        return CONVERSIONS.get(name.upper().replace("_", " ").replace("-", " "), name)
    if unit.is_a("IfcContextDependentUnit") or unit.is_a("IfcMonetaryUnit"):
        return text_of(unit[len(unit) - 1])
    if unit.is_a("IfcDerivedUnit"):
        return ".".join(_raised(_symbol(each.Unit), int(each.Exponent)) for each in unit.Elements or ())
    return ""


def _raised(symbol: str, exponent: int) -> str:
    """Return a UCUM symbol to a power.

    Examples
    --------
    >>> _raised("m3", -1), _raised("kg", 1), _raised("[ft_i]", 2)
    ('m-3', 'kg', '[ft_i]2')
    """
    base = symbol.rstrip("0123456789")
    power = int(symbol[len(base) :] or 1) * exponent
    return base if power == 1 else f"{base}{power}"


def _factor(unit: Any) -> float:
    from ifcopenshell.util.unit import get_unit_scale

    if unit.is_a("IfcContextDependentUnit") or unit.is_a("IfcMonetaryUnit"):
        return 1.0
    return float(get_unit_scale(unit))
