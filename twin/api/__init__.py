"""HTTP and WebSocket on the app's own server: tiles, `/live`, the resolver, health and metrics."""

from __future__ import annotations

from twin.api.basemap import BasemapHandler, Basemaps
from twin.api.basemap_config import configured
from twin.api.context import ApiContext, CityHandler
from twin.api.health import HealthHandler, MetricsHandler
from twin.api.live import LiveChannel, LiveSocket
from twin.api.resolver import ResolverHandler
from twin.api.tiles import FolderTiles, MemoryTiles, TileCache, TilesHandler

__all__ = [
    "ApiContext",
    "Basemaps",
    "CityHandler",
    "FolderTiles",
    "LiveChannel",
    "LiveSocket",
    "MemoryTiles",
    "TileCache",
    "configured",
    "patterns",
]


def patterns(context: ApiContext) -> list[tuple[str, type, dict[str, ApiContext]]]:
    """Return the address patterns of a city for a tornado application or Panel's ``extra_patterns``."""
    given = {"context": context}
    found: list[tuple[str, type, dict[str, ApiContext]]] = [
        (r"/tiles/(.*)", TilesHandler, given),
        (r"/basemap/([A-Za-z0-9_-]{1,40})/(\d{1,2})/(\d{1,8})/(\d{1,8})", BasemapHandler, given),
        (r"/id/(.*)", ResolverHandler, given),
        (r"/healthz", HealthHandler, given),
        (r"/metrics", MetricsHandler, given),
    ]
    if context.channel is not None:
        found.append((r"/live", LiveSocket, given))
    return found
