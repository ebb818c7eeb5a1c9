"""Sound files have no finding; each way of breaking one is found and named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gis.checking.cityjson import CityJsonChecker
from gis.checking.gml import GmlChecker
from gis.checking.obj import ObjChecker
from scenes import LoadError
from scenes.sources import Source

CUBE = [
    [[0, 3, 2, 1]],
    [[4, 5, 6, 7]],
    [[0, 1, 5, 4]],
    [[1, 2, 6, 5]],
    [[2, 3, 7, 6]],
    [[3, 0, 4, 7]],
]
CORNERS = [[x, y, z] for z in (0, 3000) for x, y in ((0, 0), (9000, 0), (9000, 9000), (0, 9000))]


def house(**changes: Any) -> dict[str, Any]:
    geometry = {"type": "Solid", "lod": "1", "boundaries": [CUBE], **changes.pop("geometry", {})}
    building = {"type": "Building", "geometry": [geometry], **changes.pop("building", {})}
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [85_000.0, 446_000.0, 0.0]},
        "CityObjects": {"b1": building, **changes.pop("others", {})},
        "vertices": CORNERS,
        **changes,
    }


def rules(folder: Path, text: str, name: str = "town.city.json") -> list[str]:
    (folder / name).write_text(text)
    source = Source(str(folder / name))
    for checker in (CityJsonChecker(), GmlChecker(), ObjChecker()):
        if checker.supports(source):
            return sorted({problem.rule for problem in checker.check(source)})
    raise AssertionError(name)


def test_a_sound_house_has_no_finding(tmp_path: Path) -> None:
    assert rules(tmp_path, json.dumps(house())) == []


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"type": "FeatureCollection"}, "cityjson-type"),
        ({"version": "3.7"}, "cityjson-version"),
        ({"transform": None}, "cityjson-transform"),
        ({"vertices": "none"}, "cityjson-vertices"),
        ({"+noise": {}}, "cityjson-extension"),
        ({"building": {"type": "Hovel"}}, "cityjson-object-type"),
        ({"building": {"type": "BuildingPart"}}, "cityjson-parents"),
        ({"building": {"children": ["b9"]}}, "cityjson-dangling"),
        ({"building": {"children": ["b2"]}, "others": {"b2": {"type": "Road"}}}, "cityjson-hierarchy"),
        ({"geometry": {"type": "Blob"}}, "cityjson-geometry-type"),
        ({"geometry": {"lod": 1}}, "cityjson-lod"),
        ({"geometry": {"boundaries": [[[[0, 1, 99]]]]}}, "cityjson-boundaries"),
        ({"geometry": {"boundaries": [[[0, 1, 2]]]}}, "cityjson-boundaries"),
        ({"geometry": {"boundaries": []}}, "geometry-902"),
        ({"geometry": {"semantics": {"surfaces": [], "values": [[3]]}}}, "cityjson-semantics"),
        ({"geometry": {"type": "GeometryInstance", "template": 4}}, "cityjson-template"),
        ({"geometry": {"boundaries": [CUBE[:5]]}}, "geometry-302"),
        ({"geometry": {"boundaries": [[[face[0][::-1]] for face in CUBE]]}}, "geometry-405"),
    ],
)
def test_each_way_to_break_it_has_its_rule(tmp_path: Path, changes: dict[str, Any], rule: str) -> None:
    assert rule in rules(tmp_path, json.dumps(house(**changes)))


def test_what_is_no_json_is_said_by_line(tmp_path: Path) -> None:
    assert rules(tmp_path, json.dumps(house())[:-9]) == ["json-malformed"]
    deep = '{"type": "CityJSON", "CityObjects": ' + "[" * 100_000
    assert rules(tmp_path, deep) == ["json-malformed"]
    head = {**house(), "CityObjects": {}, "vertices": []}
    feature = {"type": "CityJSONFeature", "id": "b7", "CityObjects": {"b1": house()["CityObjects"]["b1"]}}
    lines = [json.dumps(head), json.dumps({**feature, "vertices": CORNERS}), "{broken"]
    (tmp_path / "town.city.jsonl").write_text("\n".join(lines))
    found = CityJsonChecker().check(Source(str(tmp_path / "town.city.jsonl")))
    assert [(problem.rule, problem.place) for problem in found] == [
        ("cityjson-feature-id", "line 2"),
        ("json-malformed", "line 3"),
    ]


POLYGON = "<gml:Polygon><gml:exterior>{}</gml:exterior></gml:Polygon>"
RING = "<gml:LinearRing><gml:posList>{}</gml:posList></gml:LinearRing>"
MODEL = """<CityModel xmlns="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml"
 xmlns:bldg="http://www.opengis.net/citygml/building/2.0" xmlns:xlink="http://www.w3.org/1999/xlink">
 <gml:boundedBy><gml:Envelope srsName="{crs}"/></gml:boundedBy>
 <cityObjectMember><bldg:Building gml:id="b1">{extra}<bldg:lod1Solid><gml:Solid><gml:exterior><gml:CompositeSurface>
 {faces}</gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod1Solid></bldg:Building></cityObjectMember>
</CityModel>"""


def model(crs: str = "EPSG:28992", extra: str = "", faces: int = 6, drop: int = 0) -> str:
    def point(corner: int) -> str:
        x, y, z = CORNERS[corner]
        if crs.endswith("6697"):  # latitude first
            return f"{35.5 + y / 1000 / 111_195:.12f} {139.7 + x / 1000 / 90_525:.12f} {z / 1000}"
        return f"{85_000 + x / 1000} {446_000 + y / 1000} {z / 1000}"

    def polygon(ring: list[int]) -> str:
        points = " ".join(point(corner) for corner in [*ring, ring[0]][: 5 - drop])
        inside = RING.format(points)
        return (
            f"<gml:surfaceMember><gml:Polygon><gml:exterior>{inside}</gml:exterior></gml:Polygon></gml:surfaceMember>"
        )

    return MODEL.format(crs=crs, extra=extra, faces="".join(polygon(face[0]) for face in CUBE[:faces]))


@pytest.mark.parametrize("crs", ["EPSG:28992", "http://www.opengis.net/def/crs/EPSG/0/6697"])
def test_a_sound_gml_house_has_no_finding_in_metres_or_degrees(tmp_path: Path, crs: str) -> None:
    assert rules(tmp_path, model(crs), "town.gml") == []
    assert rules(tmp_path, model(crs, faces=5), "town.gml") == ["geometry-302"]


def test_gml_ids_links_and_rings_are_checked(tmp_path: Path) -> None:
    link = '<bldg:lod2MultiSurface xlink:href="#gone"/>'
    assert rules(tmp_path, model(extra=link), "town.gml") == ["gml-link-broken"]
    twice = '<bldg:part gml:id="b1"/>'
    assert rules(tmp_path, model(extra=twice), "town.gml") == ["gml-id-repeated"]
    assert rules(tmp_path, model(drop=1), "town.gml") == ["geometry-103"]
    assert "gml-coordinates" in rules(tmp_path, model().replace("446000.0", "x"), "town.gml")
    with pytest.raises(LoadError, match="not well-formed XML"):
        rules(tmp_path, model()[:-20], "town.gml")


def test_entities_of_strangers_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden")
    head = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'
    found = rules(tmp_path, head + model(extra="<gml:name>&e;</gml:name>"), "town.gml")
    assert found == []


def test_obj_bodies_are_checked(tmp_path: Path) -> None:
    lines = [f"v {x} {y} {z}" for x, y, z in CORNERS]
    faces = ["f " + " ".join(str(corner + 1) for corner in face[0]) for face in CUBE]
    assert rules(tmp_path, "\n".join(lines + faces), "a.obj") == []
    assert rules(tmp_path, "\n".join(lines + faces[:5]), "a.obj") == ["geometry-302"]
    assert rules(tmp_path, "\n".join([*lines, *faces, "f 1 2 99"]), "a.obj") == ["obj-index"]
    assert rules(tmp_path, "\n".join([*lines, "v 1 2", *faces]), "a.obj") == ["obj-vertex"]
