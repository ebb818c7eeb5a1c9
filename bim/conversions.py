"""Map conversions, rigid operations and their property sets: what a file says about its origin on the map."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bim.crsnames import inside, is_survey, naming_faults, parse_crs_name, systems_at
from bim.lengths import named_unit_m, unit_m
from bim.statement import Georeferenced, at_lonlat
from bim.step import Ref
from scenes.errors import GeoreferenceError
from scenes.georeference import WGS84, parse_crs, transformer
from scenes.vertical import parse_vertical

if TYPE_CHECKING:
    from bim.step import Entity, StepText

_UNIT_SLACK = 0.1
_KEYS = (
    ("eastings", 0.0),
    ("northings", 0.0),
    ("orthogonalheight", 0.0),
    ("xaxisabscissa", 1.0),
    ("xaxisordinate", 0.0),
    ("scale", math.nan),
)
_KINDS = ("IFCMAPCONVERSIONSCALED", "IFCMAPCONVERSION", "IFCRIGIDOPERATION")


@dataclass(frozen=True, slots=True)
class Conversion:
    """Numbers of one map conversion as they stand in the file.

    Parameters
    ----------
    crs
        Horizontal system, empty where the file names none that is known.
    easting, northing, height
        The origin, in a unit that is yet to be found.
    angle_rad
        Turn of the model's x axis from east, anticlockwise.
    scale
        As written; not a number where it is left out.
    map_unit_m
        Unit of the projected system by its own word, None if it says none.
    vertical
        Vertical system, empty if none is known.
    method
        ``map-conversion`` or ``property-set``.
    """

    crs: str
    easting: float
    northing: float
    height: float = 0.0
    angle_rad: float = 0.0
    scale: float = math.nan
    map_unit_m: float | None = None
    vertical: str = ""
    method: str = "map-conversion"


def conversions(text: StepText, project_unit_m: float) -> list[Georeferenced]:
    """Return the usable map conversions and rigid operations of a file."""
    found = []
    for entity in text.find(*_KINDS):
        target = text.get(entity.get(1))
        if target is None:
            continue
        if entity.kind == "IFCRIGIDOPERATION":
            made = _rigid(text, entity, target, project_unit_m)
        else:
            made = resolved(_read(text, entity, target), project_unit_m)
        if made is not None:
            found.append(made)
    return found


def nameless(text: StepText) -> list[Conversion]:
    """Return the conversions to a system that is not known: their numbers can still be tried in others."""
    found = []
    for entity in text.find(*_KINDS[:2]):
        target = text.get(entity.get(1))
        read = None if target is None else _read(text, entity, target)
        if read is not None and not read.crs:
            found.append(read)
    return found


def tried(conversion: Conversion, place_deg: tuple[float, float], project_unit_m: float) -> list[Georeferenced]:
    """Return what a nameless conversion would say in each system that is in use near a place."""
    found = []
    for crs in systems_at(round(place_deg[0], 1), round(place_deg[1], 1)):
        made = resolved(replace(conversion, crs=crs), project_unit_m)
        if made is not None:
            found.append(replace(made, method="guess", detail=f"the map conversion, read in {parse_crs(crs).name}"))
    return found


def faults(text: StepText) -> list[tuple[str, str]]:
    """Return what is wrong with the coordinate operations of a file: (rule, sentence)."""
    named = [each for each in _targets(text) if not _described(text, each)]
    found = {("georeference-crs", fault) for each in named for fault in naming_faults(each)}
    operations = list(text.find(*_KINDS))
    said = {
        str([argument for argument in entity.arguments[1:] if not isinstance(argument, Ref)]) for entity in operations
    }
    if len(said) > 1:
        sentence = f"its contexts carry {len(said)} map conversions that differ; the first that can be used counts"
        found.add(("georeference-contexts", sentence))
    tied = {each.arguments[0].number for each in operations if isinstance(each.get(0), Ref)}
    contexts = {entity.number for entity in text.find("IFCGEOMETRICREPRESENTATIONCONTEXT")}
    if tied and contexts - tied:
        sentence = f"{len(contexts - tied)} of its {len(contexts)} contexts have no map conversion, the others have one"
        found.add(("georeference-contexts", sentence))
    return sorted(found)


def _targets(text: StepText) -> list[Entity]:
    targets = {entity.get(1).number: entity.get(1) for entity in text.find(*_KINDS) if isinstance(entity.get(1), Ref)}
    entities = [text.get(ref) for ref in targets.values()]
    return [entity for entity in entities if entity is not None and entity.kind.endswith("CRS")]


def _system(text: StepText, target: Entity) -> str:
    """Return the coordinate system of an operation: as it is described, else as it is named, empty if unknown."""
    return _described(text, target) or parse_crs_name(target.text_at(0)) or parse_crs_name(target.text_at(1))


def _described(text: StepText, target: Entity) -> str:
    """Return the well-known text of a projected system (IFC4X3), empty where there is none that is understood."""
    for entity in text.find("IFCWELLKNOWNTEXT"):
        described = entity.get(1)
        if isinstance(described, Ref) and described.number == target.number:
            with contextlib.suppress(GeoreferenceError):
                return entity.text_at(0) if parse_crs(entity.text_at(0)).is_projected else ""
    return ""


def _read(text: StepText, entity: Entity, target: Entity) -> Conversion:
    written = target.text_at(0)
    crs = _system(text, target)
    east, north, height = (entity.number_at(index, 0.0) for index in (2, 3, 4))
    angle = math.atan2(entity.number_at(6, 0.0), entity.number_at(5, 1.0))
    unit = unit_m(text, text.get(target.get(6))) if target.kind == "IFCPROJECTEDCRS" else None
    heights = parse_vertical(target.text_at(3)) or parse_vertical(written)
    return Conversion(crs, east, north, height, angle, entity.number_at(7, math.nan), unit, heights)


def _rigid(text: StepText, entity: Entity, target: Entity, project_unit_m: float) -> Georeferenced | None:
    crs = _system(text, target)
    if not crs:
        return None
    first, second, height = (entity.number_at(index, 0.0) for index in (2, 3, 4))
    heights = parse_vertical(target.text_at(3)) if target.kind == "IFCPROJECTEDCRS" else ""
    if parse_crs(crs).is_projected:
        made = resolved(Conversion(crs, first, second, height, scale=1.0, vertical=heights), project_unit_m)
    else:
        made = _at_degrees(first, second, height * project_unit_m)
    return None if made is None else replace(made, method="rigid-operation")


def _at_degrees(first: float, second: float, height_m: float) -> Georeferenced | None:
    """Return the place of a rigid operation in degrees; IFC writes longitude first, some files latitude first."""
    if abs(second) > 90 >= abs(first):
        first, second = second, first
    return at_lonlat(first, second, height_m, 0.0, "rigid-operation")


def resolved(conversion: Conversion, project_unit_m: float) -> Georeferenced | None:
    """Return a conversion in metres, deciding in which unit it is; None where no unit makes sense."""
    crs = conversion.crs
    numbers = (conversion.easting, conversion.northing, conversion.height)
    if not crs or not parse_crs(crs).is_projected or not all(math.isfinite(number) for number in numbers):
        return None
    crs_unit = parse_crs(crs).axis_info[0].unit_conversion_factor
    said = conversion.map_unit_m or project_unit_m
    units = list(dict.fromkeys((said, project_unit_m, crs_unit, 1.0)))
    east, north, height = numbers
    remarks: list[tuple[str, str]] = []
    unit = next((unit for unit in units if inside(crs, east * unit, north * unit)), None)
    if unit is None:
        east, north = north, east
        unit = next((unit for unit in units if inside(crs, east * unit, north * unit)), None)
        remarks.append(("georeference-axes", f"its easting and northing are taken the other way round, to fit {crs}"))
    if unit is None:
        return None
    if unit != said:
        remarks.append(("georeference-unit", f"eastings are read as {unit:g} m units, as nothing else fits {crs}"))
    factor = _scale(conversion.scale, project_unit_m, said, remarks)
    values = (east * unit, north * unit, height * unit)
    made = Georeferenced(crs, *values, conversion.angle_rad, factor, conversion.method, tuple(remarks))
    if abs(crs_unit - 1.0) > 1e-9 or not is_survey(crs):
        moved = _on_utm(made, crs_unit)
        return None if moved is None else replace(moved, vertical=conversion.vertical)
    return replace(made, vertical=conversion.vertical)


def _on_utm(made: Georeferenced, unit: float) -> Georeferenced | None:
    """Return a statement in a system in feet, or in the mercator of web maps, as one in the UTM zone of the place."""
    lon, lat = transformer(made.crs, WGS84).transform(made.easting_m / unit, made.northing_m / unit)
    convergence = math.radians(_convergence_deg(made.crs, float(lon), float(lat)))
    moved = at_lonlat(float(lon), float(lat), made.height_m, made.angle_rad - convergence, made.method, made.scale)
    remarks = made.remarks
    if not is_survey(made.crs):
        sentence = f"{made.crs} is a system of web maps; its place is used, lengths stay those of the model"
        remarks = (*remarks, ("georeference-crs", sentence))
    return None if moved is None else replace(moved, remarks=remarks)


def _convergence_deg(crs: str, lon: float, lat: float) -> float:
    """Return the angle from true north to the north of a grid, clockwise, by two places on a meridian."""
    here = transformer(WGS84, crs).transform(lon, lat)
    above = transformer(WGS84, crs).transform(lon, lat + 1e-4)
    return -math.degrees(math.atan2(above[0] - here[0], above[1] - here[1]))


def _scale(scale: float, project_unit_m: float, map_unit_m: float, remarks: list[tuple[str, str]]) -> float:
    """Return metres on the map for a metre of the model: near 1, whichever way the file writes it."""
    if not math.isfinite(scale) or scale <= 0:
        return 1.0
    for factor in (scale * map_unit_m / project_unit_m, scale * project_unit_m / map_unit_m, scale):
        if abs(factor - 1.0) <= _UNIT_SLACK:
            return factor
    remarks.append(("georeference-scale", f"the scale {scale:g} of the map conversion fits no unit and is not used"))
    return 1.0


def property_sets(text: StepText, project_unit_m: float) -> list[Georeferenced]:
    """Return what the property sets of IFC2X3 say: ``ePSet_MapConversion`` and ``ePSet_ProjectedCRS``.

    The buildingSMART "User Guide for Geo-referencing in IFC" writes them so; tools add a letter here and there.
    """
    conversion: dict[str, Any] = {}
    system: dict[str, Any] = {}
    for entity in text.find("IFCPROPERTYSET"):
        name = entity.text_at(2).lower().replace("_", "").replace(" ", "").lstrip("e")
        if name.startswith("psetmapconversion"):
            conversion = _values(text, entity)
        elif name.startswith("psetprojectedcrs"):
            system = _values(text, entity)
    crs = parse_crs_name(_word(system, "name")) or parse_crs_name(_word(system, "description"))
    if not crs or "eastings" not in conversion:
        return []
    east, north, height, abscissa, ordinate, scale = (_number(conversion.get(key), default) for key, default in _KEYS)
    read = Conversion(
        crs,
        east,
        north,
        height,
        math.atan2(ordinate, abscissa),
        scale,
        named_unit_m(_word(system, "mapunit")),
        parse_vertical(_word(system, "verticaldatum")) or parse_vertical(_word(system, "name")),
        "property-set",
    )
    made = resolved(read, project_unit_m)
    return [] if made is None else [made]


def _word(values: dict[str, Any], key: str) -> str:
    return str(values.get(key) or "")


def _number(value: object, default: float) -> float:
    try:
        return float(value) if value is not None else default  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return default


def _values(text: StepText, pset: Entity) -> dict[str, Any]:
    properties = [text.get(ref) for ref in pset.get(4) or () if isinstance(ref, Ref)]
    return {each.text_at(0).lower(): each.get(2) for each in properties if each is not None}
