"""The first tags of a TIFF: enough to tell a picture from a grid of heights without opening it."""

from __future__ import annotations

import struct
from typing import IO

_PHOTOMETRIC, _SAMPLES = 262, 277
_COLOURED = frozenset({2, 3, 5, 6, 8})  # RGB, palette, CMYK, YCbCr, CIELab
_MOST_TAGS = 500


def is_picture(file: IO[bytes]) -> bool:
    r"""Say whether an open TIFF has three bands or more, or a palette; False where it cannot be told.

    Examples
    --------
    >>> import io
    >>> tags = struct.pack("<HHHIHH", 1, 277, 3, 1, 3, 0)
    >>> is_picture(io.BytesIO(b"II*\0" + struct.pack("<I", 8) + tags)), is_picture(io.BytesIO(b"II*"))
    (True, False)
    """
    try:
        tags = _tags(file)
    except (OSError, ValueError, struct.error, EOFError):
        return False
    return tags.get(_SAMPLES, 1) >= 3 or tags.get(_PHOTOMETRIC, 1) in _COLOURED


def _tags(file: IO[bytes]) -> dict[int, int]:
    """Return the short and long tags of the first directory of a TIFF or BigTIFF, the first value of each."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}[head[:2]] if head[:2] in {b"II", b"MM"} else ""
    if not order:
        raise ValueError("not a TIFF")
    large = struct.unpack(f"{order}H", head[2:4])[0] == 43
    start = struct.unpack(f"{order}Q", head[8:16])[0] if large else struct.unpack(f"{order}I", head[4:8])[0]
    file.seek(start)
    count = struct.unpack(f"{order}Q", file.read(8))[0] if large else struct.unpack(f"{order}H", file.read(2))[0]
    size = 20 if large else 12
    found = {}
    for _ in range(min(count, _MOST_TAGS)):
        entry = file.read(size)
        tag, kind = struct.unpack(f"{order}HH", entry[:4])
        value = entry[size - (8 if large else 4) :]
        if kind == 3:
            found[tag] = struct.unpack(f"{order}H", value[:2])[0]
        elif kind == 4:
            found[tag] = struct.unpack(f"{order}I", value[:4])[0]
    return found
