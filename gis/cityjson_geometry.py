"""Geometry of CityJSON: nested lists of vertex numbers become coloured surfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gis.surfaces import KIND_COLOURS, SEMANTIC_COLOURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.cityobjects import ModelObject
    from gis.modelframe import ModelFrame
    from gis.surfaces import SurfaceCollector
    from scenes.loading import LoadContext

    Floats = NDArray[np.float64]

# How many lists lie around the surfaces of a geometry.
_DEPTHS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}
_NOT_SURFACES = frozenset({"MultiPoint", "MultiLineString"})


class GeometryReader:
    """Reads the geometries of one document.

    Parameters
    ----------
    body
        The document, for appearance and templates.
    vertices
        (n, 3) coordinates in the system of the file.
    frame, context
        The way to local metres.
    path
        File, for messages.
    """

    def __init__(
        self, body: dict[str, Any], vertices: Floats, frame: ModelFrame, context: LoadContext, path: str
    ) -> None:
        """Turn the vertices into local metres."""
        self._frame, self._context, self._path = frame, context, path
        self._model = vertices
        self._local = frame.to_local(vertices, context.georeference)
        templates = body.get("geometry-templates") or {}
        self._templates: list[Any] = templates.get("templates") or []
        self._template_points = np.array(templates.get("vertices-templates") or [], np.float64).reshape(-1, 3)
        self._materials: list[Any] = (body.get("appearance") or {}).get("materials") or []

    def read(self, geometry: Any, row: int, owner: ModelObject, surfaces: SurfaceCollector) -> None:
        """Add the surfaces of one geometry of an object; what is broken becomes a problem."""
        if not isinstance(geometry, dict):
            self._broken(owner, "a geometry is not an object")
            return
        try:
            if geometry.get("type") == "GeometryInstance":
                self._instance(geometry, row, owner, surfaces)
            else:
                self._surfaces(geometry, self._local, row, owner, surfaces)
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError) as error:
            self._broken(owner, f"a geometry is not well formed ({type(error).__name__}: {error})")

    def _instance(self, geometry: dict[str, Any], row: int, owner: ModelObject, surfaces: SurfaceCollector) -> None:
        template = self._templates[geometry["template"]]
        matrix = np.array(geometry["transformationMatrix"], np.float64).reshape(4, 4)
        anchor = self._model[geometry["boundaries"][0]]
        flat = np.column_stack([self._template_points, np.ones(len(self._template_points))]) @ matrix.T
        points = self._frame.to_local(flat[:, :3] + anchor, self._context.georeference)
        self._surfaces(template, points, row, owner, surfaces)

    def _surfaces(
        self, geometry: dict[str, Any], points: Floats, row: int, owner: ModelObject, surfaces: SurfaceCollector
    ) -> None:
        word = geometry.get("type")
        if word in _NOT_SURFACES:
            return
        depth = _DEPTHS[str(word)]
        level = _level(geometry.get("lod"))
        semantics = geometry.get("semantics") or {}
        kinds = [str(each.get("type", "")) for each in semantics.get("surfaces") or []]
        materials: dict[str, Any] = next(iter((geometry.get("material") or {}).values()), {})
        for path, rings in _walk(geometry["boundaries"], depth):
            outlines = [self._ring(ring, points) for ring in rings]
            kind = _at(semantics.get("values"), path)
            material = materials.get("value", _at(materials.get("values"), path))
            colour = self._colour(owner.kind, kinds[kind] if kind is not None else "", material)
            if outlines:
                surfaces.add(level, row, outlines, colour)

    def _ring(self, ring: Any, points: Floats) -> Floats:
        numbers = np.asarray(ring)
        if numbers.dtype.kind not in "iu":
            raise ValueError("a ring holds something else than vertex numbers")
        if len(numbers) and (int(numbers.min()) < 0 or int(numbers.max()) >= len(points)):
            raise IndexError(f"vertex {int(numbers.max())} of {len(points)}")
        ring_points: Floats = points[numbers]
        return ring_points

    def _colour(self, kind: str, surface: str, material: Any) -> str:
        if isinstance(material, int) and 0 <= material < len(self._materials):
            diffuse = self._materials[material].get("diffuseColor")
            if diffuse:
                alpha = 1.0 - float(self._materials[material].get("transparency", 0.0))
                channels = np.clip([*diffuse[:3], alpha], 0, 1) * 255
                return "#" + bytes(round(float(value)) for value in channels).hex()
        return SEMANTIC_COLOURS.get(surface) or KIND_COLOURS.get(kind, "")

    def _broken(self, owner: ModelObject, text: str) -> None:
        self._context.problems.add(
            "error", owner.key, "geometry-broken", f"{text}: left out", "repair it in its source"
        )


def _level(lod: Any) -> str:
    """Return the level of detail as text that compares as a number."""
    try:
        return f"{float(lod):g}"
    except (TypeError, ValueError):
        return "1"


def _walk(boundaries: Any, depth: int, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    for index, item in enumerate(boundaries):
        if depth:
            yield from _walk(item, depth - 1, (*path, index))
        else:
            yield (*path, index), item


def _at(values: Any, path: tuple[int, ...]) -> int | None:
    """Return the number at a path of nested lists, None where the lists end early."""
    for index in path:
        if not isinstance(values, list) or index >= len(values):
            return None
        values = values[index]
    return values if isinstance(values, int) else None
