"""Frames of the `/live` channel: one code per object, little endian, as the browser reads them.

A frame is a header of 24 bytes (magic ``CTL1``, epoch u32, overlay u16, type u8, flags u8, time i64 ms, n u32),
then n codes (type 0, all objects) or n handles u32 and n codes (type 1, changed objects).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scenes import LoadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

HEADER = struct.Struct("<IIHBBqI")
MAGIC = 0x314C5443
FULL, CHANGED = 0, 1
REPLAY = 1


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Codes of one overlay at one instant.

    Parameters
    ----------
    epoch
        Epoch of the scene that the handles belong to.
    overlay
        Number of the overlay, 1 to 65535.
    time_ms
        Instant of the newest observation in it.
    codes
        (n,) uint8.
    handles
        (n,) uint32 changed objects; None = the codes of all objects, by handle.
    replay
        Whether the values are replayed, not live.
    """

    epoch: int
    overlay: int
    time_ms: int
    codes: NDArray[np.uint8]
    handles: NDArray[np.uint32] | None = None
    replay: bool = False

    def encode(self) -> bytes:
        """Return the bytes on the wire.

        Examples
        --------
        >>> frame = Frame(7, 1, 1000, np.array([250], np.uint8), np.array([3], np.uint32))
        >>> Frame.decode(frame.encode()).handles.tolist()
        [3]
        """
        kind = FULL if self.handles is None else CHANGED
        flags = REPLAY if self.replay else 0
        header = HEADER.pack(MAGIC, self.epoch, self.overlay, kind, flags, self.time_ms, len(self.codes))
        handles = b"" if self.handles is None else self.handles.astype("<u4").tobytes()
        return header + handles + self.codes.astype(np.uint8).tobytes()

    @classmethod
    def decode(cls, payload: bytes) -> Frame:
        """Return the frame in some bytes.

        Raises
        ------
        LoadError
            When they are not a whole frame.
        """
        epoch, overlay, kind, flags, time_ms, count = header_of(payload, MAGIC, {FULL: 1, CHANGED: 5})
        handles = None if kind == FULL else np.frombuffer(payload, "<u4", count, HEADER.size)
        codes = np.frombuffer(payload, np.uint8, count, len(payload) - count)
        return cls(epoch, overlay, time_ms, codes, handles, bool(flags & REPLAY))


def header_of(payload: bytes, magic: int, row_bytes: Mapping[int, int]) -> tuple[int, int, int, int, int, int]:
    """Return epoch, overlay, type, flags, time (ms) and number of rows of a frame that is whole.

    Parameters
    ----------
    payload
        The frame.
    magic
        What it begins with.
    row_bytes
        Bytes of a row by the type of the frame.

    Raises
    ------
    LoadError
        When it is not whole, or another kind of frame.
    """
    if len(payload) < HEADER.size:
        raise LoadError("/live frame", f"has {len(payload)} bytes", "a header alone has 24")
    found, epoch, overlay, kind, flags, time_ms, count = HEADER.unpack_from(payload)
    if found != magic or kind not in row_bytes or len(payload) != HEADER.size + row_bytes[kind] * count:
        raise LoadError("/live frame", "is not a whole frame of this format", "reload the page")
    return epoch, overlay, kind, flags, time_ms, count
