"""Read, mesh and tile a raster of 30,000 x 30,000 heights, against rasterio reading the same file in its own windows.

Prints seconds, their ratio and the peak memory of the process that reads, meshes and tiles. Exit status 1 where the
memory is more than the goal: reading must not depend on the size of the raster.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio import Affine
from rasterio.windows import Window

import gis
from scenes.georeference import Georeference
from scenes.loading import LoadContext
from scenes.model import Scene
from scenes.sources import Source
from scenes.tiles import publish

SIDE = 30_000
GOAL_MB = 700.0
WEST, NORTH = 355_000.0, 3_487_000.0


def write_raster(path: Path) -> None:
    """Write a tiled GeoTIFF of hills, strip by strip; a metre a cell, 3.6 GB before compression."""
    shape = {"height": SIDE, "width": SIDE, "count": 1, "dtype": "float32", "nodata": -9999.0, "crs": "EPSG:32651"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {"tiled": True, "compress": "lzw", "predictor": 3, "bigtiff": "yes"}
        with rasterio.open(
            path, "w", driver="GTiff", transform=Affine(1.0, 0, WEST, 0, -1.0, NORTH), **shape, **options
        ) as file:
            across = np.sin(np.arange(SIDE) / 900)[None]
            for top in range(0, SIDE, 256):
                rows = min(256, SIDE - top)
                strip = np.rint(50 + 40 * across * np.cos((top + np.arange(rows)) / 700)[:, None])
                file.write(strip.astype("float32"), 1, window=Window(0, top, SIDE, rows))


def bare(path: Path) -> float:
    """Return the seconds that rasterio needs to read every block once."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path) as file:
            for _, window in file.block_windows(1):
                file.read(1, window=window)
    return time.perf_counter() - start


def whole(path: Path, folder: Path) -> float:
    """Return the seconds to read, mesh and tile the terrain."""
    start = time.perf_counter()
    frame = Georeference("EPSG:32651", WEST, NORTH - SIDE)
    source, loader = Source(str(path)), gis.TerrainLoader()
    context = LoadContext(frame, sources=(source,))
    pairs = list(loader.load(source, context))
    layer = pairs[0][0].with_batches([batch.with_bounds() for _, batch in pairs])
    publish(Scene(frame, {"terrain": layer}), folder)
    return time.perf_counter() - start


def _measured(answers: Any, work: Any, *arguments: Path) -> None:
    seconds = work(*arguments)
    answers.put((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3))


def measured(work: Any, *arguments: Path) -> tuple[float, float]:
    """Return the seconds that a function returns, and the peak memory in MB of a process that runs nothing else."""
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    process = spawn.Process(target=_measured, args=(answers, work, *arguments))
    process.start()
    found: tuple[float, float] = answers.get()
    process.join()
    return found


def main() -> int:
    """Measure both in one run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hills.tif"
        write_raster(path)
        base, base_mb = measured(bare, path)
        seconds, peak_mb = measured(whole, path, Path(folder) / "tiles")
    print(f"terrain: {SIDE:,} x {SIDE:,} heights, rasterio alone {base:.1f} s, {base_mb:.0f} MB")
    print(f"terrain: read, meshed and tiled {seconds:.1f} s, ratio {seconds / base:.2f}")
    print(f"terrain: peak memory {peak_mb:.0f} MB (goal <= {GOAL_MB:.0f})")
    return 0 if peak_mb <= GOAL_MB else 1


if __name__ == "__main__":
    sys.exit(main())
