"""Rules on which those who write and read IFC have agreed, beyond the schema: ids, structure, georeference.

The rules follow the normative and industry rules of buildingSMART's validation service (PJS, SPS, GRF and IFC
families); each finding names ours.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from bim.checking import deprecated
from scenes.errors import GeoreferenceError
from scenes.georeference import parse_crs
from scenes.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ADVICE = "correct it in the authoring tool and export again"
_EPSG = re.compile(r"EPSG:\d+")
_GUID = re.compile(r"[0-3][0-9A-Za-z_$]{21}")
_OFFICIAL = ("IFC2X3", "IFC4", "IFC4X3_ADD2")
# What each spatial element may be a part of, by the spatial composition of IFC4.3; facilities may nest in their kind.
_FACILITIES = ("IfcBridge", "IfcBuilding", "IfcMarineFacility", "IfcRailway", "IfcRoad", "IfcFacility")
_PARTS = ("IfcBridgePart", "IfcMarinePart", "IfcRailwayPart", "IfcRoadPart", "IfcFacilityPartCommon",
          "IfcFacilityPart")  # fmt: skip
_WHOLES: Mapping[str, tuple[str, ...]] = {
    "IfcSite": ("IfcProject", "IfcSite"),
    "IfcBuildingStorey": ("IfcBuilding", "IfcBuildingStorey"),
    "IfcSpace": ("IfcProject", "IfcSite", "IfcBuildingStorey", "IfcSpace", *_FACILITIES, *_PARTS),
    "IfcExternalSpatialElement": ("IfcProject", "IfcSite", "IfcExternalSpatialElement"),
    **{kind: ("IfcProject", "IfcSite", kind) for kind in _FACILITIES},
    "IfcBridgePart": ("IfcBridge", "IfcBridgePart"),
    "IfcMarinePart": ("IfcMarineFacility", "IfcMarinePart"),
    "IfcRailwayPart": ("IfcRailway", "IfcRailwayPart"),
    "IfcRoadPart": ("IfcRoad", "IfcRoadPart"),
    "IfcFacilityPartCommon": (*_FACILITIES, "IfcFacilityPartCommon"),
}
_MOST_EACH = 20
_MOST_LOOSE = 3


def check_agreements(model: Any, schema: str) -> Iterator[Problem]:
    """Yield every breach of an agreement; `schema` is what the header of the file says."""
    yield from check_version(schema)
    yield from _ids(model)
    yield from _project(model)
    yield from _deprecated(model)
    yield from _loose(model)
    yield from _structure(model)
    yield from _georeference(model)


def check_version(schema: str) -> Iterator[Problem]:
    """Yield a finding when a schema is not one of the published versions of IFC."""
    if schema not in _OFFICIAL:
        advice = "export as " + ", ".join(_OFFICIAL)
        yield Problem("error", schema, "ifc-schema-unofficial", "is not an official version of IFC", advice)


def _ids(model: Any) -> Iterator[Problem]:
    counts = Counter[str]()
    for element in model.by_type("IfcRoot"):
        guid = element.GlobalId
        where = f"#{element.id()} {element.is_a()}"
        if not isinstance(guid, str) or not _GUID.fullmatch(guid):
            message = f"its GlobalId {guid!r} is not 22 characters of the IFC alphabet that start with 0 to 3"
            yield Problem("error", where, "ifc-guid", message, _ADVICE)
        else:
            counts[guid] += 1
    for guid, count in counts.items():
        if count > 1:
            yield Problem("error", guid, "ifc-guid-repeated", f"is the GlobalId of {count} elements", _ADVICE)


def _project(model: Any) -> Iterator[Problem]:
    projects = model.by_type("IfcProject")
    if len(projects) != 1:
        message = f"the file holds {len(projects)} projects, not one"
        yield Problem("warning", "IfcProject", "ifc-project", message, "export each project to a file of its own")
    for declares in model.by_type("IfcRelDeclares") if model.schema != "IFC2X3" else ():
        for each in declares.RelatedDefinitions or ():
            if each.is_a("IfcProduct"):
                where = f"{each.GlobalId} {each.is_a()}"
                message = "is declared by the project, where it belongs into the spatial structure"
                yield Problem("error", where, "ifc-declared", message, _ADVICE)


def _deprecated(model: Any) -> Iterator[Problem]:
    for schema in deprecated.up_to(model.schema_identifier):
        for name in deprecated.ENTITIES[schema]:
            for each in _instances(model, name)[:_MOST_EACH]:
                yield _given_up(each, f"{name} was given up with {schema}")
        for name in deprecated.ABSTRACTED[schema]:
            for each in _instances(model, name, subtypes=False)[:_MOST_EACH]:
                yield _given_up(each, f"{name} itself may not be used since {schema}, only what refines it")
        yield from _deprecated_values(model, schema)


def _deprecated_values(model: Any, schema: str) -> Iterator[Problem]:
    for name, attributes in deprecated.ATTRIBUTES[schema].items():
        for each in _instances(model, name):
            used = [attribute for attribute in attributes if getattr(each, attribute, None) not in (None, ())]
            if used:
                yield _given_up(each, f"uses {', '.join(used)}, given up with {schema}")
    for name, attribute, values in deprecated.VALUES[schema]:
        for each in _instances(model, name):
            if getattr(each, attribute, None) in values:
                yield _given_up(each, f"its {attribute} {getattr(each, attribute)} was given up with {schema}")


def _given_up(element: Any, message: str) -> Problem:
    return Problem("warning", f"#{element.id()} {element.is_a()}", "ifc-deprecated", message, _ADVICE)


def _instances(model: Any, name: str, *, subtypes: bool = True) -> list[Any]:
    try:
        return list(model.by_type(name, include_subtypes=subtypes))
    except RuntimeError:  # the schema does not have the class
        return []


def _loose(model: Any) -> Iterator[Problem]:
    """Yield entities that nothing with an id needs, directly or through others."""
    reached: set[int] = set()
    waiting = [each.id() for each in model.by_type("IfcRoot")]
    while waiting:
        number = waiting.pop()
        if number in reached:
            continue
        reached.add(number)
        element = model.by_id(number)
        waiting += [part.id() for part in model.traverse(element, max_levels=1) if part.id()]
        waiting += [back.id() for back in model.get_inverse(element) if _follows(back)]
    loose = [each for each in model if each.id() not in reached]
    for each in loose[:_MOST_LOOSE]:
        where = f"#{each.id()} {each.is_a()}"
        yield Problem("warning", where, "ifc-loose", "belongs to nothing that has an id", "remove it, or tie it in")
    if len(loose) > _MOST_LOOSE:
        message = f"{len(loose) - _MOST_LOOSE} more entities belong to nothing that has an id"
        yield Problem("warning", "IfcRoot", "ifc-loose", message, "remove them, or tie them in")


_BACKWARD = ("IfcStyledItem", "IfcCoordinateOperation", "IfcPresentationLayerAssignment",
             "IfcGeometricRepresentationSubContext", "IfcMaterialProperties", "IfcProfileProperties",
             "IfcMaterialDefinitionRepresentation", "IfcIndexedColourMap", "IfcTextureCoordinate")  # fmt: skip


def _follows(element: Any) -> bool:
    """Say whether an entity belongs to what it refers to, although that does not refer to it."""
    return any(element.is_a(name) for name in _BACKWARD)


def _structure(model: Any) -> Iterator[Problem]:
    if model.schema == "IFC2X3":
        yield from _coordination_view(model)
    else:
        for element in [*_instances(model, "IfcSpatialElement"), *model.by_type("IfcProject")]:
            yield from _composed(element)
    for element in model.by_type("IfcElement"):
        if element.Decomposes and element.ContainedInStructure:
            where = f"{element.GlobalId} {element.is_a()}"
            message = "is a part of another element and stands in the spatial structure as well"
            yield Problem("error", where, "ifc-contained-twice", message, _ADVICE)


def _coordination_view(model: Any) -> Iterator[Problem]:
    sites, buildings = model.by_type("IfcSite"), model.by_type("IfcBuilding")
    if len(sites) > 1:
        yield Problem("error", "IfcSite", "ifc-sites", f"the file holds {len(sites)} sites, one is agreed", _ADVICE)
    if not buildings:
        yield Problem("error", "IfcBuilding", "ifc-no-building", "the file holds no building", _ADVICE)
    for building in buildings:
        wholes = [relation.RelatingObject for relation in building.Decomposes]
        above = "IfcSite" if sites else "IfcProject"
        if not any(whole.is_a(above) or whole.is_a("IfcBuilding") for whole in wholes):
            message = f"is not a part of the {above}"
            yield Problem("error", f"{building.GlobalId} IfcBuilding", "ifc-spatial-structure", message, _ADVICE)


def _composed(element: Any) -> Iterator[Problem]:
    name = element.is_a()
    where = f"{element.GlobalId} {name}"
    if name == "IfcProject":
        for relation in element.IsDecomposedBy or ():
            for part in relation.RelatedObjects or ():
                if not (part.is_a("IfcSpatialElement") or part.is_a("IfcAlignment")):
                    message = f"has a {part.is_a()} as a part, where only spatial elements belong"
                    yield Problem("error", where, "ifc-spatial-structure", message, _ADVICE)
        return
    allowed = _WHOLES.get(name)
    if allowed is None:
        return
    wholes = [relation.RelatingObject.is_a() for relation in element.Decomposes or ()]
    if not wholes:
        yield Problem("error", where, "ifc-spatial-structure", "is a part of nothing", _ADVICE)
    for whole in wholes:
        if whole not in allowed:
            message = f"is a part of a {whole}, which the spatial structure does not allow"
            yield Problem("error", where, "ifc-spatial-structure", message, _ADVICE)


def _georeference(model: Any) -> Iterator[Problem]:
    if model.schema == "IFC2X3":
        return
    yield from _operations(model)
    systems = _instances(model, "IfcCoordinateReferenceSystem")
    for system in systems:
        yield from _system(system)
    placed = any(
        getattr(site, attribute) is not None
        for site in model.by_type("IfcSite")
        for attribute in ("RefLatitude", "RefLongitude", "RefElevation")
    )
    needs = placed or _instances(model, "IfcBuilding") or _instances(model, "IfcAlignment")
    if not systems and needs:
        advice = "export with a map conversion and a projected system"
        message = "holds buildings, alignments or a placed site, and no coordinate reference system"
        yield Problem("warning", "IfcProject", "ifc-crs-missing", message, advice)


def _operations(model: Any) -> Iterator[Problem]:
    """Yield a finding when the contexts of a model do not share one way to the map."""
    ways = []
    for context in _instances(model, "IfcGeometricRepresentationContext", subtypes=False):
        found = context.HasCoordinateOperation
        ways.append(tuple((*tuple(_plain(part) for part in list(way)[1:]), way.is_a()) for way in found or ()))
    if len(ways) > 1 and len(set(ways)) > 1:
        message = "the geometric contexts do not share one coordinate operation"
        yield Problem("error", "IfcGeometricRepresentationContext", "ifc-operations-differ", message, _ADVICE)


def _plain(value: Any) -> Any:
    if hasattr(value, "id"):
        return value.id()
    return getattr(value, "wrappedValue", value)


def _system(system: Any) -> Iterator[Problem]:
    where = f"#{system.id()} {system.Name or ''}"
    name = str(system.Name or "")
    described = bool(_instances(system.file, "IfcWellKnownText"))
    if not described and not (_EPSG.fullmatch(name.strip()) and _known(name.strip())):
        message = f"its name {name!r} is not the EPSG code of a known system (EPSG:n)"
        yield Problem("error", where, "ifc-epsg", message, "write it as EPSG:n, such as EPSG:25832")
    for attribute in ("GeodeticDatum", "VerticalDatum"):
        text = str(getattr(system, attribute, None) or "").strip()
        if text and not (_EPSG.fullmatch(text) and _known_datum(text)):
            message = f"its {attribute} {text!r} is not the EPSG code of a known datum"
            yield Problem("warning", where, "ifc-datum", message, "write it as EPSG:n")


def _known(code: str) -> bool:
    try:
        parse_crs(code)
    except GeoreferenceError:
        return False
    return True


def _known_datum(code: str) -> bool:
    """Say whether a code names a datum, or a system that stands for one, as many files have it."""
    from pyproj import database  # noqa: PLC0415 - only for files that name one

    number = code.split(":")[1]
    kinds = ("GEODETIC_REFERENCE_FRAME", "VERTICAL_REFERENCE_FRAME", "DATUM_ENSEMBLE",
             "DYNAMIC_GEODETIC_REFERENCE_FRAME", "DYNAMIC_VERTICAL_REFERENCE_FRAME")  # fmt: skip
    return _known(code) or any(number in database.get_codes("EPSG", kind, allow_deprecated=True) for kind in kinds)
