"""Thousands of damaged files of every format: each is loaded or refused in one sentence, and nothing dies."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from scenes.errors import LoadError
from scenes.guard import Reader, ReadLimits
from scenes.loading import loader_for
from scenes.sources import Source
from tests.fuzz.readers import FuzzReader
from tests.fuzz.seeds import write_seeds

if TYPE_CHECKING:
    from pathlib import Path

CASES = int(os.environ.get("CITYTWIN_FUZZ", "20000"))
"""How many cases a whole run makes; formats with a process of their own for each file get fewer."""
SLOW = {"house.ifc": 40, "house.ifczip": 20}
LIMIT_BYTES = 2_000_000_000
SILENT_S = 60.0


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_seeds(tmp_path_factory.mktemp("seeds"))


@pytest.mark.fuzz
def test_every_seed_is_sound(seeds: dict[str, Path]) -> None:
    reader = Reader()
    for path in seeds.values():
        assert loader_for(Source(str(path))), path
    reader.close()


@pytest.mark.fuzz
def test_damaged_files_are_loaded_or_refused(seeds: dict[str, Path]) -> None:
    quick = [name for name in seeds if name not in SLOW]
    share = (CASES - sum(SLOW.values())) // len(quick) + 1
    reader = Reader(ReadLimits(LIMIT_BYTES, SILENT_S))
    endings, broken, deaths, peak = Counter[str](), [], [], 0
    for name, path in seeds.items():
        count, number = SLOW.get(name, share), 0
        while number < count:
            source = Source(str(path), dataset=f"{number}-{count}")
            try:
                for ending in reader.items(FuzzReader(), "run", source):
                    number = ending.number + 1
                    endings[ending.state] += 1
                    if ending.state == "broken":
                        broken.append(f"{name} #{ending.number}: {ending.text}")
                peak = max(peak, reader.value(FuzzReader(), "peak", source))
            except LoadError as error:  # the reader process died, overran, or ran out of memory: contained, and counted
                deaths.append(f"{name} #{number}: {error.what}")
                endings["contained"] += 1
                number += 1
    reader.close()
    summary = f"{sum(endings.values())} cases, {dict(endings)}, peak {peak / 1e6:.0f} MB"
    sys.stdout.write("\n".join(["", f"fuzz: {summary}", *deaths[:20], ""]))
    assert sum(endings.values()) >= CASES
    assert not broken, "\n".join(broken[:40])
    assert len(deaths) <= CASES // 1000
    assert peak < LIMIT_BYTES
