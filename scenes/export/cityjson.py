"""CityJSON 2.0: every object with its attributes and its faces at every level of detail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.export.cityjson_geometry import GeometryWriter
from scenes.export.cityjson_objects import objects_of
from scenes.export.cityjson_values import plain
from scenes.georeference import parse_crs
from scenes.schema import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.export.cityjson_looks import Looks
    from scenes.mesh import MeshSet
    from scenes.model import Batch, Scene

    Json = dict[str, Any]
    Places = NDArray[np.int64]

SCALE_M = 0.001
_METADATA = frozenset({"identifier", "pointOfContact", "referenceDate", "title"})


@dataclass(frozen=True, eq=False)
class Document:
    """A scene as CityJSON: its objects, the (n, 3) whole millimetres that they name, colours and images."""

    objects: dict[str, Json]
    vertices: Places
    looks: Looks


def write_cityjson(scene: Scene, file: Path) -> None:
    """Write a scene as CityJSON 2.0 in its projected system, coordinates in millimetres.

    Objects are named by their ids in the source where those are unique, by their uids else, and carry the uid as an
    attribute, so that this toolkit reads the same city back. A kind that CityJSON does not know, or whose parent is
    not written, becomes a ``GenericCityObject`` with the attribute ``kind``. Flat triangles of one surface become one
    polygon, closed meshes solids, everything else multi-surfaces. Surfaces keep their semantics, their colours and
    their images (theme ``citytwin``; the images lie beside the file). Instances are written out; LoD 4 becomes 3, the
    highest there is.
    """
    document = document_of(scene)
    content = {
        **header_of(scene),
        **document.looks.appearance(file.stem),
        "CityObjects": document.objects,
        "vertices": document.vertices.tolist(),
    }
    with file.open("w", encoding="utf-8") as out:
        json.dump(content, out, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    document.looks.write_images(file)


def document_of(scene: Scene) -> Document:
    """Return the objects of a scene with their geometry."""
    batches = [batch for layer in scene.layers.values() for batch in layer.batches]
    keys, objects = objects_of(scene)
    writer = GeometryWriter(objects)
    meshes = [(batch, lod, mesh.expanded()) for batch in batches for lod, mesh in _levels(batch).items()]
    vertices, numbers = _distinct([np.round(mesh.positions_m / SCALE_M).astype(np.int64) for _, _, mesh in meshes])
    first = 0
    for batch, lod, mesh in meshes:
        names = [keys[uid] for uid in batch.table["uid"].to_pylist()]
        writer.add(names, _own_levels(batch), lod, (mesh, numbers[first : first + mesh.vertex_count]))
        first += mesh.vertex_count
    return Document(objects, vertices, writer.looks)


def header_of(scene: Scene) -> Json:
    """Return everything but objects and vertices."""
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [SCALE_M] * 3, "translate": scene.georeference.origin_m.tolist()},
        "metadata": _metadata(scene),
    }


def _distinct(parts: list[Places]) -> tuple[Places, Places]:
    """Return each place once, and the number of each of all places."""
    if not parts:
        return np.zeros((0, 3), np.int64), np.zeros(0, np.int64)
    places = np.concatenate(parts)
    if not len(places):
        return places, np.zeros(0, np.int64)
    order = np.lexsort(places.T)
    ranked = places[order]
    new = np.concatenate([[True], (ranked[1:] != ranked[:-1]).any(axis=1)])
    numbers = np.empty(len(places), np.int64)
    numbers[order] = np.cumsum(new) - 1
    return ranked[new], numbers


def _levels(batch: Batch) -> dict[str, MeshSet]:
    """Return the geometry by the names of CityJSON, where 3 is the finest."""
    return {level if float(level) < 4 else "3": batch.meshes[level] for level in sorted(batch.meshes, key=float)}


def _own_levels(batch: Batch) -> list[float]:
    """Return the finest level of each row: the finest mesh also shows what does not reach it."""
    if "lod" not in batch.table.column_names:
        return [np.inf] * len(batch)
    texts = batch.table["lod"].to_pylist()
    return [float(text) if isinstance(text, str) and text.replace(".", "", 1).isdigit() else np.inf for text in texts]


def _metadata(scene: Scene) -> Json:
    metadata: Json = {"title": scene.name, **_kept_metadata(scene)}
    authority = parse_crs(scene.georeference.crs).to_authority()
    if authority is not None:
        metadata["referenceSystem"] = f"https://www.opengis.net/def/crs/{authority[0]}/0/{authority[1]}"
    bounds = scene.bounds()
    if bounds is not None:
        metadata["geographicalExtent"] = (np.reshape(bounds, (2, 3)) + scene.georeference.origin_m).reshape(-1).tolist()
    return metadata


def _kept_metadata(scene: Scene) -> Json:
    """Return what the one file that a scene was read from says about itself, nothing where there were several."""
    found = {text for text in _noted(scene) if text}
    if len(found) != 1:
        return {}
    kept = json.loads(found.pop())
    return {name: plain(value) for name, value in kept.items() if name in _METADATA} if isinstance(kept, dict) else {}


def _noted(scene: Scene) -> Iterator[bytes]:
    for layer in scene.layers.values():
        for batch in layer.batches:
            yield (batch.table.schema.metadata or {}).get(METADATA_KEY, b"")
