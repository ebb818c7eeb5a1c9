"""`Field`: values on objects or on a surface. Live overlays and simulations both end in one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scenes.mesh import MeshSet


@dataclass(frozen=True, eq=False)
class Field:
    """One value for each object, or for each vertex of a surface of its own.

    Parameters
    ----------
    name, unit
        What is measured, and in which UCUM unit (``"h"``, ``"Cel"``, ``"1"``).
    values
        (n,) float32; NaN means no value.
    handles
        (n,) uint32 handles of the objects, for ``domain="objects"``.
    surface
        The mesh whose n vertices carry the values, for ``domain="surface"``.
    time
        ISO 8601 instant or interval in UTC; empty where time plays no part.
    quality
        (n,) uint8, 0 = good, 1 = old, 2 = suspect, 3 = no value; None = all good.
    provenance
        Who made it from what: engine, version, hashes, parameters.

    Examples
    --------
    >>> hours = Field("sunlit_hours", "h", np.array([1.5, 3.0], np.float32), handles=np.array([0, 1], np.uint32))
    >>> hours.domain, hours.limits()
    ('objects', (1.5, 3.0))
    """

    name: str
    unit: str
    values: NDArray[np.float32]
    handles: NDArray[np.uint32] | None = None
    surface: MeshSet | None = None
    time: str = ""
    quality: NDArray[np.uint8] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that every value has its place."""
        if (self.handles is None) == (self.surface is None):
            raise ValueError(f"{self.name}: a field lies either on objects (handles) or on a surface")
        places = len(self.handles) if self.handles is not None else self.surface.vertex_count if self.surface else 0
        if self.values.shape != (places,):
            raise ValueError(f"{self.name}: {self.values.shape} values for {places} places")
        if self.quality is not None and self.quality.shape != self.values.shape:
            raise ValueError(f"{self.name}: quality has shape {self.quality.shape}, values {self.values.shape}")

    @property
    def domain(self) -> Literal["objects", "surface"]:
        """Where the values lie."""
        return "objects" if self.handles is not None else "surface"

    def limits(self) -> tuple[float, float]:
        """Return the least and the greatest value, (nan, nan) if there is none."""
        known = self.values[np.isfinite(self.values)]
        return (float(known.min()), float(known.max())) if len(known) else (float("nan"), float("nan"))
