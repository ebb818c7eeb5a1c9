"""Terrain as quantized-mesh 1.0, the format of globes: a pyramid of tiles in degrees, with normals.

Source: https://github.com/CesiumGS/quantized-mesh. Tiles are numbered from the south (TMS) in EPSG:4326; every tile
is a grid whose points on the rim depend on their place alone, so that neighbours agree there. Beside the terrain the
ground is level at the mean height of the terrain.
"""

from __future__ import annotations

import gzip
import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from scenes.errors import QueryError
from scenes.export.heights import SurfaceHeights
from scenes.georeference import ELLIPSOIDAL, GEOCENTRIC, transformer
from scenes.store.swap import replacing
from scenes.vertical import Geoid, raised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.georeference import Georeference
    from scenes.model import Scene

    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

CELLS = 64  # of a tile, each way
DEEPEST = 20
MOST_TILES = 30_000
_STEPS = 32_767
_DEGREE_M = 111_320.0
_NORMALS = 1
_RADII_M = np.array([6_378_137.0, 6_378_137.0, 6_356_752.314245179])


def write_quantized_mesh(scene: Scene, folder: Path, *, zipped: bool = False) -> None:
    """Write the terrain of a scene as a folder with ``layer.json`` and ``{z}/{x}/{y}.terrain``.

    Parameters
    ----------
    scene
        Its layers of theme terrain count.
    folder
        Takes the place of an older one when everything is written.
    zipped
        Whether every tile is compressed with gzip, for servers that say so in the header.

    Raises
    ------
    QueryError
        When the scene has no terrain.
    """
    surface = _surface(scene)
    pyramid = Pyramid.around(scene.georeference, surface)
    with replacing(folder, frozenset()) as fresh:
        for z, x, y in pyramid.tiles():
            content = pyramid.tile(z, x, y)
            path = fresh / str(z) / str(x) / f"{y}.terrain"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(content, 6, mtime=0) if zipped else content)
        text = json.dumps(pyramid.description(scene.name), ensure_ascii=False, indent=1)
        (fresh / "layer.json").write_text(text, encoding="utf-8")


def write_zipped_quantized_mesh(scene: Scene, folder: Path) -> None:
    """Write the terrain with every tile compressed with gzip."""
    write_quantized_mesh(scene, folder, zipped=True)


@dataclass(frozen=True, eq=False)
class Pyramid:
    """The tiles of a terrain.

    Parameters
    ----------
    frame
        Where local metres lie.
    surface
        The terrain.
    bounds_deg
        West, south, east and north of it.
    depth
        The finest level.
    level_m
        Local height of the ground beside it.
    lift_m
        Metres to add to local heights to have heights above the ellipsoid.
    """

    frame: Georeference
    surface: SurfaceHeights
    bounds_deg: tuple[float, float, float, float]
    depth: int
    level_m: float
    lift_m: float

    @classmethod
    def around(cls, frame: Georeference, surface: SurfaceHeights) -> Pyramid:
        """Return a pyramid whose finest tiles have about as many points as the terrain."""
        plan = surface.corners.reshape(-1, 3)
        low, high = plan[:, :2].min(axis=0), plan[:, :2].max(axis=0)
        side = np.linspace(0, 1, 9)
        x = np.concatenate([low[0] + side * (high - low)[0]] * 2 + [np.full(9, low[0]), np.full(9, high[0])])
        y = np.concatenate([np.full(9, low[1]), np.full(9, high[1])] + [low[1] + side * (high - low)[1]] * 2)
        lon, lat = frame.lonlat(x, y)
        bounds = float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())
        edges = surface.corners[:, 1, :2] - surface.corners[:, 0, :2]
        step_deg = max(float(np.median(np.linalg.norm(edges, axis=1))), 0.1) / _DEGREE_M
        depth = int(np.clip(np.ceil(np.log2(180.0 / CELLS / step_deg)), 0, DEEPEST))
        while depth and sum(_count(bounds, z) for z in range(depth + 1)) > MOST_TILES:
            depth -= 1
        place = float(lon.mean()), float(lat.mean())
        geoid = Geoid(frame.geoid) if frame.geoid else None
        lift = frame.height_m + raised(frame.vertical_datum, ELLIPSOIDAL, place, geoid).by_m
        return cls(frame, surface, bounds, depth, float(plan[:, 2].mean()), lift)

    def tiles(self) -> Iterator[tuple[int, int, int]]:
        """Yield level, column and row of every tile: both of level 0, then those that the terrain touches."""
        yield from ((0, 0, 0), (0, 1, 0))
        for z in range(1, self.depth + 1):
            (first_x, first_y), (last_x, last_y) = _range(self.bounds_deg, z)
            yield from ((z, x, y) for x in range(first_x, last_x + 1) for y in range(first_y, last_y + 1))

    def tile(self, z: int, x: int, y: int) -> bytes:
        """Return the content of a tile."""
        lon, lat, height, normals = self.grid(z, x, y)
        steps = np.arange(CELLS + 1) * (_STEPS / CELLS)
        u, v = (np.rint(part).astype(np.int64).ravel() for part in np.meshgrid(steps, steps))
        low, high = float(height.min()), float(height.max())
        h = np.rint((height.ravel() - low) / max(high - low, 1e-6) * _STEPS).astype(np.int64)
        order, triangles = _triangles()
        places = np.column_stack(
            transformer("EPSG:4979", GEOCENTRIC).transform(lon.ravel(), lat.ravel(), height.ravel())
        )
        head = _header(places, low, high)
        body = [struct.pack("<I", len(order)), *(_deltas(part[order]) for part in (u, v, h))]
        body += [struct.pack("<I", len(triangles)), _high_water(triangles.ravel())]
        body += [
            _edge(np.flatnonzero(part))
            for part in (u[order] == 0, v[order] == 0, u[order] == _STEPS, v[order] == _STEPS)
        ]
        oct_ = _oct(normals.reshape(-1, 3)[order])
        return b"".join([head, *body, struct.pack("<BI", _NORMALS, oct_.size), oct_.tobytes()])

    def grid(self, z: int, x: int, y: int) -> tuple[Floats, Floats, Floats, Floats]:
        """Return longitude, latitude and height of the points of a tile, rows from the south, and (.., 3) normals."""
        span = 180.0 / 2**z
        steps = np.arange(-1, CELLS + 2)
        lon = -180.0 + (x * CELLS + steps) * (span / CELLS)
        lat = np.clip(-90.0 + (y * CELLS + steps) * (span / CELLS), -90.0, 90.0)
        grid_lon, grid_lat = np.meshgrid(lon, lat)
        height = self._heights(grid_lon.ravel(), grid_lat.ravel()).reshape(grid_lon.shape)
        inner = slice(1, -1)
        return (
            grid_lon[inner, inner],
            grid_lat[inner, inner],
            height[inner, inner],
            _normals(grid_lon, grid_lat, height),
        )

    def description(self, name: str) -> dict[str, Any]:
        """Return ``layer.json``."""
        available = [[{"startX": 0, "startY": 0, "endX": 1, "endY": 0}]]
        for z in range(1, self.depth + 1):
            (first_x, first_y), (last_x, last_y) = _range(self.bounds_deg, z)
            available.append([{"startX": first_x, "startY": first_y, "endX": last_x, "endY": last_y}])
        return {
            "tilejson": "2.1.0", "name": name, "version": "1.0.0", "format": "quantized-mesh-1.0", "scheme": "tms",
            "projection": "EPSG:4326", "tiles": ["{z}/{x}/{y}.terrain?v={version}"], "bounds": [-180, -90, 180, 90],
            "valid_bounds": list(self.bounds_deg), "minzoom": 0, "maxzoom": self.depth,
            "extensions": ["octvertexnormals"], "available": available,
        }  # fmt: skip

    def _heights(self, lon: Floats, lat: Floats) -> Floats:
        near = (lon > self.bounds_deg[0] - 1e-6) & (lon < self.bounds_deg[2] + 1e-6)
        near &= (lat > self.bounds_deg[1] - 1e-6) & (lat < self.bounds_deg[3] + 1e-6)
        z = np.full(len(lon), self.level_m)
        if near.any():
            found = self.surface.at(*self.frame.from_lonlat(lon[near], lat[near]))
            z[near] = np.where(np.isfinite(found), found, self.level_m)
        return z + self.lift_m


def _surface(scene: Scene) -> SurfaceHeights:
    corners = []
    for layer in scene.layers.values():
        for batch in layer.batches if layer.theme == "terrain" else ():
            mesh = batch.finest()
            if mesh is not None and len(mesh.triangles):
                corners.append(mesh.positions_m[mesh.triangles])
    if not corners:
        raise QueryError(scene.name, "has no terrain to write", "build it with an elevation model")
    return SurfaceHeights.of(np.concatenate(corners))


def _range(bounds_deg: tuple[float, float, float, float], z: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the first and the last column and row of the tiles that bounds touch."""
    span = 180.0 / 2**z
    last = 2 ** (z + 1) - 1, 2**z - 1
    first = int((bounds_deg[0] + 180) // span), int((bounds_deg[1] + 90) // span)
    end = min(int((bounds_deg[2] + 180) // span), last[0]), min(int((bounds_deg[3] + 90) // span), last[1])
    return first, end


def _count(bounds_deg: tuple[float, float, float, float], z: int) -> int:
    (first_x, first_y), (last_x, last_y) = _range(bounds_deg, z)
    return (last_x - first_x + 1) * (last_y - first_y + 1)


def _normals(lon: Floats, lat: Floats, height: Floats) -> Floats:
    """Return (rows, columns, 3) geocentric unit normals of the inner points of a grid."""
    shrink = np.cos(np.radians(lat[1:-1, 1:-1]))
    east_m = np.radians(lon[1:-1, 2:] - lon[1:-1, :-2]) * _RADII_M[0] * np.maximum(shrink, 1e-6)
    north_m = np.maximum(np.radians(lat[2:, 1:-1] - lat[:-2, 1:-1]) * _RADII_M[0], 1e-6)
    east = -(height[1:-1, 2:] - height[1:-1, :-2]) / east_m
    north = -(height[2:, 1:-1] - height[:-2, 1:-1]) / north_m
    length = np.sqrt(east**2 + north**2 + 1)
    e, n, up = east / length, north / length, 1 / length
    a, b = np.radians(lon[1:-1, 1:-1]), np.radians(lat[1:-1, 1:-1])
    x = -np.sin(a) * e - np.sin(b) * np.cos(a) * n + np.cos(b) * np.cos(a) * up
    y = np.cos(a) * e - np.sin(b) * np.sin(a) * n + np.cos(b) * np.sin(a) * up
    return np.stack([x, y, np.cos(b) * n + np.sin(b) * up], axis=-1)


def _triangles() -> tuple[Longs, Longs]:
    """Return the order in which a tile names its points, and its (t, 3) triangles in that numbering."""
    i = (np.arange(CELLS)[None] + np.arange(CELLS)[:, None] * (CELLS + 1)).ravel()
    width = CELLS + 1
    faces = np.concatenate([np.c_[i, i + 1, i + width + 1], np.c_[i, i + width + 1, i + width]], axis=1).reshape(-1, 3)
    _, first = np.unique(faces.ravel(), return_index=True)
    order = np.argsort(first)
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    return order, number[faces]


def _deltas(values: Longs) -> bytes:
    """Return values as zig-zag coded differences."""
    change = np.diff(values, prepend=0)
    return ((change << 1) ^ (change >> 63)).astype("<u2").tobytes()


def _high_water(indices: Longs) -> bytes:
    """Return indices as their distance below the highest one so far."""
    highest = np.maximum.accumulate(np.concatenate([[-1], indices[:-1]])) + 1
    return (highest - indices).astype("<u2").tobytes()


def _edge(indices: Longs) -> bytes:
    return struct.pack("<I", len(indices)) + indices.astype("<u2").tobytes()


def _oct(normals: Floats) -> NDArray[np.uint8]:
    """Return (n, 2) oct-encoded unit vectors (Cigolle et al., 2014)."""
    flat = normals[:, :2] / np.abs(normals).sum(axis=1, keepdims=True)
    folded = (1 - np.abs(flat[:, ::-1])) * np.where(flat >= 0, 1.0, -1.0)
    xy = np.where(normals[:, 2:] < 0, folded, flat)
    encoded: NDArray[np.uint8] = np.rint((xy + 1) * 127.5).astype(np.uint8)
    return encoded


def _header(places: Floats, low: float, high: float) -> bytes:
    centre = (places.min(axis=0) + places.max(axis=0)) / 2
    radius = float(np.linalg.norm(places - centre, axis=1).max())
    return struct.pack("<3d2f4d3d", *centre, low, high, *centre, radius, *_horizon(places, centre))


def _horizon(places: Floats, centre: Floats) -> Floats:
    """Return the point that hides behind the horizon last, in units of the ellipsoid's radii.

    Source: Ring, Computing the horizon occlusion point, cesium.com, 2013.
    """
    scaled, towards = places / _RADII_M, centre / _RADII_M
    towards = towards / max(float(np.linalg.norm(towards)), 1e-9)
    size = np.maximum(np.linalg.norm(scaled, axis=1), 1.0)
    aim = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    cos_a, sin_a = aim @ towards, np.linalg.norm(np.cross(aim, towards), axis=1)
    cos_b = 1 / size
    reach = cos_a * cos_b - sin_a * np.sqrt(np.maximum(size**2 - 1, 0)) * cos_b
    far = float((1 / np.maximum(reach, 1e-3)).max())
    return cast("Floats", towards * far)
