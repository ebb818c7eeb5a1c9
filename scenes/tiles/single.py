"""One glb of a whole layer or of a result surface, which every glTF reader opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenes.errors import LoadError
from scenes.tiles.content import merged
from scenes.tiles.encode import Encoding, all_handles, encode, encode_all
from scenes.tiles.gather import mesh_content
from scenes.tiles.metadata import ObjectNames
from scenes.tiles.style import default_colour
from scenes.tiles.survey import finest_mesh

if TYPE_CHECKING:
    from scenes.mesh import MeshSet
    from scenes.model import Layer, Scene
    from scenes.tiles.content import Content

_PLAIN = Encoding(rounding_m=0.0)
_BARE = Encoding(rounding_m=0.0, features=False)


def layer_glb(layer: Layer, base: int) -> bytes:
    """Return a whole layer at its finest level of detail as one glb, with feature ids and metadata.

    Positions are float32 around the middle of the layer, instances are written out, so that no
    extension is needed to read it.

    Parameters
    ----------
    layer
        The layer.
    base
        Its first handle, ``scene.bases[layer.name]``.

    Raises
    ------
    LoadError
        When the layer has no geometry.
    """
    content = _layer_content(layer, base)
    if content is None:
        raise LoadError(layer.name, "the layer has no geometry", "export its table instead")
    return encode(content, ObjectNames(layer.batches, base).of(all_handles(content)), _PLAIN)


def scene_glb(scene: Scene) -> bytes:
    """Return the finest geometry of all layers as one glb without required extensions, a node a layer, y up.

    Raises
    ------
    LoadError
        When no layer has triangles.
    """
    found = {name: _layer_content(layer, scene.bases[name]) for name, layer in scene.layers.items()}
    drawn = {name: content for name, content in found.items() if content is not None and len(content.triangles)}
    if not drawn:
        raise LoadError(scene.name, "no layer has triangles", "export its tables instead")
    extras = {"crs": scene.georeference.crs, "origin": scene.georeference.origin_m.tolist()}
    return encode_all(drawn, extras)


def _layer_content(layer: Layer, base: int) -> Content | None:
    """Return everything in a layer at its finest level of detail, instances written out; None if there is nothing."""
    colour = default_colour(layer.theme)
    parts = []
    first = base
    for batch in layer.batches:
        mesh = finest_mesh(batch.meshes, len(batch))
        if mesh is not None and (part := mesh_content(mesh.expanded(), first, colour)) is not None:
            parts.append(part)
        first += len(batch)
    if not parts:
        return None
    low = np.min([part.centre for part in parts], axis=0)
    high = np.max([part.centre for part in parts], axis=0)
    return merged(parts, (low + high) / 2)


def surface_glb(mesh: MeshSet, *, rows: bool = False) -> bytes:
    """Return a mesh set as one glb, for instance the surface of a result; `rows` writes its rows as feature ids.

    Raises
    ------
    LoadError
        When there is nothing to draw.
    """
    content = mesh_content(mesh.expanded(), 0, default_colour("generic"))
    if content is None:
        raise LoadError("surface", "there is nothing to draw", "check the result of the simulation")
    return encode(content, None, _PLAIN if rows else _BARE)
