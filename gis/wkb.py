"""Geometry as well-known binary: broken rings are mended, curves become lines, surfaces of triangles polygons.

Arcs are replaced by straight pieces of at most `ARC_STEP_DEG` degrees, which is 1.5 cm off on a radius of 100 m.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Objects = NDArray[np.object_]
    Floats = NDArray[np.float64]

ARC_STEP_DEG = 2.0
_DEEPEST = 32
_POINT, _LINE, _POLYGON, _MULTIPOINT, _MULTILINE, _MULTIPOLYGON, _COLLECTION = range(1, 8)
_ARCS, _COMPOUND, _CURVED_POLYGON, _MULTICURVE, _MULTISURFACE = range(8, 13)
_SURFACE, _TIN, _TRIANGLE = 15, 16, 17


def geometries_of(values: Any) -> tuple[Objects, int]:
    """Return (n,) geometries of an Arrow array of WKB, and how many had to be mended to be readable."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    plain = array.to_numpy(zero_copy_only=False)
    codes = type_codes(array)
    special = np.flatnonzero((codes >= _ARCS) & (codes <= _TRIANGLE))
    if len(special):
        plain = plain.copy()
        made = [straightened(plain[row]) for row in special.tolist()]
        plain[special] = None
    found = _read(plain)
    broken = np.flatnonzero(shapely.is_missing(found) & np.array([value is not None for value in plain], bool))
    if len(broken):
        found[broken] = shapely.from_wkb(plain[broken], on_invalid="fix")
    if len(special):
        found[special] = made
    return found, len(broken)


def _read(plain: Objects) -> Objects:
    try:
        return np.asarray(shapely.from_wkb(plain, on_invalid="ignore"), object)
    except NotImplementedError:  # a curve inside a collection
        return np.array([None if value is None else straightened(value) for value in plain], object)


def type_codes(array: Any) -> NDArray[np.int64]:
    """Return the (n,) geometry types of an Arrow array of WKB without their dimensions; 0 where there is none.

    Examples
    --------
    >>> wkb = [shapely.to_wkb(shapely.Point(1, 2)), None, shapely.to_wkb(shapely.Point(1, 2, 3), flavor="iso")]
    >>> type_codes(pa.array(wkb, pa.binary())).tolist()
    [1, 0, 1]
    """
    if not len(array):
        return np.zeros(0, np.int64)
    width = np.int64 if pa.types.is_large_binary(array.type) else np.int32
    _, offsets, data = array.buffers()
    starts = np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1].astype(np.int64)
    known = np.diff(starts) >= 5
    if not known.any():
        return np.zeros(len(array), np.int64)
    head = np.frombuffer(data, np.uint8)[starts[:-1][known, None] + np.arange(5)].astype(np.int64)
    little = head[:, 1] | head[:, 2] << 8 | head[:, 3] << 16 | head[:, 4] << 24
    big = head[:, 4] | head[:, 3] << 8 | head[:, 2] << 16 | head[:, 1] << 24
    codes = np.zeros(len(array), np.int64)
    codes[known] = (np.where(head[:, 0] == 1, little, big) & 0x0FFFFFFF) % 1000
    return codes


def straightened(wkb: bytes) -> Any:
    """Return the geometry of one WKB with curves as lines and surfaces as multipolygons; None if it is broken.

    Examples
    --------
    >>> half = struct.pack("<BII6d", 1, 8, 3, 0, 0, 1, 1, 2, 0)
    >>> line = straightened(half)
    >>> round(line.length, 3), len(line.coords)
    (3.141, 91)
    """
    try:
        return _Cursor(wkb).geometry()
    except (struct.error, ValueError, IndexError, shapely.errors.GEOSException):
        return None


def arc_points(start: Floats, middle: Floats, end: Floats) -> Floats:
    """Return (n, d) points along the arc through three points, without the first; d is 2 or more.

    A full circle is written with `start` equal to `end`; then `middle` lies opposite. Three points on a straight
    line are that line.
    """
    a, b, c = start[:2], middle[:2], end[:2]
    if np.array_equal(a, c):
        centre, sweep = (a + b) / 2, 2 * np.pi
    else:
        one, two = b - a, c - a
        cross = 2 * (one[0] * two[1] - one[1] * two[0])
        if abs(cross) < 1e-12 * max(float(np.abs([*one, *two]).max()) ** 2, 1e-300):
            return np.stack([middle, end])
        squares = np.array([one @ one, two @ two])
        across = np.array([two[1] * squares[0] - one[1] * squares[1], one[0] * squares[1] - two[0] * squares[0]])
        centre = a + across / cross
        turns = [np.arctan2(*(point - centre)[::-1]) for point in (a, b, c)]
        sweep = (turns[2] - turns[0]) % (2 * np.pi)
        if (turns[1] - turns[0]) % (2 * np.pi) > sweep:
            sweep -= 2 * np.pi
    pieces = max(int(np.ceil(abs(np.degrees(sweep)) / ARC_STEP_DEG)), 2)
    share = np.arange(1, pieces + 1) / pieces
    begin = np.arctan2(*(a - centre)[::-1])
    radius = float(np.hypot(*(a - centre)))
    flat = centre + radius * np.column_stack([np.cos(begin + share * sweep), np.sin(begin + share * sweep)])
    flat[-1] = c
    rest = start[2:] + share[:, None] * (end[2:] - start[2:])
    return np.column_stack([flat, rest])


@dataclass
class _Cursor:
    """Reads one WKB from front to back."""

    body: bytes
    at: int = 0
    depth: int = 0
    order: str = field(default="<", init=False)
    dimensions: int = field(default=2, init=False)
    keep: int = field(default=2, init=False)

    def geometry(self) -> Any:
        """Return the geometry that begins here."""
        code = self._head()
        if code == _POINT:
            return shapely.Point(self._points(1)[0])
        if code in {_LINE, _ARCS, _COMPOUND}:
            return shapely.LineString(self._curve(code))
        if code in {_POLYGON, _TRIANGLE}:
            return _polygon([self._points(self._count()) for _ in range(self._count())])
        if code == _CURVED_POLYGON:
            return _polygon([self._curve(self._head()) for _ in range(self._count())])
        parts = self._parts()
        make = _MAKERS.get(code)
        if make is None:
            raise ValueError(f"geometry type {code}")
        return make(parts)

    def _parts(self) -> list[Any]:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ValueError("nested too deeply")
        parts = [self.geometry() for _ in range(self._count())]
        self.depth -= 1
        return parts

    def _curve(self, code: int) -> Floats:
        """Return the points of a line, a chain of arcs or a chain of both, whose head has been read."""
        if code == _LINE:
            return self._points(self._count())
        if code == _ARCS:
            points = self._points(self._count())
            arcs = [arc_points(*points[i : i + 3]) for i in range(0, len(points) - 2, 2)]
            return np.concatenate([points[:1], *arcs])
        if code != _COMPOUND:
            raise ValueError(f"curve type {code}")
        pieces = [self._curve(self._head()) for _ in range(self._count())]
        return np.concatenate([pieces[0], *[piece[1:] for piece in pieces[1:]]])

    def _head(self) -> int:
        self.order = "<" if self.body[self.at] == 1 else ">"
        (code,) = struct.unpack_from(f"{self.order}I", self.body, self.at + 1)
        self.at += 5
        family = (code & 0x0FFFFFFF) // 1000
        has_z, has_m = bool(code & 0x80000000) or family in {1, 3}, bool(code & 0x40000000) or family in {2, 3}
        self.at += 4 if code & 0x20000000 else 0
        self.dimensions = 2 + has_z + has_m
        self.keep = 3 if has_z else 2
        return int((code & 0x0FFFFFFF) % 1000)

    def _count(self) -> int:
        (count,) = struct.unpack_from(f"{self.order}I", self.body, self.at)
        self.at += 4
        return int(count)

    def _points(self, count: int) -> Floats:
        numbers = np.frombuffer(self.body, f"{self.order}f8", count * self.dimensions, self.at)
        self.at += numbers.nbytes
        points: Floats = numbers.reshape(count, self.dimensions)[:, : self.keep].astype(np.float64)
        return points


def _polygon(rings: list[Floats]) -> Any:
    closed = [ring if np.array_equal(ring[0], ring[-1]) else np.concatenate([ring, ring[:1]]) for ring in rings]
    return shapely.Polygon(closed[0], closed[1:]) if closed else shapely.Polygon()


_MAKERS: dict[int, Callable[[list[Any]], Any]] = {
    _MULTIPOINT: shapely.MultiPoint,
    _MULTILINE: shapely.MultiLineString,
    _MULTICURVE: shapely.MultiLineString,
    _MULTIPOLYGON: shapely.MultiPolygon,
    _MULTISURFACE: shapely.MultiPolygon,
    _SURFACE: shapely.MultiPolygon,
    _TIN: shapely.MultiPolygon,
    _COLLECTION: shapely.GeometryCollection,
}
