"""UCUM units as units of IFC, and as factors to the units that an exported project assigns (m, m2, m3, kg, s, rad)."""

from __future__ import annotations

import re
from typing import Any

import ifcopenshell.util.unit as library

from bim.units import CONVERSIONS, PREFIXES, SYMBOLS

_PART = re.compile(r"(.*?)(-?\d+)?$")
_SI_OF = {symbol: name for name, symbol in SYMBOLS.items()}
_PREFIX_OF = {symbol: name for name, symbol in PREFIXES.items()}
_CONVERSION_OF = {symbol: name.lower() for name, symbol in CONVERSIONS.items()}
_KIND_OF = {name: kind for kind, name in library.si_type_names.items() if kind != "USERDEFINED"} | {
    "DEGREE_CELSIUS": "THERMODYNAMICTEMPERATUREUNIT"
}
_ASSIGNED = {"m", "m2", "m3", "kg", "s", "rad"}
_GRAM = 1.0e-3
_POWERS = {"SQUARE_METRE": 2, "CUBIC_METRE": 3}


class UnitWriter:
    """Writes each unit once.

    Parameters
    ----------
    model
        The IFC model.
    """

    def __init__(self, model: Any) -> None:
        """Start with none."""
        self._model = model
        self._made: dict[str, Any] = {}

    def entity(self, symbol: str) -> Any | None:
        """Return the unit for a UCUM symbol; None where the project's own unit is meant, or IFC has none for it."""
        if symbol in _ASSIGNED or not symbol:
            return None
        if symbol not in self._made:
            self._made[symbol] = self._new(symbol)
        return self._made[symbol]

    def kind(self, symbol: str) -> str:
        """Return the kind of a unit, such as ``LENGTHUNIT``, empty for derived and unknown ones."""
        found = _named(symbol)
        if found is not None:
            return _KIND_OF.get(found[1], "")
        name = _CONVERSION_OF.get(symbol, "")
        return str(library.imperial_types.get(name, "")) if name in library.si_conversions else ""

    def factor(self, symbol: str) -> float | None:
        """Return how many units of the project one unit is, None for one that is not known.

        Examples
        --------
        >>> writer = UnitWriter(None)
        >>> writer.factor("mm"), writer.factor("kg"), writer.factor("cm2"), writer.factor("nonsense")
        (0.001, 1.0, 0.0001, None)
        """
        if symbol in _ASSIGNED or not symbol:
            return 1.0
        found = _named(symbol)
        if found is not None:
            prefix, name = found
            power = _POWERS.get(name, 1)
            return float(library.prefixes.get(prefix, 1.0)) ** power * (_GRAM if name == "GRAM" else 1.0)
        name = _CONVERSION_OF.get(symbol, "")
        return float(library.si_conversions[name]) if name in library.si_conversions else None

    def _new(self, symbol: str) -> Any | None:
        create = self._model.create_entity
        found = _named(symbol)
        if found is not None:
            prefix, name = found
            return create("IfcSIUnit", UnitType=_KIND_OF[name], Prefix=prefix or None, Name=name)
        if symbol in _CONVERSION_OF:
            return self._conversion(_CONVERSION_OF[symbol])
        elements = []
        for part in symbol.split("."):
            match = _PART.match(part)
            base = self._base(match[1]) if match is not None else None
            if match is None or base is None:
                return None
            elements.append(create("IfcDerivedUnitElement", base, int(match[2] or 1)))
        if len(elements) == 1 and elements[0].Exponent == 1:
            return None
        return create("IfcDerivedUnit", elements, "USERDEFINED", symbol)

    def _base(self, symbol: str) -> Any | None:
        """Return the unit of one factor of a product, also where the project assigns it."""
        if symbol not in self._made:
            self._made[symbol] = self._new(symbol) if symbol else None
        return self._made[symbol]

    def _conversion(self, name: str) -> Any | None:
        from ifcopenshell.api.unit import add_conversion_based_unit  # noqa: PLC0415 - slow, and rarely needed

        if name not in library.si_conversions:
            return None
        return add_conversion_based_unit(self._model, name=name)


def _named(symbol: str) -> tuple[str, str] | None:
    """Return the prefix and name of an SI unit by its symbol, None if it is none."""
    if symbol in _SI_OF:
        return "", _SI_OF[symbol]
    for length in (2, 1):
        prefix, rest = symbol[:length], symbol[length:]
        if prefix in _PREFIX_OF and rest in _SI_OF:
            return _PREFIX_OF[prefix], _SI_OF[rest]
    return None
