"""Parent side: the shapes that workers wrote, as meshes and as instances of prototypes, in the frame of the scene."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from bim.records import integers, read_table
from scenes.mesh import Instances, MeshSet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from bim.placing import Placing
    from bim.supervisor import Finding
    from scenes.pictures import Picture

    Floats = NDArray[np.float64]
    Longs = NDArray[np.int64]

_DEFAULT_COLOUR = (205, 203, 198, 255)
LEAST_SAVED = 1_000
"""Triangles that a prototype must save; below that, what a prototype costs in draws and rows is not worth it."""
_GREATEST_SHIFT_M = 0.0005
_STEP_M = 1.0
_LEAST_MODEL, _NEARLY_ALL = 10, 0.9
_STRAY_M, _STRAY_TIMES = 100_000.0, 200.0


@dataclass(frozen=True, eq=False)
class Placed:
    """Where meshes lie in the scene.

    Parameters
    ----------
    linear
        (n, 3, 3): turns and stretches positions that count from the centre of a mesh.
    anchors
        (n, 3) local metres: the centre of each mesh.
    """

    linear: Floats
    anchors: Floats

    def upright(self) -> tuple[Floats, Floats, Floats]:
        """Return the (n,) yaw, the (n, 3) scales and the (n,) part that a yaw and scales leave out.

        Mirrored ones leave out everything, since they would turn faces inside out.
        """
        yaw = np.arctan2(self.linear[:, 1, 0], self.linear[:, 0, 0])
        cos, sin = np.cos(yaw), np.sin(yaw)
        turn = np.zeros_like(self.linear)
        turn[:, 0, 0], turn[:, 0, 1], turn[:, 1, 0], turn[:, 1, 1], turn[:, 2, 2] = cos, -sin, sin, cos, 1.0
        stretch = np.swapaxes(turn, 1, 2) @ self.linear
        scales = np.diagonal(stretch, axis1=1, axis2=2).copy()
        rest = np.linalg.norm(stretch - scales[:, :, None] * np.eye(3), axis=(1, 2))
        rest[(scales <= 0).any(axis=1)] = np.inf
        return yaw, scales, rest


class Shapes:
    """The shapes that the workers wrote, by product; the files are mapped, not copied.

    Parameters
    ----------
    chunks
        Files of `bim.shapes.ShapeSink`.
    placing
        How the model comes into the scene.
    pictures
        The images of its textures, by entity number; what has none there keeps its colour.
    """

    def __init__(self, chunks: Sequence[Path], placing: Placing, pictures: Mapping[int, Picture] | None = None) -> None:
        self._placing = placing
        self._pictures = pictures or {}
        self._chunks = [_Chunk(read_table(path)) for path in chunks]
        self._place_of = {
            int(product): (chunk, place) for chunk in self._chunks for place, product in enumerate(chunk.products)
        }
        self._bodies: dict[str, _Body] = {}
        for chunk in self._chunks:
            for place in np.flatnonzero(chunk.triangles.counts()):
                self._bodies.setdefault(chunk.keys[place], _Body(chunk, int(place)))

    def strays(self) -> list[Finding]:
        """Leave out what reaches absurdly far from the rest of the model, and say so.

        Far is more than a hundred kilometres and more than two hundred times as far as nearly everything else.
        """
        places = list(self._place_of.values())
        if len(places) < _LEAST_MODEL:
            return []
        bodies = [self._bodies[chunk.keys[place]] for chunk, place in places]
        matrices = np.array([chunk.matrices[place] for chunk, place in places])
        anchors = _anchors(bodies, matrices)
        away = np.linalg.norm(anchors - np.median(anchors, axis=0), axis=1)
        away += np.linalg.norm(matrices[:, :, :3], axis=(1, 2)) * [body.reach_m for body in bodies]
        limit = max(_STRAY_M, _STRAY_TIMES * float(np.quantile(away, _NEARLY_ALL)))
        found: list[Finding] = []
        for index in np.flatnonzero(away > limit).tolist():
            chunk, place = places[index]
            number = int(chunk.products[place])
            del self._place_of[number]
            message = f"the shape reaches {away[index] / 1000:.0f} km away from the rest of the model and is left out"
            found.append(("error", f"#{number}", "shape-stray", message, "repair its placement"))
        return found

    def mesh(self, numbers: NDArray[np.int64]) -> MeshSet:
        """Return the meshes of some products in local metres; row i is the product ``numbers[i]``."""
        rows = np.array([row for row, number in enumerate(numbers) if int(number) in self._place_of], np.uint32)
        if not len(rows):
            return MeshSet.empty()
        places = [self._place_of[int(numbers[row])] for row in rows]
        bodies = [self._bodies[chunk.keys[place]] for chunk, place in places]
        matrices = np.array([chunk.matrices[place] for chunk, place in places])
        placed = self._placed(bodies, matrices)
        centre = placed.anchors.mean(axis=0)
        lone, groups = _repeated(bodies, placed)
        instances = tuple(self._instances(bodies[which[0]], rows, which, placed, centre) for which in groups)
        return self._written_out([bodies[i] for i in lone], rows[lone], matrices[lone], centre, instances)

    def _placed(self, bodies: Sequence[_Body], matrices: Floats) -> Placed:
        """Return where the bodies lie: the placing is as good as linear within the size of one body."""
        anchors = _anchors(bodies, matrices)
        steps = np.concatenate([np.zeros((1, 3)), np.eye(3) * _STEP_M])
        points = self._placing.apply((anchors[:, None, :] + steps).reshape(-1, 3)).reshape(-1, 4, 3)
        jacobian = np.swapaxes(points[:, 1:] - points[:, :1], 1, 2) / _STEP_M
        return Placed(jacobian @ matrices[:, :, :3], points[:, 0])

    def _written_out(
        self,
        bodies: Sequence[_Body],
        rows: NDArray[np.uint32],
        matrices: Floats,
        centre: Floats,
        instances: tuple[Instances, ...],
    ) -> MeshSet:
        vertex_starts = _starts([body.vertex_count for body in bodies])
        triangle_starts = _starts([body.triangle_count for body in bodies])
        positions = np.empty((int(vertex_starts[-1]), 3), np.float32)
        triangles = np.empty((int(triangle_starts[-1]), 3), np.uint32)
        colours = np.empty((len(positions), 4), np.uint8)
        for group, (body, matrix) in enumerate(zip(bodies, matrices, strict=True)):
            vertices = slice(vertex_starts[group], vertex_starts[group + 1])
            own = (body.positions + body.centre) @ matrix[:, :3].T + matrix[:, 3]
            positions[vertices] = self._placing.apply(own) - centre
            faces = body.triangles if np.linalg.det(matrix[:, :3]) > 0 else body.triangles[:, ::-1]
            triangles[triangle_starts[group] : triangle_starts[group + 1]] = faces + np.uint32(vertex_starts[group])
            colours[vertices] = body.colours
        starts = vertex_starts.astype(np.uint32), triangle_starts.astype(np.uint32)
        mesh = MeshSet(centre, positions, triangles, rows, *starts, colours, instances=instances)
        return self._textured(mesh, bodies)

    def _instances(
        self, body: _Body, rows: NDArray[np.uint32], which: Longs, placed: Placed, centre: Floats
    ) -> Instances:
        yaw, scales, _ = Placed(placed.linear[which], placed.anchors[which]).upright()
        none = np.zeros(1, np.uint32)
        prototype = MeshSet(
            np.zeros(3),
            body.positions,
            body.triangles,
            none,
            np.array([0, body.vertex_count], np.uint32),
            np.array([0, body.triangle_count], np.uint32),
            np.broadcast_to(body.colours, (body.vertex_count, 4)).copy(),
        )
        feet = (placed.anchors[which] - centre).astype(np.float32)
        return Instances(
            self._textured(prototype, [body]), rows[which], feet, yaw.astype(np.float32), scales.astype(np.float32)
        )

    def _textured(self, mesh: MeshSet, bodies: Sequence[_Body]) -> MeshSet:
        """Return the mesh of some bodies with their images; what has an image is white below it."""
        if not self._pictures or not any(len(body.textures) for body in bodies):
            return mesh
        shown = [np.isin(body.textures, list(self._pictures)) for body in bodies]
        numbers = {number: place for place, number in enumerate(self._pictures)}
        named = np.full(len(mesh.triangles), -1, np.int32)
        uvs = np.zeros((mesh.vertex_count, 2), np.float32)
        vertex, triangle = 0, 0
        for body, each in zip(bodies, shown, strict=True):
            if each.any():
                places = [numbers[number] for number in body.textures[each].tolist()]
                named[triangle + np.flatnonzero(each)] = places
                uvs[vertex : vertex + body.vertex_count] = body.uvs
            vertex, triangle = vertex + body.vertex_count, triangle + body.triangle_count
        colours = np.array(mesh.colours)
        colours[np.unique(mesh.triangles[named >= 0]), :3] = 255
        return replace(mesh, colours=colours).textured(uvs, named, list(self._pictures.values()))


def _anchors(bodies: Sequence[_Body], matrices: Floats) -> Floats:
    """Return where the centres of bodies lie, (n, 3) metres of the model."""
    centres = np.array([body.centre for body in bodies]).reshape(-1, 3)
    return cast("Floats", np.einsum("nij,nj->ni", matrices[:, :, :3], centres) + matrices[:, :, 3])


def _repeated(bodies: Sequence[_Body], placed: Placed) -> tuple[Longs, list[Longs]]:
    """Return the indices of bodies to write out, and those of each prototype that is worth it."""
    yaw_free = placed.upright()[2] * np.array([body.reach_m for body in bodies]) <= _GREATEST_SHIFT_M
    names: dict[str, list[int]] = {}
    for index in np.flatnonzero(yaw_free):
        names.setdefault(bodies[int(index)].key, []).append(int(index))
    groups = [
        np.array(which, np.int64)
        for which in names.values()
        if (len(which) - 1) * bodies[which[0]].triangle_count >= LEAST_SAVED
    ]
    lone = np.ones(len(bodies), np.bool_)
    for which in groups:
        lone[which] = False
    return np.flatnonzero(lone).astype(np.int64), groups


class _Cells:
    """The cells of a binary column as views of one array of numbers."""

    def __init__(self, column: pa.ChunkedArray, kind: type[np.generic]) -> None:
        array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        offsets, values = array.buffers()[1], array.buffers()[2]
        self._starts = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
        self._raw = np.frombuffer(values, np.uint8) if values is not None else np.zeros(0, np.uint8)
        self._kind = np.dtype(kind)

    def counts(self) -> Longs:
        """Return the numbers in each cell."""
        return cast("Longs", np.diff(self._starts) // self._kind.itemsize)

    def cell(self, place: int) -> NDArray[Any]:
        """Return the numbers of one cell."""
        return self._raw[self._starts[place] : self._starts[place + 1]].view(self._kind)


class _Chunk:
    """One file of shapes."""

    def __init__(self, table: pa.Table) -> None:
        self.products = integers(table["product"])
        self.keys: list[str] = table["key"].to_pylist()
        joined = b"".join(table["matrix"].to_pylist())
        self.matrices = np.frombuffer(joined, np.float64).reshape(-1, 3, 4)
        self.centres = np.frombuffer(b"".join(table["centre"].to_pylist()), np.float64).reshape(-1, 3)
        self.vertices = _Cells(table["positions"], np.float32)
        self.triangles = _Cells(table["triangles"], np.uint32)
        self.colours = _Cells(table["colours"], np.uint8)
        self.uvs = _Cells(table["uvs"], np.float32)
        self.textures = _Cells(table["textures"], np.int32)


class _Body:
    """One mesh of a chunk."""

    def __init__(self, chunk: _Chunk, place: int) -> None:
        self.key = chunk.keys[place]
        self.centre: Floats = chunk.centres[place]
        self.positions: NDArray[np.float32] = chunk.vertices.cell(place).reshape(-1, 3)
        self.triangles: NDArray[np.uint32] = chunk.triangles.cell(place).reshape(-1, 3)
        self.vertex_count, self.triangle_count = len(self.positions), len(self.triangles)
        self.reach_m = float(np.linalg.norm(self.positions, axis=1).max(initial=0.0))
        self._stated: NDArray[np.uint8] = chunk.colours.cell(place).reshape(-1, 4)
        self.uvs: NDArray[np.float32] = chunk.uvs.cell(place).reshape(-1, 2)
        self.textures: NDArray[np.int32] = chunk.textures.cell(place)

    @property
    def colours(self) -> NDArray[np.uint8]:
        """(v, 4) colours, or one colour for all vertices."""
        if not len(self._stated):
            return np.array(_DEFAULT_COLOUR, np.uint8)
        return np.where(self._stated[:, 3:] == 0, np.array(_DEFAULT_COLOUR, np.uint8), self._stated)


def _starts(counts: Sequence[int]) -> Longs:
    return np.concatenate([[0], np.cumsum(np.asarray(counts, np.int64))]).astype(np.int64)
