"""Broken, empty and doubled geometry: repaired or left out, and always reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from gis.seen import Seen, mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.problems import Problems

    Objects = NDArray[np.object_]
    Flags = NDArray[np.bool_]
    Hashes = NDArray[np.uint64]

_GRID_PER_M = 100.0


def repaired(geometries: Objects, names: Objects, problems: Problems) -> Objects:
    """Return (n,) geometries with invalid ones repaired; each repair is a problem of rule ``geometry-invalid``."""
    broken = np.flatnonzero(~shapely.is_valid(geometries) & ~shapely.is_missing(geometries))
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
    geometries: Objects, extra: Objects, names: Objects, problems: Problems, seen: Seen | None = None
) -> Flags:
    """Say which of (n,) features are the first with their geometry and `extra`; repeats are ``duplicate`` problems.

    Two geometries are the same when they have the same points to a centimetre, wherever their rings begin.
    `seen` remembers those of earlier windows and is added to.
    """
    hashes = mixed(shape_hashes(geometries) ^ pd.util.hash_array(extra).astype(np.uint64))
    repeat = pd.Series(hashes).duplicated().to_numpy()
    if seen is not None:
        repeat = repeat | seen.known(hashes)
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
    total = mixed(shapely.get_type_id(geometries).astype(np.uint64))
    parts, rows = shapely.get_parts(geometries, return_index=True)
    if (shapely.get_type_id(parts) > 3).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        rows = rows[inner]
    areas = shapely.get_type_id(parts) == 3
    rings, owner = shapely.get_rings(parts[areas], return_index=True)
    lines = np.concatenate([rings, parts[~areas]])
    owners = np.concatenate([rows[areas][owner], rows[~areas]])
    points, line = shapely.get_coordinates(lines, return_index=True)
    grid = np.round(points * _GRID_PER_M).astype(np.int64).astype(np.uint64)
    with np.errstate(over="ignore"):
        corners = mixed(grid[:, 0] * np.uint64(0x9E3779B97F4A7C15) + mixed(grid[:, 1]))
        same = line[1:] == line[:-1]
        edges = mixed(corners[1:] + corners[:-1])[same]
        alone = np.bincount(line, minlength=len(lines))[line] == 1
        np.add.at(total, owners[line[1:][same]], edges)
        np.add.at(total, owners[line[alone]], corners[alone])
    return total


def _areas_only(geometries: Objects) -> Objects:
    """Return the polygons of geometries that a repair turned into collections."""
    mixed_rows = np.flatnonzero(shapely.get_type_id(geometries) == 7)
    result = geometries.copy()
    for place in mixed_rows:
        parts = shapely.get_parts(shapely.get_parts(geometries[place]))
        areas = parts[shapely.get_type_id(parts) == 3]
        result[place] = shapely.multipolygons(areas) if len(areas) else shapely.Polygon()
    return result
