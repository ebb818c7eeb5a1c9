"""`simulate` and `submit`: run a simulation of a scene or of one of its scenarios, now or in line."""

from __future__ import annotations

import atexit
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.whatif.job import Job, Settings, default_cache
from twin.whatif.registry import simulation
from twin.whatif.runner import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenes import Scene
    from twin.whatif.protocol import Simulation
    from twin.whatif.result import Result
    from twin.whatif.scenario import Scenario


def simulate(
    scene: Scene,
    name: str | Simulation,
    scenario: Scenario | None = None,
    *,
    progress: Callable[[float, str], None] | None = None,
    cache: bool | Path = True,
    timeout_s: float | None = None,
    **inputs: Any,
) -> Result:
    """Run a simulation and wait for its result.

    Parameters
    ----------
    scene
        The city.
    name
        Id of an installed simulation (``"sunlight"``), or an engine of your own.
    scenario
        A branch of the city to simulate instead of the city itself.
    progress
        Called with the share done and a short text.
    cache
        True = the user's cache, a folder, or False to compute again and keep nothing.
    timeout_s
        Fail after so many seconds.
    inputs
        Inputs of the simulation; a quantity may carry its unit: ``time_step_min="30 s"``.

    Raises
    ------
    SimulationError
        When an input is wrong or the run fails.
    """

    def on_event(event: dict[str, Any]) -> None:
        if progress is not None:
            progress(event["share"], event["message"])

    job = make_job(scene, name, scenario, inputs, cache=cache, timeout_s=timeout_s, on_event=on_event)
    try:
        job.execute()
    except BaseException:
        job.cancel()
        raise
    return job.result()


def submit(  # noqa: PLR0913 - a front door: everything that a run may be given
    scene: Scene,
    name: str | Simulation,
    scenario: Scenario | None = None,
    *,
    on_event: Callable[[dict[str, Any]], None] | None = None,
    cache: bool | Path = True,
    timeout_s: float | None = None,
    runner: Runner | None = None,
    **inputs: Any,
) -> Job:
    """Put a simulation in line and return its job at once; `on_event` hears of it from another thread.

    Raises
    ------
    SimulationError
        When an input is wrong or too many jobs wait.
    """
    job = make_job(scene, name, scenario, inputs, cache=cache, timeout_s=timeout_s, on_event=on_event)
    return (runner or default_runner()).submit(job)


def start(
    scene: Scene,
    name: str,
    scenario: Scenario | None,
    inputs: Mapping[str, Any],
    on_event: Callable[[dict[str, Any]], None] | None = None,
) -> Job:
    """Put a simulation in line with its inputs as a mapping, as they come from a page or from HTTP.

    `on_event` is called from the job's thread; when the state is ``successful``, ``job.result().as_dict()`` is
    the JSON for the page, and the surface fields of ``job.result().fields`` are what it draws.

    Raises
    ------
    SimulationError
        When an input is wrong or too many jobs wait.
    """
    return default_runner().submit(make_job(scene, name, scenario, dict(inputs), on_event=on_event))


@functools.cache
def default_runner() -> Runner:
    """Return the line of jobs of this process; its jobs end with the process."""
    runner = Runner()
    atexit.register(runner.close)
    return runner


def make_job(  # noqa: PLR0913 - the one place where all that decides a run comes together
    scene: Scene,
    name: str | Simulation,
    scenario: Scenario | None,
    inputs: dict[str, Any],
    *,
    cache: bool | Path = True,
    timeout_s: float | None = None,
    on_event: Callable[[dict[str, Any]], None] | None = None,
) -> Job:
    """Return a job that has not started; see `simulate` for the parameters."""
    engine = simulation(name) if isinstance(name, str) else name
    folder = cache if isinstance(cache, Path) else default_cache() if cache else None
    city = scene if scenario is None else scenario.scene
    settings = Settings(cache=folder, timeout_s=timeout_s)
    return Job(engine, city, inputs, settings, "" if scenario is None else scenario.name, on_event)
