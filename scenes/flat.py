"""Groups of elements in flat arrays: where they start, and what is left of them when some are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenes.pictures import Picture

    Indices = NDArray[np.uint32]


def counts_of(starts: Indices) -> NDArray[np.int64]:
    """Return how many elements lie between starts."""
    return np.diff(starts.astype(np.int64)).astype(np.int64)


def starts_of(counts: NDArray[np.integer]) -> Indices:
    """Return where groups of so many elements start, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)


def reordered(counts: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the element order that follows from a new order of groups."""
    begins = np.concatenate([[0], np.cumsum(counts)[:-1]])[order]
    lengths = counts[order]
    total = int(lengths.sum())
    ends = np.cumsum(lengths)
    offsets = np.arange(total) - np.repeat(ends - lengths, lengths)
    return cast("NDArray[np.int64]", np.repeat(begins, lengths) + offsets)


def kept(indices: Indices | None, keep: NDArray[np.bool_], renumber: NDArray[np.int64]) -> Indices | None:
    """Return the segments or points whose vertices are all kept, renumbered."""
    if indices is None:
        return None
    whole = keep[indices] if indices.ndim == 1 else keep[indices].all(axis=1)
    return renumber[indices[whole]].astype(np.uint32)


def taken(values: NDArray[Any] | None, keep: NDArray[np.bool_]) -> NDArray[Any] | None:
    """Return some of the values, None of none."""
    return None if values is None else values[keep]


def distinct(
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
