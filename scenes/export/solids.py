"""Geometry for modelling and drawing programs: glTF binary and Wavefront OBJ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.convert import layer_mesh, to_trimesh
from scenes.errors import QueryError

if TYPE_CHECKING:
    from io import TextIOBase
    from pathlib import Path

    from scenes.mesh import MeshSet
    from scenes.model import Scene

# glTF has y up: local (east, north, up) becomes (x, z, -y).
_Y_UP = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])


def write_glb(scene: Scene, file: Path) -> None:
    """Write the finest geometry as one glb: a node a layer, local metres, y up.

    Raises
    ------
    QueryError
        When no object has triangles.
    """
    model: Any = to_trimesh(scene)
    if not model.geometry:
        raise _nothing(scene)
    for mesh in model.geometry.values():
        mesh.metadata = {"crs": scene.georeference.crs, "origin": scene.georeference.origin_m.tolist()}
    model.apply_transform(_Y_UP)
    file.write_bytes(model.export(file_type="glb"))


def write_obj(scene: Scene, file: Path) -> None:
    """Write the finest geometry as Wavefront OBJ: a group an object, named by its uid, local metres, z up.

    Raises
    ------
    QueryError
        When no object has triangles.
    """
    frame = scene.georeference
    written = 0
    with file.open("w", encoding="utf-8") as out:
        out.write(f"# {scene.name}: metres, x east, y north, z up\n")
        out.write(f"# origin {frame.easting_m} {frame.northing_m} {frame.height_m} in {frame.crs.splitlines()[0]}\n")
        for name, layer in scene.layers.items():
            mesh = layer_mesh(layer)
            if mesh.triangle_count:
                out.write(f"o {name}\n")
                _write_groups(out, mesh, layer.table["uid"].to_pylist(), written)
                written += mesh.vertex_count
    if not written:
        raise _nothing(scene)


def _write_groups(out: TextIOBase, mesh: MeshSet, uids: list[str], before: int) -> None:
    positions = mesh.positions_m
    faces = mesh.triangles.astype(np.int64) + before + 1
    for group, row in enumerate(mesh.rows.tolist()):
        first, last = int(mesh.vertex_starts[group]), int(mesh.vertex_starts[group + 1])
        start, end = int(mesh.triangle_starts[group]), int(mesh.triangle_starts[group + 1])
        out.write(f"g {uids[row]}\n")
        out.writelines("v {:.4f} {:.4f} {:.4f}\n".format(*point) for point in positions[first:last].tolist())
        out.writelines("f {} {} {}\n".format(*face) for face in faces[start:end].tolist())


def _nothing(scene: Scene) -> QueryError:
    return QueryError(
        scene.name, "no object has geometry to write", "choose other layers, or a table format such as gpkg"
    )
