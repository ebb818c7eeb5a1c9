"""Terrain of CityGML that is not drawn as polygons: control points of TINs, grids of heights, lines of intersection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from gis.gml_elements import Element
from gis.gml_heights import numbers_in
from gis.gml_numbers import numbers_of
from gis.gml_words import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from gis.gml_columns import Elements
    from gis.gml_heights import HeightFiles
    from gis.gml_layout import Layout
    from gis.gml_shapes import Target

    Floats = NDArray[np.float64]
    Integers = NDArray[np.integer[Any]]

MOST_NODES = 4_000_000
_UNKNOWN = -9_000.0
_VALUES = ("tupleList", "doubleOrNilReasonTupleList", "QuantityList", "Count", "CountList", "Quantity")


@dataclass(frozen=True, eq=False)
class Relief:
    """A surface through points.

    Parameters
    ----------
    target
        Whose it is, at which level.
    points
        (n, 3) coordinates of the file.
    triangles
        (t, 3) points of each triangle; None = by Delaunay.
    longest_m
        Longest edge that a triangle may have.
    """

    target: Target
    points: Floats
    triangles: Integers | None = None
    longest_m: float = np.inf


@dataclass(frozen=True, eq=False)
class Curves:
    """The lines in which an object meets the terrain, at a level of detail: (n, 3) coordinates of the file each."""

    row: int
    level: str
    lines: list[Floats]


def reliefs_of(page: Elements, layout: Layout, target_of: Callable[[int], Target], files: HeightFiles) -> list[Relief]:
    """Return the TINs of a page that are given by points alone, and its grids of heights, also those in `files`."""
    found = []
    polygons = np.cumsum(np.append(page.having(Role.POLYGON), [False]))
    for number in np.flatnonzero(page.named("Tin") & layout.live).tolist():
        if polygons[page.ends[number]] == polygons[number]:
            relief = _tin(Element(page, number), target_of(number))
            found += [relief] if relief else []
    for number in np.flatnonzero(page.named("RectifiedGridCoverage") & (layout.root >= 0)).tolist():
        relief = _grid(Element(page, number), target_of(number), files)
        found += [relief] if relief else []
    return found


def curves_of(page: Elements, layout: Layout) -> list[Curves]:
    """Return the terrain intersection curves of the objects of a page."""
    found = []
    for number in np.flatnonzero(page.having(Role.CURVES) & (layout.root >= 0)).tolist():
        element = Element(page, number)
        lines = [_points(each) for each in element.iter("{*}LineString", "{*}LineStringSegment")]
        lines = [line for line in lines if len(line) > 1]
        if lines:
            level = page.words[page.columns[0][number]].level
            found.append(Curves(int(layout.row[number]), level, lines))
    return found


def delaunay(points_m: Floats, longest_m: float = np.inf) -> Integers:
    """Return the triangles over (n, 3) points seen from above, anticlockwise, without those with a longer edge.

    Examples
    --------
    >>> delaunay(np.array([[0, 0, 5], [4, 0, 5], [0, 3, 5]], float)).tolist()
    [[0, 1, 2]]
    """
    plane, first = np.unique(points_m[:, :2], axis=0, return_index=True)
    if len(plane) < 3:
        return np.zeros((0, 3), np.int64)
    made = shapely.get_coordinates(shapely.delaunay_triangles(shapely.MultiPoint(plane))).reshape(-1, 4, 2)[:, :3]
    known = np.concatenate([plane, made.reshape(-1, 2)])
    _, which = np.unique(known, axis=0, return_inverse=True)
    which = which.reshape(-1)
    place = np.zeros(len(known), np.int64)
    place[which[: len(plane)]] = first
    triangles = place[which[len(plane) :]].reshape(-1, 3)
    corner = points_m[triangles]
    steps = corner - np.roll(corner, 1, axis=1)
    triangles = triangles[(np.linalg.norm(steps, axis=2) <= longest_m).all(axis=1)]
    a, b, c = points_m[triangles][:, :, :2].transpose(1, 0, 2)
    turned = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0] < 0
    triangles[turned] = triangles[turned][:, ::-1]
    start = triangles.argmin(axis=1)[:, None]
    return np.take_along_axis(triangles, (start + np.arange(3)) % 3, axis=1)


def _tin(element: Element, target: Target) -> Relief | None:
    """Return a TIN of control points; its break lines and stop lines give points too."""
    parts = [_points(each) for each in element.iter("{*}controlPoint", "{*}breakLines", "{*}stopLines")]
    points = np.concatenate([np.zeros((0, 3)), *parts])
    if len(points) < 3:
        return None
    longest, _ = numbers_of([each.text or "" for each in element.iter("{*}maxLength")])
    limit = float(longest[0]) if len(longest) and longest[0] > 0 else np.inf
    return Relief(target, points, None, limit)


def _points(element: Element) -> Floats:
    """Return the positions in an element, (n, 3); nothing when they are no triples of numbers."""
    texts = [each.text for each in element.iter("{*}posList", "{*}pos", "{*}coordinates") if each.text]
    numbers, counts = numbers_of(texts)
    if not len(numbers) or (counts % 3).any() or not np.isfinite(numbers).all() or np.abs(numbers).max() > 1e9:
        return np.zeros((0, 3))
    return numbers.reshape(-1, 3)


def _grid(element: Element, target: Target, files: HeightFiles) -> Relief | None:
    """Return the surface over a rectified grid whose heights stand in the document or in a file beside it."""
    problems = files.problems
    owner = next((value for key, value in element.attrib.items() if key.endswith("}id")), "") or "a grid"
    file = next((each.text for each in element.iter("{*}fileName", "{*}fileReference") if each.text), "")
    grid = next(element.iter("{*}RectifiedGrid"), None)
    shape = None if grid is None else _shape(grid)
    if grid is None or shape is None:
        problems.add("warning", owner, "geometry-broken", "a grid does not say its size: left out", "export it again")
        return None
    (columns, rows), origin, steps = shape
    if file:
        there = files.heights(owner, file.strip(), (columns, rows), steps)
        if there is None:
            return None
        heights = known_heights(there)
    else:
        texts = [each.text for each in element.iter(*("{*}" + name for name in _VALUES)) if each.text]
        heights = known_heights(numbers_in(" ".join(texts)))
    if len(heights) != columns * rows:
        what = f"a grid of {columns} x {rows} has {len(heights)} heights: left out"
        problems.add("warning", owner, "geometry-broken", what, "export it again")
        return None
    column, row = np.tile(np.arange(columns), rows), np.repeat(np.arange(rows), columns)
    points = origin + column[:, None] * steps[0] + row[:, None] * steps[1]
    points[:, 2] = heights
    known = np.isfinite(heights)
    points[~known, 2] = 0.0
    return Relief(target, points, _cells(columns, rows, known, steps))


def _shape(grid: Element) -> tuple[tuple[int, int], Floats, Floats] | None:
    """Return the size, the origin and the two steps of a rectified grid, None where it does not say them."""
    low, _ = numbers_of([each.text or "" for each in grid.iter("{*}low")])
    high, _ = numbers_of([each.text or "" for each in grid.iter("{*}high")])
    origin, _ = numbers_of([each.text or "" for each in grid.iter("{*}pos", "{*}coordinates")][:1])
    steps, counts = numbers_of([each.text or "" for each in grid.iter("{*}offsetVector")])
    if len(low) != 2 or len(high) != 2 or len(origin) not in {2, 3} or len(counts) != 2 or counts[0] != counts[1]:
        return None
    if counts[0] not in {2, 3} or not np.isfinite(np.concatenate([low, high, origin, steps])).all():
        return None
    size = high - low + 1
    if (size < 2).any() or size[0] * size[1] > MOST_NODES:
        return None
    wide = np.zeros((2, 3))
    wide[:, : counts[0]] = steps.reshape(2, -1)
    wide[:, 2] = 0.0
    return (int(size[0]), int(size[1])), np.append(origin, 0.0)[:3], wide


def known_heights(found: Floats) -> Floats:
    """Return heights with NaN for what cannot be one: far below the sea, or beyond the sky."""
    with np.errstate(invalid="ignore"):
        return np.where((found > _UNKNOWN) & (np.abs(found) < 1e9), found, np.nan)


def _cells(columns: int, rows: int, known: NDArray[np.bool_], steps: Floats) -> Integers:
    """Return two triangles for each cell whose corners are known."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
    corner = np.column_stack([first, first + 1, first + columns + 1, first + columns])
    corner = corner[known[corner].all(axis=1)]
    if steps[0, 0] * steps[1, 1] - steps[0, 1] * steps[1, 0] < 0:
        corner = corner[:, ::-1]
    return np.concatenate([corner[:, :3], corner[:, [0, 2, 3]]])


def line_texts(lines: list[Floats]) -> str:
    """Return lines as WKT with millimetres.

    Examples
    --------
    >>> line_texts([np.array([[0, 0, 1], [2, 0, 1.5]], float)])
    'MULTILINESTRING Z ((0 0 1, 2 0 1.5))'
    """
    text: str = shapely.to_wkt(shapely.MultiLineString(lines), rounding_precision=3, trim=True)
    return text
