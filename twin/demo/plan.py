"""The plan of the new town: a round lake, ring roads and avenues, a river with bridges, blocks and their use.

Everything is local metres from the middle of the lake; angles count anticlockwise from east.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import LineString, Point, Polygon

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

LAKE_RADIUS_M = 430.0
RINGS_M = (520.0, 690.0, 890.0, 1120.0, 1370.0, 1590.0, 1760.0, 2010.0, 2270.0, 2540.0, 2820.0)
SECTORS = (24, 24, 36, 48, 48, 48, 48, 60, 72, 72)
GREEN_BELT = 5  # the band of the plan that stays green, counted from the lake
AVENUES = 12
HEART = (1190.0, 120.0)
NODES = ((1190.0, 120.0, 1.0, 430.0), (-1080.0, -420.0, 0.42, 300.0), (260.0, -1880.0, 0.33, 260.0))
RIVER_HALF_WIDTH_M = 135.0
EDGE_M = 2990.0


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of land between roads, and what it is for."""

    polygon: Polygon
    use: str
    angle_rad: float
    radius_m: float

    @property
    def centre(self) -> tuple[float, float]:
        """A point in the middle, local metres."""
        point = self.polygon.representative_point()
        return float(point.x), float(point.y)


@dataclass(frozen=True, slots=True)
class Street:
    """The axis of a road: class in OpenStreetMap's words, names, width in metres, and whether it is a bridge."""

    line: LineString
    highway: str
    name_en: str
    name_zh: str
    width_m: float
    bridge: bool = False


@dataclass(frozen=True)
class Plan:
    """The whole drawing; parts are computed when first asked for, always the same for one seed."""

    seed: int = 7
    _cache: dict[str, object] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def river_axis(self) -> LineString:
        """Middle of the river, from south to north."""
        y = np.linspace(-EDGE_M - 500, EDGE_M + 500, 160)
        x = 2050 + 330 * np.sin(y / 1150 + 0.5) + 120 * np.sin(y / 520)
        return LineString(np.column_stack([x, y]))

    @cached_property
    def river(self) -> Polygon:
        """The river's surface."""
        return self.river_axis.buffer(RIVER_HALF_WIDTH_M, quad_segs=8)

    @cached_property
    def lake(self) -> BaseGeometry:
        """The round lake, with an island."""
        island = Point(-90, 40).buffer(95, quad_segs=16)
        return Point(0, 0).buffer(LAKE_RADIUS_M, quad_segs=32).difference(island)

    @cached_property
    def island(self) -> Polygon:
        """The island in the lake: the city's concert hall stands on it."""
        return Point(-90, 40).buffer(95, quad_segs=16)

    @cached_property
    def canals(self) -> BaseGeometry:
        """Two canals that lead from the lake to the river and to the west."""
        east = LineString(
            [_polar(r, a) for r, a in zip(np.linspace(410, 2150, 40), np.linspace(-0.30, -0.36, 40), strict=True)]
        )
        west = LineString(
            [_polar(r, a) for r, a in zip(np.linspace(410, 2700, 40), np.linspace(2.55, 2.48, 40), strict=True)]
        )
        return shapely.union_all([east.buffer(17), west.buffer(14)])

    @cached_property
    def water(self) -> BaseGeometry:
        """All open water."""
        return shapely.union_all([self.river, self.lake, self.canals])

    @cached_property
    def boundary(self) -> Polygon:
        """Where the town ends."""
        return Point(0, 0).buffer(RINGS_M[-1] + 60, quad_segs=48)

    @cached_property
    def streets(self) -> tuple[Street, ...]:
        """Every road, cut at the water; the pieces that cross it are bridges."""
        found: list[Street] = []
        for number, radius in enumerate(RINGS_M):
            main = number in (0, 5, 6, 10)
            width, kind = (26.0, "primary") if main else (16.0, "secondary")
            ring = LineString([_polar(radius, a) for a in np.linspace(0, 2 * np.pi, 361)])
            found += self._cut(ring, kind, (f"Ring Road {number + 1}", f"环湖{_ZH[number]}路"), width, bridges=False)
        for number in range(AVENUES):
            angle = 2 * np.pi * number / AVENUES
            avenue = LineString([_polar(r, angle) for r in np.linspace(RINGS_M[0], RINGS_M[-1], 120)])
            names = (f"{_EN_AVENUES[number]} Avenue", f"{_ZH_AVENUES[number]}大道")
            found += self._cut(avenue, "primary", names, 30.0, bridges=number in (0, 11))
        for band, count in enumerate(SECTORS):
            if band == GREEN_BELT:
                continue
            for sector in range(count):
                if (sector * AVENUES) % count == 0:
                    continue
                angle = 2 * np.pi * sector / count
                lane = LineString([_polar(RINGS_M[band], angle), _polar(RINGS_M[band + 1], angle)])
                names = (f"Lane {band + 1}-{sector}", f"{_ZH[band]}区{sector}弄")
                found += self._cut(lane, "residential", names, 11.0, bridges=False)
        return tuple(found)

    def _cut(self, line: LineString, kind: str, names: tuple[str, str], width: float, *, bridges: bool) -> list[Street]:
        wet = self.river.buffer(12)
        dry = shapely.get_parts(line.difference(wet))
        found = [Street(part, kind, *names, width) for part in dry if part.length > 25]
        if bridges:
            spans = shapely.get_parts(line.intersection(wet))
            found += [Street(part, kind, *names, width, bridge=True) for part in spans if part.length > 150]
        return found

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All land between the roads, with its use."""
        keep_off = shapely.union_all([self.river.buffer(70), self.lake.buffer(30), self.canals.buffer(14)])
        shapely.prepare(keep_off)
        found: list[Block] = []
        for band, count in enumerate(SECTORS):
            inner, outer = RINGS_M[band], RINGS_M[band + 1]
            for sector in range(count):
                start, end = 2 * np.pi * sector / count, 2 * np.pi * (sector + 1) / count
                cell = _cell(inner, outer, (start, end), AVENUES, count)
                land = cell.difference(keep_off) if keep_off.intersects(cell) else cell
                angle = (start + end) / 2
                for part in shapely.get_parts(land):
                    if part.area > 2_500:
                        use = self._use(band, angle, part)
                        found.append(Block(part, use, angle, (inner + outer) / 2))
        return tuple(found)

    def _use(self, band: int, angle: float, polygon: Polygon) -> str:  # noqa: PLR0911 - a list of rules, first match wins
        x, y = polygon.centroid.coords[0]
        turn = np.degrees(angle) % 360
        lot = _lot(self.seed, x, y)
        height = skyline(x, y)
        if band == GREEN_BELT or 96 < turn < 104 or (214 < turn < 222 and band > 0):
            return "park"
        if height > 0.34:
            return "commercial"
        if x > 2250:
            return "residential-low" if lot > 0.12 else "park"
        if 148 < turn < 196 and band > 6:
            return "industrial"
        if height > 0.12:
            return "mixed"
        if lot < 0.07:
            return "park"
        if lot < 0.13:
            return "school"
        if lot < 0.16:
            return "civic"
        if band < 5:
            return "residential-high"
        return "residential-mid" if band < 8 else "residential-low"

    @cached_property
    def parks(self) -> tuple[Polygon, ...]:
        """Green land: park blocks, the lake shore, both banks of the river and the island."""
        shore = (
            Point(0, 0).buffer(RINGS_M[0] - 16, quad_segs=32).difference(self.lake.buffer(4)).difference(self.canals)
        )
        banks = self.river.buffer(62).difference(self.river.buffer(10)).intersection(self.boundary)
        roads = shapely.union_all([s.line.buffer(s.width_m / 2 + 3) for s in self.streets if not s.bridge])
        parts = [
            *shapely.get_parts(shore.difference(roads)),
            *shapely.get_parts(banks.difference(roads).difference(self.canals)),
        ]
        return tuple([part for part in parts if part.area > 400] + [b.polygon for b in self.blocks if b.use == "park"])

    @cached_property
    def districts(self) -> tuple[tuple[str, str, str, Polygon], ...]:
        """Four districts as (code, English, Chinese, polygon)."""
        names = (
            ("East Bank", "东岸区"),
            ("North Lake", "北湖区"),
            ("West Gate", "西门区"),
            ("South Harbour", "南港区"),
        )
        return tuple(
            (f"31019{number + 1}", *name, _wedge(-45 + 90 * number, 45 + 90 * number))
            for number, name in enumerate(names)
        )

    @cached_property
    def subdistricts(self) -> tuple[tuple[str, str, str, str, BaseGeometry], ...]:
        """Sixteen streets (jiedao) as (code, district code, English, Chinese, polygon)."""
        found = []
        for number, (code, *_names, polygon) in enumerate(self.districts):
            belt = Point(0, 0).buffer((RINGS_M[5] + RINGS_M[6]) / 2, quad_segs=48)
            side = Polygon(
                [
                    (0, 0),
                    *(_polar(4 * EDGE_M, np.radians(a)) for a in (-45 + 90 * number, -22 + 90 * number, 90 * number)),
                ]
            )
            halves = (polygon.intersection(side), polygon.difference(side))
            pieces = [_largest(shape) for half in halves for shape in (half.intersection(belt), half.difference(belt))]
            for place, piece in enumerate(pieces):
                name = _SUBDISTRICTS[number * 4 + place]
                found.append((f"{code}{place + 1:03d}", code, *name, piece))
        return tuple(found)


def skyline(x_m: float, y_m: float) -> float:
    """Return how much city there should be at a place, 0 (fields) to 1 (the heart)."""
    return float(
        max(weight * np.exp(-((x_m - x) ** 2 + (y_m - y) ** 2) / (2 * reach**2)) for x, y, weight, reach in NODES)
    )


def _largest(shape: BaseGeometry) -> BaseGeometry:
    """Return the largest part, so that no sliver of rounding stays."""
    parts: list[BaseGeometry] = list(shapely.get_parts(shape))
    return max(parts, key=lambda part: part.area)


def _polar(radius_m: float, angle_rad: float) -> tuple[float, float]:
    return radius_m * float(np.cos(angle_rad)), radius_m * float(np.sin(angle_rad))


def _cell(inner: float, outer: float, angles: tuple[float, float], avenues: int, count: int) -> Polygon:
    """Return the land between two rings and two radial roads, without the roads."""
    ring_half, step = 15.0, count // avenues

    def half(angle: float) -> float:
        index = round(angle / (2 * np.pi) * count)
        return 19.0 if index % step == 0 else 8.0

    low, high = inner + ring_half, outer - ring_half
    edges = []
    for radius in (low, high):
        a0 = angles[0] + half(angles[0]) / radius
        a1 = angles[1] - half(angles[1]) / radius
        edges.append([_polar(radius, a) for a in np.linspace(a0, a1, 9)])
    return Polygon([*edges[0], *edges[1][::-1]])


def _wedge(from_deg: float, to_deg: float) -> Polygon:
    reach = EDGE_M - 60
    return Polygon([(0, 0), *(_polar(reach, np.radians(a)) for a in np.linspace(from_deg, to_deg, 31))])


def _lot(seed: int, x: float, y: float) -> float:
    """Return a number 0..1 that depends only on the seed and the place."""
    value = np.sin(x * 12.9898 + y * 78.233 + seed * 37.719) * 43758.5453
    return float(value - np.floor(value))


_ZH = "一二三四五六七八九十环"
_EN_AVENUES = (
    "Riverside",
    "Harbour",
    "Northgate",
    "Concert",
    "Orchard",
    "Willow",
    "Westgate",
    "Foundry",
    "Campus",
    "South Gate",
    "Canal",
    "Bund",
)
_ZH_AVENUES = ("滨江", "海港", "北门", "音乐", "果园", "杨柳", "西门", "创业", "学府", "南门", "运河", "外滩")
_SUBDISTRICTS = (
    ("Pearl Quay", "明珠码头街道"), ("Lighthouse", "灯塔街道"), ("Exchange", "金融街道"), ("Ferry", "渡口街道"),
    ("Lake View", "望湖街道"), ("North Hill", "北山街道"), ("Library", "书院街道"), ("Reservoir", "水库街道"),
    ("Garden", "花园街道"), ("Foundry", "铸造街道"), ("Innovation", "创新街道"), ("Railway", "铁路街道"),
    ("Campus", "学府街道"), ("Fishery", "渔港街道"), ("Theatre", "剧院街道"), ("Wetland", "湿地街道"),
)  # fmt: skip
