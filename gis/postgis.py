"""The door to ADBC: tables of PostGIS, read in batches through a connection that cannot write.

``postgresql://user:password@host:port/database#schema.table`` is one table, without the last part every table with
geometry. The server sends its rows as they are asked for, so memory depends on the batch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import pyarrow as pa

from gis.arrowframes import frame_of, plain_frame, stacked
from gis.features import TableStream, crs_of
from scenes.errors import ConnectionLostError, LoadError, MissingLibraryError
from scenes.georeference import parse_crs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes.problems import Problems
    from scenes.sources import Source

_BATCH_BYTES = 4_000_000
_CONNECT_S = 10
_NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "bool", "text", "varchar", "date", "timestamp",
                      "timestamptz"})  # fmt: skip
_OWN = ("topology", "tiger", "tiger_data", "pg_catalog", "information_schema")
_TABLES = """
    SELECT f_table_schema, f_table_name, f_geometry_column, srid, 0 FROM geometry_columns
    UNION ALL
    SELECT f_table_schema, f_table_name, f_geography_column, srid, 1 FROM geography_columns
    ORDER BY 1, 2, 5, 3
"""
_COLUMNS = """
    SELECT a.attname, t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with geometry: where it is, its geometry column and the number of its system."""

    schema: str
    name: str
    geometry: str
    srid: int

    @property
    def quoted(self) -> str:
        """The name as SQL has it."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"


def tables(source: Source, problems: Problems) -> Iterator[TableStream]:
    """Yield the tables that the address names.

    Raises
    ------
    ConnectionLostError
        When the server does not answer, or does not let us in.
    LoadError
        When there is no such table.
    """
    found = _wanted(source)
    names = [table.name for table in found]
    for table in found:
        name = table.name if names.count(table.name) == 1 else f"{table.schema}.{table.name}"
        yield _stream(source, table, name if len(found) > 1 else source.title, problems)


def bounds(source: Source) -> tuple[float, float, float, float, str]:
    """Return the bounds of the first table that has any, and its system.

    Raises
    ------
    LoadError
        When all are empty.
    """
    for table in _wanted(source):
        column = quoted(table.geometry)
        sql = (
            f"SELECT ST_XMin(b) AS w, ST_YMin(b) AS s, ST_XMax(b) AS e, ST_YMax(b) AS n "
            f"FROM (SELECT ST_Extent({column}::geometry) AS b FROM {table.quoted}) AS extent"
        )
        row = _query(source, sql)[0]
        if row["w"] is not None:
            crs = _crs(source, table) or crs_of(source, None)
            return float(row["w"]), float(row["s"]), float(row["e"]), float(row["n"]), crs
    raise LoadError(source.shown, "there is no feature in it", "check the table")


def connection_of(address: str) -> tuple[str, str]:
    """Return the address that the server is asked with, and the table that it names (empty = all).

    Examples
    --------
    >>> connection_of("postgis://me:pw@db.example/city?sslmode=require#public.houses")[1]
    'public.houses'
    """
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    table = unquote(parts.fragment) or query.pop("table", "")
    query.pop("table", None)
    query.setdefault("connect_timeout", str(_CONNECT_S))
    query["options"] = "-c default_transaction_read_only=on"
    return urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(query, quote_via=quote), "")), table


def quoted(name: str) -> str:
    """Return a name as SQL has it.

    Examples
    --------
    >>> print(quoted('my "own" table'))
    "my ""own"" table"
    """
    return '"' + name.replace('"', '""') + '"'


def _wanted(source: Source) -> list[Table]:
    _, wanted = connection_of(source.path)
    rows = [row for row in _query(source, _TABLES) if row["f_table_schema"] not in _OWN]
    every = [Table(*list(row.values())[:4]) for row in rows]
    first: dict[tuple[str, str], Table] = {}
    for table in every:
        first.setdefault((table.schema, table.name), table)
    found = [each for each in first.values() if wanted in {"", each.name, f"{each.schema}.{each.name}"}]
    if not found:
        names = ", ".join(f"{each.schema}.{each.name}" for each in first.values())[:300] or "none"
        what = f"has no table {wanted} with geometry" if wanted else "has no table with geometry"
        raise LoadError(source.shown, what, f"its tables are {names}")
    return found


def _stream(source: Source, table: Table, name: str, problems: Problems) -> TableStream:
    columns = [(row["attname"], row["typname"]) for row in _query(source, _COLUMNS, table.quoted)]
    plain = [(column, kind) for column, kind in columns if kind not in {"geometry", "geography", "raster", "bytea"}]
    others = [column for column, kind in columns if kind in {"geometry", "geography"} and column != table.geometry]
    if others:
        message = f"has more than one geometry: {table.geometry} is read, {', '.join(others)} left out"
        problems.add("info", f"{source.title}#{table.name}", "second-geometry", message)
    shape = "citytwin_wkb"
    cells = [f"ST_AsBinary({quoted(table.geometry)}::geometry) AS {shape}", *(_cell(*each) for each in plain)]
    sql = f"SELECT {', '.join(cells)} FROM {table.quoted}"

    def frames(rows: int) -> Iterator[Any]:
        return (frame_of(part, shape) for part in stacked(_batches(source, sql), rows))

    def ids(column: str) -> Iterator[Any]:
        kinds = dict(plain)
        cell = f"SELECT {_cell(column, kinds[column])} FROM {table.quoted}"
        return (plain_frame(part)[column] for part in stacked(_batches(source, cell), 1 << 20))

    return TableStream(name, frames, _crs(source, table), ids)


def _cell(column: str, kind: str) -> str:
    name = quoted(column)
    if kind in _NUMBERS:
        return name
    return f"{name}::{'float8' if kind == 'numeric' else 'text'} AS {name}"


def _crs(source: Source, table: Table) -> str:
    if source.crs:
        return source.crs
    srid = table.srid
    if not srid:
        sql = (
            f"SELECT ST_SRID({quoted(table.geometry)}::geometry) AS srid FROM {table.quoted} "
            f"WHERE {quoted(table.geometry)} IS NOT NULL LIMIT 1"
        )
        srid = next((int(row["srid"]) for row in _query(source, sql)), 0)
    if not srid:
        return ""
    rows = _query(source, f"SELECT auth_name, auth_srid, srtext FROM spatial_ref_sys WHERE srid = {int(srid)}")
    if not rows:
        return ""
    row = rows[0]
    return f"{row['auth_name']}:{row['auth_srid']}" if row["auth_name"] else crs_of(source, parse_crs(row["srtext"]))


def _query(source: Source, sql: str, *values: str) -> list[dict[str, Any]]:
    batches = list(_batches(source, sql, *values))
    return pa.Table.from_batches(batches).to_pylist() if batches else []


def _batches(source: Source, sql: str, *values: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a query as the server sends them."""
    dbapi, size = _library()
    try:
        with (
            dbapi.connect(connection_of(source.path)[0]) as connection,
            connection.cursor(adbc_stmt_kwargs={size: str(_BATCH_BYTES)}) as cursor,
        ):
            cursor.execute(sql, values or None)
            yield from cursor.fetch_record_batch()
    except (dbapi.Error, pa.ArrowException, OSError) as error:
        raise ConnectionLostError(
            source.shown, _reason(source, error), "check the address, name and password"
        ) from None


def _reason(source: Source, error: Exception) -> str:
    """Return what the server said in one line, without the password."""
    text = re.sub(r"\s+", " ", str(error))
    password = urlsplit(source.path).password
    for secret in {password, unquote(password)} if password else set():
        text = text.replace(secret, "***")
    text = re.sub(r"^.*?(FATAL|ERROR):\s*", "", text)
    return f"cannot be read ({text.strip()[:200]})"


def _library() -> tuple[Any, str]:
    try:
        import adbc_driver_postgresql  # noqa: PLC0415
        import adbc_driver_postgresql.dbapi as dbapi  # noqa: PLC0415, PLR0402
    except ImportError as error:
        raise MissingLibraryError(
            "gis", "adbc-driver-postgresql is not installed", "pip install citytwin[gis]"
        ) from error
    return dbapi, adbc_driver_postgresql.StatementOptions.BATCH_SIZE_HINT_BYTES.value
