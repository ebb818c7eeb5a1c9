"""Sort a cloud of any size into cells of an octree with a fixed amount of memory.

Points come in the order of the file. They are written once to a scratch file in local millimetres; a file with more
points than fit is dealt out to files of its cells, and so on. What is left are cells of at most `CELL_POINTS` points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from scenes.errors import GeoreferenceError
from scenes.points import STEP_M
from scenes.scratch import scratch_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from gis.pointcloud_chunks import PointChunk

    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

RECORD = np.dtype(
    [
        ("place", "<i4", 3),
        ("colour", "<u2", 3),
        ("intensity", "<u2"),
        ("classes", "u1"),
        ("returns", "u1"),
    ]
)
CELL_POINTS = 600_000
"""Points that are held in memory at a time."""

BITS = 21
"""Bits of a coordinate in a Morton code: a cube of 2,097 m in steps of a millimetre, larger ones in coarser steps."""

_READ = 300_000
_MOST_STEPS = 4
_FARTHEST_M = 2_000_000.0


@dataclass(frozen=True, slots=True)
class Cube:
    """A cell: its least corner and side in millimetres, and where it lies in the tree."""

    x: int
    y: int
    z: int
    side: int
    depth: int = 0
    column: int = 0
    row: int = 0
    layer: int = 0

    @classmethod
    def around(cls, low: Longs, high: Longs) -> Cube:
        """Return the cube that holds everything between two corners; its side is a power of two."""
        side = 1 << int(max(int((high - low).max()), 1)).bit_length()
        return cls(int(low[0]), int(low[1]), int(low[2]), side)

    @property
    def name(self) -> str:
        """Name that no other cell of the tree has: depth and place."""
        return f"{self.depth}-{self.column}-{self.row}-{self.layer}"

    def part(self, steps: int, number: int) -> Cube:
        """Return the cell `steps` levels below with a Morton number."""
        column, row, layer = (_packed(number >> axis, steps) for axis in range(3))
        side = self.side >> steps
        return Cube(
            self.x + column * side,
            self.y + row * side,
            self.z + layer * side,
            side,
            self.depth + steps,
            (self.column << steps) + column,
            (self.row << steps) + row,
            (self.layer << steps) + layer,
        )

    def codes(self, places: NDArray[np.int32], steps: int) -> Longs:
        """Return the Morton number of each of (n, 3) places, in cells `steps` levels below."""
        shift = self.side.bit_length() - 1 - steps
        spread = np.zeros(len(places), np.int64)
        for axis, first in enumerate((self.x, self.y, self.z)):
            offset = places[:, axis].astype(np.int64) - first
            spread |= _spread(offset >> shift if shift >= 0 else offset << -shift) << axis
        return spread


@dataclass(frozen=True, slots=True)
class Spill:
    """Points in a scratch file, and the facts that only all of them tell."""

    file: Path
    count: int
    cube: Cube
    colour_top: int
    intensity_top: int
    has_returns: bool


def spill(chunks: Iterator[tuple[PointChunk, Floats]], where: str) -> Spill | None:
    """Write chunks, each with its (n, 3) local metres, to a scratch file; None when there was no point.

    Raises
    ------
    GeoreferenceError
        When points lie so far from the origin of the scene that their places are no whole millimetres any more;
        `where` is what the message calls their file.
    """
    file = scratch_file(".points")
    low, high = np.full(3, np.iinfo(np.int64).max), np.full(3, np.iinfo(np.int64).min)
    tops = np.zeros(4, np.int64)  # points, and the greatest colour, intensity and return
    try:
        with file.open("wb") as out:
            for records in _told(chunks, where):
                records.tofile(out)
                low = np.minimum(low, records["place"].min(axis=0))
                high = np.maximum(high, records["place"].max(axis=0))
                mine = [int(records[name].max()) for name in ("colour", "intensity", "returns")]
                tops = np.array([tops[0] + len(records), *np.maximum(tops[1:], mine)])
    except BaseException:
        file.unlink()
        raise
    count, colour, intensity, returns = tops.tolist()
    if not count:
        file.unlink()
        return None
    return Spill(file, count, Cube.around(low, high), colour, intensity, returns > 0)


def _told(chunks: Iterator[tuple[PointChunk, Floats]], where: str) -> Iterator[NDArray[Any]]:
    """Yield the records of chunks that have points."""
    for chunk, local in chunks:
        if not len(chunk):
            continue
        if not np.abs(local).max() < _FARTHEST_M:
            raise GeoreferenceError(
                where,
                f"lies more than {_FARTHEST_M / 1000:,.0f} km from the origin of the scene",
                "build it by itself, or check the coordinate systems of the sources",
            )
        yield _records(chunk, local)


def cells(spilt: Spill) -> Iterator[tuple[Cube, NDArray[Any]]]:
    """Yield the cells with their records in Morton order; scratch files go as they are used up."""
    yield from _divided(spilt.file, spilt.count, spilt.cube)


def _divided(file: Path, count: int, cube: Cube) -> Iterator[tuple[Cube, NDArray[Any]]]:
    if count <= CELL_POINTS or cube.side <= 1:
        records = np.fromfile(file, RECORD)
        file.unlink()
        order = np.argsort(cube.codes(records["place"], min(BITS, cube.side.bit_length() - 1)))
        yield cube, records[order]
        return
    steps = min(max(int(np.ceil(np.log2(4 * count / CELL_POINTS) / 2)), 1), _MOST_STEPS, cube.side.bit_length() - 1)
    parts = _dealt(file, cube, steps)
    file.unlink()
    for number in sorted(parts):
        part, size = parts[number]
        yield from _divided(part, size, cube.part(steps, number))


def _dealt(file: Path, cube: Cube, steps: int) -> dict[int, tuple[Path, int]]:
    """Deal the points of a file out to files of cells; return number to (file, points)."""
    parts: dict[int, tuple[Path, int]] = {}
    with file.open("rb") as source:
        while len(records := np.fromfile(source, RECORD, _READ)):
            codes = cube.codes(records["place"], steps).astype(np.uint16)  # four steps of three bits
            order = np.argsort(codes, kind="stable")
            numbers, firsts = np.unique(codes[order], return_index=True)
            ends = [*firsts[1:].tolist(), len(order)]
            for number, first, end in zip(numbers.tolist(), firsts.tolist(), ends, strict=True):
                path, before = parts.get(number) or (scratch_file(".points"), 0)
                with path.open("ab") as out:
                    records[order[first:end]].tofile(out)
                parts[number] = path, before + end - first
    return parts


def _records(chunk: PointChunk, local: Floats) -> NDArray[Any]:
    records = np.zeros(len(chunk), RECORD)
    records["place"] = np.rint(local / STEP_M)
    for name, values in (
        ("colour", chunk.colours),
        ("intensity", chunk.intensity),
        ("classes", chunk.classes),
        ("returns", chunk.returns),
    ):
        if values is not None:
            records[name] = values
    return records


def _spread(values: Longs) -> Longs:
    """Put two zero bits between the lowest 21 bits of each value (the usual magic numbers of 3D Morton codes)."""
    x = values & 0x1FFFFF
    x = (x | x << 32) & 0x1F00000000FFFF
    x = (x | x << 16) & 0x1F0000FF0000FF
    x = (x | x << 8) & 0x100F00F00F00F00F
    x = (x | x << 4) & 0x10C30C30C30C30C3
    return cast("Longs", (x | x << 2) & 0x1249249249249249)


def _packed(number: int, steps: int) -> int:
    """Return every third bit of a Morton number."""
    return sum(((number >> (3 * bit)) & 1) << bit for bit in range(steps))
