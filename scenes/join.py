"""Join two scenes: the other one moves into the frame of the first; ids that both have are kept once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes.footprints import footprint_column, local_footprints, moved
from scenes.georeference import Georeference, parse_crs, transformer
from scenes.model import Batch, Layer, Scene
from scenes.problems import Problems
from scenes.schema import BOUNDS
from scenes.select import batch_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet

    Floats = NDArray[np.float64]


def join_scenes(first: Scene, other: Scene) -> Scene:
    """Return one scene with the layers of both, in the frame of the first.

    A layer of `other` whose name is taken gets the name of its scene or a number behind it. An object whose uid
    the first scene has already is left out and reported in ``metadata["problems"]``.
    """
    found = Problems()
    layers = dict(first.layers)
    move = frame_change(other.georeference, first.georeference)
    for layer in other.layers.values():
        batches = [_without_known(batch, first, found) for batch in layer.batches]
        kept = [batch if move is None else _moved_batch(batch, move) for batch in batches if len(batch)]
        name = _free_name(layer.name, other.name, layers)
        layers[name] = replace(layer, name=name, batches=tuple(kept))
    return Scene(first.georeference, layers, first.name, first.version + 1, _metadata(first, other, found))


def frame_change(source: Georeference, target: Georeference) -> Callable[[Floats], Floats] | None:
    """Return the function that takes (n, 2) or (n, 3) local metres of one frame to another, None if they are the same.

    Between two systems the horizontal place is reprojected; heights are kept, since the datum of heights is
    never guessed.
    """
    lift = source.height_m - target.height_m
    if parse_crs(source.crs) == parse_crs(target.crs):
        shift = np.array([source.easting_m - target.easting_m, source.northing_m - target.northing_m, lift])
        return (lambda points: points + shift[: points.shape[1]]) if shift.any() else None
    change = transformer(source.crs, target.crs)

    def reproject(points: Floats) -> Floats:
        east, north = change.transform(points[:, 0] + source.easting_m, points[:, 1] + source.northing_m)
        plan = np.column_stack([east - target.easting_m, north - target.northing_m])
        return np.column_stack([plan, points[:, 2:] + lift]) if points.shape[1] == 3 else plan

    return reproject


def _without_known(batch: Batch, first: Scene, found: Problems) -> Batch:
    """Return the batch without the objects that the first scene has."""
    known = first.handles(batch.table["uid"]) >= 0
    if not known.any():
        return batch
    for uid in batch.table["uid"].filter(pa.array(known)).to_pylist():
        found.add("warning", uid, "duplicate-uid", "both scenes have this object; the first one was kept")
    return batch_part(batch, np.flatnonzero(~known))


def _moved_batch(batch: Batch, move: Callable[[Floats], Floats]) -> Batch:
    table = batch.table
    place = table.schema.get_field_index("footprint")
    if table["footprint"].null_count < table.num_rows:
        bare = pc.is_null(table["footprint"]).to_numpy()
        shapes = local_footprints(table)
        shapes[bare] = None
        table = table.set_column(place, table.schema.field(place), footprint_column(moved(shapes, move)))
    meshes = {level: moved_mesh(mesh, move) for level, mesh in batch.meshes.items()}
    return replace(batch, table=_moved_bounds(table, move), meshes=meshes).with_bounds()


def moved_mesh(mesh: MeshSet, move: Callable[[Floats], Floats]) -> MeshSet:
    """Return the mesh set in another frame; instances and normals turn as the frame does at the centre."""
    centre = move(mesh.centre[None, :])[0]
    along = move(mesh.centre[None, :] + np.array([[1.0, 0.0, 0.0]]))[0] - centre
    turn = float(np.arctan2(along[1], along[0]))
    instances = tuple(
        replace(
            each,
            positions=(move(each.positions + mesh.centre) - centre).astype(np.float32),
            yaw_rad=(each.yaw_rad + turn).astype(np.float32),
        )
        for each in mesh.instances
    )
    return replace(
        mesh,
        centre=centre,
        positions=(move(mesh.positions_m) - centre).astype(np.float32),
        normals=_turned(mesh.normals, turn),
        instances=instances,
    )


def _turned(normals: NDArray[np.float32] | None, turn_rad: float) -> NDArray[np.float32] | None:
    if normals is None or turn_rad == 0.0:
        return normals
    cos, sin = np.cos(turn_rad), np.sin(turn_rad)
    matrix = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(normals @ matrix.T, dtype=np.float32)


def _moved_bounds(table: pa.Table, move: Callable[[Floats], Floats]) -> pa.Table:
    """Return the table with the box of the four moved corners of each old box; nulls stay."""
    box = np.column_stack([table[name].to_numpy().astype(np.float64) for name in BOUNDS])
    known = np.isfinite(box).all(axis=1)
    corners = [(0, 1), (3, 1), (3, 4), (0, 4)]
    lows = np.stack([move(box[known][:, [x, y, 2]]) for x, y in corners])
    tops = np.stack([move(box[known][:, [x, y, 5]]) for x, y in corners])
    box[known] = np.column_stack([lows.min(axis=0), tops.max(axis=0)])
    for place, name in enumerate(BOUNDS):
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(index), pa.array(box[:, place], mask=~known))
    return table


def _free_name(name: str, scene: str, taken: dict[str, Layer]) -> str:
    if name not in taken:
        return name
    word = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in scene.lower()).strip("-")
    wanted = [f"{name}-{word}"] if word else []
    return next(each for each in [*wanted, *(f"{name}-{n}" for n in range(2, len(taken) + 3))] if each not in taken)


def _metadata(first: Scene, other: Scene, found: Problems) -> dict[str, object]:
    merged: dict[str, object] = {**other.metadata, **first.metadata}
    for key in ("problems", "sources"):
        joined = [
            *cast("list[object]", first.metadata.get(key, [])),
            *cast("list[object]", other.metadata.get(key, [])),
        ]
        if key == "problems":
            joined += [problem.as_dict() for problem in found.listed()]
        if joined:
            merged[key] = joined
    return merged
