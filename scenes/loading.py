"""The seam to the loaders: what a loader is asked and gives, and how it is found.

Loaders register in the entry point group ``scenes.loaders``; the ground floor never imports them.
Import order: sources <- loading <- guard <- assembly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from scenes.errors import LoadError, MissingSourceError, UnsupportedError
from scenes.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from scenes.georeference import Georeference
    from scenes.model import Batch, Layer, Scene
    from scenes.problems import Problem
    from scenes.sources import Source


class Ground(Protocol):
    """Gives the height of the terrain."""

    def heights(self, x_m: ArrayLike, y_m: ArrayLike) -> NDArray[np.float64]:
        """Return local z in metres at local places; NaN outside."""


class FlatGround:
    """The ground where there is no terrain: local zero everywhere."""

    def heights(self, x_m: ArrayLike, y_m: ArrayLike) -> NDArray[np.float64]:
        """Return zeros in the shape of `x_m`."""
        return np.zeros_like(np.asarray(x_m, dtype=np.float64) + np.asarray(y_m, dtype=np.float64))


def _silent(_message: str, _share: float) -> None:
    return None


@dataclass(frozen=True, slots=True)
class LoadContext:
    """What a loader may use.

    Parameters
    ----------
    georeference
        Frame of the scene.
    ground
        The terrain, if any was given.
    problems
        Collects what is wrong with the source.
    progress
        Called with a text and a share from 0 to 1.
    loaded
        What earlier stages brought: layers (without batches) and their batches. Empty for guarded loaders.
    sources
        Every source of the build, so that files of one project are placed together.
    facts
        Where a loader writes what it decided about its source, as plain data for JSON (not from guarded loaders).
    """

    georeference: Georeference
    ground: Ground = field(default_factory=FlatGround)
    problems: Problems = field(default_factory=Problems)
    progress: Callable[[str, float], None] = _silent
    loaded: tuple[tuple[Layer, Batch], ...] = ()
    sources: tuple[Source, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Location:
    """Where a source lies, found without loading it.

    `crs` is the projected system that suits it best, empty if it has none of its own; `trust` (0..1) says how sure
    the place is, `vertical` in which system its heights are (`scenes.vertical`).
    """

    longitude_deg: float
    latitude_deg: float
    crs: str = ""
    trust: float = 1.0
    vertical: str = ""


@runtime_checkable
class Loader(Protocol):
    """Reads one family of formats. Making one does no work; `supports` looks at the name and a few bytes.

    Two class attributes are optional. ``guarded = True`` has every call but `supports` made in a reader process
    with limits of memory and time (`scenes.guard`), for libraries that a broken file can crash; such a loader must
    pickle. ``stage`` (0 by default) orders the work: models that must be fitted into what is there already say 1.
    A loader with a method ``dress(source, context) -> dict[int, Batch]`` may change batches that are there already (by
    their place in ``context.loaded``), as an image laid on a terrain does; only if it changes none is it loaded.
    """

    name: str

    def supports(self, source: Source) -> bool:
        """Say whether this loader reads the source; must not open more than its head."""

    def locate(self, source: Source) -> Location | None:
        """Return where the source lies, None if it does not say."""

    def surface(self, source: Source, context: LoadContext) -> Ground | None:
        """Return the terrain that the source is, None if it is something else."""

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield batches, each with the layer (without batches) that it belongs to.

        Raises
        ------
        SourceError
            With one sentence when nothing can be loaded; smaller troubles go to ``context.problems``.
        """


def loaders() -> list[Loader]:
    """Return every installed loader, by name."""
    return [make() for make in _installed()]


@cache
def _installed() -> tuple[Callable[[], Loader], ...]:
    """Return what makes each loader; looked up once, since asking for entry points reads every package's list."""
    found = sorted(entry_points(group="scenes.loaders"), key=lambda point: point.name)
    return tuple(point.load() for point in found)


def reviews() -> list[Callable[[Scene, Sequence[Source]], list[Problem]]]:
    """Return what looks at a whole scene for what its sources contradict each other in, by name.

    They register in the entry point group ``scenes.reviews``; a finding names the title of the source it is about.
    """
    found = sorted(entry_points(group="scenes.reviews"), key=lambda point: point.name)
    return [point.load() for point in found]


def loader_for(source: Source) -> Loader:
    """Return the loader that reads a source.

    Raises
    ------
    MissingSourceError, UnsupportedError
        When the file is not there, or nobody reads it.
    """
    if not source.is_remote:
        if not source.file.exists():
            raise MissingSourceError(source.path, "there is no such file", "check the path")
        if source.file.is_file() and source.file.stat().st_size == 0:
            raise LoadError(source.path, "the file is empty", "export it again")
    for loader in loaders():
        if loader.supports(source):
            return loader
    what = "addresses of this kind" if source.is_remote else source.suffix or "files without an extension"
    raise UnsupportedError(source.shown, f"no loader reads {what}", "see twin build --help")
