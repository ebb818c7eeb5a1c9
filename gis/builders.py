"""From features to meshes, one function a theme."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from gis import colours as palette
from gis.draping import draped, level, lowest_ground
from gis.ground import ground_z
from gis.heights import metres
from gis.meshing import joined
from gis.piping import piped
from gis.prisms import Prisms
from gis.prototypes import pinned, planted
from gis.ribbons import ribbons
from gis.themes import shapes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from gis.heights import Heights
    from gis.shapes import Shapes
    from gis.themes import Theme
    from scenes.crew import Shared
    from scenes.loading import Ground
    from scenes.mesh import MeshSet

    Floats = NDArray[np.float64]
    Objects = NDArray[np.object_]

# Metres above the ground: what lies on what. Water < land use < roads.
WATER_LIFT_M = 0.05
LAND_LIFT_M = 0.12
ROAD_LIFT_M = 0.30
DISTRICT_LIFT_M = 0.60
_BRIDGE_LIFT_M = 0.35
_TUNNEL_DEPTH_M = -6.0
_SUBWAY_DEPTH_M = -14.0
_LAND_RANKS = ("earth", "residential", "commercial", "industrial", "school", "generic", "farm", "construction", "paved",
               "sand", "park", "wood", "grass", "cemetery", "wetland", "garden", "pitch")  # fmt: skip
_ROADS = {  # class: width in metres, rank in the stack, colour word
    "motorway": (15.0, 9, "motorway"), "trunk": (13.0, 8, "trunk"), "primary": (12.0, 7, "primary"),
    "secondary": (10.0, 6, "secondary"), "tertiary": (8.0, 5, "tertiary"), "major_road": (11.0, 6, "secondary"),
    "motorway_link": (6.5, 5, "tertiary"), "trunk_link": (6.0, 5, "tertiary"), "primary_link": (6.0, 5, "tertiary"),
    "secondary_link": (5.5, 5, "tertiary"), "tertiary_link": (5.0, 5, "tertiary"),
    "residential": (6.5, 4, "residential"), "unclassified": (6.0, 4, "residential"),
    "minor_road": (5.5, 4, "residential"),
    "living_street": (5.0, 4, "residential"), "service": (4.0, 3, "service"), "road": (6.0, 4, "residential"),
    "pedestrian": (5.0, 2, "pedestrian"), "track": (3.0, 1, "track"), "footway": (2.0, 1, "path"),
    "path": (1.8, 1, "path"), "cycleway": (2.2, 1, "path"), "steps": (2.0, 1, "path"), "bridleway": (2.0, 1, "path"),
    "pier": (4.0, 2, "pedestrian"), "ferry": (1.5, 0, "ferry"), "rail": (4.0, 9, "rail"), "tram": (3.0, 9, "rail"),
    "light_rail": (3.5, 9, "rail"), "subway": (5.0, 9, "subway"), "railway": (4.0, 9, "rail"),
    "narrow_gauge": (2.5, 9, "rail"), "monorail": (2.5, 9, "rail"), "funicular": (2.5, 9, "rail"),
}  # fmt: skip
_WATERWAYS = {
    "river": 14.0, "canal": 8.0, "stream": 2.5, "drain": 1.5, "ditch": 1.2, "riverbank": 0.6, "water": 0.6,
    "coastline": 1.0, "swimming_pool": 0.3,
}  # fmt: skip
_LAND_WORDS = {
    "earth": "earth", "residential": "residential", "suburb": "residential", "neighbourhood": "residential",
    "commercial": "commercial", "retail": "commercial", "attraction": "commercial", "hospital": "school",
    "school": "school", "university": "school", "college": "school", "kindergarten": "school",
    "industrial": "industrial",
    "railway": "industrial", "military": "industrial", "quarry": "construction", "construction": "construction",
    "brownfield": "construction", "parking": "paved", "pedestrian": "paved", "footway": "paved", "pier": "paved",
    "bridge": "paved", "plaza": "paved", "square": "paved", "fuel": "paved", "station": "paved", "park": "park",
    "recreation_ground": "park", "nature_reserve": "park", "protected_area": "park", "zoo": "park",
    "golf_course": "park",
    "village_green": "grass", "playground": "garden", "grass": "grass", "meadow": "grass", "grassland": "grass",
    "greenfield": "grass", "forest": "wood", "wood": "wood", "natural_wood": "wood", "natural_forest": "wood",
    "scrub": "wood", "heath": "wood", "pitch": "pitch", "stadium": "pitch", "track": "pitch", "garden": "garden",
    "allotments": "garden", "orchard": "garden", "farmland": "farm", "farmyard": "farm", "farm": "farm",
    "vineyard": "farm", "sand": "sand", "beach": "sand", "cemetery": "cemetery", "grave_yard": "cemetery",
    "wetland": "wetland",
}  # fmt: skip


USED = frozenset({
    "boundary", "bridge", "depth", "depth_m", "diameter", "diameter_m", "height", "height_m", "hoehe", "is_bridge",
    "is_tunnel", "lanes", "tunnel", "width", "width_m",
})  # fmt: skip
"""Columns that the builders look at; a feature that goes to another process takes no others along."""


@dataclass(frozen=True, eq=False)
class Features:
    """Features of one layer in local metres.

    Parameters
    ----------
    theme
        Where they belong.
    shapes
        (n,) geometries.
    frame
        Their attributes.
    classes
        (n,) class words, such as ``residential``.
    hashes
        (n,) uint64 that decide colours and turns.
    heights
        Of buildings, None otherwise.
    """

    theme: Theme
    shapes: Shapes
    frame: Any
    classes: Objects
    hashes: NDArray[np.uint64]
    heights: Heights | None = None

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.shapes)

    @property
    def geometry(self) -> Objects:
        """The shapes as shapely geometries."""
        return self.shapes.geometry

    def take(self, rows: NDArray[np.int64]) -> Features:
        """Return some features in the order given."""
        heights = self.heights
        if heights is not None:
            heights = replace(
                heights,
                top_m=heights.top_m[rows],
                base_m=heights.base_m[rows],
                levels=heights.levels[rows],
                source=heights.source[rows],
            )
        return replace(
            self,
            shapes=self.shapes.take(rows),
            frame=self.frame.iloc[rows].reset_index(drop=True),
            classes=self.classes[rows],
            hashes=self.hashes[rows],
            heights=heights,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel only with the columns that geometry is made from."""
        columns = [name for name in self.frame.columns if name in USED]
        return Features, (self.theme, self.shapes, self.frame[columns], self.classes, self.hashes, self.heights)

    def flags(self, *columns: str) -> NDArray[np.bool_]:
        """Say which features have a yes in any of the columns."""
        result = np.zeros(len(self), bool)
        for column in columns:
            if column in self.frame.columns:
                texts = self.frame[column].astype(object).where(self.frame[column].notna(), "no").astype(str)
                result |= ~texts.str.lower().isin({"no", "false", "f", "0", "0.0", "", "nan", "none"}).to_numpy()
        return result

    def numbers(self, *columns: str) -> Floats:
        """Return the first number (metres where a unit is written) in any of the columns, NaN where none has one."""
        result = np.full(len(self), np.nan)
        for column in columns:
            if column in self.frame.columns:
                values = self.frame[column]
                numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan).copy()
                texts = np.flatnonzero(np.isnan(numbers) & values.notna().to_numpy())
                numbers[texts] = [metres(value) for value in values.iloc[texts]]
                result = np.where(np.isfinite(result), result, numbers)
        return result


@dataclass(frozen=True, eq=False)
class MeshRecipe:
    """How the geometry of features is made, for another process (`scenes.batches.DeferredMeshes`)."""

    features: Features
    ground: Shared

    def __call__(self) -> dict[str, MeshSet]:
        """Return the geometry by level of detail."""
        return meshes_of(self.features, self.ground.value)


def meshes_of(features: Features, ground: Ground | None) -> dict[str, MeshSet]:
    """Return the geometry of features by level of detail; `ground` None means level ground at local zero."""
    level_name, build = _BUILDERS.get(features.theme.layer, ("0", _generic))
    mesh = build(features, ground)
    return {level_name: mesh} if mesh.vertex_count or mesh.instances else {}


def _buildings(features: Features, ground: Ground | None) -> MeshSet:
    heights = features.heights
    if heights is None:
        raise ValueError(f"{features.theme.layer}: buildings need heights")
    base = np.zeros(len(features)) if ground is None else lowest_ground(features.geometry, ground)
    colours = palette.building_colours(features.classes, heights.top_m, features.hashes)
    return Prisms(features.shapes.rings(), base + heights.base_m, base + heights.top_m, colours).mesh()


def _roads(features: Features, ground: Ground | None) -> MeshSet:
    fallback = _ROADS["rail"] if features.theme.layer == "railways" else _ROADS["road"]
    names, inverse = np.unique(features.classes.astype(str), return_inverse=True)
    found = [_ROADS.get(name, fallback) for name in names]
    widths = np.array([width for width, _, _ in found])[inverse]
    lifts = ROAD_LIFT_M + 0.03 * np.array([rank for _, rank, _ in found], float)[inverse]
    colours = palette.rgba([palette.ROAD_COLOURS[word] for _, _, word in found])[inverse]
    given = features.numbers("width", "width_m")
    lanes = features.numbers("lanes") * 3.25
    widths = np.where((given > 0.3) & (given < 80), given, np.where((lanes > 2) & (lanes < 50), lanes, widths))
    tunnel = features.flags("is_tunnel", "tunnel")
    lifts = np.where(features.classes == "subway", _SUBWAY_DEPTH_M, np.where(tunnel, _TUNNEL_DEPTH_M, lifts))
    lifts = lifts + np.where(features.flags("is_bridge", "bridge") & (lifts > 0), _BRIDGE_LIFT_M, 0.0)
    plaza = palette.rgba([palette.ROAD_COLOURS["pedestrian"]])[[0] * len(features)]
    areas = draped(_only(features.geometry, "area"), np.full(len(features), ROAD_LIFT_M - 0.02), plaza, ground)
    return joined([ribbons(features.geometry, widths, lifts, colours, ground), areas])


def _water(features: Features, ground: Ground | None) -> MeshSet:
    count = len(features)
    pool = np.isin(features.classes, ("swimming_pool", "fountain"))
    words = np.where(pool, "pool", "water").astype(object)
    colours = palette.by_class(words, palette.WATER_COLOURS, palette.WATER_COLOURS["water"])
    lifts = np.full(count, WATER_LIFT_M) + np.where(pool, LAND_LIFT_M + 0.1, 0.0)
    areas = level(_only(features.geometry, "area"), lifts, colours, ground)
    shore = features.flags("boundary")
    usual = pd.Series(features.classes).map(_WATERWAYS).fillna(3.0).to_numpy(np.float64)
    given = features.numbers("width", "width_m")
    widths: Floats = np.where(shore, 0.6, np.where((given > 0.3) & (given < 500), given, usual))
    shores = shore | (widths <= 0.6)
    line_colours = np.where(shores[:, None], palette.rgba([palette.WATER_COLOURS["shore"]]), colours).astype(np.uint8)
    return joined([areas, ribbons(features.geometry, widths, lifts + 0.03, line_colours, ground)])


def _landuse(features: Features, ground: Ground | None) -> MeshSet:
    words = np.array([_LAND_WORDS.get(str(name), "generic") for name in features.classes], object)
    ranks = {word: rank for rank, word in enumerate(_LAND_RANKS)}
    lifts = LAND_LIFT_M + 0.008 * np.array([ranks[word] for word in words], float)
    # Earth is the land itself, where a map draws land and sea: it lies below the water.
    lifts = np.where(words == "earth", WATER_LIFT_M - 0.03, lifts)
    return draped(
        features.geometry, lifts, palette.by_class(words, palette.LAND_COLOURS, palette.LAND_COLOURS["generic"]), ground
    ).mesh()


def _trees(features: Features, ground: Ground | None) -> MeshSet:
    heights = features.numbers("height", "height_m", "hoehe")
    drawn = 5.5 + ((features.hashes >> np.uint64(32)) % np.uint64(101)).astype(float) / 100.0 * 6.0
    tall = np.where((heights > 0.5) & (heights < 120), heights, drawn)
    feet, rows = _feet(features.geometry, ground)
    return _to_rows(planted(feet, tall[rows], features.hashes[rows]), rows)


def _points(features: Features, ground: Ground | None) -> MeshSet:
    feet, rows = _feet(features.geometry, ground)
    return _to_rows(pinned(feet, np.full(len(feet), 7.0), palette.POINT_COLOUR), rows)


def _districts(features: Features, ground: Ground | None) -> MeshSet:
    areas = np.isin(shapely.get_type_id(features.geometry), (3, 6))
    lines = np.where(areas, shapely.boundary(features.geometry), features.geometry)
    widths = np.clip(np.sqrt(shapely.area(features.geometry)) / 300.0, 2.5, 60.0)
    colours = palette.rgba([palette.DISTRICT_COLOUR])[[0] * len(features)]
    return ribbons(lines, widths, np.full(len(features), DISTRICT_LIFT_M), colours, ground).mesh()


def _pipes(features: Features, ground: Ground | None) -> MeshSet:
    given = features.numbers("diameter", "diameter_m", "width")
    widths = np.clip(np.where(given > 20, given / 1000.0, np.nan_to_num(given, nan=0.6)), 0.2, 6.0)
    depth = np.clip(np.nan_to_num(features.numbers("depth", "depth_m"), nan=2.0), 0.0, 100.0)
    colours = palette.rgba(["#b98a5a"])[[0] * len(features)]
    return piped(features.geometry, widths, depth, colours, ground).mesh()


def _generic(features: Features, ground: Ground | None) -> MeshSet:
    count = len(features)
    colours = palette.rgba([palette.GENERIC_COLOUR])[[0] * count]
    lifts = np.full(count, LAND_LIFT_M + 0.15)
    areas = draped(_only(features.geometry, "area"), lifts, colours, ground)
    return joined([areas, ribbons(features.geometry, np.full(count, 1.2), lifts + 0.1, colours, ground)])


def _only(geometry: Objects, shape: str) -> Objects:
    """Return the geometries with those of other shapes emptied."""
    result = geometry.copy()
    result[shapes_of(geometry) != shape] = shapely.Polygon()
    return result


def _feet(geometry: Objects, ground: Ground | None) -> tuple[Floats, NDArray[np.int64]]:
    points, rows = shapely.get_coordinates(geometry, return_index=True)
    return np.column_stack([points, ground_z(ground, points[:, 0], points[:, 1])]), rows.astype(np.int64)


def _to_rows(mesh: MeshSet, rows: NDArray[np.int64]) -> MeshSet:
    """Return the mesh with the number of each placement replaced by the row that it belongs to."""
    instances = tuple(replace(each, rows=rows[each.rows].astype(np.uint32)) for each in mesh.instances)
    return replace(mesh, instances=instances)


_BUILDERS: dict[str, tuple[str, Callable[[Features, Ground | None], MeshSet]]] = {
    "buildings": ("1", _buildings),
    "roads": ("1", _roads),
    "railways": ("1", _roads),
    "water": ("1", _water),
    "landuse": ("1", _landuse),
    "trees": ("1", _trees),
    "points": ("1", _points),
    "districts": ("0", _districts),
    "pipes": ("1", _pipes),
}
