"""`write_ifc`: a scene as one IFC4X3 file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.errors import MissingLibraryError, QueryError
from scenes.export import Format
from scenes.georeference import parse_crs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from scenes.model import CityObject, Scene

_FIXED = {"Name": "name", "Description": "description", "ObjectType": "object_type", "Tag": "tag",
          "LongName": "long_name"}  # fmt: skip
_WRITTEN = frozenset(
    {"ifc_class", "storey", "description", "tag", "object_type", "long_name", "predefined_type", "type_name"}
)


def write_ifc(scene: Scene, file: Path) -> None:
    """Write the objects of a scene as IFC4X3_ADD2 in metres, with its georeference as a map conversion.

    Objects that came from IFC keep their class, GlobalId and property sets; others get the class of their kind and
    a GlobalId that is derived from their uid, so that writing twice gives the same ids. Shapes are triangulated.
    Scenario edits are in it when the scene is that of a scenario.

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
    draft = _Draft.begin(ifcopenshell.file(schema="IFC4X3"), scene)
    for layer in scene.layers.values():
        for row in range(len(layer)):
            draft.add(scene.at(scene.bases[layer.name] + row))
    if not draft.made:
        raise QueryError(scene.name, "there is no object that IFC can hold", "choose other layers")
    draft.finish(scene.graph("member"))
    draft.model.write(str(file))


@dataclass
class _Draft:
    """The model being written."""

    model: Any
    project: Any
    site: Any
    classes: Any
    shapes: Any
    properties: Any
    taken: set[str]
    guid: Callable[[], str]
    made: dict[str, Any] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)

    @classmethod
    def begin(cls, model: Any, scene: Scene) -> _Draft:
        """Return a draft with project, units, contexts, georeference and one site."""
        from bim.exporting.classes import Classes, global_id  # noqa: PLC0415 - need the library
        from bim.exporting.properties import PropertyWriter  # noqa: PLC0415
        from bim.exporting.shapes import ShapeWriter  # noqa: PLC0415

        taken: set[str] = set()
        frame = scene.georeference
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
        context, body = _contexts(model)
        _place(model, context, frame, metre)
        project = model.create_entity(
            "IfcProject",
            GlobalId=guid(),
            Name=name,
            UnitsInContext=model.create_entity("IfcUnitAssignment", Units=units),
            RepresentationContexts=[context],
        )
        shapes = ShapeWriter(model, body)
        site = model.create_entity("IfcSite", GlobalId=guid(), Name=name, ObjectPlacement=shapes.placement(np.zeros(3)))
        return cls(model, project, site, Classes(), shapes, PropertyWriter(model, guid), taken, guid)

    def add(self, thing: CityObject) -> None:
        """Write one object."""
        from bim.exporting.classes import global_id  # noqa: PLC0415

        attributes = dict(thing.attributes)
        name = self.classes.of(thing.kind, str(attributes.get("ifc_class") or ""))
        if not name:
            return
        known = self.classes.attributes(name)
        cells = {"Name": thing.name or None, **{key: attributes.get(column) for key, column in _FIXED.items()}}
        cells["Name"] = thing.name or None
        mesh = thing.mesh()
        origin = np.array(thing.bounds[:3]) if thing.bounds is not None else np.zeros(3)
        body: dict[str, Any] = {}
        if not self.classes.is_group(name):
            shape = None if mesh is None else self.shapes.shape(mesh, origin)
            body = {"ObjectPlacement": self.shapes.placement(origin), "Representation": shape}
        element = self.model.create_entity(
            name,
            GlobalId=global_id(thing.uid, thing.aliases.get("ifc", ""), self.taken),
            **body,
            **{key: str(value) for key, value in cells.items() if value is not None and key in known},
        )
        predefined = str(attributes.get("predefined_type") or "")
        if predefined in self.classes.values(name, "PredefinedType"):
            element.PredefinedType = predefined
        rest = {key: value for key, value in attributes.items() if key not in _WRITTEN}
        self.properties.add(element, thing.properties, rest, thing.units)
        self.made[thing.uid] = element
        if thing.parent:
            self.parents[thing.uid] = thing.parent

    def finish(self, ties: pd.DataFrame) -> None:
        """Write the tree, the property sets and the groups; `ties` are the member relations of the scene."""
        wholes: dict[tuple[str, int], tuple[Any, list[Any]]] = {}
        for uid, element in self.made.items():
            if self.classes.is_group(element.is_a()):
                continue
            above = self.made.get(self.parents.get(uid, ""))
            spatial = self.classes.is_spatial(element.is_a())
            if above is None:
                above = self.project if element.is_a("IfcSite") else self.site
            contained = not spatial and self.classes.is_spatial(above.is_a())
            kind = "IfcRelContainedInSpatialStructure" if contained else "IfcRelAggregates"
            wholes.setdefault((kind, above.id()), (above, []))[1].append(element)
        wholes.setdefault(("IfcRelAggregates", self.project.id()), (self.project, []))[1].append(self.site)
        for (kind, _), (above, parts) in wholes.items():
            ends = (
                {"RelatedElements": parts, "RelatingStructure": above}
                if kind == "IfcRelContainedInSpatialStructure"
                else {"RelatedObjects": parts, "RelatingObject": above}
            )
            self.model.create_entity(kind, GlobalId=self.guid(), **ends)
        self.properties.finish()
        self._gather(ties)

    def _gather(self, ties: pd.DataFrame) -> None:
        """Tie members to their groups."""
        members: dict[str, list[Any]] = {}
        for member, group in zip(ties["source"], ties["target"], strict=True):
            if member in self.made and group in self.made and self.classes.is_group(self.made[group].is_a()):
                members.setdefault(group, []).append(self.made[member])
        for group, elements in members.items():
            self.model.create_entity(
                "IfcRelAssignsToGroup", GlobalId=self.guid(), RelatedObjects=elements, RelatingGroup=self.made[group]
            )


def _contexts(model: Any) -> tuple[Any, Any]:
    """Return the model context and that of body shapes."""
    origin = model.create_entity("IfcCartesianPoint", [0.0, 0.0, 0.0])
    context = model.create_entity(
        "IfcGeometricRepresentationContext",
        ContextType="Model",
        CoordinateSpaceDimension=3,
        Precision=1e-5,
        WorldCoordinateSystem=model.create_entity("IfcAxis2Placement3D", Location=origin),
    )
    body = model.create_entity(
        "IfcGeometricRepresentationSubContext",
        ContextIdentifier="Body",
        ContextType="Model",
        ParentContext=context,
        TargetView="MODEL_VIEW",
    )
    return context, body


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
