"""A job: one simulation of one scene, in one folder and one child process."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from scenes import CityTwinError, SimulationError
from twin.whatif.hashing import case_hash, engine_versions, scene_hash
from twin.whatif.inputs import checked_inputs
from twin.whatif.process import ERRORS_FILE, ChildProcess, describe_exit
from twin.whatif.result import Result
from twin.whatif.worker import ERROR_FILE, engine_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scenes import Scene
    from twin.whatif.protocol import Simulation

State = Literal["accepted", "running", "successful", "failed", "dismissed"]
_DONE_FILE = "done.json"


@dataclass(frozen=True)
class Settings:
    """Where and how jobs run.

    Parameters
    ----------
    cache
        Folder of finished cases; None = nothing is kept.
    python
        Interpreter of the child, for engines that need another one.
    timeout_s
        The run fails after so many seconds; None = never.
    environment
        Variables added to those of this process.
    """

    cache: Path | None = None
    python: str = sys.executable
    timeout_s: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def default_cache() -> Path:
    """Return the folder of finished cases: ``CITYTWIN_CACHE``, else ``citytwin`` in the user's cache."""
    own = os.environ.get("CITYTWIN_CACHE")
    base = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "citytwin"
    return base / "simulations"


class Job:
    """One run. Made by `submit` or `simulate`; may be watched and cancelled from any thread.

    Parameters
    ----------
    engine, scene
        What to run on what.
    inputs
        As the caller gave them; they are checked here.
    settings
        Where and how.
    scenario
        Name of the scenario, for provenance.
    on_event
        Called from the job's thread with ``{"job", "state", "share", "message", "sim_time"}``.

    Raises
    ------
    SimulationError
        When an input is wrong.
    """

    def __init__(
        self,
        engine: Simulation,
        scene: Scene,
        inputs: Mapping[str, Any],
        settings: Settings | None = None,
        scenario: str = "",
        on_event: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Check the inputs; nothing runs yet."""
        self.id = uuid4().hex
        self.engine, self.scene, self.scenario = engine, scene, scenario
        self.inputs = checked_inputs(engine.spec, inputs)
        self.settings = settings or Settings()
        self.state: State = "accepted"
        self.share, self.message = 0.0, ""
        self.error: CityTwinError | None = None
        self._path = engine_path(engine)
        self._result: Result | None = None
        self._on_event = on_event
        self._lock = threading.RLock()
        self._child: ChildProcess | None = None
        self._cancelled = self._timed_out = False
        self._finished = threading.Event()

    @property
    def done(self) -> bool:
        """Whether the job has ended, well or not."""
        return self._finished.is_set()

    def wait(self, timeout_s: float | None = None) -> State:
        """Wait until the job has ended, at most `timeout_s` seconds; return its state."""
        self._finished.wait(timeout_s)
        return self.state

    def result(self) -> Result:
        """Wait for the job and return its result.

        Raises
        ------
        SimulationError
            When the job failed or was dismissed; the sentence says why.
        """
        self.wait()
        if self._result is None:
            raise self.error or SimulationError(self.engine.spec.id, "has no result", "run it again")
        return self._result

    def cancel(self) -> None:
        """End the job: SIGTERM to the whole process group, SIGKILL after 3 s. A finished job stays as it is."""
        with self._lock:
            self._cancelled = True
            child, waiting = self._child, self.state == "accepted"
            if waiting:
                self._conclude("dismissed", self._dismissal())
        if child is not None:
            child.end()

    def execute(self) -> None:
        """Run in the calling thread; every failure ends in the job's state, none is raised."""
        with self._lock:
            if self.done:
                return
            self.state = "running"
        self._tell(0.0, "preparing")
        try:
            result = self._from_cache() or self._computed()
        except CityTwinError as error:
            self._conclude_with(error)
        except Exception as error:  # noqa: BLE001 - an engine's own mistake must not take the caller down
            what = f"{type(error).__name__}: {error}"
            self._conclude_with(SimulationError(self.engine.spec.id, what, "report this to the engine's author"))
        else:
            self._result = result
            self._conclude("successful")

    def _from_cache(self) -> Result | None:
        self._key = case_hash(self.engine.spec, self.scene, self.inputs)
        if self.settings.cache is None or not self.engine.spec.deterministic:
            return None
        case = self.settings.cache / self._key
        if not (case / _DONE_FILE).is_file():
            return None
        return self._collected(case, json.loads((case / _DONE_FILE).read_text("utf-8")), cached=True)

    def _computed(self) -> Result:
        root = self.settings.cache
        if root is not None:
            root.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f"{self._key}.", dir=root))
        try:
            begun = time.perf_counter()
            self.engine.prepare(self.scene, self.inputs, work)
            self._run(work)
            wall = {"wall_s": round(time.perf_counter() - begun, 3), "finished": _now()}
            result = self._collected(work, wall, cached=False)
            if root is not None:
                self._keep(work, root / self._key, wall)
            return result
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _run(self, case: Path) -> None:
        """Run the engine in a child process; raise the sentence of its failure."""
        command = [self.settings.python, "-m", "twin.whatif.worker", self._path, str(case)]
        with self._lock:
            if self._cancelled:
                raise self._dismissal()
            child = self._child = ChildProcess(command, case, self.settings.environment)
        timer = threading.Timer(self.settings.timeout_s or 0.0, self._stop_late)
        if self.settings.timeout_s is not None:
            timer.start()
        try:
            status = child.read(self._tell)
        except BaseException:
            child.end()
            raise
        finally:
            timer.cancel()
        self._refuse(case, status)

    def _stop_late(self) -> None:
        self._timed_out = True
        if self._child is not None:
            self._child.end()

    def _refuse(self, case: Path, status: int) -> None:
        """Raise when the child did not end well."""
        name = self.engine.spec.id
        if self._cancelled:
            raise self._dismissal()
        if self._timed_out:
            seconds = f"{self.settings.timeout_s:g} s"
            raise SimulationError(name, f"took longer than {seconds}", "allow more time or simulate a smaller area")
        if (case / ERROR_FILE).is_file():
            raise SimulationError(**json.loads((case / ERROR_FILE).read_text("utf-8")))
        if status != 0:
            raise SimulationError(name, describe_exit(status), _last_line(case / ERRORS_FILE))

    def _collected(self, case: Path, run: Mapping[str, Any], *, cached: bool) -> Result:
        spec = self.engine.spec
        found = self.engine.collect(self.scene, case)
        missing = [name for name in spec.checks if name not in found.checks]
        if missing:
            raise SimulationError(
                spec.id, f"did not make its check {', '.join(missing)}", "the result cannot be trusted"
            )
        provenance = self._provenance(run, found.seed)
        fields = {name: replace(each, provenance=provenance) for name, each in found.fields.items()}
        return Result(spec, self.scene, fields, found.kpis, found.checks, provenance, cached)

    def _provenance(self, run: Mapping[str, Any], seed: int | None) -> dict[str, Any]:
        spec = self.engine.spec
        return {
            "simulation": spec.id,
            "version": spec.version,
            "engines": engine_versions(spec),
            "licence": spec.licence,
            "scene": {"name": self.scene.name, "hash": scene_hash(self.scene, spec.reads), "epoch": self.scene.epoch},
            "scenario": self.scenario,
            "inputs": self.inputs,
            "seed": seed,
            "hash": self._key,
            "run": dict(run),
        }

    def _keep(self, work: Path, case: Path, run: Mapping[str, Any]) -> None:
        """Move a finished case into the cache; another job may have been faster."""
        (work / _DONE_FILE).write_text(json.dumps(dict(run)), "utf-8")
        try:
            work.rename(case)
        except OSError:
            if not (case / _DONE_FILE).is_file():
                raise

    def _dismissal(self) -> SimulationError:
        return SimulationError(self.engine.spec.id, "was cancelled", "start it again")

    def _conclude_with(self, error: CityTwinError) -> None:
        self._conclude("dismissed" if self._cancelled else "failed", error)

    def _conclude(self, state: State, error: CityTwinError | None = None) -> None:
        self.state, self.error, self._child = state, error, None
        self._tell(1.0 if state == "successful" else self.share, str(error) if error else "done")
        self._finished.set()

    def _tell(self, share: float, message: str, sim_time: str = "") -> None:
        self.share, self.message = share, message
        if self._on_event is not None:
            told = {"job": self.id, "state": self.state, "share": share, "message": message, "sim_time": sim_time}
            self._on_event(told)


def _now() -> str:
    return dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").strip().splitlines() if log.is_file() else []
    return f"its last words: {lines[-1][:200]}" if lines else "run it again with a smaller area"
