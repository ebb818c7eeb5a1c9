"""`read`: one file to a scene."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scenes.assembly import assemble
from scenes.sources import Placement, Source

if TYPE_CHECKING:
    from scenes.georeference import Georeference
    from scenes.model import Scene
    from scenes.problems import Problems


def read(  # noqa: PLR0913 - each says one thing about the file
    path: str | Path,
    *,
    crs: str = "",
    height_column: str = "",
    layer: str = "",
    place: str = "",
    datum_shift: str = "",
    max_error_m: float = 0.0,
    georeference: Georeference | None = None,
    problems: Problems | None = None,
) -> Scene:
    """Read a geographic file of any supported kind as a scene.

    Parameters
    ----------
    path
        Vector file, terrain grid or city model.
    crs
        Coordinate system of the file, where it does not say or says it wrongly.
    height_column
        Column with the heights of buildings in metres.
    layer
        Name of the layer; found from the file otherwise.
    place
        ``E,N,H,ANGLE`` of the origin of a model or grid that has no system of its own; name its ``crs`` as well.
    datum_shift
        ``"gcj02"`` or ``"bd09"`` when the coordinates carry a Chinese map shift.
    max_error_m
        How coarse a tileset may be read; 0 = its finest tiles.
    georeference
        Frame of the scene; around the file otherwise.
    problems
        Collects what was found wrong.

    Raises
    ------
    SourceError, GeoreferenceError
        When the file cannot be read or placed.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> ring = [[121.5, 31.2], [121.501, 31.2], [121.501, 31.201], [121.5, 31.2]]
    >>> square = {"type": "Polygon", "coordinates": [ring]}
    >>> feature = {"type": "Feature", "properties": {"height": 24, "name": "A"}, "geometry": square}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "buildings.geojson")
    ...     _ = file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    ...     city = read(file)
    >>> city.layers["buildings"].table["height_m"].to_pylist()
    [24.0]
    """
    at = Placement.parse(place) if place else None
    source = Source(
        str(path),
        layer=layer,
        crs="" if at else crs,
        height_column=height_column,
        place=at,
        datum_shift=datum_shift,
        max_error_m=max_error_m,
    )
    scene_crs = crs if at else ""
    return assemble([source], georeference=georeference, crs=scene_crs, name=Path(source.shown).stem, problems=problems)
