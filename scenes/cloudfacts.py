"""What the points of a layer are like together, and in which colours they are shown where nobody chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scenes.points import STEP_M
from scenes.schema import properties_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from scenes.model import Layer
    from scenes.points import PointBlocks


@dataclass(frozen=True, slots=True)
class CloudFacts:
    """What the blocks of a layer say together, found in their table without touching a point.

    Parameters
    ----------
    count
        Number of points.
    classes
        Class to number of points.
    low_m, high_m
        Local heights between which nearly all points lie.
    intensity
        The same for intensities; None where none are recorded.
    coloured
        Whether the points have colours of their own.
    """

    count: int
    classes: Mapping[int, int]
    low_m: float
    high_m: float
    intensity: tuple[float, float] | None
    coloured: bool

    @property
    def classified(self) -> bool:
        """Whether somebody told the points apart: at least a hundredth is of a class that says something."""
        telling = sum(count for number, count in self.classes.items() if number not in {0, 1, 12})
        return telling >= 0.01 * max(self.count, 1)


def cloud_facts(layer: Layer) -> CloudFacts:
    """Return the facts of a layer of blocks; blocks without them (made elsewhere) count as unclassified."""
    table = layer.table
    notes = [properties_of(text).get("points", {}) for text in table["properties"].to_pylist()]
    counts = _numbers(table, "point_count", 1.0)
    classes: dict[int, int] = {}
    for note in notes:
        for name, count in note.get("classes", {}).items():
            classes[int(name)] = classes.get(int(name), 0) + int(count)
    low = _weighted(_numbers(table, "low_m", np.nan, "min_z"), counts, 0.02)
    high = _weighted(_numbers(table, "high_m", np.nan, "max_z"), counts, 0.98)
    spans = np.array([note["intensity"] for note in notes if "intensity" in note], np.float64).reshape(-1, 2)
    weights = counts[[place for place, note in enumerate(notes) if "intensity" in note]]
    return CloudFacts(
        int(counts.sum()),
        dict(sorted(classes.items())),
        low,
        max(high, low + STEP_M),
        (_weighted(spans[:, 0], weights, 0.1), _weighted(spans[:, 1], weights, 0.9)) if len(spans) else None,
        any(note.get("colour", True) for note in notes),
    )


def shown_colours(blocks: PointBlocks, part: slice, facts: CloudFacts) -> NDArray[np.uint8]:
    """Return the (n, 4) sRGB colours in which some points are shown where nobody chooses.

    Their own; without them those of their classes; without classes a ramp by height.
    """
    if blocks.colours is not None:
        rgb = blocks.colours[part]
    elif facts.classified:
        rgb = CLASS_COLOURS[blocks.classes[part]]
    else:
        share = (blocks.places[part, 2] * STEP_M - facts.low_m) / (facts.high_m - facts.low_m)
        rgb = _HEIGHT_RAMP[np.clip(share * 255, 0, 255).astype(np.uint8)]
    return np.concatenate([rgb, np.full((len(rgb), 1), 255, np.uint8)], axis=1)


_NAMED_COLOURS = {
    0: "#a8adb3", 1: "#b9bdc2", 2: "#b08d63", 3: "#a9c97e", 4: "#78ad58", 5: "#3f7f3b", 6: "#d9705a", 7: "#e23ea0",
    8: "#8a6d4b", 9: "#4a90d0", 10: "#6b5b73", 11: "#7d828a", 12: "#c4c7cb", 13: "#e0b23c", 14: "#f0c84b",
    15: "#5d6f86", 16: "#d99a2b", 17: "#9c8fb0", 18: "#f06cb8", 19: "#8c7f6a", 20: "#c9b48f", 21: "#eef3f7",
    22: "#8f8f8f",
}  # fmt: skip
_OTHERS = ("#8dd3c7", "#bebada", "#fb8072", "#80b1d3", "#fdb462", "#b3de69", "#fccde5", "#bc80bd")
HEIGHT_STOPS = ((0.0, "#2c4a8c"), (0.25, "#2d9bb0"), (0.5, "#8fc970"), (0.75, "#f2cf5b"), (1.0, "#d1493f"))
"""Ramp by height: share of the way from low to high, colour."""


def _rgb(text: str) -> list[int]:
    return [int(text[i : i + 2], 16) for i in (1, 3, 5)]


CLASS_COLOURS: NDArray[np.uint8] = np.array(
    [_rgb(_NAMED_COLOURS.get(number, _OTHERS[number % len(_OTHERS)])) for number in range(256)], np.uint8
)
"""(256, 3) sRGB colour of each class."""

_HEIGHT_RAMP: NDArray[np.uint8] = np.stack(
    [
        np.interp(np.arange(256) / 255, [at for at, _ in HEIGHT_STOPS], [_rgb(text)[i] for _, text in HEIGHT_STOPS])
        for i in range(3)
    ],
    axis=1,
).astype(np.uint8)


def _numbers(table: pa.Table, name: str, otherwise: float, instead: str = "") -> NDArray[np.float64]:
    for column in (name, instead):
        if column in table.column_names:
            return table[column].to_numpy().astype(np.float64)  # type: ignore[no-any-return]
    return np.full(table.num_rows, otherwise)


def _weighted(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """Return the value below which a share of the weight lies, 0 where there is none."""
    known = np.isfinite(values)
    if not known.any():
        return 0.0
    order = np.argsort(values[known])
    total = np.cumsum(weights[known][order])
    return float(values[known][order][np.searchsorted(total, share * total[-1])])
