"""Broken, empty and doubled geometry: repaired or left out, and always reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.problems import Problems

    Objects = NDArray[np.object_]
    Flags = NDArray[np.bool_]


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


def first_of_each(geometries: Objects, extra: Objects, names: Objects, problems: Problems) -> Flags:
    """Say which of (n,) features are the first with their geometry and `extra`; repeats are ``duplicate`` problems.

    Two geometries are the same when they have the same points to a centimetre, wherever their rings begin.
    """
    numbers = np.column_stack(
        [
            shapely.bounds(geometries),
            shapely.area(geometries),
            shapely.length(geometries),
            shapely.get_num_coordinates(geometries),
        ]
    )
    keys = pd.DataFrame(np.round(np.nan_to_num(numbers), 2))
    keys["extra"] = extra
    same = keys.duplicated(keep=False).to_numpy()
    keep = np.ones(len(geometries), bool)
    places = np.flatnonzero(same)
    if not len(places):
        return keep
    exact = shapely.to_wkb(shapely.normalize(shapely.set_precision(geometries[places], 0.01, mode="pointwise")))
    repeat = pd.DataFrame({"shape": exact, "extra": extra[places]}).duplicated(keep="first").to_numpy()
    keep[places[repeat]] = False
    for row in places[repeat]:
        problems.add(
            "info",
            str(names[row]),
            "duplicate",
            "the same outline stands twice: left out once",
            "clean the tile borders",
        )
    return keep


def _areas_only(geometries: Objects) -> Objects:
    """Return the polygons of geometries that a repair turned into collections."""
    mixed = np.flatnonzero(shapely.get_type_id(geometries) == 7)
    result = geometries.copy()
    for place in mixed:
        parts = shapely.get_parts(shapely.get_parts(geometries[place]))
        areas = parts[shapely.get_type_id(parts) == 3]
        result[place] = shapely.multipolygons(areas) if len(areas) else shapely.Polygon()
    return result
