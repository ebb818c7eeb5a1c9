"""A scenario becomes the city: its edits are written into the package, and only what they touch is written anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import scenes
from scenes.saving import save
from twin.whatif.scenario import Scenario
from twin.whatif.scenario_files import list_scenarios, load_scenario, remove_scenario, save_scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenes.crew import Crew


def _silent(_message: str, _share: float) -> None:
    return None


def adopt(
    package: str | Path, name: str, *, crew: Crew | None = None, progress: Callable[[str, float], None] = _silent
) -> Scenario:
    """Write a scenario into its city and return it; the scenario itself goes, those that build on it build on the city.

    Batches and tiles that no edit touches stay as they are, and the new version takes the place of the old one in one
    step (`scenes.saving.save`).

    Parameters
    ----------
    package, name
        The city package and its scenario.
    crew
        Makes tiles where many changed; default: nobody else.
    progress
        Called with (text, share 0..1) before each step.

    Raises
    ------
    SimulationError
        When there is no such scenario, or an edit does not fit.
    PackageError
        When the package cannot be written.
    """
    folder = Path(package)
    base = scenes.open(folder)
    scenario = load_scenario(folder, name, base)
    changed = scenario.scene
    children = [each["name"] for each in list_scenarios(folder) if each["parent"] == name]
    orphans = [load_scenario(folder, child, base) for child in children]
    save(
        changed if changed is not base else replace(base, version=base.version + 1),
        folder,
        crew=crew,
        progress=progress,
    )
    for child in orphans:
        save_scenario(folder, Scenario(child.name, base, child.author, child.title, child.note, child.edits))
    remove_scenario(folder, name)
    return scenario
