"""Several sources become one scene: where it lies, in which order they are read, and what is left out."""

from __future__ import annotations

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scenes.errors import CityTwinError, GeoreferenceError, LoadError, UnsupportedError
from scenes.georeference import Georeference, is_metric
from scenes.guard import readers
from scenes.loading import LoadContext, loader_for, reviews
from scenes.model import Scene
from scenes.problems import Problems
from scenes.sources import Placement, Source, told_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scenes.guard import Reader
    from scenes.loading import Ground, Loader, Location
    from scenes.model import Batch, Layer

    Found = list[tuple[Layer, Batch]]

NOWHERE = Georeference("+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +ellps=WGS84 +units=m +no_defs", 0.0, 0.0)
"""A metric grid at nought degrees, for files that lie nowhere."""
_NAMED = 12
_SURE = 0.9


def _silent(_message: str, _share: float) -> None:
    return None


@dataclass
class Outcome:
    """What became of one source.

    Parameters
    ----------
    source
        The source.
    loader
        Name of the loader that read it, empty if nobody does.
    layers
        Objects that it brought to each layer.
    problems
        What was found wrong with it.
    error
        Why it was left out, None if it was not.
    facts
        What its loader decided about it, such as ``georeference``.
    """

    source: Source
    loader: str = ""
    layers: dict[str, int] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)
    error: CityTwinError | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def objects(self) -> int:
        """Objects that it brought."""
        return sum(self.layers.values())

    @property
    def state(self) -> str:
        """``left out``, ``errors``, ``warnings`` or ``sound``: the worst that was found."""
        if self.error is not None:
            return "left out"
        found = {problem.severity for problem in self.problems.listed()}
        return "errors" if "error" in found else "warnings" if "warning" in found else "sound"

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as a plain dictionary for JSON."""
        why = {} if self.error is None else {"why": self.error.what, "advice": self.error.advice}
        return {
            "source": self.source.shown,
            "loader": self.loader,
            "state": self.state,
            "objects": self.objects,
            "layers": self.layers,
            "findings": self.problems.totals(),
            **self.facts,
            **why,
        }


@dataclass(frozen=True)
class Assembly:
    """What `gather` brings: the scene (None when nothing could be loaded), and the outcome of each source."""

    scene: Scene | None
    outcomes: tuple[Outcome, ...]


@dataclass
class _Work:
    """A source with the loader that reads it, where it is read, and what became of it."""

    outcome: Outcome
    loader: Loader
    reader: Reader
    found: Found = field(default_factory=list)
    is_ground: bool = False

    @property
    def source(self) -> Source:
        return self.outcome.source

    @property
    def stage(self) -> int:
        return int(getattr(self.loader, "stage", 0))

    @property
    def guarded(self) -> bool:
        return bool(getattr(self.loader, "guarded", False))

    def locate(self) -> Location | None:
        found: Location | None = (
            self.reader.value(self.loader, "locate", self.source) if self.guarded else self.loader.locate(self.source)
        )
        return found

    def surface(self, context: LoadContext) -> Ground | None:
        mine = replace(context, problems=self.outcome.problems)
        if not self.guarded:
            return self.loader.surface(self.source, mine)
        found: Ground | None = self.reader.value(self.loader, "surface", self.source, mine)
        return found

    def load(self, context: LoadContext) -> None:
        mine = replace(context, problems=self.outcome.problems, facts=self.outcome.facts)
        pairs: Iterator[tuple[Layer, Batch]] = (
            self.reader.items(self.loader, "load", self.source, mine)
            if self.guarded
            else self.loader.load(self.source, mine)
        )
        found = [(layer, batch.with_bounds()) for layer, batch in pairs]
        if not self.is_ground and not any(len(batch) for _, batch in found):
            raise LoadError(self.source.shown, "no object was found in it", "see twin check for the reasons")
        self.found = found
        counts = Counter[str]()
        for layer, batch in found:
            counts[layer.name] += len(batch)
        self.outcome.layers = dict(counts)


@dataclass
class _Plan:
    """The sources that can be used so far; the others carry their error when the caller said to go on."""

    keep_going: bool
    outcomes: list[Outcome] = field(default_factory=list)
    works: list[_Work] = field(default_factory=list)

    def attempt(self, outcome: Outcome, work: Callable[[], Any]) -> Any:
        """Return what `work` returns, None where it failed and the rest shall go on."""
        try:
            return work()
        except CityTwinError as error:
            if not self.keep_going:
                raise
            outcome.error = error
            self.works = [each for each in self.works if each.outcome is not outcome]
            return None


def choose_georeference(sources: Sequence[Source], crs: str = "") -> Georeference:
    """Return a frame around the first source that says where it lies, in `crs` if one is named.

    Maps are asked before building models, whose statements are often wrong. A placement counts when `crs` is
    named, since it has no system of its own.

    Raises
    ------
    GeoreferenceError
        When no source says where it lies.
    """
    works = [_Work(Outcome(source), loader_for(source), readers(1)[0]) for source in sources]
    return _frame(_Plan(keep_going=False, works=works), crs)


def _frame(plan: _Plan, crs: str) -> Georeference:
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


def _local_grid(plan: _Plan, crs: str) -> Georeference:
    """Return the frame of the sources, or if none of them lies anywhere a local grid with all of them at its zero."""
    trial = _Plan(keep_going=True, outcomes=plan.outcomes, works=list(plan.works))
    try:
        frame = _frame(trial, crs)
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


def _most_trusted(plan: _Plan, works: Sequence[_Work]) -> Location | None:
    """Return where the first source lies that is sure of it, else the surest of all."""
    best: Location | None = None
    for work in works:
        location = plan.attempt(work.outcome, work.locate)
        if location is not None and (best is None or location.trust > best.trust):
            best = location
            if best.trust >= _SURE:
                return best
    return best


def assemble(
    sources: Sequence[Source],
    *,
    georeference: Georeference | None = None,
    crs: str = "",
    name: str = "city",
    problems: Problems | None = None,
    progress: Callable[[str, float], None] = _silent,
) -> Scene:
    """Load sources into one scene: terrain first, then maps on it, then models that are fitted into them.

    Parameters
    ----------
    sources
        What to load.
    georeference, crs
        Frame of the scene, or the system in which one is made around the first source that lies somewhere.
    name
        Name of the scene.
    problems
        Collects what was found wrong.
    progress
        Called with a text and a share from 0 to 1.

    Raises
    ------
    CityTwinError
        When a source cannot be loaded.
    """
    made = gather(sources, georeference=georeference, crs=crs, name=name, progress=progress)
    for outcome in made.outcomes:
        if problems is not None:
            problems.merge(outcome.problems)
    if made.scene is None:
        raise nothing_found(sources)
    return made.scene


def gather(  # noqa: PLR0913 - each says one thing about the scene
    sources: Sequence[Source],
    *,
    georeference: Georeference | None = None,
    crs: str = "",
    name: str = "city",
    progress: Callable[[str, float], None] = _silent,
    keep_going: bool = False,
    workers: int = 1,
    problem_limit: int = 20,
    geoid: str = "",
    local: bool = False,
) -> Assembly:
    """Load sources as `assemble` does, and tell what became of each.

    Parameters
    ----------
    sources, georeference, crs, name, progress
        As in `assemble`.
    keep_going
        Leave out sources that cannot be loaded instead of stopping at the first.
    workers
        Sources that are read at the same time.
    problem_limit
        Findings of one rule that are kept one by one for each source.
    geoid
        Grid of undulations between heights above the ellipsoid and the heights of the scene (`scenes.vertical`).
    local
        Put everything at the zero of a local metric grid when no source says where on Earth it lies.

    Raises
    ------
    CityTwinError
        When a source cannot be loaded; with `keep_going` only when the scene would lie nowhere.
    """
    if not sources:
        raise UnsupportedError("no source", "there is nothing to load", "name at least one file")
    plan = _planned(sources, keep_going=keep_going, workers=workers, problem_limit=problem_limit)
    if not plan.works:
        return Assembly(None, tuple(plan.outcomes))
    frame = georeference or (_local_grid(plan, crs) if local else _frame(plan, crs))
    frame = replace(frame, geoid=geoid) if geoid else frame
    everything = tuple(outcome.source for outcome in plan.outcomes)
    context = LoadContext(frame, progress=progress, sources=everything)
    for work in list(plan.works):
        surface = plan.attempt(work.outcome, lambda work=work, context=context: work.surface(context))  # type: ignore[misc]
        if surface is not None:
            work.is_ground = True
            context = replace(context, ground=surface)
    _load_all(plan, context, workers)
    batches: dict[str, list[Batch]] = {}
    layers: dict[str, Layer] = {}
    for layer, batch in (pair for work in sorted(plan.works, key=lambda work: work.stage) for pair in work.found):
        layers.setdefault(layer.name, layer)
        batches.setdefault(layer.name, []).append(batch)
    if not batches:
        return Assembly(None, tuple(plan.outcomes))
    built: Mapping[str, Layer] = {key: layer.with_batches(batches[key]) for key, layer in layers.items()}
    titles = [source.title for source in sources]
    scene = Scene(context.georeference, built, name=name, metadata={"sources": titles})
    _review(scene, plan.outcomes)
    return Assembly(scene, tuple(plan.outcomes))


def _review(scene: Scene, outcomes: Sequence[Outcome]) -> None:
    """Add to each outcome what its source contradicts the others in."""
    loaded = [outcome for outcome in outcomes if outcome.error is None]
    for review in reviews() if len(loaded) > 1 else ():
        for problem in review(scene, [outcome.source for outcome in loaded]):
            about = next((each for each in loaded if each.source.title == problem.object), loaded[0])
            about.problems.extend([problem])


def _planned(sources: Sequence[Source], *, keep_going: bool, workers: int, problem_limit: int) -> _Plan:
    plan = _Plan(keep_going)
    pool = readers(max(1, workers))
    for number, source in enumerate(told_apart(sources)):
        outcome = Outcome(source, problems=Problems(problem_limit))
        plan.outcomes.append(outcome)
        loader = plan.attempt(outcome, lambda source=source: loader_for(source))  # type: ignore[misc]
        if loader is not None:
            outcome.loader = loader.name
            plan.works.append(_Work(outcome, loader, pool[number % len(pool)]))
    return plan


def _load_all(plan: _Plan, context: LoadContext, workers: int) -> None:
    """Load stage by stage; within one, each reader process works through its own sources."""
    total, begun = len(plan.works), itertools.count()
    for stage in sorted({work.stage for work in plan.works}):
        here = replace(context, loaded=tuple(pair for work in plan.works for pair in work.found))
        lanes: dict[int, list[_Work]] = {}
        for work in plan.works:
            if work.stage == stage and not _dresses(work):
                lanes.setdefault(id(work.reader), []).append(work)

        def run(lane: list[_Work], here: LoadContext = here) -> None:
            for work in lane:
                context.progress(f"loading {work.source.title}", next(begun) / total)
                plan.attempt(work.outcome, lambda work=work: work.load(here))  # type: ignore[misc]

        with ThreadPoolExecutor(max(1, min(workers, len(lanes)))) as pool:
            list(pool.map(run, lanes.values()))
        for work in [each for each in plan.works if each.stage == stage and _dresses(each)]:
            context.progress(f"loading {work.source.title}", next(begun) / total)
            plan.attempt(work.outcome, lambda work=work: _dress(plan, work, context))  # type: ignore[misc]


def _dresses(work: _Work) -> bool:
    return hasattr(work.loader, "dress")


def _dress(plan: _Plan, work: _Work, context: LoadContext) -> None:
    """Let a source change what is there already, such as an image that lies on a terrain; else load it by itself."""
    places = [(owner, number) for owner in plan.works for number in range(len(owner.found))]
    loaded = tuple(owner.found[number] for owner, number in places)
    here = replace(context, loaded=loaded, problems=work.outcome.problems, facts=work.outcome.facts)
    changed: dict[int, Batch] = work.loader.dress(work.source, here)  # type: ignore[attr-defined]
    for place, batch in changed.items():
        owner, number = places[place]
        owner.found[number] = (loaded[place][0], batch)
    if changed:
        work.outcome.facts["laid_on"] = sorted({loaded[place][0].name for place in changed})
    else:
        work.load(here)


def nothing_found(sources: Sequence[Source]) -> LoadError:
    """Return the error for sources that together hold no object."""
    names = ", ".join(source.title for source in sources[:_NAMED])
    return LoadError(names, "no object was found", "see twin check for the reasons")
