"""The only door to meshoptimizer: vertices and triangles in the coding of ``EXT_meshopt_compression``.

The coding is Arseny Kapoulkine's, as the glTF extension fixes it: version 0 for attributes, version 1 for triangles,
both without loss. Where the library is not installed, arrays stay as they are.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

EXTENSION = "EXT_meshopt_compression"
WIDEST = 256
"""Bytes that a vertex may have at most."""
_MOST = 100_000_000
_INDICES = {"TRIANGLES": "decode_index_buffer", "INDICES": "decode_index_sequence"}
_FILTERS: dict[str, tuple[str, tuple[int, ...]]] = {
    "OCTAHEDRAL": ("decode_filter_oct", (4, 8)),
    "QUATERNION": ("decode_filter_quat", (8,)),
    "EXPONENTIAL": ("decode_filter_exp", ()),
}


@functools.cache
def library() -> ModuleType | None:
    """Return the library, None where it is not installed."""
    try:
        import meshoptimizer  # noqa: PLC0415 - opened by who needs it
    except ImportError:
        return None
    meshoptimizer.encode_vertex_version(0)
    meshoptimizer.encode_index_version(1)
    found: ModuleType = meshoptimizer
    return found


def packed_vertices(rows: Bytes) -> bytes:
    """Return (n, k) bytes of vertices, k a multiple of 4, packed.

    Examples
    --------
    >>> rows = np.arange(4000, dtype=np.uint32).view(np.uint8).reshape(-1, 4)
    >>> len(packed_vertices(rows)) < len(rows.tobytes()) / 2
    True
    >>> unpacked(packed_vertices(rows), {"count": 4000, "byteStride": 4, "mode": "ATTRIBUTES"}) == rows.tobytes()
    True
    """
    return bytes(_needed().encode_vertex_buffer(np.ascontiguousarray(rows), len(rows), rows.shape[1]))


def packed_triangles(corners: NDArray[np.integer[Any]], vertex_count: int) -> bytes:
    """Return (3 t,) corners of triangles packed; each triangle may begin with another of its corners afterwards."""
    indices = np.ascontiguousarray(corners, np.uint32)
    return bytes(_needed().encode_index_buffer(indices, len(indices), vertex_count))


def unpacked(data: bytes, coded: Mapping[str, Any]) -> bytes:
    """Return the bytes of a buffer view as its extension object describes it.

    Parameters
    ----------
    data
        What the object points to.
    coded
        ``count``, ``byteStride``, ``mode`` and ``filter``.

    Raises
    ------
    ValueError
        When the bytes are something else, or the filter is none of ``EXT_meshopt_compression``.

    Examples
    --------
    >>> corners = np.array([0, 1, 2, 2, 1, 3], np.uint16)
    >>> coded = {"count": 6, "byteStride": 2, "mode": "TRIANGLES"}
    >>> np.frombuffer(unpacked(packed_triangles(corners, 4), coded), np.uint16).tolist()
    [0, 1, 2, 2, 1, 3]
    """
    count, size, mode = (coded.get(name) for name in ("count", "byteStride", "mode"))
    if not (isinstance(count, int) and isinstance(size, int) and 0 <= count <= _MOST and 0 < size <= WIDEST):
        raise ValueError("it says no count or no size")
    if mode in _INDICES and size in {2, 4}:
        wide = _unpacked(_INDICES[mode], count, 4, data).view(np.uint32)  # the library mixes up 2 and 4
        return wide.astype(np.uint16 if size == 2 else np.uint32).tobytes()
    if mode != "ATTRIBUTES" or size % 4:
        raise ValueError(f"its mode {str(mode)[:40]} is unknown")
    flat = _unpacked("decode_vertex_buffer", count, size, data).view(np.uint8).reshape(-1)
    name = coded.get("filter", "NONE")
    if name == "NONE":
        return flat.tobytes()
    function, sizes = _FILTERS.get(name, ("", ()))
    if not function or (sizes and size not in sizes):
        raise ValueError(f"its filter {str(name)[:40]} is unknown")
    undone: NDArray[Any] = getattr(_needed(), function)(flat, count, size)
    return undone.tobytes()


def _unpacked(name: str, count: int, size: int, data: bytes) -> NDArray[Any]:
    module = _needed()
    try:
        found: NDArray[Any] = np.ascontiguousarray(getattr(module, name)(count, size, data))
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"it is not packed as it says ({error})") from error
    return found


def _needed() -> ModuleType:
    module = library()
    if module is None:
        raise ValueError("meshoptimizer is not installed")
    return module
