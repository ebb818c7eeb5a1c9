"""Code lists beside a city model: what a code such as ``411`` is called."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gis.gml_stream import parsed
from gis.gml_words import local_name
from scenes.errors import LoadError

if TYPE_CHECKING:
    from gis.shelf import Shelf
    from scenes.problems import Problems

_MOST_BYTES = 20_000_000


class CodeLists:
    """Looks codes up in GML dictionaries that lie on the shelf of a model; addresses are never fetched.

    Parameters
    ----------
    shelf, name
        Where the model lies, and its name there.
    problems
        Collects lists that are broken or missing, each once.
    """

    def __init__(self, shelf: Shelf, name: str, problems: Problems) -> None:
        """Read nothing yet."""
        self._shelf, self._name, self._problems = shelf, name, problems
        self._lists: dict[str, dict[str, str]] = {}

    def label(self, space: str, code: str) -> str | None:
        """Return what a code is called in the list that `space` names, None if that is not known."""
        known = self._lists.get(space)
        if known is None:
            known = self._lists[space] = self._read(space)
        return known.get(code)

    def _read(self, space: str) -> dict[str, str]:
        if not space.lower().endswith(".xml"):
            return {}
        found = self._shelf.beside(self._name, space) or self._in_codelists(space)
        if found is None:
            if "://" not in space:
                what = (
                    f"the code list {posixpath.basename(space)} is not beside the model: its codes are kept as they are"
                )
                self._problems.add(
                    "info", self._name, "code-list-missing", what, "keep the folder codelists beside udx"
                )
            return {}
        try:
            return entries_of(self._shelf.read(found, _MOST_BYTES), found)
        except LoadError as error:
            self._problems.add("warning", found, "code-list-broken", error.what, error.advice)
            return {}

    def _in_codelists(self, space: str) -> str | None:
        """Return the list of that name in a folder ``codelists`` above the model, for models that were moved."""
        base = posixpath.basename(space.replace("\\", "/"))
        folder = posixpath.dirname(self._name)
        while True:
            wanted = posixpath.join(folder, "codelists", base)
            found = self._shelf.beside(posixpath.join("x"), wanted)
            if found is not None or not folder:
                return found
            folder = posixpath.dirname(folder)


def entries_of(data: bytes, path: str) -> dict[str, str]:
    """Return {code: name} of a GML dictionary.

    Raises
    ------
    LoadError
        When it is not well-formed XML.

    Examples
    --------
    >>> text = '<Dictionary><dictionaryEntry><Definition><description>House</description><name>1</name></Definition>'
    >>> entries_of((text + "</dictionaryEntry></Dictionary>").encode(), "list.xml")
    {'1': 'House'}
    """
    found: dict[str, str] = {}
    for definition in parsed(data, path).iter("{*}Definition"):
        parts = {local_name(child.tag): (child.text or "").strip() for child in definition}
        code, label = parts.get("name") or parts.get("identifier"), parts.get("description")
        if code and label:
            found[code] = label
    return found
