"""Units at the border: a quantity in any unit of a port's dimension becomes the unit that the engine expects.

A table of the UCUM codes that city simulations use; a general unit library would be one more dependency
for forty factors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scenes import SimulationError

_QUANTITY = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S+)\s*$")


@dataclass(frozen=True, slots=True)
class _Unit:
    dimension: str
    factor: float
    offset: float = 0.0


# UCUM case-sensitive codes: value in the base unit = value * factor + offset.
_UNITS = {
    "1": _Unit("number", 1.0),
    "%": _Unit("number", 0.01),
    "mm": _Unit("length", 1e-3),
    "cm": _Unit("length", 1e-2),
    "m": _Unit("length", 1.0),
    "km": _Unit("length", 1e3),
    "[ft_i]": _Unit("length", 0.3048),
    "m2": _Unit("area", 1.0),
    "ha": _Unit("area", 1e4),
    "km2": _Unit("area", 1e6),
    "L": _Unit("volume", 1e-3),
    "m3": _Unit("volume", 1.0),
    "s": _Unit("time", 1.0),
    "min": _Unit("time", 60.0),
    "h": _Unit("time", 3600.0),
    "d": _Unit("time", 86400.0),
    "rad": _Unit("angle", 1.0),
    "deg": _Unit("angle", 0.017453292519943295),
    "K": _Unit("temperature", 1.0),
    "Cel": _Unit("temperature", 1.0, 273.15),
    "m/s": _Unit("speed", 1.0),
    "km/h": _Unit("speed", 1 / 3.6),
    "mm/h": _Unit("speed", 1e-3 / 3600),
    "L/s": _Unit("flow", 1e-3),
    "m3/s": _Unit("flow", 1.0),
    "m3/h": _Unit("flow", 1 / 3600),
    "Pa": _Unit("pressure", 1.0),
    "hPa": _Unit("pressure", 1e2),
    "kPa": _Unit("pressure", 1e3),
    "bar": _Unit("pressure", 1e5),
    "W": _Unit("power", 1.0),
    "kW": _Unit("power", 1e3),
    "MW": _Unit("power", 1e6),
    "J": _Unit("energy", 1.0),
    "kW.h": _Unit("energy", 3.6e6),
    "MW.h": _Unit("energy", 3.6e9),
}


def convert(value: float, source: str, target: str) -> float:
    """Return a quantity in another UCUM unit of the same dimension.

    Raises
    ------
    SimulationError
        When a unit is not known, or the two measure different things.

    Examples
    --------
    >>> convert(5.0, "min", "s"), convert(20.0, "Cel", "K")
    (300.0, 293.15)
    >>> convert(1.0, "m", "s")
    Traceback (most recent call last):
    scenes.errors.SimulationError: unit m: measures length, not time; give the value in s
    """
    if source == target:
        return value
    for unit in (source, target):
        if unit not in _UNITS:
            raise SimulationError(f"unit {unit}", "is not known", f"use one of {', '.join(_UNITS)}")
    old, new = _UNITS[source], _UNITS[target]
    if old.dimension != new.dimension:
        raise SimulationError(
            f"unit {source}", f"measures {old.dimension}, not {new.dimension}", f"give the value in {target}"
        )
    return (value * old.factor + old.offset - new.offset) / new.factor


def read_quantity(given: object, unit: str) -> object:
    """Return a quantity as a plain number in `unit`; anything that carries no unit is returned as it is.

    A quantity is written ``{"value": 5, "unit": "min"}`` or ``"5 min"``.

    Examples
    --------
    >>> read_quantity("0.1 h", "min"), read_quantity(5, "min")
    (6.0, 5)
    """
    if isinstance(given, dict) and set(given) == {"value", "unit"}:
        value, source = given["value"], given["unit"]
        if isinstance(value, int | float) and isinstance(source, str):
            return round(convert(float(value), source, unit), 12)
    if isinstance(given, str) and not _is_number(given) and (match := _QUANTITY.match(given)):
        return round(convert(float(match[1]), match[2], unit), 12)
    return given


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
