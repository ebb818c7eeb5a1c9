"""Stand an upright box in place of each object, and measure how far it is from the original."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.tiles.content import Bools, Bytes, Content, Floats, Longs

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
    positions = content.positions.astype(np.float64)
    steep, area, owner = _faces(content, positions)
    axes = _directions(content, positions, steep, owner)
    turned = _turned(positions, axes[content.owners])
    low = np.minimum.reduceat(turned, starts, axis=0)
    high = np.maximum.reduceat(turned, starts, axis=0)
    error = _deviation(turned, content.owners, starts, low, high)
    wall = _mean_colours(content, owner, area * steep)
    roof = _mean_colours(content, owner, area * ~steep)
    known = np.bincount(owner, area * ~steep, minlength=len(axes)) > 0
    return Boxes(axes, low, high, error, wall, np.where(known[:, None], roof, wall))


def _faces(content: Content, positions: Floats) -> tuple[Bools, Floats, Longs]:
    corner = positions[content.triangles]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    double_area = np.linalg.norm(normal, axis=1)
    return np.abs(normal[:, 2]) < 0.5 * double_area, double_area, content.owners[content.triangles[:, 0]]


def _directions(content: Content, positions: Floats, steep: Bools, owner: Longs) -> Floats:
    """Return the direction of the level edges of each object's walls, as the mean over quarter turns."""
    count = len(content.handles)
    has_walls = np.bincount(owner[steep], minlength=count) > 0
    useful = content.triangles[steep | ~has_walls[owner]]
    edges = useful[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    vector = positions[edges[:, 1]] - positions[edges[:, 0]]
    length = np.linalg.norm(vector[:, :2], axis=1)
    level = (np.abs(vector[:, 2]) < 0.05 * length) & (length > 0)
    angle = 4 * np.arctan2(vector[level, 1], vector[level, 0])
    of = content.owners[edges[level, 0]]
    cos = np.bincount(of, length[level] * np.cos(angle), minlength=count)
    sin = np.bincount(of, length[level] * np.sin(angle), minlength=count)
    turn = np.arctan2(sin, cos) / 4
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def _turned(positions: Floats, axes: Floats) -> Floats:
    u = positions[:, 0] * axes[:, 0] + positions[:, 1] * axes[:, 1]
    v = positions[:, 1] * axes[:, 0] - positions[:, 0] * axes[:, 1]
    return np.stack([u, v, positions[:, 2]], axis=1)


def _deviation(turned: Floats, owners: Longs, starts: Longs, low: Floats, high: Floats) -> Floats:
    """Return how deep vertices lie inside the box, or how far its corners are from any vertex: the greater."""
    mine_low, mine_high = low[owners], high[owners]
    inside = np.minimum(turned - mine_low, mine_high - turned)
    depth = np.minimum(np.minimum(inside[:, 0], inside[:, 1]), mine_high[:, 2] - turned[:, 2])
    error = np.maximum.reduceat(depth, starts)
    for flags in np.ndindex(2, 2, 2):
        corner = np.where(np.array(flags, np.bool_), mine_high, mine_low)
        distance = np.sqrt(((turned - corner) ** 2).sum(axis=1))
        error = np.maximum(error, np.minimum.reduceat(distance, starts))
    return cast("Floats", error)


def _mean_colours(content: Content, owner: Longs, weights: Floats) -> Bytes:
    """Return the mean colour of each object's faces by weight; where all weights are zero, of its first vertex."""
    count = len(content.handles)
    colour = content.colours[content.triangles[:, 0]]
    total = np.bincount(owner, weights, minlength=count)
    sums = np.stack([np.bincount(owner, weights * colour[:, i], minlength=count) for i in range(4)], axis=1)
    first = content.colours[np.searchsorted(content.owners, np.arange(count))]
    mean = sums / np.where(total > 0, total, 1.0)[:, None]
    return np.where((total > 0)[:, None], np.rint(mean), first).astype(np.uint8)
