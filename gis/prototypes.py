"""Small meshes that are placed many times: three trees and a pin."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING

import numpy as np

from gis.colours import rgba
from scenes.mesh import Instances, MeshSet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TREE_KINDS = ("round", "oval", "conifer")


@functools.cache
def tree(kind: str) -> MeshSet:
    """Return a tree one metre tall, foot at the origin: ``round``, ``oval`` or ``conifer`` (44 to 60 triangles)."""
    trunk = [(0.030, 0.0), (0.022, 0.35)]
    crowns = {
        "round": [(0.02, 0.28), (0.24, 0.40), (0.33, 0.62), (0.22, 0.86), (0.0, 1.0)],
        "oval": [(0.02, 0.22), (0.16, 0.36), (0.21, 0.62), (0.12, 0.88), (0.0, 1.0)],
        "conifer": [(0.02, 0.14), (0.24, 0.16), (0.13, 0.50), (0.06, 0.78), (0.0, 1.0)],
    }
    greens = {
        "round": ("#5e8452", "#8db573"),
        "oval": ("#547a4c", "#7fa868"),
        "conifer": ("#44664a", "#6b8f66"),
    }
    low, high = (rgba([code])[0].astype(float) for code in greens[kind])
    bark = rgba(["#7a6552", "#7a6552"]).astype(float)
    steps = np.linspace(0, 1, len(crowns[kind]))[:, None]
    return _turned([(trunk, bark), (crowns[kind], low * (1 - steps) + high * steps)], sides=6)


@functools.cache
def pin(colour: str) -> MeshSet:
    """Return a marker one metre tall: a thin stem and a diamond head of `colour` (``#rrggbb``)."""
    stem = [(0.02, 0.0), (0.02, 0.74)]
    head = [(0.0, 0.70), (0.15, 0.85), (0.0, 1.0)]
    grey = rgba(["#6b7075", "#6b7075"]).astype(float)
    return _turned([(stem, grey), (head, np.repeat(rgba([colour]).astype(float), 3, axis=0))], sides=6)


def planted(feet_m: Floats, heights_m: Floats, hashes: NDArray[np.uint64]) -> MeshSet:
    """Return trees at (n, 3) feet as instances, row by row; kind, turn and girth follow the hash."""
    kinds = (hashes % np.uint64(8)).astype(np.int64)
    kinds = np.where(kinds < 4, 0, np.where(kinds < 7, 1, 2))
    girth = 0.85 + 0.4 * ((hashes >> np.uint64(16)) % np.uint64(97)).astype(float) / 96.0
    scales = np.column_stack([heights_m * girth, heights_m * girth, heights_m])
    yaw = ((hashes >> np.uint64(24)) % np.uint64(628)).astype(float) / 100.0
    return _placed(feet_m, scales, yaw, [(tree(kind), kinds == i) for i, kind in enumerate(TREE_KINDS)])


def pinned(feet_m: Floats, heights_m: Floats, colour: str) -> MeshSet:
    """Return pins at (n, 3) feet as instances, row by row."""
    scales = np.repeat(heights_m[:, None], 3, axis=1)
    return _placed(feet_m, scales, np.zeros(len(feet_m)), [(pin(colour), np.ones(len(feet_m), bool))])


def _placed(feet_m: Floats, scales: Floats, yaw: Floats, shapes: list[tuple[MeshSet, NDArray[np.bool_]]]) -> MeshSet:
    known = np.isfinite(feet_m).all(axis=1)
    empty = MeshSet.empty()
    if not known.any():
        return empty
    centre = (feet_m[known].min(axis=0) + feet_m[known].max(axis=0)) / 2
    instances = []
    for prototype, mine in shapes:
        rows = np.flatnonzero(mine & known)
        if len(rows):
            places = (feet_m[rows] - centre).astype(np.float32)
            turn, size = yaw[rows].astype(np.float32), scales[rows].astype(np.float32)
            instances.append(Instances(prototype, rows.astype(np.uint32), places, turn, size))
    return MeshSet(
        centre, empty.positions, empty.triangles, empty.rows, empty.vertex_starts, empty.triangle_starts,
        instances=tuple(instances),
    )  # fmt: skip


def _turned(profiles: list[tuple[list[tuple[float, float]], Floats]], sides: int) -> MeshSet:
    """Return the surface of profiles (radius, height) turned about the vertical, with a colour a profile point."""
    positions, triangles, colours = [], [], []
    angles = np.arange(sides) * 2 * np.pi / sides
    base = 0
    for profile, shades in profiles:
        for (radius, height), shade in zip(profile, shades, strict=True):
            ring = np.column_stack([radius * np.cos(angles), radius * np.sin(angles), np.full(sides, height)])
            positions.append(ring)
            colours.append(np.repeat(shade[None, :], sides, axis=0))
        here = np.arange(sides)
        after = (here + 1) % sides
        for step, ((lower, _), (upper, _)) in enumerate(itertools.pairwise(profile)):
            low, high = base + step * sides, base + (step + 1) * sides
            if lower > 0:
                triangles.append(np.column_stack([low + here, low + after, high + after]))
            if upper > 0:
                triangles.append(np.column_stack([low + here, high + after, high + here]))
        base += len(profile) * sides
    return MeshSet.from_parts(
        [0], [np.concatenate(positions)], [np.concatenate(triangles).astype(np.uint32)],
        [np.concatenate(colours).astype(np.uint8)],
    )  # fmt: skip
