"""From the shapes of a chunk of CityGML to surfaces in local metres, with colours, images and heights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.cityjson_pictures import Pictures
from gis.gml_appearance import uvs_of
from gis.gml_relief import delaunay, line_texts
from gis.gml_shapes import LINE
from gis.polygons import PolygonBlock
from gis.surfaces import Look, SurfaceCollector
from scenes.georeference import parse_crs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.gml_appearance import Image
    from gis.gml_implicit import ImplicitReader
    from gis.gml_reader import Chunk
    from gis.gml_relief import Relief
    from gis.gml_shapes import Rings, ShapeList
    from gis.modelframe import ModelFrame
    from gis.shelf import Shelf
    from scenes.loading import LoadContext

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Integers = NDArray[np.integer[Any]]

_FLAT_KINDS = frozenset({"LandUse", "WaterBody", "Road", "Railway", "Square", "Track", "PlantCover"})


class ChunkWriter:
    """Turns chunks into surfaces.

    Parameters
    ----------
    shelf, name
        Where the document lies, for its images.
    frame, context
        The way to local metres, the ground, and the problems.
    implicit
        The implicit geometry of the document.
    """

    def __init__(
        self, shelf: Shelf, name: str, frame: ModelFrame, context: LoadContext, implicit: ImplicitReader
    ) -> None:
        """Read nothing yet."""
        self._frame, self._context, self._implicit = frame, context, implicit
        self._pictures = Pictures(shelf, name, None, context.problems)
        self._geographic = bool(frame.crs) and not parse_crs(frame.crs).is_projected

    def surfaces(self, chunk: Chunk) -> SurfaceCollector:
        """Return the geometry of a chunk."""
        surfaces = SurfaceCollector()
        if len(chunk.shapes):
            self._polygons(chunk, surfaces)
        self._others(chunk.shapes, surfaces)
        for relief in chunk.reliefs:
            self._relief(relief, chunk.objects[relief.target.row].kind, surfaces)
        for curves in chunk.curves:
            lines = [self._projected(line) for line in curves.lines]
            group = chunk.objects[curves.row].properties.setdefault("terrain_intersection", {})
            group[f"lod{curves.level}"] = line_texts(lines)
        for target, anchor in self._implicit.anchors:
            surfaces.add_points(target.level, target.row, self._local(anchor[None]))
        self._implicit.anchors = []
        self._implicit.placements.put_into(surfaces)
        return surfaces

    def _local(self, points: Floats) -> Floats:
        local = self._frame.to_local(np.where(np.isnan(points), 0.0, points), self._context.georeference)
        flat = np.isnan(points[:, 2])
        if flat.any():
            local[flat, 2] = self._ground(local[flat])
        return local

    def _ground(self, local: Floats) -> Floats:
        return np.nan_to_num(self._context.ground.heights(local[:, 0], local[:, 1]))

    def _polygons(self, chunk: Chunk, surfaces: SurfaceCollector) -> None:
        shapes = chunk.shapes.read()
        rings, rows, levels = shapes.rings, shapes.rows, shapes.levels
        self._report_broken(chunk, rings, rows)
        points = rings.reversed_at(chunk.shapes.backward)
        local = self._local(points)
        kinds = [each.kind for each in chunk.objects]
        self._lift_dummies(local, _dummies(points, rings, levels, kinds, rows) & self._geographic, rings, rows)
        paints, semantics = self._looks(chunk, shapes.looks, surfaces)
        images, uvs = self._paint(chunk, rings, paints, surfaces)
        block = rings.block(local, rows, (paints, semantics, images))
        if uvs is not None:
            block = replace(block, uvs=uvs)
        for level in np.unique(levels):
            surfaces.add_block(str(level), block.take((levels == level) & ~rings.broken))

    def _report_broken(self, chunk: Chunk, rings: Rings, rows: Integers) -> None:
        for number in np.flatnonzero(rings.broken).tolist():
            owner = chunk.objects[rows[number]].key
            self._context.problems.add(
                "error", owner, "geometry-broken", "a polygon has coordinates that are not numbers: left out",
                "repair it in its source",
            )  # fmt: skip

    def _lift_dummies(self, local: Floats, dummies: Bools, rings: Rings, rows: Integers) -> None:
        """Put polygons whose height is a dummy to the foot of their object, or else on the ground."""
        if not dummies.any():
            return
        owner = np.repeat(np.repeat(np.arange(len(rows)), rings.ring_counts), rings.lengths)
        foot = np.full(int(rows.max()) + 1, np.inf)
        real = ~dummies[owner]
        np.minimum.at(foot, rows[owner[real]], local[real, 2])
        mine = dummies[owner]
        known = foot[rows[owner[mine]]]
        local[mine, 2] = np.where(np.isfinite(known), known, self._ground(local[mine]))
        count = int(dummies.sum())
        what = f"{count} surfaces have the height 0 as a dummy: they lie on the ground"
        self._context.problems.add("info", self._frame.source.path, "height-dummy", what)

    @staticmethod
    def _looks(chunk: Chunk, looks: Integers, surfaces: SurfaceCollector) -> tuple[Integers, Integers]:
        """Return the paint and the surface code of each polygon."""
        found = [(surfaces.paint(Look(semantic=code, kind=kind)), code) for kind, code in chunk.looks]
        paint, code = np.array(found, np.int64).reshape(-1, 2).T
        return paint[looks], code[looks]

    def _paint(
        self, chunk: Chunk, rings: Rings, paints: Integers, surfaces: SurfaceCollector
    ) -> tuple[Integers, Floats | None]:
        """Put the colours of appearances into `paints`, and return the picture of each polygon and its places."""
        images = np.full(len(paints), -1)
        uvs: Floats | None = None
        first_rings = np.concatenate([[0], np.cumsum(rings.ring_counts)])
        first_points = np.concatenate([[0], np.cumsum(rings.lengths)])
        for first, last, appearances in chunk.appearances:
            for number in range(first, last):
                name = chunk.shapes.ids.get(number, "")
                colour = appearances.colours.get(name)
                if colour:
                    paints[number] = surfaces.paint(Look(colour))
                image = appearances.images.get(name)
                if image is None:
                    continue
                picture = self._pictures.number_of(image.path, surfaces)
                if picture >= 0:
                    uvs = np.zeros((len(rings.points), 2)) if uvs is None else uvs
                    span = range(first_rings[number], first_rings[number + 1])
                    if _lay(image, span, first_points, (chunk, uvs), turned=number in chunk.shapes.backward):
                        images[number] = picture
        return images, uvs

    def _relief(self, relief: Relief, kind: str, surfaces: SurfaceCollector) -> None:
        """Add the triangles through the points of a terrain."""
        local = self._local(relief.points)
        triangles = delaunay(local, relief.longest_m) if relief.triangles is None else relief.triangles
        count, none = len(triangles), np.zeros(len(triangles), np.int64)
        rows, paints = none + relief.target.row, none + surfaces.paint(Look(kind=kind))
        block = PolygonBlock(local[triangles.reshape(-1)], none + 3, none + 1, rows, paints, none, none - 1)
        if count:
            surfaces.add_block(relief.target.level, block)

    def _projected(self, points: Floats) -> Floats:
        return self._local(points) + self._context.georeference.origin_m

    def _others(self, shapes: ShapeList, surfaces: SurfaceCollector) -> None:
        """Add lines and points."""
        loose: dict[tuple[str, int], list[Floats]] = {}
        for what, target, points in shapes.read_others():
            if what == LINE:
                surfaces.add_line(target.level, target.row, self._local(points))
            else:
                loose.setdefault((target.level, target.row), []).append(points)
        for (level, row), parts in loose.items():
            surfaces.add_points(level, row, self._local(np.concatenate(parts)))


def _dummies(points: Floats, rings: Rings, levels: NDArray[np.str_], kinds: list[str], rows: Integers) -> Bools:
    """Return which polygons have the height 0 all over where that stands for *not known*."""
    counts = np.bincount(np.repeat(np.arange(len(rings.ring_counts)), rings.ring_counts), rings.lengths,
                         minlength=len(rings.ring_counts))  # fmt: skip
    owner = np.repeat(np.arange(len(counts)), counts.astype(np.int64))
    zero = np.bincount(owner, points[:, 2] == 0, minlength=len(counts)) == counts
    flat_kind = np.array([kind in _FLAT_KINDS for kind in kinds], bool)
    found: Bools = zero & (counts > 0) & ((levels == "0") | flat_kind[rows])
    return found


def _lay(image: Image, span: range, first_points: Integers, into: tuple[Chunk, Floats], *, turned: bool) -> bool:
    """Write the places of the rings of a polygon; say whether its outer ring has them."""
    chunk, uvs = into
    laid = False
    for number, ring in enumerate(span):
        begin, end = int(first_points[ring]), int(first_points[ring + 1])
        text = image.places.get(chunk.shapes.ring_ids.get(ring, ""))
        places = None if text is None else uvs_of(text, end - begin)
        if places is not None:
            uvs[begin:end] = places[::-1] if turned else places
            laid = laid or number == 0
    return laid
