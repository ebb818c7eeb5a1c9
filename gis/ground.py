"""The height of the ground as loaders ask for it, with an answer everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scenes.loading import FlatGround

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from scenes.loading import Ground

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GridGround:
    """Terrain as a regular grid in local metres, interpolated bilinearly; NaN outside and over gaps.

    Parameters
    ----------
    x_m, y_m
        Ascending local coordinates of the columns and rows.
    z_m
        (rows, columns) local heights; NaN where unknown.
    margin_cells
        How far beyond the outermost nodes heights continue level: half a cell where the nodes are centres of cells.
    name
        Tells the grids of a mosaic apart.

    Examples
    --------
    >>> slope = GridGround(np.array([0.0, 10.0]), np.array([0.0, 10.0]), np.array([[0.0, 1.0], [2.0, 3.0]]))
    >>> slope.heights([5.0, 50.0], [5.0, 5.0]).tolist()
    [1.5, nan]
    """

    x_m: Floats
    y_m: Floats
    z_m: Floats
    margin_cells: float = 0.0
    name: str = ""

    @property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """West, south, east and north of where heights may be known, local metres."""
        wide = self.margin_cells * (self.x_m[1] - self.x_m[0]) + 1e-6
        high = self.margin_cells * (self.y_m[1] - self.y_m[0]) + 1e-6
        west, south, east, north = self.x_m[0] - wide, self.y_m[0] - high, self.x_m[-1] + wide, self.y_m[-1] + high
        return float(west), float(south), float(east), float(north)

    @property
    def step_m(self) -> float:
        """Distance of the columns in metres."""
        return float(abs(self.x_m[-1] - self.x_m[0]) / max(len(self.x_m) - 1, 1))

    @property
    def rim_m(self) -> float:
        """Mean height along the edge of the grid, of the whole grid where the edge is unknown."""
        edge = np.concatenate([self.z_m[0], self.z_m[-1], self.z_m[:, 0], self.z_m[:, -1]])
        known = edge[np.isfinite(edge)]
        if not len(known):
            known = self.z_m[np.isfinite(self.z_m)]
        return float(known.mean()) if len(known) else 0.0

    def heights(self, x_m: ArrayLike, y_m: ArrayLike) -> Floats:
        """Return local z in metres at local places; NaN outside."""
        x, y = np.broadcast_arrays(np.asarray(x_m, np.float64), np.asarray(y_m, np.float64))
        column = (x - self.x_m[0]) / (self.x_m[-1] - self.x_m[0]) * (len(self.x_m) - 1)
        row = (y - self.y_m[0]) / (self.y_m[-1] - self.y_m[0]) * (len(self.y_m) - 1)
        slack = 1e-6 + self.margin_cells
        outside = ~((column >= -slack) & (column <= len(self.x_m) - 1 + slack))
        outside |= ~((row >= -slack) & (row <= len(self.y_m) - 1 + slack))
        column, row = np.nan_to_num(column), np.nan_to_num(row)
        left = np.clip(column, 0, len(self.x_m) - 2).astype(np.int64)
        low = np.clip(row, 0, len(self.y_m) - 2).astype(np.int64)
        across, up = np.clip(column - left, 0, 1), np.clip(row - low, 0, 1)
        below = self.z_m[low, left] * (1 - across) + self.z_m[low, left + 1] * across
        above = self.z_m[low + 1, left] * (1 - across) + self.z_m[low + 1, left + 1] * across
        return np.where(outside, np.nan, below * (1 - up) + above * up)


@dataclass(frozen=True, eq=False)
class MosaicGround:
    """Several terrains: at each place the first that knows a height counts.

    Parameters
    ----------
    parts
        The terrains, most wanted first.
    """

    parts: tuple[Ground, ...]

    @classmethod
    def of(cls, *grounds: Ground | None) -> MosaicGround:
        """Return one mosaic of several terrains, the parts of mosaics among them, the finest first."""
        parts: list[Ground] = []
        for ground in grounds:
            if ground is not None:
                parts += ground.parts if isinstance(ground, MosaicGround) else (ground,)
        return cls(tuple(sorted(parts, key=lambda part: round(step_of(part), 3))))

    @property
    def step_m(self) -> float:
        """Resolution of the finest part in metres."""
        return min(step_of(part) for part in self.parts)

    @property
    def rim_m(self) -> float:
        """Mean height along the edge of the first part."""
        first = self.parts[0]
        return first.rim_m if isinstance(first, GridGround | MosaicGround) else 0.0

    def heights(self, x_m: ArrayLike, y_m: ArrayLike) -> Floats:
        """Return local z in metres at local places; NaN where no part knows it."""
        x, y = np.broadcast_arrays(np.asarray(x_m, np.float64), np.asarray(y_m, np.float64))
        z = np.full(x.shape, np.nan)
        for part in self.parts:
            missing = ~np.isfinite(z)
            if isinstance(part, GridGround):
                west, south, east, north = part.bounds_m
                missing &= (x >= west) & (x <= east) & (y >= south) & (y <= north)
            if missing.any():
                z[missing] = part.heights(x[missing], y[missing])
        return z


def relief_of(ground: Ground) -> Ground | None:
    """Return the ground, or None where it is level at zero and nothing needs to be laid on it."""
    return None if isinstance(ground, FlatGround) else ground


def step_of(ground: Ground | None) -> float:
    """Return the resolution of the ground in metres, 10 where it has none."""
    return ground.step_m if isinstance(ground, GridGround | MosaicGround) else 10.0


def ground_z(ground: Ground | None, x_m: Floats, y_m: Floats) -> Floats:
    """Return local z at (n,) places; beyond the terrain its rim is continued level."""
    if ground is None or not len(x_m):
        return np.zeros(len(x_m))
    z = np.array(ground.heights(x_m, y_m), np.float64)
    missing = ~np.isfinite(z)
    if missing.any():
        rim = (
            ground.rim_m
            if isinstance(ground, GridGround | MosaicGround)
            else float(z[~missing].mean())
            if not missing.all()
            else 0.0
        )
        z[missing] = rim
    return z
