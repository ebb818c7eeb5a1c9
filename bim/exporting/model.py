"""`write_ifc`: a scene as one IFC4X3 file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bim.reading import NOWHERE
from scenes.errors import MissingLibraryError, QueryError
from scenes.export import Format
from scenes.georeference import parse_crs

if TYPE_CHECKING:
    from pathlib import Path

    from bim.exporting.draft import Draft
    from scenes.model import Scene


def write_ifc(scene: Scene, file: Path) -> None:
    """Write the objects of a scene as IFC4X3_ADD2 in metres, with its georeference as a map conversion.

    Objects that came from IFC keep their class, GlobalId, type, materials, classification, property sets, quantities
    and relations; others get the class of their kind and a GlobalId that is derived from their uid, so that writing
    twice gives the same ids. Shapes are triangulated and keep colours and images. What a column says wins over the
    property that it was read from, so scenario edits are in it when the scene is that of a scenario.

    Raises
    ------
    QueryError
        When there is nothing that IFC can hold.
    MissingLibraryError
        When ifcopenshell is not installed.
    """
    try:
        import ifcopenshell  # noqa: PLC0415 - optional and slow
    except ImportError as error:
        raise MissingLibraryError("ifcopenshell", "is not installed", 'pip install "citytwin[bim]"') from error
    draft = _begun(ifcopenshell.file(schema="IFC4X3"), scene)
    for layer in scene.layers.values():
        for row in range(len(layer)):
            draft.add(scene.at(scene.bases[layer.name] + row))
    if not draft.made:
        raise QueryError(scene.name, "there is no object that IFC can hold", "choose other layers")
    draft.finish()
    draft.model.write(str(file))


def _begun(model: Any, scene: Scene) -> Draft:
    """Return a draft with project, units, contexts and georeference."""
    from bim.exporting.classes import global_id  # noqa: PLC0415 - need the library
    from bim.exporting.draft import Draft  # noqa: PLC0415

    taken: set[str] = set()
    name = scene.name

    def guid() -> str:
        return global_id(f"{name}/{len(taken)}", "", taken)

    model.header.file_name.name = f"{name}.ifc"
    model.header.file_name.time_stamp = datetime.now(UTC).isoformat(timespec="seconds")
    model.header.file_name.originating_system = "citytwin"
    metre = model.create_entity("IfcSIUnit", UnitType="LENGTHUNIT", Name="METRE")
    others = (("AREAUNIT", "SQUARE_METRE"), ("VOLUMEUNIT", "CUBIC_METRE"), ("PLANEANGLEUNIT", "RADIAN"),
              ("TIMEUNIT", "SECOND"))  # fmt: skip
    units = [metre, *(model.create_entity("IfcSIUnit", UnitType=kind, Name=unit) for kind, unit in others)]
    units.append(model.create_entity("IfcSIUnit", UnitType="MASSUNIT", Prefix="KILO", Name="GRAM"))
    context = _context(model)
    if scene.georeference.crs != NOWHERE:
        _place(model, context, scene.georeference, metre)
    project = model.create_entity(
        "IfcProject",
        GlobalId=guid(),
        Name=name,
        UnitsInContext=model.create_entity("IfcUnitAssignment", Units=units),
        RepresentationContexts=[context],
    )
    return Draft(model, project, context, guid, taken, scene)


def _context(model: Any) -> Any:
    """Return the model context."""
    origin = model.create_entity("IfcCartesianPoint", [0.0, 0.0, 0.0])
    return model.create_entity(
        "IfcGeometricRepresentationContext",
        ContextType="Model",
        CoordinateSpaceDimension=3,
        Precision=1e-5,
        WorldCoordinateSystem=model.create_entity("IfcAxis2Placement3D", Location=origin),
    )


def _place(model: Any, context: Any, frame: Any, metre: Any) -> None:
    """Write the frame of the scene as a map conversion; a system without an EPSG code is described by its WKT."""
    parsed = parse_crs(frame.crs)
    code = parsed.to_epsg()
    name = f"EPSG:{code}" if code else parsed.name
    system = model.create_entity("IfcProjectedCRS", Name=name, Description=parsed.name, MapUnit=metre)
    if not code:
        model.create_entity("IfcWellKnownText", WellKnownText=parsed.to_wkt(), CoordinateReferenceSystem=system)
    model.create_entity(
        "IfcMapConversion",
        SourceCRS=context,
        TargetCRS=system,
        Eastings=frame.easting_m,
        Northings=frame.northing_m,
        OrthogonalHeight=frame.height_m,
    )


FORMAT = Format("ifc", (".ifc",), write_ifc)
