"""Worker side: what things are made of: one material, a list, layers with thicknesses, profiles, constituents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bim.entities import READ_ERRORS, every, list_at, number_at, plain, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bim.properties import PropertyReader
    from bim.units import Units

Group = dict[str, Any]


class MaterialReader:
    """Reads the materials of one open model; each is read once, however many objects share it.

    Parameters
    ----------
    model
        The open file.
    units
        Its units.
    properties
        The reader of its properties, for those of the materials themselves.
    """

    def __init__(self, model: Any, units: Units, properties: PropertyReader) -> None:
        self._model, self._units = model, units
        self._own = _properties_of_materials(model, properties)
        self.oddities: list[tuple[str, str, str]] = []
        self._readers: dict[str, Callable[[Any], Iterator[tuple[str, Any, Any]]]] = {
            "IfcMaterialLayerSetUsage": self._layer_usage,
            "IfcMaterialProfileSetUsage": self._profile_usage,
            "IfcMaterialLayerSet": self._layers,
            "IfcMaterialLayer": self._one_layer,
            "IfcMaterialProfileSet": self._profiles,
            "IfcMaterialConstituentSet": self._constituents,
            "IfcMaterialList": self._list,
            "IfcMaterial": self._one,
        }

    def by_object(self, types: dict[int, int]) -> dict[int, tuple[str, dict[str, Group]]]:
        """Return (names of the materials, property groups) of each entity number; an occurrence beats its type."""
        direct: dict[int, Any] = {}
        for relation in every(self._model, "IfcRelAssociatesMaterial"):
            if relation.RelatingMaterial is not None:
                direct.update({entity.id(): relation.RelatingMaterial for entity in relation.RelatedObjects or ()})
        chosen = {number: direct[kind] for number, kind in types.items() if kind in direct} | direct
        read = {entity.id(): self._read(entity) for entity in {each.id(): each for each in chosen.values()}.values()}
        return {number: read[entity.id()] for number, entity in chosen.items()}

    def _read(self, entity: Any) -> tuple[str, dict[str, Group]]:
        group: Group = {}
        found: list[Any] = []
        try:
            for name, value, material in self._parts(entity):
                group[name] = value
                if material is not None:
                    found.append(material)
        except READ_ERRORS as error:
            self.oddities.append((f"#{entity.id()}", "material-unreadable", f"cannot be read ({error})"[:200]))
        names = list(dict.fromkeys(filter(None, (text_at(each, "Name") for each in found))))
        groups = {"Material": group}
        for material in found:
            groups.update(self._own.get(material.id(), {}))
        return ", ".join(names), groups

    def _parts(self, entity: Any) -> Iterator[tuple[str, Any, Any]]:
        """Yield (name, value, material) of what an `IfcMaterialSelect` says; the material is None for other facts."""
        read = next((read for name, read in self._readers.items() if entity.is_a(name)), self._part)
        yield from read(entity)

    def _layer_usage(self, usage: Any) -> Iterator[tuple[str, Any, Any]]:
        yield from self._parts(usage.ForLayerSet)
        yield "Direction", f"{plain(usage.LayerSetDirection)} {plain(usage.DirectionSense)}", None
        yield "Offset", self._length(number_at(usage, "OffsetFromReferenceLine")), None

    def _profile_usage(self, usage: Any) -> Iterator[tuple[str, Any, Any]]:
        yield from self._parts(usage.ForProfileSet)
        if usage.CardinalPoint is not None:
            yield "Cardinal point", plain(usage.CardinalPoint), None

    def _one_layer(self, layer: Any) -> Iterator[tuple[str, Any, Any]]:
        yield self._layer("Layer", layer)

    def _profiles(self, profile_set: Any) -> Iterator[tuple[str, Any, Any]]:
        yield from self._named(profile_set, list_at(profile_set, "MaterialProfiles"), "Profile")

    def _constituents(self, constituent_set: Any) -> Iterator[tuple[str, Any, Any]]:
        yield from self._named(constituent_set, list_at(constituent_set, "MaterialConstituents"), "Constituent")

    def _list(self, several: Any) -> Iterator[tuple[str, Any, Any]]:
        for place, material in enumerate(list_at(several, "Materials"), 1):
            yield f"Material {place}", text_at(material, "Name"), material

    def _one(self, material: Any) -> Iterator[tuple[str, Any, Any]]:
        yield "Name", text_at(material, "Name"), material
        if text_at(material, "Category"):
            yield "Category", text_at(material, "Category"), None

    def _part(self, part: Any) -> Iterator[tuple[str, Any, Any]]:
        yield from self._named(None, [part], "Part")

    def _layers(self, layer_set: Any) -> Iterator[tuple[str, Any, Any]]:
        if text_at(layer_set, "LayerSetName"):
            yield "Layer set", text_at(layer_set, "LayerSetName"), None
        layers = list_at(layer_set, "MaterialLayers")
        for place, layer in enumerate(layers, 1):
            yield self._layer(f"Layer {place}", layer)
        thicknesses = [number_at(layer, "LayerThickness") or 0.0 for layer in layers]
        yield "Total thickness", self._length(sum(thicknesses)), None

    def _layer(self, place: str, layer: Any) -> tuple[str, Any, Any]:
        words = [place, text_at(layer.Material, "Name") if layer.Material is not None else "air"]
        return ": ".join(filter(None, words)), self._length(number_at(layer, "LayerThickness")), layer.Material

    def _named(self, whole: Any, parts: list[Any], word: str) -> Iterator[tuple[str, Any, Any]]:
        """Yield the profiles or constituents of a set: which material, with which profile or share."""
        if whole is not None and text_at(whole, "Name"):
            yield f"{word} set", text_at(whole, "Name"), None
        for place, part in enumerate(parts, 1):
            material = part.Material
            words = [text_at(material, "Name") if material is not None else ""]
            profile = getattr(part, "Profile", None)
            if profile is not None:
                words.append(text_at(profile, "ProfileName") or profile.is_a().removeprefix("Ifc"))
            share = number_at(part, "Fraction")
            if share is not None:
                words.append(f"{share:.0%}")
            name = text_at(part, "Name")
            yield f"{word} {place}" + (f": {name}" if name else ""), ", ".join(filter(None, words)), material

    def _length(self, value: float | None) -> Any:
        return self._units.length.of(value)


def _properties_of_materials(model: Any, properties: PropertyReader) -> dict[int, dict[str, Group]]:
    """Return the property groups of each material (`IfcMaterialProperties`, IFC4 and later)."""
    found: dict[int, dict[str, Group]] = {}
    for each in every(model, "IfcMaterialProperties"):
        material, listed = each.Material, getattr(each, "Properties", None)
        if material is None or not listed:
            continue
        group = properties.properties(listed)
        if group:
            name = f"{text_at(each, 'Name') or 'Properties'} ({text_at(material, 'Name')})"
            found.setdefault(material.id(), {})[name] = group
    return found
