"""Open a city package: objects at once, geometry when it is touched."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes.errors import PackageError
from scenes.georeference import Georeference
from scenes.model import ALIASES as ALIAS_SCHEMA
from scenes.model import Batch, Layer, Scene
from scenes.points import CloudMeshes
from scenes.relations import RELATIONS as RELATION_SCHEMA
from scenes.store import layout
from scenes.store.beside import read_beside
from scenes.store.meshes import StoredMeshes
from scenes.store.objects import read_objects
from scenes.store.remote import is_address, mirrored
from scenes.store.swap import recover

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from scenes.mesh import MeshSet

    Key = tuple[str, int]
    Beside = tuple[Mapping[Key, pa.Table], Mapping[Key, pa.Table]]


def open_package(path: str | os.PathLike[str]) -> Scene:
    """Return the scene of a city package (a folder or an address); its geometry is read when it is touched.

    Raises
    ------
    PackageError
        When the package is missing, broken, or of a newer format.
    """
    folder = mirrored(str(path)) if is_address(path) else Path(path).absolute()
    recover(folder)
    content = layout.manifest(folder)
    beside = (
        read_beside(folder / layout.ALIASES, ALIAS_SCHEMA, required=True),
        # older packages have no relations
        read_beside(folder / layout.RELATIONS, RELATION_SCHEMA, required=False),
    )
    try:
        frame = Georeference(**content["georeference"])
        layers = {entry["name"]: _layer(folder, entry, beside) for entry in content["layers"]}
        metadata = dict(content.get("metadata", {}))
        if content.get("problems"):
            metadata["problems"] = content["problems"]
        return Scene(frame, layers, str(content["name"]), int(content["version"]), metadata)
    except (KeyError, TypeError, ValueError) as error:
        raise PackageError(
            folder / layout.MANIFEST, f"is incomplete ({error})", "restore it from a copy or build the city again"
        ) from error


def with_stored_geometry(scene: Scene, package: Path) -> Scene:
    """Return a scene with its geometry in the files of a package that holds just this scene; nothing else is read."""
    layers = {}
    for entry in layout.manifest(package)["layers"]:
        layer = scene.layers[str(entry["name"])]
        pairs = zip(layer.batches, entry["batches"], strict=True)
        batches = tuple(replace(batch, meshes=_meshes(package, layer.name, each)) for batch, each in pairs)
        layers[layer.name] = replace(layer, batches=batches)
    return replace(scene, layers=layers)


def _layer(folder: Path, entry: Mapping[str, Any], beside: Beside) -> Layer:
    name = str(entry["name"])
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        jobs = [
            pool.submit(_batch, folder, name, each, _beside_of(beside, (name, place)))
            for place, each in enumerate(entry["batches"])
        ]
        batches = tuple(job.result() for job in jobs)
    return Layer(name, batches, str(entry["theme"]), dict(entry["titles"]), str(entry["source"]))


def _beside_of(beside: Beside, key: Key) -> tuple[pa.Table, pa.Table]:
    aliases, relations = (part.get(key) for part in beside)
    return (
        ALIAS_SCHEMA.empty_table() if aliases is None else aliases,
        RELATION_SCHEMA.empty_table() if relations is None else relations,
    )


def _batch(folder: Path, layer: str, entry: Mapping[str, Any], beside: tuple[pa.Table, pa.Table]) -> Batch:
    table = read_objects(folder / layout.OBJECTS / layer / entry["file"], int(entry["rows"]))
    return Batch(table, _meshes(folder, layer, entry), *beside)


def _meshes(folder: Path, layer: str, entry: Mapping[str, Any]) -> Mapping[str, MeshSet]:
    if not entry["triangles"]:
        return {}
    file = folder / layout.MESHES / layer / entry["file"]
    if "points" in entry:
        return CloudMeshes(file, entry["mesh_hash"], int(entry["points"]))
    return StoredMeshes(file, entry["mesh_hash"], entry["triangles"])
