"""Open a city package: objects at once, geometry when it is touched."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes.errors import PackageError
from scenes.georeference import Georeference
from scenes.model import ALIASES as ALIAS_SCHEMA
from scenes.model import Batch, Layer, Scene
from scenes.paged import paged
from scenes.points import CloudMeshes
from scenes.relations import RELATIONS as RELATION_SCHEMA
from scenes.store import layout
from scenes.store.beside import read_beside
from scenes.store.meshes import StoredMeshes
from scenes.store.objects import read_objects
from scenes.store.remote import is_address, mirrored
from scenes.store.swap import recover

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

    Key = tuple[str, int]
    Beside = tuple[Mapping[Key, pa.Table], Mapping[Key, pa.Table]]


def open_package(path: str | os.PathLike[str], *, in_files: bool = False) -> Scene:
    """Return the scene of a city package (a folder or an address); its geometry is read when it is touched.

    Parameters
    ----------
    path
        The package.
    in_files
        Keep large tables in files (`scenes.paged`): slower to open, and flat in memory however large the city is.

    Raises
    ------
    PackageError
        When the package is missing, broken, or of a newer format.
    """
    folder = mirrored(str(path)) if is_address(path) else Path(path).absolute()
    recover(folder)
    content = layout.manifest(folder)
    beside = (
        read_beside(folder / layout.ALIASES, ALIAS_SCHEMA, required=True, in_files=in_files),
        # older packages have no relations
        read_beside(folder / layout.RELATIONS, RELATION_SCHEMA, required=False, in_files=in_files),
    )
    try:
        frame = Georeference(**content["georeference"])
        layers = {entry["name"]: _layer(folder, entry, beside, in_files=in_files) for entry in content["layers"]}
        metadata = dict(content.get("metadata", {}))
        if content.get("problems"):
            metadata["problems"] = content["problems"]
        return Scene(frame, layers, str(content["name"]), int(content["version"]), metadata)
    except (KeyError, TypeError, ValueError) as error:
        raise PackageError(
            folder / layout.MANIFEST, f"is incomplete ({error})", "restore it from a copy or build the city again"
        ) from error


def _layer(folder: Path, entry: Mapping[str, Any], beside: Beside, *, in_files: bool) -> Layer:
    name = str(entry["name"])
    keep = paged if in_files else _as_it_is
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        jobs = [
            pool.submit(_batch, folder, name, each, _beside_of(beside, (name, place)), keep)
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


def _as_it_is(table: pa.Table) -> pa.Table:
    return table


def _batch(
    folder: Path,
    layer: str,
    entry: Mapping[str, Any],
    beside: tuple[pa.Table, pa.Table],
    keep: Callable[[pa.Table], pa.Table],
) -> Batch:
    table = keep(read_objects(folder / layout.OBJECTS / layer / entry["file"], int(entry["rows"])))
    if not entry["triangles"]:
        return Batch(table, {}, *beside)
    file = folder / layout.MESHES / layer / entry["file"]
    if "points" in entry:
        return Batch(table, CloudMeshes(file, entry["mesh_hash"], int(entry["points"])), *beside)
    return Batch(table, StoredMeshes(file, entry["mesh_hash"], entry["triangles"]), *beside)
