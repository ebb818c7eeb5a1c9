"""`Georeferenced`: one statement about where the origin of a model lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scenes.errors import GeoreferenceError
from scenes.georeference import WGS84, transformer, utm_crs

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Georeferenced:
    """One statement about where the file's origin lies: projected metres, turn and scale.

    Parameters
    ----------
    crs
        Projected system.
    easting_m, northing_m, height_m
        The file's origin in it.
    angle_rad
        Turn of the file's x axis from east, anticlockwise.
    scale
        Metres in the projected system for each metre of the model.
    method
        ``map-conversion``, ``rigid-operation``, ``property-set``, ``site``, ``tool-default``, ``placement``
        (projected coordinates inside the file), ``guess`` (the same in a system that nobody names), ``sibling``
        or ``explicit``.
    remarks
        What is doubtful about it: (rule, sentence).
    centre_m
        A place in model metres near its geometry; far from zero where coordinates are projected inside the file.
    vertical
        Vertical system of its height such as ``EPSG:5711``, empty if it names none.
    detail
        What a person would recognise it by, such as the default's town or the sibling's file.
    """

    crs: str
    easting_m: float
    northing_m: float
    height_m: float = 0.0
    angle_rad: float = 0.0
    scale: float = 1.0
    method: str = "explicit"
    remarks: tuple[tuple[str, str], ...] = ()
    centre_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    vertical: str = ""
    detail: str = ""

    def project(self, points_m: ArrayLike) -> NDArray[np.float64]:
        """Return (n, 3) model metres as easting, northing, height in the projected system."""
        points = np.asarray(points_m, dtype=np.float64).reshape(-1, 3)
        cos, sin = math.cos(self.angle_rad) * self.scale, math.sin(self.angle_rad) * self.scale
        return np.column_stack(
            [
                self.easting_m + cos * points[:, 0] - sin * points[:, 1],
                self.northing_m + sin * points[:, 0] + cos * points[:, 1],
                self.height_m + self.scale * points[:, 2],
            ]
        )

    def lonlat(self) -> tuple[float, float] | None:
        """Return longitude and latitude of the model's centre in degrees, None if it has no place on Earth."""
        east, north, _ = self.project([self.centre_m])[0]
        lon, lat = transformer(self.crs, WGS84).transform(east, north)
        return (float(lon), float(lat)) if math.isfinite(lon) and math.isfinite(lat) else None


def at_lonlat(
    longitude_deg: float, latitude_deg: float, height_m: float, angle_rad: float, method: str, scale: float = 1.0
) -> Georeferenced | None:
    """Return a statement at a geographic place, in its UTM zone; `angle_rad` counts from true north there."""
    try:
        crs = utm_crs(longitude_deg, latitude_deg)
    except GeoreferenceError:
        return None
    east, north = transformer(WGS84, crs).transform(longitude_deg, latitude_deg)
    above = transformer(WGS84, crs).transform(longitude_deg, min(84.0, latitude_deg + 1e-4))
    grid = math.atan2(above[0] - east, above[1] - north)  # true north in the grid, clockwise
    return Georeferenced(crs, float(east), float(north), height_m, angle_rad - grid, scale, method)
