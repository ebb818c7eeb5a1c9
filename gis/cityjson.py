"""The loader of CityJSON 1.0, 1.1 and 2.0, zipped or not, and of CityJSON sequences."""

from __future__ import annotations

import functools
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.cityjson_geometry import GeometryReader
from gis.cityobjects import ModelObject, batches_of
from gis.modelframe import ModelFrame, crs_from_name
from gis.sniffing import head_of, zip_names
from gis.surfaces import SurfaceCollector
from scenes.errors import LoadError, MissingLibraryError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenes.loading import Ground, LoadContext, Location
    from scenes.model import Batch, Layer
    from scenes.sources import Source

    Floats = NDArray[np.float64]

_VERSIONS = ("1.0", "1.1", "2.0")
_MOST_BYTES = 4 << 30
_WORST_RATIO = 200
_SHARED = ("appearance", "geometry-templates", "metadata")
_KINDS = {
    "BuildingStorey": "Storey", "GenericCityObject": "GenericOccupiedSpace", "TINRelief": "ReliefFeature",
    "TransportSquare": "Square", "BridgeInstallation": "BridgeConstructiveElement",
    "BridgeFurniture": "CityFurniture", "BridgeRoom": "BridgePart", "TunnelInstallation": "TunnelConstructiveElement",
    "TunnelFurniture": "CityFurniture", "TunnelHollowSpace": "TunnelPart",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Document:
    """Objects that share a list of vertices."""

    objects: dict[str, Any]
    vertices: Floats
    body: dict[str, Any]


class CityJsonLoader:
    """Reads CityJSON files with every level of detail, their semantics, materials and templates."""

    name = "cityjson"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is CityJSON, by its first bytes or the name inside a zip."""
        if source.suffix == ".zip":
            return any(name.lower().endswith((".city.json", ".city.jsonl")) for name in zip_names(source.file))
        if source.suffix not in {".json", ".jsonl"}:
            return False
        if source.file.name.lower().endswith((".city.json", ".city.jsonl")):
            return True
        head = head_of(source.file)
        return b'"CityJSON' in head or b'"CityObjects"' in head or _announced(source)

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the model, None when it is placed by hand."""
        if source.place is not None:
            return None
        documents = _documents(source)
        points = np.concatenate([document.vertices for document in documents])
        if not source.crs and not _crs(documents[0].body, source):
            return None
        return ModelFrame.of(source, _crs(documents[0].body, source), points).location(points)

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: city models bring their own heights."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield the objects of the model, layer by layer.

        Raises
        ------
        SourceError, GeoreferenceError
            When the file is broken or lies nowhere.
        """
        documents = _documents(source)
        everything = np.concatenate([document.vertices for document in documents])
        frame = ModelFrame.of(source, _crs(documents[0].body, source), everything)
        surfaces, objects = SurfaceCollector(), []
        for document in documents:
            reader = GeometryReader(document.body, document.vertices, frame, context, source.path)
            for key, item in document.objects.items():
                objects.append(_object(key, item, source))
                for geometry in _listed(item.get("geometry"), key, source):
                    reader.read(geometry, len(objects) - 1, objects[-1], surfaces)
        yield from batches_of(objects, surfaces, "cityjson", source, context)


def _object(key: str, item: dict[str, Any], source: Source) -> ModelObject:
    word = str(item.get("type", ""))
    kind = _KINDS.get(word, word)
    from scenes.schema import KINDS  # noqa: PLC0415

    attributes = item.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise LoadError(source.path, f"the attributes of {key} are not an object", "export the model again")
    parents = _listed(item.get("parents"), key, source)
    if kind != word or kind not in KINDS:
        attributes = {**attributes, "cityjson_type": word}
    name = attributes.get("name")
    return ModelObject(
        key,
        kind if kind in KINDS else "GenericOccupiedSpace",
        str(name) if isinstance(name, str) else "",
        str(parents[0]) if parents else "",
        {str(name): value for name, value in attributes.items() if value is not None},
    )


def _listed(value: Any, key: str, source: Source) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise LoadError(source.path, f"object {key} has no list where the format asks for one", "export it again")
    return value


def _announced(source: Source) -> bool:
    """Say whether a small JSON file that is not GeoJSON calls itself CityJSON further down."""
    if b'"Feature' in head_of(source.file):
        return False
    return source.file.stat().st_size < 50_000_000 and b'"CityJSON"' in source.file.read_bytes()


def _documents(source: Source) -> list[_Document]:
    stat = source.file.stat()
    return _parsed(source, (stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=2)
def _parsed(source: Source, _stamp: tuple[int, int]) -> list[_Document]:
    text, name = _bytes(source)
    if name.lower().endswith(".jsonl"):
        lines = [line for line in text.splitlines() if line.strip()]
        bodies = [_json(line, source) for line in lines]
    else:
        bodies = [_json(text, source)]
    if not bodies:
        raise LoadError(source.path, "the file is empty", "export it again")
    header = bodies[0]
    if header.get("type") != "CityJSON":
        raise LoadError(source.path, "it does not say that it is CityJSON (its type is missing)", "export it again")
    version = str(header.get("version", ""))
    if not version.startswith(_VERSIONS):
        raise UnsupportedError(
            source.path, f"CityJSON {version or 'without version'} is not supported", "use 1.0 to 2.0"
        )
    found = [_document(body, header, source) for body in bodies]
    return [document for document in found if document.objects] or found[:1]


def _document(body: dict[str, Any], header: dict[str, Any], source: Source) -> _Document:
    objects = body.get("CityObjects")
    if not isinstance(objects, dict) or not all(isinstance(item, dict) for item in objects.values()):
        raise LoadError(source.path, "it has no CityObjects", "export it again")
    root = body.get("id")
    if body.get("type") == "CityJSONFeature" and root not in objects:
        raise LoadError(source.path, f"a feature names {root}, which it does not contain", "export it again")
    try:
        vertices = np.array(body.get("vertices") or [], np.float64).reshape(-1, 3)
        transform = header.get("transform")
        if transform:
            vertices = vertices * np.array(transform["scale"], float) + np.array(transform["translate"], float)
    except (ValueError, TypeError, KeyError) as error:
        raise LoadError(source.path, "its vertices or its transform are not numbers", "export it again") from error
    if not np.isfinite(vertices).all() or np.abs(vertices).max(initial=0.0) > 1e9:
        raise LoadError(source.path, "its vertices lie beyond the Earth", "check the scale and the export")
    shared: dict[str, Any] = {key: header[key] for key in _SHARED if key in header}
    return _Document(objects, vertices, {**shared, **body})


def _crs(body: dict[str, Any], source: Source) -> str:
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise LoadError(source.path, "its metadata is not an object", "export it again")
    old = metadata.get("crs")
    name = metadata.get("referenceSystem") or (old.get("epsg") if isinstance(old, dict) else None)
    return "" if source.crs else crs_from_name(name)


def _bytes(source: Source) -> tuple[bytes, str]:
    try:
        if source.suffix != ".zip":
            return source.file.read_bytes(), source.file.name
        with zipfile.ZipFile(source.file) as archive:
            inside = [each for each in archive.infolist() if each.filename.lower().endswith((".json", ".jsonl"))]
            best = max(inside, key=lambda each: each.file_size)
            if best.file_size > _MOST_BYTES or best.file_size > _WORST_RATIO * max(best.compress_size, 1):
                raise LoadError(source.path, "it unpacks to far more than it should", "unpack it by hand and look")
            return archive.read(best), best.filename
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise LoadError(source.path, f"cannot be unpacked ({error})", "download it again") from error


def _json(text: bytes, source: Source) -> dict[str, Any]:
    try:
        import orjson  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("gis.cityjson", "orjson is not installed", "pip install citytwin[gis]") from error
    try:
        body = orjson.loads(text.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise LoadError(source.path, f"it is not valid JSON ({error})", "export or download it again") from error
    if not isinstance(body, dict):
        raise LoadError(source.path, "it is JSON, but not an object", "export it as CityJSON")
    return body
