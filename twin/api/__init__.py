"""HTTP and WebSocket on the app's own server: tiles, `/live`, the resolver, health and metrics."""

from __future__ import annotations

from twin.api.context import ApiContext, CityHandler
from twin.api.health import HealthHandler, MetricsHandler
from twin.api.live import LiveChannel, LiveSocket
from twin.api.resolver import ResolverHandler
from twin.api.tiles import FolderTiles, MemoryTiles, TileCache, TilesHandler

__all__ = [
    "ApiContext",
    "CityHandler",
    "FolderTiles",
    "LiveChannel",
    "LiveSocket",
    "MemoryTiles",
    "TileCache",
    "patterns",
]


def patterns(context: ApiContext) -> list[tuple[str, type, dict[str, ApiContext]]]:
    """Return the address patterns of a city for a tornado application or Panel's ``extra_patterns``."""
    given = {"context": context}
    found: list[tuple[str, type, dict[str, ApiContext]]] = [
        (r"/tiles/(.*)", TilesHandler, given),
        (r"/id/(.*)", ResolverHandler, given),
        (r"/healthz", HealthHandler, given),
        (r"/metrics", MetricsHandler, given),
    ]
    if context.channel is not None:
        found.append((r"/live", LiveSocket, given))
    return found
