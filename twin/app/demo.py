"""The live side of the demo city."""

from __future__ import annotations

from pathlib import Path

from scenes import PackageError
from twin.app.live import STREAMS, LivePlan
from twin.live import Datastreams

VEHICLES = 600


def demo_live(package: str | Path, *, seed: int = 7, speed: float = 4.0, vehicles: int = VEHICLES) -> LivePlan:
    """Return the heavy-rain hour on a city's datastreams, and traffic: a broker, a generator, an MQTT feed, vehicles.

    Parameters
    ----------
    package
        A city package with ``streams.parquet``.
    seed
        Another number gives another storm.
    speed
        Storm seconds a second: 4 lets the hour pass in a quarter of one.
    vehicles
        How many move along the roads.

    Raises
    ------
    PackageError
        When the package has no table of datastreams.
    """
    table = Path(package) / STREAMS
    if not table.is_file():
        raise PackageError(package, f"has no {STREAMS}", "make the demo city again with twin demo")
    return LivePlan(Datastreams.read(table), rain_hour_seed=seed, rain_hour_speed=speed, traffic=vehicles)
