"""Several mesh sets of one batch become one, and mesh sets of batches that are put one behind another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from scenes.flat import counts_of, distinct, reordered, starts_of
from scenes.mesh import MeshSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenes.pictures import Picture

    Colours = NDArray[np.uint8]
    Indices = NDArray[np.uint32]
    Singles = NDArray[np.float32]


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
    vertex_counts = np.concatenate([counts_of(part.vertex_starts) for part in parts])
    triangle_counts = np.concatenate([counts_of(part.triangle_starts) for part in parts])
    positions = np.concatenate([part.positions_m - centre for part in parts])
    shift = np.cumsum([0, *(part.vertex_count for part in parts)])
    triangles = np.concatenate([part.triangles.astype(np.int64) + shift[i] for i, part in enumerate(parts)])
    vertex_order = reordered(vertex_counts, order)
    triangle_order = reordered(triangle_counts, order)
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
        starts_of(vertex_counts[order])[edges],
        starts_of(triangle_counts[order])[edges],
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
    number, images = distinct([image for part in parts for image in part.images], np.concatenate(named))
    return np.concatenate(uvs), number, images
