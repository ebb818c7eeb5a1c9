"""One element of `gis.gml_columns.Elements`, with the methods of an element of lxml that readers here use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gis.gml_columns import Elements

_FEW = 64


class Element:
    """A light view of one row of the columns; made when somebody asks.

    Examples
    --------
    >>> from gis.gml_columns import elements_of
    >>> root = Element(elements_of(b"<a x='1'><b>hello</b><c><b/></c></a>", {}), 0)
    >>> [child.tag for child in root], root[0].text, len(list(root.iter("{*}b"))), root.get("x")
    (['b', 'c'], 'hello', 2, '1')
    """

    __slots__ = ("number", "page")

    def __init__(self, page: Elements, number: int) -> None:
        """Do nothing yet."""
        self.page, self.number = page, number

    @property
    def tag(self) -> str:
        """Name, ``{namespace}name``."""
        return self.page.tags[self.page.columns[0][self.number]]

    @property
    def text(self) -> str | None:
        """Text between the start tag and what follows, None if there is none."""
        start, end = self.page.columns[2][self.number], self.page.columns[3][self.number]
        return self.page.plain(start, end) if end > start else None

    @property
    def attrib(self) -> dict[str, str]:
        """Attributes by their names."""
        return self.page.attributes(self.number)

    def get(self, key: str) -> str | None:
        """Return an attribute, None if it has none of the name."""
        return self.page.attributes(self.number).get(key)

    def set(self, key: str, value: str) -> None:
        """Give it an attribute."""
        self.page.given.setdefault(self.number, {})[key] = value

    def __len__(self) -> int:
        """Return how many children it has."""
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        """Say yes, with or without children."""
        return True

    def __iter__(self) -> Iterator[Element]:
        """Yield its children."""
        ends = self.page.columns[1]
        child, last = self.number + 1, ends[self.number]
        while child < last:
            yield Element(self.page, child)
            child = ends[child]

    def __getitem__(self, place: int) -> Element:
        """Return a child."""
        return list(self)[place]

    def iter(self, *tags: str) -> Iterator[Element]:
        """Yield itself and everything in it that has one of some local names (``{*}name``), or all of it."""
        first, last = self.number, self.page.columns[1][self.number]
        names = {tag.rpartition("}")[2] for tag in tags} - {"*"}
        if not names:
            yield from (Element(self.page, number) for number in range(first, last))
            return
        wanted = [word.name in names for word in self.page.words]
        if not any(wanted):
            return
        if last - first <= _FEW:
            codes = self.page.columns[0]
            found = [number for number in range(first, last) if wanted[codes[number]]]
        else:
            found = (np.flatnonzero(np.array(wanted)[self.page.codes[first:last]]) + first).tolist()
        yield from (Element(self.page, number) for number in found)

    def find(self, path: str) -> Element | None:
        """Return the first child ``{*}name``, or with ``.//{*}name`` the first one anywhere in it; None if none."""
        name = path.rpartition("}")[2]
        among = self.iter(name) if path.startswith(".//") else iter(self)
        return next(
            (each for each in among if each.number != self.number and each.tag.rpartition("}")[2] == name), None
        )

    def getparent(self) -> Element | None:
        """Return the element around it, None if it lies on top."""
        parent = int(self.page.parents[self.number])
        return Element(self.page, parent) if parent >= 0 else None

    def getnext(self) -> Element | None:
        """Return the element behind it, None if it is the last one."""
        behind, parent = self.page.columns[1][self.number], int(self.page.parents[self.number])
        last = self.page.columns[1][parent] if parent >= 0 else len(self.page)
        return Element(self.page, behind) if behind < last else None

    def alone(self) -> Element:
        """Return a copy that keeps nothing of what lies around it."""
        return Element(self.page.part(self.number), 0)

    def __eq__(self, other: object) -> bool:
        """Say whether it is the same element."""
        return isinstance(other, Element) and other.page is self.page and other.number == self.number

    def __hash__(self) -> int:
        """Return a number that same elements share."""
        return hash((id(self.page), self.number))
