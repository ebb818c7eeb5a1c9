"""A small sound file of every format, made here, so that a fuzz run needs nothing from outside."""

from __future__ import annotations

import gzip
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio
import rasterio.shutil
import shapely
import trimesh
from affine import Affine
from google.protobuf import json_format
from google.transit import gtfs_realtime_pb2

LON, LAT = 121.49, 31.24


def write_seeds(folder: Path) -> dict[str, Path]:
    """Write the seed files and return them by format."""
    made: dict[str, Path] = {}
    for group in (_vectors, _tables, _texts, _rasters, _models, _networks, _meshes, _clouds, _archives, _tiles):
        made |= group(folder)
    return made


def _frame() -> Any:
    boxes = [shapely.box(LON + 0.001 * n, LAT, LON + 0.001 * n + 0.0005, LAT + 0.0004) for n in range(4)]
    hole = shapely.Polygon(boxes[0].exterior, [boxes[0].buffer(-0.0001).exterior])
    return gpd.GeoDataFrame(
        {"name": ["A", "测试", "C", "D"], "height": [12.0, 30.5, 8.0, 100.0], "levels": [4, 10, 2, 30]},
        geometry=[hole, *boxes[1:3], shapely.MultiPolygon([boxes[3], shapely.transform(boxes[3], lambda p: p + 0.01)])],
        crs="EPSG:4326",
    )


def _vectors(folder: Path) -> dict[str, Path]:
    frame = _frame()
    found = {}
    for name, driver in (("geojson", "GeoJSON"), ("gpkg", "GPKG"), ("fgb", "FlatGeobuf"), ("shp", "ESRI Shapefile")):
        path = folder / f"buildings.{name}"
        frame.to_file(path, driver=driver)
        found[name] = path
    beside = folder / "buildings.shp.beside"
    beside.mkdir()
    for suffix in (".shx", ".dbf", ".prj", ".cpg"):
        shutil.copy(folder / f"buildings{suffix}", beside)
    lines = [json.dumps(feature) for feature in frame.iterfeatures()]
    found["geojsonl"] = folder / "buildings.geojsonl"
    found["geojsonl"].write_text("\n".join(lines))
    return found


def _tables(folder: Path) -> dict[str, Path]:
    frame = _frame()
    frame.to_parquet(folder / "buildings.parquet")
    rows = "\n".join(f"{LON + n / 1000},{LAT},{n},tree {n}" for n in range(9))
    (folder / "trees.csv").write_text(f"lon,lat,height,name\n{rows}\n")
    wkt = "\n".join(f'"{shape.wkt}";{n}' for n, shape in enumerate(frame.geometry))
    (folder / "parcels.csv").write_text(f"wkt;height\n{wkt}\n")
    return {name: folder / name for name in ("buildings.parquet", "trees.csv", "parcels.csv")}


KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>roads
</name><Placemark><name>R1</name><ExtendedData><Data name="lanes"><value>2</value></Data></ExtendedData><LineString>
<coordinates>121.49,31.24,0 121.495,31.245,0</coordinates></LineString></Placemark></Folder></Document></kml>"""
GPX = """<?xml version="1.0"?><gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="31.24"
 lon="121.49"><ele>4</ele><name>P</name></wpt><trk><name>T</name><trkseg><trkpt lat="31.24" lon="121.49"/><trkpt
 lat="31.25" lon="121.5"/></trkseg></trk></gpx>"""
OSM = """<?xml version="1.0"?><osm version="0.6"><node id="1" lat="31.24" lon="121.49"/><node id="2" lat="31.24"
 lon="121.491"/><node id="3" lat="31.241" lon="121.491"/><node id="4" lat="31.241" lon="121.49"><tag k="natural"
 v="tree"/></node><way id="5"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/><tag k="building"
 v="yes"/><tag k="height" v="12 m"/></way><way id="6"><nd ref="1"/><nd ref="3"/><tag k="highway" v="residential"/></way>
<relation id="7"><member type="way" ref="5" role="outer"/><tag k="type" v="multipolygon"/><tag k="landuse" v="grass"/>
</relation></osm>"""
CITYJSON = {
    "type": "CityJSON", "version": "2.0", "transform": {"scale": [0.001] * 3, "translate": [354000.0, 3457000.0, 0.0]},
    "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/32651"},
    "CityObjects": {
        "b1": {"type": "Building", "attributes": {"height": 3.0, "name": "楼"}, "children": ["p1"], "geometry": [
            {"type": "Solid", "lod": "2.2", "boundaries": [[[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]],
                                                           [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]],
             "semantics": {"surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}],
                           "values": [[0, 1, 2, 2, 2, 2]]}}]},
        "p1": {"type": "BuildingPart", "parents": ["b1"], "geometry": [
            {"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2, 3]]]}]},
    },
    "vertices": [[x, y, z] for z in (0, 3000) for x, y in ((0, 0), (9000, 0), (9000, 9000), (0, 9000))],
}  # fmt: skip
GML = """<?xml version="1.0" encoding="UTF-8"?><CityModel xmlns="http://www.opengis.net/citygml/2.0"
 xmlns:gml="http://www.opengis.net/gml" xmlns:bldg="http://www.opengis.net/citygml/building/2.0"
 xmlns:gen="http://www.opengis.net/citygml/generics/2.0" xmlns:xlink="http://www.w3.org/1999/xlink"><gml:boundedBy>
<gml:Envelope srsName="EPSG:32651" srsDimension="3"/></gml:boundedBy><cityObjectMember><bldg:Building gml:id="b1">
<gen:stringAttribute name="use"><gen:value>home</gen:value></gen:stringAttribute><bldg:measuredHeight uom="m">9
</bldg:measuredHeight><bldg:boundedBy><bldg:RoofSurface gml:id="r1"><bldg:lod2MultiSurface><gml:MultiSurface>
<gml:surfaceMember><gml:Polygon gml:id="p1"><gml:exterior><gml:LinearRing><gml:posList>354000 3457000 9 354010 3457000 9
354010 3457010 9 354000 3457010 9 354000 3457000 9</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>
</gml:surfaceMember></gml:MultiSurface></bldg:lod2MultiSurface></bldg:RoofSurface></bldg:boundedBy><bldg:lod2Solid>
<gml:Solid><gml:exterior><gml:CompositeSurface><gml:surfaceMember xlink:href="#p1"/></gml:CompositeSurface>
</gml:exterior></gml:Solid></bldg:lod2Solid></bldg:Building></cityObjectMember></CityModel>"""
IFC = """ISO-10303-21;
HEADER;
FILE_DESCRIPTION(('ViewDefinition [ReferenceView]'),'2;1');
FILE_NAME('','2026-01-01T00:00:00',(''),(''),'','','');
FILE_SCHEMA(('IFC4'));
ENDSEC;
DATA;
#1=IFCPROJECT('0YvctVUKr0kugbFTf53O9L',$,'P',$,$,$,$,(#2),#6);
#2=IFCGEOMETRICREPRESENTATIONCONTEXT($,'Model',3,1.E-05,#3,$);
#3=IFCAXIS2PLACEMENT3D(#4,$,$);
#4=IFCCARTESIANPOINT((0.,0.,0.));
#5=IFCSIUNIT(*,.LENGTHUNIT.,$,.METRE.);
#6=IFCUNITASSIGNMENT((#5));
#7=IFCPROJECTEDCRS('EPSG:32651',$,$,$,$,$,#5);
#8=IFCMAPCONVERSION(#2,#7,354000.,3457000.,4.,1.,0.,1.);
#9=IFCSITE('1YvctVUKr0kugbFTf53O9L',$,'S',$,$,#20,$,$,.ELEMENT.,(31,14,0),(121,29,0),4.,$,$);
#10=IFCBUILDING('2YvctVUKr0kugbFTf53O9L',$,'B',$,$,#20,$,$,.ELEMENT.,$,$,$);
#11=IFCRELAGGREGATES('3YvctVUKr0kugbFTf53O9L',$,$,$,#1,(#9));
#12=IFCRELAGGREGATES('0ZvctVUKr0kugbFTf53O9L',$,$,$,#9,(#10));
#20=IFCLOCALPLACEMENT($,#3);
#21=IFCWALL('0avctVUKr0kugbFTf53O9L',$,'Wall \\X2\\5899\\X0\\',$,$,#20,#22,$,$);
#22=IFCPRODUCTDEFINITIONSHAPE($,$,(#23));
#23=IFCSHAPEREPRESENTATION(#2,'Body','SweptSolid',(#24));
#24=IFCEXTRUDEDAREASOLID(#25,#3,#26,3.);
#25=IFCRECTANGLEPROFILEDEF(.AREA.,$,$,5.,0.2);
#26=IFCDIRECTION((0.,0.,1.));
#27=IFCRELCONTAINEDINSPATIALSTRUCTURE('0dvctVUKr0kugbFTf53O9L',$,$,$,(#21),#10);
#28=IFCPROPERTYSINGLEVALUE('FireRating',$,IFCLABEL('F90'),$);
#29=IFCPROPERTYSET('0evctVUKr0kugbFTf53O9L',$,'Pset_WallCommon',$,(#28));
#30=IFCRELDEFINESBYPROPERTIES('0fvctVUKr0kugbFTf53O9L',$,$,$,(#21),#29);
ENDSEC;
END-ISO-10303-21;
"""


def _texts(folder: Path) -> dict[str, Path]:
    texts = {"roads.kml": KML, "walk.gpx": GPX, "town.osm": OSM, "town.gml": GML, "house.ifc": IFC}
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "town.osm.gz").write_bytes(gzip.compress(OSM.encode()))
    return {name: folder / name for name in (*texts, "town.osm.gz")}


def _rasters(folder: Path) -> dict[str, Path]:
    heights = np.fromfunction(lambda y, x: 3 + np.sin(x / 3) + y / 8, (24, 24)).astype("float32")
    place = Affine(4.0, 0.0, 354_000, 0.0, -4.0, 3_457_100)
    profile = {"width": 24, "height": 24, "crs": "EPSG:32651", "transform": place}
    with rasterio.open(folder / "dem.tif", "w", count=1, dtype="float32", nodata=-9999, **profile) as file:
        file.write(heights, 1)
    with rasterio.open(folder / "ortho.tif", "w", count=3, dtype="uint8", driver="GTiff", **profile) as file:
        file.write(np.stack([heights * 20] * 3).astype("uint8"))
    rows = "\n".join(" ".join(f"{value:.2f}" for value in row) for row in heights)
    head = "ncols 24\nnrows 24\nxllcorner 354000\nyllcorner 3457000\ncellsize 4\nNODATA_value -9999\n"
    (folder / "dem.asc").write_text(head + rows)
    points = [f"{354000 + 4 * x} {3457000 + 4 * y} {heights[y, x]:.2f}" for y in range(24) for x in range(24)]
    (folder / "dem.xyz").write_text("\n".join(points))
    rasterio.shutil.copy(folder / "dem.tif", folder / "dem.img", driver="HFA")
    rasterio.shutil.copy(folder / "ortho.tif", folder / "ortho.jp2", driver="JP2OpenJPEG")
    return {name: folder / name for name in ("dem.tif", "ortho.tif", "dem.asc", "dem.xyz", "dem.img", "ortho.jp2")}


def _models(folder: Path) -> dict[str, Path]:
    (folder / "town.city.json").write_text(json.dumps(CITYJSON))
    head = {**CITYJSON, "CityObjects": {}, "vertices": []}
    feature = {"type": "CityJSONFeature", "id": "b1", **{key: CITYJSON[key] for key in ("CityObjects", "vertices")}}
    (folder / "town.city.jsonl").write_text(json.dumps(head) + "\n" + json.dumps(feature) + "\n")
    return {name: folder / name for name in ("town.city.json", "town.city.jsonl")}


NET = """<net version="1.16"><location netOffset="-354000,-3457000" convBoundary="0,0,100,100"
 origBoundary="121,31,122,32" projParameter="+proj=utm +zone=51 +ellps=WGS84 +datum=WGS84 +units=m +no_defs"/><edge
 id="e1" from="a" to="b" priority="2"><lane id="e1_0" index="0" speed="13.9" length="100" shape="0,0 100,0"/></edge>
<junction id="a" type="priority" x="0" y="0" incLanes="" intLanes="" shape="0,2 0,-2 -2,0"/><junction id="b"
 type="priority" x="100" y="0" incLanes="e1_0" intLanes="" shape="100,2 100,-2 102,0"/></net>"""
SWMM = """[TITLE]
x
[OPTIONS]
FLOW_UNITS CMS
[JUNCTIONS]
J1 2.0 3.0 0 0 0
J2 1.5 3.0 0 0 0
[OUTFALLS]
O1 0.5 FREE NO
[CONDUITS]
C1 J1 J2 80 0.013 0 0 0 0
C2 J2 O1 60 0.013 0 0 0 0
[XSECTIONS]
C1 CIRCULAR 0.8 0 0 0 1
C2 RECT_CLOSED 1.0 0.6 0 0 1
[COORDINATES]
J1 0 0
J2 80 0
O1 140 10
[VERTICES]
C1 40 5
"""
EPANET = """[TITLE]
x
[JUNCTIONS]
J1 10 5 ;
J2 12 5 ;
[RESERVOIRS]
R1 50 ;
[TANKS]
T1 20 2 0 5 10 0 ;
[PIPES]
P1 R1 J1 100 300 130 0 Open ;
P2 J1 J2 80 200 130 0 Open ;
P3 J2 T1 50 200 130 0 Open ;
[OPTIONS]
UNITS LPS
[COORDINATES]
J1 0 0
J2 80 0
R1 -100 0
T1 80 50
[END]
"""


LIVE = {
    "header": {"gtfsRealtimeVersion": "2.0", "incrementality": "FULL_DATASET", "timestamp": "1699405559"},
    "entity": [
        {"id": "1", "vehicle": {"trip": {"tripId": "T", "routeId": "R"}, "vehicle": {"id": "b", "label": "公交"},
                                "position": {"latitude": LAT, "longitude": LON, "speed": 8.0}, "stopId": "A"}},
        {"id": "2", "tripUpdate": {"trip": {"tripId": "T", "startDate": "20231107", "startTime": "08:00:00"},
                                   "stopTimeUpdate": [{"stopSequence": 1, "arrival": {"delay": 30}}]}},
        {"id": "3", "alert": {"informedEntity": [{"routeId": "R"}],
                              "headerText": {"translation": [{"text": "closed"}]}}},
    ],
}  # fmt: skip


def _networks(folder: Path) -> dict[str, Path]:
    texts = {"town.net.xml": NET, "sewer.inp": SWMM, "water.inp": EPANET}
    for name, text in texts.items():
        (folder / name).write_text(text)
    live = gtfs_realtime_pb2.FeedMessage()
    json_format.ParseDict(LIVE, live)
    (folder / "live.pb").write_bytes(live.SerializeToString())
    (folder / "live.json").write_text(json.dumps(LIVE))
    return {name: folder / name for name in (*texts, "live.pb", "live.json")}


def _meshes(folder: Path) -> dict[str, Path]:
    box = trimesh.creation.box((10, 8, 6))
    names = ("box.obj", "box.ply", "box.stl", "box.glb")
    for name in names:
        box.export(folder / name)
    return {name: folder / name for name in names}


def _clouds(folder: Path) -> dict[str, Path]:
    import laspy

    header = laspy.LasHeader(point_format=3, version="1.2")
    header.offsets, header.scales = [354_000, 3_457_000, 0], [0.01] * 3
    cloud = laspy.LasData(header)
    spread = np.random.default_rng(1).random((200, 3)) * [50, 50, 20]
    cloud.x, cloud.y, cloud.z = 354_000 + spread[:, 0], 3_457_000 + spread[:, 1], spread[:, 2]
    cloud.classification = np.where(spread[:, 2] < 5, 2, 6).astype(np.uint8)
    for name in ("cloud.las", "cloud.laz"):
        cloud.write(folder / name)
    return {name: folder / name for name in ("cloud.las", "cloud.laz")}


GTFS = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nA,Agency,http://a.example,Asia/Shanghai\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\nS1,One,31.24,121.49\nS2,Two,31.25,121.5\n",
    "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type\nR1,A,1,Line,3\n",
    "trips.txt": "route_id,service_id,trip_id\nR1,W,T1\n",
    "stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\nT1,08:00:00,08:00:00,S1,1\n"
    "T1,08:10:00,08:10:00,S2,2\n",
    "calendar.txt": "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
    "W,1,1,1,1,1,0,0,20260101,20261231\n",
}


def _archives(folder: Path) -> dict[str, Path]:
    with zipfile.ZipFile(folder / "transit.zip", "w") as archive:
        for name, text in GTFS.items():
            archive.writestr(name, text)
    with zipfile.ZipFile(folder / "buildings.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.glob("buildings.[sdcp][hbpr]*"):
            if path.suffix in {".shp", ".shx", ".dbf", ".prj", ".cpg"}:
                archive.write(path, path.name)
    with zipfile.ZipFile(folder / "roads.kmz", "w") as archive:
        archive.writestr("doc.kml", KML)
    with zipfile.ZipFile(folder / "house.ifczip", "w") as archive:
        archive.writestr("house.ifc", IFC)
    return {name: folder / name for name in ("transit.zip", "buildings.zip", "roads.kmz", "house.ifczip")}


def _net_table(columns: list[str], *rows: list[Any]) -> dict[str, Any]:
    body = {"columns": columns, "index": list(range(len(rows))), "data": list(rows)}
    return {"_module": "pandas.core.frame", "_class": "DataFrame", "_object": json.dumps(body), "orient": "split"}


def _bus(name: str, east: float) -> list[Any]:
    return [name, 20.0, "b", True, json.dumps({"type": "Point", "coordinates": [LON + east, LAT]})]


NET_TABLES = {
    "_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": {
        "bus": _net_table(["name", "vn_kv", "type", "in_service", "geo"], _bus("A", 0.0), _bus("B", 0.01)),
        "line": _net_table(["name", "from_bus", "to_bus", "length_km", "type"], ["L1", 0, 1, 1.4, "cs"]),
        "load": _net_table(["name", "bus", "p_mw"], ["Homes", 1, 0.4]), "name": "street",
    },
}  # fmt: skip
GML3 = """<?xml version="1.0" encoding="UTF-8"?><CityModel xmlns="http://www.opengis.net/citygml/3.0"
 xmlns:con="http://www.opengis.net/citygml/construction/3.0" xmlns:gml="http://www.opengis.net/gml/3.2"
 xmlns:bldg="http://www.opengis.net/citygml/building/3.0"><gml:boundedBy><gml:Envelope srsName="EPSG:32651"
 srsDimension="3"/></gml:boundedBy><cityObjectMember><bldg:Building gml:id="b1"><boundary><con:RoofSurface gml:id="r1">
<lod2MultiSurface><gml:MultiSurface><gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>354000
 3457000 9 354010 3457000 9 354010 3457010 9 354000 3457010 9 354000 3457000 9</gml:posList></gml:LinearRing>
</gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></lod2MultiSurface></con:RoofSurface></boundary>
</bldg:Building></cityObjectMember></CityModel>"""
TO_EARTH = [-0.8527, -0.5224, 0, 0, 0.271, -0.4423, 0.855, 0, -0.4466, 0.729, 0.5187, 0,
            -2_850_900.0, 4_654_000.0, 3_288_600.0, 1]  # fmt: skip


def _tiles(folder: Path) -> dict[str, Path]:
    frame = _frame()
    for name, driver in (("map.mbtiles", "MBTiles"), ("map.pmtiles", "PMTiles")):
        options = {"MINZOOM": "13", "MAXZOOM": "14"}
        pyogrio.write_dataframe(frame, folder / name, driver=driver, layer="buildings", dataset_options=options)
    root = {
        "boundingVolume": {"region": [2.12, 0.545, 2.121, 0.546, 0, 20]},
        "geometricError": 0,
        "transform": TO_EARTH,
    }
    body = {"asset": {"version": "1.1"}, "geometricError": 9, "root": {**root, "content": {"uri": "box.glb"}}}
    (folder / "tileset.json").write_text(json.dumps(body))
    beside = folder / "tileset.json.beside"
    beside.mkdir()
    shutil.copy(folder / "box.glb", beside)
    (folder / "grid.json").write_text(json.dumps(NET_TABLES))
    (folder / "town3.gml").write_text(GML3)
    return {name: folder / name for name in ("map.mbtiles", "map.pmtiles", "tileset.json", "grid.json", "town3.gml")}
