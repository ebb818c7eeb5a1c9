"""What a sequence of edits comes to: the net change of each object, and the objects that are new.

Only the net change is applied to the scene. Edits that undo each other therefore leave the very same batches.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scenes import SimulationError
from twin.whatif.edits import (
    AddObject,
    CloseRoad,
    Edit,
    MoveObject,
    OpenGate,
    Plain,
    RemoveObject,
    RestoreObject,
    ScaleObject,
    SetAttribute,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scenes import Scene

_NOTHING_M = 1e-9
_FIXED_SETTABLE = frozenset({"name", "grade"})


@dataclass(frozen=True)
class Patch:
    """The net change of one object.

    Parameters
    ----------
    removed
        It is gone.
    dx_m, dy_m, dz_m, turn_deg
        Moved by so much, and turned anticlockwise about the middle of its bounds.
    scale
        Lengths in plan are so many times as long, about the same middle.
    attributes
        Attributes that differ from the base.
    """

    removed: bool = False
    dx_m: float = 0.0
    dy_m: float = 0.0
    dz_m: float = 0.0
    turn_deg: float = 0.0
    scale: float = 1.0
    attributes: Mapping[str, Plain] = field(default_factory=dict)

    @property
    def moves(self) -> bool:
        """Whether it stands elsewhere, or has another size in plan."""
        turn = (self.turn_deg + 180.0) % 360.0 - 180.0
        return max(abs(self.dx_m), abs(self.dy_m), abs(self.dz_m), abs(turn), abs(self.scale - 1.0)) > _NOTHING_M

    def __bool__(self) -> bool:
        """Whether anything is different at all."""
        return self.removed or self.moves or bool(self.attributes)

    def moved(self, edit: MoveObject) -> Patch:
        """Return the patch with one more move."""
        return replace(
            self,
            dx_m=self.dx_m + edit.dx_m,
            dy_m=self.dy_m + edit.dy_m,
            dz_m=self.dz_m + edit.dz_m,
            turn_deg=self.turn_deg + edit.turn_deg,
        )

    def scaled(self, edit: ScaleObject) -> Patch:
        """Return the patch with one more scale."""
        return replace(self, scale=self.scale * edit.factor)

    def with_attributes(self, values: Mapping[str, Plain], base: Mapping[str, Plain]) -> Patch:
        """Return the patch with attributes set; those that the base has anyway are dropped."""
        merged = {**self.attributes, **values}
        return replace(self, attributes={name: value for name, value in merged.items() if value != base.get(name)})


@dataclass(frozen=True)
class Changes:
    """Net changes: patches of base objects, and new objects with patches of their own, both by uid."""

    patches: Mapping[str, Patch]
    added: Mapping[str, tuple[AddObject, Patch]]


def fold(edits: Iterable[Edit], base: Scene) -> Changes:
    """Return what the edits come to on the base.

    Raises
    ------
    SimulationError
        When an edit names an object that is not there at that moment.
    """
    patches: dict[str, Patch] = {}
    added: dict[str, tuple[AddObject, Patch]] = {}
    for edit in edits:
        if isinstance(edit, AddObject):
            if edit.uid in added or edit.uid in base:
                raise SimulationError(edit.uid, "is added twice", "give each new object its own uid")
            added[edit.uid] = (edit, Patch())
        elif edit.uid in added:
            if isinstance(edit, RemoveObject):
                del added[edit.uid]
            else:
                new, patch = added[edit.uid]
                added[edit.uid] = (new, _changed(patch, edit, {**new.attributes, "height_m": new.height_m}))
        elif edit.uid in base:
            patches[edit.uid] = _changed(patches.get(edit.uid, Patch()), edit, _attributes(base, edit.uid))
        else:
            raise SimulationError(edit.uid, "the scenario has no such object", "use uids of the base or of its edits")
    return Changes({uid: patch for uid, patch in patches.items() if patch}, added)


def _attributes(base: Scene, uid: str) -> dict[str, Plain]:
    found = base[uid]
    return {**found.attributes, "name": found.name, "grade": found.fixed["grade"]}


def _changed(patch: Patch, edit: Edit, base: Mapping[str, Plain]) -> Patch:
    if isinstance(edit, RestoreObject):
        return Patch()
    if patch.removed:
        raise SimulationError(edit.uid, "was removed by an earlier edit", "restore it first")
    match edit:
        case RemoveObject():
            return Patch(removed=True)
        case MoveObject():
            return patch.moved(edit)
        case ScaleObject():
            return patch.scaled(edit)
        case SetAttribute():
            _refuse_fixed(edit)
            return patch.with_attributes({edit.name: edit.value}, base)
        case CloseRoad() | OpenGate():
            return patch.with_attributes(edit.attributes(), base)
        case _:
            raise SimulationError(edit.uid, f"{type(edit).__name__} cannot be applied", "use an edit of this toolkit")


def _refuse_fixed(edit: SetAttribute) -> None:
    from scenes.schema import FIXED_NAMES  # noqa: PLC0415 - brings Arrow

    if edit.name in FIXED_NAMES and edit.name not in _FIXED_SETTABLE:
        raise SimulationError(edit.uid, f"column '{edit.name}' cannot be set", "move, remove or add objects instead")
