"""The plan of a model from the text of its file: coarse, quick, and without the geometry engine.

Placements are followed up to the world, and of shapes only the points are taken, so that a model can be laid over the
footprints of a city before it is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely

from bim.step import Ref

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from bim.step import Entity, StepText

    Floats = NDArray[np.float64]

# Products that show the plan of a building or a structure; args: 5 = placement, 6 = shape.
_KINDS = (
    "IFCSLAB", "IFCSLABSTANDARDCASE", "IFCWALL", "IFCWALLSTANDARDCASE", "IFCROOF", "IFCCOLUMN", "IFCFOOTING",
    "IFCBEAM", "IFCMEMBER", "IFCPLATE", "IFCCURTAINWALL", "IFCSPACE", "IFCBUILDINGELEMENTPROXY", "IFCFLOWSEGMENT",
    "IFCPAVEMENT", "IFCCOURSE", "IFCEARTHWORKSFILL", "IFCALIGNMENT", "IFCREFERENT", "IFCSIGNAL", "IFCRAIL",
    "IFCDUCTSEGMENT", "IFCPIPESEGMENT", "IFCFURNISHINGELEMENT", "IFCBEARING", "IFCPILE",
)  # fmt: skip
_MOST_PRODUCTS = 300
_MOST_POINTS = 40
_MOST_LOOKUPS = 60_000
_DEEPEST = 12
_SKIPPED = ("IFCDIRECTION", "IFCSTYLEDITEM", "IFCOWNERHISTORY", "IFCGEOMETRICREPRESENTATION")
_FAR_M = 100_000.0
_POINTS_LOOKED_AT = 20_000
_CONCAVITY = 0.4
_LEAST_POINTS = 3


@dataclass(frozen=True)
class Outline:
    """Points of a model in model metres.

    Parameters
    ----------
    points_m
        (n, 3) corners and starting points of its elements.
    """

    points_m: Floats = field(default_factory=lambda: np.zeros((0, 3)))

    @property
    def centre_m(self) -> tuple[float, float, float]:
        """The middle of the points, zero where there are none."""
        if not len(self.points_m):
            return (0.0, 0.0, 0.0)
        x, y = (self.points_m[:, :2].min(axis=0) + self.points_m[:, :2].max(axis=0)) / 2
        return (float(x), float(y), float(self.points_m[:, 2].min()))

    def box(self) -> tuple[Floats, Floats] | None:
        """Return the least and greatest x and y of the points, (2,) model metres each; None where there are none."""
        if not len(self.points_m):
            return None
        return self.points_m[:, :2].min(axis=0), self.points_m[:, :2].max(axis=0)

    def plan(self, points: Floats) -> BaseGeometry | None:
        """Return the polygon around (n, 2) places of these points, None if they span no area."""
        if len(points) < _LEAST_POINTS:
            return None
        around = shapely.concave_hull(shapely.MultiPoint(points), ratio=_CONCAVITY)
        around = around if around.geom_type == "Polygon" and around.area > 1.0 else around.convex_hull
        return around if around.geom_type == "Polygon" and around.area > 1.0 else None


def far_centre(text: StepText, unit_m: float) -> tuple[float, float, float]:
    """Return the middle of the points that lie 100 km or more from zero, in metres; zero if there are few.

    Such points are projected coordinates written straight into the geometry or the placements.
    """
    points = text.points(_POINTS_LOOKED_AT) * unit_m
    far = points[np.abs(points[:, :2]).max(axis=1, initial=0.0) >= _FAR_M]
    if not len(far):
        return (0.0, 0.0, 0.0)
    x, y, z = (float(value) for value in np.median(far, axis=0))
    return (x, y, z)


def outline(text: StepText, unit_m: float) -> Outline:
    """Return the coarse points of a model's elements in model metres; stray ones are left out."""
    products = list(text.find(*_KINDS))
    step = max(1, math.ceil(len(products) / _MOST_PRODUCTS))
    walk = _Walk(text)
    found = [walk.points_of(product) for product in products[::step]]
    points = np.concatenate([np.zeros((0, 3)), *found]) * unit_m
    points = points[np.isfinite(points).all(axis=1) & (np.abs(points) < 1e8).all(axis=1)]
    if len(points) < _LEAST_POINTS:
        return Outline(points)
    middle = np.median(points, axis=0)
    reach = np.abs(points - middle).max(axis=1)
    return Outline(points[reach <= max(50.0, 8.0 * float(np.median(reach)))])


@dataclass
class _Walk:
    """Follows references, with an end to what it looks up."""

    text: StepText
    frames: dict[int, Floats] = field(default_factory=dict)
    lookups: int = 0

    def get(self, ref: object) -> Entity | None:
        self.lookups += 1
        return self.text.get(ref) if self.lookups <= _MOST_LOOKUPS else None

    def points_of(self, product: Entity) -> Floats:
        """Return (n, 3) points of one product in the world, file units."""
        frame = self.placement(product.get(5), _DEEPEST * 2)
        if frame is None:
            return np.zeros((0, 3))
        shape = self.get(product.get(6))
        points = self.shape(shape, _DEEPEST) if shape is not None else np.zeros((0, 3))
        points = points if len(points) else np.zeros((1, 3))
        picked = points[:: max(1, math.ceil(len(points) / _MOST_POINTS))]
        return np.asarray(picked @ frame[:3, :3].T + frame[:3, 3])

    def placement(self, ref: object, depth: int) -> Floats | None:
        """Return the (4, 4) matrix of a placement, None if it is a linear one, a loop or missing."""
        if not isinstance(ref, Ref):
            return np.eye(4)
        if ref.number not in self.frames:
            entity = self.get(ref)
            if entity is None or entity.kind != "IFCLOCALPLACEMENT" or depth <= 0:
                return None
            above = self.placement(entity.get(0), depth - 1)
            if above is None:
                return None
            self.frames[ref.number] = above @ self.axes(entity.get(1))
        return self.frames[ref.number]

    def axes(self, ref: object) -> Floats:
        """Return the (4, 4) matrix of an axis placement in two or three dimensions."""
        matrix = np.eye(4)
        entity = self.get(ref)
        if entity is None or not entity.kind.startswith("IFCAXIS2PLACEMENT"):
            return matrix
        matrix[:3, 3] = self.vector(entity.get(0), (0.0, 0.0, 0.0))
        flat = entity.kind.endswith("2D")
        up = np.array([0.0, 0.0, 1.0]) if flat else self.vector(entity.get(1), (0.0, 0.0, 1.0))
        along = self.vector(entity.get(1 if flat else 2), (1.0, 0.0, 0.0))
        up = up / (np.linalg.norm(up) or 1.0)
        along = along - up * (along @ up)
        length = float(np.linalg.norm(along))
        if length > 0 and np.linalg.norm(up) > 0:
            along = along / length
            matrix[:3, :3] = np.column_stack([along, np.cross(up, along), up])
        return matrix

    def vector(self, ref: object, default: tuple[float, float, float]) -> Floats:
        """Return the numbers of a point or a direction as three."""
        entity = self.get(ref)
        numbers = entity.get(0) if entity is not None else None
        if not isinstance(numbers, list) or not all(isinstance(value, float) for value in numbers):
            return np.array(default)
        return np.array([*numbers, 0.0, 0.0, 0.0][:3])

    def shape(self, entity: Entity, depth: int) -> Floats:
        """Return (n, 3) points that a shape is made of, as far as they can be read simply."""
        if depth <= 0 or entity.kind.startswith(_SKIPPED):
            return np.zeros((0, 3))
        if entity.kind == "IFCEXTRUDEDAREASOLID":
            frame = self.axes(entity.get(1))
            profile = self.get(entity.get(0))
            flat = self.profile(profile, depth - 1) if profile is not None else np.zeros((0, 3))
            return np.asarray(flat @ frame[:3, :3].T + frame[:3, 3])
        if entity.kind == "IFCMAPPEDITEM":
            return np.zeros((0, 3))
        if entity.kind == "IFCCARTESIANPOINT":
            return _rows([entity.get(0)])
        if entity.kind.startswith("IFCCARTESIANPOINTLIST"):
            return _rows(entity.get(0) or [])
        refs = [ref for argument in entity.arguments for ref in _refs(argument)][: _MOST_POINTS * 2]
        parts = [part for ref in refs if (part := self.get(ref)) is not None]
        return np.concatenate([np.zeros((0, 3)), *(self.shape(part, depth - 1) for part in parts)])

    def profile(self, entity: Entity, depth: int) -> Floats:
        """Return (n, 3) corners of a profile in its plane."""
        if entity.kind in ("IFCRECTANGLEPROFILEDEF", "IFCRECTANGLEHOLLOWPROFILEDEF", "IFCROUNDEDRECTANGLEPROFILEDEF"):
            half = np.array([entity.number_at(3, 0.0), entity.number_at(4, 0.0), 0.0]) / 2
            corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * half
        elif entity.kind.startswith("IFCARBITRARY"):
            return self.shape(entity, depth)
        else:
            corners = np.zeros((1, 3))
        frame = self.axes(entity.get(2))
        return np.asarray(corners @ frame[:3, :3].T + frame[:3, 3])


def _refs(argument: object) -> list[Ref]:
    if isinstance(argument, Ref):
        return [argument]
    return [each for each in argument if isinstance(each, Ref)] if isinstance(argument, list) else []


def _rows(lists: list[object]) -> Floats:
    good = [
        [*row, 0.0, 0.0][:3]
        for row in lists
        if isinstance(row, list) and len(row) >= 2 and all(isinstance(value, float) for value in row)
    ]
    return np.array(good, dtype=np.float64).reshape(-1, 3)
