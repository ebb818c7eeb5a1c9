"""Write layers as 3D Tiles 1.1: one quadtree a layer, coarse levels that are replaced by finer ones."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.crew import Alone
from scenes.errors import UnknownObjectError
from scenes.points import THEME
from scenes.store.meshes import StoredMeshes
from scenes.store.swap import replacing
from scenes.tiles.gather import LayerGeometry
from scenes.tiles.metadata import ObjectNames
from scenes.tiles.points import publish_points
from scenes.tiles.quadtree import divide
from scenes.tiles.style import default_colour
from scenes.tiles.survey import LEAF_WEIGHT, Stock
from scenes.tiles.writing import TileWriter, box_of, write_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scenes.crew import Crew
    from scenes.model import Layer, Scene

    Json = dict[str, Any]
    Progress = Callable[[str, float], None]

_LAYERS_AT_ONCE = 3


def _silent(_message: str, _share: float) -> None:
    return None


def publish(
    scene: Scene,
    folder: str | Path,
    *,
    layers: Sequence[str] | None = None,
    progress: Progress | None = None,
    crew: Crew | None = None,
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
            _publish_all(scene, names, fresh, (hands, report))
    else:
        for number, name in enumerate(names):
            report(f"tiling {name}", number / len(names))
            with replacing(target / name, frozenset()) as fresh:
                publish_layer(scene, name, fresh, hands)
    report("tiled", 1.0)
    return {name: target / name / "tileset.json" for name in names}


def _publish_all(scene: Scene, names: list[str], folder: Path, by: tuple[Crew, Progress]) -> None:
    """Write layers, several at the same time where others do the work."""
    crew, report = by
    begun = itertools.count()

    def one(name: str) -> None:
        report(f"tiling {name}", next(begun) / len(names))
        publish_layer(scene, name, folder / name, crew)

    with ThreadPoolExecutor(min(crew.size, _LAYERS_AT_ONCE)) as threads:
        try:
            for job in [threads.submit(one, name) for name in names]:
                job.result()
        finally:
            threads.shutdown(cancel_futures=True)


def publish_layer(scene: Scene, name: str, folder: Path, crew: Crew | None = None) -> Path:
    """Write one layer into an empty or new folder and return its tileset file."""
    layer = scene.layers[name]
    folder.mkdir(parents=True, exist_ok=True)
    root = _root(scene, layer, folder, crew or Alone())
    root["transform"] = scene.georeference.to_ecef_matrix().T.ravel().tolist()
    document = {
        "asset": {"version": "1.1", "tilesetVersion": f"{scene.epoch:08x}-{scene.version}"},
        "geometricError": max(_size(root), root["geometricError"] * 2),
        "root": root,
        "extras": _extras(scene, layer),
    }
    path = folder / "tileset.json"
    path.write_text(json.dumps(document, separators=(",", ":"), allow_nan=False), encoding="utf-8")
    return path


def _root(scene: Scene, layer: Layer, folder: Path, crew: Crew) -> Json:
    """Write the content of a layer and return its root tile; points refine by adding, everything else by replacing."""
    base = scene.bases[layer.name]
    if layer.theme == THEME:
        cloud = publish_points(layer, base, folder)
        if cloud is not None:
            return cloud
    bases = itertools.accumulate((len(batch) for batch in layer.batches), initial=base)
    stocks = [Stock(batch.meshes, len(batch), first) for batch, first in zip(layer.batches, bases, strict=False)]
    hands = crew if all(not s.meshes or isinstance(s.meshes, StoredMeshes) for s in stocks) else Alone()
    geometry = LayerGeometry(stocks, default_colour(layer.theme))
    root: Json = {"boundingVolume": {"box": box_of(np.zeros(3), np.zeros(3))}, "geometricError": 0.0}
    if geometry.survey(hands):
        cell = divide(geometry.items.codes, geometry.items.weights, LEAF_WEIGHT)
        names = ObjectNames(layer.batches, base)
        writer = TileWriter(geometry, folder, layer.theme, bool(cell.children))
        root = write_tree(writer, cell, names, hands).tile
    root["refine"] = "REPLACE"
    return root


def _size(root: Json) -> float:
    """Return the diagonal of the box of a root tile, metres."""
    return float(2 * np.linalg.norm(root["boundingVolume"]["box"][3:]))


def _extras(scene: Scene, layer: Layer) -> Json:
    return {
        "layer": layer.name,
        "theme": layer.theme,
        "base": scene.bases[layer.name],
        "count": len(layer),
        "epoch": scene.epoch,
        "crs": scene.georeference.crs,
    }
