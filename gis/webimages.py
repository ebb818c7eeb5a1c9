"""The loader of image services: WMS, WMTS and XYZ tiles for the extent of what else is in the scene."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.datum import shifted
from gis.draping_images import Extent, Piece
from gis.imagery import dress_terrain, flat_ground, flat_layer
from gis.tilegrids import ImageService, wms_service, wmts_service, xyz_service
from gis.webfetch import Fetcher, cache_folder
from scenes.errors import LoadError
from scenes.georeference import WGS84, transformer
from scenes.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from gis.tilegrids import Bounds, Pixels
    from scenes.georeference import Georeference
    from scenes.loading import Ground, LoadContext, Location
    from scenes.model import Batch, Layer
    from scenes.sources import Source

    Floats = NDArray[np.float64]

MOST_PIXELS = 64_000_000
FINEST_M = 0.15
_WIDEST_M = 60_000.0
_ADDRESS = re.compile(r"^(wms|wmts|xyz)\+(https?://.*)$", re.IGNORECASE | re.DOTALL)


class ImageServiceLoader:
    """Reads ``wms+https://...#layer``, ``wmts+https://...#layer`` and ``xyz+https://host/{z}/{x}/{y}.png``.

    A service has no place of its own: it is asked for the extent of everything else in the scene.
    """

    name = "image-service"
    stage = 2

    def supports(self, source: Source) -> bool:
        """Say whether it is the address of such a service."""
        return bool(_ADDRESS.match(source.path))

    def locate(self, source: Source) -> Location | None:
        """Return nothing: a service is everywhere."""
        del source
        return None

    def surface(self, source: Source, context: LoadContext) -> Ground | None:
        """Return nothing: an image has no heights."""
        del source, context
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield level ground with the image on it, a batch.

        Raises
        ------
        SourceError, ConnectionLostError
            When the service does not give images.
        """
        extent = scene_extent(source, context)
        yield (
            flat_layer(source),
            flat_ground(source, extent, ServiceCutter(_service(source), context.georeference, source), context),
        )

    def dress(self, source: Source, context: LoadContext) -> dict[int, Batch]:
        """Return the batches of terrain with the image on them, as places in ``context.loaded``."""
        extent = scene_extent(source, context)
        return dress_terrain(context, extent, ServiceCutter(_service(source), context.georeference, source))


def scene_extent(source: Source, context: LoadContext) -> Extent:
    """Return where everything else lies, with pixels so fine that there are not too many.

    Raises
    ------
    LoadError
        When there is nothing else.
    """
    corners = []
    for _, batch in context.loaded:
        found = [batch.table[name].to_numpy() for name in ("min_x", "min_y", "max_x", "max_y")]
        if len(batch) and np.isfinite(found).any():
            corners.append([np.nanmin(found[0]), np.nanmin(found[1]), np.nanmax(found[2]), np.nanmax(found[3])])
    if not corners:
        raise LoadError(
            source.shown, "is asked for the extent of the scene, and nothing else is in it", "load a map or terrain too"
        )
    boxes = np.array(corners, np.float64)
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    middle, half = (low + high) / 2, np.clip((high - low) / 2 + 20.0, 50.0, _WIDEST_M / 2)
    (west, south), (east, north) = middle - half, middle + half
    return Extent(float(west), float(south), float(east), float(north), FINEST_M).within(MOST_PIXELS)


@dataclass
class ServiceCutter:
    """Cuts pieces out of what a service gives, warped into a frame."""

    service: ImageService
    frame: Georeference
    source: Source

    def cut(self, pieces: Sequence[Piece]) -> Iterator[Picture | None]:
        """Yield one image a piece."""
        for piece in pieces:
            yield self._piece(piece)

    def _piece(self, piece: Piece) -> Picture | None:
        x = piece.west_m + (np.arange(piece.width_px) + 0.5) * (piece.east_m - piece.west_m) / piece.width_px
        y = piece.north_m - (np.arange(piece.height_px) + 0.5) * (piece.north_m - piece.south_m) / piece.height_px
        at_x, at_y = self._theirs(*np.meshgrid(x, y))
        if not np.isfinite(at_x + at_y).all():
            return None
        pixel = max(float(np.ptp(at_x)) / piece.width_px, float(np.ptp(at_y)) / piece.height_px)
        bounds = (
            float(at_x.min()) - pixel, float(at_y.min()) - pixel, float(at_x.max()) + pixel, float(at_y.max()) + pixel
        )  # fmt: skip
        given, pixels = self.service.image(bounds, pixel)
        seen = sampled(pixels, given, at_x, at_y)
        return Picture.of_pixels(seen) if seen[..., 3].any() else None

    def _theirs(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return local places in the system of the service, east first."""
        crs = WGS84 if self.service.crs == "CRS:84" else self.service.crs
        if self.source.datum_shift:
            return shifted(self.source, crs, *self.frame.lonlat(x, y))
        east, north = transformer(self.frame.crs, crs).transform(x + self.frame.easting_m, y + self.frame.northing_m)
        return np.asarray(east), np.asarray(north)


def sampled(pixels: Pixels, bounds: Bounds, x: Floats, y: Floats) -> Pixels:
    """Return (rows, columns, 4) colours of an image at places in its own system, bilinear; transparent outside.

    Examples
    --------
    >>> image = np.array([[[0, 0, 0, 255], [200, 0, 0, 255]]], np.uint8)
    >>> sampled(image, (0.0, 0.0, 2.0, 1.0), np.array([[1.0, 9.0]]), np.array([[0.5, 0.5]])).tolist()
    [[[100, 0, 0, 255], [0, 0, 0, 0]]]
    """
    rows, columns = pixels.shape[:2]
    column = (x - bounds[0]) / (bounds[2] - bounds[0]) * columns - 0.5
    row = (bounds[3] - y) / (bounds[3] - bounds[1]) * rows - 0.5
    outside = (column < -0.5) | (column > columns - 0.5) | (row < -0.5) | (row > rows - 0.5)
    left = np.clip(np.floor(column), 0, max(columns - 2, 0)).astype(np.int64)
    top = np.clip(np.floor(row), 0, max(rows - 2, 0)).astype(np.int64)
    across, down = np.clip(column - left, 0, 1)[..., None], np.clip(row - top, 0, 1)[..., None]
    right, below = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    upper = pixels[top, left] * (1 - across) + pixels[top, right] * across
    lower = pixels[below, left] * (1 - across) + pixels[below, right] * across
    seen: Pixels = np.rint(upper * (1 - down) + lower * down).astype(np.uint8)
    seen[outside] = 0
    return seen


def _service(source: Source) -> ImageService:
    match = _ADDRESS.match(source.path)
    if match is None:
        raise LoadError(source.shown, "is no image service", "write wms+https, wmts+https or xyz+https")
    kind, address = match[1].lower(), match[2]
    fetcher = Fetcher(cache_folder())
    if kind == "xyz":
        return xyz_service(address, fetcher)
    plain, _, layer = address.partition("#")
    return (wms_service if kind == "wms" else wmts_service)(plain, layer, fetcher)
