"""Vertices as they are written: in glTF axes, in 16 bits where that is fine enough, each once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from scenes.tiles.content import extent
from scenes.tiles.numbering import distinct, kept, some_of_each

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

    def stored(self, positions: Singles) -> NDArray[Any]:
        """Return (n, 3) positions, metres from the centre of the content, as they are written."""
        if self.scale is None:
            return (to_gltf_axes(positions) - self.low).astype(np.float32)
        steps = np.empty(positions.shape, np.uint16)
        columns = positions[:, 0], positions[:, 2], -positions[:, 1]
        for axis, column in enumerate(columns):  # column by column, which is faster than by row
            place = np.subtract(column, self.low[axis], dtype=np.float64)
            place /= self.scale[axis]
            np.rint(place, out=place)
            steps[:, axis] = np.clip(place, 0, STEPS, out=place)
        return steps

    def node(self) -> dict[str, Any]:
        """Return the node that puts what is written in its place."""
        node: dict[str, Any] = {"translation": (self.centre + self.low).tolist()}
        if self.scale is not None:
            node["scale"] = self.scale.tolist()
        return node


def frame_of(content: Content, rounding_m: float) -> Frame:
    """Return where a content lies; 16 bits a coordinate where that rounds by no more than `rounding_m`."""
    corners = extent(content.positions if len(content.positions) else np.zeros((1, 3)))
    low, high = to_gltf_axes(np.stack(corners))
    low[2], high[2] = high[2], low[2]  # south is where north is least
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
        used, renumber = kept(mark)
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
    stored = frame.stored(content.positions)
    rows = np.searchsorted(handles, content.handles).take(content.owners)
    return Welded(stored, rows, content.colours, content.normals, content.triangles, content.lines, content.points)


def welded(content: Content, frame: Frame, handles: Longs) -> Welded:
    """Return the content with vertices of one object joined that have the same place, colour and normal."""
    whole = whole_of(content, frame, handles)
    stored, rows = whole.positions, whole.rows
    if stored.dtype != np.uint16 or content.normals is not None:
        return whole
    colour = np.ascontiguousarray(content.colours).view(np.uint32)[:, 0]
    groups, group = distinct((content.owners << 32) | colour)
    if len(groups) > STEPS + 1:
        return whole
    key = group.astype(np.uint64)
    for column in stored.T:
        key <<= np.uint64(16)
        key |= column
    one, member = some_of_each(key)
    return Welded(
        stored.take(one, axis=0),
        rows.take(one),
        content.colours.take(one, axis=0),
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
