"""Lengths and angles as IFC files write them: the project's unit, units of other things, degrees in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bim.step import Entity, StepText

_PREFIXES = {
    "EXA": 1e18, "GIGA": 1e9, "MEGA": 1e6, "KILO": 1e3, "HECTO": 1e2, "DECA": 1e1,
    "DECI": 1e-1, "CENTI": 1e-2, "MILLI": 1e-3, "MICRO": 1e-6, "NANO": 1e-9,
}  # fmt: skip
_NAMED_LENGTHS = {"FOOT": 0.3048, "US SURVEY FOOT": 1200 / 3937, "INCH": 0.0254, "YARD": 0.9144, "MILE": 1609.344}


def project_unit_m(text: StepText) -> float:
    """Return the metres in the project's length unit; 1 where the file does not say."""
    for assignment in text.find("IFCUNITASSIGNMENT"):
        for ref in assignment.get(0) or ():
            unit = text.get(ref)
            if unit is not None and "LENGTHUNIT" in unit.arguments:
                return unit_m(text, unit) or 1.0
    return 1.0


def unit_m(text: StepText, unit: Entity | None) -> float | None:
    """Return the metres in a length unit, None if it is none."""
    if unit is None or "LENGTHUNIT" not in unit.arguments:
        return None
    if unit.kind == "IFCSIUNIT":
        return _PREFIXES.get(str(unit.get(2)), 1.0)
    if unit.kind == "IFCCONVERSIONBASEDUNIT":
        measure = text.get(unit.get(3))
        value = measure.get(0) if measure else None
        if isinstance(value, float) and value > 0:
            return value * (unit_m(text, text.get(measure.get(1) if measure else None)) or 1.0)
        return _NAMED_LENGTHS.get(unit.text_at(2).upper())
    return None


def named_unit_m(name: str) -> float | None:
    """Return the metres in a length unit given by its name, None if the name means none.

    Examples
    --------
    >>> named_unit_m("MILLIMETRE"), named_unit_m("metre"), named_unit_m("foot"), named_unit_m("elbow")
    (0.001, 1.0, 0.3048, None)
    """
    text = name.strip().upper().replace("METER", "METRE")
    if text.endswith("METRE"):
        prefix = text.removesuffix("METRE")
        return 1.0 if not prefix else _PREFIXES.get(prefix)
    return {"M": 1.0, "MM": 1e-3, "CM": 1e-2, "FT": 0.3048, **_NAMED_LENGTHS}.get(text)


def degrees(compound: object) -> float | None:
    """Return an IfcCompoundPlaneAngleMeasure (degrees, minutes, seconds, millionths) in degrees, None if it is none.

    Examples
    --------
    >>> degrees([-71.0, -3.0, -36.0])
    -71.06
    """
    if not isinstance(compound, list) or not 1 <= len(compound) <= 4:
        return None
    if not all(isinstance(part, float) for part in compound):
        return None
    sign = -1.0 if any(part < 0 for part in compound) else 1.0
    parts = [abs(part) for part in compound] + [0.0] * (4 - len(compound))
    return float(sign * (parts[0] + parts[1] / 60 + (parts[2] + parts[3] / 1e6) / 3600))


def is_rounded(compound: object) -> bool:
    """Say whether an angle in parts is written in whole minutes: some kilometre, no place of a house.

    Examples
    --------
    >>> is_rounded([52.0, 31.0, 0.0]), is_rounded([49.0, 6.0, 1.0, 566000.0])
    (True, False)
    """
    return isinstance(compound, list) and not any(part for part in compound[2:])
