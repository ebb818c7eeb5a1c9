"""Worker side: triangles of products from the geometry engines of the IFC library, with the colours of their materials.

There are two engines. The quick one takes a sixth of the time of the sure one, makes the same boxes and areas, and
leaves some products empty; those go through the sure one.
"""

# ruff: noqa: PLC0415 - the IFC library is imported where it is used, in the worker only
from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from bim.textures import Textures

QUICK = "hybrid-cgal-simple-opencascade"
SURE = "opencascade"
# Tessellation of curved surfaces: 5 mm and 0.5 rad, below what a city view can show.
LINEAR_M = 0.005
ANGULAR_RAD = 0.5
_KEPT_GEOMETRIES = 256
_CLOSED = 1e-5  # of the area: the area vectors of a closed surface sum to nothing


@dataclass(frozen=True)
class Mesh:
    """Geometry shared by the products that repeat it, in its own coordinates.

    Parameters
    ----------
    centre
        (3,) float64 metres.
    positions
        (v, 3) float32 metres from the centre.
    triangles
        (t, 3) uint32, anticlockwise seen from outside.
    colours
        (v, 4) uint8 sRGB and opacity, None = no material.
    uvs
        (v, 2) float32 places in images, None = no triangle has a texture.
    textures
        (t,) int32 entity number of the texture of each triangle, 0 = none; None with `uvs`.
    """

    centre: NDArray[np.float64]
    positions: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    colours: NDArray[np.uint8] | None
    uvs: NDArray[np.float32] | None = None
    textures: NDArray[np.int32] | None = None

    @classmethod
    def of(
        cls, positions_m: NDArray[np.float64], triangles: NDArray[np.uint32], colours: NDArray[np.uint8] | None
    ) -> Mesh:
        """Return a mesh from (v, 3) float64 metres."""
        if not len(positions_m):
            return cls(np.zeros(3), np.zeros((0, 3), np.float32), triangles, None)
        centre = (positions_m.min(axis=0) + positions_m.max(axis=0)) / 2
        return cls(centre, (positions_m - centre).astype(np.float32), triangles, colours)

    @cached_property
    def key(self) -> str:
        """A hash that two meshes share when they look the same."""
        digest = hashlib.blake2b(digest_size=12)
        for array in (self.positions, self.triangles, self.colours, self.uvs, self.textures):
            digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @cached_property
    def corners_m(self) -> NDArray[np.float64]:
        """The (8, 3) corners of its box in its own coordinates."""
        low, high = self.positions.min(axis=0), self.positions.max(axis=0)
        grid = np.array(np.meshgrid(*np.stack([low, high]).T, indexing="ij"), np.float64)
        corners: NDArray[np.float64] = grid.reshape(3, 8).T + self.centre
        return corners


class Tessellator:
    """Turns the products of one open model into meshes with one geometry engine."""

    def __init__(self, model: Any, threads: int, engine: str = QUICK) -> None:
        import ifcopenshell.geom

        self._model = model
        self._threads = threads
        self._engine = engine
        self._geom: Any = ifcopenshell.geom
        self._settings: Any = self._geom.settings()
        self._settings.set("mesher-linear-deflection", LINEAR_M)
        self._settings.set("mesher-angular-deflection", ANGULAR_RAD)
        self._settings.set("no-normals", True)
        self._meshes: OrderedDict[str, Mesh] = OrderedDict()
        self._textures = _textures(model)

    def meshes(self, products: Sequence[Any]) -> Iterator[tuple[int, Mesh, NDArray[np.float64]]]:
        """Yield the number, mesh and (4, 4) matrix of each product of which the engine makes something.

        Must be run to its end, the engine crashes otherwise.
        """
        iterator = self._geom.iterator(
            self._settings, self._model, self._threads, include=list(products), geometry_library=self._engine
        )
        if not iterator.initialize():
            return
        while True:
            shape = iterator.get()
            yield shape.id, self._mesh(shape), _matrix(shape)
            if not iterator.next():
                return

    def _mesh(self, shape: Any) -> Mesh:
        key = str(shape.geometry.id)
        known = self._meshes.get(key)
        if known is None:
            read = _read_mesh(shape.geometry)
            known = self._meshes[key] = read if self._textures is None else self._textured(read, shape)
            if len(self._meshes) > _KEPT_GEOMETRIES:
                self._meshes.popitem(last=False)
        return known

    def _textured(self, mesh: Mesh, shape: Any) -> Mesh:
        from bim.texturing import laid

        items = np.frombuffer(shape.geometry.item_ids_buffer, dtype=np.int32)
        used = np.frombuffer(shape.geometry.material_ids_buffer, dtype=np.int32)
        if self._textures is None or not len(mesh.triangles) == len(items) == len(used):
            return mesh
        palette = np.array([*(material.instance_id() for material in shape.geometry.materials), 0], np.int32)
        corners = mesh.positions.astype(np.float64)[mesh.triangles] + mesh.centre
        named, places = laid(self._textures, self._model.by_id(shape.id), corners, items, palette[used])
        return split_by_texture(mesh, named, places.astype(np.float32)) if named.any() else mesh


def _textures(model: Any) -> Textures | None:
    """Return the textures of a model, None if it has none."""
    from bim.entities import every

    if not every(model, "IfcSurfaceTexture"):
        return None
    from bim.textures import Textures
    from bim.units import Units

    return Textures(model, Units(model))


def _matrix(shape: Any) -> NDArray[np.float64]:
    return np.frombuffer(shape.transformation_buffer, dtype=np.float64).reshape(4, 4).T


def _read_mesh(geometry: Any) -> Mesh:
    positions = np.frombuffer(geometry.verts_buffer, dtype=np.float64).reshape(-1, 3)
    triangles = np.frombuffer(geometry.faces_buffer, dtype=np.int32).reshape(-1, 3).astype(np.uint32)
    items = np.frombuffer(geometry.item_ids_buffer, dtype=np.int32)
    if len(triangles):
        triangles = outward(positions, triangles, items if len(items) == len(triangles) else None)
    materials = geometry.materials
    if not materials:
        return Mesh.of(positions, triangles, None)
    palette = np.array([_colour(material) for material in materials] + [(0, 0, 0, 0)], dtype=np.uint8)
    used = np.frombuffer(geometry.material_ids_buffer, dtype=np.int32)
    if len(used) != len(triangles) or not palette[:-1, 3].any():
        return Mesh.of(positions, triangles, None)
    return split_by_colour(positions, triangles, palette[used])


def outward(
    positions: NDArray[np.float64], triangles: NDArray[np.uint32], items: NDArray[np.integer] | None = None
) -> NDArray[np.uint32]:
    """Return the triangles with closed surfaces that are inside out turned round.

    Parameters
    ----------
    positions, triangles
        (v, 3) metres and (t, 3) indices.
    items
        (t,) number of the surface that each triangle belongs to; None = all are one.

    Examples
    --------
    >>> corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    >>> inside_out = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]], np.uint32)
    >>> outward(corners, inside_out)[0].tolist()
    [2, 1, 0]
    """
    group = np.zeros(len(triangles), np.int64) if items is None else np.unique(items, return_inverse=True)[1]
    corner = positions[triangles] - positions[triangles[0, 0]]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    area = np.bincount(group, np.linalg.norm(normal, axis=1))
    rest = np.linalg.norm([np.bincount(group, normal[:, axis]) for axis in range(3)], axis=0)
    volume = np.bincount(group, np.einsum("ij,ij->i", corner[:, 0], normal))
    turned = ((rest <= _CLOSED * area) & (volume < 0))[group]
    return np.where(turned[:, None], triangles[:, ::-1], triangles) if turned.any() else triangles


def split_by_colour(
    positions: NDArray[np.float64], triangles: NDArray[np.uint32], face_colours: NDArray[np.uint8]
) -> Mesh:
    """Return a mesh with one colour a vertex from one with (t, 4) uint8 colours a triangle.

    Vertices where colours meet are doubled.
    """
    packed = np.ascontiguousarray(face_colours).view(np.uint32).ravel()
    if len(packed) and (packed == packed[0]).all():
        return Mesh.of(positions, triangles, np.broadcast_to(face_colours[0], (len(positions), 4)).copy())
    keys = triangles.astype(np.uint64) | (packed.astype(np.uint64)[:, None] << np.uint64(32))
    corners, inverse = np.unique(keys.ravel(), return_inverse=True)
    vertices = (corners & np.uint64(0xFFFFFFFF)).astype(np.int64)
    colours = (corners >> np.uint64(32)).astype(np.uint32).view(np.uint8).reshape(-1, 4)
    return Mesh.of(positions[vertices], inverse.reshape(-1, 3).astype(np.uint32), colours.copy())


def split_by_texture(mesh: Mesh, textures: NDArray[np.int32], places: NDArray[np.float32]) -> Mesh:
    """Return a mesh with (t,) textures and (t, 3, 2) places in them; vertices that have two places are doubled."""
    flat = places.reshape(-1, 2)
    flat = np.where(np.repeat(textures, 3)[:, None] > 0, flat, np.float32(0.0))
    keys = np.column_stack([mesh.triangles.ravel(), np.repeat(textures, 3), flat.view(np.uint32)]).astype(np.int64)
    corners, inverse = np.unique(keys, axis=0, return_inverse=True)
    return replace(
        mesh,
        positions=mesh.positions[corners[:, 0]],
        triangles=inverse.reshape(-1, 3).astype(np.uint32),
        colours=None if mesh.colours is None else mesh.colours[corners[:, 0]],
        uvs=corners[:, 2:].astype(np.uint32).view(np.float32),
        textures=textures,
    )


def mirrored(mesh: Mesh) -> Mesh:
    """Return the mesh with its triangles turned round, as a mirroring matrix asks for."""
    return replace(mesh, triangles=mesh.triangles[:, ::-1])


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
