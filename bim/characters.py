r"""Worker side: a file whose texts are not written as the STEP standard wants, as a copy that is.

The standard knows ASCII and escapes (ISO 10303-21, 6.4.3). Tools also write the plain bytes of UTF-8, GBK or
Shift-JIS, which the IFC library drops, or those bytes one by one as ``\X\..`` and ``\S\.``, which read as Latin-1.
One file has one encoding, so all of its texts together decide which.
"""

from __future__ import annotations

import mmap
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenes.encodings import TITLES, encoding_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SAMPLE_BYTES = 1 << 16
_TEXT = re.compile(rb"'(?:\\\\|\\S\\.|[^']|'')*'")  # a shifted quote (``\\S\\'``) does not end a text
_ESCAPE = re.compile(rb"\\X\\([0-9A-Fa-f]{2})|\\S\\([\x20-\x7e])|(\\\\)|('')")
_PAGE = re.compile(rb"\\P[A-I]\\")  # the file itself says which part of ISO 8859 it means
_BEYOND = re.compile(r"[^\x00-\x7f]+")
_ACCENTED = re.compile(rb"(?<![\x80-\xff])[\xc0-\xd6\xd8-\xf6\xf8-\xff]{1,2}(?![\x80-\xff])")
_MOSTLY = 0.9
_BYTEWISE = (b"\\X\\", b"\\S\\")
# What the standard means by single bytes; nothing to repair.
_STANDARD = frozenset({"cp1252", "cp1251"})


@dataclass(frozen=True, slots=True)
class Reading:
    """How the texts of a file are written.

    Parameters
    ----------
    plain
        Encoding of bytes beyond ASCII, empty if there are none.
    escaped
        Encoding of bytes that are escaped one by one, empty if there are none or they are what the standard says.
    """

    plain: str = ""
    escaped: str = ""

    @property
    def remark(self) -> str:
        """What is wrong with it as half a sentence, empty if nothing is lost or guessed."""
        foreign = self.plain if self.plain not in ("", "utf-8") else self.escaped
        title = TITLES.get(foreign, foreign)
        return f"writes its texts in {title}, against the STEP standard; they were read as that" if foreign else ""


def reading_of(path: Path) -> Reading:
    """Return how the texts of a plain IFC file are written."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        bytewise = any(data.find(mark) >= 0 for mark in _BYTEWISE) and _PAGE.search(data) is None
    plain, escaped = bytearray(), bytearray()
    with path.open("rb") as file:
        for line in file:
            if not line.isascii() and len(plain) < _SAMPLE_BYTES:
                plain += line
            if bytewise and len(escaped) < _SAMPLE_BYTES:
                for raw in _bytewise(line):
                    escaped += raw + b"\n"
    escapes = _encoding(bytes(escaped))
    return Reading(_encoding(bytes(plain)), "" if escapes in _STANDARD else escapes)


def _encoding(sample: bytes) -> str:
    """Return the encoding of some bytes, empty if they are ASCII.

    Single accented letters among plain ones are Latin-1, which the standard means; a code page of two bytes a
    character would take such a letter together with the plain one behind it.
    """
    if sample.isascii():
        return ""
    beyond = sum(byte > 127 for byte in sample)
    accented = sum(len(match[0]) for match in _ACCENTED.finditer(sample))
    return "cp1252" if accented >= _MOSTLY * beyond else encoding_of(sample)


def readable(path: Path, folder: Path) -> tuple[Path, str]:
    """Return the path, or that of a copy in `folder` whose texts the IFC library reads; and a remark, empty if none."""
    reading = reading_of(path)
    if not reading.plain and not reading.escaped:
        return path, ""
    return standard_copy(path, reading, folder / f"standard-{os.getpid()}.ifc"), reading.remark


def standard_copy(path: Path, reading: Reading, target: Path) -> Path:
    """Write a copy in which every text is ASCII and escapes, and return its path."""
    with path.open("rb") as file, target.open("wb") as copy:
        for line in file:
            copy.write(_standard_line(line, reading))
    return target


def _standard_line(line: bytes, reading: Reading) -> bytes:
    if reading.plain and not line.isascii():
        line = escaped_text(line.decode(reading.plain, "replace"))
    if reading.escaped and any(mark in line for mark in _BYTEWISE):
        line = _TEXT.sub(lambda match: _reread(match[0], reading.escaped), line)
    return line


def escaped_text(text: str) -> bytes:
    r"""Return a text with everything beyond ASCII as STEP escapes.

    Examples
    --------
    >>> escaped_text("1\u5c42")
    b'1\\X2\\5C42\\X0\\'
    """
    return _BEYOND.sub(_escape, text).encode("ascii")


def _escape(match: re.Match[str]) -> str:
    wide = any(character > "\uffff" for character in match[0])
    digits = match[0].encode("utf-32-be" if wide else "utf-16-be", "replace").hex().upper()
    return f"\\{'X4' if wide else 'X2'}\\{digits}\\X0\\"


def _bytewise(line: bytes) -> Iterator[bytes]:
    """Yield the bytes that the texts of a line stand for, of those that hold escaped single bytes."""
    if any(mark in line for mark in _BYTEWISE):
        for match in _TEXT.finditer(line):
            raw = _unescaped(match[0][1:-1])
            if not raw.isascii():
                yield raw


def _unescaped(text: bytes) -> bytes:
    return _ESCAPE.sub(_byte, text)


def _byte(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes([int(match[1], 16)])
    if match[2]:
        return bytes([match[2][0] | 0x80])
    return b"\\" if match[3] else b"'"


def _reread(text: bytes, encoding: str) -> bytes:
    """Return one text, quotes and all, with its escaped bytes read in an encoding; as it was if they do not fit."""
    if b"\\X2\\" in text or b"\\X4\\" in text or not any(mark in text for mark in _BYTEWISE):
        return text
    try:
        read = _unescaped(text[1:-1]).decode(encoding)
    except UnicodeDecodeError:
        return text
    return b"'" + escaped_text(read.replace("\\", "\\\\").replace("'", "''")) + b"'"
