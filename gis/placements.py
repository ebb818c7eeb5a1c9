"""Shapes that are placed by a matrix: written out, or kept as placements of one prototype where that is possible."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from gis.surfaces import Look, Placed, SurfaceCollector

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from gis.polygons import PolygonBlock

    Floats = NDArray[np.float64]

MANY = 20
"""How often a shape must stand in a file to be kept as placements."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Polygons about an origin of their own, the level of detail they show, and the kind that gives them a colour."""

    block: PolygonBlock
    level: str
    kind: str = ""

    def painted(self, surfaces: SurfaceCollector) -> Shape:
        """Return the shape with the colour of its kind where it has none."""
        if not self.kind or self.block.paints.any():
            return self
        paint = surfaces.paint(Look(kind=self.kind))
        return replace(self, block=replace(self.block, paints=np.full(len(self.block), paint)))


@dataclass(frozen=True, eq=False)
class Stand:
    """One placement of a shape: its object, its level, a 4 x 4 matrix, and where the origin lies."""

    row: int
    level: str
    matrix: Floats
    anchor: Floats


@dataclass
class Placements:
    """Gathers placements of shapes and adds them to a collector at the end.

    Parameters
    ----------
    to_local
        From (n, 3) coordinates of the file to local metres.
    metric
        Whether coordinates of the file are metres, so that a shape can be added to them.
    """

    to_local: Callable[[Floats], Floats]
    metric: bool
    _shapes: dict[str, Shape] = field(default_factory=dict)
    _stands: dict[str, list[Stand]] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Say whether a shape was given."""
        return name in self._shapes

    def shape(self, name: str, shape: Shape) -> None:
        """Give a shape."""
        self._shapes[name] = shape

    def stand(self, name: str, stand: Stand) -> None:
        """Place a shape, which may be given later."""
        self._stands.setdefault(name, []).append(stand)

    def missing(self) -> list[str]:
        """Return the names of shapes that are placed but were not given."""
        return [name for name in self._stands if name not in self._shapes]

    def put_into(self, surfaces: SurfaceCollector) -> None:
        """Add every placement of a known shape."""
        for name, stands in self._stands.items():
            shape = self._shapes.get(name)
            if shape is None or not len(shape.block):
                continue
            shape = shape.painted(surfaces)
            for level in {stand.level for stand in stands}:
                mine = [stand for stand in stands if stand.level == level]
                turned = [_turn_and_scale(stand.matrix) for stand in mine]
                if len(mine) >= MANY and shape.block.uvs is None and all(turn is not None for turn in turned):
                    surfaces.add_placed(level, self._placed(shape, mine, surfaces))
                else:
                    for stand in mine:
                        surfaces.add_block(level, self._written(shape.block, stand))
        self._stands = {}

    def _written(self, block: PolygonBlock, stand: Stand) -> PolygonBlock:
        points = block.points @ stand.matrix[:3, :3].T + stand.matrix[:3, 3]
        local = self.to_local(points + stand.anchor) if self.metric else self.to_local(stand.anchor[None]) + points
        return replace(block, points=local, rows=np.full(len(block), stand.row))

    def _placed(self, shape: Shape, stands: list[Stand], surfaces: SurfaceCollector) -> Placed:
        own = SurfaceCollector.like(surfaces)
        own.add_block("1", replace(shape.block, rows=np.zeros(len(shape.block), np.int64)))
        prototype = own.meshes(np.zeros(1, np.int64)).get("1")
        feet = np.array([stand.anchor for stand in stands])
        shifts = np.array([stand.matrix[:3, 3] for stand in stands])
        local = self.to_local(feet + shifts) if self.metric else self.to_local(feet) + shifts
        parts = [turn for stand in stands if (turn := _turn_and_scale(stand.matrix)) is not None]
        yaw = np.array([turn for turn, _ in parts]) + self._frame_turn(feet[:1])
        scales = np.array([scale for _, scale in parts])
        if prototype is None:
            raise ValueError("a shape without an area cannot be placed")
        return Placed(prototype, np.array([stand.row for stand in stands]), local, yaw, scales)

    def _frame_turn(self, place: Floats) -> float:
        """Return how far x of the file is turned against local x, in radians."""
        if not self.metric:
            return 0.0
        step = (self.to_local(place + np.array([[1.0, 0, 0]])) - self.to_local(place))[0]
        return float(np.arctan2(step[1], step[0]))


def _turn_and_scale(matrix: Floats) -> tuple[float, tuple[float, float, float]] | None:
    """Return the turn about the vertical and the scales of a matrix that has nothing else, None otherwise."""
    a, c, b, d = matrix[0, 0], matrix[0, 1], matrix[1, 0], matrix[1, 1]
    x, y, z = float(np.hypot(a, b)), float(np.hypot(c, d)), float(matrix[2, 2])
    tilted = np.abs([matrix[0, 2], matrix[1, 2], matrix[2, 0], matrix[2, 1]]).max() > 1e-9
    if tilted or min(x, y, z) <= 0 or a * d - b * c <= 0 or abs(a * c + b * d) > 1e-6 * x * y:
        return None
    return float(np.arctan2(b, a)), (x, y, z)
