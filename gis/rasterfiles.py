"""The rasters of a source, by names and first lines: files, and those inside zip and gzip."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from gis.archives import expanded_file, unpacked
from gis.sniffing import head_of, zip_names
from gis.xyzgrid import is_grid_text
from scenes.errors import LoadError

if TYPE_CHECKING:
    from scenes.sources import Source

RASTER_SUFFIXES = frozenset(
    {".tif", ".tiff", ".asc", ".vrt", ".img", ".hgt", ".dem", ".dt0", ".dt1", ".dt2", ".bil", ".agr"}
)
GRID_TEXTS = frozenset({".xyz", ".txt", ".csv"})


def rasters_in(source: Source) -> tuple[str, ...]:
    """Return the paths of the rasters of a source; those of a zip are unpacked first.

    Raises
    ------
    LoadError
        When the archive is damaged, a bomb, or holds no raster.
    """
    stat = source.file.stat()
    return _rasters_in(source, (stat.st_mtime_ns, stat.st_size))


def names_in(source: Source) -> list[str]:
    """Return the names of the rasters and text grids of a source without unpacking it, empty if it has none."""
    if source.is_remote:
        return []
    if source.suffix == ".zip":
        return [name for name in zip_names(source.file) if _is_raster_name(name)]
    name = source.file.name[:-3] if source.suffix == ".gz" else source.file.name
    return [name] if Path(name).suffix.lower() in RASTER_SUFFIXES | GRID_TEXTS else []


def is_terrain(source: Source) -> bool:
    """Say whether a source holds grids of heights, by names and, of text, by the first lines."""
    names = names_in(source)
    if any(Path(name).suffix.lower() in RASTER_SUFFIXES for name in names):
        return not (source.suffix == ".dem" and b"<?xml" in head_of(source.file, 64))
    return bool(names) and is_grid_text(source.file, names[0])


@functools.lru_cache(maxsize=16)
def _rasters_in(source: Source, _stamp: tuple[int, int]) -> tuple[str, ...]:
    if source.suffix == ".gz":
        return (str(expanded_file(source)),)
    if source.suffix != ".zip":
        return (source.path,)
    folder = unpacked(source)
    found = sorted(path for path in folder.rglob("*") if path.is_file() and _is_raster_name(path.name))
    grids = [path for path in found if path.suffix.lower() in RASTER_SUFFIXES] or found
    beside = source.file.with_suffix(".prj")
    for path in grids:
        if beside.is_file() and not path.with_suffix(".prj").exists() and beside.stat().st_size < 100_000:
            path.with_suffix(".prj").write_bytes(beside.read_bytes())
    if not grids:
        raise LoadError(source.shown, "holds no raster", "pack the elevation model itself")
    return tuple(str(path) for path in grids)


def _is_raster_name(name: str) -> bool:
    return Path(name).suffix.lower() in RASTER_SUFFIXES | GRID_TEXTS and "__MACOSX" not in name
