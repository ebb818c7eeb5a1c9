"""Image services are asked over real HTTP: the right place, kept for later, and every trouble is one sentence."""

from __future__ import annotations

import io
import math
import re
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from shapely.geometry import box

from gis import webfetch
from gis.datum import from_wgs84
from gis.tilegrids import picture_at, with_query, wms_service, wmts_service, xyz_service
from gis.webfetch import Fetcher
from scenes.assembly import assemble, gather
from scenes.errors import CityTwinError
from scenes.georeference import transformer
from scenes.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scenes.model import Scene

HALF = 20_037_508.342789244
WEST, SOUTH, SIDE = 357_000.0, 3_457_000.0, 60.0
MIDDLE = transformer("EPSG:32651", "EPSG:3857").transform(WEST + SIDE / 2, SOUTH + SIDE / 2)


def colour_at(x: Any, y: Any) -> Any:
    """Return (..., 3) colours of places in web Mercator: waves that tell where they are."""
    waves = [128 + 90 * np.sin((x - MIDDLE[0]) / 30), 128 + 90 * np.sin((y - MIDDLE[1]) / 30), 60 + 0 * x]
    return np.stack(waves, axis=-1)


def png(bounds: tuple[float, float, float, float], width: int, height: int) -> bytes:
    x = bounds[0] + (np.arange(width) + 0.5) * (bounds[2] - bounds[0]) / width
    y = bounds[3] - (np.arange(height) + 0.5) * (bounds[3] - bounds[1]) / height
    out = io.BytesIO()
    Image.fromarray(np.rint(colour_at(*np.meshgrid(x, y))).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def tile(z: int, x: int, y: int) -> bytes:
    side = 2 * HALF / 2**z
    west, north = -HALF + x * side, HALF - y * side
    return png((west, north - side, west + side, north), 256, 256)


WMS = """<?xml version="1.0"?><WMS_Capabilities version="1.3.0" xmlns="http://www.opengis.net/wms">
<Capability><Request><GetMap><Format>image/png</Format></GetMap></Request><Layer><CRS>{crs}</CRS>
<Layer><Name>ortho</Name></Layer><Layer><Name>other</Name></Layer></Layer></Capability></WMS_Capabilities>"""
MATRIX = """<TileMatrix><ows:Identifier>{z}</ows:Identifier><ScaleDenominator>{scale}</ScaleDenominator>
<TopLeftCorner>-20037508.342789244 20037508.342789244</TopLeftCorner><TileWidth>256</TileWidth>
<TileHeight>256</TileHeight><MatrixWidth>{count}</MatrixWidth><MatrixHeight>{count}</MatrixHeight></TileMatrix>"""
WMTS = """<Capabilities xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1"><Contents>
<Layer><ows:Identifier>img</ows:Identifier><Style><ows:Identifier>default</ows:Identifier></Style>
<Format>image/png</Format><TileMatrixSetLink><TileMatrixSet>w</TileMatrixSet></TileMatrixSetLink>{resource}</Layer>
<TileMatrixSet><ows:Identifier>w</ows:Identifier><ows:SupportedCRS>urn:ogc:def:crs:EPSG::900913</ows:SupportedCRS>
{matrices}</TileMatrixSet></Contents></Capabilities>"""


class Server:
    """A server of generated images on loopback that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        handler = type("Handler", (_Handler,), {"counter": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


class _Handler(BaseHTTPRequestHandler):
    counter: Server

    def log_message(self, *_: Any) -> None:
        return None

    def do_GET(self) -> None:
        self.counter.asked.append(self.path)
        parts = urllib.parse.urlsplit(self.path)
        query = {name.upper(): values[0] for name, values in urllib.parse.parse_qs(parts.query).items()}
        numbered = re.fullmatch(r"/tiles/(\d+)/(\d+)/(\d+)\.png", parts.path)
        if numbered:
            self._send(tile(*(int(number) for number in numbered.groups())))
        elif parts.path == "/wms":
            self._wms(query)
        elif parts.path == "/wmts":
            self._wmts(query)
        else:
            self._odd(parts.path)

    def _wms(self, query: dict[str, str]) -> None:
        crs = query.get("SYSTEM", "EPSG:3857")
        if query["REQUEST"] == "GetCapabilities":
            self._send(WMS.format(crs=crs).encode(), "text/xml")
            return
        box = [float(value) for value in query["BBOX"].split(",")]
        if query["CRS"] == "EPSG:4326":  # latitude first
            (west, south), (east, north) = (
                transformer("EPSG:4326", "EPSG:3857").transform(box[i + 1], box[i]) for i in (0, 2)
            )
        else:
            west, south, east, north = box
        self._send(png((west, south, east, north), int(query["WIDTH"]), int(query["HEIGHT"])))

    def _wmts(self, query: dict[str, str]) -> None:
        if query["REQUEST"] == "GetTile":
            assert query["TK"] == "secret"
            self._send(tile(int(query["TILEMATRIX"]), int(query["TILECOL"]), int(query["TILEROW"])))
            return
        scale = 2 * HALF / 256 / 0.00028
        matrices = "".join(MATRIX.format(z=z, scale=scale / 2**z, count=2**z) for z in range(20))
        rest = f"http://{self.headers['Host']}/tiles/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.png"
        resource = f'<ResourceURL format="image/png" resourceType="tile" template="{rest}"/>' if "REST" in query else ""
        self._send(WMTS.format(matrices=matrices, resource=resource).encode(), "text/xml")

    def _odd(self, path: str) -> None:
        if path == "/html":
            self._send(b"<html><body>Key is <b>not valid</b></body></html>", "text/html")
        elif path == "/long":
            self._send(b"\x89PNG" + b"0" * 3_000_000)
        elif path == "/slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(50):
                time.sleep(0.1)
                try:
                    self.wfile.write(b"0")
                    self.wfile.flush()
                except OSError:
                    return
        elif path == "/away":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
        else:
            self.send_error(404 if path != "/key" else 403)

    def _send(self, content: bytes, kind: str = "image/png") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            self.wfile.write(content)
        except OSError:
            return


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def city(write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A map of one house, with the service's answers kept in a folder of the test."""
    monkeypatch.setenv(webfetch.VARIABLE, str(tmp_path / "kept"))
    return write("houses.geojson", [(box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE), {"height": 5})])


def apart(scene: Scene, moved: Callable[[Any, Any], tuple[Any, Any]] = lambda x, y: (x, y)) -> float:
    """Return how far, on average, the colours of the image layer are from those of their places on the server."""
    mesh = scene.layers["imagery"].batches[0].finest()
    assert mesh.triangle_images is not None
    distances = []
    for quad, picture in enumerate(mesh.images):
        corners = mesh.positions_m[4 * quad : 4 * quad + 4]
        pixels = picture.pixels()
        rows, columns = pixels.shape[:2]
        x = corners[0, 0] + (np.arange(columns) + 0.5) / columns * (corners[1, 0] - corners[0, 0])
        y = corners[2, 1] - (np.arange(rows) + 0.5) / rows * (corners[2, 1] - corners[0, 1])
        grid_x, grid_y = np.meshgrid(x[::16], y[::16])
        frame = scene.georeference
        east, north = transformer(frame.crs, "EPSG:3857").transform(grid_x + frame.easting_m, grid_y + frame.northing_m)
        distances.append(np.abs(pixels[::16, ::16, :3] - colour_at(*moved(east, north))).mean())
    return float(np.mean(distances))


@pytest.mark.parametrize(
    "address",
    [
        "xyz+{at}/tiles/{{z}}/{{x}}/{{y}}.png#maxzoom=18",
        "wms+{at}/wms#ortho",
        "wms+{at}/wms?system=EPSG:4326#ortho",
        "wmts+{at}/wmts?tk=secret#img",
        "wmts+{at}/wmts?rest=1",
    ],
)
def test_every_kind_of_service_shows_the_right_place_and_is_not_asked_twice(
    server: Server, city: Path, address: str
) -> None:
    sources = [Source(str(city)), Source(address.format(at=server.address))]
    assert apart(assemble(sources)) < 4
    before = len(server.asked)
    assert apart(assemble(sources)) < 4
    assert len(server.asked) == before


@pytest.mark.parametrize("shift", ["gcj02", "bd09"])
def test_tiles_of_a_shifted_map_come_to_their_true_place(server: Server, city: Path, shift: str) -> None:
    address = f"xyz+{server.address}/tiles/{{z}}/{{x}}/{{y}}.png#maxzoom=18"
    scene = assemble([Source(str(city)), Source(address, datum_shift=shift)])

    def moved(east: Any, north: Any) -> tuple[Any, Any]:
        lon, lat = transformer("EPSG:3857", "EPSG:4326").transform(east, north)
        return transformer("EPSG:4326", "EPSG:3857").transform(*from_wgs84(shift, lon, lat))

    assert apart(scene, moved) < 4
    assert apart(scene) > 20


def test_the_key_is_never_shown(server: Server, city: Path) -> None:
    scene = assemble([Source(str(city)), Source(f"wmts+{server.address}/wmts?tk=secret#img")])
    assert "secret" not in str(scene.metadata)
    assert "secret" not in str(scene.layers["imagery"])
    with pytest.raises(CityTwinError) as caught:
        picture_at(Fetcher(None), f"{server.address}/gone?tk=secret")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/gone", "404"),
        ("/key", "403 .*check the key"),
        ("/html", "text instead of an image .*Key is not valid"),
        ("/long", "more than 1 MB"),
        ("/slow", "no answer for"),
        ("/away", "not allowed"),
    ],
)
def test_troubles_are_one_sentence_and_nothing_is_kept(server: Server, tmp_path: Path, path: str, message: str) -> None:
    fetcher = Fetcher(tmp_path / "kept", timeout_s=0.3, most_bytes=1_000_000)
    with pytest.raises(CityTwinError, match=message):
        picture_at(fetcher, server.address + path)
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]


def test_other_addresses_and_services_are_refused(server: Server, city: Path) -> None:
    fetcher = Fetcher(None, timeout_s=5.0)
    with pytest.raises(CityTwinError, match="neither http nor https"):
        fetcher.read("file:///etc/passwd")
    with pytest.raises(CityTwinError, match="cannot be reached"):
        fetcher.read("http://127.0.0.1:9/")
    with pytest.raises(CityTwinError, match="has no layer roads; write one behind #: ortho, other"):
        wms_service(f"{server.address}/wms", "roads", fetcher)
    with pytest.raises(CityTwinError, match="none of EPSG:3857"):
        wms_service(f"{server.address}/wms?system=EPSG:2154", "ortho", fetcher)
    with pytest.raises(CityTwinError, match="not answer like a map service"):
        wmts_service(f"{server.address}/html", "img", fetcher)
    with pytest.raises(CityTwinError, match="lacks"):
        xyz_service("https://example.org/{z}/{x}.png", fetcher)
    outcome = gather([Source(str(city)), Source(f"xyz+{server.address}/gone/{{z}}/{{x}}/{{y}}.png")], keep_going=True)
    assert outcome.scene is not None
    assert "404" in str(outcome.outcomes[1].error)


def test_a_service_alone_says_that_it_needs_a_place(server: Server) -> None:
    with pytest.raises(CityTwinError, match="where on Earth"):
        assemble([Source(f"wms+{server.address}/wms#ortho")])


def test_parameters_are_added_once() -> None:
    assert with_query("https://h/wms?map=a&service=WMS", {"SERVICE": "WMS", "X": "1"}) == (
        "https://h/wms?map=a&SERVICE=WMS&X=1"
    )
    assert math.isclose(MIDDLE[0], 13_526_000, rel_tol=0.01)
