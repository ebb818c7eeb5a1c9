"""Geographic data: vector files, terrain and city models become layers of a scene."""

from __future__ import annotations

from gis.datum import gcj02_to_wgs84, wgs84_to_gcj02
from gis.front import read
from gis.vector import VectorLoader

__all__ = ["VectorLoader", "gcj02_to_wgs84", "read", "wgs84_to_gcj02"]
