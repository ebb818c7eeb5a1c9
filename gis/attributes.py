"""Columns of a feature table as columns of an object table: names, typed attributes, rare ones as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from scenes.schema import FIXED_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Objects = NDArray[np.object_]

_NAMES = ("name", "name:zh", "name:en", "stopname", "naam", "nom", "bezeichnung", "title", "label", "名称", "linename")
_MOST_COLUMNS = 40
_RARE = 0.02


def names_of(frame: Any) -> Any:
    """Return a series of names: the first naming column that has one."""
    lower = {str(column).lower(): column for column in frame.columns}
    result = pd.Series(np.full(len(frame), None, object))
    for name in _NAMES:
        if name in lower and frame[lower[name]].notna().any():
            values = frame[lower[name]].astype(object).reset_index(drop=True)
            result = result.where(result.notna(), values.where(values.notna(), None))
    if result.isna().all():
        return result
    return result.map(lambda value: str(value) if value is not None and value == value else None)  # noqa: PLR0124


def attribute_columns(
    frame: Any, skip: Iterable[str], chosen: Sequence[Any] | None = None
) -> tuple[dict[str, pa.Array], pa.Array]:
    """Return typed columns of the common attributes, and the JSON ``properties`` cells of the rare ones.

    Columns with names that every object table has get an underscore.

    Parameters
    ----------
    frame
        The features.
    skip
        Columns that are read elsewhere.
    chosen
        The common columns, where an earlier window decided; otherwise `common_columns` of this one.
    """
    skip = {*skip, "geometry"}
    known = [column for column in frame.columns if str(column) not in skip and frame[column].notna().any()]
    common = set(common_columns(frame, skip) if chosen is None else chosen)
    columns = {
        _plain_name(column): _typed(frame[column])
        for column in frame.columns
        if column in common and (chosen is not None or column in known)
    }
    return columns, _json_cells(frame, [column for column in known if column not in common])


def common_columns(frame: Any, skip: Iterable[str]) -> list[Any]:
    """Return the columns that deserve one of their own in the object table.

    A column is rare when fewer than 2 % of the features have it, or when 40 fuller ones come first.
    """
    skip = {*skip, "geometry"}
    shares = {column: float(frame[column].notna().mean()) for column in frame.columns if str(column) not in skip}
    shares = {column: share for column, share in shares.items() if share > 0}
    ranked = sorted(shares, key=lambda column: -shares[column])
    languages = [column for column in ranked if str(column) in {"name:zh", "name:en"}]
    return [*languages, *[column for column in ranked if shares[column] >= _RARE][:_MOST_COLUMNS]]


def text_of(value: Any) -> str | None:
    """Return a value as text; lists and mappings as JSON, missing ones as None."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NaT:
        return None
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, dict, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def id_texts(values: Any) -> Objects:
    """Return a column of ids as text, empty where there is none; whole numbers without a decimal point."""
    known = values.notna().to_numpy()
    texts = np.full(len(values), "", object)
    if pd.api.types.is_numeric_dtype(values):
        texts[known] = values[known].astype(np.int64).astype(str).to_numpy(object)
    else:
        texts[known] = values[known].astype(str).to_numpy(object)
    return texts


def _plain_name(column: Any) -> str:
    name = str(column)
    return f"{name}_" if name in FIXED_NAMES else name


def _typed(values: Any) -> pa.Array:
    if pd.api.types.is_object_dtype(values) or isinstance(values.dtype, pd.CategoricalDtype):
        kinds = {type(value) for value in values[values.notna()].head(2_000)}
        if kinds <= {bool} or kinds <= {int} or kinds <= {int, float}:
            try:
                return pa.array(values, from_pandas=True)
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
                pass
        return pa.array([text_of(value) for value in values], pa.string())
    array = pa.array(values, from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.cast(pa.string()) if pa.types.is_large_string(array.type) else array


def _json_cells(frame: Any, columns: list[Any]) -> pa.Array:
    cells: list[dict[str, Any] | None] = [None] * len(frame)
    for column in columns:
        known = frame[column].notna().to_numpy()
        values = frame[column].to_numpy(object)
        for row in np.flatnonzero(known):
            value = values[row]
            plain = value.item() if isinstance(value, np.generic) else value
            cell = cells[row] = cells[row] or {}
            cell[str(column)] = plain if isinstance(plain, (bool, int, float, str)) else text_of(plain)
    texts = [None if cell is None else json.dumps({"attributes": cell}, ensure_ascii=False) for cell in cells]
    return pa.array(texts, pa.string())
