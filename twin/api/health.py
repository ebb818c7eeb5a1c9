"""``/healthz`` for whoever watches the server, and ``/metrics`` for Prometheus."""

from __future__ import annotations

import time
from typing import Any

from twin.api.context import ApiContext, CityHandler


class HealthHandler(CityHandler):
    """How the server is, as JSON."""

    def get(self) -> None:
        """Answer 200 as long as the server serves; ``status`` is ``degraded`` while a feed is down."""
        self.set_header("Cache-Control", "no-store")
        self.finish(health(self.context))


class MetricsHandler(CityHandler):
    """Counters in the Prometheus text format."""

    def get(self) -> None:
        """Answer with all metrics."""
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(metrics(self.context))


def health(context: ApiContext) -> dict[str, Any]:
    """Return name, size and epoch of the city, viewers, and the state of the feeds."""
    feeds = [] if context.hub is None else context.hub.status()["feeds"]
    return {
        "status": "degraded" if any(feed["state"] == "down" for feed in feeds) else "ok",
        "city": context.scene.name,
        "objects": len(context.scene),
        "epoch": context.scene.epoch,
        "datastreams": 0 if context.hub is None else len(context.hub.datastreams),
        "viewers": 0 if context.channel is None else len(context.channel.viewers),
        "uptime_s": round(time.time() - context.started_s, 1),
        "feeds": feeds,
    }


def metrics(context: ApiContext) -> str:
    """Return the metrics, one help line each, then the values."""
    lines = _metric("citytwin_objects", "gauge", "Objects in the city.", {"": len(context.scene)})
    answers = {f'status="{status}"': count for status, count in sorted(context.answers.items())}
    lines += _metric("citytwin_http_answers_total", "counter", "HTTP answers by status.", answers)
    tiles = {'outcome="hit"': context.tiles.hits, 'outcome="miss"': context.tiles.misses}
    lines += _metric("citytwin_tile_reads_total", "counter", "Tiles asked for, by what the cache had.", tiles)
    lines += _metric("citytwin_tile_cache_bytes", "gauge", "Memory of the tile cache.", {"": context.tiles.bytes})
    if context.channel is not None:
        channel = context.channel
        lines += _metric("citytwin_viewers", "gauge", "Viewers on /live.", {"": len(channel.viewers)})
        lines += _metric("citytwin_live_frames_total", "counter", "Frames sent to viewers.", {"": channel.frames_sent})
        coalesced = {"": channel.frames_coalesced}
        lines += _metric("citytwin_live_coalesced_total", "counter", "Frames merged for slow viewers.", coalesced)
        lines += _metric("citytwin_live_bytes_total", "counter", "Bytes sent to viewers.", {"": channel.bytes_sent})
    if context.hub is not None:
        counts = {f'outcome="{name}"': count for name, count in context.hub.state.counts.as_dict().items()}
        lines += _metric("citytwin_observations_total", "counter", "Observations by what became of them.", counts)
        up = {f'feed="{feed["name"]}"': int(feed["state"] != "down") for feed in context.hub.status()["feeds"]}
        lines += _metric("citytwin_feed_up", "gauge", "Whether a feed is connected.", up)
        rows = {"": len(context.hub.history)}
        lines += _metric("citytwin_history_rows", "gauge", "Observations kept in memory.", rows)
    return "\n".join(lines) + "\n"


def _metric(name: str, kind: str, help_text: str, values: dict[str, int]) -> list[str]:
    found = [f"{name}{{{labels}}} {value}" if labels else f"{name} {value}" for labels, value in values.items()]
    return [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}", *found]
