"""The loader of models in files: glTF, OBJ, PLY, STL, OFF and VTK, placed by hand or in a system."""

from __future__ import annotations

import re
import urllib.parse
from typing import TYPE_CHECKING

import numpy as np

from gis.modelframe import ModelFrame
from gis.models3d.gltf import Model, read_gltf
from gis.models3d.objects import ModelRows
from gis.models3d.parts import PLAIN, Part, turned_up
from gis.models3d.vtkfiles import FORMATS as VTK_FORMATS
from gis.models3d.vtkfiles import read_vtk
from gis.networks.objects import layer_named
from gis.networks.plan import metric_crs
from gis.shelf import Shelf
from gis.sniffing import head_of
from gis.themes import plain_name
from scenes.errors import LoadError, UnplacedError
from scenes.loading import Location
from scenes.meshreading import FORMATS, NamedMesh, read_meshes
from scenes.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenes.loading import Ground, LoadContext
    from scenes.model import Batch, Layer
    from scenes.sources import Source

    Floats = NDArray[np.float64]

_GLTF = frozenset({".glb", ".gltf"})
_MOST_BYTES = 4 << 30
_FACES = re.compile(rb"^element\s+(face|tristrips)\s+[1-9]", re.MULTILINE)


class MeshFileLoader:
    """Reads models of glTF, OBJ, PLY, STL, OFF and VTK: one object a named node or group."""

    name = "meshfiles"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether it is a model by its ending; a PLY has to have faces."""
        if source.is_remote or source.file.is_dir():
            return False
        if source.suffix == ".ply":
            return bool(_FACES.search(head_of(source.file, 8_192)))
        return source.suffix in _GLTF | FORMATS | VTK_FORMATS

    def locate(self, source: Source) -> Location | None:
        """Return the middle of a model whose coordinates are in the system that the user named, else None."""
        if source.place is not None:
            return None
        _stated(source)
        points = _points(_model(source, Problems(limit=0)), source)
        found = ModelFrame.of(source, source.crs, points).location(points)
        return None if found is None else Location(found.longitude_deg, found.latitude_deg, metric_crs(source.crs))

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: a model is never the terrain."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield one layer with an object for each node.

        Raises
        ------
        SourceError, UnplacedError
            When the file is broken, or nobody says where it lies.
        """
        _stated(source)
        model = _model(source, context.problems)
        points = _points(model, source)
        if not len(points):
            raise LoadError(source.path, "has no triangle", "export it with its surfaces")
        frame = ModelFrame.of(source, source.crs, points)
        name = plain_name(source.file.stem) or "model"
        titles = {"en": source.file.stem, "zh": source.file.stem}
        layer = layer_named(name, "generic", titles, source, main=True)
        upright = turned_up if source.suffix in _GLTF else np.asarray
        scene = context.georeference
        yield from _rows(model).batches(layer, "node", source, lambda part: frame.to_local(upright(part), scene))


def _stated(source: Source) -> None:
    if source.place is None and not source.crs:
        raise UnplacedError(
            source.path,
            "a model of this kind does not say where it lies",
            "place it with --place FILE=E,N,H,ANGLE, or name its system with --source-crs FILE=EPSG:N",
        )


def _points(model: Model, source: Source) -> Floats:
    """Return all vertices with z up, (n, 3)."""
    parts = [part.positions for part in model.parts]
    every = np.concatenate(parts) if parts else np.zeros((0, 3))
    every = every[np.isfinite(every).all(axis=1)]
    return turned_up(every) if source.suffix in _GLTF else every


def _model(source: Source, problems: Problems) -> Model:
    """Return the parts and nodes of any of the formats."""
    if source.suffix in VTK_FORMATS:
        return _of_meshes([read_vtk(source.file)], source)
    shelf = Shelf.of(source.file)
    name = source.file.name
    data = shelf.read(name, _MOST_BYTES)

    def beside(reference: str) -> bytes | None:
        found = shelf.beside(name, urllib.parse.unquote(reference))
        return None if found is None else shelf.read(found, _MOST_BYTES)

    if source.suffix in _GLTF:
        return read_gltf(data, beside, source.path, problems)
    return _of_meshes(read_meshes(data, source.suffix, beside, source.path), source)


def _of_meshes(meshes: list[NamedMesh], source: Source) -> Model:
    model = Model()
    for row, mesh in enumerate(meshes):
        model.names.append(mesh.name or (source.file.stem if len(meshes) == 1 else ""))
        model.parents.append(-1)
        colours = mesh.colours
        if colours is None:
            colours = np.tile(np.array(PLAIN, np.uint8), (len(mesh.positions), 1))
        if mesh.picture is not None:
            colours = np.full_like(colours, 255)
        model.parts.append(Part(row, mesh.positions, mesh.triangles, colours, mesh.uvs, mesh.picture))
    return model


def _rows(model: Model) -> ModelRows:
    """Return the nodes as objects, named by their way from the root; nodes that only group others are groups."""
    rows = ModelRows()
    keys: list[str] = []
    seen: dict[str, int] = {}
    shown = {part.node for part in model.parts}
    for place, (name, above) in enumerate(zip(model.names, model.parents, strict=True)):
        way = f"{keys[above]}/{name or place}" if above >= 0 else f"node/{name or place}"
        seen[way] = seen.get(way, 0) + 1
        keys.append(way if seen[way] == 1 else f"{way}#{seen[way]}")
        kind = "GenericOccupiedSpace" if place in shown else "CityObjectGroup"
        rows.add(keys[-1], kind, name, keys[above] if above >= 0 else "")
    for part in model.parts:
        rows.parts.append(part)
        rows.rows.append(np.full(len(part.positions), part.node, np.int64))
    return rows
