"""``twin build`` over a package with one source more: what was there stays as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas
import shapely

from twin.commands import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def houses(file: Path, first: int, count: int = 40) -> Path:
    """Write a row of houses."""
    shapes = [
        shapely.box(354_000 + 30 * i, 3_457_000 + first, 354_012 + 30 * i, 3_457_009 + first) for i in range(count)
    ]
    facts = {"id": [f"{first}-{i}" for i in range(count)], "height": [9.0 + i % 7 for i in range(count)]}
    geopandas.GeoDataFrame(facts, geometry=shapes, crs="EPSG:32651").to_parquet(file)
    return file


def built(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, int]:
    """Build, and return how many tiles were written and kept."""
    assert main(["build", *map(str, arguments), "--json"]) == 0
    counts: dict[str, int] = json.loads(capsys.readouterr().out)["tiles"]
    return counts


def test_one_source_more_writes_its_own_tables_and_tiles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city, one = tmp_path / "a.city", houses(tmp_path / "one.parquet", 0)
    assert built(capsys, city, f"--layer=north={one}") == {"written": 1, "kept": 0}
    files = [*city.rglob("north/*.glb"), *city.rglob("north/*.parquet")]
    before = {file: file.stat().st_ino for file in files}
    assert len(before) == 3
    two = houses(tmp_path / "two.parquet", 60)
    assert built(capsys, city, f"--layer=north={one}", f"--layer=south={two}") == {"written": 1, "kept": 1}
    assert {file: file.stat().st_ino for file in files} == before
    assert built(capsys, city, f"--layer=north={one}") == {"written": 0, "kept": 1}
    assert {file: file.stat().st_ino for file in files} == before
    assert not (city / "tiles" / "south").exists()
