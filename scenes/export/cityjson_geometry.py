"""Meshes as the geometry of CityJSON: faces instead of triangles, solids where a mesh is closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.export.cityjson_looks import THEME, Looks
from scenes.export.cityjson_objects import kind_again
from scenes.export.faces import Neighbours, faces_of
from scenes.export.shells import shells_of
from scenes.semantics import SURFACES

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scenes.export.faces import Faces
    from scenes.export.shells import Shells
    from scenes.mesh import MeshSet

    Json = dict[str, Any]
    Integers = NDArray[np.int64]
    Ring = list[int]
    Bodies = list[list[list[int]]]  # faces by body and shell

# Types that may not have points, lines, solids, several solids.
_NO_POINTS = frozenset(
    {"LandUse", "PlantCover", "Railway", "Road", "TINRelief", "TransportSquare", "WaterBody", "Waterway"}
)
_NO_LINES = frozenset({"LandUse", "PlantCover", "TINRelief"})
_NO_SOLIDS = frozenset({"LandUse", "Railway", "Road", "TINRelief", "TransportSquare", "Waterway"})
_ONE_SOLID = frozenset({"Building", "BuildingPart", "BuildingRoom", "BuildingStorey", "BuildingUnit",
                        "OtherConstruction", "WaterBody"})  # fmt: skip
# Surfaces of ours that CityJSON has no word for.
_UNNAMED = frozenset({"", "TrafficSpace", "AuxiliaryTrafficSpace", "ClearanceSpace", "ThematicSurface"})


@dataclass(frozen=True, eq=False)
class _Surfaces:
    """The faces of a mesh set, and what each is: owner, code, material, texture; numbers of corners."""

    faces: Faces
    owners: Integers
    codes: Integers | None
    paints: Integers | None
    images: Integers | None
    vertices: list[int]
    places: list[int]


class GeometryWriter:
    """Adds the geometry of mesh sets to objects.

    Parameters
    ----------
    objects
        Objects of a document by name.
    """

    def __init__(self, objects: dict[str, Json]) -> None:
        """Start with no looks."""
        self._objects = objects
        self.looks = Looks()

    def add(self, names: list[str], own: list[float], lod: str, shape: tuple[MeshSet, Integers]) -> None:
        """Add a mesh set at a level of detail.

        Parameters
        ----------
        names, own
            Name and finest level of each row.
        shape
            The mesh and the vertex number of each of its positions.
        """
        mesh, numbers = shape
        starts = mesh.triangle_starts.astype(np.int64)
        owners = np.repeat(mesh.rows.astype(np.int64), starts[1:] - starts[:-1])
        triangles = numbers[mesh.triangles]
        sound = (triangles != np.roll(triangles, 1, axis=1)).all(axis=1)
        chosen = np.flatnonzero(sound & (np.array(own, float)[owners] >= float(lod)))
        if len(chosen):
            neighbours = Neighbours.of(triangles[chosen], owners[chosen])
            points = mesh.positions_m[mesh.triangles[chosen]].reshape(-1, 3)
            surfaces = self._surfaces(mesh, chosen, neighbours, points)
            shells = shells_of(neighbours, points)
            edges = np.flatnonzero(np.diff(surfaces.owners, prepend=-1))
            for first, last in zip(edges.tolist(), [*edges[1:].tolist(), len(surfaces.owners)], strict=True):
                item = self._objects[names[int(surfaces.owners[first])]]
                geometry = _geometry(item["type"], lod, surfaces, (first, last), shells)
                item.setdefault("geometry", []).append(geometry)
        self._loose(names, own, lod, shape)

    def _surfaces(
        self, mesh: MeshSet, chosen: Integers, neighbours: Neighbours, points: NDArray[np.float64]
    ) -> _Surfaces:
        codes = None if mesh.semantics is None else mesh.semantics[chosen].astype(np.int64)
        paints, images = self.looks.paints(mesh), self.looks.images(mesh)
        paints = None if paints is None else paints[chosen]
        images = None if images is None else images[chosen]
        none = np.zeros(len(chosen), np.int64)
        columns = [none if column is None else column for column in (codes, paints, images)]
        labels = np.unique(np.column_stack(columns), axis=0, return_inverse=True)[1].reshape(-1)
        uvs = None
        if images is not None and mesh.uvs is not None:
            uvs = np.where(np.repeat(images >= 0, 3)[:, None], mesh.uvs[mesh.triangles[chosen].reshape(-1)], 0.0)
        faces = faces_of(neighbours, points, labels, uvs)
        firsts = faces.firsts
        places = [] if uvs is None else self.looks.corners(uvs.astype(np.float64)).tolist()
        columns = [None if column is None else column[firsts] for column in (codes, paints, images)]  # type: ignore[misc]
        return _Surfaces(
            faces, neighbours.owners[firsts], columns[0], columns[1], columns[2],
            neighbours.triangles.reshape(-1).tolist(), places,
        )  # fmt: skip

    def _loose(self, names: list[str], own: list[float], lod: str, shape: tuple[MeshSet, Integers]) -> None:
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


def _geometry(kind: str, lod: str, surfaces: _Surfaces, span: tuple[int, int], shells: Shells) -> Json:
    """Return the faces of one object as a geometry."""
    first, last = span
    firsts = surfaces.faces.firsts[first:last]
    name, bodies = _surface_of(kind, len(firsts))
    if kind not in _NO_SOLIDS and float(lod) >= 1 and shells.closed[firsts[0]]:
        name, bodies = _bodies(kind, firsts, shells) or (name, bodies)
    order = np.array([place for body in bodies for shell in body for place in shell], np.int64) + first
    vertices = surfaces.vertices
    rings = [surfaces.faces.rings[place] for place in order.tolist()]

    def fold(values: list[Any]) -> list[Any]:
        return _folded(name, bodies, values)

    boundaries = [[[vertices[corner] for corner in ring] for ring in face] for face in rings]
    geometry: Json = {"type": name, "lod": lod, "boundaries": fold(boundaries)}
    if surfaces.codes is not None:
        geometry |= _semantics(surfaces.codes[order].tolist(), fold)
    if surfaces.paints is not None:
        mine = surfaces.paints[order].tolist()
        geometry["material"] = {THEME: {"value": mine[0]} if len(set(mine)) == 1 else {"values": fold(mine)}}
    if surfaces.images is not None and (surfaces.images[order] >= 0).any():
        found = zip(surfaces.images[order].tolist(), rings, strict=True)
        textures = [_texture(image, face, surfaces.places) for image, face in found]
        geometry["texture"] = {THEME: {"values": fold(textures)}}
    return geometry


def _surface_of(kind: str, count: int) -> tuple[str, Bodies]:
    return "CompositeSurface" if kind == "TINRelief" else "MultiSurface", [[list(range(count))]]


def _bodies(kind: str, firsts: Integers, shells: Shells) -> tuple[str, Bodies] | None:
    """Return the faces of a closed object by body and shell, None where they make no solid of its type."""
    numbers = shells.numbers[firsts]
    distinct = np.unique(numbers)
    volumes = shells.volumes_m3[distinct]
    parts = [np.flatnonzero(numbers == number).tolist() for number in distinct.tolist()]
    outer = np.flatnonzero(volumes > 0).tolist()
    if len(outer) == 1 and (volumes != 0).all() and volumes.sum() > 0:
        return "Solid", [[parts[outer[0]], *(part for place, part in enumerate(parts) if place != outer[0])]]
    if len(outer) == len(parts) and kind not in _ONE_SOLID:
        return "MultiSolid", [[part] for part in parts]
    return None


def _folded(name: str, bodies: Bodies, values: list[Any]) -> list[Any]:
    """Return what the faces have, nested as the type of the geometry asks."""
    if not name.endswith("Solid"):
        return values
    rest = iter(values)
    nested = [[[next(rest) for _ in shell] for shell in body] for body in bodies]
    return nested[0] if name == "Solid" else nested


def _texture(image: int, face: list[Ring], places: list[int]) -> list[list[int | None]]:
    return [[image, *(places[corner] for corner in ring)] if image >= 0 else [None] for ring in face]


def _allow(item: Json, closed: frozenset[str]) -> None:
    """Make an object generic whose type may not have a kind of geometry."""
    if item["type"] in closed:
        item["attributes"].setdefault("kind", kind_again(item["type"]))
        item["type"] = "GenericCityObject"


def _semantics(codes: list[int], fold: Callable[[list[Any]], list[Any]]) -> Json:
    """Return the semantics of some faces, nothing where none has a name in CityJSON."""
    named = [code for code in sorted(set(codes)) if SURFACES[code] not in _UNNAMED]
    if not named:
        return {}
    places = {code: place for place, code in enumerate(named)}
    values = [places.get(code) for code in codes]
    return {"semantics": {"surfaces": [{"type": SURFACES[code]} for code in named], "values": fold(values)}}
