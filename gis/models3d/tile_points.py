"""Points of 3D Tiles 1.0 (pnts): places, colours, and class and intensity where the batch table has them by point.

Source: OGC 18-053r2, 3D Tiles 1.0, chapter 7.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gis.models3d.tile_content import BROKEN, TileTables, inner_tiles, places_of, unsound
from gis.pointcloud_chunks import PointChunk, whole
from scenes.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_MAGIC = b"pnts"
_DRACO = "3DTILES_draco_point_compression"
_CLASSES = ("Classification", "CLASSIFICATION", "classification", "Class", "class")
_INTENSITY = ("Intensity", "INTENSITY", "intensity")
_MOST_POINTS = 50_000_000


def holds_points(data: bytes) -> bool:
    """Say whether a content is a tile of points, or a composite that may have one."""
    return data[:4] == _MAGIC or (data[:4] == b"cmpt" and _MAGIC in data)


def points_of(data: bytes, where: str) -> Iterator[PointChunk]:
    """Yield the points of a content in the coordinates of its tile.

    Raises
    ------
    LoadError, UnsupportedError
        When it is broken, or compressed with Draco.
    """
    try:
        for tile in inner_tiles(data):
            if tile[:4] == _MAGIC:
                yield _points(tile, where)
    except BROKEN as error:
        raise unsound(where, error) from error


def _points(data: bytes, where: str) -> PointChunk:
    tables = TileTables(data, 28)
    if _DRACO in (tables.features.get("extensions") or {}):
        raise UnsupportedError(where, "has points that are compressed with Draco", "export them without compression")
    count = int(tables.features["POINTS_LENGTH"])
    if not 0 <= count <= _MOST_POINTS:
        raise ValueError(f"{count} points")
    batch = {} if "BATCH_ID" in tables.features else tables.batch(count) or {}
    classes, intensity = _column(batch, _CLASSES, count), _column(batch, _INTENSITY, count)
    return PointChunk(
        places_of(tables, count),
        None if classes is None else whole(classes, 255).astype(np.uint8),
        None if intensity is None else whole(intensity, 65_535),
        colours=_colours(tables, count),
    )


def _column(batch: dict[str, list[Any]], names: tuple[str, ...], count: int) -> NDArray[np.float64] | None:
    """Return a property of the batch table as (n,) numbers, None where it has none by point."""
    for name in names:
        if len(batch.get(name, ())) == count and count:
            return np.asarray(batch[name], np.float64)
    return None


def _colours(tables: TileTables, count: int) -> NDArray[np.uint16] | None:
    """Return (n, 3) colours of 8 bits, None where the tile has none."""
    for name, width in (("RGBA", 4), ("RGB", 3)):
        given = tables.values(name, "u1", (count, width))
        if given is not None:
            return given[:, :3].astype(np.uint16)
    packed = tables.values("RGB565", "<u2", (count, 1))
    if packed is not None:
        bits = packed[:, 0].astype(np.float64).astype(np.int64)
        parts = np.column_stack([bits >> 11, bits >> 5 & 63, bits & 31]) / (31, 63, 31)
        return np.rint(parts * 255).astype(np.uint16)
    constant = tables.values("CONSTANT_RGBA", "u1", (1, 4))
    return None if constant is None else np.tile(constant[:, :3].astype(np.uint16), (count, 1))
