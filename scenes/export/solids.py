"""Geometry for modelling and drawing programs: glTF binary and Wavefront OBJ, both with images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from scenes.convert import layer_mesh
from scenes.errors import LoadError, QueryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import TextIOBase
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet
    from scenes.model import Scene
    from scenes.pictures import Picture


def write_glb(scene: Scene, file: Path) -> None:
    """Write the finest geometry as one glb with its images: a node a layer, local metres, y up.

    Raises
    ------
    QueryError
        When no object has triangles.
    """
    from scenes.tiles.single import scene_glb  # noqa: PLC0415 - the tiles are needed for nothing else here

    try:
        file.write_bytes(scene_glb(scene))
    except LoadError as error:
        raise _nothing(scene) from error


def write_obj(scene: Scene, file: Path) -> None:
    """Write the finest geometry as Wavefront OBJ: a group an object, named by its uid, local metres, z up.

    Images lie beside it with a material library, all named after the file.

    Raises
    ------
    QueryError
        When no object has triangles.
    """
    frame = scene.georeference
    with file.open("w", encoding="utf-8") as out:
        out.write(f"# {scene.name}: metres, x east, y north, z up\n")
        out.write(f"# origin {frame.easting_m} {frame.northing_m} {frame.height_m} in {frame.crs.splitlines()[0]}\n")
        writer = _ObjWriter(out, any(mesh.images for mesh in _meshes(scene)))
        if writer.textured:
            out.write(f"mtllib {file.stem}.mtl\n")
        for name, layer in scene.layers.items():
            mesh = layer_mesh(layer)
            if mesh.triangle_count:
                out.write(f"o {name}\n")
                writer.write(mesh, layer.table["uid"].to_pylist())
    if not writer.written:
        raise _nothing(scene)
    if writer.textured:
        _write_images(file, writer.numbers)


@dataclass
class _ObjWriter:
    """Writes mesh sets one behind another; with images, every vertex has a place in one, so that numbers agree."""

    out: TextIOBase
    textured: bool
    written: int = 0
    numbers: dict[Picture, int] = field(default_factory=dict)

    def write(self, mesh: MeshSet, uids: list[str]) -> None:
        """Write a group for each object."""
        positions, places = mesh.positions_m, self._places(mesh)
        faces = mesh.triangles.astype(np.int64) + self.written + 1
        named = self._named(mesh)
        for group, row in enumerate(mesh.rows.tolist()):
            vertices = slice(int(mesh.vertex_starts[group]), int(mesh.vertex_starts[group + 1]))
            triangles = slice(int(mesh.triangle_starts[group]), int(mesh.triangle_starts[group + 1]))
            self.out.write(f"g {uids[row]}\n")
            self.out.writelines("v {:.4f} {:.4f} {:.4f}\n".format(*point) for point in positions[vertices].tolist())
            self.out.writelines("vt {:.6f} {:.6f}\n".format(*place) for place in places[vertices].tolist())
            self._faces(faces[triangles], named[triangles])
        self.written += mesh.vertex_count

    def _faces(self, faces: NDArray[np.int64], named: NDArray[np.int64]) -> None:
        if not self.textured:
            self.out.writelines("f {} {} {}\n".format(*face) for face in faces.tolist())
            return
        for number in np.unique(named).tolist():
            self.out.write(f"usemtl image_{number}\n" if number >= 0 else "usemtl plain\n")
            mine = faces[named == number].tolist()
            self.out.writelines("f {0}/{0} {1}/{1} {2}/{2}\n".format(*face) for face in mine)

    def _places(self, mesh: MeshSet) -> NDArray[np.float64]:
        """Return (v, 2) places in images with v upward, as this format has it; (0, 2) without images."""
        if not self.textured:
            return np.zeros((0, 2))
        uvs = np.zeros((mesh.vertex_count, 2)) if mesh.uvs is None else mesh.uvs.astype(np.float64)
        return np.column_stack([uvs[:, 0], 1 - uvs[:, 1]])

    def _named(self, mesh: MeshSet) -> NDArray[np.int64]:
        """Return the number of the image of each triangle in this file, -1 = none."""
        number = [self.numbers.setdefault(image, len(self.numbers)) for image in mesh.images]
        own = np.full(len(mesh.triangles), -1) if mesh.triangle_images is None else mesh.triangle_images
        return np.array([*number, -1], np.int64)[own]


def _meshes(scene: Scene) -> Iterator[MeshSet]:
    for layer in scene.layers.values():
        for batch in layer.batches:
            for mesh in batch.meshes.values():
                yield mesh
                yield from (each.prototype for each in mesh.instances)


def _write_images(file: Path, numbers: dict[Picture, int]) -> None:
    lines = ["newmtl plain\nKd 1 1 1\n"]
    for picture, number in numbers.items():
        name = f"{file.stem}_{number}.{'png' if picture.mime == 'image/png' else 'jpg'}"
        file.with_name(name).write_bytes(picture.data)
        lines.append(f"newmtl image_{number}\nKd 1 1 1\nmap_Kd {name}\n")
    file.with_suffix(".mtl").write_text("".join(lines), encoding="utf-8")


def _nothing(scene: Scene) -> QueryError:
    return QueryError(
        scene.name, "no object has geometry to write", "choose other layers, or a table format such as gpkg"
    )
