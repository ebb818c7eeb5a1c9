"""The table of datastreams: who measures what, in which unit, on which object.

Ids are resolved once, here; everything behind works with dense handles, the row numbers of this table.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scenes import LoadError, MissingSourceError, Problem, UnknownObjectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from scenes import Scene

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # SensorThings @iot.id of the Datastream
        pa.field("name", pa.string()),
        pa.field("title_en", pa.string()),
        pa.field("title_zh", pa.string()),
        pa.field("unit", pa.string()),  # UCUM
        pa.field("observed_property", pa.string()),
        pa.field("object", pa.string()),  # uid, scheme:value alias or source id of the object it measures
        pa.field("low", pa.float64()),  # alarm below
        pa.field("high", pa.float64()),  # alarm above
        pa.field("stale_after_s", pa.float64()),
    ]
)
"""Columns of a datastream table; all but `id` may be null or missing. More columns are kept."""

STALE_AFTER_S = 900.0


@dataclass(frozen=True, eq=False)
class Datastreams:
    """Datastreams by handle, and the objects they are bound to.

    Parameters
    ----------
    table
        One row a datastream, columns of `SCHEMA`.
    objects
        (n,) int64 handle of the object in the scene, -1 where there is none.
    scene_epoch
        Epoch of the scene that `objects` belongs to; 0 before `bind`.
    problems
        Names that the scene could not resolve.

    Examples
    --------
    >>> streams = Datastreams.from_records([{"id": "rain-1", "unit": "mm/h", "object": "uid"}])
    >>> len(streams), streams.handles["rain-1"], streams.unit(0)
    (1, 0, 'mm/h')
    """

    table: pa.Table
    objects: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    scene_epoch: int = 0
    problems: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        """Check the columns, and that no id appears twice."""
        object.__setattr__(self, "table", _conformed(self.table))
        if not len(self.objects):
            object.__setattr__(self, "objects", np.full(len(self.table), -1, np.int64))
        if len(self.handles) != len(self.table):
            raise LoadError("datastreams", "an id appears twice", "give every datastream its own id")

    @classmethod
    def from_records(cls, records: Iterable[Mapping[str, Any]]) -> Datastreams:
        """Return the table of some dictionaries with the keys of `SCHEMA`."""
        found = [dict(record) for record in records]
        names = {name for record in found for name in record}
        columns = {name: [record.get(name) for record in found] for name in sorted(names)}
        return cls(pa.table(columns) if columns else SCHEMA.empty_table())

    @classmethod
    def read(cls, path: str | Path) -> Datastreams:
        """Return the table stored in a Parquet file.

        Raises
        ------
        MissingSourceError, LoadError
            When the file is not there, or is not a table of datastreams.
        """
        if not Path(path).is_file():
            raise MissingSourceError(path, "there is no such file", "write one with Datastreams.write")
        try:
            return cls(pq.read_table(path))
        except pa.ArrowException as error:
            raise LoadError(path, f"is not a Parquet table ({error})", "write it again") from error

    def write(self, path: str | Path) -> Path:
        """Store the table as Parquet beside `path` and rename it into place."""
        target = Path(path)
        beside = target.with_name(target.name + ".part")
        pq.write_table(self.table, beside)
        return beside.replace(target)

    def __len__(self) -> int:
        """Return the number of datastreams."""
        return int(self.table.num_rows)

    @cached_property
    def ids(self) -> list[str]:
        """The id of each handle."""
        return [str(each) for each in self.table["id"].to_pylist()]

    @cached_property
    def handles(self) -> dict[str, int]:
        """Handle of each id."""
        return {each: handle for handle, each in enumerate(self.ids)}

    @cached_property
    def epoch(self) -> int:
        """A 32-bit number that changes whenever handles mean other datastreams."""
        digest = hashlib.blake2b("\0".join(self.ids).encode(), digest_size=4)
        return int.from_bytes(digest.digest(), "little")

    @cached_property
    def low(self) -> NDArray[np.float32]:
        """Alarm below this value; -inf where there is no such limit."""
        return _numbers(self.table["low"], -np.inf).astype(np.float32)

    @cached_property
    def high(self) -> NDArray[np.float32]:
        """Alarm above this value; +inf where there is no such limit."""
        return _numbers(self.table["high"], np.inf).astype(np.float32)

    @cached_property
    def stale_after_ms(self) -> NDArray[np.int64]:
        """Age from which a value counts as old."""
        return (_numbers(self.table["stale_after_s"], STALE_AFTER_S) * 1000).astype(np.int64)

    @cached_property
    def observed_properties(self) -> dict[str, NDArray[np.uint32]]:
        """Handles of the datastreams of each observed property, in the order of first appearance."""
        found: dict[str, list[int]] = {}
        for handle, name in enumerate(self.table["observed_property"].to_pylist()):
            found.setdefault(name or "", []).append(handle)
        return {name: np.array(handles, np.uint32) for name, handles in found.items()}

    def unit(self, handle: int) -> str:
        """Return the UCUM unit of a datastream."""
        return self.table["unit"][handle].as_py() or ""

    def describe(self, handle: int) -> dict[str, Any]:
        """Return id, name, titles, unit and observed property of a datastream, for people."""
        cells = {name: self.table[name][handle].as_py() for name in SCHEMA.names}
        name = cells["name"] or cells["title_en"] or cells["id"]
        return {
            "id": cells["id"],
            "name": name,
            "titles": {"en": cells["title_en"] or name, "zh": cells["title_zh"] or cells["title_en"] or name},
            "unit": cells["unit"] or "",
            "observed_property": cells["observed_property"] or "",
            "low": cells["low"],
            "high": cells["high"],
        }

    def bind(self, scene: Scene) -> Datastreams:
        """Return the table with every `object` resolved in a scene: by uid, alias, code or source id.

        What cannot be resolved stays unbound and is listed in ``problems``.
        """
        names = [name or "" for name in self.table["object"].to_pylist()]
        objects = scene.handles(names) if len(scene) else np.full(len(names), -1, np.int64)
        problems: list[Problem] = []
        known: dict[str, int] = {}
        for handle in np.flatnonzero(objects < 0):
            name = names[handle]
            if name not in known:
                known[name] = _resolve(scene, name, self.ids[handle], problems)
            objects[handle] = known[name]
        return replace(self, objects=objects, scene_epoch=scene.epoch, problems=tuple(problems))

    @cached_property
    def _by_object(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.objects, kind="stable")
        return self.objects[order], order

    def of_object(self, handle: int) -> NDArray[np.int64]:
        """Return the handles of the datastreams bound to an object."""
        if handle < 0:
            return np.zeros(0, np.int64)
        objects, order = self._by_object
        low, high = np.searchsorted(objects, [handle, handle + 1])
        return order[low:high]


def _resolve(scene: Scene, name: str, stream: str, problems: list[Problem]) -> int:
    if name:
        try:
            return scene.resolve(name).handle
        except UnknownObjectError as error:
            message = str(error)
    else:
        message = f"{stream}: names no object"
    problems.append(Problem("warning", stream, "datastream-unbound", message, "name a uid or an alias of the scene"))
    return -1


def _conformed(table: pa.Table) -> pa.Table:
    if "id" not in table.column_names:
        raise LoadError("datastreams", "there is no column id", f"give the columns {', '.join(SCHEMA.names)}")
    for wanted in SCHEMA:
        if wanted.name not in table.column_names:
            table = table.append_column(wanted, pa.nulls(len(table), wanted.type))
            continue
        place = table.column_names.index(wanted.name)
        try:
            table = table.set_column(place, wanted, table[wanted.name].cast(wanted.type))
        except pa.ArrowException as error:
            raise LoadError(
                "datastreams", f"column {wanted.name} is not {wanted.type} ({error})", "convert it"
            ) from error
    return table


def _numbers(column: pa.ChunkedArray, missing: float) -> NDArray[np.float64]:
    values = np.array(column.to_numpy(zero_copy_only=False), np.float64)
    return np.where(np.isnan(values), missing, values)
