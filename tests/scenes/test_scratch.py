"""Scratch folders live as long as their process and no longer, whatever numbers processes have."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODE = """if True:
    import os, sys
    from scenes.scratch import scratch_folder
    print(scratch_folder(), flush=True)
    sys.stdin.readline()
"""


@contextmanager
def process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Start a process with a scratch folder below another one; give both."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    environment.pop("CITYTWIN_SCRATCH", None)
    command = [sys.executable, "-c", CODE]
    with subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as started:
        assert started.stdout is not None
        yield started, folder / started.stdout.readline().strip().rpartition(os.sep)[2]
        started.kill()


def test_it_goes_with_the_process(tmp_path: Path) -> None:
    with process(tmp_path) as (one, folder):
        assert folder.is_dir()
        one.communicate("\n")
        assert one.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_by_the_next_one(tmp_path: Path) -> None:
    with process(tmp_path) as (one, folder):
        (folder / "large").write_bytes(b"x")
        one.kill()
        one.wait()
        assert folder.is_dir()
        with process(tmp_path) as (_, other):
            assert not folder.exists()
            assert other.is_dir()


def test_that_of_a_living_process_stays_though_its_number_is_unknown_here(tmp_path: Path) -> None:
    """As in two containers that share a folder for temporary files."""
    with process(tmp_path) as (_, folder):
        elsewhere = folder.rename(tmp_path / f"citytwin-scratch-{2**22 + 1}-abcd")
        with process(tmp_path) as (_, other):
            assert elsewhere.is_dir()
            assert other != elsewhere


def test_one_without_a_lock_goes_by_its_age_and_number(tmp_path: Path) -> None:
    young, old, own = (tmp_path / f"citytwin-scratch-{number}-ab" for number in (2**22 + 1, 2**22 + 2, os.getpid()))
    for folder in (young, old, own):
        folder.mkdir()
    for folder in (old, own):
        os.utime(folder, (1, 1))
    with process(tmp_path):
        assert young.is_dir()
        assert not old.exists()
        assert own.is_dir()
