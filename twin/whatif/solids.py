"""The shapes of new objects: footprints raised to blocks, meshes as given, and the ground that they stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from scenes import Batch, MeshSet, Scene, SimulationError
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from twin.whatif.edits import AddObject

    Floats = NDArray[np.float64]

# A new building is seen at once: warm white walls and a light roof.
_WALL = (236, 226, 208, 255)
_ROOF = (248, 244, 236, 255)


def new_batch(edits: Sequence[AddObject], feet_m: Sequence[float]) -> Batch:
    """Return a batch of new objects, each with its foot at a local z."""
    positions: list[Floats] = []
    triangles: list[NDArray[np.uint32]] = []
    colours: list[NDArray[np.uint8]] = []
    for edit, foot in zip(edits, feet_m, strict=True):
        mesh = _mesh(edit, foot)
        positions.append(mesh.positions_m)
        triangles.append(mesh.triangles)
        colours.append(mesh.colours if mesh.colours is not None else np.full((mesh.vertex_count, 4), 255, np.uint8))
    columns: dict[str, Any] = {
        "uid": [edit.uid for edit in edits],
        "kind": [edit.kind for edit in edits],
        "name": [edit.name or None for edit in edits],
        "source": ["scenario"] * len(edits),
        "footprint": [_footprint_wkb(edit) for edit in edits],
        "height_m": [edit.height_m for edit in edits],
    }
    for name in sorted({name for edit in edits for name in edit.attributes} - set(columns)):
        columns[name] = [edit.attributes.get(name) for edit in edits]
    table = object_table(columns, {"height_m": "m"})
    mesh = MeshSet.from_parts(range(len(edits)), positions, triangles, colours)
    return Batch(table, {"1": mesh}).with_bounds()


def polygon_of(edit: AddObject) -> shapely.Polygon:
    """Return the footprint of a new object as a valid polygon.

    Raises
    ------
    SimulationError
        When its rings cross themselves or enclose nothing.
    """
    polygon = shapely.Polygon(edit.footprint[0], edit.footprint[1:])
    if not polygon.is_valid or polygon.area <= 0:
        why = shapely.is_valid_reason(polygon)
        raise SimulationError(edit.name or edit.uid, f"its footprint is not a polygon ({why})", "draw it again")
    return polygon


def foot_of(scene: Scene, edit: AddObject) -> float:
    """Return the local z on which a new object stands: as given, the lowest terrain below it, or its neighbours'."""
    if edit.base_z_m is not None or not edit.footprint:
        return edit.base_z_m or 0.0
    corners = np.array(edit.footprint[0])
    found = terrain_heights(scene, np.concatenate([corners, corners.mean(axis=0, keepdims=True)]))
    if np.isfinite(found).any():
        return float(np.nanmin(found))
    middle = corners.mean(axis=0)
    nearest, foot = np.inf, 0.0
    for layer in scene.layers.values():
        if layer.theme != "buildings":
            continue
        low = np.column_stack([layer.table[name].to_numpy() for name in ("min_x", "min_y", "min_z")])
        away = np.hypot(*(low[:, :2] - middle).T)
        if np.isfinite(away).any() and np.nanmin(away) < nearest:
            nearest, foot = float(np.nanmin(away)), float(low[np.nanargmin(away), 2])
    return foot


def terrain_heights(scene: Scene, places_m: Floats) -> Floats:
    """Return the height of the terrain at (n, 2) local places, NaN where there is none."""
    heights = np.full(len(places_m), np.nan)
    for layer in scene.layers.values():
        if layer.theme != "terrain":
            continue
        for batch in layer.batches:
            mesh = batch.finest()
            if mesh is not None and len(mesh.triangles):
                heights = np.fmax(heights, _heights_on(mesh, places_m))
    return heights


def placed_footprint(wkb: bytes, z_m: float, carry: Callable[[Floats], Floats]) -> shapely.Geometry:
    """Return a footprint with every point carried elsewhere in plan."""

    def in_plan(points: Floats) -> Floats:
        return carry(np.column_stack([points[:, :2], np.full(len(points), z_m)]))[:, :2]

    return shapely.transform(shapely.force_2d(shapely.from_wkb(wkb)), in_plan)


def _mesh(edit: AddObject, foot_m: float) -> MeshSet:
    if not edit.footprint:
        positions = np.array(edit.positions, float) + np.array([0.0, 0.0, foot_m])
        return MeshSet.of_one(positions, np.array(edit.triangles, np.uint32))
    from gis.prisms import PrismColours, extruded  # noqa: PLC0415 - brings all loaders, which no child process needs

    top = foot_m + float(edit.height_m or 0.0)
    wall, roof = np.array([_WALL], np.uint8), np.array([_ROOF], np.uint8)
    shape = np.array([shapely.normalize(polygon_of(edit))], dtype=object)
    return extruded(shape, np.array([foot_m]), np.array([top]), PrismColours(wall, wall, roof)).mesh()


def _footprint_wkb(edit: AddObject) -> bytes:
    if edit.footprint:
        return bytes(shapely.to_wkb(polygon_of(edit)))
    hull = shapely.MultiPoint(np.array(edit.positions)[:, :2]).convex_hull
    return bytes(shapely.to_wkb(hull))


def _heights_on(mesh: MeshSet, places_m: Floats) -> Floats:
    corners = mesh.positions_m[mesh.triangles]
    low, high = corners[..., :2].min(axis=1), corners[..., :2].max(axis=1)
    heights = np.full(len(places_m), np.nan)
    for number, place in enumerate(places_m):
        near = corners[((low <= place) & (high >= place)).all(axis=1)]
        a, b, c = near[:, 0], near[:, 1], near[:, 2]
        area = _cross(b - a, c - a)
        with np.errstate(divide="ignore", invalid="ignore"):
            second, third = _cross(place - a[:, :2], c - a) / area, _cross(b - a, place - a[:, :2]) / area
        inside = (second >= -1e-9) & (third >= -1e-9) & (second + third <= 1 + 1e-9)
        if inside.any():
            z = a[:, 2] + second * (b - a)[:, 2] + third * (c - a)[:, 2]
            heights[number] = z[inside].max()
    return heights


def _cross(first: Floats, second: Floats) -> Floats:
    cross: Floats = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    return cross
