"""Base maps: the right place in any system, asked once, and never a way to other hosts or to a key."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from gis import mapsources
from gis.basemaps import basemap_of_table, basemap_of_text
from gis.datum import gcj02_to_wgs84
from gis.mapsources import tianditu_service, trim
from gis.maptiles import MapTiles, PlanGrid
from gis.webfetch import Fetcher
from gis.webimages import ServiceCutter
from scenes import CityTwinError, Georeference
from scenes.georeference import WGS84, transformer
from scenes.sources import Source
from tests.twin.api.mapserver import COLOURS, HALF_M, MapServer, classes, corners, numbered
from twin.api import ApiContext, Basemaps, MemoryTiles, TileCache, configured, patterns
from twin.api import basemap as api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scenes import Scene

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
GRID = PlanGrid.around((-400.0, -400.0, 0.0, 400.0, 400.0, 100.0))
ZOOM = 6  # pixels of one metre
KEY = "very-secret-0123"


@pytest.fixture
def maps() -> Iterator[MapServer]:
    """A map server of this machine."""
    with MapServer().running() as server:
        yield server


def pixels_of(tiles: MapTiles, column: int = 32, row: int = 31, zoom: int = ZOOM) -> np.ndarray:
    picture = tiles.tile(zoom, column, row)
    assert picture is not None
    return np.asarray(Image.open(io.BytesIO(picture.data)).convert("RGBA"))


def expected(column: int, row: int, to_wgs84: Callable[..., Any] = lambda lon, lat: (lon, lat)) -> np.ndarray:
    """Return where the corners of web tiles of zoom 17 fall in a tile of the plan, by pyproj, pixels."""
    piece = GRID.piece(ZOOM, column, row)
    side = 2 * HALF_M / 2**17
    east, north = FRAME.easting_m + piece.west_m, FRAME.northing_m + piece.south_m
    x, y = transformer(FRAME.crs, "EPSG:3857").transform(east, north)
    first = int((x + HALF_M) // side), int((HALF_M - y) // side)
    number_x, number_y = (
        each.ravel() for each in np.meshgrid(first[0] + np.arange(-8, 9), first[1] + np.arange(-8, 9))
    )
    lon, lat = transformer("EPSG:3857", WGS84).transform(number_x * side - HALF_M, HALF_M - number_y * side)
    local_x, local_y = FRAME.from_lonlat(*to_wgs84(lon, lat))
    spots = np.column_stack([local_x - piece.west_m, piece.north_m - local_y]) / (GRID.side_m / 2**ZOOM / 256)
    return spots[((spots > 6) & (spots < 250)).all(axis=1)]


def assert_corners(pixels: np.ndarray, wanted: np.ndarray, within_px: float = 1.0) -> None:
    found = corners(pixels)
    found = found[((found > 6) & (found < 250)).all(axis=1)]
    assert len(wanted) >= 1
    assert len(found) == len(wanted)
    for spot in wanted:
        assert np.hypot(*(found - spot).T).min() < within_px


def tiles_of(address: str, folder: Path, **table: Any) -> MapTiles:
    return MapTiles(basemap_of_table({"name": "test", "address": address, **table}), FRAME, GRID, folder)


def test_the_corner_of_a_web_tile_lies_where_pyproj_puts_it(maps: MapServer, tmp_path: Path) -> None:
    tiles = tiles_of(f"xyz+{maps.tiles}#maxzoom=17", tmp_path)
    for place in ((32, 31), (33, 31), (20, 45)):
        assert_corners(pixels_of(tiles, *place), expected(*place))


@pytest.mark.parametrize("kind", ["wms", "wmts"])
def test_services_that_say_what_they_have_lie_right_too(maps: MapServer, tmp_path: Path, kind: str) -> None:
    tiles = tiles_of(f"{kind}+{maps.url}/{kind}#plan", tmp_path)
    assert_corners(pixels_of(tiles), expected(32, 31))
    assert tiles.max_zoom() >= 7


def test_a_map_in_gcj02_is_put_back(maps: MapServer, tmp_path: Path) -> None:
    tiles = tiles_of(f"xyz+{maps.tiles}#maxzoom=17", tmp_path, datum_shift="gcj02")
    assert_corners(pixels_of(tiles), expected(32, 31, gcj02_to_wgs84))
    assert np.hypot(*(expected(32, 31)[0] - corners(pixels_of(tiles))).T).min() > 2, "the shift is seen"


class Painted(Fetcher):
    """Stands in for Tianditu: paints the tile that an address asks for, and remembers the address."""

    asked: list[str] = []  # noqa: RUF012

    def read(self, address: str) -> bytes:
        self.asked.append(address)
        numbers = [int(re.search(rf"{name}=(\d+)", address)[1]) for name in ("TILEMATRIX", "TILECOL", "TILEROW")]  # type: ignore[index]
        return numbered(*numbers)


@pytest.mark.parametrize(("matrix", "crs"), [("w", "EPSG:3857"), ("c", "EPSG:4490")])
def test_tianditu_is_asked_as_it_documents_and_lies_right(matrix: str, crs: str) -> None:
    service = tianditu_service("vec", matrix, KEY, Painted(None))
    assert service.crs == crs
    piece = GRID.piece(ZOOM, 32, 31)
    picture = next(ServiceCutter(service, FRAME, Source("tianditu")).cut([piece]))
    assert picture is not None
    asked = Painted.asked[-1]
    assert asked.startswith(f"https://t0.tianditu.gov.cn/vec_{matrix}/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0")
    assert f"&LAYER=vec&STYLE=default&TILEMATRIXSET={matrix}&FORMAT=tiles&TILEMATRIX=" in asked
    assert asked.endswith(f"&tk={KEY}")
    level = int(re.search(r"TILEMATRIX=(\d+)", asked)[1])  # type: ignore[index]
    pixels = np.asarray(Image.open(io.BytesIO(picture.data)).convert("RGB"))
    x, y = (np.array([piece.west_m, piece.east_m]), np.array([piece.south_m, piece.north_m]))
    kinds = classes(pixels)
    rows, columns = np.mgrid[4:252:8, 4:252:8]
    east = FRAME.easting_m + x[0] + (columns + 0.5) / 256 * (x[1] - x[0])
    north = FRAME.northing_m + y[1] - (rows + 0.5) / 256 * (y[1] - y[0])
    at_x, at_y = transformer(FRAME.crs, crs).transform(east, north)
    side = 360.0 / 2**level if matrix == "c" else 2 * HALF_M / 2**level
    start = (-180.0, 90.0) if matrix == "c" else (-HALF_M, HALF_M)
    fraction = (at_x - start[0]) / side, (start[1] - at_y) / side
    inside = np.all([np.abs(each % 1 - 0.5) < 0.47 for each in fraction], axis=0)
    wanted = np.floor(fraction[0]) % 2 + 2 * (np.floor(fraction[1]) % 2)
    assert inside.sum() > 500
    assert (kinds[rows, columns] == wanted)[inside].all()


def test_tianditu_brings_its_names_and_its_credit_and_needs_a_key() -> None:
    found = basemap_of_text("tianditu:img_c", {"TIANDITU_KEY": KEY})
    assert [source.path for source in found.sources] == ["tianditu:img_c", "tianditu:cia_c"]
    assert "天地图" in found.attribution
    assert KEY not in repr(found)
    assert basemap_of_table({"address": "tianditu:vec", "labels": False, "key": KEY}).sources[1:] == ()
    with pytest.raises(CityTwinError, match=r"^tianditu:vec: needs a key; set TIANDITU_KEY"):
        basemap_of_text("tianditu:vec", {})


def test_tiles_in_a_folder_and_in_mbtiles_lie_right_too(tmp_path: Path) -> None:
    east, north = transformer(FRAME.crs, "EPSG:3857").transform(FRAME.easting_m + 128.0, FRAME.northing_m + 128.0)
    side = 2 * HALF_M / 2**17
    first = int((east + HALF_M) // side), int((HALF_M - north) // side)
    with sqlite3.connect(tmp_path / "map.mbtiles") as base:
        base.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
        base.execute("INSERT INTO metadata VALUES ('format', 'png')")
        base.execute("CREATE TABLE tiles (zoom_level INT, tile_column INT, tile_row INT, tile_data BLOB)")
        for x in range(first[0] - 4, first[0] + 5):
            for y in range(first[1] - 4, first[1] + 5):
                base.execute("INSERT INTO tiles VALUES (17, ?, ?, ?)", (x, 2**17 - 1 - y, numbered(17, x, y)))
                file = tmp_path / "folder" / "17" / str(x) / f"{y}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(numbered(17, x, y))
    base.close()
    for address in ("map.mbtiles", "folder", "folder/{z}/{x}/{y}.png"):
        table = {"name": "local", "address": address}
        tiles = MapTiles(basemap_of_table(table, folder=tmp_path), FRAME, GRID, None)
        assert_corners(pixels_of(tiles), expected(32, 31))
        assert tiles.tile(ZOOM, 2, 2) is None, "nothing lies there"
        assert tiles.max_zoom() == 7


def photo(path: Path) -> Path:
    """Write a picture of 200 m in CGCS2000 whose colours meet 128 m north-east of the frame's own point."""
    east, north = transformer(FRAME.crs, "EPSG:4549").transform(FRAME.easting_m + 128.0, FRAME.northing_m + 128.0)
    bands = np.zeros((3, 400, 400), np.uint8)
    rows, columns = np.mgrid[0:400, 0:400]
    bands[:] = np.moveaxis(COLOURS[(columns >= 200) + 2 * (rows >= 200)], -1, 0)
    place = Affine(0.5, 0.0, east - 100.0, 0.0, -0.5, north + 100.0)
    with rasterio.open(
        path, "w", driver="GTiff", width=400, height=400, count=3, dtype="uint8", crs="EPSG:4549", transform=place
    ) as out:
        out.write(bands)
    return path


def test_a_geotiff_of_another_system_lies_right_and_ends_at_its_edge(tmp_path: Path) -> None:
    tiles = MapTiles(basemap_of_text(f"photo={photo(tmp_path / 'photo.tif')}"), FRAME, GRID, None)
    pixels = pixels_of(tiles)
    assert_corners(pixels, np.array([[128.0, 128.0]]))
    assert pixels[2, 2, 3] == 0, "outside of it nothing is painted"
    assert tiles.tile(ZOOM, 10, 10) is None


def test_the_tiles_of_all_geotiffs_are_cut_by_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting one takes ten times as long as a tile."""
    started: list[Any] = []
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **named: started.append(given) or start(*given, **named))
    texts = [f"{name}={photo(tmp_path / f'{name}.tif')}" for name in ("first", "second")]
    maps = [MapTiles(basemap_of_text(text), FRAME, GRID, None) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(pixels_of, each) for each in maps * 4]
        found = [each.result() for each in asked]
    assert all(np.array_equal(each, found[0]) for each in found)
    assert len(started) <= 1, "or none, where it runs already"


class Site:
    """A server of base maps."""

    def __init__(self, address: str, basemaps: Basemaps) -> None:
        self.address, self.basemaps = address, basemaps

    async def get(self, path: str) -> Any:
        return await AsyncHTTPClient().fetch(f"http://{self.address}{path}", raise_error=False)


@pytest.fixture
async def site(maps: MapServer, city_of: Callable[[int], Scene], tmp_path: Path) -> Any:
    """A server with maps that work and maps that do not."""
    named = {
        "good": f"{maps.tiles}?tk={{key}}",
        "gone": f"{maps.url}/gone/{{z}}/{{x}}/{{y}}",
        "text": f"{maps.url}/text/{{z}}/{{x}}/{{y}}?tk={{key}}",
        "path": f"{maps.url}/denied/{{key}}/{{z}}/{{x}}/{{y}}",
        "away": f"{maps.url}/away/{{z}}/{{x}}/{{y}}",
        "large": f"{maps.url}/large/{{z}}/{{x}}/{{y}}",
        "nobody": "http://127.0.0.1:9/{z}/{x}/{y}.png",
    }
    tables = [basemap_of_table({"name": name, "address": address, "key": KEY}) for name, address in named.items()]
    scene = city_of(6)
    basemaps = Basemaps(tables, scene, tmp_path / "kept")
    context = ApiContext(scene, TileCache(MemoryTiles({})), basemaps=basemaps)
    server = HTTPServer(Application(patterns(context)))
    (socket,) = bind_sockets(0, "127.0.0.1")
    server.add_sockets([socket])
    yield Site(f"127.0.0.1:{socket.getsockname()[1]}", basemaps)
    basemaps.close()
    server.stop()
    await server.close_all_connections()


async def test_a_tile_is_asked_of_its_server_once(site: Any, maps: MapServer, city_of: Callable[[int], Scene]) -> None:
    first = await site.get("/basemap/good/5/16/15")
    assert first.code == 200
    assert first.headers["Content-Type"] in {"image/png", "image/jpeg"}
    assert first.headers["Cache-Control"] == "max-age=3600"
    asked = sum(maps.asked.values())
    assert asked > 0
    assert all(query == f"tk={KEY}" for query in maps.queries), "the key goes to the map's server"
    again = await site.get("/basemap/good/5/16/15")
    assert again.body == first.body
    assert sum(maps.asked.values()) == asked
    later = Basemaps(
        [basemap_of_table({"name": "good", "address": f"{maps.tiles}?tk={{key}}", "key": KEY})],
        city_of(6),
        site.basemaps.folder,
    )
    assert later.tile("good", 5, 16, 15).data == first.body  # type: ignore[union-attr]
    assert sum(maps.asked.values()) == asked, "kept on the disk"


async def test_nothing_of_the_key_and_the_servers_reaches_a_page(site: Any, maps: MapServer) -> None:
    told = json.dumps(site.basemaps.specs())
    assert KEY not in told
    assert maps.url not in told
    for name in ("text", "path"):
        answer = await site.get(f"/basemap/{name}/5/16/15")
        assert answer.code == 502
        assert KEY.encode() not in answer.body
        with pytest.raises(CityTwinError) as caught:
            site.basemaps.check(name)
        assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/basemap/other/5/16/15", 404),
        ("/basemap/good/5/99/15", 404),
        ("/basemap/good/25/0/0", 404),
        ("/basemap/good/5/16", 404),
        ("/basemap/good/5/16/-1", 404),
        ("/basemap/http%3A%2F%2F127.0.0.1%3A9/5/16/15", 404),
        ("/basemap/gone/5/16/15", 204),
        ("/basemap/away/5/16/15", 502),
        ("/basemap/large/5/16/15", 502),
        ("/basemap/nobody/5/16/15", 502),
    ],
)
async def test_only_tiles_of_configured_maps_are_given_out(site: Any, path: str, code: int) -> None:
    answer = await site.get(path)
    assert answer.code == code
    if code == 502:
        assert re.fullmatch(r"[^;\n]+: [^;\n]+; [^;\n]+", json.loads(answer.body)["error"])


async def test_a_server_that_sends_on_to_another_host_is_not_followed(site: Any, maps: MapServer) -> None:
    with MapServer().running() as other:
        maps.elsewhere = other.url.replace("127.0.0.1", "localhost") + "/tiles/1/0/0.png"
        answer = await site.get("/basemap/away/5/16/15")
        assert answer.code == 502
        assert "sends on to another host" in json.loads(answer.body)["error"]
        assert not other.asked


def test_a_map_that_cannot_be_reached_is_left_alone_for_a_while(
    city_of: Callable[[int], Scene], tmp_path: Path
) -> None:
    maps = Basemaps([basemap_of_text("nobody=http://127.0.0.1:9/{z}/{x}/{y}.png")], city_of(1), tmp_path)
    with pytest.raises(CityTwinError, match="cannot be reached"):
        maps.check("nobody")
    told = set()
    for column in range(40):
        with pytest.raises(CityTwinError, match="cannot be reached") as later:
            maps.tile("nobody", 6, column, 3)
        told.add(str(later.value))
    assert len(told) == 1, "one tile that failed speaks for all, so nobody tried again"
    maps.close()


async def test_too_many_questions_at_once_are_put_off(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MOST_WAITING", 0)
    answer = await site.get("/basemap/good/5/16/15")
    assert answer.code == 503


def test_a_server_is_asked_only_so_often_a_minute(
    maps: MapServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapsources, "MOST_A_MINUTE", 5)
    tiles = tiles_of(f"xyz+{maps.tiles}", tmp_path)
    with pytest.raises(CityTwinError, match="more than 5 tiles a minute"):
        _ = [tiles.tile(ZOOM, column, 31) for column in range(20)]
    assert sum(maps.asked.values()) <= 5


def test_the_folder_keeps_only_so_much(tmp_path: Path) -> None:
    for number in range(10):
        file = tmp_path / f"{number:02d}" / "tile"
        file.parent.mkdir()
        file.write_bytes(b"x" * 100)
    assert trim(tmp_path, 350) == 7
    assert len(list(tmp_path.glob("*/*"))) == 3


def test_maps_of_a_city_package_may_name_neither_keys_nor_files_nor_this_machine(
    maps: MapServer, tmp_path: Path
) -> None:
    for table, words in (
        ({"address": "https://x.example/{z}/{x}/{y}?k={key}", "key_env": "HOME"}, "names a key in a city package"),
        ({"address": str(tmp_path)}, "names a file in a city package"),
        ({"address": "file:///etc/{z}/{x}/{y}"}, "is no kind of base map"),
    ):
        with pytest.raises(CityTwinError, match=words):
            basemap_of_table(table, trusted=False)
    tiles = MapTiles(basemap_of_table({"name": "mine", "address": maps.tiles}, trusted=False), FRAME, GRID, None)
    with pytest.raises(CityTwinError, match="is no public address"):
        tiles.tile(ZOOM, 32, 31)
    assert not maps.asked


def test_maps_come_from_options_from_a_file_and_from_the_city(city_of: Callable[[int], Scene], tmp_path: Path) -> None:
    from dataclasses import replace

    config = tmp_path / "twin.toml"
    config.write_text(
        '[serve]\nport = 1\n[[basemap]]\nname = "b"\naddress = "https://b.example/{z}/{x}/{y}"\ntitle = "B"\n'
    )
    scene = replace(city_of(1), metadata={"basemaps": [{"address": "osm", "title": {"zh": "街图"}}]})
    found = configured(["a=wms+https://a.example/wms#x"], config, scene)
    assert [each.name for each in found] == ["a", "b", "osm"]
    assert [each.trusted for each in found] == [True, True, False]
    assert found[2].titles == {"en": "街图", "zh": "街图"}
    assert [each["name"] for each in Basemaps(found, scene, tmp_path).specs()] == ["a", "b", "osm"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no base map|has no address"),
        ("nothing.tif", "is no base map; name osm"),
        ("x=ftp://host/{z}/{x}/{y}", "is no kind of base map"),
        ("x=https://maponline1.bdimg.com/tile/?x={x}&y={y}&z={z}", "is a map of Baidu"),
        ("tianditu:xyz", "is no map of Tianditu"),
        ("x=https://h.example/{key}/{z}/{x}/{y}", "needs a key"),
    ],
)
def test_what_is_no_map_is_refused_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(CityTwinError, match=words) as caught:
        basemap_of_text(text, {})
    assert "\n" not in str(caught.value)


def test_an_address_without_numbers_is_refused_when_it_is_asked(tmp_path: Path) -> None:
    with pytest.raises(CityTwinError, match=r"lacks \{z\}, \{x\} or \{y\}"):
        tiles_of("https://h.example/map.png", tmp_path).tile(ZOOM, 32, 31)


@pytest.mark.parametrize("host", ["webrd01.is.autonavi.com", "wprd02.is.autonavi.com", "rt0.map.gtimg.com"])
def test_maps_that_are_known_to_be_shifted_are_put_back(host: str) -> None:
    assert basemap_of_text(f"m=https://{host}/t?x={{x}}&y={{y}}&z={{z}}").sources[0].datum_shift == "gcj02"
    table = {"name": "m", "address": f"https://{host}/t?x={{x}}&y={{y}}&z={{z}}", "datum_shift": "none"}
    assert basemap_of_table(table).sources[0].datum_shift == ""
