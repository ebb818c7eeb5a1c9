"""The third dimension of features: lines keep their heights, outlines give the height of their building.

Heights are metres of the file's vertical system; where it says which that is, `levelled` brings them to that of the
scene first. A shape whose heights are all zero has none. KML says with each feature whether its heights count from the
ground or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from gis.ground import ground_z
from scenes.georeference import WGS84, parse_crs, transformer
from scenes.vertical import horizontal, report, rise, vertical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.features import FeatureTable
    from gis.heights import Heights
    from scenes.loading import Ground, LoadContext
    from scenes.sources import Source

    Objects = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

# An outline that spans less than this between its lowest and highest point lies flat or slopes.
SOLID_M = 1.5
_LOWEST_ROOF_M, _HIGHEST_ROOF_M = 1.5, 1_200.0


@dataclass(frozen=True, eq=False)
class Elevations:
    """Lowest and highest z of (n,) features, NaN where they have none, and whether they count from the ground."""

    low_m: Floats
    high_m: Floats
    relative: Flags

    def take(self, rows: NDArray[np.int64]) -> Elevations:
        """Return those of some features, in the order given."""
        return replace(self, low_m=self.low_m[rows], high_m=self.high_m[rows], relative=self.relative[rows])

    @property
    def known(self) -> Flags:
        """Which features have any."""
        return np.isfinite(self.high_m)


def no_elevations(count: int) -> Elevations:
    """Return those of features without heights."""
    low, high = np.full((2, count), np.nan)
    return Elevations(low, high, np.zeros(count, bool))


def elevations_of(frame: Any, crs: str, suffix: str = "") -> Elevations:
    """Return what the z of each geometry of a table says."""
    shapes = frame.geometry.to_numpy()
    low, high = np.full((2, len(shapes)), np.nan)
    relative = np.zeros(len(shapes), bool)
    spatial = np.flatnonzero(shapely.has_z(shapes))
    if len(spatial):
        points, row = shapely.get_coordinates(shapes[spatial], include_z=True, return_index=True)
        z = points[:, 2] * vertical_unit_m(crs)
        starts = np.flatnonzero(np.diff(row, prepend=-1))
        found = spatial[row[starts]]
        low[found], high[found] = np.fmin.reduceat(z, starts), np.fmax.reduceat(z, starts)
        flat = (low == 0) & (high == 0)
        low[flat], high[flat] = np.nan, np.nan
    if suffix in {".kml", ".kmz"} and "altitudeMode" in frame.columns:
        words = frame["altitudeMode"].astype(object).where(frame["altitudeMode"].notna(), "").astype(str)
        relative = words.str.startswith("relative").to_numpy()
        clamped = ~relative & (words != "absolute").to_numpy()
        low[clamped], high[clamped] = np.nan, np.nan
    return Elevations(low, high, relative)


def levelled(table: FeatureTable, source: Source, context: LoadContext, *, first: bool) -> FeatureTable:
    """Return the features with their heights in the vertical system of the scene, and say so with the `first` window.

    Every height of a window is moved by what holds at its middle.
    """
    system = vertical(table.crs) if table.crs else ""
    shapes = table.frame.geometry.to_numpy()
    spatial = np.flatnonzero(shapely.has_z(shapes))
    if not system or not len(spatial):
        return table
    west, south, east, north = shapely.total_bounds(shapes)
    middle = transformer(horizontal(table.crs), WGS84).transform((west + east) / 2, (south + north) / 2)
    place = (float(middle[0]), float(middle[1]))
    if first:
        report(context.georeference, system, place, source.title, context.problems)
    by_m = rise(context.georeference, system, place).by_m
    if not by_m:
        return table
    points, owner = shapely.get_coordinates(shapes[spatial], include_z=True, return_index=True)
    own = np.bincount(owner, points[:, 2] != 0, len(spatial)) > 0  # a shape at zero throughout has no heights
    points[:, 2] += np.where(own[owner], by_m / vertical_unit_m(table.crs), 0.0)
    moved = shapes.copy()
    moved[spatial] = shapely.set_coordinates(shapes[spatial], points)
    return replace(table, frame=table.frame.assign(geometry=moved))


def vertical_unit_m(crs: str) -> float:
    """Return the metres of one unit of height of a system, 1 where it has no vertical axis.

    Examples
    --------
    >>> vertical_unit_m("EPSG:7415"), round(vertical_unit_m("EPSG:2263+6360"), 4)
    (1.0, 0.3048)
    """
    axes = parse_crs(crs).axis_info
    return float(axes[2].unit_conversion_factor) if len(axes) > 2 else 1.0


def footprints_of(shapes: Objects, elevations: Elevations) -> Objects:
    """Return (n,) shapes with the faces of solids (walls included) joined to the ground that they cover."""
    solid = np.nan_to_num(elevations.high_m - elevations.low_m) >= SOLID_M
    solid &= np.isin(shapely.get_type_id(shapes), (6, 7)) & (shapely.get_num_geometries(shapes) >= 4)
    if not solid.any():
        return shapes
    result = shapes.copy()
    for row in np.flatnonzero(solid):
        faces = shapely.get_parts(shapely.force_2d(shapely.get_parts(shapes[row])))
        faces = shapely.make_valid(faces[shapely.get_type_id(faces) == 3])
        if len(faces):
            result[row] = shapely.union_all(faces[shapely.area(faces) > 1e-9], grid_size=None)
    return result


def raised_lines(
    local: Objects, shapes: Objects, crs: str, elevations: Elevations, frame_z: tuple[float, Any]
) -> Objects:
    """Return local (n,) shapes whose lines have got their heights back, in local z.

    `frame_z` is the height of local zero and the ground (or None), from which relative heights count.
    """
    lines = np.isin(shapely.get_type_id(local), (1, 2)) & elevations.known
    rows = np.flatnonzero(lines)
    if not len(rows):
        return local
    height_m, ground = frame_z
    places, owner = shapely.get_coordinates(local[rows], return_index=True)
    z = shapely.get_coordinates(shapes[rows], include_z=True)[:, 2] * vertical_unit_m(crs)
    own = elevations.relative[rows][owner]
    z = np.where(own, z + ground_z(ground, places[:, 0], places[:, 1]), z - height_m)
    result = local.copy()
    spatial = shapely.force_3d(local[rows])
    result[rows] = shapely.set_coordinates(spatial, np.column_stack([places, np.nan_to_num(z)]))
    return result


def lifted_roofs(heights: Heights, elevations: Elevations, base_z: tuple[Floats, Ground | None, float]) -> Heights:
    """Return heights in which buildings without one take it from their geometry.

    A shape that spans at least 1.5 m from its lowest to its highest point is as tall as that. A level outline is a
    roof where the scene has terrain below it, or where its heights count from the ground.

    Parameters
    ----------
    heights
        As the attributes say.
    elevations
        Of the same buildings.
    base_z
        (n,) local z of the ground at each, the terrain (None where there is none), and the height of local zero.
    """
    ground, terrain, zero_m = base_z
    span = elevations.high_m - elevations.low_m
    above = np.where(elevations.relative, elevations.high_m, elevations.high_m - zero_m - ground)
    if terrain is None:
        above = np.where(elevations.relative, above, np.nan)
    tall = np.where(span >= SOLID_M, span, above)
    take = np.isin(heights.source, ("missing", "implausible"))
    take &= np.nan_to_num(tall) >= _LOWEST_ROOF_M
    take &= np.nan_to_num(tall) <= _HIGHEST_ROOF_M
    if not take.any():
        return heights
    source = heights.source.copy()
    source[take] = "geometry"
    base = np.where(take & (heights.base_m >= tall), 0.0, heights.base_m)
    return replace(heights, top_m=np.where(take, tall, heights.top_m), base_m=base, source=source)
