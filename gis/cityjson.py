"""The loader of CityJSON 1.0, 1.1 and 2.0, zipped or not, and of CityJSON sequences."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.cityjson_documents import MODELS, Reading
from gis.cityjson_geometry import GeometryReader
from gis.cityjson_pictures import Pictures
from gis.cityobjects import LAYER_NAMES, ModelNotes, ModelObject, batches_of
from gis.collecting import paused
from gis.modelframe import ModelFrame, crs_from_name
from gis.sniffing import head_of, zip_names
from gis.surfaces import SurfaceCollector
from scenes.errors import LoadError
from scenes.identity import is_uid
from scenes.model import BATCH_ROWS
from scenes.schema import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from gis.cityjson_documents import Document
    from scenes.loading import Ground, LoadContext, Location
    from scenes.model import Batch, Layer
    from scenes.problems import Problems
    from scenes.sources import Source

    Floats = NDArray[np.float64]

_SAMPLE = 500  # documents of a sequence that are read to find out where it lies
_VERTICES = 2_000_000  # of a sequence that are turned into batches at once
_KINDS = {
    "BuildingStorey": "Storey", "GenericCityObject": "GenericOccupiedSpace", "TINRelief": "ReliefFeature",
    "TransportSquare": "Square", "BridgeInstallation": "BridgeConstructiveElement",
    "BridgeFurniture": "CityFurniture", "BridgeRoom": "BridgePart", "TunnelInstallation": "TunnelConstructiveElement",
    "TunnelFurniture": "CityFurniture", "TunnelHollowSpace": "TunnelPart",
}  # fmt: skip
_LOSSY = frozenset(_KINDS) - {"BuildingStorey", "GenericCityObject", "TINRelief", "TransportSquare"}
_KEPT_METADATA = frozenset({"referenceSystem", "geographicalExtent", "crs", "bbox"})
_OWN = frozenset(
    {"type", "attributes", "geometry", "parents", "children", "children_roles", "geographicalExtent", "address"}
)


class CityJsonLoader:
    """Reads CityJSON files with every level of detail, their semantics, materials, textures and templates."""

    name = "cityjson"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is CityJSON, by its first bytes or the name inside an archive."""
        if source.suffix == ".zip":
            return any(name.lower().endswith((".city.json", ".city.jsonl")) for name in zip_names(source.file))
        name = source.file.name.lower()
        if name.endswith(tuple(ending + ".gz" for ending in MODELS)):
            return ".city.json" in name or "cityjson" in name
        if source.suffix not in {".json", ".jsonl"} or not source.file.is_file():
            return False
        if name.endswith((".city.json", ".city.jsonl")):
            return True
        head = head_of(source.file)
        return b'"CityJSON' in head or b'"CityObjects"' in head or _announced(source)

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the model, None when it is placed by hand."""
        if source.place is not None:
            return None
        documents = _sample(source)
        points = np.concatenate([document.vertices for document in documents])
        crs = _crs(documents[0].body, source)
        if not source.crs and not crs:
            return None
        return ModelFrame.of(source, crs, points).location(points)

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: city models bring their own heights."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield the objects of the model, layer by layer; those of a sequence chunk by chunk.

        Raises
        ------
        SourceError, GeoreferenceError
            When the file is broken or lies nowhere.
        """
        sample = _sample(source)
        body = sample[0].body
        vertices = np.concatenate([each.vertices for each in sample])
        frame = ModelFrame.of(source, _crs(body, source), vertices)
        frame.report(vertices, context)
        notes = ModelNotes("cityjson", metadata=_kept_metadata(body))
        _report_extensions(body, source, context.problems)
        reading = Reading(source, context.problems)
        documents = reading.documents() if reading.is_sequence else iter(sample)
        empty = True
        for chunk in _chunks(documents):
            with paused():
                objects, surfaces = _read(chunk, reading, frame, context)
                found = list(batches_of(objects, surfaces, notes, source, context)) if objects else []
            empty = empty and not found
            yield from found
        if empty:
            raise LoadError(source.path, "there is no city object in it", "export it again, with its objects")


def _read(
    documents: list[Document], reading: Reading, frame: ModelFrame, context: LoadContext
) -> tuple[list[ModelObject], SurfaceCollector]:
    """Return the objects of some documents and their geometry."""
    surfaces: SurfaceCollector = SurfaceCollector()
    objects: list[ModelObject] = []
    for document in documents:
        textures = _dict(document.body.get("appearance")).get("textures")
        pictures = Pictures(reading.shelf, document.name, textures, context.problems)
        reader = GeometryReader(document, frame, context, surfaces, pictures)
        groups = {key for key, item in document.objects.items() if item.get("type") == "CityObjectGroup"}
        for key, item in document.objects.items():
            objects.append(_object(key, item, groups, reading.source))
            for geometry in _listed(item.get("geometry"), key, reading.source):
                reader.read(geometry, len(objects) - 1, objects[-1])
        reader.finish()
    return objects, surfaces


def _chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Yield documents in groups that make batches of the usual size."""
    chunk: list[Document] = []
    objects = vertices = 0
    for document in documents:
        if chunk and (objects + len(document.objects) > BATCH_ROWS or vertices > _VERTICES):
            yield chunk
            chunk, objects, vertices = [], 0, 0
        chunk.append(document)
        objects += len(document.objects)
        vertices += len(document.vertices)
    if chunk:
        yield chunk


def _object(key: str, item: dict[str, Any], groups: set[str], source: Source) -> ModelObject:
    word = str(item.get("type", ""))
    kind = _KINDS.get(word, word)
    given = item.get("attributes") or {}
    if not isinstance(given, dict):
        raise LoadError(source.path, f"the attributes of {key} are not an object", "export the model again")
    extra = {name: value for name, value in item.items() if name.startswith("+") and name not in _OWN}
    attributes = {str(name): value for name, value in {**given, **extra}.items() if value is not None}
    named = [str(parent) for parent in _listed(item.get("parents"), key, source)]
    parents = [parent for parent in named if parent not in groups]
    owner = ModelObject(key, kind, parent=parents[0] if parents else "", attributes=attributes)
    if is_uid(str(attributes.get("uid", ""))):
        _restore(owner)
    if owner.kind not in KINDS:
        owner.kind = "GenericOccupiedSpace"
    if (kind not in KINDS or word in _LOSSY) and "cityjson_type" not in attributes:
        attributes["cityjson_type"] = word
    name = attributes.get("name")
    owner.name = name if isinstance(name, str) else ""
    owner.relations += [("member", parent, "parent") for parent in parents[1:]]
    if owner.kind == "CityObjectGroup":
        roles = item.get("children_roles") or []
        members = _listed(item.get("children"), key, source)
        owner.relations += [
            ("member", str(child), str(roles[place]) if place < len(roles) else "")
            for place, child in enumerate(members)
        ]
    _sort_out(owner, item)
    return owner


def _restore(owner: ModelObject) -> None:
    """Take back what our own export wrote beside the attributes."""
    attributes = owner.attributes
    owner.uid = str(attributes.pop("uid"))
    kind, layer, parent = attributes.pop("kind", ""), attributes.pop("layer", ""), attributes.pop("parent", "")
    owner.kind = str(kind) or owner.kind
    owner.layer = str(layer) if layer in LAYER_NAMES else ""
    ties = attributes.pop("relations", [])
    owner.relations = [(str(tie["kind"]), str(tie["target"]), str(tie.get("role", ""))) for tie in ties if _is_tie(tie)]
    owner.parent = owner.parent or str(parent)


def _is_tie(tie: Any) -> bool:
    return isinstance(tie, dict) and "kind" in tie and "target" in tie


def _sort_out(owner: ModelObject, item: dict[str, Any]) -> None:
    """Put attributes that are objects or lists, and the addresses, among the properties."""
    nested = {name: value for name, value in owner.attributes.items() if isinstance(value, (dict, list))}
    for name, value in nested.items():
        del owner.attributes[name]
        if isinstance(value, dict):
            owner.properties[name] = value
        else:
            owner.properties.setdefault("attributes", {})[name] = value
    addresses = item.get("address")
    for place, address in enumerate(addresses if isinstance(addresses, list) else [addresses] if addresses else []):
        if isinstance(address, dict):
            owner.properties["address" if not place else f"address~{place + 1}"] = address


def _listed(value: Any, key: str, source: Source) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise LoadError(source.path, f"object {key} has no list where the format asks for one", "export it again")
    return value


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _announced(source: Source) -> bool:
    """Say whether a small JSON file that is not GeoJSON calls itself CityJSON further down."""
    if b'"Feature' in head_of(source.file):
        return False
    return source.file.stat().st_size < 50_000_000 and b'"CityJSON"' in source.file.read_bytes()


def _sample(source: Source) -> list[Document]:
    stat = source.file.stat()
    return _sampled(source, (stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=1)
def _sampled(source: Source, _stamp: tuple[int, int]) -> list[Document]:
    """Return the first documents of a file: all of it unless it is a long sequence."""
    return list(itertools.islice(Reading(source).documents(), _SAMPLE))


def _crs(body: dict[str, Any], source: Source) -> str:
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise LoadError(source.path, "its metadata is not an object", "export it again")
    old = metadata.get("crs")
    name = metadata.get("referenceSystem") or (old.get("epsg") if isinstance(old, dict) else None)
    return "" if source.crs else crs_from_name(name)


def _kept_metadata(body: dict[str, Any]) -> dict[str, Any]:
    """Return what the file says about itself, without what an export works out anew."""
    return {name: value for name, value in _dict(body.get("metadata")).items() if name not in _KEPT_METADATA}


def _report_extensions(body: dict[str, Any], source: Source, problems: Problems) -> None:
    names = ", ".join(sorted(_dict(body.get("extensions"))))
    if names:
        what = (
            f"it uses extensions ({names[:200]}): their objects and attributes are kept, their schemas are not fetched"
        )
        problems.add("info", source.path, "extension-not-read", what)
