"""Hashes of content: equal for equal tables and meshes, however they lie in memory."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes.index import text_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet


def content_hash(
    table: pa.Table, aliases: pa.Table, meshes: Mapping[str, MeshSet], relations: pa.Table | None = None
) -> str:
    """Return the hash of a batch, 32 hexadecimal digits, the same in every process."""
    digest = hashlib.blake2b(digest_size=16)
    told = [] if relations is None or not relations.num_rows else [relations]
    for part in (table, aliases, *told):
        _add_table(digest, part)
    digest.update(meshes_hash(meshes).encode())
    return digest.hexdigest()


def meshes_hash(meshes: Mapping[str, MeshSet]) -> str:
    """Return the hash of the geometry at every level; a mapping that knows its own is believed."""
    known = getattr(meshes, "content_hash", None)
    if known is not None:
        return str(known)
    digest = hashlib.blake2b(digest_size=16)
    for level, mesh in sorted(meshes.items()):
        digest.update(f"lod {level};".encode())
        _add_mesh(digest, mesh)
    return digest.hexdigest()


def _add_table(digest: hashlib.blake2b, table: pa.Table) -> None:
    """Add names, types, units and values; what lies under a null plays no part."""
    digest.update(f"rows {table.num_rows};".encode())
    for field, column in zip(table.schema, table.columns, strict=True):
        unit = (field.metadata or {}).get(b"unit", b"")
        digest.update(f"column {field.name!r} {field.type} {unit!r};".encode())
        digest.update(np.packbits(pc.is_valid(column).to_numpy()).data)
        _add_column(digest, column)


def _add_column(digest: hashlib.blake2b, column: pa.ChunkedArray) -> None:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        for lengths, data in text_blocks(column):
            digest.update(lengths.astype("<u4").tobytes())
            digest.update(data.data)
    elif pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        zero = pa.scalar(value=False) if pa.types.is_boolean(kind) else pa.scalar(0).cast(kind)
        digest.update(np.ascontiguousarray(pc.fill_null(column, zero).to_numpy()).view(np.uint8).data)
    elif pa.types.is_timestamp(kind):
        digest.update(pc.fill_null(column.cast(pa.int64()), 0).to_numpy().view(np.uint8).data)
    else:
        digest.update(repr(column.to_pylist()).encode())


def _add_mesh(digest: hashlib.blake2b, mesh: MeshSet) -> None:
    arrays = (
        mesh.centre,
        mesh.positions,
        mesh.triangles,
        mesh.rows,
        mesh.vertex_starts,
        mesh.triangle_starts,
        mesh.colours,
        mesh.normals,
        mesh.lines,
        mesh.points,
    )
    for array in arrays:
        _add_array(digest, array)
    if mesh.semantics is not None:
        _add_array(digest, mesh.semantics)
    if mesh.images:
        for laid in (mesh.uvs, mesh.triangle_images):
            _add_array(digest, laid)
        for image in mesh.images:
            digest.update(f"image {image.mime} {len(image.data)};".encode())
            digest.update(image.data)
    for each in mesh.instances:
        for array in (each.rows, each.positions, each.yaw_rad, each.scales):
            _add_array(digest, array)
        _add_mesh(digest, each.prototype)


def _add_array(digest: hashlib.blake2b, array: NDArray[np.generic] | None) -> None:
    if array is None:
        digest.update(b"none;")
        return
    digest.update(f"{array.shape};".encode())
    digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
