"""Small images of a tile side by side in a few large ones, so that a tile is drawn in a few calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scenes.pictures import Picture
from scenes.tiles.paint import Paint, compacted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Longs = NDArray[np.int64]

LARGEST_PART_PX = 512  # larger images stay alone: a call for each costs less than packing them
PAGE_PX = 2_048
MARGIN_PX = 2  # of repeated rim around each part, so that neighbours do not shine through
_SLACK = 1e-3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part lies: the page, and its left upper corner in pixels."""

    page: int
    x: int
    y: int


def packed(paint: Paint, triangles: Longs) -> Paint:
    """Return the paint with small images that are not repeated packed into pages; gaps have pages of their own."""
    small = _packable(paint, triangles)
    uvs, named, images = paint.uvs.copy(), paint.named.copy(), list(paint.images)
    gaps = np.array([image.has_gaps for image in images])
    for kind in (False, True):
        chosen = np.flatnonzero(small & (gaps == kind))
        if len(chosen) < 2:
            continue
        sizes = paint.sizes_px().astype(np.int64)[chosen]
        places, side = arranged(sizes + 2 * MARGIN_PX)
        first = len(images)
        images += _pages([images[index] for index in chosen.tolist()], places, side)
        for index, size, place in zip(chosen.tolist(), sizes, places, strict=True):
            mine = paint.named == index
            corners = np.unique(triangles[mine])
            inner = np.clip(paint.uvs[corners], 0, 1) * size + [place.x + MARGIN_PX, place.y + MARGIN_PX]
            uvs[corners] = inner / side
            named[mine] = first + place.page
    return compacted(uvs, named, images) or paint


def arranged(sizes: Longs, most_px: int = PAGE_PX) -> tuple[list[Place], int]:
    """Return a place for each (n, 2) width and height on shelves, the highest first, and the side of the pages.

    Examples
    --------
    >>> places, side = arranged(np.array([[60, 40], [60, 30], [60, 40]]))
    >>> side, [(place.x, place.y) for place in places]
    (128, [(0, 0), (0, 40), (60, 0)])
    """
    side = min(most_px, 1 << int(np.ceil(np.log2(max(np.sqrt(sizes.prod(axis=1).sum() * 1.1), sizes.max())))))
    places = [Place(0, 0, 0)] * len(sizes)
    page = x = y = shelf = 0
    for index in np.lexsort((-sizes[:, 0], -sizes[:, 1])).tolist():
        width, height = sizes[index].tolist()
        if x + width > side:
            x, y, shelf = 0, y + shelf, 0
        if y + height > side:
            page, x, y, shelf = page + 1, 0, 0, 0
        places[index] = Place(page, x, y)
        x, shelf = x + width, max(shelf, height)
    return places, side


def _packable(paint: Paint, triangles: Longs) -> NDArray[np.bool_]:
    count = len(paint.images)
    low, high = np.zeros(count), np.ones(count)
    mine = paint.named >= 0
    corners = paint.uvs[triangles[mine]].astype(np.float64)
    np.minimum.at(low, paint.named[mine], corners.min(axis=(1, 2)))
    np.maximum.at(high, paint.named[mine], corners.max(axis=(1, 2)))
    once = (low >= -_SLACK) & (high <= 1 + _SLACK)
    small: NDArray[np.bool_] = once & (paint.sizes_px().max(axis=1) <= LARGEST_PART_PX)
    return small


def _pages(images: list[Picture], places: list[Place], side: int) -> list[Picture]:
    pages = np.zeros((max(place.page for place in places) + 1, side, side, 4), np.uint8)
    pages[..., 3] = 255 * (not images[0].has_gaps)
    for image, place in zip(images, places, strict=True):
        margin = (MARGIN_PX, MARGIN_PX)
        pixels = np.pad(image.pixels(), (margin, margin, (0, 0)), mode="edge")
        rows, columns = pixels.shape[:2]
        pages[place.page, place.y : place.y + rows, place.x : place.x + columns] = pixels
    return [Picture.of_pixels(page) for page in pages]
