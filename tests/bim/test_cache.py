"""What workers made is kept by content, and nothing that is damaged or cut short comes back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

import bim
from bim.cache import Cache, default_folder, key_of
from bim.supervisor import Extract, Limits
from scenes.sources import Placement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes import Scene

PLACE = {"crs": "EPSG:32651", "place": Placement(354_000.0, 3_457_000.0)}


def made(folder: Path, size: int = 1000, **more: Any) -> Extract:
    folder.mkdir()
    for name in ("tree.arrow", "shapes-0.arrow"):
        (folder / name).write_bytes(os.urandom(size))
    return Extract(folder, [folder / "shapes-0.arrow"], {7}, **more)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CITYTWIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bim"


def content(scene: Scene) -> list[Any]:
    return [(name, layer.table, layer.triangle_count) for name, layer in scene.layers.items()]


def test_a_second_read_starts_no_worker_and_gives_the_same(
    new_house: Callable[..., Any], tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = new_house()
    house.wall("North")
    first = bim.read(house.save(tmp_path / "house.ifc"), **PLACE)
    assert own_cache.is_dir()
    monkeypatch.setattr("bim.loader.extract", None)
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    (copy / "house.ifc").write_bytes((tmp_path / "house.ifc").read_bytes())
    assert content(bim.read(copy / "house.ifc", **PLACE)) == content(first)


def test_what_was_cut_short_is_not_kept(new_house: Callable[..., Any], tmp_path: Path, own_cache: Path) -> None:
    house = new_house()
    wall = house.wall("Wall")
    wall.ObjectPlacement.PlacementRelTo = wall.ObjectPlacement
    path = house.save(tmp_path / "house.ifc")
    scene = bim.read(path, limits=Limits(product_s=3.0), **PLACE)
    assert "shape-left-out" in {problem["rule"] for problem in scene.metadata["problems"]}
    assert Cache(own_cache).find(key_of(path)) is None


def test_an_entry_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    found = made(tmp_path / "made", problems=[("warning", "#1", "rule", "what", "advice")])
    cache = Cache(tmp_path / "cache")
    assert cache.find("key") is None
    cache.keep("key", found)
    again = cache.find("key")
    assert again is not None
    assert again.tree.read_bytes() == found.tree.read_bytes()
    assert [chunk.read_bytes() for chunk in again.chunks] == [chunk.read_bytes() for chunk in found.chunks]
    assert (again.shapeless, again.problems, again.left_out) == (found.shapeless, found.problems, {})


@pytest.mark.parametrize("harm", ["cut", "changed", "gone", "manifest"])
def test_a_damaged_entry_is_thrown_away(tmp_path: Path, harm: str) -> None:
    cache = Cache(tmp_path / "cache")
    cache.keep("key", made(tmp_path / "made"))
    file = tmp_path / "cache" / "key" / "tree.arrow"
    raw = file.read_bytes()
    if harm == "cut":
        file.write_bytes(raw[:-1])
    elif harm == "changed":
        file.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
    elif harm == "gone":
        file.unlink()
    else:
        file.with_name("manifest.json").write_text('{"files": 3}')
    assert cache.find("key") is None
    assert not file.parent.exists()


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", most_bytes=40_000)
    for number in range(3):
        cache.keep(f"entry-{number}", made(tmp_path / f"made-{number}", 5_000))
        os.utime(tmp_path / "cache" / f"entry-{number}" / "manifest.json", (number, number))
    assert cache.find("entry-0") is not None  # now it is the youngest
    cache.keep("entry-3", made(tmp_path / "made-3", 5_000))
    assert {entry.name for entry in (tmp_path / "cache").iterdir()} == {"entry-0", "entry-2", "entry-3"}


def test_the_user_may_want_no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CITYTWIN_CACHE", "off")
    assert default_folder() is None
    none = Cache(None)
    none.keep("key", made(tmp_path / "made"))
    none.keep_note("key", {"a": 1})
    assert none.find("key") is None
    assert none.note("key") is None


def test_a_name_depends_on_the_content_and_on_what_is_made_of_it(tmp_path: Path) -> None:
    first, second = tmp_path / "a.ifc", tmp_path / "b.ifc"
    first.write_text("one")
    second.write_text("one")
    assert key_of(first) == key_of(second)
    assert key_of(first) != key_of(first, "IFC4X3_ADD2")
    second.write_text("two")
    assert key_of(first) != key_of(second)
