"""What lies below the streets: storm drains, sewers and water mains with their manholes, as scene layers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely

from scenes import Batch, Instances, Layer, MeshSet
from scenes.identity import derive_uids
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.demo.plan import Plan

    Floats = NDArray[np.float64]
    HeightAt = Callable[[Floats, Floats], Floats]

DATASET = "demo-utilities"
SEGMENT_M = 55.0
SIDES = 8


@dataclass(frozen=True, slots=True)
class System:
    """One utility network: where it lies in the street and what its pipes look like."""

    name: str
    offset_m: float
    depth_m: float
    diameters_m: dict[str, float]
    colour: tuple[int, int, int]
    material: str


SYSTEMS = (
    System("storm", -3.2, 3.4, {"primary": 1.8, "secondary": 1.2, "residential": 0.8}, (64, 132, 214), "concrete"),
    System("sewer", 3.0, 4.6, {"primary": 1.0, "secondary": 0.8, "residential": 0.5}, (156, 106, 62), "PE"),
    System("water", 5.4, 1.6, {"primary": 0.7, "secondary": 0.5, "residential": 0.3}, (62, 196, 204), "ductile iron"),
)


def pipes_and_manholes(plan: Plan, height_at: HeightAt) -> tuple[Layer, Layer]:
    """Return the layers ``pipes`` and ``manholes``; every pipe ends in manholes or fittings of its street."""
    ends: list[Floats] = []
    names: list[str] = []
    systems: list[int] = []
    radii: list[float] = []
    lids: list[Floats] = []
    for number, street in enumerate(plan.streets):
        if street.bridge:
            continue
        for index, system in enumerate(SYSTEMS):
            line = street.line.offset_curve(system.offset_m)
            if line.is_empty or line.geom_type != "LineString":
                continue
            pieces = max(1, round(line.length / SEGMENT_M))
            nodes = shapely.get_coordinates(
                shapely.line_interpolate_point(line, np.linspace(0, 1, pieces + 1), normalized=True)
            )
            bottom = height_at(nodes[:, 0], nodes[:, 1]) - system.depth_m
            points = np.column_stack([nodes, bottom])
            ends += [np.stack([a, b]) for a, b in pairwise(points)]
            names += [f"{system.name}-{number}-{piece}" for piece in range(pieces)]
            systems += [index] * pieces
            radii += [system.diameters_m[street.highway] / 2] * pieces
            if system.name == "storm":
                lids.append(points)
    pipes = _pipe_layer(np.stack(ends), names, np.array(systems), np.array(radii))
    return pipes, _manhole_layer(np.unique(np.concatenate(lids).round(2), axis=0), height_at)


def _pipe_layer(ends: Floats, names: list[str], systems: NDArray[np.int64], radii: Floats) -> Layer:
    count = len(ends)
    positions, triangles = tubes(ends, radii)
    colours = np.array([[*system.colour, 255] for system in SYSTEMS], np.uint8)[systems]
    starts = np.arange(count + 1) * 2 * SIDES, np.arange(count + 1) * 2 * SIDES
    mesh = MeshSet.from_flat(
        positions, triangles, np.arange(count, dtype=np.uint32), starts, np.repeat(colours, 2 * SIDES, axis=0)
    )
    uids = derive_uids(DATASET, names)
    lines = shapely.linestrings(ends[:, :, :2])
    columns = {
        "uid": uids,
        "kind": ["Pipe"] * count,
        "name": [f"{SYSTEMS[system].name} {name}" for system, name in zip(systems, names, strict=True)],
        "source": [DATASET] * count,
        "source_id": names,
        "footprint": shapely.to_wkb(lines),
        "system": [SYSTEMS[system].name for system in systems],
        "diameter_m": radii * 2,
        "length_m": np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1),
        "invert_from_m": ends[:, 0, 2] - radii,
        "invert_to_m": ends[:, 1, 2] - radii,
        "material": [SYSTEMS[system].material for system in systems],
    }
    units = {"diameter_m": "m", "length_m": "m", "invert_from_m": "m", "invert_to_m": "m"}
    batch = Batch(object_table(columns, units), {"2": mesh}).with_bounds()
    return Layer("pipes", (batch,), "pipes", {"en": "Pipes", "zh": "地下管线"}, DATASET)


def tubes(ends_m: Floats, radii_m: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the vertices and triangles of open tubes of `SIDES` sides along (n, 2, 3) segments."""
    axis = ends_m[:, 1] - ends_m[:, 0]
    axis /= np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-9)
    side = np.cross(axis, [0.0, 0.0, 1.0])
    short = np.linalg.norm(side, axis=1) < 1e-6
    side[short] = [1.0, 0.0, 0.0]
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, axis)
    angles = np.linspace(0, 2 * np.pi, SIDES, endpoint=False)
    circle = np.cos(angles)[None, :, None] * side[:, None] + np.sin(angles)[None, :, None] * up[:, None]
    circle *= radii_m[:, None, None]
    vertices = np.concatenate([ends_m[:, :1] + circle, ends_m[:, 1:] + circle], axis=1)
    near, ahead = np.arange(SIDES), (np.arange(SIDES) + 1) % SIDES
    faces = np.concatenate(
        [np.column_stack([near, ahead, near + SIDES]), np.column_stack([ahead, ahead + SIDES, near + SIDES])]
    )
    triangles = faces[None] + (np.arange(len(ends_m)) * 2 * SIDES)[:, None, None]
    return vertices.reshape(-1, 3), triangles.reshape(-1, 3)


def _manhole_layer(bottoms: Floats, height_at: HeightAt) -> Layer:
    count = len(bottoms)
    top = height_at(bottoms[:, 0], bottoms[:, 1])
    depth = top - bottoms[:, 2]
    centre = bottoms.mean(axis=0)
    instances = Instances(
        _shaft(),
        np.arange(count, dtype=np.uint32),
        (bottoms - centre).astype(np.float32),
        np.zeros(count, np.float32),
        np.column_stack([np.ones(count), np.ones(count), depth + 0.12]).astype(np.float32),
    )
    none, start = np.zeros(0, np.uint32), np.zeros(1, np.uint32)
    mesh = MeshSet(
        centre, np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32), none, start, start, instances=(instances,)
    )
    ids = [f"MH-{number:05d}" for number in range(count)]
    columns = {
        "uid": derive_uids(DATASET, ids),
        "kind": ["Manhole"] * count,
        "name": ids,
        "source": [DATASET] * count,
        "source_id": ids,
        "footprint": shapely.to_wkb(shapely.points(bottoms[:, :2])),
        "depth_m": depth,
        "lid_m": top,
        "system": ["storm"] * count,
    }
    batch = Batch(object_table(columns, {"depth_m": "m", "lid_m": "m"}), {"2": mesh}).with_bounds()
    return Layer("manholes", (batch,), "pipes", {"en": "Manholes", "zh": "检查井"}, DATASET)


def _shaft() -> MeshSet:
    """Return an upright shaft of 1.1 m width and unit height with a lid."""
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    ring = np.column_stack([0.55 * np.cos(angles), 0.55 * np.sin(angles)])
    low, high = np.column_stack([ring, np.zeros(10)]), np.column_stack([ring, np.ones(10)])
    here, ahead = np.arange(10), (np.arange(10) + 1) % 10
    walls = np.concatenate([np.column_stack([here, ahead, here + 10]), np.column_stack([ahead, ahead + 10, here + 10])])
    lid = np.column_stack([np.full(8, 20), np.arange(21, 29), np.arange(22, 30)])
    positions = np.concatenate([low, high, high])
    colours = np.concatenate([np.full((20, 4), (120, 128, 138, 255)), np.full((10, 4), (70, 76, 86, 255))]).astype(
        np.uint8
    )
    return MeshSet.from_parts([0], [positions], [np.concatenate([walls, lid]).astype(np.uint32)], [colours])
