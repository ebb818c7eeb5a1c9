"""Whatever happens during a save, the folder holds the old city or the new one, never half of one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING

import pytest

import scenes
from scenes import PackageError, Scene
from scenes.store import manifest
from scenes.store.swap import recover, replacing, sweep

if TYPE_CHECKING:
    from pathlib import Path


class StopHereError(Exception):
    """Stands for anything that goes wrong in the middle."""


def steps_of(scene: Scene, path: Path) -> list[str]:
    seen: list[str] = []
    scenes.save(scene, path, progress=lambda text, _share: seen.append(text))
    return seen


def readable(path: Path) -> Scene:
    """Open a package and read all of it."""
    opened = scenes.open(path)
    for layer in opened.layers.values():
        for batch in layer.batches:
            assert all(batch.meshes[level].vertex_count for level in batch.meshes)
    assert opened.epoch == manifest(path)["epoch"]
    return opened


def test_a_failure_at_any_step_keeps_the_old_city(city: Scene, tmp_path: Path) -> None:
    smaller = city.without_layer("stops")
    count = len(steps_of(smaller, tmp_path / "count.city"))
    path = city.save(tmp_path / "a.city")
    (path / "history").mkdir()
    (path / "history" / "day.parquet").write_bytes(b"rows")
    assert count >= 5
    for stop in range(count):
        seen = 0

        def fail(_text: str, _share: float, stop: int = stop) -> None:
            nonlocal seen
            if seen == stop:
                raise StopHereError
            seen += 1

        with pytest.raises(StopHereError):
            scenes.save(smaller, path, progress=fail)
        assert list(readable(path).layers) == ["buildings", "stops"]
        assert (path / "history" / "day.parquet").read_bytes() == b"rows"
        assert {entry.name for entry in tmp_path.iterdir()} == {"a.city", "count.city"}


def test_a_failure_of_a_first_save_leaves_nothing(city: Scene, tmp_path: Path) -> None:
    def fail(text: str, _share: float) -> None:
        if text == "putting the package in place":
            raise StopHereError

    with pytest.raises(StopHereError):
        scenes.save(city, tmp_path / "a.city", progress=fail)
    assert list(tmp_path.iterdir()) == []


_WRITER = """
    import sys
    import scenes

    path, one, other = sys.argv[1:]
    first, second = scenes.open(one), scenes.open(other)
    print("ready", flush=True)
    while True:
        first.save(path)
        second.save(path)
"""


@pytest.mark.slow
def test_a_killed_process_leaves_a_whole_city(city: Scene, tmp_path: Path) -> None:
    one = city.save(tmp_path / "one.city")
    other = city.without_layer("stops").save(tmp_path / "other.city")
    path = city.save(tmp_path / "work" / "a.city")
    epochs = {manifest(one)["epoch"], manifest(other)["epoch"]}
    command = [sys.executable, "-c", textwrap.dedent(_WRITER), str(path), str(one), str(other)]
    for round_number in range(6):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            # The moment of the blow is spread over several saves; which step it hits is left to chance.
            time.sleep(0.05 + 0.037 * round_number)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert manifest(path)["epoch"] in epochs
        readable(path)
    sweep(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["a.city"]


def test_readers_never_see_half_a_city_while_it_is_saved_over(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    smaller = city.without_layer("stops")
    done = threading.Event()
    wrong: list[BaseException] = []

    def read() -> None:
        while not done.is_set():
            try:
                assert manifest(path)["objects"] in (30, 35)
            except BaseException as error:  # noqa: BLE001
                wrong.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(5):
        smaller.save(path)
        city.save(path)
    done.set()
    reader.join()
    assert wrong == []


def test_what_is_added_to_a_carried_folder_during_a_save_is_kept(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    (path / "history").mkdir()

    def add(text: str, _share: float) -> None:
        if text == "putting the package in place":
            (path / "history" / "late.parquet").write_bytes(b"late")

    scenes.save(city, path, progress=add)
    assert (path / "history" / "late.parquet").read_bytes() == b"late"


def test_a_folder_that_stepped_aside_is_put_back(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    path.rename(tmp_path / f".a.city.aside-host-{os.getpid()}-0a1b2c3d")
    recover(path)
    assert readable(path).name == "test"
    path.rename(tmp_path / ".a.city.aside-host-1-0a1b2c3d")
    assert readable(path).name == "test"


def test_leftovers_of_dead_processes_are_swept_and_those_of_others_are_not(city: Scene, tmp_path: Path) -> None:
    path = city.save(tmp_path / "a.city")
    with replacing(tmp_path / "b.city", frozenset()) as fresh:
        mine = fresh.name.replace("b.city", "a.city")
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    dead = mine.replace(f"-{os.getpid()}-", f"-{finished.pid}-")
    for name in (mine, dead, ".a.city.saving-otherhost-1-0a1b2c3d"):
        (tmp_path / name).mkdir()
    sweep(path)
    left = {entry.name for entry in tmp_path.iterdir()}
    assert dead not in left
    assert {mine, ".a.city.saving-otherhost-1-0a1b2c3d", "a.city"} <= left


def test_a_folder_without_permission_is_one_clear_sentence(city: Scene, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    with pytest.raises(PackageError, match="cannot be written"):
        city.save(tmp_path / "file" / "a.city")


def test_disks_that_cannot_exchange_names_get_two_renames(
    city: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = city.save(tmp_path / "a.city")
    monkeypatch.setattr("scenes.store.swap._exchange", lambda _one, _other: False)
    city.without_layer("stops").save(path)
    assert list(readable(path).layers) == ["buildings"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.city"]
