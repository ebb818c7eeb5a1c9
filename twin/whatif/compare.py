"""Sets two results side by side: what a variant changes, object by object and place by place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes import Field, SimulationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scenes import Scene
    from twin.whatif.result import Result

_CELL_CORNERS = 4
_SAME_PLACE_M = 0.05


@dataclass(frozen=True, eq=False)
class Comparison:
    """A variant against its base.

    Parameters
    ----------
    fields
        Variant minus base by the name of the output, on the variant's objects and surfaces; NaN where the
        base has nothing there.
    kpis
        {name: {"base": ..., "variant": ..., "change": number or None}}.
    newly_below
        Uids of objects that the variant brings below the required value.
    newly_above
        Uids of objects that it lifts to or above it.
    trusted
        Whether both results are.
    """

    fields: Mapping[str, Field]
    kpis: Mapping[str, Mapping[str, Any]]
    newly_below: tuple[str, ...]
    newly_above: tuple[str, ...]
    trusted: bool

    def as_dict(self) -> dict[str, Any]:
        """Return KPIs and lists as JSON."""
        return {
            "kpis": {name: dict(each) for name, each in self.kpis.items()},
            "newly_below": list(self.newly_below),
            "newly_above": list(self.newly_above),
            "trusted": self.trusted,
        }


def compare(
    base: Result, variant: Result, *, figure: str = "sunlit_hours", required: float | None = None
) -> Comparison:
    """Return variant minus base.

    Parameters
    ----------
    figure
        The object field that is held against the required value.
    required
        The required value; without it the KPI ``required_hours`` of the variant, if it has one.

    Raises
    ------
    SimulationError
        When the two come from different simulations.
    """
    if base.spec.id != variant.spec.id:
        raise SimulationError(variant.spec.id, f"cannot be compared with {base.spec.id}", "compare results of one kind")
    fields: dict[str, Field] = {}
    for name, after in variant.fields.items():
        before = base.fields.get(name)
        if before is not None and before.domain == after.domain:
            fields[name] = _objects(base, variant, name) if after.domain == "objects" else _surface(before, after)
    limit = variant.kpis.get("required_hours") if required is None else required
    below: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    if limit is not None and figure in base.fields and figure in variant.fields:
        below, above = _crossings(base, variant, figure, float(limit))
    return Comparison(fields, _kpis(base, variant), below, above, base.trusted and variant.trusted)


def _kpis(base: Result, variant: Result) -> dict[str, dict[str, Any]]:
    compared = {}
    for name, after in variant.kpis.items():
        before = base.kpis.get(name)
        both = all(isinstance(each, int | float) and not isinstance(each, bool) for each in (before, after))
        change = round(after - before, 9) if both else None
        compared[name] = {"base": before, "variant": after, "change": change}
    return compared


def _uids(scene: Scene, field: Field) -> list[str]:
    handles = field.handles if field.handles is not None else np.zeros(0, np.uint32)
    return [str(uid) for uid in scene.uids.take(handles.astype(np.int64)).to_pylist()]


def _aligned(base: Result, variant: Result, name: str) -> tuple[list[str], NDArray[np.float32], NDArray[np.float32]]:
    """Return the variant's uids, and the values before and after; NaN where the base has no such object."""
    known = dict(zip(_uids(base.scene, base.fields[name]), base.fields[name].values.tolist(), strict=True))
    uids = _uids(variant.scene, variant.fields[name])
    before = np.array([known.get(uid, np.nan) for uid in uids], np.float32)
    return uids, before, variant.fields[name].values


def _objects(base: Result, variant: Result, name: str) -> Field:
    _, before, after = _aligned(base, variant, name)
    field = variant.fields[name]
    return Field(f"{name}_change", field.unit, after - before, handles=field.handles, time=field.time)


def _crossings(base: Result, variant: Result, name: str, limit: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    uids, before, after = _aligned(base, variant, name)
    least = limit - 1e-6
    with np.errstate(invalid="ignore"):
        fell, rose = (before >= least) & (after < least), (before < least) & (after >= least)
    return tuple(uids[i] for i in np.flatnonzero(fell)), tuple(uids[i] for i in np.flatnonzero(rose))


def _surface(before: Field, after: Field) -> Field:
    """Return the change on cells of four vertices; cells are the same where middle and facing are."""
    known = dict(zip(_cells(before), before.values[::_CELL_CORNERS].tolist(), strict=True))
    old = np.array([known.get(cell, np.nan) for cell in _cells(after)], np.float32)
    change = after.values - np.repeat(old, _CELL_CORNERS)
    return Field(f"{after.name}_change", after.unit, change, surface=after.surface, time=after.time)


def _cells(field: Field) -> list[bytes]:
    mesh = field.surface
    if mesh is None or mesh.vertex_count % _CELL_CORNERS:
        raise SimulationError(field.name, "is not made of four-cornered cells", "compare its objects instead")
    corners = mesh.positions_m.reshape(-1, _CELL_CORNERS, 3)
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing /= np.maximum(np.linalg.norm(facing, axis=1, keepdims=True), 1e-12)
    keys = np.column_stack([np.round(corners.mean(axis=1) / _SAME_PLACE_M), np.round(facing * 10)])
    return [row.tobytes() for row in keys.astype(np.int32)]
