"""Vehicles attached by the command: checked before anything is written, served without datastreams."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scenes import Georeference, Scene
from scenes.store import save
from twin.app.live import LivePlan
from twin.commands import main
from twin.commands.feed import attached
from twin.live import FcdReplay

if TYPE_CHECKING:
    from pathlib import Path

FCD = """<fcd-export><timestep time="0.00">
<vehicle id="c1" x="121.47" y="31.23" angle="90.0" type="car" speed="10.0"/></timestep></fcd-export>"""


@pytest.fixture
def city(tmp_path: Path) -> Path:
    package = tmp_path / "town.city"
    save(Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), name="town"), package)
    return package


def test_a_replay_of_sumo_needs_no_datastreams(city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = tmp_path / "a run 100%.xml"
    recording.write_text(FCD)
    assert main(["feed", str(city), "--replay", str(recording), "--speed", "5", "--json"]) == 0
    (address,) = json.loads(capsys.readouterr().out)
    assert attached(city) == [address]
    plan = LivePlan.of_package(city, attached(city))
    assert plan is not None
    (feed,) = plan.feeds
    assert isinstance(feed, FcdReplay)
    assert (feed.path, feed.speed) == (recording, 5.0)
    assert LivePlan.of_package(city) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FCD.replace("121.47", "40000"), "is in metres of a network, and 0 networks lie beside it"),
        ("<fcd-export></fcd-export>", "holds no step of floating car data"),
    ],
)
def test_a_replay_that_lies_nowhere_is_not_attached(
    city: Path, tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = tmp_path / "run.xml"
    recording.write_text(text)
    assert main(["feed", str(city), "--replay", str(recording)]) == 1
    assert message in capsys.readouterr().err
    assert attached(city) == []


def test_observations_still_need_datastreams(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feed", str(city), "mqtt://localhost:1", "gtfs-rt:vehicles.pb"]) == 1
    assert "has no datastreams to feed" in capsys.readouterr().err
    assert main(["feed", str(city), "gtfs-rt:vehicles.pb#kind=tank"]) == 1
    assert "'tank' is no kind" in capsys.readouterr().err


def test_a_plain_path_is_a_recording_and_has_to_be_there(
    city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["feed", str(city), "nonsense"]) == 1
    assert "nonsense: there is no such recording" in capsys.readouterr().err
    (tmp_path / "run.xml").write_text(FCD)
    assert main(["feed", str(city), "run.xml", "--speed", "2"]) == 0
    assert main(["feed", str(city), "--replay", str(tmp_path / "run.xml"), "--speed", "2"]) == 0
    assert len(attached(city)) == 1, "the same recording, wherever the command was given"
