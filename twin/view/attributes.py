"""Overlays by an attribute: numbers on a ramp, texts as classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes import QueryError
from scenes.schema import attribute_names, unit_of
from twin.view.colour import ColourClass, ColourScale
from twin.view.words import column_titles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes import Scene

MOST_CLASSES = 12
FIRST_NUMBER = 1001
USUAL = ("height_m", "storeys", "levels", "year", "year_built", "function", "use", "usage", "class", "diameter_m")
# Okabe and Ito's colours and their lighter relatives: told apart with any colour vision.
CLASS_COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#f0e442",
    "#7a5195",
    "#8c8c8c",
    "#6b8e23",
    "#b5651d",
    "#3d5a80",
)


@dataclass(frozen=True, eq=False)
class AttributeOverlay:
    """An attribute as an overlay: its scale, the code of every handle, the layers that have it."""

    scale: ColourScale
    codes: NDArray[np.uint8]
    layers: tuple[str, ...]

    def spec(self, number: int) -> dict[str, Any]:
        """Return the overlay as viewers want it, under a number."""
        return self.scale.spec(number, layers=self.layers, source="attribute")


def overlay_by_attribute(scene: Scene, column: str, ramp: str = "viridis") -> AttributeOverlay:
    """Return the overlay of an attribute column of any layers.

    Numbers lie on a ramp between their 2nd and 98th percentile; texts become at most 12 classes, the most
    frequent ones.

    Raises
    ------
    QueryError
        When no layer has the column, or it has no value that could be shown.
    """
    layers = tuple(name for name, layer in scene.layers.items() if column in attribute_names(layer.table))
    if not layers:
        known = sorted({name for layer in scene.layers.values() for name in attribute_names(layer.table)})
        raise QueryError(column, "no layer has this attribute", f"there are {', '.join(known) or 'none'}")
    tables = [scene.layers[name].table for name in layers]
    unit = next((given for table in tables if (given := unit_of(table, column))), "1")
    columns = [table[column] for table in tables]
    if all(_is_number(each.type) for each in columns):
        values = [_numbers(each) for each in columns]
        scale = _ramp(column, unit, np.concatenate(values), ramp)
    else:
        texts = [pc.cast(each, pa.string()) for each in columns]
        scale, values = _classes(column, texts)
    codes = np.zeros(len(scene), np.uint8)
    for name, found in zip(layers, values, strict=True):
        base = scene.bases[name]
        codes[base : base + len(found)] = scale.codes(found)
    return AttributeOverlay(scale, codes, layers)


def usual_columns(scene: Scene) -> list[str]:
    """Return the well-known attributes that the scene has and that differ between objects."""
    found = []
    for column in USUAL:
        for layer in scene.layers.values():
            if column in attribute_names(layer.table) and pc.count_distinct(layer.table[column]).as_py() > 1:
                found.append(column)
                break
    return found


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.cast(pa.float64()).to_numpy(), np.float64)


def _ramp(column: str, unit: str, values: NDArray[np.float64], ramp: str) -> ColourScale:
    known = values[np.isfinite(values)]
    if not len(known):
        raise QueryError(column, "no object has a value", "choose another attribute")
    low, high = (float(number) for number in np.percentile(known, [2, 98]))
    if low >= 0 and low < 0.25 * high:
        low = 0.0
    if high <= low:
        high = low + 1.0
    return ColourScale(column, unit, column_titles(column), _rounded(low), _rounded(high, up=True), ramp)


def _rounded(value: float, *, up: bool = False) -> float:
    if value == 0:
        return 0.0
    step = 10.0 ** (np.floor(np.log10(abs(value))) - 1)
    return float(round((np.ceil if up else np.floor)(value / step) * step, 10))


def _classes(column: str, texts: list[pa.ChunkedArray]) -> tuple[ColourScale, list[NDArray[np.float64]]]:
    every = pa.chunked_array([chunk for text in texts for chunk in text.chunks], type=pa.string())
    counts = pc.value_counts(every.drop_null())
    if not len(counts):
        raise QueryError(column, "no object has a value", "choose another attribute")
    ranked = sorted(counts.to_pylist(), key=lambda each: (-each["counts"], each["values"]))
    names = [each["values"] for each in ranked[:MOST_CLASSES]]
    classes = tuple(
        ColourClass(float(number), CLASS_COLOURS[number], {"en": name, "zh": name}) for number, name in enumerate(names)
    )
    values = [
        np.asarray(pc.index_in(text, value_set=pa.array(names)).cast(pa.float64()).to_numpy(), np.float64)
        for text in texts
    ]
    return ColourScale(column, "1", column_titles(column), classes=classes), values
