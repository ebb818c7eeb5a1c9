"""Web services against a real server on this machine: pages, exceptions, errors, and addresses that lead astray."""

from __future__ import annotations

import gzip
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import shapely

import gis
from gis.fetching import Fetcher
from scenes.errors import CityTwinError, ConnectionLostError, LoadError
from scenes.georeference import Georeference
from scenes.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Answer = tuple[int, dict[str, str], bytes]

FRAME = Georeference("EPSG:32651", 357_000.0, 3_457_000.0)
JSON = {"Content-Type": "application/geo+json"}
UTM = "http://www.opengis.net/def/crs/EPSG/0/32651"


@contextmanager
def service(answer: Callable[[str, dict[str, str]], Answer]) -> Iterator[str]:
    """Answer requests by a function of path and parameters (in lower case); yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {key.lower(): values[0] for key, values in parse_qs(parts.query).items()}
            status, headers, body = answer(parts.path, query)
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def feature(number: int) -> dict[str, Any]:
    x, y = 357_000.0 + 20 * number, 3_457_000.0
    ring = [[x, y], [x + 10, y], [x + 10, y + 10], [x, y + 10], [x, y]]
    return {
        "type": "Feature",
        "id": f"h{number}",
        "properties": {"height": 5 + number, "name": f"house {number}"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def body(value: object) -> bytes:
    return json.dumps(value).encode()


def items(path: str, query: dict[str, str]) -> Answer:
    """Three pages of two buildings, stored in a projected system, and a collection of nothing."""
    if path == "/collections":
        return 200, JSON, body({"collections": [{"id": "buildings"}, {"id": "empty"}]})
    if path == "/collections/buildings":
        return 200, JSON, body({"id": "buildings", "crs": [UTM], "storageCrs": UTM})
    if path == "/collections/buildings/items":
        assert query["crs"] == UTM
        start = int(query.get("offset", 0))
        again = f"items?offset={start + 2}&crs={UTM}"
        links = [{"rel": "self", "href": path}, *([{"rel": "next", "href": again}] if start < 4 else [])]
        found = {"type": "FeatureCollection", "features": [feature(start), feature(start + 1)], "links": links}
        return 200, {**JSON, "Content-Encoding": "gzip"}, gzip.compress(body(found))
    return 200, JSON, body({"id": "empty", "type": "FeatureCollection", "features": []})


@pytest.mark.parametrize("ending", ["/collections/buildings", "/collections/buildings/items?limit=2", "/collections"])
def test_pages_of_features_become_one_layer(ending: str) -> None:
    with service(items) as address:
        table = gis.read(address + ending, georeference=FRAME).layers["buildings"].table
    assert sorted(table["source_id"].to_pylist()) == [f"h{number}" for number in range(6)]
    rows = {row["source_id"]: row for row in table.to_pylist()}
    assert rows["h3"]["height_m"] == 8.0
    assert shapely.from_wkb(rows["h3"]["footprint"]).equals(shapely.box(60, 0, 70, 10))


CAPABILITIES = """<WFS_Capabilities xmlns="http://www.opengis.net/wfs/2.0" version="2.0.0">
<FeatureTypeList>
<FeatureType><Name>city:buildings</Name><DefaultCRS>urn:ogc:def:crs:EPSG::32651</DefaultCRS></FeatureType>
<FeatureType><Name>city:broken</Name><DefaultCRS>urn:ogc:def:crs:EPSG::32651</DefaultCRS></FeatureType>
</FeatureTypeList>{formats}</WFS_Capabilities>"""
OFFERED = "<Operation><Parameter name='outputFormat'><Value>application/json</Value></Parameter></Operation>"
REPORT = """<ExceptionReport xmlns="http://www.opengis.net/ows/1.1"><Exception exceptionCode="NoApplicableCode">
<ExceptionText>the table is
 locked</ExceptionText></Exception></ExceptionReport>"""


def gml(numbers: range) -> bytes:
    members = []
    for number in numbers:
        ring = feature(number)["geometry"]["coordinates"][0]
        text = " ".join(f"{x} {y}" for x, y in ring)
        members.append(
            f'<wfs:member><c:buildings gml:id="b.{number}"><c:height>{5 + number}</c:height><c:geom>'
            f'<gml:Polygon srsName="urn:ogc:def:crs:EPSG::32651" gml:id="g{number}"><gml:exterior><gml:LinearRing>'
            f"<gml:posList>{text}</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></c:geom>"
            "</c:buildings></wfs:member>"
        )
    head = '<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:c="http://city" '
    return f'{head}xmlns:gml="http://www.opengis.net/gml/3.2">{"".join(members)}</wfs:FeatureCollection>'.encode()


@pytest.mark.parametrize("as_json", [True, False])
def test_a_wfs_is_read_page_by_page_as_json_or_gml(as_json: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(path: str, query: dict[str, str]) -> Answer:
        if query["request"] == "GetCapabilities":
            return 200, {}, CAPABILITIES.format(formats=OFFERED if as_json else "").encode()
        assert path == "/ows"
        assert query["typenames"] == "city:buildings"
        start = int(query["startindex"])
        numbers = range(start, min(start + 3, 7))
        if not as_json:
            return 200, {}, gml(numbers)
        crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32651"}}
        return 200, {}, body({"type": "FeatureCollection", "crs": crs, "features": [feature(n) for n in numbers]})

    from gis.vector import VectorLoader
    from scenes.loading import LoadContext
    from scenes.sources import Source

    monkeypatch.setattr("gis.services.PAGE", 3)
    with service(answer) as address:
        source = Source(f"wfs+{address}/ows?service=WFS#buildings")
        tables = [batch.table for _, batch in VectorLoader().load(source, LoadContext(FRAME))]
    heights = sorted(value for table in tables for value in table["height_m"].to_pylist())
    assert heights == [5.0 + number for number in range(7)]
    assert all(table["footprint"].null_count == 0 for table in tables)


def test_what_a_service_refuses_is_said_in_its_words() -> None:
    def answer(_path: str, query: dict[str, str]) -> Answer:
        whole = query["request"] == "GetCapabilities"
        return 200, {}, CAPABILITIES.format(formats="").encode() if whole else REPORT.encode()

    with service(answer) as address:
        with pytest.raises(ConnectionLostError, match="the table is locked"):
            gis.read(f"wfs+{address}/ows#city:broken")
        with pytest.raises(LoadError, match=r"no feature type nothing.*city:buildings"):
            gis.read(f"wfs+{address}/ows#nothing")


def endless(path: str, query: dict[str, str]) -> Answer:
    if not path.endswith("/items"):
        return 200, JSON, body({"id": "a"})
    again = {"rel": "next", "href": f"items?page={query.get('page', 'same')}"}
    return 200, JSON, body({"type": "FeatureCollection", "features": [feature(1)], "links": [again]})


def to_a_file(_path: str, _query: dict[str, str]) -> Answer:
    return 302, {"Location": "file:///etc/hostname"}, b""


def in_circles(path: str, _query: dict[str, str]) -> Answer:
    return 302, {"Location": path}, b""


def next_page_is_a_file(path: str, _query: dict[str, str]) -> Answer:
    links = [{"rel": "next", "href": "file:///etc/hostname"}]
    found = {"type": "FeatureCollection", "features": [feature(1)], "links": links}
    return 200, JSON, body(found if path.endswith("/items") else {"id": "a"})


def failing(_path: str, _query: dict[str, str]) -> Answer:
    return 500, {}, b"<html><script>alert(1)</script> down </html>"


def a_page_of_html(_path: str, _query: dict[str, str]) -> Answer:
    return 200, {}, b"<html><body>Please log in</body></html>"


def entities(_path: str, _query: dict[str, str]) -> Answer:
    return 200, {}, b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><WFS_Capabilities>&b;</WFS_Capabilities>'


@pytest.mark.parametrize(
    ("answer", "scheme", "sentence"),
    [
        (endless, "", "never end"),
        (to_a_file, "", "not allowed"),
        (in_circles, "", "infinite loop"),
        (next_page_is_a_file, "", "no web address"),
        (failing, "", "answers 500"),
        (a_page_of_html, "", "Please log in"),
        (a_page_of_html, "wfs+", "does not answer as a WFS"),
        (entities, "wfs+", "DOCTYPE"),
    ],
)
def test_a_service_that_misbehaves_is_one_sentence(answer: Any, scheme: str, sentence: str) -> None:
    with service(answer) as address, pytest.raises(CityTwinError, match=sentence) as caught:
        gis.read(f"{scheme}{address}/collections/a")
    assert "\n" not in str(caught.value)


def test_a_service_that_is_not_there_or_sends_too_much_is_one_sentence() -> None:
    with pytest.raises(ConnectionLostError, match="does not answer"):
        gis.read("http://127.0.0.1:9/collections/a", problems=Problems())
    with service(lambda _path, _query: (200, {}, b"x" * 300_000)) as address:
        fetcher = Fetcher(most_bytes=500_000)
        assert len(fetcher.get(address, "there")) == 300_000
        with pytest.raises(ConnectionLostError, match="more than"):
            fetcher.get(address, "there")
