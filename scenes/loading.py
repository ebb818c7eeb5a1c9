"""The seam to the loaders: what a source is, what a loader gives, and how several become one scene.

Loaders register in the entry point group ``scenes.loaders``; the ground floor never imports them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from scenes.errors import GeoreferenceError, LoadError, MissingSourceError, UnsupportedError
from scenes.georeference import Georeference, parse_crs
from scenes.model import Layer, Scene
from scenes.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from scenes.model import Batch


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the origin of a model file lies: projected metres, height, and its turn anticlockwise from east."""

    easting_m: float
    northing_m: float
    height_m: float = 0.0
    angle_deg: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Placement:
        """Return the placement written as ``E,N,H,ANGLE``; H and ANGLE may be left out.

        Examples
        --------
        >>> Placement.parse("354000,3457000,4,30").angle_deg
        30.0
        """
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError as error:
            raise GeoreferenceError(text, "is not a placement", "write E,N,H,ANGLE in metres and degrees") from error
        if not 2 <= len(numbers) <= 4 or not np.isfinite(numbers).all():
            raise GeoreferenceError(text, "is not a placement", "write E,N,H,ANGLE in metres and degrees")
        return cls(*numbers)


@dataclass(frozen=True, slots=True)
class Source:
    """A file to load, and what the user said about it.

    Parameters
    ----------
    path
        File path.
    layer
        Wanted layer name; empty = the loader names it.
    dataset
        Namespace of the uids; empty = the file's name, so that the same file gives the same uids anywhere.
    crs
        Overrides the coordinate system of the file.
    height_column
        Attribute with the height of buildings in metres.
    place
        Explicit placement of a model file.
    datum_shift
        ``"gcj02"`` when the coordinates are in GCJ-02 whatever the file says.
    """

    path: str
    layer: str = ""
    dataset: str = ""
    crs: str = ""
    height_column: str = ""
    place: Placement | None = None
    datum_shift: str = ""

    @property
    def file(self) -> Path:
        """The path as an object."""
        return Path(self.path)

    @property
    def suffix(self) -> str:
        """Last extension in lower case, with its dot."""
        return self.file.suffix.lower()

    @property
    def namespace(self) -> str:
        """The dataset of the uids."""
        return self.dataset or self.file.name


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
    """What a loader may use: the frame, the ground, a list for problems, a progress callback (text, 0..1)."""

    georeference: Georeference
    ground: Ground = field(default_factory=FlatGround)
    problems: Problems = field(default_factory=Problems)
    progress: Callable[[str, float], None] = _silent


@dataclass(frozen=True, slots=True)
class Location:
    """Where a source lies, found without loading it.

    `crs` is the projected system that suits it best, empty if it has none of its own.
    """

    longitude_deg: float
    latitude_deg: float
    crs: str = ""


@runtime_checkable
class Loader(Protocol):
    """Reads one family of formats. Making one does no work; `supports` looks at the name and a few bytes."""

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
    found = sorted(entry_points(group="scenes.loaders"), key=lambda point: point.name)
    return [point.load()() for point in found]


def loader_for(source: Source) -> Loader:
    """Return the loader that reads a source.

    Raises
    ------
    MissingSourceError, UnsupportedError
        When the file is not there, or nobody reads it.
    """
    if not source.file.exists():
        raise MissingSourceError(source.path, "there is no such file", "check the path")
    if source.file.is_file() and source.file.stat().st_size == 0:
        raise LoadError(source.path, "the file is empty", "export it again")
    for loader in loaders():
        if loader.supports(source):
            return loader
    raise UnsupportedError(
        source.path, f"no loader reads {source.suffix or 'files without an extension'}", "see twin build --help"
    )


def choose_georeference(sources: Sequence[Source], crs: str = "") -> Georeference:
    """Return a frame around the first source that says where it lies, in `crs` if one is named.

    A placement counts when `crs` is named, since it has no system of its own.

    Raises
    ------
    GeoreferenceError
        When no source says where it lies.
    """
    located = [found for source in sources if (found := loader_for(source).locate(source)) is not None]
    for location in located:
        own = location.crs if location.crs and parse_crs(location.crs).is_projected else ""
        return Georeference.around(location.longitude_deg, location.latitude_deg, crs or own)
    for source in sources:
        if source.place is not None and crs:
            return Georeference(
                crs, float(round(source.place.easting_m, -2)), float(round(source.place.northing_m, -2))
            )
    names = ", ".join(source.file.name for source in sources)
    raise GeoreferenceError(
        names,
        "no file says where on Earth it lies",
        "name a system with --crs and place models with --place FILE=E,N,H,ANGLE",
    )


def told_apart(sources: Sequence[Source]) -> list[Source]:
    """Return the sources with datasets of their own: files of one name in several folders get the folder's name too.

    Examples
    --------
    >>> [source.namespace for source in told_apart([Source("a/roads.shp"), Source("b/roads.shp"), Source("c.shp")])]
    ['a/roads.shp', 'b/roads.shp', 'c.shp']
    """
    names = [source.namespace for source in sources]
    return [
        replace(source, dataset="/".join(source.file.parts[-2:]))
        if names.count(name) > 1 and not source.dataset
        else source
        for source, name in zip(sources, names, strict=True)
    ]


def assemble(
    sources: Sequence[Source],
    *,
    georeference: Georeference | None = None,
    crs: str = "",
    name: str = "city",
    problems: Problems | None = None,
    progress: Callable[[str, float], None] = _silent,
) -> Scene:
    """Load sources into one scene: terrain first, then everything else on it.

    Raises
    ------
    CityTwinError
        When a source cannot be loaded at all.
    """
    if not sources:
        raise UnsupportedError("no source", "there is nothing to load", "name at least one file")
    sources = told_apart(sources)
    frame = georeference or choose_georeference(sources, crs)
    context = LoadContext(frame, problems=problems or Problems(), progress=progress)
    picked = [(source, loader_for(source)) for source in sources]
    for source, loader in picked:
        surface = loader.surface(source, context)
        if surface is not None:
            context = replace(context, ground=surface)
    layers: dict[str, Layer] = {}
    batches: dict[str, list[Batch]] = {}
    for number, (source, loader) in enumerate(picked):
        progress(f"loading {source.file.name}", number / len(picked))
        for layer, batch in loader.load(source, context):
            layers.setdefault(layer.name, layer)
            batches.setdefault(layer.name, []).append(batch.with_bounds())
    if not any(batches.values()):
        raise LoadError(
            ", ".join(s.file.name for s in sources), "no object was found", "see twin check for the reasons"
        )
    built: Mapping[str, Layer] = {key: layer.with_batches(batches[key]) for key, layer in layers.items()}
    return Scene(frame, built, name=name, metadata={"sources": [source.file.name for source in sources]})
