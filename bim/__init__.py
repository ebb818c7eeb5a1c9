"""Building information models: IFC files as layers of a scene.

The front door is `read`, and `georeference` for the question where a file belongs; city builds find the loader by the
entry point group ``scenes.loaders``.
"""

from __future__ import annotations

from bim.doctor import georeference
from bim.reading import read

__all__ = ["georeference", "read"]
