"""What the handlers work on, and the manners that all of them share."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError, RequestHandler

if TYPE_CHECKING:
    from scenes import Scene
    from twin.api.basemap import Basemaps
    from twin.api.live import LiveChannel
    from twin.api.tiles import TileCache
    from twin.live import LiveHub


@dataclass(eq=False)
class ApiContext:
    """One city as the handlers see it.

    Parameters
    ----------
    scene
        The city.
    tiles
        Its published tiles.
    hub, channel
        Its live data and the channel to the viewers; None = a city without.
    basemaps
        Its base maps; None = a city without.
    """

    scene: Scene
    tiles: TileCache
    hub: LiveHub | None = None
    channel: LiveChannel | None = None
    basemaps: Basemaps | None = None
    started_s: float = field(default_factory=time.time)
    answers: Counter[int] = field(default_factory=Counter)


class CityHandler(RequestHandler):
    """A handler that knows the city, and whose errors are one JSON sentence."""

    context: ApiContext

    def initialize(self, context: ApiContext) -> None:
        """Take the city; called by tornado for every request."""
        self.context = context

    def set_default_headers(self) -> None:
        """Keep browsers from guessing types."""
        self.set_header("X-Content-Type-Options", "nosniff")

    def on_finish(self) -> None:
        """Count the answer."""
        self.context.answers[self.get_status()] += 1

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with one JSON sentence instead of a page with a trace."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        message = error.log_message % error.args if isinstance(error, HTTPError) and error.log_message else None
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish({"error": message or self._reason, "status": status_code})
