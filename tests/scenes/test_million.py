"""A million objects stay tables: little memory, quick names."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

GIGABYTE = 2**30

_CHILD = """
    import json
    import sys

    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import shapely

    import scenes
    import scenes.query
    from scenes import Batch, Georeference, Layer, MeshSet, Scene
    from scenes.model import BATCH_ROWS
    from scenes.schema import object_table

    TOTAL = 1_000_000
    CORNERS = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
    FACES = np.array([[0, 1, 5], [0, 5, 4], [1, 3, 7], [1, 7, 5], [3, 2, 6], [3, 6, 7], [2, 0, 4], [2, 4, 6],
                      [4, 5, 7], [4, 7, 6]])

    def batch(first):
        count = min(BATCH_ROWS, TOTAL - first)
        numbers = np.arange(first, first + count)
        x, y = (numbers % 1000) * 20.0, (numbers // 1000) * 20.0
        positions = CORNERS[None] * [10.0, 10.0, 25.0] + np.column_stack([x, y, x * 0])[:, None]
        faces = np.tile(FACES, (count, 1)) + np.repeat(np.arange(count) * 8, 10)[:, None]
        mesh = MeshSet.from_flat(positions.reshape(-1, 3), faces, np.arange(count),
                                 (np.arange(count + 1) * 8, np.arange(count + 1) * 10))
        text = pc.cast(pa.array(numbers), pa.string())
        table = object_table({
            "uid": pc.binary_join_element_wise("urn:uuid", pc.utf8_lpad(text, 36, "0"), ":"),
            "kind": pa.repeat("Building", count),
            "source_id": pc.binary_join_element_wise("way", text, "/"),
            "footprint": shapely.to_wkb(shapely.points(x, y)),
            "height_m": np.full(count, 25.0),
        }, {"height_m": "m"})
        return Batch(table, {"1": mesh}).with_bounds()

    layer = Layer("buildings", tuple(batch(first) for first in range(0, TOTAL, BATCH_ROWS)), "buildings")
    city = Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), {"buildings": layer})
    uid = f"urn:uuid:{777_777:036d}"
    found = {
        "objects": len(city),
        "handle": city.handle(uid),
        "resolved": city.resolve("way/999999").handle,
        "uid": city.at(777_777).uid == uid,
        "many": bool((city.handles(city.uids.slice(500_000, 1000)) == np.arange(500_000, 501_000)).all()),
        "epoch": city.epoch,
        "tall": len(scenes.query.find_rows(city, "handle >= 999000 AND height_m > 20")["buildings"]),
    }
    city.save(sys.argv[1])
    opened = scenes.open(sys.argv[1])
    found["same"] = opened.epoch == city.epoch and opened.handle(uid) == 777_777
    # The high-water mark of this process image: ru_maxrss would carry over what the parent held at the fork.
    with open("/proc/self/status") as status:
        found["peak"] = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
    print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_million_boxes_fit_well_under_two_gigabytes(tmp_path: Path) -> None:
    code = textwrap.dedent(_CHILD)
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "million.city")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["objects"] == 1_000_000
    assert found["handle"] == 777_777
    assert found["resolved"] == 999_999
    assert found["tall"] == 1_000
    assert found["uid"]
    assert found["many"]
    assert found["same"]
    assert found["peak"] < 1.5 * GIGABYTE, f"{found['peak'] / GIGABYTE:.2f} GiB"
