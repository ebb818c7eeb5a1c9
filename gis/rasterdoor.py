"""The door to rasterio: one raster at a time, opened with the one driver that its bytes or its name call for.

A raster from a stranger must not make GDAL open other files or addresses: only plain formats are opened, and a
virtual raster only when all its parts lie in its own folder.
"""

from __future__ import annotations

import functools
import re
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gis.sniffing import head_of
from gis.virtual import refuse_strays
from scenes.errors import LoadError, MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes.sources import Source

_DRIVERS = {
    ".tif": "GTiff", ".tiff": "GTiff", ".asc": "AAIGrid", ".agr": "AAIGrid", ".vrt": "VRT", ".img": "HFA",
    ".hgt": "SRTMHGT", ".dem": "USGSDEM", ".dt0": "DTED", ".dt1": "DTED", ".dt2": "DTED", ".bil": "EHdr",
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jp2": "JP2OpenJPEG", ".webp": "WEBP",
}  # fmt: skip
_SETTINGS = {
    "GDAL_HTTP_PROXY": "http://127.0.0.1:9",  # nobody listens there: a raster never reaches the network
    "GDAL_HTTP_TIMEOUT": "1",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_CACHEMAX": 128,
}


@contextmanager
def opened(source: Source, path: str, overview: int | None = None) -> Iterator[Any]:
    """Give a dataset of rasterio; every trouble with it is one sentence.

    Raises
    ------
    LoadError, UnsupportedError
        When it cannot be read, or is a virtual raster that points elsewhere.
    """
    refuse_strays(source, path)
    rasterio = library()
    options = {} if overview is None else {"overview_level": overview}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with rasterio.Env(**_SETTINGS), rasterio.open(path, driver=_driver(path), **options) as dataset:
                yield dataset
        except troubles() as error:
            raise broken(source, error) from error


def _driver(path: str) -> str:
    """Return the one driver that may open a file: by its first bytes where they say more than its name."""
    head = head_of(Path(path), 256)
    if head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return "GTiff"
    words = head.lower().split()
    if words[:1] in ([b"ncols"], [b"nrows"], [b"cellsize"], [b"xllcorner"], [b"xllcenter"]):
        return "AAIGrid"
    if words[:1] == [b"north:"]:
        return "GRASSASCIIGrid"
    return _DRIVERS.get(Path(path).suffix.lower(), "GTiff")


def library() -> Any:
    """Return rasterio.

    Raises
    ------
    MissingLibraryError
        When it is not installed.
    """
    try:
        import rasterio.enums  # noqa: PLC0415
        import rasterio.errors  # noqa: PLC0415
        import rasterio.vrt  # noqa: PLC0415
        import rasterio.warp  # noqa: PLC0415
        import rasterio.windows  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("gis.terrain", "rasterio is not installed", "pip install citytwin[gis]") from error
    return rasterio


def troubles() -> tuple[type[Exception], ...]:
    """Return what rasterio raises over a broken file; some errors of GDAL come through it as they are."""
    import rasterio._err  # noqa: PLC0415 - its base class has no public name

    return (library().errors.RasterioError, rasterio._err.CPLE_BaseError, OSError, ValueError, MemoryError)  # noqa: SLF001


def broken(source: Source, error: BaseException) -> LoadError:
    """Return one sentence for what GDAL says."""
    reason = re.sub(r"\s+", " ", str(error)).strip().replace(source.path, source.file.name)[:160]
    return LoadError(source.shown, f"cannot be read ({reason or type(error).__name__})", "export it again")


def crs_text(dataset: Any) -> str:
    """Return the system of a dataset as ``EPSG:N`` or WKT, empty if it does not say."""
    if dataset.crs is None:
        return ""
    code = dataset.crs.to_epsg()
    return f"EPSG:{code}" if code else str(dataset.crs.to_wkt())


@functools.lru_cache(maxsize=64)
def crs_beside(path: str) -> str:
    """Return the system in a .prj beside a file, in any of the dialects that GDAL knows; empty if there is none."""
    note = next(
        (Path(path).with_suffix(end) for end in (".prj", ".PRJ") if Path(path).with_suffix(end).is_file()), None
    )
    if note is None or note.stat().st_size > 100_000:
        return ""
    rasterio = library()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = Path(folder) / "grid.asc"
        grid.write_text("ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\n0 0\n0 0\n")
        grid.with_suffix(".prj").write_bytes(note.read_bytes())
        try:
            with rasterio.Env(**_SETTINGS), rasterio.open(str(grid), driver="AAIGrid") as dataset:
                return crs_text(dataset)
        except troubles():
            return ""
