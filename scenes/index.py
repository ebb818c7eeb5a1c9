"""Find rows by text without a million Python strings: sorted 64-bit hashes, checked against the text itself."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Counts = NDArray[np.int64]
    Hashes = NDArray[np.uint64]

# FNV's prime: odd, so a product by it loses nothing modulo 2**64.
_FACTOR = np.uint64(0x100000001B3)
_BLOCK = 65_536


class TextIndex:
    """Finds the places of a text in a column; 16 bytes a row beside the column itself.

    Parameters
    ----------
    texts
        The column; nulls are never found.

    Examples
    --------
    >>> index = TextIndex(pa.chunked_array([["a", "b", "a", None]]))
    >>> index.find_all("a"), index.find_all("c"), index.find("b")
    ([0, 2], [], 1)
    """

    def __init__(self, texts: pa.ChunkedArray) -> None:
        self._texts = texts
        hashes = hashes_of(texts)
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._hashes)

    def find_all(self, text: str) -> list[int]:
        """Return every place of `text`, ascending."""
        sought = hashes_of(pa.chunked_array([[text]], type=pa.string()))[0]
        low = int(np.searchsorted(self._hashes, sought, "left"))
        high = int(np.searchsorted(self._hashes, sought, "right"))
        places = self._order[low:high]
        same = pc.fill_null(pc.equal(self._texts.take(pa.array(places)), text), False)
        return [int(place) for place in places[same.to_numpy().astype(bool)]]

    def find(self, text: str) -> int | None:
        """Return the first place of `text`, None if it is not there."""
        found = self.find_all(text)
        return found[0] if found else None

    def find_many(self, texts: Sequence[str] | pa.Array | pa.ChunkedArray) -> Counts:
        """Return the first place of each text, -1 where it is not there, (n,) int64."""
        sought = texts if isinstance(texts, pa.ChunkedArray) else pa.chunked_array([pa.array(texts, pa.string())])
        if not len(sought) or not len(self):
            return np.full(len(sought), -1, np.int64)
        places = np.searchsorted(self._hashes, hashes := hashes_of(sought), "left")
        inside = np.minimum(places, len(self) - 1)
        found = np.where(self._hashes[inside] == hashes, self._order[inside], -1)
        hit = np.flatnonzero(found >= 0)
        if len(hit):
            same = pc.equal(self._texts.take(pa.array(found[hit])), sought.take(pa.array(hit)))
            for place in hit[~pc.fill_null(same, fill_value=False).to_numpy()]:
                exact = self.find(str(sought[int(place)].as_py()))
                found[place] = -1 if exact is None else exact
        return cast("Counts", found.astype(np.int64))


def hashes_of(texts: pa.ChunkedArray) -> Hashes:
    """Return a 64-bit hash of each text, (n,) uint64; a null hashes like the empty text.

    The hash is the polynomial of the UTF-8 bytes in FNV's prime modulo 2**64, worked out for whole columns.
    """
    parts = [_block_hashes(data, lengths) for lengths, data in text_blocks(texts)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def text_blocks(texts: pa.ChunkedArray) -> Iterator[tuple[Counts, Bytes]]:
    """Yield (lengths in bytes, bytes) of at most 65,536 texts or binaries at a time; a null is empty."""
    for chunk in texts.chunks:
        plain = pc.fill_null(chunk.cast(pa.binary()), b"") if chunk.null_count else chunk.cast(pa.binary())
        offsets, data = _buffers(plain)
        for first in range(0, len(plain), _BLOCK):
            part = offsets[first : first + _BLOCK + 1]
            yield np.diff(part), data[int(part[0]) : int(part[-1])]


def digest_texts(columns: Sequence[pa.ChunkedArray], size: int) -> bytes:
    """Return a `size`-byte digest of the texts in order; how they are chunked plays no part."""
    lengths, texts = hashlib.blake2b(digest_size=32), hashlib.blake2b(digest_size=32)
    for column in columns:
        for counts, data in text_blocks(column):
            lengths.update(counts.astype("<u4").tobytes())
            texts.update(data.data)
    return hashlib.blake2b(lengths.digest() + texts.digest(), digest_size=size).digest()


def _buffers(texts: pa.BinaryArray) -> tuple[Counts, Bytes]:
    """Return the offsets (n + 1) and the bytes that they point into, without copying the bytes."""
    if not len(texts):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    _, starts, data = texts.buffers()
    offsets = np.frombuffer(starts, np.int32, len(texts) + 1, texts.offset * 4).astype(np.int64)
    return offsets, np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)


def _block_hashes(data: Bytes, lengths: Counts) -> Hashes:
    """Return the hash of each text of one block."""
    longest = int(lengths.max(initial=0))
    powers = np.cumprod(np.full(longest + 1, _FACTOR, np.uint64), dtype=np.uint64)
    ends = np.cumsum(lengths)
    place = np.arange(len(data)) - np.repeat(ends - lengths, lengths)
    terms = (data.astype(np.uint64) + np.uint64(1)) * powers[place]
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)])
    return cast("Hashes", sums[ends] - sums[ends - lengths])
