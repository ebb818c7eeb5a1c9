"""A scenario becomes the city: what it changes is there, what it does not touch keeps its bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import scenes
from scenes.saving import save, tile_counts
from scenes.store import manifest
from twin.commands import main
from twin.whatif import (
    AddObject,
    RemoveObject,
    Scenario,
    ScenarioShelf,
    SetAttribute,
    adopt,
    list_scenarios,
    load_scenario,
    save_scenario,
)

if TYPE_CHECKING:
    from pathlib import Path

    from scenes import Scene


@pytest.fixture
def package(four_blocks: Scene, tmp_path: Path) -> Path:
    """Give a package with tiles and a scenario that has a child."""
    path = save(four_blocks, tmp_path / "blocks.city", tiles=True)
    uids = list(four_blocks)
    taller = Scenario("taller", four_blocks).edit(SetAttribute(uids[0], "height_m", 55.0))
    save_scenario(path, taller)
    save_scenario(path, Scenario("emptier", taller).edit(RemoveObject(uids[3])))
    return path


def test_the_city_has_the_edits_and_the_scenario_is_gone(package: Path, four_blocks: Scene) -> None:
    before = {file.name: file.stat().st_ino for file in (package / "objects").rglob("*.parquet")}
    version = manifest(package)["version"]
    adopt(package, "taller")
    city = scenes.open(package)
    assert city[next(iter(four_blocks))].attributes["height_m"] == 55.0
    assert city.version == version + 1
    after = {file.name: file.stat().st_ino for file in (package / "objects").rglob("*.parquet")}
    assert after["0001.parquet"] == before["0001.parquet"]
    assert after["0000.parquet"] != before["0000.parquet"]
    assert [(each["name"], each["parent"]) for each in list_scenarios(package)] == [("emptier", "")]
    assert len(load_scenario(package, "emptier", city).scene) == 3


def test_a_scenario_that_removes_and_adds_is_in_the_tiles(package: Path, four_blocks: Scene) -> None:
    ring = ((30.0, 30.0), (45.0, 30.0), (45.0, 45.0))
    extra = AddObject(footprint=(ring,), height_m=12.0, name="new")
    save_scenario(package, Scenario("mixed", four_blocks).edit(RemoveObject(list(four_blocks)[1]), extra))
    adopt(package, "mixed")
    city = scenes.open(package)
    extras = json.loads((package / "tiles" / "buildings" / "tileset.json").read_text())["extras"]
    assert (extras["count"], extras["epoch"]) == (4, city.epoch)
    assert extras["numbers"] == [[0, 0, 1], [2, 1, 3]]


def test_the_command_tells_how_many_tiles_it_wrote(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", str(package), "merge", "taller", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts == {"merged": "taller", "edits": 1, "tiles": tile_counts(package)}
    assert main(["scenario", str(package), "merge", "taller"]) == 1
    assert main(["scenario", str(package), "merge", "a", "b"]) == 1


def test_a_scenario_that_does_not_fit_the_city_any_more_is_left_out(package: Path, four_blocks: Scene) -> None:
    adopt(package, "taller")
    adopt(package, "emptier")
    save_scenario(package, Scenario("late", four_blocks).edit(RemoveObject(list(four_blocks)[3])))
    assert ScenarioShelf(scenes.open(package), package).all() == {}
