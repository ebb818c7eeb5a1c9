"""`georeference`: where an IFC file belongs, and why."""

# ruff: noqa: PLC0415 - the worker process imports this package too and must start quickly
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from bim.georeferencing import Report
    from scenes.model import Scene


def georeference(path: str | os.PathLike[str], scene: Scene | None = None) -> Report:
    r"""Return every place where an IFC file may belong, weighed against a scene.

    Parameters
    ----------
    path
        The file, plain or zipped.
    scene
        The city into which it shall fit; without one only the file's own statements are weighed.

    Raises
    ------
    SourceError
        When the file cannot be opened.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> lines = [
    ...     "ISO-10303-21;HEADER;FILE_SCHEMA(('IFC4'));ENDSEC;DATA;",
    ...     "#1=IFCPROJECT('p',$,$,$,$,$,$,$,$);",
    ...     "#10=IFCPROJECTEDCRS('EPSG:32651',$,$,$,$,$,$);",
    ...     "#11=IFCMAPCONVERSION(#9,#10,354000.,3457000.,4.5,1.,0.,$);",
    ...     "ENDSEC;END-ISO-10303-21;",
    ... ]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "tower.ifc")
    ...     _ = file.write_text("\n".join(lines))
    ...     report = georeference(file)
    >>> report.best.method, report.best.origin, report.override()
    ('map-conversion', (354000.0, 3457000.0, 4.5), '--place tower.ifc=354000.000,3457000.000,4.500,0.0000')
    """
    from bim.georeferencing import judged
    from bim.surroundings import Surroundings
    from scenes.sources import Source

    source = Source(str(path))
    return judged(source, (source,), Surroundings.of_scene(scene))
