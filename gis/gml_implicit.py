"""Implicit geometry of CityGML: a shape about an origin of its own, a point, and a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gis.gml_links import id_of
from gis.gml_numbers import numbers_of
from gis.gml_shapes import ShapeList, ShapeReader, Target
from gis.gml_words import XLINK_HREF, local_name, word
from gis.placements import Shape, Stand

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.gml_links import FarElements
    from gis.placements import Placements
    from gis.polygons import PolygonBlock
    from scenes.problems import Problems

    Floats = NDArray[np.float64]

_FARTHEST = 1e7


class ImplicitReader:
    """Gathers implicit geometry.

    Parameters
    ----------
    placements
        Where the shapes and their placements go.
    far
        Finds shapes that are named by a link.
    problems
        Collects what cannot be read.
    """

    def __init__(self, placements: Placements, far: FarElements, problems: Problems) -> None:
        """Start with nothing."""
        self.placements, self._far, self._problems = placements, far, problems
        self.anchors: list[tuple[Target, Floats]] = []

    def read(self, element: Any, target: Target, kind: str) -> None:
        """Read one ``ImplicitGeometry`` of an object."""
        parts = {local_name(child.tag): child for child in element}
        anchor = self._anchor(parts.get("referencePoint"))
        matrix = self._matrix(parts.get("transformationMatrix"))
        if anchor is None or matrix is None:
            what = "an implicit geometry has no place: left out"
            self._problems.add("warning", id_of(element), "implicit-broken", what, "export it again")
            return
        shape = parts.get("relativeGMLGeometry")
        shape = parts.get("relativeGeometry") if shape is None else shape
        if shape is None:
            library = parts.get("libraryObject")
            name = ((library.text or "") if library is not None else "").strip()
            what = (
                f"the library object {name[:120]} is not read: it is shown as a point" if name else "a shape is missing"
            )
            self._problems.add("info", name or id_of(element), "library-object", what, "export it with its geometry")
            self.anchors.append((target, anchor))
            return
        name = self._shape(shape, kind)
        if name:
            self.placements.stand(name, Stand(target.row, target.level, matrix, anchor))
        else:
            self.anchors.append((target, anchor))

    def _shape(self, holder: Any, kind: str) -> str:
        """Return the name of a shape, which is read the first time; empty if it cannot be had."""
        reference = holder.get(XLINK_HREF)
        geometry = holder[0] if len(holder) else None
        if reference:
            name = f"{kind}{reference}"
            if self.placements.knows(name):
                return name
            geometry = self._far.find(reference)
            if geometry is None:
                self._problems.add("warning", reference, "link-broken", f"{reference[:100]} is not in the file",
                                   "export it again")  # fmt: skip
                return ""
        if geometry is None:
            return ""
        shapes = _shapes_in(geometry)
        name = f"{kind}#{id_of(geometry)}" if id_of(geometry) else f"{kind}/{hash(tuple(shapes.texts))}"
        if not self.placements.knows(name):
            self.placements.shape(name, Shape(_block(shapes), "1", kind))
        if reference and name != f"{kind}{reference}":
            self.placements.shape(f"{kind}{reference}", Shape(_block(shapes), "1", kind))
            name = f"{kind}{reference}"
        return name

    def _anchor(self, element: Any) -> Floats | None:
        if element is None:
            return None
        texts = [part.text for part in element.iter("{*}pos", "{*}coordinates") if part.text]
        numbers, _ = numbers_of(texts)
        if len(numbers) not in {2, 3} or not np.isfinite(numbers).all():
            return None
        return np.append(numbers, 0.0)[:3]

    def _matrix(self, element: Any) -> Floats | None:
        if element is None:
            return np.eye(4)
        numbers, _ = numbers_of([element.text or ""])
        if len(numbers) != 16 or not np.isfinite(numbers).all() or np.abs(numbers).max() > _FARTHEST:
            return None
        return numbers.reshape(4, 4)


def _shapes_in(geometry: Any) -> ShapeList:
    shapes = ShapeList()
    reader = ShapeReader(shapes, None, flat=False)
    target = Target(0, "1")
    for node in geometry.iter():
        reader.take(word(node.tag).role, node, target)
    return shapes


def _block(shapes: ShapeList) -> PolygonBlock:
    """Return the polygons of a shape about its own origin."""
    rings = shapes.read().rings
    none = np.zeros(len(rings.broken), np.int64)
    block = rings.block(np.nan_to_num(rings.reversed_at(shapes.backward)), none, (none, none, none - 1))
    return block.take(~rings.broken)
