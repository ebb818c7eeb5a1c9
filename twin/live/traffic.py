"""Traffic for demonstrations: cars and buses along the roads of any city, boats on its waterways, drones above.

The same seed and second give the same places everywhere. Everything goes to the end of its line and comes back on the
other side; it is a picture of life in the streets, not a traffic model.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import shapely

from twin.live.feed import FeedStatus
from twin.live.movements import KINDS, Movements
from twin.live.state import wall_clock_ms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes import Scene
    from twin.live.moving_feeds import MovingSink

    Floats = NDArray[np.float64]

EVERY_S = 1.0
LEAST_M = 60.0
_SHARES = (("car", 0.86), ("bus", 0.08), ("truck", 0.06))
_SPEED_M_S = {"car": 11.0, "bus": 8.0, "truck": 9.0, "drone": 14.0}
_SIDE_M = 2.6
_DRONES = 40  # one in so many


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines to move along: (p, 2) points of all, where each begins among them, (n + 1,), and metres along each."""

    points: Floats
    starts: NDArray[np.int64]
    along: Floats

    @classmethod
    def of(cls, scene: Scene, theme: str = "roads") -> Lines:
        """Return the lines of all layers of a theme, without short ones."""
        found: list[Any] = []
        for layer in scene.layers.values():
            if layer.theme == theme and "footprint" in layer.table.column_names:
                shapes = shapely.from_wkb(layer.table["footprint"].to_numpy(zero_copy_only=False))
                parts = shapely.get_parts(shapes[~shapely.is_missing(shapes)])
                found += [each for each in parts if each.geom_type == "LineString" and each.length >= LEAST_M]
        return cls.from_shapes(found)

    @classmethod
    def from_shapes(cls, shapes: list[Any]) -> Lines:
        """Return some shapely lines."""
        parts = [shapely.get_coordinates(each) for each in shapes]
        starts = np.cumsum([0, *map(len, parts)])
        points = np.concatenate([np.zeros((0, 2)), *parts])
        steps = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T) if len(points) else np.zeros(0)
        steps[starts[:-1]] = 0.0
        along = np.cumsum(steps)
        return cls(points, starts, along - np.repeat(along[starts[:-1]], np.diff(starts)))

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.starts) - 1

    @property
    def length_m(self) -> Floats:
        """Length of each line, (n,)."""
        return self.along[self.starts[1:] - 1]

    def at(self, line: NDArray[np.int64], along_m: Floats) -> tuple[Floats, Floats]:
        """Return places, (m, 2), and unit directions, (m, 2), at metres along some lines."""
        offsets = np.concatenate([[0.0], np.cumsum(self.length_m + 1.0)])
        every = self.along + np.repeat(offsets[:-1], np.diff(self.starts))
        right = np.searchsorted(every, offsets[line] + along_m, side="right")
        right = np.clip(right, self.starts[line] + 1, self.starts[line + 1] - 1)
        a, b = self.points[right - 1], self.points[right]
        span = np.maximum(self.along[right] - self.along[right - 1], 1e-9)
        share = ((along_m - self.along[right - 1]) / span)[:, None]
        return a + (b - a) * share, (b - a) / np.maximum(np.hypot(*(b - a).T), 1e-9)[:, None]


@dataclass
class Traffic:
    """A feed of vehicles along the lines of a city.

    Parameters
    ----------
    lines
        Where they go.
    count
        How many there are.
    seed
        Another number gives other vehicles.

    Examples
    --------
    >>> lines = Lines.from_shapes([shapely.LineString([(0, 0), (0, 1000)])])
    >>> moved = Traffic(lines, count=3).at(0.0, 1000)
    >>> len(moved), bool((abs(abs(moved.x) - 2.6) < 1e-6).all())
    (3, True)
    """

    schemes: ClassVar[tuple[str, ...]] = ()

    lines: Lines
    count: int = 400
    seed: int = 7
    name: str = "traffic"
    status: FeedStatus = field(init=False)

    def __post_init__(self) -> None:
        """Give every vehicle its line, kind, speed and place."""
        self.status = FeedStatus(self.name)
        dice = np.random.default_rng(self.seed)
        count = self.count if len(self.lines) else 0
        lengths = self.lines.length_m
        self._line = dice.choice(len(lengths), count, p=lengths / lengths.sum()) if count else np.zeros(0, np.int64)
        names = [name for name, _ in _SHARES]
        kinds = dice.choice(names, count, p=[share for _, share in _SHARES]) if count else np.zeros(0, "U5")
        kinds[::_DRONES] = "drone"
        self._kinds = kinds
        self._speed = np.array([_SPEED_M_S[kind] for kind in kinds], np.float64) * dice.uniform(0.7, 1.25, count)
        self._place = dice.uniform(0.0, 2.0, count) * lengths[self._line]
        self._height = np.where(kinds == "drone", dice.uniform(60.0, 120.0, count), np.nan)
        self._ids = [f"{kind}-{number + 1:04d}" for number, kind in enumerate(kinds)]
        self._codes = np.array([KINDS.index(kind) for kind in kinds], np.uint8)

    def at(self, seconds: float, time_ms: int) -> Movements:
        """Return where everything is at a second, stamped `time_ms`."""
        length = self.lines.length_m[self._line]
        gone = (self._place + self._speed * seconds) % np.maximum(2.0 * length, 1e-9)
        back = gone > length
        along = np.where(back, 2.0 * length - gone, gone)
        places, ahead = self.lines.at(self._line, along)
        ahead = np.where(back[:, None], -ahead, ahead)
        right = np.column_stack([ahead[:, 1], -ahead[:, 0]]) * _SIDE_M
        x, y = (places + right).T
        heading = np.degrees(np.arctan2(ahead[:, 0], ahead[:, 1])) % 360.0
        return Movements(self._ids, time_ms, x, y, self._height, heading, self._speed, kind=self._codes)

    async def move(self, sink: MovingSink) -> None:
        """Report everything once a second until cancelled."""
        loop = asyncio.get_running_loop()
        begin, tick = loop.time(), 0
        self.status.set_connected(True, f"{len(self._ids)} vehicles along {len(self.lines)} lines")
        while True:
            sink(self.at(loop.time() - begin, wall_clock_ms()))
            self.status.messages += 1
            self.status.observations += len(self._ids)
            self.status.last_ms = wall_clock_ms()
            tick += 1
            await asyncio.sleep(max(begin + tick * EVERY_S - loop.time(), 0.0))
