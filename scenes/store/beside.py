"""The tables beside the objects, one file for the whole city: aliases and relations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scenes.errors import PackageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenes.model import Scene

    Key = tuple[str, int]

_ROW_GROUP = 1_000_000
_PLACE = [pa.field("uid", pa.string()), pa.field("layer", pa.string()), pa.field("batch", pa.uint32())]


def write_beside(scene: Scene, part: str, schema: pa.Schema, file: Path) -> None:
    """Write one table for all batches: `part` is ``aliases`` or ``relations``.

    Beside the columns of the batch's own table it has the uid of the row, its layer and its batch.
    """
    stored = pa.schema([*schema, *_PLACE])
    with pq.ParquetWriter(file, stored, compression="zstd") as out:
        gathered: list[pa.Table] = []
        for table in _parts(scene, part, stored):
            gathered.append(table)
            if sum(each.num_rows for each in gathered) >= _ROW_GROUP:
                out.write_table(pa.concat_tables(gathered))
                gathered = []
        out.write_table(pa.concat_tables([stored.empty_table(), *gathered]))


def read_beside(file: Path, schema: pa.Schema, *, required: bool) -> dict[Key, pa.Table]:
    """Return the rows of each (layer, batch), as slices of one table.

    Raises
    ------
    PackageError
        When the file is broken, or missing though it is required.
    """
    if not required and not file.exists():
        return {}
    try:
        table = pq.read_table(file, columns=[*schema.names, "layer", "batch"])
    except (OSError, pa.ArrowException) as error:
        raise PackageError(
            file, f"cannot be read ({error})", "restore it from a copy or build the city again"
        ) from error
    if not table.num_rows:
        return {}
    layers = table["layer"].combine_chunks().dictionary_encode()
    batches = table["batch"].to_numpy()
    keys = np.stack([layers.indices.to_numpy().astype(np.int64), batches.astype(np.int64)])
    firsts = np.flatnonzero(np.append(True, (np.diff(keys, axis=1) != 0).any(axis=0)))
    names = layers.dictionary.to_pylist()
    slim = table.select(schema.names)
    ends = [*firsts[1:].tolist(), table.num_rows]
    return {
        (names[int(keys[0, first])], int(keys[1, first])): slim.slice(first, end - first)
        for first, end in zip(firsts.tolist(), ends, strict=True)
    }


def _parts(scene: Scene, part: str, stored: pa.Schema) -> Iterator[pa.Table]:
    for layer in scene.layers.values():
        for place, batch in enumerate(layer.batches):
            table = getattr(batch, part)
            size = table.num_rows
            uids = batch.table["uid"].take(table["row"])
            numbers = pa.repeat(pa.scalar(place, pa.uint32()), size)
            columns = [*table.columns, uids, pa.repeat(layer.name, size), numbers]
            yield pa.table(columns, names=stored.names).cast(stored)
