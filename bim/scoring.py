"""How well a statement fits the place: evidence, each with a weight and a sentence.

Weights are natural logarithms of odds. A statement starts from how often its kind is right; what is seen at the place
is added. Statements that mean the same place support each other, those that mean different places share the trust.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from bim.placing import Placing

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from bim.outline import Outline
    from bim.statement import Georeferenced
    from bim.surroundings import Surroundings

    Floats = NDArray[np.float64]

# How often a statement of a kind is right when nothing else is known.
PRIORS = {
    "explicit": 0.97,
    "map-conversion": 0.9,
    "rigid-operation": 0.85,
    "property-set": 0.75,
    "placement": 0.6,
    "site": 0.5,
    "sibling": 0.5,
    "guess": 0.2,
    "tool-default": 0.02,
}
_DOUBTS = {
    "georeference-north": -0.1,
    "georeference-rough": -1.0,
    "georeference-unit": -0.3,
    "georeference-axes": -1.5,
    "georeference-twice": -3.0,
}
_DISTANCES = ((0.0, 1.0), (1_000.0, 0.3), (5_000.0, -0.3), (20_000.0, -2.0), (100_000.0, -4.0))
_FARTHEST = -6.0
_FILLS = ((0.6, 3.0), (0.35, 1.8), (0.15, 0.6))
_HEIGHTS = ((2.0, 0.8), (8.0, 0.0), (30.0, -0.8))
_BUILDINGS = ("Building", "BuildingPart")
_MARGIN_M = 30.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation: what it adds to the logarithm of the odds, and a sentence for people."""

    weight: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Fit:
    """A statement weighed against a place.

    Parameters
    ----------
    odds
        Odds that it is right, on its own.
    reasons
        What spoke for and against it.
    distance_m
        How far its model lies outside the scene; NaN where it has no place in the scene's system.
    """

    odds: float
    reasons: tuple[str, ...]
    distance_m: float


def fitted(stated: Georeferenced, outline: Outline, place: Surroundings, *, infrastructure: bool = False) -> Fit:
    """Return how well a statement fits, by its kind and by what is at the place."""
    prior = PRIORS[stated.method]
    found = [Evidence(math.log(prior / (1 - prior)), "")]
    found += [Evidence(_DOUBTS[rule], sentence) for rule, sentence in stated.remarks if rule in _DOUBTS]
    distance = 0.0
    if place.frame is not None and place.bounds is not None:
        local = Placing(stated, place.frame).apply(outline.points_m if len(outline.points_m) else [stated.centre_m])
        middle = (local[:, :2].min(axis=0) + local[:, :2].max(axis=0)) / 2
        if not np.isfinite(local).all():
            return Fit(0.0, ("it has no place in the scene's system",), math.nan)
        distance = place.distance_m(*middle)
        found.append(_distance(distance))
        if distance <= place.reach_m:
            found += _at_place(local, outline, place, infrastructure=infrastructure)
    odds = math.exp(min(sum(each.weight for each in found), 12.0))
    reasons = tuple(each.sentence for each in found if each.sentence)
    return Fit(odds, reasons, distance)


def _distance(distance_m: float) -> Evidence:
    weight = next((weight for limit, weight in _DISTANCES if distance_m <= limit), _FARTHEST)
    if distance_m == 0:
        return Evidence(weight, "it lies inside the scene")
    shown = f"{distance_m / 1000:.0f} km" if distance_m >= 10_000 else f"{distance_m / 1000:.1f} km"
    return Evidence(weight, f"it lies {shown} outside the scene")


def _at_place(local: Floats, outline: Outline, place: Surroundings, *, infrastructure: bool) -> list[Evidence]:
    low, high = local[:, :2].min(axis=0) - _MARGIN_M, local[:, :2].max(axis=0) + _MARGIN_M
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    middle = shapely.Point((low + high) / 2)
    found = _district(middle, box, place)
    plan = outline.plan(local[:, :2])
    shapes, lowest = place.plans(box, *_BUILDINGS)
    partner = None
    if plan is not None:
        partner, evidence = _filling(plan, shapes, place, box, infrastructure=infrastructure)
        found += evidence
    base = place.ground_at(middle.x, middle.y)
    if not math.isfinite(base) and partner is not None:
        base = float(lowest[partner])
    if math.isfinite(base):
        found.append(_height(local, base))
    return found


def _district(middle: shapely.Point, box: tuple[float, float, float, float], place: Surroundings) -> list[Evidence]:
    if not place.has("District"):
        return []
    shapes, _ = place.plans(box, "District")
    within = len(shapes) > 0 and bool(shapely.intersects(shapes, middle).any())
    return [Evidence(0.3, "inside a district") if within else Evidence(-0.7, "outside every district")]


def _filling(
    plan: BaseGeometry,
    shapes: NDArray[np.object_],
    place: Surroundings,
    box: tuple[float, float, float, float],
    *,
    infrastructure: bool,
) -> tuple[int | None, list[Evidence]]:
    """Return the footprint that the plan fills best (None if none), and what that means."""
    if len(shapes):
        common = shapely.area(shapely.intersection(shapes, plan))
        shares = common / (shapely.area(shapes) + plan.area - common)
        best = int(shares.argmax())
        for limit, weight in _FILLS:
            if shares[best] >= limit:
                sentence = f"it covers a building's footprint to {shares[best]:.0%}"
                return best, [Evidence(weight, sentence), *_angle(plan, shapes[best])]
        covered = shapely.intersection(shapely.union_all(shapes), plan).area / plan.area
        if covered > 0.3:
            return best, [Evidence(-0.8, "it lies across buildings that it does not fill")]
    for kind, weight, word in (("WaterBody", -2.0, "on water"), ("Road", -1.0, "on a road")):
        under, _ = place.plans(box, kind)
        if not infrastructure and len(under):
            share = shapely.intersection(shapely.union_all(under), plan).area / plan.area
            if share > 0.4:
                return None, [Evidence(weight, f"it stands {word}")]
    return None, [Evidence(0.0, "it stands where the scene has no building")]


def _angle(plan: BaseGeometry, footprint: BaseGeometry) -> list[Evidence]:
    """Return whether the main axes of a plan and a footprint are parallel; nothing where one has no clear axis."""
    off = abs((_axis_deg(plan) - _axis_deg(footprint) + 45.0) % 90.0 - 45.0)
    if not math.isfinite(off):
        return []
    if off <= 3.0:
        return [Evidence(0.7, "it is turned as the footprint is")]
    return [Evidence(-0.7, f"it is turned {off:.0f} degrees from the footprint")] if off > 10.0 else []


def _axis_deg(shape: BaseGeometry) -> float:
    around = shapely.oriented_envelope(shape)
    if around.geom_type != "Polygon":
        return math.nan
    corners = shapely.get_coordinates(around)[:3]
    along = max((corners[1] - corners[0], corners[2] - corners[1]), key=lambda side: float(np.hypot(*side)))
    return math.degrees(math.atan2(along[1], along[0]))


def _height(local: Floats, base: float) -> Evidence:
    """Weigh how far the lowest point, or the lowest storey above a cellar, is from the ground."""
    off = min(abs(float(np.percentile(local[:, 2], share)) - base) for share in (0, 10, 25))
    weight = next((weight for limit, weight in _HEIGHTS if off <= limit), -2.0)
    return Evidence(weight, f"its base is {off:.1f} m from the ground")
