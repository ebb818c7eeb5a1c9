"""Many windows of one map become batches of neighbours: sorted runs wait in files and are merged along a curve.

A batch then covers a small part of the city, however the map was ordered, so that tiles, queries and pictures of one
place touch few batches. Only the place of each feature on the curve stays in memory.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gis.builders import USED, Features
from gis.heights import Heights
from gis.ordering import hilbert_codes
from gis.shapes import Shapes
from scenes.model import ALIASES, BATCH_ROWS
from scenes.schema import stack_tables
from scenes.scratch import scratch_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.model import Layer

    Objects = NDArray[np.object_]

_OWN = "~"  # begins the names of what is not a column of the objects
_HEIGHTS = ("top_m", "base_m", "levels")


@dataclass(frozen=True, eq=False)
class Piece:
    """Features of one theme on their way into a layer.

    Parameters
    ----------
    layer
        Where they go, without batches.
    table
        One row an object.
    features
        What their geometry is made from.
    scheme, names
        Alias scheme, and the (n,) names in it, empty text where there is none.
    """

    layer: Layer
    table: pa.Table
    features: Features
    scheme: str
    names: Objects

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.features)

    def aliases(self) -> pa.Table:
        """Return the other names of the rows."""
        if not self.scheme:
            return ALIASES.empty_table()
        known = np.flatnonzero(self.names != "")
        columns = [[self.scheme] * len(known), self.names[known].tolist(), known.astype(np.uint32)]
        return pa.table(columns, schema=ALIASES)

    def parts(self, rows: int = BATCH_ROWS) -> Iterator[Piece]:
        """Yield the piece in parts of at most so many rows."""
        if len(self) <= rows:
            yield self
            return
        for start in range(0, len(self), rows):
            taken = np.arange(start, min(start + rows, len(self)))
            table = self.table.slice(start, len(taken))
            yield Piece(self.layer, table, self.features.take(taken), self.scheme, self.names[taken])


@dataclass
class _Run:
    """Features of one window by ascending code, in a file."""

    codes: NDArray[np.int64]
    file: Path

    def rows(self, first: int, count: int) -> pa.Table:
        with pa.memory_map(str(self.file)) as source:
            return pa.ipc.open_file(source).read_all().slice(first, count)


@dataclass
class SortedRuns:
    """Pieces of many windows, theme by theme.

    Examples
    --------
    Add each piece as it comes, then take them all back: ``runs.add(piece)``, ``for piece in runs.merged(): ...``.
    """

    _runs: dict[str, list[_Run]] = field(default_factory=dict)
    _firsts: dict[str, Piece] = field(default_factory=dict)

    def add(self, piece: Piece) -> None:
        """Sort a piece along the curve and put it into a file."""
        box = shapely.bounds(piece.features.geometry)
        codes = hilbert_codes((box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2)
        order = np.argsort(codes, kind="stable")
        file = scratch_file(".arrow")
        table = _with_own(piece).take(pa.array(order))
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as stream:
            stream.write_table(table)
        self._runs.setdefault(piece.layer.name, []).append(_Run(codes[order], file))
        self._firsts.setdefault(piece.layer.name, next(piece.parts(1)))

    def merged(self, rows: int = BATCH_ROWS) -> Iterator[Piece]:
        """Yield everything along the curve, at most so many rows at a time; nothing is left in files afterwards."""
        try:
            for name, runs in self._runs.items():
                yield from _merged(runs, self._firsts[name], rows)
        finally:
            for run in (run for runs in self._runs.values() for run in runs):
                with suppress(OSError):
                    run.file.unlink()


def _merged(runs: list[_Run], like: Piece, rows: int) -> Iterator[Piece]:
    order = np.argsort(np.concatenate([run.codes for run in runs]), kind="stable")
    run_of = np.repeat(np.arange(len(runs), dtype=np.int32), [len(run.codes) for run in runs])[order]
    taken = np.zeros(len(runs), np.int64)
    for start in range(0, len(order), rows):
        mine = run_of[start : start + rows]
        counts = np.bincount(mine, minlength=len(runs))
        parts = [
            run.rows(int(first), int(count)) for run, first, count in zip(runs, taken, counts, strict=True) if count
        ]
        taken += counts
        place = np.argsort(np.argsort(mine, kind="stable"), kind="stable")
        yield _without_own(stack_tables(parts).take(pa.array(place)).combine_chunks(), like)


def _with_own(piece: Piece) -> pa.Table:
    """Return the table of a piece with what its geometry is made from beside the columns of the objects."""
    features = piece.features
    own: dict[str, pa.Array] = {
        "wkb": features.shapes.wkb,
        "classes": pa.array(features.classes, pa.string()),
        "hashes": pa.array(features.hashes, pa.uint64()),
        "names": pa.array(piece.names, pa.string()),
    }
    if features.heights is not None:
        own |= {name: pa.array(getattr(features.heights, name), pa.float64()) for name in _HEIGHTS}
        own["source"] = pa.array(features.heights.source, pa.string())
    for column in features.frame.columns:
        if column in USED:  # the builders read numbers and words out of texts
            values = features.frame[column]
            own[f"frame {column}"] = pa.array(values.astype(str).where(values.notna(), None), pa.string())
    table = piece.table
    for name, values in own.items():
        table = table.append_column(_OWN + name, values)
    return table


def _without_own(table: pa.Table, like: Piece) -> Piece:
    """Return the piece that a table was made of."""
    own = {name.removeprefix(_OWN): table[name] for name in table.column_names if name.startswith(_OWN)}
    objects = table.select([name for name in table.column_names if not name.startswith(_OWN)])
    wkb = own["wkb"].combine_chunks()
    frame = pd.DataFrame(
        {name.removeprefix("frame "): _objects(own[name]) for name in own if name.startswith("frame ")},
        index=range(len(wkb)),
    )
    heights = None
    if like.features.heights is not None:
        top_m, base_m, levels = (own[name].to_numpy() for name in _HEIGHTS)
        heights = Heights(top_m, base_m, levels, _objects(own["source"]), like.features.heights.used)
    features = Features(
        like.features.theme, Shapes(wkb=wkb), frame, _objects(own["classes"]), own["hashes"].to_numpy(), heights
    )
    return Piece(like.layer, objects, features, like.scheme, _objects(own["names"]))


def _objects(column: pa.ChunkedArray) -> Objects:
    return np.array(column.to_pylist(), object)
