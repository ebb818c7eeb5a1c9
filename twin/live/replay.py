"""The replay feed: recorded observations in the order of their event time, at any speed."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

import numpy as np

from scenes import LoadError, MissingSourceError, UnsupportedError
from twin.live.feed import Decoder, FeedStatus
from twin.live.observations import GOOD, rows
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.live.datastreams import Datastreams
    from twin.live.feed import Sink


@dataclass
class ReplayFeed:
    """Plays a file: Parquet (columns datastream, time, value, quality) or JSON Lines of SensorThings messages.

    Batches are cut at fixed steps of event time, so two replays give the same batches whatever the machine does.

    Parameters
    ----------
    path
        A file, or a folder of Parquet files such as ``NAME.city/history``.
    datastreams
        Resolves ids.
    speed
        Event seconds a second; infinite = as fast as possible.
    step_ms
        Event time that one batch covers.
    """

    schemes: ClassVar[tuple[str, ...]] = ("replay",)

    path: Path
    datastreams: Datastreams
    speed: float = 1.0
    step_ms: int = 1000
    name: str = "replay"
    status: FeedStatus = field(init=False)
    decoder: Decoder = field(init=False)
    _now_ms: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Refuse a speed or a step that leads nowhere."""
        if not self.speed > 0 or self.step_ms < 1:
            raise ValueError(f"a replay at speed {self.speed} in steps of {self.step_ms} ms does not go on")
        self.status = FeedStatus(self.name)
        self.decoder = Decoder(self.datastreams, self.status)

    @classmethod
    def from_url(cls, url: str, datastreams: Datastreams, **options: Any) -> ReplayFeed:
        """Return the feed of ``replay:FILE``, or of ``replay:FILE?speed=X``."""
        path, mark, query = url.removeprefix("replay:").removeprefix("//").partition("?speed=")
        if mark:
            try:
                options["speed"] = float(query)
            except ValueError as error:
                raise UnsupportedError(url, f"{query!r} is not a speed", "write replay:FILE?speed=10") from error
        return cls(Path(unquote(path)), datastreams, **options)

    def clock(self) -> int:
        """Return the event time that the replay has reached, in ms."""
        return self._now_ms or wall_clock_ms()

    def read(self) -> NDArray[np.void]:
        """Return every observation of the file by event time.

        Raises
        ------
        MissingSourceError, UnsupportedError, LoadError
            When the file is not there, of another kind, or broken.
        """
        if not self.path.exists():
            raise MissingSourceError(self.path, "there is no such file", "check the path")
        if self.path.is_dir() or self.path.suffix == ".parquet":
            batch = _from_parquet(self.path, self.datastreams)
        elif self.path.suffix in {".jsonl", ".ndjson"}:
            batch = self._from_lines()
        else:
            raise UnsupportedError(self.path, "is neither Parquet nor JSON Lines", "record it with HistoryStore")
        if not len(batch):
            raise LoadError(self.path, "holds no observation of these datastreams", "check the datastream ids")
        return batch[np.lexsort((batch["handle"], batch["time"]))]

    async def run(self, sink: Sink) -> None:
        """Give the batches to `sink` at their time, then end."""
        batch = await asyncio.to_thread(self.read)
        first = int(batch["time"][0])
        self._now_ms = first
        self.status.set_connected(True, f"replaying {self.path.name}")
        loop = asyncio.get_running_loop()
        start = loop.time()
        steps = (batch["time"] - first) // self.step_ms
        edges = np.flatnonzero(np.diff(steps, prepend=-1))
        try:
            for low, high in zip(edges, np.append(edges[1:], len(batch)), strict=True):
                await self._wait_until(start + self.step_ms * int(steps[low]) / 1000 / self.speed)
                part = batch[low:high]
                self._now_ms = int(part["time"][-1])
                self.status.messages += 1
                self.status.last_ms = wall_clock_ms()
                self.status.observations += len(part)
                sink(part)
        finally:
            self.status.set_connected(False, f"{self.path.name}: the replay has ended")

    async def _wait_until(self, moment_s: float) -> None:
        wait_s = 0.0 if math.isinf(self.speed) else moment_s - asyncio.get_running_loop().time()
        await asyncio.sleep(max(wait_s, 0.0))

    def _from_lines(self) -> NDArray[np.void]:
        found = [rows([], [], [])]
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    found.append(self.decoder.rows(line, f"{self.path.name} line {number}"))
        self.status.messages = self.status.observations = 0
        return np.concatenate(found)


def _from_parquet(path: Path, datastreams: Datastreams) -> NDArray[np.void]:
    import pyarrow as pa  # noqa: PLC0415  # beside its only use
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pq.read_table(path)
        places = pc.index_in(table["datastream"].cast(pa.string()), value_set=pa.array(datastreams.ids, pa.string()))
        handles = pc.fill_null(places, -1).to_numpy()
        time = table["time"]
        times = time.cast(pa.timestamp("ms", "UTC")) if pa.types.is_timestamp(time.type) else time
        quality = table["quality"].to_numpy() if "quality" in table.column_names else np.full(len(table), GOOD)
        columns = handles, times.cast(pa.int64()).to_numpy(), table["value"].cast(pa.float32()).to_numpy(), quality
    except (pa.ArrowException, KeyError, OSError) as error:
        raise LoadError(path, f"is not a table of observations ({error})", "give datastream, time and value") from error
    known = handles >= 0
    return rows(*(column[known] for column in columns))
