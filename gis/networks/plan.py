"""Plan coordinates of a network, which often has no system of its own, on their way to local metres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.datum import unshifted
from gis.ground import ground_z, relief_of
from gis.placing import check_bounds
from scenes.errors import GeoreferenceError
from scenes.georeference import WGS84, parse_crs, transformer
from scenes.loading import Location

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.georeference import Georeference
    from scenes.loading import LoadContext
    from scenes.sources import Source

    Floats = NDArray[np.float64]

_FAR_OFF_M = 10.0


def metric_crs(crs: str) -> str:
    """Return the system if a scene can be made in it (projected, in true metres), empty otherwise.

    Examples
    --------
    >>> metric_crs("EPSG:32651"), metric_crs("EPSG:3089"), metric_crs("EPSG:4326")
    ('EPSG:32651', '', '')
    """
    parsed = parse_crs(crs)
    in_metres = all(abs(axis.unit_conversion_factor - 1) < 1e-9 for axis in parsed.axis_info[:2])
    return crs if parsed.is_projected and in_metres and parsed.to_epsg() != 3857 else ""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the plan coordinates of a file become local metres.

    Parameters
    ----------
    source
        The file and what the user said about its place.
    crs
        System of the coordinates; empty when the file is placed by hand.
    unit_m
        Metres in a unit of the coordinates, for a file that is placed by hand.
    offset
        Added to the coordinates of the file before anything else.
    """

    source: Source
    crs: str
    unit_m: float = 1.0
    offset: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def of(
        cls, source: Source, crs: str = "", *, unit_m: float = 1.0, offset: tuple[float, float] = (0.0, 0.0)
    ) -> Plan:
        """Return the plan of a file; what the user named goes before `crs`.

        Raises
        ------
        GeoreferenceError
            When nobody says where it lies.
        """
        if source.place is not None:
            return cls(source, "", unit_m)
        if source.crs:
            return cls(source, source.crs, unit_m, offset)
        if not crs:
            raise GeoreferenceError(
                source.path,
                "its coordinates are plan units of no stated system",
                "name it with --source-crs FILE=EPSG:N, or place the file with --place FILE=E,N,H,ANGLE",
            )
        return cls(source, crs, unit_m, offset)

    def location(self, xy: Floats) -> Location | None:
        """Return where (n, 2) coordinates lie; None when the file is placed by hand."""
        if not self.crs or not len(xy):
            return None
        self._check(xy)
        low, high = xy.min(axis=0), xy.max(axis=0)
        east, north = (low + high) / 2 + self.offset
        lon, lat = transformer(self.crs, WGS84).transform(east, north)
        return Location(float(lon), float(lat), metric_crs(self.crs))

    def to_local(self, xy: Floats, frame: Georeference) -> Floats:
        """Return (n, 2) coordinates of the file as local metres.

        Raises
        ------
        GeoreferenceError
            When they cannot be in their system.
        """
        xy = np.asarray(xy, np.float64).reshape(-1, 2)
        if not len(xy):
            return xy
        place = self.source.place
        if place is not None:
            turn = np.radians(place.angle_deg)
            x, y = xy[:, 0] * self.unit_m, xy[:, 1] * self.unit_m
            east = x * np.cos(turn) - y * np.sin(turn) + place.easting_m - frame.easting_m
            north = x * np.sin(turn) + y * np.cos(turn) + place.northing_m - frame.northing_m
            return np.column_stack([east, north])
        self._check(xy)
        own = unshifted(self.source, self.crs, xy[:, 0] + self.offset[0], xy[:, 1] + self.offset[1])
        local = np.column_stack(frame.localise_from(*own))
        if not np.isfinite(local).all():
            raise GeoreferenceError(self.source.path, f"{frame.crs} does not reach all of it", "name another --crs")
        return local

    def _check(self, xy: Floats) -> None:
        low, high = xy.min(axis=0) + self.offset, xy.max(axis=0) + self.offset
        box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        check_bounds(self.source.path, self.crs, box, small=True)


@dataclass(frozen=True, eq=False)
class Levels:
    """Heights of a network in the scene: its own where they fit the terrain, else depths below the ground.

    Parameters
    ----------
    context
        The terrain and the frame of the scene.
    own_m
        What is added to heights of the file; NaN = hang everything at its depth below the ground of the scene.
    """

    context: LoadContext
    own_m: float

    @classmethod
    def of(cls, source: Source, context: LoadContext, xy_m: Floats, surface_m: Floats) -> Levels:
        """Decide by (n, 2) local places and the (n,) height of the ground that the file itself has there.

        A scene without terrain is level at zero: a network with heights above the sea would hang in the air there,
        so it is laid below the ground by its depths, unless its placement gives a height.
        """
        lift = (source.place.height_m if source.place is not None else 0.0) - context.georeference.height_m
        known = np.isfinite(surface_m)
        if relief_of(context.ground) is None:
            return cls(context, lift if source.place is not None and source.place.height_m else float("nan"))
        if not known.any():
            return cls(context, float("nan"))
        ground = ground_z(context.ground, xy_m[known, 0], xy_m[known, 1])
        off = float(np.median(surface_m[known] + lift - ground))
        if abs(off) <= _FAR_OFF_M:
            return cls(context, lift)
        message = f"its ground lies {off:+.0f} m off the terrain: it is laid at its depths below the terrain"
        context.problems.add("warning", source.path, "heights-relative", message, "check the height datum of both")
        return cls(context, float("nan"))

    def z(self, xy_m: Floats, heights_m: Floats, surface_m: Floats) -> Floats:
        """Return local z of (n,) heights of the file at (n, 2) places where its own ground is at `surface_m`."""
        if np.isfinite(self.own_m):
            return heights_m + self.own_m
        ground = ground_z(relief_of(self.context.ground), xy_m[:, 0], xy_m[:, 1])
        return ground + heights_m - surface_m
