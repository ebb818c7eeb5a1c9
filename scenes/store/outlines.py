"""Plans of objects in the projected system of the scene, as well-known binary with their bounds.

Most plans are polygons with one ring. Those are moved where they lie in memory, all at once; shapely makes shapes of
the others alone. The bytes are the same (OGC 06-103r4, 8.2: byte order, type, number of rings, number of points, x, y).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from scenes.footprints import footprint_column, projected_footprints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.georeference import Georeference

    Bools = NDArray[np.bool_]
    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

_HEAD = np.array([1, 3, 0, 0, 0, 1, 0, 0, 0], np.uint8)
"""Little-endian, polygon, one ring; then comes the number of points."""
_BEGIN = len(_HEAD) + 4
_POINT = 16
_LEAST_POINTS = 4


@dataclass(frozen=True, eq=False)
class Outlines:
    """The plans of a table.

    Parameters
    ----------
    column
        WKB of each row, null where there is none.
    boxes
        (n, 4) least x, y and greatest x, y; NaN where there is none.
    types
        Names that GeoParquet has for the kinds of geometry among them, ascending.
    """

    column: pa.Array
    boxes: Floats
    types: list[str]


def outlines(table: pa.Table, georeference: Georeference) -> Outlines:
    """Return the plans of the rows of an object table in the projected system of the scene."""
    wkb = table["footprint"].combine_chunks()
    column, boxes, plain = _moved(wkb, georeference.origin_m[:2])
    rest = np.flatnonzero(~plain)
    types = {"Polygon"} if plain.any() else set()
    if len(rest):
        shapes = projected_footprints(table.take(pa.array(rest)), georeference)
        column = pc.replace_with_mask(column, pa.array(~plain), footprint_column(shapes))
        boxes[rest] = shapely.bounds(shapes)
        types |= _types(shapes)
    return Outlines(column, boxes, sorted(types))


def _moved(wkb: pa.BinaryArray, by_m: Floats) -> tuple[pa.BinaryArray, Floats, Bools]:
    """Return the column with simple polygons moved, the bounds of those, and which they are."""
    boxes = np.full((len(wkb), 4), np.nan)
    starts, data = _buffers(wkb)
    plain = _plain(starts, data)
    rows = np.flatnonzero(plain)
    if not len(rows):
        return wkb, boxes, plain
    ours = np.repeat(plain, np.diff(starts))
    ours[(starts[:-1][rows, None] + np.arange(_BEGIN)).ravel()] = False
    points = data[ours].view(np.float64).reshape(-1, 2)
    firsts = np.concatenate([[0], np.cumsum((np.diff(starts)[rows] - _BEGIN) // _POINT)])
    whole = (points[firsts[:-1]] == points[firsts[1:] - 1]).all(axis=1) & np.isfinite(
        np.add.reduceat(points, firsts[:-1], axis=0)
    ).all(axis=1)
    points += by_m
    moved = data.copy()
    moved[ours] = points.reshape(-1).view(np.uint8)
    boxes[rows, :2] = np.minimum.reduceat(points, firsts[:-1], axis=0)
    boxes[rows, 2:] = np.maximum.reduceat(points, firsts[:-1], axis=0)
    plain[rows[~whole]] = False
    buffers = wkb.buffers()
    column = pa.Array.from_buffers(wkb.type, len(wkb), [buffers[0], buffers[1], pa.py_buffer(moved)], -1, wkb.offset)
    return column, boxes, plain


def _buffers(wkb: pa.BinaryArray) -> tuple[Longs, Bytes]:
    """Return where each value begins, (n + 1,), and the bytes."""
    _, places, data = wkb.buffers()
    if not len(wkb) or data is None:
        return np.zeros(len(wkb) + 1, np.int64), np.zeros(0, np.uint8)
    starts = np.frombuffer(places, np.int32, len(wkb) + 1, wkb.offset * 4).astype(np.int64)
    return starts, np.frombuffer(data, np.uint8)


def _plain(starts: Longs, data: Bytes) -> Bools:
    """Return which values are polygons with one ring, x and y alone."""
    sizes = np.diff(starts)
    plain = (sizes >= _BEGIN + _LEAST_POINTS * _POINT) & ((sizes - _BEGIN) % _POINT == 0)
    rows = np.flatnonzero(plain)
    heads = data[starts[rows, None] + np.arange(_BEGIN)]
    counts = np.ascontiguousarray(heads[:, len(_HEAD) :]).view("<u4")[:, 0]
    plain[rows] = (heads[:, : len(_HEAD)] == _HEAD).all(axis=1) & (counts == (sizes[rows] - _BEGIN) // _POINT)
    return cast("Bools", plain)


def _types(shapes: NDArray[np.object_]) -> set[str]:
    """Return the names that GeoParquet has for the kinds of geometry in a column."""
    names = ("Point", "LineString", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon")
    kinds = shapely.get_type_id(shapes) * 2 + shapely.has_z(shapes)
    found = set()
    for kind in np.unique(kinds[kinds >= 0]):
        which, deep = divmod(int(kind), 2)
        name = names[which] if which < len(names) else "GeometryCollection"
        found.add(f"{name} Z" if deep else name)
    return found
