"""Attributes of CityGML objects: plain ones, generic ones, measures, codes, addresses, relations, extensions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gis.dynamizers import GROUP, dynamizer_of
from gis.gml_elements import Element
from gis.gml_words import XLINK_HREF, Role, Word, local_name, word
from gis.plateau import is_unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gis.cityobjects import ModelObject
    from gis.codelists import CodeLists
    from gis.gml_columns import Elements

    Pairs = tuple[tuple[str, Any], ...]

_CODES = frozenset({"class", "function", "usage", "roofType", "name", "description", "identifier", "surfaceMaterial"})
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,14})$")
_REAL = re.compile(r"-?\d+\.\d*(?:[eE][-+]?\d+)?$|-?\d+[eE][-+]?\d+$|-?\.\d+$")
_UNITS = {"metre": "m", "meter": "m", "metres": "m", "meters": "m", "sqm": "m2", "m^2": "m2", "m²": "m2",
          "cbm": "m3", "m^3": "m3", "m³": "m3", "degree": "deg", "deg": "deg", "percent": "%", "hours": "h",
          "hour": "h"}  # fmt: skip
_DEEPEST = 12
_MOST_KNOWN = 100_000


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
        self._known: dict[tuple[str, bytes], Pairs] = {}  # what elements say, by their names and their bytes
        self.has_lists = False

    def read(self, page: Elements, number: int, owner: ModelObject) -> None:
        """Read the direct children of an object that are no geometry and no objects."""
        codes, ends, _, texts, names = page.columns
        words, tags, text, known = page.words, page.tags, page.text, self._known
        child, last = number + 1, ends[number]
        while child < last:
            code, behind = codes[child], ends[child]
            sort = words[code]
            if not sort.is_silent:
                if sort.is_foreign and sort.space:
                    self.foreign.add(sort.space)
                if behind == child + 1:
                    pairs = known.get((tags[code], text[names[child] : texts[child]]))
                    self._put_all(owner, pairs if pairs is not None else self._leaf(page, child, sort, owner))
                elif sort.is_generic:
                    self._generic(page, child, owner)
                elif sort.role is Role.ATTRIBUTE and not sort.is_foreign:
                    self._structured(Element(page, child), sort, owner)
                elif sort.name != "boundedBy" and not words[codes[child + 1]].is_inner:
                    self._group(Element(page, child), owner)
            child = behind

    def _put_all(self, owner: ModelObject, pairs: Pairs) -> None:
        attributes = owner.attributes
        for name, value in pairs:
            if value is not None and name not in attributes:
                attributes[name] = value
            else:
                self._put(attributes, name, value)

    def _leaf(self, page: Elements, number: int, sort: Word, owner: ModelObject) -> Pairs:
        """Return the attributes that an element without children gives; the next time they are known."""
        text, said = page.text_at(number), page.attributes(number)
        if not text:
            self._link(said, sort, owner)
            return ()
        value = self._value(sort.name, text, said)
        is_named = value is not text and said.get("codeSpace") and value != text
        pairs = ((sort.name, value), (f"{sort.name}_code", text)) if is_named else ((sort.name, value),)
        self._know(page, number, page.columns[3][number], pairs)
        return pairs

    def _know(self, page: Elements, number: int, end: int, pairs: Pairs) -> None:
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        columns = page.columns
        self._known[page.tags[columns[0][number]], page.text[columns[4][number] : end]] = pairs

    @staticmethod
    def _link(said: Mapping[str, str], sort: Word, owner: ModelObject) -> None:
        target = said.get(XLINK_HREF)
        if not target:
            return
        if sort.name == "groupMember":
            owner.relations.append(("member", target.lstrip("#"), said.get("role") or ""))
        elif sort.name in {"parent", "relatedTo", "generalizesTo", "buildingUnit", "storey", "buildingRoom"}:
            owner.relations.append(("related", target.lstrip("#"), sort.name))

    def _value(self, name: str, text: str, said: Mapping[str, str]) -> Any:
        """Return a text as what it is: the name of a code, a number, or itself; None where it means unknown."""
        space = said.get("codeSpace")
        if space:
            return self._codes.label(space, text) or text
        uom = said.get("uom")
        value = text if name in _CODES and not uom else typed(text)
        if is_unknown(name, value):
            return None
        unit = unit_of(uom) if uom else "m" if name == "measuredHeight" else ""
        if unit and isinstance(value, (int, float)):
            value = float(value)
            if self.units.setdefault(name, unit) != unit:
                return f"{text} {unit}"
        return value

    def _put(self, attributes: dict[str, Any], name: str, value: Any) -> None:
        """Put a value; a second one of the name makes a list."""
        if value is None:
            return
        if name not in attributes:
            attributes[name] = value
            return
        old = attributes[name]
        self.has_lists = True
        attributes[name] = [*old, value] if isinstance(old, list) else [old, value]

    def _structured(self, child: Any, sort: Word, owner: ModelObject) -> None:
        """Read an attribute that has parts of its own in CityGML."""
        if sort.name == "address":
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
            self._put(
                owner.attributes, "measuredHeight", self._value("measuredHeight", value.text.strip(), value.attrib)
            )

    @staticmethod
    def _series(found: dict[str, Any], element: Any, owner: ModelObject) -> None:
        name = str(found.get("property") or found.get("sensor", {}).get("observationProperty") or "series")
        group = owner.properties.setdefault(GROUP, {})
        identity = next((value for key, value in element.attrib.items() if key.endswith("}id")), "")
        group[name if name not in group else f"{name}~{identity or len(group)}"] = found

    def _generic(self, page: Elements, number: int, owner: ModelObject) -> None:
        """Read a generic attribute of CityGML 2 (named by XML attribute) or 3 (named by element), or a set of them."""
        end = int(page.lasts[number])
        pairs = self._known.get((page.tags[page.columns[0][number]], page.text[page.columns[4][number] : end]))
        if pairs is not None and pairs[0][0] not in owner.attributes:
            self._put_all(owner, pairs)
            return
        holder, parts = number, page.children(number)
        name = page.attributes(number).get("name")
        if name is None and page.name_at(parts[0])[:1].isupper():
            holder, parts = parts[0], page.children(parts[0])
            name = page.attributes(holder).get("name")
        named = {page.name_at(part): part for part in reversed(parts)}
        name = name or (page.text_at(named["name"]) if "name" in named else "")
        if not name:
            return
        kind = page.name_at(holder).lower()
        if kind.endswith("attributeset"):
            group = owner.properties.setdefault(name, {})
            inner = type(owner)("", "", attributes=group)
            for part in parts:
                if page.name_at(part).endswith("Attribute") and page.children(part):
                    self._generic(page, part, inner)
            return
        text = page.text_at(named["value"]) if "value" in named else ""
        if not text:
            return
        known = name if name not in owner.attributes and name != "name" else f"gen_{name}"
        said = page.attributes(named["value"])
        is_text = kind.startswith(("string", "code", "uri", "date")) and not said.get("codeSpace")
        value = text if is_text else self._value(known, text, said)
        self._put(owner.attributes, known, value)
        if known == name:
            self._know(page, number, end, ((known, value),))

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
                value = self._value(name, text, child.attrib)
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
