"""Tubes: a profile swept along many lines at once, with mitred joints and closed ends."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gis.meshing import Soup

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

SIDES = 8
PROFILES = ("circle", "rectangle", "trapezoid", "triangle", "egg", "arch", "round")
_SHORTEST_M = 1e-3
# Joints that turn by more than this (cosine of 105 degrees) end one tube and begin another.
_SHARP = -0.26


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines in space, one behind another, and what is swept along each.

    Parameters
    ----------
    points_m
        (p, 3) local metres.
    starts
        (n + 1,) first point of each line.
    widths_m, heights_m
        (n,) outer size of the profile across and up; equal for a round pipe.
    profiles
        (n,) numbers into `PROFILES`.
    rows
        (n,) row of the object that each line belongs to.
    """

    points_m: Floats
    starts: Integers
    widths_m: Floats
    heights_m: Floats
    profiles: Integers
    rows: Integers

    @classmethod
    def round(cls, points_m: Floats, starts: Integers, diameters_m: Floats, rows: Integers) -> Lines:
        """Return round pipes of (n,) diameters."""
        return cls(points_m, starts, diameters_m, diameters_m, np.zeros(len(diameters_m), np.int64), rows)

    @classmethod
    def upright(cls, feet_m: Floats, tops_m: Floats, diameters_m: Floats, rows: Integers) -> Lines:
        """Return round shafts from (n, 3) feet up to (n,) heights."""
        heads = np.column_stack([feet_m[:, :2], tops_m])
        points = np.stack([feet_m, heads], axis=1).reshape(-1, 3)
        return cls.round(points, 2 * np.arange(len(feet_m) + 1), diameters_m, rows)


def tubes(lines: Lines, colours: NDArray[np.uint8], sides: int = SIDES) -> Soup:
    """Return closed tubes along (n,) lines; `colours` (n, 4) go by line.

    A profile of `sides` points has the area of the true shape, so that the volume of a straight pipe is exact.
    Neighbouring pieces of a line meet in the plane that halves their angle; where a line turns on its heel it is cut.

    Examples
    --------
    >>> pipe = Lines.round(np.array([[0, 0, 0], [10.0, 0, 0]]), np.array([0, 2]), np.array([2.0]), np.array([0]))
    >>> tubes(pipe, np.full((1, 4), 255, np.uint8)).mesh().triangle_count
    32
    """
    points, line, piece = _pieces(lines)
    if not len(points):
        nothing = np.zeros(0, np.int64)
        return Soup(np.zeros((0, 3)), nothing, nothing.reshape(0, 3), nothing, np.zeros((0, 4), np.uint8))
    first = np.ones(len(points), bool)
    first[1:] = piece[1:] != piece[:-1]
    last = np.append(first[1:], True)
    rings = _rings(points, first, last, lines, line, sides)
    positions = np.concatenate([rings.reshape(-1, 3), points[first], points[last]])
    owner = np.concatenate([np.repeat(line, sides), line[first], line[last]])
    triangles = _faces(first, last, sides)
    rows = lines.rows[owner]
    return Soup(positions, rows, triangles, rows[triangles[:, 0]], colours[owner])


def _pieces(lines: Lines) -> tuple[Floats, Integers, Integers]:
    """Return points without repeats, the line of each, and the piece of a line that it belongs to."""
    counts = np.diff(lines.starts)
    line = np.repeat(np.arange(len(counts)), counts)
    points = lines.points_m
    good = np.isfinite(points).all(axis=1) & (np.minimum(lines.widths_m, lines.heights_m) > 0)[line]
    points, line = points[good], line[good]
    keep = np.ones(len(points), bool)
    keep[1:] = (line[1:] != line[:-1]) | (np.linalg.norm(np.diff(points, axis=0), axis=1) > _SHORTEST_M)
    points, line = points[keep], line[keep]
    enough = np.bincount(line, minlength=len(counts))[line] >= 2
    points, line = points[enough], line[enough]
    inner = np.zeros(len(points), bool)
    inner[1:-1] = (line[1:-1] == line[:-2]) & (line[1:-1] == line[2:])
    steps = np.diff(points, axis=0)
    steps /= np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1e-12)
    sharp = np.zeros(len(points), bool)
    sharp[1:-1] = inner[1:-1] & ((steps[:-1] * steps[1:]).sum(axis=1) < _SHARP)
    doubled = np.repeat(np.arange(len(points)), 1 + sharp)
    second = np.zeros(len(doubled), bool)
    second[1:] = doubled[1:] == doubled[:-1]
    begins = second.copy()
    begins[1:] |= line[doubled][1:] != line[doubled][:-1]
    return points[doubled], line[doubled], np.cumsum(begins)


def _rings(points: Floats, first: Flags, last: Flags, lines: Lines, line: Integers, sides: int) -> Floats:
    """Return the (p, sides, 3) outline at each point, in the plane that halves the angle there."""
    into, out = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    into[first], out[last] = out[first], into[last]
    room = np.minimum(np.linalg.norm(into, axis=1), np.linalg.norm(out, axis=1))
    into /= np.linalg.norm(into, axis=1, keepdims=True)
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    normal = into + out
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    across, up = _frames(into)
    shape = np.stack([profile(name, sides) for name in PROFILES])[lines.profiles[line]]
    side = shape[:, :, 0] * lines.widths_m[line, None]
    rise = shape[:, :, 1] * lines.heights_m[line, None]
    phase = np.where(lines.profiles[line] == 0, _phases(into, out, across, first), 0.0)[:, None]
    turned = np.cos(phase) * side - np.sin(phase) * rise, np.sin(phase) * side + np.cos(phase) * rise
    flat = turned[0][..., None] * across[:, None, :] + turned[1][..., None] * up[:, None, :]
    shift = -(flat * normal[:, None, :]).sum(axis=2) / (into * normal).sum(axis=1)[:, None]
    shift = np.clip(shift, -0.49 * room[:, None], 0.49 * room[:, None])
    rings: Floats = points[:, None, :] + flat + shift[..., None] * into[:, None, :]
    return rings


def _frames(along: Floats) -> tuple[Floats, Floats]:
    """Return for (p, 3) directions the level direction to their right and the one up; due east for upright ones."""
    across = np.column_stack([along[:, 1], -along[:, 0], np.zeros(len(along))])
    length = np.linalg.norm(across, axis=1, keepdims=True)
    across = np.where(length > 1e-3, across / np.maximum(length, 1e-12), np.array([1.0, 0.0, 0.0]))
    across -= (across * along).sum(axis=1, keepdims=True) * along
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return across, np.cross(across, along)


def _phases(into: Floats, out: Floats, across: Floats, first: Flags) -> Floats:
    """Return the turn of the outline against the level frame that keeps a round pipe free of twist, (p,) radians.

    The mitre plane mirrors the incoming frame into the outgoing one; what that differs from the level frame of the
    outgoing piece is made up for from there on.
    """
    normal = into + out
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    slide = (across * normal).sum(axis=1) / (into * normal).sum(axis=1)
    carried = across - slide[:, None] * into  # where the outline's first point meets the mitre plane
    carried -= (carried * out).sum(axis=1, keepdims=True) * out
    after_across, after_up = _frames(out)
    turn = np.arctan2((carried * after_up).sum(axis=1), (carried * after_across).sum(axis=1))
    # The outline at a point is made in the frame of the piece before it: turns count from the next point on.
    before = np.concatenate([[0.0], turn[:-1]])
    before[first] = 0.0
    total = np.cumsum(before)
    start = np.flatnonzero(first)
    phases: Floats = total - np.repeat(total[start], np.diff(np.append(start, len(first))))
    return phases


def _faces(first: Flags, last: Flags, sides: int) -> Integers:
    count = len(first)
    here = np.flatnonzero(~last)[:, None] * sides
    side = np.arange(sides)[None, :]
    after = (side + 1) % sides
    low, low_next, high, high_next = here + side, here + after, here + sides + side, here + sides + after
    walls = [np.stack([low, high_next, low_next], 2), np.stack([low, high, high_next], 2)]
    starts, ends = np.flatnonzero(first)[:, None] * sides, np.flatnonzero(last)[:, None] * sides
    begin = np.broadcast_to(count * sides + np.arange(len(starts))[:, None], (len(starts), sides))
    close = np.broadcast_to(count * sides + len(starts) + np.arange(len(ends))[:, None], (len(ends), sides))
    caps = [np.stack([begin, starts + side, starts + after], 2), np.stack([close, ends + after, ends + side], 2)]
    return np.concatenate([part.reshape(-1, 3) for part in (*walls, *caps)])


@functools.cache
def profile(name: str, sides: int) -> Floats:
    """Return the (sides, 2) outline of a shape of width and height 1 about its middle, anticlockwise.

    Round shapes have the area of the true curve; ``trapezoid`` and ``triangle`` stand on their short side.
    """
    angle = np.arange(sides) * 2 * np.pi / sides
    circle = np.column_stack([np.cos(angle), np.sin(angle)]) / 2
    if name in {"rectangle", "trapezoid", "triangle"}:
        return _straight(name, sides)
    swell = np.sqrt(2 * np.pi / (sides * np.sin(2 * np.pi / sides)))
    circle = np.asarray(circle * swell, np.float64)
    if name == "egg":
        return np.column_stack([circle[:, 0] * (1 + 0.25 * np.sin(angle)) / 1.03, circle[:, 1]])
    if name == "arch":
        return np.column_stack([circle[:, 0], np.maximum(circle[:, 1], -0.5)])
    return circle


def _straight(name: str, sides: int) -> Floats:
    corners = np.array([[0.5, -0.5], [0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]])
    way = np.arange(sides) * 4 / sides
    square = np.column_stack([np.interp(way, np.arange(5), corners[:, axis]) for axis in range(2)])
    if name == "rectangle":
        return square
    foot = 0.4 if name == "trapezoid" else 0.02
    share = foot + (1 - foot) * (square[:, 1] + 0.5)
    return np.column_stack([square[:, 0] * share, square[:, 1]])
