"""CQL2 text to a tree of plain dictionaries. The only door of the cql2 library."""

from __future__ import annotations

import re
from typing import Any

from scenes.errors import QueryError

_LONGEST = 100_000
_DEEPEST = 100
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")
_PREFIXES = re.compile(rf"(?:\bnot\s+|-\s*){{{_DEEPEST},}}", re.IGNORECASE)


def parse(text: str) -> Any:
    """Return a filter as CQL2 JSON (a dictionary, or True and False).

    Text that is deeply nested is refused before the library sees it, since its parser is recursive.

    Raises
    ------
    QueryError
        When the text does not parse.

    Examples
    --------
    >>> parse("height_m > 100")
    {'op': '>', 'args': [{'property': 'height_m'}, 100.0]}
    """
    import cql2  # noqa: PLC0415

    if not text.strip():
        raise QueryError("the filter", "is empty", "write CQL2 text such as height_m > 100")
    if len(text) > _LONGEST:
        raise QueryError("the filter", f"has {len(text)} characters", f"keep it below {_LONGEST}")
    if _depth(text) > _DEEPEST or _PREFIXES.search(text):
        raise QueryError("the filter", "is nested too deeply", f"keep it below {_DEEPEST} levels")
    try:
        return cql2.Expr(text).to_json()
    except Exception as error:  # the library raises bare Exception
        place = " ".join(str(error).split("=")[-1].split()) or "it is not CQL2"
        raise QueryError(text, f"does not parse: {place}", "write CQL2 text such as height_m > 100") from error


def _depth(text: str) -> int:
    depth = deepest = 0
    for letter in _QUOTED.sub("''", text):
        depth += (letter in "([{") - (letter in ")]}")
        deepest = max(deepest, depth)
    return deepest
