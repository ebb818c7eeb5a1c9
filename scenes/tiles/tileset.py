"""Write layers as 3D Tiles 1.1: one quadtree a layer, coarse levels that are replaced by finer ones."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from scenes.crew import Alone
from scenes.errors import UnknownObjectError
from scenes.store.layout import TILESET
from scenes.store.swap import replacing
from scenes.tiles.layer import Renewal, publish_layer
from scenes.tiles.survey import LEAF_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scenes.crew import Crew
    from scenes.model import Scene

    Progress = Callable[[str, float], None]

__all__ = ["LEAF_WEIGHT", "publish", "publish_layer", "write_tiles"]

_LAYERS_AT_ONCE = 3


def _silent(_message: str, _share: float) -> None:
    return None


def publish(  # noqa: PLR0913 - the whole choice of a tiling in one place
    scene: Scene,
    folder: str | Path,
    *,
    layers: Sequence[str] | None = None,
    progress: Progress | None = None,
    crew: Crew | None = None,
    renewable: bool = False,
    compressed: bool = True,
) -> dict[str, Path]:
    """Write layers of a scene as 3D Tiles and return the tileset file of each.

    Everything is written to a folder beside that then takes the place of the old one, so that a crash leaves the
    old tiles. When all layers are published, tiles of layers that the scene no longer has are removed.

    Parameters
    ----------
    scene
        The city.
    folder
        Gets one folder a layer, with ``tileset.json`` and its content.
    layers
        Names of the layers to publish; default all.
    progress
        Called with a sentence and the share that is done, 0..1.
    crew
        Makes the tiles of scenes whose geometry lies in a package (`scenes.crew`); default: nobody else.
    renewable
        Keeps, in a folder of each layer that is never given out, what it takes to write only what changed the next
        time, and takes over the tiles that are there already and did not change.
    compressed
        Whether tiles are packed by meshopt, which some readers of 3D Tiles do not know.

    Raises
    ------
    UnknownObjectError
        When the scene has no such layer.
    LoadError
        When a position is not a finite number.
    """
    target = Path(folder)
    names = list(scene.layers) if layers is None else list(layers)
    for name in names:
        if name not in scene.layers:
            raise UnknownObjectError(name, f"no such layer; there are {', '.join(scene.layers) or 'none'}")
    report = progress or _silent
    hands = crew or Alone()
    target.parent.mkdir(parents=True, exist_ok=True)
    if layers is None:
        with replacing(target, frozenset()) as fresh:
            former = target if renewable else None
            write_tiles(scene, fresh, former, hands, report, renewable=renewable, compressed=compressed)
    else:
        for number, name in enumerate(names):
            report(f"tiling {name}", number / len(names))
            with replacing(target / name, frozenset()) as fresh:
                renewal = _renewal(target, name) if renewable else None
                publish_layer(scene, name, fresh, hands, renewal, compressed=compressed)
    report("tiled", 1.0)
    return {name: target / name / TILESET for name in names}


def write_tiles(  # noqa: PLR0913 - the whole choice of a tiling in one place
    scene: Scene,
    folder: Path,
    former: Path | None,
    crew: Crew,
    report: Progress,
    *,
    renewable: bool = True,
    compressed: bool = True,
) -> None:
    """Write all layers of a scene into an empty folder, several at the same time where others do the work.

    Parameters
    ----------
    scene
        The city.
    folder
        Gets one folder a layer.
    former
        Folder with the tiles that the city had; those that did not change are linked.
    crew, report
        Who makes the tiles, and who hears of it.
    renewable
        Whether what the next tiling needs is kept.
    compressed
        Whether tiles are packed.
    """
    begun = itertools.count()

    def one(name: str) -> None:
        report(f"tiling {name}", next(begun) / len(scene.layers))
        renewal = _renewal(former, name) if renewable else None
        publish_layer(scene, name, folder / name, crew, renewal, compressed=compressed)

    with ThreadPoolExecutor(min(crew.size, _LAYERS_AT_ONCE)) as threads:
        try:
            for job in [threads.submit(one, name) for name in scene.layers]:
                job.result()
        finally:
            threads.shutdown(cancel_futures=True)


def _renewal(former: Path | None, name: str) -> Renewal:
    there = former is not None and (former / name / TILESET).is_file()
    return Renewal(former / name if former is not None and there else None)
