"""Geometry that is made by another process is the same, and what is large waits in a file."""

from __future__ import annotations

import pickle
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from scenes import Georeference
from scenes.assembly import gather
from scenes.batches import KEPT_BYTES, DeferredMeshes, finished, is_deferred
from scenes.crew import LocalCrew, crew_of
from scenes.guard import Reader
from scenes.loading import LoadContext
from scenes.model import Batch, Layer
from scenes.sources import Source
from scenes.store import open_package, save
from scenes.store.meshes import StoredMeshes
from scenes.tiles import publish
from tests.scenes.readers import Boxes, Town, padded_boxes

if TYPE_CHECKING:
    from pathlib import Path

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
LARGE = 6_000  # boxes of more than a megabyte


def _batch(rows: int) -> Batch:
    return next(iter(Town(batches=1, rows=rows).load(Source("a.town"), LoadContext(FRAME))))[1]


@pytest.mark.parametrize("protocol", [pickle.DEFAULT_PROTOCOL, pickle.HIGHEST_PROTOCOL])
def test_a_recipe_travels_packed_and_is_followed_once(protocol: int) -> None:
    meshes = DeferredMeshes(Boxes(3))
    passed_on = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(meshes, protocol)), protocol))
    assert passed_on["1"].triangle_count == meshes["1"].triangle_count == 24
    assert passed_on["1"] is passed_on["1"]
    assert (list(meshes), len(meshes)) == (["1"], 1)


def test_a_large_recipe_is_passed_on_between_processes_and_followed_there() -> None:
    crew, level = LocalCrew(1), _batch(2)
    batch = replace(level, meshes=DeferredMeshes(partial(padded_boxes, b"x" * 200_000, 2)))
    try:
        passed_on = next(iter(crew.each(copy, [batch])))
        assert "made" not in vars(passed_on.meshes)
        made = next(iter(crew.each(finished, [passed_on])))
    finally:
        crew.close()
    assert made.content_hash == finished(level).content_hash


@pytest.mark.parametrize("rows", [5, LARGE])
def test_finishing_fills_the_bounds_and_keeps_the_content(rows: int) -> None:
    batch = _batch(rows)
    whole = Batch(batch.table, Boxes(rows)()).with_bounds()
    done = finished(batch)
    assert done.content_hash == whole.content_hash
    assert done.table["max_x"][rows - 1].as_py() == 3.0 * (rows - 1) + 1.0
    assert isinstance(done.meshes, StoredMeshes) == (sum(m.nbytes for m in whole.meshes.values()) > KEPT_BYTES)


def test_a_scratch_file_goes_with_the_last_batch_that_uses_it() -> None:
    done = finished(_batch(LARGE))
    assert isinstance(done.meshes, StoredMeshes)
    file = done.meshes.file
    again = pickle.loads(pickle.dumps(done.meshes))
    del done
    assert file.exists()
    assert again["1"].vertex_count == 8 * LARGE
    del again
    assert not file.exists()


def test_a_reader_leaves_geometry_to_others_when_asked_and_when_there_is_more_than_one_batch() -> None:
    reader = Reader()
    try:
        source, context = Source("a.town"), LoadContext(FRAME)
        alone = list(reader.items(Town(), "load", source, context))
        shared = list(reader.items(Town(), "load", source, context, defer=True))
        single = list(reader.items(Town(batches=1), "load", source, context, defer=True))
    finally:
        reader.close()
    assert [is_deferred(pair) for pair in alone] == [False] * 4
    assert [is_deferred(pair) for pair in shared] == [True] * 4
    assert [is_deferred(pair) for pair in single] == [False]


@pytest.mark.parametrize("rows", [5, LARGE])
def test_a_city_is_the_same_however_many_processes_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr("scenes.plan.loader_for", lambda _source: Town(rows=rows))
    found = {}
    for workers in (1, 2):
        crew = crew_of(workers)
        scene = gather([Source("a.town")], georeference=FRAME, crew=crew).scene
        assert scene is not None
        assert isinstance(scene.layers["buildings"], Layer)
        folder = save(scene, tmp_path / f"{workers}.city")
        publish(open_package(folder), folder / "tiles", crew=crew)
        found[workers] = {
            str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()
        }
    assert found[1] == found[2]
    assert sum(name.endswith(".glb") for name in found[1]) >= (1 if rows < LARGE else 4)
