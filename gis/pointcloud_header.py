"""The head of a LAS or LAZ file, checked against the size of the file before a library believes what it promises."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from scenes.errors import LoadError, UnsupportedError

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = struct.Struct("<4s20xBB64x4xHIIBHI")
_RECORD_SIZES = (20, 28, 26, 34, 57, 63, 30, 36, 38, 59, 67)
_VLR_HEAD = 54
_EVLR_HEAD = 60
_MOST_RECORDS = 10_000
_LAZ_CHUNK = 50_000
_MOST_CHUNK_BYTES = 500_000_000
_ADVICE = "export it again"


@dataclass(frozen=True, slots=True)
class LasHeader:
    """What the head of a file says.

    Parameters
    ----------
    version
        Such as ``"1.2"``.
    point_format
        0 to 10.
    compressed
        Whether the points are LAZ.
    point_count
        Points that the head promises.
    present
        Points that there can be at most, by the size of the file.
    records
        Variable length records: (user id, record id) to content; the first of each counts.
    """

    version: str
    point_format: int
    compressed: bool
    point_count: int
    present: int
    records: dict[tuple[str, int], bytes] = field(default_factory=dict)


def read_header(path: Path, shown: str) -> LasHeader:
    """Read and check the head of a LAS or LAZ file.

    Raises
    ------
    LoadError, UnsupportedError
        When it contradicts itself or the size of the file; no library has seen the file by then.
    """
    with path.open("rb") as file:
        return header_of(file, path.stat().st_size, shown)


def header_of(file: BinaryIO, size: int, shown: str) -> LasHeader:
    """Read and check the head of an open file of a size; errors as `read_header`."""
    head = file.read(375)
    if len(head) < 227 or head[:4] != b"LASF":
        raise LoadError(shown, "is not a LAS file: it does not begin with LASF", "check what it is")
    return _checked(file, head, size, shown)


def _checked(file: BinaryIO, head: bytes, size: int, shown: str) -> LasHeader:
    _, major, minor, length, offset, record_count, kind, width, legacy = _HEAD.unpack_from(head)
    version = f"{major}.{minor}"
    if major != 1 or minor > 4:
        raise UnsupportedError(shown, f"is LAS {version}", "export it as LAS 1.4 or older")
    compressed, point_format = bool(kind & 0x80), kind & 0x3F
    if point_format >= len(_RECORD_SIZES):
        raise UnsupportedError(shown, f"has points of format {point_format}", "export it with a format from 0 to 10")
    if width < _RECORD_SIZES[point_format]:
        what = f"says that a point takes {width} bytes, but format {point_format} needs {_RECORD_SIZES[point_format]}"
        raise LoadError(shown, what, _ADVICE)
    modern = minor >= 4 and len(head) >= 255 and length >= 255
    if not (227 <= length <= offset <= size):
        what = f"its points should begin at byte {offset:,}, outside the {size:,} bytes of the file"
        raise LoadError(shown, what, "copy or export it again")
    _check_scales(head, shown)
    records = _records(file, length, offset, record_count, shown)
    count = int(struct.unpack_from("<Q", head, 247)[0]) if modern else legacy
    count = count or legacy
    if modern:
        records = {**_extended(file, head, size, shown), **records}
    present = (size - offset) // width
    if compressed:
        present = _laz_limit(size - offset, width, records, shown)
        _check_chunk_table(file, offset, size, shown)
    if count > present and compressed:
        what = f"promises {count:,} points, but its {size:,} bytes can hold {present:,} at most"
        raise LoadError(shown, what, "copy or export it again")
    return LasHeader(version, point_format, compressed, count, present, records)


def _check_scales(head: bytes, shown: str) -> None:
    scales = np.frombuffer(head, "<f8", 6, 131)
    if not np.isfinite(scales).all() or not (scales[:3] > 0).all():
        raise LoadError(shown, f"its scale factors {scales[:3].tolist()} are no sizes", _ADVICE)


def _records(file: BinaryIO, start: int, end: int, count: int, shown: str) -> dict[tuple[str, int], bytes]:
    """Return the variable length records, which lie between the head and the points."""
    found: dict[tuple[str, int], bytes] = {}
    if count > max((end - start) // _VLR_HEAD, 0) or count > _MOST_RECORDS:
        room = (end - start) // _VLR_HEAD
        raise LoadError(shown, f"promises {count:,} records before its points, where {room:,} have room", _ADVICE)
    place = start
    for number in range(count):
        file.seek(place)
        head = file.read(_VLR_HEAD)
        length = int.from_bytes(head[20:22], "little")
        place += _VLR_HEAD + length
        if place > end:
            what = f"record {number + 1} of {count} before its points reaches {place - end:,} bytes into them"
            raise LoadError(shown, what, _ADVICE)
        found.setdefault(_name(head), file.read(length))
    return found


def _extended(file: BinaryIO, head: bytes, size: int, shown: str) -> dict[tuple[str, int], bytes]:
    """Return the extended records behind the points that tell the coordinate system."""
    start, count = struct.unpack_from("<QI", head, 235)
    found: dict[tuple[str, int], bytes] = {}
    if count > _MOST_RECORDS or (count and start + count * _EVLR_HEAD > size):
        raise LoadError(shown, f"promises {count:,} records behind its points, outside the file", _ADVICE)
    place = start
    for number in range(count):
        file.seek(place)
        record = file.read(_EVLR_HEAD)
        length = int.from_bytes(record[20:28], "little")
        if place + _EVLR_HEAD + length > size:
            what = f"record {number + 1} of {count} behind its points reaches beyond the end of the file"
            raise LoadError(shown, what, "copy or export it again")
        place += _EVLR_HEAD + length
        if _name(record)[0] == "LASF_Projection" and length < 1_000_000:
            found.setdefault(_name(record), file.read(length))
    return found


def _laz_limit(size: int, width: int, records: dict[tuple[str, int], bytes], shown: str) -> int:
    """Return how many points compressed bytes can hold: every chunk begins with a whole point."""
    laszip = records.get(("laszip encoded", 22204), b"")
    if len(laszip) < 34:
        raise LoadError(shown, "is marked as compressed but has no LASzip record", "compress it again as LAZ")
    compressor = int.from_bytes(laszip[:2], "little")
    chunk = int.from_bytes(laszip[12:16], "little")
    if compressor not in (2, 3):
        raise UnsupportedError(
            shown,
            "is compressed by a LASzip of before 2011 without chunks, which today's readers do not decode",
            "convert it once with LAStools or PDAL: laszip -i OLD.laz -o NEW.laz",
        )
    variable = chunk in (0, 0xFFFFFFFF)
    if not variable and chunk * width > _MOST_CHUNK_BYTES:
        raise LoadError(shown, f"packs {chunk:,} points into one chunk, too many to unpack", "compress it again")
    return max(size, 0) * 1000 if variable else (max(size, 0) // width + 1) * max(chunk, _LAZ_CHUNK)


def _check_chunk_table(file: BinaryIO, offset: int, size: int, shown: str) -> None:
    """Refuse a table of chunks that lies outside the file or lists more chunks than there are bytes."""
    file.seek(offset)
    place = int.from_bytes(file.read(8), "little", signed=True)
    if place == -1:  # written without going back: it is told at the end
        file.seek(size - 8)
        place = int.from_bytes(file.read(8), "little", signed=True)
    if not offset + 8 <= place <= size - 8:
        raise LoadError(shown, "its table of compressed chunks lies outside the file", _ADVICE)
    file.seek(place)
    _, chunks = struct.unpack("<II", file.read(8))
    if chunks > place - offset:
        raise LoadError(shown, f"lists {chunks:,} compressed chunks in {place - offset:,} bytes", _ADVICE)


def _name(head: bytes) -> tuple[str, int]:
    user = head[2:18].split(b"\0")[0].decode("ascii", "replace")
    return user, int.from_bytes(head[18:20], "little")
