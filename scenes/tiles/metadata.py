"""Who the objects of a tile are: property tables by EXT_structural_metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from scenes.model import Batch
    from scenes.tiles.glb import GlbBuilder

EXTENSION = "EXT_structural_metadata"
_TEXTS = ("uid", "kind", "name")
_SCHEMA = {
    "id": "citytwin",
    "classes": {
        "object": {
            "name": "City object",
            "properties": {
                "uid": {"type": "STRING", "required": True, "description": "URN that never changes"},
                "kind": {"type": "STRING", "required": True, "description": "CityGML 3.0 class name"},
                "name": {"type": "STRING", "noData": "", "description": "Name for people"},
                "number": {
                    "type": "SCALAR",
                    "componentType": "UINT32",
                    "required": True,
                    "description": "Number of the object in the layer, which it keeps while the layer changes",
                },
            },
        }
    },
}


class ObjectNames:
    """uid, kind and name of the objects of a layer by number.

    Parameters
    ----------
    batches
        The batches of the layer.
    numbers
        (n,) number of each object, or that of the first one where they follow each other.
    """

    def __init__(self, batches: Sequence[Batch], numbers: NDArray[np.int64] | int) -> None:
        """Take the three columns of the tables, each as one array."""
        self._base = numbers if isinstance(numbers, int) else 0
        self._rows: NDArray[np.int64] | None = None
        if not isinstance(numbers, int):
            self._rows = np.full(int(numbers.max(initial=-1)) + 1, -1)
            self._rows[numbers] = np.arange(len(numbers))
        self._columns = {
            name: pa.chunked_array(
                [chunk for batch in batches for chunk in batch.table[name].chunks], type=pa.string()
            ).combine_chunks()
            for name in _TEXTS
        }

    def of(self, handles: NDArray[np.int64]) -> pa.Table:
        """Return columns uid, kind and name, one row a number."""
        rows = pa.array(handles - self._base if self._rows is None else self._rows[handles])
        return pa.table({name: column.take(rows) for name, column in self._columns.items()})


class SomeNames:
    """uid, kind and name of a part of the objects of a layer.

    Parameters
    ----------
    handles
        (n,) numbers of the part, ascending.
    names
        Columns uid, kind and name, one row a number.
    """

    def __init__(self, handles: NDArray[np.int64], names: pa.Table) -> None:
        """Keep them."""
        self._handles = handles
        self._names = names

    def of(self, handles: NDArray[np.int64]) -> pa.Table:
        """Return columns uid, kind and name, one row a number."""
        return self._names.take(pa.array(np.searchsorted(self._handles, handles)))


def add_property_table(builder: GlbBuilder, names: pa.Table, handles: NDArray[np.int64]) -> None:
    """Write uid, kind, name and number as property table 0 of the asset."""
    properties: dict[str, Any] = {}
    for name in _TEXTS:
        values, offsets = _strings(names[name])
        if not len(values):
            continue
        properties[name] = {
            "values": builder.add_view(values),
            "stringOffsets": builder.add_view(offsets.tobytes()),
            "stringOffsetType": "UINT32",
        }
    properties["number"] = {"values": builder.add_view(handles.astype(np.uint32).tobytes())}
    table = {"name": "objects", "class": "object", "count": len(handles), "properties": properties}
    builder.json.setdefault("extensions", {})[EXTENSION] = {"schema": _SCHEMA, "propertyTables": [table]}
    builder.use_extension(EXTENSION)


def _strings(column: pa.ChunkedArray) -> tuple[bytes, NDArray[np.uint32]]:
    """Return the UTF-8 bytes of all values one after another and the (n + 1,) places between them."""
    whole = (column.fill_null("") if column.null_count else column).combine_chunks()
    _, places, data = whole.buffers()
    offsets = np.frombuffer(places, np.int32, len(whole) + 1, whole.offset * 4).astype(np.int64)
    text = bytes(memoryview(data)[int(offsets[0]) : int(offsets[-1])]) if data is not None else b""
    return text, (offsets - offsets[0]).astype(np.uint32)
