"""The MQTT feed: SensorThings JSON, packed rows and Arrow streams from any broker. The only door to aiomqtt."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from scenes import ConnectionLostError, LoadError, MissingLibraryError
from twin.live.feed import Decoder, FeedStatus
from twin.live.observations import encode_sensorthings, pack
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import aiomqtt
    from numpy.typing import NDArray

    from twin.live.datastreams import Datastreams
    from twin.live.feed import Sink

TOPIC = "city/+/obs/#"
BACKOFF_S = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
TIMEOUT_S = 5.0
ROWS_AT_ONCE = 10_000
QUEUED_MESSAGES = 20_000


@dataclass(frozen=True, slots=True)
class Broker:
    """Address of a broker and how to log in."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False

    @classmethod
    def from_url(cls, url: str) -> Broker:
        """Return the broker of ``mqtt://[user:password@]host[:port]``; ``mqtts`` is with TLS.

        Raises
        ------
        LoadError
            When the address has no host or a port that is none.

        Examples
        --------
        >>> Broker.from_url("mqtt://localhost:1884").port
        1884
        """
        parts = urlsplit(url)
        tls = parts.scheme == "mqtts"
        try:
            port = parts.port or (8883 if tls else 1883)
        except ValueError as error:
            raise LoadError(_without_password(url), f"{error}", "write mqtt://host:1883") from error
        if not parts.hostname:
            raise LoadError(_without_password(url), "names no host", "write mqtt://host:1883")
        user, secret = parts.username, parts.password
        return cls(parts.hostname, port, unquote(user) if user else None, unquote(secret) if secret else None, tls)

    def __str__(self) -> str:
        """Return host and port, for messages."""
        return f"{self.host}:{self.port}"

    def client(self, **options: Any) -> aiomqtt.Client:
        """Return a client of this broker that is not connected yet.

        Raises
        ------
        MissingLibraryError
            When aiomqtt is not installed.
        """
        client: aiomqtt.Client = _library().Client(
            self.host,
            self.port,
            username=self.username,
            password=self.password,
            tls_context=ssl.create_default_context() if self.tls else None,
            timeout=TIMEOUT_S,
            **options,
        )
        return client


@dataclass
class MqttFeed:
    """Receives observations from a broker, and reconnects whenever it is lost.

    Parameters
    ----------
    broker
        Where it is.
    datastreams
        Resolves ids, and knows the epoch of packed rows.
    topics
        Topic filters; the payload itself says which format it has.
    backoff_s
        Waiting times between attempts; the last one repeats.
    """

    schemes: ClassVar[tuple[str, ...]] = ("mqtt", "mqtts")

    broker: Broker
    datastreams: Datastreams
    topics: tuple[str, ...] = (TOPIC,)
    backoff_s: tuple[float, ...] = BACKOFF_S
    clock: Callable[[], int] = wall_clock_ms
    name: str = "mqtt"
    status: FeedStatus = field(init=False)
    decoder: Decoder = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the counters."""
        self.status = FeedStatus(self.name)
        self.decoder = Decoder(self.datastreams, self.status)

    @classmethod
    def from_url(cls, url: str, datastreams: Datastreams, **options: Any) -> MqttFeed:
        """Return the feed of ``mqtt://host:port?topic=city/310000/obs/%23``; `topic` may be repeated."""
        topics = tuple(parse_qs(urlsplit(url).query).get("topic", ())) or (TOPIC,)
        return cls(Broker.from_url(url), datastreams, topics=topics, **options)

    async def run(self, sink: Sink) -> None:
        """Give batches to `sink` until cancelled; a broker that is down is a status, not an error."""
        failure = _library().MqttError
        attempt = 0
        try:
            while True:
                try:
                    async with _connection(self.broker.client(max_queued_incoming_messages=QUEUED_MESSAGES)) as client:
                        for topic in self.topics:
                            await client.subscribe(topic)
                        attempt = 0
                        self.status.set_connected(True, f"connected to {self.broker}")
                        await self._receive(client, sink)
                except (failure, OSError) as error:
                    wait_s = self.backoff_s[min(attempt, len(self.backoff_s) - 1)]
                    attempt += 1
                    self.status.set_connected(False, _down(self.broker, error, wait_s))
                    await asyncio.sleep(wait_s)
        finally:
            self.status.set_connected(False, "stopped")

    async def _receive(self, client: aiomqtt.Client, sink: Sink) -> None:
        waiting: list[NDArray[np.void]] = []
        rows = 0
        queue = client.messages
        async for message in queue:
            payload = message.payload
            batch = self.decoder.rows(payload if isinstance(payload, bytes) else b"", str(message.topic))
            if len(batch):
                waiting.append(batch)
                rows += len(batch)
            if waiting and (rows >= ROWS_AT_ONCE or not len(queue)):
                sink(waiting[0] if len(waiting) == 1 else np.concatenate(waiting))
                waiting, rows = [], 0


@dataclass(frozen=True)
class Publisher:
    """Sends batches to a broker: as SensorThings JSON, or as packed rows.

    Made by `publishing`.
    """

    client: aiomqtt.Client
    datastreams: Datastreams
    adcode: str
    source: str

    async def sensorthings(self, batch: NDArray[np.void]) -> None:
        """Publish a batch as a dataArray on ``city/{adcode}/obs/sta/{source}``."""
        topic = f"city/{self.adcode}/obs/sta/{self.source}"
        await self.client.publish(topic, encode_sensorthings(batch, self.datastreams.ids))

    async def packed(self, batch: NDArray[np.void]) -> None:
        """Publish a batch as packed rows on ``city/{adcode}/obs/arrow/{source}``."""
        topic = f"city/{self.adcode}/obs/arrow/{self.source}"
        await self.client.publish(topic, pack(batch, self.datastreams.epoch))


@contextlib.asynccontextmanager
async def publishing(
    broker: Broker, datastreams: Datastreams, adcode: str = "310000", source: str = "citytwin"
) -> AsyncIterator[Publisher]:
    """Connect to a broker for publishing, and disconnect at the end.

    Raises
    ------
    ConnectionLostError
        When the broker does not answer, at the start or later.
    """
    try:
        async with _connection(broker.client()) as client:
            yield Publisher(client, datastreams, adcode, source)
    except _library().MqttError as error:
        raise ConnectionLostError(
            broker, f"the broker does not answer ({error})", "start it or check the port"
        ) from error


@contextlib.asynccontextmanager
async def _connection(client: aiomqtt.Client) -> AsyncIterator[aiomqtt.Client]:
    """Connect, and disconnect at the end.

    A cancellation in the middle of connecting waits for its end: aiomqtt would leave its socket to callbacks that
    fail later.
    """
    connecting = asyncio.ensure_future(client.__aenter__())
    try:
        await asyncio.shield(connecting)
    except asyncio.CancelledError:
        await asyncio.wait([connecting])
        if connecting.exception() is None:
            await client.__aexit__(None, None, None)
        raise
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_exit(client)
        yield client


def _library() -> Any:
    try:
        import aiomqtt  # noqa: PLC0415  # optional: pip install citytwin[live]
    except ImportError as error:
        raise MissingLibraryError("MQTT", "aiomqtt is not installed", "pip install 'citytwin[live]'") from error
    return aiomqtt


def _down(broker: Broker, error: Exception, wait_s: float) -> str:
    return f"{broker}: the broker does not answer ({error}); trying again in {wait_s:g} s"


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
