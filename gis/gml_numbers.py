"""Coordinates of GML: many texts become numbers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_BLANKS = bytes.maketrans(b"\n\t\r,", b"    ")


def numbers_of(texts: Sequence[str]) -> tuple[Floats, Integers]:
    """Return the numbers of all texts one behind another, and how many each text has.

    A text with something else than numbers in it has none.

    Examples
    --------
    >>> numbers, counts = numbers_of(["1 2.5  3e2", "4,5 6", "x 1"])
    >>> numbers.tolist(), counts.tolist()
    ([1.0, 2.5, 300.0, 4.0, 5.0, 6.0], [3, 3, 0])
    """
    return numbers_in(pa.array(texts, pa.large_string()))


def numbers_in(texts: pa.Array) -> tuple[Floats, Integers]:
    """Return the numbers of an Arrow array of texts, as `numbers_of` does."""
    if not len(texts):
        return np.zeros(0), np.zeros(0, np.int64)
    _, offsets, values = texts.cast(pa.large_binary()).buffers()
    plain = values.to_pybytes().translate(_BLANKS) if values is not None else b""
    edges = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    one = pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(edges.copy()), pa.py_buffer(plain))
    words = pc.split_pattern(one, " ")
    flat = words.flatten()
    filled = pc.not_equal(flat, "")
    ends = words.offsets.to_numpy()
    before = np.concatenate([[0], np.cumsum(filled.to_numpy(zero_copy_only=False))])
    try:
        numbers = flat.filter(filled).cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return _one_by_one(texts.to_pylist())
    return numbers, np.diff(before[ends - ends[0]]).astype(np.int64)


def _one_by_one(texts: Sequence[str | bytes]) -> tuple[Floats, Integers]:
    parts = [_numbers(text.decode() if isinstance(text, bytes) else text) for text in texts]
    return np.concatenate(parts), np.array([len(part) for part in parts], np.int64)


def _numbers(text: str) -> Floats:
    try:
        return np.array(text.replace(",", " ").split(), np.float64)
    except ValueError:
        return np.zeros(0)
