"""What-if: scenarios (branches of typed edits), the simulation protocol, jobs, and engines."""

from __future__ import annotations

from twin.whatif.adoption import adopt
from twin.whatif.branches import Conflict, Difference, Merge, diff, merge
from twin.whatif.compare import Comparison, compare
from twin.whatif.edits import (
    AddObject,
    CloseRoad,
    Edit,
    MoveObject,
    OpenGate,
    RemoveObject,
    RestoreObject,
    ScaleObject,
    SetAttribute,
    edit_from_dict,
)
from twin.whatif.job import Job, Settings
from twin.whatif.protocol import Check, Collected, Context, Port, Simulation, Spec, Stepper
from twin.whatif.registry import list_specs, simulation, simulations
from twin.whatif.result import Result
from twin.whatif.runner import Runner
from twin.whatif.scenario import Scenario
from twin.whatif.scenario_files import list_scenarios, load_scenario, remove_scenario, save_scenario
from twin.whatif.shelf import ScenarioShelf
from twin.whatif.simulate import default_runner, simulate, start, submit

__all__ = [
    "AddObject",
    "Check",
    "CloseRoad",
    "Collected",
    "Comparison",
    "Conflict",
    "Context",
    "Difference",
    "Edit",
    "Job",
    "Merge",
    "MoveObject",
    "OpenGate",
    "Port",
    "RemoveObject",
    "RestoreObject",
    "Result",
    "Runner",
    "ScaleObject",
    "Scenario",
    "ScenarioShelf",
    "SetAttribute",
    "Settings",
    "Simulation",
    "Spec",
    "Stepper",
    "adopt",
    "compare",
    "default_runner",
    "diff",
    "edit_from_dict",
    "list_scenarios",
    "list_specs",
    "load_scenario",
    "merge",
    "remove_scenario",
    "save_scenario",
    "simulate",
    "simulation",
    "simulations",
    "start",
    "submit",
]
