"""`read`: one IFC file as a scene of its own."""

# ruff: noqa: PLC0415 - the worker process imports this package too and must start quickly
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from bim.supervisor import Limits
    from scenes.georeference import Georeference
    from scenes.loading import LoadContext, Location
    from scenes.model import Batch, Layer, Scene
    from scenes.sources import Placement, Source

# A metric grid at nought degrees for models that lie nowhere; the scene says so.
NOWHERE = "+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +ellps=WGS84 +units=m +no_defs"


def read(  # noqa: PLR0913 - each says one thing about the scene
    path: str | os.PathLike[str],
    *,
    crs: str = "",
    place: Placement | None = None,
    georeference: Georeference | None = None,
    schema: str = "",
    limits: Limits | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Scene:
    """Read an IFC file (2x3, 4 or 4x3, plain or zipped) as a scene.

    Parameters
    ----------
    path
        The file.
    crs
        System of the scene, such as ``EPSG:32651``; empty = that of the file.
    place
        Where the file's origin lies in that system; wins over what the file says.
    georeference
        Frame of the scene, where it must fit another one.
    schema
        Read the file as if its header named this schema, such as ``IFC4X3_ADD2`` for a draft of IFC 4.3.
    limits
        What the worker processes may use: time a product, memory, number of workers.
    progress
        Called with a text and a share from 0 to 1.

    Returns
    -------
    Scene
        A layer with all elements, and ones named ``...-spaces`` with rooms and zones, ``...-groups`` with systems
        and groups, ``...-schedule`` with tasks, and ``...-lines`` with grids and alignments. Relations between
        objects are in ``scene.relations`` and ``scene.graph``; ``metadata["problems"]`` lists what was found wrong.
        A file that does not say where it lies is put at the zero of a local metric grid, and a problem
        ``georeference-missing`` says so.

    Raises
    ------
    MissingSourceError, UnsupportedError, LoadError
        When the file is not there, of a schema that is not read, or broken.
    GeoreferenceError
        When `crs` is unknown, or the file lies out of its reach.
    """
    from bim.loader import BimLoader
    from bim.supervisor import Limits
    from scenes.loading import LoadContext
    from scenes.problems import Problems
    from scenes.sources import Placement, Source

    source = Source(str(path), place=place, schema=schema)
    loader = BimLoader(limits or Limits())
    problems = Problems()
    location = loader.locate(source)
    frame = georeference or _frame(location, place, crs)
    if location is None and place is None:
        advice = "give crs and place"
        problems.add("warning", source.file.name, "georeference-missing", "does not say where on Earth it lies", advice)
        source = replace(source, place=Placement(frame.easting_m, frame.northing_m, frame.height_m))
    context = LoadContext(frame, problems=problems, progress=progress or _silent)
    return _scene(loader.load(source, context), context, source)


def _silent(_text: str, _share: float) -> None:
    return None


def _frame(location: Location | None, place: Placement | None, crs: str) -> Georeference:
    from scenes.georeference import Georeference

    if location is not None:
        return Georeference.around(location.longitude_deg, location.latitude_deg, crs or location.crs)
    if place is not None and crs:
        return Georeference(crs, float(round(place.easting_m, -2)), float(round(place.northing_m, -2)))
    return Georeference(crs or NOWHERE, 0.0, 0.0)


def _scene(loaded: Iterator[tuple[Layer, Batch]], context: LoadContext, source: Source) -> Scene:
    from scenes.model import Scene

    layers: dict[str, Layer] = {}
    for layer, batch in loaded:
        known = layers.get(layer.name, layer)
        layers[layer.name] = known.with_batches([*known.batches, batch])
    found = [problem.as_dict() for problem in context.problems.listed()]
    metadata = {"sources": [source.file.name], "problems": found}
    return Scene(context.georeference, layers, name=source.file.stem, metadata=metadata)
