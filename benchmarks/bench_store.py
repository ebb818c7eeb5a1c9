"""The city package against pyarrow writing and reading the same bytes: 122,838 boxes with footprints and attributes.

Run ``python benchmarks/bench_store.py [OBJECTS]``; the ratios come from one run on one machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

import scenes
from scenes import Batch, Georeference, Layer, MeshSet, Scene
from scenes.identity import derive_uids
from scenes.model import BATCH_ROWS
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

T = TypeVar("T")
OBJECTS = 122_838
_CORNERS = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
_FACES = np.array(
    [[0, 1, 5], [0, 5, 4], [1, 3, 7], [1, 7, 5], [3, 2, 6], [3, 6, 7], [2, 0, 4], [2, 4, 6], [4, 5, 7], [4, 7, 6]]
)


def main(objects: int = OBJECTS) -> None:
    """Print seconds and ratios."""
    city = make_city(objects)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare_write, bare_read = bare(city, folder)
        package = folder / "bench.city"
        save = timed(lambda: city.save(package))
        opening, opened = timed_result(lambda: scenes.open(package))
        touch = timed(lambda: [batch.finest() for batch in opened.layers["buildings"].batches])
        again = timed(lambda: opened.save(package))
        size = sum(file.stat().st_size for file in package.rglob("*") if file.is_file())
    print(f"{objects:,} objects, {city.layers['buildings'].triangle_count:,} triangles, {size / 1e6:.1f} MB on disk")
    print(f"pyarrow alone         write {bare_write:6.2f} s   read {bare_read:6.2f} s")
    print(f"city package          save  {save:6.2f} s   open {opening:6.2f} s   all geometry {touch:6.2f} s")
    print(f"saved over, unchanged       {again:6.2f} s")
    print(f"ratio save / pyarrow write                      {save / bare_write:5.2f}")
    print(f"ratio open and touch / pyarrow read             {(opening + touch) / bare_read:5.2f}")
    print(f"ratio save + open / pyarrow write + read        {(save + opening) / (bare_write + bare_read):5.2f}")


def make_city(objects: int) -> Scene:
    """Return a scene of boxes in batches of the usual size."""
    batches = tuple(make_batch(first, min(BATCH_ROWS, objects - first)) for first in range(0, objects, BATCH_ROWS))
    layer = Layer("buildings", batches, "buildings")
    return Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), {"buildings": layer}, name="bench")


def make_batch(first: int, count: int) -> Batch:
    """Return boxes with a footprint, a height and a use, walls and roofs with vertices of their own."""
    random = np.random.default_rng(first)
    place = random.uniform(0, 20_000, (count, 2))
    size = np.column_stack([random.uniform(5, 25, (count, 2)), random.uniform(3, 60, count)])
    positions = _CORNERS[None] * size[:, None] + np.column_stack([place, np.zeros(count)])[:, None]
    flat = positions[:, _FACES.reshape(-1)].reshape(-1, 3)
    starts = np.arange(count + 1) * 30, np.arange(count + 1) * 10
    mesh = MeshSet.from_flat(flat, np.arange(len(flat)).reshape(-1, 3), np.arange(count), starts)
    ids = [f"way/{number}" for number in range(first, first + count)]
    plans = shapely.box(place[:, 0], place[:, 1], place[:, 0] + size[:, 0], place[:, 1] + size[:, 1])
    columns = {
        "uid": derive_uids("bench", ids),
        "kind": ["Building"] * count,
        "source_id": ids,
        "footprint": shapely.to_wkb(plans),
        "height_m": size[:, 2],
        "use": random.choice(["home", "shop", "office"], count),
    }
    return Batch(object_table(columns, {"height_m": "m"}), {"1": mesh}).with_bounds()


def bare(city: Scene, folder: Path) -> tuple[float, float]:
    """Return the seconds that pyarrow alone takes for the same tables and arrays, written and read in a row."""
    parts = [(batch.table, batch.meshes["1"]) for batch in city.layers["buildings"].batches]

    def write() -> None:
        for number, (table, mesh) in enumerate(parts):
            pq.write_table(table, folder / f"{number}.objects", compression="zstd")
            for name in ("positions", "triangles", "rows", "vertex_starts", "triangle_starts"):
                arrays = pa.table({name: flat(getattr(mesh, name))})
                pq.write_table(arrays, folder / f"{number}.{name}", compression="zstd", use_dictionary=False)

    def read() -> None:
        for file in folder.iterdir():
            pq.read_table(file)

    return timed(write), timed(read)


def flat(array: NDArray[np.generic]) -> pa.Array:
    """Return an array as one Arrow column."""
    return pa.array(array.reshape(-1))


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    return timed_result(work)[0]


def timed_result(work: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds that `work` takes, and what it gives."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:2]))
