"""What the columns of an object say beyond its property groups: columns may have been changed since it was read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bim.attributes import FLAG_COLUMNS, NUMBER_COLUMNS, QUANTITY_COLUMNS, TEXT_COLUMNS
from bim.exporting.properties import OWN_SET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bim.exporting.units import UnitWriter

    Groups = dict[str, dict[str, Any]]

# Columns that are written as attributes of entities, or follow from relations, types and materials.
_ELSEWHERE = frozenset(
    {
        "ifc_class", "storey", "description", "tag", "object_type", "long_name", "predefined_type", "type_name",
        "material", "classification", "elevation_m", "system", "zone", "bar_diameter_mm", "bar_length_m", "steel_grade",
        "identification", "work_method", "start", "finish", "planned_start", "planned_finish", "actual_start",
        "actual_finish", "duration_d", "float_d", "completion", "is_critical", "is_milestone",
    }
)  # fmt: skip
# Groups that are written as something else than property sets.
_NO_SETS = frozenset(
    {"Type", "Attributes", "Material", "Classification", "Openings", "Ports", "Presentation", "Design",
     "Inherited from the type", "Overrides the type"}
)  # fmt: skip
_ALIKE = 1.0e-6


def settled(
    attributes: Mapping[str, Any],
    properties: Mapping[str, Mapping[str, Any]],
    units: Mapping[str, str],
    writer: UnitWriter,
) -> Groups:
    """Return the property groups of an object with what its columns say: changed in place, else in a set of their own.

    A column that is read from a property or a quantity is written back there, in the common set of the class if
    there is none yet.
    """
    groups = {
        name: dict(group) for name, group in properties.items() if name not in _NO_SETS and isinstance(group, dict)
    }
    stated = str(attributes.get("ifc_class") or "")
    rest = dict(attributes)
    if stated:
        rest = {name: value for name, value in attributes.items() if name not in _ELSEWHERE}
        base = stated.removeprefix("Ifc").removesuffix("StandardCase")
        for name in [name for name in rest if name in _COMMON]:
            _set_common(groups, f"Pset_{base}Common", name, rest.pop(name))
        if stated.startswith("IfcAlignment"):
            rest.pop("length_m", None)  # of its line
        for name in [name for name in rest if name in QUANTITY_COLUMNS]:
            _set_quantity(groups, f"Qto_{base}BaseQuantities", name, float(rest.pop(name)), writer)
    own = {name: {"value": value, "unit": units[name]} if units.get(name) else value for name, value in rest.items()}
    if own:
        groups[OWN_SET] = {**groups.get(OWN_SET, {}), **own}
    return groups


_COMMON = {**TEXT_COLUMNS, **FLAG_COLUMNS, **NUMBER_COLUMNS}


def _set_common(groups: Groups, otherwise: str, column: str, value: Any) -> None:
    key = _COMMON[column]
    common = [name for name in groups if name.startswith("Pset_") and name.endswith("Common")]
    home = next((name for name in reversed(common) if key in groups[name]), None)
    if home is None:
        groups.setdefault(otherwise, {})[key] = value
        return
    known = groups[home][key]
    bare = known["value"] if isinstance(known, dict) and "value" in known else known
    shown = ", ".join(map(str, bare)) if isinstance(bare, list) else bare
    if not _same(shown, value):
        groups[home][key] = {**known, "value": value} if isinstance(known, dict) and "value" in known else value


def _set_quantity(groups: Groups, otherwise: str, column: str, value: float, writer: UnitWriter) -> None:
    names, unit = QUANTITY_COLUMNS[column], column.rpartition("_")[2]
    sets = [name for name in groups if name.startswith("Qto_") or "Quantities" in name]
    found = next(((home, name) for name in names for home in sets if name in groups[home]), None)
    home, name = found or (otherwise, names[0])
    known = groups.get(home, {}).get(name)
    amount, symbol = (
        (known["value"], known.get("unit", "")) if isinstance(known, dict) and "value" in known else (known, "")
    )
    factor = writer.factor(str(symbol))
    same = isinstance(amount, (int, float)) and factor is not None and _same(amount * factor, value)
    if not same:
        groups.setdefault(home, {})[name] = {"value": value, "unit": unit}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=_ALIKE, abs_tol=1e-12)
    return str(one) == str(other)
