from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import LineString, MultiPoint, MultiPolygon, Point, Polygon, box

import gis
from gis.heights import metres
from gis.ordering import hilbert_order
from scenes.assembly import assemble
from scenes.errors import GeoreferenceError, LoadError, MissingSourceError
from scenes.georeference import Georeference
from scenes.problems import Problems
from scenes.schema import unit_of
from scenes.sources import Source

EAST, NORTH = 357_000.0, 3_457_000.0


def at(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(shape, lambda points: points + np.array([EAST, NORTH]))


def house(x: float = 0.0, y: float = 0.0, size: float = 10.0) -> shapely.Polygon:
    return at(box(x, y, x + size, y + size))


def test_the_front_door_names_what_it_offers() -> None:
    assert sorted(gis.__all__) == list(gis.__all__)
    assert all(hasattr(gis, name) for name in gis.__all__)


@pytest.mark.parametrize(
    ("text", "value"),
    [("12 m", 12.0), ("40'", 12.192), ("5'6\"", 1.6764), ("12,5", 12.5), ("18;20", 18.0), ("~ 7", 7.0), (9, 9.0)],
)
def test_heights_are_read_as_people_write_them(text: object, value: float) -> None:
    assert metres(text) == pytest.approx(value)


def test_height_comes_from_the_column_then_the_storeys_then_a_usual_one(write) -> None:
    problems = Problems()
    path = write(
        "buildings.geojson",
        [
            (house(0), {"id": "a", "height": "12 m", "name": "Hall"}),
            (house(20), {"id": "b", "building:levels": 5}),
            (house(40), {"id": "c", "building": "garage"}),
            (house(60), {"id": "d", "height": 90_000}),
        ],
    )
    table = gis.read(path, problems=problems).layers["buildings"].table
    rows = {row["source_id"]: row for row in table.to_pylist()}
    assert rows["a"]["height_m"] == 12
    assert rows["b"]["height_m"] == 16
    assert rows["c"]["height_m"] == 3
    assert [rows[key]["height_source"] for key in "abcd"] == ["column", "levels", "missing", "implausible"]
    assert rows["a"]["name"] == "Hall"
    assert unit_of(table, "height_m") == "m"
    assert problems.count("height-missing") == 1
    assert problems.count("height-implausible") == 1


def test_the_column_that_the_user_names_wins_and_must_exist(write) -> None:
    path = write("shapes.geojson", [(house(), {"dach": 33.0, "height": 5.0})])
    assert gis.read(path, height_column="dach").layers["buildings"].table["height_m"].to_pylist() == [33.0]
    with pytest.raises(LoadError, match="no column tallness"):
        gis.read(write("buildings.geojson", [(house(), {"height": 5.0})]), height_column="tallness")


def test_a_part_floats_above_its_min_height_and_names_its_building(write) -> None:
    path = write(
        "buildings.geojson",
        [
            (house(size=30), {"id": 7, "kind": "building", "height": 40}),
            (house(5, 5), {"id": 8, "kind": "building_part", "height": 60, "min_height": 40, "root_id": 7}),
        ],
    )
    scene = gis.read(path)
    part = scene.resolve("id:8")
    assert part.kind == "BuildingPart"
    assert part.parent == scene.resolve("id:7").uid
    assert part.bounds[2], part.bounds[5] == (40.0, 60.0)


def test_reading_twice_gives_the_same_uids_wherever_the_file_lies(write, tmp_path) -> None:
    path = write("buildings.geojson", [(house(i * 20.0), {"height": 9}) for i in range(5)])
    (tmp_path / "other").mkdir()
    copy = tmp_path / "other" / path.name
    copy.write_bytes(path.read_bytes())
    assert list(gis.read(path)) == list(gis.read(copy))
    assert len(set(gis.read(path))) == 5


def test_two_features_with_one_id_are_two_objects(write) -> None:
    path = write("buildings.geojson", [(house(0), {"osm_id": "5"}), (house(50), {"osm_id": "5"})])
    scene = gis.read(path)
    assert len(set(scene)) == 2
    assert len(scene.resolve_all("osm:5")) == 2


def test_the_same_outline_twice_is_left_out_once_and_said(write) -> None:
    again = Polygon(np.roll(np.array(house().exterior.coords)[:-1], 2, axis=0))
    problems = Problems()
    path = write("buildings.geojson", [(house(), {"height": 9}), (again, {"height": 9}), (house(), {"height": 12})])
    assert len(gis.read(path, problems=problems)) == 2
    assert problems.count("duplicate") == 1


def test_a_crossed_outline_is_repaired_and_an_empty_one_left_out(write) -> None:
    bow = at(Polygon([(0, 0), (10, 10), (10, 0), (0, 10)]))
    problems = Problems()
    path = write("buildings.geojson", [(bow, {"height": 10}), (None, {"height": 10}), (house(50), {"height": 10})])
    scene = gis.read(path, problems=problems)
    assert len(scene) == 2
    assert problems.count("geometry-invalid") == 1
    assert problems.count("geometry-empty") == 1
    areas = shapely.area(shapely.from_wkb(scene.layers["buildings"].table["footprint"].to_pylist()))
    assert sorted(areas.tolist()) == pytest.approx([50.0, 100.0])


def test_the_address_point_of_a_house_is_no_object_but_a_far_point_with_its_id_is(write) -> None:
    problems = Problems()
    features = [
        (house(), {"id": 5, "height": 9}),
        (at(Point(4, 4)), {"id": 5, "kind": "address"}),
        (at(Point(400, 4)), {"id": 5, "amenity": "bench"}),
    ]
    scene = gis.read(write("buildings.geojson", features), problems=problems)
    assert {name: len(layer) for name, layer in scene.layers.items()} == {"buildings": 1, "points": 1}
    assert problems.count("label-point") == 1


def test_a_collection_of_houses_in_one_multipolygon_becomes_houses(write) -> None:
    many = MultiPolygon([house(i * 20.0) for i in range(12)])
    scene = gis.read(write("buildings.geojson", [(many, {"id": "low", "height": 6})]))
    assert len(scene) == 12
    assert len(scene.resolve_all("id:low")) == 12


def test_a_mixed_file_yields_a_layer_for_each_theme(write) -> None:
    road = at(LineString([(0, -20), (100, -20)]))
    path = write(
        "map.geojson",
        [
            (house(), {"building": "yes", "height": 10}),
            (road, {"highway": "primary", "lanes": 4}),
            (house(200, 0, 50), {"natural": "water"}),
            (house(300, 0, 50), {"leisure": "park"}),
            (at(Point(5, -5)), {"natural": "tree"}),
            (at(Point(7, -7)), {"amenity": "cafe", "name": "K"}),
            (house(0, 0, 500), {"boundary": "administrative", "name": "D"}),
        ],
    )
    scene = gis.read(path)
    kinds = {name: set(layer.table["kind"].to_pylist()) for name, layer in scene.layers.items()}
    assert kinds == {
        "buildings": {"Building"},
        "roads": {"Road"},
        "water": {"WaterBody"},
        "landuse": {"PlantCover"},
        "trees": {"SolitaryVegetationObject"},
        "points": {"PointOfInterest"},
        "districts": {"District"},
    }
    tops = {name: scene.layers[name].bounds()[5] for name in ("water", "landuse", "roads")}
    assert tops["water"] < tops["landuse"] < tops["roads"]
    assert scene.layers["roads"].bounds()[4] - scene.layers["roads"].bounds()[1] == pytest.approx(13.0, abs=1e-3)


def test_the_user_can_name_the_layer(write) -> None:
    path = write("buildings.geojson", [(house(), {"height": 9}), (house(20), {"height": 9}), (at(Point(0, 0)), {})])
    scene = gis.read(path, layer="Old town")
    assert list(scene.layers) == ["old-town", "old-town-points"]


def test_a_tree_is_as_tall_as_it_says_and_stands_on_its_point(write) -> None:
    path = write("trees.geojson", [(at(MultiPoint([(0, 0), (30, 0)])), {"height": 14})])
    layer = gis.read(path).layers["trees"]
    mesh = layer.batches[0].finest()
    assert sum(len(each) for each in mesh.instances) == 2
    assert layer.bounds()[5] == pytest.approx(14.0, abs=1e-4)
    assert all(len(each.prototype.triangles) <= 60 for each in mesh.instances)


def test_common_attributes_are_typed_columns_and_rare_ones_json(write) -> None:
    features = [(house(i * 20.0), {"height": 9, "year": 1900 + i}) for i in range(100)]
    features[3][1]["architect"] = "Pei"
    table = gis.read(write("buildings.geojson", features)).layers["buildings"].table
    assert str(table.schema.field("year").type).startswith("int")
    assert "architect" not in table.column_names
    texts = [text for text in table["properties"].to_pylist() if text]
    assert [json.loads(text) for text in texts] == [{"attributes": {"architect": "Pei"}}]


def test_a_building_stands_on_the_lowest_ground_of_its_outline(write) -> None:
    class Slope:
        def heights(self, x_m, y_m):
            return np.asarray(x_m) * 0.1 + np.asarray(y_m) * 0.0

    from scenes.loading import LoadContext

    source = Source(str(write("buildings.geojson", [(house(100, 0, 20), {"height": 10})])))
    context = LoadContext(Georeference("EPSG:32651", EAST, NORTH), ground=Slope())
    (_, batch), *_ = gis.VectorLoader().load(source, context)
    low, high = batch.finest().row_bounds(1)
    assert low[0, 2] == pytest.approx(10.0)
    assert high[0, 2] == pytest.approx(20.0)


def test_rows_lie_along_a_hilbert_curve() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.random((2, 4_000))
    order = hilbert_order(x, y)
    steps = np.hypot(np.diff(x[order]), np.diff(y[order]))
    assert sorted(order.tolist()) == list(range(4_000))
    assert steps.mean() < 0.05


@pytest.mark.parametrize("driver", ["gpkg", "shp", "fgb", "parquet", "csv-wkt", "csv-lonlat", "plain-parquet"])
def test_every_format_gives_the_same_objects(tmp_path, driver) -> None:
    shapes = [house(i * 30.0) for i in range(4)]
    frame = gpd.GeoDataFrame({"name": list("abcd"), "height": [10.0, 20.0, 30.0, 40.0]}, geometry=shapes, crs=32651)
    crs = ""
    path = tmp_path / f"buildings.{driver.split('-')[0] if 'plain' not in driver else 'parquet'}"
    if driver == "parquet":
        frame.to_parquet(path)
    elif driver == "plain-parquet":
        crs = "EPSG:32651"
        plain = pd.DataFrame(frame.drop(columns="geometry")).assign(geometry=frame.geometry.to_wkb())
        plain.to_parquet(path)
    elif driver == "csv-wkt":
        crs = "EPSG:32651"
        frame.assign(wkt=frame.geometry.to_wkt()).drop(columns="geometry").to_csv(path, index=False)
    elif driver == "csv-lonlat":
        places = frame.geometry.centroid.to_crs(4326)
        frame.assign(lon=places.x, lat=places.y).drop(columns="geometry").to_csv(path, index=False)
    else:
        frame.to_file(path)
    scene = gis.read(path, crs=crs)
    layer = scene.layers["points" if driver == "csv-lonlat" else "buildings"]
    assert sorted(layer.table["name"].to_pylist()) == list("abcd")
    if driver != "csv-lonlat":
        assert layer.bounds()[5] == pytest.approx(40.0)


def test_features_in_a_bare_list_are_read(tmp_path) -> None:
    path = tmp_path / "buildings.json"
    feature = {
        "type": "Feature",
        "properties": {"height": 3},
        "geometry": shapely.geometry.mapping(box(121, 31, 121.001, 31.001)),
    }
    path.write_text(json.dumps([feature, {"type": "FeatureCollection", "features": [feature]}]))
    assert len(gis.read(path)) == 1  # the second is a duplicate of the first


def test_a_map_in_gcj02_is_moved_by_half_a_kilometre(write) -> None:
    shape = box(121.5, 31.2, 121.501, 31.201)
    path = write("buildings.geojson", [(shape, {"height": 9})], None)
    frame = Georeference.around(121.5, 31.2)
    plain, shifted = (
        shapely.from_wkb(
            gis.read(path, datum_shift=shift, georeference=frame).layers["buildings"].table["footprint"][0].as_py()
        ).centroid
        for shift in ("", "gcj02")
    )
    assert 400 < plain.distance(shifted) < 550


def test_a_file_without_a_system_asks_for_one(tmp_path) -> None:
    path = tmp_path / "plots.csv"
    path.write_text("x,y\n357000,3457000\n")
    with pytest.raises(GeoreferenceError, match="--crs"):
        gis.read(path)


@pytest.mark.parametrize(
    ("shape", "crs", "sentence"),
    [
        (house(), "urn:ogc:def:crs:OGC:1.3:CRS84", "not degrees"),
        (box(121.5, 31.2, 121.6, 31.3), "urn:ogc:def:crs:EPSG::32651", "look like degrees"),
        (box(121.5, 31.2, 121.6, 31.3), "urn:ogc:def:crs:EPSG::4617", "far outside"),
    ],
)
def test_a_wrong_system_is_noticed(write, shape, crs, sentence) -> None:
    with pytest.raises(GeoreferenceError, match=sentence):
        gis.read(write("buildings.geojson", [(shape, {"height": 9})], crs))


def test_a_scene_in_the_wrong_zone_is_noticed(write) -> None:
    path = write("buildings.geojson", [(house(), {"height": 9})])
    with pytest.raises(GeoreferenceError, match="far outside"):
        assemble([Source(str(path))], crs="EPSG:25832")


def test_broken_and_empty_files_end_in_one_sentence(write, tmp_path) -> None:
    whole = write("buildings.geojson", [(house(i * 20.0), {"height": 9}) for i in range(20)]).read_text()
    cut, bad_table, none = tmp_path / "cut.geojson", tmp_path / "bad.parquet", tmp_path / "none.geojson"
    cut.write_text(whole[: len(whole) // 2])
    bad_table.write_bytes(b"PAR1 this is no table PAR1")
    none.write_text('{"type": "FeatureCollection", "features": []}')
    for path in (cut, bad_table, none):
        with pytest.raises(LoadError) as caught:
            gis.read(path)
        assert path.name in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(MissingSourceError):
        gis.read(tmp_path / "absent.geojson")


@pytest.mark.real_data
def test_lujiazui_has_its_towers(real_data) -> None:
    problems = Problems()
    path = real_data / "gis/shanghai/derived/buildings_DERIVED.geojson"
    scene = gis.read(path, problems=problems)
    layer = scene.layers["buildings"]
    assert len(layer) + problems.count("duplicate") - 0 >= 1_572
    assert len(layer) + problems.count("duplicate") <= 1_600
    tower = scene.resolve("osm:165792123")
    assert tower.name == "上海中心大厦"
    assert tower.attributes["height_m"] == 632.0
    assert tower.mesh().area_m2() > 0
    assert layer.bounds()[5] == 632.0
    assert scene.georeference.crs == "EPSG:32651"


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["roads", "water", "landuse", "pois", "transit", "boundaries", "places", "earth"])
def test_the_other_layers_of_lujiazui_lie_near_the_ground(real_data, name) -> None:
    scene = gis.read(real_data / f"gis/shanghai/derived/{name}_DERIVED.geojson")
    low, high = scene.bounds()[2], scene.bounds()[5]
    assert low >= -15
    assert high < 10


@pytest.mark.real_data
def test_unclosed_rings_are_closed_and_said(real_data) -> None:
    problems = Problems()
    scene = gis.read(real_data / "malformed/geojson/3.0.geojson", problems=problems)
    assert len(scene) > 1_900
    assert problems.count("geometry-invalid") >= 1


def test_a_keyhole_file_is_read(tmp_path) -> None:
    ring = "121.5,31.2 121.501,31.2 121.501,31.201 121.5,31.201 121.5,31.2"
    path = tmp_path / "buildings.kml"
    path.write_text(
        '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>A</name><Polygon>'
        f"<outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
        "</Polygon></Placemark></Document></kml>"
    )
    assert gis.read(path).layers["buildings"].table["name"].to_pylist() == ["A"]


def test_many_features_become_several_batches_with_the_same_objects(write) -> None:
    features = [(house((i % 150) * 20.0, (i // 150) * 20.0), {"id": i, "height": 5 + i % 40}) for i in range(20_500)]
    layer = gis.read(write("buildings.geojson", features)).layers["buildings"]
    assert [len(batch) for batch in layer.batches] == [20_000, 500]
    heights = dict(zip(layer.table["source_id"].to_pylist(), layer.table["height_m"].to_pylist(), strict=True))
    assert all(heights[str(i)] == 5 + i % 40 for i in range(20_500))
    top = {row["source_id"]: row["max_z"] for row in layer.table.select(["source_id", "max_z"]).to_pylist()}
    assert all(abs(top[str(i)] - (5 + i % 40)) < 1e-3 for i in range(0, 20_500, 97))


@pytest.mark.real_data
@pytest.mark.slow
def test_new_york_comes_whole(real_data) -> None:
    problems = Problems()
    layer = gis.read(real_data / "city_scale/nyc_buildings_DERIVED.parquet", problems=problems).layers["buildings"]
    left_out = problems.count("duplicate") + problems.count("geometry-empty")
    assert len(layer) + left_out == 122_838
    assert 7_000 < problems.count("duplicate") < 8_000
    assert len(set(layer.table["uid"].to_pylist())) == len(layer)
