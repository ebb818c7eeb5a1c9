"""Heights above the ellipsoid become those of the scene over the geoid: of lines, clouds and terrain."""

from __future__ import annotations

import json
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from rasterio import Affine

from scenes import Georeference, Problems
from scenes.loading import LoadContext, loader_for
from scenes.sources import Source

UNDULATION_M = 12.5
SEA = "EPSG:5773"


@pytest.fixture
def geoid(tmp_path: Path) -> Path:
    """A grid (GTX) of the same undulation everywhere around Shanghai."""
    path = tmp_path / "geoid.gtx"
    rows = columns = 5
    head = struct.pack(">4d2i", 29.0, 119.0, 1.0, 1.0, rows, columns)
    path.write_bytes(head + np.full(rows * columns, UNDULATION_M, ">f4").tobytes())
    return path


def frame(geoid: Path | None) -> Georeference:
    return Georeference(
        "EPSG:32651", 357_000.0, 3_457_000.0, 10.0, vertical_datum=SEA, geoid=str(geoid) if geoid else ""
    )


def heights(source: Source, place: Georeference, problems: Problems) -> np.ndarray:
    """Return the local z of everything that is drawn of a source."""
    context = LoadContext(place, problems=problems)
    meshes = [mesh for _, batch in loader_for(source).load(source, context) for mesh in batch.meshes.values()]
    return np.concatenate([mesh.positions_m[:, 2] for mesh in meshes])


def line(folder: Path, z: float) -> Path:
    path = folder / "wire.geojson"
    geometry = {"type": "LineString", "coordinates": [[121.5, 31.24, z], [121.501, 31.24, z]]}
    path.write_text(json.dumps({"type": "Feature", "properties": {"power": "line"}, "geometry": geometry}))
    return path


def cloud(folder: Path, z: float) -> Path:
    return points(folder, 121.5, 31.24, z)


def points(folder: Path, lon: float, lat: float, z: float) -> Path:
    path = folder / "points.pts"
    path.write_text("50\n" + "".join(f"{lon + step * 1e-5:.7f} {lat} {z}\n" for step in range(50)))
    return path


def grid(folder: Path, z: float) -> Path:
    path = folder / "dem.tif"
    shape = {"height": 40, "width": 40, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(
            path, "w", driver="GTiff", transform=Affine(1e-4, 0, 121.5, 0, -1e-4, 31.244), **shape
        ) as file:
            file.write(np.full((40, 40), z, np.float32), 1)
    return path


MAKERS = {"line": line, "cloud": cloud, "grid": grid}


@pytest.mark.parametrize("kind", MAKERS)
def test_heights_above_the_ellipsoid_are_brought_to_the_sea(tmp_path: Path, geoid: Path, kind: str) -> None:
    path, problems = MAKERS[kind](tmp_path, 52.5), Problems()
    plain = heights(Source(str(path), crs="EPSG:4326"), frame(geoid), Problems())
    moved = heights(Source(str(path), crs="EPSG:4979"), frame(geoid), problems)
    assert moved == pytest.approx(plain - UNDULATION_M, abs=1e-3)
    assert float(np.median(moved)) == pytest.approx(52.5 - UNDULATION_M - 10.0, abs=1.0)
    assert [problem.rule for problem in problems.listed()].count("vertical-datum") == 1


@pytest.mark.parametrize("kind", MAKERS)
def test_without_a_grid_they_stay_and_that_is_said(tmp_path: Path, kind: str) -> None:
    path, problems = MAKERS[kind](tmp_path, 52.5), Problems()
    plain = heights(Source(str(path), crs="EPSG:4326"), frame(None), Problems())
    kept = heights(Source(str(path), crs="EPSG:4979"), frame(None), problems)
    assert kept == pytest.approx(plain, abs=1e-3)
    assert problems.count("vertical-datum-differs") == 1


def test_a_shape_at_zero_has_no_heights_to_move(tmp_path: Path, geoid: Path) -> None:
    source = Source(str(line(tmp_path, 0.0)), crs="EPSG:4979")
    context = LoadContext(frame(geoid))
    batches = [batch for _, batch in loader_for(source).load(source, context)]
    flat = [shapely.has_z(shapely.from_wkb(batch.table["footprint"].to_pylist()[0])) for batch in batches]
    assert flat == [False]
    assert heights(source, frame(geoid), Problems()) == pytest.approx(
        heights(Source(str(line(tmp_path, 0.0)), crs="EPSG:4326"), frame(geoid), Problems())
    )


@pytest.mark.parametrize("kind", ["line", "cloud"])
def test_offsets_between_two_seas_are_used(tmp_path: Path, kind: str) -> None:
    """TAW, the level of Belgium, lies 2.3 m below NAP."""
    path = tmp_path / "there.txt"
    if kind == "line":
        geometry = {"type": "LineString", "coordinates": [[5.0, 51.0, 30.0], [5.001, 51.0, 30.0]]}
        path = path.with_suffix(".geojson")
        path.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": geometry}))
    else:
        path = points(tmp_path, 5.0, 51.0, 30.0)
    belgium = Georeference("EPSG:31370+5710", 200_000.0, 190_000.0)
    dutch = heights(Source(str(path), crs="EPSG:4326+5709"), belgium, Problems())
    plain = heights(Source(str(path), crs="EPSG:4326"), belgium, Problems())
    assert np.median(dutch - plain) == pytest.approx(2.3, abs=0.1)
