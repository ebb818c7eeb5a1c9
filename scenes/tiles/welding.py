"""Vertices as they are written: in glTF axes, in 16 bits where that is fine enough, each once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from scenes.tiles.content import extent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.tiles.content import Bytes, Content, Floats, Longs, Singles

STEPS = 65_535


@dataclass(frozen=True, eq=False)
class Frame:
    """Where the vertices of an asset lie: `low` counts from the centre of the content, all in glTF axes."""

    centre: Floats
    low: Floats
    scale: Floats | None

    def stored(self, positions: Floats) -> NDArray[Any]:
        """Return (n, 3) positions as they are written."""
        if self.scale is None:
            return (positions - self.low).astype(np.float32)
        steps = np.rint((positions - self.low) / self.scale)
        return np.clip(steps, 0, STEPS).astype(np.uint16)

    def node(self) -> dict[str, Any]:
        """Return the node that puts what is written in its place."""
        node: dict[str, Any] = {"translation": (self.centre + self.low).tolist()}
        if self.scale is not None:
            node["scale"] = self.scale.tolist()
        return node


def frame_of(content: Content, rounding_m: float) -> Frame:
    """Return where a content lies; 16 bits a coordinate where that rounds by no more than `rounding_m`."""
    positions = to_gltf_axes(content.positions) if len(content.positions) else np.zeros((1, 3))
    low, high = extent(positions)
    centre = to_gltf_axes(content.centre[None])[0]
    scale = np.maximum((high - low) / STEPS, 1e-6)
    if float(scale.max()) / 2 > rounding_m:
        return Frame(centre, np.zeros(3), None)
    return Frame(centre, low, scale)


def to_gltf_axes(positions: NDArray[np.floating]) -> Floats:
    """Return (n, 3) positions with y up: east, up, south."""
    values = positions.astype(np.float64)
    return cast("Floats", np.stack([values[..., 0], values[..., 2], -values[..., 1]], axis=-1))


@dataclass(frozen=True, eq=False)
class Welded:
    """Vertices as they are stored, each once; `rows` names the object of each in the tile's table."""

    positions: NDArray[Any]
    rows: Longs
    colours: Bytes
    normals: Singles | None
    triangles: Longs
    lines: Longs
    points: Longs
    uvs: Singles | None = None

    def used(self, indices: Longs) -> tuple[Welded, Longs]:
        """Return the vertices that some triangles, segments or points use, and those with their new numbers."""
        mark = np.zeros(len(self.positions), np.bool_)
        mark[indices.ravel()] = True
        if mark.all():
            return self, indices
        used, renumber = np.flatnonzero(mark), np.cumsum(mark) - 1
        part = replace(
            self,
            positions=self.positions.take(used, axis=0),
            rows=self.rows.take(used),
            colours=self.colours.take(used, axis=0),
            normals=None if self.normals is None else self.normals.take(used, axis=0),
            uvs=None if self.uvs is None else self.uvs.take(used, axis=0),
        )
        return part, renumber.take(indices)


def whole_of(content: Content, frame: Frame, handles: Longs) -> Welded:
    """Return the content as it is."""
    stored = frame.stored(to_gltf_axes(content.positions))
    rows = np.searchsorted(handles, content.handles)[content.owners]
    return Welded(stored, rows, content.colours, content.normals, content.triangles, content.lines, content.points)


def welded(content: Content, frame: Frame, handles: Longs) -> Welded:
    """Return the content with vertices of one object joined that have the same place, colour and normal."""
    whole = whole_of(content, frame, handles)
    stored, rows = whole.positions, whole.rows
    if stored.dtype != np.uint16 or content.normals is not None:
        return whole
    colour = np.ascontiguousarray(content.colours).view(np.uint32)[:, 0]
    palette, tint = np.unique(colour, return_inverse=True)
    group = content.owners * len(palette) + tint
    if int(group[-1]) >> 16:
        _, group = np.unique(group, return_inverse=True)
        if int(group.max()) >> 16:
            return whole
    place = stored.astype(np.uint64)
    key = (group.astype(np.uint64) << np.uint64(48)) | (place[:, 0] << np.uint64(32))
    key |= (place[:, 1] << np.uint64(16)) | place[:, 2]
    _, first, member = np.unique(key, return_index=True, return_inverse=True)
    return Welded(
        stored.take(first, axis=0),
        rows.take(first),
        content.colours.take(first, axis=0),
        None,
        _solid(member.take(content.triangles)),
        member[content.lines],
        member[content.points],
    )


def _solid(triangles: Longs) -> Longs:
    """Return the triangles that did not shrink to an edge, all of them if none would be left."""
    a, b, c = triangles.T
    whole = np.flatnonzero((a != b) & (b != c) & (c != a))
    return triangles.take(whole, axis=0) if 0 < len(whole) < len(triangles) else triangles
