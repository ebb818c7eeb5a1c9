"""Building information models: IFC files as layers of a scene.

The front door is `read`; city builds find the loader by the entry point group ``scenes.loaders``.
"""

from __future__ import annotations

from bim.reading import read

__all__ = ["read"]
