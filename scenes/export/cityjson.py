"""CityJSON 2.0: every object with its attributes and triangles at every level of detail."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.georeference import parse_crs
from scenes.schema import attribute_names, properties_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet
    from scenes.model import Batch, Scene

    Json = dict[str, Any]

SCALE_M = 0.001
# Names that CityJSON writes differently from CityGML; what it does not know becomes a GenericCityObject.
_RENAMED = {"Storey": "BuildingStorey", "ReliefFeature": "TINRelief", "Square": "TransportSquare", "Track": "Road"}
_FIRST = frozenset(
    {
        "Bridge",
        "Building",
        "CityFurniture",
        "GenericCityObject",
        "LandUse",
        "OtherConstruction",
        "PlantCover",
        "Railway",
        "Road",
        "SolitaryVegetationObject",
        "TINRelief",
        "TransportSquare",
        "Tunnel",
        "WaterBody",
        "Waterway",
    }
)
# Second-level objects and the first words of the types that may be their parents.
_SECOND = {
    "BridgeConstructiveElement": "Bridge",
    "BridgePart": "Bridge",
    "BuildingConstructiveElement": "Building",
    "BuildingFurniture": "Building",
    "BuildingInstallation": "Building",
    "BuildingPart": "Building",
    "BuildingRoom": "Building",
    "BuildingStorey": "Building",
    "BuildingUnit": "Building",
    "TunnelConstructiveElement": "Tunnel",
    "TunnelPart": "Tunnel",
}


def write_cityjson(scene: Scene, file: Path) -> None:
    """Write a scene as CityJSON 2.0 in its projected system, coordinates in millimetres.

    A kind that CityJSON does not know, or whose parent is not written, becomes a ``GenericCityObject`` with the
    attribute ``kind``. Instances are written out as triangles; LoD 4 becomes 3, the highest there is.
    """
    batches = [(name, batch) for name, layer in scene.layers.items() for batch in layer.batches]
    objects: dict[str, Json] = {}
    for name, batch in batches:
        objects.update(_objects_of(batch, name))
    _settle_types(objects)
    vertices = _add_geometry(objects, [batch for _, batch in batches])
    document = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [SCALE_M] * 3, "translate": scene.georeference.origin_m.tolist()},
        "metadata": _metadata(scene),
        "CityObjects": objects,
        "vertices": vertices.tolist(),
    }
    with file.open("w", encoding="utf-8") as out:
        json.dump(document, out, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _objects_of(batch: Batch, layer: str) -> dict[str, Json]:
    """Return the objects of a batch by uid, with attributes, without geometry."""
    table = batch.table
    columns = {name: table[name].to_pylist() for name in attribute_names(table)}
    rows = zip(*(table[name].to_pylist() for name in ("uid", "kind", "name", "parent", "properties")), strict=True)
    objects: dict[str, Json] = {}
    for row, (uid, kind, name, parent, properties) in enumerate(rows):
        attributes: Json = {"layer": layer, **({"name": name} if name else {})}
        attributes.update({key: _plain(values[row]) for key, values in columns.items() if values[row] is not None})
        attributes.update({key: _plain(value) for key, value in properties_of(properties).items()})
        objects[uid] = {"type": _RENAMED.get(kind, kind), "attributes": attributes, "parents": [parent]}
    return objects


def _settle_types(objects: dict[str, Json]) -> None:
    """Give every object a type that CityJSON allows where it stands, and tie parents and children."""
    settled: set[str] = set()
    for uid in objects:
        _settle(uid, objects, settled)
    for uid, item in objects.items():
        if "parents" in item:
            objects[item["parents"][0]].setdefault("children", []).append(uid)


def _settle(uid: str, objects: dict[str, Json], settled: set[str]) -> None:
    """Settle one object after its parents; a loop of parents is cut where it closes."""
    chain = [uid]
    while (
        (above := objects[chain[-1]].get("parents", [None])[0]) in objects
        and above not in settled
        and above not in chain
    ):
        chain.append(above)
    for each in reversed(chain):
        if each not in settled:
            _settle_one(objects[each], objects, settled)
            settled.add(each)


def _settle_one(item: Json, objects: dict[str, Json], settled: set[str]) -> None:
    parent = item["parents"][0]
    family = _SECOND.get(item["type"])
    if family and parent in settled and objects[parent]["type"].startswith(family):
        return
    if item["type"] not in _FIRST:
        item["attributes"]["kind"] = item["type"]
        item["type"] = "GenericCityObject"
    if parent is not None:
        item["attributes"]["parent"] = parent
    del item["parents"]


def _add_geometry(objects: dict[str, Json], batches: list[Batch]) -> NDArray[np.int64]:
    """Add the geometry of all batches and return the vertices, (n, 3) whole millimetres, each place once."""
    meshes = [(batch, lod, mesh.expanded()) for batch in batches for lod, mesh in _levels(batch).items()]
    places = [np.round(mesh.positions_m / SCALE_M).astype(np.int64) for _, _, mesh in meshes]
    if not places:
        return np.zeros((0, 3), np.int64)
    vertices, numbers = np.unique(np.concatenate(places), axis=0, return_inverse=True)
    numbers = numbers.reshape(-1)
    first = 0
    for batch, lod, mesh in meshes:
        _add_mesh(objects, batch.table["uid"].to_pylist(), lod, (mesh, numbers[first : first + mesh.vertex_count]))
        first += mesh.vertex_count
    return vertices


def _levels(batch: Batch) -> dict[str, MeshSet]:
    """Return the geometry by the names of CityJSON, where 3 is the finest."""
    return {level if float(level) < 4 else "3": batch.meshes[level] for level in sorted(batch.meshes, key=float)}


def _add_mesh(objects: dict[str, Json], uids: list[str], lod: str, shape: tuple[MeshSet, NDArray[np.int64]]) -> None:
    mesh, numbers = shape
    triangles = numbers[mesh.triangles]
    flat = (triangles == np.roll(triangles, 1, axis=1)).any(axis=1)
    starts = mesh.triangle_starts.tolist()
    for group, row in enumerate(mesh.rows.tolist()):
        part = slice(starts[group], starts[group + 1])
        faces = triangles[part][~flat[part]]
        if len(faces):
            item = objects[uids[row]]
            kind = "CompositeSurface" if item["type"] == "TINRelief" else "MultiSurface"
            geometry = {"type": kind, "lod": lod, "boundaries": faces[:, None, :].tolist()}
            item.setdefault("geometry", []).append(geometry)


def _metadata(scene: Scene) -> Json:
    metadata: Json = {"title": scene.name}
    authority = parse_crs(scene.georeference.crs).to_authority()
    if authority is not None:
        metadata["referenceSystem"] = f"https://www.opengis.net/def/crs/{authority[0]}/0/{authority[1]}"
    bounds = scene.bounds()
    if bounds is not None:
        metadata["geographicalExtent"] = (np.reshape(bounds, (2, 3)) + scene.georeference.origin_m).reshape(-1).tolist()
    return metadata


def _plain(value: Any) -> Any:
    """Return a value that JSON has a word for: times become ISO text, what is not finite becomes null."""
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, type(None))) else str(value)
