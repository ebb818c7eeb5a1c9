"""Tile a synthetic city and measure what a viewer has to fetch, against one plain glb of the same buildings.

Prints seconds, bytes a building (raw and gzip) of the leaves and of everything, and the size of the overview.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
import time
from pathlib import Path

from sample_tiles import sample_scene

from scenes.tiles import layer_glb, publish

BUILDINGS = 20_000
GOAL = 6.0


def packed(files: list[Path]) -> tuple[int, int]:
    """Return the bytes of some files, raw and by gzip."""
    data = [file.read_bytes() for file in files]
    return sum(map(len, data)), sum(len(gzip.compress(each, 6)) for each in data)


def leaves_of(tileset: Path) -> list[Path]:
    """Return the files of the finest level."""
    found: list[Path] = []
    stack = [json.loads(tileset.read_text("utf-8"))["root"]]
    while stack:
        tile = stack.pop()
        stack += tile.get("children", [])
        if "children" not in tile:
            found.append(tileset.parent / tile["content"]["uri"])
    return found


def main() -> int:
    """Measure the tiles and the plain file in one run; exit status 1 where tiling takes too long."""
    scene = sample_scene(BUILDINGS)
    start = time.perf_counter()
    plain = layer_glb(scene.layers["buildings"], scene.bases["buildings"])
    baseline = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        tileset = publish(scene, Path(folder) / "tiles", layers=["buildings"])["buildings"]
        seconds = time.perf_counter() - start
        raw, small = packed(leaves_of(tileset))
        every, every_small = packed(sorted(tileset.parent.glob("*.glb")))
        overview, overview_small = packed([tileset.parent / "0-0-0.glb"])
    print(f"tiles: {BUILDINGS} buildings, one plain glb {len(plain) / BUILDINGS:.0f} bytes a building")
    print(f"tiles: leaves {raw / BUILDINGS:.0f} bytes a building, gzip {small / BUILDINGS:.0f}")
    print(f"tiles: all levels {every / BUILDINGS:.0f} bytes a building, gzip {every_small / BUILDINGS:.0f}")
    print(f"tiles: overview {overview / 1e3:.0f} kB, gzip {overview_small / 1e3:.0f} kB")
    ratio = seconds / baseline
    print(f"tiles: quadtree {seconds:.2f} s, one plain glb {baseline:.2f} s, ratio {ratio:.1f} (goal <= {GOAL:g})")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
