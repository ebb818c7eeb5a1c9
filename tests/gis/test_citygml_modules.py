"""What the modules of CityGML hold: links, shapes placed by matrices, appearances, codes, relations, time series."""

from __future__ import annotations

import gzip
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import gis
from gis.dynamizers import timeseries
from scenes.problems import Problems
from tests.gis.citymodels import X, Y, building, citygml, polygon, read, square, surfaces

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def roof(inner: str) -> str:
    return f"<bldg:boundedBy><bldg:RoofSurface>{inner}</bldg:RoofSurface></bldg:boundedBy>"


@pytest.mark.parametrize("version", ["1.0", "2.0", "3.0"])
def test_every_version_has_the_same_building(save, version) -> None:
    inner = roof(f"<bldg:lod2MultiSurface>{surfaces(polygon(square(9)))}</bldg:lod2MultiSurface>")
    house = read(save(citygml(building(inner), version=version))).resolve("gml:id:B")
    assert house.kind == "Building"
    assert house.surface_areas() == pytest.approx({"RoofSurface": 100})
    assert house.attributes["roof_area_m2"] == pytest.approx(100)


def test_links_lead_to_other_objects_and_files_beside_but_never_out(save) -> None:
    problems = Problems()
    links = ("#there", "other.gml#far", "../secret.gml#x", "http://example.org/a.gml#x", "#nowhere")
    members = "".join(f'<gml:surfaceMember xlink:href="{link}"/>' for link in links)
    linking = building(f"<bldg:lod1MultiSurface><gml:MultiSurface>{members}</gml:MultiSurface></bldg:lod1MultiSurface>")
    holding = f"<bldg:lod1MultiSurface>{surfaces(polygon(square(x=50), 'there'))}</bldg:lod1MultiSurface>"
    save(citygml(building(holding, "C").replace("there", "far")), "other.gml")
    scene = read(save(citygml(linking, building(holding, "C"))), problems=problems)
    house = scene.resolve("gml:id:B").mesh()
    assert house is not None
    assert house.area_m2() == pytest.approx(200)
    assert problems.count("link-outside") == 2
    assert problems.count("link-broken") == 3


def test_links_in_a_circle_end(save) -> None:
    circle = '<gml:CompositeSurface gml:id="c"><gml:surfaceMember xlink:href="#c"/></gml:CompositeSurface>'
    inner = f"<bldg:lod1MultiSurface>{surfaces(circle, polygon(square()))}</bldg:lod1MultiSurface>"
    problems = Problems()
    house = read(save(citygml(building(inner))), problems=problems).resolve("gml:id:B").mesh()
    assert house is not None
    assert house.area_m2() == pytest.approx(100)
    assert problems.count("link-cycle") == 1


def test_a_surface_that_is_turned_around_looks_the_other_way(save) -> None:
    turned = f'<gml:OrientableSurface orientation="-"><gml:baseSurface>{polygon(square())}</gml:baseSurface>'
    inner = f"<bldg:lod1MultiSurface>{surfaces(turned + '</gml:OrientableSurface>', polygon(square(5)))}"
    mesh = read(save(citygml(building(inner + "</bldg:lod1MultiSurface>")))).resolve("gml:id:B").mesh()
    assert mesh is not None
    corner = mesh.positions_m[mesh.triangles]
    up = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])[:, 2] > 0
    assert up.tolist() == (corner[:, 0, 2] > 2.5).tolist()


def tree(name: str, x: float, matrix: str, shape: str = "") -> str:
    return (
        f'<veg:SolitaryVegetationObject gml:id="{name}"><veg:lod1ImplicitRepresentation><ImplicitGeometry>'
        f"<transformationMatrix>{matrix}</transformationMatrix>{shape}<referencePoint><gml:Point><gml:pos>"
        f"{X + x} {Y} 100</gml:pos></gml:Point></referencePoint></ImplicitGeometry></veg:lod1ImplicitRepresentation>"
        f"</veg:SolitaryVegetationObject>"
    )


CROWN = polygon("0 0 0 2 0 0 2 0 3 0 0 3 0 0 0")
INLINE = f'<relativeGMLGeometry><gml:MultiSurface gml:id="crown"><gml:surfaceMember>{CROWN}</gml:surfaceMember>'
INLINE += "</gml:MultiSurface></relativeGMLGeometry>"
SHARED = '<relativeGMLGeometry xlink:href="#crown"/>'


@pytest.mark.parametrize("count", [3, 30])
def test_a_shape_that_is_placed_often_is_kept_once(save, count) -> None:
    turned = "0 -2 0 0 2 0 0 0 0 0 1 0 0 0 0 1"  # twice as wide, a quarter to the left
    trees = [tree("t0", 0, "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", SHARED)]  # the shape comes later
    trees += [tree("t1", 5, turned, INLINE), *(tree(f"t{n}", 5.0 * n, turned, SHARED) for n in range(2, count))]
    scene = read(save(citygml(*trees)))
    layer = scene.layers["trees"]
    assert len(layer) == count
    mesh = layer.batches[0].meshes["1"]
    assert sum(map(len, mesh.instances)) == (count if count > 20 else 0)
    assert mesh.expanded().area_m2() == pytest.approx(6 + 12 * (count - 1), rel=1e-5)
    second = scene.resolve("gml:id:t2").mesh()
    assert second is not None
    low, high = second.expanded().row_bounds(1)
    east, north = scene.georeference.to_projected(low[0, 0], low[0, 1])
    assert (east, north) == pytest.approx((X + 10, Y), abs=1e-3)
    assert (high - low)[0] == pytest.approx([0, 4, 3], abs=1e-4)


def test_a_library_object_is_a_point_and_said(save) -> None:
    problems = Problems()
    library = "<mimeType>model/vrml</mimeType><libraryObject>http://example.org/tree.wrl</libraryObject>"
    scene = read(save(citygml(tree("t", 7, "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", library))), problems=problems)
    assert problems.count("library-object") == 1
    assert scene.resolve("gml:id:t").bounds is not None


APPEARANCE = """<{holder}><app:Appearance><app:theme>a</app:theme><app:surfaceDataMember><app:X3DMaterial>
<app:diffuseColor>1 0 0</app:diffuseColor><app:transparency>0.5</app:transparency><app:target>#p</app:target>
</app:X3DMaterial></app:surfaceDataMember><app:surfaceDataMember><app:ParameterizedTexture>
<app:imageURI>{image}</app:imageURI><app:target uri="#q"><app:TexCoordList>
<app:textureCoordinates ring="#r">0 0 1 0 1 1 0 1 0 0</app:textureCoordinates></app:TexCoordList></app:target>
</app:ParameterizedTexture></app:surfaceDataMember></app:Appearance></{holder}>"""


@pytest.mark.parametrize("holder", ["appearanceMember", "app:appearance"])
def test_colours_and_images_lie_on_their_surfaces(save, tmp_path, holder) -> None:
    Image.new("RGB", (8, 8), (0, 0, 250)).save(tmp_path / "wall.png")
    text = APPEARANCE.format(holder=holder, image="wall.png")
    shape = f"<bldg:lod2MultiSurface>{surfaces(polygon(square(), 'p'), polygon(square(3), 'q', 'r'))}"
    inside = text if holder != "appearanceMember" else ""
    document = citygml(building(inside + shape + "</bldg:lod2MultiSurface>"), rest="" if inside else text)
    mesh = read(save(document)).resolve("gml:id:B").mesh()
    assert mesh is not None
    assert mesh.colours is not None
    assert mesh.uvs is not None
    assert mesh.triangle_images is not None
    high = mesh.positions_m[mesh.triangles][:, 0, 2] > 1.5
    assert mesh.triangle_images.tolist() == np.where(high, 0, -1).tolist()
    assert {tuple(colour) for colour in mesh.colours[mesh.triangles[~high]].reshape(-1, 4)} == {(255, 0, 0, 128)}
    corner = mesh.positions_m[mesh.triangles[high]].reshape(-1, 3)
    south = corner[:, 1] < corner[:, 1].mean()
    assert mesh.uvs[mesh.triangles[high]].reshape(-1, 2)[:, 1].tolist() == np.where(south, 1.0, 0.0).tolist()


def test_images_outside_of_the_folder_are_not_read(save, tmp_path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "wall.png")
    text = APPEARANCE.format(holder="appearanceMember", image="../wall.png")
    shape = f"<bldg:lod2MultiSurface>{surfaces(polygon(square(3), 'q', 'r'))}</bldg:lod2MultiSurface>"
    problems = Problems()
    mesh = read(save(citygml(building(shape), rest=text), "inner/city.gml"), problems=problems).at(0).mesh()
    assert mesh is not None
    assert not mesh.has_images
    assert problems.count("image-missing") == 1


def test_attributes_have_units_addresses_are_text_and_unknown_values_are_left_out(save) -> None:
    inner = (
        '<gen:measureAttribute name="area"><gen:value uom="#m2">42.5</gen:value></gen:measureAttribute>'
        '<gen:intAttribute name="rooms"><gen:value>7</gen:value></gen:intAttribute>'
        '<gen:stringAttribute name="plot"><gen:value>0017</gen:value></gen:stringAttribute>'
        '<gen:genericAttributeSet name="energy"><gen:doubleAttribute name="use"><gen:value>1.5</gen:value>'
        "</gen:doubleAttribute></gen:genericAttributeSet>"
        "<bldg:function>1000</bldg:function><bldg:function>1001</bldg:function>"
        '<bldg:measuredHeight uom="urn:adv:uom:m">-9999</bldg:measuredHeight>'
        "<bldg:storeysAboveGround>9999</bldg:storeysAboveGround>"
        "<externalReference><informationSystem>http://x</informationSystem><externalObject><name>A7</name>"
        "</externalObject></externalReference>"
        "<bldg:address><Address><xalAddress><xAL:AddressDetails><xAL:Country><xAL:CountryName>DE</xAL:CountryName>"
        "<xAL:Locality><xAL:LocalityName>Karlsruhe</xAL:LocalityName><xAL:Thoroughfare><xAL:ThoroughfareNumber>3"
        "</xAL:ThoroughfareNumber><xAL:ThoroughfareName>Ring</xAL:ThoroughfareName></xAL:Thoroughfare>"
        "</xAL:Locality></xAL:Country></xAL:AddressDetails></xalAddress></Address></bldg:address>"
        f"<bldg:lod1MultiSurface>{surfaces(polygon(square()))}</bldg:lod1MultiSurface>"
    )
    house = read(save(citygml(building(inner)))).resolve("gml:id:B")
    wanted = {"area": 42.5, "rooms": 7, "plot": "0017", "function": "1000; 1001", "address": "Ring 3, Karlsruhe"}
    assert {name: house.attributes.get(name) for name in wanted} == wanted
    assert house.units["area"] == "m2"
    assert not {"measuredHeight", "storeysAboveGround"} & set(house.attributes)
    assert house.properties["energy"] == {"use": 1.5}
    assert house.properties["address"] == {"country": "DE", "city": "Karlsruhe", "street": "Ring", "number": "3"}
    assert house.properties["externalReference"]["externalObject"] == {"name": "A7"}


CODES = """<gml:Dictionary xmlns:gml="http://www.opengis.net/gml"><gml:dictionaryEntry><gml:Definition>
<gml:description>住宅</gml:description><gml:name>411</gml:name></gml:Definition></gml:dictionaryEntry></gml:Dictionary>"""


def plateau_building() -> str:
    corners = ((35.53, 139.70), (35.53, 139.7001), (35.5301, 139.7001), (35.53, 139.70))
    flat, high = (" ".join(f"{lat} {lon} {z}" for lat, lon in corners) for z in (0, 12.5))
    return (
        '<bldg:Building gml:id="b"><bldg:usage codeSpace="../../codelists/Building_usage.xml">411</bldg:usage>'
        f"<bldg:lod0RoofEdge>{surfaces(polygon(flat))}</bldg:lod0RoofEdge>"
        f"<bldg:lod1Solid><gml:Solid><gml:exterior><gml:CompositeSurface><gml:surfaceMember>{polygon(high)}"
        "</gml:surfaceMember></gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod1Solid>"
        "<uro:buildingDisasterRiskAttribute><uro:BuildingRiverFloodingRiskAttribute>"
        '<uro:depth uom="m">2.5</uro:depth></uro:BuildingRiverFloodingRiskAttribute>'
        "</uro:buildingDisasterRiskAttribute></bldg:Building>"
    )


def test_a_plateau_delivery_in_a_zip_has_names_depths_zones_and_hazards(tmp_path) -> None:
    area = " ".join(f"{lat} {lon} 0" for lat, lon in ((35.5, 139.7), (35.5, 139.8), (35.6, 139.8), (35.5, 139.7)))
    zone = f'<urf:UseDistrict gml:id="z"><urf:lod1MultiSurface>{surfaces(polygon(area))}</urf:lod1MultiSurface>'
    flood = (
        f'<wtr:WaterBody gml:id="f"><wtr:lod1MultiSurface>{surfaces(polygon(area.replace(" 0", " 9")))}'
        "</wtr:lod1MultiSurface><uro:floodingRiskAttribute><uro:WaterBodyRiverFloodingRiskAttribute>"
        "<uro:rank>2</uro:rank></uro:WaterBodyRiverFloodingRiskAttribute></uro:floodingRiskAttribute></wtr:WaterBody>"
    )
    crs = "http://www.opengis.net/def/crs/EPSG/0/6697"
    path = tmp_path / "town.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("town/codelists/Building_usage.xml", CODES)
        archive.writestr("town/udx/bldg/1_bldg.gml", citygml(plateau_building(), crs=crs))
        archive.writestr("town/udx/urf/1_urf.gml", citygml(zone + "</urf:UseDistrict>", crs=crs))
        archive.writestr("town/udx/fld/1_fld.gml", citygml(flood, crs=crs))
        archive.writestr("town/udx/bldg/broken.gml", citygml(plateau_building(), crs=crs)[:900])
    problems = Problems()
    scene = read(path, problems=problems)
    house = scene.resolve("gml:id:b")
    assert (house.attributes["usage"], house.attributes["usage_code"]) == ("住宅", "411")
    assert house.attributes["flood_depth_m"] == 2.5
    assert (scene.resolve("gml:id:z").layer, scene.resolve("gml:id:z").attributes["citygml_class"]) == (
        "zones",
        "UseDistrict",
    )
    assert scene.resolve("gml:id:f").layer == "hazards"
    lon, lat = scene.georeference.lonlat(*house.bounds[:2])
    assert (lat, lon) == pytest.approx((35.53, 139.70), abs=1e-3)
    assert house.mesh("0").row_bounds(1)[0][0, 2] == pytest.approx(12.5)  # the dummy went to the foot of the solid
    assert problems.count("height-dummy") == 2
    assert problems.count("document-left-out") == 1


class Hill:
    """Ground at seven metres."""

    def heights(self, x_m: ArrayLike, y_m: ArrayLike) -> NDArray[np.float64]:
        return np.full_like(np.asarray(x_m, float) + np.asarray(y_m, float), 7.0)


def test_what_has_no_heights_lies_on_the_ground(save) -> None:
    flat = f"{X} {Y} {X + 10} {Y} {X + 10} {Y + 10} {X} {Y}"
    shape = polygon(flat).replace("<gml:posList>", '<gml:posList srsDimension="2">')
    land = f'<luse:LandUse gml:id="l"><luse:lod1MultiSurface>{surfaces(shape)}</luse:lod1MultiSurface></luse:LandUse>'
    bounds = read(save(citygml(land)), ground=Hill()).resolve("gml:id:l").bounds
    assert bounds is not None
    assert (bounds[2], bounds[5]) == (7, 7)


def test_groups_and_relations_tie_objects(save) -> None:
    related = (
        "<relatedTo><CityObjectRelation><relationType>equal</relationType>"
        '<relatedTo xlink:href="#C"/></CityObjectRelation></relatedTo>'
    )
    shape = f"<lod1MultiSurface>{surfaces(polygon(square()))}</lod1MultiSurface>"
    group = '<grp:CityObjectGroup gml:id="G"><grp:groupMember role="best" xlink:href="#B"/></grp:CityObjectGroup>'
    scene = read(save(citygml(building(related + shape), building(shape, "C"), group, version="3.0")))
    b, c, g = (scene.resolve(f"gml:id:{name}").uid for name in "BCG")
    edges = scene.relation_graph() if hasattr(scene, "relation_graph") else None
    found = {tuple(row) for layer in scene.layers.values() for row in _ties(layer)}
    assert found == {(b, "related", c, "equal"), (g, "member", b, "best")}
    assert edges is None or len(edges) == 2


def _ties(layer) -> list[list[str]]:
    return [
        [batch.table["uid"][tie["row"]].as_py(), tie["kind"], tie["target"], tie["role"]]
        for batch in layer.batches
        for tie in batch.relations.to_pylist()
    ]


def test_a_surface_keeps_its_values_and_its_time_series(save) -> None:
    pairs = "".join(
        f"<dyn:timeValuePair><dyn:TimeValuePair><dyn:timestamp>2019-0{n}</dyn:timestamp>"
        f"<dyn:doubleValue>{n}.5</dyn:doubleValue></dyn:TimeValuePair></dyn:timeValuePair>"
        for n in (1, 2)
    )
    series = (
        "<dynamizer><dyn:Dynamizer><dyn:startTime>2019-01-01T00:00:00Z</dyn:startTime><dyn:dynamicData>"
        "<dyn:GenericTimeseries><dyn:observationProperty>Sun</dyn:observationProperty><dyn:uom>kWh</dyn:uom>"
        f"{pairs}</dyn:GenericTimeseries></dyn:dynamicData></dyn:Dynamizer></dynamizer>"
    )
    inner = (
        '<boundary><con:RoofSurface gml:id="roof"><genericAttribute><gen:DoubleAttribute><gen:name>sun</gen:name>'
        f"<gen:value>3.5</gen:value></gen:DoubleAttribute></genericAttribute>{series}"
        f"<lod2MultiSurface>{surfaces(polygon(square()))}</lod2MultiSurface></con:RoofSurface></boundary>"
    )
    scene = read(save(citygml(building(inner), version="3.0")))
    house = scene.resolve("gml:id:B")
    assert house.properties["RoofSurface roof"] == {"sun": 3.5}
    rows = timeseries(scene).to_pylist()
    assert [(row["uid"], row["series"], row["unit"], row["time"], row["value"]) for row in rows] == [
        (house.uid, "Sun", "kWh", "2019-01", 1.5),
        (house.uid, "Sun", "kWh", "2019-02", 2.5),
    ]


def test_roads_have_sections_spaces_and_areas(save) -> None:
    area = f'<boundary><tran:TrafficArea gml:id="a"><lod2MultiSurface>{surfaces(polygon(square()))}</lod2MultiSurface>'
    space = f'<tran:trafficSpace><tran:TrafficSpace gml:id="s">{area}</tran:TrafficArea></boundary></tran:TrafficSpace>'
    road = (
        f'<tran:Road gml:id="r"><tran:section><tran:Section gml:id="part">{space}</tran:trafficSpace></tran:Section>'
        "</tran:section></tran:Road>"
    )
    scene = read(save(citygml(road, version="3.0")))
    chain = [scene.resolve("gml:id:a")]
    while chain[-1].parent:
        chain.append(scene[chain[-1].parent])
    assert [each.kind for each in chain] == ["TrafficArea", "TrafficSpace", "Section", "Road"]


def test_unknown_extensions_are_kept_and_said_once(save) -> None:
    inner = (
        '<e:energy xmlns:e="http://example.org/ade"><e:Energy><e:demand uom="kWh">5</e:demand></e:Energy></e:energy>'
    )
    inner += f"<bldg:lod1MultiSurface>{surfaces(polygon(square()))}</bldg:lod1MultiSurface>"
    problems = Problems()
    scene = read(save(citygml(building(inner), building(inner, "C"))), problems=problems)
    assert scene.resolve("gml:id:B").properties["Energy"] == {"demand": 5.0}
    assert problems.count("extension-kept") == 1


def test_a_packed_file_is_read_as_it_is(save, tmp_path) -> None:
    plain = save(citygml(building(f"<bldg:lod1MultiSurface>{surfaces(polygon(square()))}</bldg:lod1MultiSurface>")))
    packed = tmp_path / "city.gml.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert len(gis.read(packed)) == 1


@pytest.mark.real_data
def test_every_real_model_loads(real_data) -> None:
    wanted = {
        "citygml3_transport/citygml3_roads_roundabout.gml": 611,
        "citygml3_dynamizer/Building_CityGML3.0_with_Dynamizer_and_inline_Timeseries.gml": 1,
        "plateau_citygml2/yokosuka-shi/udx/bldg/52397519_bldg_6697_op.gml": 15,
        "plateau_citygml2/numazu-shi/udx/fld/52385721_fld_6697_l1_op.gml": 3,
        "plateau_citygml2/kawasaki-shi.zip": 78,
    }
    found = {name: read(real_data / "citymodel" / name) for name in wanted}
    assert {name: len(scene) for name, scene in found.items()} == wanted
    zip_layers = found["plateau_citygml2/kawasaki-shi.zip"].layers
    assert zip_layers["zones"].table["function"].to_pylist()[0] == "高度地区"
    assert (
        timeseries(found["citygml3_dynamizer/Building_CityGML3.0_with_Dynamizer_and_inline_Timeseries.gml"]).num_rows
        == 12
    )
    textured = found["plateau_citygml2/yokosuka-shi/udx/bldg/52397519_bldg_6697_op.gml"].layers["buildings"]
    assert len(textured.batches[0].meshes["2"].images) == 3
