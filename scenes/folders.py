"""A whole folder as a source: every file in it that a loader reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scenes.loading import loaders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scenes.loading import Loader
    from scenes.problems import Problems
    from scenes.sources import Source

# Files that belong to another one and say nothing alone.
_COMPANIONS = frozenset(
    {".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".qpj", ".tfw", ".jgw", ".pgw", ".wld", ".ovr", ".mtl",
     ".aux", ".md", ".txt", ".pdf", ".doc", ".docx", ".html", ".htm", ".log"}
)  # fmt: skip


def expanded(sources: Sequence[Source], problems: Problems) -> list[Source]:
    """Return the sources with every folder that no loader reads as a whole replaced by the files in it.

    Files that nobody reads are listed in the problems; companions of other files, hidden files and city packages
    are passed over.
    """
    known = loaders()
    found: list[Source] = []
    for source in sources:
        if source.is_remote or not source.file.is_dir() or _read_by(source, known):
            found.append(source)
        else:
            found += _inside(source, source.file, known, problems)
    return found


def _inside(source: Source, folder: Path, known: Sequence[Loader], problems: Problems) -> Iterator[Source]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__MACOSX")) or path.suffix == ".city" or path.is_symlink():
            continue
        inner = replace(source, path=str(path))
        if path.is_dir():
            if _read_by(inner, known):
                yield inner
            else:
                yield from _inside(source, path, known, problems)
        elif path.stat().st_size and _read_by(inner, known):
            yield inner
        elif path.suffix.lower() not in _COMPANIONS and not path.name.endswith(".aux.xml"):
            what = "is empty" if not path.stat().st_size else "is of no kind that a loader reads"
            problems.add("info", str(path), "file-not-read", what, "see twin build --help for the formats")


def _read_by(source: Source, known: Sequence[Loader]) -> bool:
    return any(loader.supports(source) for loader in known)
