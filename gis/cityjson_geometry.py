"""Geometry of CityJSON: nested lists of vertex numbers become surfaces, lines and points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.placements import Placements, Shape, Stand
from gis.polygons import PolygonBlock
from gis.surfaces import Look
from scenes.georeference import parse_crs
from scenes.semantics import surface_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.cityjson_documents import Document
    from gis.cityjson_pictures import Pictures
    from gis.cityobjects import ModelObject
    from gis.modelframe import ModelFrame
    from gis.surfaces import SurfaceCollector
    from scenes.loading import LoadContext

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

# How many lists lie around the surfaces of a geometry.
_DEPTHS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}
_TROUBLES = (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError)


@dataclass
class _Flat:
    """The rings of some surfaces as flat lists."""

    numbers: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    uvs: list[Any] = field(default_factory=list)  # one a ring: numbers of texture vertices, or None

    def block(self, points: Floats, row: int, surfaces: SurfaceCollector, places: Floats | None) -> PolygonBlock:
        """Return the surfaces over some points."""
        indices = np.array(self.numbers) if self.numbers else np.zeros(0, np.int64)
        if indices.dtype.kind not in "iu":
            raise ValueError("a ring holds something else than vertex numbers")
        if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= len(points)):
            raise IndexError(f"vertex {int(indices.max())} of {len(points)}")
        paints = {look: surfaces.paint(look) for look in set(self.looks)}
        columns = np.array([(paints[look], look.semantic, look.picture) for look in self.looks], np.int64)
        paint, semantic, picture = columns.reshape(-1, 3).T
        lengths = np.array(self.lengths, np.int64)
        uvs = _uvs(self.uvs, lengths, places) if (picture >= 0).any() and places is not None else None
        counts = np.array(self.counts, np.int64)
        return PolygonBlock(points[indices], lengths, counts, np.full(len(counts), row), paint, semantic, picture, uvs)


class GeometryReader:
    """Reads the geometries of one document.

    Parameters
    ----------
    document
        Objects, vertices, appearance and templates.
    frame, context
        The way to local metres.
    surfaces
        Where the geometry goes.
    pictures
        The images of its textures.
    """

    def __init__(
        self,
        document: Document,
        frame: ModelFrame,
        context: LoadContext,
        surfaces: SurfaceCollector,
        pictures: Pictures,
    ) -> None:
        """Turn the vertices into local metres."""
        self._context, self._surfaces, self._pictures = context, surfaces, pictures
        self._model = document.vertices

        def to_local(points: Floats) -> Floats:
            return frame.to_local(points, context.georeference)

        self._local = to_local(document.vertices)
        metric = not frame.crs or parse_crs(frame.crs).is_projected
        self._placements = Placements(to_local, metric)
        templates = _mapping(document.body.get("geometry-templates"))
        self._templates: list[Any] = templates.get("templates") or []
        self._template_points = _points(templates.get("vertices-templates"), 3)
        appearance = _mapping(document.body.get("appearance"))
        self._materials: list[Any] = appearance.get("materials") or []
        self._material_theme = str(appearance.get("default-theme-material") or "")
        self._texture_theme = str(appearance.get("default-theme-texture") or "")
        self._places = _points(appearance.get("vertices-texture"), 2)

    def read(self, geometry: Any, row: int, owner: ModelObject) -> None:
        """Add one geometry of an object; what is broken becomes a problem."""
        if not isinstance(geometry, dict):
            self._broken(owner, "a geometry is not an object")
            return
        try:
            if geometry.get("type") == "GeometryInstance":
                self._instance(geometry, row, owner)
            else:
                self._shape(geometry, row, owner)
        except _TROUBLES as error:
            self._broken(owner, f"a geometry is not well formed ({type(error).__name__}: {error})"[:300])

    def finish(self) -> None:
        """Add the placements of templates."""
        self._placements.put_into(self._surfaces)

    def _shape(self, geometry: dict[str, Any], row: int, owner: ModelObject) -> None:
        level = _level(geometry.get("lod"))
        if geometry.get("type") == "MultiPoint":
            self._surfaces.add_points(level, row, self._taken(geometry["boundaries"]))
        elif geometry.get("type") == "MultiLineString":
            for line in geometry["boundaries"]:
                self._surfaces.add_line(level, row, self._taken(line))
        else:
            flat = self._flat(geometry, owner.kind)
            self._surfaces.add_block(level, flat.block(self._local, row, self._surfaces, self._places))

    def _instance(self, geometry: dict[str, Any], row: int, owner: ModelObject) -> None:
        number = geometry["template"]
        template = self._templates[number]
        matrix = np.array(geometry["transformationMatrix"], np.float64).reshape(4, 4)
        if not np.isfinite(matrix).all() or np.abs(matrix).max() > 1e7:
            raise ValueError("the matrix of a template is not of this world")
        anchor = self._taken(geometry["boundaries"][:1], self._model)[0]
        level, name = _level(template.get("lod")), f"{number}/{owner.kind}"
        if not self._placements.knows(name):
            flat = self._flat(template, owner.kind)
            block = flat.block(self._template_points, 0, self._surfaces, self._places)
            self._placements.shape(name, Shape(block, level))
        self._placements.stand(name, Stand(row, level, matrix, anchor))

    def _taken(self, numbers: Any, points: Floats | None = None) -> Floats:
        source = self._local if points is None else points
        indices = np.array(numbers)
        if indices.dtype.kind not in "iu" or indices.ndim != 1:
            raise ValueError("a list holds something else than vertex numbers")
        if int(indices.min()) < 0 or int(indices.max()) >= len(source):
            raise IndexError(f"vertex {int(indices.max())} of {len(source)}")
        taken: Floats = source[indices]
        return taken

    def _flat(self, geometry: dict[str, Any], kind: str) -> _Flat:
        depth = _DEPTHS[str(geometry.get("type"))]
        semantics = _mapping(geometry.get("semantics"))
        codes = [surface_code(str(each.get("type", "")).lstrip("+")) for each in semantics.get("surfaces") or []]
        material = _theme(geometry.get("material"), self._material_theme)
        texture = _theme(geometry.get("texture"), self._texture_theme) if len(self._places) else {}
        values = (semantics.get("values"), material.get("values"), texture.get("values"))
        flat, whole, looks = _Flat(), material.get("value"), _Looks(self, codes, kind)
        for surface, (code, paint, image) in _walk(geometry["boundaries"], values, depth):
            picture, places = _image(image, len(surface))
            flat.looks.append(looks.of(code, paint if whole is None else whole, picture))
            flat.counts.append(len(surface))
            flat.uvs.extend(places)
            for ring in surface:
                flat.numbers.extend(ring)
                flat.lengths.append(len(ring))
        return flat

    def colour(self, material: Any) -> str:
        """Return the colour of a material by its number, empty if it has none."""
        if not isinstance(material, int) or not 0 <= material < len(self._materials):
            return ""
        diffuse = self._materials[material].get("diffuseColor")
        if not diffuse:
            return ""
        alpha = 1.0 - float(self._materials[material].get("transparency", 0.0))
        channels = np.clip([*diffuse[:3], alpha], 0, 1) * 255
        return "#" + bytes(round(float(value)) for value in channels).hex()

    def picture(self, texture: Any) -> int:
        """Return the picture of a texture by its number, -1 if it cannot be had."""
        return self._pictures.number(texture, self._surfaces) if isinstance(texture, int) else -1

    def _broken(self, owner: ModelObject, text: str) -> None:
        self._context.problems.add(
            "error", owner.key, "geometry-broken", f"{text}: left out", "repair it in its source"
        )


class _Looks:
    """Looks of the surfaces of one geometry, each made once."""

    def __init__(self, reader: GeometryReader, codes: list[int], kind: str) -> None:
        self._reader, self._codes, self._kind = reader, codes, kind
        self._known: dict[tuple[Any, Any, Any], Look] = {}

    def of(self, surface: Any, material: Any, texture: Any) -> Look:
        known = self._known.get((surface, material, texture))
        if known is None:
            code = self._codes[surface] if isinstance(surface, int) and 0 <= surface < len(self._codes) else 0
            known = Look(self._reader.colour(material), code, self._kind, self._reader.picture(texture))
            self._known[surface, material, texture] = known
        return known


def _walk(boundaries: Any, values: tuple[Any, ...], depth: int) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield the surfaces of nested lists, with what lies at the same place of lists that may end early."""
    for index, item in enumerate(boundaries):
        here = tuple(each[index] if isinstance(each, list) and index < len(each) else None for each in values)
        if depth:
            yield from _walk(item, here, depth - 1)
        else:
            yield item, here


def _image(values: Any, rings: int) -> tuple[Any, list[Any]]:
    """Return the texture number of a surface, and the texture vertices of each of its rings."""
    if not isinstance(values, list) or not values or not isinstance(values[0], list) or not values[0]:
        return None, [None] * rings
    places = [each[1:] if isinstance(each, list) and len(each) > 1 else None for each in values[:rings]]
    return values[0][0], places + [None] * (rings - len(places))


def _uvs(numbers: list[Any], lengths: Integers, places: Floats) -> Floats:
    """Return (p, 2) places in images, from their upper left corner; zero where a ring has none that fit."""
    found = np.zeros((int(lengths.sum()), 2))
    first = 0
    for ring, size in zip(numbers, lengths.tolist(), strict=True):
        if ring is not None and len(ring) == size:
            index = np.array(ring)
            if index.dtype.kind in "iu" and index.min() >= 0 and index.max() < len(places):
                found[first : first + size] = places[index] * [1, -1] + [0, 1]
        first += size
    return found


def _theme(themes: Any, wanted: str) -> dict[str, Any]:
    """Return what one theme says about a geometry: the default theme, else the first."""
    themes = _mapping(themes)
    return _mapping(themes.get(wanted) or next(iter(themes.values()), {}))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _points(value: Any, width: int) -> Floats:
    try:
        found = np.array(value or [], np.float64).reshape(-1, width)
    except (TypeError, ValueError):
        return np.zeros((0, width))
    return np.where(np.isfinite(found), found, 0.0)


def _level(lod: Any) -> str:
    """Return the level of detail as text that compares as a number."""
    try:
        number = float(lod)
    except (TypeError, ValueError):
        return "1"
    return f"{number:g}" if 0 <= number < 10 else "1"
