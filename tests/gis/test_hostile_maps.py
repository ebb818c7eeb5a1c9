"""Maps that want to harm: they end in a sentence, and open no other file and no address."""

from __future__ import annotations

import gzip
import json
import zipfile
from typing import TYPE_CHECKING

import geopandas as gpd
import pytest
import shapely

import gis
from gis import archives
from gis.formats import family_of
from scenes.errors import CityTwinError, LoadError
from scenes.georeference import Georeference
from scenes.sources import Source
from tests.gis.loading import FRAME, load
from tests.listening import listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "this-was-secret"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A map that nobody asked for."""
    path = tmp_path / "private" / "secret.csv"
    path.parent.mkdir()
    path.write_text(f"name,lon,lat\n{SECRET},121.5,31.2\n")
    return path


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server that notes who asks; its address and what was asked."""
    with listening(lambda _path: f"name,lon,lat\n{SECRET},121.5,31.2\n".encode()) as server:
        yield server


def recipes(target: str) -> dict[str, str]:
    """Return files that tell GDAL to open something else."""
    layer = f'<OGRVRTLayer name="secret"><SrcDataSource>{target}</SrcDataSource></OGRVRTLayer>'
    virtual = f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>"
    command = {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {target} ! filter"}
    return {
        "map.geojson": virtual,
        "map.gpkg": virtual,
        "map.kml": virtual,
        "map.gpx": f"<!--{' ' * 70_000}-->{virtual}",
        "other.gpkg": f"<!--{' ' * 70_000}-->{virtual}",
        "map.gdalg.json": json.dumps({**command, "coordinates": []}),
        "plan.geojson": json.dumps(command),
        "wfs.gml": f"<OGRWFSDataSource><URL>{target}</URL></OGRWFSDataSource>",
    }


def test_a_recipe_for_other_files_or_addresses_is_not_followed(
    tmp_path: Path, secret: Path, listener: tuple[str, list[str]]
) -> None:
    address, asked = listener
    for target in (str(secret), f"/vsicurl/{address}/secret.csv", f"{address}/secret.csv"):
        for name, text in recipes(target).items():
            path = tmp_path / name
            path.write_text(text)
            with pytest.raises(CityTwinError) as caught:
                gis.read(path, georeference=FRAME)
            assert SECRET not in str(caught.value)
            assert "\n" not in str(caught.value)
    assert asked == []


def test_links_inside_maps_are_never_followed(tmp_path: Path, listener: tuple[str, list[str]]) -> None:
    address, asked = listener
    kml = f"""<kml xmlns="http://www.opengis.net/kml/2.2"><Document><NetworkLink><Link>
    <href>{address}/n.kml</href></Link></NetworkLink>
    <Style id="s"><IconStyle><Icon><href>{address}/i.png</href></Icon></IconStyle></Style>
    <Placemark>
    <styleUrl>{address}/s.kml#s</styleUrl><name>P</name>
    <Point><coordinates>121.5,31.2</coordinates></Point></Placemark>
    </Document></kml>"""
    gml = f"""<c:F xmlns:c="http://c" xmlns:gml="http://www.opengis.net/gml" xmlns:xlink="http://www.w3.org/1999/xlink"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://c {address}/schema.xsd">
    <gml:featureMember>
    <c:p><c:place xlink:href="{address}/geometry.gml#a"/><c:g>
    <gml:Point srsName="EPSG:4326"><gml:pos>121.5 31.2</gml:pos>
    </gml:Point></c:g></c:p></gml:featureMember></c:F>"""
    for name, text in {"a.kml": kml, "a.gml": gml}.items():
        (tmp_path / name).write_text(text)
        assert len(gis.read(tmp_path / name, georeference=FRAME)) == 1
    assert asked == []


BOMB = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "ha" * 50}">' for i in range(10))


@pytest.mark.parametrize("name", ["a.kml", "a.gpx", "a.gml", "a.osm", "a.osm.gz"])
@pytest.mark.parametrize("mark", ["utf-8", "utf-16"])
def test_entities_are_refused(tmp_path: Path, name: str, mark: str) -> None:
    inner = {"kml": "<kml>", "gpx": "<gpx>", "gml": "<FeatureCollection>", "osm": '<osm version="0.6">', "gz": "<osm>"}
    text = f"<!DOCTYPE x [{BOMB}]>{inner[name.rsplit('.', 1)[1]]}&e9;"
    path = tmp_path / name
    body = text.encode(mark)
    path.write_bytes(gzip.compress(body) if name.endswith("gz") else body)
    with pytest.raises(CityTwinError):
        load(path)


def test_a_zip_that_leads_out_or_blows_up_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpd.GeoDataFrame(geometry=[shapely.Point(121.5, 31.2)], crs=4326).to_file(tmp_path / "a.geojson")
    content = (tmp_path / "a.geojson").read_bytes()
    for name in ("../../escaped.geojson", "/escaped.geojson", "a/..\\..\\escaped.geojson", "C:escaped.geojson"):
        path = tmp_path / "out.zip"
        with zipfile.ZipFile(path, "w") as out:
            out.writestr("a.geojson", content)
            out.writestr(name, content)
        with pytest.raises(LoadError, match="outside"):
            load(path)
    assert not list(tmp_path.parent.rglob("escaped*"))
    monkeypatch.setattr(archives, "_RATIO_FROM", 1_000_000)
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.geojson", b" " * 3_000_000)
    packed = tmp_path / "bomb.geojson.gz"
    packed.write_bytes(gzip.compress(b" " * 3_000_000))
    for path in (bomb, packed):
        with pytest.raises(LoadError, match="far more"):
            load(path)


def test_names_that_look_like_connections_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = b'{"type": "Point", "coordinates": [121.5, 31.2]}'
    for name in ("WFS:http:x.geojson", "{}.geojson", "PG:host=x.geojson"):
        (tmp_path / name).write_bytes(content)
        assert load(name).counts == {"points": 1}


def test_script_and_formulas_in_attributes_stay_text(tmp_path: Path) -> None:
    words = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "'; DROP TABLE a; --", "\u202eevil", "a\nb"]
    frame = gpd.GeoDataFrame(
        {"name": words}, geometry=[shapely.Point(121.5 + i / 1e3, 31.2) for i in range(5)], crs=4326
    )
    for name in ("places.geojson", "places.gpkg", "places.fgb"):
        frame.to_file(tmp_path / name)
        assert sorted(load(tmp_path / name).rows("points")) == sorted(words)


def test_broken_bytes_of_every_kind_end_in_one_sentence(tmp_path: Path) -> None:
    sqlite, packed = b"SQLite format 3\0", b"PK\x03\x04"
    starts = {
        ".gpkg": sqlite, ".mbtiles": sqlite, ".fgb": b"fgb\x03fgb\0", ".shp": b"\0\0\x27\x0a", ".tab": b"!table\n",
        ".pmtiles": b"PMTiles\x03", ".parquet": b"PAR1", ".osm.pbf": b"\0\0\0\x0d\x0a\x09OSMHeader", ".kmz": packed,
        ".zip": packed, ".xlsx": packed, ".dxf": b"  0\nSECTION\n", ".csv": b"lon,lat\n\xff\xfe,\0\n",
        ".kml": b"<kml><Placemark>", ".geojsonl": b'{"type": "Feature"',
    }  # fmt: skip
    for suffix, start in starts.items():
        path = tmp_path / f"broken{suffix}"
        path.write_bytes(start + bytes(range(256)) * 3)
        if not family_of(Source(str(path))):
            continue
        with pytest.raises(CityTwinError) as caught:
            load(path, frame=Georeference.around(121.5, 31.2))
        assert "\n" not in str(caught.value)
