"""Pictures of a scene: the browser viewer, stand-alone pages, PyVista, and the colours they share.

Modules that need an optional library are imported by name: `twin.view.component` (Panel),
`twin.view.notebook`, `twin.view.pyvista_scene` (PyVista).
"""

from __future__ import annotations

from twin.view.attributes import AttributeOverlay, overlay_by_attribute
from twin.view.colour import RAMPS, ColourClass, ColourScale
from twin.view.html import to_html
from twin.view.manifest import scene_manifest
from twin.view.rpc import SceneService

__all__ = [
    "RAMPS",
    "AttributeOverlay",
    "ColourClass",
    "ColourScale",
    "SceneService",
    "overlay_by_attribute",
    "scene_manifest",
    "to_html",
]
