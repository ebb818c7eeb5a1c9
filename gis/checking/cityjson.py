"""CityJSON against its specification (1.0, 1.1, 2.0): structure, references, and the geometry of its solids."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.checking.findings import Geometries
from gis.cityjson import CityJsonLoader
from gis.sniffing import head_of, zip_names
from scenes.errors import LoadError
from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from scenes.sources import Source

_VERSIONS = ("1.0", "1.1", "2.0")
_SECOND_LEVEL = ("BuildingPart", "BuildingInstallation", "BuildingStorey", "BuildingRoom", "BuildingUnit",
                 "BuildingFurniture", "BuildingConstructiveElement", "BridgePart", "BridgeInstallation",
                 "BridgeRoom", "BridgeFurniture", "BridgeConstructiveElement", "TunnelPart", "TunnelInstallation",
                 "TunnelHollowSpace", "TunnelFurniture", "TunnelConstructiveElement")  # fmt: skip
_FIRST_LEVEL = frozenset(
    {"Building", "Bridge", "Road", "TransportSquare", "Railway", "Waterway", "TINRelief", "WaterBody", "PlantCover",
     "SolitaryVegetationObject", "LandUse", "CityFurniture", "GenericCityObject", "OtherConstruction", "Tunnel",
     "CityObjectGroup"}
)  # fmt: skip
_DEPTHS = {"MultiPoint": 1, "MultiLineString": 2, "MultiSurface": 3, "CompositeSurface": 3, "Solid": 4,
           "MultiSolid": 5, "CompositeSolid": 5}  # fmt: skip
_MOST_BYTES = 1 << 30
_ADVICE = "export it again with a tool that writes valid CityJSON"
_SURFACES = 3


class CityJsonChecker:
    """Checks CityJSON files and sequences."""

    name = "cityjson"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is CityJSON, or claims to be by its name or content."""
        if source.is_remote or not source.file.is_file():
            return False
        if source.suffix == ".zip":
            return CityJsonLoader().supports(source)
        if source.suffix not in {".json", ".jsonl"}:
            return False
        head = head_of(source.file)
        return any(word in head for word in (b'"CityObjects"', b'"CityJSON"', b'"CityJSONFeature"'))

    def check(self, source: Source) -> list[Problem]:
        """Return what is wrong with structure, references and geometry."""
        found: list[Problem] = []
        geometries = Geometries()
        shared: Mapping[str, Any] = {}
        for number, (document, trouble) in enumerate(_documents(source), 1):
            line = f"line {number}" if source.file.name.lower().endswith(".jsonl") else ""
            if trouble:
                found.append(Problem("error", source.title, "json-malformed", trouble, _ADVICE, line))
                continue
            if number == 1:
                shared = document
            found += [_placed(problem, line) for problem in _Document(document, shared, geometries, source.title).run()]
        return [*found, *geometries.problems()]


def _placed(problem: Problem, line: str) -> Problem:
    return Problem(problem.severity, problem.object, problem.rule, problem.message, problem.advice, line)


def _documents(source: Source) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield each JSON document of a file, or the reason why it is none."""
    text = _text(source)
    is_sequence = source.file.name.lower().endswith(".jsonl") and not _is_json(text)
    for line in text.splitlines() if is_sequence else [text]:
        if not line.strip():
            continue
        try:
            parsed = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield {}, f"is not valid JSON ({str(error)[:120]})"
            continue
        if isinstance(parsed, dict):
            yield parsed, ""
        else:
            yield {}, "is JSON, but not an object"


def _is_json(text: str) -> bool:
    """Say whether a text is one JSON document: a single feature may be written over many lines."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _text(source: Source) -> str:
    if source.suffix == ".zip":
        names = [name for name in zip_names(source.file) if name.lower().endswith((".json", ".jsonl"))]
        with zipfile.ZipFile(source.file) as archive:
            if not names or archive.getinfo(names[0]).file_size > _MOST_BYTES:
                raise LoadError(source.path, "holds no CityJSON of a size that can be checked", "unpack it")
            body = archive.read(names[0])
    else:
        if source.file.stat().st_size > _MOST_BYTES:
            raise LoadError(source.path, "is larger than a gigabyte", "split it to check it")
        body = source.file.read_bytes()
    return body.decode("utf-8-sig", "replace")


class _Document:
    """One CityJSON object or CityJSONFeature."""

    def __init__(self, body: Mapping[str, Any], shared: Mapping[str, Any], geometries: Geometries, title: str) -> None:
        self._body, self._geometries, self._title = body, geometries, title
        self._templates = body.get("geometry-templates") or shared.get("geometry-templates") or {}
        self._is_feature = body.get("type") == "CityJSONFeature"
        self._points = _points(body, shared)
        self._has_extensions = bool(body.get("extensions") or shared.get("extensions"))
        self._version = str(body.get("version") or shared.get("version") or "")

    def run(self) -> Iterator[Problem]:
        """Yield the findings; geometry goes to the collector."""
        yield from self._head()
        objects = self._body.get("CityObjects")
        if not isinstance(objects, dict):
            yield self._bad("cityjson-cityobjects", "has no CityObjects")
            return
        for key, item in objects.items():
            if not isinstance(item, dict):
                yield self._bad("cityjson-cityobjects", "is not an object", key)
                continue
            yield from self._object(key, item, objects)
            yield from self._levels(key, item)
            for geometry in item["geometry"] if isinstance(item.get("geometry"), list) else ():
                yield from self._geometry(key, geometry)
        for template in self._templates.get("templates") or () if isinstance(self._templates, dict) else ():
            if not isinstance(template, dict) or template.get("type") not in _DEPTHS:
                yield self._bad("cityjson-template", "a geometry template has no known type")

    def _bad(self, rule: str, message: str, where: str = "") -> Problem:
        return Problem("error", where or self._title, rule, message, _ADVICE)

    def _head(self) -> Iterator[Problem]:
        body = self._body
        if body.get("type") not in ("CityJSON", "CityJSONFeature"):
            yield self._bad("cityjson-type", 'its "type" is not CityJSON or CityJSONFeature')
        if not self._is_feature:
            if body.get("version") not in _VERSIONS:
                yield self._bad(
                    "cityjson-version", f"version {body.get('version')!r} is not one of {', '.join(_VERSIONS)}"
                )
            elif body["version"] != "1.0" and not isinstance(body.get("transform"), dict):
                yield self._bad("cityjson-transform", 'has no "transform", which this version requires')
        elif body.get("id") not in (body.get("CityObjects") or {}):
            yield self._bad("cityjson-feature-id", f"its id {body.get('id')!r} is none of its CityObjects")
        if not isinstance(body.get("vertices"), list):
            yield self._bad("cityjson-vertices", 'has no list of "vertices"')
        elif self._points is None:
            yield self._bad(
                "cityjson-vertices", "its vertices are not triples of finite numbers (integers with a transform)"
            )
        for name in body if not self._has_extensions else ():
            if name.startswith("+"):
                yield self._bad("cityjson-extension", f"uses {name} without declaring an extension")

    def _object(self, key: str, item: Mapping[str, Any], objects: Mapping[str, Any]) -> Iterator[Problem]:
        yield from self._kind(key, item)
        for relation, back in (("parents", "children"), ("children", "parents")):
            for other in item.get(relation) or ():
                target = objects.get(other) if isinstance(other, str) else None
                if target is None:
                    yield self._bad(
                        "cityjson-dangling", f"names {other!r} among its {relation}, which is not in the file", key
                    )
                elif isinstance(target, dict) and key not in (target.get(back) or ()):
                    yield self._bad(
                        "cityjson-hierarchy", f"names {other!r} among its {relation}, but not the other way", key
                    )
        if not isinstance(item.get("geometry", []), list):
            yield self._bad("cityjson-geometry", 'its "geometry" is not a list', key)
        if not isinstance(item.get("attributes", {}), dict):
            yield self._bad("cityjson-attributes", 'its "attributes" are not an object', key)

    def _kind(self, key: str, item: Mapping[str, Any]) -> Iterator[Problem]:
        kind = item.get("type")
        if not isinstance(kind, str):
            yield self._bad("cityjson-object-type", "has no type", key)
        elif kind.startswith("+"):
            if not self._has_extensions:
                yield self._bad("cityjson-extension", f"is of type {kind}, which no declared extension explains", key)
        elif kind not in _FIRST_LEVEL and kind not in _SECOND_LEVEL:
            yield self._bad("cityjson-object-type", f"is of type {kind!r}, which CityJSON does not know", key)
        elif kind in _SECOND_LEVEL and not item.get("parents"):
            yield self._bad("cityjson-parents", f"is a {kind} without parents", key)

    def _levels(self, key: str, item: Mapping[str, Any]) -> Iterator[Problem]:
        geometries = item.get("geometry")
        pairs = [
            (each.get("type"), str(each.get("lod")))
            for each in (geometries if isinstance(geometries, list) else ())
            if isinstance(each, dict)
        ]
        for kind, lod in sorted({pair for pair in pairs if pairs.count(pair) > 1}, key=str):
            yield self._bad(
                "cityjson-lod-repeated", f"has {pairs.count((kind, lod))} geometries {kind} of lod {lod}", key
            )

    def _geometry(self, key: str, geometry: Any) -> Iterator[Problem]:
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        if kind == "GeometryInstance":
            templates = self._templates.get("templates") if isinstance(self._templates, dict) else None
            number = geometry.get("template")
            if not isinstance(number, int) or not 0 <= number < len(templates or ()):
                yield self._bad(
                    "cityjson-template", f"uses geometry template {number}, which the file does not have", key
                )
            return
        if kind not in _DEPTHS:
            yield self._bad("cityjson-geometry-type", f"has a geometry of type {kind!r}", key)
            return
        if "lod" not in geometry:
            yield self._bad("cityjson-lod", 'has a geometry without "lod"', key)
        elif self._version in ("1.1", "2.0") and not isinstance(geometry["lod"], str):
            yield self._bad("cityjson-lod", f"its lod {geometry['lod']!r} is not a text", key)
        boundaries = geometry.get("boundaries")
        if not boundaries:
            yield Problem("warning", key, "geometry-902", "has an empty geometry", "leave it out, or export it whole")
            return
        wrong = _wrong_index(boundaries, _DEPTHS[kind], 0 if self._points is None else len(self._points))
        if wrong:
            yield self._bad("cityjson-boundaries", wrong, key)
            return
        yield from self._semantics(key, geometry)
        if self._points is not None and _DEPTHS[kind] >= _SURFACES:
            self._add(f"{key} (lod {geometry.get('lod', '?')})", kind, boundaries)

    def _semantics(self, key: str, geometry: Mapping[str, Any]) -> Iterator[Problem]:
        semantics = geometry.get("semantics")
        if semantics is None:
            return
        surfaces = semantics.get("surfaces") if isinstance(semantics, dict) else None
        if not isinstance(surfaces, list):
            yield self._bad("cityjson-semantics", 'its semantics have no "surfaces"', key)
            return
        named = _flat(semantics.get("values"))
        if not all(isinstance(number, int) and 0 <= number < len(surfaces) for number in named):
            yield self._bad("cityjson-semantics", "its semantics name a surface that they do not have", key)

    def _add(self, name: str, kind: str, boundaries: Any) -> None:
        if _DEPTHS[kind] == _SURFACES:
            self._geometries.add(name, self._faces(boundaries))
            return
        for solid in [boundaries] if kind == "Solid" else boundaries:
            outer = self._geometries.add(name, self._faces(solid[0]), is_shell=True)
            for inner in solid[1:]:
                self._geometries.add(name, self._faces(inner), inner_of=outer)

    def _faces(self, surfaces: Any) -> list[list[list[list[float]]]]:
        points = self._points
        assert points is not None  # noqa: S101 - the caller checked
        return [[points[np.asarray(ring, np.int64)].tolist() for ring in surface] for surface in surfaces]


def _points(body: Mapping[str, Any], shared: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """Return (n, 3) coordinates, None if they are not usable."""
    transform = body.get("transform") or shared.get("transform")
    try:
        points = np.array(body.get("vertices"), np.float64).reshape(-1, 3)
        if transform:
            points = points * np.array(transform["scale"], np.float64) + np.array(transform["translate"], np.float64)
    except (TypeError, ValueError, KeyError, OverflowError):
        return None
    return points if np.isfinite(points).all() and np.abs(points).max(initial=0.0) < 1e12 else None


def _wrong_index(boundaries: Any, depth: int, count: int) -> str:
    """Return what is wrong with nested lists of vertex numbers, empty if nothing."""
    level: Sequence[Any] = [boundaries]
    for _ in range(depth):
        if not all(isinstance(part, list) for part in level):
            return "its boundaries are not nested as its type needs"
        level = [item for part in level for item in part]
    if not all(isinstance(item, int) and not isinstance(item, bool) for item in level):
        return "its boundaries are not nested as its type needs"
    if any(not 0 <= item < count for item in level):
        return f"its boundaries name a vertex beyond the {count} of the file"
    return ""


def _flat(values: Any) -> Iterator[Any]:
    if isinstance(values, list):
        for value in values:
            yield from _flat(value)
    elif values is not None:
        yield values
