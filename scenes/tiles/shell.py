"""Which objects of a building can be seen from outside: far away, a building model is its shell.

The model is looked at in parallel projection from all around and from above. Points on all surfaces fall into the
pixels of each picture; those that lie nearest there are seen. An object belongs to the shell where a good part of its
surfaces, as far as they are turned towards or away from the eye, is seen from some side: a wall behind a window is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenes.tiles.content import Content, Floats, Longs

PIXELS = 160  # along the longest side
LEAST_M = 0.2  # of a pixel
LEAST_OBJECTS = 50  # fewer are not worth the look
SEEN_SHARE = 0.15  # of the front and the back of an object together
_MOST_SAMPLES = 600_000
_DENSITY = 1.5  # samples along the side of a pixel
_FINEST = 512  # steps along the side of a triangle at most
_STEPS = np.unique(np.ceil(np.geomspace(1, _FINEST, 28)).astype(np.int64))
_AT_ONCE = 2_000_000
_VIEWS = [(0.25 * np.pi * (turn + 0.5 * lift), 0.7 * lift) for lift in (0, 1) for turn in range(8)] + [(0.0, np.pi / 2)]


@dataclass(frozen=True, eq=False, slots=True)
class _Samples:
    """Points on surfaces: (n,) number of the object, (n, 3) place, (n, 3) normal of the surface."""

    owners: Longs
    points: Floats
    normals: Floats

    @classmethod
    def joined(cls, parts: list[_Samples]) -> _Samples:
        if not parts:
            return cls(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 3)))
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


def seen_from_outside(content: Content) -> tuple[Floats, tuple[Floats, ...]]:
    """Return how much of each object of a content is seen from outside, (o,), and of each of its placements, (i,).

    It is the share of its front and its back together, by area in the picture from the side where it is greatest: a
    half for a thick wall that stands free, `SEEN_SHARE` for what belongs to the shell.
    """
    samples, size = _all_samples(content)
    starts = np.cumsum([0, len(content.handles), *(len(each) for each in content.placements)])
    share = np.zeros(int(starts[-1]))
    for azimuth, altitude in _VIEWS if len(samples.points) else ():
        np.maximum(share, _shown(samples, (azimuth, altitude), size, len(share)), out=share)
    parts = np.split(share, starts[1:-1])
    return parts[0], tuple(parts[1:])


def _all_samples(content: Content) -> tuple[_Samples, float]:
    """Return points on everything, objects first and then placements, and the side of a pixel."""
    bounds = content.bounds()
    if bounds is None:
        return _Samples.joined([]), LEAST_M
    area = _area(content.positions, content.triangles)
    for each in content.placements:
        stretch = float((np.abs(each.scales.astype(np.float64)).max(axis=1, initial=0.0) ** 2).sum())
        area += stretch * _area(each.prototype.positions, each.prototype.triangles)
    size = max(float((bounds[1] - bounds[0]).max()) / PIXELS, LEAST_M, _DENSITY * float(np.sqrt(area / _MOST_SAMPLES)))
    found = list(_samples(content.positions, content.triangles, content.owners, size))
    first = len(content.handles)
    for each in content.placements:
        body, corners = each.prototype.positions_m, each.prototype.triangles.astype(np.int64)
        for part in _samples(body, corners, np.zeros(len(body), np.int64), size):
            owners = np.repeat(np.arange(first, first + len(each)), len(part.points))
            places, normals = each.placed(part.points), each.turned(part.normals)
            found.append(_Samples(owners, places.reshape(-1, 3), normals.reshape(-1, 3)))
        first += len(each)
    return _Samples.joined(found), size


def _crossed(positions: NDArray[np.floating], triangles: NDArray[np.integer]) -> Floats:
    """Return the normals of triangles, as long as twice their area, (t, 3)."""
    a, b, c = (positions.take(triangles[:, corner], axis=0).astype(np.float64) for corner in range(3))
    return cast("Floats", np.cross(b - a, c - a))


def _area(positions: NDArray[np.floating], triangles: NDArray[np.integer]) -> float:
    return float(np.linalg.norm(_crossed(positions, triangles), axis=1).sum()) / 2


def _samples(positions: NDArray[np.floating], triangles: Longs, owners: Longs, size_m: float) -> Iterator[_Samples]:
    """Yield points on triangles, less than a pixel apart; normals are as long as the area that a point stands for.

    They lie on lines parallel to the longest side, as many on each, so that slivers take few.
    """
    if not len(triangles):
        return
    corners = positions.take(triangles, axis=0).astype(np.float64)
    sides = np.linalg.norm(np.roll(corners, -1, axis=1) - corners, axis=2)
    longest = sides.argmax(axis=1)
    corners = np.take_along_axis(corners, ((longest[:, None] + np.arange(3)) % 3)[:, :, None], axis=1)
    normals, of = _crossed(positions, triangles), owners.take(triangles[:, 0])
    base = sides.max(axis=1)
    height = np.linalg.norm(normals, axis=1) / np.maximum(base, 1e-9)
    along, across = (_steps(_DENSITY * each / size_m) for each in (base, height))
    for kind in np.unique(along * (_FINEST * 2) + across).tolist():
        wide, high = divmod(kind, _FINEST * 2)
        mine = np.flatnonzero((along == wide) & (across == high))
        s, t = (each.ravel() for each in np.meshgrid(np.arange(wide + 1) / wide, np.arange(high) / high))
        weights = np.stack([(1 - t) * (1 - s), (1 - t) * s, t], axis=1)
        share = (1 - t) / (1 - t).sum()
        chunk = max(1, _AT_ONCE // len(weights))
        for start in range(0, len(mine), chunk):
            part = mine[start : start + chunk]
            points = np.einsum("wc,tcd->twd", weights, corners[part]).reshape(-1, 3)
            areas = (normals[part][:, None, :] * share[None, :, None]).reshape(-1, 3)
            yield _Samples(np.repeat(of[part], len(weights)), points, areas)


def _steps(wanted: Floats) -> Longs:
    """Return numbers of steps, rounded up to few different ones."""
    return _STEPS.take(np.searchsorted(_STEPS, np.minimum(wanted, _FINEST)))


def _shown(samples: _Samples, view: tuple[float, float], size_m: float, count: int) -> Floats:
    """Return the share of each object that is seen from one side, (count,), by area in the picture."""
    sin, cos = np.sin(view), np.cos(view)
    eye = np.array([cos[0] * cos[1], sin[0] * cos[1], sin[1]])
    across = samples.points @ np.array([-sin[0], cos[0], 0.0])
    up = samples.points @ np.array([-cos[0] * sin[1], -sin[0] * sin[1], cos[1]])
    depth = -(samples.points @ eye)  # least where it is nearest to the eye
    column, row = (((each - each.min()) / size_m).astype(np.int64) for each in (across, up))
    width = int(column.max()) + 1
    pixel = row * width + column
    nearest = np.full((int(row.max()) + 1) * width, np.inf)
    np.minimum.at(nearest, pixel, depth)
    weight = np.abs(samples.normals @ eye)
    total = np.bincount(samples.owners, weight, minlength=count)
    seen = np.bincount(samples.owners, weight * (depth <= nearest.take(pixel) + size_m), minlength=count)
    return seen / np.where(total > 0, total, 1.0)
