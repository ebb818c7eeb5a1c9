"""Recent observations in memory, bounded, for charts; and all of them as Parquet files when a folder is given."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.live.observations import ROW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.live.datastreams import Datastreams

ROWS_IN_MEMORY = 2_000_000
POINTS_IN_CHART = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One datastream over time: (n,) times in ms ascending, values and qualities."""

    times: NDArray[np.int64]
    values: NDArray[np.float32]
    quality: NDArray[np.uint8]

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.times)


class History:
    """The last observations of all datastreams in one ring of columns: 17 bytes a row, `capacity` rows.

    Parameters
    ----------
    capacity
        Rows that are kept; the oldest arrivals are overwritten.
    store
        Also receives every observation.

    Attributes
    ----------
    appended
        Rows that came so far.

    Examples
    --------
    >>> from twin.live.observations import rows
    >>> history = History(capacity=10)
    >>> history.append(rows([1, 2, 1], [2000, 2000, 1000], [5.0, 9.0, 4.0]))
    >>> history.series(1, hours=1.0, now_ms=3000).values.tolist()
    [4.0, 5.0]
    """

    def __init__(self, capacity: int = ROWS_IN_MEMORY, store: HistoryStore | None = None) -> None:
        """Keep the size; memory is taken as rows arrive."""
        if capacity < 1:
            raise ValueError(f"a history of {capacity} rows holds nothing")
        self.capacity = capacity
        self.store = store
        self._columns = _empty(min(capacity, 4096))
        self._next = 0
        self._size = 0
        self._lock = threading.Lock()
        self.appended = 0

    def __len__(self) -> int:
        """Return the number of rows in memory."""
        return self._size

    def append(self, batch: NDArray[np.void]) -> None:
        """Keep a batch of `ROW`."""
        if not len(batch):
            return
        if self.store is not None:
            self.store.append(batch)
        self.appended += len(batch)
        batch = batch[-self.capacity :]
        with self._lock:
            self._grow(len(batch))
            size = len(self._columns["handle"])
            places = (self._next + np.arange(len(batch))) % size
            for name, column in self._columns.items():
                column[places] = batch[name]
            self._next = int((self._next + len(batch)) % size)
            self._size = min(self._size + len(batch), size)

    def rows(self) -> NDArray[np.void]:
        """Return a copy of all rows in memory as a batch of `ROW`, by event time; may be called from any thread."""
        with self._lock:
            copy = np.zeros(self._size, ROW)
            for name, column in self._columns.items():
                copy[name] = column[: self._size]
        return copy[np.argsort(copy["time"], kind="stable")]

    def series(self, handle: int, hours: float, now_ms: int, points: int = POINTS_IN_CHART) -> Series:
        """Return a datastream's last hours, each instant once; thinned to the extremes when there are many points."""
        filled = slice(0, self._size)
        columns = self._columns
        since = now_ms - int(hours * 3_600_000)
        found = np.flatnonzero((columns["handle"][filled] == handle) & (columns["time"][filled] >= since))
        times, values, quality = (columns[name][found] for name in ("time", "value", "quality"))
        order = np.lexsort((np.where(np.isnan(values), -np.inf, values), -quality.astype(np.int16), times))
        times, values, quality = times[order], values[order], quality[order]
        last = np.append(times[1:] != times[:-1], True) if len(times) else np.zeros(0, bool)
        kept = _thinned(values[last], points)
        return Series(times[last][kept], values[last][kept], quality[last][kept])

    def _grow(self, extra: int) -> None:
        size = len(self._columns["handle"])
        if self._size + extra <= size or size == self.capacity:
            return
        larger = _empty(min(self.capacity, max(2 * size, self._size + extra)))
        for name, column in self._columns.items():
            larger[name][: self._size] = column[: self._size]
        self._columns, self._next = larger, self._size


class HistoryStore:
    """Writes observations as Parquet files by day: ``FOLDER/date=2026-07-01/....parquet``.

    Parameters
    ----------
    folder
        Usually ``NAME.city/history``.
    datastreams
        Gives the id of each handle, so that the files outlive the handles.
    rows_per_file
        Rows that wait in memory; `flush` writes them earlier.
    """

    def __init__(self, folder: str | Path, datastreams: Datastreams, rows_per_file: int = 1_000_000) -> None:
        """Keep the plan; files are written when enough rows have come."""
        self.folder = Path(folder)
        self.rows_per_file = rows_per_file
        self.datastreams = datastreams
        self._waiting: list[NDArray[np.void]] = []
        self._rows = 0
        self._number = itertools.count()

    def append(self, batch: NDArray[np.void]) -> None:
        """Keep a batch until there are enough rows for a file."""
        self._waiting.append(batch.copy())
        self._rows += len(batch)
        if self._rows >= self.rows_per_file:
            self.flush()

    def flush(self) -> list[Path]:
        """Write what waits, one file a day, and return the files."""
        if not self._rows:
            return []
        waiting = np.concatenate(self._waiting)
        self._waiting, self._rows = [], 0
        days = waiting["time"] // 86_400_000
        return [
            self._write(int(day), np.sort(waiting[days == day], order=["time", "handle"])) for day in np.unique(days)
        ]

    def _write(self, day: int, batch: NDArray[np.void]) -> Path:
        import pyarrow as pa  # noqa: PLC0415  # only who keeps files pays for it
        import pyarrow.parquet as pq  # noqa: PLC0415

        date = datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
        folder = self.folder / f"date={date}"
        folder.mkdir(parents=True, exist_ok=True)
        ids = pa.array(self.datastreams.ids, pa.string())
        table = pa.table(
            {
                "datastream": pa.DictionaryArray.from_arrays(pa.array(batch["handle"].astype(np.int32)), ids),
                "time": pa.array(np.ascontiguousarray(batch["time"])).cast(pa.timestamp("ms", "UTC")),
                "value": pa.array(np.ascontiguousarray(batch["value"])),
                "quality": pa.array(np.ascontiguousarray(batch["quality"])),
            }
        )
        target = self._free_name(folder, int(batch["time"][0]))
        beside = target.with_name(f".{target.name}.part")  # who reads the folder passes over hidden files
        pq.write_table(table, beside, compression="zstd")
        return beside.replace(target)

    def _free_name(self, folder: Path, first_ms: int) -> Path:
        while (target := folder / f"{first_ms}-{next(self._number):06d}.parquet").exists():
            pass
        return target


def _empty(size: int) -> dict[str, NDArray[Any]]:
    names = ROW.names or ()
    return {name: np.zeros(size, ROW[name]) for name in names}


def _thinned(values: NDArray[np.float32], points: int) -> NDArray[np.int64]:
    """Return the places to keep: the least and the greatest of each of `points` / 2 equal stretches."""
    if len(values) <= points:
        return np.arange(len(values))
    edges = np.linspace(0, len(values), max(points // 2, 1) + 1).astype(np.int64)
    low, high = np.where(np.isnan(values), np.inf, values), np.where(np.isnan(values), -np.inf, values)
    kept: set[int] = set()
    for start, stop in itertools.pairwise(edges.tolist()):
        kept.update((start + int(low[start:stop].argmin()), start + int(high[start:stop].argmax())))
    return np.array(sorted(kept), np.int64)
