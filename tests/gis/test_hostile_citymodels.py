"""City models that mean harm end in a scene with a report or in one sentence."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from gis.citygml import CityGmlLoader
from scenes.errors import CityTwinError, LoadError
from scenes.problems import Problems
from scenes.sources import Source
from tests.gis.citymodels import citygml, polygon, read, square, surfaces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHAPE = f"<bldg:lod1MultiSurface>{surfaces(polygon(square()))}</bldg:lod1MultiSurface>"


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def _save(text: str, name: str = "city.gml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return _save


def with_dtd(body: str, entities: str) -> str:
    return body.replace('encoding="UTF-8"?>', f'encoding="UTF-8"?><!DOCTYPE x [{entities}]>')


def house(inner: str) -> str:
    return citygml(f'<bldg:Building gml:id="B">{inner}{SHAPE}</bldg:Building>')


def test_entities_stay_closed(save, tmp_path) -> None:
    (tmp_path / "secret.txt").write_text("do not read me", encoding="utf-8")
    outside = f'<!ENTITY s SYSTEM "{(tmp_path / "secret.txt").as_uri()}">'
    scene = read(save(with_dtd(house("<gml:name>a&s;b</gml:name><bldg:roofType>&s;</bldg:roofType>"), outside)))
    assert "do not read me" not in str([scene.at(0).name, dict(scene.at(0).attributes)])
    bomb = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 50}">' for a, b in zip("abcdef", "bcdefg", strict=True)
    )
    with pytest.raises(LoadError, match="amplification"):
        read(save(with_dtd(house("<gml:name>&g;</gml:name>"), bomb)))


@pytest.mark.parametrize(
    "text",
    [
        house("<a>" * 5_000 + "</a>" * 5_000),
        house(f"<gml:name>{'x' * 11_000_000}</gml:name>"),
        house("")[:-40],
        house("").replace("Building", "Bui\x01lding"),
    ],
    ids=["deep", "long", "cut", "control"],
)
def test_what_xml_must_not_be_is_one_sentence(save, text) -> None:
    with pytest.raises(LoadError, match="not well-formed") as caught:
        read(save(text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "numbers",
    ["x y z x y z x y z x y z", "1 2", "nan nan nan " * 4, "1e400 2 3 " * 4, "9e99 9e99 0 " * 4, ""],
    ids=["words", "short", "nan", "inf", "far", "none"],
)
def test_coordinates_that_are_none_leave_their_polygon_out(save, numbers) -> None:
    problems = Problems()
    bad = f"<bldg:lod1MultiSurface>{surfaces(polygon(numbers))}</bldg:lod1MultiSurface>"
    scene = read(save(house(bad)), problems=problems)
    mesh = scene.at(0).mesh()
    assert mesh is not None
    assert mesh.area_m2() == pytest.approx(100)
    assert problems.count("geometry-broken") + problems.count("surface-degenerate") >= (numbers != "")


def test_a_dimension_of_billions_is_not_believed(save) -> None:
    text = house("").replace("<gml:posList>", '<gml:posList srsDimension="4000000000" count="4000000000">')
    mesh = read(save(text)).at(0).mesh()
    assert mesh is not None
    assert mesh.area_m2() == pytest.approx(100)


def test_an_entity_bomb_in_a_code_list_stays_closed(save) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
    entry = "<Definition><description>&b;</description><name>1</name></Definition>"
    save(f"{bomb}<Dictionary><dictionaryEntry>{entry}</dictionaryEntry></Dictionary>", "codes.xml")
    problems = Problems()
    scene = read(save(house('<bldg:usage codeSpace="codes.xml">1</bldg:usage>')), problems=problems)
    assert scene.at(0).attributes["usage"] == "1"
    outside = house('<bldg:usage codeSpace="http://example.org/codes.xml">1</bldg:usage>')
    assert read(save(outside), problems=problems).at(0).attributes["usage"] == "1"


def test_keys_that_repeat_are_told_apart(save) -> None:
    members = [f'<bldg:Building gml:id="B">{SHAPE}</bldg:Building>'] * 3
    scene = read(save(citygml(*members)))
    assert len(set(scene)) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"vertices": [[0, 0]]},
        {"vertices": [[10**400, 0, 0]]},
        {"CityObjects": {"a": 5}},
        {"CityObjects": {"a": {"type": "Building", "geometry": 7}}},
        {"CityObjects": {"a": {"type": "Building", "attributes": [1]}}},
        {"transform": {"scale": "big", "translate": None}},
        {"metadata": []},
    ],
)
def test_a_cityjson_that_lies_is_one_sentence(save, change) -> None:
    body = {"type": "CityJSON", "version": "2.0", "transform": {"scale": [1, 1, 1], "translate": [85_000, 446_000, 0]},
            "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
            "CityObjects": {"a": {"type": "Building"}}, "vertices": [[0, 0, 0]], **change}  # fmt: skip
    with pytest.raises(CityTwinError) as caught:
        read(save(json.dumps(body), "a.city.json"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 99]]]},
        {"type": "MultiSurface", "lod": "1", "boundaries": [[["a", 1, 2]]]},
        {"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2**70]]]},
        {"type": "MultiSurface", "lod": "1", "boundaries": [[0, 1, 2]]},
        {"type": "Sphere", "lod": "1", "boundaries": []},
        {"type": "GeometryInstance", "template": 3, "boundaries": [0], "transformationMatrix": [1] * 16},
        {"type": "MultiPoint", "lod": "1", "boundaries": [-1]},
        {"type": "Solid", "lod": {"a": 1}, "boundaries": None},
        "nothing",
    ],
)
def test_a_geometry_that_lies_is_left_out_and_the_rest_stays(save, geometry) -> None:
    good = {"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2]]]}
    objects = {name: {"type": "Building", "geometry": [good, geometry, good]} for name in "ab"}
    body = {"type": "CityJSON", "version": "2.0", "transform": {"scale": [1, 1, 1], "translate": [85_000, 446_000, 0]},
            "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
            "CityObjects": objects, "vertices": [[0, 0, 0], [2, 0, 0], [0, 2, 0]]}  # fmt: skip
    problems = Problems()
    scene = read(save(json.dumps(body), "a.city.json"), problems=problems)
    assert scene.layers["buildings"].batches[0].meshes["1"].area_m2() == pytest.approx(8)
    assert problems.count("geometry-broken") == 2


def test_an_archive_of_anything_else_is_not_ours(tmp_path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.gml", "<FeatureCollection/>")
    assert not CityGmlLoader().supports(Source(str(path)))
