"""Sources that lie nowhere, set beside the scene so that they can be looked at until somebody says their place.

They are loaded after everything else, to the east of the scene, files of one project in one frame. Every object says
so (`place_unknown`), and so do the titles of their layers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa

from scenes.problems import Problems
from scenes.schema import BOUNDS
from scenes.sources import Placement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenes.crew import Crew
    from scenes.errors import UnplacedError
    from scenes.loading import LoadContext
    from scenes.model import Batch, Layer
    from scenes.outcomes import Outcome
    from scenes.plan import Plan, Work

    Floats = NDArray[np.float64]

COLUMN = "place_unknown"
_FACT = "place"
_UNKNOWN = "unknown"
_GAP_M = 20.0
_GAP_SHARE = 0.05
_LEAST_COLUMN_M = 200.0
_LEVEL_M = (
    30.0  # a model that is drawn about its own zero stands on the ground with it, any other with its lowest point
)


def is_aside(outcome: Outcome) -> bool:
    """Say whether a source stands beside the scene because nobody says where it lies."""
    return outcome.facts.get(_FACT) == _UNKNOWN


def set_aside(plan: Plan, context: LoadContext, crew: Crew) -> None:
    """Load the unplaced sources of a plan beside what is there; those that cannot be loaded keep their error."""
    yard = _Yard.beside([batch for work in plan.works for _, batch in work.found])
    for group in _groups(plan.unplaced):
        tried = [work for work in group if _loads(plan, work, context, crew, np.zeros(3))]
        low, high = _box([batch for work in tried for _, batch in work.found])
        corner = np.zeros(3)
        if np.isfinite(low).all():  # how far it reaches is known now: loaded again, where there is room for it
            corner = yard.next(low, high)
            tried = [work for work in tried if _loads(plan, work, context, crew, corner)]
        for work in tried:
            _mark(work, context, corner, len(tried))
        plan.works += tried


@dataclass
class _Yard:
    """The free ground to the east of a scene, taken column by column from the south."""

    x_m: float
    south_m: float
    height_m: float
    level_m: float
    gap_m: float
    y_m: float
    width_m: float = 0.0

    @classmethod
    def beside(cls, batches: Sequence[Batch]) -> _Yard:
        low, high = _box(batches)
        if not np.isfinite(low).all():
            return cls(0.0, 0.0, _LEAST_COLUMN_M, 0.0, _GAP_M, 0.0)
        size = float((high - low)[:2].max())
        gap = max(_GAP_M, _GAP_SHARE * size)
        bottoms = np.concatenate([_bounds(batch)[:, 2] for batch in batches])
        tall = max(float(high[1] - low[1]), _LEAST_COLUMN_M)
        return cls(float(high[0]) + gap, float(low[1]), tall, float(np.nanmedian(bottoms)), gap, float(low[1]))

    def next(self, low: Floats, high: Floats) -> Floats:
        """Return how far a box moves, (3,) metres, to stand on the next free place."""
        width, depth = float(high[0] - low[0]), float(high[1] - low[1])
        if self.y_m > self.south_m and self.y_m + depth > self.south_m + self.height_m:
            self.x_m += self.width_m + self.gap_m
            self.y_m, self.width_m = self.south_m, 0.0
        lift = self.level_m if abs(float(low[2])) <= _LEVEL_M else self.level_m - float(low[2])
        move = np.array([self.x_m - float(low[0]), self.y_m - float(low[1]), lift])
        self.y_m += depth + self.gap_m
        self.width_m = max(self.width_m, width)
        return move


def _groups(works: Sequence[Work]) -> list[list[Work]]:
    """Return the sources by what lies in one frame, in their order."""
    found: dict[tuple[str, ...], list[Work]] = {}
    for work in works:
        together = cast("UnplacedError", work.outcome.error).together
        found.setdefault(together or (work.source.path,), []).append(work)
    return [*found.values()]


def _loads(plan: Plan, work: Work, context: LoadContext, crew: Crew, corner: Floats) -> bool:
    """Load a source at a local place; its findings start anew, what was said of its place stays."""
    outcome, facts = work.outcome, dict(work.outcome.facts)
    outcome.error, outcome.problems = None, Problems(outcome.problems.limit)
    placed = replace(outcome.source, place=_placement(context, corner))
    asked, outcome.source = outcome.source, placed
    plan.attempt(outcome, lambda: work.load(context, crew))
    outcome.source, outcome.facts = asked, facts
    return outcome.error is None


def _placement(context: LoadContext, corner: Floats) -> Placement:
    frame = context.georeference
    east, north, height = (float(value) for value in frame.origin_m + corner)
    return Placement(round(east, 3), round(north, 3), round(height, 3))


def _mark(work: Work, context: LoadContext, corner: Floats, count: int) -> None:
    """Say of a source, its layers and its objects that their place is unknown."""
    outcome, at = work.outcome, _placement(context, corner)
    work.found = [(_titled(layer), _flagged(batch)) for layer, batch in work.found]
    outcome.facts[_FACT] = _UNKNOWN
    what = "does not say where on Earth it lies"
    if np.isfinite(_box([batch for _, batch in work.found])[0]).all():
        where = {"easting_m": at.easting_m, "northing_m": at.northing_m, "height_m": at.height_m}
        outcome.facts["stands_at"] = {"crs": context.georeference.crs, **where}
        what = f"{what}: it stands beside the scene, not at its place"
        what = f"{what}, in one frame with {count - 1} others" if count > 1 else what
    advice = f"place it with --place {outcome.source.path.rsplit('/', 1)[-1]}=E,N,H,ANGLE"
    outcome.problems.add("warning", outcome.source.title, "place-unknown", what, advice)


def _titled(layer: Layer) -> Layer:
    english, chinese = layer.titles.get("en", layer.name), layer.titles.get("zh", layer.name)
    return replace(layer, titles={**layer.titles, "en": f"{english} (place unknown)", "zh": f"{chinese}（位置未知）"})


def _flagged(batch: Batch) -> Batch:
    if COLUMN in batch.table.column_names:
        return batch
    return replace(batch, table=batch.table.append_column(COLUMN, pa.array(np.ones(len(batch), bool))))


def _bounds(batch: Batch) -> Floats:
    """Return the bounds of the rows, (n, 6) local metres, NaN where there are none."""
    columns = [batch.table[name].to_numpy(zero_copy_only=False) for name in BOUNDS]
    return np.stack(columns, axis=1).astype(np.float64)


def _box(batches: Sequence[Batch]) -> tuple[Floats, Floats]:
    """Return the corners of the box around batches, NaN where nothing has a place."""
    every = np.concatenate([np.zeros((0, 6)), *map(_bounds, batches)])
    known = every[np.isfinite(every).all(axis=1)]
    if not len(known):
        return np.full(3, np.nan), np.full(3, np.nan)
    return known[:, :3].min(axis=0), known[:, 3:].max(axis=0)
