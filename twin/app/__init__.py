"""The app: one server with the explore page, tiles, live data and the HTTP API of a city."""

from __future__ import annotations

from twin.app.demo import demo_live
from twin.app.live import LivePlan
from twin.app.server import RunningServer, ServerOptions, serve, start_in_thread

__all__ = ["LivePlan", "RunningServer", "ServerOptions", "demo_live", "serve", "start_in_thread"]
