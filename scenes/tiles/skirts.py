"""Skirts: short walls below the rim of a terrain tile, which close the gaps to coarser or finer neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.tiles.content import by_owner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.tiles.content import Content, Longs

GREATEST_RIM = 0.25  # a surface whose triangles do not share vertices is all rim, and gets no skirt


def with_skirt(content: Content, depth_m: float) -> Content:
    """Return a surface with a wall of some depth below every edge that only one triangle has."""
    rim = rim_edges(content.triangles, len(content.positions))
    if not len(rim) or len(rim) > GREATEST_RIM * 3 * len(content.triangles):
        return content
    top, corners = np.unique(rim, return_inverse=True)
    foot = corners.reshape(rim.shape) + len(content.positions)
    walls = [np.stack([rim[:, 1], rim[:, 0], foot[:, 0]], 1), np.stack([rim[:, 1], foot[:, 0], foot[:, 1]], 1)]
    lowered = content.positions[top] - np.array([0, 0, depth_m], np.float32)
    normals = content.normals
    return by_owner(
        replace(
            content,
            positions=np.concatenate([content.positions, lowered]),
            owners=_appended(content.owners, top),
            colours=_appended(content.colours, top),
            normals=None if normals is None else _appended(normals, top),
            triangles=np.concatenate([content.triangles, *walls]),
        )
    )


def rim_edges(triangles: Longs, vertex_count: int) -> Longs:
    """Return the (e, 2) edges that belong to one triangle only, in the direction of that triangle."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    key = edges.min(axis=1) * np.int64(vertex_count) + edges.max(axis=1)
    _, first, count = np.unique(key, return_index=True, return_counts=True)
    rim: Longs = edges[np.sort(first[count == 1])]
    return rim


def _appended(values: NDArray[Any], rows: Longs) -> NDArray[Any]:
    return np.concatenate([values, values[rows]])
