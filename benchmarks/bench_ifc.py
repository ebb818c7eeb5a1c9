"""What an IFC import to a stored and tiled city costs beyond the bare geometry: `python benchmarks/bench_ifc.py`.

Two child processes take the same file one after the other: one runs nothing but `ifcopenshell.geom.iterator`, the
other reads it with `bim.read`, saves the city and publishes its tiles. Memory is that of the whole process tree,
sampled, so the import's worker counts. Processor seconds are given beside the clock, as a busy machine bends the clock.
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
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TWIN_DATA", ROOT.parent / "shared" / "data"))
FILE = DATA / "ifc" / "large" / "revit2012_janesville_restaurant.zip"
_KEPT: list[object] = []
GOALS = {"seconds": 1.5, "megabytes": 2.0}


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    seconds: float
    processor_s: float
    megabytes: float
    triangles: int


def bare(path: Path, threads: int) -> int:
    """Run the geometry iterator over a file and return the number of triangles."""
    import ifcopenshell  # noqa: PLC0415 - the other run must not have it
    import ifcopenshell.geom  # noqa: PLC0415

    from bim.files import plain_file  # noqa: PLC0415

    triangles = 0
    with plain_file(path) as plain:
        model = ifcopenshell.open(str(plain))
        iterator = ifcopenshell.geom.iterator(ifcopenshell.geom.settings(), model, threads)
        _KEPT.extend([model, iterator])  # tearing them down crashes
        going = iterator.initialize()
        while going:
            triangles += len(iterator.get().geometry.faces_buffer) // 12
            going = iterator.next()
    return triangles


def imported(path: Path, threads: int) -> int:
    """Import a file to a stored and tiled city and return the number of triangles."""
    import bim  # noqa: PLC0415
    from bim.supervisor import Limits  # noqa: PLC0415
    from scenes.store import save  # noqa: PLC0415
    from scenes.tiles import publish  # noqa: PLC0415

    steps = [("start", time.perf_counter())]
    scene = bim.read(path, limits=Limits(threads=threads))
    steps.append(("read", time.perf_counter()))
    with tempfile.TemporaryDirectory() as folder:
        city = Path(folder) / "city.city"
        save(scene, city)
        steps.append(("save", time.perf_counter()))
        publish(scene, city / "tiles")
        steps.append(("tiles", time.perf_counter()))
    for (_, before), (name, after) in itertools.pairwise(steps):
        print(f"    {name} {after - before:.1f} s", file=sys.stderr)
    return sum(layer.triangle_count for layer in scene.layers.values())


def child(task: str, path: Path, threads: int) -> None:
    """Do one task and print what it took as JSON."""
    start = time.perf_counter()
    triangles = (bare if task == "bare" else imported)(path, threads)
    seconds = time.perf_counter() - start
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor = sum(each.ru_utime + each.ru_stime for each in used)
    print(json.dumps({"seconds": seconds, "processor_s": processor, "triangles": triangles}), flush=True)
    os._exit(0)


def measured(task: str, path: Path, threads: int) -> Cost:
    """Run one task in a process of its own, watching the memory of its tree."""
    command = [sys.executable, __file__, str(path), "--task", task, "--threads", str(threads)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    peak = [0]
    watch = threading.Thread(target=_watch, args=(psutil.Process(process.pid), peak), daemon=True)
    watch.start()
    output, _ = process.communicate()
    watch.join()
    if process.returncode:
        raise SystemExit(f"{task}: ended with {process.returncode}")
    found = json.loads(output)
    return Cost(found["seconds"], found["processor_s"], peak[0] / 1e6, found["triangles"])


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
    parser.add_argument("--task", choices=["bare", "import"])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.task:
        child(options.task, options.file, options.threads)
    costs = {task: measured(task, options.file, options.threads) for task in ("bare", "import")}
    for task, cost in costs.items():
        print(task, {name: round(value, 1) for name, value in asdict(cost).items()})
    bare_cost, import_cost = asdict(costs["bare"]), asdict(costs["import"])
    missed = 0
    for name, goal in {**GOALS, "processor_s": None}.items():
        ratio = import_cost[name] / bare_cost[name]
        verdict = "" if goal is None else f" (goal at most {goal}: {'met' if ratio <= goal else 'MISSED'})"
        print(f"ifc import / bare iterator, {name}: {ratio:.2f}{verdict}")
        missed += goal is not None and ratio > goal
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
