"""A real Dask cluster of two processes makes the same city, byte for byte, and does not mind losing one of them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from scenes import LoadError
from scenes.errors import CityTwinError
from twin.cluster import ClusterCrew, cluster
from twin.commands import main

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 9_000


def _slow(item: tuple[str, int]) -> int:
    """Say who works, and take some time."""

    folder, number = item
    Path(folder, f"{os.getpid()}-{number}").touch()
    time.sleep(0.3)
    return number * number


def _broken(_item: int) -> None:
    raise LoadError("item", "is broken", "mend it")


@pytest.fixture
def town(tmp_path: Path) -> Path:
    place = np.random.default_rng(5).permutation(COUNT)
    x, y = 357_000.0 + place % 100 * 40.0, 3_457_000.0 + place // 100 * 40.0
    path = tmp_path / "buildings.parquet"
    columns = {"id": place, "height": 5.0 + place % 40}
    gpd.GeoDataFrame(columns, geometry=shapely.box(x, y, x + 12.0, y + 9.0), crs=32651).to_parquet(path)
    return path


def _files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.mark.slow
def test_a_cluster_builds_the_same_bytes(town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, done = ClusterCrew.each, list[object]()

    def counted(crew: ClusterCrew, *work: Any) -> Iterator[Any]:
        for result in real(crew, *work):
            done.append(result)
            yield result

    monkeypatch.setattr(ClusterCrew, "each", counted)
    for name, how in (("alone", ["--workers", "1"]), ("cluster", ["--dask", "local"])):
        (tmp_path / name).mkdir()
        assert main(["build", str(tmp_path / name / "town.city"), str(town), *how]) == 0
    alone, shared = _files(tmp_path / "alone"), _files(tmp_path / "cluster")
    assert alone.keys() == shared.keys()
    assert [name for name in alone if alone[name] != shared[name]] == []
    assert sum(name.endswith(".glb") for name in alone) >= 5
    assert len(done) >= 6  # each batch is looked at twice, then there are the pieces of the tree


@pytest.mark.slow
def test_a_worker_that_is_lost_costs_only_time(tmp_path: Path) -> None:
    with cluster("local") as crew:
        results = crew.each(_slow, [(str(tmp_path), number) for number in range(24)])
        found = [next(results) for _ in range(4)]
        victims = {int(name.name.split("-")[0]) for name in tmp_path.iterdir()}
        assert len(victims) == 2
        victim = victims.pop()
        os.kill(victim, signal.SIGKILL)
        begun = len(list(tmp_path.iterdir()))
        found += list(results)
    assert begun < 24
    assert found == [number * number for number in range(24)]
    assert not Path(f"/proc/{victim}").exists()


@pytest.mark.slow
def test_an_error_of_the_work_comes_through() -> None:
    with cluster("local") as crew, pytest.raises(LoadError, match="is broken"):
        list(crew.each(_broken, [1, 2]))


def test_nobody_at_the_address_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.cluster._PATIENCE_S", 1)
    with pytest.raises(CityTwinError, match="no Dask scheduler answers there"), cluster("tcp://127.0.0.1:9"):
        pass
