"""Typed edits of a city, each with its JSON form; a scenario is a sequence of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from scenes import SimulationError

Ring = tuple[tuple[float, float], ...]
Plain = str | int | float | bool | None
MOST_SCALE = 100.0


@dataclass(frozen=True)
class Edit:
    """One change of one object.

    Parameters
    ----------
    uid
        The object that is changed; for `AddObject` the one that comes to be.
    """

    type: ClassVar[str] = ""
    uid: str

    def as_dict(self) -> dict[str, Any]:
        """Return the edit as JSON: its type and every field that is not at its default."""
        told = {
            each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name) != each.default
        }
        return {"type": self.type} | told

    @property
    def topic(self) -> str:
        """What the edit settles; two edits of one object and topic exclude each other in a merge."""
        return self.type


@dataclass(frozen=True)
class AddObject(Edit):
    """A new object: a footprint raised to a height, or a mesh of its own.

    Parameters
    ----------
    footprint
        Rings in local metres, the outer one first, each without its last point repeated; or a single ring.
    height_m
        Height of the solid over the footprint.
    base_z_m
        Local z of its foot; None = the terrain below it, or the foot of the buildings around.
    positions, triangles
        A mesh instead: local metres and indices, anticlockwise seen from outside.
    kind, name, layer, theme
        Kind (`scenes.schema.KINDS`), name, the layer it joins, and the theme of that layer if it is new.
    attributes
        Further attributes by name.
    uid
        Left empty: a scenario derives it from its own name and the number of the edit.
    """

    type: ClassVar[str] = "add_object"
    uid: str = ""
    footprint: tuple[Ring, ...] = ()
    height_m: float | None = None
    base_z_m: float | None = None
    positions: tuple[tuple[float, float, float], ...] = ()
    triangles: tuple[tuple[int, int, int], ...] = ()
    kind: str = "Building"
    name: str = ""
    layer: str = "buildings"
    theme: str = "buildings"
    attributes: Mapping[str, Plain] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that there is a shape, and take it over as plain tuples."""
        where = self.name or self.uid or "new object"
        rings = _rings(self.footprint, where)
        object.__setattr__(self, "footprint", rings)
        object.__setattr__(self, "positions", tuple(tuple(float(v) for v in point) for point in self.positions))
        object.__setattr__(self, "triangles", tuple(tuple(int(v) for v in face) for face in self.triangles))
        object.__setattr__(self, "attributes", dict(self.attributes))
        if rings and (self.height_m is None or not 0 < self.height_m < math.inf):
            raise SimulationError(where, f"its height of {self.height_m} m is not above 0", "give height_m")
        if not rings and not (self.positions and self.triangles):
            raise SimulationError(where, "has no shape", "give a footprint and height_m, or positions and triangles")
        if any(not 0 <= index < len(self.positions) for face in self.triangles for index in face):
            raise SimulationError(where, "a triangle names a vertex that is not there", "count vertices from 0")

    def as_dict(self) -> dict[str, Any]:
        """Return the edit as JSON."""
        told = super().as_dict()
        return {key: value for key, value in told.items() if value not in ((), {})}

    def __hash__(self) -> int:
        """Hash by the uid and the shape (attributes are a mapping)."""
        return hash((self.uid, self.footprint, self.height_m, self.positions))


@dataclass(frozen=True)
class RemoveObject(Edit):
    """The object is gone."""

    type: ClassVar[str] = "remove_object"


@dataclass(frozen=True)
class RestoreObject(Edit):
    """An object of the base that an earlier edit removed is back as it was."""

    type: ClassVar[str] = "restore_object"

    @property
    def topic(self) -> str:
        """Removal and restoring settle the same thing."""
        return RemoveObject.type


@dataclass(frozen=True)
class MoveObject(Edit):
    """The object is moved, and turned anticlockwise about the middle of its bounds."""

    type: ClassVar[str] = "move_object"
    dx_m: float = 0.0
    dy_m: float = 0.0
    dz_m: float = 0.0
    turn_deg: float = 0.0

    def __post_init__(self) -> None:
        """Refuse moves that lead nowhere."""
        if not all(math.isfinite(each) for each in (self.dx_m, self.dy_m, self.dz_m, self.turn_deg)):
            raise SimulationError(self.uid, "the move is not finite", "give metres and degrees")


@dataclass(frozen=True)
class ScaleObject(Edit):
    """The object is larger or smaller in plan, about the middle of its bounds; its heights stay.

    Another height is a `SetAttribute` of ``height_m``. Scales of one object multiply.

    Parameters
    ----------
    factor
        Lengths in plan are so many times as long: above 0, and at most `MOST_SCALE`.
    """

    type: ClassVar[str] = "scale_object"
    factor: float = 1.0

    def __post_init__(self) -> None:
        """Refuse factors that leave nothing, or no end."""
        good = isinstance(self.factor, int | float) and not isinstance(self.factor, bool)
        if not good or not 1 / MOST_SCALE <= self.factor <= MOST_SCALE:
            advice = f"give a number from {1 / MOST_SCALE:g} to {MOST_SCALE:g}"
            raise SimulationError(self.uid, f"a factor of {self.factor!r} is not a size", advice)


@dataclass(frozen=True)
class SetAttribute(Edit):
    """An attribute has another value; a new ``height_m`` also changes the geometry."""

    type: ClassVar[str] = "set_attribute"
    name: str = ""
    value: Plain = None

    def __post_init__(self) -> None:
        """Refuse what no column can hold."""
        if not self.name:
            raise SimulationError(self.uid, "an attribute without a name was set", "give its name")
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise SimulationError(self.uid, f"{self.name} = {self.value} is not finite", "use None for no value")

    @property
    def topic(self) -> str:
        """Each attribute is a topic of its own."""
        return f"attribute {self.name}"


@dataclass(frozen=True)
class CloseRoad(Edit):
    """A road is closed, for an interval or for good; recorded as attributes that traffic engines read."""

    type: ClassVar[str] = "close_road"
    start: str = ""
    end: str = ""

    def attributes(self) -> dict[str, Plain]:
        """Return the attributes that record it."""
        return {"closed": True, "closed_from": self.start or None, "closed_to": self.end or None}


@dataclass(frozen=True)
class OpenGate(Edit):
    """A gate or valve stands open by a share (0 shut, 1 open); recorded as an attribute that water engines read."""

    type: ClassVar[str] = "open_gate"
    share: float = 1.0

    def __post_init__(self) -> None:
        """Check the share."""
        if not 0 <= self.share <= 1:
            raise SimulationError(self.uid, f"an opening of {self.share} is not between 0 and 1", "give a share")

    def attributes(self) -> dict[str, Plain]:
        """Return the attributes that record it."""
        return {"opening": float(self.share)}


EDITS: dict[str, type[Edit]] = {
    kind.type: kind
    for kind in (
        *(AddObject, RemoveObject, RestoreObject, MoveObject, ScaleObject, SetAttribute),
        *(CloseRoad, OpenGate),
    )
}


def edit_from_dict(told: Mapping[str, Any]) -> Edit:
    """Return the edit that `Edit.as_dict` wrote.

    Raises
    ------
    SimulationError
        When the type or a field is not known.

    Examples
    --------
    >>> edit_from_dict({"type": "set_attribute", "uid": "urn:x", "name": "height_m", "value": 36.0})
    SetAttribute(uid='urn:x', name='height_m', value=36.0)
    """
    if not isinstance(told, Mapping):
        raise SimulationError("edit", f"{told!r} is not a JSON object", 'write {"type": "...", "uid": "..."}')
    kind = EDITS.get(str(told.get("type")))
    if kind is None:
        raise SimulationError("edit", f"'{told.get('type')}' is no type of edit", f"use one of {', '.join(EDITS)}")
    given = {key: value for key, value in told.items() if key != "type"}
    try:
        return kind(**given)
    except TypeError as error:
        allowed = ", ".join(each.name for each in fields(kind))
        raise SimulationError(f"edit {kind.type}", str(error).split("() ")[-1], f"it takes {allowed}") from error


def _rings(given: Any, where: str) -> tuple[Ring, ...]:
    """Return rings as tuples; a single ring is taken for the outer one."""
    if not len(given):
        return ()
    try:
        rings = (given,) if isinstance(given[0][0], int | float) else given
        plain = tuple(tuple((float(x), float(y)) for x, y in ring) for ring in rings)
    except (TypeError, ValueError, IndexError) as error:
        raise SimulationError(where, "its footprint is not a ring of points", "give [[x, y], ...]") from error
    plain = tuple(ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring for ring in plain)
    if any(len(ring) < 3 for ring in plain) or not all(math.isfinite(v) for r in plain for p in r for v in p):
        raise SimulationError(where, "its footprint has fewer than three points", "give [[x, y], ...] in local metres")
    return plain
