"""Coordinate systems as IFC files name them, where each may be used, and which ones a place could be written in."""

from __future__ import annotations

import functools
import math
import re
from typing import TYPE_CHECKING

from pyproj.aoi import AreaOfInterest
from pyproj.database import get_codes, query_crs_info
from pyproj.enums import PJType

from scenes.errors import GeoreferenceError
from scenes.georeference import WGS84, parse_crs, transformer
from scenes.vertical import horizontal

if TYPE_CHECKING:
    from bim.step import Entity

_VERTICAL = 3
_SLACK_DEG = 5.0
_WIDEST_DEG = 40.0
# Projections for web pages and world maps: their metres are no metres on the ground.
_NO_SURVEY = ("pseudo-mercator", "world mercator", "popular visualisation")


def parse_crs_name(name: str) -> str:
    """Return the horizontal CRS behind the many spellings in IFC files, empty if none is known.

    Examples
    --------
    >>> parse_crs_name("EPSG:25832"), parse_crs_name("urn:ogc:def:crs:EPSG::32760"), parse_crs_name("3857")
    ('EPSG:25832', 'EPSG:32760', 'EPSG:3857')
    >>> parse_crs_name("WGS 84 / UTM zone 51N"), parse_crs_name("our site grid"), parse_crs_name("EPSG:7415")
    ('EPSG:32651', '', 'EPSG:28992')
    """
    text = name.strip()
    match = re.search(r"EPSG\D{0,12}?(\d{4,6})(?!\d)", text, re.IGNORECASE) or re.fullmatch(r"\D{0,2}(\d{4,6})", text)
    candidate = f"EPSG:{match[1]}" if match else text
    if not candidate:
        return ""
    try:
        parsed = parse_crs(candidate)
    except GeoreferenceError:
        return ""
    if not (parsed.is_projected or parsed.is_geographic or parsed.is_compound):
        return ""
    code = parsed.to_epsg()
    return horizontal(f"EPSG:{code}" if code else candidate)


def naming_faults(target: Entity) -> list[str]:
    """Return what is wrong with the names in an IfcProjectedCRS or IfcGeographicCRS, a sentence each.

    The name must be an EPSG code where there is one (IFC4X3: ``EPSG:25832``), and so must datums that say EPSG.
    """
    faults = []
    name = target.text_at(0)
    known = parse_crs_name(name) or parse_crs_name(target.text_at(1))
    if not known:
        shown = f"'{name}'" if name else "an empty name"
        faults.append(f"its map conversion goes to {shown}, which is no coordinate system that is known")
    elif not re.match(r"\s*(urn:.*)?EPSG", name, re.IGNORECASE):
        faults.append(f"its coordinate system is written '{name}' and is read as {known}; IFC asks for EPSG:number")
    for index, what in ((2, "geodetic datum"), (3, "vertical datum")):
        written = target.text_at(index)
        code = written.rpartition(":")[2].strip()
        if written.upper().startswith("EPSG") and code not in _registered(index == _VERTICAL):
            faults.append(f"its {what} '{written}' is not in the EPSG register")
    return faults


@functools.lru_cache(maxsize=4)
def _registered(vertical: bool) -> frozenset[str]:
    """Return the EPSG codes of vertical, or of all other, systems and datums."""
    upright = (PJType.VERTICAL_CRS, PJType.VERTICAL_REFERENCE_FRAME)
    flat = (PJType.CRS, PJType.GEODETIC_REFERENCE_FRAME, PJType.DATUM_ENSEMBLE)
    kinds = upright if vertical else flat
    return frozenset(code for kind in kinds for code in get_codes("EPSG", kind, allow_deprecated=True))


def is_survey(crs: str) -> bool:
    """Say whether metres in a projected system are metres on the ground: false for the mercator of web maps."""
    name = parse_crs(crs).name.lower()
    return not any(word in name for word in _NO_SURVEY)


def inside(crs: str, east_m: float, north_m: float) -> bool:
    """Say whether a place lies in the area of a system, give or take some degrees."""
    parsed = parse_crs(crs)
    unit = parsed.axis_info[0].unit_conversion_factor
    lon, lat = transformer(crs, WGS84).transform(east_m / unit, north_m / unit)
    if not (math.isfinite(lon) and math.isfinite(lat)) or abs(lat) > 90:
        return False
    area = parsed.area_of_use
    if area is None or (east_m == 0 and north_m == 0):
        return True
    west, east = area.west - _SLACK_DEG, area.east + _SLACK_DEG
    in_lon = west <= lon <= east if area.west <= area.east else (lon >= west or lon <= east)
    return bool(in_lon and area.south - _SLACK_DEG <= lat <= area.north + _SLACK_DEG)


@functools.lru_cache(maxsize=32)
def systems_at(longitude_deg: float, latitude_deg: float) -> tuple[str, ...]:
    """Return every national and regional grid in metres in use at a place: UTM, Gauss-Krueger, CGCS2000, RD, ...

    Examples
    --------
    >>> found = systems_at(121.5, 31.2)
    >>> [crs in found for crs in ("EPSG:4549", "EPSG:4528", "EPSG:4510", "EPSG:32651", "EPSG:3857")]
    [True, True, True, True, False]
    """
    area = AreaOfInterest(longitude_deg, latitude_deg, longitude_deg, latitude_deg)
    rows = query_crs_info(auth_name="EPSG", pj_types=PJType.PROJECTED_CRS, area_of_interest=area)
    small = [row for row in rows if row.area_of_use and row.area_of_use.east - row.area_of_use.west <= _WIDEST_DEG]
    codes = dict.fromkeys(f"EPSG:{row.code}" for row in small)
    return tuple(crs for crs in codes if _metric(crs))


def _metric(crs: str) -> bool:
    try:
        axes = parse_crs(crs).axis_info[:2]
    except GeoreferenceError:
        return False
    return is_survey(crs) and all(abs(axis.unit_conversion_factor - 1.0) < 1e-9 for axis in axes)
