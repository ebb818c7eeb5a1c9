"""Several sources become one scene: where it lies, in which order they are read, and what is left out."""

from __future__ import annotations

import functools
import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scenes.errors import CityTwinError, GeoreferenceError, LoadError, UnsupportedError
from scenes.georeference import Georeference, parse_crs
from scenes.guard import readers
from scenes.loading import LoadContext, loader_for
from scenes.model import Scene
from scenes.problems import Problems
from scenes.sources import Source, told_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from scenes.guard import Reader
    from scenes.loading import Ground, Loader, Location
    from scenes.model import Batch, Layer


def _silent(_message: str, _share: float) -> None:
    return None


@dataclass
class _Work:
    """A source with the loader that reads it, and where it is read."""

    source: Source
    loader: Loader
    reader: Reader

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
        if not self.guarded:
            return self.loader.surface(self.source, context)
        found: Ground | None = self.reader.value(self.loader, "surface", self.source, context)
        return found

    def load(self, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        if not self.guarded:
            return self.loader.load(self.source, context)
        return self.reader.items(self.loader, "load", self.source, context)


@dataclass
class _Plan:
    """The sources that can be used so far; the others are in the problems when the caller said to go on."""

    problems: Problems
    keep_going: bool = False
    works: list[_Work] = field(default_factory=list)

    def attempt(self, source: Source, work: Callable[[], Any]) -> Any:
        """Return what `work` returns, None where it failed and the rest shall go on."""
        try:
            return work()
        except CityTwinError as error:
            if not self.keep_going:
                raise
            self.works = [each for each in self.works if each.source is not source]
            self.problems.add("error", source.shown, "source-left-out", f"left out: {error.what}", error.advice)
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
    return _frame([_Work(source, loader_for(source), readers(1)[0]) for source in sources], crs, _Plan(Problems()))


def _frame(works: Sequence[_Work], crs: str, plan: _Plan) -> Georeference:
    for work in sorted(works, key=lambda work: work.stage):
        location = plan.attempt(work.source, work.locate)
        if location is not None:
            own = location.crs if location.crs and parse_crs(location.crs).is_projected else ""
            return Georeference.around(location.longitude_deg, location.latitude_deg, crs or own)
    for work in works:
        place = work.source.place
        if place is not None and crs:
            return Georeference(crs, float(round(place.easting_m, -2)), float(round(place.northing_m, -2)))
    names = ", ".join(work.source.title for work in works[:12]) or "no source"
    raise GeoreferenceError(
        names,
        "no file says where on Earth it lies",
        "name a system with --crs and place models with --place FILE=E,N,H,ANGLE",
    )


def assemble(  # noqa: PLR0913 - each says one thing about the scene
    sources: Sequence[Source],
    *,
    georeference: Georeference | None = None,
    crs: str = "",
    name: str = "city",
    problems: Problems | None = None,
    progress: Callable[[str, float], None] = _silent,
    keep_going: bool = False,
    workers: int = 1,
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
    keep_going
        Leave out sources that cannot be loaded and say so in the problems, instead of stopping at the first.
    workers
        Sources that are read at the same time.

    Raises
    ------
    CityTwinError
        When a source cannot be loaded (with `keep_going` only when none can).
    """
    if not sources:
        raise UnsupportedError("no source", "there is nothing to load", "name at least one file")
    plan = _Plan(problems or Problems(), keep_going)
    pool = readers(max(1, workers))
    for number, source in enumerate(told_apart(sources)):
        loader = plan.attempt(source, functools.partial(loader_for, source))
        if loader is not None:
            plan.works.append(_Work(source, loader, pool[number % len(pool)]))
    names = [source.title for source in sources]
    if not plan.works:
        raise _nothing(names)
    context = LoadContext(georeference or _frame(plan.works, crs, plan), problems=plan.problems, progress=progress)
    for work in list(plan.works):
        surface = plan.attempt(work.source, functools.partial(work.surface, context))
        if surface is not None:
            context = replace(context, ground=surface)
    loaded = _loaded(plan, context, len(pool))
    if not loaded:
        raise _nothing(names)
    layers: dict[str, Layer] = {}
    batches: dict[str, list[Batch]] = {}
    for layer, batch in loaded:
        layers.setdefault(layer.name, layer)
        batches.setdefault(layer.name, []).append(batch.with_bounds())
    built: Mapping[str, Layer] = {key: layer.with_batches(batches[key]) for key, layer in layers.items()}
    return Scene(context.georeference, built, name=name, metadata={"sources": names})


def _loaded(plan: _Plan, context: LoadContext, workers: int) -> list[tuple[Layer, Batch]]:
    """Return everything that the sources hold, in the order of stages and sources."""
    found: list[tuple[Layer, Batch]] = []
    total, begun = len(plan.works), itertools.count()
    for stage in sorted({work.stage for work in plan.works}):
        here = replace(context, loaded=tuple(found))
        works = [work for work in plan.works if work.stage == stage]
        lanes: dict[int, list[_Work]] = {}
        for work in works:
            lanes.setdefault(id(work.reader), []).append(work)
        batches: dict[int, list[tuple[Layer, Batch]]] = {}

        def run(lane: list[_Work], here: LoadContext = here, batches: dict[int, Any] = batches) -> None:
            for work in lane:
                context.progress(f"loading {work.source.title}", next(begun) / total)
                read = functools.partial(_everything, work, here)
                batches[id(work)] = plan.attempt(work.source, read) or []

        with ThreadPoolExecutor(max(1, min(workers, len(lanes)))) as pool:
            list(pool.map(run, lanes.values()))
        found += [pair for work in works for pair in batches[id(work)]]
    return found


def _everything(work: _Work, context: LoadContext) -> list[tuple[Layer, Batch]]:
    return list(work.load(context))


def _nothing(names: Sequence[str]) -> LoadError:
    return LoadError(", ".join(names[:12]), "no object was found", "see twin check for the reasons")
