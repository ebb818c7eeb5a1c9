"""Links of a page: those to polygons that are read already are done with at once, the others are followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gis.gml_elements import Element
from gis.gml_links import id_of
from gis.gml_words import XLINK_HREF, Role, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from gis.gml_columns import Elements
    from gis.gml_layout import Layout
    from gis.gml_links import FarElements, Ids
    from gis.gml_reader import Chunk
    from gis.gml_rings import Geometry
    from gis.gml_shapes import ShapeReader, Target
    from scenes.problems import Problems

    Integers = NDArray[np.integer[Any]]

_DEEPEST = 30


class LinkFollower:
    """Reads what links name and their object does not have at that level.

    Parameters
    ----------
    page, layout, chunk
        The page, what belongs to what, and where shapes go.
    found
        The geometry of the page, and the ids of its elements.
    far
        Finds elements of other pages and files.
    problems
        Collects links that lead nowhere.
    """

    def __init__(
        self,
        page: Elements,
        layout: Layout,
        chunk: Chunk,
        found: tuple[Geometry, Ids],
        far: FarElements,
        problems: Problems,
    ) -> None:
        """Follow nothing yet."""
        self._page, self._layout, self._chunk, self._far, self._problems = page, layout, chunk, far, problems
        self._geometry, self._ids = found
        self.added: list[tuple[int, int, int]] = []  # root, polygons from, to

    def follow(self, target_of: Callable[[int], Target], reader: ShapeReader) -> None:
        """Follow every link of the page."""
        page, layout = self._page, self._layout
        numbers, references = page.marked(XLINK_HREF)
        linking = page.having(Role.LINKED, Role.SHAPE, Role.IMPLICIT) & layout.live
        keep = linking[numbers]
        if not keep.any():
            return
        numbers, references = numbers[keep], references.filter(pa.array(keep))
        rest = self._not_there(numbers, references)
        named = dict(zip(rest, references.take(pa.array(rest, pa.int64())).to_pylist(), strict=True))
        marks: set[tuple[str, int, str]] = set()
        root = -1
        for place in rest:
            number = int(numbers[place])
            if int(layout.root[number]) != root:
                root = int(layout.root[number])
                marks = self._present(root)
            first = len(self._chunk.shapes)
            turned = self._is_turned(number)
            self._read(named[place], target_of(number), (root, marks, reader, turned), frozenset())
            self.added.append((root, first, len(self._chunk.shapes)))

    def _not_there(self, numbers: Integers, references: pa.Array) -> list[int]:
        """Return the places of links to something else than a polygon of their own object at their own level."""
        block = self._chunk.shapes.block
        if block is None:
            return list(range(len(numbers)))
        near = pc.if_else(pc.starts_with(references, "#"), pc.utf8_slice_codeunits(references, 1), None)
        polygon = pc.index_in(near, self._ids.column(self._geometry.polygons), skip_nulls=True)
        place = polygon.fill_null(-1).to_numpy()
        rows, levels, _ = self._layout.owners(numbers)
        same = (place >= 0) & (block.rows[place] == rows) & (block.levels[place] == levels.astype("U1"))
        return np.flatnonzero(~same).tolist()

    def _present(self, root: int) -> set[tuple[str, int, str]]:
        """Return (level, row, id) of the polygons of a root, with the rows above the one they lie in."""
        block = self._chunk.shapes.block
        if block is None:
            return set()
        polygons = self._geometry.polygons
        first, last = np.searchsorted(polygons, [root, self._page.ends[root]]).tolist()
        marks: set[tuple[str, int, str]] = set()
        lines: dict[int, list[int]] = {}
        for place, name in enumerate(self._ids.of(polygons[first:last]), first):
            row = int(block.rows[place])
            if name:
                line = lines.get(row) or lines.setdefault(row, self._line(row))
                marks |= {(str(block.levels[place]), each, name) for each in line}
        return marks

    def _line(self, row: int) -> list[int]:
        """Return a row and the rows of the objects around its object."""
        rows = [row]
        number = int(self._page.parents[self._layout.objects[row]])
        while number >= 0 and (above := int(self._layout.row[number])) >= 0:
            rows.append(above)
            number = int(self._page.parents[self._layout.objects[above]])
        return rows

    def _is_turned(self, number: int) -> bool:
        """Say whether a link stands in an odd number of surfaces that are turned around."""
        turned = False
        above = Element(self._page, number).getparent()
        while above is not None and self._layout.live[above.number]:
            if self._page.words[self._page.columns[0][above.number]].role is Role.TURNED:
                turned ^= above.get("orientation") == "-"
            above = above.getparent()
        return turned

    def _found(self, reference: str, root: int) -> Any:
        if reference.startswith("#"):
            for number in self._ids.numbers_by_name.get(reference[1:], []):
                if root <= number < int(self._page.ends[root]):
                    return Element(self._page, number)
        return self._far.find(reference)

    def _read(
        self,
        reference: str,
        target: Target,
        state: tuple[int, set[tuple[str, int, str]], ShapeReader, bool],
        chain: frozenset[str],
    ) -> None:
        root, marks, reader, turned = state
        owner = self._chunk.objects[target.row].key
        if (target.level, target.row, reference.removeprefix("#")) in marks:
            return
        if reference in chain or len(chain) > _DEEPEST:
            what = f"{reference[:100]} leads back to itself"
            self._problems.add("warning", owner, "link-cycle", what, "export it again")
            return
        found = self._found(reference, root)
        if found is None:
            what = f"{reference[:100]} is not in the file"
            self._problems.add("warning", owner, "link-broken", what, "export it again")
            return
        reader.begin(turned=turned)
        for node in found.iter():
            sort = word(node.tag)
            deeper = node.get(XLINK_HREF) if sort.role is Role.LINKED else None
            if sort.role is Role.POLYGON:
                mark = (target.level, target.row, id_of(node))
                if mark[2] and mark in marks:
                    reader.begin(turned=turned)
                    continue
                marks.add(mark)
            if deeper:
                self._read(deeper, target, state, chain | {reference})
                reader.begin(turned=turned)
            elif sort.is_geometric:
                reader.take(sort.role, node, target)
