"""What links between elements mean: in the same object, elsewhere in the file, or in a file beside it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from gis.gml_stream import members, objects_in, parsed
from gis.gml_words import GML_IDS, XLINK_HREF
from scenes.errors import LoadError

if TYPE_CHECKING:
    from gis.shelf import Shelf
    from scenes.problems import Problems

_MOST_BYTES = 200_000_000


def id_of(element: Any) -> str:
    """Return the gml:id of an element, empty if it has none."""
    return element.get(GML_IDS[0]) or element.get(GML_IDS[1]) or ""


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
        path = str(self._shelf.path)
        with self._shelf.open(self._name) as file:
            for member in members(file, path):
                for element in objects_in(member):
                    own = {id_of(each) for each in element.iter("*")}
                    links = (each.get(XLINK_HREF) for each in element.iter("*"))
                    wanted |= {link[1:] for link in links if link and link.startswith("#") and link[1:] not in own}
        found: dict[str, Any] = {}
        with self._shelf.open(self._name) as file:
            for member in members(file, path):
                for element in member.iter("*"):
                    name = id_of(element)
                    if name in wanted and name not in found:
                        found[name] = copy.deepcopy(element)
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
