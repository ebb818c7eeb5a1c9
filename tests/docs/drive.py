"""The files that the pages speak of, small and made on the spot: a town at the Huangpu, and what others are named."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import geopandas
import ifctester.ids
import numpy as np
import rasterio
import shapely
import trimesh

import gis
import scenes
from bim.authoring import write_library
from scenes.export import export
from scenes.georeference import transformer
from tests.gis.checking.realtime_messages import schedule, sound
from tests.gis.citymodels import building, citygml, points, polygon, surfaces
from tests.gis.clouds import write_las
from tests.gis.networks.test_sumo import NET
from tests.gis.networks.test_water import SUPPLY
from twin.live import Datastreams, HistoryStore, RainHour
from twin.whatif import Scenario, SetAttribute, save_scenario

if TYPE_CHECKING:
    from pathlib import Path

UTM51 = "EPSG:32651"
EAST, NORTH = 357_000.0, 3_457_800.0
"""South-west of the town, near the place that the pages give to ``tower.ifc``."""
FCD = """<fcd-export><timestep time="0.00">
<vehicle id="c1" x="20" y="-2" angle="90.0" type="car" speed="10.0"/></timestep></fcd-export>"""
STREAM = """id,title_en,title_zh,unit,observed_property,object,low,high,stale_after_s
gauge-7,Rain,雨强,mm/h,rain,way/7,,50,300
"""


def fill(folder: Path) -> None:
    """Write every file that a page names, and a city ``town.city`` with a scenario."""
    _maps(folder)
    _rasters(folder)
    _models(folder)
    _clouds_and_tables(folder)
    _others(folder)
    drive = folder / "drive"
    drive.mkdir()
    for name in ("buildings.geojson", "terrain.tif", "tower.ifc", "scan.laz"):
        shutil.copy(folder / name, drive / name)


def city(folder: Path) -> None:
    """Build ``town.city`` from the buildings, with a scenario ``taller``."""
    town = gis.read(folder / "buildings.geojson")
    package = scenes.save(town, folder / "town.city", tiles=True)
    house = town.query("kind = 'Building'").index[0]
    save_scenario(package, Scenario("taller", town).edit(SetAttribute(house, "height_m", 130.0)))


def _houses(crs: str = UTM51, east: float = EAST, north: float = NORTH) -> geopandas.GeoDataFrame:
    plans = [shapely.box(x, y, x + 24, y + 18) for x in range(0, 200, 50) for y in range(0, 200, 50)]
    columns: dict[str, Any] = {
        "id": [f"way/{number}" for number in range(len(plans))],
        "building": "yes",
        "name": [f"House {number}" for number in range(len(plans))],
        "height": [12.0 + 7.5 * number for number in range(len(plans))],
        "roof_m": [10.0 + number for number in range(len(plans))],
    }
    moved = [shapely.transform(plan, lambda xy: xy + np.array([east, north])) for plan in plans]
    return geopandas.GeoDataFrame(columns, geometry=moved, crs=crs)


def _maps(folder: Path) -> None:
    houses = _houses()
    degrees = houses.to_crs("EPSG:4326")
    degrees.to_file(folder / "buildings.geojson", driver="GeoJSON")
    houses.to_parquet(folder / "buildings.parquet")
    degrees.iloc[:8].to_file(folder / "one.geojson", driver="GeoJSON")
    degrees.iloc[8:].to_file(folder / "two.geojson", driver="GeoJSON")
    degrees.iloc[:4].to_file(folder / "listed.geojson", driver="GeoJSON")
    _houses("EPSG:25832", 354_050.0, 5_610_300.0).to_file(folder / "footprints.gpkg")
    plain = json.loads(_houses(UTM51, 1000.0, 2000.0).set_crs(None, allow_override=True).to_json())
    plain.pop("crs", None)
    (folder / "plots.geojson").write_text(json.dumps(plain), "utf-8")
    ways = [shapely.LineString([(EAST, NORTH + y), (EAST + 200, NORTH + y)]) for y in (40, 90, 140)]
    roads = geopandas.GeoDataFrame({"highway": ["residential"] * len(ways), "name": "Street"}, geometry=ways, crs=UTM51)
    roads.to_file(folder / "roads.gpkg")
    water = geopandas.GeoDataFrame(
        {"natural": ["water"]}, geometry=[shapely.box(EAST, NORTH + 210, EAST + 200, NORTH + 260)], crs=UTM51
    )
    water.to_file(folder / "water.shp")
    places = [shapely.Point(EAST + x, NORTH + 45) for x in (20, 120)]
    stops = geopandas.GeoDataFrame({"highway": ["bus_stop"] * 2, "name": ["A", "B"]}, geometry=places, crs=UTM51)
    stops.to_crs("EPSG:4326").to_file(folder / "stops.geojson", driver="GeoJSON")
    shutil.copy(folder / "stops.geojson", folder / "shops.geojson")
    border = geopandas.GeoDataFrame(
        {"name": ["District"], "adcode": [310115], "level": ["district"]},
        geometry=[shapely.box(EAST - 500, NORTH - 500, EAST + 700, NORTH + 700)],
        crs=UTM51,
    )
    for name in ("shanghai.json", "310000.json"):
        border.to_crs("EPSG:4326").to_file(folder / name, driver="GeoJSON")


def _rasters(folder: Path) -> None:
    rows, columns = np.mgrid[:40, :40]
    slope = (4.0 + 0.05 * columns + 0.02 * rows).astype("float32")
    colours = np.stack([60 + 4 * rows, 90 + 3 * columns, 80 + rows + columns]).astype("uint8")
    at = rasterio.Affine(8.0, 0.0, EAST - 60, 0.0, -8.0, NORTH + 270)
    shape = {"driver": "GTiff", "height": 40, "width": 40}
    for name in ("terrain.tif", "dem.tif"):
        with rasterio.open(folder / name, "w", **shape, count=1, dtype="float32", crs=UTM51, transform=at) as file:
            file.write(slope, 1)
    with rasterio.open(folder / "ortho.tif", "w", **shape, count=3, dtype="uint8", crs=UTM51, transform=at) as file:
        file.write(colours)
    degrees = rasterio.Affine(0.05, 0.0, 120.5, 0.0, -0.05, 32.2)
    with rasterio.open(
        folder / "us_nga_egm96_15.tif", "w", **shape, count=1, dtype="float32", crs="EPSG:4979", transform=degrees
    ) as file:
        file.write(np.full((40, 40), 11.0, "float32"), 1)


def _models(folder: Path) -> None:
    write_library(folder / "tower.ifc", crs=UTM51, place_m=(EAST + 100.0, NORTH + 100.0, 4.0))
    (folder / "town.gml").write_text(_house(EAST + 10.0, NORTH + 150.0, "urn:ogc:def:crs:EPSG::32651"), "utf-8")
    (folder / "model.gml").write_text(_house(EAST + 10.0, NORTH + 150.0, "urn:ogc:def:crs:EPSG::32651"), "utf-8")
    block = trimesh.creation.box((6.0, 8.0, 12.0))
    block.export(folder / "statue.glb")
    block.apply_translation((354_100.0, 5_610_330.0, 6.0))
    block.export(folder / "old-town.obj")
    write_library(folder / "annex.ifc", crs="EPSG:4549", place_m=(*_moved(EAST + 60.0, NORTH + 60.0), 4.0))
    export(gis.read(folder / "one.geojson"), folder / "tilesets", format="3dtiles")
    shutil.move(folder / "tilesets" / "buildings", folder / "tiles")
    rules = ifctester.ids.Ids(title="Rules")
    rule = ifctester.ids.Specification(name="Names", ifcVersion=["IFC4"])
    rule.applicability.append(ifctester.ids.Entity(name="IFCWALL"))
    rule.requirements.append(ifctester.ids.Attribute(name="Name"))
    rules.specifications.append(rule)
    rules.to_xml(str(folder / "requirements.ids"))


def _moved(east: float, north: float) -> tuple[float, float]:
    x, y = transformer(UTM51, "EPSG:4549").transform(east, north)
    return float(x), float(y)


def _house(east: float, north: float, crs: str) -> str:
    """Return a block of LoD2 with roof, walls and ground as CityGML."""
    low, high = 5.0, 14.0
    ring = [(0, 0), (10, 0), (10, 8), (0, 8)]
    faces = [("GroundSurface", [(x, y, low) for x, y in reversed(ring)])]
    faces.append(("RoofSurface", [(x, y, high) for x, y in ring]))
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        faces.append(("WallSurface", [(ax, ay, low), (bx, by, low), (bx, by, high), (ax, ay, high)]))
    parts = []
    for word, face in faces:
        shape = surfaces(polygon(points(*face, face[0], x=east, y=north)))
        parts.append(
            f"<bldg:boundedBy><bldg:{word}><bldg:lod2MultiSurface>{shape}</bldg:lod2MultiSurface></bldg:{word}></bldg:boundedBy>"
        )
    inner = "<bldg:measuredHeight uom='m'>9</bldg:measuredHeight>" + "".join(parts)
    return citygml(building(inner, "DEBY_LOD2_5744682"), crs=crs)


def _clouds_and_tables(folder: Path) -> None:
    random = np.random.default_rng(3)
    plan = 230.0 * random.random((60_000, 2))
    inside = (plan % 50 < [24, 18]).all(axis=1) & (plan < 200).all(axis=1)
    heights = np.where(inside, 24.0, 4.0) + random.normal(0, 0.05, len(plan))
    write_las(
        folder / "scan.laz",
        np.round(np.column_stack([plan + np.array([EAST, NORTH]), heights]), 3),
        UTM51,
        classification=np.where(inside, 6, 2).astype("uint8"),
    )
    (folder / "plots.csv").write_text("x,y,name\n500100,3457900,A\n500200,3457950,B\n", "utf-8")
    (folder / "streams.csv").write_text(STREAM, "utf-8")
    supply = SUPPLY.format(diameter=12, units="GPM")
    (folder / "ky4.inp").write_text(supply.replace("J1 0 0", "J1 5 5"), "utf-8")
    (folder / "model.inp").write_text(SUPPLY.format(diameter=300, units="LPS"), "utf-8")


def _others(folder: Path) -> None:
    day = folder / "day"
    day.mkdir()
    (day / "0800.pb").write_bytes(sound().SerializeToString())
    schedule(folder).rename(folder / "schedule.zip")
    (folder / "town.net.xml").write_text(NET.format(projection="+proj=utm +zone=51 +datum=WGS84 +units=m +no_defs"))
    store = HistoryStore(
        folder / "history",
        Datastreams.from_records([{"id": "gauge-7", "object": "way/7", "observed_property": "rain"}]),
    )
    store.append(RainHour(store.datastreams).record(1_782_871_200_000))
    store.flush()[0].rename(folder / "hour.parquet")
    (folder / "run.fcd.xml").write_text(FCD, "utf-8")
    with closing(sqlite3.connect(folder / "map.mbtiles")) as store, store:
        store.execute("CREATE TABLE metadata (name text, value text)")
        store.executemany("INSERT INTO metadata VALUES (?, ?)", [("name", "old"), ("format", "png")])
        store.execute("CREATE TABLE tiles (zoom_level int, tile_column int, tile_row int, tile_data blob)")
