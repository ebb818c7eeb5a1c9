"""A growing set of hashes: what was read before, at eight bytes each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]


class Seen:
    """Remembers 64-bit hashes in sorted blocks that are merged as they grow.

    Examples
    --------
    >>> seen = Seen()
    >>> seen.add(np.array([3, 5], np.uint64))
    >>> seen.known(np.array([5, 6], np.uint64)).tolist(), len(seen)
    ([True, False], 2)
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._blocks: list[Hashes] = []

    def __len__(self) -> int:
        """Return how many were added."""
        return sum(map(len, self._blocks))

    def known(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Say which of (n,) hashes were added before."""
        found = np.zeros(len(hashes), bool)
        for block in self._blocks:
            found |= contains(block, hashes)
        return found

    def add(self, hashes: Hashes) -> None:
        """Add (n,) hashes."""
        block = np.sort(hashes)
        while self._blocks and len(self._blocks[-1]) <= 2 * len(block):
            block = np.sort(np.concatenate([self._blocks.pop(), block]))
        if len(block):
            self._blocks.append(block)


def contains(block: Hashes, hashes: Hashes) -> NDArray[np.bool_]:
    """Say which of (n,) hashes stand in a sorted block."""
    if not len(block):
        return np.zeros(len(hashes), bool)
    places = np.minimum(np.searchsorted(block, hashes), len(block) - 1)
    result: NDArray[np.bool_] = block[places] == hashes
    return result


def mixed(values: Hashes) -> Hashes:
    """Return (n,) numbers spread over all 64 bits (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        z = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
