"""The same four houses in every format are the same four objects; and every spelling of a format is understood."""

from __future__ import annotations

import bz2
import gzip
import json
import zipfile
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pyogrio
import pytest
import shapely
from shapely.geometry import box, mapping

from gis.encodings import encoding_of
from gis.reading import read_tables
from gis.wkb import straightened
from scenes.errors import CityTwinError, GeoreferenceError, LoadError
from scenes.georeference import Georeference
from scenes.sources import Source
from tests.gis.loading import load

if TYPE_CHECKING:
    from pathlib import Path

EAST, NORTH = 357_000.0, 3_457_000.0
UTM = "EPSG:32651"
DRIVERS = {
    "gpkg": "GPKG", "shp": "ESRI Shapefile", "fgb": "FlatGeobuf", "tab": "MapInfo File", "mif": "MapInfo File",
    "gml": "GML", "gdb": "OpenFileGDB", "sqlite": "SQLite", "kml": "LIBKML", "kmz": "LIBKML", "geojson": "GeoJSON",
    "geojsonl": "GeoJSONSeq", "ndjson": "GeoJSONSeq", "json": "JSONFG",
}  # fmt: skip


def house(number: int) -> shapely.Polygon:
    return box(EAST + 30 * number, NORTH, EAST + 30 * number + 10, NORTH + 10)


def houses() -> gpd.GeoDataFrame:
    columns = {"name": list("abcd"), "height": [10.0, 20.0, 30.0, 40.0]}
    return gpd.GeoDataFrame(columns, geometry=[house(i) for i in range(4)], crs=UTM)


def features(frame: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(frame.to_crs(4326).to_json())["features"]
    return found


def check(found: Any, tolerance_m: float = 0.01) -> None:
    """Compare the layer of buildings with the four houses."""
    assert found.counts == {"buildings": 4}
    rows = found.rows("buildings")
    assert {name: row["height_m"] for name, row in rows.items()} == dict(zip("abcd", (10, 20, 30, 40), strict=True))
    for number, name in enumerate("abcd"):
        outline = shapely.from_wkb(rows[name]["footprint"])
        expected = shapely.transform(house(number), lambda places: places - [EAST, NORTH])
        assert outline.hausdorff_distance(expected) < tolerance_m


@pytest.mark.parametrize("suffix", DRIVERS)
def test_every_format_of_gdal_gives_the_same_houses(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"buildings.{suffix}"
    degrees = suffix in {"kml", "kmz", "geojson", "geojsonl", "ndjson"}
    frame = houses().to_crs(4326) if degrees else houses()
    if suffix in {"tab", "mif", "kml", "kmz"}:
        frame = frame.assign(height=frame["height"])
    pyogrio.write_dataframe(frame, path, driver=DRIVERS[suffix])
    check(load(path), 0.05 if suffix in {"tab", "json"} else 0.01)
    assert not list(tmp_path.glob("*.gfs"))


@pytest.mark.parametrize("encoding", ["WKB", "geoarrow"])
def test_geoparquet_is_read_in_both_encodings_and_packed_files_too(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "buildings.parquet"
    houses().to_parquet(path, geometry_encoding=encoding, schema_version="1.1.0")
    check(load(path))
    packed = tmp_path / "buildings.parquet.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    check(load(packed))


def spelled(kind: str) -> str:
    """Return the four houses in one of the spellings of GeoJSON."""
    found = features(houses())
    collection = {"type": "FeatureCollection", "features": found}
    if kind == "bom":
        return "\ufeff" + json.dumps(collection)
    if kind == "features":
        return json.dumps(found)
    if kind == "collections":
        return json.dumps([{**collection, "features": found[:2]}, {**collection, "features": found[2:]}], indent=2)
    if kind == "legacy":
        crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32651"}}
        return json.dumps({**json.loads(houses().to_json()), "crs": crs})
    mark = "\x1e" if kind == "sequence" else ""
    return "".join(f"{mark}{json.dumps(each)}\n" for each in found)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("bom", "buildings.geojson"),
        ("features", "buildings.json"),
        ("collections", "buildings.geojson"),
        ("legacy", "buildings.geojson"),
        ("lines", "buildings.geojsonl"),
        ("lines", "buildings.ndjson"),
        ("sequence", "buildings.geojsons"),
    ],
)
def test_every_spelling_of_geojson_gives_the_same_houses(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(spelled(kind), encoding="utf-8")
    check(load(path))


def test_bare_geometries_and_coordinates_are_features(tmp_path: Path) -> None:
    shape = mapping(shapely.box(121.5, 31.24, 121.501, 31.241))
    single, listed, ring, places = (tmp_path / f"{name}.geojson" for name in ("single", "listed", "ring", "places"))
    single.write_text(json.dumps(shape))
    listed.write_text(json.dumps([shape, {"type": "Point", "coordinates": [121.5, 31.24]}]))
    ring.write_text(json.dumps([list(place) for place in shape["coordinates"][0]]))
    places.write_text(json.dumps([[EAST, NORTH], [EAST + 10, NORTH]]))
    assert load(single).counts == {"areas": 1}
    assert load(listed).counts == {"areas": 1, "points": 1}
    assert load(ring).counts == {"areas": 1}
    assert load(places, crs=UTM).counts == {"points": 2}
    with pytest.raises(GeoreferenceError, match="--crs"):
        load(places)


def test_what_json_should_not_hold_ends_well(tmp_path: Path) -> None:
    odd = tmp_path / "buildings.json"
    text = (
        json.dumps(features(houses()))
        .replace('"height": 20.0', '"height": NaN')
        .replace('"height": 30.0', '"height": null')
    )
    odd.write_text(text)
    rows = load(odd).rows("buildings")
    assert [rows[name]["height_source"] for name in "abcd"] == ["column", "missing", "missing", "column"]
    for name, content in {
        "deep.json": '[{"type": "Feature", "a": ' + "[" * 200_000,
        "deep.geojson": '{"type": "FeatureCollection", "features": [' + '{"type":' * 100_000,
        "huge.geojson": '{"type": "Point", "coordinates": [1e999, 31]}',
        "cut.json": '[{"type": "Feature", "geometry": null',
    }.items():
        path = tmp_path / name
        path.write_text(content)
        with pytest.raises(CityTwinError) as caught:
            load(path)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("gbk", "上海市浦东新区世纪大道办公楼"), ("shift_jis", "東京都のビルとタワー"), ("latin-1", "Größe der Straße")],
)
def test_text_in_another_encoding_is_understood_and_said(tmp_path: Path, encoding: str, text: str) -> None:
    frame = houses().assign(name=[text, "b", "c", "d"])
    collection = json.dumps({"type": "FeatureCollection", "features": features(frame)}, ensure_ascii=False)
    paths = [tmp_path / "buildings.geojson", tmp_path / "buildings.csv", tmp_path / "buildings.shp"]
    paths[0].write_bytes(collection.encode(encoding))
    table = frame.assign(wkt=frame.geometry.to_wkt()).drop(columns="geometry").to_csv(index=False)
    paths[1].write_bytes(table.encode(encoding))
    pyogrio.write_dataframe(frame, paths[2], encoding=encoding.replace("latin-1", "cp1252"))
    (tmp_path / "buildings.cpg").unlink()
    body = bytearray((tmp_path / "buildings.dbf").read_bytes())
    body[29] = 0
    (tmp_path / "buildings.dbf").write_bytes(body)
    for path in paths:
        found = load(path, crs=UTM if path.suffix == ".csv" else "")
        assert text in found.rows("buildings"), path
        assert found.problems.count("encoding-guessed") == 1
    pyogrio.write_dataframe(frame, paths[2], encoding=encoding.replace("latin-1", "cp1252"))
    said = load(paths[2])
    assert text in said.rows("buildings")
    assert said.problems.count("encoding-guessed") == 0


def test_encodings_are_told_apart() -> None:
    assert encoding_of("Московский проспект, дом".encode("cp1251")) == "cp1251"
    assert encoding_of("臺北市信義區市府路".encode("big5")) == "big5"
    assert encoding_of("서울특별시 종로구 세종로".encode("euc_kr")) == "cp949"
    assert encoding_of("上海".encode("utf-16")) == "utf-16"


def test_a_shapefile_without_its_companions_is_read(tmp_path: Path) -> None:
    path = tmp_path / "buildings.shp"
    houses().to_file(path)
    (tmp_path / "buildings.shx").unlink()
    check(load(path))
    assert not (tmp_path / "buildings.shx").exists()
    (tmp_path / "buildings.dbf").unlink()
    found = load(path)
    assert found.counts == {"buildings": 4}
    assert found.problems.count("table-missing") == 1
    (tmp_path / "buildings.prj").unlink()
    with pytest.raises(GeoreferenceError, match="--crs"):
        load(path)


def test_a_zip_with_several_maps_gives_all_of_them(tmp_path: Path) -> None:
    houses().to_file(tmp_path / "buildings.shp")
    gpd.GeoDataFrame(geometry=[shapely.Point(EAST, NORTH)], crs=UTM).to_file(tmp_path / "trees.gpkg")
    archive = tmp_path / "city.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in tmp_path.glob("buildings.*"):
            out.write(path, f"data/{path.name}")
        out.write(tmp_path / "trees.gpkg", "data/deep/trees.gpkg")
        out.writestr("__MACOSX/data/._buildings.shp", b"rubbish")
    found = load(archive)
    assert found.counts == {"buildings": 4, "trees": 1}
    assert set(found.table("buildings")["source"].to_pylist()) == {"city.zip"}


@pytest.mark.parametrize(
    ("header", "lines", "crs"),
    [
        ("name;height;x;y", ["a;10,5;357000,25;3457000,5", "b;20,5;357010;3457000"], UTM),
        ("name\theight\tEasting\tNorthing", ["a\t10.5\t357000.25\t3457000.5", "b\t20.5\t357010\t3457000"], UTM),
        ("name,height,wkt", ["a,10.5,POINT (357000.25 3457000.5)", 'b,20.5,"POINT (357010 3457000)"'], UTM),
        (
            "name|height|geom",
            ["a|10.5|SRID=32651;POINT (357000.25 3457000.5)", "b|20.5|SRID=32651;POINT (357010 3457000)"],
            "",
        ),
    ],
)
def test_tables_are_read_with_any_delimiter_and_decimal_mark(
    tmp_path: Path, header: str, lines: list[str], crs: str
) -> None:
    path = tmp_path / "sites.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    found = load(path, crs=crs).rows("points")
    assert found["a"]["height"] == 10.5
    place = shapely.from_wkb(found["a"]["footprint"])
    assert (place.x, place.y) == pytest.approx((0.25, 0.5), abs=1e-6)


def test_other_columns_with_places_are_found(tmp_path: Path) -> None:
    shape = shapely.Point(121.5, 31.24)
    path = tmp_path / "sites.csv"
    for column, value in {
        "geo_point_2d": "31.24, 121.5",
        "geojson": shapely.to_geojson(shape),
        "wkb": shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True),
        "经度": "121.5",
    }.items():
        frame = pd.DataFrame(
            {"name": ["=HYPERLINK(1)"], column: [value], **({"纬度": [31.24]} if column == "经度" else {})}
        )
        frame.to_csv(path, index=False)
        found = load(path).rows("points")
        assert list(found) == ["=HYPERLINK(1)"]
        assert shapely.from_wkb(found["=HYPERLINK(1)"]["footprint"]).x > -100_000
    path.write_text("a,b\n1,2\n")
    with pytest.raises(LoadError, match="no column holds a place"):
        load(path)


def test_rows_without_a_place_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "sites.csv"
    path.write_text("name,lon,lat\na,121.5,31.2\nb,,\nc,unknown,31.2\nd,inf,31.2\n")
    found = load(path)
    assert list(found.rows("points")) == ["a"]
    assert found.problems.count("geometry-empty") == 3


def test_a_workbook_is_read_like_a_table_and_a_table_without_places_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sites.xlsx"
    places = pd.DataFrame({"name": ["a", "b"], "lon": [121.5, 121.51], "lat": [31.2, 31.21]})
    pyogrio.write_dataframe(places, path, driver="XLSX", layer="sites")
    assert load(path).counts == {"points": 2}
    both = tmp_path / "city.gpkg"
    houses().to_file(both, layer="buildings")
    pyogrio.write_dataframe(pd.DataFrame({"owner": ["x"]}), both, layer="owners", driver="GPKG", append=True)
    found = load(both)
    assert found.counts == {"buildings": 4}
    assert found.problems.count("table-without-places") == 1


KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>
<NetworkLink><Link><href>http://127.0.0.1:9/more.kml</href></Link></NetworkLink>
<Folder><name>buildings</name><Placemark><name>A</name><Style><IconStyle><Icon><href>http://127.0.0.1:9/i.png</href></Icon>
</IconStyle></Style><ExtendedData><Data name="use"><value>&lt;script&gt;office</value></Data></ExtendedData><Polygon>
<extrude>1</extrude>
<altitudeMode>relativeToGround</altitudeMode><outerBoundaryIs><LinearRing><coordinates>121.5,31.2,25 121.501,31.2,25
121.501,31.201,25 121.5,31.2,25</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Folder>
<Folder><name>trees</name><Placemark><name>T</name><Point><coordinates>121.5,31.2,400</coordinates></Point></Placemark></Folder>
</Document></kml>"""


@pytest.mark.parametrize("suffix", ["kml", "kmz"])
def test_keyhole_folders_are_layers_and_heights_count_from_the_ground(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"site.{suffix}"
    if suffix == "kmz":
        with zipfile.ZipFile(path, "w") as out:
            out.writestr("doc.kml", KML)
    else:
        path.write_text(KML)
    found = load(path)
    assert found.counts == {"buildings": 1, "trees": 1}
    row = found.rows("buildings")["A"]
    assert (row["height_m"], row["height_source"], row["use"]) == (25.0, "geometry", "<script>office")
    assert found.rows("trees")["T"]["min_z"] == pytest.approx(0.0, abs=0.01)


def test_tracks_routes_and_waypoints_of_a_receiver_are_read(tmp_path: Path) -> None:
    path = tmp_path / "walk.gpx"
    points = "".join(f'<{{0}} lat="31.2{i}" lon="121.5"><ele>{i}</ele></{{0}}>' for i in range(3))
    path.write_text(
        '<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1">'
        '<wpt lat="31.2" lon="121.5"><name>W</name></wpt>'
        f"<rte><name>R</name>{points.format('rtept')}</rte><trk><name>T</name><trkseg>{points.format('trkpt')}</trkseg></trk></gpx>"
    )
    found = load(path)
    assert sum(found.counts.values()) == 3
    names = {name for layer in found.batches for name in found.rows(layer)}
    assert names == {"W", "R", "T"}


OSM = """<osm version="0.6"><bounds minlat="31.2" minlon="121.49" maxlat="31.21" maxlon="121.51"/>{nodes}
<node id="90" lat="31.2005" lon="121.5005"><tag k="amenity" v="cafe"/><tag k="name" v="K&lt;b&gt;"/></node>
<node id="91" lat="31.2005" lon="121.5006"><tag k="highway" v="crossing"/></node>
<node id="92" lat="31.2005" lon="121.5007"><tag k="natural" v="tree"/><tag k="height" v="8"/></node>
<way id="1">{outer}<tag k="building" v="yes"/><tag k="building:levels" v="4"/><tag k="name" v="B"/></way>
<way id="2">{inner}<tag k="building:part" v="yes"/><tag k="height" v="30 m"/><tag k="min_height" v="4"/></way>
<way id="3"><nd ref="1"/><nd ref="2"/><nd ref="3"/><tag k="highway" v="residential"/></way>
<way id="4">{outer}<tag k="highway" v="service"/></way>
<way id="5">{far}</way><way id="6">{hole}</way>
<way id="8"><nd ref="1"/><nd ref="777"/><tag k="highway" v="path"/></way>
<relation id="7"><member type="way" ref="5" role="outer"/><member type="way" ref="6" role="inner"/>
<tag k="type" v="multipolygon"/><tag k="natural" v="water"/><tag k="name" v="Lake"/></relation></osm>"""


def open_street_map() -> str:
    nodes, ways = [], []
    for number, (x, y, size) in enumerate(((0, 0, 8), (2, 2, 2), (20, 0, 20), (25, 5, 5))):
        corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size)]
        refs = [4 * number + i + 1 for i in range(4)]
        nodes += [
            f'<node id="{ref}" lat="{31.2 + b / 1e4}" lon="{121.5 + a / 1e4}"/>'
            for ref, (a, b) in zip(refs, corners, strict=True)
        ]
        ways.append("".join(f'<nd ref="{ref}"/>' for ref in [*refs, refs[0]]))
    return OSM.format(nodes="".join(nodes), outer=ways[0], inner=ways[1], far=ways[2], hole=ways[3])


@pytest.mark.parametrize("name", ["city.osm", "city.osm.xml.gz", "city.osm.bz2", "city.osm.pbf"])
def test_openstreetmap_gives_buildings_with_parts_roads_waters_and_places(tmp_path: Path, name: str) -> None:
    plain, path = tmp_path / "plain.osm", tmp_path / name
    plain.write_text(open_street_map())
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(path.suffix, bytes)
    path.write_bytes(pack(plain.read_bytes()))
    if name.endswith("pbf"):
        path.unlink()
        with osmium.SimpleWriter(str(path)) as out:
            for item in osmium.FileProcessor(str(plain)):
                out.add(item)
    found = load(path)
    assert found.counts == {"water": 1, "roads": 2, "buildings": 2, "trees": 1, "points": 1}
    rows = {row["source_id"]: row for row in found.table("buildings").to_pylist()}
    assert (rows["way/1"]["height_m"], rows["way/1"]["levels"]) == (12.8, 4)
    assert (rows["way/2"]["kind"], rows["way/2"]["height_m"]) == ("BuildingPart", 30.0)
    assert rows["way/2"]["parent"] == rows["way/1"]["uid"]
    lake = shapely.from_wkb(found.rows("water")["Lake"]["footprint"])
    assert len(lake.interiors) == 1
    assert found.rows("points")["K<b>"]["source_id"] == "node/90"
    assert found.problems.count("osm-detail") == 1


@pytest.mark.real_data
def test_bad_hersfeld_has_its_buildings(real_data: Path) -> None:
    found = load(real_data / "traffic/sumo_badhersfeld/osm/osm_bbox.osm.xml.gz", frame=Georeference.around(9.7, 50.8))
    assert found.counts["buildings"] >= 11_000
    assert found.counts["roads"] > 2_000
    assert found.problems.count("geometry-empty") < 20


@pytest.mark.real_data
def test_a_legacy_system_is_believed(real_data: Path) -> None:
    (table,) = read_tables(Source(str(real_data / "sensors/czml/bike_racks.geojson")))
    assert (table.crs, len(table.frame)) == ("EPSG:28356", 315)


def test_curves_become_lines_within_the_stated_step(tmp_path: Path) -> None:
    places = np.array([[100.0, 0], [-100, 0], [100, 0]])
    circle = b"\x01\x0a\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x03\x00\x00\x00"
    head, circle = circle, circle + places.tobytes()
    shape = straightened(circle)
    assert shape.area == pytest.approx(np.pi * 100**2, rel=3e-4)
    assert np.abs(np.hypot(*shapely.get_coordinates(shape).T) - 100).max() < 1e-9
    assert straightened(circle[:40]) is None
    path = tmp_path / "buildings.parquet"
    moved = head + np.add(places, [EAST, NORTH]).tobytes()
    pd.DataFrame({"height": [9.0], "wkb": [moved]}).to_parquet(path)
    area = shapely.from_wkb(load(path, crs=UTM).table("buildings")["footprint"][0].as_py()).area
    assert area == pytest.approx(np.pi * 100**2, rel=3e-4)


def test_lines_keep_their_heights_and_solids_give_theirs(tmp_path: Path) -> None:
    pipe = shapely.LineString([(EAST, NORTH, -3.0), (EAST + 50, NORTH, -4.0)])
    path = tmp_path / "pipes.gpkg"
    gpd.GeoDataFrame({"diameter": [0.5]}, geometry=[pipe], crs=UTM).to_file(path)
    row = load(path).table("pipes").to_pylist()[0]
    assert (row["min_z"], row["max_z"]) == (pytest.approx(-4.25, abs=0.05), pytest.approx(-2.75, abs=0.05))
    bridge = shapely.LineString([(EAST, NORTH, 8.0), (EAST + 50, NORTH, 12.0)])
    path = tmp_path / "roads.gpkg"
    gpd.GeoDataFrame({"highway": ["primary"]}, geometry=[bridge], crs=UTM).to_file(path)
    row = load(path).table("roads").to_pylist()[0]
    assert 8.0 <= row["min_z"] <= 8.6
    assert 12.0 <= row["max_z"] <= 12.6
    base = np.add([(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)], [EAST, NORTH])
    walls = [
        [(*base[i], 5.0), (*base[i + 1], 5.0), (*base[i + 1], 17.0), (*base[i], 17.0), (*base[i], 5.0)]
        for i in range(4)
    ]
    caps = [[(*place, z) for place in base] for z in (5.0, 17.0)]
    solid = shapely.MultiPolygon([shapely.Polygon(ring) for ring in [*walls, *caps]])
    path = tmp_path / "buildings.gpkg"
    gpd.GeoDataFrame({"name": ["s"]}, geometry=[solid], crs=UTM).to_file(path)
    row = load(path).rows("buildings")["s"]
    assert (row["height_m"], row["height_source"]) == (pytest.approx(12.0), "geometry")
    assert shapely.from_wkb(row["footprint"]).area == pytest.approx(100.0)


def test_a_level_outline_is_a_roof_where_there_is_terrain_or_the_user_says_so(tmp_path: Path) -> None:
    class Plain:
        def heights(self, x_m: Any, y_m: Any) -> Any:
            return np.full(np.broadcast(x_m, y_m).shape, 40.0)

    ring = [(*place, 55.0) for place in house(0).exterior.coords]
    path = tmp_path / "buildings.gpkg"
    gpd.GeoDataFrame({"name": ["r"]}, geometry=[shapely.Polygon(ring)], crs=UTM).to_file(path)
    assert load(path).rows("buildings")["r"]["height_source"] == "missing"
    row = load(path, ground=Plain()).rows("buildings")["r"]
    assert (row["height_m"], row["height_source"], row["max_z"]) == (15.0, "geometry", pytest.approx(55.0))
    assert load(path, height_column="z").rows("buildings")["r"]["height_m"] == 55.0


def test_a_table_in_windows_gives_the_same_ids_as_in_one(tmp_path: Path) -> None:
    shapes = [house(i % 37) for i in range(150)]
    ids = [None if i % 7 == 0 else f"k{i % 50}" for i in range(150)]
    frame = gpd.GeoDataFrame({"id": ids, "height": [float(i) + 3 for i in range(150)]}, geometry=shapes, crs=UTM)
    for name in ("buildings.gpkg", "buildings.parquet", "buildings.csv"):
        path = tmp_path / name
        if name.endswith("gpkg"):
            frame.to_file(path)
        elif name.endswith("parquet"):
            frame.to_parquet(path)
        else:
            frame.assign(wkt=frame.geometry.to_wkt()).drop(columns="geometry").to_csv(path, index=False)
        whole, parts = load(path, crs=UTM), load(path, crs=UTM, rows=11)
        assert len(whole.table("buildings")) == 150
        columns = ["uid", "source_id", "height_m"]
        one, two = (each.table("buildings").select(columns).sort_by("uid").to_pylist() for each in (whole, parts))
        assert one == two
        assert len({row["uid"] for row in one}) == 150


def test_repeats_are_found_across_windows(tmp_path: Path) -> None:
    path = tmp_path / "buildings.gpkg"
    gpd.GeoDataFrame({"height": [9.0] * 40}, geometry=[house(i % 10) for i in range(40)], crs=UTM).to_file(path)
    found = load(path, rows=7)
    assert found.counts == {"buildings": 10}
    assert found.problems.count("duplicate") == 30
