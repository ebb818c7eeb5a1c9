"""Archives that blow up, lead out of their folder, contain themselves, or hide links to other files."""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
from typing import TYPE_CHECKING

import pytest

from bim.bcf import read_bcf
from gis import archives
from scenes.errors import CityTwinError, LoadError
from scenes.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hostile.conftest import Read

KML = b'<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><Point><coordinates>121.5,31.2</coordinates></Point>'
STOPS = b"stop_id,stop_name,stop_lat,stop_lon\nS1,One,31.24,121.49\n"
INNER = {
    "map.kmz": ("doc.kml", KML),
    "shapes.zip": ("a.shp", b"\0\0\x27\x0a"),
    "maps.zip": ("a.geojson", b'{"type": "FeatureCollection", "features": ['),
    "transit.zip": ("stops.txt", STOPS),
    "house.ifczip": ("house.ifc", b"ISO-10303-21;\nHEADER;\n"),
    "town.zip": ("town.city.json", b'{"type": "CityJSON", "version": "2.0",'),
    "plateau.zip": ("udx/bldg/a.gml", b'<CityModel xmlns="http://www.opengis.net/citygml/2.0">'),
    "city.3tz": ("tileset.json", b'{"asset": {"version": "1.1"},'),
    "heights.zip": ("dem.asc", b"ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\n"),
}
PACKED = {
    "town.osm.gz": b'<osm version="0.6">',
    "town.net.xml.gz": b'<net version="1.16"><location netOffset="0,0"/>',
    "town.gml.gz": b'<CityModel xmlns="http://www.opengis.net/citygml/2.0">',
    "map.geojson.gz": b'{"type": "FeatureCollection", "features": [',
    "town.city.json.gz": b'{"type": "CityJSON",',
    "dem.tif.gz": b"II*\0",
    "points.xyz.gz": b"1 2 3\n",
}
BOMB_BYTES = 120_000_000
ESCAPES = (
    "../../escaped.txt",
    "{0}/escaped.txt",
    "a/..\\..\\escaped.txt",
    "C:\\escaped.txt",
    "\\\\server\\a\\escaped.txt",
)


def _sentence(path: Path, read: Read) -> str:
    try:
        return read(path).sentence
    except LoadError as error:  # a limit of the reader process
        return f"DIED {error}"


@pytest.mark.parametrize("name", INNER)
def test_a_zip_bomb_is_refused(tmp_path: Path, read: Read, name: str) -> None:
    path = tmp_path / name
    inner, start = INNER[name]
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
        archive.open(inner, "w") as file,
    ):
        file.write(start)
        for _ in range(BOMB_BYTES // 10_000_000):
            file.write(b" " * 10_000_000)
    found = _sentence(path, read)
    assert found
    assert not found.startswith("DIED"), found


@pytest.mark.parametrize("name", PACKED)
def test_a_gzip_bomb_is_refused(tmp_path: Path, read: Read, name: str) -> None:
    path = tmp_path / name
    with gzip.open(path, "wb", compresslevel=6) as file:
        file.write(PACKED[name])
        for _ in range(BOMB_BYTES // 10_000_000):
            file.write(b" " * 10_000_000)
    found = _sentence(path, read)
    assert found
    assert not found.startswith("DIED"), found


@pytest.mark.parametrize("name", INNER)
def test_names_that_lead_out_and_links_write_nothing_outside(
    tmp_path: Path, read: Read, secret: Path, name: str
) -> None:
    inner, start = INNER[name]
    for number, escape in enumerate(ESCAPES):
        path = tmp_path / f"{number}-{name}"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(inner, start)
            archive.writestr(escape.replace("{0}", str(tmp_path.parent)), b"escaped")
            link = zipfile.ZipInfo("link" + inner[inner.rfind(".") :])
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, str(secret))
        found = read(path)
        assert not found.touched
        assert not found.told
    assert not list(tmp_path.parent.parent.rglob("*escaped.txt"))


@pytest.mark.parametrize("name", INNER)
def test_a_zip_in_a_zip_in_a_zip_ends(tmp_path: Path, read: Read, name: str) -> None:
    inner, content = INNER[name]
    for _ in range(40):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(inner, content)
        inner, content = f"inner{name[name.rfind('.') :]}", packed.getvalue()
    path = tmp_path / name
    path.write_bytes(content)
    assert read(path).sentence


def test_many_parts_that_are_small_alone_are_refused_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 5_000_000)
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(8):
            archive.writestr(f"{number}.geojson", b" " * 1_000_000)
    with pytest.raises(LoadError, match="far more"):
        archives.unpacked(Source(str(path)))


def test_issues_in_a_bcf_that_blow_up_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.bcf"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr("bcf.version", b" " * BOMB_BYTES)
    with pytest.raises(CityTwinError):
        read_bcf(path)
