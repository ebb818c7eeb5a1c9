"""The height of a city's ground at any place, from the meshes of its terrain: for what moves without a height."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gis.ground import GridGround, ground_z

if TYPE_CHECKING:
    from scenes import Scene

Floats = NDArray[np.float64]
HeightsOf = Callable[[Floats, Floats], Floats]
"""Takes (n,) local x and y, gives (n,) local z."""

MOST_CELLS = 4_000_000
FINEST_M = 1.0
_BIG_CELLS = 12


def ground_of(scene: Scene) -> HeightsOf | None:
    """Return the height of the ground of a scene, None where it has no terrain.

    The finest triangles of the terrain become a grid about as wide as they are, at most 4 million cells.
    """
    corners = _triangles(scene)
    if not len(corners):
        return None
    grid = _grid(corners)
    return lambda x, y: ground_z(grid, x, y)


class SceneGround:
    """The ground of a scene, worked out when it is first asked for; level at zero where there is no terrain.

    Parameters
    ----------
    scene
        The city.
    lift_m
        Added to all heights: the roads of a city lie a little above its terrain.
    """

    def __init__(self, scene: Scene, lift_m: float = 0.0) -> None:
        """Keep the scene; nothing is read yet."""
        self.lift_m = lift_m
        self._scene = scene
        self._lock = threading.Lock()
        self._heights: HeightsOf | None = None
        self._known = False

    def prepare(self) -> None:
        """Work the heights out; takes seconds in a large city."""
        with self._lock:
            if not self._known:
                self._heights = ground_of(self._scene)
                self._known = True

    def __call__(self, x: Floats, y: Floats) -> Floats:
        """Return (n,) local z at (n,) local places."""
        self.prepare()
        return self.lift_m + (np.zeros(len(x)) if self._heights is None else self._heights(x, y))


def _triangles(scene: Scene) -> Floats:
    """Return the corners of the terrain's finest triangles, (t, 3, 3) local metres."""
    found = [np.zeros((0, 3, 3))]
    for layer in scene.layers.values():
        if layer.theme != "terrain":
            continue
        for batch in layer.batches:
            if batch.meshes:
                mesh = batch.meshes[max(batch.meshes, key=float)]
                found.append(mesh.positions[mesh.triangles].astype(np.float64) + mesh.centre)
    return np.concatenate(found)


def _grid(corners: Floats) -> GridGround:
    low, high = corners[:, :, :2].min(axis=(0, 1)), corners[:, :, :2].max(axis=(0, 1))
    widths = np.ptp(corners[:, :, :2], axis=1).max(axis=1)
    step = max(FINEST_M, float(np.median(widths)), float(np.sqrt(np.prod(high - low) / MOST_CELLS)))
    columns, rows = (np.maximum(np.ceil((high - low) / step), 1).astype(int) + 1).tolist()
    z = np.full((rows, columns), np.nan)
    places = (corners[:, :, :2] - low) / step
    first = np.ceil(places.min(axis=1) - 1e-9).astype(np.int64)
    span = np.floor(places.max(axis=1) + 1e-9).astype(np.int64) - first + 1
    big = (span > _BIG_CELLS).any(axis=1)
    for across in range(int(span[~big, 0].max(initial=0))):
        for up in range(int(span[~big, 1].max(initial=0))):
            chosen = np.flatnonzero(~big & (span[:, 0] > across) & (span[:, 1] > up))
            _fill(z, places[chosen], corners[chosen, :, 2], first[chosen] + (across, up))
    for triangle in np.flatnonzero(big):
        x, y = np.meshgrid(*(first[triangle, axis] + np.arange(span[triangle, axis]) for axis in (0, 1)))
        cells = np.column_stack([x.ravel(), y.ravel()])
        count = len(cells)
        _fill(
            z,
            np.broadcast_to(places[triangle], (count, 3, 2)),
            np.broadcast_to(corners[triangle, :, 2], (count, 3)),
            cells,
        )
    x_m, y_m = low[0] + step * np.arange(columns), low[1] + step * np.arange(rows)
    return GridGround(x_m, y_m, z)


def _fill(z: Floats, corners: Floats, heights: Floats, cells: NDArray[np.int64]) -> None:
    """Write heights of triangles, (t, 3) over (t, 3, 2) corners in cells, at the nodes that lie in them, (t, 2)."""
    rows, columns = z.shape
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area, point = _twice(a, b, c), cells.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = _twice(b, c, point) / area, _twice(c, a, point) / area
    w = 1.0 - u - v
    inside = (u >= -1e-6) & (v >= -1e-6) & (w >= -1e-6) & np.isfinite(u)
    inside &= (cells >= 0).all(axis=1) & (cells[:, 0] < columns) & (cells[:, 1] < rows)
    value = u * heights[:, 0] + v * heights[:, 1] + w * heights[:, 2]
    y, x = cells[inside, 1], cells[inside, 0]
    z[y, x] = np.fmax(z[y, x], value[inside])


def _twice(a: Floats, b: Floats, c: Floats) -> Floats:
    """Return twice the signed area of each triangle of three (t, 2) corners."""
    return np.asarray((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1]))
