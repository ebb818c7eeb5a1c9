"""Which elements of a page of CityGML are objects, and to which object, surface and level everything else belongs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.gml_pieces import MEMBERS
from gis.gml_words import Role

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.gml_columns import Elements

    Bools = NDArray[np.bool_]
    Integers = NDArray[np.integer[Any]]

NO_LEVEL = 9


@dataclass(frozen=True, eq=False)
class Layout:
    """What the elements of a page belong to.

    Parameters
    ----------
    roots
        The objects that members hold.
    objects
        All objects, in the order of the document; the place in here is the row.
    root, row, place, property
        (n,) for each element: the root around it (-1 = none), the row of its object, its object or surface, and the
        last property with geometry before it in its root (-1 = none).
    live
        (n,) whether it is in a root, and not in what is passed over.
    surface_codes, levels
        (n,) code of the surface around it, level that its name says (`NO_LEVEL` if none).
    """

    roots: Integers
    objects: Integers
    root: Integers
    row: Integers
    place: Integers
    property: Integers
    live: Bools
    surface_codes: Integers
    levels: Integers

    def owners(self, elements: Integers) -> tuple[Integers, Integers, Integers]:
        """Return (row, level, surface code) of the geometry in some elements; the level may be `NO_LEVEL`."""
        named = self.property[elements]
        holder = np.where(named >= 0, named, self.root[elements])
        return self.row[holder], np.where(named >= 0, self.levels[named], NO_LEVEL), self.surface_codes[holder]


def layout_of(page: Elements) -> Layout:
    """Return the layout of a page."""
    is_member = page.named(*MEMBERS) & (page.parents < 0)
    above = np.maximum(page.parents, 0)
    is_root = is_member[above] & (page.parents >= 0) & ~page.named("appearanceMember")
    root = page.nearest(is_root)
    passed = page.having(Role.SKIPPED, Role.PLACED, Role.CURVES) & ~is_root
    live = (root >= 0) & (page.nearest(passed) < root)
    is_object = (page.having(Role.OBJECT) | is_root) & live
    is_place = (page.having(Role.SURFACE) & live) | is_object
    place = page.nearest(is_place)
    holder = page.nearest(is_object)
    row = np.where(holder >= 0, (np.cumsum(is_object) - 1)[holder], -1)
    codes = np.array([word.code for word in page.words], np.int64)[page.codes]
    coded = page.nearest(is_object | (is_place & (codes > 0)))
    own = np.where(coded >= 0, codes[coded], 0)
    is_property = page.having(Role.SHAPE, Role.IMPLICIT) & live
    named = np.maximum.accumulate(np.where(is_property, np.arange(len(page)), -1)) if len(page) else root
    surface = np.where(is_property & (own == 0), codes, own)
    levels = np.array([int(word.level) if word.level else NO_LEVEL for word in page.words], np.int64)[page.codes]
    return Layout(
        np.flatnonzero(is_root), np.flatnonzero(is_object), root, row, place,
        np.where(named >= root, named, -1), live, surface, levels,
    )  # fmt: skip
