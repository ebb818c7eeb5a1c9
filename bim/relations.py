"""Worker side: how the objects of a model are tied to each other beside the tree.

The words for kinds and roles are in ``docs/reference/bim.md``. A relation goes from the thing that does something to
the thing that it is done to: a door fills a wall, a covering covers a slab, a wall bounds a room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bim.entities import READ_ERRORS, attribute, every, list_at, text_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Tie(NamedTuple):
    """A relation by entity numbers."""

    source: int
    kind: str
    target: int
    role: str = ""


def ties_of(model: Any) -> list[Tie]:
    """Return the relations between the entities of an open model, each once."""
    found: dict[Tie, None] = {}
    for name, read in _READERS.items():
        for relation in every(model, name):
            try:
                found.update(dict.fromkeys(read(relation)))
            except READ_ERRORS:  # an end is missing or of the wrong class
                continue
    return list(found)


def stand_ins(model: Any) -> dict[int, int]:
    """Return who stands for an opening in the relations of others: its filling, or else its host.

    Examples
    --------
    A boundary of a room that names the opening of a door becomes one that names the door.
    """
    found = {}
    for relation in every(model, "IfcRelVoidsElement"):
        opening, host = attribute(relation, "RelatedOpeningElement"), attribute(relation, "RelatingBuildingElement")
        if opening is not None and host is not None:
            found[opening.id()] = host.id()
    for relation in every(model, "IfcRelFillsElement"):
        opening, filling = attribute(relation, "RelatingOpeningElement"), attribute(relation, "RelatedBuildingElement")
        if opening is not None and filling is not None:
            found[opening.id()] = filling.id()
    return found


def voids(model: Any) -> list[Tie]:
    """Return which opening is cut out of which element."""
    return [
        Tie(relation.RelatedOpeningElement.id(), "voids", relation.RelatingBuildingElement.id())
        for relation in every(model, "IfcRelVoidsElement")
        if relation.RelatedOpeningElement is not None and relation.RelatingBuildingElement is not None
    ]


def filled_openings(model: Any) -> list[Tie]:
    """Return which element fills which opening."""
    return [
        Tie(relation.RelatedBuildingElement.id(), "fills", relation.RelatingOpeningElement.id(), "hole")
        for relation in every(model, "IfcRelFillsElement")
        if relation.RelatedBuildingElement is not None and relation.RelatingOpeningElement is not None
    ]


def fillings(model: Any) -> list[Tie]:
    """Return which element fills an opening of which other one."""
    hosts = {tie.source: tie.target for tie in voids(model)}
    return [
        Tie(tie.source, "fills", hosts[tie.target], "opening") for tie in filled_openings(model) if tie.target in hosts
    ]


def openings(model: Any) -> dict[int, dict[str, str]]:
    """Return the property group of the openings in each element: {name: what they are and what fills them}."""
    filled = {}
    for relation in every(model, "IfcRelFillsElement"):
        opening, filling = relation.RelatingOpeningElement, relation.RelatedBuildingElement
        if opening is not None and filling is not None:
            filled[opening.id()] = f"filled by {filling.is_a().removeprefix('Ifc')} {text_at(filling, 'Name')}".strip()
    found: dict[int, dict[str, str]] = {}
    for relation in every(model, "IfcRelVoidsElement"):
        opening, host = relation.RelatedOpeningElement, relation.RelatingBuildingElement
        if opening is None or host is None:
            continue
        group = found.setdefault(host.id(), {})
        name = text_at(opening, "Name") or "Opening"
        key = name if name not in group else f"{name} {text_at(opening, 'GlobalId')}"
        kind = text_at(opening, "PredefinedType").lower()
        words = (kind if kind not in ("", "notdefined", "userdefined") else "opening", filled.get(opening.id(), ""))
        group[key] = ", ".join(filter(None, words))
    return found


def _connected(relation: Any) -> Iterator[Tie]:
    """Yield that a wall meets a wall or a beam bears on a column; a realizing element lies between the two."""
    role = ""
    if relation.is_a("IfcRelConnectsPathElements"):
        role = f"{text_at(relation, 'RelatingConnectionType')}-{text_at(relation, 'RelatedConnectionType')}"
    between = [each.id() for each in list_at(relation, "RealizingElements")]
    first, last = relation.RelatingElement.id(), relation.RelatedElement.id()
    if not between:
        yield Tie(first, "connects", last, role)
    for each in between:
        yield Tie(first, "connects", each, "realizing")
        yield Tie(each, "connects", last, "realizing")


def _bounds(relation: Any) -> Iterator[Tie]:
    words = (text_at(relation, "PhysicalOrVirtualBoundary"), text_at(relation, "InternalOrExternalBoundary"))
    role = " ".join(word.lower() for word in words if word not in ("", "NOTDEFINED"))
    yield Tie(relation.RelatedBuildingElement.id(), "bounds", relation.RelatingSpace.id(), role)


def _covers(relation: Any) -> Iterator[Tie]:
    names = ("RelatingBuildingElement", "RelatingSpace", "RelatedSpace")  # of elements, of spaces, of spaces in IFC2x3
    covered = next(each for name in names if (each := attribute(relation, name)) is not None)
    for covering in list_at(relation, "RelatedCoverings"):
        yield Tie(covering.id(), "covers", covered.id(), text_at(covering, "PredefinedType").lower())


def _members(relation: Any) -> Iterator[Tie]:
    group = relation.RelatingGroup
    for member in list_at(relation, "RelatedObjects"):
        yield Tie(member.id(), "member", group.id(), group.is_a().removeprefix("Ifc"))


def _serves(relation: Any) -> Iterator[Tie]:
    for structure in list_at(relation, "RelatedBuildings"):
        yield Tie(relation.RelatingSystem.id(), "serves", structure.id())


def _referenced(relation: Any) -> Iterator[Tie]:
    for element in list_at(relation, "RelatedElements"):
        yield Tie(element.id(), "referenced", relation.RelatingStructure.id())


def _controls(relation: Any) -> Iterator[Tie]:
    for control in list_at(relation, "RelatedControlElements"):
        yield Tie(control.id(), "controls", relation.RelatingFlowElement.id())


def _positioned(relation: Any) -> Iterator[Tie]:
    for product in list_at(relation, "RelatedProducts"):
        yield Tie(product.id(), "positioned", relation.RelatingPositioningElement.id())


def _interferes(relation: Any) -> Iterator[Tie]:
    role = text_at(relation, "InterferenceType")
    yield Tie(relation.RelatingElement.id(), "interferes", relation.RelatedElement.id(), role)


def _assigned(relation: Any) -> Iterator[Tie]:
    """Yield what stands for a product, such as a structural member; tasks are read with the schedule."""
    for each in list_at(relation, "RelatedObjects"):
        if not each.is_a("IfcProcess"):
            yield Tie(each.id(), "assigned", relation.RelatingProduct.id())


_READERS: dict[str, Callable[[Any], Iterator[Tie]]] = {
    "IfcRelConnectsElements": _connected,
    "IfcRelSpaceBoundary": _bounds,
    "IfcRelCoversBldgElements": _covers,
    "IfcRelCoversSpaces": _covers,
    "IfcRelAssignsToGroup": _members,
    "IfcRelServicesBuildings": _serves,
    "IfcRelReferencedInSpatialStructure": _referenced,
    "IfcRelFlowControlElements": _controls,
    "IfcRelPositions": _positioned,
    "IfcRelInterferesElements": _interferes,
    "IfcRelAssignsToProduct": _assigned,
}
