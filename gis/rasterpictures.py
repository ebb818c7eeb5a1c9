"""Pictures in rasters: bands, palettes and depths of any kind as red, green, blue and alpha of eight bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RGBA = 4


def has_alpha(dataset: Any) -> bool:
    """Say whether a dataset knows by a band of its own which pixels it has."""
    return any(interpretation.name == "alpha" for interpretation in dataset.colorinterp)


def colour_bands(dataset: Any) -> list[int]:
    """Return the numbers of the bands for red, green and blue; one where it is grey."""
    names = [interpretation.name for interpretation in dataset.colorinterp]
    if {"red", "green", "blue"} <= set(names):
        return [names.index(colour) + 1 for colour in ("red", "green", "blue")]
    return [1, 2, 3] if dataset.count >= 3 else [1]


def palette_of(dataset: Any) -> NDArray[np.uint8] | None:
    """Return (256, 4) colours of the values of a dataset, None where they are no numbers of colours."""
    if dataset.count > 2 or dataset.colorinterp[0].name != "palette":
        return None
    table = np.zeros((256, RGBA), np.uint8)
    for value, colour in dataset.colormap(1).items():
        if 0 <= value < 256:
            table[value] = colour
    return table


def pixels_of(
    warped: Any, known: NDArray[np.uint8], bands: list[int], palette: Any, span: tuple[float, float]
) -> NDArray[np.uint8]:
    """Return (rows, columns, 4) pixels of a warped dataset; `span` are the values that become black and white."""
    values = warped.read(bands)
    if palette is not None:
        rgba: NDArray[np.uint8] = palette[np.clip(values[0], 0, 255).astype(np.uint8)].copy()
        rgba[..., 3] = np.minimum(rgba[..., 3], known)
        return rgba
    if values.dtype != np.uint8 or span != (0.0, 255.0):
        share = (values.astype(np.float64) - span[0]) / (span[1] - span[0])
        values = np.rint(np.clip(np.nan_to_num(share), 0, 1) * 255).astype(np.uint8)
    colour = np.moveaxis(values if len(values) == 3 else np.repeat(values[:1], 3, axis=0), 0, 2)
    return np.concatenate([colour, known[..., None]], axis=2)
