"""What building models and maps of one scene contradict each other in: footprints, heights, storeys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenes.model import Layer, Scene

    Floats = NDArray[np.float64]
    Shapes = NDArray[np.object_]

LEAST_OVERLAP = 0.5
"""Share of the union that two footprints of one building should have in common."""
HEIGHT_SLACK_M = 2.0
HEIGHT_SLACK = 0.1
_TOUCH = 0.05


@dataclass(frozen=True, eq=False)
class _Houses:
    """Buildings of the models, or of the maps: names, plans in local metres, heights and storeys (NaN = unknown)."""

    uids: list[str]
    names: list[str]
    plans: Shapes
    heights_m: Floats
    storeys: Floats

    def __len__(self) -> int:
        return len(self.uids)


def compare(scene: Scene) -> list[Problem]:
    """Return where building models differ from the building footprints of the maps in the same scene.

    A model that stands on no footprint, on several, or on one of another shape, a height that differs by more
    than 2 m and a tenth, and a different number of storeys are each one finding.
    """
    models = _houses(scene, "bim")
    maps = _houses(scene, "buildings")
    if not len(models) or not len(maps):
        return []
    tree = shapely.STRtree(maps.plans)
    return [problem for row in range(len(models)) for problem in _compared(scene, models, row, maps, tree)]


def _compared(scene: Scene, models: _Houses, row: int, maps: _Houses, tree: shapely.STRtree) -> Iterator[Problem]:
    plan, name = models.plans[row], models.names[row] or models.uids[row]
    place = _place(scene, plan)
    near = tree.query(plan, predicate="intersects")
    shared = shapely.area(shapely.intersection(maps.plans[near], plan))
    least = _TOUCH * np.minimum(shapely.area(maps.plans[near]), plan.area)
    near, shared = near[shared > least], shared[shared > least]
    if not len(near):
        advice = "check its georeference, or add the footprint"
        yield Problem("info", name, "model-without-footprint", "stands on no building footprint", advice, place)
        return
    best = near[int(np.argmax(shared))]
    mapped = maps.names[best] or maps.uids[best]
    if len(near) > 1:
        message = f"stands on {len(near)} building footprints"
        yield Problem("warning", name, "footprints-several", message, "check its place, or merge them", place)
    union = shapely.union_all([plan, *maps.plans[near]]).area
    share = float(shared.sum() / union) if union > 0 else 0.0
    if share < LEAST_OVERLAP:
        message = f"its footprint and that of {mapped} have only {share:.0%} in common"
        yield Problem("warning", name, "footprint-differs", message, "check its place and turn", place)
    difference = models.heights_m[row] - maps.heights_m[best]
    if abs(difference) > max(HEIGHT_SLACK_M, HEIGHT_SLACK * maps.heights_m[best]):
        message = f"is {abs(difference):.1f} m {'higher' if difference > 0 else 'lower'} than {mapped} in the map"
        yield Problem("warning", name, "height-differs", message, "check which of them is up to date", place)
    storeys, levels = models.storeys[row], maps.storeys[best]
    if np.isfinite(storeys) and np.isfinite(levels) and storeys != levels:
        message = f"has {storeys:.0f} storeys above ground, {mapped} in the map has {levels:.0f}"
        yield Problem("warning", name, "storeys-differ", message, "check which of them is up to date", place)


def _houses(scene: Scene, theme: str) -> _Houses:
    parts = [_of_layer(scene, layer) for layer in scene.layers.values() if layer.theme == theme]
    return _Houses(
        [uid for part in parts for uid in part.uids],
        [name for part in parts for name in part.names],
        np.concatenate([part.plans for part in parts] or [np.zeros(0, object)]),
        np.concatenate([part.heights_m for part in parts] or [np.zeros(0)]),
        np.concatenate([part.storeys for part in parts] or [np.zeros(0)]),
    )


def _of_layer(scene: Scene, layer: Layer) -> _Houses:
    table = layer.table
    picked = table.filter(pc.and_(pc.equal(table["kind"], "Building"), pc.is_valid(table["footprint"])))
    plans = shapely.from_wkb(picked["footprint"].to_numpy(zero_copy_only=False))
    good = np.isin(shapely.get_type_id(plans), (3, 6)) & ~shapely.is_empty(plans)
    plans = shapely.make_valid(plans)
    uids = picked["uid"].to_pylist()
    tops = _numbers(picked, "max_z") - _numbers(picked, "min_z")
    heights = np.where(np.isfinite(mapped := _numbers(picked, "height_m")), mapped, tops)
    heights = tops if layer.theme == "bim" else heights - np.nan_to_num(_numbers(picked, "min_height_m"))
    storeys = _storeys(scene, uids) if layer.theme == "bim" else _numbers(picked, "levels")
    rows = np.flatnonzero(good)
    names = [name or "" for name in picked["name"].to_pylist()]
    return _Houses([uids[row] for row in rows], [names[row] for row in rows], plans[rows], heights[rows], storeys[rows])


def _storeys(scene: Scene, buildings: list[str]) -> Floats:
    """Return how many storeys above ground each building of a model has, NaN where it has none."""
    found = dict.fromkeys(buildings, 0)
    for layer in scene.layers.values():
        if layer.theme != "bim" or "elevation_m" not in layer.table.column_names:
            continue
        floors = layer.table.filter(pc.equal(layer.table["kind"], "Storey"))
        for parent, level in zip(floors["parent"].to_pylist(), floors["elevation_m"].to_pylist(), strict=True):
            if parent in found and (level is None or level > -1.0):
                found[parent] += 1
    return np.array([count or np.nan for count in found.values()], np.float64)


def _numbers(table: pa.Table, column: str) -> Floats:
    if column not in table.column_names:
        return np.full(table.num_rows, np.nan)
    values: Floats = pc.cast(table[column], pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(values, np.float64)


def _place(scene: Scene, plan: shapely.Geometry) -> str:
    middle = shapely.point_on_surface(plan)
    lon, lat = scene.georeference.lonlat(shapely.get_x(middle), shapely.get_y(middle))
    return f"{float(lon):.6f}, {float(lat):.6f}"
