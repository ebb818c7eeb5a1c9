"""Whatever a file does to the library that reads it, this process lives and says one clear sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenes import Georeference, LoadError, Problems
from scenes.guard import Reader, ReadLimits
from scenes.loading import LoadContext
from scenes.sources import Source
from tests.scenes.readers import Rogue

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Source("town.xyz", crs="EPSG:32651")
FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader(ReadLimits(memory_bytes=1_500_000_000, silent_s=3.0))
    yield made
    made.close()


def test_items_problems_and_progress_come_through(reader: Reader) -> None:
    problems, told = Problems(limit=2), list[tuple[str, float]]()
    context = LoadContext(FRAME, problems=problems, progress=lambda text, share: told.append((text, share)))
    assert list(reader.items(Rogue(), "numbers", SOURCE, context)) == [0, 1, 2]
    assert told == [("half", 0.5)]
    assert problems.count("odd") == 3
    assert [problem.message for problem in problems.listed()] == ["number 0", "number 1", "odd: 1 more of the same"]


def test_what_a_library_prints_does_not_matter(reader: Reader) -> None:
    assert reader.value(Rogue(), "locate", SOURCE).crs == "EPSG:32651"


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("crash", "crashes the library that reads it"),
        ("hang", "takes more than 3 s to read"),
        ("sleep", "takes more than 3 s to read"),
        ("devour", "needs more than the 1.5 GB of memory allowed"),
        ("panic", "cannot be read .Panic: town.xyz"),
        ("refuse", "is broken; mend it"),
    ],
)
def test_a_bad_file_is_one_sentence_and_the_next_one_is_read(
    reader: Reader, method: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if method == "sleep":  # what does not compute is told by the clock: be impatient this once
        monkeypatch.setattr("scenes.worker._SLOWEST", 1)
    context = LoadContext(FRAME) if method in ("crash", "hang") else None
    with pytest.raises(LoadError, match=says):
        list(reader.items(Rogue(), method, SOURCE, context))
    monkeypatch.undo()
    assert reader.value(Rogue(), "locate", SOURCE).longitude_deg == 121.5


def test_nobody_waits_for_a_caller_that_went_away(reader: Reader) -> None:
    items = reader.items(Rogue(), "numbers", SOURCE, LoadContext(FRAME))
    assert next(items) == 0
    items.close()
    assert list(reader.items(Rogue(), "numbers", SOURCE, LoadContext(FRAME))) == [0, 1, 2]
