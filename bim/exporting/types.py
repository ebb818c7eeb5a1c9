"""The types of objects, each once, with the property sets that their occurrences inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bim.exporting.classes import global_id
from bim.properties import INHERITED, OVERRIDDEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bim.exporting.classes import Classes
    from bim.exporting.properties import PropertyWriter

    Groups = dict[str, dict[str, Any]]

_RENAMED = {"IfcDoorStyle": "IfcDoorType", "IfcWindowStyle": "IfcWindowType"}
_FACTS = {"Name": "Name", "Description": "Description", "Tag": "Tag"}


class TypeWriter:
    """Writes types, and which objects are of them.

    Parameters
    ----------
    model
        The IFC model.
    classes
        Its schema.
    properties
        Writes property sets.
    taken
        GlobalIds that are in use.
    """

    def __init__(self, model: Any, classes: Classes, properties: PropertyWriter, taken: set[str]) -> None:
        """Start with no types."""
        self._model, self._classes, self._properties, self._taken = model, classes, properties, taken
        self._made: dict[tuple[str, str, str], tuple[Any, list[Any]]] = {}

    def add(self, element: Any, told: Mapping[str, Mapping[str, Any]], name: str, predefined: str) -> None:
        """Give an object the type that its property groups tell of.

        `name` and `predefined` are the columns of the object; the predefined type goes to the type where the class of
        the object has none.
        """
        facts = dict(told.get("Type", {}))
        if name:
            renamed = name != facts.get("Name")
            facts = ({} if renamed else facts) | {"Name": name}
        ifc_class = self._class(element.is_a(), str(facts.get("Class") or ""))
        if not facts or not ifc_class:
            return
        if predefined and "PredefinedType" not in self._classes.attributes(element.is_a()):
            facts.setdefault("Predefined type", predefined)
        key = ifc_class, str(facts.get("GlobalId") or ""), str(facts.get("Name") or "")
        if key not in self._made:
            self._made[key] = self._new(ifc_class, facts, told), []
        self._made[key][1].append(element)

    def finish(self, guid: Any) -> None:
        """Write which objects are of which type."""
        for kind, elements in self._made.values():
            self._model.create_entity(
                "IfcRelDefinesByType", GlobalId=guid(), RelatedObjects=elements, RelatingType=kind
            )

    def _class(self, occurrence: str, stated: str) -> str:
        """Return the class of a type that an occurrence may have, empty if there is none."""
        usual, stated = f"{occurrence}Type", _RENAMED.get(stated, stated)
        if self._classes.knows(usual):
            special = self._classes.knows(stated) and self._classes.is_a(stated, usual)
            return stated if special else usual
        return stated if stated.endswith("Type") and self._classes.knows(stated) else ""

    def _new(self, ifc_class: str, facts: Mapping[str, Any], told: Mapping[str, Mapping[str, Any]]) -> Any:
        predefined = str(facts.get("Predefined type") or "")
        stated = {key: str(facts[fact]) for key, fact in _FACTS.items() if facts.get(fact)}
        known = self._classes.attributes(ifc_class)
        values = self._classes.required(ifc_class) | {key: text for key, text in stated.items() if key in known}
        element_type = str(facts.get("Element type") or "")
        allowed = self._classes.values(ifc_class, "PredefinedType")
        if predefined in allowed:
            values["PredefinedType"] = predefined
        elif predefined and "USERDEFINED" in allowed:
            values["PredefinedType"], element_type = "USERDEFINED", predefined
        if element_type and "ElementType" in known:
            values["ElementType"] = element_type
        sets = [self._properties.written(name, group) for name, group in inherited_groups(told).items()]
        uid = f"type:{ifc_class}:{facts.get('GlobalId', '')}:{facts.get('Name', '')}"
        return self._model.create_entity(
            ifc_class,
            GlobalId=global_id(uid, str(facts.get("GlobalId") or ""), self._taken),
            HasPropertySets=[each for each in sets if each is not None] or None,
            **values,
        )


def inherited_groups(told: Mapping[str, Mapping[str, Any]]) -> Groups:
    """Return the property groups of the type of an object, from what the object tells of inherited values.

    Examples
    --------
    >>> inherited_groups({"A": {"x": 1, "y": 3}, INHERITED: {"A": ["x"]}, OVERRIDDEN: {"A.y": 2}})
    {'A': {'x': 1, 'y': 2}}
    """
    found: Groups = {}
    for name, keys in told.get(INHERITED, {}).items():
        group = told.get(name, {})
        found[name] = {key: group[key] for key in keys if key in group}
    for path, value in told.get(OVERRIDDEN, {}).items():
        name = next((each for each in sorted(told, key=len, reverse=True) if path.startswith(f"{each}.")), "")
        if name:
            found.setdefault(name, {})[path[len(name) + 1 :]] = value
    return found


def own_groups(groups: Mapping[str, Mapping[str, Any]], told: Mapping[str, Mapping[str, Any]]) -> Groups:
    """Return the groups of an object without the values that it inherits unchanged.

    Examples
    --------
    >>> own_groups({"A": {"x": 1, "y": 3}}, {"A": {"x": 1, "y": 3}, INHERITED: {"A": ["x"]}})
    {'A': {'y': 3}}
    """
    kept = told.get(INHERITED, {})
    found: Groups = {}
    for name, group in groups.items():
        before = told.get(name, {})
        left = {key: value for key, value in group.items() if key not in kept.get(name, ()) or before.get(key) != value}
        if left:
            found[name] = left
    return found
