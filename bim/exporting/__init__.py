"""Scenes, or parts of them, as IFC4X3: objects with their tree, ids, properties, relations and triangulated shapes."""

from __future__ import annotations

from bim.exporting.model import FORMAT, write_ifc

__all__ = ["FORMAT", "write_ifc"]
