"""Where the scene lies on the Earth: the only place that knows axis order, datums and projections.

Inside a scene everything is local metres: x east, y north, z up, from an origin that is given in
double precision in one projected coordinate system. Import order: errors <- citygrid <- georeference <- the rest.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyproj
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError, ProjError

from scenes.citygrid import PREFIX, grid_definition
from scenes.errors import GeoreferenceError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

WGS84 = "EPSG:4326"
GEOCENTRIC = "EPSG:4978"
ELLIPSOIDAL = "ellipsoidal"
_SMALL_DEG = 1e-4


@functools.lru_cache(maxsize=512)
def parse_crs(text: str) -> pyproj.CRS:
    """Return the coordinate system that `text` names (EPSG code, URN, WKT, PROJ string, ``grid:NAME``).

    Raises
    ------
    GeoreferenceError
        When no such system is known.

    Examples
    --------
    >>> parse_crs("EPSG:32651").name
    'WGS 84 / UTM zone 51N'
    >>> parse_crs("EPSG:99999")
    Traceback (most recent call last):
    scenes.errors.GeoreferenceError: EPSG:99999: is not a known coordinate system; ...
    """
    try:
        return pyproj.CRS.from_user_input(grid_definition(text) if text.startswith(PREFIX) else text)
    except CRSError as error:
        raise GeoreferenceError(
            text, "is not a known coordinate system", "give an EPSG code such as EPSG:32651, WKT, or a PROJ string"
        ) from error


@functools.lru_cache(maxsize=256)
def split(crs: str) -> tuple[str, str]:
    """Return the horizontal and the vertical part of a system; each is empty where it has none."""
    parsed = parse_crs(crs)
    if parsed.is_vertical and not parsed.is_compound:
        return "", _named(parsed)
    if parsed.is_compound:
        parts = parsed.sub_crs_list
        return _named(parts[0]), _named(parts[1]) if len(parts) > 1 else ""
    if len(parsed.axis_info) == 3 and not parsed.is_geocentric:
        return _named(parsed.to_2d()), ELLIPSOIDAL
    return crs, ""


def _named(parsed: pyproj.CRS) -> str:
    authority = parsed.to_authority(min_confidence=70)
    return ":".join(authority) if authority else str(parsed.to_wkt())


@functools.lru_cache(maxsize=256)
def is_metric(crs: str) -> bool:
    """Say whether a system is a projected one in metres, derived ones such as turned city grids included.

    Examples
    --------
    >>> is_metric("EPSG:32651"), is_metric("EPSG:7415"), is_metric("EPSG:4326"), is_metric("EPSG:2263")
    (True, True, False, False)
    """
    parsed = parse_crs(crs)
    flat = parsed.is_projected or parsed.type_name == "Derived Projected CRS"
    return flat and all(abs(axis.unit_conversion_factor - 1.0) <= 1e-9 for axis in parsed.axis_info[:2])


@functools.lru_cache(maxsize=512)
def transformer(source: str, target: str) -> pyproj.Transformer:
    """Return the transformer between two systems, always in the order east, north (x, y).

    Raises
    ------
    GeoreferenceError
        When there is no way from one to the other.
    """
    try:
        return pyproj.Transformer.from_crs(parse_crs(source), parse_crs(target), always_xy=True)
    except ProjError as error:
        raise GeoreferenceError(source, f"has no transformation to {target}", "name another --crs") from error


def utm_crs(longitude_deg: float, latitude_deg: float) -> str:
    """Return the EPSG code of the WGS 84 UTM zone at a place.

    Examples
    --------
    >>> utm_crs(121.5, 31.2)
    'EPSG:32651'
    """
    if not (-180 <= longitude_deg <= 180 and -80 <= latitude_deg <= 84):
        raise GeoreferenceError(
            f"longitude {longitude_deg:.6g}, latitude {latitude_deg:.6g}",
            "is not a place with a UTM zone",
            "check the coordinate system of the file or name one with --crs",
        )
    zone = min(int((longitude_deg + 180.0) // 6.0) + 1, 60)
    return f"EPSG:{32600 + zone if latitude_deg >= 0 else 32700 + zone}"


@dataclass(frozen=True, slots=True)
class Georeference:
    """A projected coordinate system and a local origin in it.

    Parameters
    ----------
    crs
        Any projected system in metres: an EPSG code (UTM, CGCS2000 Gauss-Krueger zones, ...), WKT, a PROJ string,
        or ``grid:NAME`` for a city grid (`scenes.citygrid`), which is kept as its full definition.
    easting_m, northing_m
        The origin in that system; local x and y count from there.
    height_m
        Height of local z = 0 in the vertical datum.
    vertical_datum
        Vertical system of the heights, such as ``EPSG:5703`` or ``ellipsoidal``; kept, never guessed. A compound
        `crs` is taken apart: its second part comes here.
    geoid
        Path of a grid of undulations (`scenes.vertical.Geoid`) for sources with heights of another kind; a tool for
        loading, no part of the place.

    Raises
    ------
    GeoreferenceError
        When the system is unknown, or is in degrees or feet.

    Examples
    --------
    >>> lujiazui = Georeference("EPSG:32651", easting_m=354_000.0, northing_m=3_457_000.0)
    >>> lujiazui.to_local(354_010.0, 3_457_020.0)
    (10.0, 20.0)
    >>> lujiazui.to_projected(10.0, 20.0)
    (354010.0, 3457020.0)
    >>> delft = Georeference("EPSG:7415", easting_m=84_000.0, northing_m=447_000.0)
    >>> delft.crs, delft.vertical_datum
    ('EPSG:28992', 'EPSG:5709')
    """

    crs: str
    easting_m: float
    northing_m: float
    height_m: float = 0.0
    vertical_datum: str = ""
    geoid: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Refuse systems that are not projected metres."""
        flat, heights = split(grid_definition(self.crs) if self.crs.startswith(PREFIX) else self.crs)
        object.__setattr__(self, "crs", flat or self.crs)
        object.__setattr__(self, "vertical_datum", self.vertical_datum or heights)
        parsed = parse_crs(self.crs)
        if not parsed.is_projected and parsed.type_name != "Derived Projected CRS":
            raise GeoreferenceError(self.crs, "is not a projected system", "name one in metres, such as EPSG:32651")
        if not is_metric(self.crs):
            raise GeoreferenceError(self.crs, "is not in metres", "name a system in metres, such as EPSG:32651")
        numbers = (self.easting_m, self.northing_m, self.height_m)
        if not all(np.isfinite(number) for number in numbers):
            raise GeoreferenceError(self.crs, f"the origin {numbers} is not finite", "give finite metres")

    @classmethod
    def around(cls, longitude_deg: float, latitude_deg: float, crs: str = "") -> Georeference:
        """Return a frame whose origin is near a place, in `crs` or in its UTM zone.

        The origin is rounded to whole 100 m so that nearby data get the same frame.

        Examples
        --------
        >>> Georeference.around(121.5, 31.24).crs
        'EPSG:32651'
        """
        crs = crs or utm_crs(longitude_deg, latitude_deg)
        east, north = transformer(WGS84, crs).transform(longitude_deg, latitude_deg)
        if not (np.isfinite(east) and np.isfinite(north)):
            raise GeoreferenceError(
                crs, f"does not reach {longitude_deg:.6g}, {latitude_deg:.6g}", "name another --crs"
            )
        return cls(crs, float(round(east, -2)), float(round(north, -2)))

    @property
    def origin_m(self) -> Floats:
        """The origin as (easting, northing, height), shape (3,), metres."""
        return np.array([self.easting_m, self.northing_m, self.height_m])

    def to_local(self, easting_m: float, northing_m: float) -> tuple[float, float]:
        """Return local (x, y) of one projected place."""
        return easting_m - self.easting_m, northing_m - self.northing_m

    def to_projected(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Return (easting, northing) of one local place."""
        return x_m + self.easting_m, y_m + self.northing_m

    def localise(self, projected_m: ArrayLike) -> Floats:
        """Return (n, 2) or (n, 3) projected coordinates as local metres in double precision."""
        points = np.asarray(projected_m, dtype=np.float64)
        return points - self.origin_m[: points.shape[-1]]

    def localise_from(self, crs: str, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Return local x and y of coordinates in another system (x east or longitude, y north or latitude)."""
        if parse_crs(crs) == parse_crs(self.crs):
            east, north = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        else:
            east, north = transformer(crs, self.crs).transform(np.asarray(x, float), np.asarray(y, float))
        return np.asarray(east) - self.easting_m, np.asarray(north) - self.northing_m

    def lonlat(self, x_m: ArrayLike, y_m: ArrayLike) -> tuple[Floats, Floats]:
        """Return WGS 84 longitude and latitude in degrees of local places."""
        lon, lat = transformer(WGS84, self.crs).transform(
            np.asarray(x_m, float) + self.easting_m,
            np.asarray(y_m, float) + self.northing_m,
            direction=TransformDirection.INVERSE,
        )
        return np.asarray(lon), np.asarray(lat)

    def from_lonlat(self, longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> tuple[Floats, Floats]:
        """Return local x and y of WGS 84 degrees."""
        return self.localise_from(WGS84, longitude_deg, latitude_deg)

    def convergence_deg(self) -> float:
        """Return the angle from true north to grid north at the origin, clockwise positive."""
        lon, lat = (float(value) for value in self.lonlat(0.0, 0.0))
        parsed = parse_crs(self.crs)
        if parsed.is_projected:
            return float(pyproj.Proj(parsed).get_factors(lon, lat).meridian_convergence)
        x, y = self.from_lonlat([lon, lon], [lat - _SMALL_DEG, lat + _SMALL_DEG])  # derived systems have no factors
        return -math.degrees(math.atan2(x[1] - x[0], y[1] - y[0]))

    def to_ecef_matrix(self) -> Floats:
        """Return the (4, 4) matrix from the local frame to Earth-centred metres (EPSG:4978).

        The frame is the tangent plane at the origin, turned by the meridian convergence. Heights are
        taken as ellipsoidal. Source of the east-north-up basis: ISO 19111 / EPSG guidance note 7-2, 4.1.3.
        """
        lon_deg, lat_deg = (float(value) for value in self.lonlat(0.0, 0.0))
        lon, lat = np.radians(lon_deg), np.radians(lat_deg)
        x, y, z = transformer("EPSG:4979", GEOCENTRIC).transform(lon_deg, lat_deg, self.height_m)
        east = np.array([-np.sin(lon), np.cos(lon), 0.0])
        north = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
        up = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        turn = np.radians(self.convergence_deg())
        matrix = np.eye(4)
        matrix[:3, 0] = np.cos(turn) * east - np.sin(turn) * north
        matrix[:3, 1] = np.sin(turn) * east + np.cos(turn) * north
        matrix[:3, 2] = up
        matrix[:3, 3] = x, y, z
        return matrix
