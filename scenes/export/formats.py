"""The list of formats, and the one function that writes any of them.

Formats whose libraries have their door on a higher floor register in the entry point group ``scenes.exporters``:
each names a `Format`.
"""

from __future__ import annotations

import contextlib
import glob
import shutil
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from scenes.errors import PackageError, QueryError, UnsupportedError
from scenes.export.cityjson import write_cityjson
from scenes.export.cityjsonseq import write_cityjsonseq
from scenes.export.quantized_mesh import write_quantized_mesh, write_zipped_quantized_mesh
from scenes.export.solids import write_glb, write_obj
from scenes.export.tables import write_csv, write_geopackage, write_geoparquet
from scenes.query import select
from scenes.select import select_layers
from scenes.store.swap import flush, fresh_beside

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from scenes.model import Scene


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name, the endings that mean it, what writes it, and whether that is a folder."""

    name: str
    endings: tuple[str, ...]
    write: Callable[[Scene, Path], None]
    is_folder: bool = False


def _write_tiles(scene: Scene, folder: Path) -> None:
    from scenes.tiles import publish  # noqa: PLC0415

    publish(scene, folder, compressed=False)


FORMATS = {
    form.name: form
    for form in (
        Format("glb", (".glb",), write_glb),
        Format("obj", (".obj",), write_obj),
        Format("cityjson", (".city.json", ".json"), write_cityjson),
        Format("cityjsonseq", (".city.jsonl", ".jsonl"), write_cityjsonseq),
        Format("geoparquet", (".parquet", ".geoparquet"), write_geoparquet),
        Format("gpkg", (".gpkg",), write_geopackage),
        Format("csv", (".csv",), write_csv),
        Format("3dtiles", (".3dtiles",), _write_tiles, is_folder=True),
        Format("quantized-mesh", (".terrain",), write_quantized_mesh, is_folder=True),
        Format("quantized-mesh-gzip", (".terrain.gz",), write_zipped_quantized_mesh, is_folder=True),
    )
}


def formats() -> dict[str, Format]:
    """Return every format that can be written, by name: our own, and those that other floors bring.

    Examples
    --------
    >>> {"glb", "cityjson"} <= set(formats())
    True
    """
    found = dict(FORMATS)
    for point in sorted(entry_points(group="scenes.exporters"), key=lambda point: point.name):
        with contextlib.suppress(ImportError):  # its library is not installed, so it is not on offer
            form: Format = point.load()
            found[form.name] = form
    return found


def export(
    scene: Scene,
    path: str | os.PathLike[str],
    *,
    format: str = "",  # noqa: A002
    where: str = "",
    layers: Sequence[str] = (),
) -> Path:
    """Write a scene, or a part of it, in another format and return the file (a folder for ``3dtiles``).

    The file is written beside and renamed, so a crash leaves an older one as it was.

    Parameters
    ----------
    scene
        What to write.
    path
        Where to.
    format
        One of `formats`; by default what the ending of the path says.
    where
        CQL2 text that picks objects.
    layers
        Names of the layers to write; all of them by default.

    Raises
    ------
    UnsupportedError
        When nobody writes the format.
    QueryError
        When the filter is wrong or picks nothing.
    PackageError
        When the file cannot be written.
    """
    target = Path(path).absolute()
    form = format_of(target, format)
    part = select_layers(scene, layers) if layers else scene
    part = select(part, where) if where else part
    if not len(part):
        raise QueryError(where or scene.name, "there is no object to write", "check the filter with twin query")
    if form.is_folder:
        try:
            form.write(part, target)
        except OSError as error:
            raise _unwritable(target, error) from error
        return target
    with _beside(target) as fresh:
        form.write(part, fresh)
    return target


def format_of(path: Path, name: str = "") -> Format:
    """Return the format that a name, or else the ending of a path, means.

    Raises
    ------
    UnsupportedError
        When there is none.

    Examples
    --------
    >>> format_of(Path("centre.city.json")).name
    'cityjson'
    """
    known = formats()
    if name and name in known:
        return known[name]
    found = [form for form in known.values() if any(path.name.lower().endswith(ending) for ending in form.endings)]
    if name or not found:
        what = f"no exporter writes {name or path.suffix or 'files without an ending'}"
        raise UnsupportedError(path, what, f"name one with --format: {', '.join(known)}")
    return found[0]


@contextlib.contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a file in a folder beside the target that takes its place when the block ends well."""
    folder = None
    try:
        folder = fresh_beside(target)
        yield folder / target.name
        flush(folder)
        for beside in sorted(folder.glob(f"{glob.escape(target.stem)}*")):  # images of an OBJ and the like
            if beside.name != target.name:
                beside.replace(target.with_name(beside.name))
        (folder / target.name).replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _unwritable(target: Path, error: OSError) -> PackageError:
    return PackageError(target, f"cannot be written ({error.strerror or error})", "check space and permissions there")
