"""The georeferencing doctor: every hypothesis of a model weighed against the scene, the best taken, and said why."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bim.federation import apart_m, family_of, same_place, stated_by
from bim.hypotheses import against
from bim.placing import Placing
from bim.scoring import fitted
from scenes.sources import Placement, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bim.federation import Family, Member
    from bim.scoring import Fit
    from bim.statement import Georeferenced
    from bim.surroundings import Surroundings
    from scenes.georeference import Georeference
    from scenes.problems import Severity

_WORDS = {
    "explicit": "what you say",
    "map-conversion": "the map conversion",
    "rigid-operation": "the rigid operation",
    "property-set": "the property set ePSet_MapConversion",
    "placement": "projected coordinates inside the file",
    "site": "the latitude and longitude of the site",
    "sibling": "a model of the same project",
    "guess": "a guess",
    "tool-default": "the site, a default of its authoring tool",
}
_UNMEANT = ("tool-default", "guess", "placement")
_CONFIDENT = 0.7
_SAME_M = 30.0
_CONTRADICTION_M = 2_000.0
_WORTH_A_WORD = 0.05
_SUPPORT = 1.5
_STEP_M = 100.0


@dataclass(frozen=True)
class Hypothesis:
    """One place where the model may belong, with what speaks for it.

    Parameters
    ----------
    stated
        The statement.
    score
        Probability that it is right on its own, 0..1.
    confidence
        Probability beside all others, 0..1; those of one model add up to less than 1.
    reasons
        What was seen, a sentence part each.
    distance_m
        How far the model lies outside the scene.
    place
        The numbers for ``--place`` in `place_crs`.
    place_crs
        System of the scene, or the statement's own where there is no scene.
    """

    stated: Georeferenced
    score: float
    confidence: float
    reasons: tuple[str, ...]
    distance_m: float
    place: Placement
    place_crs: str

    @property
    def method(self) -> str:
        """Which kind of statement it is."""
        return self.stated.method

    @property
    def crs(self) -> str:
        """System of the statement."""
        return self.stated.crs

    @property
    def origin(self) -> tuple[float, float, float]:
        """The model's origin in that system, metres."""
        return (self.stated.easting_m, self.stated.northing_m, self.stated.height_m)

    @property
    def angle_deg(self) -> float:
        """Turn of the model's x axis from the system's east, anticlockwise."""
        return math.degrees(self.stated.angle_rad)

    @property
    def scale(self) -> float:
        """Metres on the map for a metre of the model."""
        return self.stated.scale

    @property
    def sentence(self) -> str:
        """What it is, in one sentence."""
        detail = f", {self.stated.detail}" if self.stated.detail else ""
        why = "; ".join(self.reasons)
        where = f"{self.crs} {self.origin[0]:.2f}, {self.origin[1]:.2f}" if len(self.crs) < 40 else "a local grid"
        return f"{_WORDS[self.method]} ({where}{detail}), confidence {self.confidence:.2f}{': ' if why else ''}{why}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        lonlat = self.stated.lonlat()
        return {
            "method": self.method,
            "detail": self.stated.detail,
            "crs": self.crs,
            "origin": list(self.origin),
            "angle_deg": self.angle_deg,
            "scale": self.scale,
            "vertical": self.stated.vertical,
            "longitude_latitude": list(lonlat) if lonlat else None,
            "score": round(self.score, 4),
            "confidence": round(self.confidence, 4),
            "distance_m": None if math.isnan(self.distance_m) else round(self.distance_m, 1),
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True)
class Report:
    """What the doctor found out about one file.

    Parameters
    ----------
    file
        The file as the user names it.
    hypotheses
        The most probable first; empty where the file says nothing that can be used.
    findings
        What is wrong with its statements: (rule, sentence).
    family
        Other files of the build that lie in one frame with it.
    sure
        Whether the file itself says the place that is taken; otherwise only its project's GlobalIds lead there.
    reach_m
        How far outside a scene a model still counts as a part of it; 0 where there is no scene.
    paths
        Paths of the files that lie in one frame, this one included.
    """

    file: str
    hypotheses: tuple[Hypothesis, ...] = ()
    findings: tuple[tuple[str, str], ...] = ()
    family: tuple[str, ...] = ()
    sure: bool = True
    reach_m: float = 0.0
    paths: tuple[str, ...] = ()

    @property
    def best(self) -> Hypothesis | None:
        """The hypothesis to take, None if there is none."""
        return self.hypotheses[0] if self.hypotheses else None

    @property
    def confidence(self) -> float:
        """Probability of the best one, 0 where there is none."""
        return self.best.confidence if self.best is not None else 0.0

    @property
    def is_outside(self) -> bool:
        """Whether even the best hypothesis lies outside the surroundings of the scene."""
        best = self.best
        return best is not None and self.reach_m > 0 and not best.distance_m <= self.reach_m

    def override(self, number: int = 0) -> str:
        """Return the option that puts the model where a hypothesis says."""
        chosen = self.hypotheses[number]
        at = chosen.place
        numbers = f"{at.easting_m:.3f},{at.northing_m:.3f},{at.height_m:.3f},{at.angle_deg:.4f}"
        return f"--place {Path(self.file).name}={numbers}"

    def verdict(self) -> tuple[Severity, str]:
        """Return how bad it is, and one sentence that says what was taken and why."""
        best = self.best
        if best is None:
            return "error", "does not say where on Earth it lies"
        alone = "its only" if len(self.hypotheses) == 1 else "its best"
        if self.is_outside:
            return "error", f"{alone} statement lies outside the scene: {best.sentence}"
        if best.method == "tool-default":
            return "error", f"was probably never placed; {alone} statement is {best.sentence}"
        rival = self._rival()
        if rival is not None:
            away = apart_m(best.stated, rival.stated) / 1000
            return "warning", f"placed by {best.sentence}; {_WORDS[rival.method]} says {away:.1f} km away"
        doubtful = best.confidence < _CONFIDENT or not self.sure
        return ("warning" if doubtful else "info"), f"placed by {best.sentence}"

    def _rival(self) -> Hypothesis | None:
        """Return the best other statement that was meant seriously and says quite another place."""
        serious = (
            other for other in self.hypotheses[1:] if other.method not in _UNMEANT and other.confidence >= _WORTH_A_WORD
        )
        return next(
            (each for each in serious if apart_m(self.hypotheses[0].stated, each.stated) > _CONTRADICTION_M), None
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        severity, sentence = self.verdict()
        return {
            "file": self.file,
            "severity": severity,
            "verdict": sentence,
            "confidence": round(self.confidence, 4),
            "family": list(self.family),
            "findings": [{"rule": rule, "message": message} for rule, message in self.findings],
            "hypotheses": [
                {**each.as_dict(), "override": self.override(number)} for number, each in enumerate(self.hypotheses)
            ],
        }


def judged(source: Source, sources: Sequence[Source], place: Surroundings) -> Report:
    """Return the report about one file of a build; files of one project are judged as one."""
    family = family_of(source, sources)
    mine = next(member for member in family.members if member.source == source)
    weighed = _weighed(family, mine, place)
    own = stated_by(mine, place.frame)
    sure = len(family.members) == 1 or any(same_place(weighed[0].stated, each) for each in own if weighed)
    others = tuple(member.name for member in family.members if member is not mine)
    paths = tuple(member.source.path for member in family.members)
    return Report(source.file.name, weighed, mine.said.faults, others, sure, place.reach_m, paths)


def _weighed(family: Family, mine: Member, place: Surroundings) -> tuple[Hypothesis, ...]:
    stated = family.stated(place.frame, mine)
    if not any(each.method == "explicit" for each in stated):
        guesses = [guess for member in family.members for guess in against(member.said, place)]
        stated += [each for each in guesses if not any(same_place(each, other) for other in stated)]
    outline = family.outline
    infrastructure = any(member.said.infrastructure for member in family.members)
    fits = [fitted(each, outline, place, infrastructure=infrastructure) for each in stated]
    confidences = _shared(stated, fits)
    found = [
        _hypothesis(each, fit, confidence, place.frame)
        for each, fit, confidence in zip(stated, fits, confidences, strict=True)
    ]
    return tuple(sorted(found, key=lambda each: -each.score))


def _shared(stated: list[Georeferenced], fits: list[Fit]) -> list[float]:
    """Return the probability of each statement beside the others: those of one place stand together."""
    places: list[list[int]] = []
    for number, each in enumerate(stated):
        same = (group for group in places if apart_m(stated[group[0]], each) <= _SAME_M)
        group = next(same, None)
        if group is None:
            places.append([number])
        else:
            group.append(number)
    total = 1.0
    odds = [0.0] * len(stated)
    for group in places:
        kinds = {stated[number].method for number in group}
        together = max(fits[number].odds for number in group) * (_SUPPORT if len(kinds) > 1 else 1.0)
        total += together
        for number in group:
            odds[number] = min(together, fits[number].odds * (_SUPPORT if len(kinds) > 1 else 1.0))
    return [each / total for each in odds]


def _hypothesis(stated: Georeferenced, fit: Fit, confidence: float, frame: Georeference | None) -> Hypothesis:
    score = fit.odds / (1.0 + fit.odds)
    place = placement(stated, frame)
    crs = stated.crs if frame is None else frame.crs
    return Hypothesis(stated, score, confidence, fit.reasons, fit.distance_m, place, crs)


def placement(stated: Georeferenced, frame: Georeference | None) -> Placement:
    """Return the numbers that put a model where a statement says, in the system of a scene or the statement's own."""
    if frame is None:
        return Placement(stated.easting_m, stated.northing_m, stated.height_m, math.degrees(stated.angle_rad))
    x, y, z = stated.centre_m
    here, ahead = Placing(replace(stated, scale=1.0), frame).apply([(x, y, z), (x + _STEP_M, y, z)])
    turn = math.atan2(ahead[1] - here[1], ahead[0] - here[0])
    east = here[0] + frame.easting_m - (math.cos(turn) * x - math.sin(turn) * y)
    north = here[1] + frame.northing_m - (math.sin(turn) * x + math.cos(turn) * y)
    numbers = np.nan_to_num([east, north, here[2] + frame.height_m - z, math.degrees(turn)])
    return Placement(*(float(number) for number in numbers))
