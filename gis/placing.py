"""From the coordinates of a file to local metres, with the checks that catch a wrong coordinate system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from gis.datum import unshifted
from scenes.errors import GeoreferenceError
from scenes.georeference import WGS84, parse_crs, transformer

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from numpy.typing import NDArray

    from gis.flatwkb import FlatAreas
    from scenes.georeference import Georeference
    from scenes.loading import LoadContext
    from scenes.sources import Source

    Bounds = tuple[float, float, float, float]
    Floats = NDArray[np.float64]

# How far outside its area of use a system may be used with a warning, and from where on it must be wrong.
_NEAR_DEG = 1.5
_FAR_DEG = 12.0
_FAR_FROM_SCENE_M = 200_000.0


def check_bounds(path: str, crs: str, bounds: Bounds, *, small: bool = False) -> None:
    """Refuse coordinates that cannot be in the system they claim.

    Parameters
    ----------
    path
        File, for the message.
    crs
        The claimed system.
    bounds
        (west, south, east, north) in that system.
    small
        Whether metres so near the origin that they look like degrees are in order, as they are in model files.

    Raises
    ------
    GeoreferenceError
        When degrees are labelled as metres, metres as degrees, or the place is far from the area of use.
    """
    west, south, east, north = bounds
    if not np.isfinite(bounds).all():
        raise GeoreferenceError(path, "its coordinates are not finite numbers", "export it again")
    parsed = parse_crs(crs)
    degrees = max(abs(west), abs(east)) <= 180.5 and max(abs(south), abs(north)) <= 90.5
    turned = max(abs(west), abs(east)) <= 360.0 and max(abs(south), abs(north)) <= 90.5  # across the antimeridian
    if parsed.is_geographic and not turned:
        raise GeoreferenceError(
            path,
            f"its coordinates reach {_far(bounds):.0f}, which are not degrees, but it claims {parsed.name}",
            "name its real projected system with --source-crs FILE=EPSG:N",
        )
    if parsed.is_projected and not small and degrees and max(east - west, north - south) < 90 and _far(bounds) > 0:
        raise GeoreferenceError(
            path,
            f"its coordinates ({west:.4g}, {south:.4g}) look like degrees, but it claims {parsed.name}",
            "name its real system with --source-crs FILE=EPSG:N, probably EPSG:4326",
        )
    distance = degrees_outside(crs, bounds)
    if not distance <= _FAR_DEG:
        raise GeoreferenceError(
            path,
            f"its coordinates lie far outside the area where {parsed.name} is used",
            "name its real system with --source-crs FILE=EPSG:N",
        )


def to_local(geometries: NDArray[np.object_], crs: str, source: Source, context: LoadContext) -> NDArray[np.object_]:
    """Return (n,) geometries in local metres, in two dimensions.

    Raises
    ------
    GeoreferenceError
        When the coordinates cannot be in their system, or the scene's system does not reach them.
    """
    turn = _turn(_bounds(geometries), crs, context.georeference)
    if turn is not None:
        geometries = shapely.transform(geometries, turn, include_z=bool(shapely.has_z(geometries).any()))
    bounds = _bounds(geometries)
    if bounds is None:
        return geometries
    _check_place(bounds, crs, source, context)
    local: NDArray[np.object_] = shapely.transform(geometries, _Move(source, crs, context))  # leaves Z out
    return local


def areas_to_local(areas: FlatAreas, crs: str, source: Source, context: LoadContext) -> pa.BinaryArray:
    """Return plain areas in local metres as WKB; errors as in `to_local`."""
    points = areas.points
    turn = _turn(_around(points), crs, context.georeference)
    if turn is not None:
        points = turn(points)
    _check_place(_around(points), crs, source, context)
    return areas.moved(_Move(source, crs, context)(points))


def _check_place(bounds: Bounds, crs: str, source: Source, context: LoadContext) -> None:
    check_bounds(source.path, crs, bounds)
    outside = degrees_outside(crs, bounds)
    if outside > _NEAR_DEG:
        message = f"lies {outside:.1f} degrees outside the area where {crs} is used"
        context.problems.add("warning", source.path, "crs-area", message, "check it, or name another with --crs")
    lonlat = _lonlat_centre(crs, bounds)
    _check_scene(source.path, context, lonlat)


@dataclass(frozen=True)
class _Move:
    """Brings (n, 2) points of a source to local metres."""

    source: Source
    crs: str
    context: LoadContext

    def __call__(self, points: Floats) -> Floats:
        frame = self.context.georeference
        here, x, y = unshifted(self.source, self.crs, points[:, 0], points[:, 1])
        local = np.column_stack(frame.localise_from(here, x, y))
        if not np.isfinite(local).all():
            raise GeoreferenceError(
                self.source.path, f"{frame.crs} does not reach all of its places", "name another --crs"
            )
        return local


def _turn(bounds: Bounds | None, crs: str, frame: Georeference) -> Callable[[Floats], Floats] | None:
    """Return what brings every longitude to the scene's side of the Earth, None where they are there already.

    What crosses the antimeridian, split there or not, is then in one piece.
    """
    if bounds is None or not parse_crs(crs).is_geographic:
        return None
    middle = float(frame.lonlat(0.0, 0.0)[0])
    if not max(abs(bounds[0] - middle), abs(bounds[2] - middle)) > 180.0:
        return None

    def turn(points: Floats) -> Floats:
        return np.column_stack([middle + (points[:, 0] - middle + 180.0) % 360.0 - 180.0, points[:, 1:]])

    return turn


def _around(points: Floats) -> Bounds:
    x, y = points[:, 0], points[:, 1]
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _check_scene(path: str, context: LoadContext, lonlat: tuple[float, float]) -> None:
    frame: Georeference = context.georeference
    if not degrees_outside(frame.crs, (*lonlat, *lonlat), WGS84) <= _FAR_DEG:
        raise GeoreferenceError(
            path,
            f"it lies at {lonlat[0]:.3f}, {lonlat[1]:.3f}, far outside the area where {frame.crs} is used",
            "name another --crs for the scene",
        )
    x, y = frame.from_lonlat(*lonlat)
    distance = float(np.hypot(x, y))
    if distance > _FAR_FROM_SCENE_M:
        message = f"lies {distance / 1000:.0f} km from the origin of the scene"
        context.problems.add("warning", path, "far-from-scene", message, "check the coordinate systems of the sources")


def _bounds(geometries: NDArray[np.object_]) -> Bounds | None:
    west, south, east, north = (float(value) for value in shapely.total_bounds(geometries))
    return None if np.isnan(west) else (west, south, east, north)


def _far(bounds: Bounds) -> float:
    return max(abs(value) for value in bounds)


def _lonlat_centre(crs: str, bounds: Bounds) -> tuple[float, float]:
    lon, lat = transformer(crs, WGS84).transform((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    return float(lon), float(lat)


def degrees_outside(crs: str, bounds: Bounds, bounds_crs: str = "") -> float:
    """Return how far the middle of `bounds` is from the area of use, degrees; infinite if it has no place."""
    lon, lat = _lonlat_centre(bounds_crs or crs, bounds)
    if not (np.isfinite(lon) and np.isfinite(lat)):
        return float("inf")
    area: Any = parse_crs(crs).area_of_use
    if area is None:
        return 0.0
    width = (area.east - area.west) % 360 if area.east != area.west else 360.0
    across = min(abs((lon - edge + 180) % 360 - 180) for edge in (area.west, area.east))
    across = 0.0 if (lon - area.west) % 360 <= width or area.east - area.west >= 360 else across
    return float(max(across, area.south - lat, lat - area.north, 0.0))
