"""Conversion-based units as IFC recommends them: names, factors, and the SI unit that they go by.

From the table of IfcConversionBasedUnit in IFC4.3; the factors in SI units (metre, square metre, cubic metre,
radian, kilogram, newton, pascal, second, joule), the exact ones where the table rounds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADVICE = "write the unit as the table of IfcConversionBasedUnit has it"
_SLACK = 1e-6
# Each factor, and where the table rounds it differently, what the table says: both are right.
Table = dict[str, dict[str, tuple[float, ...]]]

_IFC2X3: Table = {
    "LENGTHUNIT": {"inch": (0.0254,), "foot": (0.3048,), "yard": (0.9144, 0.914), "mile": (1609.344, 1609.0)},
    "AREAUNIT": {"acre": (4046.8564224, 4046.86)},
    "VOLUMEUNIT": {"litre": (1e-3,), "pint uk": (5.6826125e-4, 5.68e-4), "pint us": (4.73176473e-4, 4.73e-4),
                   "gallon uk": (4.54609e-3, 4.546e-3, 4.54e-3), "gallon us": (3.785411784e-3, 3.785e-3)},
    "MASSUNIT": {"ounce": (0.028349523125, 0.02835), "pound": (0.45359237, 0.454)},
}  # fmt: skip
_IFC4: Table = {
    "LENGTHUNIT": _IFC2X3["LENGTHUNIT"],
    "AREAUNIT": {**_IFC2X3["AREAUNIT"], "square inch": (6.4516e-4, 6.452e-4), "square foot": (0.09290304, 0.0929),
                 "square yard": (0.83612736,), "square mile": (2589988.110336, 2588881.0)},
    "VOLUMEUNIT": {**_IFC2X3["VOLUMEUNIT"], "cubic inch": (1.6387064e-5, 1.639e-5),
                   "cubic foot": (0.028316846592, 0.02832), "cubic yard": (0.764554857984, 0.7646, 0.7636),
                   "fluid ounce uk": (2.84130625e-5,), "fluid ounce us": (2.95735295625e-5, 2.957353e-5)},
    "PLANEANGLEUNIT": {"degree": (math.pi / 180.0,)},
    "MASSUNIT": {**_IFC2X3["MASSUNIT"], "ton uk": (1016.0469088,), "ton us": (907.18474,)},
}  # fmt: skip
_IFC4X3: Table = {**_IFC4, "LENGTHUNIT": {**_IFC4["LENGTHUNIT"], "us survey foot": (1200 / 3937,)}}
_SI = {"LENGTHUNIT": "METRE", "AREAUNIT": "SQUARE_METRE", "VOLUMEUNIT": "CUBIC_METRE", "PLANEANGLEUNIT": "RADIAN"}
_PREFIXES = {"MILLI": 1e-3, "CENTI": 1e-2, "DECI": 1e-1, "KILO": 1e3, "MICRO": 1e-6, "MEGA": 1e6}
_POWERS = {"LENGTHUNIT": 1, "AREAUNIT": 2, "VOLUMEUNIT": 3}


def check_units(model: Any) -> Iterator[Problem]:
    """Yield what is wrong with the conversion-based units of the projects."""
    known = _IFC2X3 if model.schema == "IFC2X3" else _IFC4 if model.schema == "IFC4" else _IFC4X3
    for project in model.by_type("IfcProject"):
        assignment = project.UnitsInContext
        for unit in (assignment.Units if assignment is not None else ()) or ():
            if unit.is_a("IfcConversionBasedUnit"):
                yield from _checked(unit, known)


def _checked(unit: Any, known: Table) -> Iterator[Problem]:
    kind, name = str(unit.UnitType), str(unit.Name or "")
    where, measure = f"#{unit.id()} {name}", unit.ConversionFactor
    factors = known.get(kind, {})
    right = factors.get(name.lower(), ())
    if kind in _SI and not right:
        wanted = ", ".join(factors) or "none"
        message = f"{name!r} is no {kind.lower()} that the schema names ({wanted})"
        yield Problem("warning", where, "ifc-unit-name", message, _ADVICE)
    component = measure.UnitComponent if measure is not None else None
    if component is None or not component.is_a("IfcSIUnit"):
        yield Problem("error", where, "ifc-unit-base", "is not converted to an SI unit", _ADVICE)
        return
    if kind in _SI and str(component.Name) != _SI[kind]:
        message = f"is converted to {component.Name}, where {_SI[kind]} is meant"
        yield Problem("error", where, "ifc-unit-base", message, _ADVICE)
        return
    given = _in_si(measure, component, kind)
    if right and given is not None and all(abs(given / factor - 1.0) > _SLACK for factor in right):
        message = f"its factor makes {given:.9g} of an SI unit, {right[0]:.9g} is right"
        yield Problem("error", where, "ifc-unit-factor", message, _ADVICE)


def _in_si(measure: Any, component: Any, kind: str) -> float | None:
    value = getattr(measure.ValueComponent, "wrappedValue", measure.ValueComponent)
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        return None
    prefix = _PREFIXES.get(str(component.Prefix), 1.0) ** _POWERS.get(kind, 1)
    gram = 1e-3 if str(component.Name) == "GRAM" else 1.0
    return float(value) * prefix * gram
