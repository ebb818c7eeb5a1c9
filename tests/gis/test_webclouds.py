"""Clouds on the web: the same points as from the folder, read once, no more than asked for, troubles in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gis import cloudlevels, webfetch
from gis.pointcloud import PointCloudLoader
from scenes import CityTwinError, Georeference, Problems
from scenes.assembly import gather
from scenes.loading import LoadContext, loader_for
from scenes.points import STEP_M, cloud_of
from scenes.sources import Source
from tests.gis import clouds
from tests.listening import listening

FRAME = Georeference(clouds.UTM51, clouds.EAST, clouds.NORTH)
LEVELS = {"0-0-0-0": 40, "1-0-0-0": 200, "1-1-0-0": 210, "2-0-0-0": 900}
FIELDS = np.dtype([("X", "<i4"), ("Y", "<i4"), ("Z", "<i4"), ("Classification", "u1")])


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """Serve the folder `site`; give its address and what it is asked."""
    monkeypatch.setenv(webfetch.VARIABLE, str(tmp_path / "kept"))
    site = tmp_path / "site"
    site.mkdir()

    def answer(path: str) -> bytes | None:
        file = site / path.partition("?")[0].lstrip("/")
        return file.read_bytes() if file.is_file() else None

    with listening(answer) as server:
        yield server


def entwine(folder: Path) -> Path:
    """Write an index of plain records in two pages: 1,350 points, 128 m over 64 cells at its coarsest."""
    scaled = {"scale": 0.001, "offset": 0.0}
    schema = [{"name": axis, "type": "signed", "size": 4, **scaled} for axis in "XYZ"]
    for entry, offset in zip(schema, (clouds.EAST, clouds.NORTH, 0.0), strict=True):
        entry["offset"] = offset
    schema.append({"name": "Classification", "type": "unsigned", "size": 1})
    index = {
        "bounds": [clouds.EAST, clouds.NORTH, 0, clouds.EAST + 128, clouds.NORTH + 128, 128], "span": 64,
        "points": sum(LEVELS.values()), "dataType": "binary", "schema": schema,
        "srs": {"authority": "EPSG", "horizontal": "32651"}, "version": "1.0.0",
    }  # fmt: skip
    for name in ("ept-hierarchy", "ept-data"):
        (folder / name).mkdir(parents=True)
    (folder / "ept.json").write_text(json.dumps(index))
    first = {**LEVELS, "2-0-0-0": -1}
    (folder / "ept-hierarchy" / "0-0-0-0.json").write_text(json.dumps(first))
    (folder / "ept-hierarchy" / "2-0-0-0.json").write_text(json.dumps({"2-0-0-0": LEVELS["2-0-0-0"]}))
    random = np.random.default_rng(3)
    for name, count in LEVELS.items():
        records = np.zeros(count, FIELDS)
        for axis in "XYZ":
            records[axis] = random.integers(0, 128_000, count)
        records["Classification"] = int(name[0])
        records.tofile(folder / "ept-data" / f"{name}.bin")
    return folder / "ept.json"


def points(source: Source, problems: Problems | None = None) -> np.ndarray:
    """Return (n, 4) places and classes, sorted."""
    assert isinstance(loader_for(source), PointCloudLoader)
    found = []
    for _, batch in PointCloudLoader().load(source, LoadContext(FRAME, problems=problems or Problems())):
        blocks = cloud_of(batch.meshes)
        assert blocks is not None
        found.append(np.column_stack([blocks.places * STEP_M, blocks.classes]))
    every = np.concatenate(found)
    return every[np.lexsort(every.T)]


def test_tiles_of_the_web_are_those_of_the_folder_and_are_asked_once(
    tmp_path: Path, web: tuple[str, list[str]]
) -> None:
    address, asked = web
    path = entwine(tmp_path / "site" / "town")
    here = points(Source(str(path)))
    there = points(Source(f"{address}/town/ept.json"))
    assert len(here) == sum(LEVELS.values())
    np.testing.assert_array_equal(here, there)
    assert sorted(asked) == sorted(
        [
            "/town/ept.json",
            *(f"/town/ept-hierarchy/{name}.json" for name in ("0-0-0-0", "2-0-0-0")),
            *(f"/town/ept-data/{name}.bin" for name in LEVELS),
        ]
    )
    before = len(asked)
    np.testing.assert_array_equal(points(Source(f"{address}/town/ept.json")), there)
    assert len(asked) == before


@pytest.mark.parametrize(("most", "depth"), [(1.0, 1), (0.99, 2), (2.0, 0), (0.0, 2)])
def test_points_are_read_as_close_as_is_asked_for(tmp_path: Path, most: float, depth: int) -> None:
    path, problems = entwine(tmp_path / "town"), Problems()
    found = points(Source(str(path), max_error_m=most), problems)
    assert set(found[:, 3]) == set(range(depth + 1))
    assert problems.count("points-coarser") == int(depth < 2)


def test_of_the_web_whole_levels_come_until_there_are_enough(
    tmp_path: Path, web: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudlevels, "MOST_POINTS", 500)
    entwine(tmp_path / "site" / "town")
    problems = Problems()
    found = points(Source(f"{web[0]}/town/ept.json"), problems)
    assert len(found) == 450
    (said,) = [problem for problem in problems.listed() if problem.rule == "points-coarser"]
    assert said.message.startswith("900 points are left out")


def test_a_node_that_is_missing_is_said_and_the_rest_is_read(tmp_path: Path, web: tuple[str, list[str]]) -> None:
    path = entwine(tmp_path / "site" / "town")
    (path.parent / "ept-data" / "1-1-0-0.bin").unlink()
    problems = Problems()
    assert len(points(Source(f"{web[0]}/town/ept.json"), problems)) == sum(LEVELS.values()) - LEVELS["1-1-0-0"]
    assert problems.count("points-missing") == 1


@pytest.mark.parametrize("name", ["town.laz", "town.las"])
def test_a_file_of_the_web_is_read_as_from_disk_in_a_reader_process(
    tmp_path: Path, web: tuple[str, list[str]], name: str
) -> None:
    address, asked = web
    path = clouds.write_las(tmp_path / "site" / name, clouds.scattered(500))
    np.testing.assert_array_equal(points(Source(f"{address}/{name}?v=2")), points(Source(str(path))))
    outcome = gather([Source(f"{address}/{name}?v=2")], keep_going=True).outcomes[0]
    assert outcome.error is None
    assert outcome.objects > 0
    assert set(asked) == {f"/{name}?v=2"}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/none/ept.json", "the server answers 404"),
        ("/none.laz", "the server answers 404"),
        ("/odd/ept.json", "is not JSON"),
        ("/odd.laz", "is not a LAS file"),
    ],
)
def test_troubles_are_one_sentence(tmp_path: Path, web: tuple[str, list[str]], path: str, words: str) -> None:
    (tmp_path / "site" / "odd").mkdir()
    (tmp_path / "site" / "odd" / "ept.json").write_text("<html>")
    (tmp_path / "site" / "odd.laz").write_text("<html>" * 100)
    with pytest.raises(CityTwinError, match=words):
        points(Source(f"{web[0]}{path}"))


def test_a_cloud_that_is_too_large_is_refused(
    tmp_path: Path, web: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gis.cloudfiles.MOST_BYTES", 1_000_000)
    (tmp_path / "site" / "big.laz").write_bytes(bytes(2_000_000))
    with pytest.raises(CityTwinError, match="sends more than 1 MB"):
        points(Source(f"{web[0]}/big.laz"))
    assert not [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]
