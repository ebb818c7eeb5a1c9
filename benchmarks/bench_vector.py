"""Vector formats: time and memory of the loader against the bare reader of each format, in processes of their own.

Both read the same 10,000 houses; the bare reader stops at a table in memory, the loader goes on to objects with ids,
local geometry, attributes and meshes. A second part reads a file ten times as large in the same windows and compares
the peaks of memory. Prints JSON; exit status 1 when the peak grows by a fifth or more.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pyogrio
import shapely

from gis.vector import VectorLoader
from scenes.georeference import Georeference
from scenes.loading import LoadContext
from scenes.sources import Source

HOUSES = 10_000
WINDOW = 2_500
GOAL = 1.2
EAST, NORTH = 357_000.0, 3_457_000.0
DRIVERS = {"gpkg": "GPKG", "fgb": "FlatGeobuf", "shp": "ESRI Shapefile", "geojson": "GeoJSON", "kml": "LIBKML"}
FORMATS = (*DRIVERS, "parquet", "csv", "osm.pbf")


def houses(count: int) -> gpd.GeoDataFrame:
    """Return houses on a grid."""
    number = np.arange(count)
    x, y = EAST + number % 500 * 25.0, NORTH + number // 500 * 25.0
    shapes = shapely.box(x, y, x + 12.0, y + 9.0)
    columns = {"id": number, "name": number.astype(str), "height": 5.0 + number % 40, "use": "residential"}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:32651")


def write(folder: Path, kind: str, count: int) -> Path:
    """Write so many houses in a format and return the file."""
    path = folder / f"buildings-{count}.{kind}"
    frame = houses(count)
    if kind == "parquet":
        frame.to_parquet(path, row_group_size=10_000)
    elif kind == "csv":
        frame.assign(wkt=shapely.to_wkt(frame.geometry.to_numpy())).drop(columns="geometry").to_csv(path, index=False)
    elif kind == "osm.pbf":
        write_osm(path, frame.to_crs(4326))
    else:
        degrees = kind in {"geojson", "kml"}
        pyogrio.write_dataframe(frame.to_crs(4326) if degrees else frame, path, driver=DRIVERS[kind])
    return path


def write_osm(path: Path, frame: gpd.GeoDataFrame) -> None:
    """Write houses as closed ways."""
    corners = shapely.get_coordinates(frame.geometry.to_numpy()).reshape(-1, 5, 2)[:, :4]
    with osmium.SimpleWriter(str(path), overwrite=True) as out:
        for number, place in enumerate(corners.reshape(-1, 2).tolist(), 1):
            out.add_node(osmium.osm.mutable.Node(id=number, location=tuple(place)))
        for number, height in enumerate(frame["height"].tolist()):
            first = 4 * number + 1
            refs = [first, first + 1, first + 2, first + 3, first]
            tags = {"building": "residential", "height": str(height)}
            out.add_way(osmium.osm.mutable.Way(id=number + 1, nodes=refs, tags=tags))


def bare(path: Path) -> int:
    """Read with the format's own reader alone."""
    if path.suffix == ".parquet":
        return len(gpd.read_parquet(path))
    if path.suffix == ".csv":
        return len(shapely.from_wkt(pd.read_csv(path)["wkt"].to_numpy(object)))
    if path.suffix == ".pbf":
        factory = osmium.geom.WKBFactory()
        areas = osmium.FileProcessor(str(path)).with_areas().with_filter(osmium.filter.EmptyTagFilter())
        found = [(dict(each.tags), factory.create_multipolygon(each)) for each in areas if each.is_area()]
        return len(shapely.from_wkb([shape for _, shape in found]))
    return len(pyogrio.read_dataframe(path, use_arrow=True))


def loaded(path: Path, rows: int = 0) -> int:
    """Read with the loader, letting each batch go."""
    crs = "EPSG:32651" if path.suffix == ".csv" else ""
    loader = VectorLoader(rows) if rows else VectorLoader()
    context = LoadContext(Georeference("EPSG:32651", EAST, NORTH))
    return sum(len(batch) for _, batch in loader.load(Source(str(path), crs=crs), context))


def measured(how: str, path: Path, rows: int = 0) -> dict[str, float]:
    """Return the seconds, the peak of memory and the objects of one reading in a process of its own."""
    command = [sys.executable, __file__, "--one", how, str(path), str(rows)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(found.stdout.splitlines()[-1]))


def one(how: str, path: Path, rows: int) -> None:
    """Read once and print what it took."""
    idle = peak_mb()
    start = time.perf_counter()
    count = bare(path) if how == "bare" else loaded(path, rows)
    seconds = time.perf_counter() - start
    peak = peak_mb()
    print(
        json.dumps(
            {"seconds": round(seconds, 3), "peak_mb": round(peak, 1), "idle_mb": round(idle, 1), "objects": count}
        )
    )


def peak_mb() -> float:
    """Return the highest memory of this process so far; what its parent had does not count, as it does in rusage."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def compare(path: Path) -> dict[str, float]:
    """Return the loader's reading of a file against the bare reader's."""
    plain, ours = measured("bare", path), measured("loader", path)
    return {
        "objects": ours["objects"],
        "seconds": ours["seconds"],
        "seconds_ratio": round(ours["seconds"] / plain["seconds"], 2),
        "peak_mb": ours["peak_mb"],
        "peak_ratio": round(ours["peak_mb"] / plain["peak_mb"], 2),
    }


def main() -> int:
    """Compare every format, then the small and the large file, and print what came out."""
    result: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as beside:
        folder = Path(beside)
        result["formats"] = {kind: compare(write(folder, kind, HOUSES)) for kind in FORMATS}
        growth = {}
        for kind in ("parquet", "gpkg", "csv", "geojson"):
            small, large = (measured("loader", write(folder, kind, n), WINDOW) for n in (7_500, 75_000))
            growth[kind] = round(large["peak_mb"] / small["peak_mb"], 3)
        result["peak_of_ten_times_the_file"] = growth
    print(json.dumps(result, indent=1))
    return 0 if max(growth.values()) < GOAL else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        sys.exit(main())
