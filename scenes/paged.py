"""Tables that wait in files: written as they lie in memory, and read back page by page by the operating system.

A city of millions of objects is longer than a small machine's memory; what nobody looks at stays on disk.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from scenes.scratch import scratch_file

if TYPE_CHECKING:
    from scenes.model import Batch

LEAST_BYTES = 1_000_000
"""Tables below this size stay in memory."""
_CAN_UNLINK_OPEN = os.name == "posix"


def paged(table: pa.Table) -> pa.Table:
    """Return a table whose columns lie in a scratch file; a small one, or one that finds no space, as it is.

    The file has no name any more when this returns, and goes with the last column that uses it.

    Examples
    --------
    >>> table = pa.table({"n": range(200_000)})
    >>> before = pa.total_allocated_bytes()
    >>> kept = paged(table)
    >>> kept.equals(table), pa.total_allocated_bytes() == before
    (True, True)
    """
    if table.nbytes < LEAST_BYTES or not _CAN_UNLINK_OPEN:
        return table
    file = scratch_file(".arrow")
    try:
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as stream:
            stream.write_table(table.combine_chunks())
        return pa.ipc.open_file(pa.memory_map(str(file))).read_all()
    except OSError:
        return table
    finally:
        with suppress(OSError):
            file.unlink()


def paged_batch(batch: Batch) -> Batch:
    """Return a batch whose large tables lie in files."""
    parts = {name: paged(getattr(batch, name)) for name in ("table", "aliases", "relations")}
    changed = {name: part for name, part in parts.items() if part is not getattr(batch, name)}
    return replace(batch, **changed) if changed else batch
