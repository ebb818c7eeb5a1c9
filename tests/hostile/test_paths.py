"""Files that name other files or addresses: textures, buffers, tiles, links, libraries, recipes and code lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.gis.models3d import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.hostile.conftest import Read

BOX = {"boundingVolume": {"box": [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]}}
CITY = (
    '<CityModel xmlns="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml" '
    'xmlns:bldg="http://www.opengis.net/citygml/building/2.0" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:app="http://www.opengis.net/citygml/appearance/2.0" xmlns:frn="http://www.opengis.net/citygml/cityfurniture/2.0"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://c {0}">'
    "<gml:boundedBy><gml:Envelope srsName='EPSG:32651' srsDimension='3'/></gml:boundedBy>"
)
RING = (
    "<gml:MultiSurface><gml:surfaceMember><gml:Polygon gml:id='p'><gml:exterior><gml:LinearRing gml:id='l'>"
    "<gml:posList>354000 3457000 9 354010 3457000 9 354010 3457010 9 354000 3457000 9</gml:posList>"
    "</gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface>"
)
TEXTS: dict[str, tuple[str, str]] = {
    "obj library": ("a.obj", "mtllib {0}\nusemtl a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"),
    "kml link": ("a.kml", ('<kml xmlns="http://www.opengis.net/kml/2.2"><Document><NetworkLink><Link><href>{0}</href>'
     "</Link></NetworkLink><Placemark><styleUrl>{0}#a</styleUrl><Point><coordinates>121.5,31.2</coordinates></Point>"
     "<Model><Link><href>{0}</href></Link></Model></Placemark><GroundOverlay><Icon><href>{0}</href></Icon>"
     "<LatLonBox><north>31.3</north><south>31.2</south><east>121.6</east><west>121.5</west></LatLonBox>"
     "</GroundOverlay></Document></kml>")),
    "citygml library": ("a.gml", CITY + "<cityObjectMember><frn:CityFurniture gml:id='f'>"
     "<frn:lod2ImplicitRepresentation><ImplicitGeometry><mimeType>model/obj</mimeType><libraryObject>{0}</libraryObject><referencePoint><gml:Point>"
     "<gml:pos>354000 3457000 3</gml:pos></gml:Point></referencePoint></ImplicitGeometry>"
     "</frn:lod2ImplicitRepresentation></frn:CityFurniture></cityObjectMember></CityModel>"),
    "citygml link": ("b.gml", CITY + "<cityObjectMember xlink:href='{0}#b'/><cityObjectMember>"
     "<bldg:Building gml:id='b'><bldg:class codeSpace='{0}'>1000</bldg:class><bldg:lod2Solid xlink:href='{0}#s'/>"
     "<bldg:lod2MultiSurface>" + RING
     + "</bldg:lod2MultiSurface></bldg:Building></cityObjectMember></CityModel>"),
    "citygml texture": ("c.gml", CITY + "<app:appearanceMember><app:Appearance><app:theme>a</app:theme>"
     "<app:surfaceDataMember><app:ParameterizedTexture><app:imageURI>{0}</app:imageURI><app:target uri='#p'>"
     "<app:TexCoordList><app:textureCoordinates ring='#l'>0 0 1 0 1 1 0 0</app:textureCoordinates></app:TexCoordList>"
     "</app:target></app:ParameterizedTexture></app:surfaceDataMember></app:Appearance></app:appearanceMember>"
     "<cityObjectMember><bldg:Building gml:id='b'><bldg:lod2MultiSurface>" + RING + "</bldg:lod2MultiSurface>"
     "</bldg:Building></cityObjectMember></CityModel>"),
    "virtual raster": ("a.vrt", ('<VRTDataset rasterXSize="9" rasterYSize="9"><SRS>EPSG:32651</SRS><GeoTransform>'
     '354000, 1, 0, 3457000, 0, -1</GeoTransform><VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
     '<SourceFilename relativeToVRT="0">{0}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>')),
    "virtual raster, derived": ("b.vrt", ('<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand band="1" '
     'dataType="Float32" subClass="VRTDerivedRasterBand"><PixelFunctionLanguage>Python</PixelFunctionLanguage>'
     '<PixelFunctionType>x.y</PixelFunctionType><PixelFunctionCode>open("{0}")</PixelFunctionCode></VRTRasterBand></VRTDataset>')),
    "virtual map": ("a.geojson", ('<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{0}</SrcDataSource>'
     "</OGRVRTLayer></OGRVRTDataSource>")),
    "virtual map by name": ("c.vrt", ('<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{0}</SrcDataSource>'
     "</OGRVRTLayer></OGRVRTDataSource>")),
    "raster named tif": ("a.tif", ('<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Float32" '
     'band="1"><SimpleSource><SourceFilename>{0}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>')),
    "service": ("b.tif", '<GDAL_WMS><Service name="TMS"><ServerUrl>{0}</ServerUrl></Service></GDAL_WMS>'),
    "sewer plan": ("a.inp", ('[JUNCTIONS]\nJ1 2 3 0 0 0\n[COORDINATES]\nJ1 0 0\n[BACKDROP]\nFILE "{0}"\n[FILES]\n'
     'USE RAINFALL "{0}"\n[TIMESERIES]\nT1 FILE "{0}"\n[OPTIONS]\nFLOW_UNITS CMS\n')),
}  # fmt: skip


def _json(name: str, make: Callable[[str], dict[str, Any]]) -> tuple[str, Callable[[str], str]]:
    return name, lambda target: json.dumps(make(target))


def _gltf(target: str) -> dict[str, Any]:
    body, _ = files.accessors(files.SQUARE, files.FACES)
    body["buffers"][0]["uri"] = target
    material = {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}
    return {
        **body, "asset": {"version": "2.0"}, "images": [{"uri": target}], "textures": [{"source": 0}],
        "materials": [material], "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "material": 0}]}],
        "nodes": [{"mesh": 0}], "scenes": [{"nodes": [0]}],
    }  # fmt: skip


def _tileset(target: str) -> dict[str, Any]:
    root = {
        **BOX,
        "content": {"uri": target},
        "contents": [{"uri": target}],
        "children": [{**BOX, "content": {"uri": target}}],
    }
    return {"asset": {"version": "1.1"}, "geometricError": 1, "root": root, "schemaUri": target}


def _implicit(target: str) -> dict[str, Any]:
    tiling = {"subdivisionScheme": "QUADTREE", "subtreeLevels": 2, "availableLevels": 2, "subtrees": {"uri": target}}
    root = {**BOX, "content": {"uri": "{level}.glb"}, "implicitTiling": tiling}
    return {"asset": {"version": "1.1"}, "geometricError": 1, "root": root}


def _cityjson(target: str) -> dict[str, Any]:
    surface = {"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]]],
               "texture": {"a": {"values": [[[0, 0, 1, 2]]]}}}  # fmt: skip
    return {
        "type": "CityJSON", "version": "2.0", "transform": {"scale": [1, 1, 1], "translate": [354_000, 3_457_000, 0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/32651"},
        "extensions": {"E": {"url": target, "version": "1.0"}},
        "appearance": {"textures": [{"type": "PNG", "image": target}], "vertices-texture": [[0, 0], [1, 0], [1, 1]]},
        "CityObjects": {"b": {"type": "Building", "geometry": [surface]}},
        "vertices": [[0, 0, 0], [9, 0, 0], [9, 9, 0]],
    }  # fmt: skip


def _geojson(target: str) -> dict[str, Any]:
    feature = {
        "type": "Feature",
        "properties": {"image": target},
        "geometry": {"type": "Point", "coordinates": [121.5, 31.2]},
    }
    crs = {"type": "link", "properties": {"href": target, "type": "proj4"}}
    return {"type": "FeatureCollection", "crs": crs, "features": [feature]}


def _pipeline(target: str) -> dict[str, Any]:
    return {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {target}", "features": []}


MADE: dict[str, tuple[str, Callable[[str], str]]] = {
    **{what: (name, lambda target, text=text: text.replace("{0}", target)) for what, (name, text) in TEXTS.items()},
    "gltf": _json("a.gltf", _gltf),
    "tileset": _json("tileset.json", _tileset),
    "implicit tileset": _json("implicit.json", _implicit),
    "cityjson texture": _json("a.city.json", _cityjson),
    "geojson": _json("map.geojson", _geojson),
    "pipeline": _json("map.gdalg.json", _pipeline),
}


def _targets(secret: Path, address: str) -> list[str]:
    path = secret.as_posix()
    return [
        f"../{secret.parent.name}/{secret.name}", f"a/../../{secret.parent.name}/{secret.name}", path, f"file://{path}",
        f"%2e%2e/{secret.parent.name}/{secret.name}", f"..\\{secret.parent.name}\\{secret.name}", f"{address}/a.png",
        f"/vsicurl/{address}/a.csv", f"vrt://{path}", f"WFS:{address}/wfs", f"\\\\127.0.0.1\\share\\{secret.name}",
        f"//{address.removeprefix('http://')}/a.png", "link.csv", "folder/secret.csv",
    ]  # fmt: skip


def test_the_watch_sees_what_is_opened(tmp_path: Path, read: Read, secret: Path) -> None:
    assert read(secret).touched
    (tmp_path / "link.csv").symlink_to(secret)
    found = read(tmp_path / "link.csv")
    assert found.touched
    assert found.told


@pytest.mark.parametrize("what", MADE)
def test_nothing_but_the_file_and_its_folder_is_opened(
    tmp_path: Path, read: Read, secret: Path, listener: tuple[str, list[str]], what: str
) -> None:
    name, make = MADE[what]
    address, asked = listener
    asked.clear()
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.csv").symlink_to(secret)
    (folder / "folder").symlink_to(secret.parent)
    for target in _targets(secret, address):
        path = folder / name
        path.write_text(make(target))
        found = read(path)
        assert not found.told, target
        assert not found.touched, (target, found.touched)
    assert not asked


def test_pictures_of_a_material_stay_in_the_folder(
    tmp_path: Path, read: Read, secret: Path, listener: tuple[str, list[str]]
) -> None:
    address, asked = listener
    asked.clear()
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.csv").symlink_to(secret)
    (folder / "folder").symlink_to(secret.parent)
    path = folder / "a.obj"
    path.write_text("mtllib a.mtl\nusemtl a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n")
    for target in _targets(secret, address):
        (folder / "a.mtl").write_text(f"newmtl a\nmap_Kd {target}\nmap_Ka {target}\nmap_bump {target}\n")
        found = read(path)
        assert found.objects == 1, target
        assert not found.touched, (target, found.touched)
    assert not asked
