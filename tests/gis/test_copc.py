"""Of a remote COPC only the parts that are wanted come; servers without parts give it whole, and that is said."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from gis import cloudlevels, webfetch
from gis.copc import CopcReader
from gis.pointcloud import reader_of
from gis.pointcloud_las import LasReader
from scenes import CityTwinError, Problems
from scenes.sources import Source
from tests.gis import clouds
from tests.gis.copcs import LEVELS, Parts, serving, written

TOTAL = sum(LEVELS.values())


@pytest.fixture(autouse=True)
def _kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(webfetch.VARIABLE, str(tmp_path / "kept"))


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    return written(tmp_path / "site" / "town.copc.laz", clouds.EAST, clouds.NORTH)


def points(source: Source, problems: Problems | None = None) -> np.ndarray:
    """Return (n, 4) places and classes, sorted."""
    chunks = list(reader_of(source).chunks(source, problems or Problems()))
    every = np.concatenate([np.column_stack([chunk.xyz, chunk.classes]) for chunk in chunks])
    return every[np.lexsort(every.T)]


def test_a_written_file_is_read_by_the_usual_reader_too(cloud: Path) -> None:
    here = Source(str(cloud))
    assert isinstance(reader_of(here), LasReader)
    assert reader_of(here).head(here).form == "COPC 1.4"
    assert len(points(here)) == TOTAL


def test_the_points_of_the_web_are_those_of_the_nodes_and_come_once(cloud: Path) -> None:
    with serving(cloud.parent) as (address, parts):
        source = Source(f"{address}/town.copc.laz")
        assert isinstance(reader_of(source), CopcReader)
        assert reader_of(source).head(source).count == TOTAL
        there = points(source)
        asked = len(parts.asked)
        np.testing.assert_array_equal(points(source), there)
        assert len(parts.asked) == asked
    np.testing.assert_array_equal(points(Source(str(cloud))), there)
    assert len(there) == TOTAL
    assert {level: int((there[:, 3] == level).sum()) for level in range(3)} == {0: 400, 1: 4_100, 2: 60_500}
    assert (there[:, 0] >= clouds.EAST).all()


@pytest.mark.parametrize(("most", "depth"), [(2.0, 0), (1.0, 1), (0.5, 2)])
def test_only_the_nodes_that_are_wanted_come(cloud: Path, most: float, depth: int) -> None:
    problems, size = Problems(), cloud.stat().st_size
    with serving(cloud.parent) as (address, parts):
        found = points(Source(f"{address}/town.copc.laz", max_error_m=most), problems)
    assert set(found[:, 3]) == set(range(depth + 1))
    assert problems.count("points-coarser") == int(depth < 2)
    assert all(each.startswith("bytes=") for each in parts.asked)
    if depth < 2:
        assert parts.sent < size / 2
    assert len(parts.asked) <= 9  # head, table of chunks, hierarchy, runs of nodes


def test_no_more_points_than_may_come(cloud: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudlevels, "MOST_POINTS", 5_000)
    with serving(cloud.parent) as (address, _):
        assert len(points(Source(f"{address}/town.copc.laz"))) == 4_500


def test_a_server_without_parts_gives_the_whole_file_and_that_is_said(cloud: Path) -> None:
    problems = Problems()
    with serving(cloud.parent, ranges=False) as (address, parts):
        source = Source(f"{address}/town.copc.laz")
        assert reader_of(source).head(source).count == TOTAL
        assert len(points(source, problems)) == TOTAL
        assert parts.asked.count("") == 1
    told = [each for each in problems.listed() if each.rule == "cloud-read-whole"]
    assert [each.message for each in told] == ["the server gives no parts of it: it is read whole"]


def test_a_real_file_comes_in_parts_with_the_points_that_it_has(real_data: Path) -> None:
    name = "1.2-with-color.copc.laz"
    with serving(real_data / "pointcloud/copc") as (address, parts):
        there = points(Source(f"{address}/{name}"))
    assert parts.asked
    np.testing.assert_array_equal(there, points(Source(str(real_data / "pointcloud/copc" / name))))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda entry: (99, *entry[1:]), "bad entry at level 99"),
        (lambda entry: (*entry[:4], 1 << 60, *entry[5:]), "bad entry"),
        (lambda entry: (*entry[:6], 2_000_000_000), "a node of its octree has 2,000,000,000 points"),
        (lambda entry: (*entry[:5], 10, entry[6]), "decoded|cannot be read"),
    ],
    ids=["level", "place", "count", "short"],
)
def test_a_broken_hierarchy_is_one_sentence(cloud: Path, change: object, said: str) -> None:
    data = bytearray(cloud.read_bytes())
    info = data.index(b"copc\0") - 2 + 54
    first = struct.unpack_from("<Q", data, info + 40)[0]
    entry = struct.unpack_from("<4iQ2i", data, first)
    struct.pack_into("<4iQ2i", data, first, *change(entry))  # type: ignore[operator]
    cloud.write_bytes(data)
    with serving(cloud.parent) as (address, _), pytest.raises(CityTwinError, match=said):
        points(Source(f"{address}/town.copc.laz"))


def test_a_page_that_names_itself_ends(cloud: Path) -> None:
    data = bytearray(cloud.read_bytes())
    info = data.index(b"copc\0") - 2 + 54
    first, size = struct.unpack_from("<2Q", data, info + 40)
    struct.pack_into("<4iQ2i", data, first + size - 32, 2, 0, 0, 0, first, size, -1)
    cloud.write_bytes(data)
    with serving(cloud.parent) as (address, _):
        assert len(points(Source(f"{address}/town.copc.laz"))) == 4_500


def test_a_server_that_gives_other_bytes_is_not_believed(cloud: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Parts().sent == 0
    with serving(cloud.parent) as (address, _):
        fetcher = webfetch.Fetcher(None)
        data, total = fetcher.part(f"{address}/town.copc.laz", 10, 20)
        assert (data, total) == (cloud.read_bytes()[10:30], cloud.stat().st_size)
        assert len(fetcher.part(f"{address}/town.copc.laz", total - 5, 20)[0]) == 5
        monkeypatch.setattr(webfetch, "_CONTENT_RANGE", webfetch.re.compile(r"bytes (\d)\d*-(\d+)/(\d+)"))
        with pytest.raises(webfetch.NoPartsError, match="other bytes than those"):
            fetcher.part(f"{address}/town.copc.laz", 10, 20)
