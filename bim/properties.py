"""Worker side: property sets and quantities of every object, with the units that the file states.

Each property set is read once and shared by its objects; those of the type come first and those of the
occurrence override them name by name (IFC 4.3.2, concept "Object Typing"). What was inherited is told in a
group of its own, `INHERITED`, and what was overridden in `OVERRIDDEN`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bim.entities import every, list_at, plain, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from bim.units import Units

Group = dict[str, Any]
Groups = dict[str, Group]

INHERITED = "Inherited from the type"
OVERRIDDEN = "Overrides the type"


class PropertyReader:
    """Reads the property sets of one open model.

    Parameters
    ----------
    model
        The open file.
    units
        Its units.
    types
        Entity number of each typed object to that of its type.
    """

    def __init__(self, model: Any, units: Units, types: dict[int, int]) -> None:
        self._model = model
        self._units = units
        self._types = types
        self._groups: dict[int, tuple[str, Group]] = {}
        self.oddities: list[tuple[str, str, str]] = []

    def by_object(self) -> dict[int, Groups]:
        """Return {set: {name: value}} of each entity number that has any.

        A value with a unit is ``{"value": 3.5, "unit": "m"}`` with a UCUM unit; others stand alone.
        """
        own: dict[int, Groups] = {}
        for relation in every(self._model, "IfcRelDefinesByProperties"):
            groups = self._merged(_definitions(relation.RelatingPropertyDefinition))
            for entity in relation.RelatedObjects or ():
                _lay_over(own.setdefault(entity.id(), {}), groups)
        of_type = self._of_types()
        return {
            number: inherited(of_type.get(self._types.get(number, 0), {}), own.get(number, {}))
            for number in {*own, *(number for number, kind in self._types.items() if of_type.get(kind))}
        }

    def of(self, definitions: list[Any]) -> Groups:
        """Return the groups of some property sets."""
        return self._merged(definitions)

    def _of_types(self) -> dict[int, Groups]:
        found = {}
        for number in set(self._types.values()):
            sets = list_at(self._model.by_id(number), "HasPropertySets")
            found[number] = self._merged(sets)
        return found

    def _merged(self, definitions: Any) -> Groups:
        merged: Groups = {}
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
            return self.properties(definition.HasProperties)
        group = {}
        for index in range(4, len(definition)):  # predefined sets, such as door lining properties
            value = plain(definition[index])
            if value is not None:
                group[definition.attribute_name(index)] = value
        return group

    def _quantities(self, quantities: Any) -> Group:
        group: Group = {}
        for quantity in quantities or ():
            name = text_of(quantity[0])
            if quantity.is_a("IfcPhysicalComplexQuantity"):
                group.update({f"{name}.{part}": value for part, value in self._quantities(quantity[2]).items()})
                continue
            value = plain(quantity[3])
            if value is not None:
                group[name] = self._units.of_quantity(quantity).of(value)
        return group

    def properties(self, properties: Any) -> Group:
        """Return the values of some properties by their names; those of complex ones as ``outer.inner``."""
        group: Group = {}
        for each in properties or ():
            name = text_of(each[0])
            if each.is_a("IfcComplexProperty"):
                group.update({f"{name}.{part}": value for part, value in self.properties(each.HasProperties).items()})
                continue
            read = _READERS.get(each.is_a())
            value = None if read is None else read(each, self._units)
            if value is not None:
                group[name] = value
        return group


def inherited(of_type: Groups, own: Groups) -> Groups:
    """Return an object's groups: those of its type, overridden by its own; what came from where is told.

    Examples
    --------
    >>> found = inherited({"A": {"x": 1, "y": 2}}, {"A": {"y": 3}})
    >>> found["A"], found[INHERITED], found[OVERRIDDEN]
    ({'x': 1, 'y': 3}, {'A': ['x']}, {'A.y': 2})
    """
    merged = {name: dict(group) for name, group in of_type.items()}
    _lay_over(merged, own)
    kept = {name: [each for each in group if each not in own.get(name, {})] for name, group in of_type.items()}
    changed = {
        f"{name}.{each}": value
        for name, group in of_type.items()
        for each, value in group.items()
        if each in own.get(name, {}) and own[name][each] != value
    }
    told = {name: names for name, names in kept.items() if names}
    return {**merged, **({INHERITED: told} if told else {}), **({OVERRIDDEN: changed} if changed else {})}


def _lay_over(below: Groups, above: Groups) -> None:
    for name, group in above.items():
        below[name] = {**below.get(name, {}), **group}


def _definitions(definition: Any) -> Any:
    if definition is None:
        return ()
    return definition.wrappedValue if definition.is_a("IfcPropertySetDefinitionSet") else (definition,)


def _single(each: Any, units: Units) -> Any:
    return units.measured(each[2], each[3])


def _enumerated(each: Any, units: Units) -> Any:
    return _several(each.EnumerationValues, units, None)


def _listed(each: Any, units: Units) -> Any:
    return _several(each.ListValues, units, each.Unit)


def _bounded(each: Any, units: Units) -> Any:
    ends = {
        "lower": units.measured(each.LowerBoundValue, each.Unit),
        "upper": units.measured(each.UpperBoundValue, each.Unit),
        "set": units.measured(getattr(each, "SetPointValue", None), each.Unit),  # IFC4 and later
    }
    return {name: value for name, value in ends.items() if value is not None} or None


def _tabled(each: Any, units: Units) -> Any:
    return {
        "defining": _several(each.DefiningValues, units, each.DefiningUnit),
        "defined": _several(each.DefinedValues, units, each.DefinedUnit),
    }


def _referenced(each: Any, _units: Units) -> Any:
    target = each.PropertyReference
    return None if target is None else text_of(getattr(target, "Name", None)) or target.is_a()


def _several(values: Any, units: Units, own: Any) -> Any:
    """Return several values as a list, with their one unit if they have one."""
    if not values:
        return None
    return units.of_measure(values[0].is_a() if hasattr(values[0], "is_a") else "", own).of(plain(values))


_READERS: dict[str, Callable[[Any, Units], Any]] = {
    "IfcPropertySingleValue": _single,
    "IfcPropertyEnumeratedValue": _enumerated,
    "IfcPropertyListValue": _listed,
    "IfcPropertyBoundedValue": _bounded,
    "IfcPropertyTableValue": _tabled,
    "IfcPropertyReferenceValue": _referenced,
}
