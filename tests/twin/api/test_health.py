"""What an operator watches."""

from __future__ import annotations

import json
import re
from typing import Any

from twin.live import Datastreams, MqttFeed, rows
from twin.live.mqtt import Broker
from twin.live.state import wall_clock_ms


async def test_health_names_the_city_and_its_size(site: Any) -> None:
    answer = await site.get("/healthz")
    found = json.loads(answer.body)
    assert answer.code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (found["status"], found["city"], found["objects"], found["datastreams"]) == ("ok", "test city", 6, 2)


async def test_a_feed_that_is_down_shows(site: Any) -> None:
    site.hub.feeds = [MqttFeed(Broker("nowhere"), Datastreams.from_records([]))]
    found = json.loads((await site.get("/healthz")).body)
    assert found["status"] == "degraded"
    assert found["feeds"][0]["state"] == "down"
    assert 'citytwin_feed_up{feed="mqtt"} 0' in (await site.get("/metrics")).body.decode()


async def test_metrics_count_what_happened(site: Any) -> None:
    site.hub.state.apply(rows([0, 0, 9], wall_clock_ms(), [1.0, 1.0, 1.0]))
    await site.get("/tiles/buildings/0.glb")
    await site.get("/tiles/buildings/0.glb")
    await site.get("/tiles/none.json")
    answer = await site.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = answer.body.decode().splitlines()
    for line in (
        'citytwin_observations_total{outcome="received"} 3',
        'citytwin_observations_total{outcome="applied"} 1',
        'citytwin_observations_total{outcome="duplicate"} 1',
        'citytwin_observations_total{outcome="unknown"} 1',
        'citytwin_tile_reads_total{outcome="hit"} 1',
        'citytwin_tile_reads_total{outcome="miss"} 1',
        'citytwin_http_answers_total{status="404"} 1',
        "citytwin_objects 6",
    ):
        assert line in lines
    sample = re.compile(r'(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"\})? \d+)')
    assert all(sample.fullmatch(line) for line in lines)
