"""Cut a scene down to some of its objects: a scene again, with geometry, aliases and relations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from scenes.model import Batch, Scene
from scenes.relations import kept_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


def select_rows(scene: Scene, rows: Mapping[str, NDArray[np.integer]]) -> Scene:
    """Return a scene with some rows of some layers; layers that are not named or keep no object are left out."""
    layers = {}
    for name, layer in scene.layers.items():
        wanted = np.unique(np.asarray(rows.get(name, ()), dtype=np.int64))
        first, batches = 0, []
        for batch in layer.batches:
            inside = wanted[(wanted >= first) & (wanted < first + len(batch))] - first
            if len(inside):
                batches.append(batch if len(inside) == len(batch) else batch_part(batch, inside))
            first += len(batch)
        if batches:
            layers[name] = layer.with_batches(batches)
    return replace(scene, layers=layers, version=scene.version + 1)


def select_layers(scene: Scene, names: Sequence[str]) -> Scene:
    """Return a scene with some of its layers, which are shared.

    Raises
    ------
    UnknownObjectError
        When there is no such layer.
    """
    for other in [name for name in scene.layers if name not in names]:
        scene = scene.without_layer(other)
    for name in names:
        if name not in scene.layers:
            scene = scene.without_layer(name)
    return scene


def batch_part(batch: Batch, rows: NDArray[np.integer]) -> Batch:
    """Return some rows of a batch, ascending, with their geometry, aliases and relations."""
    picked = np.unique(np.asarray(rows, dtype=np.int64))
    aliases, relations = kept_rows(batch.aliases, picked), kept_rows(batch.relations, picked)
    meshes = {level: mesh.take(picked) for level, mesh in batch.meshes.items()}
    filled = {level: mesh for level, mesh in meshes.items() if mesh.vertex_count or mesh.instances}
    return Batch(batch.table.take(pa.array(picked)), filled, aliases, relations)
