"""A point cloud read, stored and tiled against laspy reading the same file chunk by chunk.

Run ``python benchmarks/bench_pointcloud.py [POINTS]``; prints JSON. Each job runs in a process of its own, so that its
peak of memory is its own. The cloud is also made ten times smaller, to show that memory does not follow the points.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import laspy
import numpy as np
import pyproj

from gis.pointcloud import PointCloudLoader
from scenes import Georeference, Layer, Scene
from scenes.loading import LoadContext
from scenes.sources import Source
from scenes.store import save
from scenes.tiles import publish

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS = 10_000_000
CHUNK = 300_000
FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)


def main(points: int = POINTS) -> None:
    """Print seconds, points a second, peaks of memory, bytes a point and ratios as JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large, small = folder / "large.laz", folder / "small.laz"
        make_cloud(large, points)
        make_cloud(small, points // 10)
        bare, few = job("bare", large), job("bare", small)
        mine, tenth = job("city", large), job("city", small)
    total = mine["read_s"] + mine["store_s"] + mine["tile_s"]
    report = {
        "points": points,
        "laspy": {**bare, "points_per_s": round(points / bare["read_s"])},
        "city": {**mine, "total_s": round(total, 2), "points_per_s": round(points / total)},
        "bytes_per_point": {
            "laz": round(mine["file_bytes"] / points, 2),
            "stored": round(mine["stored_bytes"] / points, 2),
            "tiles": round(mine["tile_bytes"] / points, 2),
        },
        "ratio_read": round(mine["read_s"] / bare["read_s"], 2),
        "ratio_read_store_tile": round(total / bare["read_s"], 2),
        "ratio_memory": round(mine["peak_mb"] / bare["peak_mb"], 2),
        "ratio_memory_tenfold": round(mine["peak_mb"] / tenth["peak_mb"], 2),
        "ratio_memory_tenfold_laspy": round(bare["peak_mb"] / few["peak_mb"], 2),
    }
    print(json.dumps(report, indent=2))


def job(kind: str, path: Path) -> dict[str, Any]:
    """Run a job in a process of its own and return what it measured."""
    done = subprocess.run([sys.executable, __file__, kind, str(path)], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def bare_job(path: Path) -> dict[str, float]:
    """Read coordinates, classes, intensities and colours with laspy alone."""

    def read() -> None:
        with laspy.open(path) as reader:
            for points in reader.chunk_iterator(CHUNK):
                _ = (np.asarray(points.x), np.asarray(points.y), np.asarray(points.z))
                _ = (np.asarray(points.classification), np.asarray(points.intensity), np.asarray(points.red))

    return {"read_s": timed(read), "peak_mb": peak_mb()}


def city_job(path: Path) -> dict[str, float]:
    """Read the cloud as a layer of blocks, store it as a package and tile it."""
    found: list[Any] = []
    context = LoadContext(FRAME)
    read_s = timed(lambda: found.extend(PointCloudLoader().load(Source(str(path)), context)))
    layer: Layer = found[0][0].with_batches([batch for _, batch in found])
    scene = Scene(FRAME, {layer.name: layer}, name="bench")
    out = path.parent / f"{path.stem}.city"
    store_s = timed(lambda: save(scene, out))
    tile_s = timed(lambda: publish(scene, out / "tiles"))
    return {
        "read_s": read_s,
        "store_s": store_s,
        "tile_s": tile_s,
        "peak_mb": peak_mb(),
        "file_bytes": path.stat().st_size,
        "stored_bytes": size_of(out / "meshes") + size_of(out / "objects"),
        "tile_bytes": size_of(out / "tiles"),
    }


def make_cloud(path: Path, points: int) -> None:
    """Write an aerial survey strip by strip: ground, houses, trees; eight points a square metre, in colour."""
    header = laspy.LasHeader(point_format=7, version="1.4")
    header.scales, header.offsets = [0.01] * 3, [FRAME.easting_m, FRAME.northing_m, 0]
    header.add_crs(pyproj.CRS(FRAME.crs))
    side = float(np.sqrt(points / 8))
    strips = max(points // CHUNK, 1)
    with laspy.open(path, mode="w", header=header) as writer:
        for strip in range(strips):
            writer.write_points(make_strip(header, points // strips, strip * side / strips, (side, side / strips)))


def make_strip(header: Any, points: int, south_m: float, size_m: tuple[float, float]) -> Any:
    """Return the points of one strip, in the order of flight."""
    random = np.random.default_rng(int(south_m))
    plan = random.uniform(0, 1, (points, 2)) * size_m
    plan = plan[np.argsort(plan[:, 0])] + [0.0, south_m]
    cell = (plan // 25).astype(np.int64)
    house = ((plan % 25) < 14).all(axis=1)
    height = 5 + 0.01 * plan[:, 0] + np.where(house, 6 + (cell[:, 0] * 7 + cell[:, 1] * 13) % 20, 0)
    tree = ~house & (random.random(points) < 0.2)
    height[tree] += random.uniform(0, 9, int(tree.sum()))
    las = laspy.ScaleAwarePointRecord.zeros(points, header=header)
    las.x, las.y, las.z = plan[:, 0] + FRAME.easting_m, plan[:, 1] + FRAME.northing_m, height
    las.classification = np.where(house, 6, np.where(tree, 5, 2)).astype(np.uint8)
    las.intensity = random.integers(200, 2_000, points).astype(np.uint16)
    las.red = (np.where(house, 180, 90) + random.integers(0, 20, points)).astype(np.uint16) << 8
    las.green = (np.where(tree, 150, 110) + random.integers(0, 20, points)).astype(np.uint16) << 8
    las.blue = (np.full(points, 80) + random.integers(0, 20, points)).astype(np.uint16) << 8
    las.return_number = las.number_of_returns = np.ones(points, np.uint8)
    return las


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, 3)


def peak_mb() -> float:
    """Return the greatest memory of this process so far; `getrusage` would count that of its parent, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps({"bare": bare_job, "city": city_job}[sys.argv[1]](Path(sys.argv[2]))))
    else:
        main(*(int(text) for text in sys.argv[1:2]))
