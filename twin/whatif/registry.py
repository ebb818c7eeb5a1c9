"""Finds the installed simulations: entry point group ``twin.simulations``."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, cast

from scenes import SimulationError

if TYPE_CHECKING:
    from twin.whatif.protocol import Simulation

GROUP = "twin.simulations"


def simulations() -> dict[str, Simulation]:
    """Return every installed simulation by its id."""
    found = [cast("Simulation", point.load()()) for point in entry_points(group=GROUP)]
    return {each.spec.id: each for each in sorted(found, key=lambda each: each.spec.id)}


def simulation(name: str) -> Simulation:
    """Return one simulation.

    Raises
    ------
    SimulationError
        When none of that name is installed.
    """
    found = simulations()
    if name not in found:
        raise SimulationError(name, "no such simulation is installed", f"there are {', '.join(found) or 'none'}")
    return found[name]


def list_specs() -> list[dict[str, Any]]:
    """Return what the viewer and ``twin simulate --list`` show of each simulation."""
    return [each.spec.as_dict() for each in simulations().values()]
