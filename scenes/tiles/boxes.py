"""Stand an upright box in place of each object, and measure how far it is from the original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from scenes.tiles.paint import face_colours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.tiles.content import Bools, Bytes, Content, Floats, Longs, Singles

    _Columns = tuple[Singles, Singles, Singles]
    _Corners = tuple[_Columns, _Columns, _Columns]

# Corners of a box as multiples of its half sides: four of the foot, four of the top, four of the roof.
_CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]] * 3, np.float64)
_UP = np.repeat([0.0, 1.0, 1.0], 4)
_SIDES = [[a, b, b + 4] for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))] + [
    [a, b + 4, a + 4] for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))
]
_ROOF = [[8, 9, 10], [8, 10, 11]]
_FLOOR = [[0, 2, 1], [0, 3, 2]]
BOX_VERTICES = 12


@dataclass(frozen=True, eq=False)
class Boxes:
    """An upright box for each object of a content.

    Parameters
    ----------
    axes
        (o, 2) unit vector of the long direction in plan.
    low, high
        (o, 3) least and greatest corner in the box's own axes; metres from the centre of the content.
    error_m
        (o,) greatest distance between the box and the vertices of the object, found in both directions.
    wall, roof
        (o, 4) uint8 mean colours of the steep and of the other faces.
    """

    axes: Floats
    low: Floats
    high: Floats
    error_m: Floats
    wall: Bytes
    roof: Bytes

    def taken(self, numbers: Longs) -> Boxes:
        """Return some of the boxes."""
        return Boxes(
            self.axes[numbers],
            self.low[numbers],
            self.high[numbers],
            self.error_m[numbers],
            self.wall[numbers],
            self.roof[numbers],
        )

    @property
    def size_m(self) -> Floats:
        """How far an object can be seen to stand out: its height or its shorter side, the greater, (o,)."""
        sides = self.high - self.low
        return cast("Floats", np.maximum(sides[:, 2], np.minimum(sides[:, 0], sides[:, 1])))

    @property
    def length_m(self) -> Floats:
        """The longer side of each object in plan, (o,)."""
        return cast("Floats", (self.high - self.low)[:, :2].max(axis=1, initial=0.0))

    def corners(self) -> NDArray[np.float32]:
        """Return the vertices of all boxes, (12 o, 3), twelve of a box in the order foot, top, roof."""
        middle = (self.low + self.high) / 2
        half = (self.high - self.low) / 2
        u = middle[:, None, 0] + _CORNERS[None, :, 0] * half[:, None, 0]
        v = middle[:, None, 1] + _CORNERS[None, :, 1] * half[:, None, 1]
        z = self.low[:, None, 2] + _UP * (self.high - self.low)[:, None, 2]
        x = u * self.axes[:, None, 0] - v * self.axes[:, None, 1]
        y = u * self.axes[:, None, 1] + v * self.axes[:, None, 0]
        return np.stack([x, y, z], axis=2).reshape(-1, 3).astype(np.float32)

    def colours(self) -> Bytes:
        """Return the colours of `corners`."""
        count = len(self.low)
        wall = np.broadcast_to(self.wall[:, None], (count, 8, 4))
        roof = np.broadcast_to(self.roof[:, None], (count, 4, 4))
        return np.concatenate([wall, roof], axis=1).reshape(-1, 4)


def box_triangles(count: int, *, floor: bool) -> Longs:
    """Return the triangles of some boxes, as indices into `Boxes.corners`."""
    one = np.array(_SIDES + _ROOF + (_FLOOR if floor else []), np.int64)
    shift = np.arange(count, dtype=np.int64) * BOX_VERTICES
    return cast("Longs", (one[None] + shift[:, None, None]).reshape(-1, 3))


def fit_boxes(content: Content) -> Boxes:
    """Return the box of each object: turned like its walls, as high as its highest point."""
    starts = np.searchsorted(content.owners, np.arange(len(content.handles)))
    x, y, z = _columns(content)
    corners = _corners(content, (x, y, z))
    steep, area, _ = _faces(corners)
    owner = content.owners.take(content.triangles[:, 0])
    axes = _directions(corners, steep, owner, len(content.handles))
    cos, sin = (axes[:, axis].astype(np.float32).take(content.owners) for axis in range(2))
    turned = (x * cos + y * sin, y * cos - x * sin, z)
    low = np.stack([np.minimum.reduceat(column, starts) for column in turned], axis=1)
    high = np.stack([np.maximum.reduceat(column, starts) for column in turned], axis=1)
    error = _deviation(turned, content.owners, starts, low, high)
    wall, roof = _mean_colours(content, owner, starts, (area, steep))
    return Boxes(axes, low.astype(np.float64), high.astype(np.float64), error, wall, roof)


def level_areas(content: Content) -> Floats:
    """Return the area in plan of the faces of each object that are no steeper than 60 degrees, (o,) square metres."""
    steep, _, upward = _faces(_corners(content, _columns(content)))
    owner = content.owners.take(content.triangles[:, 0])
    return cast("Floats", np.bincount(owner, np.where(steep, 0.0, np.abs(upward) / 2), minlength=len(content.handles)))


def _columns(content: Content) -> _Columns:
    x, y, z = (np.ascontiguousarray(content.positions[:, axis]) for axis in range(3))
    return x, y, z


def _corners(content: Content, columns: _Columns) -> _Corners:
    """Return x, y and z of the three corners of each triangle."""
    x, y, z = columns
    a, b, c = ((x.take(corner), y.take(corner), z.take(corner)) for corner in np.ascontiguousarray(content.triangles.T))
    return a, b, c


def _faces(corners: _Corners) -> tuple[Bools, Singles, Singles]:
    """Return which triangles are steeper than 60 degrees, twice the area of each, and twice that in plan, signed."""
    foot, *ends = corners
    one, two = ([far - near for far, near in zip(end, foot, strict=True)] for end in ends)
    across = one[1] * two[2] - one[2] * two[1], one[2] * two[0] - one[0] * two[2]
    upward = one[0] * two[1] - one[1] * two[0]
    area = np.sqrt(across[0] ** 2 + across[1] ** 2 + upward**2)
    return np.abs(upward) < 0.5 * area, area, upward


def _directions(corners: _Corners, steep: Bools, owner: Longs, count: int) -> Floats:
    """Return the direction of the level edges of each object's walls, as the mean over quarter turns."""
    walls = np.bincount(owner.take(np.flatnonzero(steep)), minlength=count) > 0
    chosen = np.flatnonzero(steep | ~walls.take(owner))
    owner = owner.take(chosen)
    sides = [[column.take(chosen) for column in corner] for corner in corners]
    real, imaginary = np.zeros(count), np.zeros(count)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        dx, dy, dz = (there - here for here, there in zip(sides[a], sides[b], strict=True))
        square = dx * dx, dy * dy
        length = np.sqrt(square[0] + square[1])
        level = (np.abs(dz) < 0.05 * length) & (length > 0)
        weight = level / np.where(level, length, 1.0) ** 3
        twice = square[0] - square[1], 2 * dx * dy  # (dx + i dy) ** 2, and then its square: four times the angle
        real += np.bincount(owner, weight * (twice[0] ** 2 - twice[1] ** 2), minlength=count)
        imaginary += np.bincount(owner, weight * 2 * twice[0] * twice[1], minlength=count)
    turn = np.arctan2(imaginary, real) / 4
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def _deviation(turned: _Columns, owners: Longs, starts: Longs, low: Singles, high: Singles) -> Floats:
    """Return how deep vertices lie inside the box, or how far its corners are from any vertex: the greater."""
    below = [column - low[:, axis].take(owners) for axis, column in enumerate(turned)]
    above = [high[:, axis].take(owners) - column for axis, column in enumerate(turned)]
    depth = above[2]
    for each in (below[0], above[0], below[1], above[1]):
        depth = np.minimum(depth, each)
    error = np.maximum.reduceat(depth, starts)
    squares = [(one * one, other * other) for one, other in zip(below, above, strict=True)]
    for u, v, z in np.ndindex(2, 2, 2):
        nearest = np.minimum.reduceat(squares[0][u] + squares[1][v] + squares[2][z], starts)
        error = np.maximum(error, np.sqrt(nearest))
    return cast("Floats", error.astype(np.float64))


def _mean_colours(content: Content, owner: Longs, starts: Longs, faces: tuple[Singles, Bools]) -> tuple[Bytes, Bytes]:
    """Return the mean colours of each object's steep and other faces by area; without others that of the steep ones."""
    area, steep = faces
    count = len(content.handles)
    own = content.colours.take(starts, axis=0)
    if content.paint is None and (_words(content.colours) == _words(own).take(content.owners)).all():
        return own, own
    colour = np.ascontiguousarray(face_colours(content).T)
    sort = 2 * owner + ~steep
    total = np.bincount(sort, area, minlength=2 * count)
    sums = np.stack([np.bincount(sort, area * channel, minlength=2 * count) for channel in colour], axis=1)
    mean = sums / np.where(total > 0, total, 1.0)[:, None]
    found = np.where((total > 0)[:, None], np.rint(mean), np.repeat(own, 2, axis=0)).astype(np.uint8)
    wall, roof = found[0::2], found[1::2]
    return wall, np.where((total[1::2] > 0)[:, None], roof, wall)


def _words(colours: Bytes) -> NDArray[np.uint32]:
    """Return (n, 4) colours as one number each."""
    return np.ascontiguousarray(colours).view(np.uint32)[:, 0]
