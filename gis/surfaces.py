"""Polygons in space with holes, by level of detail and object, triangulated in their own planes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from gis.colours import rgba
from gis.meshing import Rings, Soup, triangulated
from gis.plans import plans
from gis.polygons import PolygonBlock, flattened, joined_blocks
from scenes.joining import join
from scenes.mesh import Instances, MeshSet
from scenes.semantics import SURFACES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from scenes.pictures import Picture

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

SEMANTIC_COLOURS = {
    "RoofSurface": "#c3a694", "WallSurface": "#eae4d9", "GroundSurface": "#b9b4ab", "ClosureSurface": "#ddd8cf",
    "OuterCeilingSurface": "#d6d1c8", "OuterFloorSurface": "#c6c1b8", "CeilingSurface": "#e6e3dd",
    "FloorSurface": "#cdbfae", "InteriorWallSurface": "#efebe4", "Window": "#9dc1d6", "WindowSurface": "#9dc1d6",
    "Door": "#a68a6f", "DoorSurface": "#a68a6f", "TrafficArea": "#8c8d90", "TrafficSpace": "#8c8d90",
    "AuxiliaryTrafficArea": "#c3d8ac", "WaterSurface": "#8fb7cf", "WaterGroundSurface": "#8d9a95",
}  # fmt: skip
KIND_COLOURS = {
    "Road": "#8c8d90", "Railway": "#8a817a", "Square": "#cfc8bc", "Track": "#b9ad98", "TrafficArea": "#8c8d90",
    "AuxiliaryTrafficArea": "#c3d8ac", "Waterway": "#8fb7cf", "WaterBody": "#8fb7cf", "PlantCover": "#b0cc9b",
    "SolitaryVegetationObject": "#84ad6d", "LandUse": "#d8d9cf", "ReliefFeature": "#c6d3b2", "Bridge": "#c5c3be",
    "BridgePart": "#c5c3be", "Tunnel": "#b4b2ad", "CityFurniture": "#9aa0a4", "GenericOccupiedSpace": "#c9c7c0",
}  # fmt: skip
_ROOF, _WALL = SEMANTIC_COLOURS["RoofSurface"], SEMANTIC_COLOURS["WallSurface"]
_BY_CODE = rgba([SEMANTIC_COLOURS.get(name, _WALL) for name in SURFACES])
_HAS_COLOUR = np.array([name in SEMANTIC_COLOURS for name in SURFACES])


@dataclass(frozen=True, slots=True)
class Look:
    """How a polygon looks and what it is.

    Parameters
    ----------
    colour
        ``#rrggbb`` or ``#rrggbbaa``; empty = that of its surface, of its kind, or by its slope.
    semantic
        Code of `scenes.semantics`.
    kind
        Kind of its object, whose colour it gets when it is no known surface.
    picture
        Number that `SurfaceCollector.picture` gave, -1 = none.
    """

    colour: str = ""
    semantic: int = 0
    kind: str = ""
    picture: int = -1


_PLAIN = Look()


@dataclass(frozen=True, eq=False)
class Placed:
    """One prototype that is placed many times: feet in local metres, turns and scales, a row each."""

    prototype: MeshSet
    rows: Integers
    feet_m: Floats
    yaw_rad: Floats
    scales: Floats


@dataclass(slots=True)
class _Level:
    """What was given at one level of detail."""

    blocks: list[PolygonBlock] = field(default_factory=list)
    rings: list[Floats] = field(default_factory=list)
    uvs: list[Floats | None] = field(default_factory=list)
    polygons: list[tuple[int, int, int, int, int]] = field(default_factory=list)  # rings, row, paint, code, picture
    lines: list[tuple[int, Floats]] = field(default_factory=list)
    points: list[tuple[int, Floats]] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)

    def block(self) -> PolygonBlock:
        """Return all polygons, those that came one by one last."""
        if self.polygons:
            columns = np.array(self.polygons, np.int64)
            lengths = np.array([len(ring) for ring in self.rings], np.int64)
            flat = [np.asarray(ring, np.float64).reshape(-1, 3) for ring in self.rings] or [np.zeros((0, 3))]
            uvs = None
            if any(each is not None for each in self.uvs):
                sized = zip(self.uvs, flat, strict=True)
                uvs = np.concatenate([np.zeros((len(ring), 2)) if uv is None else uv for uv, ring in sized])
            self.blocks.append(replace(PolygonBlock(np.concatenate(flat), lengths, *columns.T), uvs=uvs))
            self.rings, self.uvs, self.polygons = [], [], []
        self.blocks = [joined_blocks(self.blocks)]
        return self.blocks[0]


class SurfaceCollector:
    """Gathers flat polygons of objects by level of detail and triangulates each in its own plane.

    Examples
    --------
    >>> surfaces = SurfaceCollector()
    >>> surfaces.add("2", 0, [np.array([[0, 0, 0], [0, 2, 0], [0, 2, 2], [0, 0, 2]], float)])
    >>> surfaces.meshes(np.array([0]))["2"].area_m2()
    4.0
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self._given: dict[str, _Level] = {}
        self._soups: dict[str, Soup] = {}
        self._sound: dict[str, tuple[PolygonBlock, Floats]] = {}
        self._degenerate: Counter[int] = Counter()
        self._palette: dict[str, int] = {"": 0}
        self._pictures: list[Picture] = []

    @classmethod
    def like(cls, other: SurfaceCollector) -> SurfaceCollector:
        """Return an empty collector that has the palette and the pictures of another."""
        fresh = cls()
        fresh._palette, fresh._pictures = other._palette, other._pictures
        return fresh

    def add(
        self, level: str, row: int, rings: Sequence[Floats], look: Look = _PLAIN, uvs: Sequence[Floats | None] = ()
    ) -> None:
        """Add a polygon of an object.

        Parameters
        ----------
        level
            Level of detail.
        row
            Number of the object.
        rings
            (n, 3) local metres each, closed or not; the first is the outside and turns anticlockwise seen from outside.
        look
            Colour, surface, picture.
        uvs
            (n, 2) places in the picture, one array a ring, from its upper left corner.
        """
        given = self._given.setdefault(level, _Level())
        given.rings.extend(rings)
        given.uvs.extend(uvs or [None] * len(rings))
        given.polygons.append((len(rings), row, self.paint(look), look.semantic, look.picture))

    def add_block(self, level: str, block: PolygonBlock) -> None:
        """Add many polygons; their paints come from `paint`, their images from `picture`."""
        self._given.setdefault(level, _Level()).blocks.append(block)

    def add_line(self, level: str, row: int, points: Floats) -> None:
        """Add a line through (n, 3) local metres."""
        if len(points) >= 2:
            self._given.setdefault(level, _Level()).lines.append((row, points))

    def add_points(self, level: str, row: int, points: Floats) -> None:
        """Add (n, 3) single points."""
        if len(points):
            self._given.setdefault(level, _Level()).points.append((row, points))

    def add_placed(self, level: str, placed: Placed) -> None:
        """Add placements of a prototype."""
        self._given.setdefault(level, _Level()).placed.append(placed)

    def paint(self, look: Look) -> int:
        """Return the place in the palette of a look, 0 where the surface or the slope says the colour."""
        colour = look.colour
        if not colour and not _HAS_COLOUR[look.semantic]:
            colour = KIND_COLOURS.get(look.kind, "")
        return self._palette.setdefault(colour, len(self._palette))

    def picture(self, picture: Picture) -> int:
        """Return the number under which polygons name a picture."""
        self._pictures.append(picture)
        return len(self._pictures) - 1

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels of detail that have surfaces, coarse to fine."""
        return tuple(sorted(self._given, key=float))

    def degenerate(self, row: int) -> int:
        """Return how many surfaces of an object have no area."""
        return self.degenerates().get(row, 0)

    def degenerates(self) -> dict[int, int]:
        """Return how many surfaces without an area each object has, where there are any."""
        for level in self.levels:
            self._soup(level)
        return self._degenerate

    def meshes(self, rows: Integers) -> dict[str, MeshSet]:
        """Return the meshes of some objects, renumbered 0.. in the order given.

        The finest level shows every object: those that do not reach it come with their own finest surfaces.
        """
        found: dict[str, MeshSet] = {}
        parts: list[MeshSet] = []
        shown = np.zeros(0, np.int64)
        for level in reversed(self.levels):
            mine = self._mesh(level, rows)
            present = _present(mine)
            if not len(present):
                continue
            new = np.setdiff1d(present, shown)
            parts.append(mine if len(new) == len(present) else _only(mine, new))
            shown = np.union1d(shown, present)
            found[level] = mine
        if len(parts) > 1:
            found[max(found, key=float)] = join([part for part in parts if part.vertex_count or part.instances])
        return dict(sorted(found.items(), key=lambda item: float(item[0])))

    def finest_levels(self, rows: Integers) -> list[str]:
        """Return the finest level of each of some objects, empty where it has nothing."""
        best = np.full(len(rows), "", object)
        for level in self.levels:
            given = self._given[level]
            loose = [np.array([row for row, _ in part], np.int64) for part in (given.lines, given.points)]
            present = np.concatenate([self._soup(level).vertex_rows, *loose, *(each.rows for each in given.placed)])
            lookup = _lookup(rows, present)
            shown = lookup[present]
            best[shown[shown >= 0]] = level
        return [str(level) for level in best]

    def plans(self, rows: Integers) -> NDArray[np.object_]:
        """Return the plan of each of some objects at its finest level, None where it has no polygon."""
        found = np.full(len(rows), None, object)
        for level in self.levels:
            self._soup(level)
            block, normals = self._sound[level]
            lookup = _lookup(rows, block.rows)
            mine = lookup[block.rows] >= 0
            part = block.take(mine)
            shapes = plans(replace(part, rows=lookup[part.rows]), normals[mine], len(rows))
            better = np.array([shape is not None for shape in shapes], bool)
            found[better] = shapes[better]
        return found

    def _mesh(self, level: str, rows: Integers) -> MeshSet:
        mesh = _chosen(self._soup(level), rows).mesh(self._pictures)
        given = self._given[level]
        if given.lines or given.points:
            mesh = join([mesh, _loose(given.lines, rows, closed=True), _loose(given.points, rows, closed=False)])
        instances = tuple(_instances(placed, rows, mesh.centre) for placed in given.placed)
        kept = tuple(each for each in instances if len(each))
        return replace(mesh, instances=kept) if kept else mesh

    def _soup(self, level: str) -> Soup:
        if level not in self._soups:
            block = self._given[level].block().opened()
            sound, normals, good = block.sound()
            self._sound[level] = sound, normals
            self._soups[level] = _triangulated(sound, normals, rgba(list(self._palette)[1:]))
            self._degenerate.update(block.rows[~good].tolist())
        return self._soups[level]


def _triangulated(block: PolygonBlock, normals: Floats, palette: NDArray[np.uint8]) -> Soup:
    """Return the triangles of sound polygons with the colour of each."""
    ring_starts = np.concatenate([[0], np.cumsum(block.lengths)])
    polygon_starts = np.concatenate([[0], np.cumsum(block.ring_counts)])
    owner = np.repeat(block.ring_polygons(), block.lengths)
    flat = flattened(block.points, block.points[ring_starts[polygon_starts[:-1]]], normals, owner)
    triangles, of_polygon = triangulated(Rings(flat, ring_starts, polygon_starts, block.rows))
    slope = np.where((normals[:, 2] > 0.5)[:, None], rgba([_ROOF]), rgba([_WALL]))
    colours = np.where(_HAS_COLOUR[block.semantics][:, None], _BY_CODE[block.semantics], slope)
    colours = np.where((block.paints > 0)[:, None], np.vstack([_BY_CODE[:1], palette])[block.paints], colours)
    soup = Soup(block.points, block.rows[owner], triangles, block.rows[of_polygon], colours.astype(np.uint8)[owner])
    if block.semantics.any():
        soup = replace(soup, semantics=block.semantics[of_polygon].astype(np.uint8))
    if block.uvs is not None:
        soup = replace(soup, uvs=block.uvs, images=block.images[of_polygon])
    return soup


def _lookup(rows: Integers, named: Integers) -> Integers:
    """Return the new number of each old row, -1 for those that are not wanted."""
    lookup = np.full(int(max(named.max(initial=-1), rows.max(initial=-1))) + 1, -1, np.int64)
    lookup[rows] = np.arange(len(rows))
    return lookup


def _chosen(soup: Soup, rows: Integers) -> Soup:
    """Return the part of some rows, renumbered 0.. in the order given."""
    lookup = _lookup(rows, soup.vertex_rows)
    vertex, triangle = lookup[soup.vertex_rows] >= 0, lookup[soup.triangle_rows] >= 0
    if vertex.all():
        return replace(soup, vertex_rows=lookup[soup.vertex_rows], triangle_rows=lookup[soup.triangle_rows])
    places = np.cumsum(vertex) - 1
    return Soup(
        soup.positions[vertex],
        lookup[soup.vertex_rows[vertex]],
        places[soup.triangles[triangle]],
        lookup[soup.triangle_rows[triangle]],
        soup.colours[vertex],
        None if soup.semantics is None else soup.semantics[triangle],
        None if soup.uvs is None else soup.uvs[vertex],
        None if soup.images is None else soup.images[triangle],
    )


def _present(mesh: MeshSet) -> Integers:
    """Return the rows that a mesh set shows."""
    used = mesh.rows[np.diff(mesh.vertex_starts.astype(np.int64)) > 0]
    return np.unique(np.concatenate([used, *(each.rows for each in mesh.instances)])).astype(np.int64)


def _only(mesh: MeshSet, rows: Integers) -> MeshSet:
    """Return the part of some rows (ascending), which keep their numbers."""
    part = mesh.take(rows)
    instances = tuple(replace(each, rows=rows[each.rows].astype(np.uint32)) for each in part.instances)
    return replace(part, rows=rows[part.rows].astype(np.uint32), instances=instances)


def _loose(given: Iterable[tuple[int, Floats]], rows: Integers, *, closed: bool) -> MeshSet:
    """Return lines (`closed`) or points of some rows as a mesh set without triangles."""
    wanted = {int(row): place for place, row in enumerate(rows.tolist())}
    mine = sorted(((wanted[row], points) for row, points in given if row in wanted), key=lambda item: item[0])
    if not mine:
        return MeshSet.empty()
    places = np.array([place for place, _ in mine])
    lengths = np.array([len(points) for _, points in mine])
    flat = np.concatenate([points for _, points in mine])
    named, first = np.unique(np.repeat(places, lengths), return_index=True)
    starts = np.append(first, len(flat))
    mesh = MeshSet.from_flat(flat, np.zeros((0, 3), int), named.astype(np.uint32), (starts, np.zeros_like(starts)))
    index = np.arange(len(flat), dtype=np.uint32)
    if not closed:
        return replace(mesh, points=index)
    inner = np.delete(index, np.cumsum(lengths) - 1)
    return replace(mesh, lines=np.column_stack([inner, inner + 1]).astype(np.uint32))


def _instances(placed: Placed, rows: Integers, centre: Floats) -> Instances:
    lookup = _lookup(rows, placed.rows)
    mine = lookup[placed.rows] >= 0
    return Instances(
        placed.prototype,
        lookup[placed.rows[mine]].astype(np.uint32),
        (placed.feet_m[mine] - centre).astype(np.float32),
        placed.yaw_rad[mine].astype(np.float32),
        placed.scales[mine].astype(np.float32),
    )
