"""A reader process with little memory, a secret beside the files under test, and a server that notes who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scenes.guard import Reader, ReadLimits
from scenes.sources import Source
from tests.hostile.reading import PRIVATE, SECRET, HostileReader, Outcome
from tests.listening import listening

MEMORY_BYTES = 1_500_000_000
SECONDS = 30.0
Read = Callable[..., Outcome]


@pytest.fixture(scope="session")
def read() -> Iterator[Read]:
    """Read a file in the one process of all these tests; a crash, a hang or too much memory fails the test."""
    reader = Reader(ReadLimits(MEMORY_BYTES, SECONDS))

    def outcome(path: Path, crs: str = "") -> Outcome:
        found = reader.value(HostileReader(), "run", Source(str(path), crs=crs))
        assert isinstance(found, Outcome)
        assert "\n" not in found.sentence
        assert len(found.sentence) < 2_000
        return found

    yield outcome
    reader.close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A table of places that nobody asked for, in a folder beside the one under test."""
    path = tmp_path / PRIVATE / "secret.csv"
    path.parent.mkdir()
    path.write_text(f"name,lon,lat\n{SECRET},121.5,31.2\n")
    return path


@pytest.fixture(scope="session")
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server's address, and what was asked of it."""
    with listening() as server:
        yield server
