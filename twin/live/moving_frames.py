"""Frames of what moves on the `/live` channel: columns, little endian, as the browser reads them.

A frame is a header of 24 bytes (magic ``CTM1``, epoch u32, u16 = 0, type u8, flags u8, time i64 ms, n u32),
then n of each: number u32, age i32 ms (of the report at the frame's time), x, y, z f32 (local metres), heading u16
(65,536ths of a turn, clockwise from north), speed u16 (cm/s, 65,535 = not known), kind u8, code u8.
Type 0 lists all that is there, type 1 what is new since the frame before; kind 255 = gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from twin.live.frames import CHANGED, FULL, HEADER, REPLAY, header_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC = 0x314D5443
UNKNOWN_SPEED = 65_535
COLUMNS = (
    ("number", "<u4"), ("age_ms", "<i4"), ("x", "<f4"), ("y", "<f4"), ("z", "<f4"),
    ("heading", "<u2"), ("speed", "<u2"), ("kind", "u1"), ("code", "u1"),
)  # fmt: skip
ROW_BYTES = sum(np.dtype(kind).itemsize for _, kind in COLUMNS)


@dataclass(frozen=True, slots=True, eq=False)
class MovingFrame:
    """Things that move, at one instant.

    Parameters
    ----------
    epoch
        Number of the fleet's numbering; another one means that numbers stand for other things.
    time_ms
        The server's instant.
    columns
        One array for each of `COLUMNS`, all of one length.
    full
        Whether it lists all that is there.
    replay
        Whether this is replayed, not live.
    """

    overlay: ClassVar[int] = 0
    """What viewers subscribe to; overlays count from 1."""

    epoch: int
    time_ms: int
    columns: dict[str, NDArray[np.generic]]
    full: bool = False
    replay: bool = False

    def __len__(self) -> int:
        """Return the number of things in it."""
        return len(self.columns["number"])

    def encode(self) -> bytes:
        """Return the bytes on the wire."""
        kind, flags = FULL if self.full else CHANGED, REPLAY if self.replay else 0
        head = HEADER.pack(MAGIC, self.epoch, 0, kind, flags, self.time_ms, len(self))
        return head + b"".join(np.ascontiguousarray(self.columns[name], kind).tobytes() for name, kind in COLUMNS)

    @classmethod
    def decode(cls, payload: bytes) -> MovingFrame:
        """Return the frame in some bytes.

        Raises
        ------
        LoadError
            When they are not a whole frame.
        """
        epoch, _, kind, flags, time_ms, count = header_of(payload, MAGIC, {FULL: ROW_BYTES, CHANGED: ROW_BYTES})
        columns: dict[str, NDArray[np.generic]] = {}
        place = HEADER.size
        for name, dtype in COLUMNS:
            columns[name] = np.frombuffer(payload, dtype, count, place)
            place += np.dtype(dtype).itemsize * count
        return cls(epoch, time_ms, columns, kind == FULL, bool(flags & REPLAY))
