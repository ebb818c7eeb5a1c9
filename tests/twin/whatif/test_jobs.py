"""Jobs: one child process each, cancelled for certain, cached by hash, failed in a sentence."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import shapely

from scenes import Field, Scene, SimulationError
from twin.whatif import Job, Runner, Scenario, SetAttribute, Settings, simulate
from twin.whatif.hashing import case_hash
from twin.whatif.process import describe_exit
from twin.whatif.simulate import make_job

from .conftest import city_of

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The engine of engines.py, importable here and in child processes."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    import engines

    yield engines.Probe()
    sys.modules.pop("engines")


@pytest.fixture
def city() -> Scene:
    return city_of([(shapely.box(x, 0, x + 10, 10), 20.0) for x in (0, 40, 80)])


class Hanging:
    """A job that reports when its grandchild runs."""

    def __init__(self, probe: Any, city: Scene, how: str, **settings: Any) -> None:
        self.hangs = threading.Event()
        self.grandchild = 0
        self.job = Job(probe, city, {"behaviour": how}, Settings(**settings), on_event=self.hear)
        self.thread = threading.Thread(target=self.job.execute)
        self.thread.start()

    def hear(self, event: dict[str, Any]) -> None:
        if event["message"].startswith("hanging"):
            self.grandchild = int(event["message"].split()[1])
            self.hangs.set()
        elif event["state"] not in {"accepted", "running"}:
            self.hangs.set()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_a_run_gives_fields_figures_checks_and_provenance(probe: Any, city: Scene) -> None:
    heard: list[tuple[float, str]] = []
    result = simulate(
        city, probe, cache=False, factor="0.05 h", progress=lambda share, message: heard.append((share, message))
    )
    assert result.kpis["count"] == 9
    assert result.trusted
    assert (0.5, "half") in heard
    assert heard[-1] == (1.0, "done")
    field = result.fields["number"]
    assert isinstance(field, Field)
    assert field.provenance["inputs"] == {"behaviour": "count", "factor": 3, "balance": 0}
    assert result.provenance["seed"] == 7
    assert result.provenance["engines"]["numpy"][0].isdigit()
    assert result.provenance["run"]["wall_s"] > 0


def test_a_failed_check_makes_the_result_untrusted(probe: Any, city: Scene) -> None:
    assert not simulate(city, probe, cache=False, balance=5).trusted


@pytest.mark.usefixtures("probe")
def test_a_missing_check_fails_the_job(city: Scene) -> None:
    engine = sys.modules["engines"].Unchecked()
    with pytest.raises(SimulationError, match="did not make its check balance"):
        simulate(city, engine, cache=False)


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ("crash", r"the engine crashed \(SIGSEGV\)"),
        ("raise", "ZeroDivisionError: a pipe of no width"),
        ("sentence", "pipes: have no width; measure them"),
        ("exit", "exit status 3; its last words: the licence server is away"),
    ],
)
def test_a_failure_of_the_child_is_a_sentence_here(probe: Any, city: Scene, behaviour: str, sentence: str) -> None:
    job = make_job(city, probe, None, {"behaviour": behaviour}, cache=False)
    job.execute()
    assert job.state == "failed"
    with pytest.raises(SimulationError, match=sentence):
        job.result()


@pytest.mark.parametrize("how", ["hang", "stubborn"])
def test_cancelling_ends_the_whole_process_group(probe: Any, city: Scene, how: str) -> None:
    run = Hanging(probe, city, how)
    run.hangs.wait()
    assert alive(run.grandchild)
    run.job.cancel()
    run.thread.join()
    assert run.job.state == "dismissed"
    assert not alive(run.grandchild)
    with pytest.raises(SimulationError, match="was cancelled"):
        run.job.result()


def test_a_run_that_takes_too_long_is_ended(probe: Any, city: Scene) -> None:
    run = Hanging(probe, city, "hang", timeout_s=0.5)
    run.thread.join()
    assert run.job.state == "failed"
    with pytest.raises(SimulationError, match=r"took longer than 0\.5 s"):
        run.job.result()


def test_the_same_question_is_answered_from_the_cache(probe: Any, city: Scene, tmp_path: Path) -> None:
    first = simulate(city, probe, cache=tmp_path)
    second = simulate(city, probe, cache=tmp_path)
    other = simulate(city, probe, cache=tmp_path, factor=2)
    assert (first.cached, second.cached, other.cached) == (False, True, False)
    assert second.kpis == first.kpis
    assert second.provenance == first.provenance
    assert len(list(tmp_path.iterdir())) == 2


def test_a_failed_run_leaves_nothing_in_the_cache(probe: Any, city: Scene, tmp_path: Path) -> None:
    with pytest.raises(SimulationError):
        simulate(city, probe, cache=tmp_path, behaviour="crash")
    assert list(tmp_path.iterdir()) == []


def test_the_hash_follows_what_the_engine_reads_and_nothing_else(probe: Any, city: Scene) -> None:
    from scenes import Layer

    key = case_hash(probe.spec, city, {})
    edited = Scenario("taller", city).edit(SetAttribute(next(iter(city)), "height_m", 33.0)).scene
    assert case_hash(probe.spec, edited, {}) != key
    assert case_hash(probe.spec, city.with_layer(Layer("empty", (), "trees")), {}) == key
    assert case_hash(probe.spec, city, {"factor": 2}) != key


def test_a_scenario_is_simulated_in_place_of_the_city(probe: Any, city: Scene) -> None:
    scenario = Scenario("taller", city).edit(SetAttribute(next(iter(city)), "height_m", 33.0))
    result = simulate(city, probe, scenario, cache=False)
    assert result.scene is scenario.scene
    assert result.provenance["scenario"] == "taller"


def test_jobs_wait_in_line_and_run_one_at_a_time(probe: Any, city: Scene) -> None:
    runner = Runner(limit=2)
    run = Hanging.__new__(Hanging)
    run.hangs, run.grandchild = threading.Event(), 0
    first = runner.submit(Job(probe, city, {"behaviour": "hang"}, on_event=run.hear))
    run.hangs.wait()
    waiting = [runner.submit(Job(probe, city, {})) for _ in range(2)]
    with pytest.raises(SimulationError, match="2 jobs are waiting"):
        runner.submit(Job(probe, city, {}))
    assert [job.state for job in (first, *waiting)] == ["running", "accepted", "accepted"]
    waiting[1].cancel()
    assert waiting[1].state == "dismissed"
    runner.cancel(first.id)
    assert waiting[0].wait() == "successful"
    assert first.state == "dismissed"
    runner.close()


def test_closing_the_line_ends_every_job(probe: Any, city: Scene) -> None:
    runner = Runner()
    jobs = [runner.submit(Job(probe, city, {"behaviour": "hang"})) for _ in range(2)]
    runner.close()
    assert {job.state for job in jobs} == {"dismissed"}
    with pytest.raises(SimulationError, match="no such job"):
        runner.get("nobody")


def test_an_engine_that_a_child_cannot_import_is_refused(probe: Any, city: Scene) -> None:
    class Local(type(probe)):  # type: ignore[misc]
        """Defined in a function."""

    with pytest.raises(SimulationError, match="cannot be imported by a child"):
        Job(Local(), city, {})


@pytest.mark.parametrize(("status", "words"), [(3, "exit status 3"), (-9, "SIGKILL"), (-250, "signal 250")])
def test_exit_statuses_have_words(status: int, words: str) -> None:
    assert words in describe_exit(status)
