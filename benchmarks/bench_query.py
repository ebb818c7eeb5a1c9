"""Questions to a city of 2,000,000 objects, by attribute, box, polygon and nearness, against geopandas on the same.

Prints a line for each question with the time of the scene, of geopandas (a mask, or its spatial index, on a frame
that is there already) and their ratio; goal: below 200 ms each on a warm scene. `--objects N` tries another size.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from gis.ordering import hilbert_order
from scenes import Batch, Georeference, Layer, Scene
from scenes.identity import derive_uids
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Callable

GOAL_S = 0.2
STEP_M = 24.0
FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)


def made(count: int) -> Scene:
    """Return a scene of so many houses without geometry, in batches of neighbours."""
    across = int(np.ceil(np.sqrt(count)))
    random = np.random.default_rng(1)
    number = np.arange(count)
    x, y = (part.astype(np.float64) * STEP_M for part in (number % across, number // across))
    order = hilbert_order(x, y)
    batches = []
    for first in range(0, count, 20_000):
        rows = order[first : first + 20_000]
        low_x, low_y, size = x[rows], y[rows], len(rows)
        height = np.round(random.gamma(4.0, 4.0, size) + 3.0, 1)
        columns = {
            "uid": derive_uids("bench", map(str, rows.tolist())),
            "kind": pa.repeat("Building", size),
            "source_id": rows.astype(str),
            "footprint": shapely.to_wkb(shapely.box(low_x, low_y, low_x + 12.0, low_y + 9.0)),
            "height_m": height,
            "levels": random.integers(1, 30, size),
            "class": random.choice(["residential", "commercial", "industrial"], size),
            **dict(zip(("min_x", "min_y", "min_z"), (low_x, low_y, np.zeros(size)), strict=True)),
            **dict(zip(("max_x", "max_y", "max_z"), (low_x + 12.0, low_y + 9.0, height), strict=True)),
        }
        batches.append(Batch(object_table(columns, {"height_m": "m"})))
    return Scene(FRAME, {"buildings": Layer("buildings", tuple(batches), "buildings")})


def timed(question: Callable[[], Any]) -> tuple[float, int]:
    """Return the least seconds of five tries on a warm scene, and the number of answers."""
    answers, best = len(question()), np.inf
    for _ in range(5):
        began = time.perf_counter()
        question()
        best = min(best, time.perf_counter() - began)
    return best, answers


def main() -> int:
    """Ask everything both ways and print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=2_000_000)
    scene = made(parser.parse_args().objects)
    frame = scene.layers["buildings"].to_geopandas(FRAME)
    index = frame.sindex
    half = float(np.sqrt(len(scene))) * STEP_M / 2
    x, y = FRAME.easting_m + half, FRAME.northing_m + half
    box = shapely.box(x, y, x + 1_000, y + 1_000)
    wedge = shapely.Polygon([(x, y), (x + 1_500, y), (x + 500, y + 1_500)])
    words = "height_m > 40 AND class = 'commercial' AND levels < 5"
    pairs = {
        "number": (lambda: scene.query("height_m > 45"), lambda: frame[frame["height_m"] > 45]),
        "several": (
            lambda: scene.query(words),
            lambda: frame[(frame["height_m"] > 40) & (frame["class"] == "commercial") & (frame["levels"] < 5)],
        ),
        "box": (
            lambda: scene.query(f"S_INTERSECTS(geometry, BBOX({x}, {y}, {x + 1_000}, {y + 1_000}))"),
            lambda: frame.iloc[index.query(box, predicate="intersects")],
        ),
        "polygon": (
            lambda: scene.query(f"S_WITHIN(geometry, {wedge.wkt})"),
            lambda: frame.iloc[index.query(wedge, predicate="contains")],
        ),
        "nearest": (
            lambda: scene.nearest((x, y), 10),
            lambda: frame.loc[frame.distance(shapely.Point(x, y)).nsmallest(10).index],
        ),
    }
    slow = []
    for name, (ours, theirs) in pairs.items():
        (mine, answers), (other, same) = timed(ours), timed(theirs)
        if answers != same:
            print(f"query: {name} finds {answers}, geopandas {same}")
            return 1
        slow += [name] if mine > GOAL_S else []
        times = f"{mine * 1e3:.0f} ms, geopandas {other * 1e3:.0f} ms, ratio {mine / other:.2f}"
        print(f"query: {name}: {times}, {answers} found")
    print(f"query: {len(scene):,} objects, {len(slow)} questions beyond {GOAL_S * 1e3:.0f} ms {slow or ''}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
