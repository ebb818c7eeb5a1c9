"""Worker side: what is attached to objects: classifications, documents, libraries, approvals, layers, controls."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from bim.dossier import wholes
from bim.entities import READ_ERRORS, attribute, every, list_at, number_at, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bim.properties import Groups

_DEEPEST = 32


def classifications(model: Any, types: dict[int, int]) -> dict[int, list[tuple[str, str, str, str]]]:
    """Return (system, code, name, address) of each entity number; an occurrence keeps those of its type."""
    direct: dict[int, list[tuple[str, str, str, str]]] = defaultdict(list)
    for relation in every(model, "IfcRelAssociatesClassification"):
        if relation.RelatingClassification is None:
            continue
        told = _classification(relation.RelatingClassification)
        for entity in relation.RelatedObjects or ():
            if told not in direct[entity.id()]:
                direct[entity.id()].append(told)
    merged = dict(direct)
    for number, kind in types.items():
        mine = direct.get(number, [])
        systems = {each[0] for each in mine}
        from_type = [each for each in direct.get(kind, ()) if each[0] not in systems]
        if from_type:
            merged[number] = [*mine, *from_type]
    return merged


def classification_group(told: list[tuple[str, str, str, str]]) -> dict[str, str]:
    """Return classifications as a property group.

    Examples
    --------
    >>> classification_group([("Uniclass", "Ss_25", "Walls", "https://example.org/Ss_25")])
    {'Uniclass': 'Ss_25 Walls', 'Uniclass: address': 'https://example.org/Ss_25'}
    """
    group: dict[str, str] = {}
    for system, code, name, address in told:
        key = next(each for each in _names(system or "Classification") if each not in group)
        group[key] = " ".join(dict.fromkeys(filter(None, (code, name))))
        if address:
            group[f"{key}: address"] = address
    return group


def attached(model: Any) -> dict[int, Groups]:
    """Return the property groups of each entity number: documents, libraries, approvals, constraints, controls."""
    found: dict[int, Groups] = defaultdict(dict)
    for name, (group, read) in _ATTACHED.items():
        for relation in every(model, name):
            try:
                key, value = read(relation)
            except READ_ERRORS:
                continue
            for entity in (relation.RelatedObjects or ()) if key else ():
                found[entity.id()].setdefault(group, {})[key] = value
    return found


def presentation_layers(model: Any) -> dict[int, str]:
    """Return the names of the presentation layers (CAD layers) of each entity number, joined by commas."""
    layers: dict[int, list[str]] = defaultdict(list)
    for layer in every(model, "IfcPresentationLayerAssignment"):
        for item in layer.AssignedItems or ():
            layers[item.id()].append(text_at(layer, "Name"))
    if not layers:
        return {}
    found = {}
    for product in every(model, "IfcProduct"):
        items = _drawn(attribute(product, "Representation"))
        names = dict.fromkeys(name for item in items for name in layers.get(item.id(), ()) if name)
        if names:
            found[product.id()] = ", ".join(names)
    return found


def _classification(entity: Any) -> tuple[str, str, str, str]:
    """Return (system, code, name, address) of an `IfcClassificationSelect` of any schema."""
    if entity.is_a("IfcClassificationNotation"):  # IFC2x3
        code = " ".join(text_at(facet, "NotationValue") for facet in list_at(entity, "NotationFacets"))
        return "", code, "", ""
    if entity.is_a("IfcClassification"):
        address = text_at(entity, "Specification") or text_at(entity, "Location")
        return text_at(entity, "Name"), "", "", address
    code = text_at(entity, "Identification") or text_at(entity, "ItemReference")
    return _system(entity), code, text_at(entity, "Name"), text_at(entity, "Location")


def _system(reference: Any) -> str:
    """Return the name of the system above a reference, which may lie several references up."""
    for _ in range(_DEEPEST):
        source = attribute(reference, "ReferencedSource")
        if source is None:
            return ""
        if source.is_a("IfcClassification"):
            return " ".join(filter(None, (text_at(source, "Name"), text_at(source, "Edition"))))
        reference = source
    return ""


def _names(first: str) -> Iterator[str]:
    yield first
    for number in range(2, 1000):
        yield f"{first} {number}"


def _document(relation: Any) -> tuple[str, str]:
    """Return (name, address) of a document or library, or of a reference to one."""
    entity = attribute(relation, "RelatingDocument") or relation.RelatingLibrary
    facts = [entity, *wholes(entity)]
    names = ("Name", "Identification", "ItemReference", "DocumentId")
    name = next((text for each in facts for word in names if (text := text_at(each, word))), entity.is_a())
    address = next((text for each in facts if (text := text_at(each, "Location"))), "")
    revision = next((text for each in facts if (text := text_at(each, "Revision"))), "")
    parts = (address, f"revision {revision}" if revision else "", text_at(facts[-1], "Description"))
    return name, ", ".join(filter(None, parts))


def _approval(relation: Any) -> tuple[str, str]:
    entity = relation.RelatingApproval
    name = text_at(entity, "Name") or text_at(entity, "Identifier") or text_at(entity, "Identification")
    parts = [text_at(entity, word) for word in ("Status", "ApprovalStatus", "Level", "ApprovalLevel", "Description")]
    return name or "Approval", ", ".join(filter(None, parts))


def _constraint(relation: Any) -> tuple[str, str]:
    entity = relation.RelatingConstraint
    parts = (text_at(entity, "ConstraintGrade"), text_at(relation, "Intent"), text_at(entity, "Description"))
    return text_at(entity, "Name") or entity.is_a(), ", ".join(filter(None, parts))


def _control(relation: Any) -> tuple[str, str]:
    """Return (class: name, facts) of a cost item, permit and the like; schedules are read as such."""
    entity = relation.RelatingControl
    if entity is None or entity.is_a("IfcWorkControl") or entity.is_a("IfcScheduleTimeControl"):
        return "", ""
    name = text_at(entity, "Name") or text_at(entity, "Identification") or text_at(entity, "GlobalId")
    costs = [number_at(value, "AppliedValue") for value in list_at(entity, "CostValues")]
    known = [cost for cost in costs if cost is not None]
    told = f"{sum(known):g}" if known else text_at(entity, "Description")
    return f"{entity.is_a().removeprefix('Ifc')}: {name}", told


def _drawn(shape: Any) -> Iterator[Any]:
    """Yield the representations and their items that a layer may name, those of mapped types too."""
    for representation in list_at(shape, "Representations") if shape is not None else []:
        yield representation
        for item in list_at(representation, "Items"):
            yield item
            if item.is_a("IfcMappedItem") and item.MappingSource is not None:
                mapped = item.MappingSource.MappedRepresentation
                if mapped is not None:
                    yield mapped
                    yield from list_at(mapped, "Items")


_ATTACHED: dict[str, tuple[str, Callable[[Any], tuple[str, str]]]] = {
    "IfcRelAssociatesDocument": ("Documents", _document),
    "IfcRelAssociatesLibrary": ("Libraries", _document),
    "IfcRelAssociatesApproval": ("Approvals", _approval),
    "IfcRelAssociatesConstraint": ("Constraints", _constraint),
    "IfcRelAssignsToControl": ("Controls", _control),
}
