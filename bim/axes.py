"""Alignments as numbers: the plan by curvature along its length, the profile by gradient along the plan.

All lengths are metres, all angles radians. The formulas are those of IFC 4.3.2 (ISO 16739-1:2024), 8.9.3: curvature
of the spirals as a function of the length along them. Positions follow by integrating the direction (Gauss-Legendre).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Curvature = Callable[[Floats], Floats]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)
_PANEL_M = 20.0
_PANEL_RAD = 0.2
_MOST_PANELS = 10_000
_ROUNDING = 1.0e-6
_CHORD_ERROR_M = 0.01
_MOST_SAMPLES = 20_000


@dataclass(frozen=True, eq=False)
class Bend:
    """One piece of the plan: from a point in a direction, over a length, with a curvature (positive = to the left).

    Parameters
    ----------
    x_m, y_m, heading_rad
        Where and in which direction it starts, anticlockwise from the x axis.
    length_m
        Its length.
    curvature
        1/m at each length along it; None = straight.

    Examples
    --------
    >>> quarter = Bend(0.0, 0.0, 0.0, 50.0 * math.pi, lambda s: np.full_like(s, 0.01))
    >>> np.round(quarter.at(np.array([50.0 * math.pi])), 6).tolist()
    [[100.0, 100.0, 1.570796]]
    """

    x_m: float
    y_m: float
    heading_rad: float
    length_m: float
    curvature: Curvature | None = None

    def at(self, along_m: Floats) -> Floats:
        """Return (n, 3): x, y and heading at some lengths along the piece; beyond its ends it goes on straight."""
        inside = np.clip(along_m, 0.0, self.length_m)
        beyond = along_m - inside
        if self.curvature is None:
            x, y, heading = inside * 0.0, inside * 0.0, np.full(len(inside), self.heading_rad)
            beyond = along_m
        else:
            starts, headings, places = self._panels
            panel = np.clip(np.searchsorted(starts, inside, "right") - 1, 0, len(starts) - 2)
            heading = headings[panel] + _integral(self.curvature, starts[panel], inside)
            offset = self._moved(starts[panel], headings[panel], inside)
            x, y = (places[panel] + offset).real, (places[panel] + offset).imag
        x = self.x_m + x + beyond * np.cos(heading)
        y = self.y_m + y + beyond * np.sin(heading)
        return np.column_stack([x, y, heading])

    def sharpest(self) -> float:
        """Return the greatest curvature of the piece in 1/m, without its sign."""
        if self.curvature is None:
            return 0.0
        return float(np.abs(self.curvature(np.linspace(0.0, self.length_m, 17))).max())

    @cached_property
    def _panels(self) -> tuple[Floats, Floats, NDArray[np.complex128]]:
        """Lengths along the piece, headings there, and places there relative to the start."""
        turned = self.sharpest() * self.length_m
        count = int(np.clip(math.ceil(max(self.length_m / _PANEL_M, turned / _PANEL_RAD, 1.0)), 1, _MOST_PANELS))
        starts = np.linspace(0.0, self.length_m, count + 1)
        assert self.curvature is not None  # noqa: S101 - straight pieces have no panels
        turns = _integral(self.curvature, starts[:-1], starts[1:])
        headings = self.heading_rad + np.concatenate([[0.0], np.cumsum(turns)])
        steps = self._moved(starts[:-1], headings[:-1], starts[1:])
        return starts, headings, np.concatenate([[0.0], np.cumsum(steps)])

    def _moved(self, start: Floats, heading: Floats, end: Floats) -> NDArray[np.complex128]:
        """Return how far one gets from `start` to `end` within a panel, x + iy."""
        assert self.curvature is not None  # noqa: S101 - straight pieces have no panels
        half = (end - start) / 2
        nodes = (start + half)[:, None] + half[:, None] * _NODES
        turned = _integral(self.curvature, np.repeat(start, len(_NODES)), nodes.ravel()).reshape(nodes.shape)
        return np.asarray(np.exp(1j * (heading[:, None] + turned)) @ _WEIGHTS * half)


@dataclass(frozen=True, slots=True)
class Grade:
    """One piece of the profile: height over the distance along the plan.

    A parabola or cubic by its terms, or an arc of a circle by its radius (positive = sag), never both.
    """

    start_m: float
    length_m: float
    height_m: float
    gradient: float
    quadratic: float = 0.0
    cubic: float = 0.0
    radius_m: float = 0.0

    def at(self, distance_m: Floats) -> Floats:
        """Return the heights at some distances along the plan."""
        x = distance_m - self.start_m
        if not self.radius_m:
            return self.height_m + x * (self.gradient + x * (self.quadratic + x * self.cubic))
        first = math.atan(self.gradient)
        sine = np.clip(math.sin(first) + x / self.radius_m, -1.0, 1.0)
        return np.asarray(self.height_m + self.radius_m * (math.cos(first) - np.sqrt(1.0 - sine**2)))

    def sharpest(self) -> float:
        """Return the greatest change of gradient in 1/m, without its sign."""
        if self.radius_m:
            return 1.0 / abs(self.radius_m)
        return max(abs(2 * self.quadratic), abs(2 * self.quadratic + 6 * self.cubic * self.length_m))


@dataclass(frozen=True, eq=False)
class Axis:
    """A line in space along which things are placed: a plan, and heights over it.

    Parameters
    ----------
    bends
        The pieces of the plan, one behind the other.
    grades
        The pieces of the profile by their starts; none = the height is zero.
    """

    bends: Sequence[Bend]
    grades: Sequence[Grade] = ()
    _starts: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Sum up the lengths."""
        lengths = [bend.length_m for bend in self.bends]
        object.__setattr__(self, "_starts", np.concatenate([[0.0], np.cumsum(lengths)]).astype(float))

    @property
    def length_m(self) -> float:
        """Length of the plan."""
        return float(self._starts[-1])

    def at(self, distance_m: ArrayLike) -> Floats:
        """Return (n, 4): x, y, height and heading at some distances along the plan."""
        distance = np.atleast_1d(np.asarray(distance_m, dtype=np.float64))
        found = np.zeros((len(distance), 4))
        which = np.clip(np.searchsorted(self._starts, distance, "right") - 1, 0, len(self.bends) - 1)
        for piece in np.unique(which):
            mine = which == piece
            found[mine] = self.bends[piece].at(distance[mine] - self._starts[piece])[:, [0, 1, 1, 2]]
        found[:, 2] = self.heights(distance)
        return found

    def heights(self, distance_m: Floats) -> Floats:
        """Return the heights at some distances along the plan; beyond the ends the first and last piece go on."""
        if not self.grades:
            return np.zeros(len(distance_m))
        starts = np.array([grade.start_m for grade in self.grades])
        which = np.clip(np.searchsorted(starts, distance_m, "right") - 1, 0, len(self.grades) - 1)
        found = np.zeros(len(distance_m))
        for piece in np.unique(which):
            mine = which == piece
            found[mine] = self.grades[piece].at(distance_m[mine])
        return found

    def placed(self, distance_m: float, left_m: float = 0.0, up_m: float = 0.0) -> tuple[Floats, float]:
        """Return the (3,) point at a distance with offsets to the left and upwards, and the heading there."""
        x, y, z, heading = self.at(distance_m)[0]
        point = np.array([x - left_m * math.sin(heading), y + left_m * math.cos(heading), z + up_m])
        return point, float(heading)

    def sampled(self) -> Floats:
        """Return (n, 3) points along the axis that a polyline may join with an error below a centimetre."""
        edges = [*self._starts, *(grade.start_m for grade in self.grades)]
        breaks = np.unique(np.clip(edges, 0.0, self.length_m))
        parts = [
            np.linspace(first, last, self._steps(first, last), endpoint=False)
            for first, last in itertools.pairwise(breaks)
        ]
        distances = np.concatenate([*parts, breaks[-1:]])
        if len(distances) > _MOST_SAMPLES:
            distances = np.linspace(0.0, self.length_m, _MOST_SAMPLES)
        return self.at(distances)[:, :3]

    def _steps(self, first: float, last: float) -> int:
        middle = (first + last) / 2
        bend = self.bends[int(np.clip(np.searchsorted(self._starts, middle, "right") - 1, 0, len(self.bends) - 1))]
        sharp = bend.sharpest()
        if self.grades:
            starts = [grade.start_m for grade in self.grades]
            sharp += self.grades[max(int(np.searchsorted(starts, middle, "right")) - 1, 0)].sharpest()
        if sharp <= 0.0:
            return 1
        step = math.sqrt(8.0 * _CHORD_ERROR_M / sharp)
        return int(np.clip(math.ceil((last - first) / step - _ROUNDING), 1, _MOST_SAMPLES))


def spiral(kind: str, length_m: float, start_per_m: float, end_per_m: float, sway: float = 0.0) -> Curvature | None:
    """Return the curvature along a transition curve between two curvatures, None for a kind that is not known.

    Parameters
    ----------
    kind
        As in ``IfcAlignmentHorizontalSegmentTypeEnum``.
    length_m
        Its length.
    start_per_m, end_per_m
        Curvature at its ends, 1/m, positive to the left.
    sway
        Only for VIENNESEBEND: height of the centre of gravity over the length, times the change of the cant angle.

    Examples
    --------
    >>> spiral("CLOTHOID", 100.0, 0.0, 0.002)(np.array([50.0])).tolist()
    [0.001]
    """
    change = end_per_m - start_per_m
    if kind == "CUBIC":
        return cubic_parabola(length_m, start_per_m, end_per_m)
    if kind == "HELMERTCURVE":
        return lambda s: start_per_m + change * _helmert(s / length_m)
    if kind == "COSINECURVE":
        return lambda s: start_per_m + change * (1.0 - np.cos(math.pi * s / length_m)) / 2.0
    if kind == "SINECURVE":
        return lambda s: start_per_m + change * (s / length_m - np.sin(math.tau * s / length_m) / math.tau)
    pull = -420.0 * sway / length_m if length_m else 0.0
    terms = {
        "LINE": [0.0],
        "CIRCULARARC": [start_per_m],
        "CLOTHOID": [start_per_m, change],
        "BLOSSCURVE": [start_per_m, 0.0, 3.0 * change, -2.0 * change],
        "VIENNESEBEND": [
            start_per_m,
            0.0,
            pull,
            -4.0 * pull,
            5.0 * pull + 35.0 * change,
            -2.0 * pull - 84.0 * change,
            70.0 * change,
            -20.0 * change,
        ],
    }.get(kind)
    if terms is None:
        return None
    return polynomial([term / length_m**power if length_m else term for power, term in enumerate(terms)])


def polynomial(terms: Sequence[float]) -> Curvature:
    """Return a curvature that is a polynomial of the length along the curve."""
    return lambda s: np.polynomial.polynomial.polyval(s, terms) + np.zeros_like(s)


def cubic_parabola(length_m: float, start_per_m: float, end_per_m: float) -> Curvature:
    """Return the curvature along y = x^3 / (6 R L), as a function of the length along it."""
    change = end_per_m - start_per_m
    if not change or not length_m:
        return polynomial([start_per_m])
    term = change / (6.0 * length_m)
    first = start_per_m / (6.0 * term)
    x = np.linspace(first, first + length_m, 4097)
    slope = 3.0 * term * x**2
    speed = np.sqrt(1.0 + slope**2)
    along = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2 * np.diff(x))])
    bent = 6.0 * term * x / speed**3
    return lambda s: np.interp(s, along, bent)


def _helmert(t: Floats) -> Floats:
    return np.where(t < 0.5, 2.0 * t**2, -2.0 * t**2 + 4.0 * t - 1.0)


def _integral(function: Curvature, start: Floats, end: Floats) -> Floats:
    """Return the integral of a function over each interval, for n intervals at once."""
    half = (end - start) / 2
    nodes = (start + half)[:, None] + half[:, None] * _NODES
    return np.asarray(function(nodes) @ _WEIGHTS * half)
