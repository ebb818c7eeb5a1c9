"""Entities, in every format that is XML: the laughs that become gigabytes, files and addresses that are fetched."""

from __future__ import annotations

import gzip
import zipfile
from typing import TYPE_CHECKING

import pytest

from bim.bcf import read_bcf
from bim.ids import IdsChecker
from scenes.errors import CityTwinError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hostile.conftest import Read

BODIES = {
    "map.kml": '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>{0}</name><Point><coordinates>'
    "121.5,31.2</coordinates></Point></Placemark></Document></kml>",
    "walk.gpx": '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="31.2" lon="121.5">'
    "<name>{0}</name></wpt></gpx>",
    "town.osm": '<osm version="0.6"><node id="1" lat="31.2" lon="121.5"><tag k="natural" v="{0}"/></node></osm>',
    "town.gml": '<CityModel xmlns="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml" '
    'xmlns:bldg="http://www.opengis.net/citygml/building/2.0"><cityObjectMember><bldg:Building gml:id="b">'
    "<gml:name>{0}</gml:name></bldg:Building></cityObjectMember></CityModel>",
    "plain.gml": '<c:F xmlns:c="http://c" xmlns:gml="http://www.opengis.net/gml"><gml:featureMember><c:p><c:name>{0}'
    '</c:name><c:g><gml:Point srsName="EPSG:4326"><gml:pos>31.2 121.5</gml:pos></gml:Point></c:g></c:p>'
    "</gml:featureMember></c:F>",
    "town.net.xml": '<net version="1.16"><location netOffset="0,0" projParameter="!"/><junction id="{0}" x="0" y="0" '
    'type="priority" shape="0,0 1,0 1,1"/></net>',
    "mesh.vtp": '<VTKFile type="PolyData"><PolyData><Piece NumberOfPoints="1"><Points><DataArray type="Float32" '
    'NumberOfComponents="3" format="ascii">{0}</DataArray></Points></Piece></PolyData></VTKFile>',
}  # fmt: skip
LAUGHS = '<!ENTITY e0 "{}">'.format("ha" * 50) + "".join(
    f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10)
)
QUADRATIC = '<!ENTITY e9 "{}">'.format("a" * 200_000)


def _prologues(secret: Path, address: str) -> dict[str, str]:
    file = secret.as_uri()
    return {
        "laughs": f"<!DOCTYPE x [{LAUGHS}]>",
        "quadratic": f"<!DOCTYPE x [{QUADRATIC}]>",
        "hidden": f"<!DOCTYPE x [<?a <b ?><!-- <c> -->{LAUGHS}]>",
        "file": f'<!DOCTYPE x [<!ENTITY e9 SYSTEM "{file}">]>',
        "address": f'<!DOCTYPE x [<!ENTITY e9 SYSTEM "{address}/e">]>',
        "document": f'<!DOCTYPE x SYSTEM "{address}/x.dtd">',
        "parameter": f'<!DOCTYPE x [<!ENTITY % p SYSTEM "{address}/p.dtd"> %p;]>',
        "include": "",
    }


@pytest.mark.parametrize("name", BODIES)
def test_entities_harm_nothing(
    tmp_path: Path, read: Read, secret: Path, listener: tuple[str, list[str]], name: str
) -> None:
    address, asked = listener
    asked.clear()
    for kind, prologue in _prologues(secret, address).items():
        inner = "&e9;" * (5_000 if kind == "quadratic" else 1)
        if kind == "include":
            inner = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'
        text = f'<?xml version="1.0"?>{prologue}{BODIES[name].replace("{0}", inner)}'
        for mark in ("utf-8", "utf-16", "utf-16-be"):
            path = tmp_path / name
            path.write_bytes(text.encode(mark))
            found = read(path, "EPSG:4326" if name == "plain.gml" else "")
            assert not found.told, (kind, mark)
            assert not found.touched, (kind, mark, found.touched)
    assert not asked


@pytest.mark.parametrize("name", ["town.osm", "town.net.xml", "town.gml"])
def test_packing_does_not_hide_them(tmp_path: Path, read: Read, name: str) -> None:
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(f"<!DOCTYPE x [{LAUGHS}]>{BODIES[name].replace('{0}', '&e9;')}".encode()))
    assert read(path).sentence


def test_packages_of_issues_and_requirements_refuse_them(tmp_path: Path, secret: Path) -> None:
    for kind, prologue in _prologues(secret, "http://127.0.0.1:9").items():
        if kind == "include":
            continue
        path = tmp_path / "a.bcf"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("bcf.version", f"{prologue}<Version VersionId='3.0'>&e9;</Version>")
        with pytest.raises(CityTwinError):
            read_bcf(path)
        rules = tmp_path / "a.ids"
        rules.write_text(f"{prologue}<ids><info><title>&e9;</title></info></ids>")
        with pytest.raises(CityTwinError):
            IdsChecker(str(rules)).read()
