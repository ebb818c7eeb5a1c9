"""Colours of layers whose objects have none of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COLOURS = {
    "buildings": (226, 221, 211, 255),
    "bim": (214, 212, 206, 255),
    "roads": (139, 141, 146, 255),
    "water": (108, 157, 189, 255),
    "landuse": (190, 203, 164, 255),
    "trees": (103, 146, 88, 255),
    "terrain": (199, 195, 178, 255),
    "pipes": (92, 128, 176, 255),
    "districts": (176, 164, 196, 255),
    "points": (214, 120, 72, 255),
    "sensors": (60, 160, 150, 255),
}
_GENERIC = (200, 200, 200, 255)


def default_colour(theme: str) -> NDArray[np.uint8]:
    """Return the (4,) uint8 sRGB colour of a theme.

    Examples
    --------
    >>> default_colour("water").tolist()
    [108, 157, 189, 255]
    """
    return np.array(_COLOURS.get(theme, _GENERIC), np.uint8)
