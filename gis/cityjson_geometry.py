"""Geometry of CityJSON: nested lists of vertex numbers become surfaces, lines and points."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.cityjson_bulk import TROUBLES, Given, part_of
from gis.cityjson_rings import Gathered
from gis.placements import Placements, Shape, Stand
from gis.surfaces import Look
from scenes.georeference import parse_crs
from scenes.semantics import surface_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from gis.cityjson_documents import Document
    from gis.cityjson_pictures import Pictures
    from gis.cityobjects import ModelObject
    from gis.modelframe import ModelFrame
    from gis.polygons import PolygonBlock
    from gis.surfaces import SurfaceCollector
    from scenes.loading import LoadContext

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

# How many lists lie around the surfaces of a geometry.
_DEPTHS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}
_FARTHEST_M = 1e7


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
        self._gathered: dict[str, Gathered] = {}
        self._waiting: dict[tuple[str, int], list[Given]] = {}
        self._looks: dict[Look, int] = {}
        self._known: dict[tuple[Any, ...], int] = {}
        self._materials_known: dict[int, str] = {}

    def read(self, geometry: Any, row: int, owner: ModelObject) -> None:
        """Add one geometry of an object; what is broken becomes a problem."""
        if not isinstance(geometry, dict):
            self._broken(owner.key, "a geometry is not an object")
            return
        try:
            if geometry.get("type") == "GeometryInstance":
                self._instance(geometry, row, owner)
            else:
                self._shape(geometry, row, owner)
        except TROUBLES as error:
            self._broken(owner.key, f"a geometry is not well formed ({type(error).__name__}: {error})"[:300])

    def finish(self) -> None:
        """Hand everything that was read to the collector."""
        for (level, depth), given in self._waiting.items():
            self._gather_all(given, depth, self._gathered.setdefault(level, Gathered()))
        for level, gathered in self._gathered.items():
            self._surfaces.add_block(level, self._block(gathered, self._local))
        self._placements.put_into(self._surfaces)

    def _block(self, gathered: Gathered, points: Floats) -> PolygonBlock:
        looks = [(self._surfaces.paint(look), look.semantic, look.picture) for look in self._looks]
        return gathered.block(points, np.array(looks, np.int64), self._places, self._broken)

    def _shape(self, geometry: dict[str, Any], row: int, owner: ModelObject) -> None:
        level = _level(geometry.get("lod"))
        if geometry.get("type") == "MultiPoint":
            self._surfaces.add_points(level, row, self._taken(geometry["boundaries"]))
        elif geometry.get("type") == "MultiLineString":
            for line in geometry["boundaries"]:
                self._surfaces.add_line(level, row, self._taken(line))
        else:
            depth = _DEPTHS[str(geometry.get("type"))]
            self._waiting.setdefault((level, depth), []).append(Given(geometry, row, owner.key, owner.kind))

    def _gather_all(self, given: list[Given], depth: int, into: Gathered) -> None:
        """Add the surfaces of many geometries: all at once, but those with textures and those that are odd."""
        plain = [each for each in given if not (len(self._places) and each.geometry.get("texture"))]
        for each in given if len(plain) < len(given) else ():
            if len(self._places) and each.geometry.get("texture"):
                self._gather_one(each, into)
        groups = [plain] if plain else []
        while groups:
            group = groups.pop()
            try:
                into.parts.append(part_of(group, depth, self._material, self._alike, self._numbered_look))
            except TROUBLES:
                if len(group) == 1:
                    self._gather_one(group[0], into)
                else:
                    groups += [group[len(group) // 2 :], group[: len(group) // 2]]

    def _gather_one(self, given: Given, into: Gathered) -> None:
        try:
            self._gather(given.geometry, given.row, (given.key, given.kind), into)
        except TROUBLES as error:
            self._broken(given.key, f"a geometry is not well formed ({type(error).__name__}: {error})"[:300])

    @functools.cached_property
    def _alike(self) -> Integers:
        """The first material that looks like each one: some files have one for every surface."""
        known: dict[str, int] = {}
        looks = ((each.get("diffuseColor"), each.get("transparency")) for each in map(_mapping, self._materials))
        return np.array([known.setdefault(str(look), place) for place, look in enumerate(looks)], np.int64)

    def _material(self, said: Any) -> dict[str, Any]:
        return _theme(said, self._material_theme)

    def _numbered_look(self, code: int, material: int, kind: str) -> int:
        return self._look(code, material, None, kind)

    def _gather(self, geometry: dict[str, Any], row: int, owner: tuple[str, str], into: Gathered) -> None:
        """Add the surfaces of a geometry, all of them or none."""
        sizes = into.begin(owner[0])
        try:
            self._add_surfaces(geometry, row, owner[1], into)
        except TROUBLES:
            into.cut(sizes)
            raise

    def _add_surfaces(self, geometry: dict[str, Any], row: int, kind: str, into: Gathered) -> None:
        semantics = _mapping(geometry.get("semantics"))
        codes = [surface_code(str(each.get("type", ""))) for each in semantics.get("surfaces") or []]
        material = _theme(geometry.get("material"), self._material_theme)
        texture = _theme(geometry.get("texture"), self._texture_theme) if len(self._places) else {}
        values = (semantics.get("values"), material.get("values"), texture.get("values"))
        whole, known, size = material.get("value"), self._known, len(codes)
        for surfaces, named in _shells(geometry["boundaries"], values, _DEPTHS[str(geometry.get("type"))]):
            columns = (_padded(each, len(surfaces)) for each in named)
            for surface, number, paint, image in zip(surfaces, *columns, strict=False):
                picture = _picture(image, into, len(surface)) if image is not None else None
                code = codes[number] if isinstance(number, int) and 0 <= number < size else 0
                key = code, paint if whole is None else whole, picture, kind
                look = known.get(key)
                if look is None:
                    look = known[key] = self._look(*key)
                into.surface(row, look, surface)

    def _look(self, code: int, material: Any, texture: Any, kind: str) -> int:
        """Return the number of the look of a surface, by the numbers of its material and its texture."""
        picture = self._pictures.number(texture, self._surfaces) if isinstance(texture, int) else -1
        look = Look(self._colour(material), code, kind, picture)
        return self._looks.setdefault(look, len(self._looks))

    def _instance(self, geometry: dict[str, Any], row: int, owner: ModelObject) -> None:
        number = geometry["template"]
        template = self._templates[number]
        matrix = np.array(geometry["transformationMatrix"], np.float64).reshape(4, 4)
        if not np.isfinite(matrix).all() or np.abs(matrix).max() > _FARTHEST_M:
            raise ValueError("the matrix of a template is not of this world")
        anchor = self._taken(geometry["boundaries"][:1], self._model)[0]
        level, name = _level(template.get("lod")), f"{number}/{owner.kind}"
        if not self._placements.knows(name):
            gathered = Gathered()
            self._gather(template, 0, (owner.key, owner.kind), gathered)
            self._placements.shape(name, Shape(self._block(gathered, self._template_points), level))
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

    def _colour(self, material: Any) -> str:
        """Return the colour of a material by its number, empty if it has none."""
        if not isinstance(material, int) or not 0 <= material < len(self._materials):
            return ""
        if material not in self._materials_known:
            self._materials_known[material] = self._mixed(material)
        return self._materials_known[material]

    def _mixed(self, material: int) -> str:
        diffuse = self._materials[material].get("diffuseColor")
        if not diffuse:
            return ""
        return _hexadecimal(*diffuse[:3], 1.0 - float(self._materials[material].get("transparency", 0.0)))

    def _broken(self, owner: str, text: str) -> None:
        self._context.problems.add("error", owner, "geometry-broken", f"{text}: left out", "repair it in its source")


@functools.lru_cache(maxsize=4_096)
def _hexadecimal(*channels: float) -> str:
    return "#" + bytes(round(255 * min(max(float(channel), 0.0), 1.0)) for channel in channels).hex()


def _shells(boundaries: Any, values: tuple[Any, ...], depth: int) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield the lists of surfaces in nested lists, with what lies at the same place of lists that may end early."""
    if not depth:
        yield boundaries, values
        return
    for index, item in enumerate(boundaries):
        here = tuple(each[index] if isinstance(each, list) and index < len(each) else None for each in values)
        yield from _shells(item, here, depth - 1)


def _padded(values: Any, size: int) -> Iterable[Any]:
    """Return so many values; nothing where a list ends early or is none."""
    if not isinstance(values, list):
        return itertools.repeat(None, size)
    return values if len(values) >= size else values + [None] * (size - len(values))


def _picture(values: Any, into: Gathered, rings: int) -> Any:
    """Return the texture number of the next surface, and note the texture vertices of its rings."""
    if not isinstance(values, list) or not values or not isinstance(values[0], list) or not values[0]:
        return None
    first = len(into.lengths)
    for ring, named in enumerate(values[:rings]):
        if isinstance(named, list) and len(named) > 1:
            into.uvs[first + ring] = named[1:]
    return values[0][0]


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
