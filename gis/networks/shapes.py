"""Plan coordinates of many shapes at once to lines and areas in local metres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gis.networks.plan import Plan
    from scenes.georeference import Georeference

    Floats = NDArray[np.float64]
    Objects = NDArray[np.object_]


def local_lines(shapes: Sequence[Floats], plan: Plan, frame: Georeference) -> Objects:
    """Return lines in local metres of shapes in plan coordinates; empty ones where there are fewer than two points."""
    counts = np.array([len(shape) if len(shape) > 1 else 0 for shape in shapes], np.int64)
    lines = np.full(len(shapes), shapely.LineString(), object)
    if counts.any():
        flat = np.concatenate([shape for shape in shapes if len(shape) > 1])
        row = np.repeat(np.flatnonzero(counts), counts[counts > 0])
        shapely.linestrings(plan.to_local(flat, frame), indices=row, out=lines)
    return lines


def local_areas(shapes: Sequence[Floats], plan: Plan, frame: Georeference) -> Objects:
    """Return valid polygons in local metres; empty ones where there are fewer than three points."""
    areas = np.full(len(shapes), shapely.Polygon(), object)
    usable = [place for place, shape in enumerate(shapes) if len(shape) > 2]
    if usable:
        flat = plan.to_local(np.concatenate([shapes[place] for place in usable]), frame)
        ends = np.cumsum([len(shapes[place]) for place in usable])
        rings = np.split(flat, ends[:-1])
        areas[usable] = shapely.make_valid(np.array([shapely.Polygon(ring) for ring in rings], object))
    return areas


def grouped_lines(lines: Objects, owner: NDArray[np.int64], size: int) -> Objects:
    """Return one multi-line an object; `owner` (n,) is the object of each line."""
    plans = np.full(size, shapely.MultiLineString(), object)
    good = ~shapely.is_empty(lines)
    if good.any():
        order = np.argsort(owner[good], kind="stable")
        shapely.multilinestrings(lines[good][order], indices=owner[good][order], out=plans)
    return plans
