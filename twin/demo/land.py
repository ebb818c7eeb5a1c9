"""The land below the town: heights, fields around it, and trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import Polygon

from twin.demo.plan import EDGE_M, RINGS_M

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.demo.massing import Massing
    from twin.demo.plan import Plan

    Floats = NDArray[np.float64]

CELL_M = 12.5
GROUND_M = 4.2
WATER_M = 2.4
_HALF_WIDTH_M, _HALF_HEIGHT_M = 4_000.0, 3_700.0
_HILLS = (
    (-1500.0, 2330.0, 46.0, 330.0),
    (-2650.0, -1500.0, 22.0, 420.0),
    (3350.0, 1900.0, 30.0, 500.0),
    (-3300.0, 2700.0, 70.0, 700.0),
)


def height_at(plan: Plan, x_m: Floats, y_m: Floats) -> Floats:
    """Return the height of the ground in metres: a plain with low hills, cut by river, lake and canals."""
    ground = GROUND_M + 0.5 * np.sin(x_m / 410.0) * np.cos(y_m / 530.0) + 0.35 * np.sin(x_m / 170.0 + y_m / 230.0)
    for hill_x, hill_y, rise, reach in _HILLS:
        ground = ground + rise * np.exp(-((x_m - hill_x) ** 2 + (y_m - hill_y) ** 2) / (2 * reach**2))
    points = np.asarray(shapely.points(x_m, y_m))
    for water, depth in ((plan.river, 7.0), (plan.lake, 4.0), (plan.canals, 2.0)):
        shapely.prepare(water)
        outside = shapely.distance(water, points)
        near = outside < 30.0
        bank = np.where(near, WATER_M - 0.25 + (ground - WATER_M + 0.25) * np.clip(outside / 30.0, 0, 1), ground)
        inside = outside == 0.0
        edge = np.zeros_like(ground)
        edge[inside] = shapely.distance(shapely.boundary(water), points[inside])
        ground = np.where(inside, WATER_M - 0.3 - depth * np.clip(edge / 60.0, 0, 1), bank)
    return ground


def write_terrain(plan: Plan, path: Path, origin_m: tuple[float, float]) -> Path:
    """Write the ground as an ESRI ASCII grid in projected metres, rows from north to south."""
    xs = np.arange(-_HALF_WIDTH_M, _HALF_WIDTH_M, CELL_M) + CELL_M / 2
    ys = np.arange(_HALF_HEIGHT_M, -_HALF_HEIGHT_M, -CELL_M) - CELL_M / 2
    grid_x, grid_y = np.meshgrid(xs, ys)
    heights = height_at(plan, grid_x.ravel(), grid_y.ravel()).reshape(grid_x.shape)
    head = (
        f"ncols {len(xs)}\nnrows {len(ys)}\nxllcorner {origin_m[0] - _HALF_WIDTH_M}\n"
        f"yllcorner {origin_m[1] - _HALF_HEIGHT_M}\ncellsize {CELL_M}\nNODATA_value -9999\n"
    )
    with path.open("w") as file:
        file.write(head)
        np.savetxt(file, heights, fmt="%.2f")
    return path


def fields(plan: Plan) -> list[tuple[str, Polygon]]:
    """Return parcels of farmland and wood between the town and the edge of the map, as (landuse, polygon)."""
    random = np.random.default_rng([plan.seed, 11])
    keep_off = shapely.union_all([plan.boundary.buffer(30), plan.river.buffer(45)])
    map_edge = shapely.box(-_HALF_WIDTH_M + 20, -_HALF_HEIGHT_M + 20, _HALF_WIDTH_M - 20, _HALF_HEIGHT_M - 20)
    shapely.prepare(keep_off)
    found: list[tuple[str, Polygon]] = []
    for row, y in enumerate(np.arange(-_HALF_HEIGHT_M + 60, _HALF_HEIGHT_M - 200, 210.0)):
        x = -_HALF_WIDTH_M + 60 + 40 * (row % 3)
        while x < _HALF_WIDTH_M - 200:
            width = float(random.uniform(120, 330))
            lean = 24 * np.sin(y / 900)
            parcel = Polygon([(x, y), (x + width - 12, y), (x + width - 12 + lean, y + 198), (x + lean, y + 198)])
            land = parcel.intersection(map_edge).difference(keep_off)
            kind = (
                "forest"
                if random.random() < 0.16
                else str(random.choice(["farmland", "meadow", "orchard"], p=[0.6, 0.25, 0.15]))
            )
            found += [
                (kind, part) for part in shapely.get_parts(land) if part.geom_type == "Polygon" and part.area > 3000
            ]
            x += width
    return found


def trees(plan: Plan, buildings: list[Massing]) -> Floats:
    """Return (n, 2) places of trees: along the avenues, in the parks, between the houses."""
    random = np.random.default_rng([plan.seed, 12])
    places = [_along_streets(plan), *(_scattered(park, 1 / 430.0, random) for park in plan.parks)]
    places += [_scattered(wood, 1 / 1100.0, random) for kind, wood in fields(plan) if kind in {"forest", "orchard"}]
    planted = {
        "residential-high": 1 / 480,
        "residential-mid": 1 / 560,
        "residential-low": 1 / 900,
        "school": 1 / 500,
        "civic": 1 / 420,
        "mixed": 1 / 900,
    }
    places += [
        _scattered(block.polygon.buffer(-3), planted[block.use], random)
        for block in plan.blocks
        if block.use in planted
    ]
    every = np.concatenate([place for place in places if len(place)])
    blocked = shapely.STRtree([body.polygon.buffer(2.6) for body in buildings])
    hit = np.unique(blocked.query(shapely.points(every), predicate="within")[0])
    keep = np.ones(len(every), bool)
    keep[hit] = False
    wet = shapely.union_all([plan.water.buffer(2)])
    shapely.prepare(wet)
    keep &= ~shapely.contains_xy(wet, every[:, 0], every[:, 1])
    keep &= np.abs(every).max(axis=1) < max(EDGE_M, RINGS_M[-1]) + 900
    return every[keep]


def _along_streets(plan: Plan) -> Floats:
    rows = []
    spacing = {"primary": 16.0, "secondary": 22.0, "residential": 36.0}
    for street in plan.streets:
        if street.bridge:
            continue
        for side in (-1.0, 1.0):
            line = street.line.offset_curve(side * (street.width_m / 2 + 2.5))
            if not line.is_empty:
                steps = np.arange(8.0, line.length - 8.0, spacing[street.highway])
                rows.append(shapely.get_coordinates(shapely.line_interpolate_point(line, steps)))
    return np.concatenate(rows)


def _scattered(polygon: Polygon, per_m2: float, random: np.random.Generator) -> Floats:
    count = int(polygon.area * per_m2)
    if count == 0:
        return np.zeros((0, 2))
    min_x, min_y, max_x, max_y = polygon.bounds
    share = polygon.area / max((max_x - min_x) * (max_y - min_y), 1.0)
    tries = random.uniform((min_x, min_y), (max_x, max_y), size=(int(count / max(share, 0.02)) + 4, 2))
    return tries[shapely.contains_xy(polygon, tries[:, 0], tries[:, 1])]
