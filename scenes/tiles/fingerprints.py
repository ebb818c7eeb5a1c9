"""Hashes of single objects as they are drawn: what changed in a batch, without keeping what it was.

The hash of an object is a sum of its words, each times a fixed odd number that depends on its place: a multilinear
hash modulo 2**64 (Carter and Wegman, 1979), worked out for whole batches at once.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

import numpy as np

from scenes.index import digest_texts, hashes_of
from scenes.tiles.content import prototype_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from scenes.mesh import MeshSet

    Hashes = NDArray[np.uint64]
    Longs = NDArray[np.int64]

_SHOWN = ("uid", "kind", "name")
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def drawn_key(meshes_hash: str, table: pa.Table) -> str:
    """Return the hash of everything in a batch that its tiles show: the geometry, and who the objects are."""
    texts = digest_texts([table[name] for name in _SHOWN], 16)
    return hashlib.blake2b(texts + meshes_hash.encode(), digest_size=16).hexdigest()


def object_hashes(mesh: MeshSet | None, table: pa.Table) -> tuple[Hashes, Hashes]:
    """Return the hashes of the uids of a batch, (n,), and those of its objects: geometry, place, and who they are.

    Parameters
    ----------
    mesh
        What is drawn of the batch, None where nothing is.
    table
        Its objects.
    """
    texts = [hashes_of(table[name]) for name in _SHOWN]
    found = _mixed(sum((each * _mixed(_number(i)) for i, each in enumerate(texts)), _number(0)))
    if mesh is None:
        return texts[0], found
    centre = _mixed(_words(mesh.centre[None])[0] * _factors(6, 7)).sum(dtype=np.uint64)
    of_rows = np.zeros(len(found), np.uint64)
    of_rows[mesh.rows] = _mixed(_grouped(mesh) + centre)
    for each in mesh.instances:
        key = np.uint64(int(prototype_key(each.prototype)[:16], 16))
        placed = np.column_stack([_words(each.positions), _words(each.yaw_rad[:, None]), _words(each.scales)])
        hashes = _mixed((placed * _factors(placed.shape[1], 8)).sum(axis=1, dtype=np.uint64) + key + centre)
        np.add.at(of_rows, each.rows, hashes)
    return texts[0], _mixed(found + _mixed(of_rows))


def _grouped(mesh: MeshSet) -> Hashes:
    """Return the hash of the geometry of each group of a mesh set."""
    starts, firsts = mesh.vertex_starts.astype(np.int64), mesh.triangle_starts.astype(np.int64)
    total = _summed(_words(mesh.positions), starts, 1)
    total += _summed(_relative(mesh.triangles, np.repeat(starts[:-1], np.diff(firsts))), firsts, 2)
    for salt, values in ((3, mesh.colours), (4, mesh.normals), (5, mesh.uvs)):
        if values is not None:
            total += _summed(_words(values), starts, salt)
    if mesh.triangle_images is not None:
        named = _of_images([image.data for image in mesh.images])[mesh.triangle_images]
        total += _summed(named[:, None], firsts, 9)
    for salt, indices in ((10, mesh.lines), (11, mesh.points)):
        if indices is not None and len(indices):
            total += _thin(indices.reshape(len(indices), -1), starts, salt)
    return total


def _thin(indices: NDArray[np.uint32], starts: Longs, salt: int) -> Hashes:
    """Return the hash of the segments or points of each group."""
    owner = np.searchsorted(starts, indices[:, 0], side="right") - 1
    order = np.argsort(owner, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(starts) - 1))])
    return _summed(_relative(indices[order], starts[owner[order]]), ends, salt)


def _relative(indices: NDArray[np.uint32], first: Longs) -> Hashes:
    return cast("Hashes", (indices.astype(np.int64) - first[:, None]).astype(np.uint64))


def _of_images(images: Sequence[bytes]) -> Hashes:
    """Return a word for each image; the last one stands for none."""
    digests = [hashlib.blake2b(data, digest_size=8).digest() for data in images]
    return np.array([int.from_bytes(each, "little") for each in (*digests, bytes(8))], np.uint64)


def _words(values: NDArray[np.generic]) -> Hashes:
    """Return the (n, k) values as (n, m) words of 32 bits each."""
    plain = np.ascontiguousarray(values)
    if plain.dtype.itemsize == 1 and plain.shape[1] % 4:
        return cast("Hashes", plain.astype(np.uint64))
    return cast("Hashes", plain.view(np.uint32).astype(np.uint64))


def _summed(words: Hashes, starts: Longs, salt: int) -> Hashes:
    """Return the hash of the (n, k) words from each start up to the next."""
    counts = np.diff(starts)
    place = np.arange(len(words)) - np.repeat(starts[:-1], counts)
    width = words.shape[1]
    factors = np.ascontiguousarray(_factors(int(counts.max(initial=0)) * width, salt).reshape(-1, width).T)
    terms = np.zeros(len(words), np.uint64)
    for column in range(width):
        terms += (words[:, column] + np.uint64(1)) * factors[column].take(place)
    sums = counts.astype(np.uint64) * np.uint64(2 * salt + 1)
    used = np.flatnonzero(counts)
    sums[used] += np.add.reduceat(terms, starts.take(used))
    return cast("Hashes", sums)


def _factors(count: int, salt: int) -> Hashes:
    """Return well mixed odd numbers, the same in every process."""
    return cast("Hashes", _mixed(np.arange(count, dtype=np.uint64) + np.uint64(salt << 40)) | np.uint64(1))


def _number(value: int) -> Hashes:
    return np.array(value + 1, np.uint64)


def _mixed(values: Hashes) -> Hashes:
    """Return numbers of which every bit depends on every bit of the given ones (splitmix64: Steele et al., 2014)."""
    with np.errstate(over="ignore"):
        mixed = values + _GOLDEN
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
        return cast("Hashes", mixed ^ (mixed >> np.uint64(31)))
