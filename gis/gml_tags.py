"""What start tags say: attributes, prefixes and references to characters."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Integers = NDArray[np.integer[Any]]

XML_SPACE = "http://www.w3.org/XML/1998/namespace"
_ATTRIBUTE = re.compile(rb"\s+([^\s=\"'<>/]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_REFERENCE = re.compile(r"&(?:#(\d+)|#x([0-9A-Fa-f]+)|(\w+));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class NotPlainError(ValueError):
    """A text is not the plain XML that columns are made of."""


def slices(text: bytes, starts: Integers, ends: Integers) -> pa.Array:
    """Return the parts of a text between two bytes each, in ascending order, as one array of binaries."""
    edges = np.empty(2 * len(starts) + 1, np.int64)
    edges[0:-1:2], edges[1::2], edges[-1] = starts, ends, len(text)
    buffers = [None, pa.py_buffer(edges), pa.py_buffer(text)]
    every = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(edges) - 1, buffers)
    return every.take(pa.array(np.arange(0, len(edges) - 1, 2)))


class StartTags:
    """What stands in many start tags behind their names, as one text, asked for one attribute after the other."""

    def __init__(self, said: bytes) -> None:
        """Look at nothing yet."""
        self._said = said

    @cached_property
    def _quotes(self) -> tuple[Integers, Integers] | None:
        """Where values begin and end, at their quotes; None where they may be written in another way."""
        said = self._said
        if any(each in said for each in (b"'", b" =", b"= ", b"&", b"\n=", b"=\n")):
            return None
        quotes = np.flatnonzero(np.frombuffer(said, np.uint8) == ord('"'))
        opens, closes = quotes[0::2], quotes[1::2]
        if len(opens) != len(closes):
            raise NotPlainError("quotes that do not pair")
        return opens, closes

    def values(self, name: bytes) -> tuple[Integers, pa.Array]:
        """Return where an attribute stands, ascending, and its values.

        Raises
        ------
        NotPlainError
            When the tags are not well-formed.

        Examples
        --------
        >>> places, values = StartTags(b' id="a"> gml:id="b" c="d">').values(b"gml:id")
        >>> places.tolist(), values.to_pylist()
        ([16], ['b'])
        """
        said, quotes = self._said, self._quotes
        if quotes is None:
            pattern = rb"(?<=\s)" + re.escape(name) + rb"\s*=\s*(?:\"([^\"]*)\"|'([^']*)')"
            found = list(re.finditer(pattern, said))
            texts = [resolved((match[1] if match[1] is not None else match[2]).decode()) for match in found]
            return np.array([match.start() for match in found], np.int64), pa.array(texts, pa.string())
        opens, closes = quotes
        letters = np.frombuffer(said, np.uint8)
        mine = np.flatnonzero(opens > len(name) + 1)
        for back, letter in enumerate(reversed(name + b"="), 1):
            mine = mine[letters[opens[mine] - back] == letter]
        mine = mine[letters[opens[mine] - len(name) - 2] <= ord(" ")]
        return opens[mine], slices(said, opens[mine] + 1, closes[mine]).cast(pa.string())


def spelled(key: str, space: Mapping[str, str]) -> list[bytes]:
    """Return how a name may be written with the prefixes of a table."""
    uri, _, local = key[1:].rpartition("}")
    return [f"{prefix}:{local}".encode() for prefix, known in space.items() if known == uri and prefix]


def declares(name: str) -> bool:
    """Say whether an attribute binds a prefix to a namespace."""
    return name == "xmlns" or name.startswith("xmlns:")


def qualified(name: str, space: Mapping[str, str]) -> str:
    """Return a name with a prefix as ``{namespace}name``.

    Raises
    ------
    NotPlainError
        When nothing binds the prefix.
    """
    prefix, _, local = name.rpartition(":")
    uri = XML_SPACE if prefix == "xml" else space.get(prefix, "")
    if prefix and not uri:
        raise NotPlainError(f"a prefix without a namespace: {prefix[:40]}")
    return f"{{{uri}}}{local}" if uri else local


def attributes_in(region: bytes) -> list[tuple[str, str]]:
    """Return the attributes in a start tag, behind its name.

    Raises
    ------
    NotPlainError
        When there is something else.
    """
    found, end = [], 0
    for match in _ATTRIBUTE.finditer(region):
        if match.start() != end:
            break
        end = match.end()
        value = match[2] if match[2] is not None else match[3]
        found.append((match[1].decode(), resolved(value.decode())))
    if region[end:].strip(b" \t\r\n/"):
        raise NotPlainError("a start tag that is not well-formed")
    return found


def resolved(text: str) -> str:
    """Return a text with its references to characters resolved."""
    if "&" not in text:
        return text.replace("\r\n", "\n") if "\r" in text else text
    return _REFERENCE.sub(_meant, text)


def _meant(match: re.Match[str]) -> str:
    if match[3]:
        return _NAMED[match[3]]
    number = int(match[1]) if match[1] else int(match[2], 16)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF or (number < 32 and number not in {9, 10, 13}):
        raise NotPlainError("a reference to no character")
    return chr(number)
