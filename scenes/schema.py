"""The columns that every object table has, and how attributes carry their units."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# CityGML 3.0 class names, and those of ours that CityGML has no word for.
KINDS = frozenset(
    {
        "Building",
        "BuildingPart",
        "BuildingUnit",
        "Storey",
        "BuildingRoom",
        "BuildingConstructiveElement",
        "BuildingInstallation",
        "BuildingFurniture",
        "Door",
        "Window",
        "Road",
        "Railway",
        "Track",
        "Square",
        "Waterway",
        "TrafficArea",
        "AuxiliaryTrafficArea",
        "TrafficSpace",
        "AuxiliaryTrafficSpace",
        "ClearanceSpace",
        "Section",
        "Intersection",
        "WaterBody",
        "PlantCover",
        "SolitaryVegetationObject",
        "CityFurniture",
        "Bridge",
        "BridgePart",
        "BridgeConstructiveElement",
        "Tunnel",
        "TunnelPart",
        "TunnelConstructiveElement",
        "ReliefFeature",
        "LandUse",
        "GenericOccupiedSpace",
        "OtherConstruction",
        "CityObjectGroup",
        "Device",
        "Pipe",
        "PipeFitting",
        "Manhole",
        "District",
        "PointCloud",
        "PointOfInterest",
        "PowerLine",
        "TransitRoute",
        "TransitStop",
        "TransitTrip",
        "Site",
        "ReferenceLine",
        "Task",
        "Record",
    }
)

FIXED = pa.schema(
    [
        pa.field("uid", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("name", pa.string()),
        pa.field("parent", pa.string()),
        pa.field("source", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("valid_from", pa.timestamp("ms", "UTC")),
        pa.field("valid_to", pa.timestamp("ms", "UTC")),
        pa.field("grade", pa.string()),
        pa.field("min_x", pa.float64(), metadata={"unit": "m"}),
        pa.field("min_y", pa.float64(), metadata={"unit": "m"}),
        pa.field("min_z", pa.float64(), metadata={"unit": "m"}),
        pa.field("max_x", pa.float64(), metadata={"unit": "m"}),
        pa.field("max_y", pa.float64(), metadata={"unit": "m"}),
        pa.field("max_z", pa.float64(), metadata={"unit": "m"}),
        pa.field("footprint", pa.binary()),  # WKB, local metres; null where the object has no plan
        pa.field("properties", pa.string()),  # JSON {group: {name: value}}: property sets and rare attributes
    ]
)
FIXED_NAMES = frozenset(FIXED.names)
METADATA_KEY = b"source_metadata"  # of a table: JSON that its file says about itself, kept for exports
NOTES_KEY = "citytwin"  # of an exported table: JSON {units, origin_m, crs}, so that it can be read back
BOUNDS = ("min_x", "min_y", "min_z", "max_x", "max_y", "max_z")


def object_table(columns: Mapping[str, Any], units: Mapping[str, str] | None = None) -> pa.Table:
    """Return an object table: the fixed columns in their order, then one column an attribute.

    Parameters
    ----------
    columns
        Name to values (sequences, numpy or Arrow arrays). ``uid`` and ``kind`` are required; fixed
        columns that are missing become null.
    units
        UCUM units of attribute columns.

    Examples
    --------
    >>> table = object_table({"uid": ["urn:uuid:1"], "kind": ["Building"], "height_m": [12.0]}, {"height_m": "m"})
    >>> table.num_columns - len(FIXED), unit_of(table, "height_m")
    (1, 'm')
    """
    size = len(columns["uid"])
    units = units or {}
    arrays: list[pa.Array] = []
    fields: list[pa.Field] = []
    for fixed in FIXED:
        values = columns.get(fixed.name)
        arrays.append(pa.nulls(size, fixed.type) if values is None else _array(values, fixed.type))
        fields.append(fixed)
    for name, values in columns.items():
        if name not in FIXED_NAMES:
            array = _array(values, None)
            arrays.append(array)
            fields.append(pa.field(name, array.type, metadata={"unit": units[name]} if name in units else None))
    return pa.table(arrays, schema=pa.schema(fields))


def unit_of(table: pa.Table, column: str) -> str:
    """Return the UCUM unit of a column, empty if it has none."""
    metadata = table.schema.field(column).metadata or {}
    return str(metadata.get(b"unit", b"").decode())


def attribute_names(table: pa.Table) -> list[str]:
    """Return the names of the columns that are not fixed."""
    return [name for name in table.column_names if name not in FIXED_NAMES]


def stack_tables(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the tables one below another.

    Attributes that some lack become null, and types are widened; a column whose types have nothing in common
    (numbers here, words there) becomes text.

    Examples
    --------
    >>> parts = [pa.table({"level": [1]}), pa.table({"level": ["G"]})]
    >>> stack_tables(parts)["level"].to_pylist()
    ['1', 'G']
    """
    if not tables:
        return FIXED.empty_table()
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        clashing = _clashing([table.schema for table in tables])
        return pa.concat_tables([_worded(table, clashing) for table in tables], promote_options="permissive")


def _clashing(schemas: Sequence[pa.Schema]) -> set[str]:
    """Return the names of the columns whose types cannot be widened to one."""
    found = set()
    for name in {name for schema in schemas for name in schema.names}:
        parts = [pa.schema([schema.field(name)]) for schema in schemas if name in schema.names]
        try:
            pa.unify_schemas(parts, promote_options="permissive")
        except (pa.ArrowTypeError, pa.ArrowInvalid):
            found.add(name)
    return found


def _worded(table: pa.Table, names: set[str]) -> pa.Table:
    for name in names & set(table.column_names):
        place, old = table.schema.get_field_index(name), table.schema.field(name)
        if pa.types.is_nested(old.type):
            texts = [None if value is None else str(value) for value in table[name].to_pylist()]
            column = pa.chunked_array([pa.array(texts, pa.string())])
        else:
            column = table[name].cast(pa.string())
        table = table.set_column(place, pa.field(name, pa.string(), metadata=old.metadata), column)
    return table


def properties_of(text: str | None) -> dict[str, dict[str, Any]]:
    """Return the parsed ``properties`` cell: {group: {name: value}}."""
    if not text:
        return {}
    parsed = json.loads(text)
    return parsed if isinstance(parsed, dict) else {}


def _array(values: Any, kind: pa.DataType | None) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array):
        return values if kind is None or values.type == kind else values.cast(kind)
    return pa.array(values, type=kind, from_pandas=True)
