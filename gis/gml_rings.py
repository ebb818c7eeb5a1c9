"""The polygons of a page of CityGML, all at once: which ring lies in which polygon, and what all rings say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gis.gml_numbers import numbers_in
from gis.gml_shapes import points_of, rings_of
from gis.gml_tags import slices
from gis.gml_words import Role

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.gml_columns import Elements
    from gis.gml_layout import Layout
    from gis.gml_shapes import Rings

    Bools = NDArray[np.bool_]
    Integers = NDArray[np.integer[Any]]


class Geometry:
    """What geometry a page holds: elements of polygons and rings, rings with numbers, and coordinates in no ring.

    Parameters
    ----------
    page, layout
        The page and what its elements belong to.
    flat
        Whether some coordinates may have two dimensions.
    """

    def __init__(self, page: Elements, layout: Layout, *, flat: bool) -> None:
        """Find everything."""
        is_polygon = page.having(Role.POLYGON) & layout.live
        self.polygons = np.flatnonzero(is_polygon)
        last = np.maximum.accumulate(np.where(is_polygon, np.arange(len(page)), -1)) if len(page) else layout.root
        is_ring = page.having(Role.RING) & layout.live & (last >= layout.root)
        self.ring_elements = np.flatnonzero(is_ring)
        around = page.nearest(is_ring)
        filled = page.having(Role.COORDINATES) & layout.live & (page.texts > page.heads)
        inside = np.flatnonzero(filled & (around >= 0))
        self.loose = np.flatnonzero(filled & (around < 0))
        order = np.searchsorted(self.ring_elements, around[inside])
        if (np.diff(order) < 0).any():  # a ring in a ring
            sorting = np.argsort(order, kind="stable")
            inside, order = inside[sorting], order[sorting]
        polygon_of = np.searchsorted(self.polygons, last[self.ring_elements])
        firsts = (
            np.searchsorted(order, np.arange(len(self.ring_elements) + 1)),
            np.searchsorted(polygon_of, np.arange(len(self.polygons) + 1)),
        )
        self.rings = _rings(page, inside, firsts, _sizes(page, inside) if flat else {})
        self.first_rings = firsts[1]

    def backward(self, page: Elements) -> set[int]:
        """Return the numbers of polygons that are turned around by an odd number of elements around them."""
        turns = np.zeros(len(page) + 1, np.int64)
        for number in np.flatnonzero(page.having(Role.TURNED)).tolist():
            if page.attributes(number).get("orientation") == "-":
                turns[number] += 1
                turns[page.ends[number]] -= 1
        return set(np.flatnonzero(np.cumsum(turns)[self.polygons] % 2 == 1).tolist())


def _rings(page: Elements, texts: Integers, firsts: tuple[Integers, Integers], sizes: dict[int, int]) -> Rings:
    starts, ends = page.heads[texts], page.texts[texts]
    if (np.diff(starts) < 0).any():
        order = np.argsort(starts)
        numbers, counts = numbers_in(slices(page.text, starts[order], ends[order]))
        parts = np.split(numbers, np.cumsum(counts)[:-1])
        back = np.argsort(order)
        numbers, counts = np.concatenate([parts[place] for place in back]), counts[back]
    else:
        numbers, counts = numbers_in(slices(page.text, starts, ends))
    points, lengths, bad = points_of(numbers, counts, sizes)
    return rings_of(points, lengths, bad, firsts)


def _sizes(page: Elements, texts: Integers) -> dict[int, int]:
    """Return how many numbers a point has where that is not three, by the place of the text."""
    saying = page.nearest(page.said(b"srsDimension"))[texts]
    is_old = page.named("coordinates")[texts]
    said = {number: page.attributes(number).get("srsDimension", "").strip() for number in set(saying.tolist()) - {-1}}
    found = {place: 2 for place, number in enumerate(saying.tolist()) if said.get(number) == "2" and not is_old[place]}
    for place in np.flatnonzero(is_old).tolist():
        words = page.plain(int(page.heads[texts[place]]), int(page.texts[texts[place]])).split()
        if words and words[0].count(",") == 1:
            found[place] = 2
    return found
