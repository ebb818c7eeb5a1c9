"""EXT_structural_metadata: property tables of features as plain columns.

Source: 3D Metadata Specification 1.1 and EXT_structural_metadata (Cesium / OGC, 2023).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.models3d.gltf_data import GltfData

_KINDS = {"INT8": "i1", "UINT8": "u1", "INT16": "<i2", "UINT16": "<u2", "INT32": "<i4", "UINT32": "<u4",
          "INT64": "<i8", "UINT64": "<u8", "FLOAT32": "<f4", "FLOAT64": "<f8"}  # fmt: skip
_WIDTHS = {"SCALAR": 1, "ENUM": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}


def property_tables(data: GltfData) -> list[dict[str, list[Any]]]:
    """Return each property table as columns of values; missing ones (noData) are None.

    Raises
    ------
    LoadError
        When a table reaches beyond its data.
    """
    found = (data.body.get("extensions") or {}).get("EXT_structural_metadata") or {}
    schema = found.get("schema")
    if schema is None and "schemaUri" in found:
        text = data.resolve(str(found["schemaUri"]))
        schema = json.loads(text) if text is not None else {}
    schema = schema or {}
    tables = []
    for table in found.get("propertyTables") or []:
        properties = ((schema.get("classes") or {}).get(table.get("class")) or {}).get("properties") or {}
        columns = {}
        for name, storage in (table.get("properties") or {}).items():
            if name in properties:
                count = int(table["count"])
                columns[str(name)] = column(properties[name], schema, count, _viewer(data, storage), storage)
        tables.append(columns)
    return tables


def _viewer(data: GltfData, storage: dict[str, Any]) -> Any:
    return lambda key: data.view(storage[key]) if key in storage else None


def column(spec: dict[str, Any], schema: dict[str, Any], count: int, view: Any, storage: dict[str, Any]) -> list[Any]:
    """Return the values of one property.

    Parameters
    ----------
    spec
        The property of the class.
    schema
        The whole schema, for its enumerations.
    count
        Rows of the table.
    view
        Gives the bytes of ``values``, ``arrayOffsets`` or ``stringOffsets``.
    storage
        The property of the table, with the types of its offsets.
    """
    if not 0 <= count <= 50_000_000:
        raise ValueError(f"a table of {count} rows")
    values = view("values") or b""
    is_array = bool(spec.get("array"))
    fixed = int(spec.get("count", 0)) if is_array else 1
    if is_array and not fixed:
        ends = _offsets(view("arrayOffsets"), storage.get("arrayOffsetType", "UINT32"), count)
    else:
        ends = np.arange(count + 1) * fixed
    flat = _flat(spec, schema, int(ends[-1]), values, view("stringOffsets"), storage)
    if not is_array:
        return [_known(value, spec) for value in flat]
    return [flat[low:high] for low, high in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]


def _flat(
    spec: dict[str, Any],
    schema: dict[str, Any],
    size: int,
    values: bytes,
    strings: bytes | None,
    storage: dict[str, Any],
) -> list[Any]:
    kind = spec.get("type")
    if kind == "STRING":
        ends = _offsets(strings, storage.get("stringOffsetType", "UINT32"), size)
        return [values[low:high].decode("utf-8", "replace")
                for low, high in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]  # fmt: skip
    if kind == "BOOLEAN":
        bits = np.unpackbits(np.frombuffer(values, np.uint8), bitorder="little")
        return [bool(bit) for bit in bits[:size].tolist()]
    if kind == "ENUM":
        enum = (schema.get("enums") or {}).get(spec.get("enumType")) or {}
        names = {each.get("value"): each.get("name") for each in enum.get("values") or []}
        codes = _numbers(values, _KINDS[enum.get("valueType", "UINT16")], size)
        return [names.get(code) for code in codes.tolist()]
    width = _WIDTHS[str(kind)]
    dtype = _KINDS[str(spec.get("componentType"))]
    numbers = _numbers(values, dtype, size * width)
    if spec.get("normalized") and numbers.dtype.kind in "iu":
        numbers = np.maximum(numbers / np.iinfo(numbers.dtype).max, -1.0)
    if "scale" in spec or "offset" in spec:
        scale, offset = (np.resize(np.asarray(spec.get(name, usual), float), width)
                         for name, usual in (("scale", 1.0), ("offset", 0.0)))  # fmt: skip
        numbers = (numbers.reshape(-1, width) * scale + offset).reshape(-1)
    return list(numbers.tolist()) if width == 1 else list(numbers.reshape(-1, width).tolist())


def _known(value: Any, spec: dict[str, Any]) -> Any:
    return None if "noData" in spec and value == spec["noData"] else value


def _numbers(data: bytes, dtype: str, size: int) -> NDArray[Any]:
    if len(data) < np.dtype(dtype).itemsize * size:
        raise ValueError("a property reaches beyond its data")
    return np.frombuffer(data, dtype, size)


def _offsets(data: bytes | None, kind: str, count: int) -> NDArray[np.int64]:
    ends = _numbers(data or b"", _KINDS[kind], count + 1).astype(np.int64)
    if (np.diff(ends) < 0).any() or ends[0] < 0:
        raise ValueError("the offsets of a property go back")
    return ends
