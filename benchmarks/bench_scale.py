"""Cities of 100,000 to 2,000,000 buildings read, stored and tiled: how time and memory grow with the number of objects.

Prints a line for each size and one with the ratio: processor time an object at the greatest size against the least
(goal <= 1.15), and the greatest memory of all processes together (goal: below 8 GB). Memory is what the system cannot
take back: pages of files that are mapped do not count. The city is made here: blocks of houses in a random order, as
maps of strangers are. `--sizes 100000,500000` tries others, `--json FILE` keeps the figures, `--chart FILE.png` draws
them; exit status 1 beyond a goal.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import psutil
import shapely

from scenes.assembly import gather
from scenes.crew import crew_of
from scenes.saving import save
from scenes.sources import Source
from scenes.store import open_package

CRS = "EPSG:32651"
GOAL = 1.15
GIGABYTES = 8.0
WORKERS = 2
SIDES = np.array([[0, 0], [1, 0], [1, 0.6], [0.6, 0.6], [0.6, 1], [0, 1]])  # an L
STEP_M = 24.0


def write_city(count: int, file: Path, seed: int = 7) -> None:
    """Write `count` houses as GeoParquet in geographic coordinates, in a random order."""
    random = np.random.default_rng(seed)
    across = int(np.ceil(np.sqrt(count)))
    place = random.permutation(count)
    corner = np.column_stack([place % across, place // across]) * STEP_M
    size = random.uniform(8.0, 18.0, (count, 2))
    turn = random.integers(0, 4, count) * (np.pi / 2) + random.normal(0, 0.05, count)
    shape = (SIDES[None] - 0.5) * size[:, None]
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x = shape[..., 0] * cos - shape[..., 1] * sin + corner[:, None, 0] + 354_000.0
    y = shape[..., 0] * sin + shape[..., 1] * cos + corner[:, None, 1] + 3_457_000.0
    houses = shapely.polygons(np.stack([x, y], axis=2))
    frame = gpd.GeoDataFrame(
        {
            "id": np.char.add("house-", place.astype(str)),
            "height": np.round(random.gamma(4.0, 4.0, count) + 3.0, 1),
            "levels": random.integers(1, 30, count),
            "class": random.choice(["residential", "commercial", "industrial"], count),
        },
        geometry=houses,
        crs=CRS,
    )
    frame.to_crs("EPSG:4326").to_parquet(file, row_group_size=50_000)


class Watch:
    """Processor seconds and the greatest memory of this process and of those that it started."""

    def __init__(self) -> None:
        """Begin to look."""
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._here = psutil.Process()
        self._before = self.seconds()
        self._thread.start()

    def seconds(self) -> float:
        """Return the processor seconds so far."""
        return sum(sum(each.cpu_times()[:2]) for each in self._all())

    def end(self) -> tuple[float, int]:
        """Return processor seconds and bytes."""
        self._over.set()
        self._thread.join()
        return self.seconds() - self._before, self.peak

    def _all(self) -> list[psutil.Process]:
        return [self._here, *self._here.children(recursive=True)]

    def _look(self) -> None:
        while not self._over.wait(1.0):
            total = 0
            for each in self._all():
                total += _anonymous_bytes(each.pid)
            self.peak = max(self.peak, total)


def _anonymous_bytes(process: int) -> int:
    """Return the memory of a process that no file stands behind, its share of what it shares included."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0  # it has just ended
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))


def draw(found: list[dict[str, Any]], file: Path) -> None:
    """Draw time and memory against the number of objects."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - only who wants a picture needs it

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    objects = [each["objects"] / 1e6 for each in found]
    panels = (
        ("Processor time an object, µs", [each["us_an_object"] for each in found]),
        ("Clock, minutes", [(each["load_s"] + each["save_s"]) / 60 for each in found]),
        ("Memory of all processes, GB", [each["peak_gb"] for each in found]),
    )
    for axes, (title, values) in zip(figure.subplots(1, 3), panels, strict=True):
        axes.plot(objects, values, marker="o", color="#1668dc")
        axes.set(title=title, xlabel="million objects", ylim=(0, 1.25 * max(values)))
        axes.grid(alpha=0.3)
    figure.savefig(file, dpi=110)


def build(count: int, folder: Path) -> dict[str, Any]:
    """Build a city of so many houses and return what it took."""
    file, city = folder / f"{count}.parquet", folder / f"{count}.city"
    subprocess.run([sys.executable, __file__, "--write", str(count), str(file)], check=True)  # in memory of its own
    watch, crew, clock = Watch(), crew_of(WORKERS), [time.perf_counter()]
    scene = gather([Source(str(file))], crs=CRS, crew=crew).scene
    assert scene is not None
    clock.append(time.perf_counter())
    save(scene, city, tiles=True, crew=crew)
    del scene
    clock.append(time.perf_counter())
    work, peak = watch.end()
    tiles = list((city / "tiles").rglob("*.glb"))
    steps = dict(zip(("load_s", "save_s"), (round(b - a, 1) for a, b in pairwise(clock)), strict=True))
    return {
        "objects": len(open_package(city)),
        **steps,
        "processor_s": round(work, 1),
        "us_an_object": round(work / count * 1e6, 1),
        "peak_gb": round(peak / 1e9, 2),
        "tiles": len(tiles),
        "bytes_an_object": round(sum(tile.stat().st_size for tile in tiles) / count),
    }


def main() -> int:
    """Build each size and print how time and memory grow."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="100000,500000,2000000")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--chart", type=Path)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write_city(int(options.write[0]), Path(options.write[1]))
        return 0
    if options.one:
        with tempfile.TemporaryDirectory() as beside:
            build(2_000, Path(beside))  # libraries are loaded, processes started
            print(json.dumps(build(options.one, Path(beside))))
        return 0
    found = []
    for size in options.sizes.split(","):  # each in a process of its own, as builds are
        run = subprocess.run([sys.executable, __file__, "--one", size], check=True, stdout=subprocess.PIPE, text=True)
        found.append(json.loads(run.stdout.splitlines()[-1]))
        print("scale: " + ", ".join(f"{key} {value}" for key, value in found[-1].items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if options.chart:
        draw(found, options.chart)
    ratio = found[-1]["us_an_object"] / found[0]["us_an_object"]
    peak = max(each["peak_gb"] for each in found)
    grows = f"processor time an object grows {ratio:.2f}x (goal <= {GOAL})"
    print(f"scale: {grows}, peak {peak:.1f} GB (goal < {GIGABYTES:g})")
    return 0 if ratio <= GOAL and peak < GIGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
