"""Skirts: short walls below the rim of a terrain tile, which close the gaps to coarser or finer neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.tiles.content import by_owner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.tiles.content import Content, Longs
    from scenes.tiles.paint import Paint

GREATEST_RIM = 0.25  # a surface whose triangles do not share vertices is all rim, and gets no skirt


def with_skirt(content: Content, depth_m: float) -> Content:
    """Return a surface with a wall of some depth below every edge that only one triangle has."""
    single = _single(_sides(_places(content)), len(content.positions))
    rim, of = _sides(content.triangles)[single], single % max(len(content.triangles), 1)
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
            paint=None if content.paint is None else _painted(content.paint, top, of),
        )
    )


def rim_edges(triangles: Longs, vertex_count: int) -> Longs:
    """Return the (e, 2) edges that belong to one triangle only, in the direction of that triangle."""
    sides = _sides(triangles)
    return sides[_single(sides, vertex_count)]


def _sides(triangles: Longs) -> Longs:
    return np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])


def _single(sides: Longs, vertex_count: int) -> Longs:
    """Return the numbers of the sides that nobody shares."""
    key = sides.min(axis=1) * np.int64(vertex_count) + sides.max(axis=1)
    _, first, count = np.unique(key, return_index=True, return_counts=True)
    return np.sort(first[count == 1])


def _places(content: Content) -> Longs:
    """Return the triangles with one number for each place: at the seam of two images two vertices lie there."""
    if content.paint is None:
        return content.triangles
    _, place = np.unique(content.positions, axis=0, return_inverse=True)
    return place.reshape(-1)[content.triangles]


def _painted(paint: Paint, top: Longs, of: Longs) -> Paint:
    """Return the paint with that of the walls: two triangles a rim edge, which show the edge of the image."""
    named = np.concatenate([paint.named, paint.named[of], paint.named[of]])
    return replace(paint, uvs=_appended(paint.uvs, top), named=named)


def _appended(values: NDArray[Any], rows: Longs) -> NDArray[Any]:
    return np.concatenate([values, values[rows]])
