"""Plain areas read straight out of a column of well-known binary, without making an object of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_POLYGON, _MULTIPOLYGON = 3, 6
_MOST_ROUNDS = 1_000
"""Parts and rings that one geometry may have here; each costs a round over all geometries that have so many."""


@dataclass(frozen=True, eq=False)
class FlatAreas:
    """Polygons and multipolygons in two dimensions, every ring closed and every number finite.

    Parameters
    ----------
    data
        Little-endian WKB (ISO 19125-1, 8.2) of n geometries, one behind another.
    starts
        (n + 1,) where each begins in `data`.
    places, sizes
        (r,) where the first point of each ring is in `data`, and how many it has, the closing one counted.
    rings_each, rows
        (g,) rings of each polygon, the outer one first, and the geometry that the polygon belongs to.
    """

    data: Bytes
    starts: Integers
    places: Integers
    sizes: Integers
    rings_each: Integers
    rows: Integers

    @cached_property
    def points(self) -> Floats:
        """The (p, 2) points of all rings."""
        found: Floats = _window(self.data, "V16")[self._at].view(np.float64).reshape(-1, 2)
        return found

    @property
    def wkb(self) -> pa.BinaryArray:
        """The geometries as a column."""
        return self._column(self.data)

    @cached_property
    def _at(self) -> Integers:
        before = np.cumsum(self.sizes) - self.sizes
        return np.repeat(self.places - 16 * before, self.sizes) + 16 * np.arange(int(self.sizes.sum()))

    def moved(self, points: Floats) -> pa.BinaryArray:
        """Return the geometries as WKB with (p, 2) other points."""
        data = self.data.copy()
        _window(data, "V16")[self._at] = np.ascontiguousarray(points).view("V16").ravel()
        return self._column(data)

    def _column(self, data: Bytes) -> pa.BinaryArray:
        buffers = [None, pa.py_buffer(self.starts.astype(np.int32)), pa.py_buffer(data)]
        return pa.BinaryArray.from_buffers(pa.binary(), len(self.starts) - 1, buffers)


def flat_areas(wkb: Any) -> FlatAreas | None:
    """Return the areas in an Arrow array of WKB; None where one of them is anything else, or broken.

    Examples
    --------
    >>> import shapely
    >>> flat = flat_areas(pa.array(shapely.to_wkb([shapely.box(0, 0, 1, 2), shapely.box(5, 5, 6, 6)])))
    >>> flat.sizes.tolist(), flat.points[6].tolist()
    ([5, 5], [6.0, 6.0])
    >>> flat_areas(pa.array([shapely.to_wkb(shapely.Point(1, 2))])) is None
    True
    """
    found = _parsed(wkb)
    if found is None or not np.isfinite(found.points).all():
        return None
    last = np.cumsum(found.sizes) - 1
    closed = (found.points[last - found.sizes + 1] == found.points[last]).all()
    return found if closed else None


def _parsed(wkb: Any) -> FlatAreas | None:
    if not (pa.types.is_binary(wkb.type) or pa.types.is_large_binary(wkb.type)) or wkb.null_count or not len(wkb):
        return None
    _, offsets, buffer = wkb.buffers()
    width = np.int64 if pa.types.is_large_binary(wkb.type) else np.int32
    starts = np.frombuffer(offsets, width)[wkb.offset : wkb.offset + len(wkb) + 1].astype(np.int64)
    data = np.frombuffer(buffer, np.uint8)[starts[0] : starts[-1]]
    starts = starts - starts[0]
    if np.diff(starts).min() < 13 or len(data) >= 1 << 31:
        return None
    word = _window(data, "<u4")
    begin, many = starts[:-1], word[starts[:-1] + 1] == _MULTIPOLYGON
    parts = np.where(many, word[begin + 5], 1).astype(np.int64)
    if not (data[begin] == 1).all() or parts.min() < 1 or parts.max() > _MOST_ROUNDS:
        return None
    walk = _Walk(data, begin + 9 * many, starts[1:])
    for number in range(int(parts.max())):
        if not walk.polygons(np.flatnonzero(parts > number)):
            return None
    return walk.found(starts) if (walk.cursor == walk.ends).all() else None


class _Walk:
    """Goes through all geometries at once: the first polygon of each, the second of those that have one, and so on."""

    def __init__(self, data: Bytes, cursor: Integers, ends: Integers) -> None:
        self.data = data
        self.word = _window(data, "<u4")
        self.cursor = cursor
        self.ends = ends
        self._rounds = 0
        self._polygons: list[tuple[Integers, Integers, Integers]] = []
        self._rings: list[tuple[Integers, Integers]] = []

    def polygons(self, rows: Integers) -> bool:
        """Read the next polygon of some geometries; return False where one is none."""
        at, ends = self.cursor[rows], self.ends[rows]
        if (at + 9 > ends).any() or (self.data[at] != 1).any() or (self.word[at + 1] != _POLYGON).any():
            return False
        rings = self.word[at + 5].astype(np.int64)
        self._polygons.append((at, rings, rows))
        at = at + 9
        if rings.min() < 1 or self._rounds + rings.max() > _MOST_ROUNDS:
            return False
        self._rounds += int(rings.max())
        for number in range(int(rings.max())):
            some = np.flatnonzero(rings > number)
            if (at[some] + 4 > ends[some]).any():
                return False
            sizes = self.word[at[some]].astype(np.int64)
            after = at[some] + 4 + 16 * sizes
            if sizes.min() < 4 or (after > ends[some]).any():
                return False
            self._rings.append((at[some] + 4, sizes))
            at[some] = after
        self.cursor[rows] = at
        return True

    def found(self, starts: Integers) -> FlatAreas:
        """Return what was read, in the order of the bytes."""
        at, rings, rows = (np.concatenate(each) for each in zip(*self._polygons, strict=True))
        places, sizes = (np.concatenate(each) for each in zip(*self._rings, strict=True))
        by_place, order = np.argsort(places, kind="stable"), np.argsort(at, kind="stable")
        return FlatAreas(self.data, starts, places[by_place], sizes[by_place], rings[order], rows[order])


def _window(data: Bytes, kind: str) -> NDArray[Any]:
    """Return a view with an item of some bytes beginning at each byte."""
    size = np.dtype(kind).itemsize
    return np.ndarray(len(data) - size + 1, kind, data, strides=(1,))
