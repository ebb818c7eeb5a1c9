"""The only door to embree: which rays meet a mesh, and how far away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import MissingLibraryError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Singles = NDArray[np.float32]
    Flags = NDArray[np.bool_]


class Tracer:
    """Triangles ready for rays.

    Parameters
    ----------
    positions_m
        (v, 3) vertices, metres; near the origin, since embree computes in float32.
    triangles
        (t, 3) indices.
    """

    def __init__(self, positions_m: NDArray[np.floating], triangles: NDArray[np.integer]) -> None:
        """Build the bounding volume hierarchy."""
        try:
            from embreex import rtcore_scene  # noqa: PLC0415 - optional
            from embreex.mesh_construction import TriangleMesh  # noqa: PLC0415
        except ImportError as error:
            raise MissingLibraryError("embreex", "is needed to trace rays", "pip install 'citytwin[sim]'") from error
        self._scene: Any = rtcore_scene.EmbreeScene(robust=True)
        self._empty = len(triangles) == 0
        if not self._empty:
            vertices = np.ascontiguousarray(positions_m, np.float32)
            self._mesh = TriangleMesh(self._scene, vertices, np.ascontiguousarray(triangles, np.int32))

    def occluded(self, origins: Singles, directions: Singles) -> Flags:
        """Say for (n, 3) origins and directions whether the ray meets anything."""
        if self._empty or len(origins) == 0:
            return np.zeros(len(origins), bool)
        blocked: Flags = self._scene.run(origins, directions, query="OCCLUDED") >= 0
        return blocked

    def distances(self, origins: Singles, directions: Singles) -> Singles:
        """Return the (n,) metres to the first triangle, infinity where there is none."""
        if self._empty or len(origins) == 0:
            return np.full(len(origins), np.inf, np.float32)
        found: Singles = self._scene.run(origins, directions, query="DISTANCE")
        return np.where(found > 1e30, np.float32(np.inf), found)


def towards(direction: ArrayLike, count: int) -> Singles:
    """Return one direction repeated as (count, 3) float32, the form that embree takes."""
    return np.ascontiguousarray(np.broadcast_to(np.asarray(direction, np.float32), (count, 3)))
