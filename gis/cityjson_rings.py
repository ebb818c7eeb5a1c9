"""The surfaces of many CityJSON geometries in flat lists, checked and turned into polygons at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.cityjson_bulk import Part
from gis.polygons import PolygonBlock

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]


@dataclass(slots=True)
class Gathered:
    """The rings of the surfaces of many geometries as flat lists."""

    numbers: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    uvs: dict[int, list[Any]] = field(default_factory=dict)  # ring: numbers of texture vertices
    marks: list[tuple[int, int, str]] = field(default_factory=list)  # first number and surface of each geometry, owner
    parts: list[Part] = field(default_factory=list)  # what came in bulk

    def begin(self, owner: str) -> tuple[int, int, int]:
        """Begin a geometry of an object, and return the sizes that `cut` goes back to."""
        self.marks.append((len(self.numbers), len(self.counts), owner))
        return len(self.numbers), len(self.lengths), len(self.counts)

    def cut(self, sizes: tuple[int, int, int]) -> None:
        """Forget the geometry that was begun last."""
        numbers, lengths, counts = sizes
        del self.numbers[numbers:], self.lengths[lengths:], self.marks[-1:]
        for values in (self.counts, self.rows, self.looks):
            del values[counts:]
        self.uvs = {ring: places for ring, places in self.uvs.items() if ring < lengths}

    def surface(self, row: int, look: int, rings: list[Any]) -> None:
        """Add a surface of nested vertex numbers."""
        for ring in rings:
            self.numbers += ring
            self.lengths.append(len(ring))
        self.counts.append(len(rings))
        self.rows.append(row)
        self.looks.append(look)

    def block(
        self, points: Floats, looks: Integers, places: Floats, broken: Callable[[str, str], None]
    ) -> PolygonBlock:
        """Return the surfaces over some points; geometries that name others than these are reported and left out.

        Parameters
        ----------
        points
            (n, 3) vertices.
        looks
            (l, 3): paint, surface and picture of each look.
        places
            (m, 2) texture vertices, their origin below on the left.
        broken
            Called with an owner and what is wrong.
        """
        self._close()
        parts = self.parts
        numbers, lengths, counts, rows, named = (
            np.concatenate([getattr(part, name) for part in parts] or [np.zeros(0, np.int64)])
            for name in ("numbers", "lengths", "counts", "rows", "looks")
        )
        bad = np.concatenate([_bad(part, len(points), broken) for part in parts] or [np.zeros(0, bool)])
        paints, semantics, images = looks.reshape(-1, 3)[named].T
        uvs = _uvs(self.uvs, lengths, places) if self.uvs else None
        corners = points[np.where(numbers < len(points), numbers, -1)] if len(points) else np.zeros((len(numbers), 3))
        return PolygonBlock(corners, lengths, counts, rows, paints, semantics, images, uvs).take(~bad)

    def _close(self) -> None:
        """Make a part of what came surface by surface."""
        if not self.counts:
            return
        before = sum(len(part.lengths) for part in self.parts)
        self.uvs = {ring + before: places for ring, places in self.uvs.items()}
        firsts = np.array([mark[:2] for mark in self.marks], np.int64).reshape(-1, 2)
        owners = [owner for _, _, owner in self.marks]
        columns = [np.array(column, np.int64) for column in (self.lengths, self.counts, self.rows, self.looks)]
        lengths, counts, rows, looks = columns
        self.parts.append(Part(_checked(self.numbers), lengths, counts, rows, looks, firsts, owners))
        self.numbers, self.lengths, self.counts, self.rows, self.looks, self.marks = [], [], [], [], [], []


def _checked(numbers: list[Any]) -> Integers:
    """Return vertex numbers, -1 for what is none."""
    found = np.array(numbers, object)
    good = [type(number) is int and 0 <= number < 1 << 62 for number in numbers]
    return np.where(good, found, -1).astype(np.int64)


def _bad(part: Part, size: int, broken: Callable[[str, str], None]) -> NDArray[np.bool_]:
    """Return which surfaces belong to geometries that name vertices which are not there, and report those."""
    bad = np.zeros(len(part.counts), bool)
    if not len(part.numbers) or (int(part.numbers.min()) >= 0 and int(part.numbers.max()) < size):
        return bad
    ends = np.vstack([part.firsts[1:], [[len(part.numbers), len(part.counts)]]])
    for (first, surface), (last, end), owner in zip(part.firsts.tolist(), ends.tolist(), part.owners, strict=True):
        mine = part.numbers[first:last]
        if len(mine) and (int(mine.min()) < 0 or int(mine.max()) >= size):
            low = int(mine.min()) < 0
            what = "a ring holds something else than vertex numbers" if low else f"vertex {int(mine.max())} of {size}"
            broken(owner, what)
            bad[surface:end] = True
    return bad


def _wrong(numbers: list[int], size: int) -> str:
    """Return what is wrong with a list of vertex numbers, empty if nothing is."""
    indices = np.array(numbers) if numbers else np.zeros(0, np.int64)
    if indices.dtype.kind not in "iu" or indices.ndim != 1:
        return "a ring holds something else than vertex numbers"
    if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= size):
        return f"vertex {int(indices.max())} of {size}"
    return ""


def _uvs(numbers: dict[int, list[Any]], lengths: Integers, places: Floats) -> Floats:
    """Return (p, 2) places in images, from their upper left corner; zero where a ring has none that fit."""
    found = np.zeros((int(lengths.sum()), 2))
    starts = np.cumsum(lengths) - lengths
    for ring, named in numbers.items():
        first, size = int(starts[ring]), int(lengths[ring])
        if len(named) == size and not _wrong(named, len(places)):
            found[first : first + size] = places[np.array(named, np.int64)] * [1, -1] + [0, 1]
    return found
