"""GML of any application (CityGML, IndoorGML, ...): ids, links, closed rings, and the geometry of its solids."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.checking.findings import Geometries
from gis.modelframe import crs_from_name
from gis.sniffing import head_of
from scenes.errors import LoadError, MissingLibraryError
from scenes.georeference import parse_crs
from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenes.sources import Source

    Floats = NDArray[np.float64]

_ID = ("{http://www.opengis.net/gml}id", "{http://www.opengis.net/gml/3.2}id")
_HREF = "{http://www.w3.org/1999/xlink}href"
_PATCHES = frozenset({"Polygon", "PolygonPatch", "Triangle", "Rectangle"})
_SOLIDS = frozenset({"Solid"})
_MOST_BYTES = 1 << 30
_DEEPEST = 200
_ADVICE = "export it again with a tool that writes valid GML"

Ring = list[list[float]]


class GmlChecker:
    """Checks GML files: CityGML 1 to 3, IndoorGML and others."""

    name = "gml"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is GML, by its ending and its namespaces."""
        if source.is_remote or source.suffix not in {".gml", ".citygml", ".xml"} or not source.file.is_file():
            return False
        return b"opengis.net/gml" in head_of(source.file).lower()

    def check(self, source: Source) -> list[Problem]:
        """Return what is wrong with ids, links and geometry.

        Raises
        ------
        LoadError
            When it is no well-formed XML, or too large to check.
        """
        root = _root(source)
        found = list(_ids(root))
        geometries = Geometries()
        reader = _Reader(root, geometries)
        reader.run()
        return [*found, *reader.found, *geometries.problems()]


def _root(source: Source) -> Any:
    try:
        from lxml import etree  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingLibraryError("gis.checking", "lxml is not installed", "pip install citytwin[gis]") from error
    if source.file.stat().st_size > _MOST_BYTES:
        raise LoadError(source.path, "is larger than a gigabyte", "split it to check it")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        return etree.parse(source.path, parser).getroot()
    except (etree.XMLSyntaxError, OSError) as error:
        reason = " ".join(str(error).split())[:160]
        raise LoadError(source.path, f"it is not well-formed XML ({reason})", "export or download it again") from error


def _ids(root: Any) -> Iterator[Problem]:
    """Yield ids that stand twice, and links that lead nowhere."""
    seen: dict[str, int] = {}
    links: list[tuple[str, int, str]] = []
    for element in root.iter("*"):
        name = element.get(_ID[0]) or element.get(_ID[1])
        if name:
            if name in seen:
                place = f"line {element.sourceline}, first in line {seen[name]}"
                yield Problem("error", name, "gml-id-repeated", "is the gml:id of two elements", _ADVICE, place)
            seen.setdefault(name, element.sourceline or 0)
        link = element.get(_HREF)
        if link and link.startswith("#"):
            links.append((link[1:], element.sourceline or 0, _local(element)))
    for name, line, element_name in links:
        if name not in seen:
            message = f"a {element_name} links to #{name}, which is not in the file"
            yield Problem("error", name, "gml-link-broken", message, _ADVICE, f"line {line}")


class _Reader:
    """Collects every surface and solid of a document with the object that it belongs to."""

    def __init__(self, root: Any, geometries: Geometries) -> None:
        self._root, self._geometries, self._metres = root, geometries, _matrix(root)
        self._by_id = {
            name: element for element in root.iter("*") if (name := element.get(_ID[0]) or element.get(_ID[1]))
        }
        self.found: list[Problem] = []
        self._in_solids: set[Any] = set()

    def run(self) -> None:
        """Read the solids first, then every polygon that belongs to none."""
        for solid in self._root.iter("*"):
            if _local(solid) in _SOLIDS:
                self._solid(solid)
        for patch in self._root.iter("*"):
            if _local(patch) in _PATCHES and patch not in self._in_solids:
                rings, closed = self._rings(patch)
                if rings:
                    self._geometries.add(self._owner(patch), [rings], closed=closed)

    def _solid(self, solid: Any) -> None:
        name, outer = self._owner(solid), -1
        for side in solid:
            kind = _local(side)
            if kind not in ("exterior", "interior"):
                continue
            faces, closed = [], []
            for patch in self._patches(side, 0):
                self._in_solids.add(patch)
                rings, shut = self._rings(patch)
                if rings:
                    faces.append(rings)
                    closed += shut
            if not faces:
                message = "has a solid without surfaces"
                self.found.append(Problem("error", name, "geometry-902", message, _ADVICE, f"line {side.sourceline}"))
            elif kind == "exterior":
                outer = self._geometries.add(name, faces, is_shell=True, closed=closed)
            else:
                self._geometries.add(name, faces, inner_of=max(outer, 0), closed=closed)

    def _patches(self, element: Any, depth: int) -> Iterator[Any]:
        """Yield the polygons below an element, through links within the document."""
        if depth > _DEEPEST:
            return
        for child in element:
            if not isinstance(child.tag, str):
                continue
            link = child.get(_HREF, "")
            target = self._by_id.get(link[1:]) if link.startswith("#") else None
            if _local(child) in _PATCHES:
                yield child
            elif target is not None and _local(target) in _PATCHES:
                yield target
            elif target is not None:
                yield from self._patches(target, depth + 1)
            else:
                yield from self._patches(child, depth + 1)

    def _rings(self, patch: Any) -> tuple[list[Ring], list[bool]]:
        rings: list[Ring] = []
        closed: list[bool] = []
        for side in ("exterior", "interior"):
            for child in patch:
                if _local(child) == side:
                    for element in child:
                        points = self._points(element)
                        rings.append(points)
                        closed.append(len(points) > 1 and points[0] == points[-1])
        return (list(rings), closed) if any(rings) else ([], [])

    def _points(self, element: Any) -> Ring:
        texts, size = [], 0
        for child in element.iter("*"):
            if _local(child) in {"posList", "pos", "coordinates"}:
                texts.append((child.text or "").replace(",", " "))
                size = size or _dimension(child)
        try:
            numbers = np.array(" ".join(texts).split(), np.float64)
        except ValueError:
            numbers = np.zeros(0)
        size = size or 3
        if not len(numbers) or len(numbers) % size or not np.isfinite(numbers).all():
            message = "a ring has coordinates that are no numbers, or not three by three"
            where = self._owner(element)
            self.found.append(
                Problem("error", where, "gml-coordinates", message, _ADVICE, f"line {element.sourceline}")
            )
            return []
        points = numbers.reshape(-1, size)
        if size == 2:
            points = np.column_stack([points, np.zeros(len(points))])
        ring: Ring = (points @ self._metres.T).tolist()
        return ring

    def _owner(self, element: Any) -> str:
        """Return the id of the nearest object around a geometry that is no geometry itself."""
        for above in element.iterancestors():
            name = above.get(_ID[0]) or above.get(_ID[1])
            if name and "opengis.net/gml" not in above.tag:
                return str(name)
        return str(element.get(_ID[0]) or element.get(_ID[1]) or f"line {element.sourceline}")


def _matrix(root: Any) -> Floats:
    """Return the (3, 3) matrix that makes metres, x east and y north, of coordinates in degrees around the model.

    One degree of latitude is 111,195 m on the sphere of radius 6,371 km. Latitude is taken to come first where the
    first number can be one.
    """
    crs = next((found for each in root.iter("*") if (found := crs_from_name(each.get("srsName")))), "")
    if not crs or not parse_crs(crs).is_geographic:
        return np.eye(3)
    first = next((each for each in root.iter("*") if _local(each) in {"posList", "pos", "lowerCorner"}), None)
    try:
        latitude = float((first.text or "").split()[0]) if first is not None else 0.0
    except (ValueError, IndexError):
        latitude = 0.0
    east = 111_195.0 * max(np.cos(np.radians(min(abs(latitude), 89.0))), 0.01)
    if abs(latitude) > 90.0:  # then it is the longitude
        return np.diag([east, 111_195.0, 1.0])
    return np.array([[0.0, east, 0.0], [111_195.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def _dimension(element: Any) -> int:
    for each in (element, *element.iterancestors()):
        text = each.get("srsDimension")
        if text in ("2", "3"):
            return int(text)
    return 0


@functools.lru_cache(maxsize=4096)
def _plain(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _local(element: Any) -> str:
    return _plain(element.tag) if isinstance(element.tag, str) else ""
