"""The loader of CityGML 2 and 3: city objects with their surfaces at every level of detail."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.cityobjects import ModelObject, batches_of
from gis.modelframe import ModelFrame, crs_from_name
from gis.sniffing import head_of
from gis.surfaces import KIND_COLOURS, SEMANTIC_COLOURS, SurfaceCollector
from scenes.errors import LoadError, MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenes.loading import Ground, LoadContext, Location
    from scenes.model import Batch, Layer
    from scenes.sources import Source

    Floats = NDArray[np.float64]

_GML_ID = ("{http://www.opengis.net/gml}id", "{http://www.opengis.net/gml/3.2}id")
_HREF = "{http://www.w3.org/1999/xlink}href"
_LEVEL = re.compile(r"^lod(\d)")
# Elements that are objects of their own, and their kind.
_KINDS = {
    "Building": "Building", "BuildingPart": "BuildingPart", "BuildingInstallation": "BuildingInstallation",
    "IntBuildingInstallation": "BuildingInstallation", "BuildingConstructiveElement": "BuildingConstructiveElement",
    "Room": "BuildingRoom", "BuildingRoom": "BuildingRoom", "BuildingFurniture": "BuildingFurniture",
    "Storey": "Storey", "BuildingUnit": "BuildingUnit", "Bridge": "Bridge", "BridgePart": "BridgePart",
    "BridgeConstructionElement": "BridgeConstructiveElement", "BridgeConstructiveElement": "BridgeConstructiveElement",
    "BridgeInstallation": "BridgeConstructiveElement", "Tunnel": "Tunnel", "TunnelPart": "TunnelPart",
    "Road": "Road", "Railway": "Railway", "Square": "Square", "Track": "Track", "Waterway": "Waterway",
    "WaterBody": "WaterBody", "PlantCover": "PlantCover", "SolitaryVegetationObject": "SolitaryVegetationObject",
    "LandUse": "LandUse", "CityFurniture": "CityFurniture", "ReliefFeature": "ReliefFeature",
    "TINRelief": "ReliefFeature", "GenericCityObject": "GenericOccupiedSpace",
    "GenericOccupiedSpace": "GenericOccupiedSpace", "OtherConstruction": "OtherConstruction",
}  # fmt: skip
_PATCHES = frozenset({"Polygon", "Triangle", "PolygonPatch", "Rectangle"})
_METRES = frozenset({"measuredHeight", "storeyHeightsAboveGround"})


@dataclass(slots=True)
class _Feature:
    """One object element with the polygons that are its own, by level of detail."""

    owner: ModelObject
    polygons: list[tuple[str, str, Any]] = field(default_factory=list)  # level, surface word, element
    links: list[tuple[str, str, str]] = field(default_factory=list)  # level, surface word, id


@dataclass(frozen=True, slots=True)
class _Model:
    features: list[_Feature]
    by_id: dict[str, Any]
    crs: str
    points: Floats


class CityGmlLoader:
    """Reads CityGML 2 and 3: buildings in LoD 0 to 4, and the surfaces of the other modules."""

    name = "citygml"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is CityGML, by its namespaces."""
        return source.suffix in {".gml", ".citygml", ".xml"} and b"opengis.net/citygml" in head_of(source.file).lower()

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the model, None when it is placed by hand or does not say."""
        if source.place is not None:
            return None
        model = _model(source)
        if not (source.crs or model.crs):
            return None
        return ModelFrame.of(source, model.crs, model.points).location(model.points)

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
        model = _model(source)
        frame = ModelFrame.of(source, model.crs, model.points)
        surfaces = SurfaceCollector()
        for row, feature in enumerate(model.features):
            for level, word, polygon in _all_polygons(feature, model, context):
                rings = [frame.to_local(ring, context.georeference) for ring in _rings(polygon)]
                colour = SEMANTIC_COLOURS.get(word) or KIND_COLOURS.get(feature.owner.kind, "")
                if rings:
                    surfaces.add(level, row, rings, colour)
        yield from batches_of([each.owner for each in model.features], surfaces, "gml:id", source, context)


def _all_polygons(feature: _Feature, model: _Model, context: LoadContext) -> Iterator[tuple[str, str, Any]]:
    """Yield a feature's own polygons, then those it points to and does not have at that level."""
    yield from feature.polygons
    present = {(level, _id(polygon)) for level, _, polygon in feature.polygons}
    for level, word, name in feature.links:
        target = model.by_id.get(name)
        if target is None:
            context.problems.add(
                "warning", feature.owner.key, "link-broken", f"#{name} is not in the file", "export it again"
            )
            continue
        for polygon in _polygons_in(target):
            if (level, _id(polygon)) not in present:
                present.add((level, _id(polygon)))
                yield level, word, polygon


def _model(source: Source) -> _Model:
    stat = source.file.stat()
    return _parsed(source, (stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=2)
def _parsed(source: Source, _stamp: tuple[int, int]) -> _Model:
    try:
        from lxml import etree  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("gis.citygml", "lxml is not installed", "pip install citytwin[gis]") from error
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.parse(source.path, parser).getroot()
    except (etree.XMLSyntaxError, OSError) as error:
        reason = re.sub(r"\s+", " ", str(error))[:160]
        raise LoadError(source.path, f"it is not well-formed XML ({reason})", "export or download it again") from error
    by_id = {name: element for element in root.iter("*") if (name := _id(element))}
    features: list[_Feature] = []
    for member in root.iter("*"):
        if _local(member) in {"cityObjectMember", "featureMember"}:
            for child in member:
                _collect(child, None, features)
    if not features:
        raise LoadError(source.path, "there is no city object in it", "export it again, with its objects")
    _unique_keys(features)
    rings = [ring for feature in features for _, _, polygon in feature.polygons for ring in _rings(polygon)]
    points = np.concatenate(rings) if rings else np.zeros((0, 3))
    if not np.isfinite(points).all():
        raise LoadError(source.path, "some of its coordinates are not numbers", "export it again")
    return _Model(features, by_id, _crs(root), points)


def _collect(element: Any, above: _Feature | None, features: list[_Feature]) -> None:
    """Add an element and the objects inside it."""
    kind = _KINDS.get(_local(element))
    feature = above
    if kind is not None:
        key = _id(element) or f"{above.owner.key if above else ''}/{_local(element)}-{len(features)}"
        feature = _Feature(ModelObject(key, kind, "", above.owner.key if above else "", _attributes(element)))
        feature.owner.name = str(feature.owner.attributes.pop("name", ""))
        features.append(feature)
    if feature is not None:
        _gather(element, feature, "", "", features)


def _gather(element: Any, feature: _Feature, level: str, word: str, features: list[_Feature]) -> None:
    """Sort what lies below an element: polygons and links to this feature, nested objects to their own."""
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = _local(child)
        if name in _KINDS:
            _collect(child, feature, features)
            continue
        if name in _PATCHES:
            feature.polygons.append((level or "1", word, child))
            continue
        match = _LEVEL.match(name)
        below = match[1] if match else level
        surface = name if name in SEMANTIC_COLOURS or _is_surface(name) else word
        link = child.get(_HREF)
        if link and link.startswith("#") and below and name != "appearance":
            feature.links.append((below, surface, link[1:]))
        if name not in {"appearance", "appearanceMember"}:
            _gather(
                child,
                feature,
                below,
                surface,
                features,
            )


def _is_surface(name: str) -> bool:
    """Say whether an element name is that of a thematic surface, such as ``WallSurface``."""
    return name.endswith("Surface") and name[0].isupper() and name not in {"MultiSurface", "CompositeSurface"}


def _unique_keys(features: list[_Feature]) -> None:
    seen: dict[str, int] = {}
    for feature in features:
        key = feature.owner.key
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            feature.owner.key = f"{key}~{seen[key]}"


def _attributes(element: Any) -> dict[str, Any]:
    """Return the plain values of an object: direct children with text, and generic attributes."""
    found: dict[str, Any] = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = _local(child)
        if len(child) == 0 and (child.text or "").strip() and name not in found:
            found[name] = _value(child.text)
        elif name.endswith("Attribute"):
            holder = child if child.get("name") else next(iter(child), child)
            parts = {_local(part): (part.text or "").strip() for part in holder.iter() if isinstance(part.tag, str)}
            key = holder.get("name") or parts.get("name")
            if key and parts.get("value"):
                found[key] = _value(parts["value"])
    return found


def _value(text: str) -> Any:
    text = text.strip()
    if re.fullmatch(r"-?\d{1,15}", text) and not re.fullmatch(r"0\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d+", text) else text


def _crs(root: Any) -> str:
    for element in root.iter("*"):
        found = crs_from_name(element.get("srsName"))
        if found:
            return found
    return ""


def _polygons_in(element: Any) -> list[Any]:
    if _local(element) in _PATCHES:
        return [element]
    return [each for each in element.iter("*") if _local(each) in _PATCHES]


def _rings(polygon: Any) -> list[Floats]:
    """Return the rings of a polygon element, the outer one first, as (n, 3) coordinates of the file."""
    rings: list[Floats] = []
    for side in ("exterior", "interior"):
        for child in polygon:
            if isinstance(child.tag, str) and _local(child) == side:
                rings.extend(ring for ring in (_ring(each) for each in child) if len(ring) >= 3)
    return rings


def _ring(element: Any) -> Floats:
    texts: list[str] = []
    size = 0
    for child in element.iter("*"):
        if _local(child) in {"posList", "pos", "coordinates"}:
            texts.append((child.text or "").replace(",", " "))
            size = size or int(child.get("srsDimension") or 0)
    try:
        numbers = np.array(" ".join(texts).split(), np.float64)
    except ValueError:
        return np.zeros((0, 3))
    if size not in {2, 3}:
        holder = next((each for each in element.iterancestors() if each.get("srsDimension")), None)
        size = int(holder.get("srsDimension")) if holder is not None else 3
    if size not in {2, 3} or len(numbers) % size:
        return np.zeros((0, 3))
    points = numbers.reshape(-1, size)
    return points if size == 3 else np.column_stack([points, np.zeros(len(points))])


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rsplit("}", 1)[-1] if isinstance(tag, str) else ""


def _id(element: Any) -> str:
    return element.get(_GML_ID[0]) or element.get(_GML_ID[1]) or ""
