"""Measures (M values) of shapes, such as the chainage along a road, on their way to attributes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from gis.features import FeatureTable

_MOST_VALUES = 10_000


def measured(table: FeatureTable) -> FeatureTable:
    """Return the features with the measures of their shapes as columns, and the shapes without them.

    ``m_first`` and ``m_last`` are those of the first and the last point, ``m_values`` lists all in the order of the
    points (left out beyond ten thousand). A column that the file has already is kept. Shapes without measures have
    none of them.
    """
    shapes = table.frame.geometry.to_numpy()
    rows = np.flatnonzero(shapely.has_m(shapes))
    if not len(rows):
        return table
    points, owner = shapely.get_coordinates(shapes[rows], include_z=True, include_m=True, return_index=True)
    starts = np.searchsorted(owner, np.arange(len(rows) + 1))
    first, last = np.full((2, len(shapes)), np.nan)
    every = np.full(len(shapes), None, object)
    for place, row in enumerate(rows.tolist()):
        values = points[starts[place] : starts[place + 1], 3]
        if not len(values) or not np.isfinite(values).any():
            continue
        first[row], last[row] = values[0], values[-1]
        if len(values) <= _MOST_VALUES:
            every[row] = [None if np.isnan(value) else value for value in values.tolist()]
    plain = shapes.copy()
    for keeps_z in (True, False):
        some = rows[shapely.has_z(shapes[rows]) == keeps_z]
        if len(some):
            flat = shapely.force_3d(shapely.force_2d(shapes[some])) if keeps_z else shapely.force_2d(shapes[some])
            kept = shapely.get_coordinates(shapes[some], include_z=keeps_z)
            plain[some] = shapely.set_coordinates(flat, kept)
    columns = {"m_first": first, "m_last": last, "m_values": every}
    fresh = {name: values for name, values in columns.items() if name not in table.frame.columns}
    return replace(table, frame=table.frame.assign(geometry=plain, **fresh))
