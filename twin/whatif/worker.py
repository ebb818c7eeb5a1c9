"""The child process of a job: ``python -m twin.whatif.worker MODULE:CLASS CASE``."""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, cast

from scenes import CityTwinError, SimulationError
from twin.whatif.protocol import Context

if TYPE_CHECKING:
    from twin.whatif.protocol import Simulation

ERROR_FILE = "error.json"


def load_engine(path: str) -> Simulation:
    """Return the simulation that ``module:Class`` names."""
    module, _, name = path.partition(":")
    return cast("Simulation", getattr(importlib.import_module(module), name)())


def engine_path(engine: Simulation) -> str:
    """Return ``module:Class`` of a simulation.

    Raises
    ------
    SimulationError
        When its class cannot be imported by name, as one defined inside a function or typed into a console.
    """
    kind = type(engine)
    if kind.__module__ == "__main__" or "<locals>" in kind.__qualname__ or "." in kind.__qualname__:
        raise SimulationError(
            engine.spec.id, f"{kind.__qualname__} cannot be imported by a child process", "move the class to a module"
        )
    return f"{kind.__module__}:{kind.__qualname__}"


def main(arguments: list[str]) -> int:
    """Run the engine in its case folder; return 0, or 1 after writing what went wrong."""
    engine, case = load_engine(arguments[0]), Path(arguments[1])
    try:
        engine.run(case, Context(sys.stdout))
    except CityTwinError as error:
        _write_error(case, error.where, error.what, error.advice)
        return 1
    except MemoryError:
        _write_error(case, engine.spec.id, "ran out of memory", "choose a smaller area or a coarser resolution")
        return 1
    except Exception as error:  # noqa: BLE001 - the border of the process: everything becomes a sentence
        traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
        _write_error(case, engine.spec.id, what, "the log of the run has the details")
        return 1
    return 0


def _write_error(case: Path, where: str, what: str, advice: str) -> None:
    (case / ERROR_FILE).write_text(json.dumps({"where": where, "what": what, "advice": advice}), "utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
