"""CityJSON in and out: what is written comes back the same, and other programs read it."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import cityjson_lib
import numpy as np
import pytest
from PIL import Image

from scenes.export import export
from scenes.problems import Problems
from scenes.semantics import SURFACES
from tests.gis.citymodels import citygml, polygon, read, square, surfaces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes import Scene


def _cjio() -> Any:
    """Return cjio's reader; importing it makes the json module of this process round floats, which is undone."""
    kept = {name: getattr(json.encoder, name, None) for name in ("c_make_encoder", "float")}
    from cjio import cityjson

    json.encoder.c_make_encoder = kept["c_make_encoder"]  # type: ignore[attr-defined]
    if kept["float"] is None and "float" in vars(json.encoder):
        del json.encoder.float  # type: ignore[attr-defined]
    return cityjson


RD = "https://www.opengis.net/def/crs/EPSG/0/7415"
CORNERS = [[x, y, z] for z in (0, 1) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
CUBE = [[[[3, 2, 1, 0]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]]
LETTERS = ["GroundSurface", "RoofSurface", "WallSurface"]
SEMANTICS = {"surfaces": [{"type": name} for name in LETTERS], "values": [[0, 1, 2, 2, 2, 2]]}
IDS = ("town.city.json", "town.city.jsonl")


def town(**changes: Any) -> dict[str, Any]:
    """Return a small town with everything that the format has."""
    house = {
        "type": "Building",
        "attributes": {"storeys": 3, "owner": {"name": "Jo", "since": 1999}, "tags": ["a", "b"], "name": "Hall"},
        "address": [{"street": "Ring", "number": "3"}],
        "children": ["part"],
        "geometry": [
            {"type": "Solid", "lod": "2.2", "boundaries": CUBE, "semantics": SEMANTICS},
            {"type": "MultiSurface", "lod": "0", "boundaries": [[[0, 1, 2, 3]]]},
        ],
    }
    part = {
        "type": "BuildingPart",
        "parents": ["house"],
        "attributes": {"storeys": 1},
        "geometry": [{"type": "CompositeSurface", "lod": "1.3", "boundaries": [[[4, 5, 6, 7]]],
                      "material": {"visual": {"value": 0}}}],
    }  # fmt: skip
    solids = {"type": "MultiSolid", "lod": "1", "boundaries": [CUBE]}
    objects = {
        "house": house,
        "part": part,
        "noise": {"type": "+NoiseWall", "+level": 55, "geometry": [solids]},
        "line": {"type": "Road", "geometry": [{"type": "MultiLineString", "lod": "0", "boundaries": [[0, 1, 2]]}]},
        "mast": {"type": "CityFurniture", "geometry": [{"type": "MultiPoint", "lod": "1", "boundaries": [6, 7]}]},
        "stair": {"type": "BridgeInstallation", "parents": ["bridge"], "geometry": [solids]},
        "bridge": {"type": "Bridge", "children": ["stair"]},
        "pair": {"type": "CityObjectGroup", "children": ["mast", "line"], "children_roles": ["tall", "long"]},
    }
    objects["mast"]["parents"] = objects["line"]["parents"] = ["pair"]
    body = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": RD, "identifier": "town-1", "referenceDate": "2024-05-01"},
        "transform": {"scale": [0.001] * 3, "translate": [85_000.0, 446_000.0, 0.0]},
        "appearance": {"materials": [{"name": "red", "diffuseColor": [1, 0, 0], "transparency": 0.2}]},
        "extensions": {"Noise": {"url": "https://example.org/noise.ext.json", "version": "2.0"}},
        "CityObjects": objects,
        "vertices": (np.array(CORNERS) * 10_000).tolist(),
    }
    return {**body, **changes}


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def _save(body: Any, name: str = "town.city.json") -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(body if isinstance(body, str) else json.dumps(body), encoding="utf-8")
        return path

    return _save


def some(scene: Scene) -> list[str]:
    """Return every uid of a small scene, 150 of a large one."""
    uids = sorted(scene)
    return uids[:: len(uids) // 150 + 1]


def told(scene: Scene) -> dict[str, Any]:
    """Return everything that a scene says of at most 150 of its objects, by uid."""
    found: dict[str, Any] = {}
    for uid in some(scene):
        each = scene[uid]
        ties = [tie for tie in each.batch.relations.to_pylist() if tie.pop("row") == each.batch_row]
        found[uid] = {
            "is": (each.kind, each.name, each.parent, each.layer, each.fixed["source_id"]),
            "has": (dict(each.attributes), dict(each.properties), sorted(map(str, ties))),
        }
    return found


def shapes(scene: Scene) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Return bounds, areas by surface, colours, and sizes at each level, of at most 150 objects."""
    found = {}
    for uid in some(scene):
        each = scene[uid]
        for level in each.batch.meshes:
            mesh = each.mesh(level)
            if mesh is not None and mesh.vertex_count:
                low, high = mesh.row_bounds(1)
                lines = 0 if mesh.lines is None else len(mesh.lines)
                loose = 0 if mesh.points is None else len(mesh.points)
                box = np.concatenate([low, high]).round(3)
                found[uid, level] = (box, each.surface_areas(level), mesh.area_m2(), _colours(mesh), lines, loose)
    return found


def _colours(mesh: Any) -> set[tuple[int, ...]]:
    colours = mesh.colours if mesh.colours is not None else np.zeros((mesh.vertex_count, 4), int)
    return {tuple(colour) for colour in colours[mesh.triangles].reshape(-1, 4).tolist()}


def assert_equal(again: Scene, before: Scene) -> None:
    """Check that two scenes hold the same objects, geometry within a millimetre."""
    assert set(again) == set(before)
    was, now = told(before), told(again)
    assert set(now) == set(was)
    for uid, each in was.items():
        values, ties = each["has"][0], each["has"][1:]
        numbers = {name: value for name, value in values.items() if isinstance(value, float)}
        assert (now[uid]["is"], now[uid]["has"][1:]) == (each["is"], ties)
        found = {name: now[uid]["has"][0].get(name) for name in numbers}
        assert found == pytest.approx(numbers, rel=1e-3, abs=2e-3), uid  # some follow from the geometry
        rest = [
            {name: value for name, value in each.items() if name not in numbers}
            for each in (values, now[uid]["has"][0])
        ]
        assert rest[0] == rest[1], uid
    old, new = shapes(before), shapes(again)
    assert set(new) == set(old)
    for key, (box, areas, area, colours, lines, loose) in old.items():
        assert np.allclose(new[key][0], box, atol=1.5e-3), key
        assert new[key][1] == pytest.approx(areas, rel=1e-3, abs=0.05), key
        assert new[key][2] == pytest.approx(area, rel=1e-3, abs=0.05), key
        assert new[key][3:] == (colours, lines, loose), key


def back(scene: Scene, path: Path) -> Scene:
    """Return a scene that was written and read again in the same frame."""
    again = read(export(scene, path))
    assert again.georeference == scene.georeference
    return again


@pytest.mark.parametrize("name", IDS)
def test_a_town_comes_back_as_it_was(save, tmp_path, name) -> None:
    before = read(save(town()))
    assert_equal(back(before, tmp_path / name), before)
    hall = before.resolve("cityjson:house")
    assert hall.properties == {
        "owner": {"name": "Jo", "since": 1999},
        "attributes": {"tags": ["a", "b"]},
        "address": {"street": "Ring", "number": "3"},
    }
    assert hall.attributes["lod"] == "2.2"
    assert before.resolve("cityjson:noise").attributes["cityjson_type"] == "+NoiseWall"


def test_the_written_file_has_the_original_words(save, tmp_path) -> None:
    out = json.loads(export(read(save(town())), tmp_path / "a.city.json").read_text(encoding="utf-8"))
    objects = out["CityObjects"]
    assert set(objects) == set(town()["CityObjects"])
    assert {name: item["type"] for name, item in objects.items()} == {
        **{name: item["type"] for name, item in town()["CityObjects"].items()},
        "noise": "GenericCityObject",
    }
    assert (objects["house"]["children"], objects["part"]["parents"]) == (["part"], ["house"])
    assert (objects["pair"]["children"], objects["pair"]["children_roles"]) == (["mast", "line"], ["tall", "long"])
    assert objects["house"]["address"] == town()["CityObjects"]["house"]["address"]
    assert objects["house"]["attributes"]["tags"] == ["a", "b"]
    assert out["metadata"]["identifier"] == "town-1"
    faces = next(each for each in objects["house"]["geometry"] if each["lod"] == "2.2")
    words = [faces["semantics"]["surfaces"][value]["type"] for value in faces["semantics"]["values"][0]]
    assert {word: words.count(word) for word in words} == {"GroundSurface": 1, "RoofSurface": 1, "WallSurface": 4}
    kinds = {name: [each["type"] for each in objects[name].get("geometry", [])] for name in objects}
    assert kinds["house"] == ["MultiSurface", "Solid"]
    assert (kinds["part"], kinds["line"], kinds["mast"]) == (["MultiSurface"], ["MultiLineString"], ["MultiPoint"])
    assert {each["lod"] for each in objects["part"]["geometry"]} == {"1.3"}


@pytest.mark.parametrize("source", ["cityjson", "citygml"])
def test_other_programs_read_what_is_written(save, tmp_path, source) -> None:
    shape = f"<bldg:lod4MultiSurface>{surfaces(polygon(square(3)))}</bldg:lod4MultiSurface>"
    document = citygml(f'<bldg:Building gml:id="B">{shape}</bldg:Building>')
    scene = read(save(town()) if source == "cityjson" else save(document, "town.gml"))
    whole = export(scene, tmp_path / "a.city.json")
    model = cityjson_lib.CityModel.parse_document_bytes(whole.read_bytes())
    assert len(model.cityobject_ids()) == len(scene)
    with whole.open(encoding="utf-8") as file:
        other = _cjio().reader(file)
    assert (other.get_version(), len(other.j["CityObjects"])) == ("2.0", len(scene))
    other.decompress()
    assert other.get_bbox()[:3] == pytest.approx((np.array(scene.bounds()[:3]) + scene.georeference.origin_m).tolist())
    lines = export(scene, tmp_path / "a.city.jsonl").read_bytes()
    assert len(cityjson_lib.merge_feature_stream_bytes(lines).cityobject_ids()) == len(scene)


def test_good_lines_of_a_sequence_are_loaded_and_bad_ones_said(save) -> None:
    header = town(CityObjects={}, vertices=[])
    good = {
        "type": "CityJSONFeature",
        "id": "house",
        "CityObjects": town()["CityObjects"],
        "vertices": town()["vertices"],
    }
    wrong = json.dumps(dict(good, id="nobody")), '{"type": "CityJSONFeature", "id": "x"', "[]"
    problems = Problems()
    text = "\n".join([json.dumps(header), wrong[0], json.dumps(good), *wrong[1:], ""])
    assert len(read(save(text, "a.city.jsonl"), problems=problems)) == 8
    assert problems.count("line-broken") == 3
    del header["transform"]
    plain = dict(good, vertices=[[85_000 + x * 10, 446_000 + y * 10, z * 10] for x, y, z in CORNERS])
    scene = read(save(json.dumps(header) + "\n" + json.dumps(plain), "b.city.jsonl"))
    assert scene.resolve("cityjson:house").mesh("2.2").area_m2() == pytest.approx(600)


def test_images_of_textures_lie_on_their_surfaces(save, tmp_path) -> None:
    (tmp_path / "in" / "pictures").mkdir(parents=True)
    Image.new("RGB", (4, 4), (9, 200, 9)).save(tmp_path / "in" / "pictures" / "roof.png")
    body = town()
    body["appearance"]["textures"] = [{"type": "PNG", "image": "pictures/roof.png"}, {"image": "../../etc/passwd"}]
    body["appearance"]["vertices-texture"] = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    values = [[None], [[0, 0, 1, 2, 3]], [[1, 0, 1, 2, 3]], [None], [None], [None]]
    body["CityObjects"]["house"]["geometry"][0]["texture"] = {"a": {"values": [values]}}
    problems = Problems()
    mesh = read(save(body), problems=problems).resolve("cityjson:house").mesh("2.2")
    assert mesh is not None
    assert mesh.semantics is not None
    assert mesh.triangle_images is not None
    assert [SURFACES[code] for code in mesh.semantics[mesh.triangle_images == 0]] == ["RoofSurface"] * 2
    assert problems.count("image-missing") == 1
    corners = mesh.positions_m[mesh.triangles[mesh.triangle_images == 0]].reshape(-1, 3)
    uvs = mesh.uvs[mesh.triangles[mesh.triangle_images == 0]].reshape(-1, 2)
    assert np.allclose(uvs[:, 0] * 10, corners[:, 0] - corners[:, 0].min(), atol=1e-3)
    assert np.allclose((1 - uvs[:, 1]) * 10, corners[:, 1] - corners[:, 1].min(), atol=1e-3)


@pytest.mark.parametrize("name", IDS)
def test_images_come_back_on_their_surfaces(save, tmp_path, name) -> None:
    (tmp_path / "in").mkdir()
    Image.new("RGB", (4, 4), (9, 200, 9)).save(tmp_path / "in" / "roof.png")
    body = town()
    body["appearance"]["textures"] = [{"type": "PNG", "image": "roof.png"}]
    body["appearance"]["vertices-texture"] = [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]]
    values = [[None], [[0, 0, 1, 2, 3]], [[0, 3, 2, 1, 0]], [None], [None], [None]]
    body["CityObjects"]["house"]["geometry"][0]["texture"] = {"a": {"values": [values]}}
    before = read(save(body))
    again = back(before, tmp_path / name)
    assert_equal(again, before)
    assert (tmp_path / "town.city_0.png").is_file()
    old, new = (scene.resolve("cityjson:house").mesh("2.2") for scene in (before, again))
    assert new.images == old.images
    assert _placed(new) == _placed(old)
    assert len(_placed(new)) == 6  # two faces of four corners that share an edge


def _placed(mesh: Any) -> set[tuple[float, ...]]:
    """Return the corners that have an image, each with its place in it."""
    corners = mesh.triangles[mesh.triangle_images == 0].reshape(-1)
    return {tuple(row) for row in np.column_stack([mesh.positions_m[corners], mesh.uvs[corners]]).round(3).tolist()}


def test_extension_schemas_are_named_and_never_fetched(save) -> None:
    problems = Problems()
    wall = read(save(town()), problems=problems).resolve("cityjson:noise")
    assert (wall.kind, wall.attributes["+level"]) == ("GenericOccupiedSpace", 55)
    assert problems.count("extension-not-read") == 1


def test_a_template_that_stands_often_is_kept_once(save) -> None:
    templates = {"templates": [{"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2]]]}],
                 "vertices-templates": [[0, 0, 0], [2, 0, 0], [0, 0, 3]]}  # fmt: skip
    stand = {
        "type": "GeometryInstance",
        "template": 0,
        "boundaries": [0],
        "transformationMatrix": np.eye(4).ravel().tolist(),
    }
    trees = {f"t{n}": {"type": "SolitaryVegetationObject", "geometry": [stand]} for n in range(25)}
    scene = read(save(town(CityObjects=trees, **{"geometry-templates": templates})))
    mesh = scene.layers["trees"].batches[0].meshes["1"]
    assert [len(each) for each in mesh.instances] == [25]
    assert mesh.expanded().area_m2() == pytest.approx(75)


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    [
        "cityjson/delft.json",
        "cityjson/DenHaag_01.city.json.zip",
        "cityjsonseq/3dbag_b2.city.jsonl",
        "cityjsonseq/denhaag_random_5.city.jsonl",
        "plateau_citygml2/64413325_bldg_6697_op.gml",
        "citygml_building_lods/CityGMLv2/Building_LOD3-EPSG25832.gml",
        "citygml_building_lods/CityGMLv3/Building_and_garage_LOD2-EPSG25832.gml",
    ],
)
def test_real_models_come_back_as_they_were(real_data, tmp_path, name) -> None:
    before = read(real_data / "citymodel" / name)
    assert_equal(back(before, tmp_path / "a.city.json"), before)
    if "delft" not in name and "DenHaag" not in name:
        assert_equal(back(before, tmp_path / "a.city.jsonl"), before)


@pytest.mark.real_data
def test_roof_areas_agree_with_polygons_measured_in_the_file(real_data) -> None:
    path = real_data / "citymodel/cityjson/DenHaag_01.city.json.zip"
    with zipfile.ZipFile(path) as archive:
        body = json.load(io.BytesIO(archive.read(archive.namelist()[0])))
    scene = read(path)
    vertices = np.array(body["vertices"]) * body["transform"]["scale"]
    keys = sorted(body["CityObjects"])[:300]
    wanted = np.array([_roof_area(body["CityObjects"][key], vertices) for key in keys])
    found = np.array([scene.resolve(f"cityjson:{key}").attributes.get("roof_area_m2", 0.0) for key in keys])
    assert (wanted > 1).sum() > 100
    assert found == pytest.approx(wanted, rel=0.02, abs=0.05)  # some roofs of this file are not quite flat
    assert np.median(np.abs(found - wanted)) < 1e-3


def _roof_area(item: dict[str, Any], vertices: Any) -> float:
    """Return the area of the roof surfaces of an object by the sum of cross products around each ring."""
    total = 0.0
    for geometry in item.get("geometry", []):
        kinds = [each["type"] for each in geometry.get("semantics", {}).get("surfaces", [])]
        for surfaces_, values in zip(
            geometry["boundaries"], geometry.get("semantics", {}).get("values", []), strict=True
        ):
            for rings, value in zip(surfaces_, values, strict=True):
                if kinds[value] == "RoofSurface":
                    areas = [_area(vertices[ring]) for ring in rings]
                    total += areas[0] - sum(areas[1:])
    return total


def _area(ring: Any) -> float:
    near = ring - ring[0]
    return float(np.linalg.norm(np.cross(near, np.roll(near, -1, axis=0)).sum(axis=0)) / 2)
