from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

import gis
from gis.vectortiles import WORLD_M, joined, tile_of, touching
from scenes.errors import LoadError
from scenes.georeference import Georeference

if TYPE_CHECKING:
    from pathlib import Path

SIZE_M = WORLD_M / 2**15
CORNER = (27_452 * SIZE_M - WORLD_M / 2, WORLD_M / 2 - 13_380 * SIZE_M)  # of four tiles, near 121.6 E, 31.2 N


def houses() -> gpd.GeoDataFrame:
    """Return 25 houses around the corner of four tiles; some stand on the borders, one on all four tiles."""
    steps = [(x, y) for x in (-300, -140, -30, 120, 260) for y in (-300, -150, -25, 140, 280)]
    shapes = [shapely.box(CORNER[0] + x, CORNER[1] + y, CORNER[0] + x + 80, CORNER[1] + y + 60) for x, y in steps]
    columns = {"id": range(1, 26), "height": [10 + i for i in range(25)]}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=3857)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("suffix", ["mbtiles", "pmtiles"])
def test_what_tile_borders_cut_apart_is_whole_again(tmp_path: Path, suffix: str, named: bool) -> None:
    path = tmp_path / f"tiles.{suffix}"
    frame = houses() if named else houses().drop(columns="id")
    options = {"MINZOOM": "13", "MAXZOOM": "15"}
    driver = {"mbtiles": "MBTiles", "pmtiles": "PMTiles"}[suffix]
    pyogrio.write_dataframe(frame, path, driver=driver, layer="buildings", dataset_options=options)
    scene = gis.read(path, georeference=Georeference("EPSG:32651", 357_000.0, 3_457_000.0))
    table = scene.layers["buildings"].table
    assert len(table) == 25
    assert sorted(table["height_m"].to_pylist()) == [10.0 + i for i in range(25)]
    areas = shapely.area(shapely.from_wkb(table["footprint"].to_pylist()))
    scale = np.cos(np.radians(31.2)) ** 2
    assert areas == pytest.approx(np.full(25, 80 * 60 * scale), rel=0.05)
    if named:
        assert sorted(map(int, table["source_id"].to_pylist())) == list(range(1, 26))


def test_a_single_tile_lies_where_its_path_says(tmp_path: Path) -> None:
    path = tmp_path / "tiles.mbtiles"
    options = {"MINZOOM": "15", "MAXZOOM": "15"}
    pyogrio.write_dataframe(houses(), path, driver="MBTiles", layer="buildings", dataset_options=options)
    with closing(sqlite3.connect(path)) as base:
        column, row, data = base.execute("SELECT tile_column, tile_row, tile_data FROM tiles LIMIT 1").fetchone()
    alone = tmp_path / f"15-{column}-{2**15 - 1 - row}.mvt"
    alone.write_bytes(data)
    scene = gis.read(alone)
    place = scene.georeference.lonlat(*scene.layers["buildings"].bounds()[:2])
    assert abs(float(place[0]) - 121.6) < 0.05
    assert abs(float(place[1]) - 31.316) < 0.02
    (tmp_path / "nowhere.mvt").write_bytes(data)
    with pytest.raises(LoadError, match="which tile"):
        gis.read(tmp_path / "nowhere.mvt")


def test_neighbours_that_look_the_same_stay_apart() -> None:
    pieces = gpd.GeoDataFrame(
        {"height": [5, 5, 5, 6]},
        geometry=[
            shapely.box(0, 0, 5, 5),
            shapely.box(5, 0, 9, 5),
            shapely.box(20, 0, 25, 5),
            shapely.box(9, 0, 12, 5),
        ],
    )
    areas = sorted(joined(pieces, 0.001).geometry.area.tolist())
    assert areas == pytest.approx([15.0, 25.0, 45.0])


def test_borders_and_names_of_tiles() -> None:
    shapes = np.array([shapely.box(-100, 100, 0, 200), shapely.box(100, 100, 200, 200)])
    assert touching(shapes, WORLD_M / 2**14).tolist() == [True, False]
    assert tile_of("a/3/9/1.pbf") is None
