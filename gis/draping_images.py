"""Images laid on a terrain from above: which piece of the image each triangle shows, and the pieces.

Every piece is the image of a rectangle of the plan, so that places in it follow from x and y alone. Pieces that have
gaps are filled by the next image that is laid on the same terrain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from scenes.pictures import Picture
from scenes.tiles.paint import separated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet

    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]
    Pixels = NDArray[np.uint8]

PIECE_PX = 1_024
LARGEST_PIECE_PX = 2_048


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle of the plan (local metres), and how many pixels its image has."""

    west_m: float
    south_m: float
    east_m: float
    north_m: float
    width_px: int
    height_px: int

    @property
    def widest_m(self) -> float:
        """The longer side."""
        return max(self.east_m - self.west_m, self.north_m - self.south_m)

    def quarters(self) -> list[list[Piece]]:
        """Return its quarters in whole pixels, row by row from the north-west.

        Examples
        --------
        >>> [[(each.width_px, each.height_px) for each in row] for row in Piece(0, 0, 30, 20, 3, 2).quarters()]
        [[(1, 1), (2, 1)], [(1, 1), (2, 1)]]
        """
        left, top = self.width_px // 2, self.height_px // 2
        x = self.west_m + (self.east_m - self.west_m) * left / self.width_px
        y = self.north_m - (self.north_m - self.south_m) * top / self.height_px
        columns = ((self.west_m, x, left), (x, self.east_m, self.width_px - left))
        rows = ((y, self.north_m, top), (self.south_m, y, self.height_px - top))
        return [
            [Piece(west, south, east, north, width, height) for west, east, width in columns]
            for south, north, height in rows
        ]


class Cutter(Protocol):
    """Gives the image of rectangles: RGBA pixels each, None where it knows nothing there."""

    def cut(self, pieces: Sequence[Piece]) -> Iterator[Picture | None]:
        """Yield one image a piece."""


@dataclass(frozen=True)
class Extent:
    """Where an image lies in local metres, and how large its pixels are."""

    west_m: float
    south_m: float
    east_m: float
    north_m: float
    pixel_m: float

    @property
    def area_m2(self) -> float:
        """Area of the rectangle."""
        return (self.east_m - self.west_m) * (self.north_m - self.south_m)

    def within(self, pixels: float) -> Extent:
        """Return the extent with pixels so large that there are at most so many."""
        return replace(self, pixel_m=max(self.pixel_m, float(np.sqrt(self.area_m2 / pixels))))


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is to be cut: new pieces, the piece of each triangle (-1 = none), and pieces of images with gaps."""

    pieces: list[Piece]
    named: Longs
    torn: dict[int, Piece]


def dressed(mesh: MeshSet, extent: Extent, cutter: Cutter) -> MeshSet:
    """Return a terrain with an image laid on it; itself where the image does not reach it."""
    plan = _plan(mesh, extent)
    found = list(cutter.cut([*plan.pieces, *plan.torn.values()]))
    fresh, mended = found[: len(plan.pieces)], found[len(plan.pieces) :]
    if not any(found):
        return mesh
    images = list(mesh.images)
    for index, under in zip(plan.torn, mended, strict=True):
        if under is not None:
            images[index] = _laid_over(images[index], under)
    return _painted(mesh, plan, images, fresh)


def squares(extent: Extent) -> list[Piece]:
    """Return the pieces of a level ground: squares of about a thousand pixels."""
    side = PIECE_PX * extent.pixel_m
    columns = max(1, int(np.ceil((extent.east_m - extent.west_m) / side - 1e-6)))
    rows = max(1, int(np.ceil((extent.north_m - extent.south_m) / side - 1e-6)))
    x = np.linspace(extent.west_m, extent.east_m, columns + 1)
    y = np.linspace(extent.south_m, extent.north_m, rows + 1)
    return [_piece(x[i], y[j], x[i + 1], y[j + 1], extent.pixel_m) for j in range(rows) for i in range(columns)]


def _piece(west: float, south: float, east: float, north: float, pixel_m: float) -> Piece:
    width, height = (
        int(np.clip(np.ceil(side / pixel_m), 1, LARGEST_PIECE_PX)) for side in (east - west, north - south)
    )
    return Piece(float(west), float(south), float(east), float(north), width, height)


def _plan(mesh: MeshSet, extent: Extent) -> _Plan:
    plan = mesh.positions_m[:, :2]
    corners = plan[mesh.triangles]
    low, high = corners.min(axis=1), corners.max(axis=1)
    inside = (high[:, 0] > extent.west_m) & (low[:, 0] < extent.east_m)
    inside &= (high[:, 1] > extent.south_m) & (low[:, 1] < extent.north_m)
    inside &= (high - low).min(axis=1) > 0
    owned = np.full(len(mesh.triangles), -1) if mesh.triangle_images is None else mesh.triangle_images
    pieces, named = _new_pieces(low, high, np.flatnonzero(inside & (owned < 0)), extent)
    torn = {
        index: piece
        for index, image in enumerate(mesh.images)
        if image.has_gaps and (inside & (owned == index)).any() and (piece := _piece_of(mesh, index)) is not None
    }
    return _Plan(pieces, named, torn)


def _new_pieces(low: Floats, high: Floats, chosen: Longs, extent: Extent) -> tuple[list[Piece], Longs]:
    named = np.full(len(low), -1, np.int64)
    if not len(chosen):
        return [], named
    side = PIECE_PX * extent.pixel_m
    middle = (low[chosen] + high[chosen]) / 2
    cell = np.floor((middle - [extent.west_m, extent.south_m]) / side).astype(np.int64)
    cells, named[chosen] = _numbered(cell)
    count = len(cells)
    least, greatest = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    np.minimum.at(least, named[chosen], low[chosen])
    np.maximum.at(greatest, named[chosen], high[chosen])
    corners = [
        (*low_corner, *high_corner) for low_corner, high_corner in zip(least.tolist(), greatest.tolist(), strict=True)
    ]
    return [_piece(west, south, east, north, extent.pixel_m) for west, south, east, north in corners], named


def _numbered(cell: Longs) -> tuple[Longs, Longs]:
    cells, number = np.unique(cell, axis=0, return_inverse=True)
    return cells, number.reshape(-1)


def _piece_of(mesh: MeshSet, index: int) -> Piece | None:
    """Return the rectangle that an image of a mesh shows, None where it is none (images that were not laid by us)."""
    mine = cast("NDArray[np.int32]", mesh.triangle_images) == index
    vertices = np.unique(mesh.triangles[mine])
    plan, places = mesh.positions_m[vertices, :2], cast("NDArray[np.float32]", mesh.uvs)[vertices].astype(np.float64)
    ones = np.ones(len(vertices))
    east, east_rest = _line(np.column_stack([places[:, 0], ones]), plan[:, 0])
    north, north_rest = _line(np.column_stack([-places[:, 1], ones]), plan[:, 1])
    if min(east[0], north[0]) <= 0 or max(east_rest, north_rest) > 0.05 * max(east[0], north[0]):
        return None
    width, height = mesh.images[index].size_px
    return Piece(float(east[1]), float(north[1] - north[0]), float(east[1] + east[0]), float(north[1]), width, height)


def _line(known: Floats, values: Floats) -> tuple[Floats, float]:
    found: Floats = np.asarray(np.linalg.lstsq(known, values, rcond=None)[0], np.float64)
    return found, float(np.abs(known @ found - values).max())


def _laid_over(above: Picture, under: Picture) -> Picture:
    upper, lower = above.pixels().astype(np.float64), under.pixels().astype(np.float64)
    if lower.shape != upper.shape:
        return above
    share = upper[..., 3:] / 255
    beneath = lower[..., 3:] / 255 * (1 - share)
    alpha = share + beneath
    colour = (upper[..., :3] * share + lower[..., :3] * beneath) / np.maximum(alpha, 1e-6)
    return Picture.of_pixels(np.rint(np.concatenate([colour, alpha * 255], axis=2)).astype(np.uint8))


def _painted(mesh: MeshSet, plan: _Plan, images: list[Picture], fresh: Iterable[Picture | None]) -> MeshSet:
    """Return the mesh with new images after the old ones; vertices at the seam of two images become two."""
    number = np.full(len(plan.pieces) + 1, -1, np.int64)
    for index, image in enumerate(fresh):
        if image is not None:
            number[index] = len(images)
            images.append(image)
    laid = number[plan.named]
    old = np.full(len(mesh.triangles), -1) if mesh.triangle_images is None else mesh.triangle_images
    named = np.where(laid >= 0, laid, old).astype(np.int64)
    copied, triangles = separated(mesh.triangles.astype(np.int64), named, mesh.vertex_count)
    every = np.concatenate([np.arange(mesh.vertex_count), copied])
    whole = _with_vertices(mesh, every, triangles)
    order = np.argsort(mesh.vertex_rows()[every], kind="stable")
    owner, piece = np.full(len(every), -1, np.int64), np.full(len(every), -1, np.int64)
    owner[triangles.ravel()] = np.repeat(named, 3)
    piece[triangles.ravel()] = np.repeat(np.where(laid >= 0, plan.named, -1), 3)
    uvs = np.zeros((len(every), 2)) if mesh.uvs is None else mesh.uvs[every].astype(np.float64)
    mine = piece >= 0
    uvs[mine] = _places(
        mesh.positions_m[every[mine], :2], [plan.pieces[i] for i in range(len(plan.pieces))], piece[mine]
    )
    if whole.colours is not None:
        colours = whole.colours.copy()
        colours[owner[order] >= 0] = 255
        whole = replace(whole, colours=colours)
    return whole.textured(uvs[order], named, images)


def _places(plan: Floats, pieces: list[Piece], piece: Longs) -> Floats:
    box = np.array([[each.west_m, each.south_m, each.east_m, each.north_m] for each in pieces])[piece]
    u = (plan[:, 0] - box[:, 0]) / (box[:, 2] - box[:, 0])
    v = (box[:, 3] - plan[:, 1]) / (box[:, 3] - box[:, 1])
    return np.column_stack([u, v])


def _with_vertices(mesh: MeshSet, every: Longs, triangles: Longs) -> MeshSet:
    """Return the mesh with some vertices twice, sorted by object as a mesh set has them; without images."""
    rows = mesh.vertex_rows()[every]
    order = np.argsort(rows, kind="stable")
    renumber = np.empty(len(every), np.int64)
    renumber[order] = np.arange(len(every))
    starts = np.append(np.searchsorted(rows[order], mesh.rows), len(every))
    taken = every[order]
    return replace(
        mesh,
        positions=mesh.positions[taken],
        triangles=renumber[triangles].astype(np.uint32),
        vertex_starts=starts.astype(np.uint32),
        colours=None if mesh.colours is None else mesh.colours[taken],
        normals=None if mesh.normals is None else mesh.normals[taken],
        uvs=None,
        triangle_images=None,
        images=(),
    )
