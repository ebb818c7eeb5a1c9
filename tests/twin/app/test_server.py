"""The whole server: a page, its tiles, its live codes, and a clean end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

import scenes
from scenes import CityTwinError, PackageError
from twin.app import LivePlan, ServerOptions, demo_live, start_in_thread
from twin.app.city import prepare
from twin.app.page import choose_language, choose_theme
from twin.live import Datastreams, Frame, HistoryStore, RainHour

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes import Scene


def streams(count: int = 4) -> Datastreams:
    return Datastreams.from_records(
        [
            {"id": f"s{n}", "observed_property": "rain", "unit": "mm/h", "title_en": "Rain", "object": f"urn:uuid:{n}"}
            for n in range(count)
        ]
    )


@pytest.fixture
def package(city_of: Callable[[int], Scene], tmp_path: Path) -> Path:
    """Give a city package with datastreams and no tiles."""
    path = tmp_path / "test.city"
    scenes.save(city_of(6), path)
    streams().write(path / "streams.parquet")
    return path


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        return bytes(answer.read())


async def codes_of(url: str, overlay: int, enough: Callable[[Frame], bool]) -> Frame:
    """Return the first frame of an overlay on ``/live`` that is enough."""
    connection = await websocket_connect(url.replace("http", "ws") + "live")
    await connection.write_message(json.dumps({"op": "subscribe", "overlays": [overlay]}))
    try:
        while True:
            message = await connection.read_message()
            assert message is not None
            if isinstance(message, bytes) and enough(frame := Frame.decode(message)):
                return frame
    finally:
        connection.close()


def test_a_package_is_served_with_page_tiles_and_health(package: Path) -> None:
    with start_in_thread(package) as server:
        page = fetch(server.url).decode()
        assert "<title>test city</title>" in page
        assert "cdn." not in page
        tileset = json.loads(fetch(server.url + "tiles/buildings/tileset.json"))
        assert tileset["asset"]["version"] == "1.1"
        assert json.loads(fetch(server.url + "id/urn:uuid:2"))["name"] == "House 2"
        assert json.loads(fetch(server.url + "healthz"))["datastreams"] == 4
        assert b"citytwin_objects 6" in fetch(server.url + "metrics")
    with pytest.raises(urllib.error.URLError):
        fetch(server.url)
    assert (package / "tiles" / "buildings" / "tileset.json").is_file()


async def test_the_rain_hour_comes_through_the_broker_to_the_viewer(package: Path) -> None:
    with start_in_thread(package, live=demo_live(package)) as server:
        frame = await codes_of(server.url, 1, lambda frame: 0 < int(frame.codes[0]) < 251)
        assert frame.epoch == server.city.scene.epoch
        assert not frame.replay
        assert server.hub is not None
        assert server.hub.streams_of(0)[0]["value"] is not None
        assert server.hub.series(0, 1.0)[0]["v"]
        status = json.loads(await asyncio.to_thread(fetch, server.url + "healthz"))
        assert {feed["state"] for feed in status["feeds"]} == {"up"}


async def test_a_replay_given_by_address_is_marked_as_one(package: Path, tmp_path: Path) -> None:
    store = HistoryStore(tmp_path / "history", streams())
    store.append(RainHour(streams()).record(1_780_000_000_000))
    store.flush()
    with start_in_thread(package, live=f"replay:{tmp_path / 'history'}") as server:
        frame = await codes_of(server.url, 1, lambda frame: 0 < int(frame.codes[0]) < 251)
        assert frame.replay


def test_a_broker_that_is_down_is_a_notice_and_the_page_is_served(package: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with start_in_thread(package, live=[f"mqtt://127.0.0.1:{taken.getsockname()[1]}"]) as server:
            while "does not answer" not in (found := json.loads(fetch(server.url + "healthz")))["feeds"][0]["message"]:
                continue
            assert found["status"] == "degraded"
            assert b"<title>test city</title>" in fetch(server.url)


def test_a_scene_is_served_from_temporary_tiles_that_go_with_it(city_of: Callable[[int], Scene]) -> None:
    with start_in_thread(city_of(3), live=LivePlan(streams(3))) as server:
        folder = server.city.tiles
        assert json.loads(fetch(server.url + "tiles/buildings/tileset.json"))["root"]
    assert not folder.exists()


def test_a_city_without_datastreams_has_no_live_channel(city_of: Callable[[int], Scene]) -> None:
    with start_in_thread(city_of(3)) as server:
        assert server.hub is None
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(server.url + "live")


async def test_other_sites_reach_neither_the_live_channel_nor_the_page_socket(package: Path) -> None:
    options = ServerOptions(origins=("notebook.example:8888",))
    with start_in_thread(package, options=options) as server:
        base = server.url.replace("http", "ws")
        for path in ("live", "ws"):
            with pytest.raises(HTTPClientError, match="403"):
                await websocket_connect(HTTPRequest(base + path, headers={"Origin": "http://evil.example"}))
        allowed = await websocket_connect(
            HTTPRequest(base + "live", headers={"Origin": "http://notebook.example:8888"})
        )
        assert json.loads(str(await allowed.read_message()))["op"] == "status"
        allowed.close()


def test_a_port_in_use_is_one_sentence(city_of: Callable[[int], Scene]) -> None:
    scene = city_of(2)
    with (
        start_in_thread(scene) as server,
        pytest.raises(CityTwinError, match=f"localhost:{server.port}: the port is in use; choose another"),
        start_in_thread(scene, options=ServerOptions(port=server.port)),
    ):
        pass


def test_an_address_that_is_not_ours_is_one_sentence(city_of: Callable[[int], Scene]) -> None:
    with (
        pytest.raises(CityTwinError, match="cannot listen there"),
        start_in_thread(city_of(2), options=ServerOptions(address="203.0.113.7")),
    ):
        pass


def test_a_package_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CityTwinError, match=r"none\.city"):
        prepare(tmp_path / "none.city")


def test_feeds_without_datastreams_are_one_sentence(city_of: Callable[[int], Scene]) -> None:
    with pytest.raises(PackageError, match="no table of datastreams"):
        prepare(city_of(2), "mqtt://broker")
    with pytest.raises(PackageError, match=r"no streams\.parquet"):
        demo_live("/nowhere")


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_cleanly(package: Path, number: signal.Signals) -> None:
    program = (
        "import sys; from twin.app import serve, demo_live;"
        "serve(sys.argv[1], live=demo_live(sys.argv[1]), on_ready=lambda url: print(url, flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "error::ResourceWarning", "-c", program, str(package)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    while (health := json.loads(fetch(url + "healthz")))["feeds"][0]["state"] != "up":
        assert process.poll() is None
        time.sleep(0.1)
    assert health["objects"] == 6
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("de-DE,en;q=0.5,zh;q=0.4", "en"),
        ("en;q=0.2,zh-TW", "zh"),
        ("fr", "en"),
        ("", "en"),
        (";;,q=x", "en"),
    ],
)
def test_the_browser_chooses_the_language(accepted: str, expected: str) -> None:
    assert choose_language("", {}, {"Accept-Language": accepted}) == expected


def test_the_address_goes_before_the_server_and_the_server_before_the_browser() -> None:
    assert choose_language("en", {}, {"Accept-Language": "zh"}) == "en"
    assert choose_language("en", {"lang": "zh"}, {}) == "zh"
    assert choose_language("", {"lang": "<script>"}, {}) == "en"
    assert choose_theme("dark", {}) == "dark"
    assert choose_theme("dark", {"theme": "light"}) == "light"
    assert choose_theme("", {"theme": "pink"}) == "light"
