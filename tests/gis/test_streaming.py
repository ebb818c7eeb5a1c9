"""Memory depends on the window, not on the file: a file ten times as large needs hardly more."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely

if TYPE_CHECKING:
    from pathlib import Path

READ = """
import sys
from pathlib import Path
from gis.vector import VectorLoader
from scenes.georeference import Georeference
from scenes.loading import LoadContext
from scenes.sources import Source
context = LoadContext(Georeference("EPSG:32651", 357_000.0, 3_457_000.0))
found = VectorLoader(500).load(Source(sys.argv[1]), context)
count = sum(len(batch) for _, batch in found)
lines = Path("/proc/self/status").read_text().splitlines()
print(count, next(line for line in lines if line.startswith("VmHWM")).split()[1])
"""


def peak(path: Path) -> tuple[int, float]:
    """Return how many objects a process of its own reads, and the most memory that it has, in megabytes."""
    done = subprocess.run([sys.executable, "-c", READ, str(path)], check=True, capture_output=True, text=True)
    count, kilobytes = done.stdout.split()
    return int(count), int(kilobytes) / 1024


@pytest.mark.slow
def test_a_file_ten_times_as_large_needs_hardly_more_memory(tmp_path: Path) -> None:
    peaks = {}
    for count in (2_000, 20_000):
        number = np.arange(count)
        x, y = 357_000.0 + number % 500 * 25.0, 3_457_000.0 + number // 500 * 25.0
        columns = {"id": number, "height": 5.0 + number % 40, **{f"word{i}": "w" * 40 for i in range(8)}}
        frame = gpd.GeoDataFrame(columns, geometry=shapely.box(x, y, x + 12.0, y + 9.0), crs=32651)
        path = tmp_path / f"buildings-{count}.fgb"
        frame.to_file(path, driver="FlatGeobuf")
        read, peaks[count] = peak(path)
        assert read == count
    assert peaks[20_000] < 1.2 * peaks[2_000]
