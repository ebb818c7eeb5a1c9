"""The model being written: objects first, then what ties them together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bim.exporting.alignments import AlignmentWriter
from bim.exporting.associations import AssociationWriter, material_names
from bim.exporting.classes import Classes, global_id
from bim.exporting.columns import settled
from bim.exporting.dossier import RECORD_GROUPS, REPEATED, RecordWriter
from bim.exporting.entities import stated_values
from bim.exporting.grids import grid_axes
from bim.exporting.properties import PropertyWriter
from bim.exporting.relations import RelationWriter, edges, port_owners
from bim.exporting.shapes import ShapeWriter
from bim.exporting.types import TypeWriter, own_groups
from bim.exporting.units import UnitWriter
from bim.exporting.works import work_values
from scenes.mesh import MeshSet

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from scenes.model import CityObject, Scene

_HOLE = "IfcFeatureElementSubtraction"
_WORKS = ("IfcWorkPlan", "IfcWorkSchedule", "IfcTask")


@dataclass
class Draft:
    """Objects of a scene as entities of a model.

    Parameters
    ----------
    model
        The IFC model.
    project
        Its project.
    context
        Context of its shapes.
    guid
        Makes fresh GlobalIds.
    taken
        GlobalIds that are in use.
    scene
        What is written.
    """

    model: Any
    project: Any
    context: Any
    guid: Callable[[], str]
    taken: set[str]
    scene: Scene
    made: dict[str, Any] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    loose: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Make the writers."""
        self._classes = Classes()
        self._shapes = ShapeWriter(self.model, self.context)
        self._units = UnitWriter(self.model)
        self._properties = PropertyWriter(self.model, self.guid, self._units)
        self._types = TypeWriter(self.model, self._classes, self._properties, self.taken)
        self._associations = AssociationWriter(self.model, self.guid, self._properties)
        self._alignments = AlignmentWriter(self.model, self._units, self._shapes)
        self._records = RecordWriter(self.model, self.project, self._classes, self._properties, self.guid)
        self._ties: pd.DataFrame = self.scene.graph()
        there = set(self.scene)
        told = self._ties[self._ties["kind"].isin(REPEATED) & self._ties["target"].isin(there)]
        self._told_by_records = set(zip(told["source"], told["kind"], strict=True))
        voids = self._ties[self._ties["kind"] == "voids"]
        self._hosted = {uid for uid, host in zip(voids["source"], voids["target"], strict=True) if host in there}
        self._layers: dict[str, list[Any]] = {}
        self._site: Any = None

    def add(self, thing: CityObject) -> None:
        """Write one object, unless IFC has no place for it."""
        columns = dict(thing.attributes)
        name = self._classes.of(thing.kind, str(columns.get("ifc_class") or ""))
        if not name or (self._classes.is_a(name, _HOLE) and thing.uid not in self._hosted):
            return
        if name == "IfcProject":
            self._head(thing)
            return
        values = self._values(name, thing)
        if name in _WORKS:
            values |= work_values(self.model, name, columns, values)
        if self._classes.is_a(name, "IfcLinearElement"):
            design = self._alignments.values(name, thing.properties)
            if design is None:
                return
            values |= design
        elif self._records.takes(name):
            values |= self._records.values(name, columns, thing.properties)
        if self._classes.is_placed(name):
            body = self._body(thing, name)
            if body is None:
                name, body = "IfcAnnotation", self._body(thing, "IfcAnnotation") or {}
                values = {key: value for key, value in values.items() if key in ("Name", "Description", "ObjectType")}
            values |= body
        if self._classes.is_a(name, "IfcRoot"):
            alias = thing.aliases.get("ifc", "")
            element = self.model.create_entity(name, GlobalId=global_id(thing.uid, alias, self.taken), **values)
            self._describe(element, thing)
        else:
            element = self.model.create_entity(name, **values)
        self._keep(thing, element)
        self._alignments.keep(element, thing, mesh_of(thing) if element.is_a("IfcAlignment") else None)

    def finish(self) -> None:
        """Write the tree, and all that ties objects to each other and to what describes them."""
        for uid in self._alignments.without_segments(self.made, self.parents):
            self.model.remove(self.made.pop(uid))
        found = edges(self._ties, self.made)
        filling = {edge.source.id() for edge in found if edge.kind == "fills" and edge.role == "hole"}
        self._tree(filling)
        self._types.finish(self.guid)
        self._properties.finish()
        self._associations.finish()
        ports = {port.id(): owner.id() for port, owner in port_owners(self.made, self.parents)}
        RelationWriter(self.model, self.guid).write(found, ports)
        self._records.tie(found)
        self._alignments.finish()
        for name, shapes in self._layers.items():
            self.model.create_entity("IfcPresentationLayerAssignment", Name=name, AssignedItems=shapes)

    def _values(self, name: str, thing: CityObject) -> dict[str, Any]:
        told = thing.properties.get("Attributes", {})
        return stated_values(self._classes, name, thing.name or "", thing.attributes, told, self._units)

    def _head(self, thing: CityObject) -> None:
        """Let the project of the scene be that of the file; further ones have no place in it."""
        if self.project in self.made.values():
            return
        self.project.GlobalId = global_id(thing.uid, thing.aliases.get("ifc", ""), self.taken)
        for key, value in self._values("IfcProject", thing).items():
            setattr(self.project, key, value)
        self._describe(self.project, thing)
        self.made[thing.uid] = self.project

    def _keep(self, thing: CityObject, element: Any) -> None:
        self.made[thing.uid] = element
        if thing.parent:
            self.parents[thing.uid] = thing.parent
        elif thing.attributes.get("ifc_class") and not self._is_spatial(element):
            self.loose.add(element.id())  # it stood nowhere in its own file

    def _describe(self, element: Any, thing: CityObject) -> None:
        columns, told = dict(thing.attributes), thing.properties
        if self._records.takes(element.is_a()):
            columns.pop("status", None)  # of the entity
        groups = settled(columns, told, thing.units, self._units)
        material = str(columns.get("material") or "")
        names = material_names(told.get("Material", {}), material)
        groups = {
            name: group for name, group in groups.items() if not any(name.endswith(f" ({each})") for each in names)
        }
        groups = {name: group for name, group in groups.items() if name not in self._repeated(element, thing)}
        self._properties.add(element, own_groups(groups, told))
        if element.is_a("IfcObject") and not element.is_a("IfcGroup"):
            predefined = str(columns.get("predefined_type") or "")
            self._types.add(element, told, str(columns.get("type_name") or ""), predefined)
        self._associations.add(element, told, material, str(columns.get("classification") or ""))
        shape = getattr(element, "Representation", None)
        for layer in str(told.get("Presentation", {}).get("Layer") or "").split(", "):
            if layer and shape is not None:
                self._layers.setdefault(layer, []).extend(shape.Representations)

    def _repeated(self, element: Any, thing: CityObject) -> set[str]:
        """Return the groups that are written as records or as ties to them."""
        groups = {
            each for kind, names in REPEATED.items() if (thing.uid, kind) in self._told_by_records for each in names
        }
        return groups | RECORD_GROUPS if self._records.takes(element.is_a()) else groups

    def _body(self, thing: CityObject, name: str) -> dict[str, Any] | None:
        """Return the place and shape of an object of a class, None for a grid that IFC would not take as one."""
        mesh = mesh_of(thing)
        if self._classes.is_a(name, "IfcLinearElement"):
            return {}
        origin = np.array(thing.bounds[:3]) if thing.bounds is not None else np.zeros(3)
        if thing.bounds is None and self._classes.is_a(name, "IfcPort"):
            return {}
        place = {"ObjectPlacement": self._shapes.placement(origin)}
        if name == "IfcGrid":
            axes = grid_axes(self.model, self.scene, thing, self._shapes, origin)
            return None if axes is None else place | axes
        if mesh is None or self._classes.is_a(name, "IfcPort"):
            return place
        if name == "IfcAlignment":  # its line comes when its layouts are there
            return place
        identifier = "Reference" if self._classes.is_a(name, _HOLE) else "Body"
        return place | {"Representation": self._shapes.shape(mesh, origin, identifier=identifier)}

    def _tree(self, filling: set[int]) -> None:
        """Write what is a part of what; `filling` are the entities that an opening ties to their host."""
        wholes: dict[tuple[str, int], tuple[Any, list[Any]]] = {}
        for uid, element in list(self.made.items()):
            above = self.made.get(self.parents.get(uid, ""))
            kind = "" if element == self.project or element.id() in self.loose else self._relation(element, above)
            if not kind or (element.id() in filling and kind == "IfcRelAggregates" and not self._is_spatial(above)):
                continue
            above = above if above is not None else self._root(element)
            group = f"{kind} of referents" if element.is_a("IfcReferent") else kind
            wholes.setdefault((group, above.id()), (above, []))[1].append(element)
        if self._site is not None and self._site not in self.made.values():
            wholes.setdefault(("IfcRelAggregates", self.project.id()), (self.project, []))[1].append(self._site)
        for (group, _), (above, parts) in wholes.items():
            kind = group.partition(" ")[0]
            one, many = _TREE[kind]
            if kind == "IfcRelProjectsElement":
                for part in parts:
                    self.model.create_entity(kind, GlobalId=self.guid(), **{one: above, many: part})
            else:
                ordered = sorted(parts, key=self._alignments.order)
                self.model.create_entity(kind, GlobalId=self.guid(), **{one: above, many: ordered})

    def _relation(self, element: Any, above: Any) -> str:
        """Return the relationship that ties an element to the one above, empty for none; `above` may be None."""
        if not element.is_a("IfcProduct"):
            return self._of_unplaced(element, above)
        if element.is_a(_HOLE) or (above is None and element.is_a("IfcPort")):
            return ""
        if above is None or (self._is_spatial(above) and not self._is_spatial(element)):
            found = "IfcRelAggregates" if self._is_spatial(element) else "IfcRelContainedInSpatialStructure"
        else:
            own = (kind for part, whole, kind in _OWN_RELATIONS if element.is_a(part) and above.is_a(whole))
            found = next(own, "IfcRelAggregates")
        return found

    @staticmethod
    def _of_unplaced(element: Any, above: Any) -> str:
        if above is None:
            return ""
        if above.is_a("IfcContext"):
            return "IfcRelDeclares"
        if not element.is_a("IfcRoot"):
            for end in ("ReferencedDocument", "ReferencedLibrary"):
                if hasattr(element, end):
                    setattr(element, end, above)
            return ""
        if element.is_a("IfcControl") and above.is_a("IfcControl") and not element.is_a("IfcWorkControl"):
            return "IfcRelNests" if above.is_a() == element.is_a() else "IfcRelAssignsToControl"
        if element.is_a("IfcTask"):
            return "IfcRelNests" if above.is_a("IfcTask") else "IfcRelAssignsToControl"
        return "IfcRelAggregates" if element.is_a("IfcGroup") == above.is_a("IfcGroup") else ""

    def _root(self, element: Any) -> Any:
        """Return what an element without a parent hangs on: the project for a site, else a site."""
        if element.is_a("IfcSite"):
            return self.project
        if self._site is None:
            self._site = next((each for each in self.made.values() if each.is_a("IfcSite")), None)
        if self._site is None:
            self._site = self.model.create_entity(
                "IfcSite",
                GlobalId=self.guid(),
                Name=self.scene.name,
                ObjectPlacement=self._shapes.placement(np.zeros(3)),
            )
        return self._site

    def _is_spatial(self, element: Any) -> bool:
        return element is not None and bool(element.is_a("IfcSpatialElement"))


_OWN_RELATIONS = (
    ("IfcFeatureElementAddition", "IfcElement", "IfcRelProjectsElement"),
    ("IfcSurfaceFeature", "IfcElement", "IfcRelAdheresToElement"),
    ("IfcPort", "IfcElement", "IfcRelNests"),
    ("IfcReferent", "IfcAlignment", "IfcRelNests"),
    ("IfcLinearElement", "IfcAlignment", "IfcRelNests"),
    ("IfcAlignmentSegment", "IfcLinearElement", "IfcRelNests"),
)
_TREE = {
    "IfcRelContainedInSpatialStructure": ("RelatingStructure", "RelatedElements"),
    "IfcRelAggregates": ("RelatingObject", "RelatedObjects"),
    "IfcRelNests": ("RelatingObject", "RelatedObjects"),
    "IfcRelDeclares": ("RelatingContext", "RelatedDefinitions"),
    "IfcRelAssignsToControl": ("RelatingControl", "RelatedObjects"),
    "IfcRelProjectsElement": ("RelatingElement", "RelatedFeatureElement"),
    "IfcRelAdheresToElement": ("RelatingElement", "RelatedSurfaceFeatures"),
}


def mesh_of(thing: CityObject) -> MeshSet | None:
    """Return the finest geometry of an object, None if it has none; plain bodies are cut out of their batch at once."""
    mesh = thing.batch.finest()
    if mesh is None:
        return None
    group = int(np.searchsorted(mesh.rows, thing.batch_row))
    alone = group < len(mesh.rows) and int(mesh.rows[group]) == thing.batch_row
    if (
        mesh.lines is not None
        or mesh.points is not None
        or any((each.rows == thing.batch_row).any() for each in mesh.instances)
    ):
        return mesh.take([thing.batch_row])
    if not alone:
        return None
    first, last = (int(mesh.vertex_starts[group + end]) for end in (0, 1))
    triangles = slice(int(mesh.triangle_starts[group]), int(mesh.triangle_starts[group + 1]))
    faces = mesh.triangles[triangles] - np.uint32(first)
    cut = MeshSet(
        mesh.centre,
        mesh.positions[first:last],
        faces,
        np.zeros(1, np.uint32),
        np.array([0, last - first], np.uint32),
        np.array([0, len(faces)], np.uint32),
        None if mesh.colours is None else mesh.colours[first:last],
    )
    if mesh.uvs is None or mesh.triangle_images is None:
        return cut
    return cut.textured(mesh.uvs[first:last], mesh.triangle_images[triangles], mesh.images)
