"""Record a heavy-rain hour as Parquet, replay it as fast as it goes, and count what an overlay shows.

Run it with ``python examples/live_replay.py``; a speed of 60 plays the hour in a minute.
"""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
from dataclasses import replace

import numpy as np

from twin.live import Datastreams, HistoryStore, LiveState, Overlay, OverlayView, RainHour, ReplayFeed
from twin.live.observations import iso_time
from twin.view import ColourScale

BEGIN_MS = 1_782_871_200_000  # 2026-07-01 10:00 in Shanghai
MEANING = {251: "old", 252: "suspect", 253: "no value", 254: "alarm"}


def gauges(count: int = 40) -> Datastreams:
    """Return water level gauges, one an object, that report every minute and warn from 3.6 m on."""
    common = {"observed_property": "water_level", "unit": "m", "high": 3.6, "stale_after_s": 180.0}
    streams = Datastreams.from_records([{"id": f"gauge-{n}", "object": f"bridge-{n}", **common} for n in range(count)])
    return replace(streams, objects=np.arange(count))


async def main(speed: float) -> None:
    """Print the codes of the overlay every ten minutes of the storm."""
    streams = gauges()
    scale = ColourScale("water_level", "m", {"en": "Water level"}, 2.0, 4.2, "water")
    with tempfile.TemporaryDirectory() as folder:
        store = HistoryStore(folder, streams)
        store.append(RainHour(streams).record(BEGIN_MS))
        print(f"recorded {store.flush()[0].name}")
        feed = ReplayFeed.from_url(f"replay:{folder}", streams, speed=speed, step_ms=600_000)
        state = LiveState(streams, clock=feed.clock)
        view = OverlayView(Overlay(1, "water_level", scale, "worst"), state, len(streams))

        def take(batch: np.ndarray) -> None:
            state.apply(batch)
            view.tick(feed.clock())
            print(iso_time(feed.clock()), summary(view.full(feed.clock()).codes))

        await feed.run(take)
    print(state.counts.as_dict())


def summary(codes: np.ndarray) -> str:
    """Return how many objects have a value on the ramp, and how many have none or a special one."""
    special = [f"{(codes == code).sum()} {name}" for code, name in MEANING.items()]
    return ", ".join([f"{((codes > 0) & (codes <= 250)).sum()} on the ramp", *special])


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else math.inf))
