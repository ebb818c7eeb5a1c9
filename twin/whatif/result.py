"""What a simulation hands to people: fields, KPIs, checks, trust and provenance."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scenes import Field, Scene
    from twin.whatif.protocol import Check, Spec


@dataclass(frozen=True, eq=False)
class Result:
    """A finished run.

    Parameters
    ----------
    spec
        The simulation.
    scene
        The scene that was simulated; handles of object fields are its handles.
    fields, kpis
        By the name of their output port.
    checks
        By name; every check that the spec declares is here.
    provenance
        Who made it from what. All but ``run`` is the same on every machine.
    cached
        Whether the figures came from an earlier run with the same hash.
    """

    spec: Spec
    scene: Scene
    fields: Mapping[str, Field]
    kpis: Mapping[str, Any]
    checks: Mapping[str, Check]
    provenance: Mapping[str, Any]
    cached: bool = False

    @property
    def trusted(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks.values())

    def fields_on(self, scene: Scene) -> dict[str, Field]:
        """Return the fields with the handles of another scene, for instance of the city that a scenario branches from.

        Objects are found by uid; those that the other scene does not have are left out. Surfaces stay as they are.
        """
        if scene.epoch == self.scene.epoch:
            return dict(self.fields)
        return {name: self._carried(field, scene) for name, field in self.fields.items()}

    def _carried(self, field: Field, scene: Scene) -> Field:
        if field.handles is None:
            return field
        found = scene.handles(self.scene.uids.take(field.handles.astype("int64")))
        kept = found >= 0
        quality = None if field.quality is None else field.quality[kept]
        return replace(field, values=field.values[kept], handles=found[kept].astype("uint32"), quality=quality)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON: KPIs with titles and units, checks, and a line for each field."""
        return {
            "simulation": self.spec.id,
            "titles": dict(self.spec.titles),
            "trusted": self.trusted,
            "cached": self.cached,
            "kpis": [self._kpi(name, value) for name, value in self.kpis.items()],
            "checks": [{"name": name} | check.as_dict() for name, check in self.checks.items()],
            "fields": [self._field(name, field) for name, field in self.fields.items()],
            "provenance": dict(self.provenance),
        }

    def _kpi(self, name: str, value: object) -> dict[str, Any]:
        port = self.spec.output(name)
        return {"name": name, "titles": dict(port.titles), "value": value, "unit": port.unit, "doc": port.doc}

    def _field(self, name: str, field: Field) -> dict[str, Any]:
        limits = [None if math.isnan(limit) else limit for limit in field.limits()]
        port = self.spec.output(name)
        return {
            "name": name,
            "titles": dict(port.titles),
            "unit": field.unit,
            "domain": field.domain,
            "count": len(field.values),
            "limits": limits,
            "time": field.time,
        }
