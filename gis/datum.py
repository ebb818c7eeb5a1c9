"""The Chinese map datums GCJ-02 and BD-09, there and back.

Maps published in China carry a deliberate shift of some 500 m, often under a WGS 84 label. The forward
formula is the published one of the eviltransform family; its inverse has no closed form and is found here by
iteration to well below a millimetre. Outside the box in which the shift is applied both ways are identities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenes.errors import GeoreferenceError
from scenes.georeference import WGS84, parse_crs, transformer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from scenes.sources import Source

    Floats = NDArray[np.float64]

# Krassovsky 1940: semi-major axis in metres and first eccentricity squared.
_AXIS_M = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
# Box in which the shift is applied: least and greatest longitude, least and greatest latitude.
_BOX_DEG = (72.004, 137.8347, 0.8293, 55.8271)
_BD_TURN = np.pi * 3000.0 / 180.0
_WEB_MAP = 3857


def _wave(first: Floats, second: Floats) -> Floats:
    both: Floats = (20.0 * np.sin(6.0 * first * np.pi) + 20.0 * np.sin(2.0 * first * np.pi)) * 2.0 / 3.0
    return both + second


def _shift_deg(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return what GCJ-02 adds to WGS 84 longitude and latitude, degrees."""
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + _wave(x, np.zeros_like(x))
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + _wave(x, np.zeros_like(x))
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    latitude = np.radians(lat)
    factor = 1.0 - _ECCENTRICITY2 * np.sin(latitude) ** 2
    meridian_m = _AXIS_M * (1.0 - _ECCENTRICITY2) / factor**1.5
    parallel_m = _AXIS_M / np.sqrt(factor) * np.cos(latitude)
    return np.degrees(east / parallel_m), np.degrees(north / meridian_m)


def _inside(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    west, east, south, north = _BOX_DEG
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)


def wgs84_to_gcj02(longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> tuple[Floats, Floats]:
    """Return GCJ-02 longitude and latitude of WGS 84 places, degrees.

    Examples
    --------
    >>> lon, lat = wgs84_to_gcj02(116.404, 39.915)
    >>> round(float(lon), 6), round(float(lat), 6)
    (116.410244, 39.916404)
    """
    lon, lat = np.asarray(longitude_deg, np.float64), np.asarray(latitude_deg, np.float64)
    east, north = _shift_deg(lon, lat)
    inside = _inside(lon, lat)
    return np.where(inside, lon + east, lon), np.where(inside, lat + north, lat)


def gcj02_to_wgs84(longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> tuple[Floats, Floats]:
    """Return WGS 84 longitude and latitude of GCJ-02 places, degrees; exact to about 1e-10 degrees.

    Examples
    --------
    >>> lon, lat = gcj02_to_wgs84(*wgs84_to_gcj02(121.4737, 31.2305))
    >>> round(float(lon), 8), round(float(lat), 8)
    (121.4737, 31.2305)
    """
    lon, lat = np.asarray(longitude_deg, np.float64), np.asarray(latitude_deg, np.float64)
    guess_lon, guess_lat = lon, lat
    for _ in range(12):  # the shift changes by less than 1e-2 of itself a step: quickly below rounding
        east, north = _shift_deg(guess_lon, guess_lat)
        guess_lon, guess_lat = lon - east, lat - north
    inside = _inside(guess_lon, guess_lat)
    return np.where(inside, guess_lon, lon), np.where(inside, guess_lat, lat)


def bd09_to_gcj02(longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> tuple[Floats, Floats]:
    """Return GCJ-02 longitude and latitude of BD-09 places, degrees (inverse by iteration)."""
    lon, lat = np.asarray(longitude_deg, np.float64), np.asarray(latitude_deg, np.float64)
    guess_lon, guess_lat = lon - 0.0065, lat - 0.006
    for _ in range(12):
        there_lon, there_lat = gcj02_to_bd09(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon + lon - there_lon, guess_lat + lat - there_lat
    return guess_lon, guess_lat


def gcj02_to_bd09(longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> tuple[Floats, Floats]:
    """Return BD-09 longitude and latitude of GCJ-02 places, degrees."""
    lon, lat = np.asarray(longitude_deg, np.float64), np.asarray(latitude_deg, np.float64)
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_TURN)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_TURN)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def to_wgs84(datum_shift: str, longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> tuple[Floats, Floats]:
    """Return WGS 84 degrees of places given in the datum that `datum_shift` names: gcj02 or bd09.

    Raises
    ------
    GeoreferenceError
        When the name is neither.
    """
    if datum_shift == "gcj02":
        return gcj02_to_wgs84(longitude_deg, latitude_deg)
    if datum_shift == "bd09":
        return gcj02_to_wgs84(*bd09_to_gcj02(longitude_deg, latitude_deg))
    raise GeoreferenceError(datum_shift, "is not a known datum shift", "write gcj02 or bd09")


def from_wgs84(datum_shift: str, longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> tuple[Floats, Floats]:
    """Return degrees in the datum that `datum_shift` names, gcj02 or bd09, of WGS 84 places.

    Raises
    ------
    GeoreferenceError
        When the name is neither.

    Examples
    --------
    >>> lon, lat = to_wgs84("bd09", *from_wgs84("bd09", 121.4737, 31.2305))
    >>> round(float(lon), 8), round(float(lat), 8)
    (121.4737, 31.2305)
    """
    if datum_shift == "gcj02":
        return wgs84_to_gcj02(longitude_deg, latitude_deg)
    if datum_shift == "bd09":
        return gcj02_to_bd09(*wgs84_to_gcj02(longitude_deg, latitude_deg))
    raise GeoreferenceError(datum_shift, "is not a known datum shift", "write gcj02 or bd09")


def unshifted(source: Source, crs: str, x: ArrayLike, y: ArrayLike) -> tuple[str, Floats, Floats]:
    """Return coordinates of a source without the map shift that its user names, and the system they are in then.

    Degrees carry such a shift, and the metres that web maps make of them.

    Raises
    ------
    GeoreferenceError
        When a shift is named for coordinates that are neither.

    Examples
    --------
    >>> from scenes.sources import Source
    >>> crs, lon, lat = unshifted(Source("shops.csv", datum_shift="gcj02"), "EPSG:4490", [116.410244], [39.916404])
    >>> crs, round(float(lon[0]), 4), round(float(lat[0]), 4)
    ('EPSG:4326', 116.404, 39.915)
    """
    if not source.datum_shift:
        return crs, np.asarray(x, np.float64), np.asarray(y, np.float64)
    check_shift(source, crs)
    lon, lat = (x, y) if parse_crs(crs).is_geographic else transformer(crs, WGS84).transform(x, y)
    return WGS84, *to_wgs84(source.datum_shift, lon, lat)


def shifted(source: Source, crs: str, longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> tuple[Floats, Floats]:
    """Return where a source has WGS 84 places, with its map shift, in its own system: the inverse of `unshifted`.

    Raises
    ------
    GeoreferenceError
        When a shift is named for coordinates that carry none.
    """
    check_shift(source, crs)
    lon, lat = from_wgs84(source.datum_shift, longitude_deg, latitude_deg)
    if parse_crs(crs).is_geographic:
        return lon, lat
    east, north = transformer(WGS84, crs).transform(lon, lat)
    return np.asarray(east), np.asarray(north)


def check_shift(source: Source, crs: str) -> None:
    """Refuse a map shift for a system of other metres than those of web maps.

    Raises
    ------
    GeoreferenceError
        When it is one.
    """
    parsed = parse_crs(crs)
    if not parsed.is_geographic and parsed.to_epsg() != _WEB_MAP:
        raise GeoreferenceError(
            source.path, f"{source.datum_shift} shifts degrees, but it is in {crs}", "leave the shift out"
        )
