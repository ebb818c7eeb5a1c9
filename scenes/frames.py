"""Objects as GeoDataFrames: the table world of the analyst. The only door of geopandas here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes.footprints import local_footprints, projected_footprints
from scenes.plans import rows_taken
from scenes.schema import FIXED, stack_tables, unit_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from scenes.georeference import Georeference
    from scenes.model import Layer, Scene

_EXACT = 2**53  # whole numbers beyond are not all decimal numbers
LEADING = pa.schema([("layer", pa.string()), ("handle", pa.int64())])


def layer_frame(layer: Layer, georeference: Georeference | None = None) -> GeoDataFrame:
    """Return the objects of a layer as a GeoDataFrame.

    The index is the uid; the geometry is the footprint, or a point in the middle of the bounds where there is none, in
    the projected system of the scene (local metres and no system without a georeference). The other columns are
    those of the table, and ``frame.attrs["units"]`` has the UCUM units by column.
    """
    return table_frame(layer.table, georeference)


def scene_frame(scene: Scene) -> GeoDataFrame:
    """Return the objects of all layers as one GeoDataFrame, with the columns ``layer`` and ``handle`` in front."""
    return picked_frame(scene, {})


def picked_frame(scene: Scene, rows: Mapping[str, NDArray[np.integer]]) -> GeoDataFrame:
    """Return some rows of each layer as one GeoDataFrame; layers that `rows` does not name come whole."""
    none = pa.unify_schemas([LEADING, FIXED]).empty_table()
    parts = [none, *(_part(scene, name, rows.get(name)) for name in scene.layers)]
    return table_frame(stack_tables(parts), scene.georeference)


def table_frame(table: pa.Table, georeference: Georeference | None) -> GeoDataFrame:
    """Return an object table, with or without leading columns, as a GeoDataFrame with the uid as index."""
    import geopandas  # noqa: PLC0415

    shapes = local_footprints(table) if georeference is None else projected_footprints(table, georeference)
    plain = table.drop_columns(["footprint"])
    if "geometry" in plain.column_names:
        plain = plain.rename_columns({"geometry": "geometry_"})
    frame = plain.to_pandas(ignore_metadata=True)
    frame = frame.assign(**exact_integers(plain)).set_index("uid")
    result = geopandas.GeoDataFrame(frame, geometry=shapes, crs=georeference.crs if georeference else None)
    result.attrs["units"] = {name: unit for name in plain.column_names if (unit := unit_of(plain, name))}
    return result


def exact_integers(table: pa.Table) -> dict[str, Any]:
    """Return the columns of whole numbers with gaps that are too big for pandas' usual decimal ones, by name.

    Examples
    --------
    >>> exact_integers(pa.table({"small": [1, None], "big": [2**60 + 1, None]}))["big"][0]
    np.int64(1152921504606846977)
    """
    import pandas as pd  # noqa: PLC0415

    found: dict[str, Any] = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_integer(column.type) and 0 < column.null_count < len(column):
            low, high = pc.min_max(column).as_py().values()
            if max(-low, high) > _EXACT:
                found[name] = pd.array(
                    column.to_pylist(), dtype="UInt64" if pa.types.is_unsigned_integer(column.type) else "Int64"
                )
    return found


def tagged_table(scene: Scene, name: str) -> pa.Table:
    """Return the objects of a layer with the columns ``layer`` and ``handle`` in front.

    Attributes that have these names already get an underscore behind them.
    """
    table = scene.layers[name].table
    return tagged(table, name, np.arange(table.num_rows, dtype=np.int64) + scene.bases[name])


def tagged(table: pa.Table, name: str, handles: NDArray[np.int64]) -> pa.Table:
    """Return some objects of a layer with the columns ``layer`` and ``handle`` in front, as in `tagged_table`."""
    table = table.rename_columns({old: f"{old}_" for old in LEADING.names if old in table.column_names})
    return table.add_column(0, "layer", pa.repeat(name, table.num_rows)).add_column(1, "handle", pa.array(handles))


def _part(scene: Scene, name: str, rows: NDArray[np.integer] | None) -> pa.Table:
    if rows is None:
        return tagged_table(scene, name)
    picked = np.asarray(rows, np.int64)
    order = np.argsort(picked, kind="stable")
    table = tagged(rows_taken(scene.layers[name], picked[order]), name, picked[order] + scene.bases[name])
    return table if (np.diff(order) > 0).all() else table.take(np.argsort(order, kind="stable"))
