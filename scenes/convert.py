"""Scenes as trimesh scenes. The only door of trimesh here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenes.joining import join, renumbered

if TYPE_CHECKING:
    import trimesh

    from scenes.mesh import MeshSet
    from scenes.model import Batch, Layer, Scene


def to_trimesh(scene: Scene, lod: str | None = None) -> trimesh.Scene:
    """Return a trimesh scene with one mesh a layer, in local metres, z up.

    Each mesh has ``metadata["handles"]``, the (t,) uint32 handle of the object of each triangle. Layers without
    triangles are left out.

    Parameters
    ----------
    scene
        What to convert.
    lod
        Level of detail; by default the finest of each batch.
    """
    import trimesh  # noqa: PLC0415

    result = trimesh.Scene(metadata={"name": scene.name, "crs": scene.georeference.crs})
    for name, layer in scene.layers.items():
        mesh = layer_mesh(layer, lod)
        if mesh.triangle_count:
            result.add_geometry(_layer_trimesh(mesh, scene.bases[name]), geom_name=name, node_name=name)
    return result


def layer_mesh(layer: Layer, lod: str | None = None) -> MeshSet:
    """Return all geometry of a layer as one mesh set whose rows are rows of the layer, instances written out."""
    parts: list[MeshSet] = []
    first = 0
    for batch in layer.batches:
        mesh = _batch_mesh(batch, lod)
        if mesh is not None:
            parts.append(renumbered(mesh.expanded(), first))
        first += len(batch)
    return join(parts)


def _batch_mesh(batch: Batch, lod: str | None) -> MeshSet | None:
    return batch.finest() if lod is None else batch.meshes.get(lod)


def _layer_trimesh(mesh: MeshSet, base: int) -> trimesh.Trimesh:
    import trimesh  # noqa: PLC0415

    return trimesh.Trimesh(
        vertices=mesh.positions_m,
        faces=mesh.triangles.astype(np.int64),
        vertex_colors=mesh.colours,
        process=False,
        metadata={"handles": mesh.triangle_rows() + np.uint32(base)},
    )
