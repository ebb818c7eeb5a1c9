"""What a file says about its place, kept by the content of the file beside what workers made of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from bim.cache import Cache, default_folder, key_of
from bim.conversions import Conversion
from bim.outline import Outline
from bim.statement import Georeferenced

if TYPE_CHECKING:
    from pathlib import Path

_KIND = "statements"
_ROUNDED = 4  # digits behind the point of outline metres


def kept(path: Path) -> dict[str, Any] | None:
    """Return the fields of `bim.hypotheses.Statements` of a file, None if they are not kept."""
    cache = Cache(default_folder())
    note = cache.note(key_of(path, _KIND))
    if note is None:
        return None
    try:
        return _fields(note)
    except (KeyError, TypeError, ValueError):  # of another making
        return None


def keep(path: Path, statements: Any) -> None:
    """Keep the fields of `bim.hypotheses.Statements` of a file."""
    note = asdict(statements)
    note["outline"] = np.round(statements.outline.points_m, _ROUNDED).tolist()
    Cache(default_folder()).keep_note(key_of(path, _KIND), note)


def _fields(note: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: _tuples(value) for name, value in note.items()},
        "found": tuple(Georeferenced(**_plain(each)) for each in note["found"]),
        "nameless": tuple(Conversion(**_plain(each)) for each in note["nameless"]),
        "outline": Outline(np.array(note["outline"], np.float64).reshape(-1, 3)),
    }


def _plain(note: dict[str, Any]) -> dict[str, Any]:
    return {name: _tuples(value) for name, value in note.items()}


def _tuples(value: Any) -> Any:
    """Return lists as tuples, all the way down."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
