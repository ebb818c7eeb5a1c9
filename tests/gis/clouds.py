"""Small point clouds of which everything is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import laspy
import numpy as np
import pyproj

if TYPE_CHECKING:
    from pathlib import Path

EAST, NORTH = 354_000.0, 3_457_000.0
UTM51 = "EPSG:32651"


def write_las(path: Path, xyz: np.ndarray, crs: str = UTM51, version: str = "1.2", form: int = 3, **marks: Any) -> Path:
    """Write (n, 3) coordinates as LAS or LAZ, by the name, in steps of a millimetre."""
    header = laspy.LasHeader(point_format=form, version=version)
    header.scales = [0.001] * 3
    header.offsets = np.floor(xyz.min(axis=0))
    if crs:
        header.add_crs(pyproj.CRS(crs))
    las = laspy.LasData(header)
    las.x, las.y, las.z = xyz.T
    for name, values in marks.items():
        las[name] = values
    las.write(str(path))
    return path


def scattered(count: int, seed: int = 1, side_m: float = 300.0) -> np.ndarray:
    """Return (n, 3) projected coordinates of a rough meadow, denser in one corner."""
    random = np.random.default_rng(seed)
    plan = side_m * random.random((count, 2)) ** 1.5
    height = 4.0 + 0.02 * plan[:, 0] + random.normal(0, 0.3, count)
    return np.round(np.column_stack([plan + np.array([EAST, NORTH]), height]), 3)
