from __future__ import annotations

import numpy as np
import pytest

import gis
from scenes.errors import GeoreferenceError, LoadError
from scenes.sources import Source

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<CityModel xmlns="http://www.opengis.net/citygml/2.0" xmlns:bldg="http://www.opengis.net/citygml/building/2.0"
 xmlns:gml="http://www.opengis.net/gml" xmlns:gen="http://www.opengis.net/citygml/generics/2.0"
 xmlns:xlink="http://www.w3.org/1999/xlink">
 <gml:boundedBy><gml:Envelope srsName="{crs}" srsDimension="3"/></gml:boundedBy>
 <cityObjectMember>{body}</cityObjectMember></CityModel>"""


def ring(points) -> str:
    numbers = " ".join(str(float(value)) for point in points for value in point)
    return f"<gml:LinearRing><gml:posList>{numbers}</gml:posList></gml:LinearRing>"


def polygon(name, points, hole=None) -> str:
    inner = f"<gml:interior>{ring(hole)}</gml:interior>" if hole else ""
    return f'<gml:Polygon gml:id="{name}"><gml:exterior>{ring(points)}</gml:exterior>{inner}</gml:Polygon>'


def surface(word, inner) -> str:
    return (
        f"<bldg:boundedBy><bldg:{word}><bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember>{inner}"
        f"</gml:surfaceMember></gml:MultiSurface></bldg:lod2MultiSurface></bldg:{word}></bldg:boundedBy>"
    )


X, Y = 457_000.0, 5_439_000.0
ROOF = [(X, Y, 120), (X + 10, Y, 120), (X + 10, Y + 8, 120), (X, Y + 8, 120), (X, Y, 120)]
WALL = [(X, Y, 110), (X + 10, Y, 110), (X + 10, Y, 120), (X, Y, 120), (X, Y, 110)]
HOLE = [(X + 2, Y, 112), (X + 2, Y, 114), (X + 4, Y, 114), (X + 4, Y, 112), (X + 2, Y, 112)]
BUILDING = (
    '<bldg:Building gml:id="B1"><gml:name>Hall</gml:name>'
    '<gen:stringAttribute name="owner"><gen:value>KIT</gen:value></gen:stringAttribute>'
    '<bldg:measuredHeight uom="m">10.5</bldg:measuredHeight>'
    '<bldg:lod2Solid><gml:Solid><gml:exterior><gml:CompositeSurface><gml:surfaceMember xlink:href="#roof"/>'
    '<gml:surfaceMember xlink:href="#wall"/></gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod2Solid>'
    + surface("RoofSurface", polygon("roof", ROOF))
    + surface("WallSurface", polygon("wall", WALL, HOLE))
    + "</bldg:Building>"
)


@pytest.fixture
def save(tmp_path):
    def _save(body=BUILDING, crs="urn:ogc:def:crs:EPSG::25832", name="city.gml"):
        path = tmp_path / name
        path.write_text(HEAD.format(crs=crs, body=body), encoding="utf-8")
        return path

    return _save


def test_surfaces_attributes_and_ids_arrive_and_linked_ones_are_not_doubled(save) -> None:
    scene = gis.read(save())
    hall = scene.resolve("gml:id:B1")
    assert (hall.kind, hall.name) == ("Building", "Hall")
    assert hall.attributes["measuredHeight"] == 10.5
    assert hall.attributes["owner"] == "KIT"
    assert hall.mesh("2").area_m2() == pytest.approx(80 + 100 - 4)
    assert len(np.unique(hall.mesh("2").colours, axis=0)) == 2
    assert scene.georeference.to_projected(*hall.bounds[:2]) == pytest.approx((X, Y))


def test_a_file_that_gives_latitude_first_lies_in_the_same_place(save) -> None:
    plain = gis.read(save())
    lon, lat = plain.georeference.lonlat(*plain.resolve("gml:id:B1").bounds[:2])
    points = [(float(lat) + dy, float(lon) + dx, z) for dx, dy, z in ((0, 0, 5), (1e-4, 0, 5), (1e-4, 1e-4, 5))]
    body = f'<bldg:Building gml:id="B2">{surface("RoofSurface", polygon("p", points))}</bldg:Building>'
    scene = gis.read(save(body, "urn:ogc:def:crs:EPSG::4258"), georeference=plain.georeference)
    assert scene.resolve("gml:id:B2").bounds[:2] == pytest.approx(plain.resolve("gml:id:B1").bounds[:2], abs=1.0)


def test_entities_are_not_resolved(save, tmp_path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("do not read me")
    path = save()
    text = path.read_text().replace(
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY s SYSTEM "{secret.as_uri()}">]>',
    )
    path.write_text(text.replace(">Hall<", ">&s;<"))
    assert "do not read me" not in str(gis.read(path).resolve("gml:id:B1").name)


def test_what_cannot_be_read_ends_in_one_sentence(save) -> None:
    path = save()
    path.write_text(path.read_text()[:900])
    with pytest.raises(LoadError, match="not well-formed"):
        gis.read(path)
    with pytest.raises(LoadError, match="no city object"):
        gis.CityGmlLoader().locate(Source(str(save(body="", name="none.gml"))))
    with pytest.raises(GeoreferenceError, match="--crs"):
        gis.read(save(crs="#local-CRS-1", name="local.gml"))


@pytest.mark.real_data
@pytest.mark.parametrize("version", ["CityGMLv2", "CityGMLv3"])
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_the_campus_building_is_the_same_at_every_level(real_data, version, level) -> None:
    folder = real_data / "citymodel/citygml_building_lods" / version
    scene = gis.read(folder / f"Building_LOD{level}-EPSG25832.gml")
    layer = scene.layers["buildings"]
    assert layer.lods == (str(level),)
    west, south, low, east, north, high = layer.bounds()
    assert 9.5 < east - west < 11.5
    assert 4.9 < north - south < 6
    assert low == pytest.approx(112)
    assert high == pytest.approx({0: 115, 1: 116, 2: 117, 3: 117}[level])


@pytest.mark.real_data
def test_a_plateau_tile_with_latitude_first_lies_in_japan(real_data) -> None:
    scene = gis.read(real_data / "citymodel/plateau_citygml2/64413325_bldg_6697_op.gml")
    assert scene.georeference.crs == "EPSG:32654"
    assert len(scene.layers["buildings"]) == 25
