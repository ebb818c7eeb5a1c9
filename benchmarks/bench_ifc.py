"""What an IFC import to a stored and tiled city costs beyond the bare geometry: `python benchmarks/bench_ifc.py`.

Child processes take the same file one after the other: the first runs nothing but `ifcopenshell.geom.iterator` as it
comes; the second does so with the engine that the import uses; the third reads the file with `bim.read`, saves the city
and publishes its tiles; the fourth reads it once more, from the cache that the third has left. Memory is that of the
whole process tree, sampled, so the import's workers count. Processor seconds are given beside the clock, as a busy
machine bends the clock. Libraries are loaded before the clock of a reading starts, in the first reading and in the
second alike: Arrow loads pandas with its first table, which takes as long as the second reading of an office.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TWIN_DATA", ROOT.parent / "shared" / "data"))
FILE = DATA / "ifc" / "large" / "revit2012_janesville_restaurant.zip"
TASKS = ("bare", "bare-quick", "import", "again")
_KEPT: list[object] = []
GOAL_SECONDS, GOAL_MEGABYTES, GOAL_AGAIN = 1.2, 2.0, 0.05


@dataclass(frozen=True)
class Cost:
    """What one run took; `read_s` is the part of the clock that the reading took, NaN for a bare run."""

    seconds: float
    processor_s: float
    megabytes: float
    triangles: int
    read_s: float

    def __str__(self) -> str:
        """Return the figures in a line."""
        return (
            f"{self.seconds:7.1f} s clock, {self.processor_s:7.1f} s processor, {self.megabytes:7.0f} MB, "
            f"{self.triangles:9,d} triangles"
        )


def bare(path: Path, threads: int, engine: str) -> int:
    """Run the geometry iterator over a file and return the number of triangles."""
    import ifcopenshell  # noqa: PLC0415 - the other runs must not have it
    import ifcopenshell.geom  # noqa: PLC0415

    from bim.files import plain_file  # noqa: PLC0415

    triangles = 0
    with plain_file(path) as plain:
        model = ifcopenshell.open(str(plain))
        settings = ifcopenshell.geom.settings()
        iterator = ifcopenshell.geom.iterator(settings, model, threads, geometry_library=engine)
        _KEPT.extend([model, iterator])  # tearing them down crashes
        going = iterator.initialize()
        while going:
            triangles += len(iterator.get().geometry.faces_buffer) // 12
            going = iterator.next()
    return triangles


def imported(path: Path, threads: int) -> tuple[int, float]:
    """Import a file to a stored and tiled city; return the number of triangles and the seconds of reading."""
    import pandas as pd  # noqa: F401, PLC0415 - see above

    import bim.loader  # noqa: PLC0415
    from bim.supervisor import Limits  # noqa: PLC0415
    from scenes.store import save  # noqa: PLC0415
    from scenes.tiles import publish  # noqa: PLC0415

    steps = [("start", time.perf_counter())]
    scene = bim.read(path, limits=Limits(threads=threads, beside=threads > 1))
    steps.append(("read", time.perf_counter()))
    with tempfile.TemporaryDirectory() as folder:
        city = Path(folder) / "city.city"
        save(scene, city)
        steps.append(("save", time.perf_counter()))
        publish(scene, city / "tiles")
        steps.append(("tiles", time.perf_counter()))
        sizes = {name: sum(file.stat().st_size for file in (city / name).rglob("*.*")) for name in ("meshes", "tiles")}
    for (_, before), (name, after) in itertools.pairwise(steps):
        print(f"    {name} {after - before:.1f} s", file=sys.stderr)
    print(f"    {', '.join(f'{name} {size / 1e6:.1f} MB' for name, size in sizes.items())}", file=sys.stderr)
    return sum(layer.triangle_count for layer in scene.layers.values()), steps[1][1] - steps[0][1]


def again(path: Path) -> tuple[int, float]:
    """Read a file that was read before; return the number of triangles and the seconds of reading."""
    import pandas as pd  # noqa: F401, PLC0415 - see above

    import bim.loader  # noqa: PLC0415

    start = time.perf_counter()
    scene = bim.read(path)
    return sum(layer.triangle_count for layer in scene.layers.values()), time.perf_counter() - start


def child(task: str, path: Path, threads: int) -> None:
    """Do one task and print what it took as JSON."""
    start, read_s = time.perf_counter(), float("nan")
    if task == "import":
        triangles, read_s = imported(path, threads)
    elif task == "again":
        triangles, read_s = again(path)
    else:
        from bim.tessellation import QUICK, SURE  # noqa: PLC0415

        triangles = bare(path, threads, QUICK if task == "bare-quick" else SURE)
    seconds = time.perf_counter() - start
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    found = {
        "seconds": seconds,
        "processor_s": sum(each.ru_utime + each.ru_stime for each in used),
        "triangles": triangles,
        "read_s": read_s,
    }
    print(json.dumps(found), flush=True)
    os._exit(0)


def measured(task: str, path: Path, threads: int, cache: str) -> Cost:
    """Run one task in a process of its own, watching the memory of its tree."""
    command = [sys.executable, __file__, str(path), "--task", task, "--threads", str(threads)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "CITYTWIN_CACHE": cache})
    peak = [0]
    watch = threading.Thread(target=_watch, args=(psutil.Process(process.pid), peak), daemon=True)
    watch.start()
    output, _ = process.communicate()
    watch.join()
    if process.returncode:
        raise SystemExit(f"{task}: ended with {process.returncode}")
    return Cost(megabytes=peak[0] / 1e6, **json.loads(output))


def _watch(root: psutil.Process, peak: list[int]) -> None:
    while True:
        try:
            if not root.is_running() or root.status() == psutil.STATUS_ZOMBIE:
                return
            total = 0
            for each in [root, *root.children(recursive=True)]:
                try:
                    total += each.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], total)
        except psutil.NoSuchProcess:
            return
        time.sleep(0.05)


def main() -> int:
    """Measure, print the ratios, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    parser.add_argument("--task", choices=TASKS)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if options.task:
        child(options.task, options.file, options.threads)
    with tempfile.TemporaryDirectory() as cache:
        costs = {task: measured(task, options.file, options.threads, cache) for task in TASKS}
    print(f"{options.file.name}, {options.threads} thread(s)")
    for task, cost in costs.items():
        print(f"{task:>10}: {cost}")
    bare_cost, import_cost = costs["bare"], costs["import"]
    rows: list[tuple[str, float, float | None]] = [
        ("import / bare iterator, clock", import_cost.seconds / bare_cost.seconds, GOAL_SECONDS),
        ("import / bare iterator, processor", import_cost.processor_s / bare_cost.processor_s, None),
        ("import / bare iterator, memory", import_cost.megabytes / bare_cost.megabytes, GOAL_MEGABYTES),
        ("import / bare iterator with its engine, clock", import_cost.seconds / costs["bare-quick"].seconds, None),
        ("second reading / first", costs["again"].read_s / import_cost.read_s, GOAL_AGAIN),
    ]
    missed = 0
    for name, ratio, goal in rows:
        verdict = "" if goal is None else f" (goal at most {goal}: {'met' if ratio <= goal else 'MISSED'})"
        print(f"ifc {name}: {ratio:.3f}{verdict}")
        missed += goal is not None and ratio > goal
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
