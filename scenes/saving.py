"""Save a city with its tiles: objects, geometry and tiles of one version take their place in one step."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scenes.crew import Alone
from scenes.store import layout
from scenes.store import save as save_package
from scenes.store.reader import with_stored_geometry

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from scenes.crew import Crew
    from scenes.model import Scene
    from scenes.problems import Problem

    Progress = Callable[[str, float], None]

__all__ = ["save", "tile_counts"]

_STORED = 0.3  # share of the work that is done when the tables are written


def _silent(_message: str, _share: float) -> None:
    return None


def save(
    scene: Scene,
    path: str | os.PathLike[str],
    *,
    problems: Sequence[Problem] = (),
    progress: Progress = _silent,
    tiles: bool | None = None,
    crew: Crew | None = None,
) -> Path:
    """Write a scene as a city package and return its folder (`scenes.store.save`).

    Over a package, only what changed is written: batches and tiles that did not change are those of before, byte for
    byte. Objects and tiles change places with the old ones together, so whoever looks sees one version or the other.

    Parameters
    ----------
    scene
        What to store.
    path
        The folder, by habit ``NAME.city``, or an address in object storage.
    problems
        What was found wrong while loading; kept in the manifest.
    progress
        Called with (text, share 0..1) before each step; an exception from it stops the save and leaves no trace.
    tiles
        Whether the package gets tiles; None = if the one that it replaces has tiles of all its layers.
    crew
        Makes the tiles (`scenes.crew`); default: nobody else.

    Raises
    ------
    PackageError
        When the folder is something else than a city package, or cannot be written.
    """
    if not (_has_tiles(path) if tiles is None else tiles):
        return save_package(scene, path, problems=problems, progress=progress)
    return save_package(
        scene,
        path,
        problems=problems,
        progress=lambda text, share: progress(text, _STORED * share),
        tiler=partial(_tiled, scene, crew=crew or Alone(), progress=progress),
    )


def tile_counts(package: Path) -> dict[str, int]:
    """Return how many tiles the last save of a package wrote, and how many it took over from the one before."""
    from scenes.tiles.layer import tiles_written  # noqa: PLC0415 - only where there are tiles

    layers = tiles_written(package / layout.TILES).values()
    return {name: sum(each[name] for each in layers) for name in ("written", "kept")}


def _has_tiles(path: str | os.PathLike[str]) -> bool:
    folder = Path(path)
    if not layout.is_package(folder):
        return False
    names = [entry["name"] for entry in layout.manifest(folder)["layers"]]
    return bool(names) and all((folder / layout.TILES / name / layout.TILESET).is_file() for name in names)


def _tiled(scene: Scene, fresh: Path, old: Path, crew: Crew, progress: Progress) -> None:
    """Make the tiles of a scene whose package is about to take the place of an older one."""
    from scenes.tiles.tileset import write_tiles  # noqa: PLC0415 - only where there are tiles

    former = old / layout.TILES
    folder = fresh / layout.TILES
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    report = partial(_later, progress)
    write_tiles(with_stored_geometry(scene, fresh), folder, former if former.is_dir() else None, crew, report)


def _later(progress: Progress, text: str, share: float) -> None:
    progress(text, _STORED + (1 - _STORED) * share)
