"""From the pages of a CityGML document to objects and their shapes: geometry by columns, attributes one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gis import plateau
from gis.cityobjects import ModelObject
from gis.gml_appearance import Appearances
from gis.gml_elements import Element
from gis.gml_following import LinkFollower
from gis.gml_heights import HeightFiles
from gis.gml_layout import NO_LEVEL, layout_of
from gis.gml_links import Ids, id_of
from gis.gml_relief import curves_of, reliefs_of
from gis.gml_rings import Geometry
from gis.gml_shapes import ShapeBlock, ShapeList, ShapeReader, Target
from gis.gml_tags import NotPlainError
from gis.gml_words import GML_IDS, Role, local_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.gml_attributes import AttributeReader
    from gis.gml_columns import Elements
    from gis.gml_implicit import ImplicitReader
    from gis.gml_layout import Layout
    from gis.gml_links import FarElements
    from gis.gml_relief import Curves, Relief
    from scenes.problems import Problems

    Integers = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What must be known of a document before it is read.

    Parameters
    ----------
    has_appearance
        Whether anything gives colours or images.
    has_relations
        Whether objects are tied to each other beside the tree.
    """

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
    reliefs: list[Relief] = field(default_factory=list)
    curves: list[Curves] = field(default_factory=list)

    def look(self, kind: str, code: int) -> int:
        """Return the number of a look."""
        return self.looks.setdefault((kind, code), len(self.looks))


class PageReader:
    """Reads pages into chunks.

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
        """Start with nothing."""
        self._facts, self._attributes, self._far, self._implicit = facts, attributes, far, implicit
        self._appearances, self._problems = appearances, problems
        self.keys: dict[str, int] = {}
        self.surface_owners: dict[str, str] = {}

    @property
    def units(self) -> dict[str, str]:
        """UCUM units of the attributes so far."""
        return self._attributes.units

    def read(self, page: Elements, number: int = 0) -> Chunk:
        """Return the objects of a page with their shapes; its number tells objects without an id apart.

        Raises
        ------
        NotPlainError
            When a start tag is not well-formed; nothing of the page counts then.
        """
        before = dict(self.keys)
        try:
            return self._read(page, f"{number}." if number else "")
        except NotPlainError:
            self.keys = before
            raise

    def _read(self, page: Elements, prefix: str) -> Chunk:
        layout = layout_of(page)
        chunk = Chunk()
        ids = Ids(page)
        self._objects(page, layout, chunk, (ids, prefix))
        self._surfaces(page, layout, chunk)
        own = self._painted(page, layout)
        flat = bool(page.said(b"srsDimension").any() or page.named("coordinates").any())
        geometry = Geometry(page, layout, flat=flat)
        levels = [_own_level(page, number, chunk.objects[row]) for row, number in enumerate(layout.objects.tolist())]
        self._shapes(page, layout, chunk, (geometry, levels))
        if self._facts.has_appearance:
            _name_rings(chunk.shapes, geometry, ids)
        self._appear(page, chunk, (geometry, own))
        reader = ShapeReader(chunk.shapes, id_of if own else None, flat, rings=bool(own))
        owners = _Owners(layout, chunk, levels)
        for number in geometry.loose.tolist():
            reader.take_loose(Element(page, number), owners.target(number))
        chunk.reliefs = reliefs_of(page, layout, owners.target, HeightFiles(*self._far.home, self._problems))
        chunk.curves = curves_of(page, layout)
        placed = page.having(Role.PLACED) & layout.live[np.maximum(page.parents, 0)]
        for number in np.flatnonzero(placed & (layout.root >= 0)).tolist():
            target = owners.target(number)
            self._implicit.read(Element(page, number), target, chunk.objects[target.row].kind)
        reader.flat = True  # what links name may be in other files
        follower = LinkFollower(page, layout, chunk, (geometry, ids), self._far, self._problems)
        follower.follow(owners.target, reader)
        self._appear_linked(follower.added, own, chunk)
        return chunk

    def _objects(self, page: Elements, layout: Layout, chunk: Chunk, naming: tuple[Ids, str]) -> None:
        ids, prefix = naming
        above = layout.row[np.maximum(page.parents[layout.objects], 0)].tolist()
        words, codes = page.words, page.columns[0]
        named = zip(layout.objects.tolist(), above, ids.of(layout.objects), strict=True)
        for number, parent, own in named:
            sort = words[codes[number]]
            name = sort.name
            around = chunk.objects[parent].key if parent >= 0 else ""
            kind, layer = (sort.kind, "") if sort.role is Role.OBJECT else plateau.kind_of(name, sort.space)
            key = self._unique(own or f"{around}/{name}-{prefix}{len(chunk.objects)}")
            owner = ModelObject(key, kind, parent=around, layer=layer)
            self._attributes.read(page, number, owner)
            if kind != name:
                owner.attributes.setdefault("citygml_class", name)
            _finish(owner, lists=self._attributes.has_lists)
            chunk.objects.append(owner)

    def _surfaces(self, page: Elements, layout: Layout, chunk: Chunk) -> None:
        """Keep what thematic surfaces say of themselves with their object."""
        is_surface = page.having(Role.SURFACE) & layout.live
        is_surface[layout.objects] = False
        if not self._facts.has_relations:
            children = np.bincount(page.parents[page.parents >= 0], minlength=len(page))
            first = np.append(page.having(Role.SHAPE), [False])[1:]
            is_surface &= (children > 1) | ((children == 1) & ~first)
        for number in np.flatnonzero(is_surface).tolist():
            self._surface(Element(page, number), chunk.objects[layout.row[number]])

    def _surface(self, node: Element, owner: ModelObject) -> None:
        name = id_of(node)
        if name:
            self.surface_owners[name] = owner.key
        extra = ModelObject("", "")
        self._attributes.read(node.page, node.number, extra)
        owner.relations += extra.relations
        series = extra.properties.pop("timeseries", {})
        for title, found in series.items():
            group = owner.properties.setdefault("timeseries", {})
            group[title if title not in group else f"{title}~{name}"] = found
        values = {**extra.attributes, **extra.properties}
        if values:
            owner.properties[f"{local_name(node.tag)} {name}".strip()] = values

    def _painted(self, page: Elements, layout: Layout) -> dict[int, Appearances]:
        """Return the appearances that are valid in each root; polygons may get ids for them."""
        if not self._facts.has_appearance:
            return {}
        holding = set(layout.root[page.named("Appearance")].tolist())
        found: dict[int, Appearances] = {}
        for number in layout.roots.tolist():
            appearances = self._appearances
            if number in holding:
                appearances = Appearances(dict(appearances.colours), dict(appearances.images))
                appearances.read(Element(page, number))
            appearances.spread(Element(page, number), id_of, GML_IDS[0])
            if appearances:
                found[number] = appearances
        return found

    def _shapes(self, page: Elements, layout: Layout, chunk: Chunk, found: tuple[Geometry, list[str]]) -> None:
        """Put the polygons of a page into its chunk."""
        geometry, own_levels = found
        rows, levels, codes = layout.owners(geometry.polygons)
        fallback = np.array([int(level or 1) for level in own_levels], np.int64)
        levels = np.where(levels == NO_LEVEL, fallback[rows], levels)
        kinds = [each.kind for each in chunk.objects]
        known = {kind: place for place, kind in enumerate(dict.fromkeys(kinds))}
        kind = np.array([known[each] for each in kinds], np.int64)[rows]
        pairs, which = np.unique(kind * 1_000 + codes, return_inverse=True)
        names = list(known)
        looks = np.array([chunk.look(names[pair // 1_000], pair % 1_000) for pair in pairs.tolist()], np.int64)
        block = ShapeBlock(geometry.rings, rows, levels.astype("U1"), looks[which.reshape(-1)])
        shapes = chunk.shapes
        shapes.block = block if len(rows) else None
        if (page.having(Role.TURNED)).any():
            shapes.backward |= geometry.backward(page)

    @staticmethod
    def _appear(page: Elements, chunk: Chunk, found: tuple[Geometry, dict[int, Appearances]]) -> None:
        geometry, own = found
        for number, appearances in own.items():
            first, last = np.searchsorted(geometry.polygons, [number, page.ends[number]]).tolist()
            chunk.appearances.append((first, last, appearances))

    @staticmethod
    def _appear_linked(added: list[tuple[int, int, int]], own: dict[int, Appearances], chunk: Chunk) -> None:
        for root, first, last in added:
            if root in own:
                chunk.appearances.append((first, last, own[root]))

    def _unique(self, key: str) -> str:
        count = self.keys.get(key, 0) + 1
        self.keys[key] = count
        return key if count == 1 else f"{key}~{count}"


@dataclass(frozen=True, slots=True)
class _Owners:
    """Says whose geometry single elements are."""

    layout: Layout
    chunk: Chunk
    levels: list[str]

    def target(self, number: int) -> Target:
        """Return whose the geometry in an element is."""
        row, level, code = (int(column[0]) for column in self.layout.owners(np.array([number])))
        look = self.chunk.look(self.chunk.objects[row].kind, code)
        return Target(row, str(level) if level != NO_LEVEL else self.levels[row] or "1", look)


def _name_rings(shapes: ShapeList, geometry: Geometry, ids: Ids) -> None:
    """Keep the ids of polygons and rings: appearances name them."""
    shapes.ids |= {place: name for place, name in enumerate(ids.of(geometry.polygons)) if name}
    shapes.ring_ids |= {place: name for place, name in enumerate(ids.of(geometry.ring_elements)) if name}


def _finish(owner: ModelObject, *, lists: bool) -> None:
    """Take the name out of the attributes, join lists, and look at what PLATEAU says."""
    title = owner.attributes.pop("name", "")
    owner.name = str(title[0] if isinstance(title, list) else title)
    for word, value in owner.attributes.items() if lists else ():
        if isinstance(value, list):
            owner.attributes[word] = "; ".join(str(each) for each in value)
    if not owner.properties:
        return
    depth = plateau.flood_depth_m(owner.properties)
    if depth is not None:
        owner.attributes["flood_depth_m"] = depth
    if owner.kind == "WaterBody" and plateau.is_hazard(owner.properties):
        owner.layer = "hazards"


def _own_level(page: Elements, number: int, owner: ModelObject) -> str:
    """Return the level of detail that a relief object says of itself, empty for others."""
    if owner.kind != "ReliefFeature":
        return ""
    for child in Element(page, number):
        if local_name(child.tag) == "lod" and (text := (child.text or "").strip()) in set("01234"):
            return text
    return ""
