"""Kill -9 of everything that writes a city or a file: what is there is the old one or the new one, complete."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scenes.errors import PackageError
from scenes.export import export
from scenes.saving import save

if TYPE_CHECKING:
    from scenes import Scene

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "kill_rounds.py"


@pytest.mark.slow
def test_a_few_rounds_of_killing_leave_nothing_half_and_nothing_behind() -> None:
    command = [sys.executable, str(SCRIPT), "--rounds", "3", "--houses", "200", "--seed", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 rounds, 0 left something half, 0 left-overs" in done.stdout


@pytest.mark.parametrize("lost", ["*.glb", "tileset.json", "aliases.parquet", "record.json"])
def test_the_rounds_would_notice_what_is_missing(city: Scene, tmp_path: Path, lost: str) -> None:
    look_at_city = runpy.run_path(str(SCRIPT))["look_at_city"]
    package = save(city, tmp_path / "a.city", tiles=True)
    assert look_at_city(package) == city.epoch
    next(iter(package.rglob(lost))).unlink()
    with pytest.raises((AssertionError, OSError, PackageError)):
        look_at_city(package)


def test_a_dead_export_is_swept_by_the_next_one(city: Scene, tmp_path: Path) -> None:
    file = export(city, tmp_path / "out.gpkg")
    code = f"""if True:
        import os, signal
        from pathlib import Path
        from scenes.store.swap import fresh_beside
        (fresh_beside(Path({str(file)!r})) / "out.gpkg").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", code], check=False)
    assert len(list(tmp_path.iterdir())) == 2
    export(city, file)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.gpkg"]
