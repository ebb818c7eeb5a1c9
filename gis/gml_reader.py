"""From the members of a CityGML document to objects and their shapes, one pass through each member."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gis import plateau
from gis.cityobjects import ModelObject
from gis.gml_appearance import Appearances
from gis.gml_links import id_of
from gis.gml_shapes import ShapeList, ShapeReader, Target
from gis.gml_words import GML_IDS, WORDS, XLINK_HREF, Role, Word, local_name, word

if TYPE_CHECKING:
    from gis.gml_attributes import AttributeReader
    from gis.gml_implicit import ImplicitReader
    from gis.gml_links import FarElements
    from scenes.problems import Problems

_DEEPEST_LINK = 30


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What must be known of a document before it is read.

    Parameters
    ----------
    has_links
        Whether anything names an id.
    is_flat
        Whether some coordinates have two dimensions.
    has_appearance
        Whether anything gives colours or images.
    has_relations
        Whether objects are tied to each other beside the tree.
    """

    has_links: bool
    is_flat: bool
    has_appearance: bool
    has_relations: bool


@dataclass
class Chunk:
    """Objects that become batches together.

    `looks` are (kind, code of a surface); a shape names one by its number.
    """

    objects: list[ModelObject] = field(default_factory=list)
    shapes: ShapeList = field(default_factory=ShapeList)
    looks: dict[tuple[str, int], int] = field(default_factory=dict)
    appearances: list[tuple[int, int, Appearances]] = field(default_factory=list)  # polygons from, to

    def look(self, kind: str, code: int) -> int:
        """Return the number of a look."""
        return self.looks.setdefault((kind, code), len(self.looks))

    def is_full(self, rows: int, texts: int) -> bool:
        """Say whether it is time to make batches."""
        return len(self.objects) >= rows or len(self.shapes.texts) >= texts


@dataclass(slots=True)
class _Place:
    """An object or thematic surface that is being passed: its row, the code of a surface, the object's own level."""

    row: int
    code: int = 0
    level: str = ""


class MemberReader:
    """Reads members into a chunk.

    Parameters
    ----------
    facts
        Of the document.
    attributes, far, implicit
        Readers of attributes, distant links and implicit geometry.
    appearances
        Of the whole document.
    problems
        Collects what is broken.
    """

    def __init__(
        self,
        facts: DocumentFacts,
        attributes: AttributeReader,
        far: FarElements,
        implicit: ImplicitReader,
        appearances: Appearances,
        problems: Problems,
    ) -> None:
        """Start with an empty chunk."""
        self._facts, self._attributes, self._far, self._implicit = facts, attributes, far, implicit
        self._appearances, self._problems = appearances, problems
        self._keys: dict[str, int] = {}
        self.surface_owners: dict[str, str] = {}
        self.chunk = Chunk()
        self.fresh()

    @property
    def units(self) -> dict[str, str]:
        """UCUM units of the attributes so far."""
        return self._attributes.units

    def fresh(self) -> Chunk:
        """Return the chunk that was filled, and begin another one."""
        full, self.chunk = self.chunk, Chunk()
        wants_ids = self._facts.has_links or self._facts.has_appearance
        facts = self._facts
        self._shapes = ShapeReader(
            self.chunk.shapes, id_of if wants_ids else None, facts.is_flat, rings=facts.has_appearance
        )
        return full

    def read(self, element: Any) -> None:
        """Read one top-level object with everything inside it."""
        appearances = self._appearances
        if self._facts.has_appearance:
            if element.find(".//{*}Appearance") is not None:
                appearances = Appearances(dict(appearances.colours), dict(appearances.images))
                appearances.read(element)
            appearances.spread(element, id_of, GML_IDS[0])
        first = len(self.chunk.shapes.rows)
        self._pass(element)
        if appearances:
            self.chunk.appearances.append((first, len(self.chunk.shapes.rows), appearances))

    def _pass(self, element: Any) -> None:
        """Go through an object in the order of the document."""
        self._shapes.begin()
        first, first_polygon = len(self.chunk.objects), len(self.chunk.shapes.rows)
        places: dict[Any, _Place] = {}
        links: list[tuple[Target, str]] = []
        self._object(element, element, places)
        target = Target(first, places[element].level or "1", self._look(places[element]))
        take, words, skipped = self._shapes.take, WORDS, 0
        for node in element.iter():
            if skipped:
                skipped -= 1
                continue
            sort = words[node.tag]
            if sort.is_passed:
                continue
            if sort.is_geometric:
                take(sort.role, node, target)
            elif sort.is_linking:
                target = target if sort.role is Role.LINKED else self._target(node, sort, places)
                if reference := node.get(XLINK_HREF):
                    links.append((target, reference))
            elif node is not element:
                skipped = self._enter(node, sort, target, places)
        if links:
            self._follow(element, links, (first, first_polygon))

    def _enter(self, node: Any, sort: Word, target: Target, places: dict[Any, _Place]) -> int:
        """Begin an object or a surface inside another object; return how many of the next elements are done with."""
        if sort.role is Role.SKIPPED or sort.role is Role.PLACED:
            if sort.role is Role.PLACED:
                self._implicit.read(node, target, self.chunk.objects[target.row].kind)
            return sum(1 for _ in node.iter()) - 1
        above = _above(node, places)
        if sort.role is Role.OBJECT:
            self._object(node, above, places)
            return 0
        place = places[above]
        places[node] = _Place(place.row, sort.code or place.code, place.level)
        if self._facts.has_relations or len(node) > 1 or (len(node) and word(node[0].tag).role is not Role.SHAPE):
            self._surface(node, self.chunk.objects[place.row])
        return 0

    def _object(self, node: Any, above: Any, places: dict[Any, _Place]) -> None:
        sort = word(node.tag)
        name = sort.name
        parent = self.chunk.objects[places[above].row].key if above in places else ""
        kind, layer = (sort.kind, "") if sort.role is Role.OBJECT else plateau.kind_of(name, sort.space)
        key = self._unique(id_of(node) or f"{parent}/{name}-{len(self.chunk.objects)}")
        owner = ModelObject(key, kind, parent=parent, layer=layer)
        self._attributes.read(node, owner)
        if kind != name:
            owner.attributes.setdefault("citygml_class", name)
        title = owner.attributes.pop("name", "")
        owner.name = str(title[0] if isinstance(title, list) else title)
        for word_, value in owner.attributes.items():
            if isinstance(value, list):
                owner.attributes[word_] = "; ".join(str(each) for each in value)
        self._japanese(owner)
        self.chunk.objects.append(owner)
        level = self._own_level(node) if kind == "ReliefFeature" else ""
        places[node] = _Place(len(self.chunk.objects) - 1, sort.code, level)

    @staticmethod
    def _japanese(owner: ModelObject) -> None:
        if not owner.properties:
            return
        depth = plateau.flood_depth_m(owner.properties)
        if depth is not None:
            owner.attributes["flood_depth_m"] = depth
        if owner.kind == "WaterBody" and plateau.is_hazard(owner.properties):
            owner.layer = "hazards"

    @staticmethod
    def _own_level(node: Any) -> str:
        """Return the level of detail that a relief object says of itself."""
        for child in node:
            if local_name(child.tag) == "lod" and (child.text or "").strip() in set("01234"):
                return str(child.text.strip())
        return ""

    def _surface(self, node: Any, owner: ModelObject) -> None:
        """Keep what a thematic surface says of itself with its object."""
        name = id_of(node)
        if name:
            self.surface_owners[name] = owner.key
        extra = ModelObject("", "")
        self._attributes.read(node, extra)
        owner.relations += extra.relations
        series = extra.properties.pop("timeseries", {})
        for title, found in series.items():
            group = owner.properties.setdefault("timeseries", {})
            group[title if title not in group else f"{title}~{name}"] = found
        values = {**extra.attributes, **extra.properties}
        if values:
            owner.properties[f"{local_name(node.tag)} {name}".strip()] = values

    def _target(self, node: Any, sort: Word, places: dict[Any, _Place]) -> Target:
        place = places[_above(node, places)]
        look = self.chunk.look(self.chunk.objects[place.row].kind, place.code or sort.code)
        return Target(place.row, sort.level or place.level or "1", look)

    def _look(self, place: _Place) -> int:
        return self.chunk.look(self.chunk.objects[place.row].kind, place.code)

    def _unique(self, key: str) -> str:
        count = self._keys.get(key, 0) + 1
        self._keys[key] = count
        return key if count == 1 else f"{key}~{count}"

    def _follow(self, element: Any, links: list[tuple[Target, str]], first: tuple[int, int]) -> None:
        """Read what links name and their object does not have at that level."""
        shapes = self.chunk.shapes
        lines = {row: self._line(row, first[0]) for row in set(shapes.rows[first[1] :])}
        present = {
            (shapes.levels[number], row, name)
            for number in range(first[1], len(shapes.rows))
            if (name := shapes.ids.get(number))
            for row in lines[shapes.rows[number]]
        }
        near: dict[str, Any] | None = None
        for target, reference in links:
            name = reference.removeprefix("#")
            if (target.level, target.row, name) in present:
                continue
            if near is None:
                near = {each: node for node in element.iter("*") if (each := id_of(node))}
            self._read_link(reference, target, near, present, frozenset())

    def _line(self, row: int, first: int) -> list[int]:
        """Return a row of the member and the rows above it."""
        rows = [row]
        by_key = {each.key: place for place, each in enumerate(self.chunk.objects[first:], first)}
        while (above := by_key.get(self.chunk.objects[rows[-1]].parent)) is not None and above not in rows:
            rows.append(above)
        return rows

    def _read_link(
        self, reference: str, target: Target, near: dict[str, Any], present: set[Any], chain: frozenset[str]
    ) -> None:
        if reference in chain or len(chain) > _DEEPEST_LINK:
            self._problems.add("warning", self.chunk.objects[target.row].key, "link-cycle",
                               f"{reference[:100]} leads back to itself", "export it again")  # fmt: skip
            return
        found = near.get(reference[1:]) if reference.startswith("#") else None
        if found is None:
            found = self._far.find(reference)
        if found is None:
            self._problems.add("warning", self.chunk.objects[target.row].key, "link-broken",
                               f"{reference[:100]} is not in the file", "export it again")  # fmt: skip
            return
        self._shapes.begin()
        for node in found.iter():
            sort = word(node.tag)
            role = sort.role
            deeper = node.get(XLINK_HREF) if role is Role.LINKED else None
            if role is Role.POLYGON:
                mark = (target.level, target.row, id_of(node))
                if mark[2] and mark in present:
                    self._shapes.begin()
                    continue
                present.add(mark)
            if deeper:
                self._read_link(deeper, target, near, present, chain | {reference})
                self._shapes.begin()
            elif sort.is_geometric:
                self._shapes.take(role, node, target)


def _above(node: Any, places: dict[Any, _Place]) -> Any:
    """Return the object or surface that an element lies in."""
    above = node.getparent()
    while above is not None and above not in places:
        above = above.getparent()
    return above if above is not None else next(iter(places))
