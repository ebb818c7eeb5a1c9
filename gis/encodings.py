"""Which characters the bytes of a file mean, where it does not say or says it wrongly."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from scenes.encodings import MARKS, TITLES, encoding_of
from scenes.scratch import scratch_file

if TYPE_CHECKING:
    from pathlib import Path

    from scenes.problems import Problems
    from scenes.sources import Source

_BLOCK = 1 << 20


def is_utf8(path: Path) -> bool:
    """Say whether a whole file is UTF-8; reads it in blocks."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def sample_of(path: Path) -> bytes:
    """Return bytes of a file that say most about its encoding: lines with characters beyond ASCII, at most 64 kB."""
    found: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        while size < 65_536 and (line := file.readline(65_536)):
            if not line.isascii():
                found.append(line)
                size += len(line)
    return b"".join(found)


def as_utf8(source: Source, path: Path, problems: Problems) -> Path:
    """Return the path, or that of a copy in UTF-8 when the file is in something else; then say so."""
    with path.open("rb") as file:
        start = file.read(4)
    marked = any(start.startswith(mark) for mark, name in MARKS if name != "utf-8-sig")
    if not marked and is_utf8(path):
        return path
    name = encoding_of(start if marked else b" " + sample_of(path))  # marks count only at the start of a file
    report(source, name, problems)
    copy = scratch_file(path.suffix)
    with (
        path.open(encoding=name, errors="replace", newline="") as file,
        copy.open("w", encoding="utf-8", newline="") as out,
    ):
        while block := file.read(_BLOCK):
            out.write(block)
    return copy


def report(source: Source, encoding: str, problems: Problems) -> None:
    """Say which encoding was taken for a file that did not say the truth."""
    problems.add(
        "warning",
        source.title,
        "encoding-guessed",
        f"its text is not UTF-8: read as {TITLES.get(encoding, encoding)}",
        "export it in UTF-8",
    )
