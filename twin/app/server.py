"""`serve`: one Tornado/Panel server with the page, the tiles, `/live` and everything else of a city."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import signal
import socket
import threading
import webbrowser
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scenes import CityTwinError
from twin.api import ApiContext, Basemaps, FolderTiles, LiveChannel, TileCache, configured, patterns
from twin.app.city import ServedCity, prepare
from twin.app.page import explore, renew
from twin.app.watch import watching
from twin.view.sentences import in_both_languages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from pathlib import Path

    from scenes import Scene
    from twin.app.city import LiveChoice
    from twin.live import LiveHub, Movements

_log = logging.getLogger(__name__)
LARGEST_MESSAGE = 20 * 1024 * 1024
_ALL_ADDRESSES = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # compared with, not bound


@dataclass(frozen=True)
class ServerOptions:
    """How a city is served.

    Parameters
    ----------
    address, port
        Where the server listens; port 0 = any free one.
    language, theme
        ``en`` or ``zh``, ``light`` or ``dark``; empty = what the browser asks for.
    origins
        Other sites (``host:port``) whose pages may connect, such as a notebook server.
    basemaps, config
        Maps to lay under the city (``osm``, ``NAME=ADDRESS``), and a TOML file with more of them in ``[[basemap]]``.
    """

    address: str = "localhost"
    port: int = 0
    language: str = ""
    theme: str = ""
    origins: tuple[str, ...] = ()
    basemaps: tuple[str, ...] = ()
    config: str = ""


@dataclass(eq=False)
class RunningServer:
    """A server that runs: its address, and what it works on."""

    url: str
    port: int
    city: ServedCity
    context: ApiContext
    options: ServerOptions
    loop: asyncio.AbstractEventLoop

    @property
    def hub(self) -> LiveHub | None:
        """The live hub, None in a city without live data."""
        return self.context.hub

    def move(self, moved: Movements) -> None:
        """Show where things that move are, from any thread.

        Raises
        ------
        CityTwinError
            When the city has no live data.
        """
        hub = self.hub
        if hub is None:
            raise CityTwinError(self.city.scene.name, "has no live data", "serve it with a LivePlan")
        self.call_soon(lambda: hub.moving.apply(moved))

    def call_soon(self, work: Callable[[], object]) -> None:
        """Call `work` in the server's event loop, from any thread."""
        self.loop.call_soon_threadsafe(work)


def serve(  # noqa: PLR0913  # the whole choice of a command in one place
    source: Scene | str | Path,
    *,
    port: int = 0,
    address: str = "localhost",
    live: LiveChoice = None,
    language: str = "",
    theme: str = "",
    origins: Sequence[str] = (),
    basemaps: Sequence[str] = (),
    config: str = "",
    open_browser: bool = False,
    on_ready: Callable[[str], object] | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> None:
    """Serve a city until Ctrl+C or SIGTERM.

    Parameters
    ----------
    source
        A scene, or the path of a city package.
    port, address
        Where to listen; port 0 = any free one.
    live
        A `LivePlan`, or addresses of feeds (``"mqtt://broker"``) for the datastreams of the package.
    language, theme
        ``en`` or ``zh``, ``light`` or ``dark``; empty = what the browser asks for.
    origins
        Other sites (``host:port``) whose pages may connect.
    basemaps, config
        Maps to lay under the city, as in `ServerOptions`.
    open_browser
        Opens the page.
    on_ready
        Called with the address as soon as the server answers.
    progress
        Called with a text and a share 0..1 while tiles are made.

    Raises
    ------
    CityTwinError
        When the city cannot be opened, or the port is in use.
    """
    options = ServerOptions(address, port, language, theme, tuple(origins), tuple(basemaps), config)
    with contextlib.closing(prepare(source, live, progress)) as city:
        asyncio.run(_until_signal(city, options, functools.partial(_announce, open_browser, on_ready)))


@contextlib.contextmanager
def start_in_thread(
    source: Scene | str | Path, *, live: LiveChoice = None, options: ServerOptions | None = None
) -> Iterator[RunningServer]:
    """Serve a city from a thread of its own for the length of the block: for notebooks and tests.

    Raises
    ------
    CityTwinError
        When the city cannot be opened, or the port is in use.
    """
    with contextlib.closing(prepare(source, live)) as city:
        thread = _ServerThread(city, options or ServerOptions())
        thread.start()
        try:
            yield thread.wait_ready()
        finally:
            thread.stop()


@contextlib.asynccontextmanager
async def running(city: ServedCity, options: ServerOptions) -> AsyncIterator[RunningServer]:
    """Serve a city in the present event loop for the length of the block.

    Raises
    ------
    CityTwinError
        When the port is in use.
    """
    hub = None if city.service is None else city.service.hub
    origins = {origin.lower() for origin in options.origins}
    channel = None if hub is None else LiveChannel(hub.full, hub.numbers, origins)
    maps = configured(options.basemaps, options.config or None, city.scene)
    basemaps = Basemaps(maps, city.scene) if maps else None
    context = ApiContext(city.scene, TileCache(FolderTiles(city.tiles)), hub, channel, basemaps)
    server = _panel_server(city, context, options)
    port = int(server.port)
    server._tornado.websocket_origins.update(origins | _own_origins(options.address, port))  # noqa: SLF001  # known late
    server.start()
    try:
        async with contextlib.AsyncExitStack() as stack:
            if city.service is not None and channel is not None:
                live = await stack.enter_async_context(city.service.started())
                work = live.run(channel.publish, lambda status: channel.publish_status(in_both_languages(status)))
                task = asyncio.create_task(work, name="live")
                stack.push_async_callback(_cancelled, task)
            if city.package is not None:
                watch = asyncio.create_task(watching(city, lambda scene: _renewed(city, context, scene)), name="watch")
                stack.push_async_callback(_cancelled, watch)
            host = "localhost" if options.address in _ALL_ADDRESSES else options.address
            yield RunningServer(f"http://{host}:{port}/", port, city, context, options, asyncio.get_running_loop())
    finally:
        if channel is not None:
            channel.close()
        if basemaps is not None:
            basemaps.close()
        server.stop(wait=True)


def _renewed(city: ServedCity, context: ApiContext, scene: Scene) -> None:
    """Serve another version of the city from now on, to open pages too."""
    city.renew(scene)
    context.scene = scene
    if context.channel is not None and context.hub is not None:
        context.channel.renew(context.hub.numbers)
    for view in list(city.pages):
        try:
            view.in_session(functools.partial(renew, view, city))
        except Exception:  # noqa: BLE001 - a page that was just closed must not keep the others from hearing of it
            _log.info("a page that is gone was not told of the new version", exc_info=True)


def _panel_server(city: ServedCity, context: ApiContext, options: ServerOptions) -> Any:
    from panel.io.server import get_server  # noqa: PLC0415  # takes seconds

    _check_free(options.address, options.port)

    def page() -> Any:  # Panel calls plain functions once a visitor, and takes anything else for content
        return explore(city, options.language, options.theme, context.basemaps)

    return get_server(
        {"/": page},
        port=options.port,
        address=options.address,
        title=city.scene.name,
        extra_patterns=patterns(context),
        websocket_max_message_size=LARGEST_MESSAGE,
        start=False,
        show=False,
    )


def _check_free(address: str, port: int) -> None:
    """Refuse an address that cannot be listened on; Panel would leave half-open sockets behind."""
    where = f"{address}:{port}"
    try:
        found = socket.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, place in found:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(place)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CityTwinError(where, "the port is in use", "choose another, or 0 for any free one") from error
        raise CityTwinError(where, f"cannot listen there ({error})", "choose another address or port") from error


def _own_origins(address: str, port: int) -> set[str]:
    names = {"localhost", "127.0.0.1"}
    if address in _ALL_ADDRESSES:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        with contextlib.suppress(OSError):
            names |= {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    else:
        names.add(address.lower())
    return {f"{name}:{port}" for name in names}


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _until_signal(city: ServedCity, options: ServerOptions, ready: Callable[[RunningServer], object]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with running(city, options) as server:
        for number in (signal.SIGINT, signal.SIGTERM):  # only now, since Panel brings a handler that stops the loop
            with contextlib.suppress(NotImplementedError, ValueError):
                loop.add_signal_handler(number, stop.set)
        ready(server)
        await stop.wait()


def _announce(open_browser: bool, on_ready: Callable[[str], object] | None, server: RunningServer) -> None:
    if on_ready is not None:
        on_ready(server.url)
    if open_browser:
        webbrowser.open(server.url)


class _ServerThread(threading.Thread):
    """Runs a server in an event loop of its own."""

    def __init__(self, city: ServedCity, options: ServerOptions) -> None:
        super().__init__(name="citytwin server", daemon=True)
        self._city, self._options = city, options
        self._ready = threading.Event()
        self._server: RunningServer | None = None
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001  # handed to the thread that waits
            self._error = error
        finally:
            self._ready.set()

    def wait_ready(self) -> RunningServer:
        self._ready.wait()
        if self._server is None:
            raise self._error or RuntimeError("the server ended before it was ready")
        return self._server

    def stop(self) -> None:
        if self._loop is not None and self._ended is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
        self.join()

    async def _main(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with running(self._city, self._options) as server:
            self._server = server
            self._ready.set()
            await self._ended.wait()
