"""City objects that were read from a model file, on their way to layers and batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gis.attributes import attribute_columns
from gis.themes import plain_name
from scenes.errors import LoadError
from scenes.identity import derive_uids
from scenes.model import ALIASES, BATCH_ROWS, Batch, Layer
from scenes.schema import BOUNDS, object_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.surfaces import SurfaceCollector
    from scenes.loading import LoadContext
    from scenes.mesh import MeshSet
    from scenes.sources import Source

    Floats = NDArray[np.float64]

# Kind to layer: name, theme, titles.
_LAYERS = {
    "buildings": ("buildings", "Buildings", "建筑"),
    "roads": ("roads", "Roads", "道路"),
    "water": ("water", "Water", "水系"),
    "landuse": ("landuse", "Land use", "用地"),
    "trees": ("trees", "Trees", "树木"),
    "terrain": ("terrain", "Terrain", "地形"),
    "structures": ("generic", "Structures", "构筑物"),
    "furniture": ("generic", "Street furniture", "城市设施"),
    "objects": ("generic", "Other objects", "其他"),
}
_LAYER_OF = {
    "Road": "roads", "Railway": "roads", "Square": "roads", "Track": "roads", "TrafficArea": "roads",
    "AuxiliaryTrafficArea": "roads", "Waterway": "water", "WaterBody": "water", "PlantCover": "landuse",
    "LandUse": "landuse", "SolitaryVegetationObject": "trees", "ReliefFeature": "terrain",
    "CityFurniture": "furniture", "OtherConstruction": "structures",
}  # fmt: skip


@dataclass(slots=True)
class ModelObject:
    """One object of a model file: its id, kind, name, parent's id and attributes."""

    key: str
    kind: str
    name: str = ""
    parent: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)


def layer_of(kind: str) -> str:
    """Return the layer that objects of a kind go to.

    Examples
    --------
    >>> layer_of("BuildingPart"), layer_of("Road"), layer_of("BridgePart")
    ('buildings', 'roads', 'structures')
    """
    if kind in _LAYER_OF:
        return _LAYER_OF[kind]
    if kind.startswith("Building") or kind in {"Storey", "Door", "Window"}:
        return "buildings"
    return "structures" if kind.startswith(("Bridge", "Tunnel")) else "objects"


def batches_of(
    objects: list[ModelObject], surfaces: SurfaceCollector, scheme: str, source: Source, context: LoadContext
) -> Iterator[tuple[Layer, Batch]]:
    """Yield the objects as batches, layer by layer; `scheme` names the aliases of their ids.

    Raises
    ------
    LoadError
        When there is no object.
    """
    if not objects:
        raise LoadError(source.path, "there is no city object in it", "export it again, with its objects")
    layers = np.array([layer_of(each.kind) for each in objects], object)
    names, counts = np.unique(layers.astype(str), return_counts=True)
    main = str(names[np.argmax(counts)])
    uids = dict(
        zip((each.key for each in objects), derive_uids(source.namespace, [o.key for o in objects]), strict=True)
    )
    for name in _LAYERS:
        rows = np.flatnonzero(layers == name)
        for start in range(0, len(rows), BATCH_ROWS):
            part = rows[start : start + BATCH_ROWS]
            mine = [objects[row] for row in part]
            meshes = surfaces.meshes(part)
            if not meshes:
                message = f"none of its {len(mine)} objects in {name} has a surface"
                context.problems.add("warning", source.path, "geometry-empty", message, "export them with geometry")
            for row in part:
                flat = surfaces.degenerate(int(row))
                if flat:
                    text = f"{flat} of its surfaces have no area: left out"
                    context.problems.add(
                        "info", objects[row].key, "surface-degenerate", text, "repair it in its source"
                    )
            table = _table(mine, meshes, uids, source)
            aliases = [[scheme] * len(mine), [each.key for each in mine], np.arange(len(mine), dtype=np.uint32)]
            yield _layer(name, main, source), Batch(table, meshes, pa.table(aliases, schema=ALIASES))


def _layer(name: str, main: str, source: Source) -> Layer:
    theme, english, chinese = _LAYERS[name]
    if not plain_name(source.layer):
        return Layer(name, theme=theme, titles={"en": english, "zh": chinese}, source=source.file.name)
    wanted = plain_name(source.layer) + ("" if name == main else f"-{name}")
    titles = {"en": source.layer, "zh": source.layer}
    return Layer(wanted, theme=theme, titles=titles, source=source.file.name)


def _table(objects: list[ModelObject], meshes: dict[str, MeshSet], uids: dict[str, str], source: Source) -> pa.Table:
    frame = pd.DataFrame([each.attributes for each in objects], index=range(len(objects)))
    attributes, properties = attribute_columns(frame, {"name"})
    low, high = _bounds(objects, meshes)
    columns: dict[str, Any] = {
        "uid": pa.array([uids[each.key] for each in objects], pa.string()),
        "kind": [each.kind for each in objects],
        "name": pa.array([each.name or None for each in objects], pa.string()),
        "parent": pa.array([uids.get(each.parent) for each in objects], pa.string()),
        "source": [source.file.name] * len(objects),
        "source_id": [each.key for each in objects],
        "footprint": pa.array(_footprints(objects, meshes), pa.binary()),
        "properties": properties,
    }
    columns |= dict(zip(BOUNDS, [*low.T, *high.T], strict=True))
    units = {}
    tall = high[:, 2] - low[:, 2]
    if np.isfinite(tall).any() and any(each.kind.startswith("Building") for each in objects):
        columns["height_m"] = np.where([each.kind in {"Building", "BuildingPart"} for each in objects], tall, np.nan)
        units["height_m"] = "m"
    units |= {name: "m" for name in attributes if name in {"measuredHeight", "b3_h_maaiveld"}}
    return object_table({**columns, **{k: v for k, v in attributes.items() if k not in columns}}, units)


def _bounds(objects: list[ModelObject], meshes: dict[str, MeshSet]) -> tuple[Floats, Floats]:
    """Return the bounds of each object; those without surfaces get those of their children."""
    count = len(objects)
    low, high = np.full((count, 3), np.nan), np.full((count, 3), np.nan)
    if meshes:
        low, high = meshes[max(meshes, key=float)].row_bounds(count)
    places = {each.key: row for row, each in enumerate(objects)}
    for _ in range(4):  # building > storey > room > furniture
        for row, each in enumerate(objects):
            above = places.get(each.parent)
            if above is not None and np.isfinite(low[row, 0]):
                low[above] = np.fmin(low[above], low[row])
                high[above] = np.fmax(high[above], high[row])
    return low, high


def _footprints(objects: list[ModelObject], meshes: dict[str, MeshSet]) -> list[bytes | None]:
    """Return the plan of each object: the union of its faces that look down, else of those that look up."""
    found: list[bytes | None] = [None] * len(objects)
    if not meshes:
        return found
    mesh = meshes[max(meshes, key=float)]
    corner = mesh.positions_m[mesh.triangles]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    length = np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    steep = normal[:, 2] / length
    for group, row in enumerate(mesh.rows):
        part = slice(int(mesh.triangle_starts[group]), int(mesh.triangle_starts[group + 1]))
        faces, slope = corner[part], steep[part]
        shape = None
        if len(faces) <= 4_000 and objects[row].kind != "ReliefFeature":
            for chosen in (slope < -0.3, slope > 0.05):
                if chosen.any():
                    shape = _union(faces[chosen])
                    break
        if shape is None and len(faces):
            shape = shapely.box(*faces[:, :, :2].min(axis=(0, 1)), *faces[:, :, :2].max(axis=(0, 1)))
        found[row] = None if shape is None else shapely.to_wkb(shape)
    return found


def _union(faces: Floats) -> Any:
    triangles = np.asarray(shapely.polygons(faces[:, :, :2]))
    try:
        shape = shapely.union_all(triangles[shapely.is_valid(triangles)])
    except shapely.errors.GEOSException:
        return None
    return None if shapely.is_empty(shape) else shape
