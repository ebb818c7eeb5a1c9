"""Worker side: all that a model says besides shapes, written to Arrow files in the folder of the request."""

# ruff: noqa: PLC0415 - the IFC library is imported where it is used, in the worker only
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bim.entities import READ_ERRORS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bim.properties import Group, Groups
    from bim.relations import Tie
    from bim.schedule import Schedule
    from bim.tree import Row, Tree
    from bim.units import Units

Oddities = list[tuple[str, str, str]]


def write_contents(model: Any, folder: Path, say: Callable[..., None]) -> None:
    """Write tree, properties, relations and lines of an open model; `say` sends a message to the parent."""
    from bim.lines import draw
    from bim.records import LINES_FILE, TIES_FILE, TREE_FILE, write_lines, write_ties, write_tree
    from bim.schedule import read_schedule
    from bim.tree import read_tree
    from bim.units import Units

    units = Units(model)
    schedule = read_schedule(model)
    tree = read_tree(model, units.length.factor, schedule.parents)
    drawn = draw(model, tree, units)
    groups, oddities = _described(model, tree, units)
    ties = _ties(model, tree, [*schedule.ties, *drawn.ties])
    _fill_from_relations(tree, ties, schedule)
    write_tree(tree, {number: _json(each) for number, each in groups.items() if each}, folder / TREE_FILE)
    write_ties(ties, folder / TIES_FILE)
    write_lines(drawn.drawings, folder / LINES_FILE)
    for where, rule, message in [*tree.oddities, *oddities, *drawn.oddities]:
        say("problem", where=where, rule=rule, message=message)
    say("tree", objects=len(tree.rows))


def _json(groups: Groups) -> str:
    return json.dumps(groups, ensure_ascii=False, allow_nan=False)


def _described(model: Any, tree: Tree, units: Units) -> tuple[dict[int, Groups], Oddities]:
    """Return the property groups of every row and set its columns; also what could not be read."""
    from bim.attributes import AttributeReader, columns_of, predefined_type, type_groups, types_of
    from bim.materials import MaterialReader
    from bim.properties import PropertyReader

    types = types_of(model)
    reader = PropertyReader(model, units, types)
    found = reader.by_object()
    materials = MaterialReader(model, units, reader)
    made_of = materials.by_object(types)
    told, attributes, extra = type_groups(model, types), AttributeReader(model, units), _Extra(model, types)
    oddities: Oddities = []
    for row in tree.rows:
        entity = model.by_id(row.number)
        kind = model.by_id(types[row.number]) if row.number in types else None
        groups = found.get(row.number, {})
        names, material_groups = made_of.get(row.number, ("", {}))
        try:
            row.columns |= columns_of(groups, units) | _of_bar(attributes, entity, kind)
            direct = attributes.read(entity)
        except READ_ERRORS as error:
            oddities.append((f"#{row.number}", "attributes-unreadable", f"cannot be read ({error})"[:200]))
            direct = {}
        stated = {"material": names, "predefined_type": predefined_type(entity, kind)}
        if kind is not None:
            stated["type_name"] = told[kind.id()].get("Name", "")
        row.columns |= {name: text for name, text in stated.items() if text}
        row.columns |= extra.columns(row.number)
        first: Groups = {"Attributes": direct, "Type": told.get(types.get(row.number, 0), {})}
        merged = {**first, **groups, **material_groups, **extra.groups(row.number)}
        found[row.number] = {name: group for name, group in merged.items() if group}
    return found, [*oddities, *reader.oddities, *materials.oddities]


def _of_bar(attributes: Any, entity: Any, kind: Any) -> dict[str, Any]:
    from bim.attributes import bar_columns

    if not entity.is_a("IfcReinforcingElement"):
        return {}
    return bar_columns(attributes, [each for each in (entity, kind) if each is not None])


class _Extra:
    """What other modules tell of objects by their entity number, as property groups and columns."""

    def __init__(self, model: Any, types: dict[int, int]) -> None:
        from bim.associations import attached, classifications, presentation_layers
        from bim.relations import openings
        from bim.systems import port_groups, port_owners

        self._classes = classifications(model, types)
        self._attached = attached(model)
        self._layers = presentation_layers(model)
        self._openings = openings(model)
        self._ports = port_groups(model, port_owners(model))
        self._types = types

    def columns(self, number: int) -> dict[str, Any]:
        """Return the columns of an object."""
        codes = dict.fromkeys(code or name for _, code, name, _ in self._classes.get(number, ()) if code or name)
        return {"classification": ", ".join(codes)} if codes else {}

    def groups(self, number: int) -> Groups:
        """Return the property groups of an object; empty ones too."""
        from bim.associations import classification_group

        layer: Group = {"Layer": self._layers[number]} if number in self._layers else {}
        return {
            "Classification": classification_group(self._classes.get(number, [])),
            "Openings": self._openings.get(number, {}),
            "Ports": self._ports.get(number, {}),
            "Presentation": layer,
            **self._attached.get(self._types.get(number, 0), {}),
            **self._attached.get(number, {}),
        }


def _ties(model: Any, tree: Tree, more: list[Tie]) -> list[Tie]:
    """Return the relations between rows; one that names a hole or a port goes to the element that stands for it."""
    from bim.relations import Tie, fillings, stand_ins, ties_of
    from bim.systems import port_owners, port_ties

    owners = port_owners(model)
    rows = {row.number for row in tree.rows}
    instead = {number: other for number, other in {**stand_ins(model), **owners}.items() if number not in rows}
    found: dict[Tie, None] = {}
    for tie in [*fillings(model), *ties_of(model), *port_ties(model, owners), *more]:
        source, target = instead.get(tie.source, tie.source), instead.get(tie.target, tie.target)
        if source in rows and target in rows and source != target:
            found[Tie(source, tie.kind, target, tie.role)] = None
    return list(found)


def _fill_from_relations(tree: Tree, ties: list[Tie], schedule: Schedule) -> None:
    """Set the columns that follow from relations: systems and zones, dates of building and removal, dates of tasks."""
    by_number = {row.number: row for row in tree.rows}
    for tie in ties:
        if tie.kind == "member" and by_number[tie.target].name:
            column = "zone" if tie.role == "Zone" else "system" if "System" in tie.role or "Circuit" in tie.role else ""
            columns = by_number[tie.source].columns
            if column:
                columns[column] = ", ".join(filter(None, (columns.get(column), by_number[tie.target].name)))
    for row in tree.rows:
        row.columns |= schedule.columns.get(row.number, {})
    for row in tree.rows:  # parents come before their children
        above = by_number.get(row.parent)
        row.valid_from = schedule.built.get(row.number) or _of_whole(row, above, "valid_from")
        row.valid_to = schedule.removed.get(row.number) or _of_whole(row, above, "valid_to")


def _of_whole(row: Row, above: Row | None, name: str) -> Any:
    return getattr(above, name) if above is not None and row.layer == above.layer else None
