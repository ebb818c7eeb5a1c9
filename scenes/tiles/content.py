"""`Content`: the geometry of one tile in flat arrays, on its way from the batches to a glb file.

Unlike a `MeshSet` it holds objects of several batches, names them by handle, and remembers how far
each of them is from the original.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from scenes.tiles.numbering import ascending, distinct, kept
from scenes.tiles.paint import joined as joined_paint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet
    from scenes.tiles.paint import Paint

    Bools = NDArray[np.bool_]
    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]
    Singles = NDArray[np.float32]

NO_LINES = np.zeros((0, 2), np.int64)
NO_POINTS = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Placements:
    """One prototype placed many times within a tile.

    Parameters
    ----------
    key
        Hash of the prototype: placements with the same key are drawn together.
    prototype
        The mesh that is repeated, its foot at the origin.
    handles
        (i,) int64 handles of the objects.
    positions
        (i, 3) float32 metres from the centre of the content.
    yaw_rad, scales
        (i,) and (i, 3) float32.
    """

    key: str
    prototype: MeshSet
    handles: Longs
    positions: Singles
    yaw_rad: Singles
    scales: Singles

    def __len__(self) -> int:
        """Return the number of placements."""
        return len(self.handles)

    def taken(self, keep: Bools | Longs) -> Placements:
        """Return some of the placements."""
        return replace(
            self,
            handles=self.handles[keep],
            positions=self.positions[keep],
            yaw_rad=self.yaw_rad[keep],
            scales=self.scales[keep],
        )

    def heights_m(self) -> Floats:
        """Return the height of each placement in metres."""
        z = self.prototype.positions_m[:, 2]
        return cast("Floats", (z.max(initial=0.0) - z.min(initial=0.0)) * np.abs(self.scales[:, 2].astype(np.float64)))

    def turned(self, vectors: NDArray[np.floating]) -> Floats:
        """Return (v, 3) directions turned as each placement is, (i, v, 3)."""
        return self._turned(np.broadcast_to(vectors, (len(self), *vectors.shape)))

    def placed(self, positions: NDArray[np.floating]) -> Floats:
        """Return (v, 3) positions of the prototype at each place, (i, v, 3) metres from the centre of the content."""
        stretched = positions[None, :, :] * self.scales.astype(np.float64)[:, None, :]
        return self._turned(stretched) + self.positions[:, None, :]

    def _turned(self, vectors: NDArray[np.floating]) -> Floats:
        cos, sin = (turn(self.yaw_rad.astype(np.float64))[:, None] for turn in (np.cos, np.sin))
        x, y, z = np.moveaxis(vectors.astype(np.float64), 2, 0)
        return np.stack([x * cos - y * sin, x * sin + y * cos, z], axis=2)

    def bounds(self) -> tuple[Floats, Floats]:
        """Return the least and greatest corner of all placements, metres from the centre of the content."""
        shape = self.prototype.positions_m
        reach = float(np.linalg.norm(shape[:, :2], axis=1).max(initial=0.0))
        low = np.array([-reach, -reach, shape[:, 2].min(initial=0.0)])
        high = np.array([reach, reach, shape[:, 2].max(initial=0.0)])
        feet = self.positions.astype(np.float64)
        corners = np.stack([feet + low * self.scales, feet + high * self.scales])
        return corners.min(axis=(0, 1)), corners.max(axis=(0, 1))


@dataclass(frozen=True, eq=False)
class Content:
    """Geometry of one tile.

    Parameters
    ----------
    centre
        (3,) local metres; positions count from here.
    positions
        (v, 3) float32 metres.
    owners
        (v,) int64 index into `handles`, ascending.
    triangles, lines, points
        (t, 3), (l, 2) and (p,) int64 indices of vertices.
    colours
        (v, 4) uint8 sRGB and opacity.
    handles
        (o,) int64 handles of the objects, ascending.
    errors
        (o,) float64: how far, in metres, the geometry of each object is from the original at most.
    sizes
        (o,) float64: how far each object stands out, metres; NaN before it was measured.
    normals
        (v, 3) float32, None where faces are flat.
    placements
        Prototypes placed many times.
    error_m
        The greatest deviation so far, objects that were left out included.
    paint
        The images on its triangles, if any has one.
    """

    centre: Floats
    positions: Singles
    owners: Longs
    triangles: Longs
    colours: Bytes
    handles: Longs
    errors: Floats
    sizes: Floats
    lines: Longs = field(default_factory=NO_LINES.copy)
    points: Longs = field(default_factory=NO_POINTS.copy)
    normals: Singles | None = None
    placements: tuple[Placements, ...] = ()
    error_m: float = 0.0
    paint: Paint | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not (len(self.triangles) or len(self.lines) or len(self.points) or any(map(len, self.placements)))

    def bounds(self) -> tuple[Floats, Floats] | None:
        """Return the least and greatest corner in local metres, None if there is nothing."""
        corners = [each.bounds() for each in self.placements if len(each)]
        if len(self.positions):
            low, high = extent(self.positions)
            corners.append((low.astype(np.float64), high.astype(np.float64)))
        if not corners:
            return None
        low = np.min([corner[0] for corner in corners], axis=0)
        high = np.max([corner[1] for corner in corners], axis=0)
        return low + self.centre, high + self.centre

    def costs(self) -> Longs:
        """Return the drawing cost of each object in triangles (a segment counts one, two points one)."""
        count = len(self.handles)
        cost = np.bincount(self.owners.take(self.triangles[:, 0]), minlength=count)
        cost += np.bincount(self.owners.take(self.lines[:, 0]), minlength=count)
        cost += (np.bincount(self.owners.take(self.points), minlength=count) + 1) // 2
        return cast("Longs", cost.astype(np.int64))

    def selected(self, keep: Bools) -> Content:
        """Return the part that belongs to some objects ((o,) flags); placements are left out."""
        if keep.all():
            return replace(self, placements=())
        vertices = keep.take(self.owners)
        triangles = vertices.take(self.triangles[:, 0])
        objects, new_owner = kept(keep)
        chosen, renumber = kept(vertices)
        return replace(
            self,
            positions=self.positions.take(chosen, axis=0),
            owners=new_owner.take(self.owners.take(chosen)),
            triangles=renumber.take(self.triangles.take(np.flatnonzero(triangles), axis=0)),
            colours=self.colours.take(chosen, axis=0),
            handles=self.handles.take(objects),
            errors=self.errors.take(objects),
            sizes=self.sizes.take(objects),
            lines=renumber[self.lines[vertices[self.lines[:, 0]]]],
            points=renumber[self.points[vertices[self.points]]],
            normals=None if self.normals is None else self.normals.take(chosen, axis=0),
            placements=(),
            paint=None if self.paint is None else self.paint.taken(vertices, triangles),
        )


def extent(positions: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the least and greatest corner of (n, k) positions; column by column, which is faster than by row."""
    columns = np.ascontiguousarray(positions.T)
    return columns.min(axis=1), columns.max(axis=1)


def empty_content(centre: Floats) -> Content:
    """Return content with nothing in it."""
    return Content(
        centre,
        np.zeros((0, 3), np.float32),
        np.zeros(0, np.int64),
        np.zeros((0, 3), np.int64),
        np.zeros((0, 4), np.uint8),
        np.zeros(0, np.int64),
        np.zeros(0),
        np.zeros(0),
    )


def merged(parts: Sequence[Content], centre: Floats) -> Content:
    """Return one content of several, around a new centre; the pieces of an object that was split are joined."""
    error = max((part.error_m for part in parts), default=0.0)
    placements = _merged_placements(parts, centre)
    solid = [part for part in parts if len(part.positions)]
    if not solid:
        return replace(empty_content(centre), placements=placements, error_m=error)
    if len(solid) == 1 and solid[0].paint is None:
        moved = _moved(solid[0].positions, solid[0].centre - centre)
        return replace(solid[0], centre=centre, positions=moved, placements=placements, error_m=error)
    handles, owner_of = distinct(np.concatenate([part.handles for part in solid]))
    errors = np.zeros(len(handles))
    np.maximum.at(errors, owner_of, np.concatenate([part.errors for part in solid]))
    sizes = np.full(len(handles), np.nan)
    np.fmax.at(sizes, owner_of, np.concatenate([part.sizes for part in solid]))
    first = np.cumsum([0, *(len(part.handles) for part in solid)])
    shift = np.cumsum([0, *(len(part.positions) for part in solid)])
    owners = np.concatenate([owner_of[first[i] :].take(part.owners) for i, part in enumerate(solid)])
    positions = np.concatenate([_moved(part.positions, part.centre - centre) for part in solid])
    smooth = all(part.normals is not None for part in solid)
    result = Content(
        centre,
        positions,
        owners,
        np.concatenate([part.triangles + shift[i] for i, part in enumerate(solid)]),
        np.concatenate([part.colours for part in solid]),
        handles,
        errors,
        sizes,
        np.concatenate([part.lines + shift[i] for i, part in enumerate(solid)]),
        np.concatenate([part.points + shift[i] for i, part in enumerate(solid)]),
        np.concatenate([cast("Singles", part.normals) for part in solid]) if smooth else None,
        placements,
        error,
        joined_paint([(part.paint, len(part.positions), len(part.triangles)) for part in solid]),
    )
    return by_owner(result)


def _moved(positions: Singles, by_m: Floats) -> Singles:
    """Return (n, 3) positions moved by (3,) metres, rounded once."""
    if not by_m.any():
        return positions
    moved = np.empty_like(positions)
    for axis in range(3):  # column by column, which is faster than by row
        moved[:, axis] = np.add(positions[:, axis], by_m[axis], dtype=np.float64)
    return moved


def by_owner(content: Content) -> Content:
    """Return the content with its vertices sorted by object, as `Content` promises."""
    order = ascending(content.owners)
    if order is None:
        return content
    renumber = np.empty(len(order), np.int64)
    renumber[order] = np.arange(len(order))
    return replace(
        content,
        positions=content.positions.take(order, axis=0),
        owners=content.owners.take(order),
        colours=content.colours.take(order, axis=0),
        normals=None if content.normals is None else content.normals.take(order, axis=0),
        triangles=renumber.take(content.triangles),
        lines=renumber[content.lines],
        points=renumber[content.points],
        paint=None if content.paint is None else replace(content.paint, uvs=content.paint.uvs[order]),
    )


def prototype_key(prototype: MeshSet) -> str:
    """Return a hash that two prototypes share when they look the same."""
    digest = hashlib.blake2b(digest_size=12)
    for array in (prototype.centre, prototype.positions, prototype.triangles, prototype.colours, prototype.normals):
        digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    for laid in (prototype.uvs, prototype.triangle_images):
        digest.update(b"" if laid is None else np.ascontiguousarray(laid).tobytes())
    for image in prototype.images:
        digest.update(image.data)
    return digest.hexdigest()


def _merged_placements(parts: Sequence[Content], centre: Floats) -> tuple[Placements, ...]:
    found: dict[str, list[Placements]] = {}
    for part in parts:
        move = part.centre - centre
        for each in part.placements:
            moved = (each.positions.astype(np.float64) + move).astype(np.float32)
            found.setdefault(each.key, []).append(replace(each, positions=moved))
    return tuple(_joined(same) for same in found.values())


def _joined(same: list[Placements]) -> Placements:
    if len(same) == 1:
        return same[0]
    return Placements(
        same[0].key,
        same[0].prototype,
        np.concatenate([each.handles for each in same]),
        np.concatenate([each.positions for each in same]),
        np.concatenate([each.yaw_rad for each in same]),
        np.concatenate([each.scales for each in same]),
    )
