"""`read`: one IFC file as a scene of its own."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bim.supervisor import Limits
    from scenes.georeference import Georeference
    from scenes.loading import Placement
    from scenes.model import Scene

# A metric grid at nought degrees for models that lie nowhere; the scene says so.
NOWHERE = "+proj=tmerc +lat_0=0 +lon_0=0 +k=1 +x_0=0 +y_0=0 +ellps=WGS84 +units=m +no_defs"


def read(
    path: str | os.PathLike[str],
    *,
    crs: str = "",
    place: Placement | None = None,
    georeference: Georeference | None = None,
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
    limits
        What the worker processes may use: time a product, memory, number of workers.
    progress
        Called with a text and a share from 0 to 1.

    Returns
    -------
    Scene
        A layer with all elements, and one named ``...-spaces`` with rooms and zones. Its
        ``metadata["problems"]`` lists what was found wrong. A file that does not say where it lies is put at
        the zero of a local metric grid, and a problem ``georeference-missing`` says so.

    Raises
    ------
    MissingSourceError, UnsupportedError, LoadError
        When the file is not there, of a schema that is not read, or broken.
    GeoreferenceError
        When `crs` is unknown, or the file lies out of its reach.
    """
    from bim.loader import BimLoader
    from bim.supervisor import Limits
    from scenes.georeference import Georeference
    from scenes.loading import LoadContext, Placement, Source
    from scenes.model import Scene
    from scenes.problems import Problems

    file = Path(path)
    source = Source(str(file), place=place)
    loader = BimLoader(limits or Limits())
    problems = Problems()
    location = loader.locate(source)
    if georeference is None and location is not None:
        georeference = Georeference.around(location.longitude_deg, location.latitude_deg, crs or location.crs)
    elif georeference is None and place is not None and crs:
        georeference = Georeference(crs, float(round(place.easting_m, -2)), float(round(place.northing_m, -2)))
    elif georeference is None:
        georeference = Georeference(crs or NOWHERE, 0.0, 0.0)
    if location is None and place is None:
        problems.add(
            "warning", file.name, "georeference-missing", "does not say where on Earth it lies", "give crs and place"
        )
        source = replace(source, place=Placement(georeference.easting_m, georeference.northing_m))
    context = LoadContext(georeference, problems=problems, **({"progress": progress} if progress else {}))
    layers = {}
    batches: dict[str, list[object]] = {}
    for layer, batch in loader.load(source, context):
        layers[layer.name] = layer
        batches.setdefault(layer.name, []).append(batch)
    built = {name: layer.with_batches(batches[name]) for name, layer in layers.items()}  # type: ignore[arg-type]
    found = [problem.as_dict() for problem in problems.listed()]
    return Scene(georeference, built, name=file.stem, metadata={"sources": [file.name], "problems": found})
