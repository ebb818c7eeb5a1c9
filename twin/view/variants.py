"""What a scenario changes in the picture: objects of the city to hide, and the shapes to draw in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.joining import join
from scenes.mesh import MeshSet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from scenes import CityObject, Scene
    from twin.whatif.patches import Patch
    from twin.whatif.scenario import Scenario

    Floats = NDArray[np.float64]
    Colour = tuple[int, int, int]

ADDED_COLOUR: Colour = (74, 144, 226)
CHANGED_COLOUR: Colour = (38, 166, 154)
INSET_M = 0.08


def scenario_geometry(
    scene: Scene, scenario: Scenario, slots: Callable[[Sequence[str]], Sequence[int]] | None = None
) -> dict[str, Any]:
    """Return how to turn the picture of a city into that of one of its scenarios.

    Added objects are blue and changed ones teal, whatever their layer, so that a proposal stands out.

    Parameters
    ----------
    scene
        The city that is shown; its handles are meant.
    scenario
        The branch.
    slots
        Gives the feature ids for the uids of added and changed objects; default their places.

    Returns
    -------
    dict
        ``hidden``: handles of objects that are removed, or drawn otherwise; ``surface``: glb bytes of added and
        changed objects, empty where there are none; ``added``, ``removed`` and ``changed``: how many objects;
        ``bounds``: [6] local metres around all of them, None where nothing has a shape.
    """
    from scenes.tiles import surface_glb  # noqa: PLC0415 - only when a scenario is shown
    from twin.whatif.patches import fold  # noqa: PLC0415

    changes = fold(scenario.all_edits, scenario.root)
    reshaped = {uid: patch for uid, patch in changes.patches.items() if patch.removed or _other_shape(patch)}
    changed = [uid for uid, patch in reshaped.items() if not patch.removed]
    handles = scene.handles(list(reshaped)) if reshaped else np.zeros(0, np.int64)
    hidden = [int(handle) for handle in handles if handle >= 0]
    variant = scenario.scene
    uids = [*changes.added, *changed]
    colours = [ADDED_COLOUR] * len(changes.added) + [CHANGED_COLOUR] * len(changed)
    shapes = [shape_of(variant[uid]) for uid in uids]
    parts = [
        _painted(shape, colour, row)
        for row, shape, colour in zip(slots(uids) if slots else range(len(uids)), shapes, colours, strict=True)
        if shape is not None
    ]
    old = [np.array(item.bounds) for item in map(scene.at, hidden) if item.bounds is not None]
    return {
        "hidden": hidden,
        "surface": surface_glb(join(parts), rows=True) if parts else b"",
        "added": len(changes.added),
        "removed": len(reshaped) - len(changed),
        "changed": len(changed),
        "bounds": _around([*old, *(_box(part) for part in parts)]),
    }


def _other_shape(patch: Patch) -> bool:
    return patch.moves or "height_m" in patch.attributes


def shape_of(item: CityObject) -> MeshSet | None:
    """Return the finest mesh of one object, with instances written out; None where it has no triangles."""
    for level in sorted(item.batch.meshes, key=float, reverse=True):
        mesh = item.batch.meshes[level].take([item.batch_row]).expanded()
        if mesh.triangle_count:
            return mesh
    return None


def _painted(mesh: MeshSet, colour: Colour, row: int) -> MeshSet:
    """Return the triangles in one colour, as those of a row.

    They lie a little inside of the shape, so that the cells of a result on its walls are drawn in front.
    """
    corners = mesh.positions_m[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    corners = corners - normals[:, None, :] * INSET_M
    flat = corners.reshape(-1, 3)
    painted = MeshSet.of_one(flat, np.arange(len(flat)).reshape(-1, 3), row)
    return replace(painted, colours=np.tile(np.array([*colour, 255], np.uint8), (len(flat), 1)))


def _box(mesh: MeshSet) -> Floats:
    positions = mesh.positions_m
    return np.concatenate([positions.min(axis=0), positions.max(axis=0)])


def _around(boxes: list[Floats]) -> list[float] | None:
    if not boxes:
        return None
    array = np.array(boxes)
    return [*array[:, :3].min(axis=0).tolist(), *array[:, 3:].max(axis=0).tolist()]
