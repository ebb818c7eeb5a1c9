"""Counts the sun at points over a day: total hours, the longest period, and what is left over."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from twin.whatif.sunlight.rays import towards

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.whatif.sunlight.rays import Tracer

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]


@dataclass(eq=False)
class Tally:
    """Adds up steps of equal length at n points; `finish` before reading.

    Parameters
    ----------
    count
        Number of points.
    step_h
        Length of a step in hours.
    min_period_h
        Sunlit periods shorter than this do not enter `total_h` and `longest_h`.
    """

    count: int
    step_h: float
    min_period_h: float = 0.0
    below_steps: int = 0
    steps: int = 0
    _lit: NDArray[np.int32] = field(init=False)
    _shaded: NDArray[np.int32] = field(init=False)
    _run: NDArray[np.int32] = field(init=False)
    _total: NDArray[np.int32] = field(init=False)
    _longest: NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        """Start at zero."""
        self._lit, self._shaded, self._run, self._total, self._longest = (
            np.zeros(self.count, np.int32) for _ in range(5)
        )

    def add(self, lit: NDArray[np.bool_], shaded: NDArray[np.bool_]) -> None:
        """Add one step with the sun above the horizon."""
        self.steps += 1
        self._lit += lit
        self._shaded += shaded
        self._close(self._run > 0, ~lit)
        self._run = np.where(lit, self._run + 1, 0).astype(np.int32)

    def add_night(self) -> None:
        """Add one step with the sun below the horizon."""
        self.steps += 1
        self.below_steps += 1
        self._close(self._run > 0, np.ones(self.count, bool))
        self._run[:] = 0

    def finish(self) -> None:
        """Close the periods that are still open."""
        self._close(self._run > 0, np.ones(self.count, bool))
        self._run[:] = 0

    def _close(self, running: NDArray[np.bool_], ended: NDArray[np.bool_]) -> None:
        least = max(math.ceil(self.min_period_h / self.step_h - 1e-9), 1)
        done = running & ended & (self._run >= least)
        self._total[done] += self._run[done]
        self._longest[done] = np.maximum(self._longest[done], self._run[done])

    @property
    def total_h(self) -> Floats:
        """Hours in all sunlit periods that count."""
        return self._total.astype(np.float64) * self.step_h

    @property
    def longest_h(self) -> Floats:
        """Hours of the longest sunlit period that counts, without a break."""
        return self._longest.astype(np.float64) * self.step_h

    def measure(self, name: str) -> Floats:
        """Return `total_h` for ``"total"``, `longest_h` for ``"longest"``."""
        return self.longest_h if name == "longest" else self.total_h

    def imbalance_h(self) -> float:
        """Return the greatest difference between sunlit + shaded + below the horizon and the whole window."""
        counted = self._lit + self._shaded + self.below_steps
        return float(np.abs(counted - self.steps).max(initial=0) * self.step_h)


def count_hours(
    tracer: Tracer,
    points: tuple[Singles, Singles],
    directions: Floats,
    tally: Tally,
    least_sine: float,
    on_step: Callable[[int], None],
) -> int:
    """Trace a ray from every point that faces the sun at every step into `tally`; return the number of rays.

    Parameters
    ----------
    points
        (n, 3) origins just in front of the surface, and (n, 3) outward unit vectors.
    directions
        (s, 3) unit vectors to the sun; a step with z <= 0 is night.
    least_sine
        Sine of the least angle between ray and surface that counts as sunlit.
    on_step
        Called with the number of each finished step.
    """
    origins, normals = points
    rays = 0
    for number, direction in enumerate(directions):
        if direction[2] <= 0:
            tally.add_night()
        else:
            facing = normals @ direction.astype(np.float32) > least_sine
            seen = np.flatnonzero(facing)
            blocked = tracer.occluded(origins[seen], towards(direction, len(seen)))
            lit, shaded = np.zeros(len(origins), bool), ~facing
            lit[seen], shaded[seen] = ~blocked, blocked
            tally.add(lit, shaded)
            rays += len(seen)
        on_step(number)
    tally.finish()
    return rays
