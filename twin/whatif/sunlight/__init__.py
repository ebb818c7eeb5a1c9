"""Sunlight hours on façades and ground, by pvlib's sun positions and embree's rays on the real meshes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.whatif.sunlight.prepare import write_case
from twin.whatif.sunlight.spec import SPEC

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scenes import Scene
    from twin.whatif.protocol import Collected, Context

__all__ = ["Sunlight"]


class Sunlight:
    """Counts the hours of direct sun and applies the residential rule of GB 50180-2018.

    Examples
    --------
    >>> Sunlight().spec.checks
    ('balance', 'solar_noon', 'open_sky')
    """

    spec = SPEC

    def prepare(self, scene: Scene, inputs: Mapping[str, Any], case: Path) -> None:
        """Write the shadow casters and the walls to assess."""
        write_case(scene, inputs, case)

    def run(self, case: Path, context: Context) -> None:
        """Trace the rays."""
        from twin.whatif.sunlight.engine import run_case  # noqa: PLC0415 - the engine, only in its own process

        run_case(case, context)

    def collect(self, scene: Scene, case: Path) -> Collected:  # noqa: ARG002 - handles are those of the scene prepared
        """Read hours, figures and checks."""
        from twin.whatif.sunlight.results import read_case  # noqa: PLC0415

        return read_case(case)
