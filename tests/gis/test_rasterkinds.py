"""Rasters beyond GeoTIFF, written by GDAL itself: Erdas Imagine, DTED, USGS-like grids and JPEG 2000."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio import Affine

from scenes import Georeference
from scenes.assembly import assemble
from scenes.loading import LoadContext, loader_for
from scenes.sources import Source
from tests.gis.test_imagery import SIDE, SOUTH, WEST, apart, ortho, terrain

FRAME = Georeference("EPSG:32651", WEST, SOUTH)


def copied(path: Path, target: Path, driver: str, **options: Any) -> Path:
    """Write a raster again with another driver of GDAL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rasterio.shutil.copy(path, target, driver=driver, **options)
    return target


def heights(path: Path, x: Any, y: Any) -> np.ndarray:
    source = Source(str(path))
    loader = loader_for(source)
    assert loader.name == "terrain"
    ground = loader.surface(source, LoadContext(FRAME))
    assert ground is not None
    return np.asarray(ground.heights(np.asarray(x), np.asarray(y)))


@pytest.mark.parametrize(("name", "driver"), [("dem.img", "HFA"), ("dem.asc", "AAIGrid"), ("dem.bil", "EHdr")])
def test_grids_of_other_programs_have_the_heights_of_the_geotiff(tmp_path: Path, name: str, driver: str) -> None:
    first = terrain(tmp_path / "first.tif")
    x, y = np.linspace(20, SIDE - 20, 9), np.linspace(30, SIDE - 30, 9)
    (tmp_path / "other").mkdir()
    found = heights(copied(first, tmp_path / "other" / name, driver), x, y)
    assert np.isfinite(found).all()
    assert found == pytest.approx(heights(first, x, y), abs=1e-3)


@pytest.mark.parametrize(("name", "count"), [("n31.dt0", 121), ("n31.dt1", 1201)])
def test_a_degree_of_dted_lies_where_its_head_says(tmp_path: Path, name: str, count: int) -> None:
    step = 1 / (count - 1)
    columns, rows = np.meshgrid(np.arange(count), np.arange(count))
    values = (100 + 400 * columns * step + 200 * (1 - rows * step)).round().astype(np.int16)
    place = Affine(step, 0, 121 - step / 2, 0, -step, 32 + step / 2)
    shape = {"height": count, "width": count, "count": 1, "dtype": "int16", "crs": "EPSG:4326", "transform": place}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(tmp_path / "first.tif", "w", driver="GTiff", **shape) as file:
            file.write(values, 1)
    path = copied(tmp_path / "first.tif", tmp_path / name, "DTED")
    lon, lat = np.array([121.25, 121.5, 121.8]), np.array([31.2, 31.5, 31.9])
    x, y = FRAME.from_lonlat(lon, lat)
    assert heights(path, x, y) == pytest.approx(100 + 400 * (lon - 121) + 200 * (lat - 31), abs=1.5)


@pytest.mark.parametrize(("name", "driver", "options"), [
    ("photo.jp2", "JP2OpenJPEG", {"QUALITY": 100, "REVERSIBLE": "YES"}), ("photo.img", "HFA", {}),
])  # fmt: skip
def test_pictures_of_other_programs_lie_in_the_right_place(
    tmp_path: Path, name: str, driver: str, options: dict[str, Any]
) -> None:
    photo = copied(ortho(tmp_path / "first.tif"), tmp_path / name, driver, **options)
    layer = "imagery" if name.endswith(".img") else ""
    scene = assemble([Source(str(photo), layer=layer), Source(str(terrain(tmp_path / "dem.tif")))])
    mean, greatest, count = apart(scene, "terrain")
    assert count == 2 * 39 * 39
    assert mean < 3
    assert greatest < 16
