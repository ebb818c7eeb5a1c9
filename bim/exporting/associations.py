"""What things are made of and how they are classified, from the groups and columns of the scene."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bim.exporting.properties import PropertyWriter

    Told = Mapping[str, Mapping[str, Any]]

_PART = re.compile(r"(Layer|Profile|Constituent|Material)(?: \d+)?(?:: (.*))?$", re.DOTALL)
_SHARE = re.compile(r"(?:^|, )(\d+)%$")
_SENSES = ("POSITIVE", "NEGATIVE")


class AssociationWriter:
    """Writes materials and classifications, each once however many objects share it.

    Parameters
    ----------
    model
        The IFC model.
    guid
        Makes fresh GlobalIds.
    properties
        Writes properties, for those of materials.
    """

    def __init__(self, model: Any, guid: Callable[[], str], properties: PropertyWriter) -> None:
        """Start with none."""
        self._model, self._guid, self._properties = model, guid, properties
        self._materials: dict[str, Any] = {}
        self._described: set[tuple[str, str]] = set()
        self._made: dict[str, tuple[Any, list[Any]]] = {}
        self._systems: dict[str, Any] = {}
        self._codes: dict[tuple[str, str, str, str], tuple[Any, list[Any]]] = {}

    def add(self, element: Any, told: Told, material: str, classification: str) -> None:
        """Tie an object to its materials and classes; the last two are its columns, which win over its groups."""
        group = dict(told.get("Material", {}))
        names = material_names(group, material)
        if names and element.is_a("IfcObjectDefinition"):
            key = repr((group, names))
            if key not in self._made:
                self._made[key] = self._material(group, names), []
            self._made[key][1].append(element)
            self._describe(told, names)
        for reference in _codes(told.get("Classification", {}), classification):
            if reference not in self._codes:
                self._codes[reference] = self._classification(*reference), []
            self._codes[reference][1].append(element)

    def finish(self) -> None:
        """Write the relations."""
        for made, elements in self._made.values():
            self._model.create_entity(
                "IfcRelAssociatesMaterial", GlobalId=self._guid(), RelatedObjects=elements, RelatingMaterial=made
            )
        for made, elements in self._codes.values():
            self._model.create_entity(
                "IfcRelAssociatesClassification",
                GlobalId=self._guid(),
                RelatedObjects=elements,
                RelatingClassification=made,
            )

    def _describe(self, told: Told, names: list[str]) -> None:
        """Write the property groups of materials, named ``SET (MATERIAL)``."""
        for name in names:
            for title, group in told.items():
                if title.endswith(f" ({name})") and (title, name) not in self._described and group:
                    self._described.add((title, name))
                    self._model.create_entity(
                        "IfcMaterialProperties",
                        Name=title.removesuffix(f" ({name})"),
                        Properties=self._properties.properties(group),
                        Material=self._one(name),
                    )

    def _one(self, name: str, category: str = "") -> Any:
        if name not in self._materials:
            self._materials[name] = self._model.create_entity("IfcMaterial", Name=name, Category=category or None)
        return self._materials[name]

    def _material(self, group: Mapping[str, Any], names: list[str]) -> Any:
        """Return what a group tells of, if it is made of the materials named; else those alone."""
        parts = [(match[1], match[2] or "", value) for key, value in group.items() if (match := _PART.match(key))]
        kinds = {kind for kind, _, _ in parts}
        if str(group.get("Name", "")) == names[0] and len(names) == 1:
            return self._one(names[0], str(group.get("Category") or ""))
        if kinds == {"Layer"} and _same(names, [name for _, name, _ in parts if name != "air"]):
            return self._layers(group, parts)
        if kinds in ({"Profile"}, {"Constituent"}):
            split = [(name, *_split(str(value), names)) for _, name, value in parts]
            if _same(names, [material for _, material, _ in split]):
                return self._profiles(group, split) if kinds == {"Profile"} else self._constituents(group, split)
        if len(names) == 1 and kinds != {"Material"}:
            return self._one(names[0])
        return self._model.create_entity("IfcMaterialList", [self._one(name) for name in names])

    def _layers(self, group: Mapping[str, Any], parts: list[tuple[str, str, Any]]) -> Any:
        create = self._model.create_entity
        layers = [
            create(
                "IfcMaterialLayer",
                Material=self._one(name) if name and name != "air" else None,
                LayerThickness=self._metres(value),
            )
            for _, name, value in parts
        ]
        layer_set = create("IfcMaterialLayerSet", layers, group.get("Layer set"))
        axis, _, sense = str(group.get("Direction") or "").partition(" ")
        if not axis or sense not in _SENSES:
            return layer_set
        offset = self._metres(group.get("Offset"))
        return create("IfcMaterialLayerSetUsage", layer_set, axis, sense, offset)

    def _profiles(self, group: Mapping[str, Any], parts: list[tuple[str, str, str]]) -> Any:
        create = self._model.create_entity
        made = [
            create(
                "IfcMaterialProfile",
                Name=name or None,
                Material=self._one(material) if material else None,
                Profile=create("IfcProfileDef", ProfileType="AREA", ProfileName=profile or None),
            )
            for name, material, profile in parts
        ]
        profile_set = create("IfcMaterialProfileSet", Name=group.get("Profile set"), MaterialProfiles=made)
        point = group.get("Cardinal point")
        return create("IfcMaterialProfileSetUsage", profile_set, int(point)) if isinstance(point, int) else profile_set

    def _constituents(self, group: Mapping[str, Any], parts: list[tuple[str, str, str]]) -> Any:
        create = self._model.create_entity
        made = []
        for place, (name, material, rest) in enumerate(parts, 1):
            share = _SHARE.search(rest)
            made.append(
                create(
                    "IfcMaterialConstituent",
                    Name=name or f"{place}",
                    Material=self._one(material),
                    Fraction=None if share is None else int(share[1]) / 100.0,
                )
            )
        return create("IfcMaterialConstituentSet", Name=group.get("Constituent set"), MaterialConstituents=made)

    def _metres(self, value: Any) -> float:
        amount, unit = (value["value"], value.get("unit", "")) if isinstance(value, dict) else (value, "")
        if not isinstance(amount, (int, float)):
            return 0.0
        return float(amount) * (self._properties.units.factor(str(unit)) or 1.0)

    def _classification(self, system: str, code: str, name: str, address: str) -> Any:
        create = self._model.create_entity
        plain = not code and not name
        if system not in self._systems and (plain or system != "Classification"):
            own = address if plain else ""
            self._systems[system] = create("IfcClassification", Name=system, Specification=own or None)
        if plain:
            return self._systems[system]
        return create(
            "IfcClassificationReference",
            Location=address or None,
            Identification=code or None,
            Name=name or None,
            ReferencedSource=self._systems.get(system),
        )


def material_names(group: Mapping[str, Any], column: str) -> list[str]:
    """Return the names of the materials of an object: those of its group where the column says the same, else its own.

    Examples
    --------
    >>> material_names({"Material 1": "Oak, oiled", "Material 2": "Glass"}, "Oak, oiled, Glass")
    ['Oak, oiled', 'Glass']
    >>> material_names({"Name": "Brick"}, "Timber")
    ['Timber']
    """
    found: list[str] = [str(group["Name"])] if "Name" in group else []
    for key, value in group.items():
        match = _PART.match(key)
        if match is not None and match[1] == "Layer":
            found += [match[2]] if match[2] and match[2] != "air" else []
        elif match is not None:
            bare = _SHARE.sub("", str(value)) if match[1] == "Constituent" else str(value)
            found.append(bare.rpartition(", ")[0] or bare if match[1] == "Profile" else bare)
    found = list(dict.fromkeys(filter(None, found)))
    return found if found and ", ".join(found) == column else [name for name in column.split(", ") if name]


def _same(names: list[str], others: list[str]) -> bool:
    return list(dict.fromkeys(names)) == list(dict.fromkeys(filter(None, others)))


def _split(value: str, names: list[str]) -> tuple[str, str]:
    """Return the material that a text starts with and the rest.

    Examples
    --------
    >>> _split("Steel, S355, IPE 200", ["Steel, S355"]), _split("IPE 200", ["Steel"])
    (('Steel, S355', 'IPE 200'), ('', 'IPE 200'))
    """
    for name in sorted(names, key=len, reverse=True):
        if value == name or value.startswith(f"{name}, "):
            return name, value[len(name) + 2 :]
    return "", value


def _codes(group: Mapping[str, Any], column: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield (system, code, name, address) of each class; the codes of the column say where code and name part."""
    codes = [code for code in column.split(", ") if code]
    left = list(codes)
    for key, value in group.items():
        if key.endswith(": address"):
            continue
        text = str(value)
        code = next((each for each in codes if text == each or text.startswith(f"{each} ")), "")
        system = re.sub(r" \d+$", "", key) if re.sub(r" \d+$", "", key) in group else key
        if codes and not code and text:
            continue  # the column was changed
        if code in left:
            left.remove(code)
        yield system, code, text[len(code) :].strip(), str(group.get(f"{key}: address") or "")
    for code in left:
        if code not in group.values() and code not in group:
            yield "Classification", code, "", ""
