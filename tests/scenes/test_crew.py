"""Work that is shared out comes back in order, and a process that dies is one clear sentence."""

from __future__ import annotations

import math
import os
import pickle
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from scenes import LoadError
from scenes.crew import AHEAD, Alone, Limits, LocalCrew, Shared, crew_of
from scenes.worker import Packer
from tests.scenes.readers import crashing, imported, process_of, refusing, shared_sum, spinning

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def crew() -> Iterator[LocalCrew]:
    made = LocalCrew(2)
    yield made
    made.close()


def test_results_come_in_the_order_of_the_items_from_other_processes(crew: LocalCrew) -> None:
    assert list(crew.each(math.sqrt, [float(n * n) for n in range(40)])) == [float(n) for n in range(40)]
    processes = set(crew.each(process_of, range(12)))
    assert os.getpid() not in processes
    assert 1 <= len(processes) <= 2


def test_items_are_taken_only_as_they_are_worked_on(crew: LocalCrew) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1_000):
            taken.append(number)
            yield number

    results = crew.each(abs, items())
    assert next(results) == 0
    assert len(taken) <= crew.size + AHEAD + 1
    results.close()  # type: ignore[attr-defined]
    assert list(crew.each(abs, [-5])) == [5]


def test_an_error_of_the_work_is_raised_and_the_crew_goes_on(crew: LocalCrew) -> None:
    with pytest.raises(LoadError, match="is broken"):
        list(crew.each(refusing, [1, 2, 3]))
    assert list(crew.each(abs, [-1])) == [1]


@pytest.mark.parametrize(
    ("work", "limits", "says"),
    [
        (crashing, Limits("town.gpkg"), "town.gpkg: crashes"),
        (spinning, Limits("town.gpkg", seconds=1.0), "town.gpkg: takes more than 1 s"),
    ],
)
def test_a_process_that_ends_or_overruns_is_one_sentence(
    crew: LocalCrew, work: object, limits: Limits, says: str
) -> None:
    with pytest.raises(LoadError, match=says):
        list(crew.each(work, [1], limits))  # type: ignore[arg-type]
    assert list(crew.each(abs, [-1])) == [1]


def test_what_is_shared_is_read_once_by_each_process(crew: LocalCrew) -> None:
    numbers = Shared(np.arange(1_000))
    found = list(crew.each(shared_sum, [(numbers, add) for add in range(20)]))
    assert [total for total, _ in found] == [499_500 + add for add in range(20)]
    assert len({(process, place) for _, (process, place) in found}) <= 2


def test_a_process_that_is_not_lent_imports_the_loaders_while_it_waits(crew: LocalCrew) -> None:
    with crew.lent(1):
        deadline = time.monotonic() + 60
        while not all(crew.each(imported, ["gis.vector"])):
            assert time.monotonic() < deadline
    assert list(crew.each(abs, [-2, 1, -3])) == [2, 1, 3]


def test_large_and_small_arrays_and_tables_come_back_as_they_went(crew: LocalCrew) -> None:
    table = pa.table({"number": pa.array(range(100_000)), "text": pa.array([str(n) for n in range(100_000)])})
    item = {
        "large": np.arange(300_000.0).reshape(3, -1),
        "turned": np.arange(300_000.0).reshape(3, -1).T,
        "none": np.zeros((0, 3)),
        "words": np.array(["a", None], object),
        "table": table.slice(70_000),
        "text": b"x" * 200_000,
    }
    first, nothing, again = crew.each(dict, [item, {}, item])
    assert nothing == {}
    for back in (first, again):
        assert back.keys() == item.keys()
        assert all(np.array_equal(back[name], item[name]) for name in ("large", "turned", "none", "words"))
        assert back["table"].equals(item["table"])
        assert back["text"] == item["text"]
        assert back["large"].flags.writeable


def test_one_worker_is_the_process_itself() -> None:
    alone = crew_of(1)
    assert isinstance(alone, Alone)
    assert list(alone.each(process_of, [1])) == [os.getpid()]
    assert crew_of(2) is crew_of(2)


def test_a_slice_of_a_table_travels_alone() -> None:
    table = pa.table({"number": pa.array(range(100_000)), "text": pa.array([str(n) for n in range(100_000)])})
    sink = pa.BufferOutputStream()
    Packer(sink, protocol=5).dump(table.slice(500, 3))
    packed = sink.getvalue().to_pybytes()
    assert len(packed) < 2_000
    assert pickle.loads(packed).to_pylist() == table.slice(500, 3).to_pylist()


def test_relative_paths_are_those_of_the_folder_where_the_call_is_made(
    crew: LocalCrew, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "said.txt").write_text(name, encoding="utf-8")
        monkeypatch.chdir(folder)
        assert list(crew.each(Path.read_text, [Path("said.txt")] * 3)) == [name] * 3
