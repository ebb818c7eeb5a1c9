"""City objects that were read from a model file, on their way to layers and batches."""

from __future__ import annotations

import itertools
import json
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
from scenes.relations import RELATIONS, relation_table
from scenes.schema import BOUNDS, FIXED_NAMES, METADATA_KEY, object_table
from scenes.semantics import areas_by_surface

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from gis.surfaces import SurfaceCollector
    from scenes.loading import LoadContext
    from scenes.mesh import MeshSet
    from scenes.sources import Source

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Objects = NDArray[np.object_]

_AREA_COLUMNS = {"RoofSurface": "roof_area_m2", "WallSurface": "wall_area_m2", "GroundSurface": "ground_area_m2"}
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
    "zones": ("landuse", "Planning zones", "规划分区"),
    "hazards": ("generic", "Hazard areas", "灾害风险区"),
    "objects": ("generic", "Other objects", "其他"),
}
LAYER_NAMES = frozenset(_LAYERS)
MOST_COLUMNS, RARE = 40, 0.02  # beyond these `attribute_columns` decides
_LAYER_OF = {
    "Road": "roads", "Railway": "roads", "Square": "roads", "Track": "roads", "TrafficArea": "roads",
    "AuxiliaryTrafficArea": "roads", "Section": "roads", "Intersection": "roads", "TrafficSpace": "roads",
    "AuxiliaryTrafficSpace": "roads", "ClearanceSpace": "roads", "Waterway": "water",
    "WaterBody": "water", "PlantCover": "landuse",
    "LandUse": "landuse", "SolitaryVegetationObject": "trees", "ReliefFeature": "terrain",
    "CityFurniture": "furniture", "OtherConstruction": "structures",
}  # fmt: skip


@dataclass(slots=True)
class ModelObject:
    """One object of a model file.

    Parameters
    ----------
    key
        Its id in the file, unique there.
    kind, name
        What it is and is called.
    parent
        Key of the object one level up, empty if there is none.
    attributes
        Plain values, which become columns.
    properties
        Groups of values: {group: {name: value}}.
    relations
        What it is tied to: (kind, key of the other object, role).
    uid
        Its own uid, where the file was written by this toolkit and names it.
    layer
        Layer that it goes to, empty = by its kind.
    """

    key: str
    kind: str
    name: str = ""
    parent: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, dict[str, Any]] = field(default_factory=dict)
    relations: list[tuple[str, str, str]] = field(default_factory=list)
    uid: str = ""
    layer: str = ""


@dataclass(frozen=True, slots=True)
class ModelNotes:
    """What a whole file says: the alias scheme of its ids, units of attributes, metadata to keep for exports."""

    scheme: str
    units: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


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
    objects: Sequence[ModelObject], surfaces: SurfaceCollector, notes: ModelNotes, source: Source, context: LoadContext
) -> Iterator[tuple[Layer, Batch]]:
    """Yield the objects as batches, layer by layer. Parents may lie in other batches: uids follow from keys.

    Raises
    ------
    LoadError
        When there is no object.
    """
    if not objects:
        raise LoadError(source.path, "there is no city object in it", "export it again, with its objects")
    layers = np.array([each.layer or layer_of(each.kind) for each in objects], object)
    names, counts = np.unique(layers.astype(str), return_counts=True)
    main = str(names[np.argmax(counts)])
    _report_degenerate(objects, surfaces, context)
    own = {each.key: each.uid for each in objects if each.uid}
    for name in _LAYERS:
        rows = np.flatnonzero(layers == name)
        for start in range(0, len(rows), BATCH_ROWS):
            part = rows[start : start + BATCH_ROWS]
            yield _layer(name, main, source), _batch(part, objects, surfaces, notes, (source, context, own))


def _batch(
    rows: Integers,
    objects: Sequence[ModelObject],
    surfaces: SurfaceCollector,
    notes: ModelNotes,
    place: tuple[Source, LoadContext, Mapping[str, str]],
) -> Batch:
    source, context, own = place
    mine = [objects[row] for row in rows]
    meshes = surfaces.meshes(rows)
    if not meshes:
        message = f"none of its {len(mine)} objects in {layer_of(mine[0].kind)} has a shape"
        context.problems.add("warning", source.path, "geometry-empty", message, "export them with geometry")
    uids = _uids([each.key for each in mine], own, source)
    shape = _Shapes(meshes, surfaces.plans(rows), surfaces.finest_levels(rows))
    above = _uids([each.parent for each in mine], own, source)
    parents = [uid if each.parent else None for each, uid in zip(mine, above, strict=True)]
    table = _table(mine, shape, (uids, parents), notes, source)
    aliases = [[notes.scheme] * len(mine), [each.key for each in mine], np.arange(len(mine), dtype=np.uint32)]
    return Batch(table, meshes, pa.table(aliases, schema=ALIASES), _relations(mine, own, source))


def _uids(keys: list[str], own: Mapping[str, str], source: Source) -> list[str]:
    """Return the uids of keys: those that the file itself gives, else derived ones."""
    derived = derive_uids(source.namespace, keys)
    return [own.get(key) or uid for key, uid in zip(keys, derived, strict=True)] if own else derived


def _relations(objects: Sequence[ModelObject], own: Mapping[str, str], source: Source) -> pa.Table:
    named = [(row, *relation) for row, each in enumerate(objects) for relation in each.relations]
    if not named:
        return RELATIONS.empty_table()
    rows, kinds, targets, roles = (list(column) for column in zip(*named, strict=True))
    return relation_table(rows, kinds, _uids(targets, own, source), roles)


def _report_degenerate(objects: Sequence[ModelObject], surfaces: SurfaceCollector, context: LoadContext) -> None:
    for row, count in surfaces.degenerates().items():
        text = f"{count} of its surfaces have no area: left out"
        context.problems.add("info", objects[row].key, "surface-degenerate", text, "repair it in its source")


def _layer(name: str, main: str, source: Source) -> Layer:
    theme, english, chinese = _LAYERS[name]
    if not plain_name(source.layer):
        return Layer(name, theme=theme, titles={"en": english, "zh": chinese}, source=source.file.name)
    wanted = plain_name(source.layer) + ("" if name == main else f"-{name}")
    titles = {"en": source.layer, "zh": source.layer}
    return Layer(wanted, theme=theme, titles=titles, source=source.file.name)


@dataclass(frozen=True, eq=False)
class _Shapes:
    """The geometry of the objects of a batch: meshes, plans and each one's own finest level."""

    meshes: dict[str, MeshSet]
    plans: Objects
    levels: list[str]

    def finest(self) -> MeshSet | None:
        return self.meshes[max(self.meshes, key=float)] if self.meshes else None


def _table(
    objects: list[ModelObject],
    shapes: _Shapes,
    ids: tuple[list[str], list[str | None]],
    notes: ModelNotes,
    source: Source,
) -> pa.Table:
    low, high = _bounds(objects, shapes.finest())
    measured, units = _measured(objects, shapes, high[:, 2] - low[:, 2])
    attributes, rare = _attributes(objects, {"name", "geometry", *measured})
    columns: dict[str, Any] = {
        "uid": pa.array(ids[0], pa.string()),
        "kind": [each.kind for each in objects],
        "name": pa.array([each.name or None for each in objects], pa.string()),
        "parent": pa.array(ids[1], pa.string()),
        "source": [source.file.name] * len(objects),
        "source_id": [each.key for each in objects],
        "footprint": pa.array(shapely.to_wkb(shapes.plans), pa.binary()),
        "properties": _properties(objects, rare),
    }
    columns |= dict(zip(BOUNDS, [*low.T, *high.T], strict=True))
    units |= {name: unit for name, unit in notes.units.items() if name in attributes}
    columns |= measured
    table = object_table({**columns, **attributes}, units)
    kept = {METADATA_KEY: json.dumps(notes.metadata, ensure_ascii=False).encode()} if notes.metadata else None
    return table.replace_schema_metadata(kept)


def _attributes(objects: list[ModelObject], skip: set[str]) -> tuple[dict[str, pa.Array], pa.Array]:
    """Return what `attribute_columns` does, where most columns hold values of one type and need no frame."""
    rows = [each.attributes for each in objects]
    names = dict.fromkeys(itertools.chain.from_iterable(rows))
    lists = {name: [row.get(name) for row in rows] for name in names if name not in skip}
    plain = {name: array for name, values in lists.items() if (array := _plain(values)) is not None}
    shares = {name: 1 - array.null_count / len(rows) for name, array in plain.items()}
    odd = len(plain) < len(lists) or len(plain) > MOST_COLUMNS or min(shares.values(), default=1.0) < RARE
    if odd or not FIXED_NAMES.isdisjoint(plain):
        return attribute_columns(pd.DataFrame(lists, index=range(len(rows)), dtype=object), skip)
    return plain, pa.nulls(len(rows), pa.string())


def _plain(values: list[Any]) -> pa.Array | None:
    """Return values of one type as an array, None where that is not so simple."""
    kinds = set(map(type, values)) - {type(None)}
    try:
        if kinds == {str}:
            return pa.array(values, pa.string())
        return pa.array(values, from_pandas=True) if kinds in ({int}, {float}, {int, float}, {bool}) else None
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return None


def _properties(objects: list[ModelObject], rare: pa.Array) -> pa.Array:
    """Return the ``properties`` cells: the groups of each object and its rare attributes."""
    if not any(each.properties for each in objects):
        return rare
    cells = []
    for each, text in zip(objects, rare.to_pylist(), strict=True):
        groups = {**each.properties, **(json.loads(text) if text else {})}
        cells.append(json.dumps(groups, ensure_ascii=False, default=str) if groups else None)
    return pa.array(cells, pa.string())


def _measured(objects: list[ModelObject], shapes: _Shapes, tall_m: Floats) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the columns that follow from the geometry, and their units."""
    found: dict[str, Any] = {}
    units: dict[str, str] = {}
    is_house = np.array([each.kind in {"Building", "BuildingPart"} for each in objects])
    if np.isfinite(tall_m[is_house]).any():
        found["height_m"], units["height_m"] = np.where(is_house & (tall_m > 0), tall_m, np.nan), "m"
    mesh = shapes.finest()
    areas = {} if mesh is None else areas_by_surface(mesh, len(objects))
    known = np.sum(list(areas.values()), axis=0) > 0 if areas else is_house
    for name, column in _AREA_COLUMNS.items():
        if name in areas:
            found[column], units[column] = np.where(known & is_house, areas[name], np.nan), "m2"
    found = {name: values for name, values in found.items() if np.isfinite(values).any()}
    if any(shapes.levels):
        found["lod"] = pa.array([level or None for level in shapes.levels], pa.string())
    return found, units


def _bounds(objects: list[ModelObject], mesh: MeshSet | None) -> tuple[Floats, Floats]:
    """Return the bounds of each object; those without surfaces get those of their children."""
    count = len(objects)
    if mesh is None:
        return np.full((count, 3), np.nan), np.full((count, 3), np.nan)
    low, high = mesh.row_bounds(count)
    places = {each.key: row for row, each in enumerate(objects)}
    above = np.array([places.get(each.parent, -1) for each in objects], np.int64)
    below = np.flatnonzero(above >= 0)
    for _ in range(4):  # building > storey > room > furniture
        np.fmin.at(low, above[below], low[below])
        np.fmax.at(high, above[below], high[below])
    return low, high
