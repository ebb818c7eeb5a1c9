"""The ``properties`` cells of objects: rare attributes as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def property_cells(values: Sequence[Mapping[str, Mapping[str, Any]]]) -> pa.Array:
    """Return {group: {name: value}} as text; null where every group is empty.

    Examples
    --------
    >>> property_cells([{"lanes": {"a_0": "3 m"}}, {"lanes": {}}]).to_pylist()
    ['{"lanes": {"a_0": "3 m"}}', None]
    """
    kept = [{group: cells for group, cells in row.items() if cells} for row in values]
    return pa.array([json.dumps(row, ensure_ascii=False) if row else None for row in kept], pa.string())
