"""Applies net changes to a scene by copy: batches that no change touches are the same objects as before."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from scenes import Batch, Layer, MeshSet, Scene, SimulationError
from scenes.relations import kept_rows
from scenes.schema import BOUNDS
from twin.whatif.solids import foot_of, new_batch, placed_footprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from twin.whatif.edits import AddObject, Plain
    from twin.whatif.patches import Changes, Patch

    Floats = NDArray[np.float64]


def materialise(base: Scene, changes: Changes) -> Scene:
    """Return the base with the changes; the base itself if there are none.

    Raises
    ------
    SimulationError
        When a change does not fit: a text in a column of numbers, a building without height.
    """
    if not changes.patches and not changes.added:
        return base
    by_layer: dict[str, dict[int, Patch]] = defaultdict(dict)
    for uid, patch in changes.patches.items():
        found = base[uid]
        by_layer[found.layer][found.row] = patch
    layers = {name: _patched_layer(layer, by_layer.get(name, {})) for name, layer in base.layers.items()}
    for name, new in _grouped(changes).items():
        batch = new_batch([edit for edit, _ in new], [foot_of(base, edit) for edit, _ in new])
        batch = _patched(batch, {row: patch for row, (_, patch) in enumerate(new) if patch})
        layer = layers.get(name) or Layer(name, (), new[0][0].theme, source="scenario")
        layers[name] = layer.with_batches([*layer.batches, batch])
    return replace(base, layers=layers, version=base.version + 1)


def _grouped(changes: Changes) -> dict[str, list[tuple[AddObject, Patch]]]:
    groups: dict[str, list[tuple[AddObject, Patch]]] = defaultdict(list)
    for edit, patch in changes.added.values():
        groups[edit.layer].append((edit, patch))
    return dict(groups)


def _patched_layer(layer: Layer, patches: Mapping[int, Patch]) -> Layer:
    if not patches:
        return layer
    batches: list[Batch] = []
    first = 0
    for batch in layer.batches:
        mine = {row - first: patch for row, patch in patches.items() if first <= row < first + len(batch)}
        first += len(batch)
        batches.append(_patched(batch, mine) if mine else batch)
    return layer.with_batches([batch for batch in batches if len(batch)])


def _patched(batch: Batch, patches: Mapping[int, Patch]) -> Batch:
    """Return the batch with moves and attributes first, removals last, since they renumber the rows."""
    for row, patch in patches.items():
        if not patch.removed:
            batch = _reshaped(batch, row, patch)
    for row, patch in patches.items():
        for name, value in patch.attributes.items():
            batch = replace(batch, table=_with_value(batch.table, row, name, value))
    gone = [row for row, patch in patches.items() if patch.removed]
    return _without(batch, gone) if gone else batch


def _reshaped(batch: Batch, row: int, patch: Patch) -> Batch:
    """Return the batch with one object stretched to its new height and scaled in plan, then turned and moved."""
    box = [batch.table[name][row].as_py() for name in BOUNDS]
    if any(value is None for value in box):
        return batch
    stretch = _stretch(batch, row, patch, box)
    if stretch == 1.0 and not patch.moves:
        return batch
    middle = np.array([(box[0] + box[3]) / 2, (box[1] + box[4]) / 2, box[2]])

    def carry(points_m: Floats) -> Floats:
        turn = np.radians(patch.turn_deg)
        cos, sin = patch.scale * np.cos(turn), patch.scale * np.sin(turn)
        x, y, z = (points_m - middle).T
        by = np.array([patch.dx_m, patch.dy_m, patch.dz_m])
        carried: Floats = np.column_stack([cos * x - sin * y, sin * x + cos * y, z * stretch]) + middle + by
        return carried

    shape = _Shape(carry, np.radians(patch.turn_deg), np.array([patch.scale, patch.scale, stretch]))
    meshes = {lod: _carried(mesh, row, shape) for lod, mesh in batch.meshes.items()}
    table = _with_bounds(batch.table, row, box, carry)
    return replace(batch, table=table, meshes=meshes)


def _stretch(batch: Batch, row: int, patch: Patch, box: list[float]) -> float:
    """Return the vertical factor that a new ``height_m`` asks for.

    The top moves by the difference of heights and the foot stays. For a footprint that was raised to a block
    this is the same as raising it again; a roof shape keeps its plan.
    """
    new = patch.attributes.get("height_m")
    if "height_m" not in patch.attributes or new is None:
        return 1.0
    uid = batch.table["uid"][row].as_py()
    if isinstance(new, bool) or not isinstance(new, int | float) or new <= 0:
        raise SimulationError(uid, f"a height of {new!r} m is not above 0", "give metres")
    tall = box[5] - box[2]
    old = batch.table["height_m"][row].as_py() if "height_m" in batch.table.column_names else None
    top = tall + (float(new) - (tall if old is None else float(old)))
    if tall <= 0:
        return 1.0
    if top <= 0:
        raise SimulationError(uid, f"a height of {new} m would put the roof below the foot", "give a greater height")
    return top / tall


@dataclass(frozen=True)
class _Shape:
    """Where points go: the whole map, and its turn and (3,) factors along x, y, z before the turn."""

    carry: Callable[[Floats], Floats]
    turn_rad: float
    factors: Floats

    def normals(self, before: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, 3) unit normals of the carried surface."""
        x, y, z = (before.astype(np.float64) / self.factors).T
        cos, sin = np.cos(self.turn_rad), np.sin(self.turn_rad)
        turned = np.column_stack([cos * x - sin * y, sin * x + cos * y, z])
        lengths = np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)
        unit: NDArray[np.float32] = (turned / lengths).astype(np.float32)
        return unit


def _carried(mesh: MeshSet, row: int, shape: _Shape) -> MeshSet:
    """Return the mesh set with the points of one row carried elsewhere."""
    mine = mesh.vertex_rows() == row
    positions, normals = mesh.positions.copy(), mesh.normals
    positions[mine] = (shape.carry(mesh.positions_m[mine]) - mesh.centre).astype(np.float32)
    if normals is not None and mine.any():
        normals = normals.copy()
        normals[mine] = shape.normals(normals[mine])
    instances = []
    for each in mesh.instances:
        own = each.rows == row
        feet, yaw, scales = each.positions.copy(), each.yaw_rad.copy(), each.scales.copy()
        feet[own] = (shape.carry(each.positions[own].astype(np.float64) + mesh.centre) - mesh.centre).astype(np.float32)
        yaw[own] += np.float32(shape.turn_rad)
        scales[own] *= shape.factors.astype(np.float32)
        instances.append(replace(each, positions=feet, yaw_rad=yaw, scales=scales))
    return replace(mesh, positions=positions, normals=normals, instances=tuple(instances))


def _with_bounds(table: pa.Table, row: int, box: list[float], carry: Any) -> pa.Table:
    """Return the table with footprint and bounds of one row carried along."""
    wkb = table["footprint"][row].as_py()
    corners = np.array([[box[i], box[j], box[k]] for i in (0, 3) for j in (1, 4) for k in (2, 5)])
    if wkb is not None:
        shape = placed_footprint(wkb, box[2], carry)
        table = _with_value(table, row, "footprint", shapely.to_wkb(shape))
        flat = shapely.get_coordinates(shapely.from_wkb(wkb))
        corners = np.concatenate([np.column_stack([flat, np.full(len(flat), z)]) for z in (box[2], box[5])])
    carried = carry(corners)
    for name, value in zip(BOUNDS, [*carried.min(axis=0), *carried.max(axis=0)], strict=True):
        table = _with_value(table, row, name, float(value))
    return table


def _with_value(table: pa.Table, row: int, name: str, value: Plain | bytes) -> pa.Table:
    """Return the table with one cell changed; the column is made if it is missing."""
    if name not in table.column_names:
        kind = pa.float64() if isinstance(value, int | float) and not isinstance(value, bool) else pa.scalar(value).type
        column = pa.nulls(table.num_rows, kind)
        table = table.append_column(pa.field(name, kind), column)
    index = table.schema.get_field_index(name)
    field = table.schema.field(index)
    try:
        cell = pa.scalar(value, type=field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        uid = table["uid"][row].as_py()
        raise SimulationError(uid, f"{value!r} does not fit '{name}', which holds {field.type}") from error
    here = pa.array(np.arange(table.num_rows) == row)
    return table.set_column(index, field, pc.if_else(here, cell, table[name]))


def _without(batch: Batch, gone: list[int]) -> Batch:
    """Return the batch without some rows; meshes, aliases and relations are renumbered."""
    keep = np.setdiff1d(np.arange(len(batch)), gone)
    meshes = {lod: mesh.take(keep) for lod, mesh in batch.meshes.items()}
    aliases, relations = kept_rows(batch.aliases, keep), kept_rows(batch.relations, keep)
    return Batch(batch.table.take(pa.array(keep)), meshes, aliases, relations)
