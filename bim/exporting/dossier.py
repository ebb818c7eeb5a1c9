"""Documents, approvals, constraints, costs, permits and actors of a scene as entities, and what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bim.exporting.properties import measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bim.exporting.classes import Classes
    from bim.exporting.properties import PropertyWriter
    from bim.exporting.relations import Edge

    Told = Mapping[str, Mapping[str, Any]]

# Groups of a record that become entities of their own, not property sets.
RECORD_GROUPS = frozenset({"People", "Cost", "Benchmarks", "Format"})
# Kind of a relation to a record: groups of the object that only repeat it.
REPEATED = {
    "documented": ("Documents", "Libraries"),
    "approved": ("Approvals",),
    "constrained": ("Constraints",),
    "governed": ("Controls",),
}
_CLASSES = ("IfcControl", "IfcActor", "IfcDocumentInformation", "IfcDocumentReference", "IfcLibraryInformation",
            "IfcLibraryReference", "IfcApproval", "IfcConstraint")  # fmt: skip
_ELSEWHERE = "IfcWorkControl"
_ACTORS = ("DocumentOwner", "RequestingApproval", "GivingApproval", "CreatingActor", "Publisher")
_IDENTIFIED = ("Identification", "Identifier")
_QUANTITY = "Quantity: "
_TOTAL = "Total"


class RecordWriter:
    """Writes records, and what ties objects to them.

    Parameters
    ----------
    model
        The IFC model.
    project
        Its project, whose units get the currency.
    classes
        The schema.
    properties
        Writes quantities.
    guid
        Makes fresh GlobalIds.
    """

    def __init__(
        self, model: Any, project: Any, classes: Classes, properties: PropertyWriter, guid: Callable[[], str]
    ) -> None:
        """Start with no currency."""
        self._model, self._project, self._classes = model, project, classes
        self._properties, self._guid = properties, guid
        self._currency = ""

    def takes(self, name: str) -> bool:
        """Say whether a class is one of a record."""
        return any(self._classes.is_a(name, each) for each in _CLASSES) and not self._classes.is_a(name, _ELSEWHERE)

    def values(self, name: str, columns: Mapping[str, Any], told: Told) -> dict[str, Any]:
        """Return the attributes of a record of a class that its columns and groups give beyond the plain ones."""
        known = self._classes.attributes(name)
        found: dict[str, Any] = {}
        people = told.get("People", {})
        for each in _IDENTIFIED:
            if each in known and columns.get("identification"):
                found[each] = str(columns["identification"])
        if name == "IfcDocumentInformation":
            found.setdefault("Identification", str(columns.get("identification") or "-"))
            if people.get("Editors"):
                found["Editors"] = [self._organisation(each) for each in str(people["Editors"]).split(", ")]
        if "Status" in known and columns.get("status"):
            found["Status"] = str(columns["status"])
        found |= {each: self._organisation(str(people[each])) for each in _ACTORS if each in people and each in known}
        if "TheActor" in known:
            found["TheActor"] = self._actor(people)
        if "CostValues" in known:
            found |= self._costs(told.get("Cost", {}))
        if "BenchmarkValues" in known and told.get("Benchmarks"):
            found["BenchmarkValues"] = [self._metric(*each) for each in told["Benchmarks"].items()]
        elif name == "IfcMetric" and told.get("Benchmarks"):
            found |= _limit(self._model, next(iter(told["Benchmarks"].values())))
        return found

    def tie(self, found: Iterable[Edge]) -> None:
        """Write the relationships between objects and records, one for each record, kind and role."""
        gathered: dict[tuple[str, int, str], tuple[Any, list[Any]]] = {}
        for edge in found:
            if edge.kind not in _RELATIONS or not edge.source.is_a("IfcObjectDefinition"):
                continue
            if edge.source.is_a("IfcControl") and edge.target.is_a("IfcControl"):
                continue  # the tree says so
            key = (edge.kind, edge.target.id(), edge.role)
            gathered.setdefault(key, (edge.target, []))[1].append(edge.source)
        for (kind, _, role), (record, things) in gathered.items():
            name, end = next(each for above, *each in _RELATIONS[kind] if record.is_a(above))
            more: dict[str, Any] = {}
            if kind == "constrained" and role:
                more["Intent"] = role
            if kind == "actor" and role:
                more["ActingRole"] = self._role(role)
            self._model.create_entity(name, GlobalId=self._guid(), RelatedObjects=things, **{end: record}, **more)

    def _role(self, word: str) -> Any:
        if word in self._classes.values("IfcActorRole", "Role"):
            return self._model.create_entity("IfcActorRole", word)
        return self._model.create_entity("IfcActorRole", "USERDEFINED", word)

    def _organisation(self, name: str) -> Any:
        return self._model.create_entity("IfcOrganization", Name=name)

    def _actor(self, people: Mapping[str, Any]) -> Any:
        """Return the person, the organisation, or both that a group tells of."""
        create, told = self._model.create_entity, {key: str(value) for key, value in people.items()}
        roles = [self._role(word) for word in told.get("Roles", "").split(", ") if word] or None
        addresses = self._addresses(told) or None
        more = {"Roles": roles, "Addresses": addresses}
        name, about, number = (told.get(key) for key in ("Organization", "About", "Organization id"))
        if not told.get("Person"):
            return create("IfcOrganization", number, name or "-", about, **more)
        family = told.get("Family name", told["Person"])
        given = told["Person"].removesuffix(family).strip() or None
        person = create("IfcPerson", told.get("Person id"), family, given, **more)
        if not name:
            return person
        return create("IfcPersonAndOrganization", person, create("IfcOrganization", number, name, about))

    def _addresses(self, told: Mapping[str, str]) -> list[Any]:
        create, found = self._model.create_entity, []
        if told.get("Address"):
            found.append(create("IfcPostalAddress", AddressLines=[told["Address"]]))
        contacts = {
            "TelephoneNumbers": "Telephone",
            "FacsimileNumbers": "Fax",
            "ElectronicMailAddresses": "E-mail",
            "MessagingIDs": "Messaging",
        }
        stated: dict[str, Any] = {key: told[name].split(", ") for key, name in contacts.items() if told.get(name)}
        if told.get("Web"):
            stated["WWWHomePageURL"] = told["Web"]
        return [*found, create("IfcTelecomAddress", **stated)] if stated else found

    def _costs(self, group: Mapping[str, Any]) -> dict[str, Any]:
        values, quantities = [], {}
        for name, value in group.items():
            amount, unit = measured(value)
            if name.startswith(_QUANTITY):
                quantities[name.removeprefix(_QUANTITY)] = value
            elif name != _TOTAL and isinstance(amount, (int, float)):
                self._count_in(unit)
                money = self._model.create_entity("IfcMonetaryMeasure", float(amount))
                values.append(self._model.create_entity("IfcCostValue", Name=name, AppliedValue=money))
        found: dict[str, Any] = {"CostValues": values} if values else {}
        written = self._properties.quantities(quantities)
        return found | ({"CostQuantities": written} if written else {})

    def _count_in(self, currency: str) -> None:
        """Let the project count in a currency; a file has one."""
        if currency and not self._currency:
            self._currency = currency
            units = self._project.UnitsInContext
            units.Units = [*units.Units, self._model.create_entity("IfcMonetaryUnit", currency)]

    def _metric(self, name: str, text: Any) -> Any:
        grade = {"Name": name, "ConstraintGrade": "NOTDEFINED"}
        return self._model.create_entity("IfcMetric", **grade, **_limit(self._model, text))


def _limit(model: Any, text: Any) -> dict[str, Any]:
    """Return the benchmark and the value of a metric from one text, such as ``GREATERTHAN 52.0``."""
    word, _, rest = str(text).partition(" ")
    if not rest:
        return {"Benchmark": word}
    try:
        value = model.create_entity("IfcReal", float(rest))
    except ValueError:
        value = model.create_entity("IfcLabel", rest)
    return {"Benchmark": word, "DataValue": value}


# Kind: (class of the record, relationship, its end at the record), the most special class first.
_RELATIONS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "documented": (
        ("IfcLibraryInformation", "IfcRelAssociatesLibrary", "RelatingLibrary"),
        ("IfcLibraryReference", "IfcRelAssociatesLibrary", "RelatingLibrary"),
        ("IfcDocumentInformation", "IfcRelAssociatesDocument", "RelatingDocument"),
        ("IfcDocumentReference", "IfcRelAssociatesDocument", "RelatingDocument"),
    ),
    "approved": (("IfcApproval", "IfcRelAssociatesApproval", "RelatingApproval"),),
    "constrained": (("IfcConstraint", "IfcRelAssociatesConstraint", "RelatingConstraint"),),
    "governed": (("IfcControl", "IfcRelAssignsToControl", "RelatingControl"),),
    "actor": (("IfcActor", "IfcRelAssignsToActor", "RelatingActor"),),
}
