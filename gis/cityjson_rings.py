"""The surfaces of many CityJSON geometries in flat lists, checked and turned into polygons at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

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
        indices, bad = self._indices(len(points), broken)
        paints, semantics, images = looks.reshape(-1, 3)[np.array(self.looks, np.int64)].T
        lengths, counts = np.array(self.lengths, np.int64), np.array(self.counts, np.int64)
        uvs = _uvs(self.uvs, lengths, places) if self.uvs else None
        rows = np.array(self.rows, np.int64)
        corners = points[indices] if len(points) else np.zeros((len(indices), 3))
        return PolygonBlock(corners, lengths, counts, rows, paints, semantics, images, uvs).take(~bad)

    def _indices(self, size: int, broken: Callable[[str, str], None]) -> tuple[Integers, NDArray[np.bool_]]:
        bad = np.zeros(len(self.counts), bool)
        if not _wrong(self.numbers, size):
            return np.array(self.numbers, np.int64), bad
        ends = [*self.marks[1:], (len(self.numbers), len(self.counts), "")]
        for (first, surface, owner), (last, end, _) in zip(self.marks, ends, strict=True):
            wrong = _wrong(self.numbers[first:last], size)
            if wrong:
                broken(owner, wrong)
                self.numbers[first:last] = [-1] * (last - first)  # any vertex; its surfaces are dropped
                bad[surface:end] = True
        return np.array(self.numbers, np.int64), bad


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
