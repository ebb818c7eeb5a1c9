"""Worker side: triangles of products, with the colours of their materials, in chunks of an Arrow file each."""

# ruff: noqa: PLC0415 - the IFC library is imported where it is used, in the worker only
from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SHAPES = pa.schema(
    [
        ("product", pa.int64()),
        ("x", pa.float64()),
        ("y", pa.float64()),
        ("z", pa.float64()),
        ("positions", pa.large_binary()),  # (v, 3) float32 metres from (x, y, z)
        ("triangles", pa.large_binary()),  # (t, 3) uint32
        ("colours", pa.large_binary()),  # (v, 4) uint8 sRGB and opacity; empty = no material
    ]
)
# Tessellation of curved surfaces: 5 mm and 0.5 rad, below what a city view can show.
_LINEAR_M = 0.005
_ANGULAR_RAD = 0.5
_LARGEST_M = 1.0e6
_FARTHEST_M = 1.0e8
_KEPT_GEOMETRIES = 256
_CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Mesh:
    """Geometry shared by the products that repeat it, in its own coordinates (float64 metres)."""

    positions: NDArray[np.float64]
    triangles: NDArray[np.uint32]
    colours: NDArray[np.uint8] | None


@dataclass
class ShapeSink:
    """Collects shapes and writes a chunk whenever enough are there; `written` hears of every finished chunk."""

    folder: Path
    prefix: str
    written: Callable[[str, list[int], int], None]
    _columns: dict[str, list[Any]] = field(default_factory=dict)
    _bytes: int = 0
    _count: int = 0
    _finished: list[int] = field(default_factory=list)

    def add(self, product: int, mesh: Mesh, matrix: NDArray[np.float64]) -> str:
        """Add one product's mesh, placed by a (4, 4) matrix; return what is wrong with it, empty if nothing."""
        self._finished.append(product)
        if not len(mesh.triangles):
            return "has no surface"
        placed = mesh.positions @ matrix[:3, :3].T + matrix[:3, 3]
        low, high = placed.min(axis=0), placed.max(axis=0)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            return "has coordinates that are not numbers"
        if (high - low).max() > _LARGEST_M:
            return f"is {(high - low).max():.3g} m large, out of all bounds"
        if max(abs(low).max(), abs(high).max()) > _FARTHEST_M:
            return f"lies {max(abs(low).max(), abs(high).max()):.3g} m away, out of all bounds"
        centre = (low + high) / 2
        triangles = mesh.triangles[:, ::-1] if np.linalg.det(matrix[:3, :3]) < 0 else mesh.triangles
        self._put(product, centre, (placed - centre).astype(np.float32), triangles, mesh.colours)
        return ""

    def skip(self, product: int) -> None:
        """Note that a product is done without geometry."""
        self._finished.append(product)

    def flush(self) -> None:
        """Write what has been collected."""
        if self._finished:
            name = f"{self.prefix}-{self._count:05d}.arrow"
            self._count += 1
            table = pa.table(self._columns or {name: [] for name in SHAPES.names}, schema=SHAPES)
            with pa.OSFile(str(self.folder / name), "wb") as file, pa.ipc.new_file(file, SHAPES) as writer:
                writer.write_table(table)
            self.written(name, self._finished, table.num_rows)
        self._columns, self._finished, self._bytes = {}, [], 0

    def _put(
        self,
        product: int,
        centre: NDArray[np.float64],
        positions: NDArray[np.float32],
        triangles: NDArray[np.uint32],
        colours: NDArray[np.uint8] | None,
    ) -> None:
        cells = (
            product,
            *centre.tolist(),
            positions.tobytes(),
            np.ascontiguousarray(triangles).tobytes(),
            b"" if colours is None else colours.tobytes(),
        )
        for name, cell in zip(SHAPES.names, cells, strict=True):
            self._columns.setdefault(name, []).append(cell)
        self._bytes += positions.nbytes + triangles.nbytes
        if self._bytes >= _CHUNK_BYTES:
            self.flush()


class Tessellator:
    """Turns the products of one open model into meshes with the IFC library's geometry engine."""

    def __init__(self, model: Any, threads: int) -> None:
        import ifcopenshell.geom

        self._model = model
        self._threads = threads
        self._geom: Any = ifcopenshell.geom
        self._settings: Any = self._geom.settings()
        self._settings.set("mesher-linear-deflection", _LINEAR_M)
        self._settings.set("mesher-angular-deflection", _ANGULAR_RAD)
        self._settings.set("no-normals", True)
        self._meshes: OrderedDict[str, Mesh] = OrderedDict()

    def all_at_once(self, products: Sequence[Any]) -> Iterator[tuple[int, Mesh, NDArray[np.float64]]]:
        """Yield each product that has geometry; must be run to its end, the engine crashes otherwise."""
        iterator = self._geom.iterator(self._settings, self._model, self._threads, include=list(products))
        if not iterator.initialize():
            return
        while True:
            shape = iterator.get()
            yield shape.id, self._mesh(shape.geometry), _matrix(shape)
            if not iterator.next():
                return

    def one(self, product: Any) -> tuple[Mesh, NDArray[np.float64]] | None:
        """Return one product's mesh and matrix, None if the engine makes nothing of it."""
        try:
            shape = self._geom.create_shape(self._settings, product)
        except RuntimeError:
            return None
        return self._mesh(shape.geometry), _matrix(shape)

    def _mesh(self, geometry: Any) -> Mesh:
        key = str(geometry.id)
        known = self._meshes.get(key)
        if known is None:
            known = self._meshes[key] = _read_mesh(geometry)
            if len(self._meshes) > _KEPT_GEOMETRIES:
                self._meshes.popitem(last=False)
        return known


def _matrix(shape: Any) -> NDArray[np.float64]:
    return np.frombuffer(shape.transformation_buffer, dtype=np.float64).reshape(4, 4).T


def _read_mesh(geometry: Any) -> Mesh:
    positions = np.frombuffer(geometry.verts_buffer, dtype=np.float64).reshape(-1, 3)
    triangles = np.frombuffer(geometry.faces_buffer, dtype=np.int32).reshape(-1, 3).astype(np.uint32)
    materials = geometry.materials
    if not materials:
        return Mesh(positions.copy(), triangles, None)
    palette = np.array([_colour(material) for material in materials] + [(0, 0, 0, 0)], dtype=np.uint8)
    used = np.frombuffer(geometry.material_ids_buffer, dtype=np.int32)
    if len(used) != len(triangles) or not palette[:-1, 3].any():
        return Mesh(positions.copy(), triangles, None)
    return split_by_colour(positions, triangles, palette[used])


def split_by_colour(
    positions: NDArray[np.float64], triangles: NDArray[np.uint32], face_colours: NDArray[np.uint8]
) -> Mesh:
    """Return a mesh with one colour a vertex from one with (t, 4) uint8 colours a triangle.

    Vertices where colours meet are doubled.
    """
    packed = np.ascontiguousarray(face_colours).view(np.uint32).ravel()
    if len(packed) and (packed == packed[0]).all():
        return Mesh(positions.copy(), triangles, np.broadcast_to(face_colours[0], (len(positions), 4)).copy())
    keys = triangles.astype(np.uint64) | (packed.astype(np.uint64)[:, None] << np.uint64(32))
    corners, inverse = np.unique(keys.ravel(), return_inverse=True)
    vertices = (corners & np.uint64(0xFFFFFFFF)).astype(np.int64)
    colours = (corners >> np.uint64(32)).astype(np.uint32).view(np.uint8).reshape(-1, 4)
    return Mesh(positions[vertices], inverse.reshape(-1, 3).astype(np.uint32), colours.copy())


def _colour(material: Any) -> tuple[int, int, int, int]:
    """Return sRGB and opacity of a material; (0, 0, 0, 0) for the engine's own default, which means none."""
    if material.name == "DefaultMaterial":
        return (0, 0, 0, 0)
    diffuse = material.diffuse
    red, green, blue = (
        round(255 * min(1.0, max(0.0, value))) if np.isfinite(value) else 190
        for value in (diffuse.r(), diffuse.g(), diffuse.b())
    )
    opacity = 255
    if material.has_transparency() and np.isfinite(material.transparency):
        opacity = max(26, round(255 * (1.0 - min(1.0, max(0.0, material.transparency)))))
    return red, green, blue, opacity
