"""The MQTT feed against a real mosquitto and the embedded broker: what is sent arrives, and nothing kills it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from scenes import ConnectionLostError, LoadError, UnsupportedError
from twin.live import (
    Broker,
    Datastreams,
    EmbeddedBroker,
    LiveState,
    MqttFeed,
    ReplayFeed,
    connect,
    publishing,
    rows,
)
from twin.live.state import wall_clock_ms

STREAMS = Datastreams.from_records([{"id": f"s{number}", "observed_property": "level"} for number in range(50)])
Until = Callable[[Callable[[], object]], Awaitable[None]]
BACKOFF_S = (0.02, 0.05)


@contextlib.asynccontextmanager
async def running(feed: MqttFeed, sink: Callable[[Any], object]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(feed.run(sink))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def check_both_formats(broker: Broker, until: Until) -> None:
    feed, state = MqttFeed(broker, STREAMS), LiveState(STREAMS)
    async with running(feed, state.apply):
        await until(lambda: feed.status.connected)
        now = wall_clock_ms()
        async with publishing(broker, STREAMS) as publisher:
            await publisher.sensorthings(rows([0, 1], now, [1.0, float("nan")]))
            await publisher.packed(rows(np.arange(2, 50), now, np.arange(48.0)))
            await until(lambda: state.counts.received == 50)
    assert float(state.value[0]) == 1.0
    assert np.isnan(state.value[1])
    assert state.value[2:].tolist() == list(range(48))
    assert set(state.time.tolist()) == {now}
    assert (feed.status.messages, feed.status.observations, feed.status.malformed) == (2, 50, 0)


async def test_both_formats_arrive_through_mosquitto(mosquitto: Any, until: Until) -> None:
    await check_both_formats(mosquitto.address, until)


async def test_both_formats_arrive_through_the_embedded_broker(until: Until) -> None:
    async with EmbeddedBroker() as broker:
        await check_both_formats(broker.address, until)


async def test_a_killed_broker_is_a_notice_and_the_state_goes_on_after_its_restart(
    mosquitto: Any, until: Until
) -> None:
    feed, state = MqttFeed(mosquitto.address, STREAMS, backoff_s=BACKOFF_S), LiveState(STREAMS)
    async with running(feed, state.apply) as task:
        await until(lambda: feed.status.connected)
        async with publishing(mosquitto.address, STREAMS) as publisher:
            await publisher.packed(rows([0], wall_clock_ms(), [1.0]))
            await until(lambda: state.counts.received == 1)
        mosquitto.kill()
        await until(lambda: not feed.status.connected)
        assert feed.status.state(wall_clock_ms()) == "down"
        assert f"{mosquitto.address}: the broker does not answer" in feed.status.message
        assert "trying again in" in feed.status.message
        assert float(state.value[0]) == 1.0
        mosquitto.start()
        await until(lambda: feed.status.connected)
        async with publishing(mosquitto.address, STREAMS) as publisher:
            await publisher.packed(rows([0, 1], wall_clock_ms() + 1, [2.0, 3.0]))
            await until(lambda: state.counts.received == 3)
        assert not task.done()
    assert state.value[:2].tolist() == [2.0, 3.0]


async def test_a_broker_that_was_never_there_is_found_when_it_comes(mosquitto: Any, until: Until) -> None:
    mosquitto.kill()
    feed = MqttFeed(mosquitto.address, STREAMS, backoff_s=BACKOFF_S)
    async with running(feed, len):
        await until(lambda: "does not answer" in feed.status.message)
        mosquitto.start()
        await until(lambda: feed.status.connected)


async def test_rubbish_on_the_topic_is_counted_and_the_next_message_is_read(mosquitto: Any, until: Until) -> None:
    feed, state = MqttFeed(mosquitto.address, STREAMS), LiveState(STREAMS)
    async with running(feed, state.apply):
        await until(lambda: feed.status.connected)
        async with publishing(mosquitto.address, STREAMS) as publisher:
            for payload in (b"", b"{", b"CTO1", b"\xff\xff\xff\xff\x00", b'{"result": 1}'):
                await publisher.client.publish("city/310000/obs/sta/broken", payload)
            await publisher.sensorthings(rows([7], wall_clock_ms(), [4.0]))
            await until(lambda: state.counts.received == 1)
    assert float(state.value[7]) == 4.0
    assert (feed.status.malformed, feed.status.unknown) == (4, 1)
    assert all(problem.message for problem in feed.decoder.problems.listed())


async def test_only_the_asked_topics_are_read(mosquitto: Any, until: Until) -> None:
    url = f"mqtt://{mosquitto.address}?topic=city/310000/obs/arrow/here"
    feed, state = connect(url, STREAMS), LiveState(STREAMS)
    assert isinstance(feed, MqttFeed)
    async with running(feed, state.apply):
        await until(lambda: feed.status.connected)
        async with publishing(mosquitto.address, STREAMS, source="elsewhere") as publisher:
            await publisher.packed(rows([0], wall_clock_ms(), [1.0]))
        async with publishing(mosquitto.address, STREAMS, source="here") as publisher:
            await publisher.packed(rows([1], wall_clock_ms(), [1.0]))
            await until(lambda: state.counts.received == 1)
    assert np.isnan(state.value[0])


async def test_publishing_to_a_broker_that_is_down_is_one_sentence(mosquitto: Any) -> None:
    mosquitto.kill()
    with pytest.raises(ConnectionLostError, match="does not answer"):
        async with publishing(mosquitto.address, STREAMS):
            pass


async def test_two_embedded_brokers_do_not_fight_for_a_port() -> None:
    async with EmbeddedBroker() as one, EmbeddedBroker() as two:
        assert one.address.port != two.address.port
        with pytest.raises(ConnectionLostError, match="cannot start"):
            async with EmbeddedBroker(one.address.port):
                pass


async def test_an_embedded_broker_has_no_address_before_it_runs() -> None:
    with pytest.raises(ConnectionLostError, match="is not running"):
        _ = EmbeddedBroker().address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker", Broker("broker", 1883)),
        ("mqtts://broker", Broker("broker", 8883, tls=True)),
        ("mqtt://me:p%40ss@broker:1999", Broker("broker", 1999, "me", "p@ss")),
    ],
)
def test_addresses_are_read(url: str, expected: Broker) -> None:
    assert Broker.from_url(url) == expected


@pytest.mark.parametrize("url", ["mqtt://", "mqtt://me:secret@:1883", "mqtt://me:secret@host:99999"])
def test_wrong_addresses_are_one_sentence_without_the_password(url: str) -> None:
    with pytest.raises(LoadError) as found:
        Broker.from_url(url)
    assert "secret" not in str(found.value)


def test_a_password_is_not_printed() -> None:
    assert "secret" not in repr(Broker("host", password="secret"))


def test_a_path_is_a_replay_and_an_unknown_scheme_is_one_sentence() -> None:
    assert isinstance(connect("hour.parquet", STREAMS, speed=60.0), ReplayFeed)
    assert isinstance(connect("replay:hour.jsonl", STREAMS), ReplayFeed)
    known = "fcd, gtfs-rt, mqtt, mqtts, replay"
    with pytest.raises(UnsupportedError, match=f"no feed reads kafka addresses; there are {known}"):
        connect("kafka://host", STREAMS)
