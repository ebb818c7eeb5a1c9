"""Observations on the wire and in memory: packed rows inside, SensorThings JSON outside.

Every batch inside the program is one numpy array of `ROW`: handles of datastreams, event times, values and
qualities. A string id is looked up once, here; nothing behind this file knows ids.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from scenes import LoadError, Problem, Problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

ROW = np.dtype([("handle", "<u4"), ("time", "<i8"), ("value", "<f4"), ("quality", "u1")])
"""One observation: datastream handle, event time in ms since 1970 UTC, value, quality."""

GOOD, OLD, SUSPECT, NONE = 0, 1, 2, 3
"""Qualities, the same numbers as in `scenes.Field`."""

MAGIC = b"CTO1"
_HEADER = struct.Struct("<4sIII")
_ARROW_STREAM = b"\xff\xff\xff\xff"
BINARY_STARTS = (MAGIC, _ARROW_STREAM)
"""First bytes of messages that `unpack` reads."""
_QUALITIES = {
    "good": GOOD, "high": GOOD, "ok": GOOD, "valid": GOOD, "suspect": SUSPECT, "medium": SUSPECT, "low": SUSPECT,
    "uncertain": SUSPECT, "questionable": SUSPECT, "bad": NONE, "missing": NONE, "invalid": NONE,
}  # fmt: skip
_NO_VALUE = frozenset({"", "nan", "null", "none", "na", "n/a", "-"})
_OFFSET_AND_Z = re.compile(r"[+-]\d\d:?\d\dZ$")  # as in the examples of the SensorThings standard itself
_EARLIEST_MS, _LATEST_MS = -62_135_596_800_000, 253_402_300_799_999  # years 1 to 9999


def rows(
    handles: Sequence[int] | NDArray[np.integer[Any]],
    times_ms: Sequence[int] | NDArray[np.integer[Any]] | int,
    values: Sequence[float] | NDArray[np.floating[Any]],
    quality: Sequence[int] | NDArray[np.integer[Any]] | int = GOOD,
) -> NDArray[np.void]:
    """Return a batch of `ROW`; a value that is not finite becomes NaN of quality `NONE`.

    Examples
    --------
    >>> rows([3], 1000, [float("inf")])["quality"].tolist()
    [3]
    """
    batch = np.empty(len(handles), ROW)
    batch["handle"], batch["time"], batch["value"], batch["quality"] = handles, times_ms, values, quality
    missing = ~np.isfinite(batch["value"])
    batch["value"][missing] = np.nan
    batch["quality"][missing] = NONE
    return batch


def pack(batch: NDArray[np.void], epoch: int) -> bytes:
    """Return a packed message: a header of 16 bytes (magic, epoch, count, 0), then 17 bytes a row.

    Parameters
    ----------
    batch
        Rows of `ROW`.
    epoch
        Epoch of the datastream table that the handles belong to.
    """
    return _HEADER.pack(MAGIC, epoch, len(batch), 0) + np.ascontiguousarray(batch, ROW).tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A decoded packed message: the epoch of its handles, and its rows."""

    epoch: int
    rows: NDArray[np.void]


def unpack(payload: bytes | bytearray | memoryview) -> Packed:
    """Return the epoch and the rows of a packed message or an Arrow stream with the same columns.

    Raises
    ------
    LoadError
        When the message is cut off or is something else.

    Examples
    --------
    >>> unpack(pack(rows([7], 1000, [1.5]), epoch=9)).rows["handle"].tolist()
    [7]
    """
    payload = bytes(payload)
    if payload[:4] == _ARROW_STREAM:
        return _unpack_arrow(payload)
    if len(payload) < _HEADER.size or payload[:4] != MAGIC:
        raise LoadError("packed message", "does not start with CTO1", "send rows made by twin.live.pack")
    _, epoch, count, _ = _HEADER.unpack_from(payload)
    if len(payload) != _HEADER.size + count * ROW.itemsize:
        raise LoadError(
            "packed message", f"says {count} rows but has {len(payload) - _HEADER.size} bytes", "send it whole"
        )
    return Packed(epoch, np.frombuffer(payload, ROW, count, _HEADER.size))


def _unpack_arrow(payload: bytes) -> Packed:
    import pyarrow as pa  # noqa: PLC0415  # only who sends Arrow pays for it

    try:
        table = pa.ipc.open_stream(payload).read_all()
        handles, times, values = (table[name].to_numpy() for name in ("handle", "time", "value"))
        quality = table["quality"].to_numpy() if "quality" in table.column_names else GOOD
        epoch = int((table.schema.metadata or {})[b"epoch"])
        return Packed(epoch, rows(handles, times, values, quality))
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise LoadError(
            "Arrow message", f"cannot be read ({error})", "send columns handle, time, value, quality and an epoch"
        ) from error


@dataclass
class Decoded:
    """Observations of one SensorThings message, and what was wrong with some of them."""

    rows: NDArray[np.void]
    problems: list[Problem] = field(default_factory=list)
    malformed: int = 0
    unknown: int = 0


def decode_sensorthings(payload: bytes, handles: Mapping[str, int], received_ms: int) -> Decoded:
    """Return the observations of a SensorThings message: a dataArray, or single Observation entities.

    Parameters
    ----------
    payload
        UTF-8 JSON. Bare ``NaN`` is tolerated, since many gateways write it.
    handles
        Datastream id (as text) to handle.
    received_ms
        Stands in where an observation has no time of its own.

    Raises
    ------
    LoadError
        When the message as a whole is not JSON or holds no observations. Single bad values are counted
        in ``malformed``, and unknown datastreams in ``unknown``; both are listed in ``problems``.

    Examples
    --------
    >>> text = b'{"Datastream": {"@iot.id": 5}, "phenomenonTime": "1970-01-01T00:00:01Z", "result": 2.5}'
    >>> decode_sensorthings(text, {"5": 0}, 0).rows["time"].tolist()
    [1000]
    """
    entries = _entries(_parse(payload))
    problems = Problems(limit=5)
    batches: list[NDArray[np.void]] = []
    unknown = malformed = 0
    for entry in entries:
        stream = _stream_id(entry)
        cells, names = _cells_of(entry)
        handle = handles.get(stream)
        if handle is None:
            unknown += len(cells)
            problems.add(
                "warning", stream or "no id", "unknown-datastream", f"{stream or 'an entry'}: no such datastream"
            )
            continue
        batch, bad = _rows_of(cells, names, handle, received_ms)
        if bad:
            malformed += bad
            problems.add("warning", stream, "malformed-observation", f"{stream}: {bad} observations cannot be read")
        batches.append(batch)
    joined = np.concatenate(batches) if batches else np.empty(0, ROW)
    return Decoded(joined, problems.listed(), malformed, unknown)


def encode_sensorthings(batch: NDArray[np.void], ids: Sequence[str]) -> bytes:
    """Return a batch as a SensorThings dataArray; `ids` gives the datastream id of each handle."""
    order = np.argsort(batch["handle"], kind="stable")
    batch = batch[order]
    starts = np.flatnonzero(np.diff(batch["handle"].astype(np.int64), prepend=-1))
    names = {SUSPECT: "suspect", NONE: "missing"}
    entries = []
    for part in np.split(batch, starts[1:]) if len(batch) else []:
        cells = [
            [iso_time(int(row["time"])), None if np.isnan(row["value"]) else float(row["value"]),
             names.get(int(row["quality"]), "good")]
            for row in part
        ]  # fmt: skip
        entries.append(
            {
                "Datastream": {"@iot.id": ids[int(part["handle"][0])]},
                "components": ["phenomenonTime", "result", "resultQuality"],
                "dataArray@iot.count": len(cells),
                "dataArray": cells,
            }
        )
    return orjson.dumps(entries)


def iso_time(time_ms: int) -> str:
    """Return an instant as ISO 8601 in UTC with milliseconds.

    Examples
    --------
    >>> iso_time(1500)
    '1970-01-01T00:00:01.500Z'
    """
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(value: object) -> int:
    """Return ms since 1970 UTC of an ISO 8601 instant, of the end of an interval, or of a number of ms.

    Raises
    ------
    ValueError
        When it is none of these.

    Examples
    --------
    >>> parse_time("1970-01-01T00:00:00Z/1970-01-01T01:00:00Z")
    3600000
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool) and _EARLIEST_MS <= value <= _LATEST_MS:
        return int(value)
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a time")  # noqa: TRY004  # callers treat text and type alike
    text = value.rpartition("/")[2].strip()
    if _OFFSET_AND_Z.search(text):
        text = text.removesuffix("Z")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _parse(payload: bytes) -> object:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        if b"NaN" in payload or b"Infinity" in payload:
            try:
                return json.loads(payload)
            except (ValueError, RecursionError):
                pass
        raise LoadError(
            "SensorThings message", f"is not JSON ({error})", "send a dataArray or an Observation"
        ) from error


def _entries(document: object) -> list[dict[str, Any]]:
    if isinstance(document, dict) and isinstance(document.get("value"), list):
        document = document["value"]
    found = document if isinstance(document, list) else [document]
    entries = [each for each in found if isinstance(each, dict) and ("dataArray" in each or "result" in each)]
    if not entries or len(entries) < len(found):
        raise LoadError(
            "SensorThings message", "is JSON but holds something else than observations",
            "send a dataArray or an Observation",
        )  # fmt: skip
    return entries


def _stream_id(entry: Mapping[str, Any]) -> str:
    link = entry.get("Datastream")
    if isinstance(link, dict):
        link = link.get("@iot.id", link.get("id"))
    return "" if link is None or isinstance(link, (dict, list)) else str(link)


def _cells_of(entry: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    if "dataArray" not in entry:
        names = [name for name in ("phenomenonTime", "resultTime", "result", "resultQuality") if name in entry]
        return [[entry[name] for name in names]], names
    cells, components = entry["dataArray"], entry.get("components")
    if not isinstance(cells, list) or not isinstance(components, list) or "result" not in components:
        return [None], ["result"]
    return cells, components


def _rows_of(cells: list[Any], names: list[Any], handle: int, received_ms: int) -> tuple[NDArray[np.void], int]:
    place = {name: index for index, name in enumerate(names) if isinstance(name, str)}
    when = place.get("phenomenonTime", place.get("resultTime"))
    result, quality = place["result"], place.get("resultQuality")
    times: list[int] = []
    values: list[float] = []
    qualities: list[int] = []
    for cell in cells:
        try:
            if not isinstance(cell, list):
                raise ValueError("not an array")  # noqa: TRY004, TRY301  # counted with the other malformed cells
            time_ms = received_ms if when is None or cell[when] is None else parse_time(cell[when])
            value = _number(cell[result])
            rank = GOOD if quality is None else _QUALITIES.get(str(cell[quality]).lower(), GOOD)
        except (ValueError, IndexError, OverflowError):
            continue
        times.append(time_ms)
        values.append(value)
        qualities.append(rank)
    with np.errstate(over="ignore"):
        batch = rows([handle] * len(times), times, values, qualities)
    return batch, len(cells) - len(times)


def _number(value: object) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        return float("nan") if value.strip().lower() in _NO_VALUE else float(value)
    raise ValueError(f"{value!r} is not a number")  # counted as malformed by the caller
