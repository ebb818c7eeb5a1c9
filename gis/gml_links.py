"""What links between elements mean: in the same object, elsewhere in the file, or in a file beside it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gis.gml_elements import Element
from gis.gml_layout import layout_of
from gis.gml_pieces import pages
from gis.gml_stream import parsed
from gis.gml_words import GML_IDS, XLINK_HREF
from scenes.errors import LoadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.gml_columns import Elements
    from gis.shelf import Shelf
    from scenes.problems import Problems

    Integers = NDArray[np.integer[Any]]

_MOST_BYTES = 200_000_000


def id_of(element: Any) -> str:
    """Return the gml:id of an element, empty if it has none."""
    return element.get(GML_IDS[0]) or element.get(GML_IDS[1]) or ""


class Ids:
    """The ids of the elements of a page."""

    def __init__(self, page: Elements) -> None:
        """Find them."""
        self.page = page
        self.numbers, self.names = page.marked(*GML_IDS)

    def of(self, elements: Integers) -> list[str]:
        """Return the id of each of some elements, empty where it has none."""
        return [name or "" for name in self.column(elements).to_pylist()]

    def column(self, elements: Integers) -> pa.Array:
        """Return the id of each of some elements as an Arrow column, null where it has none."""
        given = self.page.given
        places = np.minimum(np.searchsorted(self.numbers, elements), max(len(self.numbers) - 1, 0))
        known = self.numbers[places] == elements if len(self.numbers) else np.zeros(len(elements), bool)
        found = self.names.take(pa.array(places, mask=~known))
        if not given:
            return found
        pairs = zip(found.to_pylist(), elements.tolist(), strict=True)
        return pa.array([given.get(number, {}).get(GML_IDS[0], name) for name, number in pairs], pa.string())

    @cached_property
    def numbers_by_name(self) -> dict[str, list[int]]:
        """Elements by their id."""
        found: dict[str, list[int]] = {}
        for number, name in zip(self.numbers.tolist(), self.names.to_pylist(), strict=True):
            found.setdefault(name, []).append(number)
        return found


class FarElements:
    """Finds elements that a link names outside of its own object; reads the file again, once, when that is needed.

    Parameters
    ----------
    shelf, name
        Where the document lies.
    problems
        Collects links that lead out of the folder.
    """

    def __init__(self, shelf: Shelf, name: str, problems: Problems) -> None:
        """Read nothing yet."""
        self._shelf, self._name, self._problems = shelf, name, problems
        self._near: dict[str, Any] | None = None
        self._files: dict[str, dict[str, Any]] = {}

    @property
    def home(self) -> tuple[Shelf, str]:
        """Where the document lies, and its name there."""
        return self._shelf, self._name

    def find(self, reference: str) -> Any:
        """Return the element that ``#id`` or ``file.gml#id`` names, None if there is none that may be read."""
        file, _, name = reference.partition("#")
        if not file:
            if self._near is None:
                self._near = self._far_targets()
            return self._near.get(name)
        if file not in self._files:
            self._files[file] = self._elements_beside(file)
        return self._files[file].get(name)

    def _far_targets(self) -> dict[str, Any]:
        """Return copies of the elements that are named from other objects than their own."""
        wanted: set[str] = set()
        for page in pages(self._shelf, self._name):
            roots = layout_of(page).root
            numbers, names = page.marked(*GML_IDS)
            own = set(zip(roots[numbers].tolist(), names.to_pylist(), strict=True))
            numbers, links = page.marked(XLINK_HREF)
            for root, link in zip(roots[numbers].tolist(), links.to_pylist(), strict=True):
                if link.startswith("#") and (root, link[1:]) not in own:
                    wanted.add(link[1:])
        found: dict[str, Any] = {}
        for page in pages(self._shelf, self._name):
            numbers, names = page.marked(*GML_IDS)
            for number, name in zip(numbers.tolist(), names.to_pylist(), strict=True):
                if name in wanted and name not in found:
                    found[name] = Element(page, number).alone()
        return found

    def _elements_beside(self, file: str) -> dict[str, Any]:
        found = self._shelf.beside(self._name, file)
        if found is None:
            what = f"a link leads to {file[:120]}, which is not beside the model: not followed"
            self._problems.add(
                "warning", self._name, "link-outside", what, "put that file into the folder of the model"
            )
            return {}
        try:
            root = parsed(self._shelf.read(found, _MOST_BYTES), found)
        except LoadError as error:
            self._problems.add("warning", found, "link-outside", error.what, error.advice)
            return {}
        return {name: element for element in root.iter("*") if (name := id_of(element))}
