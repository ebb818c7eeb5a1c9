"""Grids with their axes, which are objects of their own in a scene and parts of their grid in IFC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bim.exporting.shapes import ShapeWriter
    from scenes.model import CityObject, Scene

_ALONG = 0.7071


def grid_axes(
    model: Any, scene: Scene, grid: CityObject, shapes: ShapeWriter, origin_m: NDArray[np.float64]
) -> dict[str, Any] | None:
    """Return the axes of a grid as its attributes ``UAxes`` and ``VAxes``, None if it has not both.

    Those that run like the first one are U axes, the others V axes.
    """
    found: dict[str, list[Any]] = {"UAxes": [], "VAxes": []}
    first: NDArray[np.float64] | None = None
    for uid in scene.layers[grid.layer].table.filter(_parts(scene, grid))["uid"].to_pylist():
        axis = scene[uid]
        mesh = axis.mesh()
        if mesh is None or mesh.lines is None or not len(mesh.lines):
            continue
        ends = mesh.positions_m[[int(mesh.lines[0, 0]), int(mesh.lines[-1, 1])], :2]
        way = (ends[1] - ends[0]) / (np.linalg.norm(ends[1] - ends[0]) or 1.0)
        first = way if first is None else first
        name = "UAxes" if abs(float(first @ way)) > _ALONG else "VAxes"
        curve = shapes.flat_lines(mesh, origin_m)[0]
        found[name].append(model.create_entity("IfcGridAxis", axis.name or None, curve, True))
    return found if all(found.values()) else None


def _parts(scene: Scene, grid: CityObject) -> Any:
    import pyarrow.compute as pc  # noqa: PLC0415 - rarely needed

    return pc.equal(scene.layers[grid.layer].table["parent"], grid.uid)
