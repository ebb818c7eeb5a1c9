"""Several sources become one scene: where it lies, in which order they are read, and what is left out.

Import order: worker <- guard, crew <- plan <- aside <- assembly.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from scenes.aside import is_aside, set_aside
from scenes.crew import Alone
from scenes.errors import LoadError, UnsupportedError
from scenes.guard import Reader, readers
from scenes.loading import LoadContext, loader_for, reviews
from scenes.model import Scene
from scenes.outcomes import Assembly, Outcome
from scenes.plan import Plan, Work, frame_of, local_grid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scenes.crew import Crew
    from scenes.georeference import Georeference
    from scenes.model import Batch, Layer
    from scenes.problems import Problems
    from scenes.sources import Source

_NAMED = 12


def _silent(_message: str, _share: float) -> None:
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
    works = [Work(Outcome(source), loader_for(source), readers(1)[0]) for source in sources]
    return frame_of(Plan(keep_going=False, works=works), crs)


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
    crew: Crew | None = None,
    problem_limit: int = 20,
    geoid: str = "",
    local: bool = False,
    aside: bool = False,
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
    crew
        Whose processes read, and make the geometry of large maps (`scenes.crew`); default: each source is read and
        its geometry made in one process.
    problem_limit
        Findings of one rule that are kept one by one for each source.
    geoid
        Grid of undulations between heights above the ellipsoid and the heights of the scene (`scenes.vertical`).
    local
        Put everything at the zero of a local metric grid when no source says where on Earth it lies.
    aside
        With `keep_going`, set sources that lie nowhere beside the scene instead of leaving them out (`scenes.aside`).

    Raises
    ------
    CityTwinError
        When a source cannot be loaded; with `keep_going` only when the scene would lie nowhere.
    """
    if not sources:
        raise UnsupportedError("no source", "there is nothing to load", "name at least one file")
    plan, hands = Plan(keep_going), crew or Alone()
    with hands.lent(min(workers, len(sources))) as lent:
        pool = [Reader(loan=each) for each in lent] or readers(max(1, min(workers, len(sources))))
        plan.take(sources, pool, problem_limit)
        if not plan.works:
            return Assembly(None, tuple(plan.outcomes))
        frame = georeference or (local_grid(plan, crs) if local else frame_of(plan, crs))
        frame = replace(frame, geoid=geoid) if geoid else frame
        everything = tuple(outcome.source for outcome in plan.outcomes)
        context = _with_ground(plan, LoadContext(frame, progress=progress, sources=everything))
        _load_all(plan, context, hands, len(pool))
        if aside:
            set_aside(plan, context, hands)
    scene = _joined(plan, context, name)
    if scene is not None:
        _review(scene, plan.outcomes)
    return Assembly(scene, tuple(plan.outcomes))


def _with_ground(plan: Plan, context: LoadContext) -> LoadContext:
    """Return the context with the terrain among the sources."""
    for work in list(plan.works):
        surface = plan.attempt(work.outcome, lambda work=work, context=context: work.surface(context))  # type: ignore[misc]
        if surface is not None:
            work.is_ground = True
            context = replace(context, ground=surface)
    return context


def _joined(plan: Plan, context: LoadContext, name: str) -> Scene | None:
    """Return the scene of everything that was read, None if that is nothing."""
    batches: dict[str, list[Batch]] = {}
    layers: dict[str, Layer] = {}
    for layer, batch in (pair for work in sorted(plan.works, key=lambda work: work.stage) for pair in work.found):
        layers.setdefault(layer.name, layer)
        batches.setdefault(layer.name, []).append(batch)
    if not batches:
        return None
    built: Mapping[str, Layer] = {key: layer.with_batches(batches[key]) for key, layer in layers.items()}
    titles = [outcome.source.title for outcome in plan.outcomes]
    metadata = {"sources": titles}
    lost = [outcome.source.title for outcome in plan.outcomes if is_aside(outcome)]
    return Scene(context.georeference, built, name=name, metadata=metadata | ({"place_unknown": lost} if lost else {}))


def _review(scene: Scene, outcomes: Sequence[Outcome]) -> None:
    """Add to each outcome what its source contradicts the others in."""
    loaded = [outcome for outcome in outcomes if outcome.error is None and not is_aside(outcome)]
    for review in reviews() if len(loaded) > 1 else ():
        for problem in review(scene, [outcome.source for outcome in loaded]):
            about = next((each for each in loaded if each.source.title == problem.object), loaded[0])
            about.problems.extend([problem])


def _load_all(plan: Plan, context: LoadContext, crew: Crew, reading: int) -> None:
    """Load stage by stage; within one, each reader process works through its own sources."""
    total, begun = len(plan.works), itertools.count()
    for stage in sorted({work.stage for work in plan.works}):
        here = replace(context, loaded=tuple(pair for work in plan.works for pair in work.found))
        lanes: dict[int, list[Work]] = {}
        for work in plan.works:
            if work.stage == stage and not _dresses(work):
                lanes.setdefault(id(work.reader), []).append(work)

        idle = crew.size > max(reading, 1)

        def run(lane: list[Work], here: LoadContext = here, idle: bool = idle) -> None:
            for number, work in enumerate(lane, start=1):
                context.progress(f"loading {work.source.title}", next(begun) / total)
                load = partial(work.load, here, crew, defer=idle, last=number == len(lane))
                plan.attempt(work.outcome, load)

        with ThreadPoolExecutor(max(1, len(lanes))) as pool:
            list(pool.map(run, lanes.values()))
        for work in [each for each in plan.works if each.stage == stage and _dresses(each)]:
            context.progress(f"loading {work.source.title}", next(begun) / total)
            plan.attempt(work.outcome, lambda work=work: _dress(plan, work, context, crew))  # type: ignore[misc]


def _dresses(work: Work) -> bool:
    return hasattr(work.loader, "dress")


def _dress(plan: Plan, work: Work, context: LoadContext, crew: Crew) -> None:
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
        work.load(here, crew)


def nothing_found(sources: Sequence[Source]) -> LoadError:
    """Return the error for sources that together hold no object."""
    names = ", ".join(source.title for source in sources[:_NAMED])
    return LoadError(names, "no object was found", "see twin check for the reasons")
