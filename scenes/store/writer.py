"""Write a scene as a city package: link what did not change, write the rest, then let the folders change places."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from scenes.digest import meshes_hash
from scenes.errors import PackageError
from scenes.model import ALIASES as ALIAS_SCHEMA
from scenes.points import CloudMeshes, cloud_of, point_count, write_blocks
from scenes.relations import RELATIONS as RELATION_SCHEMA
from scenes.scratch import scratch_folder
from scenes.store import layout
from scenes.store.beside import write_beside
from scenes.store.meshes import StoredMeshes, write_meshes
from scenes.store.objects import write_objects
from scenes.store.remote import is_address, mirrored, push
from scenes.store.swap import link_file, link_tree, replacing, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scenes.georeference import Georeference
    from scenes.model import Batch, Layer, Scene
    from scenes.problems import Problem

    Tiler = Callable[[Path, Path], object]


def _silent(_message: str, _share: float) -> None:
    return None


def save(
    scene: Scene,
    path: str | os.PathLike[str],
    *,
    problems: Sequence[Problem] = (),
    progress: Callable[[str, float], None] = _silent,
    tiler: Tiler | None = None,
) -> Path:
    """Write a scene as a city package and return its folder.

    Saving over a package links the batches that did not change, drops fields (and without a tiler, tiles) that no
    longer fit, and carries everything else over (history, scenarios, state). The old package stays whole until the
    new one is complete. `scenes.saving.save` is the same with tiles.

    Parameters
    ----------
    scene
        What to store.
    path
        The folder, by habit ``NAME.city``, or an address in object storage (`scenes.store.remote`), which gets a new
        version of the objects and their geometry; the folder is then that of its mirror.
    problems
        What was found wrong while loading; kept in the manifest.
    progress
        Called with (text, share 0..1) before each step; an exception from it stops the save and leaves no trace.
    tiler
        Makes the tiles of the new package before it takes its place: called with its folder, and that of the old one.

    Raises
    ------
    PackageError
        When the folder is something else than a city package, or cannot be written.
    """
    if is_address(path):
        with tempfile.TemporaryDirectory(dir=scratch_folder()) as beside:
            name = str(path).rstrip("/").rsplit("/", 1)[-1]
            push(save(scene, Path(beside) / name, problems=problems, progress=progress, tiler=tiler), str(path))
        return mirrored(str(path))
    target = Path(path).absolute()
    old = _old_package(target)
    for name in scene.layers:
        layout.check_layer_name(target, name)
    try:
        with replacing(target, _carried(target)) as fresh:
            _Writer(scene, fresh, target, old, progress).write(problems, tiler)
    except (OSError, pa.ArrowException) as error:
        raise PackageError(target, f"cannot be written ({error})", "check space and permissions there") from error
    return target


def _old_package(target: Path) -> dict[str, Any]:
    """Return the manifest of the package that will be replaced, empty if there is none."""
    sweep(target)
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return {}
    if not target.is_dir() or not layout.is_package(target):
        raise PackageError(target, "exists and is not a city package", "choose another name; it was left as it is")
    return layout.manifest(target)


def _carried(target: Path) -> frozenset[str]:
    names = {entry.name for entry in target.iterdir()} if target.is_dir() else set()
    return frozenset(names - layout.OWNED - {layout.TILES, layout.FIELDS})


@dataclass
class _Writer:
    """Fills the new folder of one save."""

    scene: Scene
    fresh: Path
    target: Path
    old: dict[str, Any]
    progress: Callable[[str, float], None]

    def write(self, problems: Sequence[Problem], tiler: Tiler | None) -> None:
        """Write all parts, the manifest last; tiles are made of what is written."""
        entries = [self._write_layer(layer) for layer in self.scene.layers.values()]
        self.progress("writing the aliases and relations", 0.9)
        write_beside(self.scene, "aliases", ALIAS_SCHEMA, self.fresh / layout.ALIASES)
        write_beside(self.scene, "relations", RELATION_SCHEMA, self.fresh / layout.RELATIONS)
        for name in (layout.ALIASES, layout.RELATIONS):
            self._link_same(name)
        self._carry_over([] if tiler else entries)
        self.progress("writing the manifest", 0.97)
        content = self._manifest(entries, problems)
        (self.fresh / layout.MANIFEST).write_text(content, encoding="utf-8")
        if tiler is not None:
            tiler(self.fresh, self.target)
        self.progress("putting the package in place", 0.99)

    def _write_layer(self, layer: Layer) -> dict[str, Any]:
        """Write the batches of a layer, several at a time, and return its entry in the manifest."""
        (self.fresh / layout.OBJECTS / layer.name).mkdir(parents=True)
        (self.fresh / layout.MESHES / layer.name).mkdir(parents=True)
        share = 0.9 * self.scene.bases[layer.name] / max(len(self.scene), 1)
        batches: list[dict[str, Any]] = []
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            jobs = [pool.submit(self._write_batch, layer, place) for place in range(len(layer.batches))]
            try:
                for job in jobs:
                    self.progress(f"writing {layer.name}", share)
                    batches.append(job.result())
                    share += 0.9 * batches[-1]["rows"] / max(len(self.scene), 1)
            finally:
                pool.shutdown(cancel_futures=True)
        return {
            "name": layer.name,
            "theme": layer.theme,
            "titles": dict(layer.titles),
            "source": layer.source,
            "objects": len(layer),
            "lods": list(layer.lods),
            "triangles": layer.triangle_count,
            "bounds": layer.bounds(),
            "batches": batches,
        }

    def _write_batch(self, layer: Layer, place: int) -> dict[str, Any]:
        batch, file = layer.batches[place], f"{place:04d}.parquet"
        entry = {
            "file": file,
            "rows": len(batch),
            "hash": batch.content_hash,
            "mesh_hash": meshes_hash(batch.meshes),
            "triangles": _triangle_counts(batch),
        }
        if (points := point_count(batch.meshes)) is not None:
            entry["points"] = points
        self._objects(batch, layer.name, entry, self.fresh / layout.OBJECTS / layer.name / file)
        if batch.meshes:
            self._meshes(batch, layer.name, entry, self.fresh / layout.MESHES / layer.name / file)
        return entry

    def _objects(self, batch: Batch, layer: str, entry: dict[str, Any], file: Path) -> None:
        same = self._old_file(layer, layout.OBJECTS, "hash", entry["hash"])
        if same is not None and self.old["georeference"] == _frame(self.scene.georeference):
            link_file(same, file)
        else:
            write_objects(batch.table, self.scene.georeference, file)

    def _meshes(self, batch: Batch, layer: str, entry: dict[str, Any], file: Path) -> None:
        same = self._old_file(layer, layout.MESHES, "mesh_hash", entry["mesh_hash"])
        stored = batch.meshes if isinstance(batch.meshes, (StoredMeshes, CloudMeshes)) else None
        if same is not None:
            link_file(same, file)
        elif isinstance(stored, StoredMeshes) and stored.is_scratch and stored.is_there:
            link_file(stored.file, file, flush=True)
        elif stored is not None and stored.is_there:
            shutil.copyfile(stored.file, file)
        elif (cloud := cloud_of(batch.meshes)) is not None:
            entry["mesh_hash"] = write_blocks(cloud, file)
        else:
            write_meshes(batch.meshes, file)

    def _link_same(self, name: str) -> None:
        """Put the old file in place of a new one that says the same."""
        new, old = self.fresh / name, self.target / name
        if old.is_file() and filecmp.cmp(new, old, shallow=False):
            new.unlink()
            link_file(old, new)

    def _old_file(self, layer: str, part: str, key: str, wanted: str) -> Path | None:
        """Return the file of the old package that has this content, None if there is none."""
        for entry in _layer_entry(self.old, layer).get("batches", ()):
            file = self.target / part / layer / str(entry["file"])
            if entry.get(key) == wanted and file.is_file():
                return file
        return None

    def _carry_over(self, entries: list[dict[str, Any]]) -> None:
        """Link what other parts of the twin keep in the folder; tiles and fields only where they still fit."""
        self.progress("carrying over what is kept beside the objects", 0.93)
        for name in sorted(_carried(self.target)):
            link_tree(self.target / name, self.fresh / name)
        if (self.target / layout.FIELDS).is_dir() and self.old.get("epoch") == self.scene.epoch:
            link_tree(self.target / layout.FIELDS, self.fresh / layout.FIELDS)
        for entry in entries:
            tiles = self.target / layout.TILES / entry["name"]
            if tiles.is_dir() and self._tiles_fit(entry):
                (self.fresh / layout.TILES).mkdir(exist_ok=True)
                link_tree(tiles, self.fresh / layout.TILES / entry["name"])

    def _tiles_fit(self, entry: dict[str, Any]) -> bool:
        """Say whether the old tiles of a layer show what the new one holds, under the same handles."""
        before = _layer_entry(self.old, entry["name"])
        if not before or self.old["georeference"] != _frame(self.scene.georeference):
            return False
        base = sum(_layers_before(self.old, entry["name"]))
        keys = [batch["hash"] for batch in entry["batches"]]
        same_look = before["theme"] == entry["theme"]
        same_objects = keys == [batch["hash"] for batch in before["batches"]]
        return same_look and same_objects and base == self.scene.bases[entry["name"]]

    def _manifest(self, entries: list[dict[str, Any]], problems: Sequence[Problem]) -> str:
        metadata = dict(self.scene.metadata)
        kept = metadata.pop("problems", [])
        content = {
            "format": layout.FORMAT,
            "format_version": layout.FORMAT_VERSION,
            "name": self.scene.name,
            "version": self.scene.version,
            "epoch": self.scene.epoch,
            "objects": len(self.scene),
            "georeference": _frame(self.scene.georeference),
            "bounds": self.scene.bounds(),
            "layers": entries,
            "metadata": metadata,
            "problems": [problem.as_dict() for problem in problems] or kept,
        }
        try:
            return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
        except (TypeError, ValueError) as error:
            raise PackageError(
                self.target, f"the metadata of the scene is not JSON ({error})", "keep text, numbers and lists in it"
            ) from error


def _frame(georeference: Georeference) -> dict[str, Any]:
    return {
        "crs": georeference.crs,
        "easting_m": georeference.easting_m,
        "northing_m": georeference.northing_m,
        "height_m": georeference.height_m,
        "vertical_datum": georeference.vertical_datum,
    }


def _triangle_counts(batch: Batch) -> dict[str, int]:
    known = getattr(batch.meshes, "triangle_counts", None)
    return dict(known) if known is not None else {level: mesh.triangle_count for level, mesh in batch.meshes.items()}


def _layer_entry(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    found = (entry for entry in manifest.get("layers", ()) if entry["name"] == name)
    return next(found, {})


def _layers_before(manifest: dict[str, Any], name: str) -> Iterator[int]:
    for entry in manifest["layers"]:
        if entry["name"] == name:
            return
        yield int(entry["objects"])
