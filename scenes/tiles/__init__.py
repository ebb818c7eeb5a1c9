"""3D Tiles 1.1 and glTF: what the browser draws."""

from __future__ import annotations

from scenes.tiles.single import layer_glb, surface_glb
from scenes.tiles.tileset import publish

__all__ = ["layer_glb", "publish", "surface_glb"]
