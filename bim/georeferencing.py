"""Where on the Earth a model lies: every statement in the file, checked, and the best one chosen.

The statements are read from the text of the file (`bim.step`), so this is quick and safe in any process.
Order of trust: map conversion (IFC4 and later), rigid operation, ``ePSet_MapConversion`` (IFC2X3, buildingSMART
"User Guide for Geo-referencing in IFC"), and last the latitude and longitude of the site.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj

from bim.step import Entity, Ref, StepText
from scenes.errors import GeoreferenceError
from scenes.georeference import WGS84, parse_crs, transformer, utm_crs

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

_PREFIXES = {
    "EXA": 1e18, "GIGA": 1e9, "MEGA": 1e6, "KILO": 1e3, "HECTO": 1e2, "DECA": 1e1,
    "DECI": 1e-1, "CENTI": 1e-2, "MILLI": 1e-3, "MICRO": 1e-6, "NANO": 1e-9,
}  # fmt: skip
_NAMED_LENGTHS = {"FOOT": 0.3048, "US SURVEY FOOT": 1200 / 3937, "INCH": 0.0254, "YARD": 0.9144, "MILE": 1609.344}
# Where authoring tools put a site that nobody placed: latitude, longitude, what it is.
_TOOL_DEFAULTS = (
    (42.213, -71.033, "Boston, the default of Revit"),
    (42.3584, -71.0597, "Boston, the default of Revit"),
    (42.3583, -71.0598, "Boston, the default of Revit"),
    (42.415, -71.257, "Boston, a default of Revit"),
    (51.5, -0.1262, "London, a default of authoring tools"),
    (24.4667, 54.4167, "Abu Dhabi, a default of authoring tools"),
    (59.9161, 10.7500, "Oslo, a default of authoring tools"),
    (52.15, 5.3833, "Amersfoort, a default of authoring tools"),
    (35.7, 139.7667, "Tokyo, a default of authoring tools"),
    (52.5167, 13.4, "Berlin, a default of authoring tools"),
)
_NEAR_DEFAULT_DEG = 0.02
_UNIT_SLACK = 0.1
_CONTRADICTION_M = 2_000.0
_UNSET_DEG = 1e-9
_FAR_M = 100_000.0
_POINTS_LOOKED_AT = 20_000


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
    centre_m
        A place in model metres near its geometry; far from zero where coordinates are projected inside the file.
    method
        ``map-conversion``, ``rigid-operation``, ``property-set``, ``site`` or ``explicit``.
    remarks
        What is doubtful about it: (rule, sentence).
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


def read_georeference(path: Path) -> Georeferenced | None:
    """Return the best statement of a plain file, None if it makes none that can be used."""
    with StepText(path) as text:
        found = statements(text)
    return _compared(found) if found else None


def _compared(found: list[Georeferenced]) -> Georeferenced:
    """Return the first statement, with a remark when a later one of another kind says something else."""
    first = found[0]
    here = _lonlat(first) or (math.nan, math.nan)
    for other in found[1:]:
        there = _lonlat(other) or here
        distance = pyproj.Geod(ellps="WGS84").inv(*here, *there)[2]
        if other.method != first.method and distance > _CONTRADICTION_M:
            sentence = f"the {first.method} is used; the {other.method} says {distance / 1000:.1f} km away"
            return replace(first, remarks=(*first.remarks, ("georeference-contradiction", sentence)))
    return first


def statements(text: StepText) -> list[Georeferenced]:
    """Return every usable statement of a file, the most trusted first."""
    unit = project_unit_m(text)
    found = [*_conversions(text, unit), *_property_sets(text, unit), *_sites(text, unit)]
    usable = [each for each in found if _lonlat(each) is not None]
    centre = far_centre(text, unit) if usable else (0.0, 0.0, 0.0)
    return [replace(each, centre_m=centre) if each.method != "site" else each for each in usable]


def far_centre(text: StepText, unit_m: float) -> tuple[float, float, float]:
    """Return the middle of the points that lie 100 km or more from zero, in metres; zero if there are few.

    Such points are projected coordinates written straight into the geometry or the placements.
    """
    points = text.points(_POINTS_LOOKED_AT) * unit_m
    far = points[np.abs(points[:, :2]).max(axis=1, initial=0.0) >= _FAR_M]
    if not len(far):
        return (0.0, 0.0, 0.0)
    x, y, z = (float(value) for value in np.median(far, axis=0))
    return (x, y, z)


def parse_crs_name(name: str) -> str:
    """Return the CRS behind the many spellings in IFC files, empty if none is known.

    Examples
    --------
    >>> parse_crs_name("EPSG:25832"), parse_crs_name("urn:ogc:def:crs:EPSG::32760"), parse_crs_name("3857")
    ('EPSG:25832', 'EPSG:32760', 'EPSG:3857')
    >>> parse_crs_name("WGS 84 / UTM zone 51N"), parse_crs_name("our site grid")
    ('EPSG:32651', '')
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
    code = parsed.to_epsg()
    return f"EPSG:{code}" if code else candidate


def project_unit_m(text: StepText) -> float:
    """Return the metres in the project's length unit; 1 where the file does not say."""
    for assignment in text.find("IFCUNITASSIGNMENT"):
        for ref in assignment.get(0) or ():
            unit = text.get(ref)
            if unit is not None and "LENGTHUNIT" in unit.arguments:
                return _unit_m(text, unit) or 1.0
    return 1.0


def _unit_m(text: StepText, unit: Entity | None) -> float | None:
    """Return the metres in a length unit, None if it is none."""
    if unit is None or "LENGTHUNIT" not in unit.arguments:
        return None
    if unit.kind == "IFCSIUNIT":
        return _PREFIXES.get(str(unit.get(2)), 1.0)
    if unit.kind == "IFCCONVERSIONBASEDUNIT":
        measure = text.get(unit.get(3))
        value = measure.get(0) if measure else None
        if isinstance(value, float) and value > 0:
            return value * (_unit_m(text, text.get(measure.get(1) if measure else None)) or 1.0)
        return _NAMED_LENGTHS.get(unit.text_at(2).upper())
    return None


def _conversions(text: StepText, unit_m: float) -> list[Georeferenced]:
    found = []
    for entity in text.find("IFCMAPCONVERSIONSCALED", "IFCMAPCONVERSION", "IFCRIGIDOPERATION"):
        target = text.get(entity.get(1))
        if target is None:
            continue
        crs = parse_crs_name(target.text_at(0)) or parse_crs_name(target.text_at(1))
        map_unit = _unit_m(text, text.get(target.get(6))) if target.kind == "IFCPROJECTEDCRS" else None
        if not crs:
            continue
        if entity.kind == "IFCRIGIDOPERATION":
            made = _rigid(entity, crs, unit_m, map_unit)
        else:
            numbers = [entity.number_at(index, default) for index, default in ((2, 0), (3, 0), (4, 0), (5, 1), (6, 0))]
            made = _made(crs, numbers, entity.number_at(7, math.nan), unit_m, map_unit)
        if made is not None:
            found.append(made)
    return found


def _rigid(entity: Entity, crs: str, unit_m: float, map_unit: float | None) -> Georeferenced | None:
    first, second, height = (entity.number_at(index, 0.0) for index in (2, 3, 4))
    if parse_crs(crs).is_projected:
        made = _made(crs, [first, second, height, 1.0, 0.0], 1.0, unit_m, map_unit)
        return None if made is None else replace(made, method="rigid-operation")
    return _at_lonlat(first, second, height * (map_unit or unit_m), 0.0, "rigid-operation")


def _made(
    crs: str, numbers: list[float], scale: float, unit_m: float, map_unit: float | None, method: str = "map-conversion"
) -> Georeferenced | None:
    """Return a statement from raw values, deciding in which unit they are; None where no unit makes sense."""
    if not parse_crs(crs).is_projected or not all(math.isfinite(number) for number in numbers):
        return None
    east, north, height, abscissa, ordinate = numbers
    length = math.hypot(abscissa, ordinate)
    angle = math.atan2(ordinate, abscissa) if length > 0 else 0.0
    remarks: list[tuple[str, str]] = []
    crs_unit = parse_crs(crs).axis_info[0].unit_conversion_factor
    units = [map_unit or unit_m] + [other for other in (unit_m, crs_unit) if other != (map_unit or unit_m)]
    fitting = [unit for unit in units if _inside(crs, east * unit, north * unit)]
    if not fitting:
        return None
    if fitting[0] != units[0]:
        remarks.append(
            ("georeference-unit", f"eastings are read as {fitting[0]:g} m units, as nothing else fits {crs}")
        )
    factor = _scale(scale, unit_m, map_unit or unit_m, remarks)
    values = (east * fitting[0], north * fitting[0], height * fitting[0])
    if abs(crs_unit - 1.0) > 1e-9:
        return _in_metres(crs, values, angle, factor, method)
    return Georeferenced(crs, *values, angle, factor, method, tuple(remarks))


def _in_metres(
    crs: str, origin: tuple[float, float, float], angle: float, factor: float, method: str
) -> Georeferenced | None:
    """Return a statement in a CRS in feet as one in the UTM zone of the place."""
    unit = parse_crs(crs).axis_info[0].unit_conversion_factor
    lon, lat = transformer(crs, WGS84).transform(origin[0] / unit, origin[1] / unit)
    return _at_lonlat(float(lon), float(lat), origin[2], angle, method, factor)


def _scale(scale: float, unit_m: float, map_unit: float, remarks: list[tuple[str, str]]) -> float:
    """Return metres on the map for a metre of the model: near 1, whichever way the file writes it."""
    if not math.isfinite(scale) or scale <= 0:
        return 1.0
    for factor in (scale * map_unit / unit_m, scale * unit_m / map_unit, scale):
        if abs(factor - 1.0) <= _UNIT_SLACK:
            return factor
    remarks.append(("georeference-scale", f"the scale {scale:g} of the map conversion fits no unit and is not used"))
    return 1.0


def _inside(crs: str, east_m: float, north_m: float) -> bool:
    """Say whether a place lies in the area of a system, give or take some degrees."""
    parsed = parse_crs(crs)
    unit = parsed.axis_info[0].unit_conversion_factor
    lon, lat = transformer(crs, WGS84).transform(east_m / unit, north_m / unit)
    if not (math.isfinite(lon) and math.isfinite(lat)) or abs(lat) > 90:
        return False
    area = parsed.area_of_use
    if area is None or (east_m == 0 and north_m == 0):
        return True
    west, east = area.west - 5, area.east + 5
    in_lon = west <= lon <= east if area.west <= area.east else (lon >= west or lon <= east)
    return bool(in_lon and area.south - 5 <= lat <= area.north + 5)


def _property_sets(text: StepText, unit_m: float) -> list[Georeferenced]:
    conversion: dict[str, Any] = {}
    crs = ""
    for entity in text.find("IFCPROPERTYSET"):
        name = entity.text_at(2).lower()
        if name.startswith(("epset_mapconversion", "pset_mapconversion")):
            conversion = _values(text, entity)
        elif name.startswith(("epset_projectedcrs", "pset_projectedcrs")):
            crs = parse_crs_name(str(_values(text, entity).get("Name", "")))
    if not crs or "Eastings" not in conversion:
        return []
    keys = (
        ("Eastings", 0.0),
        ("Northings", 0.0),
        ("OrthogonalHeight", 0.0),
        ("XAxisAbscissa", 1.0),
        ("XAxisOrdinate", 0.0),
    )
    numbers = [_number(conversion.get(key), default) for key, default in keys]
    made = _made(crs, numbers, _number(conversion.get("Scale"), math.nan), unit_m, None, "property-set")
    return [] if made is None else [made]


def _number(value: object, default: float) -> float:
    try:
        return float(value) if value is not None else default  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return default


def _values(text: StepText, pset: Entity) -> dict[str, Any]:
    properties = [text.get(ref) for ref in pset.get(4) or () if isinstance(ref, Ref)]
    return {each.text_at(0): each.get(2) for each in properties if each is not None}


def _sites(text: StepText, unit_m: float) -> list[Georeferenced]:
    found = []
    for site in text.find("IFCSITE"):
        latitude, longitude = degrees(site.get(9)), degrees(site.get(10))
        if latitude is None or longitude is None or abs(latitude) > 84 or abs(longitude) > 180:
            continue
        if abs(latitude) < _UNSET_DEG and abs(longitude) < _UNSET_DEG:  # zero is what tools write for "not set"
            continue
        made = _at_lonlat(longitude, latitude, site.number_at(11, 0.0) * unit_m, _true_north(text), "site")
        if made is not None:
            remarks = [
                ("georeference-fallback", "placed by the latitude and longitude of IfcSite, often only roughly right")
            ]
            default = tool_default(latitude, longitude)
            if default:
                remarks.append(("georeference-default", f"the site lies at {default}; it was probably never placed"))
            found.append(replace(made, remarks=tuple(remarks)))
    return found


def degrees(compound: object) -> float | None:
    """Return an IfcCompoundPlaneAngleMeasure (degrees, minutes, seconds, millionths) in degrees, None if it is none.

    Examples
    --------
    >>> degrees([-71.0, -3.0, -36.0])
    -71.06
    """
    if not isinstance(compound, list) or not 1 <= len(compound) <= 4:
        return None
    if not all(isinstance(part, float) for part in compound):
        return None
    sign = -1.0 if any(part < 0 for part in compound) else 1.0
    parts = [abs(part) for part in compound] + [0.0] * (4 - len(compound))
    return float(sign * (parts[0] + parts[1] / 60 + (parts[2] + parts[3] / 1e6) / 3600))


def tool_default(latitude_deg: float, longitude_deg: float) -> str:
    """Return what a place is when it is the default of an authoring tool, empty if it is none."""
    for latitude, longitude, what in _TOOL_DEFAULTS:
        if max(abs(latitude - latitude_deg), abs(longitude - longitude_deg)) < _NEAR_DEFAULT_DEG:
            return what
    return ""


def _true_north(text: StepText) -> float:
    """Return the turn of the model's y axis from true north, anticlockwise, in radians."""
    for context in text.find("IFCGEOMETRICREPRESENTATIONCONTEXT"):
        direction = text.get(context.get(5))
        ratios = direction.get(0) if direction is not None else None
        if isinstance(ratios, list) and len(ratios) >= 2 and all(isinstance(value, float) for value in ratios[:2]):
            return math.atan2(ratios[0], ratios[1]) if any(ratios[:2]) else 0.0
    return 0.0


def _at_lonlat(
    longitude: float, latitude: float, height_m: float, angle: float, method: str, scale: float = 1.0
) -> Georeferenced | None:
    """Return a statement at a geographic place, in its UTM zone; `angle` counts from true north there."""
    try:
        crs = utm_crs(longitude, latitude)
    except GeoreferenceError:
        return None
    east, north = transformer(WGS84, crs).transform(longitude, latitude)
    above = transformer(WGS84, crs).transform(longitude, min(84.0, latitude + 1e-4))
    grid = math.atan2(above[0] - east, above[1] - north)  # true north in the grid, clockwise
    return Georeferenced(crs, float(east), float(north), height_m, angle - grid, scale, method)


def _lonlat(each: Georeferenced) -> tuple[float, float] | None:
    east, north, _ = each.project([each.centre_m])[0]
    lon, lat = transformer(each.crs, WGS84).transform(east, north)
    return (float(lon), float(lat)) if math.isfinite(lon) and math.isfinite(lat) else None
