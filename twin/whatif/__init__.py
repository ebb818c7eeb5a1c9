"""What-if: scenarios (branches of typed edits), the simulation protocol, jobs, and engines."""

from __future__ import annotations

from twin.whatif.job import Job, Settings
from twin.whatif.protocol import Check, Collected, Context, Port, Simulation, Spec, Stepper
from twin.whatif.registry import list_specs, simulation, simulations
from twin.whatif.result import Result
from twin.whatif.runner import Runner
from twin.whatif.simulate import simulate, submit

__all__ = [
    "Check",
    "Collected",
    "Context",
    "Job",
    "Port",
    "Result",
    "Runner",
    "Settings",
    "Simulation",
    "Spec",
    "Stepper",
    "list_specs",
    "simulate",
    "simulation",
    "simulations",
    "submit",
]
