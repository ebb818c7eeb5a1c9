"""What lies in the members of a CityGML document, gathered in one pass each: rings, lines, points, links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.gml_numbers import numbers_of
from gis.gml_words import Role, word
from gis.polygons import PolygonBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.integer[Any]]

RING, LINE, POINTS = 0, 1, 2
LARGEST = 1e9


@dataclass(slots=True)
class Target:
    """Whose geometry is read: row of the object, level of detail, look of its surfaces as a number."""

    row: int
    level: str
    look: int = 0


@dataclass(frozen=True, eq=False)
class ShapeBlock:
    """The polygons of a page: their rings, and (g,) row of the object, level and look of each."""

    rings: Rings
    rows: Integers
    levels: NDArray[np.str_]
    looks: Integers


@dataclass
class ShapeList:
    """Rings of polygons, lines and points: those of a page as a block, those that links name in flat lists.

    A polygon is known by its number, those of the block first; `ids` and `ring_ids` are filled only where somebody
    asks for them.
    """

    block: ShapeBlock | None = None
    texts: list[str] = field(default_factory=list)
    sizes: dict[int, int] = field(default_factory=dict)  # text: numbers a point, where it is not three
    ring_texts: list[int] = field(default_factory=list)  # first text of each ring
    polygon_rings: list[int] = field(default_factory=list)  # first ring of each polygon
    rows: list[int] = field(default_factory=list)
    levels: list[str] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    backward: set[int] = field(default_factory=set)
    ids: dict[int, str] = field(default_factory=dict)
    ring_ids: dict[int, str] = field(default_factory=dict)
    others: list[tuple[int, Target, int, int]] = field(default_factory=list)  # LINE or POINTS, whose, texts from, to
    other_texts: list[str] = field(default_factory=list)
    other_sizes: dict[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of polygons."""
        return len(self.rows) + (len(self.block.rows) if self.block else 0)

    def polygon(self, target: Target) -> int:
        """Begin a polygon and return its number."""
        self.polygon_rings.append(len(self.ring_texts))
        self.rows.append(target.row)
        self.levels.append(target.level)
        self.looks.append(target.look)
        return len(self) - 1

    def ring(self) -> int:
        """Begin a ring of the last polygon and return its number."""
        self.ring_texts.append(len(self.texts))
        return len(self.ring_texts) - 1 + (len(self.block.rings.lengths) if self.block else 0)

    def other(self, what: int, target: Target, texts: list[str], size: int) -> None:
        """Add a line or points."""
        first = len(self.other_texts)
        self.other_texts.extend(texts)
        if size != 3:
            self.other_sizes.update(dict.fromkeys(range(first, first + len(texts)), size))
        self.others.append((what, target, first, len(self.other_texts)))

    def read(self) -> ShapeBlock:
        """Return all polygons with their numbers."""
        points, counts, bad = points_of(*numbers_of(self.texts), self.sizes)
        firsts = np.array([*self.polygon_rings, len(self.ring_texts)], np.int64)
        rings = rings_of(points, counts, bad, (np.array([*self.ring_texts, len(self.texts)], np.int64), firsts))
        named = ShapeBlock(
            rings, np.array(self.rows, np.int64), np.array(self.levels, str), np.array(self.looks, np.int64)
        )
        return named if self.block is None else joined(self.block, named) if self.rows else self.block

    def read_others(self) -> list[tuple[int, Target, Floats]]:
        """Return lines and points with their coordinates; broken ones are left out."""
        points, counts, bad = points_of(*numbers_of(self.other_texts), self.other_sizes)
        ends = np.concatenate([[0], np.cumsum(counts)]).tolist()
        return [
            (what, target, points[ends[first] : ends[last]])
            for what, target, first, last in self.others
            if not bad[first:last].any()
        ]


@dataclass(frozen=True, eq=False)
class Rings:
    """Coordinates of rings: (p, 3) points, (r,) lengths, (g,) rings of each polygon, (g,) whether it is broken."""

    points: Floats
    lengths: Integers
    ring_counts: Integers
    broken: NDArray[np.bool_]

    def reversed_at(self, polygons: set[int]) -> Floats:
        """Return the points with the rings of some polygons turned around."""
        if not polygons:
            return self.points
        ring_starts = np.concatenate([[0], np.cumsum(self.lengths)])
        polygon_starts = np.concatenate([[0], np.cumsum(self.ring_counts)])
        order = np.arange(len(self.points))
        for polygon in polygons:
            for ring in range(polygon_starts[polygon], polygon_starts[polygon + 1]):
                part = slice(ring_starts[ring], ring_starts[ring + 1])
                order[part] = order[part][::-1]
        return self.points[order]

    def block(self, points: Floats, rows: Integers, looks: tuple[Integers, Integers, Integers]) -> PolygonBlock:
        """Return the polygons over other points (turned to local metres)."""
        columns = [np.asarray(column, np.int64) for column in (self.lengths, self.ring_counts, rows, *looks)]
        lengths, counts, owners, paints, semantics, images = columns
        return PolygonBlock(points, lengths, counts, owners, paints, semantics, images)


def joined(first: ShapeBlock, second: ShapeBlock) -> ShapeBlock:
    """Return the polygons of two blocks as one."""
    pairs = zip(vars(first.rings).values(), vars(second.rings).values(), strict=True)
    rings = Rings(*(np.concatenate(pair) for pair in pairs))
    rest = zip((first.rows, first.levels, first.looks), (second.rows, second.levels, second.looks), strict=True)
    return ShapeBlock(rings, *(np.concatenate(pair) for pair in rest))


def rings_of(points: Floats, counts: Integers, bad: NDArray[np.bool_], firsts: tuple[Integers, Integers]) -> Rings:
    """Return rings from the points of texts; `firsts` are the first text of each ring, the first ring of each polygon.

    Both have one more entry for the end. A polygon with a bad text is broken.
    """
    starts, rings = firsts
    ends = np.concatenate([[0], np.cumsum(counts)])
    broken_rings = np.diff(np.concatenate([[0], np.cumsum(bad)])[starts]) > 0
    broken = np.diff(np.concatenate([[0], np.cumsum(broken_rings)])[rings]) > 0
    return Rings(points, np.diff(ends[starts]), np.diff(rings), broken)


def points_of(
    numbers: Floats, counts: Integers, sizes: Mapping[int, int]
) -> tuple[Floats, Integers, NDArray[np.bool_]]:
    """Return (p, 3) points of texts, how many each has, and which texts are broken; a missing height is NaN.

    `counts` are the numbers of each text, `sizes` the numbers a point of those that do not have three.
    """
    width = np.full(len(counts), 3)
    if sizes:
        width[list(sizes)] = list(sizes.values())
    flat = (counts == 2) & (width == 3)  # a position without a height, whatever the file says
    width[flat] = 2
    bad = (counts % width != 0) | (counts == 0)
    if not bad.any() and (width == 3).all():
        points = numbers.reshape(-1, 3)
    else:
        good = np.where(bad, 0, counts)
        keep = np.repeat(~bad, counts)
        points = _widened(numbers[keep], good, width)
        counts = good
    wild = ~np.isfinite(points[:, :2]).all(axis=1) | (np.abs(np.nan_to_num(points)) > LARGEST).any(axis=1)
    wild |= np.isinf(points[:, 2])
    sizes_of = np.where(bad, 0, counts // width)
    if wild.any():
        owner = np.repeat(np.arange(len(counts)), sizes_of)
        bad[owner[wild]] = True
        points = np.where(wild[:, None], 0.0, points)
    return points, sizes_of.astype(np.int64), bad


def _widened(numbers: Floats, counts: Integers, width: Integers) -> Floats:
    """Return (p, 3) points of texts of two or three numbers a point."""
    size = np.repeat(width, counts // width)
    starts = np.cumsum(size) - size
    deep = size == 3
    found = np.full((len(size), 3), np.nan)
    found[:, 0], found[:, 1] = numbers[starts], numbers[starts + 1]
    found[deep, 2] = numbers[starts[deep] + 2]
    return found


@dataclass
class ShapeReader:
    """Reads the geometry elements below a property into a list.

    Parameters
    ----------
    shapes
        Where they go.
    id_of
        Returns the id of an element; None when nobody needs ids.
    rings
        Whether the ids of rings are needed, too: images name them.
    flat
        Whether some coordinates of the document have two dimensions, so that each must be asked.
    """

    shapes: ShapeList
    id_of: Callable[[Any], str] | None
    flat: bool
    rings: bool = False
    _ring: Any = None
    _polygon: int = -1
    _turned: int = 0
    _upside_down: bool = False

    def begin(self, *, turned: bool = False) -> None:
        """Forget what was left open; `turned` says that everything from now on looks the other way."""
        self._ring, self._polygon, self._turned, self._upside_down = None, -1, 0, turned

    def take(self, role: Role, element: Any, target: Target) -> None:
        """Read one element in the order of the document."""
        if role is Role.COORDINATES:
            self._coordinates(element, target)
        elif role is Role.RING:
            self._begin_ring(element)
        elif role is Role.POLYGON:
            self._begin_polygon(element, target)
        elif role is Role.TURNED and element.get("orientation") == "-":
            self._turned += sum(1 for each in element.iter() if word(each.tag).role is Role.POLYGON)

    def _begin_polygon(self, element: Any, target: Target) -> None:
        number = self._polygon = self.shapes.polygon(target)
        self._ring = None
        if (self._turned > 0) != self._upside_down:
            self.shapes.backward.add(number)
        self._turned = max(0, self._turned - 1)
        if self.id_of is not None:
            name = self.id_of(element)
            if name:
                self.shapes.ids[number] = name

    def _begin_ring(self, element: Any) -> None:
        if self._polygon < 0:
            return
        number = self.shapes.ring()
        self._ring = element
        if self.rings and self.id_of is not None:
            name = self.id_of(element)
            if name:
                self.shapes.ring_ids[number] = name

    def _coordinates(self, element: Any, target: Target) -> None:
        text = element.text
        if not text:
            return
        holder = element.getparent()
        ring = self._ring
        if ring is not None and _is_in(holder, ring):
            self.shapes.texts.append(text)
            if self.flat:
                self._note_size(element, text, self.shapes.sizes, len(self.shapes.texts) - 1)
            return
        self.take_loose(element, target)

    def take_loose(self, element: Any, target: Target) -> None:
        """Read the coordinates of a line or of a point."""
        name = word(element.tag).name
        holder = element.getparent()
        kind = word(holder.tag).name if holder is not None else ""
        if kind not in {"LineString", "LineStringSegment", "Point", "Arc", "ArcString"}:
            return
        texts = [element.text]
        if name == "pos" and kind != "Point":
            texts = [each.text for each in holder.iter("{*}pos") if each.text]
            if holder.find("{*}pos") != element:
                return
        size = _size(element, element.text) if self.flat else 3
        self.shapes.other(POINTS if kind == "Point" else LINE, target, texts, size)

    def _note_size(self, element: Any, text: str, sizes: dict[int, int], number: int) -> None:
        size = _size(element, text)
        if size != 3:
            sizes[number] = size


def _is_in(element: Any, ring: Any) -> bool:
    """Say whether an element lies in a ring of curves."""
    for _ in range(6):
        if element is None:
            return False
        if element == ring:
            return True
        element = element.getparent()
    return False


def _size(element: Any, text: str) -> int:
    """Return how many numbers a point has here: two or three."""
    if element.tag.endswith("coordinates"):
        return 3 if text.strip().split()[0].count(",") != 1 else 2
    holder = element
    for _ in range(40):
        if holder is None:
            return 3
        given = holder.get("srsDimension")
        if given:
            return 2 if given.strip() == "2" else 3
        holder = holder.getparent()
    return 3
