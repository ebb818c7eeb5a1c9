"""Attributes of CityGML objects: plain ones, generic ones, measures, codes, addresses, relations, extensions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gis.dynamizers import GROUP, dynamizer_of
from gis.gml_words import WORDS, XLINK_HREF, Role, Word, local_name, word
from gis.plateau import is_unknown

if TYPE_CHECKING:
    from gis.cityobjects import ModelObject
    from gis.codelists import CodeLists

_CODES = frozenset({"class", "function", "usage", "roofType", "name", "description", "identifier", "surfaceMaterial"})
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,14})$")
_REAL = re.compile(r"-?\d+\.\d*(?:[eE][-+]?\d+)?$|-?\d+[eE][-+]?\d+$|-?\.\d+$")
_UNITS = {"metre": "m", "meter": "m", "metres": "m", "meters": "m", "sqm": "m2", "m^2": "m2", "m²": "m2",
          "cbm": "m3", "m^3": "m3", "m³": "m3", "degree": "deg", "deg": "deg", "percent": "%", "hours": "h",
          "hour": "h"}  # fmt: skip
_DEEPEST = 12


class AttributeReader:
    """Fills objects with what their elements say.

    Parameters
    ----------
    codes
        The code lists beside the model.
    """

    def __init__(self, codes: CodeLists) -> None:
        """Start with no units and no foreign namespaces."""
        self._codes = codes
        self.units: dict[str, str] = {}
        self.foreign: set[str] = set()

    def read(self, element: Any, owner: ModelObject) -> None:
        """Read the direct children of an object that are no geometry and no objects."""
        for child in element:
            sort = WORDS[child.tag]
            role = sort.role
            if sort.is_inner or role is Role.SKIPPED:
                continue
            if sort.is_foreign and sort.space:
                self.foreign.add(sort.space)
            if len(child) == 0:
                self._plain(child, sort, owner)
            elif role is Role.ATTRIBUTE and not sort.is_foreign:
                self._structured(child, sort, owner)
            elif sort.name != "boundedBy" and not WORDS[child[0].tag].is_inner:
                self._group(child, owner)

    def _plain(self, child: Any, sort: Word, owner: ModelObject) -> None:
        text = (child.text or "").strip()
        if not text:
            self._link(child, sort, owner)
            return
        value = self._value(sort.name, text, child)
        self._put(owner.attributes, sort.name, value)
        if value is not text and child.get("codeSpace") and value != text:
            self._put(owner.attributes, f"{sort.name}_code", text)

    def _link(self, child: Any, sort: Word, owner: ModelObject) -> None:
        target = child.get(XLINK_HREF)
        if not target:
            return
        if sort.name == "groupMember":
            owner.relations.append(("member", target.lstrip("#"), child.get("role") or ""))
        elif sort.name in {"parent", "relatedTo", "generalizesTo", "buildingUnit", "storey", "buildingRoom"}:
            owner.relations.append(("related", target.lstrip("#"), sort.name))

    def _value(self, name: str, text: str, child: Any) -> Any:
        """Return a text as what it is: the name of a code, a number, or itself; None where it means unknown."""
        space = child.get("codeSpace")
        if space:
            return self._codes.label(space, text) or text
        uom = child.get("uom")
        value = text if name in _CODES and not uom else typed(text)
        if is_unknown(name, value):
            return None
        unit = unit_of(uom) if uom else "m" if name == "measuredHeight" else ""
        if unit and isinstance(value, (int, float)):
            value = float(value)
            if self.units.setdefault(name, unit) != unit:
                return f"{text} {unit}"
        return value

    @staticmethod
    def _put(attributes: dict[str, Any], name: str, value: Any) -> None:
        """Put a value; a second one of the name makes a list."""
        if value is None:
            return
        if name not in attributes:
            attributes[name] = value
            return
        old = attributes[name]
        attributes[name] = [*old, value] if isinstance(old, list) else [old, value]

    def _structured(self, child: Any, sort: Word, owner: ModelObject) -> None:
        """Read an attribute that has parts of its own in CityGML."""
        if sort.name.endswith(("Attribute", "AttributeSet")):
            self._generic(child, owner)
        elif sort.name == "address":
            self._address(child, owner)
        elif sort.name == "relatedTo":
            for relation in child:
                parts = {local_name(part.tag): part for part in relation}
                target = parts["relatedTo"].get(XLINK_HREF) if "relatedTo" in parts else None
                if target:
                    role = (parts["relationType"].text or "").strip() if "relationType" in parts else ""
                    owner.relations.append(("related", target.lstrip("#"), role))
        elif sort.name == "dynamizer":
            for dynamizer in child:
                found = dynamizer_of(dynamizer)
                self._series(found, dynamizer, owner)
        else:
            self._group(child, owner)
            if sort.name == "height" and "measuredHeight" not in owner.attributes:
                self._measured_height(child, owner)

    def _measured_height(self, child: Any, owner: ModelObject) -> None:
        value = child.find(".//{*}value")
        if value is not None and value.text:
            self._put(owner.attributes, "measuredHeight", self._value("measuredHeight", value.text.strip(), value))

    @staticmethod
    def _series(found: dict[str, Any], element: Any, owner: ModelObject) -> None:
        name = str(found.get("property") or found.get("sensor", {}).get("observationProperty") or "series")
        group = owner.properties.setdefault(GROUP, {})
        identity = next((value for key, value in element.attrib.items() if key.endswith("}id")), "")
        group[name if name not in group else f"{name}~{identity or len(group)}"] = found

    def _generic(self, child: Any, owner: ModelObject) -> None:
        """Read a generic attribute of CityGML 2 (named by XML attribute) or 3 (named by element), or a set of them."""
        holder = child
        if child.get("name") is None and len(child) and local_name(child[0].tag)[:1].isupper():
            holder = child[0]
        name = holder.get("name") or _text_of(holder, "name")
        if not name:
            return
        if local_name(holder.tag).lower().endswith("attributeset"):
            group = owner.properties.setdefault(name, {})
            inner = type(owner)("", "", attributes=group)
            for part in holder:
                if local_name(part.tag).endswith("Attribute"):
                    self._generic(part, inner)
            return
        value = next((part for part in holder if local_name(part.tag) == "value"), None)
        if value is None or not (value.text or "").strip():
            return
        known = name if name not in owner.attributes and name != "name" else f"gen_{name}"
        text, kind = value.text.strip(), local_name(holder.tag).lower()
        is_text = kind.startswith(("string", "code", "uri", "date"))
        self._put(
            owner.attributes, known, text if is_text and not value.get("codeSpace") else self._value(known, text, value)
        )

    def _group(self, child: Any, owner: ModelObject) -> None:
        """Read a structured attribute as a group of properties, named by its type."""
        inner = child[0] if len(child) == 1 and len(child[0]) else child
        name = local_name(inner.tag)
        values = self._fields(inner, 0)
        if name == "KeyValuePairAttribute":
            key = str(values.get("key", ""))
            value = next((values[part] for part in values if part != "key" and not part.endswith("_code")), None)
            if key and value is not None:
                owner.properties.setdefault(name, {})[key] = value
        elif values:
            places = [name, *(f"{name}~{number}" for number in range(2, 10_000))]
            owner.properties[next(place for place in places if place not in owner.properties)] = values

    def _fields(self, element: Any, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for child in element:
            name = local_name(child.tag)
            if len(child):
                if depth < _DEEPEST and word(child.tag).role is not Role.GEOMETRY:
                    self._put(found, name, self._fields(child, depth + 1) or None)
                continue
            text = (child.text or "").strip() or child.get(XLINK_HREF) or ""
            if text:
                value = self._value(name, text, child)
                self._put(found, name, value)
                if child.get("codeSpace") and value != text:
                    self._put(found, f"{name}_code", text)
        return found

    def _address(self, child: Any, owner: ModelObject) -> None:
        parts = address_of(child)
        if not parts:
            return
        name = "address"
        while name in owner.properties:
            name += "~"
        owner.properties[name] = parts
        street = " ".join(parts[part] for part in ("street", "number") if part in parts)
        town = " ".join(parts[part] for part in ("postcode", "city") if part in parts)
        owner.attributes.setdefault("address", ", ".join(part for part in (street, town) if part) or None)


_ADDRESS = {
    "CountryName": "country", "LocalityName": "city", "ThoroughfareName": "street", "ThoroughfareNumber": "number",
    "PostalCodeNumber": "postcode", "AdministrativeAreaName": "region", "DependentLocalityName": "district",
    "BuildingName": "building", "PremiseName": "building", "PostBoxNumber": "post_box",
}  # fmt: skip
_PLACES = {"Country": "country", "Locality": "city", "Thoroughfare": "street", "PostCode": "postcode",
           "AdministrativeArea": "region", "SubLocality": "district", "Premises": "building"}  # fmt: skip


def address_of(element: Any) -> dict[str, str]:
    """Return the parts of an xAL address, version 2 or 3: country, region, city, street, number, postcode, ..."""
    found: dict[str, str] = {}
    for part in element.iter("*"):
        text = " ".join((part.text or "").split())
        if not text:
            continue
        name = local_name(part.tag)
        above = local_name(part.getparent().tag) if part.getparent() is not None else ""
        field = _ADDRESS.get(name, "")
        if name in {"NameElement", "Identifier"}:
            field = _PLACES.get(above, "")
        elif name == "Number":
            field = "number"
        if field:
            found.setdefault(field, text)
    return found


@lru_cache(maxsize=65_536)
def typed(text: str) -> Any:
    """Return a text as a number if it is written like one.

    Examples
    --------
    >>> typed("12"), typed("1.50"), typed("0012"), typed("31001_1000")
    (12, 1.5, '0012', '31001_1000')
    """
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _REAL.match(text) else text


@lru_cache(maxsize=1_024)
def unit_of(uom: str) -> str:
    """Return the UCUM code of a unit of measure, however it is spelled.

    Examples
    --------
    >>> unit_of("urn:adv:uom:m"), unit_of("#m2"), unit_of("metre"), unit_of("kWh/a")
    ('m', 'm2', 'm', 'kWh/a')
    """
    plain = uom.strip()
    if plain.startswith(("urn:", "http:", "https:")):
        plain = re.split(r"[:/#]", plain)[-1]
    plain = plain.lstrip("#")
    return _UNITS.get(plain.lower(), plain)[:40]


def _text_of(element: Any, name: str) -> str:
    for child in element:
        if local_name(child.tag) == name:
            return (child.text or "").strip()
    return ""
