"""`Paint`: the images of one tile, cut to what is used and shrunk to what a tile may hold.

Images are shrunk to one size of a texel for the whole tile, so that none is sharper than its neighbour. How large a
texel became is part of the error of the tile, and so finer tiles come before the eye sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from scenes.pictures import Picture, resized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenes.tiles.content import Bools, Bytes, Content, Floats, Longs, Singles

TILE_PIXELS = 2_048 * 2_048
TEXEL_ERROR = 6.0  # a texel counts as an error of so many times its size: it shows as two or three pixels at most
SMALLEST_PX = 6  # an image that would become smaller than this gives its mean colour
CUT_SHARE = 0.6  # images are cut when less than this of them is used
_CORNERS = np.array([[1 / 3, 1 / 3, 1 / 3], [0.7, 0.15, 0.15], [0.15, 0.7, 0.15], [0.15, 0.15, 0.7]])
_SLACK = 1e-3
_EPSILON = 1e-12


@dataclass(frozen=True, eq=False)
class Paint:
    """Images laid on the triangles of a content; every vertex belongs to one image at most.

    Parameters
    ----------
    uvs
        (v, 2) float32, as in `scenes.mesh.MeshSet`.
    named
        (t,) int64 index into `images`, -1 = none.
    images
        Each is named by some triangle.
    """

    uvs: Singles
    named: Longs
    images: tuple[Picture, ...]

    def taken(self, vertices: Bools | Longs, triangles: Bools | Longs) -> Paint | None:
        """Return the paint of some vertices and triangles, None where no image is left."""
        return compacted(self.uvs[vertices], self.named[triangles], self.images)

    def sizes_px(self) -> Floats:
        """Return (i, 2) width and height of the images."""
        return np.array([image.size_px for image in self.images], np.float64).reshape(-1, 2)


def compacted(uvs: Singles, named: Longs, images: Sequence[Picture]) -> Paint | None:
    """Return a paint with every image once and only those that are named, None where there is none."""
    used = np.unique(named[named >= 0]).tolist()
    if not used:
        return None
    places: dict[Picture, int] = {}
    number = np.full(len(images) + 1, -1, np.int64)  # the last one answers for -1
    for index in used:
        number[index] = places.setdefault(images[index], len(places))
    return Paint(uvs, number[named], tuple(places))


def joined(parts: Sequence[tuple[Paint | None, int, int]]) -> Paint | None:
    """Return the paint of several contents one behind another, each given with its vertex and triangle count."""
    if not any(paint for paint, _, _ in parts):
        return None
    uvs, named, images = [], [], list[Picture]()
    for paint, vertices, triangles in parts:
        uvs.append(np.zeros((vertices, 2), np.float32) if paint is None else paint.uvs)
        own = np.full(triangles, -1, np.int64) if paint is None else paint.named
        named.append(np.where(own >= 0, own + len(images), -1))
        images += () if paint is None else paint.images
    return compacted(np.concatenate(uvs), np.concatenate(named), images)


def separated(triangles: Longs, named: Longs, vertex_count: int) -> tuple[Longs, Longs]:
    """Return the vertices to append a copy of, and the triangles renumbered so that no vertex is in two images.

    Examples
    --------
    >>> copied, triangles = separated(np.array([[0, 1, 2], [0, 2, 3]]), np.array([0, -1]), 4)
    >>> copied.tolist(), triangles.tolist()
    ([0, 2], [[4, 1, 5], [0, 2, 3]])
    """
    image = np.full(vertex_count, -1, np.int64)
    image[triangles.ravel()] = np.repeat(named, 3)
    torn = image[triangles] != named[:, None]
    if not torn.any():
        return np.zeros(0, np.int64), triangles
    span = int(named.max()) + 2
    key = triangles[torn] * span + np.broadcast_to(named[:, None] + 1, triangles.shape)[torn]
    pairs, place = np.unique(key, return_inverse=True)
    renumbered = triangles.copy()
    renumbered[torn] = vertex_count + place
    return cast("Longs", pairs // span), renumbered


def vertex_images(content: Content) -> Longs:
    """Return the image that each vertex belongs to, (v,), -1 = none."""
    found = np.full(len(content.positions), -1, np.int64)
    if content.paint is not None:
        found[content.triangles.ravel()] = np.repeat(content.paint.named, 3)
    return found


def face_colours(content: Content) -> Bytes:
    """Return the (t, 4) uint8 colour of each triangle, with the mean of the image where it has one."""
    colours = content.colours.take(content.triangles[:, 0], axis=0)
    if content.paint is None:
        return colours
    colours = colours.copy()
    for index, image in enumerate(content.paint.images):
        mine = np.flatnonzero(content.paint.named == index)
        at = np.einsum("pc,tcd->tpd", _CORNERS, content.paint.uvs[content.triangles[mine]].astype(np.float64))
        seen = _sampled(image.thumbnail, at).mean(axis=1)
        colours[mine] = np.rint(colours[mine] * seen / 255)
    return colours


def fitted(content: Content, pixels: int = TILE_PIXELS) -> Content:
    """Return the content with its images cut to what is used and shrunk to a number of pixels together.

    `error_m` grows to what the larger texels are worth, and stays where nothing was shrunk.
    """
    if content.paint is None:
        return content
    paint = content.paint
    low, high = _used(content)
    size = paint.sizes_px() * (high - low)
    metres, covered = _areas(content)
    whole_m2 = metres / np.maximum(covered, _EPSILON) * (high - low).prod(axis=1)
    texel_m = np.sqrt(np.maximum(whole_m2, _EPSILON) / size.prod(axis=1))
    target = _texel(size.prod(axis=1), texel_m, pixels)
    share = np.minimum(1.0, texel_m / target)
    painted = _recut(content, low, high, np.maximum(np.rint(size * share[:, None]), 1).astype(np.int64), share < 1)
    if not (share < 1).any():
        return painted
    return replace(painted, error_m=max(painted.error_m, float(target) * TEXEL_ERROR))


def filled(content: Content, colour: Bytes) -> Content:
    """Return the content with a colour in the gaps of its images."""
    if content.paint is None or not any(image.has_gaps for image in content.paint.images):
        return content
    return replace(content, paint=replace(content.paint, images=tuple(i.on(colour) for i in content.paint.images)))


def used_pixels(triangles: Longs, uvs: Singles, named: NDArray[np.integer], images: Sequence[Picture]) -> Floats:
    """Return how many pixels of its image each triangle shows, (t,); none where the image is repeated."""
    corner = uvs[triangles].astype(np.float64)
    one, two = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    area = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) / 2
    inside = ((corner >= -_SLACK) & (corner <= 1 + _SLACK)).all(axis=(1, 2))
    size = np.array([0.0, *(width * height for width, height in (image.size_px for image in images))])
    return cast("Floats", np.where(inside, area * size[named + 1], 0.0))


def _sampled(pixels: Bytes, at: Floats) -> Floats:
    rows, columns = pixels.shape[:2]
    place = at - np.floor(at)
    x = np.minimum((place[..., 0] * columns).astype(np.int64), columns - 1)
    y = np.minimum((place[..., 1] * rows).astype(np.int64), rows - 1)
    return cast("Floats", pixels[y, x].astype(np.float64))


def _used(content: Content) -> tuple[Floats, Floats]:
    """Return the corners of the part of each image that is shown, (i, 2) each; 0 and 1 where cutting gains little."""
    paint = cast("Paint", content.paint)
    count = len(paint.images)
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    painted = paint.named >= 0
    corners = paint.uvs[content.triangles[painted].ravel()].astype(np.float64)
    owner = np.repeat(paint.named[painted], 3)
    np.minimum.at(low, owner, corners)
    np.maximum.at(high, owner, corners)
    size = paint.sizes_px()
    inside = ((low >= -_SLACK) & (high <= 1 + _SLACK)).all(axis=1)
    low = np.clip(np.floor(low * size - 1) / size, 0, 1)  # a pixel more on every side
    high = np.clip(np.ceil(high * size + 1) / size, 0, 1)
    worth = inside & ((high - low).prod(axis=1) < CUT_SHARE) & (size.max(axis=1) > 64)
    return np.where(worth[:, None], low, 0.0), np.where(worth[:, None], high, 1.0)


def _areas(content: Content) -> tuple[Floats, Floats]:
    """Return the square metres and the share of the image that the triangles of each image cover, (i,) each."""
    paint = cast("Paint", content.paint)
    mine = paint.named >= 0
    corner = content.positions[content.triangles[mine]].astype(np.float64)
    cross = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    place = paint.uvs[content.triangles[mine]].astype(np.float64)
    one, two = place[:, 1] - place[:, 0], place[:, 2] - place[:, 0]
    flat = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])
    named, count = paint.named[mine], len(paint.images)
    metres = np.bincount(named, np.linalg.norm(cross, axis=1) / 2, minlength=count)
    covered = np.bincount(named, flat / 2, minlength=count)
    return cast("Floats", metres), np.where(covered > _EPSILON, covered, 1.0)


def _texel(pixels: Floats, texel_m: Floats, limit: int) -> float:
    """Return the size of a texel in metres at which all images together have at most so many pixels."""
    if pixels.sum() <= limit:
        return float(texel_m.min())
    low, high = float(texel_m.min()), float(texel_m.max()) * float(np.sqrt(pixels.sum() / limit))
    for _ in range(40):
        middle = float(np.sqrt(low * high))
        count = (pixels * np.minimum(1.0, texel_m / middle) ** 2).sum()
        low, high = (middle, high) if count > limit else (low, middle)
    return high


def _recut(content: Content, low: Floats, high: Floats, size: Longs, shrunk: Bools) -> Content:
    """Return the content with each image cut and resized; those that would become tiny give their mean colour."""
    paint = cast("Paint", content.paint)
    images = list(paint.images)
    tiny = shrunk & (size.max(axis=1) < SMALLEST_PX)
    cut = (low > 0).any(axis=1) | (high < 1).any(axis=1)
    for index in np.flatnonzero((cut | shrunk) & ~tiny).tolist():
        width, height = size[index].tolist()
        images[index] = Picture.of_pixels(resized(_part(images[index], low[index], high[index]), (width, height)))
    owner = vertex_images(content)
    mine = owner >= 0
    uvs = paint.uvs.copy()
    uvs[mine] = (uvs[mine] - low[owner[mine]]) / (high - low)[owner[mine]]
    colours = content.colours
    if tiny.any():
        colours = colours.copy()
        for index in np.flatnonzero(tiny).tolist():
            at = owner == index
            colours[at] = np.rint(colours[at].astype(np.float64) * paint.images[index].mean_colour / 255)
    named = np.where((paint.named >= 0) & ~tiny[paint.named], paint.named, -1)
    return replace(content, colours=colours, paint=compacted(uvs, named, images))


def _part(image: Picture, low: Floats, high: Floats) -> NDArray[np.uint8]:
    width, height = image.size_px
    pixels = image.pixels(max(width, height))
    left, top = np.rint(low * [width, height]).astype(int).tolist()
    right, bottom = np.rint(high * [width, height]).astype(int).tolist()
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)]


def charts(content: Content) -> Longs:
    """Return a number for each vertex, (v,), the same for vertices that triangles connect."""
    label = np.arange(len(content.positions))
    corners = content.triangles.ravel()
    while True:
        least = np.repeat(label[content.triangles].min(axis=1), 3) if len(corners) else label[:0]
        fresh = label.copy()
        np.minimum.at(fresh, corners, least)
        fresh = fresh[fresh]
        if np.array_equal(fresh, label):
            return cast("Longs", label)
        label = fresh
