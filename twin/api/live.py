"""The `/live` channel: frames computed once, shared by all viewers, and never a queue that grows.

A viewer that cannot keep up gets the newest codes of an overlay instead of every change in between.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tornado.websocket import WebSocketClosedError, WebSocketHandler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from twin.api.context import ApiContext
    from twin.live import Frame, MovingFrame

SEND_SECONDS = 30.0
GROUPS = 8
"""Viewers are served in turns of so many groups, `TURN_S` apart, so that tiles need not wait for all of them."""
TURN_S = 0.02
LARGEST_REQUEST = 64 * 1024
_log = logging.getLogger(__name__)


class LiveChannel:
    """All viewers of a city, and the newest of what they may see.

    Parameters
    ----------
    full
        Gives the frame with all codes of an overlay, or with all that moves (`LiveHub.full`).
    overlays
        Numbers of the overlays there are; 0 = what moves.
    origins
        Other sites (``host:port``) whose pages may connect; the server's own pages always may.
    """

    def __init__(
        self, full: Callable[[int], Frame | MovingFrame | None], overlays: Iterable[int], origins: Iterable[str] = ()
    ) -> None:
        """Start without viewers."""
        self.overlays = frozenset(overlays)
        self.origins = frozenset(origins)
        self.viewers: set[LiveSocket] = set()
        self.frames_sent = self.frames_coalesced = self.bytes_sent = 0
        self._turns = itertools.cycle(range(GROUPS))
        self._full = full
        self._cached: dict[int, bytes] = {}
        self.status: str = json.dumps({"op": "status", "feeds": []})

    def publish(self, frame: Frame | MovingFrame) -> None:
        """Offer a frame to every viewer of its overlay; it is encoded once."""
        self._cached.pop(frame.overlay, None)
        if not self.viewers:
            return
        data = frame.encode()
        for viewer in self.viewers:
            viewer.offer(frame.overlay, data)

    def publish_status(self, status: dict[str, Any]) -> None:
        """Tell every viewer how the feeds are."""
        self.status = json.dumps(status)
        for viewer in self.viewers:
            viewer.offer_status()

    def full(self, overlay: int) -> bytes:
        """Return the encoded frame with all codes of an overlay, made once a tick for all viewers."""
        if overlay not in self._cached:
            frame = self._full(overlay)
            self._cached[overlay] = b"" if frame is None else frame.encode()
        return self._cached[overlay]

    def turn_s(self) -> float:
        """Return how long a new viewer waits for its turn, seconds."""
        return next(self._turns) * TURN_S

    def renew(self, overlays: Iterable[int]) -> None:
        """Forget codes of another version of the city; viewers are told of the version by their pages."""
        self.overlays = frozenset(overlays)
        self._cached.clear()

    def close(self) -> None:
        """Say goodbye to every viewer."""
        for viewer in list(self.viewers):
            viewer.close(1001, "the server stops")


class LiveSocket(WebSocketHandler):
    """One viewer. At most one entry an overlay waits; a second one turns both into the newest full codes."""

    channel: LiveChannel

    def initialize(self, context: ApiContext) -> None:
        """Take the channel; called by tornado for every connection."""
        if context.channel is None:
            raise ValueError("a city without live data has no /live")
        self.channel = context.channel
        self.overlays: frozenset[int] = frozenset()
        self._waiting: dict[int, bytes | None] = {}
        self._status_due = False
        self._turn_s = self.channel.turn_s()
        self._wake = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None

    def check_origin(self, origin: str) -> bool:
        """Allow the server's own pages and the listed sites."""
        host = urlsplit(origin).netloc.lower()
        return bool(host) and (host == self.request.headers.get("Host", "").lower() or host in self.channel.origins)

    def get_compression_options(self) -> dict[str, Any] | None:
        """Leave frames as they are: a few kilobytes of codes are not worth the time."""
        return None

    def open(self, *_args: str, **_kwargs: str) -> None:
        """Send the status; codes follow when the viewer says which overlays it shows."""
        self.set_nodelay(True)
        self.channel.viewers.add(self)
        self._sender = asyncio.create_task(self._send_all())
        self.offer_status()

    def on_message(self, message: str | bytes) -> None:
        """Take ``{"op": "subscribe", "overlays": [1, 2]}``: all codes of these follow, then their changes."""
        if isinstance(message, bytes) or len(message) > LARGEST_REQUEST:
            return
        try:
            request = json.loads(message)
            wanted = frozenset(int(number) for number in request["overlays"]) if request["op"] == "subscribe" else None
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if wanted is not None:
            self.overlays = wanted & self.channel.overlays
            self._waiting = {number: data for number, data in self._waiting.items() if number in self.overlays}
            self._offer_all()

    def on_close(self) -> None:
        """Forget the viewer."""
        self.channel.viewers.discard(self)
        if self._sender is not None:
            self._sender.cancel()

    def offer(self, overlay: int, data: bytes) -> None:
        """Queue a frame; when one of the same overlay waits already, the newest full codes replace both."""
        if overlay not in self.overlays:
            return
        if overlay in self._waiting:
            self.channel.frames_coalesced += 1
            self._waiting[overlay] = None
        else:
            self._waiting[overlay] = data
        self._wake_in_turn()

    def offer_status(self) -> None:
        """Queue the newest status."""
        self._status_due = True
        self._wake_in_turn()

    def _wake_in_turn(self) -> None:
        if self._turn_s:
            asyncio.get_running_loop().call_later(self._turn_s, self._wake.set)
        else:
            self._wake.set()

    def _offer_all(self) -> None:
        self._waiting.update(dict.fromkeys(self.overlays))
        self._wake.set()

    async def _send(self, message: str | bytes) -> None:
        """Write a message; wait only where the viewer does not take it at once."""
        sent = self.write_message(message, binary=isinstance(message, bytes))
        stream = None if self.ws_connection is None else self.ws_connection.stream
        if stream is None or stream.writing():
            await asyncio.wait_for(sent, SEND_SECONDS)
        else:
            await sent

    async def _send_all(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                if self._status_due:
                    self._status_due = False
                    await self._send(self.channel.status)
                while self._waiting:
                    overlay = next(iter(self._waiting))
                    data = self._waiting.pop(overlay) or self.channel.full(overlay)
                    if not data:
                        continue
                    await self._send(data)
                    self.channel.frames_sent += 1
                    self.channel.bytes_sent += len(data)
        except WebSocketClosedError:
            self.channel.viewers.discard(self)
        except TimeoutError:
            _log.warning("a viewer took nothing for %.0f s and was disconnected", SEND_SECONDS)
            self.close(1013, "too slow")
