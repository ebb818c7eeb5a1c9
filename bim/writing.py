"""Worker side: all that a model says besides shapes, written to Arrow files in the folder of the request."""

# ruff: noqa: PLC0415 - the IFC library is imported where it is used, in the worker only
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bim.entities import Careful, every

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bim.relations import Tie
    from bim.schedule import Schedule
    from bim.textures import StatedImage
    from bim.tree import Row, Tree


def write_contents(model: Any, folder: Path, say: Callable[..., None]) -> None:
    """Write tree, properties, relations and lines of an open model; `say` sends a message to the parent.

    Each part is read for itself: what a broken model does to one of them costs the others nothing.
    """
    from bim.attributes import types_of
    from bim.describing import describe
    from bim.dossier import Dossier, read_dossier
    from bim.lines import Drawn, draw
    from bim.records import (
        IMAGES_FILE,
        LINES_FILE,
        TIES_FILE,
        TREE_FILE,
        write_images,
        write_lines,
        write_ties,
        write_tree,
    )
    from bim.schedule import Schedule, read_schedule
    from bim.tree import read_tree
    from bim.units import Units

    careful = Careful()
    units = Units(model)
    schedule = careful.read("the schedules", lambda: read_schedule(model), Schedule())
    dossier = careful.read(
        "documents, costs and permits", lambda: read_dossier(model, units, types_of(model)), Dossier()
    )
    tree = read_tree(model, units.length.factor, schedule.parents, dossier)
    drawn = careful.read("grids and alignments", lambda: draw(model, tree, units), Drawn())
    groups = careful.by_number("the descriptions", lambda: describe(model, tree, units, careful, dossier))
    more = [*schedule.ties, *drawn.ties, *dossier.ties]
    ties: list[Tie] = careful.read("the relations", lambda: _ties(model, tree, more), [])
    _fill_from_relations(tree, ties, schedule)
    texts = {number: json.dumps(each, ensure_ascii=False, allow_nan=False) for number, each in groups.items()}
    write_tree(tree, texts, folder / TREE_FILE)
    write_ties(ties, folder / TIES_FILE)
    write_lines(drawn.drawings, folder / LINES_FILE)
    images, odd_images = _images(model)
    write_images(images, folder / IMAGES_FILE)
    for where, rule, message in [*tree.oddities, *careful.oddities, *drawn.oddities, *odd_images]:
        say("problem", where=where, rule=rule, message=message)
    say("tree", objects=len(tree.rows))


def _images(model: Any) -> tuple[list[StatedImage], list[tuple[str, str, str]]]:
    if not every(model, "IfcSurfaceTexture"):
        return [], []
    from bim.textures import stated_images

    return stated_images(model)


def _ties(model: Any, tree: Tree, more: list[Tie]) -> list[Tie]:
    """Return the relations between rows; one that names an opening or a port goes to the element that stands for it."""
    from bim.relations import Tie, filled_openings, fillings, stand_ins, ties_of, voids
    from bim.systems import joined_ports, port_owners, port_ties

    owners = port_owners(model)
    rows = {row.number for row in tree.rows}
    instead = {**stand_ins(model), **owners}
    own = [*voids(model), *filled_openings(model), *joined_ports(model)]
    found = {tie: None for tie in own if tie.source in rows and tie.target in rows}
    for tie in [*fillings(model), *ties_of(model), *port_ties(model, owners), *more]:
        source, target = instead.get(tie.source, tie.source), instead.get(tie.target, tie.target)
        if source in rows and target in rows and source != target:
            found[Tie(source, tie.kind, target, tie.role)] = None
    return list(found)


def _fill_from_relations(tree: Tree, ties: list[Tie], schedule: Schedule) -> None:
    """Set the columns that follow from relations: systems and zones, dates of building and removal, dates of tasks."""
    by_number = {row.number: row for row in tree.rows}
    for tie in ties:
        column = _column_of_group(tie.role) if tie.kind == "member" and by_number[tie.target].name else ""
        if column:
            columns = by_number[tie.source].columns
            columns[column] = ", ".join(filter(None, (columns.get(column), by_number[tie.target].name)))
    for row in tree.rows:
        row.columns |= schedule.columns.get(row.number, {})
    for row in tree.rows:  # parents come before their children
        above = by_number.get(row.parent)
        row.valid_from = schedule.built.get(row.number) or _of_whole(row, above, "valid_from")
        row.valid_to = schedule.removed.get(row.number) or _of_whole(row, above, "valid_to")


def _column_of_group(role: str) -> str:
    if role == "Zone":
        return "zone"
    return "system" if "System" in role or "Circuit" in role else ""


def _of_whole(row: Row, above: Row | None, name: str) -> Any:
    return getattr(above, name) if above is not None and row.layer == above.layer else None
