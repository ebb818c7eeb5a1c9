"""Buildings on the blocks: slabs that face the sun, towers on podiums, courtyards, houses, halls, a landmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import Polygon, affinity

from twin.demo.plan import HEART, skyline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shapely.geometry.base import BaseGeometry

    from twin.demo.plan import Block, Plan

    Maker = Callable[["Block", np.random.Generator], Iterator["Massing"]]

STOREY_M = 3.1
OFFICE_STOREY_M = 4.2


@dataclass(frozen=True, slots=True)
class Massing:
    """One extruded body: its plan, its height above the ground, where it starts, what it is used for."""

    polygon: BaseGeometry
    height_m: float
    use: str
    base_m: float = 0.0
    name_en: str = ""
    name_zh: str = ""
    storey_m: float = STOREY_M

    @property
    def levels(self) -> int:
        """Number of storeys from the ground to the roof."""
        return max(1, round(self.height_m / self.storey_m))


def build(plan: Plan) -> list[Massing]:
    """Return every building of the town, in the order of its blocks."""
    found: list[Massing] = list(landmarks())
    keep_free = shapely.union_all([body.polygon for body in found]).buffer(18)
    for number, block in enumerate(plan.blocks):
        maker = MAKERS.get(block.use)
        if maker is None:
            continue
        random = np.random.default_rng([plan.seed, number])
        bodies = [body for body in maker(block, random) if not body.polygon.intersects(keep_free)]
        found.extend(bodies)
    return found


def landmarks() -> Iterator[Massing]:
    """Yield the three bodies that everybody knows: the tower, the gate beside it and the concert hall."""
    x, y = HEART[0] + 62, HEART[1] + 6
    for number, (low, high, radius) in enumerate(
        ((0, 120, 36), (120, 230, 32), (230, 330, 27), (330, 420, 21), (420, 468, 12))
    ):
        shape = affinity.rotate(_star(x, y, radius, 3, 0.12), number * 11.0, origin=(x, y))
        yield Massing(shape, high, "office", low, "Lakeside Tower", "望湖塔", OFFICE_STOREY_M)
    for number, (low, high, side) in enumerate(((0, 180, 46), (180, 272, 40), (272, 318, 32))):
        yield Massing(
            _box(x - 150, y + 150, side, side, 20.0), high, "office", low, "Exchange Gate", "金融之门", OFFICE_STOREY_M
        )
        _ = number
    for low, high, radius in ((0, 9, 62), (9, 17, 50), (17, 23, 36), (23, 27, 20)):
        yield Massing(
            shapely.Point(-90, 40).buffer(radius, quad_segs=14), high, "culture", low, "Concert Hall", "湖心音乐厅", 6.0
        )


def _commercial(block: Block, random: np.random.Generator) -> Iterator[Massing]:
    inner = block.polygon.buffer(-13, join_style="mitre")
    if inner.is_empty or inner.area < 900:
        return
    x, y = block.centre
    strength = skyline(x, y)
    podium = inner.buffer(-2, join_style="mitre")
    podium_height = float(random.choice([12.6, 16.8, 21.0]))
    if inner.geom_type == "Polygon" and random.random() < 0.75:
        court = affinity.scale(podium, 0.34, 0.34)
        body = podium.difference(court) if random.random() < 0.4 else podium
        yield Massing(body, podium_height, "retail", storey_m=OFFICE_STOREY_M)
    sites = _sites(inner.buffer(-17), 70.0, np.degrees(block.angle_rad))
    for px, py in sites[:4]:
        height = 48 + 300 * strength**1.7 * random.uniform(0.62, 1.0)
        yield from _tower((px, py), height, np.degrees(block.angle_rad), random)


def _tower(at: tuple[float, float], height: float, turn: float, random: np.random.Generator) -> Iterator[Massing]:
    x, y = at
    size = float(np.clip(24 + height / 12, 28, 46) * random.uniform(0.9, 1.08))
    kind = random.integers(0, 5)
    shape = (
        _box(x, y, size, size * random.uniform(0.75, 1.0), turn),
        affinity.rotate(shapely.Point(x, y).buffer(size / 1.9, quad_segs=8), turn),
        affinity.rotate(_chamfered(x, y, size, 0.24), turn, origin=(x, y)),
        affinity.rotate(_star(x, y, size / 1.8, 4, 0.10), turn, origin=(x, y)),
        affinity.rotate(_box(x, y, size * 1.35, size * 0.62, 0.0), turn, origin=(x, y)),
    )[int(kind)]
    if height > 150:
        crown = height * random.uniform(0.80, 0.9)
        yield Massing(shape, crown, "office", storey_m=OFFICE_STOREY_M)
        yield Massing(affinity.scale(shape, 0.72, 0.72), height, "office", crown, storey_m=OFFICE_STOREY_M)
    else:
        yield Massing(shape, height, "office", storey_m=OFFICE_STOREY_M)
        if random.random() < 0.5:
            yield Massing(affinity.scale(shape, 0.45, 0.45), height + 5.0, "office", height, storey_m=OFFICE_STOREY_M)


def _mixed(block: Block, random: np.random.Generator) -> Iterator[Massing]:
    inner = block.polygon.buffer(-10, join_style="mitre")
    x, y = block.centre
    turn = np.degrees(block.angle_rad)
    for px, py in _sites(inner.buffer(-8), 46.0, turn):
        if random.random() < 0.16:
            continue
        height = float(np.round(random.uniform(5, 11) * STOREY_M + 90 * skyline(x, y) * random.random(), 1))
        if random.random() < 0.42:
            yield Massing(_courtyard(px, py, 36, 34, 9.5, turn), min(height, 30.0), "mixed")
        elif random.random() < 0.5:
            yield Massing(_ell(px, py, 34, 32, 13, turn + 90 * int(random.integers(0, 4))), height, "mixed")
        else:
            yield Massing(_box(px, py, 30, 22, turn), height * 1.25, "mixed")


def _slabs(storeys: tuple[int, int], spacing: float, towers: float) -> Maker:
    def make(block: Block, random: np.random.Generator) -> Iterator[Massing]:
        inner = block.polygon.buffer(-9, join_style="mitre")
        if inner.is_empty:
            return
        turn = float(np.clip(((np.degrees(block.angle_rad) + 45) % 90) - 45, -16, 16))
        levels = int(random.integers(storeys[0], storeys[1] + 1))
        depth = 12.5
        step = float(np.clip(levels * STOREY_M * spacing, 24.0, 62.0)) + depth
        for px, py, length in _rows(inner, turn, step, (26.0, 48.0), random):
            high = levels + int(random.integers(-1, 2))
            if random.random() < towers:
                yield Massing(_chamfered_box(px, py, 23.0, 21.0, turn), (high + 9) * STOREY_M, "residential")
            else:
                yield Massing(_slab(px, py, length, depth, turn, random), high * STOREY_M, "residential")

    return make


def _houses(block: Block, random: np.random.Generator) -> Iterator[Massing]:
    inner = block.polygon.buffer(-8, join_style="mitre")
    if inner.is_empty:
        return
    turn = float(np.degrees(block.angle_rad)) + 90
    for px, py, length in _rows(inner, turn, 30.0, (11.0, 17.0), random, gap=7.0):
        if random.random() < 0.08:
            continue
        height = float(random.choice([2, 3, 3, 4])) * STOREY_M
        shape: BaseGeometry = _box(px, py, length, 10.5, turn)
        if random.random() < 0.45:
            shape = _ell(px, py, length, 13.0, 8.0, turn)
        yield Massing(shape, height, "house")


def _industrial(block: Block, random: np.random.Generator) -> Iterator[Massing]:
    inner = block.polygon.buffer(-14, join_style="mitre")
    turn = np.degrees(block.angle_rad)
    for px, py in _sites(inner.buffer(-22), 82.0, turn):
        size = random.uniform(44, 68)
        yield Massing(_box(px, py, size, size * 0.72, turn), float(random.uniform(9, 15)), "industrial", storey_m=6.0)
        if random.random() < 0.3:
            yield Massing(_box(px + 20, py + 16, 12, 10, turn), 24.0, "industrial", storey_m=6.0)


def _school(block: Block, random: np.random.Generator) -> Iterator[Massing]:
    x, y = block.centre
    inner = block.polygon.buffer(-12)
    parts = [
        (_box(x - 18, y + 26, 74, 13, 0.0), 16.0), (_box(x - 18, y - 4, 74, 13, 0.0), 16.0),
        (_box(x - 50, y + 11, 11, 44, 0.0), 12.4), (_box(x + 48, y + 12, 34, 26, 0.0), 13.0),
    ]  # fmt: skip
    for shape, height in parts:
        if inner.contains(shape):
            yield Massing(shape, height + STOREY_M * int(random.integers(0, 2)), "school", storey_m=3.6)


def _civic(block: Block, random: np.random.Generator) -> Iterator[Massing]:
    x, y = block.centre
    turn = float(np.degrees(block.angle_rad))
    inner = block.polygon.buffer(-10)
    shape = _courtyard(x, y, 88, 66, 21, turn)
    if inner.contains(shape):
        yield Massing(shape, 20.0 + 4 * int(random.integers(0, 3)), "civic", storey_m=4.0)
        yield Massing(_box(x, y, 24, 18, turn), 9.0, "civic", storey_m=4.5)


MAKERS: dict[str, Maker] = {
    "commercial": _commercial,
    "mixed": _mixed,
    "residential-high": _slabs((14, 26), 0.55, 0.16),
    "residential-mid": _slabs((6, 11), 0.85, 0.06),
    "residential-low": _houses,
    "industrial": _industrial,
    "school": _school,
    "civic": _civic,
}


def _rows(
    land: Polygon,
    turn_deg: float,
    step: float,
    lengths: tuple[float, float],
    random: np.random.Generator,
    gap: float = 13.0,
) -> Iterator[tuple[float, float, float]]:
    """Yield (x, y, length) of bars in parallel rows that fit on the land; rows run along `turn_deg`."""
    level = affinity.rotate(land, -turn_deg, origin=(0, 0))
    shapely.prepare(level)
    min_x, min_y, max_x, max_y = level.bounds
    cos, sin = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    y = min_y + 9.0
    while y < max_y - 6:
        x = min_x + random.uniform(0, 8)
        while x < max_x:
            length = float(random.uniform(*lengths))
            if level.contains(shapely.box(x, y - 7.2, x + length, y + 7.2)):
                middle = x + length / 2
                yield middle * cos - y * sin, middle * sin + y * cos, length
                x += length + gap
            else:
                x += 6.0
        y += step


def _sites(land: Polygon, step: float, turn_deg: float) -> list[tuple[float, float]]:
    """Return points of a turned grid that lie on the land, the one nearest its middle first."""
    if land.is_empty:
        return []
    level = affinity.rotate(land, -turn_deg, origin=(0, 0))
    min_x, min_y, max_x, max_y = level.bounds
    across, along = max(1, int((max_x - min_x) // step) + 1), max(1, int((max_y - min_y) // step) + 1)
    xs = (min_x + max_x) / 2 + (np.arange(across) - (across - 1) / 2) * step
    ys = (min_y + max_y) / 2 + (np.arange(along) - (along - 1) / 2) * step
    grid = np.array([(x, y) for x in xs for y in ys])
    inside = grid[shapely.contains_xy(level, grid[:, 0], grid[:, 1])]
    cos, sin = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    return [(float(x * cos - y * sin), float(x * sin + y * cos)) for x, y in inside]


def _box(x: float, y: float, length: float, depth: float, turn_deg: float) -> Polygon:
    shape = shapely.box(x - length / 2, y - depth / 2, x + length / 2, y + depth / 2)
    return affinity.rotate(shape, turn_deg, origin=(x, y))


def _slab(x: float, y: float, length: float, depth: float, turn: float, random: np.random.Generator) -> BaseGeometry:
    """Return a bar with stairwells that stand out to the north, as slab housing has."""
    bar: BaseGeometry = shapely.box(x - length / 2, y - depth / 2, x + length / 2, y + depth / 2)
    wells = max(1, round(length / 16))
    for well in range(wells):
        middle = x - length / 2 + (well + 0.5) * length / wells
        bar = bar.union(shapely.box(middle - 2.4, y + depth / 2 - 0.5, middle + 2.4, y + depth / 2 + 1.8))
        if random.random() < 0.5:
            bar = bar.difference(shapely.box(middle - 1.2, y - depth / 2 - 1, middle + 1.2, y - depth / 2 + 1.3))
    return affinity.rotate(bar, turn, origin=(x, y))


def _courtyard(x: float, y: float, length: float, depth: float, wing: float, turn_deg: float) -> BaseGeometry:
    outer = shapely.box(x - length / 2, y - depth / 2, x + length / 2, y + depth / 2)
    court = shapely.box(x - length / 2 + wing, y - depth / 2 + wing, x + length / 2 - wing, y + depth / 2 - wing)
    return affinity.rotate(outer.difference(court), turn_deg, origin=(x, y))


def _ell(x: float, y: float, length: float, depth: float, wing: float, turn_deg: float) -> BaseGeometry:
    bar = shapely.box(x - length / 2, y - depth / 2, x + length / 2, y - depth / 2 + wing)
    foot = shapely.box(x - length / 2, y - depth / 2, x - length / 2 + wing, y + depth / 2)
    return affinity.rotate(bar.union(foot), turn_deg, origin=(x, y))


def _chamfered(x: float, y: float, size: float, cut: float) -> Polygon:
    half, corner = size / 2, size * cut
    points = [(-half, -half + corner), (-half + corner, -half), (half - corner, -half), (half, -half + corner)]
    points += [(-px, -py) for px, py in points]
    return Polygon([(x + px, y + py) for px, py in points])


def _chamfered_box(x: float, y: float, length: float, depth: float, turn_deg: float) -> Polygon:
    shape = affinity.scale(_chamfered(x, y, length, 0.2), 1.0, depth / length, origin=(x, y))
    return affinity.rotate(shape, turn_deg, origin=(x, y))


def _star(x: float, y: float, radius: float, lobes: int, depth: float) -> Polygon:
    angles = np.linspace(0, 2 * np.pi, lobes * 12, endpoint=False)
    reach = radius * (1 - depth + depth * np.cos(lobes * angles))
    return Polygon(np.column_stack([x + reach * np.cos(angles), y + reach * np.sin(angles)]))
