"""Write layers as 3D Tiles 1.1: one quadtree a layer, coarse levels that are replaced by finer ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.errors import UnknownObjectError
from scenes.points import THEME
from scenes.store.swap import replacing
from scenes.tiles.content import merged
from scenes.tiles.encode import Encoding, all_handles, encode, rounding_m
from scenes.tiles.gather import LEAF_WEIGHT, LayerGeometry
from scenes.tiles.metadata import ObjectNames
from scenes.tiles.paint import filled, fitted
from scenes.tiles.points import publish_points
from scenes.tiles.prototypes import written_out
from scenes.tiles.quadtree import divide
from scenes.tiles.simplify import Detail, simplify
from scenes.tiles.skirts import with_skirt
from scenes.tiles.style import default_colour

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scenes.model import Layer, Scene
    from scenes.tiles.content import Content, Floats
    from scenes.tiles.quadtree import Cell

    Json = dict[str, Any]
    Progress = Callable[[str, float], None]

COARSE_TRIANGLES = 40_000  # of a tile that stands for finer ones: 4,000 boxes, about 450 kB by gzip
CELLS = 128  # vertices of a coarse tile lie at least its side divided by this apart
_COARSE = Encoding(rounding_m=float("inf"))
_LEAF = Encoding()
_THIN_M = 0.05


def _silent(_message: str, _share: float) -> None:
    return None


def publish(
    scene: Scene, folder: str | Path, *, layers: Sequence[str] | None = None, progress: Progress | None = None
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
    target.parent.mkdir(parents=True, exist_ok=True)
    if layers is None:
        with replacing(target, frozenset()) as fresh:
            for number, name in enumerate(names):
                report(f"tiling {name}", number / len(names))
                publish_layer(scene, name, fresh / name)
    else:
        for number, name in enumerate(names):
            report(f"tiling {name}", number / len(names))
            with replacing(target / name, frozenset()) as fresh:
                publish_layer(scene, name, fresh)
    report("tiled", 1.0)
    return {name: target / name / "tileset.json" for name in names}


def publish_layer(scene: Scene, name: str, folder: Path) -> Path:
    """Write one layer into an empty or new folder and return its tileset file."""
    layer = scene.layers[name]
    folder.mkdir(parents=True, exist_ok=True)
    root = _root(scene, layer, folder)
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


def _root(scene: Scene, layer: Layer, folder: Path) -> Json:
    """Write the content of a layer and return its root tile; points refine by adding, everything else by replacing."""
    if layer.theme == THEME:
        cloud = publish_points(layer, scene.bases[layer.name], folder)
        if cloud is not None:
            return cloud
    geometry = LayerGeometry(layer.batches, scene.bases[layer.name], default_colour(layer.theme))
    root: Json = {"boundingVolume": {"box": _box(np.zeros(3), np.zeros(3))}, "geometricError": 0.0}
    if geometry.survey():
        cell = divide(geometry.codes, geometry.weights, LEAF_WEIGHT)
        names = ObjectNames(layer.batches, scene.bases[layer.name])
        root = _LayerWriter(geometry, names, folder, layer.theme, bool(cell.children)).write(cell).tile
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


@dataclass(frozen=True, eq=False)
class _Written:
    """A tile that is on disk, what its parent needs to know about it."""

    tile: Json
    content: Content
    low: Floats
    high: Floats


@dataclass
class _LayerWriter:
    """Writes the tiles of one layer from the leaves up."""

    geometry: LayerGeometry
    names: ObjectNames
    folder: Path
    theme: str
    divided: bool

    def write(self, cell: Cell) -> _Written:
        """Write a cell and all below it."""
        if not cell.children:
            content = replace(fitted(self.geometry.collect(cell)), error_m=0.0)
            return self._written(cell, content, [])
        children = [self.write(child) for child in cell.children]
        whole = merged([child.content for child in children], self.geometry.centre(cell))
        detail = self._detail(cell)
        coarse = fitted(simplify(written_out(whole, detail), detail))
        if coarse.error_m == 0.0:  # nothing had to change: the finer tiles would show the same
            for child in children:
                (self.folder / child.tile["content"]["uri"]).unlink()
            return self._written(cell, whole, [])
        return self._written(cell, coarse, children)

    def _detail(self, cell: Cell) -> Detail:
        return Detail(
            cell.side_m(self.geometry.square) / CELLS,
            COARSE_TRIANGLES,
            floor=self.theme != "buildings",
            level=self.theme == "terrain",
        )

    def _written(self, cell: Cell, content: Content, children: list[_Written]) -> _Written:
        encoding = _COARSE if children else _LEAF
        tile: Json = {}
        error = 0.0
        corners = [(child.low, child.high) for child in children]
        drawn = self._skirted(cell, content)
        found = drawn.bounds()
        if found is not None and not drawn.is_empty:
            name = f"{cell.name}.glb"
            names = self.names.of(all_handles(content))
            (self.folder / name).write_bytes(encode(drawn, names, encoding))
            tile["content"] = {"uri": name}
            error = rounding_m(drawn, encoding)
            corners.append((found[0] - _THIN_M, found[1] + _THIN_M))
        low = np.min([corner[0] for corner in corners], axis=0) if corners else np.zeros(3)
        high = np.max([corner[1] for corner in corners], axis=0) if corners else np.zeros(3)
        tile["boundingVolume"] = {"box": _box(low, high)}
        tile["geometricError"] = 0.0
        if children:
            below = max(child.tile["geometricError"] for child in children)
            tile["geometricError"] = max(content.error_m + error, below)
            tile["children"] = [child.tile for child in children]
        return _Written(tile, content, low, high)

    def _skirted(self, cell: Cell, content: Content) -> Content:
        """Return what is drawn: tiles of a divided terrain get a skirt, which coarser levels are not made of."""
        if self.theme != "terrain" or not len(content.triangles):
            return content
        content = filled(content, default_colour(self.theme))
        if not self.divided:
            return content
        return with_skirt(content, self._detail(cell).cell_m)


def _box(low: Floats, high: Floats) -> list[float]:
    """Return a bounding volume box: the centre, then half of each axis."""
    half = np.diag((high - low) / 2)
    return [round(float(value), 6) for value in (*((low + high) / 2), *half.ravel())]
