"""Plans of elements, rooms and buildings, so that queries on the map find a model too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from scenes.mesh import Instances, MeshSet
    from scenes.model import Batch

_WHOLE = frozenset({"Building", "Bridge"})
_CARRIERS = frozenset(
    {"BuildingConstructiveElement", "BridgeConstructiveElement", "BuildingRoom", "BuildingPart", "BridgePart"}
)
_LEAST_HOLE_M2 = 4.0
_GRID_M = 0.001
_LEAST_VERTICES = 3


def with_footprints(batches: Sequence[Batch]) -> list[Batch]:
    """Return the batches of one model with their ``footprint`` column filled (WKB, local metres).

    An element's plan is the convex hull of its vertices; that of a building or a bridge is the union of the
    plans of its constructive elements and rooms.
    """
    plans: dict[str, BaseGeometry] = {}
    for batch in batches:
        uids = batch.table["uid"].to_pylist()
        mesh = batch.finest()
        if mesh is not None:
            found = [(mesh.rows, hulls(mesh))]
            found += [(each.rows, instance_hulls(each, mesh.centre)) for each in mesh.instances]
            for rows, drawn in found:
                plans.update((uids[int(row)], plan) for row, plan in zip(rows, drawn, strict=True) if plan)
    plans.update(_of_wholes(batches, plans))
    return [_filled(batch, plans) for batch in batches]


def hulls(mesh: MeshSet) -> NDArray[np.object_]:
    """Return the plan of each group of a mesh set: the convex hull of its vertices in local metres."""
    counts = mesh.vertex_starts[1:].astype(np.int64) - mesh.vertex_starts[:-1]
    plan = mesh.positions[:, :2].astype(np.float64) + mesh.centre[:2]
    found = np.full(len(counts), None, dtype=object)
    some = counts >= _LEAST_VERTICES
    groups = np.repeat(np.cumsum(some) - 1, np.where(some, counts, 0))
    if some.any():
        chains = shapely.linestrings(plan[np.repeat(some, counts)], indices=groups)
        found[some] = shapely.convex_hull(chains)
    return found


def instance_hulls(each: Instances, centre: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return the plan of each placement of a prototype: its convex hull in local metres, turned and stretched."""
    around = shapely.convex_hull(shapely.MultiPoint(each.prototype.positions_m[:, :2]))
    corners = shapely.get_coordinates(around)
    cos, sin = np.cos(each.yaw_rad.astype(np.float64)), np.sin(each.yaw_rad.astype(np.float64))
    x, y = (corners[None, :, axis] * each.scales[:, axis, None] for axis in range(2))
    feet = each.positions[:, None, :2] + centre[:2]
    plan = np.stack([x * cos[:, None] - y * sin[:, None], x * sin[:, None] + y * cos[:, None]], axis=2) + feet
    groups = np.repeat(np.arange(len(each)), len(corners))
    points = shapely.multipoints(plan.reshape(-1, 2), indices=groups)
    return np.asarray(shapely.convex_hull(points), dtype=object)


def _of_wholes(batches: Sequence[Batch], plans: dict[str, BaseGeometry]) -> dict[str, BaseGeometry]:
    parent: dict[str, str | None] = {}
    kind: dict[str, str] = {}
    for batch in batches:
        uids = batch.table["uid"].to_pylist()
        parent.update(zip(uids, batch.table["parent"].to_pylist(), strict=True))
        kind.update(zip(uids, batch.table["kind"].to_pylist(), strict=True))
    parts: dict[str, list[BaseGeometry]] = {}
    for uid, plan in plans.items():
        above = parent.get(uid) if kind[uid] in _CARRIERS else None
        while above is not None and kind.get(above) not in _WHOLE:
            above = parent.get(above)
        if above is not None and plan.geom_type == "Polygon":
            parts.setdefault(above, []).append(plan)
    return {uid: _without_small_holes(shapely.union_all(some, grid_size=_GRID_M)) for uid, some in parts.items()}


def _without_small_holes(plan: BaseGeometry) -> BaseGeometry:
    polygons = [part for part in shapely.get_parts(plan) if part.geom_type == "Polygon"]
    kept = [
        shapely.Polygon(
            part.exterior, [ring for ring in part.interiors if shapely.Polygon(ring).area >= _LEAST_HOLE_M2]
        )
        for part in polygons
    ]
    return kept[0] if len(kept) == 1 else shapely.MultiPolygon(kept)


def _filled(batch: Batch, plans: dict[str, BaseGeometry]) -> Batch:
    found = [plans.get(uid) for uid in batch.table["uid"].to_pylist()]
    cells = [
        shapely.to_wkb(plan) if plan is not None and plan.geom_type.endswith("Polygon") else None for plan in found
    ]
    index = batch.table.schema.get_field_index("footprint")
    column = pa.array(cells, pa.binary())
    return replace(batch, table=batch.table.set_column(index, batch.table.schema.field(index), column))
