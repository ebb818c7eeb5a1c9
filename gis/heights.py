"""How tall a building is: from a height column, its storeys, or a default, and where the number came from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scenes.errors import LoadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.sources import Source

    Floats = NDArray[np.float64]

STOREY_M = 3.2
TALLEST_M = 1_200.0
_HEIGHTS = (
    "height", "render_height", "building:height", "building_height", "height_m", "hoehe", "hauteur", "measuredheight",
    "measured_height", "height_roof", "heightroof", "roof_height_m", "h_max", "relhmax", "b3_h_max", "高度", "建筑高度",
)  # fmt: skip
_LEVELS = (
    "building:levels", "levels", "building_levels", "num_floors", "numfloors", "floors", "floor", "storeys", "stories",
    "storeysaboveground", "nb_etages", "层数", "楼层",
)  # fmt: skip
_BASES = ("min_height", "render_min_height", "building:min_height", "base_height")
_BASE_LEVELS = ("building:min_level", "min_level", "min_floor")
_DEFAULTS = {
    "house": 6.5, "detached": 6.5, "garage": 3.0, "garages": 3.0, "shed": 3.0, "hut": 3.0, "roof": 4.0, "carport": 3.0,
    "kiosk": 3.0, "apartments": 18.0, "residential": 12.0, "dormitory": 15.0, "office": 20.0, "commercial": 16.0,
    "hotel": 24.0, "retail": 8.0, "industrial": 9.0, "warehouse": 9.0, "hangar": 10.0, "school": 10.0,
    "university": 14.0, "hospital": 18.0, "church": 15.0, "cathedral": 25.0, "train_station": 12.0, "parking": 9.0,
}  # fmt: skip
_DEFAULT_M = 9.0
_FEET = re.compile(r"^\s*(\d+(?:[.,]\d+)?)\s*(?:'|ft|feet)\s*(?:(\d+(?:[.,]\d+)?)\s*(?:\"|''|in)?)?\s*$", re.IGNORECASE)
_METRES = re.compile(r"^\s*~?\s*(-?\d+(?:[.,]\d+)?)\s*(?:m|metres?|meters?|米)?\s*(?:[;/].*)?$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Heights:
    """Heights of n buildings above their ground, and where each came from.

    Parameters
    ----------
    top_m, base_m
        (n,) height of the roof and of the underside of the walls, metres above ground.
    levels
        (n,) storeys; NaN where unknown.
    source
        (n,) ``column``, ``levels``, ``missing`` (default by class) or ``implausible`` (likewise).
    used
        Names of the columns that were read.
    """

    top_m: Floats
    base_m: Floats
    levels: Floats
    source: NDArray[np.object_]
    used: tuple[str, ...]


def metres(text: object) -> float:
    """Return a length written in metres or feet as metres, NaN if it is not one.

    Examples
    --------
    >>> metres("12 m"), metres("40'"), metres("5,5"), metres("many")
    (12.0, 12.192, 5.5, nan)
    """
    if isinstance(text, (int, float, np.number)):
        return float(text)
    feet = _FEET.match(str(text))
    if feet:
        inches = float(feet[2].replace(",", ".")) if feet[2] else 0.0
        return round(float(feet[1].replace(",", ".")) * 0.3048 + inches * 0.0254, 6)
    match = _METRES.match(str(text))
    return float(match[1].replace(",", ".")) if match else float("nan")


def has_height(columns: Any) -> bool:
    """Say whether one of the columns is known to hold the height or the storeys of buildings."""
    return bool({str(column).lower() for column in columns} & {*_HEIGHTS, *_LEVELS})


def heights_of(frame: Any, classes: NDArray[np.object_], source: Source) -> Heights:
    """Return the heights of the buildings of a table.

    Raises
    ------
    LoadError
        When the column that the user named is not there.
    """
    lower = {str(column).lower(): column for column in frame.columns}
    wanted = source.height_column
    if wanted and wanted not in frame.columns:
        columns = ", ".join(str(column) for column in frame.columns if column != "geometry")[:300]
        raise LoadError(source.path, f"has no column {wanted} for --height", f"its columns are {columns}")
    used: list[str] = []
    height = _first(frame, [wanted] if wanted else [lower[n] for n in _HEIGHTS if n in lower], used)
    levels = _first(frame, [lower[name] for name in _LEVELS if name in lower], used)
    base = _first(frame, [lower[name] for name in _BASES if name in lower], used)
    base_levels = _first(frame, [lower[name] for name in _BASE_LEVELS if name in lower], used)
    base = np.nan_to_num(np.where(np.isfinite(base), base, base_levels * STOREY_M))
    codes, words = pd.factorize(classes)
    usual = np.array([*(_DEFAULTS.get(str(word).lower(), _DEFAULT_M) for word in words), _DEFAULT_M])[codes]
    implausible = (height > TALLEST_M) | (height < 0)
    known = (height > 0) & ~implausible
    counted = ~known & (levels > 0) & (levels < 300)
    top = np.where(known, height, np.where(counted, levels * STOREY_M, usual))
    from_where = np.where(known, "column", np.where(counted, "levels", np.where(implausible, "implausible", "missing")))
    floating = (base < 0) | (base >= top)
    missing = ~known & ~counted
    base = np.where(floating & ~missing, 0.0, np.where(floating, base.clip(0), base))
    top = np.where(base >= top, base + usual, top)
    return Heights(top, base, levels, from_where.astype(object), tuple(used))


def _first(frame: Any, columns: list[Any], used: list[str]) -> Floats:
    """Return (n,) numbers: of the first column that has one in that row."""
    result = np.full(len(frame), np.nan)
    for column in columns:
        values = frame[column]
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        texts = np.flatnonzero(~np.isfinite(numbers) & values.notna().to_numpy())
        if len(texts):
            numbers = numbers.copy()
            numbers[texts] = [metres(text) for text in values.iloc[texts]]
        used.append(str(column))
        result = np.where(np.isfinite(result), result, numbers)
    return result
