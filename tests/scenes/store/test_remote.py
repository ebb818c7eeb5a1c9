"""A city in a real S3-compatible store: built to it, opened from it, and never half there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

import scenes
from scenes import PackageError, Scene
from scenes.store import is_address, mirrored, push, save
from scenes.store.remote import CURRENT, KEPT_VERSIONS, VERSIONS, fetched, forget_mirrors
from scenes.tiles import publish
from tests.objectstore import bucket, server, store

if TYPE_CHECKING:
    from pathlib import Path

    from fsspec import AbstractFileSystem


__all__ = ["bucket", "server"]  # fixtures


def test_a_city_comes_back_as_it_was_and_brings_geometry_when_it_is_touched(bucket: str, city: Scene) -> None:
    address = f"{bucket}/town.city"
    save(city, address)
    forget_mirrors()
    opened = scenes.open(address)
    assert opened.epoch == city.epoch
    assert [b.content_hash for layer in opened.layers.values() for b in layer.batches] == [
        b.content_hash for layer in city.layers.values() for b in layer.batches
    ]
    folder = mirrored(address)
    assert list((folder / "meshes").rglob("*.parquet")) == []
    ours, theirs = opened.layers["buildings"].batches[0].finest(), city.layers["buildings"].batches[0].finest()
    assert ours is not None
    assert theirs is not None
    assert np.array_equal(ours.positions, theirs.positions)
    assert len(list((folder / "meshes").rglob("*.parquet"))) == 1


def test_tiles_come_when_they_are_asked_for(bucket: str, city: Scene, tmp_path: Path) -> None:
    local = save(city, tmp_path / "town.city")
    publish(scenes.open(local), local / "tiles")
    address = push(local, f"{bucket}/town.city")
    folder = mirrored(address)
    tileset = folder / "tiles" / "buildings" / "tileset.json"
    assert not tileset.exists()
    assert json.loads(fetched(tileset).read_text())["asset"]["version"] == "1.1"
    assert tileset.read_bytes() == (local / "tiles" / "buildings" / "tileset.json").read_bytes()
    assert not fetched(folder / "tiles" / "buildings" / "nothing.glb").exists()


def test_whoever_has_the_old_version_reads_on_and_older_ones_go(bucket: str, city: Scene) -> None:
    address = f"{bucket}/town.city"
    save(city, address)
    old = scenes.open(address)
    smaller = city.without_layer("roads") if "roads" in city.layers else city.without_layer(list(city.layers)[-1])
    save(smaller, address)
    assert list(scenes.open(address).layers) == list(smaller.layers)
    assert old.layers["buildings"].batches[0].finest() is not None  # brought from the version that it was opened from
    for _ in range(3):
        save(city, address)
    names = store().ls(f"cities/town.city/{VERSIONS}", detail=False)
    assert len(names) == KEPT_VERSIONS


def test_an_upload_that_breaks_off_leaves_what_counted(
    bucket: str, city: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    address = f"{bucket}/town.city"
    save(city, address)
    before = store().cat_file(f"cities/town.city/{CURRENT}")
    real, sent = s3fs.S3FileSystem._put_file, list[str]()

    async def broken(self: AbstractFileSystem, source: str, target: str, *rest: object, **options: object) -> None:
        if len(sent) >= 2:
            raise OSError("the line is cut")
        sent.append(target)
        await real(self, source, target, *rest, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "_put_file", broken)
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(PackageError, match=r"the store does not do it \(OSError: the line is cut\)"):
        save(city.without_layer(next(iter(city.layers))), address)
    assert len(sent) == 2
    assert store().cat_file(f"cities/town.city/{CURRENT}") == before


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("s3://cities/none.city", "there is no such city package"),
        ("nonsense://cities/none.city", "is no kind of storage that is known"),
    ],
)
def test_what_is_not_there_is_one_sentence(bucket: str, address: str, says: str) -> None:
    assert is_address(bucket)
    with pytest.raises(PackageError, match=says):
        scenes.open(address)
