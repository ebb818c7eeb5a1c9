"""The channel to the viewers: right frames, right origins, and no queue that grows."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from twin.live import Frame, rows
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def viewer(site: Any, **headers: str) -> AsyncIterator[WebSocketClientConnection]:
    socket = await websocket_connect(HTTPRequest(f"ws://{site.address}/live", headers=headers))
    await socket.write_message(json.dumps({"op": "subscribe", "overlays": [1]}))
    try:
        yield socket
    finally:
        socket.close()
        while await socket.read_message() is not None:
            continue


async def frame_of(socket: WebSocketClientConnection) -> Frame:
    while isinstance(message := await socket.read_message(), str):
        continue
    assert message is not None
    return Frame.decode(message)


async def test_a_viewer_gets_the_status_then_all_codes_of_its_overlay_then_changes(site: Any) -> None:
    async with viewer(site) as socket:
        status = json.loads(str(await socket.read_message()))
        assert status["op"] == "status"
        full = await frame_of(socket)
        assert full.handles is None
        assert full.codes.tolist() == [253, 253, 0, 0, 0, 0]
        assert full.epoch == site.context.scene.epoch
        site.hub.state.apply(rows([1], wall_clock_ms(), [77.0]))
        (changed,) = site.hub.tick()
        site.channel.publish(changed)
        frame = await frame_of(socket)
        assert frame.handles is not None
        assert (frame.handles.tolist(), frame.codes.tolist()) == ([1], [77])


async def test_a_frame_is_encoded_once_for_all_viewers(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with viewer(site) as one, viewer(site) as two:
        await frame_of(one)
        await frame_of(two)
        encoded = []
        monkeypatch.setattr(Frame, "encode", lambda frame, real=Frame.encode: encoded.append(1) or real(frame))
        site.channel.publish(Frame(1, 1, 0, np.array([5], np.uint8), np.array([0], np.uint32)))
        frames = await asyncio.gather(frame_of(one), frame_of(two))
        assert [frame.codes.tolist() for frame in frames] == [[5], [5]]
        assert len(encoded) == 1


async def test_a_viewer_gets_only_what_it_subscribed_to(site: Any) -> None:
    async with viewer(site) as socket:
        await frame_of(socket)
        await socket.write_message(json.dumps({"op": "subscribe", "overlays": []}))
        (server_side,) = site.channel.viewers
        while server_side.overlays:  # noqa: ASYNC110
            await asyncio.sleep(0)
        site.channel.publish(Frame(1, 1, 0, np.array([5], np.uint8), np.array([0], np.uint32)))
        await socket.write_message(json.dumps({"op": "subscribe", "overlays": [1, 99]}))
        assert (await frame_of(socket)).handles is None


@pytest.mark.parametrize(
    "request_", ["", "{", "[]", '{"op": "subscribe"}', '{"op": "subscribe", "overlays": ["x"]}', b"\x00", '"' * 70_000]
)
async def test_a_request_that_makes_no_sense_changes_nothing(site: Any, request_: str | bytes) -> None:
    async with viewer(site) as socket:
        await frame_of(socket)
        await socket.write_message(request_, binary=isinstance(request_, bytes))
        await socket.write_message(json.dumps({"op": "subscribe", "overlays": [1]}))
        assert (await frame_of(socket)).handles is None


async def test_a_viewer_that_does_not_keep_up_gets_the_newest_codes(site: Any) -> None:
    async with viewer(site) as socket:
        await frame_of(socket)
        for value in range(10, 60):
            site.hub.state.apply(rows([0], wall_clock_ms() + value, [float(value)]))
            for frame in site.hub.tick():
                site.channel.publish(frame)
        newest = await frame_of(socket)
        assert newest.handles is None
        assert int(newest.codes[0]) == 59
        (server_side,) = site.channel.viewers
        assert len(server_side._waiting) <= 1
        assert site.channel.frames_coalesced == 49


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null", "https://notebook.example"])
async def test_other_sites_may_not_connect(site: Any, origin: str) -> None:
    with pytest.raises(HTTPClientError) as found:
        async with viewer(site, Origin=origin):
            pass
    assert found.value.code == 403
    assert not site.channel.viewers


async def test_own_pages_and_listed_sites_may_connect(site: Any) -> None:
    for origin in (f"http://{site.address}", "http://notebook.example:8888"):
        async with viewer(site, Origin=origin) as socket:
            assert (await frame_of(socket)).overlay == 1


async def test_viewers_that_leave_are_forgotten(site: Any) -> None:
    async with viewer(site) as socket:
        await frame_of(socket)
        assert len(site.channel.viewers) == 1
    while site.channel.viewers:  # noqa: ASYNC110
        await asyncio.sleep(0)
    site.channel.publish(Frame(1, 1, 0, np.array([5], np.uint8)))


async def test_status_reaches_every_viewer(site: Any) -> None:
    async with viewer(site) as socket:
        await frame_of(socket)
        site.channel.publish_status({"op": "status", "feeds": [{"name": "mqtt", "state": "down"}]})
        message = json.loads(str(await socket.read_message()))
        assert message["feeds"] == [{"name": "mqtt", "state": "down"}]
