"""GTFS Schedule feeds as tables of text, with the rules of the format that a picture of the service needs.

Names of rules are those of the canonical GTFS Schedule validator (gtfs.org), with hyphens.
"""

from __future__ import annotations

import csv as python_csv
import io
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from gis.shelf import Shelf
from gis.sniffing import zip_names
from scenes.errors import LoadError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.problems import Problems

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_MOST_BYTES = 4 << 30
_COLUMNS = {
    "agency": ("agency_id", "agency_name", "agency_timezone"),
    "stops": ("stop_id", "stop_code", "stop_name", "stop_lat", "stop_lon", "zone_id", "location_type", "parent_station",
              "wheelchair_boarding", "platform_code"),
    "routes": ("route_id", "agency_id", "route_short_name", "route_long_name", "route_type", "route_color",
               "route_text_color", "route_desc"),
    "trips": ("trip_id", "route_id", "service_id", "trip_headsign", "trip_short_name", "direction_id", "shape_id",
              "block_id"),
    "stop_times": ("trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time"),
    "shapes": ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence"),
    "calendar": ("service_id", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
                 "start_date", "end_date"),
    "calendar_dates": ("service_id", "date", "exception_type"),
    "frequencies": ("trip_id", "start_time", "end_time", "headway_secs", "exact_times"),
}  # fmt: skip
_NEEDED = {
    "stops": ("stop_id",), "routes": ("route_id", "route_type"), "trips": ("trip_id", "route_id", "service_id"),
    "stop_times": ("trip_id", "stop_id", "stop_sequence"),
}  # fmt: skip
_MARKS = frozenset({"stops.txt", "routes.txt", "trips.txt", "stop_times.txt", "agency.txt"})
_TIME = r"^\s*(?P<h>\d{1,3}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)\s*$"


@dataclass(frozen=True, eq=False)
class Feed:
    """The tables of a feed, by the name of their file without its ending; missing ones are empty.

    Parameters
    ----------
    tables
        Text columns; those that a file lacks are empty texts.
    """

    tables: dict[str, pa.Table]

    def texts(self, table: str, column: str) -> NDArray[np.object_]:
        """Return a column as text, empty where there is none."""
        return np.asarray(self.tables[table][column].to_numpy(zero_copy_only=False), object)

    def numbers(self, table: str, column: str) -> Floats:
        """Return a column as numbers, NaN where there is none."""
        return to_numbers(self.tables[table][column])

    def seconds(self, table: str, column: str) -> Floats:
        """Return a column of times as seconds after midnight, NaN where there is none."""
        parts = pc.extract_regex(self.tables[table][column].combine_chunks(), pattern=_TIME)
        hours, minutes, seconds = (to_numbers(pc.struct_field(parts, name)) for name in "hms")
        total: Floats = hours * 3600 + minutes * 60 + seconds
        return total

    def places(self, table: str, column: str, other: str, key: str) -> Integers:
        """Return for each row of a table the row of another one that its key names, -1 where there is none."""
        found = pc.index_in(self.tables[table][column].combine_chunks(), value_set=self.tables[other][key])
        return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        return int(self.tables[table].num_rows)


def is_feed(path: Path) -> bool:
    """Say whether a folder or a zip has at least two of the files that every feed has."""
    if path.is_dir():
        names = {each.name for each in path.iterdir()}
    else:
        names = {posixpath.basename(name) for name in zip_names(path) if "__MACOSX" not in name}
    return len(names & _MARKS) > 1


def read_feed(path: Path, problems: Problems) -> Feed:
    """Return the tables of a feed.

    Raises
    ------
    LoadError
        When a file that every feed needs is missing or no table.
    """
    shelf = Shelf(path, path, is_zip=False) if path.is_dir() else Shelf(path, is_zip=True)
    names = _names(path, shelf)
    tables = {}
    for name, known in _COLUMNS.items():
        file = names.get(f"{name}.txt")
        if file is None:
            if name in _NEEDED:
                raise LoadError(str(path), f"has no {name}.txt (missing-required-file)", "get the whole feed")
            tables[name] = pa.table({column: pa.array([], pa.string()) for column in known})
        else:
            tables[name] = _table(path, name, shelf.read(file, _MOST_BYTES), problems)
    for name in ("stops", "routes", "trips"):
        tables[name] = _unique(tables[name], f"{path.name}/{name}.txt", problems)
    return Feed(tables)


def _unique(table: pa.Table, where: str, problems: Problems) -> pa.Table:
    """Return a table with the first row of each id, which is its first column."""
    names = np.asarray(table.column(0).to_numpy(zero_copy_only=False), object).astype(str)
    _, first, counts = np.unique(names, return_index=True, return_counts=True)
    for name in names[first[counts > 1]]:
        problems.add("warning", f"{where}#{name}", "duplicate-key", "stands more than once: the first counts")
    return table if len(first) == len(names) else table.take(pa.array(np.sort(first)))


def to_numbers(column: pa.ChunkedArray | pa.Array) -> Floats:
    """Return texts as numbers, NaN for what is none."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    plain = pc.utf8_trim_whitespace(array)
    good = pc.match_substring_regex(plain, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$")
    kept = pc.if_else(pc.fill_null(good, False), plain, pa.scalar(None, pa.string()))
    return np.asarray(pc.cast(kept, pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _names(path: Path, shelf: Shelf) -> dict[str, str]:
    """Return the files of the feed by their plain names; the shallowest of each counts."""
    inside = [each.name for each in path.iterdir()] if path.is_dir() else shelf.documents([".txt"])
    found: dict[str, str] = {}
    for name in sorted(inside, key=lambda each: (each.count("/"), each)):
        found.setdefault(posixpath.basename(name).lower(), name)
    return found


def _table(path: Path, name: str, data: bytes, problems: Problems) -> pa.Table:
    """Return the known columns of a file as trimmed text; rows of another length are left out and reported."""
    where = f"{path.name}/{name}.txt"
    odd: list[str] = []

    def skip(row: csv.InvalidRow) -> str:
        odd.append(row.text)
        return "skip"

    text = _utf8(data, where, problems)
    header = _header(text)
    missing = [column for column in _NEEDED.get(name, ()) if column not in header]
    if missing:
        what = f"{name}.txt has no column {missing[0]} (missing-required-column)"
        raise LoadError(str(path), what, "get the feed again")
    wanted = [column for column in _COLUMNS[name] if column in header]
    options = csv.ConvertOptions(
        column_types={column: pa.string() for column in header}, include_columns=wanted, strings_can_be_null=False
    )
    reading = csv.ReadOptions(column_names=header, skip_rows=1, block_size=16 << 20)
    parsing = csv.ParseOptions(invalid_row_handler=skip, newlines_in_values=True)
    try:
        table = csv.read_csv(io.BytesIO(text), read_options=reading, parse_options=parsing, convert_options=options)
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            raise LoadError(str(path), f"{name}.txt is no table ({str(error)[:120]})", "get the feed again") from error
        table = pa.table({column: pa.array([], pa.string()) for column in wanted})
    if odd:
        message = f"{len(odd)} rows have another number of values than the header: read by their first values"
        problems.add("warning", where, "invalid-row-length", message, "tell the agency that publishes it")
        table = pa.concat_tables([table, _odd_rows(odd, header, wanted)])
    count = table.num_rows
    columns = {
        column: pc.utf8_trim_whitespace(table[column]) if column in wanted else pa.array([""] * count, pa.string())
        for column in _COLUMNS[name]
    }
    return pa.table(columns)


def _odd_rows(rows: list[str], header: list[str], wanted: list[str]) -> pa.Table:
    """Return rows that are too short or too long, filled up with empty texts or cut."""
    parsed = [[*cells, *[""] * len(header)] for cells in python_csv.reader(rows)]
    columns = {name: [cells[header.index(name)] for cells in parsed] for name in wanted}
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})


def _utf8(data: bytes, where: str, problems: Problems) -> bytes:
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        problems.add("warning", where, "invalid-character", "is not UTF-8: read as Latin-1", "tell the agency")
        return data.decode("latin-1").encode("utf-8")
    return data


def _header(text: bytes) -> list[str]:
    """Return the names of the columns; empty and repeated ones get names that no table has."""
    line = text.lstrip(b"\r\n").split(b"\n", 1)[0].decode("utf-8").strip("\r")
    found: list[str] = []
    for place, name in enumerate(line.split(",")):
        plain = name.strip().strip('"').strip().lower()
        found.append(plain if plain and plain not in found else f"#{place}")
    return found
