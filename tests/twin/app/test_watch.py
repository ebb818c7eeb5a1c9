"""A served package becomes another version: the server goes on with it, live values and all."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from tornado.websocket import websocket_connect

import scenes
from scenes import Layer, Scene
from scenes.saving import save
from twin.app import LivePlan, start_in_thread
from twin.live import Datastreams, Frame, rows
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def package(city_of: Callable[[int], Scene], tmp_path: Path) -> Path:
    """Give a city of four houses as a package with tiles."""
    return save(city_of(4), tmp_path / "test.city", tiles=True)


def plan() -> LivePlan:
    record = {"id": "gauge", "observed_property": "rain", "unit": "mm/h", "object": "urn:uuid:2"}
    return LivePlan(Datastreams.from_records([record]))


def with_a_layer_in_front(scene: Scene, other: Scene) -> Scene:
    """Return the scene with handles that all mean other objects."""
    batches = tuple(replace(batch, table=renamed(batch.table)) for batch in other.layers["buildings"].batches)
    first = Layer("first", batches, "buildings")
    return replace(scene, layers={"first": first, **scene.layers}, version=scene.version + 1)


def renamed(table: pa.Table) -> pa.Table:
    uids = pa.array([f"{uid}-first" for uid in table["uid"].to_pylist()])
    return table.set_column(table.schema.get_field_index("uid"), "uid", uids)


def told(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url) as answer:
        return dict(json.loads(answer.read()))


async def test_live_values_are_on_their_objects_in_the_new_version(
    package: Path, city_of: Callable[[int], Scene]
) -> None:
    before = scenes.open(package)
    with start_in_thread(package, live=plan()) as server:
        assert server.hub is not None
        server.hub.state.apply(rows([0], wall_clock_ms(), [30.0]))
        changed = with_a_layer_in_front(before, city_of(3))
        await asyncio.to_thread(changed.save, package)
        connection = await websocket_connect(server.url.replace("http", "ws") + "live")
        await connection.write_message(json.dumps({"op": "subscribe", "overlays": [1]}))
        while True:
            message = await connection.read_message()
            assert message is not None
            if isinstance(message, bytes) and (frame := Frame.decode(message)).epoch != before.epoch:
                break
        connection.close()
        assert frame.epoch == changed.epoch
        handles = range(len(frame.codes)) if frame.handles is None else frame.handles
        codes = dict(zip(handles, frame.codes, strict=True))
        assert 0 < codes[changed.handle("urn:uuid:2")] < 251
        health = await asyncio.to_thread(told, server.url + "healthz")
        assert (health["objects"], health["epoch"]) == (7, changed.epoch)
        assert server.hub.streams_of(changed.handle("urn:uuid:2"))[0]["value"] == 30.0
        tileset = await asyncio.to_thread(told, server.url + "tiles/first/tileset.json")
        assert tileset["extras"]["epoch"] == changed.epoch  # type: ignore[index]


async def test_a_version_without_tiles_gets_them_before_it_is_shown(
    package: Path, city_of: Callable[[int], Scene]
) -> None:
    with start_in_thread(package) as server:
        larger = replace(city_of(6), version=9)
        await asyncio.to_thread(scenes.store.save, larger, package)
        while server.context.scene.version != 9:  # noqa: ASYNC110 - it knows no listeners
            await asyncio.sleep(0.05)
        assert (package / "tiles" / "buildings" / "tileset.json").is_file()
        assert len(server.city.scene) == 6
