"""Worker side: the spatial tree of a model as rows, each with the number of its parent."""

# ruff: noqa: PLC0415 - the IFC library is imported where it is used, in the worker only
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bim.kinds import kind_inside, kind_of
from bim.step import repair_text

# Products that are not things in the city: holes, helper lines, ports and analysis models.
_LEFT_OUT = (
    "IfcFeatureElementSubtraction",
    "IfcGrid",
    "IfcAnnotation",
    "IfcPort",
    "IfcStructuralActivity",
    "IfcStructuralItem",
    "IfcVirtualElement",
)
# Products whose shapes are curves and points only; evaluating long alignments takes minutes.
_WITHOUT_SURFACE = ("IfcAlignment", "IfcLinearElement", "IfcLinearPositioningElement", "IfcPositioningElement")


@dataclass(slots=True)
class Row:
    """One object: its entity number, what it is, and the entity number of its parent (0 = none)."""

    number: int
    global_id: str
    name: str
    ifc_class: str
    kind: str
    parent: int = 0
    storey: str = ""
    description: str = ""
    tag: str = ""
    type_name: str = ""
    elevation_m: float | None = None
    has_shape: bool = False


@dataclass(slots=True)
class Tree:
    """All rows in the order of the tree, and what was odd about it."""

    rows: list[Row]
    oddities: list[tuple[str, str, str]] = field(default_factory=list)


def read_tree(model: Any, metres_per_unit: float) -> Tree:
    """Return the spatial tree of an open model: project, sites, buildings, storeys, spaces and elements."""
    entities = _objects(model)
    tree = Tree([_row(model, entity, metres_per_unit) for entity in entities.values()])
    by_number = {row.number: row for row in tree.rows}
    _link(model, by_number)
    _break_circles(tree, by_number)
    _inherit(by_number)
    tree.rows.sort(key=lambda row: (_depth(row, by_number), row.number))
    return tree


def text_of(value: object) -> str:
    """Return a name as clean text, empty for None."""
    return "" if value is None else repair_text(str(value))


def supertypes(model: Any, name: str) -> list[str]:
    """Return a class and its supertypes, from special to general."""
    import ifcopenshell.ifcopenshell_wrapper as wrapper

    declaration = wrapper.schema_by_name(model.schema_identifier).declaration_by_name(name).as_entity()
    found = []
    while declaration is not None:
        found.append(declaration.name())
        declaration = declaration.supertype()
    return found


def _of_types(model: Any, names: tuple[str, ...]) -> set[int]:
    found: set[int] = set()
    for name in names:
        try:
            found.update(entity.id() for entity in model.by_type(name))
        except RuntimeError:  # the schema has no such class
            continue
    return found


def _objects(model: Any) -> dict[int, Any]:
    left_out = _of_types(model, _LEFT_OUT)
    found = {entity.id(): entity for entity in model.by_type("IfcProject")}
    for entity in model.by_type("IfcProduct"):
        if entity.id() not in left_out:
            found[entity.id()] = entity
    return found


def _row(model: Any, entity: Any, metres_per_unit: float) -> Row:
    name = entity.is_a()
    row = Row(entity.id(), text_of(entity[0]), text_of(entity[2]), name, _kind(model, name))
    row.description = text_of(entity[3])
    row.has_shape = getattr(entity, "Representation", None) is not None
    row.tag = text_of(getattr(entity, "Tag", None))
    row.type_name = text_of(getattr(entity, "ObjectType", None))
    if row.ifc_class in ("IfcSpace", "IfcSite", "IfcBuilding", "IfcBuildingStorey") and not row.name:
        row.name = text_of(getattr(entity, "LongName", None))
    if row.ifc_class == "IfcBuildingStorey" and entity.Elevation is not None:
        row.elevation_m = float(entity.Elevation) * metres_per_unit
    return row


_kinds: dict[tuple[str, str], str] = {}


def _kind(model: Any, name: str) -> str:
    key = (model.schema_identifier, name)
    if key not in _kinds:
        _kinds[key] = kind_of(supertypes(model, name))
    return _kinds[key]


def _link(model: Any, rows: dict[int, Row]) -> None:
    """Set parents: containment last-written loses to decomposition, since a part belongs to its whole."""
    for relation in _relations(model, "IfcRelContainedInSpatialStructure"):
        _adopt(rows, relation.RelatedElements, relation.RelatingStructure)
    for kind in ("IfcRelNests", "IfcRelAggregates"):
        for relation in _relations(model, kind):
            _adopt(rows, relation.RelatedObjects, relation.RelatingObject)
    hosts = {}
    for relation in _relations(model, "IfcRelVoidsElement"):
        if relation.RelatedOpeningElement is not None and relation.RelatingBuildingElement is not None:
            hosts[relation.RelatedOpeningElement.id()] = relation.RelatingBuildingElement.id()
    for relation in _relations(model, "IfcRelFillsElement"):
        filling, opening = relation.RelatedBuildingElement, relation.RelatingOpeningElement
        if filling is not None and opening is not None and filling.id() in rows and not rows[filling.id()].parent:
            host = hosts.get(opening.id(), 0)
            rows[filling.id()].parent = host if host in rows else 0


def _relations(model: Any, name: str) -> list[Any]:
    try:
        return list(model.by_type(name))
    except RuntimeError:
        return []


def _adopt(rows: dict[int, Row], children: Any, parent: Any) -> None:
    if parent is None or parent.id() not in rows:
        return
    for child in children or ():
        if child is not None and child.id() in rows and child.id() != parent.id():
            rows[child.id()].parent = parent.id()


def _break_circles(tree: Tree, rows: dict[int, Row]) -> None:
    for row in tree.rows:
        seen = {row.number}
        above = row
        while above.parent:
            if above.parent in seen:
                tree.oddities.append((f"#{row.number}", "tree-circle", f"{row.ifc_class} is a part of itself"))
                above.parent = 0
                break
            seen.add(above.parent)
            above = rows[above.parent]


def _depth(row: Row, rows: dict[int, Row]) -> int:
    depth = 0
    while row.parent:
        row = rows[row.parent]
        depth += 1
    return depth


def _inherit(rows: dict[int, Row]) -> None:
    """Give each row the name of its storey, and bridge and tunnel parts their own kinds."""
    for row in rows.values():
        above = row
        while above.parent:
            above = rows[above.parent]
            if above.kind == "Storey" and not row.storey:
                row.storey = above.name
            if above.kind in ("Bridge", "BridgePart", "Tunnel", "TunnelPart"):
                row.kind = kind_inside(row.kind, above.kind)
                break
            if above.kind == "Building":
                break


def shaped_products(model: Any) -> list[Any]:
    """Return the products that have a representation and are things in the city."""
    left_out = _of_types(model, (*_LEFT_OUT, *_WITHOUT_SURFACE))
    return [
        entity
        for entity in model.by_type("IfcProduct")
        if entity.id() not in left_out and getattr(entity, "Representation", None) is not None
    ]
