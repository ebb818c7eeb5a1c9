"""GeoTIFF keys outside of a GeoTIFF, as LAS files carry them: GDAL reads them from a picture of one pixel."""

from __future__ import annotations

import struct
import warnings

from scenes.errors import MissingLibraryError

_SHORT, _LONG, _ASCII, _DOUBLE = 3, 4, 2, 12
_WIDTHS = {_SHORT: 2, _LONG: 4, _ASCII: 1, _DOUBLE: 8}
# A grey pixel with a place: width, height, bits, no compression, black is zero, one strip of one byte, and a scale.
_PICTURE = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 277: 1, 278: 1, 279: 1}


def wkt_of_geokeys(directory: bytes, doubles: bytes, texts: bytes) -> str:
    """Return the coordinate system that GeoTIFF keys describe as WKT, empty if they describe none.

    Parameters
    ----------
    directory, doubles, texts
        Contents of the tags 34735, 34736 and 34737.

    Examples
    --------
    >>> keys = struct.pack("<12H", 1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 32617)
    >>> "UTM zone 17N" in wkt_of_geokeys(keys, b"", b"")
    True
    """
    try:
        import rasterio  # noqa: PLC0415
        from rasterio._err import CPLE_BaseError  # noqa: PLC0415 - it has no public name
        from rasterio.errors import RasterioError  # noqa: PLC0415
        from rasterio.io import MemoryFile  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("gis.pointcloud", "rasterio is not installed", "pip install citytwin[gis]") from error
    with warnings.catch_warnings(), rasterio.Env(GTIFF_REPORT_COMPD_CS="YES"):
        warnings.simplefilter("ignore")
        try:
            with MemoryFile(_pixel(directory, doubles, texts)) as memory, memory.open() as dataset:
                return str(dataset.crs.to_wkt()) if dataset.crs else ""
        except (RasterioError, CPLE_BaseError, ValueError):
            return ""


def _pixel(directory: bytes, doubles: bytes, texts: bytes) -> bytes:
    """Return a TIFF file of one pixel with the keys."""
    tags = [(tag, _SHORT, struct.pack("<H", value)) for tag, value in _PICTURE.items()]
    tags += [
        (33550, _DOUBLE, struct.pack("<3d", 1, 1, 0)),
        (33922, _DOUBLE, struct.pack("<6d", 0, 0, 0, 0, 0, 0)),
        (34735, _SHORT, directory[: len(directory) // 2 * 2]),
    ]
    tags += [(34736, _DOUBLE, doubles[: len(doubles) // 8 * 8])] if len(doubles) >= 8 else []
    tags += [(34737, _ASCII, texts)] if texts else []
    end = 8 + 2 + 12 * (len(tags) + 1) + 4
    entries, extra = [], b""
    for tag, kind, data in sorted([*tags, (273, _LONG, struct.pack("<I", 0))]):
        count = len(data) // _WIDTHS[kind]
        if len(data) > 4:
            entries.append(struct.pack("<HHII", tag, kind, count, end + len(extra)))
            extra += data + b"\0" * (-len(data) % 8)
        else:
            entries.append(struct.pack("<HHI4s", tag, kind, count, data.ljust(4, b"\0")))
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + b"".join(entries) + b"\0" * 4 + extra
