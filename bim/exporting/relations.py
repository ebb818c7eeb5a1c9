"""The relations of a scene as relationships of IFC, where both ends are written and of classes that may have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bim.exporting.works import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    Make = Callable[..., Any]

_BOUNDARIES = ("PHYSICAL", "VIRTUAL")
_SIDES = ("INTERNAL", "EXTERNAL", "EXTERNAL_EARTH", "EXTERNAL_WATER", "EXTERNAL_FIRE")
_SEQUENCES = ("START_START", "START_FINISH", "FINISH_START", "FINISH_FINISH")
_ENDS = ("ATPATH", "ATSTART", "ATEND", "NOTDEFINED")


@dataclass(frozen=True, slots=True)
class Edge:
    """A relation between two written entities."""

    source: Any
    kind: str
    target: Any
    role: str


def edges(table: pd.DataFrame, made: dict[str, Any]) -> list[Edge]:
    """Return the relations of a scene whose ends are both written."""
    columns = (table[name] for name in ("source", "kind", "target", "role"))
    return [
        Edge(made[source], kind, made[target], role or "")
        for source, kind, target, role in zip(*columns, strict=True)
        if source in made and target in made
    ]


class RelationWriter:
    """Writes relationships.

    Parameters
    ----------
    model
        The IFC model.
    guid
        Makes fresh GlobalIds.
    """

    def __init__(self, model: Any, guid: Callable[[], str]) -> None:
        """Start with none."""
        self._model, self._guid = model, guid
        self._filling: set[int] = set()
        self._port_pairs: set[tuple[int, int]] = set()
        self._realized: set[int] = set()
        self._writers: dict[str, Callable[[Edge], Any]] = {
            "fills": self._fills,
            "voids": self._voids,
            "joins": self._joins,
            "connects": self._connects,
            "bounds": self._bounds,
            "covers": self._covers,
            "controls": self._controls,
            "interferes": self._interferes,
            "assigned": self._to_product,
            "builds": self._to_product,
            "works-on": self._to_product,
            "removes": self._to_process,
            "precedes": self._precedes,
        }

    def write(self, found: list[Edge], port_owners: dict[int, int]) -> None:
        """Write all relations; `port_owners` has the entity number of the element of each port."""
        joined = [edge for edge in found if edge.kind == "joins"]
        for edge in joined:
            ends = port_owners.get(edge.source.id(), 0), port_owners.get(edge.target.id(), 0)
            self._port_pairs |= {ends, ends[::-1]}
        self._gathered(found)
        self._realizing(found)
        for edge in found:
            writer = self._writers.get(edge.kind)
            if writer is not None:
                writer(edge)

    def _new(self, name: str, **ends: Any) -> None:
        self._model.create_entity(name, GlobalId=self._guid(), **ends)

    def _gathered(self, found: list[Edge]) -> None:
        """Write the relationships that name many objects at one end: groups, systems, structures, grids."""
        gathered: dict[tuple[str, int], tuple[Any, list[Any]]] = {}
        for edge in found:
            one, many = (edge.source, edge.target) if edge.kind == "serves" else (edge.target, edge.source)
            if edge.kind in _GATHERED and one.is_a(_GATHERED[edge.kind][1]) and many.is_a(_GATHERED[edge.kind][3]):
                gathered.setdefault((edge.kind, one.id()), (one, []))[1].append(many)
        for (kind, _), (one, many) in gathered.items():
            name, _, single, _, several = _GATHERED[kind]
            self._new(name, **{single: one, several: many})

    def _realizing(self, found: list[Edge]) -> None:
        """Write the connections through a third element, which come as a pair of relations."""
        pairs = [edge for edge in found if edge.kind == "connects" and edge.role == "realizing"]
        for between in {edge.target.id(): edge.target for edge in pairs}.values():
            before = [edge.source for edge in pairs if edge.target == between]
            after = [edge.target for edge in pairs if edge.source == between]
            for first, last in zip(before, after, strict=False):
                self._realized.add(between.id())
                self._new(
                    "IfcRelConnectsWithRealizingElements",
                    RelatingElement=first,
                    RelatedElement=last,
                    RealizingElements=[between],
                )

    def _fills(self, edge: Edge) -> None:
        if edge.role == "hole" and edge.target.is_a("IfcOpeningElement") and edge.source.id() not in self._filling:
            self._filling.add(edge.source.id())
            self._new("IfcRelFillsElement", RelatingOpeningElement=edge.target, RelatedBuildingElement=edge.source)

    def _voids(self, edge: Edge) -> None:
        self._new("IfcRelVoidsElement", RelatingBuildingElement=edge.target, RelatedOpeningElement=edge.source)

    def _joins(self, edge: Edge) -> None:
        self._new("IfcRelConnectsPorts", RelatingPort=edge.source, RelatedPort=edge.target)

    def _connects(self, edge: Edge) -> None:
        ends = {"RelatingElement": edge.source, "RelatedElement": edge.target}
        realized = {edge.source.id(), edge.target.id()} & self._realized
        by_port = edge.role in ("flow", "port") and (edge.source.id(), edge.target.id()) in self._port_pairs
        if by_port or (edge.role == "realizing" and realized) or not _are(edge, "IfcElement", "IfcElement"):
            return
        relating, _, related = edge.role.partition("-")
        if relating in _ENDS and related in _ENDS:
            places = {"RelatingConnectionType": relating, "RelatedConnectionType": related}
            self._new("IfcRelConnectsPathElements", **ends, RelatingPriorities=(), RelatedPriorities=(), **places)
        else:
            self._new("IfcRelConnectsElements", **ends)

    def _bounds(self, edge: Edge) -> None:
        words = edge.role.upper().split()
        boundary = next((word for word in words if word in _BOUNDARIES), "NOTDEFINED")
        if not edge.target.is_a("IfcSpace") and not edge.target.is_a("IfcExternalSpatialElement"):
            return
        if boundary == "VIRTUAL" and not edge.source.is_a("IfcOpeningElement"):
            boundary = "NOTDEFINED"
        self._new(
            "IfcRelSpaceBoundary",
            RelatingSpace=edge.target,
            RelatedBuildingElement=edge.source,
            PhysicalOrVirtualBoundary=boundary,
            InternalOrExternalBoundary=next((word for word in words if word in _SIDES), "NOTDEFINED"),
        )

    def _covers(self, edge: Edge) -> None:
        if not edge.source.is_a("IfcCovering"):
            return
        if edge.target.is_a("IfcSpace"):
            self._new("IfcRelCoversSpaces", RelatingSpace=edge.target, RelatedCoverings=[edge.source])
        elif edge.target.is_a("IfcElement"):
            self._new("IfcRelCoversBldgElements", RelatingBuildingElement=edge.target, RelatedCoverings=[edge.source])

    def _controls(self, edge: Edge) -> None:
        if _are(edge, "IfcDistributionControlElement", "IfcDistributionFlowElement"):
            self._new(
                "IfcRelFlowControlElements", RelatedControlElements=[edge.source], RelatingFlowElement=edge.target
            )

    def _interferes(self, edge: Edge) -> None:
        self._new(
            "IfcRelInterferesElements",
            RelatingElement=edge.source,
            RelatedElement=edge.target,
            InterferenceType=edge.role or None,
            ImpliedOrder="UNKNOWN",
        )

    def _to_product(self, edge: Edge) -> None:
        if edge.target.is_a("IfcProduct"):
            self._new("IfcRelAssignsToProduct", RelatedObjects=[edge.source], RelatingProduct=edge.target)

    def _to_process(self, edge: Edge) -> None:
        if edge.source.is_a("IfcTask"):
            self._new("IfcRelAssignsToProcess", RelatedObjects=[edge.target], RelatingProcess=edge.source)

    def _precedes(self, edge: Edge) -> None:
        if not _are(edge, "IfcTask", "IfcTask"):
            return
        words = edge.role.split()
        lag = None
        if len(words) >= 2 and words[-1] == "d":
            create = self._model.create_entity
            value = create("IfcDuration", duration_text(float(words[-2])))
            lag = create("IfcLagTime", LagValue=value, DurationType="NOTDEFINED")
        sequence = words[0] if words and words[0] in _SEQUENCES else None
        ends = {"RelatingProcess": edge.source, "RelatedProcess": edge.target}
        self._new("IfcRelSequence", **ends, TimeLag=lag, SequenceType=sequence)


# Kind: relationship, class and name of its one end, class and name of its many ends.
_GATHERED = {
    "member": ("IfcRelAssignsToGroup", "IfcGroup", "RelatingGroup", "IfcObjectDefinition", "RelatedObjects"),
    "serves": ("IfcRelServicesBuildings", "IfcSystem", "RelatingSystem", "IfcSpatialElement", "RelatedBuildings"),
    "referenced": (
        "IfcRelReferencedInSpatialStructure", "IfcSpatialElement", "RelatingStructure", "IfcProduct", "RelatedElements"
    ),
    "positioned": (
        "IfcRelPositions", "IfcPositioningElement", "RelatingPositioningElement", "IfcProduct", "RelatedProducts"
    ),
}  # fmt: skip


def _are(edge: Edge, source: str, target: str) -> bool:
    return bool(edge.source.is_a(source) and edge.target.is_a(target))


def port_owners(made: dict[str, Any], parents: dict[str, str]) -> Iterator[tuple[Any, Any]]:
    """Yield each port with the element that it belongs to."""
    for uid, entity in made.items():
        owner = made.get(parents.get(uid, ""))
        if entity.is_a("IfcPort") and owner is not None:
            yield entity, owner
