"""Plain XML as columns: where each element begins and ends, what it is called and what it lies in, found with numpy.

An element costs a parser of trees an object; here it is a row of a few arrays. What is not plain (comments, entities of
its own, ``>`` in a text, anything that does not fit together) is refused: lxml writes such a document plainly, or says
what is wrong with it (`gis.gml_pieces`).
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.lib.stride_tricks import sliding_window_view

from gis.gml_tags import NotPlainError, StartTags, attributes_in, declares, qualified, resolved, slices, spelled
from gis.gml_words import WORDS, Role, Word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Bytes = NDArray[np.uint8]
    Integers = NDArray[np.integer[Any]]
    Spoken = tuple[bytes, Integers, Integers]

DEEPEST = 256
LONGEST_TEXT = 10_000_000
_AMPERSANDS = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")
_XMLNS = re.compile(rb"\sxmlns[\s=:]")
_CONTROLS = bytes({*range(32)} - {9, 10, 13})
_USUAL_NAME, _LONGEST_NAME = 24, 80
_CACHED = 128 << 10
_NOTHING: dict[str, str] = {}
_NOT_NAMES = np.isin(np.arange(256), np.frombuffer(b"!? \t\r\n>=\"'&", np.uint8))


@dataclass(frozen=True, eq=False)
class Elements:
    """The elements of a text in the order of the document, a row each.

    Parameters
    ----------
    text
        The bytes, UTF-8.
    tags
        Distinct names, ``{namespace}name``.
    codes
        (n,) which of them each element has.
    parents, ends
        (n,) the element around it (-1 = none), the first one behind everything in it.
    starts, names, heads, texts, lasts
        (n,) bytes: where it begins, where its name ends, where its start tag ends, where the text behind that ends,
        where its end tag ends.
    scopes, spaces
        (n,) which of the prefix tables is valid for it; the tables.
    levels
        Elements by their depth.
    spoken
        What stands in start tags behind the names, as one text; whose it is, and where each begins.
    given
        Attributes that elements were given later.
    """

    text: bytes
    tags: list[str]
    codes: Integers
    parents: Integers
    ends: Integers
    starts: Integers
    names: Integers
    heads: Integers
    texts: Integers
    lasts: Integers
    scopes: Integers
    spaces: list[dict[str, str]]
    levels: list[Integers]
    spoken: Spoken
    given: dict[int, dict[str, str]] = field(default_factory=dict)
    _known: dict[tuple[bytes, int], dict[str, str]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of elements."""
        return len(self.codes)

    @cached_property
    def words(self) -> list[Word]:
        """What each distinct name is to a reader of CityGML."""
        return [WORDS[tag] for tag in self.tags]

    @cached_property
    def columns(self) -> tuple[list[int], ...]:
        """The columns `codes`, `ends`, `heads`, `texts` and `names` as lists, which are quicker to ask for one row."""
        return tuple(each.tolist() for each in (self.codes, self.ends, self.heads, self.texts, self.names))

    @cached_property
    def _start_tags(self) -> StartTags:
        return StartTags(self.spoken[0])

    def having(self, *roles: Role) -> Bools:
        """Return which elements have one of some roles, (n,)."""
        found: Bools = np.array([word.role in roles for word in self.words], bool)[self.codes]
        return found

    def named(self, *names: str) -> Bools:
        """Return which elements have one of some local names, (n,)."""
        found: Bools = np.array([word.name in names for word in self.words], bool)[self.codes]
        return found

    def nearest(self, wanted: Bools) -> Integers:
        """Return the innermost wanted element around each element, itself included; -1 where there is none."""
        places = np.flatnonzero(wanted)
        if (places[1:] < self.ends[places[:-1]]).any():
            return _nearest(wanted, self.parents, self.levels)
        found = np.append(places, -1)[np.cumsum(wanted) - 1]  # the last one before, since none lies in another one
        return np.where(self.ends[found] > np.arange(len(self)), found, -1)

    def said(self, word: bytes) -> Bools:
        """Return which elements have a word in their start tag behind their name, (n,)."""
        return _said(word, self.spoken, len(self))

    def marked(self, *keys: str) -> tuple[Integers, pa.Array]:
        """Return the elements that have an attribute ``{namespace}name``, the first of some, and what each says."""
        names = sorted({name for key in keys for space in self.spaces for name in spelled(key, space)})
        _, numbers, starts = self.spoken
        found = [self._start_tags.values(name) for name in names]
        if not found:
            return np.zeros(0, np.int64), pa.array([], pa.string())
        places = np.concatenate([places for places, _ in found])
        texts = pa.concat_arrays([texts for _, texts in found])
        owner = numbers[np.searchsorted(starts, places, side="right") - 1]
        if len(found) == 1:
            return owner, texts
        owner, first = np.unique(owner, return_index=True)
        return owner, texts.take(pa.array(first))

    def attributes(self, number: int) -> dict[str, str]:
        """Return the attributes of an element by their names, ``{namespace}name``.

        Raises
        ------
        NotPlainError
            When its start tag is not well-formed.
        """
        start, end = self.columns[4][number], self.columns[2][number] - 1
        given = self.given.get(number, _NOTHING)
        if end - start < 2:
            return given
        mark = self.text[start:end], int(self.scopes[number])
        found = self._known.get(mark)
        if found is None:
            space = self.spaces[mark[1]]
            pairs = [(name, value) for name, value in attributes_in(mark[0]) if not declares(name)]
            found = {qualified(name, space) if ":" in name else name: value for name, value in pairs}
            self._known[mark] = found
        return found | given if given else found

    def text_at(self, number: int) -> str:
        """Return the text of an element before its first child, without blanks around it."""
        text = self.text[self.columns[2][number] : self.columns[3][number]].decode().strip()
        return resolved(text) if "&" in text or "\r" in text else text

    def children(self, number: int) -> list[int]:
        """Return the elements right in an element."""
        ends = self.columns[1]
        found, child, last = [], number + 1, ends[number]
        while child < last:
            found.append(child)
            child = ends[child]
        return found

    def name_at(self, number: int) -> str:
        """Return the local name of an element."""
        return self.words[self.columns[0][number]].name

    def plain(self, start: int, end: int) -> str:
        """Return the text between two bytes, its references resolved."""
        return resolved(self.text[start:end].decode())

    def part(self, number: int) -> Elements:
        """Return an element with everything in it, on its own: it keeps no more than it needs."""
        text = self.text[int(self.starts[number]) : int(self.lasts[number])]
        return elements_of(text, self.spaces[self.scopes[number]])


def elements_of(text: bytes, space: Mapping[str, str]) -> Elements:
    """Return the elements of a text of whole elements; `space` is the table of prefixes around them.

    Raises
    ------
    NotPlainError
        When it is not plain XML.

    Examples
    --------
    >>> found = elements_of(b"<a x='1'><b>hello</b><b/></a>", {})
    >>> [found.tags[code] for code in found.codes], found.parents.tolist(), found.ends.tolist()
    (['a', 'b', 'b'], [-1, 0, 0], [3, 2, 3])
    >>> found.attributes(0), found.plain(found.heads[1], found.texts[1])
    ({'x': '1'}, 'hello')
    """
    buffer = np.frombuffer(text, np.uint8)
    opens, closes = _brackets(text, buffer)
    is_end = buffer[opens + 1] == ord("/")
    is_empty = (buffer[closes - 1] == ord("/")) & ~is_end
    words, codes, names = _names(text, opens + 1 + is_end, closes - is_empty)
    depths = np.cumsum(np.where(is_end, -1, np.where(is_empty, 0, 1)).astype(np.int16), dtype=np.int32)
    if len(depths) and (depths.min() < 0 or depths.max() > DEEPEST or depths[-1]):
        raise NotPlainError("its elements do not close")
    depths -= ~(is_end | is_empty)
    behind = np.append(opens[1:], np.int32(len(text)))
    if len(opens) and int((behind - closes).max()) > LONGEST_TEXT:
        raise NotPlainError("a text is too long")
    first, last = _pairs(depths, codes, is_end, is_empty)
    numbers, lasts = np.cumsum(~is_end, dtype=np.int32), closes + 1
    ends = numbers.copy()
    ends[first], lasts[first] = numbers[last], closes[last] + 1
    begins = np.flatnonzero(~is_end)
    every: list[Integers] = [
        column[begins] for column in (ends, opens, names, closes + 1, np.where(is_empty, closes + 1, behind), lasts)
    ]
    levels = _levels(depths[begins])
    parents = _parents(levels, len(begins))
    until, starts, named, heads, texts, behind = every
    spoken = _spoken(text, named, heads)
    scopes, spaces = _scopes(spoken, text, (named, heads), (parents, levels), dict(space))
    tags, found = _tags(words, codes[begins], scopes, spaces)
    return Elements(
        text, tags, found, parents, until, starts, named, heads, texts, behind, scopes, spaces, levels, spoken
    )


def _brackets(text: bytes, buffer: Bytes) -> tuple[Integers, Integers]:
    """Return where tags begin and end."""
    brackets = _places_of_brackets(buffer)
    opens, closes = brackets[0::2], brackets[1::2]
    if len(opens) != len(closes) or (buffer[opens] != ord("<")).any() or (buffer[closes] != ord(">")).any():
        raise NotPlainError("its brackets do not pair")
    if _NOT_NAMES[buffer[opens + 1]].any() or (b"&" in text and _AMPERSANDS.search(text)):
        raise NotPlainError("more than elements")
    if _has_controls(text, buffer):
        raise NotPlainError("control characters")
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise NotPlainError("not UTF-8") from error
    return opens, closes


def _places_of_brackets(buffer: Bytes) -> Integers:
    """Return where a less or a greater sign stands; they differ in one bit. Parts fit into the cache of a processor."""
    sign, rest = ord("<"), 0xFF ^ ord("<") ^ ord(">")
    parts = [
        np.flatnonzero((buffer[start : start + _CACHED] & rest) == sign).astype(np.int32) + np.int32(start)
        for start in range(0, len(buffer), _CACHED)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def _has_controls(text: bytes, buffer: Bytes) -> bool:
    """Say whether there is a character that XML does not allow."""
    low, allowed = np.count_nonzero(buffer < ord(" ")), np.count_nonzero(buffer == ord("\n"))
    return bool(low != allowed) and len(text.translate(None, _CONTROLS)) != len(text)


def _names(text: bytes, starts: Integers, latest: Integers) -> tuple[list[str], Integers, Integers]:
    """Return the distinct names of tags, which each has, and where it ends."""
    buffer = np.frombuffer(text, np.uint8)
    ends = latest.copy()
    owner = np.searchsorted(starts, np.flatnonzero(buffer == ord("=")), side="right") - 1
    longer = buffer[np.maximum(latest - 1, 0)] <= ord(" ")
    longer[owner[owner >= 0]] = True  # what has attributes, and some whose text has such a sign
    chosen = np.flatnonzero(longer)
    padded = np.concatenate([buffer, np.zeros(_LONGEST_NAME, np.uint8)]) if len(chosen) else buffer
    for width in (_USUAL_NAME, _LONGEST_NAME):
        if len(chosen):
            length = (sliding_window_view(padded, width)[starts[chosen]] <= ord(" ")).argmax(axis=1).astype(np.int32)
            ends[chosen] = np.minimum(starts[chosen] + length, latest[chosen])
            chosen = chosen[length == 0]  # no blank so near
    if (ends <= starts).any() or int((ends - starts).max(initial=0)) > _LONGEST_NAME:
        raise NotPlainError("a tag without a name")
    coded = slices(text, starts, ends).dictionary_encode()
    return [name.decode() for name in coded.dictionary.to_pylist()], coded.indices.to_numpy(), ends


def _pairs(depths: Integers, codes: Integers, is_end: Bools, is_empty: Bools) -> tuple[Integers, Integers]:
    """Return the start tags that have an end tag, and those."""
    paired = np.flatnonzero(~is_empty)
    order = paired[np.argsort(depths[paired].astype(np.int16), kind="stable")]
    first, last = order[0::2], order[1::2]
    if is_end[first].any() or not is_end[last].all() or (codes[first] != codes[last]).any():
        raise NotPlainError("a tag closes another one")
    return first, last


def _levels(depths: Integers) -> list[Integers]:
    order = np.argsort(depths.astype(np.int16), kind="stable")
    return np.split(order, np.cumsum(np.bincount(depths, minlength=1))[:-1])


def _parents(levels: Sequence[Integers], count: int) -> Integers:
    found = np.full(count, -1, np.int64)
    for above, level in itertools.pairwise(levels):
        found[level] = above[np.searchsorted(above, level) - 1]
    return found


def _nearest(wanted: Bools, parents: Integers, levels: Sequence[Integers]) -> Integers:
    found = np.where(wanted, np.arange(len(wanted)), -1)
    for level in levels[1:]:
        rest = level[~wanted[level]]
        found[rest] = found[parents[rest]]
    return found


def _spoken(text: bytes, names: Integers, heads: Integers) -> Spoken:
    numbers = np.flatnonzero(heads - names > 2)
    parts = slices(text, names[numbers], heads[numbers])
    starts = np.cumsum(heads[numbers] - names[numbers]) - (heads[numbers] - names[numbers])
    return parts.buffers()[2].to_pybytes() if len(numbers) else b"", numbers, starts


def _said(word: bytes, spoken: Spoken, count: int) -> Bools:
    said, numbers, starts = spoken
    places = [match.start() for match in re.finditer(re.escape(word), said)]
    found = np.zeros(count, bool)
    found[numbers[np.searchsorted(starts, places, side="right") - 1]] = bool(places)
    return found


def _scopes(
    spoken: Spoken,
    text: bytes,
    columns: tuple[Integers, Integers],
    tree: tuple[Integers, list[Integers]],
    base: dict[str, str],
) -> tuple[Integers, list[dict[str, str]]]:
    """Return which table of prefixes is valid for each element, and the tables."""
    (names, heads), (parents, levels) = columns, tree
    spaces, scopes = [base], np.zeros(len(names), np.int64)
    if b"xmlns" not in spoken[0]:
        return scopes, spaces
    declaring = _said(b"xmlns", spoken, len(names))
    nearest = _nearest(declaring, parents, levels)
    known: dict[tuple[int, bytes], int] = {}
    for number in np.flatnonzero(declaring).tolist():
        around = int(nearest[parents[number]]) if parents[number] >= 0 else -1
        outer = int(scopes[around]) if around >= 0 else 0
        region = text[names[number] : heads[number] - 1]
        own = {name.partition(":")[2]: uri for name, uri in attributes_in(region) if declares(name)}
        mark = outer, repr(own).encode()
        if mark not in known:
            known[mark] = len(spaces)
            spaces.append({**spaces[outer], **own})
        scopes[number] = known[mark]
    found = np.where(nearest >= 0, scopes[nearest], 0)
    return found, spaces


def _tags(
    words: list[str], codes: Integers, scopes: Integers, spaces: list[dict[str, str]]
) -> tuple[list[str], Integers]:
    """Return the distinct names with their namespaces, and which each element has."""
    which = codes * len(spaces) + scopes
    pairs = np.flatnonzero(np.bincount(which))
    names = [qualified(words[pair // len(spaces)], spaces[pair % len(spaces)]) for pair in pairs.tolist()]
    place = {tag: number for number, tag in enumerate(dict.fromkeys(names))}
    number = np.zeros(len(words) * len(spaces), np.int64)
    number[pairs] = [place[name] for name in names]
    return list(place), number[which]
