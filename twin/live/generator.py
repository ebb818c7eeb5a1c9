"""A heavy-rain hour for datastreams of any city: the same seed and second give the same values everywhere.

Rain falls in a burst after the Chicago design storm; water levels follow it late, roads slow down, air gets cleaner,
pumps and homes draw more power. It is a demonstration of the live path, not a hydraulic model.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from twin.live.observations import GOOD, SUSPECT, rows
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.live.datastreams import Datastreams
    from twin.live.mqtt import Publisher

    Floats = NDArray[np.float64]

HOUR_S = 3600.0
PEAK_S = 1500.0
STEP_S = 10.0


def storm(seconds: Floats | float) -> Floats:
    """Return the share (0..1) of the strongest rain at seconds into the hour.

    Shaped like a Chicago hyetograph: it falls with a power of the time from the peak, faster before it.

    Examples
    --------
    >>> float(storm(PEAK_S)), bool(storm(0.0) < 0.2)
    (1.0, True)
    """
    seconds = np.asarray(seconds, np.float64)
    away = np.where(seconds < PEAK_S, (PEAK_S - seconds) / 0.42, (seconds - PEAK_S) / 0.58)
    wet = (seconds > 120.0) & (seconds < HOUR_S)
    return np.asarray(np.where(wet, (1.0 + away / 1400.0) ** -3.0, 0.0))


def runoff(seconds: Floats | float, lag_s: Floats | float) -> Floats:
    """Return the share (0..1) of the highest water at seconds into the hour: the storm, `lag_s` later and smoother."""
    lag = np.asarray(lag_s, np.float64)
    past = np.linspace(0.0, 3.0, 13)
    weights = past * np.exp(-past)
    shape = np.asarray(seconds, np.float64)[..., None] - past * lag[..., None]
    return np.asarray(np.minimum(storm(shape) @ weights / weights.sum() * 1.9, 1.0))


@dataclass(frozen=True)
class Behaviour:
    """How a kind of measurement goes through the hour: dry value, change at the height of the storm, noise.

    `spread` is the share by which the dry values of single datastreams differ.
    """

    words: tuple[str, ...]
    calm: float
    swing: float
    noise: float
    follows: str = "runoff"
    spread: float = 0.1


BEHAVIOURS = (
    Behaviour(("rain", "precipitation"), 0.0, 110.0, 3.0, "storm"),
    Behaviour(("water_level", "river", "tide"), 2.6, 1.1, 0.01),
    Behaviour(("level", "depth"), 0.25, 2.2, 0.02),
    Behaviour(("flow", "discharge"), 0.05, 1.4, 0.02),
    Behaviour(("speed",), 46.0, -38.0, 2.5, "storm", 0.2),
    Behaviour(("traffic", "vehicle"), 35.0, 40.0, 3.0, "storm", 0.3),
    Behaviour(("pm25", "pm2.5", "pm10"), 58.0, -38.0, 1.5, spread=0.25),
    Behaviour(("no2",), 42.0, -26.0, 1.2, spread=0.25),
    Behaviour(("co2",), 640.0, 60.0, 18.0, spread=0.25),
    Behaviour(("humidity",), 68.0, 29.0, 0.8),
    Behaviour(("air_temperature",), 29.0, -4.5, 0.15, spread=0.02),
    Behaviour(("temperature",), 25.0, -0.6, 0.08, spread=0.06),
    Behaviour(("energy", "power", "electric"), 240.0, 60.0, 6.0, spread=0.85),
    Behaviour(("wind",), 3.0, 9.0, 0.7, "storm"),
    Behaviour(("people", "pedestrian", "occup"), 120.0, -80.0, 4.0, "storm", 0.6),
    Behaviour(("noise",), 55.0, 12.0, 1.0, "storm"),
)
OTHER = Behaviour((), 50.0, 20.0, 1.0)


@dataclass(frozen=True)
class RainHour:
    """Values of every datastream at any second of the hour.

    Parameters
    ----------
    datastreams
        What is measured; the observed property decides the behaviour, the limits scale it where there are some.
    seed
        Other seeds give other places of heavy rain, delays and noise.

    Examples
    --------
    >>> from twin.live.datastreams import Datastreams
    >>> streams = Datastreams.from_records([{"id": "g", "observed_property": "rainfall_intensity", "unit": "mm/h"}])
    >>> hour = RainHour(streams, seed=1)
    >>> bool(hour.values(PEAK_S)[0] > 30 > hour.values(0.0)[0])
    True
    """

    datastreams: Datastreams
    seed: int = 7
    _kind: list[Behaviour] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Choose the behaviour of every datastream."""
        names = [(name or "").lower() for name in self.datastreams.table["observed_property"].to_pylist()]
        object.__setattr__(self, "_kind", [_behaviour(name) for name in names])

    @cached_property
    def _dice(self) -> Floats:
        """(n, 6) numbers 0..1 that belong to the id, so that a datastream keeps its character in any table."""
        return np.array([_dice(f"{self.seed}:{each}") for each in self.datastreams.ids]).reshape(-1, 6)

    @cached_property
    def _shape(self) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
        kinds = self._kind
        calm = np.array([kind.calm for kind in kinds], np.float64)
        swing = np.array([kind.swing for kind in kinds], np.float64)
        noise = np.array([kind.noise for kind in kinds], np.float64)
        high = self.datastreams.high.astype(np.float64)
        limited = np.isfinite(high) & (swing > calm) & (high > 0)
        scale = np.where(limited, np.where(limited, high, 1.0) / np.maximum(calm + 0.9 * swing, 1e-9), 1.0)
        own = 1.0 + np.array([kind.spread for kind in kinds], np.float64) * (2.0 * self._dice[:, 4] - 1.0)
        direct = np.array([kind.follows == "storm" for kind in kinds], bool)
        return calm * scale * own, swing * scale, noise * scale, direct

    def values(self, seconds: float) -> NDArray[np.float32]:
        """Return (n,) values at a second of the hour; the hour repeats."""
        seconds = float(seconds) % HOUR_S
        dice = self._dice
        calm, swing, noise, direct = self._shape
        local = seconds - 180.0 * (dice[:, 0] - 0.5)
        share = np.where(direct, storm(local), runoff(local, 180.0 + 420.0 * dice[:, 1]))
        ripple = np.sin(2 * np.pi * (seconds / (37.0 + 50.0 * dice[:, 2]) + dice[:, 3])) + 0.5 * np.sin(
            2 * np.pi * (seconds / (11.0 + 9.0 * dice[:, 4]) + dice[:, 5])
        )
        change = swing * (0.55 + 0.55 * dice[:, 1]) * share
        values = calm + change + noise * ripple / 1.5 * np.where(direct, share + 0.05, 1.0)
        return np.maximum(values, 0.0).astype(np.float32)

    def quality(self, seconds: float) -> NDArray[np.uint8]:
        """Return (n,) qualities: one datastream in a hundred is suspect while the storm is at its height."""
        share = float(storm(float(seconds) % HOUR_S))
        shaky = (self._dice[:, 5] < 0.01) & (share > 0.4)
        return np.where(shaky, SUSPECT, GOOD).astype(np.uint8)

    def batch(self, seconds: float, time_ms: int, handles: NDArray[np.int64] | None = None) -> NDArray[np.void]:
        """Return the observations of some datastreams (default all) at a second of the hour, stamped `time_ms`."""
        chosen = np.arange(len(self.datastreams)) if handles is None else handles
        return rows(chosen, time_ms, self.values(seconds)[chosen], self.quality(seconds)[chosen])

    def record(self, start_ms: int, step_s: float = 60.0) -> NDArray[np.void]:
        """Return the whole hour as one batch, a step every `step_s`, for a replay or for tests."""
        steps = np.arange(0.0, HOUR_S, step_s)
        return np.concatenate([self.batch(step, start_ms + int(step * 1000)) for step in steps])


async def publish(
    hour: RainHour,
    publisher: Publisher,
    *,
    speed: float = 1.0,
    step_s: float = STEP_S,
    start_s: float = 900.0,
    clock: Callable[[], int] = wall_clock_ms,
) -> None:
    """Publish the hour over MQTT until cancelled, every datastream once in `step_s`, spread over the seconds.

    Rain and water come as SensorThings JSON, everything else as packed rows, so that both ways stay in use.

    Parameters
    ----------
    speed
        Storm seconds a second; observations carry the real time of their sending.
    start_s
        Second of the hour to begin with.
    """
    loop = asyncio.get_running_loop()
    begin = loop.time()
    ticks = max(int(step_s), 1)
    tick = 0
    texts = np.array(["rain" in (name or "") for name in hour.datastreams.table["observed_property"].to_pylist()], bool)
    every = np.arange(len(hour.datastreams))
    while True:
        seconds = start_s + (loop.time() - begin) * speed
        due = every if tick == 0 else every[every % ticks == tick % ticks]
        for handles, send in ((due[texts[due]], publisher.sensorthings), (due[~texts[due]], publisher.packed)):
            for part in np.array_split(handles, max(1, -(-len(handles) // 1000))):
                if len(part):
                    await send(hour.batch(seconds, clock(), part))
        tick += 1
        await asyncio.sleep(max(begin + tick * step_s / ticks - loop.time(), 0.0))


def _behaviour(observed_property: str) -> Behaviour:
    found = (kind for kind in BEHAVIOURS if any(word in observed_property for word in kind.words))
    return next(found, OTHER)


def _dice(text: str) -> list[float]:
    digest = hashlib.blake2b(text.encode(), digest_size=24).digest()
    return [int.from_bytes(digest[place : place + 4], "little") / 2**32 for place in range(0, 24, 4)]
