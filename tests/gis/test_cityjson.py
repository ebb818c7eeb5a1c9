from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
import shapely

import gis
from gis.modelframe import crs_from_name
from gis.surfaces import SurfaceCollector
from scenes.errors import CityTwinError, GeoreferenceError, LoadError, UnsupportedError
from scenes.problems import Problems

RD = "https://www.opengis.net/def/crs/EPSG/0/7415"
CORNERS = [[x, y, z] for z in (0, 1) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
CUBE = [[[[3, 2, 1, 0]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]]


def model(**changes):
    body = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": RD},
        "transform": {"scale": [10.0, 10.0, 10.0], "translate": [85_000.0, 446_000.0, 0.0]},
        "CityObjects": {
            "house": {
                "type": "Building",
                "attributes": {"measuredHeight": 10.0, "name": "Corner"},
                "children": ["part"],
                "geometry": [
                    {
                        "type": "Solid",
                        "lod": "2.2",
                        "boundaries": CUBE,
                        "semantics": {
                            "surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}],
                            "values": [[0, 1, 2, 2, 2, 2]],
                        },
                    },
                    {"type": "MultiSurface", "lod": 0, "boundaries": [[[0, 1, 2, 3]]]},
                ],
            },
            "part": {
                "type": "BuildingPart",
                "parents": ["house"],
                "geometry": [{"type": "MultiSurface", "lod": 1, "boundaries": [[[4, 5, 6, 7]]]}],
            },
            "tree": {
                "type": "SolitaryVegetationObject",
                "geometry": [
                    {
                        "type": "GeometryInstance",
                        "template": 0,
                        "boundaries": [6],
                        "transformationMatrix": [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1],
                    }
                ],
            },
            "corner": {"type": "GenericCityObject", "geometry": []},
        },
        "geometry-templates": {
            "templates": [{"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]]]}],
            "vertices-templates": [[0, 0, 0], [1, 0, 0], [0, 0, 1]],
        },
        "vertices": CORNERS,
    }
    return {**body, **changes}


@pytest.fixture
def save(tmp_path):
    def _save(body, name="model.city.json"):
        path = tmp_path / name
        path.write_text(body if isinstance(body, str) else json.dumps(body), encoding="utf-8")
        return path

    return _save


@pytest.mark.parametrize("version", ["1.0", "1.1", "2.0"])
def test_every_level_kind_parent_and_attribute_arrives(save, version) -> None:
    scene = gis.read(save(model(version=version)))
    house, part = scene.resolve("cityjson:house"), scene.resolve("cityjson:part")
    assert scene.layers["buildings"].lods == ("0", "1", "2.2")
    assert (house.kind, house.name, house.attributes["measuredHeight"]) == ("Building", "Corner", 10.0)
    assert part.parent == house.uid
    assert house.mesh("2.2").area_m2() == pytest.approx(600)
    assert house.mesh("0").area_m2() == pytest.approx(100)
    assert part.mesh().area_m2() == pytest.approx(100)  # the finest level also shows what does not reach it
    assert scene.resolve("cityjson:corner").kind == "GenericOccupiedSpace"
    assert shapely.from_wkb(house.footprint_wkb).area == pytest.approx(100)
    east, north = scene.georeference.to_projected(house.bounds[0], house.bounds[1])
    assert (east, north) == pytest.approx((85_000, 446_000))
    assert scene.georeference.crs == "EPSG:28992"


def test_a_template_is_scaled_and_placed_at_its_vertex(save) -> None:
    scene = gis.read(save(model()))
    tree = scene.resolve("cityjson:tree")
    corner = scene.resolve("cityjson:house").bounds
    assert tree.bounds[3] - tree.bounds[0] == pytest.approx(2)
    assert (tree.bounds[2], tree.bounds[5]) == pytest.approx((10, 13))
    assert tree.bounds[0] == pytest.approx(corner[3])


def test_roofs_walls_and_materials_have_colours(save) -> None:
    house = gis.read(save(model())).resolve("cityjson:house").mesh("2.2")
    assert len(np.unique(house.colours, axis=0)) == 3
    painted = model(appearance={"materials": [{"name": "red", "diffuseColor": [1.0, 0.0, 0.0]}]})
    painted["CityObjects"]["house"]["geometry"][0]["material"] = {"visual": {"value": 0}}
    mesh = gis.read(save(painted)).resolve("cityjson:house").mesh("2.2")
    assert np.unique(mesh.colours, axis=0).tolist() == [[255, 0, 0, 255]]


def test_a_hole_in_a_wall_stays_open() -> None:
    outside = np.array([[0, 0, 0], [10, 0, 0], [10, 0, 10], [0, 0, 10]], float)
    window = np.array([[2, 0, 2], [2, 0, 4], [4, 0, 4], [4, 0, 2], [2, 0, 2]], float)
    surfaces = SurfaceCollector()
    surfaces.add("3", 0, [outside, window])
    surfaces.add("3", 0, [outside[:1].repeat(4, axis=0)])
    mesh = surfaces.meshes(np.array([0]))["3"]
    corner = mesh.positions_m[mesh.triangles]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    assert mesh.area_m2() == pytest.approx(96)
    assert (normal[:, 1] < 0).all()
    assert surfaces.degenerate(0) == 1


def test_zip_and_sequence_give_the_same_objects(save, tmp_path) -> None:
    plain = save(model())
    packed = tmp_path / "model.city.json.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "model.city.json")
    header = model(CityObjects={}, vertices=[])
    feature = {"type": "CityJSONFeature", "id": "house", "CityObjects": model()["CityObjects"], "vertices": CORNERS}
    lines = save(json.dumps(header) + "\n" + json.dumps(feature) + "\n", "model.city.jsonl")
    sizes = {len(gis.read(path)) for path in (plain, packed, lines)}
    assert sizes == {4}
    assert gis.read(lines).resolve("cityjson:house").mesh("2.2").area_m2() == pytest.approx(600)


def test_a_model_can_be_placed_by_hand(save) -> None:
    body = model(metadata={}, transform={"scale": [1, 1, 1], "translate": [0, 0, 0]})
    with pytest.raises(GeoreferenceError, match="--crs"):
        gis.read(save(body))
    scene = gis.read(save(body), crs="EPSG:32651", place="357000,3457000,4,90")
    house = scene.resolve("cityjson:house")
    east, north = scene.georeference.to_projected(house.bounds[0], house.bounds[1])
    assert (east, north, house.bounds[2]) == pytest.approx((356_999, 3_457_000, 4))


@pytest.mark.parametrize(
    ("name", "crs"),
    [
        (RD, "EPSG:7415"),
        ("urn:ogc:def:crs:EPSG::7415", "EPSG:7415"),
        (7415, "EPSG:7415"),
        ("EPSG:28992", "EPSG:28992"),
        ("http://www.opengis.net/def/crs/EPSG/0/6697", "EPSG:6697"),
        ("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783", "EPSG:25832+5783"),
        ("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH", "EPSG:25832+7837"),
        ("#local-CRS-1", ""),
        (None, ""),
    ],
)
def test_every_spelling_of_a_system_is_understood(name, crs) -> None:
    assert crs_from_name(name) == crs


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ('{"type": "CityJSON", "version": "2.0", "CityObj', LoadError, "not valid JSON"),
        (model(version="9.9"), UnsupportedError, "9.9"),
        (model(CityObjects={}), LoadError, "no city object"),
        (model(CityObjects=[]), LoadError, "no CityObjects"),
        (model(vertices=[["a", 0, 0]]), LoadError, "not numbers"),
        (model(vertices=[[1e300, 0, 0]] * 8), LoadError, "beyond the Earth"),
    ],
)
def test_a_broken_model_ends_in_one_sentence(save, body, error, words) -> None:
    with pytest.raises(error, match=words) as caught:
        gis.read(save(body))
    assert "\n" not in str(caught.value)


def test_a_broken_geometry_is_left_out_and_said(save) -> None:
    body, problems = model(), Problems()
    body["CityObjects"]["part"]["geometry"][0]["boundaries"] = [[[4, 5, 99]]]
    scene = gis.read(save(body), problems=problems)
    assert scene.resolve("cityjson:house").mesh("2.2").area_m2() == pytest.approx(600)
    assert problems.count("geometry-broken") == 1


@pytest.mark.real_data
def test_the_hague_has_its_objects(real_data) -> None:
    scene = gis.read(real_data / "citymodel/cityjson/DenHaag_01.city.json.zip")
    kinds = scene.layers["buildings"].table["kind"].to_pylist()
    assert (kinds.count("Building"), kinds.count("BuildingPart")) == (844, 1_653)
    assert len(scene.layers["terrain"]) == 1


@pytest.mark.real_data
@pytest.mark.parametrize("folder", ["malformed/cityjson_corpus_invalid", "malformed/citymodel_val3dity/test_cityjson"])
def test_every_invalid_file_ends_in_a_scene_or_a_sentence(real_data, folder) -> None:
    files = [
        path
        for path in sorted((real_data / folder).rglob("*.json*"))
        if path.name not in {"case.json", "invariants.json"}
    ]
    assert files
    for path in files:
        try:
            size, sentence = len(gis.read(path, crs="EPSG:28992")), ""
        except CityTwinError as error:
            size, sentence = 0, str(error)
        assert size > 0 or path.name in sentence
        assert "\n" not in sentence
