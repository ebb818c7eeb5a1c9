"""`MeshSet`: the triangles, lines, points and instances of many objects in a few flat arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from scenes.flat import counts_of, distinct, kept, starts_of, taken
from scenes.instances import Instances, instance_bounds, take_instances

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from scenes.pictures import Picture

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Indices = NDArray[np.uint32]
    Colours = NDArray[np.uint8]

__all__ = ["Instances", "MeshSet"]


@dataclass(frozen=True, eq=False)
class MeshSet:
    """Geometry of the objects of a batch at one level of detail.

    Objects lie one after another: group g belongs to row `rows[g]` of the batch and owns the vertices
    `vertex_starts[g]:vertex_starts[g + 1]` and the triangles `triangle_starts[g]:triangle_starts[g + 1]`.
    Lines and points are optional and use the same vertices.

    Parameters
    ----------
    centre
        (3,) float64: local metres; positions count from here.
    positions
        (v, 3) float32: metres from the centre.
    triangles
        (t, 3) uint32: indices into `positions`, anticlockwise seen from outside.
    rows
        (g,) uint32: row of the object in its batch, strictly increasing.
    vertex_starts, triangle_starts
        (g + 1,) uint32.
    colours
        (v, 4) uint8: sRGB and opacity; None = the layer's colour.
    normals
        (v, 3) float32 unit vectors for smooth surfaces; None = flat faces.
    lines
        (l, 2) uint32: segments, as indices into `positions`.
    points
        (p,) uint32: single points, as indices into `positions`.
    instances
        Placements of prototypes.
    semantics
        (t,) uint8: what each triangle is part of, as a code of `scenes.semantics`; None = unknown.
    uvs
        (v, 2) float32: place in the image, as in glTF: 0, 0 is the upper left corner and 1, 1 the lower right one;
        beyond that the image is repeated. None = nothing has an image. See `textured`.
    triangle_images
        (t,) int32: index into `images` of each triangle, -1 = none. Colours multiply the image: white leaves it
        as it is.
    images
        The images.

    Examples
    --------
    >>> triangle = MeshSet.of_one([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
    >>> triangle.triangle_count, triangle.area_m2()
    (1, 0.5)
    """

    centre: Floats
    positions: Singles
    triangles: Indices
    rows: Indices
    vertex_starts: Indices
    triangle_starts: Indices
    colours: Colours | None = None
    normals: Singles | None = None
    lines: Indices | None = None
    points: Indices | None = None
    instances: tuple[Instances, ...] = ()
    semantics: NDArray[np.uint8] | None = None
    uvs: Singles | None = None
    triangle_images: NDArray[np.int32] | None = None
    images: tuple[Picture, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes, once and for all."""
        groups, vertices = len(self.rows), len(self.positions)
        if self.positions.shape != (vertices, 3) or self.triangles.shape != (len(self.triangles), 3):
            raise ValueError(f"positions {self.positions.shape} and triangles {self.triangles.shape} must be (n, 3)")
        if len(self.vertex_starts) != groups + 1 or len(self.triangle_starts) != groups + 1:
            raise ValueError(f"{groups} groups need {groups + 1} starts")
        if int(self.vertex_starts[-1]) != vertices or int(self.triangle_starts[-1]) != len(self.triangles):
            raise ValueError("the starts do not end at the last vertex and triangle")
        if len(self.triangles) and int(self.triangles.max()) >= vertices:
            raise ValueError(f"a triangle names vertex {int(self.triangles.max())} of {vertices}")
        for name, values, width in (("colours", self.colours, 4), ("normals", self.normals, 3)):
            if values is not None and values.shape != (vertices, width):
                raise ValueError(f"{name} {values.shape} must be ({vertices}, {width})")
        if self.semantics is not None and self.semantics.shape != (len(self.triangles),):
            raise ValueError(f"semantics {self.semantics.shape} must be ({len(self.triangles)},)")
        self._check_images()

    def _check_images(self) -> None:
        if self.uvs is None and self.triangle_images is None and not self.images:
            return
        if self.uvs is None or self.triangle_images is None:
            raise ValueError("images need uvs and triangle_images")
        if self.uvs.shape != (len(self.positions), 2) or self.triangle_images.shape != (len(self.triangles),):
            raise ValueError(f"uvs {self.uvs.shape} and triangle_images {self.triangle_images.shape} do not fit")
        if int(self.triangle_images.min(initial=0)) < -1:
            raise ValueError("a triangle names an image below -1")
        if int(self.triangle_images.max(initial=-1)) >= len(self.images):
            raise ValueError(f"a triangle names image {int(self.triangle_images.max())} of {len(self.images)}")

    @classmethod
    def empty(cls) -> MeshSet:
        """Return a mesh set with nothing in it."""
        none = np.zeros(0, np.uint32)
        start = np.zeros(1, np.uint32)
        return cls(np.zeros(3), np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32), none, start, start)

    @classmethod
    def of_one(cls, positions_m: object, triangles: object, row: int = 0) -> MeshSet:
        """Return the mesh of a single object from (v, 3) local metres and (t, 3) indices."""
        return cls.from_parts([row], [np.asarray(positions_m, float)], [np.asarray(triangles, np.uint32)])

    @classmethod
    def from_parts(
        cls,
        rows: Sequence[int],
        positions_m: Sequence[Floats],
        triangles: Sequence[Indices],
        colours: Sequence[Colours] | None = None,
    ) -> MeshSet:
        """Join one mesh an object: (v, 3) local metres, (t, 3) indices into its own vertices, (v, 4) colours."""
        if not rows:
            return cls.empty()
        counts = np.array([len(part) for part in positions_m])
        faces = np.array([len(part) for part in triangles])
        flat = np.concatenate([np.asarray(part, float).reshape(-1, 3) for part in positions_m])
        shifts = np.repeat(np.concatenate([[0], np.cumsum(counts)[:-1]]), faces)
        indices = np.concatenate([np.asarray(part, np.int64).reshape(-1, 3) for part in triangles])
        colour = np.concatenate(list(colours)).astype(np.uint8) if colours is not None else None
        return cls.from_flat(flat, indices + shifts[:, None], rows, (starts_of(counts), starts_of(faces)), colour)

    @classmethod
    def from_flat(
        cls,
        positions_m: Floats,
        triangles: NDArray[np.integer],
        rows: Sequence[int] | Indices,
        starts: tuple[NDArray[np.integer], NDArray[np.integer]],
        colours: Colours | None = None,
    ) -> MeshSet:
        """Return a mesh set from flat local metres (float64), choosing its centre; `starts` = (vertex, triangle)."""
        low, high = (positions_m.min(axis=0), positions_m.max(axis=0)) if len(positions_m) else (np.zeros(3),) * 2
        centre = (low + high) / 2
        return cls(
            centre,
            (positions_m - centre).astype(np.float32),
            triangles.astype(np.uint32).reshape(-1, 3),
            np.asarray(rows, np.uint32),
            starts[0].astype(np.uint32),
            starts[1].astype(np.uint32),
            colours,
        )

    def textured(self, uvs: object, triangle_images: object, images: Sequence[Picture]) -> MeshSet:
        """Return the mesh set with images laid on its triangles; equal images and those nobody uses are left out.

        Parameters
        ----------
        uvs
            (v, 2), one for each vertex; a corner that has two places in images must be two vertices.
        triangle_images
            (t,) index into `images`, -1 = none; one number stands for all triangles.
        images
            From `Picture.read` or `Picture.of_pixels`.

        Examples
        --------
        >>> from scenes.pictures import Picture
        >>> brick = Picture.of_pixels(np.full((8, 8, 3), [150, 80, 60], np.uint8))
        >>> wall = MeshSet.of_one([[0, 0, 0], [4, 0, 0], [4, 0, 3]], [[0, 1, 2]])
        >>> wall = wall.textured([[0, 1], [1, 1], [1, 0]], 0, [brick])
        >>> wall.has_images, wall.images[0].size_px
        (True, (8, 8))
        """
        named = np.broadcast_to(np.asarray(triangle_images, np.int32), (len(self.triangles),))
        number, kept = distinct(images, named)
        places = np.asarray(uvs, np.float32).reshape(-1, 2)
        if not kept:
            return replace(self, uvs=None, triangle_images=None, images=())
        return replace(self, uvs=places, triangle_images=number, images=kept)

    @property
    def has_images(self) -> bool:
        """Whether some triangle has an image."""
        return bool(self.images)

    @property
    def vertex_count(self) -> int:
        """Number of vertices."""
        return len(self.positions)

    @property
    def triangle_count(self) -> int:
        """Number of triangles, those of instances included."""
        return len(self.triangles) + sum(len(each) * len(each.prototype.triangles) for each in self.instances)

    @property
    def positions_m(self) -> Floats:
        """Positions in local metres, (v, 3) float64."""
        return self.positions.astype(np.float64) + self.centre

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays and images."""
        arrays = (
            self.positions,
            self.triangles,
            self.rows,
            self.colours,
            self.normals,
            self.lines,
            self.points,
            self.semantics,
            self.uvs,
            self.triangle_images,
        )
        bare = sum(array.nbytes for array in arrays if array is not None)
        return bare + sum(len(each.data) for each in self.images)

    def vertex_rows(self) -> Indices:
        """Return the row of the object of each vertex, (v,) uint32."""
        return np.repeat(self.rows, counts_of(self.vertex_starts))

    def triangle_rows(self) -> Indices:
        """Return the row of the object of each triangle, (t,) uint32."""
        return np.repeat(self.rows, counts_of(self.triangle_starts))

    def area_m2(self) -> float:
        """Return the area of all triangles in square metres (instances left out)."""
        corner = self.positions.astype(np.float64)[self.triangles]
        cross = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        return float(np.linalg.norm(cross, axis=1).sum() / 2)

    def row_bounds(self, row_count: int) -> tuple[Floats, Floats]:
        """Return the least and greatest corner of each row, two (row_count, 3) arrays of local metres, NaN if empty."""
        low = np.full((row_count, 3), np.inf)
        high = np.full((row_count, 3), -np.inf)
        counts = counts_of(self.vertex_starts)
        used = counts > 0
        if used.any():
            starts = self.vertex_starts[:-1][used].astype(np.int64)
            low[self.rows[used]] = np.minimum.reduceat(self.positions, starts, axis=0) + self.centre
            high[self.rows[used]] = np.maximum.reduceat(self.positions, starts, axis=0) + self.centre
        for each in self.instances:
            corners_low, corners_high = instance_bounds(each, self.centre)
            np.minimum.at(low, each.rows, corners_low)
            np.maximum.at(high, each.rows, corners_high)
        missing = ~np.isfinite(low).all(axis=1)
        low[missing] = high[missing] = np.nan
        return low, high

    def take(self, rows: Iterable[int] | NDArray[np.integer]) -> MeshSet:
        """Return the part that belongs to some rows; rows are renumbered 0.. in the order given (ascending)."""
        wanted = np.asarray(rows if isinstance(rows, np.ndarray) else list(rows), dtype=np.int64)
        asked: list[NDArray[np.integer]] = [self.rows, wanted, *(each.rows for each in self.instances)]
        lookup = np.full(max(int(part.max(initial=0)) for part in asked) + 1, -1, np.int64)
        lookup[wanted] = np.arange(len(wanted))
        keep_group = lookup[self.rows] >= 0
        keep_vertex = np.repeat(keep_group, counts_of(self.vertex_starts))
        keep_triangle = np.repeat(keep_group, counts_of(self.triangle_starts))
        renumber = np.cumsum(keep_vertex) - 1
        named, images = distinct(self.images, taken(self.triangle_images, keep_triangle))
        return replace(
            self,
            positions=self.positions[keep_vertex],
            triangles=renumber[self.triangles[keep_triangle]].astype(np.uint32),
            rows=lookup[self.rows[keep_group]].astype(np.uint32),
            vertex_starts=starts_of(counts_of(self.vertex_starts)[keep_group]),
            triangle_starts=starts_of(counts_of(self.triangle_starts)[keep_group]),
            colours=None if self.colours is None else self.colours[keep_vertex],
            normals=None if self.normals is None else self.normals[keep_vertex],
            lines=kept(self.lines, keep_vertex, renumber),
            points=kept(self.points, keep_vertex, renumber),
            instances=tuple(some for each in self.instances if len(some := take_instances(each, lookup))),
            semantics=None if self.semantics is None else self.semantics[keep_triangle],
            uvs=taken(self.uvs, keep_vertex) if images else None,
            triangle_images=named if images else None,
            images=images,
        )

    def moved(self, by_m: Floats) -> MeshSet:
        """Return the mesh set moved by (3,) metres; the arrays are shared."""
        return replace(self, centre=self.centre + np.asarray(by_m, float))

    def expanded(self) -> MeshSet:
        """Return the mesh set with every instance written out as triangles."""
        if not self.instances:
            return self
        from scenes.joining import join  # noqa: PLC0415 - it makes mesh sets of mesh sets

        parts = [replace(self, instances=()), *(_expand(each, self.centre) for each in self.instances)]
        return join(parts)


def _expand(each: Instances, centre: Floats) -> MeshSet:
    order = np.argsort(each.rows, kind="stable")
    shape, faces = each.prototype.positions_m, each.prototype.triangles.astype(np.int64)
    count, size = len(each), len(shape)
    cos, sin = np.cos(each.yaw_rad[order]), np.sin(each.yaw_rad[order])
    scaled = shape[None, :, :] * each.scales[order][:, None, :]
    x = scaled[..., 0] * cos[:, None] - scaled[..., 1] * sin[:, None]
    y = scaled[..., 0] * sin[:, None] + scaled[..., 1] * cos[:, None]
    placed = np.stack([x, y, scaled[..., 2]], axis=2) + each.positions[order][:, None, :] + centre
    triangles = (faces[None, :, :] + (np.arange(count) * size)[:, None, None]).reshape(-1, 3)
    rows, per_row = np.unique(each.rows[order], return_counts=True)
    starts = starts_of(per_row * size), starts_of(per_row * len(faces))
    colours = None if each.prototype.colours is None else np.tile(each.prototype.colours, (count, 1))
    written = MeshSet.from_flat(placed.reshape(-1, 3), triangles, rows.astype(np.uint32), starts, colours)
    own = each.prototype
    if own.uvs is None or own.triangle_images is None:
        return written
    return written.textured(np.tile(own.uvs, (count, 1)), np.tile(own.triangle_images, count), own.images)
