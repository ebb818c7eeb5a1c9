"""Compares and merges scenarios."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scenes import Scene, SimulationError
from twin.whatif.edits import AddObject, Edit, MoveObject, RemoveObject, RestoreObject, ScaleObject
from twin.whatif.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenes import CityObject

_GEOMETRY = "geometry"
# Edits that add up: all of them count, not the last alone.
_SUMMED = frozenset({MoveObject.type, ScaleObject.type})


@dataclass(frozen=True)
class Difference:
    """What one scene has that the other has not.

    Parameters
    ----------
    added, removed
        Uids that only the second, only the first scene has.
    changed
        Uid to {attribute: (value in the first, value in the second)}; ``geometry`` holds bounds.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, Mapping[str, tuple[Any, Any]]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.added or self.removed or self.changed)

    def as_dict(self) -> dict[str, Any]:
        """Return the difference as JSON."""
        changed = {uid: {name: list(pair) for name, pair in each.items()} for uid, each in self.changed.items()}
        return {"added": list(self.added), "removed": list(self.removed), "changed": changed}


@dataclass(frozen=True)
class Conflict:
    """Two branches want different things of one object.

    Parameters
    ----------
    uid, topic
        Which object, and what about it (``attribute height_m``, ``move_object``, ``remove_object``).
    ours, theirs
        The edits of either side.
    """

    uid: str
    topic: str
    ours: tuple[Edit, ...]
    theirs: tuple[Edit, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the conflict as JSON."""
        sides = {"ours": [each.as_dict() for each in self.ours], "theirs": [each.as_dict() for each in self.theirs]}
        return {"uid": self.uid, "topic": self.topic} | sides


@dataclass(frozen=True, eq=False)
class Merge:
    """A merged branch, and the conflicts in which our side was kept."""

    scenario: Scenario
    conflicts: tuple[Conflict, ...] = ()


def diff(first: Scene | Scenario, second: Scene | Scenario) -> Difference:
    """Return what differs between two scenes; batches that they share are not looked at."""
    one, two = (each if isinstance(each, Scene) else each.scene for each in (first, second))
    shared = {id(b) for layer in one.layers.values() for b in layer.batches}
    shared &= {id(b) for layer in two.layers.values() for b in layer.batches}
    before, after = _objects(one, shared), _objects(two, shared)
    changed = {uid: found for uid, old in before.items() if uid in after and (found := _changes(old, after[uid]))}
    return Difference(
        tuple(uid for uid in after if uid not in before), tuple(uid for uid in before if uid not in after), changed
    )


def merge(name: str, ours: Scenario, theirs: Scenario, author: str = "") -> Merge:
    """Return a branch with the edits of both, and the conflicts; in a conflict our edits win.

    An object that one side removes and the other changes, and an attribute or place that both set to
    different values, are conflicts. The same edit on both sides is taken once.

    Raises
    ------
    SimulationError
        When the two do not come from the same city.
    """
    if ours.root is not theirs.root and ours.root.epoch != theirs.root.epoch:
        raise SimulationError(name, f"{ours.name} and {theirs.name} branch from different cities", "rebase one of them")
    mine, other = ours.all_edits, theirs.all_edits
    shared = 0
    while shared < min(len(mine), len(other)) and mine[shared] == other[shared]:
        shared += 1
    conflicts = _conflicts(mine[shared:], other[shared:])
    lost = {(each.uid, edit) for each in conflicts for edit in each.theirs}
    taken = [edit for edit in other[shared:] if (edit.uid, edit) not in lost and edit not in mine[shared:]]
    title = f"{ours.title or ours.name} + {theirs.title or theirs.name}"
    merged = Scenario(name, ours.root, author, title).edit(*mine, *taken)
    return Merge(merged, tuple(conflicts))


def _conflicts(ours: tuple[Edit, ...], theirs: tuple[Edit, ...]) -> list[Conflict]:
    found: list[Conflict] = []
    for uid in dict.fromkeys(edit.uid for edit in ours):
        mine = [edit for edit in ours if edit.uid == uid]
        other = [edit for edit in theirs if edit.uid == uid]
        if not other or mine == other:
            continue
        whole = (AddObject, RemoveObject, RestoreObject)
        if any(isinstance(edit, whole) for edit in (*mine, *other)):
            found.append(Conflict(uid, RemoveObject.type, tuple(mine), tuple(other)))
            continue
        for topic in dict.fromkeys(edit.topic for edit in mine):
            left = tuple(edit for edit in mine if edit.topic == topic)
            right = tuple(edit for edit in other if edit.topic == topic)
            same = left == right if topic in _SUMMED else left[-1:] == right[-1:]
            if right and not same:
                found.append(Conflict(uid, topic, left, right))
    return found


def _objects(scene: Scene, shared: set[int]) -> dict[str, CityObject]:
    found: dict[str, CityObject] = {}
    handle = 0
    for layer in scene.layers.values():
        for batch in layer.batches:
            if id(batch) not in shared:
                found |= {(each := scene.at(handle + row)).uid: each for row in range(len(batch))}
            handle += len(batch)
    return found


def _changes(old: CityObject, new: CityObject) -> dict[str, tuple[Any, Any]]:
    before = {**old.attributes, "name": old.name or None, _GEOMETRY: old.bounds}
    after = {**new.attributes, "name": new.name or None, _GEOMETRY: new.bounds}
    names = [*before, *(name for name in after if name not in before)]
    changed = {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}
    moved = old.footprint_wkb != new.footprint_wkb
    if _GEOMETRY not in changed and moved:
        changed[_GEOMETRY] = (old.bounds, new.bounds)
    return changed
