"""CityGML in pieces: however a document is written and wherever it is cut, the same city is in it."""

from __future__ import annotations

import os

import numpy as np
import pytest

from gis.citygml import CityGmlLoader
from gis.gml_columns import elements_of
from gis.gml_tags import NotPlainError
from gis.lanes import LaneError, in_lanes
from scenes.errors import LoadError
from scenes.loading import LoadContext
from scenes.problems import Problems
from scenes.sources import Source
from tests.gis.citymodels import FRAME, citygml, polygon, square, surfaces


def house(number: int, name: str = "", more: str = "") -> str:
    shapes = surfaces(polygon(square(number, x=20.0 * number), f"p{number}"))
    return (
        f'<bldg:Building gml:id="{name or f"b{number}"}"><gml:name>No {number} &lt;é&gt; &#65;</gml:name>'
        f'<bldg:measuredHeight uom="m">{number}.5</bldg:measuredHeight>{more}'
        f'<bldg:boundedBy><bldg:RoofSurface gml:id="r{number}"><bldg:lod2MultiSurface>{shapes}'
        f"</bldg:lod2MultiSurface></bldg:RoofSurface></bldg:boundedBy></bldg:Building>"
    )


def town(path, piece_bytes=8 << 20, problems=None):
    loader = CityGmlLoader(piece_bytes)
    batches = [
        batch for _, batch in loader.load(Source(str(path)), LoadContext(FRAME, problems=problems or Problems()))
    ]
    rows = [row for batch in batches for row in batch.table.to_pylist()]
    for row in rows:
        row["footprint"] = bool(row["footprint"])
    area = sum(mesh.area_m2() for batch in batches for mesh in batch.meshes.values())
    return sorted(rows, key=lambda row: row["uid"]), area, len(batches)


SIX = [house(number) for number in range(6)]


@pytest.mark.parametrize("piece_bytes", [300, 900, 1_500])
def test_a_document_may_be_cut_anywhere_between_members(save_gml, piece_bytes) -> None:
    path = save_gml(citygml(*SIX))
    rows, area, _ = town(path)
    cut_rows, cut_area, batches = town(path, piece_bytes)
    assert len(rows) == 6
    assert batches > 1
    assert rows[0]["name"].endswith("<é> A")
    assert [{**row, "max_x": 0} for row in cut_rows] == [{**row, "max_x": 0} for row in rows]
    assert np.allclose([row["max_x"] for row in cut_rows], [row["max_x"] for row in rows], atol=1e-4)
    assert cut_area == pytest.approx(area)


def commented(text: str) -> str:
    return text.replace("<gml:name>", "<!-- a > b --><gml:name><?x y?>").replace("1.5", "<![CDATA[1.5]]>")


def in_prefixes_of_its_own(text: str) -> str:
    return text.replace(
        "<bldg:measuredHeight", '<h:measuredHeight xmlns:h="http://www.opengis.net/citygml/building/2.0"'
    ).replace("</bldg:measuredHeight", "</h:measuredHeight")


@pytest.mark.parametrize(
    "written",
    [
        lambda text: commented(text).encode(),
        lambda text: in_prefixes_of_its_own(text).encode(),
        lambda text: text.replace('uom="m"', "uom = 'm'").encode(),
        lambda text: text.replace("<gml:posList>", "<gml:posList >\n\t").encode(),
        lambda text: text.replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"),
        lambda text: text.replace('encoding="UTF-8"', 'encoding="ISO-8859-1"').encode("latin-1"),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace('encoding="UTF-8"?>', 'encoding="UTF-8"?><!DOCTYPE CityModel>').encode(),
    ],
    ids=["comments", "prefixes", "quotes", "blanks", "utf-16", "latin-1", "bom", "doctype"],
)
@pytest.mark.parametrize("piece_bytes", [300, 8 << 20])
def test_the_way_a_document_is_written_changes_nothing(save_gml, written, piece_bytes) -> None:
    rows, area, _ = town(save_gml(citygml(*SIX)))
    other, other_area, _ = town(save_gml(written(citygml(*SIX))), piece_bytes)
    left = [{**row, "max_x": 0} for row in rows]
    assert [{**row, "max_x": 0} for row in other] == left
    assert other_area == pytest.approx(area)


def test_ids_and_units_that_contradict_each_other_in_different_pieces_are_told_apart(save_gml) -> None:
    heights = ["", '<bldg:a uom="m">3</bldg:a>', "", '<bldg:a uom="ft">3</bldg:a>']
    members = [house(number, "same", heights[number % 4]) for number in range(8)]
    path = save_gml(citygml(*members))
    rows, area, _ = town(path)
    cut, cut_area, _ = town(path, 700)
    assert len({row["source_id"] for row in cut}) == 8
    assert [row["uid"] for row in cut] == [row["uid"] for row in rows]
    assert cut_area == pytest.approx(area)


def test_a_link_leads_into_another_piece_and_problems_are_said_once(save_gml) -> None:
    shape = surfaces('<gml:surfaceMember xlink:href="#p5"/>')
    link = f"<bldg:lod1MultiSurface>{shape}</bldg:lod1MultiSurface>"
    code = '<bldg:usage codeSpace="missing.xml">1</bldg:usage>'
    path = save_gml(citygml(*(house(number, more=code + (link if number == 0 else "")) for number in range(6))))
    problems = Problems()
    _, area, _ = town(path, 700, problems)
    assert area == pytest.approx(town(path)[1])
    assert problems.count("code-list-missing") == 1


@pytest.mark.parametrize("piece_bytes", [300, 8 << 20])
@pytest.mark.parametrize(
    "broken",
    [
        lambda text: text[:-30],
        lambda text: text.replace("</bldg:RoofSurface>", "</bldg:WallSurface>"),
        lambda text: text.replace('gml:id="b4"', "gml:id=b4"),
        lambda text: text.replace('gml:id="b4"', 'gml:id="b4'),
        lambda text: text.replace("<gml:name>No 4", "<nowhere:name>No 4"),
        lambda text: text.replace("No 4", "No &unknown; 4"),
        lambda text: text.replace("No 4", "No \x02 4"),
        lambda text: text.replace("</CityModel>", "</CityModel>more"),
    ],
    ids=["cut", "crossed", "unquoted", "open", "prefix", "entity", "control", "tail"],
)
def test_what_is_not_well_formed_is_said_however_it_is_cut(save_gml, broken, piece_bytes) -> None:
    with pytest.raises(LoadError, match="not well-formed"):
        town(save_gml(broken(citygml(*SIX))), piece_bytes)


@pytest.mark.parametrize(
    "text", [b"<a>", b"</a>", b"<a></b>", b"<a b='1></a>", b"<a>&b;</a>", b"<a><!-- --></a>", b"<>"]
)
def test_columns_refuse_what_is_not_plain(text) -> None:
    with pytest.raises(NotPlainError):
        elements_of(text, {}).attributes(0)


def test_lanes_work_in_turn_and_their_errors_arrive() -> None:
    def fails(lane, _count):
        yield lane
        raise LoadError("here", "it is broken", "repair it")

    def dies(lane, _count):
        yield lane
        os._exit(3)

    found = in_lanes(fails, 2)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(LoadError, match="broken"):
        next(found)
    with pytest.raises(LaneError):
        list(in_lanes(dies, 2))


@pytest.fixture
def save_gml(tmp_path):
    def _save(text):
        path = tmp_path / "city.gml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return _save
