"""`MeshSet`: the triangles, lines, points and instances of many objects in a few flat arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from scenes.pictures import Picture

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Indices = NDArray[np.uint32]
    Colours = NDArray[np.uint8]

_BOUNDS_ROWS = 20_000  # placements that are measured at once


@dataclass(frozen=True, eq=False)
class Instances:
    """One small mesh placed many times: trees, lamps, manholes.

    Parameters
    ----------
    prototype
        The mesh that is repeated; its own rows are ignored. Its origin is the foot of the object.
    rows
        (i,) uint32: the object (row of the batch) that each placement belongs to.
    positions
        (i, 3) float32: feet, relative to the centre of the `MeshSet` that holds them.
    yaw_rad
        (i,) float32: turn about the vertical, anticlockwise from east.
    scales
        (i, 3) float32: factors along x, y, z.
    """

    prototype: MeshSet
    rows: Indices
    positions: Singles
    yaw_rad: Singles
    scales: Singles

    def __len__(self) -> int:
        """Return the number of placements."""
        return len(self.rows)


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
        return cls.from_flat(flat, indices + shifts[:, None], rows, (_starts(counts), _starts(faces)), colour)

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
        number, kept = _distinct(images, named)
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
        return np.repeat(self.rows, _counts(self.vertex_starts))

    def triangle_rows(self) -> Indices:
        """Return the row of the object of each triangle, (t,) uint32."""
        return np.repeat(self.rows, _counts(self.triangle_starts))

    def area_m2(self) -> float:
        """Return the area of all triangles in square metres (instances left out)."""
        corner = self.positions.astype(np.float64)[self.triangles]
        cross = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        return float(np.linalg.norm(cross, axis=1).sum() / 2)

    def row_bounds(self, row_count: int) -> tuple[Floats, Floats]:
        """Return the least and greatest corner of each row, two (row_count, 3) arrays of local metres, NaN if empty."""
        low = np.full((row_count, 3), np.inf)
        high = np.full((row_count, 3), -np.inf)
        counts = _counts(self.vertex_starts)
        used = counts > 0
        if used.any():
            starts = self.vertex_starts[:-1][used].astype(np.int64)
            low[self.rows[used]] = np.minimum.reduceat(self.positions, starts, axis=0) + self.centre
            high[self.rows[used]] = np.maximum.reduceat(self.positions, starts, axis=0) + self.centre
        for each in self.instances:
            corners_low, corners_high = _instance_bounds(each, self.centre)
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
        keep_vertex = np.repeat(keep_group, _counts(self.vertex_starts))
        keep_triangle = np.repeat(keep_group, _counts(self.triangle_starts))
        renumber = np.cumsum(keep_vertex) - 1
        named, images = _distinct(self.images, _taken(self.triangle_images, keep_triangle))
        return replace(
            self,
            positions=self.positions[keep_vertex],
            triangles=renumber[self.triangles[keep_triangle]].astype(np.uint32),
            rows=lookup[self.rows[keep_group]].astype(np.uint32),
            vertex_starts=_starts(_counts(self.vertex_starts)[keep_group]),
            triangle_starts=_starts(_counts(self.triangle_starts)[keep_group]),
            colours=None if self.colours is None else self.colours[keep_vertex],
            normals=None if self.normals is None else self.normals[keep_vertex],
            lines=_kept(self.lines, keep_vertex, renumber),
            points=_kept(self.points, keep_vertex, renumber),
            instances=tuple(kept for each in self.instances if len(kept := _take_instances(each, lookup))),
            semantics=None if self.semantics is None else self.semantics[keep_triangle],
            uvs=_taken(self.uvs, keep_vertex) if images else None,
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
        parts = [replace(self, instances=()), *(_expand(each, self.centre) for each in self.instances)]
        return join(parts)


def join(parts: Sequence[MeshSet]) -> MeshSet:
    """Return one mesh set of several of the same batch; the groups of a row are merged.

    Rows keep their meaning, so the parts must use the same row numbers. Lines and points are kept,
    instances and images too; colours are kept where any part has them (missing ones become white).
    """
    parts = [part for part in parts if part.vertex_count or part.instances]
    if not parts:
        return MeshSet.empty()
    centre = parts[0].centre
    group_rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(group_rows, kind="stable")
    vertex_counts = np.concatenate([_counts(part.vertex_starts) for part in parts])
    triangle_counts = np.concatenate([_counts(part.triangle_starts) for part in parts])
    positions = np.concatenate([part.positions_m - centre for part in parts])
    shift = np.cumsum([0, *(part.vertex_count for part in parts)])
    triangles = np.concatenate([part.triangles.astype(np.int64) + shift[i] for i, part in enumerate(parts)])
    vertex_order = _reorder(vertex_counts, order)
    triangle_order = _reorder(triangle_counts, order)
    renumber = np.empty(len(positions), np.int64)
    renumber[vertex_order] = np.arange(len(positions))
    rows, first = np.unique(group_rows[order], return_index=True)
    edges = np.append(first, len(order))
    coloured = any(part.colours is not None for part in parts)
    smooth = all(part.normals is not None for part in parts)
    colours = np.concatenate([_colours_of(part) for part in parts])[vertex_order] if coloured else None
    normals = np.concatenate([cast("Singles", part.normals) for part in parts])[vertex_order] if smooth else None
    instances = tuple(
        replace(each, positions=(each.positions + (part.centre - centre)).astype(np.float32))
        for part in parts
        for each in part.instances
    )
    uvs, named, images = _joined_images(parts)
    return MeshSet(
        centre,
        positions[vertex_order].astype(np.float32),
        renumber[triangles[triangle_order]].astype(np.uint32),
        rows.astype(np.uint32),
        _starts(vertex_counts[order])[edges],
        _starts(triangle_counts[order])[edges],
        colours,
        normals,
        _joined([part.lines for part in parts], shift, renumber),
        _joined([part.points for part in parts], shift, renumber),
        instances,
        _joined_semantics(parts, triangle_order),
        None if uvs is None else uvs[vertex_order],
        None if named is None else named[triangle_order],
        images,
    )


def renumbered(mesh: MeshSet, by: int) -> MeshSet:
    """Return the mesh set with `by` added to every row, for batches that are put one behind another."""
    instances = tuple(replace(each, rows=each.rows + np.uint32(by)) for each in mesh.instances)
    return replace(mesh, rows=mesh.rows + np.uint32(by), instances=instances)


def _counts(starts: Indices) -> NDArray[np.int64]:
    return np.diff(starts.astype(np.int64)).astype(np.int64)


def _starts(counts: NDArray[np.integer]) -> Indices:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)


def _reorder(counts: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the element order that follows from a new order of groups."""
    begins = np.concatenate([[0], np.cumsum(counts)[:-1]])[order]
    lengths = counts[order]
    total = int(lengths.sum())
    ends = np.cumsum(lengths)
    offsets = np.arange(total) - np.repeat(ends - lengths, lengths)
    return cast("NDArray[np.int64]", np.repeat(begins, lengths) + offsets)


def _colours_of(part: MeshSet) -> Colours:
    return part.colours if part.colours is not None else np.full((part.vertex_count, 4), 255, np.uint8)


def _joined_semantics(parts: Sequence[MeshSet], order: NDArray[np.int64]) -> Colours | None:
    """Return the semantics of parts, 0 where a part has none; None where no part has any."""
    if all(part.semantics is None for part in parts):
        return None
    codes = [np.zeros(len(part.triangles), np.uint8) if part.semantics is None else part.semantics for part in parts]
    return np.concatenate(codes)[order]


def _joined(parts: Sequence[Indices | None], shift: NDArray[np.int64], renumber: NDArray[np.int64]) -> Indices | None:
    some = [renumber[part.astype(np.int64) + shift[i]] for i, part in enumerate(parts) if part is not None]
    return np.concatenate(some).astype(np.uint32) if some else None


def _kept(indices: Indices | None, keep: NDArray[np.bool_], renumber: NDArray[np.int64]) -> Indices | None:
    if indices is None:
        return None
    whole = keep[indices] if indices.ndim == 1 else keep[indices].all(axis=1)
    return renumber[indices[whole]].astype(np.uint32)


def _taken(values: NDArray[Any] | None, keep: NDArray[np.bool_]) -> NDArray[Any] | None:
    return None if values is None else values[keep]


def _distinct(
    images: Sequence[Picture], named: NDArray[np.int32] | None
) -> tuple[NDArray[np.int32] | None, tuple[Picture, ...]]:
    """Return the images that triangles name, each once, and the names renumbered to them."""
    if named is None or not len(images):
        return None, ()
    places: dict[Picture, int] = {}
    number = np.full(len(images) + 1, -1, np.int32)  # the last one answers for -1
    for index in np.unique(named[named >= 0]).tolist():
        number[index] = places.setdefault(images[index], len(places))
    return number[named], tuple(places)


def _joined_images(
    parts: Sequence[MeshSet],
) -> tuple[Singles | None, NDArray[np.int32] | None, tuple[Picture, ...]]:
    if not any(part.images for part in parts):
        return None, None, ()
    shift = np.cumsum([0, *(len(part.images) for part in parts)])
    uvs = [np.zeros((part.vertex_count, 2), np.float32) if part.uvs is None else part.uvs for part in parts]
    named = []
    for part, first in zip(parts, shift.tolist(), strict=False):
        own = part.triangle_images
        none = np.full(len(part.triangles), -1, np.int32)
        named.append(none if own is None else np.where(own >= 0, own + first, -1).astype(np.int32))
    number, images = _distinct([image for part in parts for image in part.images], np.concatenate(named))
    return np.concatenate(uvs), number, images


def _take_instances(each: Instances, lookup: NDArray[np.int64]) -> Instances:
    keep = lookup[each.rows] >= 0
    return Instances(
        each.prototype,
        lookup[each.rows[keep]].astype(np.uint32),
        each.positions[keep],
        each.yaw_rad[keep],
        each.scales[keep],
    )


def _instance_bounds(each: Instances, centre: Floats) -> tuple[Floats, Floats]:
    """Return the least and greatest corner of each placement, exactly: the outermost points of the plan are turned."""
    shape = each.prototype.positions_m
    feet = each.positions.astype(np.float64) + centre
    if not len(shape):
        return feet, feet
    around = shapely.get_coordinates(shapely.convex_hull(shapely.MultiPoint(shape[:, :2])))
    ends = np.outer(each.scales[:, 2], [shape[:, 2].min(), shape[:, 2].max()])
    low, high = np.empty_like(feet), np.empty_like(feet)
    low[:, 2], high[:, 2] = ends.min(axis=1), ends.max(axis=1)
    for first in range(0, len(each), _BOUNDS_ROWS):
        some = slice(first, first + _BOUNDS_ROWS)
        plan = _turned(around, each.yaw_rad[some], each.scales[some])
        low[some, :2], high[some, :2] = plan.min(axis=1), plan.max(axis=1)
    return feet + low, feet + high


def _turned(plan: Floats, yaw_rad: Singles, scales: Singles) -> Floats:
    """Return (v, 2) points of a plan stretched and turned as each of i placements is, (i, v, 2)."""
    x, y = (plan[None, :, axis] * scales[:, axis, None].astype(np.float64) for axis in range(2))
    cos, sin = (turn(yaw_rad.astype(np.float64))[:, None] for turn in (np.cos, np.sin))
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=2)


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
    starts = _starts(per_row * size), _starts(per_row * len(faces))
    colours = None if each.prototype.colours is None else np.tile(each.prototype.colours, (count, 1))
    written = MeshSet.from_flat(placed.reshape(-1, 3), triangles, rows.astype(np.uint32), starts, colours)
    own = each.prototype
    if own.uvs is None or own.triangle_images is None:
        return written
    return written.textured(np.tile(own.uvs, (count, 1)), np.tile(own.triangle_images, count), own.images)
