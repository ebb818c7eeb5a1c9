"""`Scenario`: a named branch of a city, kept as edits and made into a scene when somebody asks for it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scenes import Scene, SimulationError
from scenes.identity import derive_uid
from twin.whatif.apply import materialise
from twin.whatif.edits import AddObject, Edit, edit_from_dict
from twin.whatif.patches import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORMAT = "citytwin-scenario"
_VERSION = 1
_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,63}$")


@dataclass(frozen=True, eq=False)
class Scenario:
    """A branch: a parent, and typed edits on it. Editing returns a new scenario; nothing is changed in place.

    Parameters
    ----------
    name
        Lower case, digits, ``-`` and ``_``: it is a file name, and part of the uids of added objects.
    parent
        The city, or another scenario.
    author, title, note
        Who made it, what it is called, and why, for people.
    edits
        In their order. Use `edit` to add some.

    Examples
    --------
    A taller tower, and a park in place of a warehouse::

        taller = Scenario("taller", city).edit(SetAttribute(tower, "height_m", 36.0))
        greener = Scenario("greener", taller).edit(RemoveObject(warehouse))
        greener.scene[tower].attributes["height_m"]  # 36.0
    """

    name: str
    parent: Scene | Scenario
    author: str = ""
    title: str = ""
    note: str = ""
    edits: tuple[Edit, ...] = field(default=())

    def __post_init__(self) -> None:
        """Check the name."""
        if not _NAME.match(self.name):
            raise SimulationError(
                self.name or "scenario", "is not a name", "use lower case letters, digits, '-' and '_', at most 64"
            )

    def edit(self, *edits: Edit) -> Scenario:
        """Return the scenario with more edits; added objects get a uid from its name and their number.

        Raises
        ------
        SimulationError
            When an edit names an object that is not there.
        """
        count = sum(isinstance(each, AddObject) for each in self.edits)
        named: list[Edit] = []
        for each in edits:
            if isinstance(each, AddObject):
                count += 1
                named.append(each if each.uid else replace(each, uid=derive_uid(f"scenario/{self.name}", str(count))))
            else:
                named.append(each)
        edited = replace(self, edits=(*self.edits, *named))
        fold(edited.all_edits, edited.root)
        return edited

    @property
    def root(self) -> Scene:
        """The city at the end of the chain of parents."""
        return self.parent if isinstance(self.parent, Scene) else self.parent.root

    @property
    def all_edits(self) -> tuple[Edit, ...]:
        """The edits of all parents, then its own."""
        return self.edits if isinstance(self.parent, Scene) else (*self.parent.all_edits, *self.edits)

    @cached_property
    def scene(self) -> Scene:
        """The city with all edits. Batches that no edit touches are those of the city."""
        return materialise(self.root, fold(self.all_edits, self.root))

    @property
    def added_uids(self) -> tuple[str, ...]:
        """Uids of the objects that its own edits add."""
        return tuple(each.uid for each in self.edits if isinstance(each, AddObject))

    @cached_property
    def hash(self) -> str:
        """Hash of the edits and of the city's objects, the same on every machine."""
        told = {"epoch": self.root.epoch, "edits": [each.as_dict() for each in self.all_edits]}
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Return the scenario as JSON; the parent by name, empty where it is the city itself."""
        return {
            "format": _FORMAT,
            "version": _VERSION,
            "name": self.name,
            "title": self.title,
            "author": self.author,
            "note": self.note,
            "parent": "" if isinstance(self.parent, Scene) else self.parent.name,
            "edits": [each.as_dict() for each in self.edits],
        }

    def to_json(self) -> str:
        """Return the scenario as JSON text, one edit a line, so that versions compare well."""
        told = self.as_dict()
        edits = [json.dumps(each, ensure_ascii=False) for each in told.pop("edits")]
        head = json.dumps(told, ensure_ascii=False, indent=2)[:-2]
        lines = ",\n    ".join(edits)
        return f'{head},\n  "edits": [{f"{chr(10)}    {lines}{chr(10)}  " if edits else ""}]\n}}\n'

    @classmethod
    def from_dict(cls, told: Mapping[str, Any], parent: Scene | Scenario) -> Scenario:
        """Return the scenario that `as_dict` wrote, on a parent.

        Raises
        ------
        SimulationError
            When it is of another format or version, or an edit does not fit the parent.
        """
        name = str(told.get("name", "scenario"))
        if told.get("format") != _FORMAT:
            raise SimulationError(name, "is not a scenario", f"its format must be '{_FORMAT}'")
        if told.get("version") != _VERSION:
            raise SimulationError(name, f"has format version {told.get('version')}", "update citytwin")
        edits = [edit_from_dict(each) for each in told.get("edits", [])]
        author, title, note = (str(told.get(key, "")) for key in ("author", "title", "note"))
        return cls(name, parent, author, title, note).edit(*edits)

    @classmethod
    def from_json(cls, text: str, parent: Scene | Scenario) -> Scenario:
        """Return the scenario that `to_json` wrote, on a parent.

        Raises
        ------
        SimulationError
            When the text is not JSON or not a scenario.
        """
        try:
            told = json.loads(text)
        except ValueError as error:
            raise SimulationError("scenario", f"is not JSON ({error})", "export it again") from error
        if not isinstance(told, dict):
            raise SimulationError("scenario", "is not a JSON object", "export it again")
        return cls.from_dict(told, parent)
