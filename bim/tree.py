"""Worker side: the objects of a model as rows, each with the number of its parent.

The spatial tree and its elements stand in the layer of the model; rooms and zones, openings, ports, groups and systems,
schedules, records (documents, costs, permits), and the helping lines (grids, alignments, annotations) each have a layer
of their own (`LAYERS`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bim.dossier import RECORDS, Dossier
from bim.entities import attribute, every, every_of, list_at, number_at, supertypes, text_at
from bim.kinds import SETTINGS, kind_inside, kind_of
from bim.relations import fillings, voids
from bim.systems import port_owners

if TYPE_CHECKING:
    import datetime as dt

# Products that are not things in the city: parts of analysis models, and borders of rooms that are not there.
_LEFT_OUT = ("IfcStructuralActivity", "IfcStructuralItem", "IfcVirtualElement")
_OPENINGS = ("IfcFeatureElementSubtraction",)
_PORTS = ("IfcPort",)
# Products whose shapes are curves and points only; `bim.lines` draws them.
_LINES = (
    "IfcAlignment",
    "IfcAlignmentSegment",
    "IfcAnnotation",
    "IfcGrid",
    "IfcLinearElement",
    "IfcLinearPositioningElement",
    "IfcPositioningElement",
)
_SPACES = ("IfcSpace", "IfcSpatialZone", "IfcExternalSpatialElement")
_GROUPS = ("IfcGroup",)
_WORKS = ("IfcWorkPlan", "IfcWorkSchedule", "IfcTask")
# Layer of a row to what stands behind the model's name in the name of the layer.
LAYERS = {
    "": "",
    "spaces": "-spaces",
    "openings": "-openings",
    "ports": "-ports",
    "groups": "-groups",
    "schedule": "-schedule",
    RECORDS: "-records",
    "lines": "-lines",
}


@dataclass(slots=True)
class Row:
    """One object: its entity number, what it is, and the entity number of its parent (0 = none)."""

    number: int
    global_id: str
    name: str
    ifc_class: str
    kind: str
    layer: str = ""
    spatial: bool = False
    parent: int = 0
    storey: str = ""
    description: str = ""
    tag: str = ""
    object_type: str = ""
    elevation_m: float | None = None
    valid_from: dt.datetime | None = None
    valid_to: dt.datetime | None = None
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Tree:
    """All rows in the order of the tree, and what was odd about it."""

    rows: list[Row]
    oddities: list[tuple[str, str, str]] = field(default_factory=list)


def read_tree(
    model: Any, metres_per_unit: float, parents: dict[int, int] | None = None, dossier: Dossier | None = None
) -> Tree:
    """Return the objects of an open model: spatial tree, elements, groups, schedules, records, lines.

    Parameters
    ----------
    model
        The open file.
    metres_per_unit
        Its length unit.
    parents
        Parents that stand outside the spatial tree, such as the schedule of a task.
    dossier
        Documents, costs and the like, which become objects too.
    """
    records = dossier or Dossier()
    entities = _objects(model) | {number: (entity, RECORDS) for number, entity in records.entities.items()}
    tree = Tree([_row(model, entity, layer, metres_per_unit) for entity, layer in entities.values()])
    for row in tree.rows:
        if row.layer == RECORDS:
            row.name, row.global_id = records.titles[row.number], records.keys.get(row.number, row.global_id)
            row.columns |= records.columns[row.number]
    by_number = {row.number: row for row in tree.rows}
    _link(model, by_number)
    for number, parent in {**(parents or {}), **records.parents}.items():
        if number in by_number and parent in by_number:
            by_number[number].parent = parent
    _break_circles(tree, by_number)
    _inherit(by_number)
    tree.rows.sort(key=lambda row: (_depth(row, by_number), row.number))
    return tree


def _of_types(model: Any, names: tuple[str, ...]) -> set[int]:
    return {entity.id() for entity in every_of(model, names)}


def _objects(model: Any) -> dict[int, tuple[Any, str]]:
    """Return each object with the layer that it goes to."""
    left_out = _of_types(model, _LEFT_OUT)
    apart = {"lines": _LINES, "spaces": _SPACES, "openings": _OPENINGS, "ports": _PORTS}
    layers = {number: layer for layer, names in apart.items() for number in _of_types(model, names)}
    found = {entity.id(): (entity, "") for entity in every(model, "IfcProject")}
    for entity in every(model, "IfcProduct"):
        number = entity.id()
        if number not in left_out:
            found[number] = (entity, layers.get(number, ""))
    found |= {entity.id(): (entity, "groups") for entity in every_of(model, _GROUPS)}
    found |= {entity.id(): (entity, "schedule") for entity in every_of(model, _WORKS)}
    return found


def _row(model: Any, entity: Any, layer: str, metres_per_unit: float) -> Row:
    name = entity.is_a()
    kind = _kind(model.schema_identifier, name, _type_word(entity))
    row = Row(entity.id(), text_at(entity, "GlobalId"), text_at(entity, "Name"), name, kind, layer)
    row.spatial = entity.is_a("IfcSpatialStructureElement")
    row.description = text_at(entity, "Description")
    row.tag = text_at(entity, "Tag")
    row.object_type = text_at(entity, "ObjectType")
    long_name = text_at(entity, "LongName")
    if long_name and not row.name:
        row.name = long_name
    elif long_name and long_name != row.name:
        row.columns["long_name"] = long_name
    if row.ifc_class == "IfcBuildingStorey":
        elevation = number_at(entity, "Elevation")
        row.elevation_m = None if elevation is None else elevation * metres_per_unit
    return row


def _type_word(entity: Any) -> str:
    stated = text_at(entity, "PredefinedType")
    return text_at(entity, "ObjectType") if stated in ("", "NOTDEFINED", "USERDEFINED") else stated


@functools.cache
def _kind(model_schema: str, name: str, predefined_type: str) -> str:
    return kind_of(supertypes(model_schema, name), predefined_type)


def _link(model: Any, rows: dict[int, Row]) -> None:
    """Set parents: containment loses to decomposition, since a part belongs to its whole."""
    for relation in every(model, "IfcRelContainedInSpatialStructure"):
        _adopt(rows, list_at(relation, "RelatedElements"), attribute(relation, "RelatingStructure"))
    for kind in ("IfcRelNests", "IfcRelAggregates"):
        for relation in every(model, kind):
            _adopt(rows, list_at(relation, "RelatedObjects"), attribute(relation, "RelatingObject"))
    for kind, part in (("IfcRelProjectsElement", "RelatedFeatureElement"), ("IfcRelAdheresToElement", "")):
        for relation in every(model, kind):
            parts = list_at(relation, part or "RelatedSurfaceFeatures")
            _adopt(rows, parts, attribute(relation, "RelatingElement"))
    _link_features(model, rows)
    for relation in every(model, "IfcRelDeclares"):
        whole = attribute(relation, "RelatingContext")
        parts = [each for each in list_at(relation, "RelatedDefinitions") if each.id() in rows]
        _adopt(rows, [each for each in parts if not rows[each.id()].parent], whole)


def _link_features(model: Any, rows: dict[int, Row]) -> None:
    """Set the parents of what fills an opening, where it has none, of openings and of ports."""
    for tie in fillings(model):
        filling = rows.get(tie.source)
        if filling is not None and not filling.parent and tie.target in rows:
            filling.parent = tie.target
    for tie in voids(model):
        if tie.source in rows and tie.target in rows:
            rows[tie.source].parent = tie.target
    for number, owner in port_owners(model).items():
        if number in rows and owner in rows:
            rows[number].parent = owner


def _adopt(rows: dict[int, Row], children: list[Any], parent: Any) -> None:
    if parent is None or parent.id() not in rows:
        return
    for child in children:
        if child.id() in rows and child.id() != parent.id():
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
    """Give each row the name of its storey, and what stands in a bridge, tunnel, road or railway its own kind."""
    settings = {number: row.kind if row.spatial else "" for number, row in rows.items()}
    for row in rows.values():
        above, settled = row, False
        while above.parent:
            above = rows[above.parent]
            if above.kind == "Storey" and not row.storey:
                row.storey = above.name
            if not settled and settings[above.number] in SETTINGS:
                row.kind, settled = kind_inside(row.kind, settings[above.number]), True


def shaped_products(model: Any) -> list[Any]:
    """Return the products that have a representation and are things in the city."""
    left_out = _of_types(model, (*_LEFT_OUT, *_LINES, *_PORTS))
    return [
        entity
        for entity in every(model, "IfcProduct")
        if entity.id() not in left_out and attribute(entity, "Representation") is not None
    ]
