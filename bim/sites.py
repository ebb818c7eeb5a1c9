"""The latitude and longitude of a site: the oldest way of IFC to say where a model lies, and the least exact."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from bim.defaults import tool_default
from bim.lengths import degrees, is_rounded
from bim.statement import at_lonlat

if TYPE_CHECKING:
    from bim.statement import Georeferenced
    from bim.step import Entity, StepText

NO_NORTH = "georeference-north"
_UNSET_DEG = 1e-9


def sites(text: StepText, project_unit_m: float) -> list[Georeferenced]:
    """Return the places of the sites that have one; those where tools put what nobody placed are marked."""
    north = true_north(text)
    found = [_placed(site, north, project_unit_m) for site in text.find("IFCSITE")]
    return [each for each in found if each is not None]


def _placed(site: Entity, north_rad: float | None, project_unit_m: float) -> Georeferenced | None:
    latitude, longitude = degrees(site.get(9)), degrees(site.get(10))
    if latitude is None or longitude is None or abs(latitude) > 84 or abs(longitude) > 180:
        return None
    if abs(latitude) < _UNSET_DEG and abs(longitude) < _UNSET_DEG:  # zero is what tools write for "not set"
        return None
    made = at_lonlat(longitude, latitude, site.number_at(11, 0.0) * project_unit_m, north_rad or 0.0, "site")
    if made is None:
        return None
    default = tool_default(latitude, longitude)
    remarks = [] if north_rad is not None else [(NO_NORTH, "the file does not say where true north is")]
    if default:
        return replace(made, method="tool-default", detail=default, remarks=tuple(remarks))
    if is_rounded(site.get(9)) and is_rounded(site.get(10)):
        rough = "the site is written in whole minutes of an angle: right to a kilometre at best"
        remarks.append(("georeference-rough", rough))
    return replace(made, remarks=tuple(remarks))


def true_north(text: StepText) -> float | None:
    """Return the turn of the model's x axis from true east, anticlockwise, in radians; None if the file is silent."""
    for context in text.find("IFCGEOMETRICREPRESENTATIONCONTEXT"):
        direction = text.get(context.get(5))
        ratios = direction.get(0) if direction is not None else None
        if isinstance(ratios, list) and len(ratios) >= 2 and all(isinstance(value, float) for value in ratios[:2]):
            return math.atan2(ratios[0], ratios[1]) if any(ratios[:2]) else 0.0
    return None
