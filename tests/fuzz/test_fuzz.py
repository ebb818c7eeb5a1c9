"""Thousands of damaged files of every format: each is loaded or refused in one sentence, and nothing dies."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scenes.errors import LoadError
from scenes.guard import Reader, ReadLimits
from scenes.sources import Source
from tests.fuzz.readers import Ending, FuzzReader
from tests.fuzz.seeds import write_seeds

CASES = int(os.environ.get("CITYTWIN_FUZZ", "20000"))
"""How many cases a whole run makes; formats with a process of their own for each file get fewer."""
SLOW = {"house.ifc": 40, "house.ifczip": 20}
CRS = {"parcels.csv": "EPSG:4326", "cloud.las": "EPSG:32651", "cloud.laz": "EPSG:32651"}
"""What the user says of the formats that do not say where they lie."""
LIMIT_BYTES = 2_000_000_000
SILENT_S = 60.0
READERS = 2


@dataclass
class Tally:
    """How the cases ended, by format and in all."""

    endings: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    peak: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, ending: Ending) -> None:
        """Count one ending."""
        with self.lock:
            self.endings[ending.state] += 1
            if ending.state == "broken":
                self.broken.append(f"{name} #{ending.number}: {ending.text}")
            if ending.state == "contained":
                self.deaths.append(f"{name} #{ending.number}: {ending.text}")


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_seeds(tmp_path_factory.mktemp("seeds"))


def _run(reader: Reader, name: str, path: Path, count: int, tally: Tally) -> None:
    """Try the first `count` cases of a format; a reader process that dies costs one case and is started again."""
    number, began, mine = 0, time.monotonic(), Counter[str]()
    while number < count:
        source = Source(str(path), dataset=f"{number}-{count}", crs=CRS.get(name, ""))
        try:
            for ending in reader.items(FuzzReader(), "run", source):
                number = ending.number + 1
                mine[ending.state] += 1
                tally.add(name, ending)
            tally.peak = max(tally.peak, reader.value(FuzzReader(), "peak", source))
        except LoadError as error:  # the reader process died, overran, or ran out of memory: contained, and counted
            mine["contained"] += 1
            tally.add(name, Ending(number, "contained", error.what))
            number += 1
    speed = count / max(time.monotonic() - began, 1e-3)
    tally.lines.append(f"{name:20} {speed:6.1f} cases/s  {dict(mine)}")


@pytest.mark.fuzz
def test_every_seed_is_sound(seeds: dict[str, Path]) -> None:
    reader = Reader()
    try:
        for name, path in seeds.items():
            source = Source(str(path), dataset="whole", crs=CRS.get(name, ""))
            ending = reader.value(FuzzReader(), "run", source)
            assert ending.state == "loaded", f"{name}: {ending.text}"
            assert int(ending.text) > 0, name
    finally:
        reader.close()


@pytest.mark.fuzz
def test_damaged_files_are_loaded_or_refused(seeds: dict[str, Path]) -> None:
    quick = [name for name in seeds if name not in SLOW]
    share = (CASES - sum(SLOW.values())) // len(quick) + 1
    waiting, tally = sorted(seeds.items(), key=lambda item: item[0] in SLOW), Tally()

    def work() -> None:
        reader = Reader(ReadLimits(LIMIT_BYTES, SILENT_S))
        try:
            while True:
                with tally.lock:
                    if not waiting:
                        return
                    name, path = waiting.pop()
                _run(reader, name, path, SLOW.get(name, share), tally)
        finally:
            reader.close()

    with ThreadPoolExecutor(READERS) as pool:
        for done in [pool.submit(work) for _ in range(READERS)]:
            done.result()
    total = sum(tally.endings.values())
    summary = f"fuzz: {total} cases, {dict(tally.endings)}, peak {tally.peak / 1e6:.0f} MB"
    sys.stdout.write("\n".join(["", *tally.lines, summary, *tally.deaths[:20], ""]))
    assert total >= CASES
    assert not tally.broken, "\n".join(tally.broken[:40])
    assert len(tally.deaths) <= CASES // 1000
    assert tally.peak < LIMIT_BYTES
