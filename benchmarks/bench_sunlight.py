"""What the sunlight run costs beyond its rays: `python benchmarks/bench_sunlight.py`.

The same shadow rays go once through the engine's counting of hours, and once straight into embreex in one
array per sun position, already facing the sun. The answer is the ratio of rays per second, in one run on one
thread, and the wall seconds of the whole simulation with its child process.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import time

import numpy as np
import shapely

from gis.prisms import PrismColours, extruded
from scenes import Batch, Georeference, Layer, Scene
from scenes.identity import derive_uids
from scenes.schema import object_table
from twin.whatif import simulate
from twin.whatif.sunlight.facades import cut_cells, gather_panels
from twin.whatif.sunlight.hours import Tally, count_hours
from twin.whatif.sunlight.rays import Tracer
from twin.whatif.sunlight.sun import sun_path

GOAL = 2.0


def city(count: int) -> Scene:
    """Return a district of `count` slabs of 3 to 20 storeys."""
    side = int(np.ceil(np.sqrt(count)))
    chance = np.random.default_rng(7)
    column, row = np.arange(count) % side, np.arange(count) // side
    shapes = shapely.box(column * 50.0, row * 45.0, column * 50.0 + 34.0, row * 45.0 + 13.0)
    heights = 3.0 * chance.integers(3, 21, count)
    grey = np.full((count, 4), 200, np.uint8)
    mesh = extruded(shapes, np.zeros(count), heights, PrismColours(grey, grey, grey)).mesh()
    uids = derive_uids("bench", [str(number) for number in range(count)])
    table = object_table({"uid": uids, "kind": ["Building"] * count, "height_m": heights}, {"height_m": "m"})
    layer = Layer("buildings", (Batch(table, {"1": mesh}).with_bounds(),), "buildings")
    return Scene(Georeference.around(121.4737, 31.2304), {"buildings": layer}, name="bench")


def compare(scene: Scene, points: int) -> dict[str, float]:
    """Return rays, and seconds with and without the counting of hours."""
    mesh = scene.layers["buildings"].batches[0].meshes["1"]
    corners = mesh.positions_m[mesh.triangles]
    corners = corners - corners.reshape(-1, 3).mean(axis=0)
    panels = gather_panels(corners, mesh.triangle_rows().astype(np.int64))
    cells = cut_cells(panels, float(np.sqrt(panels.area_m2() / points)))
    normals = panels.normals[cells.panels]
    origins = (panels.place(cells.panels, cells.middles(panels)) + 0.05 * normals).astype(np.float32)
    fronts = normals.astype(np.float32)
    sun = sun_path(dt.date(2001, 1, 20), 31.2304, 121.4737, 8 + (np.arange(97) + 0.5) * 8 / 97).directions()
    tracer = Tracer(corners.reshape(-1, 3), np.arange(len(corners) * 3).reshape(-1, 3))
    ours = bare = 0.0
    rays = 0
    for _ in range(2):
        tally = Tally(len(origins), 8 / 97)
        begun = time.process_time()
        rays = count_hours(tracer, (origins, fronts), sun, tally, 0.0, lambda _step: None)
        ours += time.process_time() - begun
        ready = [
            (origins[seen], np.ascontiguousarray(np.broadcast_to(ray.astype(np.float32), (len(seen), 3))))
            for ray in sun
            if len(seen := np.flatnonzero(fronts @ ray.astype(np.float32) > 0))
        ]
        begun = time.process_time()
        for starts, directions in ready:
            tracer.occluded(starts, directions)
        bare += time.process_time() - begun
    return {"points": len(origins), "rays": rays, "ours_s": ours / 2, "bare_s": bare / 2}


def main() -> int:
    """Print one line of JSON; exit 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buildings", type=int, default=1000)
    parser.add_argument("--points", type=int, default=100_000)
    options = parser.parse_args()
    scene = city(options.buildings)
    found = compare(scene, options.points)
    begun = time.perf_counter()
    simulate(scene, "sunlight", cache=False, max_points=options.points, time_step_min=5, ground=False)
    whole = time.perf_counter() - begun
    ratio = found["ours_s"] / found["bare_s"]
    told = {
        "benchmark": "sunlight",
        "buildings": options.buildings,
        "points": found["points"],
        "rays": found["rays"],
        "bare_mrays_per_s": round(found["rays"] / found["bare_s"] / 1e6, 2),
        "ours_mrays_per_s": round(found["rays"] / found["ours_s"] / 1e6, 2),
        "whole_simulation_wall_s": round(whole, 1),
        "ratio": round(ratio, 2),
        "goal": GOAL,
    }
    print(json.dumps(told))
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
