"""Roads seen from far away: ribbons that are narrower than a pixel become lines along their middle.

The line runs through the middles of the edges that two triangles share (the chordal axis: Prasad 1997, "Morphological
analysis of shapes"), and straight ribbons become one segment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import shapely

from scenes.tiles.boxes import level_areas
from scenes.tiles.content import by_owner, merged

if TYPE_CHECKING:
    from scenes.tiles.content import Bools, Content, Floats, Longs

SLENDER = 3.0
"""A ribbon is at least this many times as long as it is wide."""

_BENT = 0.5  # of the narrowest width that is drawn: straight ribbons may be bent by this


def with_centre_lines(content: Content, narrow_m: float) -> Content:
    """Return a content whose ribbons narrower than a width, in metres, are lines; `errors` grow by half their width.

    Objects with images, and those that are lines or points already, stay as they are.
    """
    count = len(content.handles)
    triangles = np.bincount(content.owners[content.triangles[:, 0]], minlength=count)
    if content.paint is not None or not triangles.any():
        return content
    ribbon = (triangles > 0) & (triangles == content.costs())
    if not ribbon.all():
        ribbons = with_centre_lines(content.selected(ribbon), narrow_m)
        whole = merged([content.selected(~ribbon), ribbons], content.centre)
        return replace(whole, placements=content.placements, error_m=content.error_m)
    lines = chordal_axes(content)
    if len(np.unique(lines.owners)) < count:  # some have no surface to speak of
        return content
    length = _lengths(lines)
    width = level_areas(content) / np.maximum(length, 1e-6)
    slender = (length > 0) & (width < narrow_m) & (length > SLENDER * width) & _covers(lines, content, width)
    if not slender.any():
        return content
    reach = _reaches(lines)
    straight = slender & (reach.bent_m <= _BENT * narrow_m)
    parts = [content.selected(~slender), lines.selected(slender & ~straight), _segments(lines, reach, straight)]
    whole = merged(parts, content.centre)
    errors = whole.errors.copy()
    errors[slender] += (width / 2 + np.where(straight, reach.bent_m / 2, 0.0))[slender]
    return replace(whole, errors=errors, placements=content.placements, error_m=content.error_m)


def missed_m(content: Content, keep: Bools) -> Floats:
    """Return how much is missed of each object if only some are kept, (o,) metres.

    That is how far its farthest point is from one that is kept, where ends and middles of lines count as points, and at
    most its size.
    """
    ends = content.positions[content.lines].astype(np.float64)
    of = content.owners[content.lines[:, 0]]
    places = np.concatenate([content.positions.astype(np.float64), ends.mean(axis=1)])[:, :2]
    owners = np.concatenate([content.owners, of])
    kept = keep[owners]
    if not kept.any():
        return content.sizes
    others = places[~kept]
    (which, _), away = shapely.STRtree(shapely.points(places[kept])).query_nearest(
        shapely.points(others), return_distance=True, all_matches=False
    )
    missed = np.zeros(len(content.handles))
    np.maximum.at(missed, owners[~kept][which], away)
    return np.where(keep, 0.0, np.minimum(missed, content.sizes))


def chordal_axes(content: Content) -> Content:
    """Return a content with the lines along the middle of the triangles of each object instead of these."""
    corners = content.triangles
    sides = np.stack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]], axis=1).reshape(-1, 2)
    sides = np.sort(sides, axis=1)
    _, first, edge, count = np.unique(
        sides[:, 0] * len(content.positions) + sides[:, 1], return_index=True, return_inverse=True, return_counts=True
    )
    ends = sides[first]
    middles = content.positions[ends].mean(axis=1, dtype=np.float64)
    length = np.linalg.norm(np.diff(content.positions[ends].astype(np.float64), axis=1)[:, 0], axis=1)
    edge = edge.reshape(-1, 3)
    shared = (count == 2)[edge]
    inner = shared.sum(axis=1)
    centres = content.positions[corners].mean(axis=1, dtype=np.float64)
    lines = _through(edge, shared, inner, np.where(shared, np.inf, length[edge]), len(middles))
    places = np.concatenate([middles, centres])
    owners = np.concatenate([content.owners[ends[:, 0]], content.owners[corners[:, 0]]])
    used = np.unique(lines)
    renumber = np.zeros(len(places), np.int64)
    renumber[used] = np.arange(len(used))
    sources = np.concatenate([ends[:, 0], corners[:, 0]])[used]
    return by_owner(
        replace(
            content,
            positions=places[used].astype(np.float32),
            owners=owners[used],
            triangles=np.zeros((0, 3), np.int64),
            lines=renumber[lines],
            points=np.zeros(0, np.int64),
            colours=content.colours[sources],
            normals=None,
            sizes=np.full(len(content.handles), np.nan),
            placements=(),
        )
    )


def _through(edge: Longs, shared: Bools, inner: Longs, border: Floats, edges: int) -> Longs:
    """Return the segments through each triangle, as numbers of middles of edges, then of centres of triangles.

    Parameters
    ----------
    edge, shared, border
        (t, 3) edges of each triangle, whether another triangle has them too, and the length of those that none has.
    inner
        (t,) how many are shared.
    edges
        Number of edges.
    """
    found = []
    order = np.argsort(~shared, axis=1, kind="stable")  # shared edges first
    sorted_edges = np.take_along_axis(edge, order, axis=1)
    through = inner == 2
    found.append(sorted_edges[through][:, :2])
    last = inner == 1
    cap = np.take_along_axis(edge, border.argmin(axis=1)[:, None], axis=1)[:, 0]
    found.append(np.stack([sorted_edges[last, 0], cap[last]], axis=1))
    meeting = np.flatnonzero((inner == 3) | (inner == 0))
    hub = np.repeat(edges + meeting, 3)
    found.append(np.stack([edge[meeting].ravel(), hub], axis=1)[np.repeat(inner[meeting] == 3, 3)])
    lone = meeting[inner[meeting] == 0]
    found.append(np.stack([cap[lone], edges + lone], axis=1))
    return np.concatenate(found)


def _lengths(content: Content) -> Floats:
    ends = content.positions[content.lines].astype(np.float64)
    each = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    return cast("Floats", np.bincount(content.owners[content.lines[:, 0]], each, minlength=len(content.handles)))


def _covers(lines: Content, content: Content, width: Floats) -> Bools:
    """Return whose lines reach as far as its surface does, to a width: not those of odd triangles that miss an end."""
    count = len(content.handles)
    covered = np.ones(count, np.bool_)
    starts, line_starts = (np.searchsorted(each.owners, np.arange(count)) for each in (content, lines))
    for axis in (0, 1):
        whole, mine = content.positions[:, axis].astype(np.float64), lines.positions[:, axis].astype(np.float64)
        for reach in (np.minimum.reduceat, np.maximum.reduceat):
            covered &= np.abs(reach(whole, starts) - reach(mine, line_starts)) <= width
    return covered


@dataclass(frozen=True, eq=False)
class _Reaches:
    """How far the lines of each object reach along their mean direction, (o, 2), and across it, (o,), metres."""

    axes: Floats
    along_m: Floats
    middle_m: Floats
    bent_m: Floats


def _reaches(content: Content) -> _Reaches:
    """Measure the lines of each object in plan; every object has some."""
    count = len(content.handles)
    step = np.diff(content.positions[content.lines].astype(np.float64), axis=1)[:, 0, :2]
    of = content.owners[content.lines[:, 0]]
    length = np.maximum(np.linalg.norm(step, axis=1), 1e-9)
    real = np.bincount(of, (step[:, 0] ** 2 - step[:, 1] ** 2) / length, minlength=count)
    imaginary = np.bincount(of, 2 * step[:, 0] * step[:, 1] / length, minlength=count)
    turn = np.arctan2(imaginary, real) / 2
    axes = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    x, y = content.positions[:, :2].astype(np.float64).T
    cos, sin = axes[content.owners].T
    starts = np.searchsorted(content.owners, np.arange(count))
    along, across = x * cos + y * sin, y * cos - x * sin
    ends = np.stack([np.minimum.reduceat(along, starts), np.maximum.reduceat(along, starts)], axis=1)
    low, high = np.minimum.reduceat(across, starts), np.maximum.reduceat(across, starts)
    return _Reaches(axes, ends, (low + high) / 2, high - low)


def _segments(content: Content, reach: _Reaches, chosen: Bools) -> Content:
    """Return one segment for each chosen object, as high at each end as the object there."""
    numbers = np.flatnonzero(chosen)
    count = len(numbers)
    u, v = reach.along_m[numbers], reach.middle_m[numbers, None]
    x, y = (reach.axes[numbers, None, axis] for axis in (0, 1))
    plan = np.stack([u * x - v * y, u * y + v * x], axis=2)
    heights = _heights_at(content, numbers, plan)
    starts = np.searchsorted(content.owners, numbers)
    return replace(
        content,
        positions=np.concatenate([plan, heights[..., None]], axis=2).reshape(-1, 3).astype(np.float32),
        owners=np.repeat(np.arange(count), 2),
        lines=np.arange(2 * count).reshape(-1, 2),
        colours=np.repeat(content.colours[starts], 2, axis=0),
        handles=content.handles[numbers],
        errors=content.errors[numbers],
        sizes=content.sizes[numbers],
    )


def _heights_at(content: Content, numbers: Longs, plan: Floats) -> Floats:
    """Return the height of the vertex of an object that is nearest to each of its (n, 2, 2) places in plan, (n, 2)."""
    place = np.full(len(content.handles), -1, np.int64)
    place[numbers] = np.arange(len(numbers))
    own = np.flatnonzero(place[content.owners] >= 0)
    which = place[content.owners[own]]
    starts = np.searchsorted(which, np.arange(len(numbers)))
    found = []
    for end in (0, 1):
        away = np.linalg.norm(content.positions[own, :2].astype(np.float64) - plan[which, end], axis=1)
        nearest = np.minimum.reduceat(away, starts)
        hit = np.where(away == nearest[which], content.positions[own, 2].astype(np.float64), -np.inf)
        found.append(np.maximum.reduceat(hit, starts))
    return np.stack(found, axis=1)
