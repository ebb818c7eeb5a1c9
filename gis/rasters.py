"""Grids of heights, read in windows, with their place, unit and gaps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from gis.rasterdoor import crs_beside, crs_text, library, opened
from gis.rasterfiles import GRID_TEXTS
from gis.xyzgrid import read_grid
from scenes.errors import LoadError
from scenes.vertical import metres_in, vertical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.sources import Source

    Floats = NDArray[np.float64]
    Bounds = tuple[float, float, float, float]

# Written for "unknown" by programs that do not declare it.
_SILENT_NODATA = (-9999.0, -32767.0, -32768.0, -3.4028234663852886e38)
_HIGHEST_M = 1e5
_WINDOW_CELLS = 4_000_000
_UNITS = {
    "m": 1.0, "metre": 1.0, "meter": 1.0, "metres": 1.0, "meters": 1.0, "ft": 0.3048, "foot": 0.3048, "feet": 0.3048,
    "us survey foot": 1200 / 3937, "us-ft": 1200 / 3937, "foot_us": 1200 / 3937, "ftus": 1200 / 3937, "dm": 0.1,
    "decimetre": 0.1, "decimeter": 0.1, "cm": 0.01, "centimetre": 0.01, "centimeter": 0.01, "mm": 0.001,
    "millimetre": 0.001,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Raster:
    """Values at the centres of a grid.

    Parameters
    ----------
    x, y
        Ascending coordinates of the columns and rows in the raster's own system.
    values
        (rows, columns) metres, y ascending; NaN where unknown.
    crs
        Text of the system, empty if the file does not say.
    states_unit
        Whether the file says in which unit its heights are.
    """

    x: Floats
    y: Floats
    values: Floats
    crs: str
    states_unit: bool = True

    def bounds(self) -> Bounds:
        """Return (west, south, east, north) of the cell centres."""
        return float(self.x[0]), float(self.y[0]), float(self.x[-1]), float(self.y[-1])


@dataclass(frozen=True, slots=True)
class RasterFacts:
    """What a raster says about itself before its values are read.

    Parameters
    ----------
    bounds
        (west, south, east, north) in its own system.
    crs
        Text of the system, empty if it does not say.
    kind
        ``heights``, ``picture``, or ``geoid`` for the undulations of a geoid and other shifts between heights.
    """

    bounds: Bounds
    crs: str
    kind: str


def facts_of(source: Source, path: str) -> RasterFacts:
    """Return what a raster of a source says about itself, without reading values.

    Raises
    ------
    LoadError
        When it is broken.
    """
    if Path(path).suffix.lower() in GRID_TEXTS:
        grid = read_grid(path, source.shown)
        half_x, half_y = (grid.x[1] - grid.x[0]) / 2, (grid.y[1] - grid.y[0]) / 2
        west, south, east, north = grid.x[0], grid.y[0], grid.x[-1], grid.y[-1]
        bounds = (float(west - half_x), float(south - half_y), float(east + half_x), float(north + half_y))
        return RasterFacts(bounds, crs_beside(path), "heights")
    with opened(source, path) as dataset:
        west, south, east, north = (float(value) for value in dataset.bounds)
        low_high = (min(west, east), min(south, north), max(west, east), max(south, north))
        return RasterFacts(low_high, crs_text(dataset) or crs_beside(path), _kind(dataset))


def read_raster(source: Source, path: str, most_cells: int) -> Raster:
    """Read the first band in windows, averaged down to at most `most_cells` cells; unknown cells do not count.

    Raises
    ------
    LoadError
        When the file is broken, is a picture, is turned, or knows no value.
    """
    if Path(path).suffix.lower() in GRID_TEXTS:
        grid = read_grid(path, source.shown)
        raster = Raster(
            grid.x, grid.y, _known(grid.values, None).astype(np.float64), crs_beside(path), states_unit=False
        )
        return _thinned(raster, most_cells)
    with opened(source, path) as dataset:
        if _kind(dataset) == "picture":
            raise LoadError(source.shown, "it is a picture, not a grid of heights", "give the elevation model")
        return _read(dataset, source, path, most_cells)


def _kind(dataset: Any) -> str:
    colours = {interpretation.name for interpretation in dataset.colorinterp}
    if dataset.count >= 3 or "palette" in colours:
        return "picture"
    shift = str(dataset.tags().get("TYPE", "")).upper()
    if "VERTICAL_OFFSET" in shift or any("undulation" in str(text).lower() for text in dataset.descriptions):
        return "geoid"
    return "heights"


def _read(dataset: Any, source: Source, path: str, most_cells: int) -> Raster:
    transform = dataset.transform
    if abs(transform.b) > 1e-12 or abs(transform.d) > 1e-12:
        raise LoadError(source.shown, "its grid is turned against its axes", "warp it north-up with gdalwarp")
    if min(dataset.width, dataset.height) < 2:
        raise LoadError(
            source.shown, f"its grid is only {dataset.width} x {dataset.height} cells", "give at least 2 x 2"
        )
    stride = max(1, int(np.ceil(np.sqrt(dataset.width * dataset.height / most_cells))))
    stride = min(stride, min(dataset.width, dataset.height) // 2)
    coarse = _overview(dataset, stride)
    if coarse is None:
        values = _averaged(dataset, stride)
    else:
        with opened(source, path, coarse) as smaller:
            values = _averaged(smaller, max(1, stride // dataset.overviews(1)[coarse]))
    crs = crs_text(dataset) or crs_beside(path)
    factor, stated = _metres(dataset, crs)
    values *= factor
    values[np.abs(values) > _HIGHEST_M] = np.nan
    if not np.isfinite(values).any():
        raise LoadError(source.shown, "none of its cells has a value", "check its nodata value")
    return _placed(values, dataset, crs, stated=stated)


def _placed(values: Floats, dataset: Any, crs: str, *, stated: bool) -> Raster:
    """Return values with the coordinates of their centres, both axes ascending."""
    transform, (height, width) = dataset.transform, values.shape
    step_x, step_y = transform.a * dataset.width / width, transform.e * dataset.height / height
    x = transform.c + step_x * (np.arange(width) + 0.5)
    y = transform.f + step_y * (np.arange(height) + 0.5)
    if step_x < 0:
        x, values = x[::-1], values[:, ::-1]
    if step_y < 0:
        y, values = y[::-1], values[::-1]
    return Raster(x, y, np.ascontiguousarray(values), crs, stated)


def _overview(dataset: Any, stride: int) -> int | None:
    """Return the number of the coarsest overview that is fine enough, None if there is none."""
    fit = [level for level, factor in enumerate(dataset.overviews(1)) if factor <= stride]
    return fit[-1] if fit else None


def _averaged(dataset: Any, stride: int) -> Floats:
    """Return the mean of the known cells of each square, window by window, so that memory stays flat."""
    rasterio = library()
    rows, columns = -(-dataset.height // stride), -(-dataset.width // stride)
    result = np.full((rows, columns), np.nan)
    step = max(1, _WINDOW_CELLS // (dataset.width * stride))
    for top in range(0, rows, step):
        bottom = min(top + step, rows)
        window = rasterio.windows.Window(
            0, top * stride, dataset.width, min(bottom * stride, dataset.height) - top * stride
        )
        part = _known(dataset.read(1, window=window), dataset.nodata)
        result[top:bottom] = _means(part, stride)
    scale, offset = float(dataset.scales[0]), float(dataset.offsets[0])
    return result if (scale, offset) == (1.0, 0.0) else result * scale + offset


def _means(values: NDArray[np.floating], stride: int) -> Floats:
    """Return the mean of the known values of each square of cells; the last ones may be cut."""
    if stride == 1:
        return values.astype(np.float64)
    rows, columns = -(-values.shape[0] // stride), -(-values.shape[1] // stride)
    if values.shape != (rows * stride, columns * stride):
        padded = np.full((rows * stride, columns * stride), np.nan, values.dtype)
        padded[: values.shape[0], : values.shape[1]] = values
        values = padded
    squares = values.reshape(rows, stride, columns, stride)
    total = squares.sum(axis=3, dtype=np.float64).sum(axis=1)
    if np.isfinite(total).all():
        return cast("Floats", total / stride**2)
    known = np.isfinite(squares)
    count = known.sum(axis=(1, 3))
    total = np.where(known, squares, 0.0).sum(axis=3, dtype=np.float64).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _known(values: NDArray[Any], nodata: float | None) -> NDArray[np.floating]:
    """Return the values as floats with NaN for those that mean unknown, declared or not."""
    found = values.astype(np.float32) if values.dtype.itemsize <= 2 else values.astype(np.float64, copy=False)
    found = values.copy() if values.dtype == np.float32 else found
    silent = [*_SILENT_NODATA, *([nodata] if nodata is not None and np.isfinite(nodata) else [])]
    for number in silent:
        with np.errstate(over="ignore"):
            unknown = found == found.dtype.type(number)
        if unknown.any():
            found[unknown] = np.nan
    found[np.isinf(found)] = np.nan
    return found


def _thinned(raster: Raster, most_cells: int) -> Raster:
    stride = max(1, int(np.ceil(np.sqrt(raster.values.size / most_cells))))
    if stride == 1:
        return raster
    values = _means(raster.values, stride)
    step_x, step_y = (float(axis[1] - axis[0]) * stride for axis in (raster.x, raster.y))
    x = raster.x[0] + step_x * np.arange(values.shape[1]) + (step_x - step_x / stride) / 2
    y = raster.y[0] + step_y * np.arange(values.shape[0]) + (step_y - step_y / stride) / 2
    return Raster(x, y, values, raster.crs, raster.states_unit)


def _metres(dataset: Any, crs: str) -> tuple[float, bool]:
    """Return the metres in one unit of the heights, and whether the file states the unit."""
    unit = str(dataset.units[0] or "").strip().lower()
    if unit in _UNITS:
        return _UNITS[unit], True
    system = vertical(crs) if crs else ""
    return (metres_in(system), True) if system else (1.0, False)
