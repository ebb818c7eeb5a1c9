"""Scenes as VTK files for ParaView and other analysis programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scenes import QueryError
from scenes.export import Format
from twin.view.pyvista_scene import to_pyvista

if TYPE_CHECKING:
    from pathlib import Path

    from scenes import Scene


def write_vtk(scene: Scene, file: Path) -> None:
    """Write the finest geometry as one VTK XML file (``.vtp``), or a legacy one (``.vtk``), in local metres, z up.

    Cells carry ``handle`` (the object), ``layer`` (its number; the names are a field) and ``rgba``; the uid of each
    handle and the frame of the scene are fields, so that results find their way back to the objects.

    Raises
    ------
    QueryError
        When no object has a shape.
    """
    import pyvista  # noqa: PLC0415 - optional and slow

    blocks = to_pyvista(scene)
    parts = []
    for number, name in enumerate(blocks.keys()):
        part = blocks[name].copy()
        part.cell_data["layer"] = np.full(part.n_cells, number, np.uint16)
        parts.append(part)
    if not parts:
        raise QueryError(scene.name, "no object has a shape to write", "choose other layers")
    whole = parts[0] if len(parts) == 1 else pyvista.merge(parts, merge_points=False)
    frame = scene.georeference
    whole.field_data["layers"] = np.array(list(blocks.keys()))
    whole.field_data["uid"] = np.array(list(scene))
    whole.field_data["crs"] = np.array([frame.crs])
    whole.field_data["origin"] = frame.origin_m
    whole.save(file)


FORMAT = Format("vtk", (".vtp", ".vtk"), write_vtk)
