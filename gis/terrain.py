"""The loader of terrain: grids of heights become the ground and a tiled surface."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gis.datum import shifted, unshifted
from gis.ground import GridGround, MosaicGround, relief_of
from gis.imagery import is_imagery
from gis.placing import check_bounds
from gis.rasterfiles import is_terrain, rasters_in
from gis.rasters import facts_of, read_raster
from gis.relief import relief
from gis.themes import plain_name
from scenes.errors import GeoreferenceError, LoadError
from scenes.georeference import WGS84, Georeference, parse_crs, transformer
from scenes.loading import Location
from scenes.model import Layer
from scenes.vertical import horizontal, report, rise, vertical

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from gis.rasters import Raster
    from scenes.loading import Ground, LoadContext
    from scenes.model import Batch
    from scenes.sources import Source

    Floats = NDArray[np.float64]

MOST_VERTICES = 1_200_000  # of one grid
MOST_TOGETHER = 4_000_000
FEWEST_VERTICES = 40_000
_WIDEST_M = 300_000.0


class TerrainLoader:
    """Reads elevation grids: GeoTIFF, Esri ASCII, HGT, DEM, VRT, text grids of x y z; also inside zip and gzip."""

    name = "terrain"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is a grid of heights, by its extension and, for text, its first lines."""
        return is_terrain(source) and not is_imagery(source)

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the grids, None if they do not say where they lie."""
        if source.place is not None:
            return None
        found = [facts for path in rasters_in(source) if (facts := facts_of(source, path)).kind == "heights"]
        crs = source.crs or next((facts.crs for facts in found if facts.crs), "")
        if not crs or not found:
            return None
        bounds = np.array([facts.bounds for facts in found])
        (west, south), (east, north) = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
        check_bounds(source.path, horizontal(crs), (float(west), float(south), float(east), float(north)))
        lon, lat = transformer(horizontal(crs), WGS84).transform((west + east) / 2, (south + north) / 2)
        own = crs if parse_crs(crs).is_projected else ""
        return Location(float(lon), float(lat), own, vertical=vertical(crs))

    def surface(self, source: Source, context: LoadContext) -> Ground | None:
        """Return the terrain; where several overlap, the finest counts. None for other rasters of heights."""
        mine = _grounds(source, context)
        before = relief_of(context.ground)
        if before is None and len(mine) == 1:
            return mine[0]
        return MosaicGround.of(before, *mine) if mine else None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield a batch a grid: the surface as patches of about a hundred cells, each an object of kind ReliefFeature.

        Raises
        ------
        SourceError, GeoreferenceError
            When the file is broken or lies nowhere.
        """
        grounds = _grounds(source, context)
        _report(source, context, grounds)
        titles = {"en": source.layer or "Terrain", "zh": source.layer or "地形"}
        layer = Layer(plain_name(source.layer) or "terrain", theme="terrain", titles=titles, source=source.title)
        drawn = 0
        for ground in grounds:
            try:
                yield layer, relief(ground, source.namespace, source.title, context.ground)
                drawn += 1
            except LoadError:
                if len(grounds) == 1 and not isinstance(context.ground, MosaicGround):
                    raise
        if grounds and not drawn:
            context.problems.add(
                "info", source.shown, "terrain-covered", "finer terrain covers all of it", "leave it out"
            )


def _grounds(source: Source, context: LoadContext) -> tuple[GridGround, ...]:
    stat = source.file.stat()
    return _grounds_of(source, context.georeference, _budget(context.sources), (stat.st_mtime_ns, stat.st_size))


def _budget(sources: Sequence[Source]) -> int:
    """Return how many vertices a grid may have, so that a mosaic of many stays small."""
    count = sum(is_terrain(source) for source in sources if source.file.is_file())
    return int(np.clip(MOST_TOGETHER // max(count, 1), FEWEST_VERTICES, MOST_VERTICES))


def _report(source: Source, context: LoadContext, grounds: tuple[GridGround, ...]) -> None:
    """Say what the heights are, and what is no terrain."""
    paths = rasters_in(source)
    facts = [facts_of(source, path) for path in paths]
    if any(fact.kind == "geoid" for fact in facts):
        context.problems.add(
            "info",
            source.shown,
            "geoid-grid",
            "holds the height of the geoid, which is no terrain: it is not drawn",
            "name it with --geoid to convert heights above the ellipsoid",
        )
    crs = source.crs or next((fact.crs for fact in facts if fact.crs), "")
    if not grounds or not crs:
        return
    place = context.georeference.lonlat(*_middle(grounds[0]))
    report(context.georeference, vertical(crs), (float(place[0]), float(place[1])), source.shown, context.problems)
    units = {axis.unit_name for axis in parse_crs(horizontal(crs)).axis_info}
    if any("foot" in unit for unit in units) and not read_raster(source, paths[0], FEWEST_VERTICES).states_unit:
        context.problems.add(
            "warning",
            source.shown,
            "height-unit-unknown",
            "its plan is in feet and it does not say the unit of its heights: they are taken as metres",
            "state the unit in the file, for instance with gdal_edit -units ft",
        )


def _middle(ground: GridGround) -> tuple[float, float]:
    return float(ground.x_m.mean()), float(ground.y_m.mean())


@functools.lru_cache(maxsize=4)
def _grounds_of(source: Source, frame: Georeference, budget: int, _stamp: tuple[int, int]) -> tuple[GridGround, ...]:
    paths = rasters_in(source)
    found = []
    for path in paths:
        if facts_of(source, path).kind == "geoid":
            continue
        name = f"{Path(path).name} " if len(paths) > 1 else ""
        found.append(_ground_of(source, path, name, frame, max(budget // len(paths), FEWEST_VERTICES)))
    return tuple(found)


def _ground_of(source: Source, path: str, name: str, frame: Georeference, budget: int) -> GridGround:
    raster = read_raster(source, path, budget)
    crs = source.crs or raster.crs
    if source.place is not None:
        return _placed(raster, source, frame)
    if not crs:
        raise GeoreferenceError(
            source.path,
            "does not say its coordinate system",
            "name it with --crs, or place the grid with --place FILE=E,N,H,ANGLE",
        )
    check_bounds(source.path, horizontal(crs), raster.bounds())
    if not source.datum_shift and parse_crs(horizontal(crs)) == parse_crs(frame.crs):
        x, y = raster.x - frame.easting_m, raster.y - frame.northing_m
        ground = GridGround(x, y, raster.values - frame.height_m, 0.5, name)
    else:
        ground = _warped(raster, horizontal(crs), frame, source, name)
    place = frame.lonlat(*_middle(ground))
    lift = rise(frame, vertical(crs), (float(place[0]), float(place[1]))).by_m
    return GridGround(ground.x_m, ground.y_m, ground.z_m + lift, ground.margin_cells, name) if lift else ground


def _placed(raster: Raster, source: Source, frame: Georeference) -> GridGround:
    """Return the grid moved and turned by an explicit placement of its own origin."""
    place = source.place
    if place is None:
        raise GeoreferenceError(source.path, "has no placement", "give --place FILE=E,N,H,ANGLE")
    origin_x, origin_y = frame.to_local(place.easting_m, place.northing_m)
    lift = place.height_m - frame.height_m
    if abs(place.angle_deg % 360) < 1e-9:
        return GridGround(raster.x + origin_x, raster.y + origin_y, raster.values + lift, 0.5)
    turn = np.radians(place.angle_deg)
    cos, sin = np.cos(turn), np.sin(turn)
    corners = np.array([(x, y) for x in (raster.x[0], raster.x[-1]) for y in (raster.y[0], raster.y[-1])])
    x = corners[:, 0] * cos - corners[:, 1] * sin + origin_x
    y = corners[:, 0] * sin + corners[:, 1] * cos + origin_y
    east, north = _axes(x, y, raster)
    grid_x, grid_y = np.meshgrid(east - origin_x, north - origin_y)
    own = GridGround(raster.x, raster.y, raster.values)
    z = own.heights(grid_x * cos + grid_y * sin, -grid_x * sin + grid_y * cos)
    return GridGround(east, north, z + lift)


def _warped(raster: Raster, crs: str, frame: Georeference, source: Source, name: str) -> GridGround:
    """Return the grid resampled from another system."""
    west, south, east, north = raster.bounds()
    half_x, half_y = (float(axis[1] - axis[0]) / 2 for axis in (raster.x, raster.y))
    west, south, east, north = west - half_x, south - half_y, east + half_x, north + half_y
    side = np.linspace(0, 1, 21)
    rim_x = np.concatenate([west + side * (east - west)] * 2 + [np.full(21, west), np.full(21, east)])
    rim_y = np.concatenate([np.full(21, south), np.full(21, north)] + [south + side * (north - south)] * 2)
    x, y = frame.localise_from(*unshifted(source, crs, rim_x, rim_y))
    if not (np.isfinite(x).all() and np.isfinite(y).all()) or max(np.ptp(x), np.ptp(y)) > _WIDEST_M:
        raise GeoreferenceError(
            source.path,
            "covers more than 300 km, too much for one city",
            "cut out the city, for instance with gdalwarp",
        )
    columns, rows = _axes(x, y, raster)
    grid_x, grid_y = np.meshgrid(columns + frame.easting_m, rows + frame.northing_m)
    if source.datum_shift:
        own_x, own_y = shifted(source, crs, *transformer(frame.crs, WGS84).transform(grid_x, grid_y))
    else:
        own_x, own_y = transformer(frame.crs, crs).transform(grid_x, grid_y)
    z = GridGround(raster.x, raster.y, raster.values, 0.5).heights(own_x, own_y)
    return GridGround(columns, rows, z - frame.height_m, name=name)


def _axes(x: Floats, y: Floats, raster: Raster) -> tuple[Floats, Floats]:
    """Return columns and rows over local bounds, about as many as the raster has cells."""
    width, height = max(float(np.ptp(x)), 1e-3), max(float(np.ptp(y)), 1e-3)
    step = np.sqrt(width * height / raster.values.size)
    columns, rows = max(int(width / step), 2), max(int(height / step), 2)
    return np.linspace(x.min(), x.max(), columns), np.linspace(y.min(), y.max(), rows)
