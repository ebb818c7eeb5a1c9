"""Broken, empty and doubled geometry: repaired or left out, and always reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from gis.rings import ring_sizes
from gis.seen import Seen, mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.problems import Problems

    Objects = NDArray[np.object_]
    Flags = NDArray[np.bool_]
    Hashes = NDArray[np.uint64]

_GRID_PER_M = 100.0


def repaired(geometries: Objects, valid: Flags, names: Objects, problems: Problems) -> Objects:
    """Return (n,) geometries with those that are not `valid` repaired; each is a ``geometry-invalid`` problem."""
    broken = np.flatnonzero(~valid & ~shapely.is_missing(geometries))
    if not len(broken):
        return geometries
    result = geometries.copy()
    areas = np.isin(shapely.get_type_id(geometries[broken]), (3, 6))
    made = shapely.make_valid(geometries[broken])
    result[broken] = np.where(areas, _areas_only(made), made)
    reasons = shapely.is_valid_reason(geometries[broken])
    for row, reason in zip(broken, reasons, strict=True):
        text = str(reason).split("[", maxsplit=1)[0].strip()
        problems.add(
            "warning", str(names[row]), "geometry-invalid", f"{text}: repaired", "repair the outline in its source"
        )
    return result


def finite(geometries: Objects) -> Objects:
    """Return (n,) geometries without those that have a coordinate that is no number.

    Examples
    --------
    >>> finite(np.array([shapely.Point(1, 2), shapely.Point(np.nan, 2)])).tolist()
    [<POINT (1 2)>, None]
    """
    points, rows = shapely.get_coordinates(geometries, return_index=True)
    lost = rows[~np.isfinite(points).all(axis=1)]
    if not len(lost):
        return geometries
    result = geometries.copy()
    result[lost] = None
    return result


def usable(geometries: Objects, names: Objects, problems: Problems) -> Flags:
    """Say which of (n,) geometries have any extent to show; the others are problems of rule ``geometry-empty``."""
    empty = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    areas = np.isin(shapely.get_type_id(geometries), (3, 6)) & ~empty
    thin = areas.copy()
    thin[areas] = shapely.area(geometries[areas]) < 1e-3
    for row in np.flatnonzero(empty | thin):
        text = "has no geometry: left out" if empty[row] else "its outline encloses no area: left out"
        problems.add("warning", str(names[row]), "geometry-empty", text, "check the feature in its source")
    return ~(empty | thin)


def first_of_each(
    geometries: Objects, extra: Hashes, names: Objects, problems: Problems, seen: Seen | None = None
) -> Flags:
    """Say which of (n,) features are the first with their geometry and `extra`; repeats are ``duplicate`` problems.

    Two geometries are the same when they have the same points to a centimetre, wherever their rings begin.
    `seen` remembers those of earlier windows and is added to; None where these features are all there are.
    """
    if seen is None:
        repeat = np.zeros(len(geometries), bool)
        rows = _alike(geometries, extra)
        repeat[rows] = pd.Series(mixed(shape_hashes(geometries[rows]) ^ extra[rows])).duplicated().to_numpy()
    else:
        hashes = mixed(shape_hashes(geometries) ^ extra)
        repeat = pd.Series(hashes).duplicated().to_numpy() | seen.known(hashes)
        seen.add(hashes[~repeat])
    for row in np.flatnonzero(repeat):
        problems.add(
            "info",
            str(names[row]),
            "duplicate",
            "the same outline stands twice: left out once",
            "clean the tile borders",
        )
    return ~repeat


def _alike(geometries: Objects, extra: Hashes) -> NDArray[np.int64]:
    """Return the rows of (n,) geometries that share their bounds, to a centimetre, and `extra` with another one."""
    key = extra
    for edge in _gridded(shapely.bounds(geometries)).T:
        key = mixed(key + edge)
    return np.flatnonzero(pd.Series(key).duplicated(keep=False).to_numpy())


def shape_hashes(geometries: Objects) -> Hashes:
    """Return (n,) numbers that are equal for shapes with the same edges to a centimetre.

    Edges count whichever way they run and wherever a ring begins, so the number is a sum over edges.

    Examples
    --------
    >>> one, two = shapely.from_wkt(["POLYGON ((0 0, 1 0, 1 1, 0 0))", "POLYGON ((1 1, 1 0, 0 0, 1 1))"])
    >>> first, second, other = shape_hashes(np.array([one, two, shapely.Point(0, 0)])).tolist()
    >>> first == second, first == other
    (True, False)
    """
    kinds = shapely.get_type_id(geometries)
    total = mixed(kinds.astype(np.uint64))
    for rows in (np.flatnonzero(kinds == 3), np.flatnonzero(kinds != 3)):
        if len(rows):
            total[rows] += _edge_sums(geometries[rows])
    return total


def _edge_sums(geometries: Objects) -> Hashes:
    """Return the sum over the edges and lone points of each of (n,) geometries, all of them polygons or none."""
    total = np.zeros(len(geometries), np.uint64)
    points, line, owners = _edge_lines(geometries)
    grid = _gridded(points)
    with np.errstate(over="ignore"):
        corners = mixed(grid[:, 0] * np.uint64(0x9E3779B97F4A7C15) + mixed(grid[:, 1]))
        same = line[1:] == line[:-1]
        edges = mixed(corners[1:] + corners[:-1])[same]
        alone = np.bincount(line, minlength=len(owners))[line] == 1
        for values, owner in ((edges, owners[line[1:][same]]), (corners[alone], owners[line[alone]])):
            rows, first = np.unique(owner, return_index=True)  # owners ascend but for mixed collections
            if len(rows) and (np.diff(owner) >= 0).all():
                total[rows] += np.add.reduceat(values, first)
            else:
                np.add.at(total, owner, values)
    return total


def _gridded(values_m: NDArray[np.float64]) -> Hashes:
    """Return lengths in whole centimetres, as numbers to mix."""
    return np.round(values_m * _GRID_PER_M).astype(np.int64).astype(np.uint64)


def _edge_lines(geometries: Objects) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the points of all rings and lines, the number of the one each is on, and the row of each of these."""
    if (shapely.get_type_id(geometries) == 3).all():
        sizes, rings = ring_sizes(geometries)
        points = shapely.get_coordinates(geometries)
        return points, np.repeat(np.arange(len(sizes)), sizes), np.repeat(np.arange(len(rings)), rings)
    parts, rows_of = shapely.get_parts(geometries, return_index=True)
    if (shapely.get_type_id(parts) > 3).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        rows_of = rows_of[inner]
    areas = shapely.get_type_id(parts) == 3
    rings_of, owner = shapely.get_rings(parts[areas], return_index=True)
    lines = np.concatenate([rings_of, parts[~areas]])
    owners = np.concatenate([rows_of[areas][owner], rows_of[~areas]])
    points, line = shapely.get_coordinates(lines, return_index=True)
    return points, line, owners


def _areas_only(geometries: Objects) -> Objects:
    """Return the polygons of geometries that a repair turned into collections."""
    mixed_rows = np.flatnonzero(shapely.get_type_id(geometries) == 7)
    result = geometries.copy()
    for place in mixed_rows:
        parts = shapely.get_parts(shapely.get_parts(geometries[place]))
        areas = parts[shapely.get_type_id(parts) == 3]
        result[place] = shapely.multipolygons(areas) if len(areas) else shapely.Polygon()
    return result
