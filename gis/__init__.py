"""Geographic data: vector files, terrain and city models become layers of a scene.

What stands here is imported when it is first used: a process that reads one format pays for that one alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gis.citygml import CityGmlLoader
    from gis.cityjson import CityJsonLoader
    from gis.datum import gcj02_to_wgs84, wgs84_to_gcj02
    from gis.dynamizers import timeseries
    from gis.front import read
    from gis.ground import GridGround
    from gis.lifting import HeightDifference, LiftRule, height_difference, lift
    from gis.pointcloud import PointCloudLoader
    from gis.terrain import TerrainLoader
    from gis.vector import VectorLoader

__all__ = [
    "CityGmlLoader",
    "CityJsonLoader",
    "GridGround",
    "HeightDifference",
    "LiftRule",
    "PointCloudLoader",
    "TerrainLoader",
    "VectorLoader",
    "gcj02_to_wgs84",
    "height_difference",
    "lift",
    "read",
    "timeseries",
    "wgs84_to_gcj02",
]

_HOMES = {
    "CityGmlLoader": "citygml",
    "CityJsonLoader": "cityjson",
    "GridGround": "ground",
    "HeightDifference": "lifting",
    "LiftRule": "lifting",
    "PointCloudLoader": "pointcloud",
    "TerrainLoader": "terrain",
    "VectorLoader": "vector",
    "gcj02_to_wgs84": "datum",
    "height_difference": "lifting",
    "lift": "lifting",
    "read": "front",
    "timeseries": "dynamizers",
    "wgs84_to_gcj02": "datum",
}


def __getattr__(name: str) -> Any:
    """Return a name of the front door, importing the module where it lives."""
    if name not in _HOMES:
        raise AttributeError(f"module 'gis' has no attribute {name!r}")
    return getattr(importlib.import_module(f"gis.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return what the front door has."""
    return __all__
