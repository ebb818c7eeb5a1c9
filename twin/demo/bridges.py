"""The bridges over the river: decks that rise over the water, pylons and cables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from scenes import Batch, Layer, MeshSet
from scenes.identity import derive_uids
from scenes.schema import object_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.demo.plan import Plan, Street

    Floats = NDArray[np.float64]

DATASET = "demo-bridges"
BANK_M, CROWN_M, THICK_M = 4.6, 15.0, 1.6
PYLON_M = 88.0
_DECK, _RAIL, _PYLON, _CABLE = (86, 90, 98, 255), (222, 224, 226, 255), (236, 238, 240, 255), (214, 219, 226, 255)


def bridges(plan: Plan) -> Layer:
    """Return the layer ``bridges``, one object a crossing."""
    spans = [street for street in plan.streets if street.bridge]
    meshes = [_bridge(street) for street in spans]
    mesh = MeshSet.from_parts(
        list(range(len(spans))), [m[0] for m in meshes], [m[1] for m in meshes], [m[2] for m in meshes]
    )
    names = [f"bridge-{number}" for number in range(len(spans))]
    columns = {
        "uid": derive_uids(DATASET, names),
        "kind": ["Bridge"] * len(spans),
        "name": [f"{street.name_zh}桥" for street in spans],
        "name_en": [f"{street.name_en} Bridge" for street in spans],
        "source": [DATASET] * len(spans),
        "source_id": names,
        "footprint": shapely.to_wkb([street.line.buffer(street.width_m / 2, cap_style="flat") for street in spans]),
        "length_m": [street.line.length for street in spans],
        "width_m": [street.width_m for street in spans],
    }
    batch = Batch(object_table(columns, {"length_m": "m", "width_m": "m"}), {"2": mesh}).with_bounds()
    return Layer("bridges", (batch,), "roads", {"en": "Bridges", "zh": "桥梁"}, DATASET)


def _bridge(street: Street) -> tuple[Floats, NDArray[np.uint32], NDArray[np.uint8]]:
    """Return vertices, triangles and colours of one cable-stayed bridge."""
    reach = 26.0
    line = street.line
    steps = np.linspace(-reach, line.length + reach, 49)
    start, end = np.array(line.coords[0]), np.array(line.coords[-1])
    along = (end - start) / line.length
    side = np.array([-along[1], along[0]])
    middle = start + steps[:, None] * along
    share = np.clip((steps + reach) / (line.length + 2 * reach), 0, 1)
    level = BANK_M + (CROWN_M - BANK_M) * np.sin(np.pi * share) ** 0.8
    parts = [_sweep(middle, level, side, street.width_m, THICK_M, _DECK)]
    for edge in (-1, 1):
        at = middle + edge * side * (street.width_m / 2 - 0.4)
        parts.append(_sweep(at, level + 1.1, side, 0.5, 1.1, _RAIL))
    for place in (0.3, 0.7):
        foot = start + place * line.length * along
        deck = float(np.interp(place * line.length, steps, level))
        top = deck + PYLON_M
        for edge in (-1, 1):
            base = foot + edge * side * (street.width_m / 2 + 2.0)
            head = foot + edge * side * 1.6
            parts.append(_strut((*base, -6.0), (*head, top), 1.7, _PYLON))
        anchors = [distance for distance in np.linspace(-0.27, 0.27, 15) if abs(distance) > 0.03]
        for distance in anchors:
            at = (place + distance) * line.length
            height = float(np.interp(at, steps, level))
            tie = top - 4 - 30 * (1 - abs(distance) / 0.27)
            for edge in (-1, 1):
                low = start + at * along + edge * side * (street.width_m / 2 - 0.4)
                high = foot + edge * side * (1.6 + 3.0 * (1 - abs(distance) / 0.27))
                parts.append(_strut((*low, height), (*high, tie), 0.16, _CABLE))
    return _joined(parts)


def _joined(
    parts: list[tuple[Floats, NDArray[np.int64], tuple[int, ...]]],
) -> tuple[Floats, NDArray[np.uint32], NDArray[np.uint8]]:
    shift = np.cumsum([0, *(len(part[0]) for part in parts)])
    positions = np.concatenate([part[0] for part in parts])
    triangles = np.concatenate([part[1] + shift[number] for number, part in enumerate(parts)])
    colours = np.concatenate([np.tile(np.array(part[2], np.uint8), (len(part[0]), 1)) for part in parts])
    return positions, triangles.astype(np.uint32), colours


def _sweep(
    middle: Floats, top: Floats, side: Floats, width: float, thick: float, colour: tuple[int, ...]
) -> tuple[Floats, NDArray[np.int64], tuple[int, ...]]:
    """Return a bar of rectangular section along a line: left top, right top, right bottom, left bottom at each step."""
    left, right = middle + side * width / 2, middle - side * width / 2
    rings = np.stack(
        [
            np.column_stack([left, top]),
            np.column_stack([right, top]),
            np.column_stack([right, top - thick]),
            np.column_stack([left, top - thick]),
        ],
        axis=1,
    )
    count = len(middle)
    faces = []
    for corner in range(4):
        a, b = corner, (corner + 1) % 4
        here = np.arange(count - 1) * 4
        faces += [
            np.column_stack([here + a, here + b, here + 4 + a]),
            np.column_stack([here + b, here + 4 + b, here + 4 + a]),
        ]
    last = (count - 1) * 4
    caps = np.array([[0, 3, 1], [1, 3, 2], [last, last + 1, last + 3], [last + 1, last + 2, last + 3]])
    return rings.reshape(-1, 3), np.concatenate([*faces, caps]), colour


def _strut(
    low: tuple[float, ...], high: tuple[float, ...], radius: float, colour: tuple[int, ...]
) -> tuple[Floats, NDArray[np.int64], tuple[int, ...]]:
    """Return a square bar between two points."""
    ends = np.array([low, high], float)
    axis = ends[1] - ends[0]
    axis /= np.linalg.norm(axis)
    one = np.cross(axis, [0.0, 0.0, 1.0] if abs(axis[2]) < 0.95 else [1.0, 0.0, 0.0])
    one /= np.linalg.norm(one)
    two = np.cross(axis, one)
    corners = [radius * (sx * one + sy * two) for sx, sy in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
    positions = np.array([ends[0] + corner for corner in corners] + [ends[1] + corner for corner in corners])
    faces = []
    for corner in range(4):
        ahead = (corner + 1) % 4
        faces += [[corner, ahead, corner + 4], [ahead, ahead + 4, corner + 4]]
    faces += [[4, 5, 6], [4, 6, 7]]
    return positions, np.array(faces), colour
