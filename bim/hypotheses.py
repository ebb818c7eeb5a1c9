"""Every statement of a file about where it lies, read from its text and kept until the file changes.

The text is read with `bim.step`, so this is quick and safe in any process.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyproj

from bim import said
from bim.conversions import Conversion, conversions, faults, nameless, property_sets, tried
from bim.crsnames import systems_at
from bim.files import plain_file
from bim.lengths import project_unit_m
from bim.outline import Outline, far_centre, outline
from bim.sites import sites
from bim.statement import Georeferenced
from bim.step import StepText
from scenes.georeference import parse_crs

if TYPE_CHECKING:
    from bim.surroundings import Surroundings

_FAR_M = 10_000.0
_SAME_REGION = 0.5
_OFF_ZERO_M = 500.0
_MOST_GUESSES = 6
_SAME_M = 3.0
_DATUM_SHIFT_M = 2_000.0
_INFRASTRUCTURE = ("IFCBRIDGE", "IFCROAD", "IFCRAILWAY", "IFCALIGNMENT", "IFCMARINEFACILITY", "IFCTUNNEL")


@dataclass(frozen=True)
class Statements:
    """What one file says, before anybody judges it.

    Parameters
    ----------
    found
        Statements in systems that are named, the most trusted kind first.
    nameless
        Map conversions into a system that nobody knows.
    faults
        What is wrong with the statements themselves: (rule, sentence).
    outline
        Coarse points of the model.
    unit_m
        Metres in its length unit.
    project, site
        GlobalIds, empty where there are none.
    infrastructure
        Whether it is a road, bridge or the like, which may well lie over water and streets.
    """

    found: tuple[Georeferenced, ...] = ()
    nameless: tuple[Conversion, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    outline: Outline = field(default_factory=Outline)
    unit_m: float = 1.0
    project: str = ""
    site: str = ""
    infrastructure: bool = False


def statements_of(path: Path) -> Statements:
    """Return the statements of a file, plain or zipped.

    Raises
    ------
    SourceError
        When the file cannot be opened.
    """
    stat = path.stat()
    return _remembered(str(path), stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=512)
def _remembered(path: str, _changed: int, _size: int) -> Statements:
    known = said.kept(Path(path)) if Path(path).is_file() else None
    if known is not None:
        return Statements(**known)
    with plain_file(Path(path)) as plain, StepText(plain) as text:
        statements = read_statements(text)
    said.keep(Path(path), statements)
    return statements


def read_statements(text: StepText) -> Statements:
    """Return the statements in the text of a file."""
    unit = project_unit_m(text)
    shape = outline(text, unit)
    stated = [*conversions(text, unit), *property_sets(text, unit), *sites(text, unit)]
    centre = _centre(text, unit, shape)
    found = [_about(each, centre) for each in stated]
    if math.hypot(*centre[:2]) > _FAR_M:
        found = [reading for each in found for reading in _readings(each, centre)]
    return Statements(
        found=tuple(each for each in found if each.lonlat() is not None),
        nameless=tuple(nameless(text)),
        faults=tuple(faults(text)),
        outline=shape,
        unit_m=unit,
        project=_global_id(text, "IFCPROJECT"),
        site=_global_id(text, "IFCSITE"),
        infrastructure=next(iter(text.find(*_INFRASTRUCTURE)), None) is not None,
    )


def _global_id(text: StepText, kind: str) -> str:
    entity = next(iter(text.find(kind)), None)
    return "" if entity is None else entity.text_at(0)


def _centre(text: StepText, unit_m: float, shape: Outline) -> tuple[float, float, float]:
    """Return where the model's geometry is, in model metres; zero for one that is built around its origin."""
    centre = shape.centre_m
    return centre if math.hypot(*centre[:2]) > _OFF_ZERO_M else far_centre(text, unit_m)


def _about(stated: Georeferenced, centre: tuple[float, float, float]) -> Georeferenced:
    """Return a statement with its model's centre; a site lies where the geometry is, however far from zero."""
    if stated.method not in ("site", "tool-default") or math.hypot(*centre[:2]) <= _FAR_M:
        return replace(stated, centre_m=centre)
    east, north, _ = replace(stated, easting_m=0.0, northing_m=0.0).project([(centre[0], centre[1], 0.0)])[0]
    return replace(
        stated, easting_m=stated.easting_m - float(east), northing_m=stated.northing_m - float(north), centre_m=centre
    )


def _readings(stated: Georeferenced, centre: tuple[float, float, float]) -> list[Georeferenced]:
    """Return a statement, and where it moves coordinates that are projected already, the reading without that.

    So it may be where the model lies near the place that it is moved to; a large model with a grid of its own does not.
    """
    move = (stated.easting_m, stated.northing_m)
    alike = math.dist(move, centre[:2]) <= _SAME_REGION * math.hypot(*move)
    if stated.method in ("site", "tool-default") or math.hypot(*move) <= _FAR_M or not alike:
        return [stated]
    sentence = "its coordinates are projected already, and the map conversion moves them once more"
    plain = Georeferenced(
        stated.crs,
        0.0,
        0.0,
        method="placement",
        centre_m=centre,
        vertical=stated.vertical,
        detail=f"its coordinates as they are, in {stated.crs}",
    )
    return [replace(stated, remarks=(*stated.remarks, ("georeference-twice", sentence))), plain]


def against(said: Statements, place: Surroundings) -> tuple[Georeferenced, ...]:
    """Return what the file might mean at a place: coordinates in a system that is in use there, but named nowhere."""
    if place.frame is None or place.bounds is None:
        return ()
    lon, lat = (float(value) for value in place.frame.lonlat(*_middle(place)))
    guesses = [guess for each in said.nameless for guess in tried(each, (lon, lat), said.unit_m)]
    centre = said.outline.centre_m
    if math.hypot(*centre[:2]) > _OFF_ZERO_M:
        known = [crs for crs in systems_at(round(lon, 1), round(lat, 1)) if _could_be(crs, (lon, lat), centre, place)]
        systems = dict.fromkeys((place.frame.crs, *known))
        guesses += [_read_in(crs, centre, named=crs == place.frame.crs) for crs in systems]
    return tuple(_told_apart([each for each in guesses if _is_near(each, place)], place))[:_MOST_GUESSES]


def _middle(place: Surroundings) -> tuple[float, float]:
    west, south, east, north = place.bounds or (0.0, 0.0, 0.0, 0.0)
    return (west + east) / 2, (south + north) / 2


def _could_be(crs: str, lonlat: tuple[float, float], centre: tuple[float, float, float], place: Surroundings) -> bool:
    """Say whether a centre may lie near a place in a system; quick, as shifts between datums are left out."""
    east, north = pyproj.Proj(parse_crs(crs))(*lonlat)
    west, south, right, top = place.bounds or (0.0, 0.0, 0.0, 0.0)
    size = math.hypot(right - west, top - south)
    return bool(math.hypot(centre[0] - east, centre[1] - north) <= place.reach_m + size + _DATUM_SHIFT_M)


def _read_in(crs: str, centre: tuple[float, float, float], *, named: bool) -> Georeferenced:
    name = parse_crs(crs).name
    detail = f"its coordinates as they are, read in {name if name != 'unknown' else 'the system of the scene'}"
    return Georeferenced(crs, 0.0, 0.0, method="placement" if named else "guess", centre_m=centre, detail=detail)


def _local(stated: Georeferenced, place: Surroundings) -> tuple[float, float]:
    if place.frame is None:
        return (math.nan, math.nan)
    east, north, _ = stated.project([stated.centre_m])[0]
    x, y = place.frame.localise_from(stated.crs, east, north)
    return float(x), float(y)


def _is_near(stated: Georeferenced, place: Surroundings) -> bool:
    x, y = _local(stated, place)
    return math.isfinite(x) and math.isfinite(y) and place.distance_m(x, y) <= place.reach_m


def _told_apart(guesses: list[Georeferenced], place: Surroundings) -> list[Georeferenced]:
    """Return the guesses without those that mean the place of an earlier one."""
    kept: list[Georeferenced] = []
    places: list[tuple[float, float]] = []
    for guess in guesses:
        here = _local(guess, place)
        if all(np.hypot(here[0] - x, here[1] - y) > _SAME_M for x, y in places):
            kept.append(guess)
            places.append(here)
    return kept


def at_crs(said: Statements, crs: str) -> tuple[Georeferenced, ...]:
    """Return what a file says when a person names the system of its coordinates."""
    stated = [each for each in said.found if each.method in ("map-conversion", "property-set", "rigid-operation")]
    named = parse_crs(crs).to_string()
    if stated:
        return (replace(stated[0], crs=named, method="explicit", detail=f"in {crs}, as you say"),)
    centre = said.outline.centre_m
    return (Georeferenced(named, 0.0, 0.0, method="explicit", centre_m=centre, detail=f"in {crs}, as you say"),)
