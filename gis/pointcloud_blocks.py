"""From sorted cells to batches: blocks of some ten thousand points, each a row with the facts that people ask for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from gis.pointcloud_spill import BITS, cells
from scenes.identity import derive_uids
from scenes.model import Batch
from scenes.points import PointBlocks, spilled
from scenes.schema import BOUNDS, object_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.pointcloud_spill import Cube, Spill

    Longs = NDArray[np.int64]

BLOCK_POINTS = 50_000
BATCH_POINTS = 500_000
CLASSES = {
    0: "never classified", 1: "unclassified", 2: "ground", 3: "low vegetation", 4: "medium vegetation",
    5: "high vegetation", 6: "building", 7: "low noise", 8: "key point", 9: "water", 10: "rail", 11: "road",
    12: "overlap", 13: "wire guard", 14: "wire", 15: "tower", 16: "wire connector", 17: "bridge", 18: "high noise",
    19: "overhead structure", 20: "ignored ground", 21: "snow", 22: "temporal exclusion",
}  # fmt: skip
"""Names of the classes by ASPRS LAS 1.4 R15; others are the survey's own."""

_UNITS = {"density_per_m2": "1/m2", "low_m": "m", "high_m": "m"}


@dataclass(frozen=True, eq=False)
class _Piece:
    """The blocks of one cell: their names, and their points one block after the other."""

    names: list[str]
    starts: Longs
    records: NDArray[Any]


def batches(spilt: Spill, dataset: str, source: str) -> Iterator[Batch]:
    """Yield the blocks of a spilt cloud as batches whose points wait in scratch files.

    Parameters
    ----------
    spilt
        The points.
    dataset
        Namespace of the uids.
    source
        Name of the file, for provenance.
    """
    pieces: list[_Piece] = []
    for cube, records in cells(spilt):
        pieces.append(_piece(cube, records))
        if sum(len(piece.records) for piece in pieces) >= BATCH_POINTS:
            yield _batch(pieces, spilt, dataset, source)
            pieces = []
    if pieces:
        yield _batch(pieces, spilt, dataset, source)


def _piece(cube: Cube, records: NDArray[Any]) -> _Piece:
    steps = min(BITS, cube.side.bit_length() - 1)
    codes = cube.codes(records["place"], steps)
    names: list[str] = []
    starts: list[int] = []
    for part, first in _blocks(cube, codes, 0, len(codes), (0, 0), steps):
        names.append(part.name)
        starts.append(first)
    return _Piece(names, np.array([*starts, len(codes)], np.int64), records)


def _blocks(
    cube: Cube, codes: Longs, first: int, end: int, cell: tuple[int, int], steps: int
) -> Iterator[tuple[Cube, int]]:
    """Yield the cells of at most `BLOCK_POINTS` points below a cell (depth, number), each with its first point."""
    depth, number = cell
    if end - first <= BLOCK_POINTS or depth == steps:
        if first < end:
            yield cube.part(depth, number), first
        return
    shift = 3 * (steps - depth - 1)
    edges = [first, *(first + np.searchsorted(codes[first:end], [(8 * number + i) << shift for i in range(1, 8)])), end]
    for i in range(8):
        yield from _blocks(cube, codes, int(edges[i]), int(edges[i + 1]), (depth + 1, 8 * number + i), steps)


def _batch(pieces: list[_Piece], spilt: Spill, dataset: str, source: str) -> Batch:
    names = [name for piece in pieces for name in piece.names]
    records = np.concatenate([piece.records for piece in pieces]) if len(pieces) > 1 else pieces[0].records
    shifts = np.cumsum([0, *(len(piece.records) for piece in pieces)])
    starts = np.concatenate([piece.starts[:-1] + shifts[i] for i, piece in enumerate(pieces)])
    blocks = PointBlocks(
        np.ascontiguousarray(records["place"]),
        np.append(starts, len(records)),
        np.ascontiguousarray(records["classes"]),
        np.ascontiguousarray(records["intensity"]) if spilt.intensity_top else None,
        np.ascontiguousarray(records["returns"]) if spilt.has_returns else None,
        _colours(records["colour"], spilt.colour_top),
    )
    return Batch(block_table(blocks, names, dataset, source), spilled(blocks))


def _colours(given: NDArray[np.uint16], top: int) -> NDArray[np.uint8] | None:
    """Return 8 bits a channel: many files keep 8 bits in the 16 of the format. Black alone means no colour."""
    if not top:
        return None
    return (given >> 8 if top > 255 else given).astype(np.uint8)


def block_table(blocks: PointBlocks, names: list[str], dataset: str, source: str) -> pa.Table:
    """Return the object table of blocks: bounds, plan, number of points, density, main class and heights."""
    low, high = blocks.bounds_m()
    counts = np.diff(blocks.starts)
    area = np.maximum((high - low)[:, 0] * (high - low)[:, 1], 1e-6)
    facts = [_facts(blocks, int(first), int(end)) for first, end in zip(blocks.starts, blocks.starts[1:], strict=False)]
    corners = dict(zip(BOUNDS, [*low.T, *high.T], strict=True))
    outlines = shapely.to_wkb(shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1]))
    return object_table(
        {
            "uid": derive_uids(dataset, names),
            "kind": ["PointCloud"] * len(names),
            "name": [f"points {name}" for name in names],
            "source": [source] * len(names),
            "source_id": names,
            **corners,
            "footprint": pa.array(outlines, pa.binary()),
            "properties": [json.dumps({"points": fact.properties}) for fact in facts],
            "point_count": counts,
            "density_per_m2": np.where(counts > 1, np.round(counts / area, 3), np.nan),
            "main_class": [fact.main_class for fact in facts],
            "low_m": [fact.low_m for fact in facts],
            "high_m": [fact.high_m for fact in facts],
        },
        _UNITS,
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one block is like."""

    main_class: str
    low_m: float
    high_m: float
    properties: dict[str, Any]


def _facts(blocks: PointBlocks, first: int, end: int) -> _Facts:
    counts = np.bincount(blocks.classes[first:end])
    low, high = np.quantile(blocks.places[first:end, 2], [0.02, 0.98]) / 1000
    properties: dict[str, Any] = {"classes": {str(number): int(counts[number]) for number in np.flatnonzero(counts)}}
    if blocks.intensity is not None:
        properties["intensity"] = [int(each) for each in np.quantile(blocks.intensity[first:end], [0.02, 0.98])]
    properties["colour"] = blocks.colours is not None
    main = int(counts.argmax())
    return _Facts(CLASSES.get(main, f"class {main}"), round(float(low), 3), round(float(high), 3), properties)
