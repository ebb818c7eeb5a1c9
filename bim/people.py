"""Worker side: persons and organisations, as one text or as facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bim.entities import attribute, list_at, text_at

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("PrefixTitles", "GivenName", "MiddleNames", "FamilyName", "SuffixTitles")
_LINES = ("InternalLocation", "AddressLines", "PostalBox", "PostalCode", "Town", "Region", "Country")
_CONTACTS = {
    "TelephoneNumbers": "Telephone",
    "FacsimileNumbers": "Fax",
    "ElectronicMailAddresses": "E-mail",
    "WWWHomePageURL": "Web",
    "MessagingIDs": "Messaging",
}


def actor_text(actor: Any) -> str:
    """Return a person, an organisation, or both in one text; empty for none."""
    if actor is None or not hasattr(actor, "is_a"):
        return ""
    person, organisation = _parts(actor)
    return ", ".join(filter(None, (_person_name(person), text_at(organisation, "Name"))))


def person_facts(actor: Any) -> dict[str, str]:
    """Return what is known of a person or an organisation: names, ids, roles, addresses."""
    person, organisation = _parts(actor)
    found = {
        "Person": _person_name(person),
        "Family name": text_at(person, "FamilyName"),
        "Person id": text_at(person, "Identification") or text_at(person, "Id"),
        "Organization": text_at(organisation, "Name"),
        "Organization id": text_at(organisation, "Identification") or text_at(organisation, "Id"),
        "About": text_at(organisation, "Description"),
        "Roles": ", ".join(dict.fromkeys(_roles(actor, person, organisation))),
    }
    for each in (person, organisation):
        for address in list_at(each, "Addresses") if each is not None else []:
            for name, text in _address(address):
                found.setdefault(name, text)
    return {name: text for name, text in found.items() if text}


def _parts(actor: Any) -> tuple[Any, Any]:
    """Return the person and the organisation of an `IfcActorSelect`, None for what it has not."""
    if actor.is_a("IfcPersonAndOrganization"):
        return attribute(actor, "ThePerson"), attribute(actor, "TheOrganization")
    return (actor, None) if actor.is_a("IfcPerson") else (None, actor)


def _person_name(person: Any) -> str:
    words: list[str] = []
    for name in _NAMES if person is not None else ():
        value = attribute(person, name)
        words += [*value] if isinstance(value, (tuple, list)) else [text_at(person, name)]
    return " ".join(filter(None, words)) or (text_at(person, "Identification") or text_at(person, "Id"))


def _roles(*entities: Any) -> Iterator[str]:
    for entity in entities:
        for role in list_at(entity, "Roles") if entity is not None else []:
            stated = text_at(role, "Role")
            yield text_at(role, "UserDefinedRole") if stated == "USERDEFINED" else stated


def _address(address: Any) -> Iterator[tuple[str, str]]:
    lines = [text for word in _LINES for text in _texts(attribute(address, word))]
    if lines:
        yield "Address", ", ".join(lines)
    for word, name in _CONTACTS.items():
        texts = _texts(attribute(address, word))
        if texts:
            yield name, ", ".join(texts)


def _texts(value: Any) -> list[str]:
    return [text for each in (value if isinstance(value, (tuple, list)) else (value,)) if each and (text := str(each))]
