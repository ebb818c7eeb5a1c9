"""One building of a city of 100,000 changes: time and tiles, against the full build of the same run.

Prints the processor time of the full save with tiles, and that of the save after one building was raised, after one
was taken away and after a small layer came, each as a share of the full one (goal <= 0.35), and how many tiles were
written (goal: the leaf and those above it, at most 12). The city is that of `bench_scale`. ``--buildings 100000`` is
the default; exit status 1 beyond a goal.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from bench_scale import CRS, WORKERS, write_city

import scenes
from scenes import Batch, Layer, MeshSet
from scenes.assembly import gather
from scenes.crew import crew_of
from scenes.saving import save, tile_counts
from scenes.schema import object_table
from scenes.sources import Source
from twin.whatif import RemoveObject, Scenario, SetAttribute

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenes import Scene

GOAL = 0.35
MOST_TILES = 12


def raised(city: Scene) -> Scene:
    """Return the city with one building higher."""
    uid = city.at(len(city) // 2).uid
    return Scenario("raised", city).edit(SetAttribute(uid, "height_m", 150.0)).scene


def emptied(city: Scene) -> Scene:
    """Return the city without one building."""
    return Scenario("emptied", city).edit(RemoveObject(city.at(len(city) // 3).uid)).scene


def joined(city: Scene) -> Scene:
    """Return the city with one more layer."""
    corners = [[0, 0, 50], [40, 0, 50], [0, 40, 50]]
    table = object_table({"uid": ["urn:uuid:sail"], "kind": ["CityFurniture"], "name": ["sail"]})
    batch = Batch(table, {"1": MeshSet.of_one(corners, [[0, 1, 2]])}).with_bounds()
    return city.with_layer(Layer("sails", (batch,), "generic"))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that some work takes by the clock, and those of the processors of all processes."""
    began, before = time.perf_counter(), processor_s()
    work()
    return time.perf_counter() - began, processor_s() - before


def processor_s() -> float:
    """Return the processor seconds of this process and of those that it started, so far."""
    here = psutil.Process()
    return sum(sum(each.cpu_times()[:2]) for each in [here, *here.children(recursive=True)])


def main() -> int:
    """Build, change, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--buildings", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as beside:
        return compare(Path(beside), options.buildings)


def compare(folder: Path, count: int) -> int:
    """Build the city once in full, then change it in three ways."""
    crew = crew_of(WORKERS)
    write_city(count, folder / "houses.parquet")
    made = gather([Source(str(folder / "houses.parquet"))], crs=CRS, crew=crew).scene
    assert made is not None
    city = folder / "a.city"
    save(made, folder / "warm.city", tiles=True, crew=crew)
    full_s, full_work_s = timed(lambda: save(made, city, tiles=True, crew=crew))
    record = sum(file.stat().st_size for file in city.glob("tiles/*/.kept/*"))
    tiles = sum(file.stat().st_size for file in city.rglob("*.glb"))
    print(
        f"retile: {count} buildings, full save with tiles {full_s:.1f} s, {full_work_s:.1f} processor s, "
        f"{tile_counts(city)['written']} tiles"
    )
    print(f"retile: what is kept for the next time is {record / tiles:.2f} of the tiles ({record / 1e6:.0f} MB)")
    missed = 0
    for name, change in {"raised": raised, "emptied": emptied, "joined": joined}.items():
        changed = change(scenes.open(city))
        took_s, work_s = timed(lambda changed=changed: save(changed, city, crew=crew))
        counts = tile_counts(city)
        share = work_s / full_work_s
        missed += share > GOAL or counts["written"] > MOST_TILES
        told = f"{counts['written']} tiles written, {counts['kept']} kept"
        print(f"retile: {name}: {took_s:.2f} s; {share:.3f} of the processor time (goal <= {GOAL}), {told}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
