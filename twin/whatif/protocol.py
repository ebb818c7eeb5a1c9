"""The simulation protocol: what an engine declares, and the three steps that every run takes.

An engine is a class in the entry point group ``twin.simulations``. Importing it must not import the engine's
library: `Spec` is plain data, and only `Simulation.run`, which is called in a child process, may be heavy.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TextIO, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scenes import Field, Scene

PortKind = Literal["scalar", "series", "features", "raster", "mesh", "edits"]
PROGRESS_MARK = "@@"


@dataclass(frozen=True)
class Port:
    """One input or output.

    Parameters
    ----------
    name
        Plain name, snake case.
    kind
        ``scalar`` (a number, text or list), ``series``, ``features`` (one value an object), ``raster``,
        ``mesh`` (values on a surface of its own) or ``edits``.
    quantity
        What is measured, in the manner of CF standard names (``sunlit_duration``).
    unit
        UCUM code; ``"1"`` where there is none.
    schema
        JSON Schema (draft 2020-12) of the value, in `unit`.
    titles
        Names for people by language, ``en`` and ``zh``.
    doc
        What it means, one or two sentences.
    required, default
        Whether an input must be given, and what it is otherwise.
    """

    name: str
    kind: PortKind
    quantity: str = ""
    unit: str = "1"
    schema: Mapping[str, Any] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    doc: str = ""
    required: bool = False
    default: Any = None

    def ogc(self) -> dict[str, Any]:
        """Return the port as an input or output of an OGC API - Processes description."""
        schema = dict(self.schema) | ({} if self.default is None else {"default": self.default})
        title = self.titles.get("en", self.name)
        described: dict[str, Any] = {"title": title, "description": self.doc, "schema": schema}
        if self.unit != "1":
            described["metadata"] = [{"title": "unit", "role": "http://unitsofmeasure.org/ucum", "href": self.unit}]
        return described


@dataclass(frozen=True)
class Spec:
    """Everything about a simulation that can be known without running it.

    Parameters
    ----------
    id, version
        Short name (``sunlight``) and version of the method; a new version makes old cached results unused.
    titles, description
        By language, ``en`` and ``zh``.
    inputs, outputs
        Ports. Every scalar output is a KPI; ``features`` and ``mesh`` outputs are fields.
    engines
        Distribution names of the libraries that compute (``pvlib``); their versions enter the cache key.
    licence
        SPDX expressions of the engines.
    deterministic
        Whether the same inputs always give the same result.
    live
        Whether the engine is also a `Stepper`.
    checks
        Names of the checks that `Simulation.collect` must return. A missing one fails the job.
    reads
        Themes of the layers that the engine reads; their content enters the cache key. Empty = all.
    valid_range
        Where the method may be trusted, in a sentence.
    cost
        What a run costs, in a sentence.
    """

    id: str
    version: str
    titles: Mapping[str, str]
    description: Mapping[str, str]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    engines: tuple[str, ...] = ()
    licence: str = ""
    deterministic: bool = True
    live: bool = False
    checks: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    valid_range: str = ""
    cost: str = ""

    def input(self, name: str) -> Port:
        """Return the input port with a name (KeyError if there is none)."""
        return {port.name: port for port in self.inputs}[name]

    def output(self, name: str) -> Port:
        """Return the output port with a name (KeyError if there is none)."""
        return {port.name: port for port in self.outputs}[name]

    def ogc(self) -> dict[str, Any]:
        """Return the process description of OGC API - Processes, part 1 (OGC 18-062r2, clause 7.10)."""
        return {
            "id": self.id,
            "version": self.version,
            "title": self.titles["en"],
            "description": self.description["en"],
            "jobControlOptions": ["async-execute", "sync-execute", "dismiss"],
            "outputTransmission": ["value"],
            "inputs": {port.name: port.ogc() | {"minOccurs": int(port.required)} for port in self.inputs},
            "outputs": {port.name: port.ogc() for port in self.outputs},
        }

    def as_dict(self) -> dict[str, Any]:
        """Return what the viewer shows: id, titles, description and a form of parameters."""
        return {
            "id": self.id,
            "titles": dict(self.titles),
            "description": dict(self.description),
            "parameters": [
                {
                    "name": port.name,
                    "titles": dict(port.titles),
                    "schema": dict(port.schema),
                    "unit": port.unit,
                    "default": port.default,
                }
                for port in self.inputs
            ],
        }


@dataclass(frozen=True, slots=True)
class Check:
    """What a result says about its own trust: a balance, a convergence, a valid range.

    Examples
    --------
    >>> Check(passed=True, message="sunlit + shaded = window", value=0.0, limit=1e-6).as_dict()["passed"]
    True
    """

    passed: bool
    message: str
    value: float | None = None
    limit: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the check as a plain dictionary for JSON."""
        return {"passed": self.passed, "message": self.message, "value": self.value, "limit": self.limit}


@dataclass(frozen=True)
class Collected:
    """What an engine hands back: fields and KPIs by the name of their output port, checks by name."""

    fields: Mapping[str, Field]
    kpis: Mapping[str, Any]
    checks: Mapping[str, Check]
    seed: int | None = None


@dataclass(frozen=True)
class Context:
    """What a running engine may use: a way to say how far it is.

    Progress goes to standard output as one JSON line behind ``@@``, because engines print there too.
    """

    stream: TextIO = sys.stdout

    def progress(self, share: float, message: str = "", sim_time: str = "") -> None:
        """Report the share done (0..1), a short text, and the time inside the simulation."""
        line = {"share": round(min(max(share, 0.0), 1.0), 4), "message": message, "sim_time": sim_time}
        print(PROGRESS_MARK + json.dumps(line), file=self.stream, flush=True)


@runtime_checkable
class Simulation(Protocol):
    """An engine. Making one does no work.

    The three steps share nothing but the files in the case folder: `prepare` and `collect` run in the caller's
    process and import no engine, `run` is alone in a child process and may crash without harm.
    """

    spec: Spec

    def prepare(self, scene: Scene, inputs: Mapping[str, Any], case: Path) -> None:
        """Write what the engine needs into the case folder. Inputs are checked and in the ports' units.

        Raises
        ------
        SimulationError
            When the scene has nothing to simulate.
        """

    def run(self, case: Path, context: Context) -> None:
        """Compute; read and write the case folder only."""

    def collect(self, scene: Scene, case: Path) -> Collected:
        """Read the results; must be repeatable, since a cached case is collected again."""


@runtime_checkable
class Stepper(Protocol):
    """Optional: an engine that can be stepped and fed with live readings (a subset of BMI 2.0; FMI maps here)."""

    def initialize(self, case: Path) -> None:
        """Load the case and stand at its first instant."""

    def update_until(self, time_s: float) -> None:
        """Advance to `time_s` seconds after the first instant."""

    def get_value(self, name: str) -> Any:
        """Return an output at the present instant, in the unit of its port."""

    def set_value(self, name: str, value: Any) -> None:
        """Replace an input from now on, in the unit of its port."""

    def finalize(self) -> None:
        """Free everything."""
