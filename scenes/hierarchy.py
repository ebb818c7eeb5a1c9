"""Gives objects their place in the spatial tree: city > district > street > building, by where they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.model import Layer, Scene

# Themes whose objects stand in a district; rooms and elements have their parents from the model itself.
PLACED_THEMES = frozenset({"buildings", "bim", "sensors", "points", "trees"})


def with_districts(scene: Scene, themes: frozenset[str] = PLACED_THEMES) -> Scene:
    """Return the scene in which every object of some themes has the smallest district around it as its parent.

    Objects that have a parent keep it; districts themselves get the next larger one.
    """
    areas = _districts(scene)
    if areas is None:
        return scene
    polygons, uids = areas
    tree = shapely.STRtree(polygons)
    sizes = shapely.area(polygons)
    changed: dict[str, Layer] = dict(scene.layers)
    for name, layer in scene.layers.items():
        if layer.theme in themes or layer.theme == "districts":
            changed[name] = _placed(layer, tree, sizes, uids)
    return replace(scene, layers=changed)


def _districts(scene: Scene) -> tuple[NDArray[np.object_], NDArray[np.object_]] | None:
    shapes: list[bytes] = []
    uids: list[str] = []
    for layer in scene.layers.values():
        if layer.theme == "districts":
            shapes += layer.table["footprint"].to_pylist()
            uids += layer.table["uid"].to_pylist()
    if not shapes:
        return None
    polygons = shapely.from_wkb(shapes)
    areal = np.array([polygon is not None and polygon.geom_type in {"Polygon", "MultiPolygon"} for polygon in polygons])
    return polygons[areal], np.array(uids, object)[areal]


def _placed(layer: Layer, tree: shapely.STRtree, sizes: NDArray[np.float64], uids: NDArray[np.object_]) -> Layer:
    batches = []
    for batch in layer.batches:
        table = batch.table
        low_x, low_y, high_x, high_y = (
            table[name].to_numpy(zero_copy_only=False) for name in ("min_x", "min_y", "max_x", "max_y")
        )
        points = shapely.points((low_x + high_x) / 2, (low_y + high_y) / 2)
        own = table["uid"].to_numpy(zero_copy_only=False)
        rows, areas = tree.query(points, predicate="within")
        usable = uids[areas] != own[rows]
        rows, areas = rows[usable], areas[usable]
        order = np.lexsort((sizes[areas], rows))
        rows, first = np.unique(rows[order], return_index=True)
        parents = np.full(len(batch), None, object)
        parents[rows] = uids[areas[order][first]]
        column = pc.coalesce(table["parent"], pa.array(parents, pa.string()))
        index = table.schema.get_field_index("parent")
        batches.append(replace(batch, table=table.set_column(index, table.schema.field(index), column)))
    return layer.with_batches(batches)
