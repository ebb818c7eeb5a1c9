"""The times of trips, kept with the trips in the scene, and the table that a simulation reads.

Each trip has its stops and times in its ``properties`` as JSON, counted from its first departure: trips of one
pattern have the same text, which Parquet stores once. `timetable` writes them out again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from scenes.schema import properties_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

TIMES = pa.schema(
    [
        pa.field("trip", pa.string()),
        pa.field("stop_id", pa.string()),
        pa.field("sequence", pa.uint32()),
        pa.field("arrival_s", pa.float32(), metadata={"unit": "s"}),
        pa.field("departure_s", pa.float32(), metadata={"unit": "s"}),
    ]
)


def timetable_cells(
    starts: Integers, stops: NDArray[np.object_], arrivals_s: Floats, departures_s: Floats, first_s: Floats
) -> list[str | None]:
    """Return the ``properties`` cell of each of (t,) trips.

    Parameters
    ----------
    starts
        (t + 1,) first stop time of each trip, in the order of its stops.
    stops
        (n,) ids of the stops.
    arrivals_s, departures_s
        (n,) seconds after midnight, NaN where the feed has none.
    first_s
        (t,) seconds from which the times of a trip count.
    """
    cells: list[str | None] = []
    known: dict[tuple[object, ...], str] = {}
    for trip, (low, high) in enumerate(zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)):
        if low == high:
            cells.append(None)
            continue
        base = first_s[trip] if np.isfinite(first_s[trip]) else 0.0
        arrive, leave = (values[low:high] - base for values in (arrivals_s, departures_s))
        key = (tuple(stops[low:high]), arrive.tobytes(), leave.tobytes())
        if key not in known:
            body = {"stops": stops[low:high].tolist(), "arrivals_s": _plain(arrive), "departures_s": _plain(leave)}
            known[key] = json.dumps({"timetable": body}, ensure_ascii=False, separators=(",", ":"))
        cells.append(known[key])
    return cells


def timetable(trips: pa.Table) -> pa.Table:
    """Return the stop times of trips: one row a stop of a trip, seconds after midnight of the service day.

    Parameters
    ----------
    trips
        Object table of a layer of trips (``scene.layers["transit-trips"].table``).

    Examples
    --------
    >>> cell = '{"timetable": {"stops": ["a", "b"], "arrivals_s": [0, 90], "departures_s": [0, null]}}'
    >>> trips = pa.table({"source_id": ["trip/1"], "start_s": [36000.0], "properties": [cell]})
    >>> timetable(trips).to_pylist()[1]
    {'trip': '1', 'stop_id': 'b', 'sequence': 1, 'arrival_s': 36090.0, 'departure_s': None}
    """
    names, texts, starts = (trips[name].to_pylist() for name in ("source_id", "properties", "start_s"))
    parsed: dict[str, dict[str, list[object]]] = {}
    parts = []
    for name, text, start in zip(names, texts, starts, strict=True):
        if text not in parsed:
            parsed[text] = properties_of(text).get("timetable", {})
        body = parsed[text]
        if body:
            count = len(body["stops"])
            times = [np.array(body[column], np.float64) + (start or 0.0) for column in ("arrivals_s", "departures_s")]
            cells = [[str(name).partition("/")[2]] * count, body["stops"], np.arange(count, dtype=np.uint32)]
            parts.append(
                pa.table([*cells, *(pa.array(each, pa.float32(), from_pandas=True) for each in times)], schema=TIMES)
            )
    return pa.concat_tables([TIMES.empty_table(), *parts]).combine_chunks()


def _plain(values: Floats) -> list[int | float | None]:
    return [None if not np.isfinite(value) else int(value) if value == int(value) else value for value in values]
