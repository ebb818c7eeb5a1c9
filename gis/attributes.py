"""Columns of a feature table as columns of an object table: identity, names, typed attributes, rare ones as JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from scenes.identity import derive_uids
from scenes.model import ALIASES
from scenes.schema import FIXED_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Objects = NDArray[np.object_]

_IDS = (
    "osm_id", "@id", "full_id", "feature_id", "id", "gml_id", "identificatie", "globalid", "bin", "uid", "objectid",
    "adcode", "gid", "fid",
)  # fmt: skip
_NAMES = ("name", "name:zh", "name:en", "stopname", "naam", "nom", "bezeichnung", "title", "label", "名称", "linename")
_MOST_COLUMNS = 40
_RARE = 0.02


@dataclass(frozen=True, eq=False)
class Identity:
    """Ids of n features.

    Parameters
    ----------
    source_ids
        (n,) unique text ids within the dataset.
    uids
        (n,) URNs.
    scheme
        Alias scheme of `original`, empty if the file has no ids.
    original
        (n,) the file's own ids, empty text where there is none; not always unique.
    column
        Name of the id column, empty if there is none.
    """

    source_ids: Objects
    uids: Objects
    scheme: str
    original: Objects
    column: str

    def aliases(self, rows: NDArray[np.int64]) -> pa.Table:
        """Return the aliases of some features, which become the rows 0.. of a batch."""
        if not self.scheme:
            return ALIASES.empty_table()
        mine = self.original[rows]
        known = np.flatnonzero(mine != "")
        columns = [[self.scheme] * len(known), mine[known].tolist(), known.astype(np.uint32)]
        return pa.table(columns, schema=ALIASES)


def identity_of(frame: Any, dataset: str) -> Identity:
    """Return ids that come out the same whenever the same file is read.

    A feature without an id gets a hash of its geometry; features that share an id are told apart by it.
    """
    lower = {str(column).lower(): column for column in frame.columns}
    column = next((lower[name] for name in _IDS if name in lower and _identifies(frame[lower[name]])), None)
    original = np.full(len(frame), "", object) if column is None else id_texts(frame[column])
    ids = original.copy()
    doubtful = pd.Series(ids).duplicated(keep=False).to_numpy() | (ids == "")
    for row, wkb in zip(
        np.flatnonzero(doubtful), shapely.to_wkb(frame.geometry.to_numpy()[doubtful], output_dimension=2), strict=True
    ):
        digest = hashlib.blake2b(wkb or b"", digest_size=6).hexdigest()
        ids[row] = f"{ids[row]}~{digest}" if ids[row] else digest
    again = pd.Series(ids).groupby(ids).cumcount().to_numpy()
    for row in np.flatnonzero(again):
        ids[row] = f"{ids[row]}~{again[row] + 1}"
    uids = np.array(derive_uids(dataset, ids.tolist()), object)
    scheme = "" if column is None else _scheme(str(column).lower(), frame, original)
    return Identity(ids, uids, scheme, original, "" if column is None else str(column))


def hashes_of(ids: Objects) -> NDArray[np.uint64]:
    """Return a number for each id, the same in every process."""
    return pd.util.hash_array(ids).astype(np.uint64)


def names_of(frame: Any) -> Any:
    """Return a series of names: the first naming column that has one."""
    lower = {str(column).lower(): column for column in frame.columns}
    result = pd.Series(np.full(len(frame), None, object))
    for name in _NAMES:
        if name in lower:
            values = frame[lower[name]].astype(object).reset_index(drop=True)
            result = result.where(result.notna(), values.where(values.notna(), None))
    return result.map(lambda value: str(value) if value is not None and value == value else None)  # noqa: PLR0124


def attribute_columns(frame: Any, skip: Iterable[str]) -> tuple[dict[str, pa.Array], pa.Array]:
    """Return typed columns of the common attributes, and the JSON ``properties`` cells of the rare ones.

    A column is rare when fewer than 2 % of the features have it, or when 40 fuller ones come first.
    Columns with names that every object table has get an underscore.
    """
    skip = {*skip, "geometry"}
    shares = {column: float(frame[column].notna().mean()) for column in frame.columns if str(column) not in skip}
    shares = {column: share for column, share in shares.items() if share > 0}
    ranked = sorted(shares, key=lambda column: -shares[column])
    languages = [column for column in ranked if str(column) in {"name:zh", "name:en"}]
    common = {*languages, *[column for column in ranked if shares[column] >= _RARE][:_MOST_COLUMNS]}
    columns = {_plain_name(column): _typed(frame[column]) for column in frame.columns if column in common}
    rare = [column for column in frame.columns if column in shares and column not in common]
    return columns, _json_cells(frame, rare)


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


def _identifies(values: Any) -> bool:
    """Say whether a column has text or whole numbers, at least one of them."""
    if not values.notna().any():
        return False
    if pd.api.types.is_float_dtype(values):
        known = values.dropna()
        return bool((known == known.round()).all())
    return not pd.api.types.is_bool_dtype(values)


def _scheme(column: str, frame: Any, original: Objects) -> str:
    source = frame["source"].astype(str) if "source" in frame.columns else pd.Series([], dtype=object)
    from_osm = source.str.contains("openstreetmap").mean() > 0.5 if len(source) else False
    known = original[original != ""]
    tagged = len(known) > 0 and str(known[0]).split("/")[0] in {"node", "way", "relation"}
    if column in {"osm_id", "full_id", "@id"} or from_osm or tagged:
        return "osm"
    return column.strip("@").replace(":", "_")


def _plain_name(column: Any) -> str:
    name = str(column)
    return f"{name}_" if name in FIXED_NAMES else name


def _typed(values: Any) -> pa.Array:
    if pd.api.types.is_object_dtype(values) or isinstance(values.dtype, pd.CategoricalDtype):
        kinds = {type(value) for value in values[values.notna()].head(2_000)}
        if kinds <= {bool} or kinds <= {int} or kinds <= {int, float}:
            try:
                return pa.array(values, from_pandas=True)
            except (pa.ArrowInvalid, pa.ArrowTypeError):
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
