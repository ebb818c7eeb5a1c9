"""The loader of terrain: a raster of heights becomes the ground and a tiled surface."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

from gis.ground import GridGround, MosaicGround, relief_of
from gis.placing import check_bounds
from gis.rasters import raster_in, read_bounds, read_raster
from gis.themes import plain_name
from scenes.errors import GeoreferenceError, LoadError
from scenes.georeference import WGS84, Georeference, parse_crs, transformer
from scenes.identity import derive_uids
from scenes.loading import Location
from scenes.mesh import MeshSet
from scenes.model import Batch, Layer
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.rasters import Raster
    from scenes.loading import Ground, LoadContext
    from scenes.sources import Source

    Floats = NDArray[np.float64]

MOST_VERTICES = 400_000
PATCH_CELLS = 96
_WIDEST_M = 300_000.0
# Soft greens in the low, straw and stone in the high parts: sRGB.
_STOPS = np.array([0.0, 0.35, 0.7, 1.0])
_SHADES = np.array([[190, 208, 172], [208, 216, 182], [222, 214, 188], [214, 206, 196]], np.float64)
_STEEP = np.array([196, 188, 174], np.float64)


class TerrainLoader:
    """Reads elevation grids: GeoTIFF, Esri ASCII and whatever else GDAL reads as a raster; also inside a zip."""

    name = "terrain"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is a raster, by its extension."""
        return bool(raster_in(source))

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the grid, None if it does not say where it lies."""
        bounds, found = read_bounds(source)
        crs = source.crs or found
        if not crs or source.place is not None:
            return None
        check_bounds(source.path, crs, bounds)
        lon, lat = transformer(crs, WGS84).transform((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
        return Location(float(lon), float(lat), crs if parse_crs(crs).is_projected else "")

    def surface(self, source: Source, context: LoadContext) -> Ground | None:
        """Return the terrain; where several overlap, the first one counts."""
        mine = _ground(source, context.georeference)
        before = relief_of(context.ground)
        return mine if before is None else MosaicGround((before, mine))

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield one batch: the surface as patches of about a hundred cells, each an object of kind ReliefFeature.

        Raises
        ------
        SourceError, GeoreferenceError
            When the file is broken or lies nowhere.
        """
        ground = _ground(source, context.georeference)
        titles = {"en": source.layer or "Terrain", "zh": source.layer or "地形"}
        layer = Layer(plain_name(source.layer) or "terrain", theme="terrain", titles=titles, source=source.file.name)
        yield layer, relief(ground, source.namespace, source.file.name)


def relief(ground: GridGround, dataset: str, source: str = "") -> Batch:
    """Return the surface of a grid as a batch of patches with colours by height and smooth normals.

    Patches share their border points, so there are no gaps; cells with an unknown corner are left out.
    """
    z = ground.z_m
    colours, normals = _shades(ground), _normals(ground)
    meshes: list[MeshSet] = []
    names: list[str] = []
    outlines: list[bytes] = []
    for top in range(0, z.shape[0] - 1, PATCH_CELLS):
        for left in range(0, z.shape[1] - 1, PATCH_CELLS):
            rows = slice(top, min(top + PATCH_CELLS, z.shape[0] - 1) + 1)
            columns = slice(left, min(left + PATCH_CELLS, z.shape[1] - 1) + 1)
            mesh = _patch(ground, rows, columns, colours, normals)
            if mesh is not None:
                meshes.append(mesh)
                names.append(f"{top // PATCH_CELLS}/{left // PATCH_CELLS}")
                x, y = ground.x_m[columns], ground.y_m[rows]
                outlines.append(shapely.to_wkb(shapely.box(x[0], y[0], x[-1], y[-1])))
    if not meshes:
        raise LoadError(source or dataset, "no cell of its grid has four known corners", "check its nodata value")
    table = object_table(
        {
            "uid": derive_uids(dataset, names),
            "kind": ["ReliefFeature"] * len(names),
            "name": [f"terrain {name}" for name in names],
            "source": [source] * len(names),
            "source_id": names,
            "footprint": pa.array(outlines, pa.binary()),
        }
    )
    return Batch(table, {"1": _stacked(meshes)})


@functools.lru_cache(maxsize=4)
def _ground_of(source: Source, frame: Georeference, _stamp: tuple[int, int]) -> GridGround:
    raster = read_raster(source, MOST_VERTICES)
    crs = source.crs or raster.crs
    if source.place is not None:
        return _placed(raster, source, frame)
    if not crs:
        raise GeoreferenceError(
            source.path,
            "does not say its coordinate system",
            "name it with --crs, or place the grid with --place FILE=E,N,H,ANGLE",
        )
    check_bounds(source.path, crs, raster.bounds())
    if parse_crs(crs) == parse_crs(frame.crs):
        return GridGround(raster.x - frame.easting_m, raster.y - frame.northing_m, raster.values - frame.height_m)
    return _warped(raster, crs, frame, source)


def _ground(source: Source, frame: Georeference) -> GridGround:
    stat = source.file.stat()
    return _ground_of(source, frame, (stat.st_mtime_ns, stat.st_size))


def _placed(raster: Raster, source: Source, frame: Georeference) -> GridGround:
    """Return the grid moved and turned by an explicit placement of its own origin."""
    place = source.place
    if place is None:
        raise GeoreferenceError(source.path, "has no placement", "give --place FILE=E,N,H,ANGLE")
    origin_x, origin_y = frame.to_local(place.easting_m, place.northing_m)
    lift = place.height_m - frame.height_m
    if abs(place.angle_deg % 360) < 1e-9:
        return GridGround(raster.x + origin_x, raster.y + origin_y, raster.values + lift)
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


def _warped(raster: Raster, crs: str, frame: Georeference, source: Source) -> GridGround:
    """Return the grid resampled from another system."""
    west, south, east, north = raster.bounds()
    side = np.linspace(0, 1, 21)
    rim_x = np.concatenate([west + side * (east - west)] * 2 + [np.full(21, west), np.full(21, east)])
    rim_y = np.concatenate([np.full(21, south), np.full(21, north)] + [south + side * (north - south)] * 2)
    x, y = frame.localise_from(crs, rim_x, rim_y)
    if not (np.isfinite(x).all() and np.isfinite(y).all()) or max(np.ptp(x), np.ptp(y)) > _WIDEST_M:
        raise GeoreferenceError(
            source.path,
            "covers more than 300 km, too much for one city",
            "cut out the city, for instance with gdalwarp",
        )
    columns, rows = _axes(x, y, raster)
    grid_x, grid_y = np.meshgrid(columns + frame.easting_m, rows + frame.northing_m)
    own_x, own_y = transformer(frame.crs, crs).transform(grid_x, grid_y)
    z = GridGround(raster.x, raster.y, raster.values).heights(own_x, own_y)
    return GridGround(columns, rows, z - frame.height_m)


def _axes(x: Floats, y: Floats, raster: Raster) -> tuple[Floats, Floats]:
    """Return columns and rows over local bounds, about as many as the raster has cells."""
    width, height = max(float(np.ptp(x)), 1e-3), max(float(np.ptp(y)), 1e-3)
    step = np.sqrt(width * height / raster.values.size)
    columns, rows = max(int(width / step), 2), max(int(height / step), 2)
    return np.linspace(x.min(), x.max(), columns), np.linspace(y.min(), y.max(), rows)


def _patch(
    ground: GridGround, rows: slice, columns: slice, colours: NDArray[np.uint8], normals: NDArray[np.float32]
) -> MeshSet | None:
    z = ground.z_m[rows, columns]
    x, y = np.meshgrid(ground.x_m[columns], ground.y_m[rows])
    index = np.arange(z.size).reshape(z.shape)
    sw, se, nw, ne = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    known = np.isfinite(z).ravel()
    whole = known[sw] & known[se] & known[nw] & known[ne]
    if not whole.any():
        return None
    sw, se, nw, ne = sw[whole], se[whole], nw[whole], ne[whole]
    triangles = np.concatenate([np.column_stack([sw, se, ne]), np.column_stack([sw, ne, nw])])
    used = np.unique(triangles)
    renumber = np.full(z.size, -1)
    renumber[used] = np.arange(len(used))
    positions = np.column_stack([x.ravel(), y.ravel(), z.ravel()])[used]
    starts = np.array([0, len(used)]), np.array([0, len(triangles)])
    shade = colours[rows, columns].reshape(-1, 4)[used]
    mesh = MeshSet.from_flat(positions, renumber[triangles], [0], starts, shade)
    return replace(mesh, normals=normals[rows, columns].reshape(-1, 3)[used])


def _stacked(meshes: list[MeshSet]) -> MeshSet:
    """Return patches one behind another, patch i as row i."""
    vertices = np.cumsum([0, *(mesh.vertex_count for mesh in meshes)])
    triangles = np.cumsum([0, *(len(mesh.triangles) for mesh in meshes)])
    flat = MeshSet.from_flat(
        np.concatenate([mesh.positions_m for mesh in meshes]),
        np.concatenate([mesh.triangles.astype(np.int64) + vertices[i] for i, mesh in enumerate(meshes)]),
        np.arange(len(meshes), dtype=np.uint32),
        (vertices, triangles),
        np.concatenate([mesh.colours for mesh in meshes if mesh.colours is not None]),
    )
    return replace(flat, normals=np.concatenate([mesh.normals for mesh in meshes if mesh.normals is not None]))


def _slopes(ground: GridGround) -> tuple[Floats, Floats]:
    filled = np.where(np.isfinite(ground.z_m), ground.z_m, np.nanmean(ground.z_m))
    along_y, along_x = np.gradient(filled, ground.y_m, ground.x_m)
    return along_x, along_y


def _normals(ground: GridGround) -> NDArray[np.float32]:
    along_x, along_y = _slopes(ground)
    normals = np.stack([-along_x, -along_y, np.ones_like(along_x)], axis=2)
    unit: NDArray[np.float32] = (normals / np.linalg.norm(normals, axis=2, keepdims=True)).astype(np.float32)
    return unit


def _shades(ground: GridGround) -> NDArray[np.uint8]:
    z = ground.z_m
    low, high = np.nanpercentile(z, [2, 98])
    span = max(high - low, 40.0)  # a flat city stays one soft green
    share = np.clip((np.nan_to_num(z, nan=low) - low) / span, 0, 1)
    rgb = np.stack([np.interp(share, _STOPS, _SHADES[:, channel]) for channel in range(3)], axis=2)
    along_x, along_y = _slopes(ground)
    steep = np.clip(np.hypot(along_x, along_y) - 0.25, 0, 0.6)[..., None]
    rgb = rgb * (1 - steep) + _STEEP * steep
    return np.concatenate([rgb, np.full((*z.shape, 1), 255.0)], axis=2).astype(np.uint8)
