"""The door to rasterio: one band of any raster file as an array with its place."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.sniffing import zip_names
from scenes.errors import LoadError, MissingLibraryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.sources import Source

    Floats = NDArray[np.float64]

RASTER_SUFFIXES = frozenset({".tif", ".tiff", ".asc", ".vrt", ".img", ".hgt", ".dem"})
# Written for "unknown" by programs that do not declare it.
_SILENT_NODATA = (-9999.0, -32768.0, -3.4028234663852886e38)


@dataclass(frozen=True, eq=False)
class Raster:
    """Values at the centres of a grid.

    Parameters
    ----------
    x, y
        Ascending coordinates of the columns and rows in the raster's own system.
    values
        (rows, columns), y ascending; NaN where unknown.
    crs
        Text of the system, empty if the file does not say.
    """

    x: Floats
    y: Floats
    values: Floats
    crs: str

    def bounds(self) -> tuple[float, float, float, float]:
        """Return (west, south, east, north) of the cell centres."""
        return float(self.x[0]), float(self.y[0]), float(self.x[-1]), float(self.y[-1])


def raster_in(source: Source) -> str:
    """Return the path under which rasterio finds the raster of a source, empty if there is none.

    A zip may hold one raster.
    """
    if source.suffix in RASTER_SUFFIXES:
        return source.path
    if source.suffix == ".zip":
        inside = [name for name in zip_names(source.file) if name.lower().endswith(tuple(RASTER_SUFFIXES))]
        return f"zip://{source.path}!{inside[0]}" if inside else ""
    return ""


def read_bounds(source: Source) -> tuple[tuple[float, float, float, float], str]:
    """Return (west, south, east, north) and the system (empty if unknown), without reading values."""
    rasterio = _rasterio()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with rasterio.open(raster_in(source)) as dataset:
                return tuple(float(value) for value in dataset.bounds), _crs_text(dataset)  # type: ignore[return-value]
        except (rasterio.errors.RasterioError, OSError, ValueError) as error:
            raise _broken(source, error) from error


def read_raster(source: Source, most_cells: int) -> Raster:
    """Read the first band, averaged down to at most `most_cells` cells.

    Raises
    ------
    LoadError
        When the file is broken, is a picture, is turned, or knows no value.
    """
    rasterio = _rasterio()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with rasterio.open(raster_in(source)) as dataset:
                return _read(dataset, source, most_cells)
        except (rasterio.errors.RasterioError, OSError, ValueError, MemoryError) as error:
            raise _broken(source, error) from error


def _rasterio() -> Any:
    try:
        import rasterio.enums  # noqa: PLC0415
        import rasterio.errors  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("gis.terrain", "rasterio is not installed", "pip install citytwin[gis]") from error
    return rasterio


def _read(dataset: Any, source: Source, most_cells: int) -> Raster:
    if dataset.count >= 3 and dataset.dtypes[0] == "uint8":
        raise LoadError(source.path, "it is a picture, not a grid of heights", "give the elevation model")
    transform = dataset.transform
    if abs(transform.b) > 1e-12 or abs(transform.d) > 1e-12:
        raise LoadError(source.path, "its grid is turned against its axes", "warp it north-up with gdalwarp")
    stride = max(1, int(np.ceil(np.sqrt(dataset.width * dataset.height / most_cells))))
    height, width = max(dataset.height // stride, 1), max(dataset.width // stride, 1)
    if min(height, width) < 2:
        raise LoadError(source.path, f"its grid is only {width} x {height} cells", "give at least 2 x 2")
    masked = dataset.read(
        1, out_shape=(height, width), masked=True, resampling=_rasterio().enums.Resampling.average
    ).astype(np.float64)
    values = np.ma.filled(masked, np.nan)
    if dataset.nodata is None and stride == 1:
        values[np.isin(values, _SILENT_NODATA)] = np.nan
    values[np.abs(values) > 1e5] = np.nan
    if not np.isfinite(values).any():
        raise LoadError(source.path, "none of its cells has a value", "check its nodata value")
    step_x, step_y = transform.a * dataset.width / width, transform.e * dataset.height / height
    x = transform.c + step_x * (np.arange(width) + 0.5)
    y = transform.f + step_y * (np.arange(height) + 0.5)
    if step_x < 0:
        x, values = x[::-1], values[:, ::-1]
    if step_y < 0:
        y, values = y[::-1], values[::-1]
    return Raster(x, y, np.ascontiguousarray(values), _crs_text(dataset))


def _crs_text(dataset: Any) -> str:
    if dataset.crs is None:
        return ""
    code = dataset.crs.to_epsg()
    return f"EPSG:{code}" if code else str(dataset.crs.to_wkt())


def _broken(source: Source, error: BaseException) -> LoadError:
    reason = re.sub(r"\s+", " ", str(error)).strip().replace(source.path, source.file.name)[:160]
    return LoadError(source.path, f"cannot be read ({reason or type(error).__name__})", "export it again")
