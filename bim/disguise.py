"""Read a file as if its header named another schema: a copy with that name, and a count of what the schema lacks.

Drafts of IFC 4.3 differ from the standard in few places; most of their files are read well as IFC4X3_ADD2.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

from bim.files import HEAD_BYTES, SCHEMA_PATTERN, SCHEMAS
from scenes.errors import LoadError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ENTITY = re.compile(rb"^\s*#\d+\s*=\s*([A-Za-z0-9_]+)\s*\(", re.MULTILINE)
_RENAMED = re.compile(rb"=(\s*)IFC(?:SOLID|VOID|WATER)STRATUM(\s*\()", re.IGNORECASE)
_BLOCK = 1 << 22


def disguised(file: Path, target: Path, schema: str, shown: Path) -> None:
    """Write a copy of a plain file whose header names `schema`; entities that were only renamed get their new names.

    Raises
    ------
    UnsupportedError, LoadError
        When the schema is not one that is read, or the file has no header.
    """
    if schema not in SCHEMAS:
        raise UnsupportedError(shown, f"schema {schema} is not read", f"choose one of {', '.join(sorted(SCHEMAS))}")
    with file.open("rb") as source, target.open("wb") as copy:
        head = source.read(HEAD_BYTES).decode("latin-1")
        found = SCHEMA_PATTERN.search(head)
        if found is None:
            raise LoadError(shown, "the header names no schema (FILE_SCHEMA)", "export it again")
        copy.write((head[: found.start(1)] + schema).encode("latin-1"))
        source.seek(found.end(1))
        if not schema.startswith("IFC4X3"):
            shutil.copyfileobj(source, copy, _BLOCK)
            return
        rest = b""
        while block := source.read(_BLOCK):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            copy.write(_RENAMED.sub(rb"=\1IFCGEOTECHNICALSTRATUM\2", whole + newline))
        copy.write(_RENAMED.sub(rb"=\1IFCGEOTECHNICALSTRATUM\2", rest))


def unknown_entities(file: Path, declared: frozenset[str]) -> Mapping[str, int]:
    """Return how often the text of a file names entities that are not among the declared ones (in capitals)."""
    found: Counter[str] = Counter()
    rest = b""
    with file.open("rb") as source:
        while block := source.read(_BLOCK):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            found.update(_ENTITY.findall(whole + newline))
    found.update(_ENTITY.findall(rest))
    totals: Counter[str] = Counter()
    for name, count in found.items():
        text = (name if isinstance(name, str) else name.decode("ascii")).upper()
        if text not in declared:
            totals[text] += count
    return totals


def declared_entities(schema: str) -> frozenset[str]:
    """Worker side: return the names that a schema declares, in capitals."""
    import ifcopenshell.ifcopenshell_wrapper as wrapper  # noqa: PLC0415 - in the worker only

    declarations: Any = wrapper.schema_by_name(schema).declarations()
    return frozenset(declaration.name().upper() for declaration in declarations)
