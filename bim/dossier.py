"""Worker side: what stands beside the objects of a model: documents, approvals, constraints, costs, permits, actors.

Each becomes a row of its own in the layer `RECORDS`, tied to the objects that it is about, so that it is read where
it is used and found from either end. Those without a GlobalId get a key that says what they are (`key_of`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bim.entities import READ_ERRORS, attribute, every, list_at, number_at, plain, text_at
from bim.people import actor_text, person_facts
from bim.relations import Tie

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bim.properties import Groups
    from bim.units import Units

RECORDS = "records"
_ROOTED = ("IfcControl", "IfcActor")
_ELSEWHERE = ("IfcWorkControl", "IfcScheduleTimeControl")  # read with the schedule
_IDENTIFIED = ("Identification", "Identifier", "DocumentId", "ItemReference", "Name")
_TITLES = ("Name", *_IDENTIFIED)
# Relationship: the attribute at its record, the kind of the tie, and where more about it is said.
_RELATIONS = {
    "IfcRelAssociatesDocument": ("RelatingDocument", "documented", ""),
    "IfcRelAssociatesLibrary": ("RelatingLibrary", "documented", ""),
    "IfcRelAssociatesApproval": ("RelatingApproval", "approved", ""),
    "IfcRelAssociatesConstraint": ("RelatingConstraint", "constrained", "Intent"),
    "IfcRelAssignsToControl": ("RelatingControl", "governed", ""),
    "IfcRelAssignsToActor": ("RelatingActor", "actor", "ActingRole"),
}
_WHOLES = ("ReferencedDocument", "ReferencedLibrary", "ReferenceToDocument", "ReferenceIntoLibrary")  # IFC2x3: the last
_SAID_ELSEWHERE = frozenset({"GlobalId", "OwnerHistory", "Name", "Description", "ObjectType", "PredefinedType"})
_NOTHING: tuple[Any, ...] = (None, "", [], "NOTDEFINED")


@dataclass(slots=True)
class Dossier:
    """The records of a model.

    Parameters
    ----------
    entities
        Entities by number, in the order of the file.
    titles
        What each is called.
    keys
        What stands for the GlobalId of those that have none.
    ties
        Which object is documented, approved, constrained or governed by which record, and by whom it is acted on.
    parents
        The document of a reference, the schedule of a cost item.
    groups
        Facts of each record.
    columns
        Identification and status of each.
    """

    entities: dict[int, Any] = field(default_factory=dict)
    titles: dict[int, str] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    ties: list[Tie] = field(default_factory=list)
    parents: dict[int, int] = field(default_factory=dict)
    groups: dict[int, Groups] = field(default_factory=dict)
    columns: dict[int, dict[str, str]] = field(default_factory=dict)


def read_dossier(model: Any, units: Units, types: dict[int, int]) -> Dossier:
    """Return the records of an open model, of any schema.

    Parameters
    ----------
    model
        The open file.
    units
        Its units.
    types
        The type of each typed object: what is about a type is about its occurrences.
    """
    found = Dossier()
    occurrences: dict[int, list[int]] = {}
    for number, own_type in types.items():
        occurrences.setdefault(own_type, []).append(number)
    for name in _ROOTED:
        _keep(found, (each for each in every(model, name) if _is_record(each)))
    for name, (end, kind, more) in _RELATIONS.items():
        for relation in every(model, name):
            record = attribute(relation, end)
            if record is None or not _is_record(record):
                continue
            whole = next(wholes(record), None)
            _keep(found, filter(None, (whole, record)))
            if whole is not None:
                found.parents[record.id()] = whole.id()
            _tie(found, relation, record, (kind, _role(relation, record, more)), occurrences)
    for number, entity in found.entities.items():
        found.groups[number] = _groups(entity, units)
        told = next((text for word in _IDENTIFIED[:-1] if (text := text_at(entity, word))), "")
        status = text_at(entity, "Status") or text_at(entity, "ApprovalStatus")
        stated = {"identification": told, "status": status}
        found.columns[number] = {name: text for name, text in stated.items() if text}
    _name(found)
    return found


def _title(entity: Any) -> str:
    """Return what a record is called: its name, its identification, or those of the document that it refers to."""
    facts = [entity, *wholes(entity)]
    told = next((text for each in facts for word in _TITLES if (text := text_at(each, word))), "")
    return told or actor_text(attribute(entity, "TheActor")) or text_at(entity, "Location")


def wholes(record: Any) -> Iterator[Any]:
    """Yield the document or library that a record refers to."""
    return (each for word in _WHOLES for each in list_at(record, word))


def _is_record(entity: Any) -> bool:
    return not any(entity.is_a(name) for name in _ELSEWHERE)


def _keep(found: Dossier, entities: Iterable[Any]) -> None:
    found.entities.update({each.id(): each for each in entities})


def _tie(found: Dossier, relation: Any, record: Any, said: tuple[str, str], occurrences: dict[int, list[int]]) -> None:
    kind, role = said
    for thing in list_at(relation, "RelatedObjects"):
        if kind == "governed" and thing.is_a("IfcControl"):
            found.parents[thing.id()] = record.id()
        for number in occurrences.get(thing.id(), [thing.id()]):
            found.ties.append(Tie(number, kind, record.id(), role))


def _role(relation: Any, record: Any, more: str) -> str:
    if more == "ActingRole":
        role = attribute(relation, more)
        stated = text_at(role, "Role") if role is not None else ""
        return text_at(role, "UserDefinedRole") if stated == "USERDEFINED" else stated
    return text_at(relation, more) if more else record.is_a().removeprefix("Ifc")


def _name(found: Dossier) -> None:
    """Set what each is called, and the key of each without a GlobalId: its class and title, counted if that repeats."""
    seen: Counter[str] = Counter()
    for number, entity in sorted(found.entities.items()):
        found.titles[number] = _title(entity)
        if not text_at(entity, "GlobalId"):
            key = f"{entity.is_a()}:{found.titles[number]}"
            seen[key] += 1
            found.keys[number] = key if seen[key] == 1 else f"{key}:{seen[key]}"


def _groups(entity: Any, units: Units) -> Groups:
    """Return the facts of a record: its plain attributes, then what its entities say, each in a group."""
    found: Groups = {"Attributes": dict(_plain_attributes(entity))}
    for name, read in (("People", _people), ("Cost", _costs), ("Benchmarks", _benchmarks), ("Format", _format)):
        try:
            group = dict(read(entity, units))
        except READ_ERRORS:
            continue
        if group:
            found[name] = group
    return found


def _plain_attributes(entity: Any) -> Iterator[tuple[str, Any]]:
    for name, value in entity.get_info(recursive=False, include_identifier=False).items():
        parts = value if isinstance(value, (tuple, list)) else (value,)
        if name in _SAID_ELSEWHERE or name == "type" or any(hasattr(each, "id") and each.id() for each in parts):
            continue
        told = plain(value)
        if told not in _NOTHING:
            yield name, told


def _people(entity: Any, _units: Units) -> Iterator[tuple[str, Any]]:
    for word in ("DocumentOwner", "RequestingApproval", "GivingApproval", "CreatingActor", "Publisher"):
        told = actor_text(attribute(entity, word))
        if told:
            yield word, told
    editors = [text for each in list_at(entity, "Editors") if (text := actor_text(each))]
    if editors:
        yield "Editors", ", ".join(editors)
    actor = attribute(entity, "TheActor")
    if actor is not None:
        yield from person_facts(actor).items()


def _costs(entity: Any, units: Units) -> Iterator[tuple[str, Any]]:
    """Yield each value of a cost item, the sum of several, and the quantities that they are for."""
    values = [each for each in list_at(entity, "CostValues") if number_at(each, "AppliedValue") is not None]
    currency = units.named("MONETARYUNIT")
    for place, each in enumerate(values, 1):
        name = text_at(each, "Name") or text_at(each, "Category") or text_at(each, "CostType")
        yield name or ("Value" if len(values) == 1 else f"Value {place}"), currency.of(number_at(each, "AppliedValue"))
    if len(values) > 1:
        yield "Total", currency.of(sum(number_at(each, "AppliedValue") or 0.0 for each in values))
    for each in list_at(entity, "CostQuantities"):
        number = next((plain(part) for part in each if isinstance(part, (int, float))), None)
        unit = units.of_quantity(each)
        if number is not None:
            yield f"Quantity: {text_at(each, 'Name') or each.is_a()}", unit.of(number)


def _benchmarks(entity: Any, _units: Units) -> Iterator[tuple[str, Any]]:
    metrics = list_at(entity, "BenchmarkValues") or ([entity] if entity.is_a("IfcMetric") else [])
    for each in metrics:
        limit = text_at(each, "Benchmark")
        value = plain(attribute(each, "DataValue"))
        told = " ".join(str(part) for part in (limit, value) if part not in _NOTHING)
        if told:
            yield text_at(each, "Name") or each.is_a().removeprefix("Ifc"), told


def _format(entity: Any, _units: Units) -> Iterator[tuple[str, Any]]:
    """Yield the format of a document of IFC2x3, which is an entity."""
    stated = attribute(entity, "ElectronicFormat")
    if hasattr(stated, "is_a"):
        for word in ("FileExtension", "MimeContentType", "MimeSubtype"):
            if text_at(stated, word):
                yield word, text_at(stated, word)
