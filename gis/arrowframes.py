"""From Arrow batches to windows of features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa

from gis.features import WINDOW_BYTES, FlatFrame
from gis.flatwkb import flat_areas
from gis.wkb import geometries_of
from scenes.frames import exact_integers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray


def stacked(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Yield tables of at most `rows` rows and about `WINDOW_BYTES` bytes, in the order of the batches.

    Examples
    --------
    >>> parts = [pa.record_batch({"a": [1, 2]}), pa.record_batch({"a": [3, 4]}), pa.record_batch({"a": [5]})]
    >>> [table["a"].to_pylist() for table in stacked(parts, rows=3)]
    [[1, 2, 3], [4, 5]]
    """
    held: list[pa.RecordBatch] = []
    count = size = 0
    for batch in batches:
        rest = batch
        while count + len(rest) > rows:
            held.append(rest.slice(0, rows - count))
            rest = rest.slice(rows - count)
            yield pa.Table.from_batches(held)
            held, count, size = [], 0, 0
        if len(rest):
            held.append(rest)
            count, size = count + len(rest), size + rest.nbytes
        if size > WINDOW_BYTES:
            yield pa.Table.from_batches(held)
            held, count, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held)


def frame_of(table: pa.Table, geometry: str) -> Any:
    """Return a table whose column `geometry` is WKB as a GeoDataFrame; rings that were mended are counted in it."""
    shapes, mended = geometries_of(table[geometry])
    frame = with_geometry(table.drop_columns(geometry), shapes)
    frame.attrs["mended"] = mended
    return frame


def flat_frame(table: pa.Table, geometry: str) -> FlatFrame | None:
    """Return a table whose column `geometry` is WKB of plain areas; None where it has anything else."""
    column = table[geometry]
    areas = flat_areas(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)
    if areas is None:
        return None
    rest = table.drop_columns(geometry)
    return FlatFrame(plain_frame(rest) if rest.num_columns else pd.DataFrame(index=pd.RangeIndex(len(table))), areas)


def with_geometry(table: pa.Table, shapes: NDArray[np.object_]) -> Any:
    """Return the attributes of a table and (n,) geometries as a GeoDataFrame."""
    attributes = plain_frame(table)
    return gpd.GeoDataFrame(attributes, geometry=shapes)


def readable(values: pa.ChunkedArray) -> pa.ChunkedArray:
    r"""Return a column of text with a mark in place of each byte that is no UTF-8; every other column as it is.

    Examples
    --------
    >>> broken = pa.chunked_array([pa.array([b"caf\xe9", None], pa.binary()).view(pa.string())])
    >>> readable(broken).to_pylist()
    ['caf\ufffd', None]
    """
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        binary = pa.large_binary() if pa.types.is_large_string(values.type) else pa.binary()
        data = [value for chunk in values.chunks for value in chunk.view(binary).to_pylist()]
        texts = [None if value is None else value.decode(errors="replace") for value in data]
        return pa.chunked_array([texts], values.type)
    return values


def plain_frame(table: pa.Table) -> Any:
    """Return the columns of a table as pandas has them; a second column ``geometry`` is renamed, binary is dropped."""
    kinds = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    keep = [field.name for field in table.schema if not any(kind(field.type) for kind in kinds)]
    kept = table.select(keep).replace_schema_metadata(None)  # what pandas notes there may be damaged
    for place, name in enumerate(kept.column_names):
        kept = kept.set_column(place, name, readable(kept.column(place)))
    frame = kept.to_pandas(date_as_object=False, ignore_metadata=True)
    for name, values in exact_integers(kept).items():
        frame[name] = values
    if table.num_columns and not keep:
        frame = pd.DataFrame(index=pd.RangeIndex(len(table)))
    return frame.rename(columns={"geometry": "geometry_"})
