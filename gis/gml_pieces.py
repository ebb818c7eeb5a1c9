"""A CityGML document in pieces of whole members: cut from the bytes where it is plain, else written plainly by lxml."""

from __future__ import annotations

import itertools
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gis.gml_columns import elements_of
from gis.gml_stream import library, members
from gis.gml_tags import NotPlainError
from scenes.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from gis.gml_columns import Elements
    from gis.shelf import Shelf

MEMBERS = ("cityObjectMember", "featureMember", "featureMembers", "member")
PIECE_BYTES = 8 << 20
_LONGEST_HEAD = 4 << 20
_TAIL = 64 << 10
_MEMBER = re.compile(rb"<((?:[A-Za-z_][\w.-]*:)?(?:cityObjectMember|featureMember|member))[\s>]")
_ENCODING = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding\s*=\s*[\"']([\w.-]+)[\"']")


@dataclass(frozen=True, slots=True)
class Opening:
    """What stands before the first member of a plain document.

    Parameters
    ----------
    space
        Prefixes and their namespaces.
    member, root
        How members begin (``<core:cityObjectMember``), and what the root is called (``core:CityModel``).
    size
        Bytes before the first member.
    """

    space: dict[str, str]
    member: bytes
    root: bytes
    size: int


def pages(shelf: Shelf, name: str, size: int = PIECE_BYTES) -> Iterator[Elements]:
    """Yield the members of a document, some megabytes at a time.

    Raises
    ------
    LoadError
        When it is not well-formed.
    """
    done = 0
    try:
        for _, piece, opening in plain_pieces(shelf, name, size):
            page = elements_of(piece, opening.space)
            yield page
            done += count_members(page)
    except NotPlainError:
        yield from written_pages(shelf, name, done, size)


def count_members(page: Elements) -> int:
    """Return how many members a page has."""
    return int((page.named(*MEMBERS) & (page.parents < 0)).sum())


def plain_pieces(
    shelf: Shelf, name: str, size: int = PIECE_BYTES, wanted: Callable[[int], bool] = lambda _: True
) -> Iterator[tuple[int, bytes, Opening]]:
    """Yield the wanted ones of pieces of whole members with their numbers; other elements may stand between members.

    Raises
    ------
    NotPlainError
        When it cannot be cut.
    """
    with shelf.open(name) as file:
        opening, rest = _opening(file, min(size, 1 << 16))
        cut = _cut_in_place if shelf.is_as_stored(name) else _cut_as_read
        for number, piece in cut(file, (opening, rest), size, wanted):
            yield number, piece, opening


def _cut_in_place(
    file: IO[bytes], head: tuple[Opening, bytes], size: int, wanted: Callable[[int], bool]
) -> Iterator[tuple[int, bytes]]:
    """Cut a file of which any part can be read: of pieces that nobody wants, only the ends are."""
    opening, rest = head
    begin, stop = opening.size, opening.size + len(rest)
    end = file.seek(0, os.SEEK_END)
    number = 0
    while (stop := stop + size) <= end:
        cut = _member_before(file, begin, stop, opening)
        if cut > begin:
            if wanted(number):
                yield number, _part(file, begin, cut)
            number, begin = number + 1, cut
    if wanted(number):
        yield number, _without_end(_part(file, begin, end), opening)


def _cut_as_read(
    file: IO[bytes], head: tuple[Opening, bytes], size: int, wanted: Callable[[int], bool]
) -> Iterator[tuple[int, bytes]]:
    """Cut a file that is unpacked from its beginning."""
    opening, rest = head
    number = 0
    while len(data := file.read(size)) == size:
        rest += data
        cut = _last_member(rest, opening)
        if cut > 0:
            if wanted(number):
                yield number, rest[:cut]
            number, rest = number + 1, rest[cut:]
    if wanted(number):
        yield number, _without_end(rest + data, opening)


def _part(file: IO[bytes], begin: int, end: int) -> bytes:
    file.seek(begin)
    return file.read(end - begin)


def _member_before(file: IO[bytes], begin: int, stop: int, opening: Opening) -> int:
    """Return where the last member between two places begins, -1 if there is none."""
    length = _TAIL
    while True:
        low = max(begin, stop - length)
        place = _last_member(_part(file, low, stop), opening)
        if place >= 0 or low == begin:
            return low + place if place >= 0 else -1
        length *= 4


def _without_end(text: bytes, opening: Opening) -> bytes:
    """Return the last members without the end of the document.

    Raises
    ------
    NotPlainError
        When it does not end.
    """
    closing = re.search(rb"</" + re.escape(opening.root) + rb"\s*>\s*$", text[-_TAIL:])
    if closing is None:
        raise NotPlainError("it does not end")
    return text[: max(0, len(text) - _TAIL) + closing.start()]


def _opening(file: IO[bytes], step: int) -> tuple[Opening, bytes]:
    """Return what stands before the first member, and what was read beyond it."""
    head = b""
    while (match := _MEMBER.search(head)) is None:
        data = file.read(step)
        if not data or len(head) > _LONGEST_HEAD:
            raise NotPlainError("no member")
        head += data
    before, rest = head[: match.start()], head[match.start() :]
    encoding = _ENCODING.match(before)
    plain = encoding is None or encoding[1].lower() in {b"utf-8", b"us-ascii", b"ascii"}
    if not plain or b"<!DOCTYPE" in before or before.count(b"<!--") != before.count(b"-->"):
        raise NotPlainError("its head")
    return _read_head(before, match[1]), rest


def _read_head(before: bytes, member: bytes) -> Opening:
    etree = library()
    parser = etree.XMLPullParser(events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False)
    try:
        parser.feed(before)
        events = list(parser.read_events())
    except (etree.LxmlError, ValueError) as error:
        raise NotPlainError("its head") from error
    depth = sum(1 if event == "start" else -1 for event, _ in events)
    if depth != 1:
        raise NotPlainError("its members lie deeper")
    root = events[0][1]
    name = root.tag.rpartition("}")[2]
    qualified = f"{root.prefix}:{name}" if root.prefix else name
    space = {prefix or "": uri for prefix, uri in root.nsmap.items()}
    return Opening(space, b"<" + member, qualified.encode(), len(before))


def _last_member(text: bytes, opening: Opening) -> int:
    """Return where the last member begins, -1 if there is none."""
    place = text.rfind(opening.member)
    while place >= 0 and text[place + len(opening.member) : place + len(opening.member) + 1] not in b" \t\r\n>":
        place = text.rfind(opening.member, 0, place)
    return place


def written_pages(shelf: Shelf, name: str, done: int = 0, size: int = PIECE_BYTES) -> Iterator[Elements]:
    """Yield the members of a document, but for the first ones, as lxml writes them.

    Raises
    ------
    LoadError
        When it is not well-formed.
    """
    etree = library()
    gathered: list[bytes] = []
    length = 0
    with shelf.open(name) as file:
        for member in itertools.islice(members(file, str(shelf.path)), done, None):
            text = etree.tostring(member, encoding="UTF-8", xml_declaration=False, with_tail=False)
            if gathered and length + len(text) > size:
                yield _written(gathered, shelf)
                gathered, length = [], 0
            gathered.append(text)
            length += len(text)
    if gathered:
        yield _written(gathered, shelf)


def _written(texts: list[bytes], shelf: Shelf) -> Elements:
    try:
        return elements_of(b"".join(texts), {})
    except NotPlainError as error:
        raise LoadError(
            str(shelf.path), f"it is not well-formed XML ({error})", "export or download it again"
        ) from error
