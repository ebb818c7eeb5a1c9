"""The sources of a city on their way in: who reads each, and where they lie together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scenes.batches import finished, is_deferred, settled
from scenes.errors import CityTwinError, GeoreferenceError, LoadError, UnplacedError
from scenes.georeference import Georeference, is_metric
from scenes.loading import loader_for
from scenes.outcomes import Outcome
from scenes.paged import paged_batch
from scenes.problems import Problems
from scenes.sources import Placement, told_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scenes.crew import Crew, Limits
    from scenes.guard import Reader
    from scenes.loading import Ground, LoadContext, Loader, Location
    from scenes.model import Batch, Layer
    from scenes.sources import Source

    Found = list[tuple[Layer, Batch]]

NOWHERE = Georeference("+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +ellps=WGS84 +units=m +no_defs", 0.0, 0.0)
"""A metric grid at nought degrees, for files that lie nowhere."""
_NAMED = 12
_SURE = 0.9


@dataclass
class Work:
    """A source with the loader that reads it, where it is read, and what became of it."""

    outcome: Outcome
    loader: Loader
    reader: Reader
    found: Found = field(default_factory=list)
    is_ground: bool = False

    @property
    def source(self) -> Source:
        """What is read."""
        return self.outcome.source

    @property
    def stage(self) -> int:
        """When it is read: models that are fitted into what is there come later."""
        return int(getattr(self.loader, "stage", 0))

    @property
    def guarded(self) -> bool:
        """Whether it is read in another process."""
        return bool(getattr(self.loader, "guarded", False))

    def locate(self) -> Location | None:
        """Return where it lies, None if it does not say."""
        found: Location | None = (
            self.reader.value(self.loader, "locate", self.source) if self.guarded else self.loader.locate(self.source)
        )
        return found

    def surface(self, context: LoadContext) -> Ground | None:
        """Return the terrain that it is, None if it is something else."""
        mine = replace(context, problems=self.outcome.problems)
        if not self.guarded:
            return self.loader.surface(self.source, mine)
        found: Ground | None = self.reader.value(self.loader, "surface", self.source, mine)
        return found

    def load(self, context: LoadContext, crew: Crew, *, defer: bool = False, last: bool = False) -> None:
        """Read it; with `defer` the crew makes the geometry that the reader leaves to others.

        After the `last` source a lent reader process goes back to its crew as soon as everything is read.
        """
        mine = replace(context, problems=self.outcome.problems, facts=self.outcome.facts)
        if self.guarded:
            pairs = self.reader.items(self.loader, "load", self.source, mine, defer=defer)
            done = self.reader.give_back if last else None
            found = _with_geometry(_then(pairs, done), crew, self.reader.limits(self.source))
        else:
            found = [_set_down((layer, finished(batch))) for layer, batch in self.loader.load(self.source, mine)]
        if not self.is_ground and not any(len(batch) for _, batch in found):
            raise LoadError(self.source.shown, "no object was found in it", "see twin check for the reasons")
        self.found = found
        counts = Counter[str]()
        for layer, batch in found:
            counts[layer.name] += len(batch)
        self.outcome.layers = dict(counts)


def _then(pairs: Iterator[tuple[Layer, Batch]], done: Callable[[], None] | None) -> Iterator[tuple[Layer, Batch]]:
    """Yield everything, then say that it is done."""
    yield from pairs
    if done is not None:
        done()


def _set_down(pair: tuple[Layer, Batch]) -> tuple[Layer, Batch]:
    return pair[0], paged_batch(pair[1])


def _with_geometry(pairs: Iterator[tuple[Layer, Batch]], crew: Crew, limits: Limits) -> Found:
    """Return what a reader yields; the crew makes the geometry that the reader left to others."""
    found: list[tuple[Layer, Batch] | None] = []
    places: list[int] = []

    def left_to_others() -> Iterator[tuple[Layer, Batch]]:
        for pair in pairs:
            if is_deferred(pair):
                places.append(len(found))
                found.append(None)
                yield pair
            else:
                found.append(_set_down(pair))

    for number, pair in enumerate(crew.each(settled, left_to_others(), limits)):
        found[places[number]] = _set_down(pair)
    return [pair for pair in found if pair is not None]


@dataclass
class Plan:
    """The sources that can be used so far; the others carry their error when the caller said to go on.

    Those of the others that lie nowhere are `unplaced`: they could be loaded, if somebody says where to.
    """

    keep_going: bool
    outcomes: list[Outcome] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    unplaced: list[Work] = field(default_factory=list)

    def attempt(self, outcome: Outcome, work: Callable[[], Any]) -> Any:
        """Return what `work` returns, None where it failed and the rest shall go on."""
        try:
            return work()
        except CityTwinError as error:
            if not self.keep_going:
                raise
            outcome.error = error
            if isinstance(error, UnplacedError):
                self.unplaced += [each for each in self.works if each.outcome is outcome]
            self.works = [each for each in self.works if each.outcome is not outcome]
            return None

    def take(self, sources: Sequence[Source], pool: Sequence[Reader], problem_limit: int) -> None:
        """Find who reads each source, and share the sources out to the reader processes."""
        for number, source in enumerate(told_apart(sources)):
            outcome = Outcome(source, problems=Problems(problem_limit))
            self.outcomes.append(outcome)
            loader = self.attempt(outcome, lambda source=source: loader_for(source))  # type: ignore[misc]
            if loader is not None:
                outcome.loader = loader.name
                self.works.append(Work(outcome, loader, pool[number % len(pool)]))


def frame_of(plan: Plan, crs: str) -> Georeference:
    """Return a frame around the first source that is sure of its place, in `crs` if one is named.

    Raises
    ------
    GeoreferenceError
        When no source says where it lies.
    """
    works = sorted(plan.works, key=lambda work: work.stage)
    location = _most_trusted(plan, works)
    if location is not None:
        own = location.crs if location.crs and is_metric(location.crs) else ""
        frame = Georeference.around(location.longitude_deg, location.latitude_deg, crs or own)
        return frame if frame.vertical_datum else replace(frame, vertical_datum=location.vertical)
    for work in works:
        place = work.source.place
        if place is not None and crs:
            return Georeference(crs, float(round(place.easting_m, -2)), float(round(place.northing_m, -2)))
    raise GeoreferenceError(
        ", ".join(work.source.title for work in works[:_NAMED]) or "no source",
        "no file says where on Earth it lies",
        "name a system with --crs and place models with --place FILE=E,N,H,ANGLE",
    )


def local_grid(plan: Plan, crs: str) -> Georeference:
    """Return the frame of the sources, or if none of them lies anywhere a local grid with all of them at its zero."""
    trial = Plan(keep_going=True, outcomes=plan.outcomes, works=list(plan.works))
    try:
        frame = frame_of(trial, crs)
    except GeoreferenceError:
        for work in plan.works:
            lost = work.outcome
            lost.error = None
            lost.source = replace(lost.source, place=lost.source.place or Placement(0.0, 0.0))
            what, advice = "does not say where on Earth it lies", "name a system with --crs, or place it with --place"
            lost.problems.add("warning", lost.source.shown, "georeference-missing", what, advice)
        return NOWHERE
    for work in plan.works:
        if work.outcome.error is not None and not plan.keep_going:
            raise work.outcome.error
    plan.works = trial.works
    return frame


def _most_trusted(plan: Plan, works: Sequence[Work]) -> Location | None:
    """Return where the first source lies that is sure of it, else the surest of all."""
    best: Location | None = None
    for work in works:
        location = plan.attempt(work.outcome, work.locate)
        if location is not None and (best is None or location.trust > best.trust):
            best = location
            if best.trust >= _SURE:
                return best
    return best
