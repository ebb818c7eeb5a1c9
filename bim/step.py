"""Reads single entities out of the text of an IFC file, without the IFC library: quick, small and safe in any process.

Only what a georeference needs is parsed. The whole model is read in a worker process (`bim.worker`).
"""

from __future__ import annotations

import itertools
import mmap
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_LONGEST_ENTITY = 1 << 20
_DEEPEST = 32
_TOKEN = re.compile(
    rb"""\s*(?:/\*.*?\*/\s*)*(?:
    (?P<open>\() | (?P<close>\)) | (?P<comma>,) |
    '(?P<text>(?:[^']|'')*)' | \#(?P<ref>\d+) | \.(?P<enum>[A-Za-z0-9_]+)\. |
    (?P<number>[+-]?\d+(?:\.\d*)?(?:[Ee][+-]?\d+)?) | (?P<typed>[A-Za-z][A-Za-z0-9_]*)\s*(?=\() |
    (?P<none>[$*]) | (?P<binary>"[0-9A-F]*") )""",
    re.VERBOSE | re.DOTALL,
)
_HEAD = re.compile(rb"#(\d{1,18})\s*=\s*([A-Za-z][A-Za-z0-9_]*)\s*(?=\()")
_NUMBER = re.compile(rb"#\d{1,18}\s*=\s*$")
_SPACES = np.frombuffer(b" \t\r\n\v\f", np.uint8)
_BLOCK = 1 << 24
_GAP = 64
_MOST_DIGITS, _MOST_SPACES = 18, 4
_WIDE = re.compile(r"\\X2\\((?:[0-9A-Fa-f]{4})+)\\X0\\")
_WIDER = re.compile(r"\\X4\\((?:[0-9A-Fa-f]{8})+)\\X0\\")
_BYTE = re.compile(r"\\X\\([0-9A-Fa-f]{2})")
_SHIFTED = re.compile(r"\\S\\(.)")


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to another entity, by its number."""

    number: int


@dataclass(frozen=True, slots=True)
class Entity:
    """One line of the file: its number, its type in upper case, and its arguments.

    Arguments are None, float, str, `Ref`, or lists of these; an enumeration is its name, a typed value
    such as ``IFCLENGTHMEASURE(3.)`` is the value alone.
    """

    number: int
    kind: str
    arguments: list[Any]

    def get(self, index: int) -> Any:
        """Return an argument, None if the file gives fewer."""
        return self.arguments[index] if index < len(self.arguments) else None

    def number_at(self, index: int, default: float) -> float:
        """Return a numeric argument, `default` where the file leaves it out or writes something else."""
        value = self.get(index)
        return float(value) if isinstance(value, (int, float)) else default

    def text_at(self, index: int) -> str:
        """Return a text argument, empty where the file leaves it out."""
        value = self.get(index)
        return value if isinstance(value, str) else ""


class StepText:
    """The text of one file, searched by entity type and by number. Use it as a context manager.

    Parameters
    ----------
    path
        A plain ``.ifc`` file that is not empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._data: mmap.mmap | bytes = b""
        self._index: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
        self._has_small: bool | None = None

    def __enter__(self) -> Self:
        """Map the file into memory."""
        with self._path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return self

    def __exit__(self, *_error: object) -> None:
        """Let the file go."""
        if isinstance(self._data, mmap.mmap):
            self._data.close()

    def find(self, *kinds: str) -> Iterator[Entity]:
        """Yield every entity of some types (upper case), in the order of the file."""
        for place in self._places(kinds):
            match = _HEAD.match(self._data, place)
            arguments = _arguments(self._data, match.end()) if match is not None else None
            if match is not None and arguments is not None:
                yield Entity(int(match[1]), match[2].decode().upper(), arguments)

    def _places(self, kinds: tuple[str, ...]) -> list[int]:
        """Return where entities of some types begin, in order; names are sought as they are, which is quicker."""
        if self._has_small is None:
            self._has_small = re.search(rb"=\s*[Ii][a-z]", self._data) is not None
        if self._has_small:  # some tool wrote the names in small letters
            names = b"|".join(kind.encode() for kind in kinds)
            pattern = re.compile(rb"#\d+\s*=\s*(?:" + names + rb")\s*\(", re.IGNORECASE)
            return [match.start() for match in pattern.finditer(self._data)]
        found = []
        for kind in kinds:
            name = kind.encode()
            at = self._data.find(name)
            while at >= 0:
                start = self._head_before(at, len(name))
                if start is not None:
                    found.append(start)
                at = self._data.find(name, at + len(name))
        return sorted(found)

    def _head_before(self, at: int, size: int) -> int | None:
        """Return where the entity begins whose name is at a place, None if that is not the whole name of an entity."""
        after = self._data[at + size : at + size + _GAP].lstrip()
        before = _NUMBER.search(self._data[max(0, at - _GAP) : at])
        return max(0, at - _GAP) + before.start() if before is not None and after.startswith(b"(") else None

    def points(self, most: int) -> NDArray[np.float64]:
        """Return the first 3D points of the file as (n, 3) numbers in its own length unit, at most `most`."""
        number = rb"\s*([+-]?[0-9.]+(?:[Ee][+-]?\d+)?)\s*"
        pattern = rb"IFCCARTESIANPOINT\s*\(\s*\(" + number + rb"," + number + rb"," + number + rb"\)"
        found = itertools.islice(re.finditer(pattern, self._data), most)
        values = [[float(match[axis]) for axis in (1, 2, 3)] for match in found]
        return np.array(values, dtype=np.float64).reshape(-1, 3)

    def get(self, ref: object) -> Entity | None:
        """Return the entity that a `Ref` names, None if it is no reference or not in the file."""
        if not isinstance(ref, Ref):
            return None
        numbers, places = self._indexed()
        at = int(np.searchsorted(numbers, ref.number))
        if at == len(numbers) or numbers[at] != ref.number:
            return None
        match = _HEAD.match(self._data, int(places[at]))
        arguments = _arguments(self._data, match.end()) if match is not None else None
        if match is None or arguments is None:
            return None
        return Entity(ref.number, match[2].decode().upper(), arguments)

    def _indexed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the entity numbers in order, and where the first entity of each number begins."""
        if self._index is None:
            blocks = [_heads(self._data, first) for first in range(0, len(self._data), _BLOCK)]
            every, places = (np.concatenate([block[part] for block in blocks]) for part in range(2))
            numbers, first = np.unique(every, return_index=True)
            self._index = (numbers, places[first])
        return self._index


def decode_text(raw: str) -> str:
    r"""Return a STEP string with its escapes (ISO 10303-21, 6.4.3) turned into characters.

    Examples
    --------
    >>> decode_text("Geb\\X\\E4ude \\X2\\697C\\X0\\ it''s")
    "Gebäude 楼 it's"
    """
    text = raw.replace("''", "'")
    if "\\" not in text:
        return text
    text = _WIDE.sub(lambda match: bytes.fromhex(match[1]).decode("utf-16-be", "replace"), text)
    text = _WIDER.sub(lambda match: bytes.fromhex(match[1]).decode("utf-32-be", "replace"), text)
    text = _BYTE.sub(lambda match: chr(int(match[1], 16)), text)
    text = _SHIFTED.sub(lambda match: chr((ord(match[1]) + 128) % 256), text)
    return text.replace("\\\\", "\\")


def repair_text(text: str) -> str:
    r"""Return a name whose bytes were written one by one in an East Asian code page as what it was meant to be.

    Older tools wrote Shift-JIS or GBK bytes as ``\X\..`` escapes, which read as Latin-1 control characters.
    Of the two readings the one with fewer half-width katakana wins; text that fits neither stays as it is.

    Examples
    --------
    >>> repair_text("\x83T\x83C\x83g")
    'サイト'
    >>> repair_text("Gebäude")
    'Gebäude'
    """
    clean = text.encode("utf-8", "replace").decode("utf-8")
    if not any("\x80" <= character <= "\x9f" for character in clean):
        return clean
    try:
        raw = clean.encode("latin-1")
    except UnicodeEncodeError:
        return clean
    readings = []
    for encoding in ("cp932", "gbk"):
        try:
            readings.append(raw.decode(encoding))
        except UnicodeDecodeError:
            continue
    return min(readings, key=_narrow_kana, default=clean)


def _narrow_kana(text: str) -> int:
    return sum("\uff61" <= character <= "\uff9f" for character in text)


def _heads(data: mmap.mmap | bytes, first: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of the entities that begin in one block of the file, and where they begin."""
    raw = np.frombuffer(data[first : first + _BLOCK + _GAP] + bytes(2 * _GAP), np.uint8)
    places = np.flatnonzero(raw[:_BLOCK] == ord("#"))
    numbers, after = np.zeros(len(places), np.int64), places + 1
    for _ in range(_MOST_DIGITS):
        digit = raw[after].astype(np.int64) - ord("0")
        more = (digit >= 0) & (digit <= 9)
        if not more.any():
            break
        numbers, after = np.where(more, numbers * 10 + digit, numbers), after + more
    counted = after > places + 1
    for _ in range(_MOST_SPACES):
        after = after + np.isin(raw[after], _SPACES)
    whole = counted & (raw[after] == ord("="))
    return numbers[whole], places[whole] + first


def _arguments(data: mmap.mmap | bytes, start: int) -> list[Any] | None:
    """Return the arguments of the entity whose opening bracket is at `start`, None if it does not parse."""
    for size in (_LONGEST_ENTITY >> 9, _LONGEST_ENTITY >> 4, _LONGEST_ENTITY):
        text = data[start : start + size]
        found = _parsed(text)
        if found is not None or len(text) < size:
            return found
    return None


def _parsed(text: bytes) -> list[Any] | None:
    stack: list[list[Any]] = []
    place = 0
    while match := _TOKEN.match(text, place):
        place = match.end()
        kind = match.lastgroup
        if kind == "open":
            stack.append([])
            if len(stack) > _DEEPEST:
                return None
        elif not stack:
            return None
        elif kind == "close":
            done = stack.pop()
            if not stack:
                return done
            _put(stack[-1], done)
        elif kind not in ("comma", None):
            _put(stack[-1], _value(kind, match[kind]))
    return None


class _Typed:
    """Marks that the next bracket holds the value of a defined type."""


def _put(target: list[Any], value: Any) -> None:
    if target and target[-1] is _Typed:
        target[-1] = value[0] if isinstance(value, list) and value else None
    else:
        target.append(value)


def _value(kind: str, raw: bytes) -> Any:
    if kind == "number":
        return float(raw)
    if kind == "text":
        return decode_text(raw.decode("utf-8", "replace"))
    if kind == "ref":
        return Ref(int(raw))
    if kind == "enum":
        return raw.decode()
    return _Typed if kind == "typed" else None
