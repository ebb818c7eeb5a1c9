"""An MQTT broker inside the process, for demos and notebooks. The only door to amqtt; a city runs mosquitto or EMQX."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Self

from scenes import ConnectionLostError, MissingLibraryError
from twin.live.mqtt import Broker

if TYPE_CHECKING:
    from types import TracebackType


_LAST_PASSES = 5


class EmbeddedBroker:
    """A broker that listens on this machine only, from ``async with`` until its end.

    Parameters
    ----------
    port
        0 = any free port; `address` says which.
    """

    def __init__(self, port: int = 0) -> None:
        """Keep the port; the broker starts with ``async with``."""
        self._port = port
        self._broker: Any = None
        self._address: Broker | None = None

    @property
    def address(self) -> Broker:
        """Where it listens.

        Raises
        ------
        ConnectionLostError
            Before it has started.
        """
        if self._address is None:
            raise ConnectionLostError("embedded broker", "is not running", "use it in `async with`")
        return self._address

    async def __aenter__(self) -> Self:
        """Start listening.

        Raises
        ------
        ConnectionLostError
            When the port is taken.
        """
        library = _library()
        logging.getLogger("transitions.core").setLevel(logging.WARNING)
        logging.getLogger("amqtt").setLevel(logging.ERROR)
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self._port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
        broker = library.Broker(config)
        try:
            await broker.start()
        except library.BrokerError as error:
            raise ConnectionLostError(
                f"127.0.0.1:{self._port}", f"the broker cannot start ({error})", "choose another port"
            ) from error
        self._broker = broker
        self._address = Broker("127.0.0.1", _port_of(broker))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect everybody and stop."""
        await self._broker.shutdown()
        for _ in range(_LAST_PASSES):  # its connections are let go in passes of the loop that may not come any more
            await asyncio.sleep(0)
        self._broker = self._address = None


def _port_of(broker: Any) -> int:
    return int(broker._servers["default"].instance.sockets[0].getsockname()[1])  # noqa: SLF001  # it has no public way


def _library() -> Any:
    try:
        import amqtt.broker  # noqa: PLC0415  # optional: pip install citytwin[live]
    except ImportError as error:
        raise MissingLibraryError(
            "embedded broker", "amqtt is not installed", "pip install 'citytwin[live]'"
        ) from error
    return amqtt.broker
