"""What a scenario changes in the picture: objects of the city to hide, and the shapes to draw in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.joining import join
from scenes.mesh import MeshSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from scenes import CityObject, Scene
    from twin.whatif.patches import Patch
    from twin.whatif.scenario import Scenario

    Floats = NDArray[np.float64]
    Colour = tuple[int, int, int]

ADDED_COLOUR: Colour = (74, 144, 226)
CHANGED_COLOUR: Colour = (38, 166, 154)
INSET_M = 0.08
_LIGHT = np.array([-0.35, -0.55, 0.76])
_DARKEST = 0.62


def scenario_geometry(scene: Scene, scenario: Scenario) -> dict[str, Any]:
    """Return how to turn the picture of a city into that of one of its scenarios.

    Added objects are blue and changed ones teal, whatever their layer, so that a proposal stands out. The light
    of a high sun is part of the colours, since such a surface is drawn without shading.

    Parameters
    ----------
    scene
        The city that is shown; its handles are meant.
    scenario
        The branch.

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
    parts = [*_shapes(variant, changes.added, ADDED_COLOUR), *_shapes(variant, changed, CHANGED_COLOUR)]
    parts = [part for part in parts if part.triangle_count]
    old = [np.array(item.bounds) for item in map(scene.at, hidden) if item.bounds is not None]
    return {
        "hidden": hidden,
        "surface": surface_glb(join(parts)) if parts else b"",
        "added": len(changes.added),
        "removed": len(reshaped) - len(changed),
        "changed": len(changed),
        "bounds": _around([*old, *(_box(part) for part in parts)]),
    }


def _other_shape(patch: Patch) -> bool:
    return patch.moves or "height_m" in patch.attributes


def _shapes(scene: Scene, uids: Iterable[str], colour: Colour) -> list[MeshSet]:
    found = [_shape(scene[uid]) for uid in uids]
    return [_painted(mesh, colour) for mesh in found if mesh is not None]


def _shape(item: CityObject) -> MeshSet | None:
    """Return the mesh of one object at its finest level of detail, with instances written out."""
    for level in sorted(item.batch.meshes, key=float, reverse=True):
        mesh = item.batch.meshes[level].take([item.batch_row]).expanded()
        if mesh.triangle_count:
            return mesh
    return None


def _painted(mesh: MeshSet, colour: Colour) -> MeshSet:
    """Return the triangles in one colour, shaded by where they face.

    They lie a little inside of the shape, so that the cells of a result on its walls are drawn in front.
    """
    corners = mesh.positions_m[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    corners = corners - normals[:, None, :] * INSET_M
    share = _DARKEST + (1.0 - _DARKEST) * np.clip(normals @ _LIGHT, 0.0, 1.0)
    colours = np.full((len(corners), 3, 4), 255, np.uint8)
    colours[:, :, :3] = np.rint(share[:, None, None] * np.array(colour))
    flat = corners.reshape(-1, 3)
    painted = MeshSet.of_one(flat, np.arange(len(flat)).reshape(-1, 3))
    return replace(painted, colours=colours.reshape(-1, 4))


def _box(mesh: MeshSet) -> Floats:
    low, high = mesh.row_bounds(1)
    return np.concatenate([low[0], high[0]])


def _around(boxes: list[Floats]) -> list[float] | None:
    if not boxes:
        return None
    array = np.array(boxes)
    return [*array[:, :3].min(axis=0).tolist(), *array[:, 3:].max(axis=0).tolist()]
