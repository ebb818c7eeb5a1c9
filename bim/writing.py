"""Worker side: what a model says (tree, properties), written to Arrow files in the folder of the request."""

# ruff: noqa: PLC0415 - the IFC library is imported where it is used, in the worker only
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_contents(model: Any, folder: Path, say: Callable[..., None]) -> None:
    """Write the tree and the properties of an open model; `say` sends a message to the parent."""
    from bim.properties import PropertyReader
    from bim.records import write_tree
    from bim.tree import read_tree

    tree = read_tree(model, metres_per_unit(model))
    reader = PropertyReader(model)
    write_tree(tree, reader.by_object(), folder / "tree.arrow")
    for where, rule, message in [*tree.oddities, *reader.oddities]:
        say("problem", where=where, rule=rule, message=message)
    say("tree", objects=len(tree.rows))


def metres_per_unit(model: Any) -> float:
    """Return how many metres the length unit of the project has; 1 where the file does not say."""
    import ifcopenshell.util.unit

    try:
        return float(ifcopenshell.util.unit.calculate_unit_scale(model))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return 1.0
