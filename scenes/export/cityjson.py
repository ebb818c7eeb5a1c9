"""CityJSON 2.0: every object with its attributes and triangles at every level of detail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.export.cityjson_objects import kind_again, objects_of
from scenes.export.cityjson_values import plain
from scenes.georeference import parse_crs
from scenes.schema import METADATA_KEY
from scenes.semantics import SURFACES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet
    from scenes.model import Batch, Scene

    Json = dict[str, Any]
    Places = NDArray[np.int64]

SCALE_M = 0.001
THEME = "citytwin"
_METADATA = frozenset({"identifier", "pointOfContact", "referenceDate", "title"})
# Types that may not have points, or lines.
_NO_POINTS = frozenset(
    {"LandUse", "PlantCover", "Railway", "Road", "TINRelief", "TransportSquare", "WaterBody", "Waterway"}
)
_NO_LINES = frozenset({"LandUse", "PlantCover", "TINRelief"})
# Surfaces of ours that CityJSON has no word for.
_UNNAMED = frozenset({"", "TrafficSpace", "AuxiliaryTrafficSpace", "ClearanceSpace", "ThematicSurface"})


@dataclass(frozen=True, eq=False)
class Document:
    """A scene as CityJSON: its objects, the (n, 3) whole millimetres that they name, and the colours they name."""

    objects: dict[str, Json]
    vertices: Places
    materials: list[Json]


def write_cityjson(scene: Scene, file: Path) -> None:
    """Write a scene as CityJSON 2.0 in its projected system, coordinates in millimetres.

    Objects are named by their ids in the source where those are unique, by their uids else, and carry the uid as an
    attribute, so that this toolkit reads the same city back. A kind that CityJSON does not know, or whose parent is
    not written, becomes a ``GenericCityObject`` with the attribute ``kind``. Surfaces keep their semantics, triangles
    their colours (as materials, theme ``citytwin``). Instances are written out as triangles; LoD 4 becomes 3, the
    highest there is. Images are not written.
    """
    document = document_of(scene)
    content = {
        **header_of(scene),
        **_appearance(document.materials),
        "CityObjects": document.objects,
        "vertices": document.vertices.tolist(),
    }
    with file.open("w", encoding="utf-8") as out:
        json.dump(content, out, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def document_of(scene: Scene) -> Document:
    """Return the objects of a scene with their geometry."""
    batches = [batch for layer in scene.layers.values() for batch in layer.batches]
    keys, objects = objects_of(scene)
    writer = _Geometry(objects)
    meshes = [(batch, lod, mesh.expanded()) for batch in batches for lod, mesh in _levels(batch).items()]
    vertices, numbers = _distinct([np.round(mesh.positions_m / SCALE_M).astype(np.int64) for _, _, mesh in meshes])
    first = 0
    for batch, lod, mesh in meshes:
        names = [keys[uid] for uid in batch.table["uid"].to_pylist()]
        writer.add(names, _own_levels(batch), lod, (mesh, numbers[first : first + mesh.vertex_count]))
        first += mesh.vertex_count
    return Document(objects, vertices, writer.materials)


def header_of(scene: Scene) -> Json:
    """Return everything but objects and vertices."""
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [SCALE_M] * 3, "translate": scene.georeference.origin_m.tolist()},
        "metadata": _metadata(scene),
    }


def _appearance(materials: list[Json]) -> Json:
    return {"appearance": {"materials": materials}} if materials else {}


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


class _Geometry:
    """Adds the geometry of mesh sets to objects, and gathers their colours."""

    def __init__(self, objects: dict[str, Json]) -> None:
        self._objects = objects
        self._colours: dict[int, int] = {}
        self.materials: list[Json] = []

    def add(self, names: list[str], own: list[float], lod: str, shape: tuple[MeshSet, Places]) -> None:
        mesh, numbers = shape
        triangles = numbers[mesh.triangles]
        sound = (triangles != np.roll(triangles, 1, axis=1)).all(axis=1)
        starts = mesh.triangle_starts.tolist()
        paints = self._paints(mesh)
        for group, row in enumerate(mesh.rows.tolist()):
            if own[row] < float(lod):
                continue
            part = np.arange(starts[group], starts[group + 1])[sound[starts[group] : starts[group + 1]]]
            if len(part):
                self._surface(names[row], lod, triangles[part], (mesh, part, paints))
        self._loose(names, own, lod, shape)

    def _surface(self, name: str, lod: str, faces: Places, parts: tuple[MeshSet, Places, Places | None]) -> None:
        mesh, part, paints = parts
        item = self._objects[name]
        kind = "CompositeSurface" if item["type"] == "TINRelief" else "MultiSurface"
        geometry: Json = {"type": kind, "lod": lod, "boundaries": faces[:, None, :].tolist()}
        if mesh.semantics is not None:
            geometry |= _semantics(mesh.semantics[part])
        if paints is not None:
            mine = paints[part]
            same = bool((mine == mine[0]).all())
            geometry["material"] = {THEME: {"value": int(mine[0])} if same else {"values": mine.tolist()}}
        item.setdefault("geometry", []).append(geometry)

    def _paints(self, mesh: MeshSet) -> Places | None:
        """Return the material of each triangle, that of its first corner."""
        if mesh.colours is None or not len(mesh.triangles):
            return None
        codes = np.ascontiguousarray(mesh.colours[mesh.triangles[:, 0]]).view("<u4").reshape(-1)
        known, inverse = np.unique(codes, return_inverse=True)
        numbers = np.array([self._material(int(code)) for code in known], np.int64)
        return numbers[inverse.reshape(-1)]

    def _material(self, code: int) -> int:
        if code not in self._colours:
            red, green, blue, alpha = code.to_bytes(4, "little")
            name = f"#{red:02x}{green:02x}{blue:02x}{alpha:02x}"
            material: Json = {"name": name, "diffuseColor": [round(part / 255, 6) for part in (red, green, blue)]}
            if alpha < 255:
                material["transparency"] = round(1 - alpha / 255, 6)
            self._colours[code] = len(self.materials)
            self.materials.append(material)
        return self._colours[code]

    def _loose(self, names: list[str], own: list[float], lod: str, shape: tuple[MeshSet, Places]) -> None:
        """Add lines and points."""
        mesh, numbers = shape
        for kind, indices in (("MultiLineString", mesh.lines), ("MultiPoint", mesh.points)):
            if indices is None or not len(indices):
                continue
            rows = mesh.vertex_rows()[indices if indices.ndim == 1 else indices[:, 0]]
            for row in np.unique(rows).tolist():
                if own[row] >= float(lod):
                    _allow(self._objects[names[row]], _NO_POINTS if kind == "MultiPoint" else _NO_LINES)
                    geometry = {"type": kind, "lod": lod, "boundaries": numbers[indices[rows == row]].tolist()}
                    self._objects[names[row]].setdefault("geometry", []).append(geometry)


def _allow(item: Json, closed: frozenset[str]) -> None:
    """Make an object generic whose type may not have a kind of geometry."""
    if item["type"] in closed:
        item["attributes"].setdefault("kind", kind_again(item["type"]))
        item["type"] = "GenericCityObject"


def _semantics(codes: NDArray[np.uint8]) -> Json:
    """Return the semantics of some triangles, nothing where none has a name in CityJSON."""
    named = [code for code in np.unique(codes).tolist() if SURFACES[code] not in _UNNAMED]
    if not named:
        return {}
    places = {code: place for place, code in enumerate(named)}
    values = [places.get(code) for code in codes.tolist()]
    return {"semantics": {"surfaces": [{"type": SURFACES[code]} for code in named], "values": values}}


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
