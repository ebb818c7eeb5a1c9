"""The words of CityGML 1, 2 and 3: what each element is to a reader."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum, auto

from scenes.semantics import surface_code

XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
GML_IDS = ("{http://www.opengis.net/gml}id", "{http://www.opengis.net/gml/3.2}id")
# Elements that are objects of their own, and their kind.
KINDS = {
    "Building": "Building", "BuildingPart": "BuildingPart", "BuildingInstallation": "BuildingInstallation",
    "IntBuildingInstallation": "BuildingInstallation", "BuildingConstructiveElement": "BuildingConstructiveElement",
    "Room": "BuildingRoom", "BuildingRoom": "BuildingRoom", "BuildingFurniture": "BuildingFurniture",
    "Storey": "Storey", "BuildingUnit": "BuildingUnit", "BuildingSubdivision": "BuildingUnit",
    "Bridge": "Bridge", "BridgePart": "BridgePart", "BridgeConstructionElement": "BridgeConstructiveElement",
    "BridgeConstructiveElement": "BridgeConstructiveElement", "BridgeInstallation": "BridgeConstructiveElement",
    "IntBridgeInstallation": "BridgeConstructiveElement", "BridgeRoom": "BridgePart",
    "BridgeFurniture": "CityFurniture", "Tunnel": "Tunnel", "TunnelPart": "TunnelPart",
    "TunnelInstallation": "TunnelConstructiveElement", "IntTunnelInstallation": "TunnelConstructiveElement",
    "TunnelConstructiveElement": "TunnelConstructiveElement", "HollowSpace": "TunnelPart",
    "TunnelFurniture": "CityFurniture", "Road": "Road", "Railway": "Railway", "Square": "Square", "Track": "Track",
    "Waterway": "Waterway", "TransportationComplex": "Road", "Section": "Section", "Intersection": "Intersection",
    "TrafficSpace": "TrafficSpace", "AuxiliaryTrafficSpace": "AuxiliaryTrafficSpace",
    "ClearanceSpace": "ClearanceSpace", "TrafficArea": "TrafficArea", "AuxiliaryTrafficArea": "AuxiliaryTrafficArea",
    "WaterBody": "WaterBody", "PlantCover": "PlantCover", "SolitaryVegetationObject": "SolitaryVegetationObject",
    "LandUse": "LandUse", "CityFurniture": "CityFurniture", "ReliefFeature": "ReliefFeature",
    "TINRelief": "ReliefFeature", "MassPointRelief": "ReliefFeature", "BreaklineRelief": "ReliefFeature",
    "RasterRelief": "ReliefFeature", "GenericCityObject": "GenericOccupiedSpace",
    "GenericOccupiedSpace": "GenericOccupiedSpace", "GenericUnoccupiedSpace": "GenericOccupiedSpace",
    "GenericLogicalSpace": "GenericOccupiedSpace", "OtherConstruction": "OtherConstruction",
    "CityObjectGroup": "CityObjectGroup",
}  # fmt: skip
_GEOMETRIES = frozenset(
    {"Solid", "MultiSolid", "CompositeSolid", "MultiSurface", "CompositeSurface", "Surface", "PolyhedralSurface",
     "TriangulatedSurface", "Tin", "OrientableSurface", "Polygon", "Triangle", "Rectangle", "PolygonPatch",
     "MultiCurve", "CompositeCurve", "Curve", "LineString", "OrientableCurve", "MultiPoint", "Point", "MultiGeometry",
     "GeometricComplex"}
)  # fmt: skip
_SHAPES = frozenset({"tin", "reliefPoints", "breaklines", "ridgeOrValleyLines", "geometry"})
_SKIPPED = frozenset(
    {"appearance", "appearanceMember", "extent", "multiPoint", "position", "Envelope", "metaDataProperty",
     "pointCloud", "grid"}
)  # fmt: skip
_ATTRIBUTES = frozenset(
    {"address", "externalReference", "generalizesTo", "relatedTo", "dynamizer", "qualifiedArea", "qualifiedVolume",
     "height", "elevation", "dateOfConstruction", "occupancy", "groupMember", "parent", "conditionOfConstruction"}
)  # fmt: skip
_LEVEL = re.compile(r"^lod(\d)")
_CITYGML = re.compile(r"opengis\.net/citygml/")
_GML = "http://www.opengis.net/gml"


POLYGONS = frozenset({"Polygon", "Triangle", "PolygonPatch", "Rectangle"})
_LINKED = frozenset({"surfaceMember", "solidMember", "baseSurface", "curveMember", "pointMember", "geometryMember"})
_COORDINATES = frozenset({"posList", "pos", "coordinates"})


class Role(Enum):
    """What an element is to a reader."""

    OBJECT = auto()
    SURFACE = auto()
    SHAPE = auto()
    GEOMETRY = auto()
    IMPLICIT = auto()
    ATTRIBUTE = auto()
    SKIPPED = auto()
    POLYGON = auto()
    RING = auto()
    COORDINATES = auto()
    LINKED = auto()
    TURNED = auto()
    PLACED = auto()
    CURVES = auto()
    WALK = auto()


@dataclass(frozen=True, slots=True)
class Word:
    """An element name, sorted.

    Parameters
    ----------
    role
        What it is.
    name, space
        Local name and namespace.
    kind
        Kind of an object.
    level
        Level of detail that a property names, empty if it names none.
    code
        Code of a thematic surface.
    is_passed, is_geometric
        Whether a pass through an object goes on at once, or hands the element to the reader of shapes.
    is_foreign
        Whether it belongs to an extension (ADE) and not to CityGML or GML.
    is_inner
        Whether it is geometry, an object or a surface, and so no attribute.
    is_silent
        Whether it is one of those, or passed over.
    is_generic
        Whether it is a generic attribute, or a set of them.
    is_linking
        Whether it holds geometry, or names it instead.
    """

    role: Role
    name: str
    space: str
    kind: str = ""
    level: str = ""
    code: int = 0
    is_passed: bool = False
    is_geometric: bool = False
    is_foreign: bool = False
    is_inner: bool = False
    is_silent: bool = False
    is_generic: bool = False
    is_linking: bool = False


class _Words(dict[str, Word]):
    """Sorted element names by tag; a new one is sorted when it is first asked for."""

    def __missing__(self, tag: str) -> Word:
        if len(self) > _MOST_WORDS:
            self.clear()
        sort = _sorted(tag)
        found = replace(
            sort,
            is_passed=sort.role in {Role.WALK, Role.GEOMETRY, Role.ATTRIBUTE},
            is_geometric=sort.role in {Role.POLYGON, Role.RING, Role.COORDINATES, Role.TURNED},
            is_foreign=not _is_own(sort.space),
            is_inner=sort.role in _INNER,
            is_silent=sort.role in _INNER or sort.role in {Role.SKIPPED, Role.CURVES},
            is_generic=sort.role is Role.ATTRIBUTE
            and sort.name.endswith(("Attribute", "AttributeSet"))
            and _is_own(sort.space),
            is_linking=sort.role in {Role.LINKED, Role.SHAPE, Role.IMPLICIT},
        )
        self[tag] = found
        return found


_INNER = frozenset(
    {Role.OBJECT, Role.SURFACE, Role.GEOMETRY, Role.SHAPE, Role.IMPLICIT, Role.POLYGON, Role.TURNED, Role.PLACED}
)
_MOST_WORDS = 20_000
WORDS = _Words()


def _is_own(space: str) -> bool:
    return bool(_CITYGML.search(space)) or space.startswith(_GML)


def word(tag: str) -> Word:
    """Return what an element is, by its tag ``{namespace}name``.

    Examples
    --------
    >>> word("{http://www.opengis.net/citygml/building/2.0}RoofSurface").role.name
    'SURFACE'
    >>> word("{http://www.opengis.net/citygml/building/2.0}lod2Solid").level
    '2'
    """
    return WORDS[tag]


def _sorted(tag: str) -> Word:
    space, _, name = tag[1:].rpartition("}") if tag.startswith("{") else ("", "", tag)
    if space.startswith(_GML):
        return Word(_gml_role(name), name, space)
    if name == "ImplicitGeometry":
        return Word(Role.PLACED, name, space)
    if name in KINDS and (_CITYGML.search(space) or not space):
        return Word(Role.OBJECT, name, space, KINDS[name])
    if _is_surface(name):
        return Word(Role.SURFACE, name, space, code=surface_code(name))
    match = _LEVEL.match(name)
    return _property(name, space, match[1]) if match else Word(_plain_role(name), name, space)


def _gml_role(name: str) -> Role:
    if name in POLYGONS:
        return Role.POLYGON
    if name in {"LinearRing", "Ring"}:
        return Role.RING
    if name in _COORDINATES:
        return Role.COORDINATES
    if name in _LINKED:
        return Role.LINKED
    if name == "OrientableSurface":
        return Role.TURNED
    return Role.GEOMETRY if name in _GEOMETRIES else Role.SKIPPED if name in _SKIPPED else Role.WALK


def _plain_role(name: str) -> Role:
    if name in _SHAPES:
        return Role.SHAPE
    if name in _SKIPPED:
        return Role.SKIPPED
    return Role.ATTRIBUTE if name in _ATTRIBUTES or name.endswith(("Attribute", "AttributeSet")) else Role.WALK


def local_name(tag: object) -> str:
    """Return the name of a tag without its namespace, empty for what is no element."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _property(name: str, space: str, level: str) -> Word:
    if name.endswith("ImplicitRepresentation"):
        return Word(Role.IMPLICIT, name, space, level=level)
    if name.endswith(("TerrainIntersection", "TerrainIntersectionCurve")):
        return Word(Role.CURVES, name, space, level=level)
    code = {"lod0FootPrint": "GroundSurface", "lod0RoofEdge": "RoofSurface"}.get(name, "")
    return Word(Role.SHAPE, name, space, level=level, code=surface_code(code))


def _is_surface(name: str) -> bool:
    """Say whether an element name is that of a thematic surface, such as ``WallSurface``."""
    if name in {"Window", "Door", "TransportationMarking", "Marking", "Hole"}:
        return True
    return name.endswith("Surface") and name[:1].isupper()
