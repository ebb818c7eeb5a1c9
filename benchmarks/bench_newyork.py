"""New York: 122,838 footprints to a stored and tiled city, against reading, reprojecting and triangulating alone.

The last line is `newyork: build 5.7 s, reference 1.5 s, ratio 3.8 (goal <= 4)`; exit status 1 beyond the goal. That
reference works on the coordinates of all footprints at once. A line before it compares with the loop over footprints
that an analyst writes. The build may use two processes beside the one that asks.
The data are looked for under TWIN_DATA (default `../shared/data` beside the checkout).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import mapbox_earcut as earcut
import numpy as np
import psutil
import shapely

from scenes.assembly import gather
from scenes.crew import crew_of
from scenes.saving import save
from scenes.sources import Source

GOAL = 4.0
WORKERS = 2
CRS = "EPSG:32618"
ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("TWIN_DATA", ROOT.parent / "shared" / "data"))
FILE = DATA / "city_scale" / "nyc_buildings_DERIVED.parquet"


def reference(file: Path) -> tuple[int, int]:
    """Read the footprints, reproject them and triangulate them; return the numbers of polygons and triangles."""
    frame = gpd.read_parquet(file, columns=["geometry"]).to_crs(CRS)
    polygons = shapely.get_parts(frame.geometry.to_numpy())
    rings, polygon_of = shapely.get_rings(polygons, return_index=True)
    places, ring_of = shapely.get_coordinates(rings, return_index=True)
    sizes = np.bincount(ring_of)
    ends = np.cumsum(sizes)
    first = np.concatenate([[0], np.cumsum(np.bincount(polygon_of, minlength=len(polygons)))])
    triangles = 0
    for index in range(len(polygons)):
        own = ends[first[index] : first[index + 1]]
        start = own[0] - sizes[first[index]]
        mine = places[start : own[-1]]
        triangles += len(earcut.triangulate_float64(mine, (own - start).astype(np.uint32))) // 3
    return len(polygons), triangles


def plain_reference(file: Path) -> int:
    """Read the footprints, reproject them and triangulate one after the other; return the number of triangles."""
    frame = gpd.read_parquet(file).to_crs(CRS)
    triangles = 0
    for shape in frame.geometry:
        for polygon in getattr(shape, "geoms", [shape]):
            rings = [np.asarray(ring.coords) for ring in (polygon.exterior, *polygon.interiors)]
            ends = np.cumsum([len(ring) for ring in rings]).astype(np.uint32)
            triangles += len(earcut.triangulate_float64(np.concatenate(rings), ends)) // 3
    return triangles


def build(file: Path, folder: Path) -> tuple[int, dict[str, float]]:
    """Load, store and tile the city; return the number of objects and the seconds of each step."""
    clock = [time.perf_counter()]
    crew = crew_of(WORKERS)
    scene = gather([Source(str(file))], crs=CRS, name="newyork", crew=crew).scene
    assert scene is not None
    clock.append(time.perf_counter())
    save(scene, folder, tiles=True, crew=crew)
    clock.append(time.perf_counter())
    steps = dict(zip(("load", "save with tiles"), (b - a for a, b in pairwise(clock)), strict=True))
    return len(scene), steps


def processor_seconds() -> float:
    """Return what this process and those that it has started have computed so far."""
    here = psutil.Process()
    return sum(sum(each.cpu_times()[:2]) for each in (here, *here.children(recursive=True)))


def main() -> int:
    """Run both on the same machine, one after the other, and print the ratio."""
    if not FILE.exists():
        print(f"newyork: no data at {FILE}; set TWIN_DATA to the folder with real files")
        return 1
    start, worked = time.perf_counter(), time.process_time()
    polygons, triangles = reference(FILE)
    baseline, baseline_work = time.perf_counter() - start, time.process_time() - worked
    start = time.perf_counter()
    plain_triangles = plain_reference(FILE)
    plain = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as beside:
        folder = Path(beside) / "newyork.city"
        worked = processor_seconds()
        objects, steps = build(FILE, folder)
        work = processor_seconds() - worked
        tiles = sum(path.stat().st_size for path in folder.glob("tiles/**/*.glb"))
    total = sum(steps.values())
    print(f"newyork: reference has {polygons} polygons, {triangles} triangles, one by one {plain_triangles}")
    print(f"newyork: city has {objects} objects, {tiles / 1e6:.0f} MB of tiles")
    print("newyork: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in steps.items()))
    print(f"newyork: processor time {work:.1f} s, reference {baseline_work:.1f} s, ratio {work / baseline_work:.1f}")
    print(f"newyork: build {total:.1f} s, footprint by footprint {plain:.1f} s, ratio {total / plain:.1f}")
    ratio = total / baseline
    print(f"newyork: build {total:.1f} s, reference {baseline:.1f} s, ratio {ratio:.1f} (goal <= {GOAL:g})")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
