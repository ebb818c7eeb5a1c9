"""What a build does with the doctor's report: where the model goes, what is said about it, and when it stays out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from bim.georeferencing import judged
from bim.placing import Placing
from bim.surroundings import Surroundings
from scenes import vertical
from scenes.errors import GeoreferenceError, UnplacedError
from scenes.loading import Location

if TYPE_CHECKING:
    from bim.georeferencing import Report
    from bim.statement import Georeferenced
    from scenes.loading import LoadContext
    from scenes.sources import Source

_LISTED = 6
_FARTHEST_M = 500_000.0


def located(source: Source) -> Location | None:
    """Return where a model lies by its own statements alone, with how far they are trusted; None if it makes none."""
    if source.place is not None:
        return None
    best = judged(source, (source,), Surroundings()).best
    lonlat = best.stated.lonlat() if best is not None else None
    if best is None or lonlat is None:
        return None
    return Location(*lonlat, best.crs, best.confidence, best.stated.vertical)


def placed(source: Source, context: LoadContext) -> Placing:
    """Return how a model comes into the scene; what was decided goes into the problems and facts of the context.

    Raises
    ------
    GeoreferenceError
        When nobody says where the model lies, or all say a place outside the surroundings of the scene.
    """
    surroundings = Surroundings.of(context)
    report = judged(source, context.sources or (source,), surroundings)
    context.facts["georeference"] = report.as_dict()
    for rule, sentence in report.findings:
        context.problems.add(
            "warning", report.file, rule, sentence, "mend it in the authoring tool, or place the model"
        )
    option = f"--place {report.file}=E,N,H,ANGLE"
    if report.best is None:
        what = "does not say where on Earth it lies"
        raise UnplacedError(report.file, what, f"place it with {option}", report.paths)
    _, sentence = report.verdict()
    away = _away_m(report, context)
    if away > _FARTHEST_M:
        sentence = f"{sentence}; that is {away / 1000:.0f} km from the scene"
    if report.is_outside or away > _FARTHEST_M:
        if report.best.method == "tool-default":  # the tool wrote it, nobody said it
            raise UnplacedError(report.file, sentence, f"place it with {option}", report.paths)
        raise GeoreferenceError(report.file, sentence, f"place it with {option}")
    if source.place is None:
        _announce(report, context)
    stated = report.best.stated
    return Placing(_levelled(stated, report, context), context.georeference)


def _away_m(report: Report, context: LoadContext) -> float:
    """Return how far a model would lie from the origin of a scene that holds nothing yet; zero in any other case."""
    best = report.best
    if best is None or report.reach_m > 0 or best.method == "explicit":
        return 0.0
    x, y, _ = Placing(best.stated, context.georeference).apply([best.stated.centre_m])[0]
    return math.hypot(x, y) if math.isfinite(x) and math.isfinite(y) else math.inf


def _announce(report: Report, context: LoadContext) -> None:
    severity, sentence = report.verdict()
    best = report.hypotheses[0]
    lonlat = best.stated.lonlat()
    place = f"{lonlat[0]:.5f}, {lonlat[1]:.5f}" if lonlat else ""
    second = report.hypotheses[1] if len(report.hypotheses) > 1 else None
    if second is not None and second.method != "tool-default" and second.distance_m <= max(report.reach_m, 0.0):
        advice = f"if that is wrong: {report.override(1)}"
    else:
        advice = f"if that is wrong, change the numbers in {report.override(0)}"
    context.problems.add(severity, report.file, "georeference-choice", sentence, advice, place)
    for rule, remark in best.stated.remarks:
        if rule in ("georeference-unit", "georeference-scale", "georeference-axes", "georeference-crs"):
            context.problems.add("warning", report.file, rule, remark, "check the map conversion")
    for number, other in list(enumerate(report.hypotheses))[1 : _LISTED + 1]:
        context.problems.add(
            "info", report.file, "georeference-hypothesis", f"not taken: {other.sentence}", report.override(number)
        )


def _levelled(stated: Georeferenced, report: Report, context: LoadContext) -> Georeferenced:
    """Return a statement with its height in the vertical system of the scene."""
    lonlat = stated.lonlat()
    if not stated.vertical or lonlat is None:
        return stated
    vertical.report(context.georeference, stated.vertical, lonlat, report.file, context.problems)
    return replace(stated, height_m=stated.height_m + vertical.rise(context.georeference, stated.vertical, lonlat).by_m)
