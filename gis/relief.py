"""The surface of a terrain: patches of about a hundred cells, with colours by height and smooth normals.

Several grids become one surface: the finest counts where they overlap, and neighbours that touch are drawn up to the
line between them, on which both have the same height.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

from gis.ground import GridGround, MosaicGround
from scenes.errors import LoadError
from scenes.identity import derive_uids
from scenes.mesh import MeshSet
from scenes.model import Batch
from scenes.schema import object_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.loading import Ground

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

PATCH_CELLS = 96
_SAMPLES = 200_000
# Soft greens in the low, straw and stone in the high parts: sRGB.
_STOPS = np.array([0.0, 0.35, 0.7, 1.0])
_SHADES = np.array([[190, 208, 172], [208, 216, 182], [222, 214, 188], [214, 206, 196]], np.float64)
_STEEP = np.array([196, 188, 174], np.float64)


@dataclass(frozen=True, eq=False)
class _Sheet:
    """Nodes of a surface: ascending local x and y, heights (NaN = unknown), and which cells are drawn."""

    x: Floats
    y: Floats
    z: Floats
    drawn: Bools


def relief(ground: GridGround, dataset: str, source: str = "", whole: Ground | None = None) -> Batch:
    """Return the surface of a grid as a batch of patches with colours by height and smooth normals.

    Patches share their border points, so there are no gaps; cells with an unknown corner are left out.

    Parameters
    ----------
    ground
        The grid.
    dataset, source
        Namespace of the uids, and what the objects name as their source.
    whole
        The terrain that the grid is a part of: what finer parts cover is left out, and touching parts are met.

    Raises
    ------
    LoadError
        When there is no cell to draw.
    """
    parts = whole.parts if isinstance(whole, MosaicGround) else ()
    sheet = _met(ground, [part for part in parts if isinstance(part, GridGround)])
    colours, normals = _shades(sheet, _span(ground, parts)), _normals(sheet)
    meshes: list[MeshSet] = []
    names: list[str] = []
    outlines: list[bytes] = []
    for top in range(0, sheet.z.shape[0] - 1, PATCH_CELLS):
        for left in range(0, sheet.z.shape[1] - 1, PATCH_CELLS):
            rows = slice(top, min(top + PATCH_CELLS, sheet.z.shape[0] - 1) + 1)
            columns = slice(left, min(left + PATCH_CELLS, sheet.z.shape[1] - 1) + 1)
            mesh = _patch(sheet, rows, columns, colours, normals)
            if mesh is not None:
                meshes.append(mesh)
                names.append(f"{ground.name}{top // PATCH_CELLS}/{left // PATCH_CELLS}")
                x, y = sheet.x[columns], sheet.y[rows]
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


def _met(ground: GridGround, parts: list[GridGround]) -> _Sheet:
    """Return the nodes of a grid: without what finer parts cover, and up to the line where others begin."""
    place = next((number for number, part in enumerate(parts) if _same(part, ground)), 0)
    others = [part for part in parts if not _same(part, ground) and _near(part, ground)]
    finer = [part for part in parts[:place] if _near(part, ground)]
    if not others:
        z = ground.z_m
        known = np.isfinite(z)
        return _Sheet(ground.x_m, ground.y_m, z, _all_corners(known))
    x, y = _reached(ground, others)
    grid_x, grid_y = np.meshgrid(x, y)
    mine = ground.heights(grid_x, grid_y)
    covered = np.zeros(mine.shape, np.bool_)
    z = mine
    if finer:
        over = MosaicGround(tuple(finer)).heights(grid_x, grid_y)
        covered = np.isfinite(over) & ~_rim(ground, (grid_x, grid_y))
        z = np.where(covered, over, mine)
    z = _agreed(ground, others, (grid_x, grid_y), z)
    gap = ~np.isfinite(z)
    if gap.any():
        z = z.copy()
        z[gap] = MosaicGround(tuple(others)).heights(grid_x[gap], grid_y[gap])
    drawn = _all_corners(np.isfinite(z)) & ~_all_corners(covered | ~np.isfinite(mine))
    return _Sheet(x, y, z, drawn)


def _same(one: GridGround, other: GridGround) -> bool:
    return one.name == other.name and one.z_m.shape == other.z_m.shape and one.bounds_m == other.bounds_m


def _near(part: GridGround, ground: GridGround) -> bool:
    one, other, slack = part.bounds_m, ground.bounds_m, 0.01 * ground.step_m
    level = one[0] <= other[2] + slack and other[0] <= one[2] + slack
    return level and one[1] <= other[3] + slack and other[1] <= one[3] + slack


def _reached(ground: GridGround, others: list[GridGround]) -> tuple[Floats, Floats]:
    """Return the axes of a grid, with the line half a cell beyond its nodes on sides where another part lies."""
    west, south, east, north = ground.bounds_m
    step_x, step_y = (float(axis[1] - axis[0]) for axis in (ground.x_m, ground.y_m))
    if ground.margin_cells == 0:
        return ground.x_m, ground.y_m
    neighbours = MosaicGround(tuple(others))

    def touched(x: Floats, y: Floats) -> bool:
        return bool(np.isfinite(neighbours.heights(x, y)).any())

    xs, ys = ground.x_m, ground.y_m
    before, after = np.zeros(0), np.zeros(0)
    first = [xs[0] - step_x / 2] if touched(np.full(len(ys), west - 0.02 * step_x), ys) else before
    last = [xs[-1] + step_x / 2] if touched(np.full(len(ys), east + 0.02 * step_x), ys) else after
    x = np.concatenate([first, xs, last])
    first = [ys[0] - step_y / 2] if touched(xs, np.full(len(xs), south - 0.02 * step_y)) else before
    last = [ys[-1] + step_y / 2] if touched(xs, np.full(len(xs), north + 0.02 * step_y)) else after
    return x, np.concatenate([first, ys, last])


def _rim(ground: GridGround, at: tuple[Floats, Floats]) -> Bools:
    """Return which nodes lie on the lines beyond the grid's own nodes."""
    beyond = (at[0] < ground.x_m[0]) | (at[0] > ground.x_m[-1])
    flags: Bools = beyond | (at[1] < ground.y_m[0]) | (at[1] > ground.y_m[-1])
    return flags


def _agreed(ground: GridGround, others: list[GridGround], at: tuple[Floats, Floats], z: Floats) -> Floats:
    """Return heights that are the mean of all parts on the line where they meet, so that each part finds the same."""
    rim = _rim(ground, at)
    if not rim.any():
        return z
    x, y = at[0][rim], at[1][rim]
    found = np.stack([part.heights(x, y) for part in (ground, *others)])
    known = np.isfinite(found)
    total, count = np.where(known, found, 0.0).sum(axis=0), known.sum(axis=0)
    result = z.copy()
    result[rim] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result


def _all_corners(flags: Bools) -> Bools:
    return flags[:-1, :-1] & flags[:-1, 1:] & flags[1:, :-1] & flags[1:, 1:]


def _patch(
    sheet: _Sheet, rows: slice, columns: slice, colours: NDArray[np.uint8], normals: NDArray[np.float32]
) -> MeshSet | None:
    z = sheet.z[rows, columns]
    x, y = np.meshgrid(sheet.x[columns], sheet.y[rows])
    index = np.arange(z.size).reshape(z.shape)
    whole = sheet.drawn[rows.start : rows.stop - 1, columns.start : columns.stop - 1].ravel()
    if not whole.any():
        return None
    sw, se, nw, ne = (part.ravel()[whole] for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
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


def _slopes(sheet: _Sheet) -> tuple[Floats, Floats]:
    filled = np.where(np.isfinite(sheet.z), sheet.z, np.nanmean(sheet.z) if np.isfinite(sheet.z).any() else 0.0)
    along_y, along_x = np.gradient(filled, sheet.y, sheet.x)
    return along_x, along_y


def _normals(sheet: _Sheet) -> NDArray[np.float32]:
    along_x, along_y = _slopes(sheet)
    normals = np.stack([-along_x, -along_y, np.ones_like(along_x)], axis=2)
    unit: NDArray[np.float32] = (normals / np.linalg.norm(normals, axis=2, keepdims=True)).astype(np.float32)
    return unit


def _span(ground: GridGround, parts: tuple[Ground, ...]) -> tuple[float, float]:
    """Return low and high of all parts, so that neighbours have the same colour at the same height."""
    grids = [part for part in parts if isinstance(part, GridGround)] or [ground]
    step = max(1, int(np.ceil(sum(grid.z_m.size for grid in grids) / _SAMPLES)))
    sample = np.concatenate([grid.z_m.ravel()[::step] for grid in grids])
    if not np.isfinite(sample).any():
        sample = ground.z_m
    low, high = np.nanpercentile(sample, [2, 98])
    return float(low), float(high)


def _shades(sheet: _Sheet, span: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = span
    wide = max(high - low, 40.0)  # a flat city stays one soft green
    share = np.clip((np.nan_to_num(sheet.z, nan=low) - low) / wide, 0, 1)
    rgb = np.stack([np.interp(share, _STOPS, _SHADES[:, channel]) for channel in range(3)], axis=2)
    along_x, along_y = _slopes(sheet)
    steep = np.clip(np.hypot(along_x, along_y) - 0.25, 0, 0.6)[..., None]
    rgb = rgb * (1 - steep) + _STEEP * steep
    return np.concatenate([rgb, np.full((*sheet.z.shape, 1), 255.0)], axis=2).astype(np.uint8)
