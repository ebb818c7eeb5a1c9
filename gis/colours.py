"""The muted palette of the city: one place for every colour that a layer gets by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gis.prisms import PrismColours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Colours = NDArray[np.uint8]
    Floats = NDArray[np.float64]

_HOME_WALLS = ("#efe8dc", "#eae2d3", "#f3eee6", "#e5dccf", "#ece5de", "#e2d8cc")
_WORK_WALLS = ("#dfe3e6", "#e6e6e3", "#d7dde2", "#e3e0da")
_MAKE_WALLS = ("#d9d8d2", "#cfd3d4", "#ddd6cb")
_GLASS_WALLS = ("#b9cad6", "#adc3d2", "#c3d0d6", "#b4c6cc", "#a9bccb")
_ROOFS = ("#cfc8be", "#c4beb7", "#d3cdc5", "#bdb8b2", "#c9bdb0")
_GLASS_ROOFS = ("#9fb0bb", "#a8b4bb", "#93a7b4")

_WORK = ("office", "commercial", "retail", "hotel", "bank", "school", "hospital", "university", "public", "transport")
_MAKE = ("industrial", "warehouse", "garage", "parking", "hangar", "service", "shed")

ROAD_COLOURS = {
    "motorway": "#77797d", "trunk": "#7b7d81", "primary": "#808286", "secondary": "#86888b", "tertiary": "#8c8d90",
    "residential": "#939496", "service": "#9b9c9c", "pedestrian": "#cfc8bc", "path": "#c9c1b3", "rail": "#8a817a",
    "subway": "#7d8796", "ferry": "#9db8cb", "track": "#b9ad98",
}  # fmt: skip
WATER_COLOURS = {"water": "#8fb7cf", "pool": "#8fcfdc", "shore": "#7ea8c2"}
LAND_COLOURS = {
    "earth": "#e4e2da", "residential": "#e2ded3", "commercial": "#e0dcd9", "industrial": "#d9d6d0", "paved": "#dad6cd",
    "park": "#b9d3a4", "grass": "#c3d8ac", "wood": "#9dbf8d", "pitch": "#a9cfa0", "garden": "#b6d2a6",
    "farm": "#d8d8b0", "sand": "#e8dfc2", "school": "#e3ddc8", "cemetery": "#b8cbaf", "wetland": "#b3cfbf",
    "construction": "#d9cdbb", "generic": "#d8d9cf",
}  # fmt: skip
DISTRICT_COLOUR = "#9a86b8"
GENERIC_COLOUR = "#a8acb0"
POINT_COLOUR = "#d98b52"


def rgba(codes: Sequence[str]) -> Colours:
    """Return (n, 4) sRGB and opacity of colours written ``#rrggbb`` or ``#rrggbbaa``.

    Examples
    --------
    >>> rgba(["#ff8000"]).tolist()
    [[255, 128, 0, 255]]
    """
    return np.array([tuple(bytes.fromhex((code.lstrip("#") + "ff")[:8])) for code in codes], np.uint8).reshape(-1, 4)


def by_class(classes: NDArray[np.object_], palette: dict[str, str], otherwise: str) -> Colours:
    """Return (n, 4) colours looked up by class; unknown classes get `otherwise`."""
    names, inverse = np.unique(classes.astype(str), return_inverse=True)
    return rgba([palette.get(name, otherwise) for name in names])[inverse]


def building_colours(classes: NDArray[np.object_], heights_m: Floats, hashes: NDArray[np.uint64]) -> PrismColours:
    """Return wall and roof colours of (n,) buildings: warm when low, cool and glassy when tall.

    The same hash always gives the same colour; walls are a little darker at the foot.
    """
    pick = (hashes >> np.uint64(8)) % np.uint64(251)
    codes, words = pd.factorize(classes)
    names = [*(str(word).lower() for word in words), ""]  # the last where there is none
    work = np.array([any(word in name for word in _WORK) for name in names], bool)[codes]
    make = np.array([any(word in name for word in _MAKE) for name in names], bool)[codes]
    walls = _picked(_HOME_WALLS, pick)
    walls[work] = _picked(_WORK_WALLS, pick)[work]
    walls[make] = _picked(_MAKE_WALLS, pick)[make]
    tall = np.clip((heights_m - np.where(work, 30.0, 55.0)) / 70.0, 0.0, 1.0)[:, None]
    tall = tall * tall * (3 - 2 * tall)
    tint = (0.965 + 0.07 * ((hashes % np.uint64(1009)).astype(np.float64) / 1008.0))[:, None]
    top = (walls * (1 - tall) + _picked(_GLASS_WALLS, pick) * tall) * tint
    roof = (_picked(_ROOFS, pick) * (1 - tall) + _picked(_GLASS_ROOFS, pick) * tall) * tint
    return PrismColours(_opaque(top * 0.86), _opaque(top), _opaque(roof))


def _picked(codes: Sequence[str], pick: NDArray[np.uint64]) -> Floats:
    return rgba(codes)[:, :3].astype(np.float64)[(pick % np.uint64(len(codes))).astype(np.int64)]


def _opaque(rgb: Floats) -> Colours:
    return np.column_stack([np.clip(rgb, 0, 255), np.full(len(rgb), 255.0)]).astype(np.uint8)
