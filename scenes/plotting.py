"""A plan of a scene with matplotlib. The only door of matplotlib here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from scenes.errors import MissingLibraryError, QueryError, UnknownObjectError
from scenes.footprints import projected_footprints
from scenes.schema import unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geopandas import GeoDataFrame
    from matplotlib.axes import Axes

    from scenes.georeference import Georeference
    from scenes.model import Layer, Scene

# Quiet colours by theme, drawn from the ground up.
COLOURS = {
    "terrain": "#e9e4d8",
    "landuse": "#dfe8d3",
    "districts": "#efe9f2",
    "water": "#a9cbe0",
    "roads": "#b9b4ac",
    "pipes": "#8f7fb5",
    "buildings": "#d8c6b0",
    "bim": "#c98f6b",
    "generic": "#b8b8b8",
    "trees": "#7da36b",
    "points": "#c4574d",
    "sensors": "#d1495b",
}
_NO_VALUE = "#e3e3e3"


def plot(scene: Scene, column: str = "", *, layers: Sequence[str] = (), axes: Axes | None = None) -> Axes:
    """Draw the footprints in projected metres, north up, and return the axes.

    Parameters
    ----------
    scene
        What to draw.
    column
        Attribute that colours the objects that have it; the others are drawn in the colour of their theme.
    layers
        Names of the layers to draw; all of them by default.
    axes
        Where to draw; by default a new figure.

    Raises
    ------
    MissingLibraryError
        When matplotlib is not installed.
    QueryError, UnknownObjectError
        When no layer has the column, or the scene does not have a layer.
    """
    drawn = _picked(scene, layers)
    if column and not any(column in layer.table.column_names for layer in drawn):
        raise QueryError(column, "no layer has this column", f"there are layers {', '.join(scene.layers)}")
    axes = axes if axes is not None else _new_axes()
    order = list(COLOURS)
    for layer in sorted(drawn, key=lambda each: order.index(each.theme) if each.theme in order else len(order)):
        if column not in layer.table.column_names:
            _shapes(layer, scene.georeference).plot(ax=axes, color=COLOURS.get(layer.theme, COLOURS["generic"]))
    coloured = [layer for layer in drawn if column and column in layer.table.column_names]
    if coloured:
        _colour(coloured, column, scene.georeference, axes)
    axes.set_aspect("equal")
    axes.set_xlabel("easting / m")
    axes.set_ylabel("northing / m")
    axes.set_title(f"{scene.name} ({scene.georeference.crs})")
    axes.ticklabel_format(useOffset=False, style="plain")
    return axes


def _picked(scene: Scene, names: Sequence[str]) -> list[Layer]:
    for name in names:
        if name not in scene.layers:
            raise UnknownObjectError(name, f"no such layer; there are {', '.join(scene.layers) or 'none'}")
    return [layer for name, layer in scene.layers.items() if (not names or name in names) and len(layer)]


def _new_axes() -> Axes:
    try:
        from matplotlib import pyplot as plt  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("plot", "matplotlib is not installed", "pip install 'citytwin[app]'") from error
    _, axes = plt.subplots(figsize=(9, 8), layout="constrained")
    return axes


def _shapes(layer: Layer, georeference: Georeference) -> GeoDataFrame:
    import geopandas  # noqa: PLC0415

    shapes = projected_footprints(layer.table, georeference)
    placed = np.array([shape is not None and not shape.is_empty for shape in shapes], dtype=bool)
    return geopandas.GeoDataFrame({"row": np.flatnonzero(placed)}, geometry=shapes[placed], crs=georeference.crs)


def _colour(layers: Sequence[Layer], column: str, georeference: Georeference, axes: Axes) -> None:
    """Draw layers coloured by a column, with one legend that names the unit."""
    import pandas as pd  # noqa: PLC0415

    frames = []
    for layer in layers:
        frame = _shapes(layer, georeference)
        values = layer.table[column].take(pa.array(frame["row"].to_numpy()))
        frames.append(frame.assign(value=pd.Series(values.to_pandas().to_numpy(), index=frame.index)))
    merged = pd.concat(frames, ignore_index=True)
    unit = next((found for layer in layers if (found := unit_of(layer.table, column))), "")
    label = f"{column} / {unit}" if unit else column
    known = merged["value"].notna()
    if not known.all():
        merged[~known].plot(ax=axes, color=_NO_VALUE)
    if known.any():
        merged[known].plot("value", ax=axes, legend=True, **_legend(merged["value"], label))


def _legend(values: Any, label: str) -> dict[str, Any]:
    import pandas as pd  # noqa: PLC0415

    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return {"cmap": "viridis", "legend_kwds": {"label": label, "shrink": 0.7}}
    return {"categorical": True, "cmap": "tab20", "legend_kwds": {"title": label, "loc": "upper right", "fontsize": 8}}
