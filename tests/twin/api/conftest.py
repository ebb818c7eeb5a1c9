"""A server with a city, and a client for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from twin.api import ApiContext, FolderTiles, LiveChannel, TileCache, patterns
from twin.live import Datastreams, LiveHub, Overlay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from scenes import Scene


class Ramp:
    """A scale of 0 to 100."""

    def codes(self, values: np.ndarray, quality: np.ndarray | None = None) -> np.ndarray:  # noqa: ARG002
        return np.where(np.isnan(values), 253, np.clip(np.nan_to_num(values), 1, 250)).astype(np.uint8)


@dataclass
class Site:
    """A server that runs, and what is behind it."""

    address: str
    context: ApiContext
    tiles: Path

    @property
    def hub(self) -> LiveHub:
        """The live hub."""
        assert self.context.hub is not None
        return self.context.hub

    @property
    def channel(self) -> LiveChannel:
        """The channel to the viewers."""
        assert self.context.channel is not None
        return self.context.channel

    async def get(self, path: str, **options: Any) -> HTTPResponse:
        """Fetch a path as it is written; answers of any status come back."""
        return await AsyncHTTPClient().fetch(f"http://{self.address}{path}", raise_error=False, **options)


@pytest.fixture
async def site(city_of: Callable[[int], Scene], tmp_path: Path) -> AsyncIterator[Site]:
    """Serve a city of six buildings whose first two have a gauge."""
    scene = city_of(6)
    folder = tmp_path / "tiles"
    (folder / "buildings").mkdir(parents=True)
    (folder / "buildings" / "tileset.json").write_text('{"asset": {"version": "1.1"}}' + " " * 2000)
    (folder / "buildings" / "0.glb").write_bytes(b"glTF" + b"\1\2\3\4" * 500)
    (folder / "buildings" / "notes.txt").write_text("not a tile")
    (tmp_path / "secret.json").write_text('{"password": "x"}')
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    records = [{"id": f"s{n}", "observed_property": "rain", "object": f"urn:uuid:{n}"} for n in range(2)]
    hub = LiveHub(Datastreams.from_records(records).bind(scene), (), [Overlay(1, "rain", Ramp())], len(scene))
    hub.tick()
    channel = LiveChannel(hub.full, hub.views, {"notebook.example:8888"})
    context = ApiContext(scene, TileCache(FolderTiles(folder)), hub, channel)
    server = HTTPServer(Application(patterns(context)))
    (socket,) = bind_sockets(0, "127.0.0.1")
    server.add_sockets([socket])
    yield Site(f"127.0.0.1:{socket.getsockname()[1]}", context, folder)
    channel.close()
    server.stop()
    await server.close_all_connections()
