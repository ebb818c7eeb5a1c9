"""Open a city package: objects at once, geometry when it is touched."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scenes.errors import PackageError
from scenes.georeference import Georeference
from scenes.model import ALIASES as ALIAS_SCHEMA
from scenes.model import Batch, Layer, Scene
from scenes.store import layout
from scenes.store.meshes import StoredMeshes
from scenes.store.objects import read_objects
from scenes.store.swap import recover

if TYPE_CHECKING:
    from collections.abc import Mapping

    Key = tuple[str, int]


def open_package(path: str | os.PathLike[str]) -> Scene:
    """Return the scene of a city package; its geometry is read when it is touched.

    Raises
    ------
    PackageError
        When the package is missing, broken, or of a newer format.
    """
    folder = Path(path).absolute()
    recover(folder)
    content = layout.manifest(folder)
    aliases = _aliases(folder)
    try:
        frame = Georeference(**content["georeference"])
        layers = {entry["name"]: _layer(folder, entry, aliases) for entry in content["layers"]}
        metadata = dict(content.get("metadata", {}))
        if content.get("problems"):
            metadata["problems"] = content["problems"]
        return Scene(frame, layers, str(content["name"]), int(content["version"]), metadata)
    except (KeyError, TypeError, ValueError) as error:
        raise PackageError(
            folder / layout.MANIFEST, f"is incomplete ({error})", "restore it from a copy or build the city again"
        ) from error


def _layer(folder: Path, entry: Mapping[str, Any], aliases: Mapping[Key, pa.Table]) -> Layer:
    name = str(entry["name"])
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        jobs = [
            pool.submit(_batch, folder, name, each, aliases.get((name, place)))
            for place, each in enumerate(entry["batches"])
        ]
        batches = tuple(job.result() for job in jobs)
    return Layer(name, batches, str(entry["theme"]), dict(entry["titles"]), str(entry["source"]))


def _batch(folder: Path, layer: str, entry: Mapping[str, Any], aliases: pa.Table | None) -> Batch:
    table = read_objects(folder / layout.OBJECTS / layer / entry["file"], int(entry["rows"]))
    known = aliases if aliases is not None else ALIAS_SCHEMA.empty_table()
    if not entry["triangles"]:
        return Batch(table, aliases=known)
    file = folder / layout.MESHES / layer / entry["file"]
    return Batch(table, StoredMeshes(file, entry["mesh_hash"], entry["triangles"]), known)


def _aliases(folder: Path) -> dict[Key, pa.Table]:
    """Return the aliases of each (layer, batch), as slices of one table."""
    file = folder / layout.ALIASES
    try:
        table = pq.read_table(file, columns=["scheme", "value", "row", "layer", "batch"])
    except (OSError, pa.ArrowException) as error:
        raise PackageError(
            file, f"cannot be read ({error})", "restore it from a copy or build the city again"
        ) from error
    if not table.num_rows:
        return {}
    layers = table["layer"].combine_chunks().dictionary_encode()
    batches = table["batch"].to_numpy()
    keys = np.stack([layers.indices.to_numpy().astype(np.int64), batches.astype(np.int64)])
    firsts = np.flatnonzero(np.append(True, (np.diff(keys, axis=1) != 0).any(axis=0)))
    names = layers.dictionary.to_pylist()
    slim = table.select(["scheme", "value", "row"])
    ends = [*firsts[1:].tolist(), table.num_rows]
    return {
        (names[int(keys[0, first])], int(keys[1, first])): slim.slice(first, end - first)
        for first, end in zip(firsts.tolist(), ends, strict=True)
    }
