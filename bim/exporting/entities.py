"""The values that an object gives to its entity: names, attributes of its class, predefined type."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bim.exporting.classes import Classes
    from bim.exporting.units import UnitWriter

_COLUMNS = {"Description": "description", "ObjectType": "object_type", "Tag": "tag", "LongName": "long_name"}
_BARS = {"NominalDiameter": ("bar_diameter_mm", 1000.0), "BarLength": ("bar_length_m", 1.0)}
# The file places itself by a map conversion; what a site said of its own place would contradict it.
_LEFT_OUT = frozenset({"RefLatitude", "RefLongitude", "RefElevation", "GlobalId"})


def stated_values(
    classes: Classes,
    ifc_class: str,
    name: str,
    columns: Mapping[str, Any],
    told: Mapping[str, Any],
    units: UnitWriter,
) -> dict[str, Any]:
    """Return the attributes of an entity of a class.

    Parameters
    ----------
    classes
        The schema.
    ifc_class
        The class.
    name
        Name of the object, empty for none.
    columns
        Attributes of the object in the scene.
    told
        Its group ``Attributes``, with values in the units that its file had.
    units
        Knows the factors of units.
    """
    known = classes.attributes(ifc_class)
    found: dict[str, Any] = dict(classes.required(ifc_class))
    for key, kind in classes.simple(ifc_class).items():
        if key in told and key not in _LEFT_OUT:
            value = _fitting(told[key], kind, classes.values(ifc_class, key), units)
            if value is not None:
                found[key] = value
    found |= {key: float(columns[name]) / by for key, (name, by) in _BARS.items() if key in known and name in columns}
    if "SteelGrade" in known and columns.get("steel_grade"):
        found["SteelGrade"] = str(columns["steel_grade"])
    texts = {"Name": name, **{key: columns.get(column) for key, column in _COLUMNS.items()}}
    found |= {key: str(text) for key, text in texts.items() if text and key in known}
    predefined = str(columns.get("predefined_type") or "")
    allowed = classes.values(ifc_class, "PredefinedType")
    if predefined in allowed:
        found["PredefinedType"] = predefined
    elif predefined and "USERDEFINED" in allowed and "ObjectType" in known:
        found |= {"PredefinedType": "USERDEFINED", "ObjectType": predefined}
    return found


def _fitting(value: Any, kind: str, allowed: tuple[str, ...], units: UnitWriter) -> Any:
    """Return a value as the type of an attribute asks for it, None where it does not fit."""
    amount, unit = (
        (value["value"], str(value.get("unit") or "")) if isinstance(value, dict) and "value" in value else (value, "")
    )
    if allowed:
        return amount if amount in allowed else None
    if "list" in kind or "set [" in kind or isinstance(amount, (list, dict)):
        return None
    if isinstance(amount, bool) or "boolean" in kind or "logical" in kind:
        return amount if isinstance(amount, bool) and ("boolean" in kind or "logical" in kind) else None
    if "string" in kind:
        return str(amount)
    number = _number(amount, units.factor(unit))
    return int(number) if number is not None and "integer" in kind else number


def _number(amount: Any, factor: float | None) -> float | None:
    if factor is None or not isinstance(amount, (int, float)) or not math.isfinite(amount):
        return None
    return float(amount) * factor
