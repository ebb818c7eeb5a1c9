"""Geographic data: vector files, terrain and city models become layers of a scene."""

from __future__ import annotations

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
