"""The spatial part of a filter: predicates between footprints and a geometry that the user wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import shapely

from scenes.errors import QueryError
from scenes.footprints import moved
from scenes.georeference import WGS84

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from scenes.georeference import Georeference

    Shapes = NDArray[np.object_]
    Mask = NDArray[np.bool_]
    Predicate = Callable[[Any, Any], Any]

# The predicate with its two sides exchanged: the user's geometry comes first, because it is the prepared one.
_SIDES: Mapping[str, tuple[Predicate, Predicate]] = {
    "s_intersects": (shapely.intersects, shapely.intersects),
    "s_equals": (shapely.equals, shapely.equals),
    "s_disjoint": (shapely.disjoint, shapely.disjoint),
    "s_touches": (shapely.touches, shapely.touches),
    "s_overlaps": (shapely.overlaps, shapely.overlaps),
    "s_crosses": (shapely.crosses, shapely.crosses),
    "s_within": (shapely.within, shapely.contains),
    "s_contains": (shapely.contains, shapely.within),
}
WITHIN_DISTANCE = "s_dwithin"
SPATIAL = frozenset({*_SIDES, WITHIN_DISTANCE})


@dataclass(frozen=True, eq=False)
class PlaceCondition:
    """A spatial predicate between footprints and the geometry that the user wrote.

    Parameters
    ----------
    literal
        That geometry, in local metres.
    name
        The predicate, such as ``s_within``.
    swapped
        Whether the user's geometry came first.
    distance_m
        Of ``s_dwithin``.
    """

    literal: shapely.Geometry
    name: str
    swapped: bool
    distance_m: float = 0.0

    @classmethod
    def of(cls, node: Mapping[str, Any], georeference: Georeference, crs: str) -> PlaceCondition:
        """Return the condition of a node of a filter.

        Raises
        ------
        QueryError
            When the predicate does not compare ``geometry`` with a geometry.
        """
        name, sides = str(node["op"]).lower(), list(node["args"])
        swapped = _is_property(sides[1]) if len(sides) > 1 else False
        mine, given = (sides[1], sides[0]) if swapped else (sides[0], sides[1] if len(sides) > 1 else None)
        if not _is_property(mine) or _is_property(given) or not isinstance(given, dict):
            raise QueryError(name.upper(), "compares something else than geometry with a literal", _EXAMPLE)
        literal = local_literal(given, georeference, crs)
        return cls(literal, name, swapped, _distance(sides) if name == WITHIN_DISTANCE else 0.0)

    @property
    def elsewhere(self) -> bool:
        """What holds for footprints whose box does not touch `reach`."""
        return self.name == "s_disjoint"

    @property
    def reach(self) -> tuple[float, float, float, float]:
        """The box that a footprint must touch for the condition to be decided by its shape, local metres."""
        low_x, low_y, high_x, high_y = (float(value) for value in shapely.bounds(self.literal))
        more = self.distance_m
        return low_x - more, low_y - more, high_x + more, high_y + more

    def mask(self, shapes: Shapes) -> Mask:
        """Return for each footprint (local metres) whether the condition holds; missing ones count as False."""
        if self.name == WITHIN_DISTANCE:
            return shapely.dwithin(shapes, self.literal, self.distance_m)
        shapely.prepare(self.literal)
        predicate = _SIDES[self.name][0 if self.swapped else 1]
        try:
            return cast("Mask", predicate(self.literal, shapes))
        except shapely.GEOSException:
            return cast("Mask", predicate(shapely.make_valid(self.literal), shapely.make_valid(shapes)))


def local_literal(node: Mapping[str, Any], georeference: Georeference, crs: str) -> shapely.Geometry:
    """Return a geometry literal (GeoJSON, or a bbox) in local metres.

    Its coordinates are in `crs`; without one they are WGS 84 longitude and latitude (the default of CQL2) when all
    of them fit into degrees, else in the projected system of the scene.
    """
    shape = _shape(node)
    points = shapely.get_coordinates(shape)
    if not len(points) or not np.isfinite(points).all():
        raise QueryError(json.dumps(node)[:80], "is an empty geometry", _EXAMPLE)
    in_degrees = bool((np.abs(points) <= (180.0, 90.0)).all())
    system = crs or (WGS84 if in_degrees else georeference.crs)
    plan = shapely.force_2d(shape)
    local = moved(np.array([plan]), lambda xy: np.column_stack(georeference.localise_from(system, xy[:, 0], xy[:, 1])))
    return cast("shapely.Geometry", local[0])


_EXAMPLE = "write for instance S_INTERSECTS(geometry, BBOX(121.49, 31.23, 121.51, 31.25))"


def _is_property(node: Any) -> bool:
    if not isinstance(node, dict) or "property" not in node:
        return False
    if node["property"] not in ("geometry", "footprint"):
        raise QueryError(str(node["property"]), "is not a geometry", "the footprint of the objects is called geometry")
    return True


def _shape(node: Mapping[str, Any]) -> shapely.Geometry:
    try:
        if "bbox" in node:
            numbers = [float(number) for number in node["bbox"]]
            half = len(numbers) // 2
            return shapely.box(numbers[0], numbers[1], numbers[half], numbers[half + 1])
        return shapely.from_geojson(json.dumps(node))
    except (shapely.GEOSException, TypeError, ValueError, IndexError) as error:
        raise QueryError(json.dumps(node)[:80], f"is not a geometry ({error})", _EXAMPLE) from error


def _distance(sides: list[Any]) -> float:
    if len(sides) != 3 or not isinstance(sides[2], (int, float)):
        raise QueryError("S_DWITHIN", "has no distance", "write S_DWITHIN(geometry, POINT(121.5 31.24), 200) in metres")
    return float(sides[2])
