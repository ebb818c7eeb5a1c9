"""The devices of the town and what they measure: 2,000 datastreams bound to roads, manholes, buildings and rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import shapely

from scenes import Batch, Instances, Layer, MeshSet
from scenes.identity import derive_uids
from scenes.schema import object_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes import Scene
    from twin.demo.plan import Plan
    from twin.demo.underground import HeightAt

    Floats = NDArray[np.float64]

DATASET = "demo-sensors"
COUNTS = {
    "rain": 40,
    "water_level": 14,
    "manhole_level": 520,
    "air": 50,
    "speed": 300,
    "power": 900,
    "temperature": 40,
    "co2": 36,
}
TITLES = {
    "rain": ("Rain intensity", "雨强", "mm/h"),
    "water_level": ("Water level", "水位", "m"),
    "manhole_level": ("Water depth in manhole", "井下水深", "m"),
    "pm25": ("PM2.5", "细颗粒物 PM2.5", "ug/m3"),
    "no2": ("Nitrogen dioxide", "二氧化氮", "ug/m3"),
    "air_temperature": ("Air temperature", "气温", "Cel"),
    "speed": ("Traffic speed", "车速", "km/h"),
    "power": ("Electric power", "用电功率", "kW"),
    "temperature": ("Room temperature", "室内温度", "Cel"),
    "co2": ("Carbon dioxide", "二氧化碳", "[ppm]"),
}
_LIMITS = {
    "rain": (None, 50.0),
    "water_level": (None, 3.6),
    "manhole_level": (None, 3.0),
    "pm25": (None, 75.0),
    "co2": (None, 1000.0),
    "speed": (8.0, None),
}
_COLOURS = {"rain": (66, 135, 245), "water_level": (30, 170, 190), "air": (120, 190, 90)}


def devices(plan: Plan, height_at: HeightAt) -> Layer:
    """Return the layer ``sensors``: posts with rain gauges, river gauges and air stations."""
    random = np.random.default_rng([plan.seed, 21])
    spots = {
        "rain": _spread(plan, COUNTS["rain"], random),
        "water_level": _river_gauges(plan),
        "air": _spread(plan, COUNTS["air"], random),
    }
    kinds = [kind for kind, places in spots.items() for _ in places]
    places = np.concatenate(list(spots.values()))
    ids = [f"{kind}-{number:03d}" for kind, found in spots.items() for number in range(len(found))]
    feet = np.column_stack([places, height_at(places[:, 0], places[:, 1])])
    centre = feet.mean(axis=0)
    count = len(feet)
    kind_array = np.array(kinds)
    instances = tuple(
        Instances(
            _post(_COLOURS[kind]),
            np.flatnonzero(kind_array == kind).astype(np.uint32),
            (feet - centre)[kind_array == kind].astype(np.float32),
            np.zeros(int((kind_array == kind).sum()), np.float32),
            np.ones((int((kind_array == kind).sum()), 3), np.float32),
        )
        for kind in spots
    )
    none, start = np.zeros(0, np.uint32), np.zeros(1, np.uint32)
    mesh = MeshSet(
        centre, np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32), none, start, start, instances=instances
    )
    names = {"rain": "雨量站", "water_level": "水位站", "air": "空气站"}
    columns = {
        "uid": derive_uids(DATASET, ids),
        "kind": ["Device"] * count,
        "name": [f"{names[kind]} {identifier.split('-')[1]}" for kind, identifier in zip(kinds, ids, strict=True)],
        "source": [DATASET] * count,
        "source_id": ids,
        "footprint": shapely.to_wkb(shapely.points(places)),
        "device_type": kinds,
    }
    batch = Batch(object_table(columns), {"2": mesh}).with_bounds()
    return Layer("sensors", (batch,), "sensors", {"en": "Sensors", "zh": "感知终端"}, DATASET)


def datastreams(scene: Scene, seed: int) -> list[dict[str, Any]]:
    """Return the records of all datastreams (`twin.live.Datastreams.from_records`), bound by uid."""
    random = np.random.default_rng([seed, 22])
    found: list[dict[str, Any]] = []
    sensors = scene.layers["sensors"].table
    for uid, name, kind in zip(
        *(sensors[column].to_pylist() for column in ("uid", "name", "device_type")), strict=True
    ):
        for measured in ("pm25", "no2", "air_temperature") if kind == "air" else (kind,):
            found.append(_record(len(found), measured, uid, name))
    manholes = scene.layers["manholes"].table
    found += _bound(found, manholes, "manhole_level", random)
    found += _bound(found, scene.layers["roads"].table, "speed", random)
    buildings = scene.layers["buildings"].table
    found += _bound(
        found, buildings.filter(pc.less_equal(pc.fill_null(buildings["min_z"], 0.0), 60.0)), "power", random
    )
    rooms = next(
        layer.table
        for layer in scene.layers.values()
        if layer.theme == "bim" and "BuildingRoom" in layer.table["kind"].to_pylist()
    )
    rooms = rooms.filter(pc.equal(rooms["kind"], "BuildingRoom"))
    found += _bound(found, rooms, "temperature", random)
    found += _bound(found, rooms, "co2", random)
    return found


def _bound(
    before: list[dict[str, Any]], table: Any, measured: str, random: np.random.Generator
) -> list[dict[str, Any]]:
    rows = np.sort(random.permutation(len(table))[: COUNTS[measured]])
    uids, names = table["uid"].to_pylist(), table["name"].to_pylist()
    return [_record(len(before) + number, measured, uids[row], names[row] or "") for number, row in enumerate(rows)]


def _record(number: int, measured: str, uid: str, name: str) -> dict[str, Any]:
    english, chinese, unit = TITLES[measured]
    low, high = _LIMITS.get(measured, (None, None))
    return {
        "id": f"ds-{number:04d}",
        "name": name,
        "title_en": english,
        "title_zh": chinese,
        "unit": unit,
        "observed_property": measured,
        "object": uid,
        "low": low,
        "high": high,
        "stale_after_s": 300.0,
    }


def _spread(plan: Plan, count: int, random: np.random.Generator) -> Floats:
    """Return places beside the roads, far from each other (best of many candidates, one after another)."""
    candidates = []
    for street in plan.streets:
        if not street.bridge:
            line = street.line.offset_curve(street.width_m / 2 + 4)
            if not line.is_empty:
                candidates.append(
                    shapely.get_coordinates(shapely.line_interpolate_point(line, random.random(3), normalized=True))
                )
    pool = np.concatenate(candidates)
    chosen = [int(random.integers(len(pool)))]
    far = np.linalg.norm(pool - pool[chosen[0]], axis=1)
    while len(chosen) < count:
        chosen.append(int(far.argmax()))
        far = np.minimum(far, np.linalg.norm(pool - pool[chosen[-1]], axis=1))
    return pool[chosen]


def _river_gauges(plan: Plan) -> Floats:
    bank = plan.river_axis.offset_curve(152.0)
    at = np.linspace(0.12, 0.88, COUNTS["water_level"] - 4)
    lake = [(446 * np.cos(angle), 446 * np.sin(angle)) for angle in np.radians([20, 110, 200, 290])]
    return np.concatenate(
        [shapely.get_coordinates(shapely.line_interpolate_point(bank, at, normalized=True)), np.array(lake)]
    )


def _post(colour: tuple[int, int, int]) -> MeshSet:
    """Return a post of 6 m with a housing on top."""
    parts = [_prism(0.14, 0.0, 5.2), _prism(0.75, 5.2, 6.6)]
    colours = [np.full((8, 4), (150, 156, 164, 255), np.uint8), np.full((8, 4), (*colour, 255), np.uint8)]
    triangles = np.concatenate([_PRISM_FACES, _PRISM_FACES + 8]).astype(np.uint32)
    return MeshSet.from_parts([0], [np.concatenate(parts)], [triangles], [np.concatenate(colours)])


_PRISM_FACES = np.array(
    [[0, 1, 5], [0, 5, 4], [1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7], [4, 5, 6], [4, 6, 7]]
)


def _prism(half_m: float, low_m: float, high_m: float) -> Floats:
    square = np.array([(-half_m, -half_m), (half_m, -half_m), (half_m, half_m), (-half_m, half_m)])
    return np.concatenate([np.column_stack([square, np.full(4, z)]) for z in (low_m, high_m)])
